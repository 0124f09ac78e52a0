"""A tag list made of what was found at a server, ready to be looked over, completed and imported."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from io import BytesIO
from typing import Any

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter

COLUMNS = (
    ("编码", 26),
    ("设备", 22),
    ("名称", 30),
    ("英文名称", 30),
    ("单位", 10),
    ("下限", 10),
    ("上限", 10),
    ("类型", 12),
    ("数据源", 16),
    ("地址", 44),
    ("源单位", 10),
    ("子设备", 10),
)
"""Header and width of each column; the names are those of the import of tags."""

_UNFIT = re.compile(r"[\s/,;\"'\x00-\x1f]+")
_SPREADSHEET = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_LONGEST_CODE = 120


def entries(source: str, rows: Iterable[dict[str, Any]], numeric: Any) -> Iterator[Sequence[Any]]:
    """Yield a line for each row that gives numbers (``numeric(type)``); codes are proposed from the names and unique.

    A node that is a tag already keeps that tag's code. Of nodes with one name the others get the name of what they lie in
    before it, then a number.
    """
    wanted = [r for r in rows if numeric(r["type"])]
    taken = {r["tag"] for r in wanted if r.get("tag")}
    for r in wanted:
        code = r.get("tag") or _code(r, taken)
        taken.add(code)
        title = r["title"] or code
        yield (code, "", title, title, r["unit"], r["low"], r["high"], "measured", source, r["node"], r["unit"], "")


def _code(row: dict[str, Any], taken: set[str]) -> str:
    name = _fit(row["name"]) or _fit(row["node"])
    if name not in taken:
        return name
    within = _fit(row["path"].rpartition("/")[2])
    longer = _fit(f"{within}.{name}") if within else name
    if longer not in taken:
        return longer
    number = 2
    while f"{longer[: _LONGEST_CODE - 8]}.{number}" in taken:
        number += 1
    return f"{longer[: _LONGEST_CODE - 8]}.{number}"


def _fit(text: str) -> str:
    return _UNFIT.sub("_", text).strip("_")[:_LONGEST_CODE]


def workbook(lines: Iterable[Sequence[Any]]) -> bytes:
    """Return a spreadsheet of tag lines."""
    book = Workbook()
    sheet: Any = book.active
    sheet.title = "tags"
    sheet.append([name for name, _ in COLUMNS])
    for cell in sheet[1]:
        cell.font = Font(bold=True)
        cell.fill = PatternFill("solid", fgColor="DDE5EE")
        cell.alignment = Alignment(vertical="center")
    for line in lines:
        sheet.append([_SPREADSHEET.sub(" ", v) if isinstance(v, str) else v for v in line])
        for cell in sheet[sheet.max_row]:
            if cell.data_type == "f":
                cell.data_type = "s"  # a name that begins with = is a name
    for i, (_, width) in enumerate(COLUMNS, 1):
        sheet.column_dimensions[get_column_letter(i)].width = width
    sheet.freeze_panes = "A2"
    out = BytesIO()
    book.save(out)
    return out.getvalue()
