"""A table as it was read from a file, whatever kind of file it was, and what is wrong in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec
from openpyxl.utils import get_column_letter

from headworks.base.errors import Invalid
from headworks.control.twin.imports.columns import (
    HEADER_WITHIN,
    MOST_COLUMNS,
    MOST_ROWS,
    OF,
    PROBLEMS,
    Kind,
    by_header,
    plain,
)

Cell = str | int | float | bool | None
Progress = Callable[[str, int, int], None]
"""Told what is done (``read``, ``check``), how much of it, and of how much (0: not known)."""


def silent(_step: str, _done: int, _total: int) -> None:
    """Tell nobody."""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong: in which row (as the spreadsheet numbers it) and column (its name, "" for the whole row)."""

    row: int
    name: str
    value: Cell
    code: str
    params: dict[str, Any] = {}


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """Something people should know and that stops nothing."""

    column: str
    header: str
    code: str
    params: dict[str, Any] = {}


class Table(msgspec.Struct, kw_only=True):
    """The rows of a table. `columns` maps names of columns to their positions in a row."""

    file_name: str
    encoding: str
    sheet: str = ""
    headers: list[str]
    columns: dict[str, int]
    rows: list[tuple[int, list[Cell]]]
    found: list[Found] = []
    warnings: list[Notice] = []

    def letter(self, name: str) -> str:
        """Return the letter of a column, "" if the table does not have it."""
        return get_column_letter(self.columns[name] + 1) if name in self.columns else ""

    def header(self, name: str) -> str:
        """Return a column's header as it is written in the file, else its name."""
        return self.headers[self.columns[name]] if name in self.columns else name


class Header(msgspec.Struct, frozen=True):
    """Where a header was found: row number, the cells, and name -> position."""

    row: int
    cells: list[str]
    columns: dict[str, int]


def find_header(kind: Kind, row: int, cells: Iterable[Cell]) -> Header | None:
    """Return the header a row is, None if it is none: the code and at least one more column have to be there.

    Raises
    ------
    Invalid
        ``import.column_twice``
    """
    known = by_header(kind)
    texts = ["" if c is None else str(c).strip() for c in cells]
    columns: dict[str, int] = {}
    again: tuple[str, str] | None = None
    for position, text in enumerate(texts):
        name = known.get(plain(text)) if text else None
        if name is None:
            continue
        if name in columns:
            again = (texts[columns[name]], text)
            continue
        columns[name] = position
    if "code" not in columns or len(columns.keys() - {PROBLEMS}) < 2:
        return None
    if again is not None:
        raise Invalid("import.column_twice", row=row, first=again[0], second=again[1])
    while texts and not texts[-1]:
        texts.pop()
    return Header(row, texts, columns)


def build(
    kind: Kind, rows: Iterator[tuple[int, list[Cell]]], progress: Progress, total: int = 0, **known: Any
) -> Table:
    """Return the table that `rows` (number, cells) hold: a header within the first lines, then data; empty rows are left out.

    Raises
    ------
    Invalid
        ``import.no_header``, ``import.empty``, ``import.too_many_rows``, ``import.column_twice``
    """
    header: Header | None = None
    data: list[tuple[int, list[Cell]]] = []
    seen = 0
    for number, cells in rows:
        seen += 1
        if header is None:
            header = find_header(kind, number, cells[:MOST_COLUMNS])
            if header is None and seen >= HEADER_WITHIN:
                break
            continue
        if any(c is not None and c != "" for c in cells):
            data.append((number, cells[:MOST_COLUMNS]))
            if len(data) > MOST_ROWS:
                raise Invalid("import.too_many_rows", limit=MOST_ROWS)
        if seen % 1000 == 0:
            progress("read", seen, total)
    if header is None:
        if seen == 0:
            raise Invalid("import.empty")
        raise Invalid("import.no_header", columns="、".join(c.zh for c in OF[kind]), within=HEADER_WITHIN)
    if not data:
        raise Invalid("import.empty")
    taken = set(header.columns.values())
    warnings = [
        Notice(
            column=get_column_letter(position + 1),
            header=text,
            code="import.unknown_column",
            params={"header": text, "known": "、".join(c.zh for c in OF[kind])},
        )
        for position, text in enumerate(header.cells)
        if text and position not in taken
    ]
    columns = {name: at for name, at in header.columns.items() if name != PROBLEMS}
    return Table(headers=header.cells, columns=columns, rows=data, warnings=warnings, **known)
