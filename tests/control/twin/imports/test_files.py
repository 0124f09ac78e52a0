"""Files of every kind: what is read, and the one clear message for what is not; nothing is ever half-read."""

from __future__ import annotations

import datetime
import io
import zipfile
from collections.abc import Callable
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl.worksheet.formula import ArrayFormula

from headworks.base import i18n
from headworks.base.errors import Invalid
from headworks.control.twin.imports import columns, delimited, sheet, table
from headworks.control.twin.imports.read import MOST_BYTES, read_table
from headworks.control.twin.imports.values import Unfit, code, garbled, number, pairs, text

pytestmark = pytest.mark.feature("PLT-06")

HEADER = ["编码", "设备", "名称", "单位", "下限", "上限"]
ROW = ["2LAC10CT001", "P1", "轴承温度", "℃", 0, 150]
CSV = "编码,设备,名称,单位,下限,上限\n2LAC10CT001,P1,轴承温度,℃,0,150\n"


def xlsx(rows: list[list[Any]], edit: Callable[[Any], None] | None = None) -> bytes:
    book = openpyxl.Workbook()
    page: Any = book.active
    for row in rows:
        page.append(row)
    if edit is not None:
        edit(page)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def packed(parts: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()


def with_part(data: bytes, name: str, content: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = {n: archive.read(n) for n in archive.namelist()}
    return packed(parts | {name: content})


def told(error: Invalid) -> None:
    """Check that a refusal has texts that its parameters fill."""
    for language in i18n.LANGUAGES:
        assert i18n.text(f"errors.{error.error_code}", language, **error.params)


def refused(data: bytes, **more: Any) -> tuple[str, dict[str, Any]]:
    """Return code and parameters of the refusal, and check that it has texts."""
    with pytest.raises(Invalid) as e:
        read_table("tags", data, "list.xlsx", **more)
    told(e.value)
    return e.value.error_code, e.value.params


# --- encodings


@pytest.mark.parametrize(
    ("codec", "name"),
    [("utf-8", "UTF-8"), ("utf-8-sig", "UTF-8 BOM"), ("gbk", "GB18030"), ("gb18030", "GB18030"), ("utf-16", "UTF-16")],
)
def test_text_is_read_in_the_encoding_it_is_in(codec: str, name: str) -> None:
    read = read_table("tags", CSV.encode(codec), "list.csv")

    assert read.encoding == name
    assert read.rows == [(2, ["2LAC10CT001", "P1", "轴承温度", "℃", "0", "150"])]


def test_ascii_is_not_taken_for_chinese() -> None:
    assert delimited.decode(b"code,name\nA,B\n") == ("code,name\nA,B\n", "UTF-8")


@pytest.mark.parametrize(
    "data", ["code,unit\nA,°C\n".encode("latin-1"), "code,name\nA,Größe\n".encode("cp1252"), b"\xff\xff\xff"]
)
def test_an_encoding_that_cannot_be_told_is_not_guessed(data: bytes) -> None:
    assert refused(data)[0] == "import.unknown_encoding"


@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_cells_may_be_apart_by_commas_tabs_or_semicolons(delimiter: str) -> None:
    assert len(read_table("tags", CSV.replace(",", delimiter).encode(), "x").columns) == 6


# --- headers


def test_columns_come_in_any_order_and_language_below_a_title() -> None:
    rows = [["2号机组测点清单"], [], ["Name", "测点编码*", "备注", "单位 (unit)", "HIGH"], ["温度", "A", "x", "℃", 3]]
    read = read_table("tags", xlsx(rows), "x.xlsx")

    assert read.columns == {"title_zh": 0, "code": 1, "unit": 3, "high": 4}
    assert read.rows == [(4, ["温度", "A", "x", "℃", 3])]
    assert [(n.column, n.header, n.code) for n in read.warnings] == [("C", "备注", "import.unknown_column")]
    assert (read.letter("unit"), read.header("unit")) == ("D", "单位 (unit)")


def test_every_header_means_one_column() -> None:
    for kind in columns.KINDS:
        seen: dict[str, str] = {}
        for c in columns.OF[kind]:
            for header in (c.name, c.zh, *c.also):
                assert seen.setdefault(columns.plain(header), c.name) == c.name, header


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([["a", "b"], [1, 2]], "import.wrong_sheet"),
        ([["编码"], ["A"]], "import.wrong_sheet"),
        ([HEADER], "import.empty"),
        ([[]], "import.empty"),
        ([[None]] * 25 + [HEADER, ROW], "import.wrong_sheet"),
        ([["编码", "名称", "测点编码"], ["A", "B", "C"]], "import.column_twice"),
    ],
)
def test_a_sheet_without_such_a_table(rows: list[list[Any]], expected: str) -> None:
    assert refused(xlsx(rows))[0] == expected


def test_the_sheet_with_the_header_is_found_and_may_be_named() -> None:
    def more(page: Any) -> None:
        other = page.parent.create_sheet("测点表")
        for row in (HEADER, ["B", *ROW[1:]]):
            other.append(row)
        hidden = page.parent.create_sheet("隐藏")
        hidden.sheet_state = "hidden"

    data = xlsx([["封面"]], more)
    assert read_table("tags", data, "x").sheet == "测点表"
    assert read_table("tags", data, "x", "测点表").rows[0][1][0] == "B"
    assert refused(data, sheet_name="隐藏") == ("import.no_sheet", {"sheet": "隐藏", "known": "Sheet、测点表"})
    assert refused(xlsx([["封面"]], lambda p: p.parent.create_sheet("x")))[1]["sheets"] == "Sheet、x"


def test_texts_without_a_table() -> None:
    assert refused(b"")[0] == "import.empty"
    assert refused(b" \n \n")[0] == "import.empty"
    assert refused(b"a,b\n1,2\n")[0] == "import.no_header"
    assert refused(b"\xef\xbb\xbf")[0] == "import.empty"
    assert refused(b"<html><table><tr><td>x</td></tr></table>")[0] == "import.not_table"
    assert refused(b"code,name\x00\n")[0] == "import.not_text"
    assert refused('编码,名称\nA,"x\n'.encode()) == ("import.not_csv", {"row": 2, "reason": "unexpected end of data"})


# --- merged cells, formulas, dates


def test_merged_cells_of_the_header_are_refused_by_name() -> None:
    data = xlsx([HEADER, ROW], lambda p: p.merge_cells("E1:F1"))

    assert refused(data) == ("import.merged_header", {"range": "E1:F1", "row": 1})


def test_merged_data_is_a_problem_of_the_rows_it_leaves_empty() -> None:
    def merge(page: Any) -> None:
        page.merge_cells("A1:F1")
        page.merge_cells("B4:B5")
        page.merge_cells("C4:D5")
        page.merge_cells("H3:H5")
        page.merge_cells("A9:F9")

    rows = [["清单"], HEADER, ROW, ["B", "P1", *ROW[2:]], ["C", "P1", *ROW[2:]]]
    found = read_table("tags", xlsx(rows, merge), "x").found

    assert sorted((f.row, f.name, f.code, f.params["range"]) for f in found) == [
        (4, "unit", "import.merged", "C4:D5"),
        (5, "asset", "import.merged", "B4:B5"),
        (5, "title_zh", "import.merged", "C4:D5"),
    ], "the row with the value, a title above, an unknown column and what is below the table do not matter"


def test_formulas_without_a_result_are_told_by_cell() -> None:
    def formulas(page: Any) -> None:
        page["F2"] = "=E2*2"
        page["F3"] = ArrayFormula("F3:F3", "=SUM(E2:E3)")

    found = read_table("tags", xlsx([HEADER, ROW, ["B", *ROW[1:]]], formulas), "x").found

    assert [(f.row, f.name, f.code, f.params["cell"]) for f in found] == [
        (2, "high", "import.formula", "F2"),
        (3, "high", "import.formula", "F3"),
    ]


def test_the_stored_result_of_a_formula_is_read() -> None:
    data = xlsx([HEADER, ROW], lambda p: p.__setitem__("F2", "=E2*2"))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        raw = archive.read("xl/worksheets/sheet1.xml")
    assert b"<f>E2*2</f><v />" in raw or b"<f>E2*2</f><v></v>" in raw
    raw = raw.replace(b"<f>E2*2</f><v />", b"<f>E2*2</f><v>7</v>").replace(
        b"<f>E2*2</f><v></v>", b"<f>E2*2</f><v>7</v>"
    )
    read = read_table("tags", with_part(data, "xl/worksheets/sheet1.xml", raw), "x")

    assert read.found == []
    assert read.rows[0][1][5] == 7


def test_what_a_spreadsheet_made_a_date_of_is_told() -> None:
    read = read_table("tags", xlsx([HEADER, ["A", "P1", "t", "℃", datetime.date(2026, 1, 2), 5]]), "x")

    assert [(f.row, f.name, f.code) for f in read.found] == [(2, "low", "import.date")]


# --- files that are none


def test_other_kinds_of_files_are_named() -> None:
    ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)
    assert refused(ole)[0] == "import.old_format"
    assert refused(ole + "EncryptedPackage".encode("utf-16-le"))[0] == "import.encrypted"
    assert refused(packed({"xl/workbook.bin": b"x", "[Content_Types].xml": b"<x/>"}))[0] == "import.old_format"
    assert refused(packed({"mimetype": b"application/vnd.oasis.opendocument.spreadsheet"}))[0] == "import.not_table"
    assert refused(with_part(xlsx([HEADER, ROW]), "xl/vbaProject.bin", b"x"))[0] == "import.macros"
    assert refused(b"x" * (MOST_BYTES + 1))[0] == "import.too_large"
    assert refused(b"\x89PNG\r\n\x1a\n" + bytes(20))[0] == "import.not_text"


def test_a_macro_workbook_is_refused_by_its_type_too() -> None:
    data = xlsx([HEADER, ROW])
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        types = archive.read("[Content_Types].xml")
    kind = b"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
    assert kind in types
    types = types.replace(kind, b"application/vnd.ms-excel.sheet.macroEnabled.main+xml")
    assert refused(with_part(data, "[Content_Types].xml", types))[0] == "import.macros"


def test_what_is_huge_inside_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    assert sheet.MOST_BYTES_UNPACKED <= 128 << 20
    monkeypatch.setattr(sheet, "MOST_BYTES_UNPACKED", 16 << 20)
    bomb = packed({"[Content_Types].xml": b"<x/>", "xl/workbook.xml": b"<x/>", "xl/a.xml": bytes(17 << 20)})
    assert len(bomb) < 1 << 20

    assert refused(bomb) == ("import.too_large_inside", {"limit": 16})


def test_entities_are_not_expanded() -> None:
    bomb = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa">]><worksheet>&a;</worksheet>'
    code, params = refused(with_part(xlsx([HEADER, ROW]), "xl/worksheets/sheet1.xml", bomb))

    assert (code, "DOCTYPE" in params["reason"]) == ("import.damaged", True)


def test_too_many_rows_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "MOST_ROWS", 3)
    rows = "".join(f"A{n},x\n" for n in range(4))

    assert refused(f"code,name\n{rows}".encode()) == ("import.too_many_rows", {"limit": 3})


def test_a_sheet_of_a_million_empty_rows_ends_early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheet, "MOST_LINES", 10)
    data = xlsx([HEADER, ROW], lambda p: p.cell(1_000_000, 1, "Z"))

    assert refused(data)[0] == "import.too_many_rows"


_WHOLE = xlsx([HEADER, ROW, ROW])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, len(_WHOLE)), st.binary(max_size=30), st.integers(0, 200))
def test_a_damaged_workbook_is_refused_or_read(at: int, piece: bytes, gone: int) -> None:
    try:
        read_table("tags", _WHOLE[:at] + piece + _WHOLE[at + gone :], "x")
    except Invalid as e:
        told(e)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300), st.sampled_from([b"", b"\xef\xbb\xbf", b"code,name\n", "编码,名称\n".encode("gbk")]))
def test_any_bytes_are_refused_or_read(data: bytes, start: bytes) -> None:
    try:
        read_table("tags", start + data, "x")
    except Invalid as e:
        told(e)


# --- cells


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (None, None),
        ("", None),
        (0, 0.0),
        ("12.5", 12.5),
        (" -1e-3 ", -0.001),
        ("１２", 12.0),
        ("−5", -5.0),
        (".5", 0.5),
    ],
)
def test_numbers_as_people_write_them(cell: Any, expected: float | None) -> None:
    assert number(cell) == expected


@pytest.mark.parametrize("cell", ["1,000", "x", True, "nan", "inf", float("inf"), "1e999", "5 MPa", "0x10", "1_000"])
def test_what_is_no_number(cell: Any) -> None:
    with pytest.raises(Unfit):
        number(cell)


def test_texts_and_codes() -> None:
    assert [text(c) for c in (None, 7, 7.0, 7.5, True, " a\u3000", "'=x", "'x")] == [
        "",
        "7",
        "7",
        "7.5",
        "TRUE",
        "a",
        "=x",
        "'x",
    ]
    assert code("℃") == "℃"
    with pytest.raises(Unfit) as e:
        code("Ａ１")
    assert (e.value.code, e.value.params) == ("import.full_width", {"narrow": "A1"})


@pytest.mark.parametrize("good", ["主蒸汽压力", "℃", "联通", "Ωμ°", "给水泵 A", "é", "½", "ΔP"])
def test_good_text_is_not_called_garbled(good: str) -> None:
    assert garbled(good) is None


@pytest.mark.parametrize("title", ["主蒸汽压力", "引风机轴承温度", "汽轮机转速"])
def test_garbled_text_is_known_and_what_it_was(title: str) -> None:
    assert garbled(title.encode("gbk").decode("latin-1")) == title
    utf8_as_gbk = title.encode().decode("gbk", "replace")
    assert garbled(utf8_as_gbk) in (title, "")


def test_pairs_of_a_cell() -> None:
    assert pairs("a=1; b＝2，c = x\nd=4;") == {"a": "1", "b": "2", "c": "x", "d": "4"}
    assert pairs("") == {}


@pytest.mark.parametrize(
    ("bad", "problem"),
    [("a", "import.bad_pair"), ("=1", "import.bad_pair"), ("a=", "import.bad_pair"), ("a=1;a=2", "import.pair_twice")],
)
def test_what_are_no_pairs(bad: str, problem: str) -> None:
    with pytest.raises(Unfit) as e:
        pairs(bad)

    assert e.value.code == problem
