"""Lists of tags: what they create and change, what is wrong with them, and that nothing is half-done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from headworks.base.errors import Conflict
from headworks.control.access.models import AuditEntry
from headworks.control.modelling.models import PlanRevision
from headworks.control.twin.imports import exports, runs
from headworks.control.twin.models import ImportRun, Point, Tag

pytestmark = [pytest.mark.django_db, pytest.mark.feature("PLT-06")]

HEADER = ["编码", "设备", "名称", "英文名称", "单位", "下限", "上限", "类型", "数据源", "地址", "源单位", "子设备"]
NEW = ["1LAC10CT001", "", "给水泵温度", "Feed pump temperature", "℃", 0, 150, "", "dcs", "ns=2;s=CT001", "", ""]


def rows_of(*rows: list[Any]) -> list[list[Any]]:
    return [HEADER, *rows]


def changed(row: list[Any], **cells: Any) -> list[Any]:
    """Return a row with other cells, by Chinese header."""
    return [cells.get(h, c) for h, c in zip(HEADER, row, strict=True)]


def test_a_list_creates_tags_with_points_and_a_plan(table: Any) -> None:
    before = PlanRevision.objects.count()
    run = table.check(rows_of(NEW, changed(NEW, 编码="1LAC10AP002CY001", 单位="mm/s", 地址="ns=2;i=7", 源单位="um/s")))

    assert (run.rows, run.creates, run.changes, run.unchanged, run.errors) == (2, 2, 0, 0, 0)
    assert [(i.row, i.action, i.code) for i in table.outcome.items] == [
        (2, "create", "1LAC10CT001"),
        (3, "create", "1LAC10AP002CY001"),
    ]
    assert [[(f.new, f.by) for f in i.fields if f.name == "asset"] for i in table.outcome.items] == [
        [("P1", "kks")],
        [("P2", "kks")],
    ], "the asset with the longest KKS code that begins the tag's"
    assert not Tag.objects.filter(code="1LAC10CT001").exists(), "a check changes nothing"

    applied = table.apply()

    tag = Tag.objects.get(code="1LAC10CT001")
    assert (tag.asset.code, tag.title_zh, tag.unit, tag.low, tag.high, tag.kind) == (
        "P1",
        "给水泵温度",
        "℃",
        0.0,
        150.0,
        "measured",
    )
    assert "jsbwd" in tag.search
    point = Point.objects.get(tag=tag)
    assert (point.device.code, point.key, point.unit, point.child) == ("dcs", "ns=2;s=CT001", "", "")
    assert Point.objects.get(key="ns=2;i=7").unit == "um/s"
    assert PlanRevision.objects.count() == before + 1
    entry = AuditEntry.objects.get(action="import.applied")
    assert (entry.actor, entry.detail["creates"], entry.detail["file"]) == ("test", 2, "list.xlsx")
    assert runs.state_of(applied, applied.created_at) == "applied"


def test_the_same_list_again_is_unchanged(table: Any) -> None:
    table.check(rows_of(NEW))
    table.apply()
    run = table.check(rows_of(NEW))

    assert (run.creates, run.changes, run.unchanged) == (0, 0, 1)
    revisions = PlanRevision.objects.count()
    table.apply()
    assert PlanRevision.objects.count() == revisions


def test_changes_are_told_field_by_field(table: Any) -> None:
    assert table.changes([["code", "low", "high", "unit", "name"], ["P1.T", None, 250, "℉", "温度"]]) == {
        "P1.T": {"title_zh": ("轴承温度", "温度"), "unit": ("℃", "℉"), "low": (-20.0, None), "high": (200.0, 250.0)}
    }
    table.apply()
    tag = Tag.objects.get(code="P1.T")
    assert (tag.unit, tag.low, tag.high, tag.title_zh, tag.title_en, tag.asset.code) == (
        "℉",
        None,
        250.0,
        "温度",
        "Bearing temperature",
        "P1",
    )
    assert "wd" in tag.search
    assert "zcwd" not in tag.search


def test_a_tag_is_moved_to_another_key_and_two_may_swap(table: Any) -> None:
    header = ["编码", "数据源", "子设备", "地址", "源单位"]
    swap = [header, ["P1.T", "gw", "p1", "p", ""], ["P1.P", "gw", "p1", "t", "MPa"]]
    assert table.changes(swap) == {
        "P1.T": {"key": ("t", "p"), "source_unit": ("℉", None)},
        "P1.P": {"key": ("p", "t"), "source_unit": ("bar", None)},
    }
    table.apply()
    assert dict(Point.objects.filter(child="p1").values_list("tag__code", "key")) == {"P1.T": "p", "P1.P": "t"}

    assert table.changes([header, ["P2.T", "dcs", "", "ns=2;s=x", "℃"]]) == {
        "P2.T": {"source": ("gw", "dcs"), "key": ("t", "ns=2;s=x"), "source_unit": (None, "℃"), "child": ("p2", None)}
    }
    table.apply()
    assert Point.objects.get(tag__code="P2.T").device.code == "dcs"
    assert Point.objects.count() == 3


def test_a_retired_tag_comes_back_under_its_number(table: Any, plant_folder: Any) -> None:
    tags, points, models = (plant_folder.files[n] for n in ("tags/u1.csv", "points/gw.csv", "instances/pumps.yaml"))
    number = Tag.objects.get(code="P2.T").id
    plant_folder.files |= {
        "tags/u1.csv": "".join(x for x in tags.splitlines(True) if "P2.T" not in x),
        "points/gw.csv": "".join(x for x in points.splitlines(True) if "P2.T" not in x),
        "instances/pumps.yaml": models[:1],
    }
    plant_folder.apply()
    table.check(rows_of(changed(NEW, 编码="P2.T", 设备="P2")))
    table.apply()

    tag = Tag.objects.get(code="P2.T")
    assert (tag.id, tag.retired) == (number, False)


CASES: list[tuple[list[list[Any]], list[tuple[int, str, str]]]] = [
    ([changed(NEW, 单位="MPaa")], [(2, "unit", "import.unknown_unit")]),
    ([changed(NEW, 单位="9**9**9**9")], [(2, "unit", "import.unknown_unit")]),
    ([changed(NEW, 设备="P9")], [(2, "asset", "import.unknown_asset")]),
    ([changed(NEW, 设备="MILL", 数据源="", 地址="")], [(2, "asset", "plant.no_partition")]),
    ([changed(NEW, 编码="XYZ1")], [(2, "asset", "import.no_asset")]),
    ([changed(NEW, 编码="")], [(2, "code", "plant.missing_value")]),
    ([changed(NEW, 编码="A B")], [(2, "code", "plant.bad_code")]),
    ([changed(NEW, 编码="１LAC10CT001")], [(2, "code", "import.full_width")]),
    ([changed(NEW, 编码="1LAC10CT001" * 20)], [(2, "code", "plant.bad_code")]),
    ([changed(NEW, 名称="")], [(2, "title_zh", "plant.missing_value")]),
    ([changed(NEW, 名称="x" * 201)], [(2, "title_zh", "plant.too_long")]),
    ([changed(NEW, 名称="Ö÷ÕôÆøÑ¹Á¦")], [(2, "title_zh", "import.garbled")]),
    ([changed(NEW, 名称="主蒸汽".encode().decode("gbk", "replace"))], [(2, "title_zh", "import.garbled")]),
    ([changed(NEW, 下限="low")], [(2, "low", "plant.bad_number")]),
    ([changed(NEW, 下限="1,000")], [(2, "low", "plant.bad_number")]),
    ([changed(NEW, 下限=True)], [(2, "low", "plant.bad_number")]),
    ([changed(NEW, 上限="1e999")], [(2, "high", "plant.bad_number")]),
    ([changed(NEW, 上限="#N/A")], [(2, "high", "import.cell_error")]),
    ([changed(NEW, 下限=200)], [(2, "low", "plant.range_reversed")]),
    ([changed(NEW, 类型="模拟量")], [(2, "kind", "import.unknown_kind")]),
    ([changed(NEW, 类型="计算")], [(2, "source", "plant.point_on_calculated")]),
    ([changed(NEW, 数据源="dcz")], [(2, "source", "import.unknown_source")]),
    ([changed(NEW, 数据源="")], [(2, "source", "import.no_source")]),
    ([changed(NEW, 地址="")], [(2, "key", "plant.missing_value")]),
    ([changed(NEW, 地址="x" * 401)], [(2, "key", "plant.too_long")]),
    ([changed(NEW, 源单位="bar")], [(2, "source_unit", "plant.unit_clash")]),
    ([changed(NEW, 源单位="barr")], [(2, "source_unit", "import.unknown_unit")]),
    ([changed(NEW, 子设备="x")], [(2, "child", "plant.child_of_device")]),
    ([changed(NEW, 数据源="gw", 地址="t", 子设备="p1")], [(2, "key", "import.key_taken")]),
    ([NEW, changed(NEW, 编码="1LAC10CT002")], [(2, "key", "import.key_twice"), (3, "key", "import.key_twice")]),
    ([NEW, changed(NEW, 地址="ns=2;s=y")], [(2, "code", "import.code_twice"), (3, "code", "import.code_twice")]),
    # what uses the tag has to be able to go on
    ([changed(NEW, 编码="P1.T", 单位="MPa", 数据源="", 地址="", 设备="P1")], [(2, "unit", "plant.unit_clash")]),
    ([changed(NEW, 编码="P1.T", 类型="calculated", 数据源="", 地址="")], [(2, "source", "plant.point_on_calculated")]),
    ([changed(NEW, 编码="P1.TM", 单位="K", 数据源="", 地址="", 类型="计算")], [(2, "unit", "plant.output_unit")]),
]


@pytest.mark.parametrize(("rows", "expected"), CASES)
def test_bad_rows_are_told_by_row_and_column(
    rows: list[list[Any]], expected: list[tuple[int, str, str]], table: Any, request: Any
) -> None:
    found = table.problems(rows_of(*rows))

    if (expected[0][1], expected[0][2]) == ("unit", "plant.unit_clash"):
        assert set(expected) <= set(found), "the point of the tag may clash too"
    else:
        assert found == expected
    count = Tag.objects.count()
    with pytest.raises(Conflict) as e:
        table.apply()
    assert (e.value.error_code, e.value.params) == ("import.has_problems", {"errors": len({f[0] for f in found})})
    assert Tag.objects.count() == count


def test_problems_say_what_is_near_and_where_else(table: Any) -> None:
    table.check(
        rows_of(
            changed(NEW, 编码="1LAC10CT003", 单位="mpa", 设备="p01", 数据源="dsc"),
            changed(NEW, 编码="1LAC10CT004"),
            changed(NEW, 编码="1LAC10CT004", 地址="q"),
        )
    )
    texts = {(f.row, f.name): exports.problem_text(f, "en") for f in table.outcome.found}

    assert texts[2, "unit"].startswith("There is no unit mpa (near: MPa")
    assert texts[2, "asset"] == "There is no asset p01 (near: P1)."
    assert texts[2, "source"] == "There is no source dsc (near: dcs)."
    assert texts[3, "code"] == "The code 1LAC10CT004 is in rows 3, 4 of this file."


def test_a_code_of_another_plant_is_named(table: Any, plant_folder: Any) -> None:
    plant_folder.files = {
        "plant.yaml": {
            "code": "port",
            "title": {"zh": "港", "en": "Port"},
            "partitions": [{"code": "q1", "asset": "QUAY"}],
        },
        "types.yaml": [{"code": "pump", "title": {"zh": "泵", "en": "Pump"}}],
        "assets.yaml": [{"code": "QUAY", "type": "pump", "title": {"zh": "码头", "en": "Quay"}}],
        "tags/q.csv": "code,asset,title_zh,title_en\nQ1,QUAY,流量,Flow\n",
    }
    plant_folder.apply()

    assert table.problems(rows_of(changed(NEW, 编码="Q1", 设备="P1"))) == [(2, "code", "plant.code_taken")]
    assert table.outcome.found[0].params["plant"] == "port"


def test_skipping_bad_rows_takes_the_others_and_only_when_asked(table: Any) -> None:
    run = table.check(
        rows_of(
            NEW, changed(NEW, 编码="1LAC10CT002", 单位="xyzzy", 地址="a"), changed(NEW, 编码="1LAC10CT003", 地址="b")
        )
    )
    assert (run.creates, run.errors) == (2, 1)

    table.apply(skip_bad=True)

    codes = Tag.objects.filter(code__startswith="1LAC").order_by("code").values_list("code", flat=True)
    assert list(codes) == ["1LAC10CT001", "1LAC10CT003"]
    assert AuditEntry.objects.get(action="import.applied").detail["skipped"] == 1


def test_a_row_left_out_keeps_its_key_from_the_one_that_wanted_it(table: Any) -> None:
    header = ["编码", "单位", "数据源", "子设备", "地址", "设备", "名称"]
    rows = [
        ["P1.T", "xyzzy", "gw", "p1", "t9", "P1", "a"],
        ["P1.P", "MPa", "gw", "p1", "t", "P1", "b"],
        ["NEW", "MPa", "gw", "p1", "p", "P1", "c"],
    ]
    assert table.problems([header, *rows]) == [
        (2, "unit", "import.unknown_unit"),
        (3, "key", "import.key_taken"),
        (4, "key", "import.key_taken"),
    ]


def test_what_changed_since_the_check_is_not_overwritten(table: Any) -> None:
    table.check(rows_of(NEW))
    Tag.objects.filter(code="P1.T").update(high=300)

    with pytest.raises(Conflict) as e:
        table.apply()

    assert e.value.error_code == "import.stale"
    assert not Tag.objects.filter(code="1LAC10CT001").exists()
    assert not AuditEntry.objects.filter(action="import.applied").exists()


def test_an_import_is_applied_once_and_not_after_a_day(table: Any) -> None:
    run = table.check(rows_of(NEW))
    table.apply()
    with pytest.raises(Conflict) as e:
        table.apply()
    assert e.value.error_code == "import.applied"

    run = table.check(rows_of(changed(NEW, 编码="1LAC10CT009", 地址="z")))
    ImportRun.objects.filter(id=run.id).update(created_at=run.created_at - runs.KEPT_US - 1)
    with pytest.raises(Conflict) as e:
        table.apply()
    assert e.value.error_code == "import.expired"
    table.check(rows_of(NEW))
    old = ImportRun.objects.get(id=run.id)
    assert (bytes(old.table), runs.state_of(old, old.created_at)) == (b"", "expired")


def test_a_crash_in_the_middle_changes_nothing(
    table: Any, rows: Callable[[], dict[str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    table.check(rows_of(NEW))
    before = rows()

    def fail(*_: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(runs, "affect", fail)
    with pytest.raises(OSError, match="disk full"):
        table.apply()

    assert rows() == before
    assert ImportRun.objects.get(id=table.run.id).applied_at is None


@pytest.mark.parametrize("form", ["xlsx", "csv"])
def test_an_export_imports_as_unchanged(table: Any, form: str) -> None:
    table.check(
        rows_of(NEW, changed(NEW, 编码="1LAC10CT007", 名称="+1", 英文名称="@x", 地址="-k", 下限=-0.1, 上限=1e-7))
    )
    table.apply()
    Tag.objects.filter(code="1LAC10CT001").update(title_zh="=1+1")

    run = table.check(exports.export("tags", form))

    assert table.outcome.found == []
    assert table.outcome.items == []
    assert (run.rows, run.unchanged, run.encoding) == (6, 6, "xlsx" if form == "xlsx" else "UTF-8 BOM")


def test_an_export_of_an_asset_holds_what_is_below_it(table: Any) -> None:
    from headworks.control.twin.models import Asset

    rows = table.read_back(exports.export("tags", "xlsx", Asset.objects.get(code="P2").id))

    assert rows[0] == HEADER
    assert rows[1:] == [
        ["P2.T", "P2", "轴承温度", "Bearing temperature", "K", None, None, "measured", "gw", "t", None, "p2"]
    ]


def test_the_corrected_workbook_names_problems_and_comes_back(table: Any) -> None:
    import io

    import openpyxl

    table.check(rows_of(NEW, changed(NEW, 编码="1LAC10CT002", 单位="xyzzy", 地址="a", 下限="x")))
    book = openpyxl.load_workbook(io.BytesIO(exports.corrected(table.run, "en")))
    sheet: Any = book.worksheets[0]

    assert [c.value for c in sheet[1]] == [*HEADER, "问题 Problems"]
    assert sheet["M2"].value is None
    assert sheet["M3"].value == (
        "下限: This is not a number. Write a finite decimal number.\n单位: There is no unit xyzzy (near: –)."
    )
    red = {c.coordinate for row in sheet.iter_rows(min_row=2) for c in row if c.fill.fgColor.rgb == "00FFC7CE"}
    assert red == {"E3", "F3", "M3"}

    sheet["E3"], sheet["F3"] = "℃", 1
    out = io.BytesIO()
    book.save(out)
    run = table.check(out.getvalue())
    assert (run.errors, run.creates) == (0, 2)
    assert table.outcome.notices == [], "the column of problems is known"
    assert [c.value for c in openpyxl.load_workbook(io.BytesIO(exports.corrected(run, "en"))).worksheets[0][1]] == [
        *HEADER,
        "问题 Problems",
    ]


def test_what_is_kept_of_a_run_is_what_it_was(table: Any) -> None:
    run = table.check(table.xlsx(rows_of(NEW)))

    assert runs.table_of(run).rows == [(2, [c if c != "" else None for c in NEW])]
    assert msgspec.json.encode(runs.outcome_of(run)) == msgspec.json.encode(table.outcome)
