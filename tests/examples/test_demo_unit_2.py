"""Unit 2 as people get it: the plant folder, the tables, and what its models say about its faults."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from headworks.base import kks
from headworks.base.units import conversion
from headworks.blocks.library import read_library
from headworks.engine.program import State
from headworks.simulate import unit2_files
from headworks.simulate.faults import Fault, FaultScript
from headworks.simulate.models import Alarm, PlantModels
from headworks.simulate.unit2 import PARTS, TAGS, Unit2, demo_script
from headworks.simulate.unit2_models import FIRST_OUT, MODELS
from headworks.simulate.unit2_trip import CAUSES

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "demo-unit-2"
LIBRARY = FOLDER.parent / "thermal-templates"
START = 1_700_000_000_000_000
REPAIR_S = 190


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> PlantModels:
    """The models of models.csv over the tags of tags.csv, as a plant folder."""
    folder = tmp_path_factory.mktemp("unit2")
    (folder / "tags").mkdir()
    (folder / "instances").mkdir()
    tags = [{"code": r["编码"], "unit": r["单位"]} for r in table("tags.csv")]
    with (folder / "tags" / "u2.csv").open("w", encoding="utf-8", newline="") as f:
        writer = csv.DictWriter(f, ("code", "unit"))
        writer.writeheader()
        writer.writerows(tags)
    written = [
        {
            "code": r["编码"],
            "template": r["模板"],
            "asset": r["设备"],
            "inputs": pairs(r["输入"]),
            "params": {name: float(value) for name, value in pairs(r["参数"]).items()},
        }
        for r in table("models.csv")
    ]
    (folder / "instances" / "u2.yaml").write_text(yaml.safe_dump(written, allow_unicode=True), "utf-8")
    (folder / "plant.yaml").write_text(yaml.safe_dump({"template_folders": [str(LIBRARY)]}), "utf-8")
    return PlantModels(folder)


def pairs(text: str) -> dict[str, str]:
    return dict(part.strip().split("=") for part in text.split(";") if part.strip())


@cache
def table(name: str) -> tuple[dict[str, str], ...]:
    return tuple(csv.DictReader(io.StringIO((FOLDER / name).read_text("utf-8-sig"))))


def read(name: str) -> Any:
    return yaml.safe_load((FOLDER / name).read_text("utf-8"))


def alarms(models: PlantModels, seed: int, seconds: int, script: FaultScript | None = None) -> list[Alarm]:
    unit = Unit2(seed, START, script)
    times, values, _ = unit.run(seconds)
    return models.run(times, values, unit.codes)


def second(instant: int | None) -> int:
    assert instant is not None
    return (instant - START) // 1_000_000


def names(raised: Sequence[Alarm]) -> list[str]:
    return [f"{a.instance} {a.condition}" for a in raised]


# --- the files ------------------------------------------------------------------------------------------------------


@pytest.mark.feature("PLT-06")
@pytest.mark.parametrize("name", unit2_files.files())
def test_the_files_are_those_of_the_generator(name: str) -> None:
    wanted, found = unit2_files.files()[name], (FOLDER / name).read_bytes()

    if name.endswith(".xlsx"):
        assert unit2_files.cells(found) == unit2_files.cells(wanted), "run python -m headworks.simulate.unit2_files"
    else:
        assert found == wanted, "run python -m headworks.simulate.unit2_files"


def test_a_workbook_is_the_same_bytes_every_time() -> None:
    rows = unit2_files.model_table()

    assert unit2_files.workbook("模型", rows) == unit2_files.workbook("模型", rows)


@pytest.mark.feature("PLT-06")
def test_the_folder_is_a_tree_of_four_levels_in_which_every_kks_code_leads_to_one_asset() -> None:
    assets = {a["code"]: a for a in read("assets.yaml")}
    types = {t["code"] for t in read("types.yaml")}

    def depth(code: str) -> int:
        above = assets[code]["parent"]
        return 1 if above is None else 1 + depth(above)

    assert len(assets) == len(PARTS) == 124
    assert {depth(a) for a in assets} == {1, 2, 3, 4}
    assert {a["type"] for a in assets.values()} == types
    codes = [a["kks"] for a in assets.values() if "kks" in a]
    assert len(set(codes)) == len(codes) > 100
    assert [c for c in codes if not kks.valid(c)] == []


@pytest.mark.feature("PLT-06")
def test_every_tag_finds_by_its_kks_code_the_asset_that_the_list_names() -> None:
    known = {a["kks"]: a["code"] for a in read("assets.yaml") if "kks" in a}
    for row in table("tags.csv"):
        longest = max((k for k in known if kks.covers(k, row["编码"])), key=len)
        assert known[longest] == row["设备"], row


@pytest.mark.feature("PLT-06")
def test_the_tag_list_is_complete_and_the_list_with_errors_has_three() -> None:
    rows = table("tags.csv")
    assets = {a["code"] for a in read("assets.yaml")}
    spoiled = unit2_files.cells((FOLDER / "tags-with-errors.xlsx").read_bytes())
    right = unit2_files.cells((FOLDER / "tags.xlsx").read_bytes())

    assert len(rows) == len(TAGS) == 500
    assert {(r["数据源"], r["地址"] == f"ns=2;s={r['编码']}", r["设备"] in assets) for r in rows} == {
        ("dcs-u2", True, True)
    }
    for r in rows:
        if r["源单位"]:
            conversion(r["源单位"], r["单位"])
    changed = [
        (w[0], g[0], [i for i in range(len(w)) if w[i] != g[i]]) for w, g in zip(right, spoiled, strict=True) if w != g
    ]
    assert changed == [
        ("2HFC30CT001", "2HFC30CT001", [1]),
        ("2MAD05CY002", "2MAD05CY001", [0]),
        ("2LAC10CP002", "2LAC10CP002", [4]),
    ]


@pytest.mark.feature("PLT-08", "PLT-10")
def test_models_fit_their_templates_and_the_alarm_group_names_what_there_is() -> None:
    templates = read_library(LIBRARY)
    tags = {t.code for t in TAGS}
    assets = {p.code for p in PARTS}

    assert len({m.code for m in MODELS}) == len(MODELS)
    for m in MODELS:
        template = templates[m.template]
        assert {p.name for p in template.ports} == set(m.inputs), m
        assert set(m.inputs.values()) <= tags
        assert m.asset in assets
        for p in template.params:
            if p.name in m.params:
                assert p.low is not None
                assert p.high is not None
                assert p.low <= m.params[p.name] <= p.high, m
        assert set(m.params) <= {p.name for p in template.params}
    template_of = {m.code: m.template for m in MODELS}
    (group,) = read("alarm_groups.yaml")
    for ref in (group["trigger"], *group["first_out"]):
        assert ref["condition"] in {c.name for c in templates[template_of[ref["instance"]]].conditions}
    assert {n["template"] for n in group["never"]} <= set(template_of.values())
    assert group["consequences"]["asset"] in assets


# --- what the models say ---------------------------------------------------------------------------------------------


@pytest.mark.feature("PWR-06")
@pytest.mark.parametrize("seed", [1, 4])
def test_a_healthy_unit_that_changes_load_raises_nothing(seed: int, models: PlantModels) -> None:
    unit = Unit2(seed, START)
    times, values, _ = unit.run(9000)
    power = values[:, unit.codes.index("2MKA10CE001")]

    assert power.max() - power.min() > 100
    assert models.run(times, values, unit.codes) == []


@pytest.mark.feature("PLT-10", "PWR-06")
@pytest.mark.parametrize("cause", CAUSES)
@pytest.mark.parametrize(("seed", "start"), [(1, 700), (4, 5400)])
def test_a_trip_has_one_first_out_and_at_least_thirty_consequences_that_all_clear(
    cause: str, seed: int, start: int, models: PlantModels
) -> None:
    script = FaultScript([Fault(kind="unit_trip", target=cause, start_s=start, duration_s=REPAIR_S)])
    raised = alarms(models, seed, start + REPAIR_S + 400, script)
    trip = next(a for a in raised if (a.instance, a.condition) == ("U2.TRIP", "tripped"))
    first_outs = [
        a
        for a in raised
        if (a.instance, a.condition) in FIRST_OUT and trip.raised - 30_000_000 <= a.raised <= trip.raised
    ]
    group = read("alarm_groups.yaml")[0]

    assert [(f["instance"], f["condition"]) for f in group["first_out"]] == list(FIRST_OUT)
    assert len(first_outs) == 1
    assert second(trip.raised) == start + CAUSES[cause].lead_s
    (first,) = first_outs
    assert first.raised < trip.raised
    after = [a for a in raised if a is not first and first.raised <= a.raised <= first.raised + 120_000_000]
    assert len(after) >= 30
    # An alarm of the cause itself may come before the trip level is reached; nothing else does.
    assert {a.instance for a in raised if a.raised < first.raised} <= {first.instance}
    spread = {second(a.raised) - second(trip.raised) for a in after}
    assert len(spread) > 15
    assert all(a.cleared is not None and a.cleared <= (trip.cleared or 0) for a in raised), "released before it cleared"
    assert len(set(names(raised))) == len(raised), "an alarm came twice"


EXPECTED = [
    ("mill_plugging", "U2-MILL-C", {"U2.MILL-C.PLUGGING plugged"}),
    ("mill_plugging", "U2-MILL-F", {"U2.MILL-F.PLUGGING plugged"}),
    ("heater_leak", "U2-HPH-2", {"U2.HPH-2.LEAK leak", "U2.HPH-2.LEVEL high"}),
    ("heater_leak", "U2-HPH-1", {"U2.HPH-1.LEAK leak", "U2.HPH-1.LEVEL high"}),
    ("sensor_drift", "2HAD10CL002", {"U2.DRUM.LEVEL-DRIFT b_drift"}),
    ("sensor_drift", "2LBA10CP003", {"U2.MS-A.PRESSURE-DRIFT c_drift"}),
    ("sensor_drift", "2MAG10CP001", {"U2.COND.VACUUM-DRIFT a_drift"}),
]


@pytest.mark.feature("PWR-06")
@pytest.mark.parametrize(("kind", "target", "expected"), EXPECTED)
@pytest.mark.parametrize(("seed", "start"), [(1, 400), (4, 5400)])
def test_a_fault_raises_its_models_inside_its_label_and_only_those(
    kind: Any, target: str, expected: set[str], seed: int, start: int, models: PlantModels
) -> None:
    script = FaultScript([Fault(kind=kind, target=target, start_s=start, duration_s=300)])
    (label,) = script.labels(START, 0, start + 1)

    raised = alarms(models, seed, start + 700, script)

    assert expected <= set(names(raised))
    assert all(label.start_us <= a.raised < label.end_us for a in raised), raised
    assert {a.instance.split(".")[1] for a in raised} == {next(iter(expected)).split(".")[1]}, raised
    assert all(a.cleared is not None for a in raised), "the plant has recovered"


@pytest.mark.feature("N-13")
def test_the_readme_tells_the_demonstration_as_it_is(models: PlantModels) -> None:
    raised = alarms(models, 1, demo_script().repeat_s or 0, demo_script())
    told = {
        int(s) for s in re.findall(r" (\d+)(?= \(first-out\)|[,; ]| \|)", (FOLDER / "README.md").read_text("utf-8"))
    }

    happened = {second(a.raised) for a in raised}
    of_story = {"PLUGGING", "PRESSURE", "LEVEL", "LEVEL-DRIFT", "LEAK", "TRIP"}
    begins = [f.start_s for f in demo_script().faults]
    assert raised[0].raised - START < 120_000_000
    assert {91, 131, 218, 219, 379, 691, 697, 941, 950, 956} <= told & happened
    assert all(min(abs(s - b) for b in begins) < REPAIR_S + 400 for s in happened)
    assert of_story <= {a.instance.rsplit(".", 1)[1] for a in raised}


def test_the_tables_can_be_read_again_by_the_state_of_a_run(models: PlantModels) -> None:
    """A run in two pieces says what a run in one piece says."""
    script = FaultScript([Fault(kind="unit_trip", target="furnace_pressure", start_s=60, duration_s=120)])
    whole = alarms(models, 2, 400, script)
    unit, state = Unit2(2, START, script), models.program.new_state()
    assert isinstance(state, State)
    times, values, _ = unit.run(200)
    first = models.run(times, values, unit.codes, state)

    assert [a.raised for a in whole if a.raised < times[-1]] == [a.raised for a in first if a.raised < times[-1]]
    assert msgspec.json.encode(names(first)) == msgspec.json.encode(names(whole)[: len(first)])
