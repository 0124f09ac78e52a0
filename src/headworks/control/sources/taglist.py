"""A tag list made of what was found at a server, ready to be looked over, completed and imported."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import BytesIO
from typing import Any, NamedTuple

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter

from headworks.connect.opcua.rows import numeric

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


class Known(NamedTuple):
    """A tag that is read from the source already."""

    asset: str
    title_zh: str
    title_en: str
    unit: str
    low: float | None
    high: float | None
    source_unit: str


def entries(
    source: str, rows: Iterable[dict[str, Any]], known: Mapping[str, tuple[str, Known]], taken: set[str]
) -> Iterator[Sequence[Any]]:
    """Yield a line for each row that gives numbers; codes are proposed from the names.

    A node that is a tag already is listed as the tag is, so that importing the list again changes nothing. Of nodes with one
    name the others get the name of what they lie in before it, then a number.

    Parameters
    ----------
    known : address -> code and tag, of the points of the source
    taken : codes of other tags; the proposed ones are added
    """
    for r in rows:
        if r["node"] in known:
            code, t = known[r["node"]]
            yield (
                *(code, t.asset, t.title_zh, t.title_en, t.unit, t.low, t.high, "measured"),
                *(source, r["node"], t.source_unit, ""),
            )
        elif numeric(r["type"]):
            code = _code(r, taken)
            taken.add(code)
            title = r["title"] or code
            said = r.get("description") or ""
            english = said if said.isascii() and not title.isascii() and said else title
            yield (
                code,
                "",
                title,
                english,
                r["unit"],
                r["low"],
                r["high"],
                "measured",
                source,
                r["node"],
                r["unit"],
                "",
            )


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
