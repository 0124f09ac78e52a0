"""Writes the plant folder of unit 2, and the tables people import, from the tag tables.

::

    python -m headworks.simulate.unit2_files examples/demo-unit-2

The folder holds the frame (types, asset tree, alarm group); tags and models come in as tables, as in a plant that is
being connected: ``tags.xlsx`` and ``models.xlsx`` (and the same as CSV), and ``tags-with-errors.xlsx`` to see what a
mistake looks like. Equal tables give equal bytes.
"""

from __future__ import annotations

import csv
import io
import json
import re
import sys
import zipfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

from headworks.simulate.unit2 import PARTS, TAGS
from headworks.simulate.unit2_models import ALARM_GROUPS, MODELS

SOURCE = "dcs-u2"
"""Code of the OPC UA source that the tag list names."""

Cell = str | float | None
Table = list[list[Cell]]

TAG_COLUMNS = ("编码", "设备", "名称", "英文名称", "单位", "下限", "上限", "类型", "数据源", "地址", "源单位", "子设备")
MODEL_COLUMNS = ("编码", "模板", "设备", "输入", "参数", "输出")
TYPES = {
    "plant": ("电厂", "Power plant"),
    "unit": ("机组", "Unit"),
    "system": ("系统", "System"),
    "boiler_part": ("锅炉部件", "Boiler part"),
    "valve": ("阀门", "Valve"),
    "fan": ("风机", "Fan"),
    "air_heater": ("空气预热器", "Air heater"),
    "mill": ("磨煤机", "Coal mill"),
    "feeder": ("给煤机", "Coal feeder"),
    "turbine_part": ("汽轮机部件", "Turbine part"),
    "bearing": ("轴承", "Bearing"),
    "pipe": ("管道", "Piping"),
    "heater": ("加热器", "Feedwater heater"),
    "deaerator": ("除氧器", "Deaerator"),
    "pump": ("泵", "Pump"),
    "condenser": ("凝汽器", "Condenser"),
    "generator": ("发电机", "Generator"),
    "transformer": ("变压器", "Transformer"),
    "breaker": ("断路器", "Breaker"),
    "protection": ("保护", "Protection"),
    "service": ("公用设施", "Plant service"),
}
_MADE = datetime(2026, 1, 1)  # noqa: DTZ001 - a workbook keeps no time zone
_PLANT = """\
# The frame of unit 2. Tags and models come in as tables (tags.xlsx, models.xlsx); what is not owned here stays as it is.
# Written by python -m headworks.simulate.unit2_files.
code: demo2
title: {zh: 示范电厂二期, en: "Demonstration power plant, phase 2"}
timezone: Asia/Shanghai
owns: [types, assets, templates, alarm_groups]
template_folders: [../thermal-templates]
partitions:
  - {code: u2, asset: U2, tick_s: 1, lateness_s: 2, staleness_s: 30, clock: wall}
"""


def node(code: str) -> str:
    """Return the address of a tag at the control system of unit 2."""
    return f"ns=2;s={code}"


def tag_table() -> Table:
    """Return the tag list: a header and a row for each of the 500 tags."""
    rows: Table = [list(TAG_COLUMNS)]
    for t in TAGS:
        rows.append(
            [t.code, t.asset, t.zh, t.en, t.unit, t.low, t.high, "measured", SOURCE, node(t.code), t.source_unit, None]
        )
    return rows


def tag_table_with_errors() -> Table:
    """Return the tag list with three bad rows: a unit that does not exist, an asset that does not exist, a code given twice."""
    rows = tag_table()
    place = {row[0]: i for i, row in enumerate(rows)}
    rows[place["2LAC10CP002"]][4] = "MPaa"
    rows[place["2HFC30CT001"]][1] = "U2-MILL-G"
    rows[place["2MAD05CY002"]][0] = "2MAD05CY001"
    return rows


def model_table() -> Table:
    """Return the list of models: a header and a row for each."""
    rows: Table = [list(MODEL_COLUMNS)]
    for m in MODELS:
        inputs = "; ".join(f"{port}={code}" for port, code in m.inputs.items())
        params = "; ".join(f"{name}={value:g}" for name, value in m.params.items())
        rows.append([m.code, m.template, m.asset, inputs, params, None])
    return rows


def files() -> dict[str, bytes]:
    """Return the generated files of the folder: relative path to content."""
    tags, models = tag_table(), model_table()
    return {
        "plant.yaml": _PLANT.encode(),
        "types.yaml": _lines({"code": c, "version": 1, "title": _title(*t)} for c, t in TYPES.items()),
        "assets.yaml": _lines(
            {"code": p.code, "parent": p.parent, "type": p.type, "title": _title(p.zh, p.en)}
            | ({"kks": p.kks} if p.kks else {})
            for p in PARTS
        ),
        "alarm_groups.yaml": _groups(),
        "tags.csv": table_csv(tags),
        "tags.xlsx": workbook("测点", tags),
        "tags-with-errors.xlsx": workbook("测点", tag_table_with_errors()),
        "models.csv": table_csv(models),
        "models.xlsx": workbook("模型", models),
    }


def _title(zh: str, en: str) -> dict[str, str]:
    return {"zh": zh, "en": en}


def _lines(rows: Any) -> bytes:
    return "".join(f"- {_flow(row)}\n" for row in rows).encode()


def _flow(value: Any) -> str:
    """Return plain data as YAML on one line, quoted only where it must be."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k}: {_flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, str):
        return (
            value
            if re.fullmatch(r"[A-Za-z\u4e00-\u9fff][\w .\u4e00-\u9fff()/-]*", value)
            else json.dumps(value, ensure_ascii=False)
        )
    return "null" if value is None else str(value)


def _groups() -> bytes:
    out = []
    for g in ALARM_GROUPS:
        out.append(
            f"- code: {g['code']}\n  title: {_flow(g['title'])}\n  trigger: {_flow(g['trigger'])}\n  first_out:\n"
        )
        out += [f"    - {_flow(f)}\n" for f in g["first_out"]]
        out.append(f"  look_back_s: {g['look_back_s']}\n  consequences: {_flow(g['consequences'])}\n  never:\n")
        out += [f"    - {_flow(n)}\n" for n in g["never"]]
    return "".join(out).encode()


def table_csv(rows: Table) -> bytes:
    """Return a table as CSV (UTF-8 with BOM, as spreadsheets want it)."""
    out = io.StringIO()
    for row in rows:
        csv.writer(out, lineterminator="\r\n").writerow(
            ["" if c is None else f"{c:g}" if isinstance(c, float | int) else c for c in row]
        )
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def workbook(title: str, rows: Table) -> bytes:
    """Return a table as a workbook of one sheet; equal tables give equal bytes."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = title
    for row in rows:
        sheet.append([None if c == "" else c for c in row])
    for cell in sheet[1]:
        cell.font = Font(bold=True)
    sheet.freeze_panes = "A2"
    for i, width in enumerate(_widths(rows), 1):
        sheet.column_dimensions[get_column_letter(i)].width = width
    book.properties.creator, book.properties.created = "Headworks", _MADE
    raw = io.BytesIO()
    book.save(raw)
    return _settled(raw.getvalue())


def _widths(rows: Table) -> list[int]:
    def length(cell: Cell) -> int:
        return sum(2 if ord(c) > 0x2E80 else 1 for c in str(cell or ""))

    return [min(60, 2 + max(map(length, column))) for column in zip(*rows, strict=True)]


def _settled(raw: bytes) -> bytes:
    """Return a workbook whose archive and properties carry a fixed time instead of the moment they were written."""
    stamp = _MADE.strftime("%Y-%m-%dT%H:%M:%SZ").encode()
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for info in old.infolist():
            data = old.read(info)
            if info.filename == "docProps/core.xml":
                data = re.sub(rb"(<dcterms:modified[^>]*>)[^<]*", rb"\g<1>" + stamp, data)
            entry = zipfile.ZipInfo(info.filename, _MADE.timetuple()[:6])
            entry.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(entry, data)
    return out.getvalue()


def cells(raw: bytes) -> Sequence[tuple[Cell, ...]]:
    """Return the values in a workbook's first sheet."""
    from openpyxl import load_workbook

    sheet = load_workbook(io.BytesIO(raw), read_only=True).worksheets[0]
    return [tuple(row) for row in sheet.iter_rows(values_only=True)]  # type: ignore[arg-type]


def main(folder: Path) -> None:
    """Write the files under `folder`; a workbook whose cells are the same is left as it is."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files().items():
        file = folder / name
        if name.endswith(".xlsx") and file.exists() and cells(file.read_bytes()) == cells(content):
            continue
        file.write_bytes(content)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
