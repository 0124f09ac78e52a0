"""Templates in templates, tables and links between models: from a plant folder to records, plan, export, import and API."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import yaml
from django.test import Client

from headworks.blocks.library import builtin
from headworks.blocks.template import Binding, GraphTemplate
from headworks.bus.plan import PartitionPlan
from headworks.control.access.services import create_user
from headworks.control.alarms.catalogue import describe
from headworks.control.alarms.evidence import Evidence, Limit
from headworks.control.modelling.models import ModelInstance, PlanRevision, Template
from headworks.control.modelling.plans import build
from headworks.control.twin.imports import exports, runs
from headworks.control.twin.models import Partition, Tag
from headworks.control.twin.plant import export_plant
from headworks.engine.program import compile_program

from .parts import CURVE, with_parts

pytestmark = [pytest.mark.django_db, pytest.mark.feature("PLT-06"), pytest.mark.feature("PLT-08")]

I, R, C, H = "instances/parts.yaml", "templates/reader.yaml", "templates/curved.yaml", "templates/held.yaml"  # noqa: E741


@pytest.fixture
def parts(plant_folder: Any) -> Any:
    return with_parts(plant_folder)


def plan() -> PartitionPlan:
    return build("main", Partition.objects.get(code="u1"), 1)


# --- records and plan --------------------------------------------------------------------------------------------------


def test_the_plan_holds_what_stands_inside_and_what_is_read(parts: Any) -> None:
    parts.apply()
    reader, read = (ModelInstance.objects.get(code=c) for c in ("A.READER", "B"))
    assert reader.inputs == {
        "alarm": {"instance": read.id, "signal": "hot"},
        "mean": {"instance": read.id, "signal": "h.mean"},
    }
    assert read.tables == {"curve": CURVE}
    assert Template.objects.get(code="held").retired_at is None, "no instance uses it directly"

    found = plan()
    assert list(found.templates) == ["curved", "held", "hot", "reader"]
    by_code = {i.code: i for i in found.instances}
    assert by_code["A.READER"].inputs == {
        "alarm": Binding(instance=read.id, signal="hot"),
        "mean": Binding(instance=read.id, signal="h.mean", gain=1.0, offset=273.15),
    }
    assert by_code["B"].tables == {"curve": tuple(map(tuple, CURVE))}
    tags = np.array(sorted(t.id for t in found.tags), np.uint32)
    program = compile_program(found.templates, found.instances, tags, found.tick)
    assert [p.tick for p in program.parts] == [1_000_000, 2_000_000]
    assert parts.apply().empty, "the same folder again changes nothing"


def test_a_change_inside_is_a_new_plan(parts: Any) -> None:
    parts.apply()
    parts.files[H]["blocks"][0]["params"]["window"] = 5
    assert parts.problems() == [(f"{H}:1 version", "plant.version_reused")]
    parts.files[H]["version"] = 2
    assert parts.apply().plans == {"u1": 2}


@pytest.mark.parametrize(
    "edit",
    [
        lambda f: f[R].update(every=4),
        lambda f: f[C]["tables"][0].update(default=[[0, 0], [100, 11]]),
        lambda f: f[C]["blocks"][1].update(unit="kg/s"),
        lambda f: f[H]["blocks"][1]["params"].update(limit=70),
    ],
)
def test_what_a_template_computes_is_not_changed_within_a_version(parts: Any, edit: Callable[[Any], None]) -> None:
    parts.apply()
    edit(parts.files)
    assert [code for _, code in parts.problems()] == ["plant.version_reused"]


def test_templates_of_the_platform_stand_in_those_of_a_plant(parts: Any) -> None:
    code = sorted(builtin())[0]
    ports = {p.name: "in.alarm" if p.kind == "bool" else "in.mean" for p in builtin()[code].ports}
    output = builtin()[code].outputs[0].name
    parts.files[R]["blocks"].append({"id": "group", "graph": code, "inputs": ports})
    parts.files[R]["outputs"] = [{"name": "found", "source": f"group.{output}"}]
    parts.apply()
    assert plan().templates[code] == builtin()[code], "a plan says all there is to know"


def test_a_folder_of_templates_gives_those_inside_too(parts: Any, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    for name in (H, C):
        (shared / Path(name).name).write_text(yaml.safe_dump(parts.files.pop(name), allow_unicode=True))
    (shared / "unused.yaml").write_text(yaml.safe_dump({**parts.files[R], "code": "unused"}))
    parts.files["plant.yaml"]["template_folders"] = ["../shared"]
    parts.apply()
    assert list(plan().templates) == ["curved", "held", "hot", "reader"]
    assert not Template.objects.filter(code="unused").exists()


# --- what is wrong is told where it stands --------------------------------------------------------------------------------


def edit(index: int, port: str, read: str) -> Callable[[Any], None]:
    return lambda f: f[I][index]["inputs"].update({port: read})


CASES: list[tuple[Callable[[Any], None], list[tuple[str, str]]]] = [
    (edit(0, "alarm", "C/hot"), [(f"{I}:5 [0].inputs.alarm", "plant.unknown_instance")]),
    (edit(0, "alarm", "B/cold"), [(f"{I}:5 [0].inputs.alarm", "engine.unknown_source")]),
    (edit(0, "alarm", "B/flow"), [(f"{I}:5 [0].inputs.alarm", "engine.kind_clash")]),
    (edit(0, "alarm", "P1.T"), [(f"{I}:5 [0].inputs.alarm", "engine.bool_port")]),
    (edit(0, "mean", "B/flow"), [(f"{I}:6 [0].inputs.mean", "plant.unit_clash")]),
    (
        edit(1, "t", "A.READER/in.mean"),
        [(f"{I}:11 [1].inputs.t", "engine.link_slower"), (f"{I}:10 [1].inputs", "engine.link_cycle")],
    ),
    (lambda f: f[R].update(every=2.5), [(f"{I}:2 [0].template", "engine.every")]),
    (lambda f: f[R].update(every=-1), [(f"{R}:3 every", "plant.out_of_range")]),
    (
        lambda f: f[C].update(every=4),
        [(f"{I}:5 [0].inputs.alarm", "engine.link_slower"), (f"{I}:6 [0].inputs.mean", "engine.link_slower")],
    ),
    (
        lambda f: f[I].pop(1),
        [(f"{I}:5 [0].inputs.alarm", "plant.unknown_instance"), (f"{I}:6 [0].inputs.mean", "plant.unknown_instance")],
    ),
    (lambda f: f[C]["blocks"][0].update(graph="hold"), [(f"{C}:22 blocks[0].graph", "engine.unknown_template")]),
    (lambda f: f[H]["blocks"][0].update(op="mean"), [(f"{H}:14 blocks[0].op", "engine.unknown_op")]),
    (
        lambda f: f[H]["blocks"].append({"id": "c", "graph": "curved", "inputs": {"t": "in.x"}}),
        [(f"{C}:20 blocks", "engine.graph_in_itself"), (f"{H}:12 blocks", "engine.graph_in_itself")],
    ),
    (
        lambda f: f[I][1]["tables"].update(curve=[[0, 1], [0, 2]]),
        [(f"{I}:13 [1].tables.curve", "engine.table_not_rising")],
    ),
    (lambda f: f[I][1]["tables"].update(curb=[[0, 1], [1, 2]]), [(f"{I}:20 [1].tables.curb", "engine.unknown_param")]),
]


@pytest.mark.parametrize(("change", "expected"), CASES)
def test_problems_are_told_with_their_place(
    parts: Any, change: Callable[[Any], None], expected: list[tuple[str, str]]
) -> None:
    change(parts.files)
    # What reads a block that is wrong is told after it.
    assert parts.problems()[: len(expected)] == expected


def test_models_of_two_partitions_do_not_read_each_other(parts: Any) -> None:
    parts.files["plant.yaml"]["partitions"].append({"code": "p2", "asset": "P2"})
    parts.files["points/gw.csv"] = parts.files["points/gw.csv"].replace("t,P2.T,,p2\n", "")
    parts.files[I][0]["asset"] = "P2"
    at = [(f"{I}:{5 + n} [0].inputs.{port}", "plant.link_partition") for n, port in enumerate(("alarm", "mean"))]
    assert parts.problems() == at


def test_what_could_not_be_read_is_not_missed_again(parts: Any) -> None:
    parts.files[H]["blocks"][0]["inputs"] = "in.x"
    assert {code for _, code in parts.problems()} == {"plant.bad_value"}


# --- out and in again ---------------------------------------------------------------------------------------------------


def test_an_export_applied_changes_nothing(parts: Any, tmp_path: Path) -> None:
    from headworks.control.twin.plant import apply_plant

    parts.apply()
    folder = tmp_path / "out"
    export_plant(folder)
    written = yaml.safe_load((folder / "instances" / "instances.yaml").read_text())
    assert {i["code"]: i["inputs"] for i in written}["A.READER"] == {"alarm": "B/hot", "mean": "B/h.mean"}
    assert apply_plant(folder, dry_run=True, actor="test").empty


def test_a_wide_csv_says_links_and_tables(parts: Any) -> None:
    parts.apply()
    del parts.files[I]
    parts.files["instances/parts.csv"] = (
        "code,template,asset,in.t,in.alarm,in.mean,table.curve\n"
        "A.READER,reader,P1,,B/hot,B/h.mean,\n"
        "B,curved,P1,P1.T,,,0 1 | 50 4.5 | 100 9\n"
    )
    assert parts.apply().empty
    parts.files["instances/parts.csv"] = parts.files["instances/parts.csv"].replace("4.5", "x")
    assert parts.problems() == [("instances/parts.csv:3 table.curve", "plant.bad_number")]


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_a_list_of_models_comes_back_unchanged(parts: Any, form: str) -> None:
    parts.apply()
    run = runs.check_file("test", "models", "mill", exports.export("models", form), f"m.{form}")
    assert (run.errors, run.unchanged) == (0, 4)


def imported(*rows: tuple[str, ...]) -> Any:
    out = io.StringIO()
    csv.writer(out).writerows([("code", "template", "asset", "inputs", "tables"), *rows])
    run = runs.check_file("test", "models", "mill", out.getvalue().encode(), "m.csv")
    found = [(f.row, f.name, f.code) for f in runs.outcome_of(run).found]
    if not found:
        runs.apply_run("test", run.id)
    return found


def test_imports_say_links_and_tables(parts: Any) -> None:
    parts.apply()
    assert (
        imported(
            ("C", "curved", "P2", "t=P2.T", "curve=0 2 | 10 3"), ("D", "reader", "P2", "alarm=C/hot; mean=C/h.mean", "")
        )
        == []
    )
    assert ModelInstance.objects.get(code="C").tables == {"curve": [[0.0, 2.0], [10.0, 3.0]]}
    assert ModelInstance.objects.get(code="D").inputs["alarm"]["instance"] == ModelInstance.objects.get(code="C").id
    assert imported(("C", "curved", "P2", "t=P1.T", "")) == []
    assert ModelInstance.objects.get(code="C").tables == {"curve": [[0.0, 2.0], [10.0, 3.0]]}, "an empty cell"
    assert PlanRevision.objects.count() == 3


GONE = (2, "template", "engine.unknown_source")


@pytest.mark.parametrize(
    ("row", "found"),
    [
        (("D", "reader", "P2", "alarm=B/hat; mean=B/h.mean", ""), [(2, "inputs", "engine.unknown_source")]),
        (("D", "reader", "P2", "alarm=X/hot; mean=B/h.mean", ""), [(2, "inputs", "plant.unknown_instance")]),
        (("D", "curved", "P2", "t=P2.T", "curve=0 2 | 0 3"), [(2, "tables", "engine.table_not_rising")]),
        (("D", "curved", "P2", "t=P2.T", "curve=0 two"), [(2, "tables", "plant.bad_number")]),
        # B is read by another model, which needs its condition.
        (("B", "reader", "P1", "alarm=P1.HOT/hot; mean=P1.T", ""), [(2, "tables", "engine.unknown_param"), GONE, GONE]),
        (
            ("B", "curved", "P1", "t=A.READER/in.mean", ""),
            [(2, "inputs", "engine.link_cycle"), (2, "inputs", "engine.link_slower")],
        ),
    ],
)
def test_imports_tell_what_is_wrong_by_row(parts: Any, row: tuple[str, ...], found: list[tuple[int, str, str]]) -> None:
    parts.apply()
    assert imported(row) == found


# --- what people see ----------------------------------------------------------------------------------------------------


@pytest.fixture
def client(parts: Any) -> Client:
    parts.apply()
    client = Client(headers={"accept-language": "en"})
    client.force_login(create_user("eye", "correct-horse-battery", ("viewer",), must_change_password=False))
    return client


def body(client: Client, code: str, inside: str = "") -> Any:
    model = ModelInstance.objects.get(code=code).id
    answer = client.get(f"/api/v1/models/{model}", {"inside": inside} if inside else {})
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_the_api_says_graphs_outputs_tables_and_links(client: Client) -> None:
    told = body(client, "B")
    assert (told["inside"], told["every_s"]) == ("", 1.0)
    assert told["tables"] == [{"name": "curve", "title": None, "rows": CURVE, "own": True}]
    held, flow = told["blocks"]
    assert (held["graph"], held["op"], held["title"]["en"], held["params"]) == (
        "held",
        "",
        "Held high",
        {"limit": "$hot"},
    )
    assert [(o["name"], o["signal"], o["kind"], o["unit"]) for o in held["outputs"]] == [
        ("high", "h.high", "bool", ""),
        ("mean", "h.mean", "value", "℃"),
    ]
    assert held["outputs"][1]["title"] == {"zh": "均值", "en": "Mean"}
    assert (flow["graph"], flow["table"]) == (None, CURVE)
    assert [(o["signal"], o["kind"], o["unit"]) for o in flow["outputs"]] == [("flow", "value", "t/h")]

    reader = body(client, "A.READER")
    assert reader["every_s"] == 2.0
    other = ModelInstance.objects.get(code="B")
    alarm, mean = (p["link"] for p in reader["ports"])
    assert (alarm["model"], alarm["code"], alarm["signal"], alarm["title"]["en"]) == (
        other.id,
        "B",
        "hot",
        "By a curve",
    )
    assert (alarm["signal_title"], mean["signal_title"]) == ({"zh": "标题", "en": "Title"}, None)
    assert [p["tag"] for p in reader["ports"]] == [None, None]


def test_the_api_opens_what_stands_inside(client: Client) -> None:
    inside = body(client, "B", "h")
    assert (inside["inside"], inside["template"], inside["conditions"]) == ("h", "held", [])
    assert [(p["reads"], p["unit"]) for p in inside["ports"]] == [("in.t", "℃")]
    assert [(p["name"], p["value"], p["unit"]) for p in inside["params"]] == [("limit", 60.0, "℃")]
    assert [(b["id"], b["unit"]) for b in inside["blocks"]] == [("mean", "℃"), ("over", "")]
    model = ModelInstance.objects.get(code="B").id
    for wrong in ("flow", "h/mean", "x"):
        answer = client.get(f"/api/v1/models/{model}", {"inside": wrong})
        assert (answer.status_code, answer.json()["code"]) == (404, "model.no_graph")


def test_templates_say_their_period_and_what_stands_inside(client: Client) -> None:
    rows = {t["code"]: t for t in client.get("/api/v1/templates").json()["items"]}
    assert (rows["reader"]["every_s"], rows["curved"]["graphs"], rows["held"]["models"]) == (2.0, ["held"], 0)


# --- alarms -------------------------------------------------------------------------------------------------------------


def test_evidence_is_found_inside_and_in_the_models_that_are_read(parts: Any) -> None:
    parts.apply()
    reader, read = (ModelInstance.objects.get(code=c).id for c in ("A.READER", "B"))
    tag = Tag.objects.get(code="P1.T").id
    said = describe([(read, "hot"), (reader, "both")])

    own = said[read, "hot"].story
    assert (own.unit, own.limit, own.tags) == ("℃", 60.0, (tag,))
    assert own.evidence == (Evidence(tag, (Limit(60.0, "above"),)),)

    through = said[reader, "both"].story
    assert (through.unit, through.tags) == ("K", (tag,))
    (evidence,) = through.evidence
    assert {(round(limit.value, 6), limit.kind) for limit in evidence.limits} == {(26.85, "above"), (60.0, "above")}


def test_the_bodies_kept_are_templates(parts: Any) -> None:
    parts.apply()
    for template in plan().templates.values():
        assert msgspec.convert(msgspec.to_builtins(template), GraphTemplate) == template
