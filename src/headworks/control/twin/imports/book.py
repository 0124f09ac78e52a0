"""Workbooks that people fill in, correct or keep: rows below a header that the import reads."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter, quote_sheetname
from openpyxl.worksheet.datavalidation import DataValidation

from headworks.base import units
from headworks.control.twin.imports.columns import OF, Column, Kind
from headworks.control.twin.imports.values import LEADING

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV = "text/csv; charset=utf-8"
PROBLEMS_HEADER = "问题 Problems"
_UNWRITABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_HEAD = PatternFill("solid", fgColor="DDE5EE")
_RED = PatternFill("solid", fgColor="FFC7CE")
_BLANK_ROWS = 5000
"""So many rows of a blank workbook offer lists to choose from."""


def filled(kind: Kind, rows: Iterable[Mapping[str, Any]]) -> bytes:
    """Return a workbook of rows (by name of column) below the header."""
    book = Workbook(write_only=True)
    sheet: Any = book.create_sheet(kind)
    columns = OF[kind]
    _prepare(sheet, columns)
    for row in rows:
        sheet.append([_cell(sheet, row.get(c.name)) for c in columns])
    return _saved(book)


def as_csv(kind: Kind, rows: Iterable[Mapping[str, Any]]) -> bytes:
    """Return rows as CSV in UTF-8 with a byte order mark, which spreadsheets need. A text that a spreadsheet would take for a
    formula gets an apostrophe, which the import takes away again."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    columns = OF[kind]
    writer.writerow([c.zh for c in columns])
    for row in rows:
        writer.writerow([_plain(row.get(c.name)) for c in columns])
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def blank(kind: Kind, language: str) -> bytes:
    """Return a workbook to fill in: the header with a note on each column, and lists of units and kinds to choose from."""
    book = Workbook()
    sheet: Any = book.active
    sheet.title = kind
    columns = OF[kind]
    for position, column in enumerate(columns, 1):
        cell = sheet.cell(1, position, column.zh)
        cell.font, cell.fill = Font(bold=True), _HEAD
        note = column.note_zh if language == "zh-CN" else column.note_en
        cell.comment = Comment(f"{column.name}\n{note}", "Headworks", height=90, width=280)
        sheet.column_dimensions[get_column_letter(position)].width = column.width
    sheet.freeze_panes = "A2"
    lists: Any = book.create_sheet("lists")
    lists.sheet_state = "hidden"
    choices = {"unit": units.spellings(), "source_unit": units.spellings(), "kind": ("measured", "calculated")}
    for number, (name, values) in enumerate(choices.items(), 1):
        letter = get_column_letter(number)
        for row, value in enumerate(values, 1):
            lists.cell(row, number, value).data_type = "s"
        at = next((i for i, c in enumerate(columns, 1) if c.name == name), None)
        if at is None:
            continue
        area = f"{quote_sheetname('lists')}!${letter}$1:${letter}${len(values)}"
        # A unit that is not in the list may be known all the same, so the list does not forbid it.
        rule = DataValidation("list", formula1=area, allow_blank=True, showErrorMessage=name == "kind")
        sheet.add_data_validation(rule)
        rule.add(f"{get_column_letter(at)}2:{get_column_letter(at)}{_BLANK_ROWS}")
    return _saved(book)


def with_problems(
    headers: Sequence[str], rows: Iterable[tuple[Sequence[Any], Mapping[int, str], str]], title: str
) -> bytes:
    """Return a workbook of the rows of a file with what is wrong with each in a last column, and the cells in red.

    Parameters
    ----------
    rows : cells, problems by position of the cell, and the text of all problems of the row ("" for a good one)
    """
    book = Workbook(write_only=True)
    sheet: Any = book.create_sheet(title)
    _prepare(sheet, [*(Column(name=h, zh=h, width=18) for h in headers), Column(name="", zh=PROBLEMS_HEADER, width=80)])
    for cells, bad, text in rows:
        line = [_cell(sheet, cells[i] if i < len(cells) else None) for i in range(len(headers))]
        if text:
            for position in bad:
                if position < len(line):
                    line[position] = _cell(sheet, line[position].value, _RED)
            line.append(_cell(sheet, text, _RED))
        sheet.append(line)
    return _saved(book)


def _prepare(sheet: Any, columns: Sequence[Column]) -> None:
    for position, column in enumerate(columns, 1):
        sheet.column_dimensions[get_column_letter(position)].width = column.width
    sheet.freeze_panes = "A2"
    head = []
    for column in columns:
        cell = WriteOnlyCell(sheet, value=_UNWRITABLE.sub(" ", column.zh))
        cell.font, cell.fill, cell.alignment = Font(bold=True), _HEAD, Alignment(vertical="center")
        cell.data_type = "s"
        head.append(cell)
    sheet.append(head)


def _cell(sheet: Any, value: Any, fill: PatternFill | None = None) -> Any:
    """Return a cell; a text is a text, whatever it begins with."""
    if isinstance(value, str):
        value = _UNWRITABLE.sub(" ", value)[:32_767]
    cell = WriteOnlyCell(sheet, value=value if value != "" else None)
    if isinstance(value, str) and value:
        cell.data_type = "s"
    if fill is not None:
        cell.fill = fill
    return cell


def _plain(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)
    text = str(value)
    return f"'{text}" if text.startswith(LEADING) else text


def _saved(book: Workbook) -> bytes:
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
