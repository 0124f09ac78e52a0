"""Lists of models: the checks of a plant folder, told by row and column."""

from __future__ import annotations

from typing import Any

import pytest

from headworks.base.errors import Conflict
from headworks.control.modelling.models import ModelInstance, PlanRevision
from headworks.control.twin.imports import exports
from headworks.control.twin.models import Tag

pytestmark = [pytest.mark.django_db, pytest.mark.feature("PLT-06")]

HEADER = ["编码", "模板", "设备", "输入", "参数", "输出"]
NEW = ["P2.HOT2", "hot", "P2", "t=P2.T", "limit=88", ""]


def with_(**cells: Any) -> list[Any]:
    return [cells.get(h, c) for h, c in zip(HEADER, NEW, strict=True)]


def test_a_list_creates_models_and_a_plan(table: Any) -> None:
    before = PlanRevision.objects.count()
    run = table.check([HEADER, NEW], "models")
    assert (run.creates, run.errors) == (1, 0)
    assert {f.name: f.new for f in table.outcome.items[0].fields} == {
        "template": "hot",
        "asset": "P2",
        "inputs": "t=P2.T",
        "params": "limit=88.0",
    }

    table.apply()

    model = ModelInstance.objects.get(code="P2.HOT2")
    assert (model.template.code, model.asset.code, model.partition.code) == ("hot", "P2", "u1")
    assert model.inputs == {"t": Tag.objects.get(code="P2.T").id}
    assert model.params == {"limit": 88.0}
    assert PlanRevision.objects.count() == before + 1


def test_changes_and_columns_that_are_not_there(table: Any) -> None:
    assert table.changes([["code", "params"], ["P1.HOT", "limit=95"]], "models") == {
        "P1.HOT": {"params.limit": (85.0, 95.0)}
    }
    table.apply()
    model = ModelInstance.objects.get(code="P1.HOT")
    assert (model.params, model.outputs) == ({"limit": 95.0}, {"mean": Tag.objects.get(code="P1.TM").id})


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (with_(输入=""), [("inputs", "engine.unbound_port")]),
        (with_(输入="t=P2.X"), [("inputs", "plant.tag_unknown")]),
        (with_(输入="t=P1.P"), [("inputs", "plant.unit_clash")]),
        (with_(输入="t=P2.T; u=P1.T"), [("inputs", "engine.unknown_port")]),
        (with_(输入="P2.T"), [("inputs", "import.bad_pair")]),
        (with_(输入="t=P2.T; t=P1.T"), [("inputs", "import.pair_twice")]),
        (with_(参数="limit=900"), [("params", "engine.param_range")]),
        (with_(参数="limit=hot"), [("params", "plant.bad_number")]),
        (with_(参数="limits=9"), [("params", "engine.unknown_param")]),
        (with_(输出="mean=P1.TM"), [("outputs", "plant.written_twice")]),
        (with_(输出="mean=P2.T"), [("outputs", "plant.output_to_measured"), ("outputs", "plant.output_unit")]),
        (with_(模板="hat"), [("template", "import.unknown_template")]),
        (with_(模板=""), [("template", "plant.missing_value")]),
        (with_(设备="P3"), [("asset", "import.unknown_asset")]),
        (with_(编码="system.x"), [("code", "plant.bad_code")]),
        (with_(编码=""), [("code", "plant.missing_value")]),
    ],
)
def test_bad_rows_are_told_by_column(row: list[Any], expected: list[tuple[str, str]], table: Any) -> None:
    good = ["P2.HOT3", *NEW[1:]]
    assert table.problems([HEADER, row, good], "models") == [(2, *e) for e in expected]

    with pytest.raises(Conflict):
        table.apply()
    assert not ModelInstance.objects.filter(code__startswith="P2.HOT3").exists()
    table.check([HEADER, row, good], "models")
    table.apply(skip_bad=True)
    assert ModelInstance.objects.filter(code="P2.HOT3").exists()
    assert not ModelInstance.objects.filter(code="P2.HOT2").exists()


def test_a_missing_tag_is_told_with_its_unit(table: Any) -> None:
    table.check([HEADER, with_(输入="t=P2.TX")], "models")
    (found,) = table.outcome.found

    assert exports.problem_text(found, "en") == (
        "Model P2.HOT2, port t: there is no tag P2.TX on U1 (asset P2). Add or import it, or correct the code "
        "(near: P2.T, P1.T, P1.TM)."
    )


def test_two_rows_may_not_be_one_model_or_write_one_tag(table: Any) -> None:
    assert table.problems([HEADER, NEW, NEW], "models") == [
        (2, "code", "import.code_twice"),
        (3, "code", "import.code_twice"),
    ]

    header = ["编码", "模板", "设备", "输入", "输出"]
    table.check([["编码", "名称", "类型", "单位", "设备"], ["P2.TM", "平均", "计算", "℃", "P2"]])
    table.apply()
    rows = [[f"P2.H{n}", "hot", "P2", "t=P2.T", "mean=P2.TM"] for n in (1, 2)]
    assert table.problems([header, *rows], "models") == [(3, "outputs", "plant.written_twice")]
    assert table.outcome.found[0].params["first"] == "E2"


@pytest.mark.parametrize("form", ["xlsx", "csv"])
def test_an_export_imports_as_unchanged(table: Any, form: str) -> None:
    run = table.check(exports.export("models", form), "models")

    assert (run.rows, run.unchanged, run.errors) == (2, 2, 0)
