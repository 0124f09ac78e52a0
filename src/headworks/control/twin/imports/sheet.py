"""Tables in Excel workbooks (.xlsx). Nothing in a workbook is run, and one that would fill the memory is refused unread."""

from __future__ import annotations

import datetime
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import ParseError

import msgspec
from openpyxl import load_workbook
from openpyxl.utils import get_column_letter, range_boundaries
from openpyxl.utils.exceptions import InvalidFileException

from headworks.base.errors import HeadworksError, Invalid
from headworks.control.twin.imports.columns import HEADER_WITHIN, MOST_COLUMNS, MOST_ROWS, OF, Kind
from headworks.control.twin.imports.table import Cell, Found, Progress, Table, build, find_header

MOST_BYTES_UNPACKED = 128 << 20
MOST_PARTS = 5_000
MOST_LINES = 4 * MOST_ROWS
"""Of a sheet, empty ones included."""
_MERGED = re.compile(rb"<(?:\w+:)?mergeCell\s[^>]*?ref=\"([A-Z]{1,3}[0-9]{1,7}:[A-Z]{1,3}[0-9]{1,7})\"")
_FORMULA = re.compile(rb"<(?:\w+:)?f[\s>/]")
# What openpyxl raises for a workbook that is not one inside.
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    InvalidFileException,
    ParseError,
    KeyError,
    IndexError,
    ValueError,
    TypeError,
    AttributeError,
    OSError,
    EOFError,
    RuntimeError,
    NotImplementedError,
)


class _Sheet(msgspec.Struct, frozen=True):
    """A sheet that holds a table: its title, its part of the file, and the row of its header."""

    title: str
    part: str
    header_row: int
    width: int


def read_workbook(kind: Kind, data: bytes, file_name: str, sheet: str, progress: Progress) -> Table:
    """Return the table of a workbook: of the named sheet, or of the first visible one that has the header.

    Raises
    ------
    Invalid
        ``import.*``
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _guard(archive)
            book = load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
            try:
                chosen = _choose(kind, book, sheet)
                source = book[chosen.title]
                raw = archive.read(chosen.part)
                total = raw.count(b"</row>") or raw.count(b":row>")
                table = build(
                    kind,
                    _rows(source, chosen.width),
                    progress,
                    total,
                    file_name=file_name,
                    encoding="xlsx",
                    sheet=chosen.title[:64],
                )
            finally:
                book.close()
            table.found += _merged(raw, table, chosen.header_row)
            if _FORMULA.search(raw):
                table.found += _without_values(data, chosen.title, table, chosen.header_row)
    except HeadworksError:
        raise
    except _BROKEN as e:
        raise Invalid("import.damaged", reason=f"{type(e).__name__}: {e}"[:200]) from e
    return table


def _guard(archive: zipfile.ZipFile) -> None:
    """Refuse what is no plain workbook, and what is far larger inside than outside."""
    parts = archive.infolist()
    names = {p.filename for p in parts}
    if any(p.flag_bits & 1 for p in parts):
        raise Invalid("import.encrypted")
    if len(parts) > MOST_PARTS or sum(p.file_size for p in parts) > MOST_BYTES_UNPACKED:
        raise Invalid("import.too_large_inside", limit=MOST_BYTES_UNPACKED >> 20)
    if any(n.endswith("vbaProject.bin") for n in names):
        raise Invalid("import.macros")
    if "xl/workbook.bin" in names:
        raise Invalid("import.old_format")
    if "[Content_Types].xml" not in names or not any(n.startswith("xl/") for n in names):
        raise Invalid("import.not_table")
    if b"macroEnabled" in archive.read("[Content_Types].xml")[:1_000_000]:
        raise Invalid("import.macros")
    for part in parts:
        if part.filename.endswith((".xml", ".rels")):
            with archive.open(part) as f:
                if b"<!" in f.read(2000).replace(b"<!--", b""):
                    raise Invalid("import.damaged", reason=f"{part.filename}: <!DOCTYPE>")


def _choose(kind: Kind, book: Any, wanted: str) -> _Sheet:
    visible = [s for s in book.worksheets if s.sheet_state == "visible"]
    titles = [s.title for s in visible]
    if wanted and wanted not in titles:
        raise Invalid("import.no_sheet", sheet=wanted, known="、".join(titles) or "–")
    for s in visible:
        if wanted not in ("", s.title):
            continue
        s.reset_dimensions()  # what a file says of its size is often wrong
        for number, cells in enumerate(s.iter_rows(max_row=HEADER_WITHIN, max_col=MOST_COLUMNS, values_only=True), 1):
            header = find_header(kind, number, cells)
            if header is not None:
                return _Sheet(s.title, s._worksheet_path.lstrip("/"), number, len(header.cells))
    if not visible or all(not any(any(r) for r in _rows(s, MOST_COLUMNS)) for s in visible):
        raise Invalid("import.empty")
    columns = "、".join(c.zh for c in OF[kind])
    raise Invalid("import.wrong_sheet", sheets="、".join(titles), columns=columns, within=HEADER_WITHIN)


def _rows(sheet: Any, width: int) -> Iterator[tuple[int, list[Cell]]]:
    sheet.reset_dimensions()
    for number, cells in enumerate(sheet.iter_rows(max_col=width, values_only=True), 1):
        if number > MOST_LINES:
            raise Invalid("import.too_many_rows", limit=MOST_ROWS)
        yield number, [_cell(c) for c in cells]


def _cell(value: Any) -> Cell:
    if value is None or isinstance(value, str | int | float):
        return value if value != "" else None
    if isinstance(value, datetime.datetime | datetime.date | datetime.time | datetime.timedelta):
        return _DATE + str(value)
    return str(value)


_DATE = "\x01date:"
"""Before a cell that the spreadsheet turned into a date; `read` makes a problem of it."""


def dates(table: Table) -> list[Found]:
    """Take the marks of dates out of a table and return a problem for each that stands in a column that is read."""
    found: list[Found] = []
    names = {at: name for name, at in table.columns.items()}
    for row, cells in table.rows:
        for at, cell in enumerate(cells):
            if isinstance(cell, str) and cell.startswith(_DATE):
                cells[at] = cell.removeprefix(_DATE)
                if at in names:
                    found.append(Found(row=row, name=names[at], value=cells[at], code="import.date"))
    return found


def _merged(raw: bytes, table: Table, header_row: int) -> list[Found]:
    """Refuse a header with merged cells; return a problem for each row that merged data leaves a cell of empty. The first cell
    of a merge has the value: nothing is wrong with it.

    Raises
    ------
    Invalid
        ``import.merged_header``
    """
    used = {at + 1: name for name, at in table.columns.items()}
    by_row: dict[int, list[tuple[str, str]]] = {}
    last = table.rows[-1][0]
    for match in _MERGED.finditer(raw):
        area = match[1].decode()
        left, top, right, bottom = range_boundaries(area)
        columns = [c for c in used if left <= c <= right]
        if not columns or bottom < header_row or top > last:
            continue
        if top <= header_row:
            raise Invalid("import.merged_header", range=area, row=header_row)
        for row in range(top, min(bottom, last) + 1):
            if empty := [c for c in columns if (row, c) != (top, left)]:
                by_row.setdefault(row, []).append((used[min(empty)], area))
    return [
        Found(row=row, name=name, value=None, code="import.merged", params={"range": area})
        for row, _ in table.rows
        for name, area in by_row.get(row, ())
    ]


def _without_values(data: bytes, title: str, table: Table, header_row: int) -> list[Found]:
    """Return the cells whose formula was never worked out: programs that write workbooks leave the value to Excel."""
    book = load_workbook(io.BytesIO(data), read_only=True, data_only=False, keep_links=False)
    values = dict(table.rows)
    found: list[Found] = []
    try:
        sheet: Any = book[title]
        sheet.reset_dimensions()
        for number, cells in enumerate(
            sheet.iter_rows(max_col=MOST_COLUMNS, max_row=table.rows[-1][0], values_only=True), 1
        ):
            if number <= header_row:
                continue
            for name, at in table.columns.items():
                formula = cells[at] if at < len(cells) else None
                if isinstance(formula, str | int | float | None) and not str(formula).startswith("="):
                    continue
                row = values.get(number)
                if row is None or at >= len(row) or row[at] is None:
                    place = f"{get_column_letter(at + 1)}{number}"
                    found.append(
                        Found(
                            row=number,
                            name=name,
                            value=str(formula)[:120],
                            code="import.formula",
                            params={"cell": place},
                        )
                    )
    finally:
        book.close()
    return found
