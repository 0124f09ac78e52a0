from __future__ import annotations

import csv
import importlib.util
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from headworks.blocks import catalogue
from headworks.blocks.library import builtin
from headworks.engine.graph import flatten
from headworks.simulate import plant_folder
from headworks.simulate.faults import Fault, FaultScript, demo_script
from headworks.simulate.models import Alarm, PlantModels
from headworks.simulate.thermal_unit import MACHINES, ThermalUnit

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "demo-unit"
START = 1_700_000_000_000_000
LOW_LOAD = (3, 3400)
"""A seed, and a second at which its load is below 350 MW."""


@cache
def models() -> PlantModels:
    return PlantModels(FOLDER)


def read(name: str) -> Any:
    return yaml.safe_load((FOLDER / name).read_text("utf-8"))


def rows(pattern: str) -> list[dict[str, str]]:
    found = []
    for file in sorted(FOLDER.glob(pattern)):
        with file.open(encoding="utf-8", newline="") as f:
            found += list(csv.DictReader(f))
    return found


def alarms(seed: int, seconds: int, script: FaultScript | None = None) -> list[Alarm]:
    unit = ThermalUnit(seed, START, script)
    times, values, _ = unit.run(seconds)
    return models().run(times, values, unit.codes)


@pytest.mark.feature("PLT-06")
def test_tags_and_points_are_those_of_the_simulator() -> None:
    for name, content in plant_folder.files().items():
        assert (FOLDER / name).read_text("utf-8") == content, f"{name}: run python -m headworks.simulate.plant_folder"


@pytest.mark.feature("PLT-06")
def test_the_tree_has_five_levels_and_everything_in_it_resolves() -> None:
    assets = {a["code"]: a for a in read("assets.yaml")}
    types = {t["code"] for t in read("types.yaml")}
    parent = {code: a["parent"] for code, a in assets.items()}

    def depth(code: str) -> int:
        return 1 if parent[code] is None else 1 + depth(parent[code])

    tags = rows("tags/*.csv")
    assert {depth(t["asset"]) for t in tags} == {5}
    assert {a["type"] for a in assets.values()} == types
    assert {a["code"] for a in assets.values() if a["parent"] is None} == {"DEMO"}
    written = [i for file in sorted((FOLDER / "instances").glob("*.yaml")) for i in read(f"instances/{file.name}")]
    kinds = {t["code"]: t.get("kind") or "measured" for t in tags}
    assert len({i["code"] for i in written}) == len(written) == 286
    for i in written:
        assert i["asset"] in assets
        assert {kinds[c] for c in i["inputs"].values()} == {"measured"}
        assert {kinds[c] for c in i.get("outputs", {}).values()} <= {"calculated"}
        assert set(i.get("params", {})) <= {p.name for p in models().templates[i["template"]].params}
    outputs = Counter(c for i in written for c in i.get("outputs", {}).values())
    assert outputs == Counter(code for code, kind in kinds.items() if kind == "calculated")
    assert {i["template"] for i in written} == set(models().templates)
    assert len(models().templates) == 89


@pytest.mark.feature("PLT-08", "PWR-04")
def test_models_use_families_and_groups_and_speak_both_languages() -> None:
    flat = [flatten(t, {}).blocks for t in models().templates.values()]
    assert {s.family for s in catalogue.public().values()} == {b.spec.family for blocks in flat for b in blocks}
    assert {b.graph for t in models().templates.values() for b in t.blocks if b.graph} == set(builtin())
    for t in models().templates.values():
        for c in t.conditions:
            assert c.guidance is not None
            assert c.guidance.actions
            for text in (c.guidance.mode, *c.guidance.causes, *c.guidance.actions):
                assert text.zh
                assert text.en


@pytest.mark.feature("PWR-06")
@pytest.mark.parametrize("seed", [1, 3])
def test_a_healthy_unit_that_changes_load_raises_nothing(seed: int) -> None:
    unit = ThermalUnit(seed, START)
    times, values, _ = unit.run(9000)
    power = values[:, unit.codes.index("1MKA10CE001")]

    assert power.max() - power.min() > 100
    assert models().run(times, values, unit.codes) == []


EXPECTED = {
    "bearing_wear": {
        *("{m}-VIB-DE high", "{m}-VIB-DE very_high", "{m}-TEMP-DE high", "{m}-WEAR worn", "{m}-TEMP-RISE rising"),
        *("{m}-ZONE-DE zone_c", "{m}-ZONE-DE zone_d", "{m}-TEMP-LEARNED hot", "{m}-STATE apart"),
    },
    "condenser_air_leak": {
        *("COND-TTD high", "COND-BP-A high", "COND-BP-B high", "COND-AIR-LEAK leak"),
        *("COND-VACUUM-FALL falling", "COND-SUBCOOL air", "COND-QUALITY oxygen"),
        *("COND-HEAT-A poor", "COND-HEAT-B poor", "COND-STATE apart"),
    },
    "sensor_freeze": {"FWP-B-T-FROZEN frozen"},
}


@pytest.mark.feature("PWR-06")
@pytest.mark.parametrize(("seed", "start"), [(1, 400), LOW_LOAD])
@pytest.mark.parametrize(
    ("kind", "target"),
    [
        ("bearing_wear", "U1-FWP-A"),
        ("bearing_wear", "U1-IDF-B"),
        ("sensor_freeze", "1LAC20CT001"),
        ("condenser_air_leak", ""),
    ],
)
def test_a_fault_raises_its_instances_inside_its_label_and_only_those(
    seed: int, start: int, kind: Any, target: str
) -> None:
    script = FaultScript([Fault(kind=kind, target=target, start_s=start, duration_s=240)])
    (label,) = script.labels(START, 0, start + 1)
    if (seed, start) == LOW_LOAD:
        unit = ThermalUnit(seed, START)
        assert unit.run(start)[1][-1, unit.codes.index("1MKA10CE001")] < 350

    raised = alarms(seed, start + 700, script)

    names = {f"{a.instance} {a.condition}" for a in raised}
    expected = {e.format(m=target.removeprefix("U1-")) for e in EXPECTED[kind]}
    assert expected <= names
    machine = target.removeprefix("U1-") if target in MACHINES else None
    assert all(a.instance.startswith(machine or ("COND", "FWP-B-T")) for a in raised), raised
    assert all(label.start_us <= a.raised < label.end_us for a in raised), raised
    assert all(a.cleared is not None for a in raised), "the plant has recovered"
    assert len(raised) == len(names), "an alarm came twice"


@pytest.mark.feature("PWR-06")
@pytest.mark.parametrize(("seed", "start"), [(1, 400), LOW_LOAD])
@pytest.mark.parametrize(
    ("kind", "target", "expected"),
    [
        ("bearing_wear", "U1-FWP-A", {"FWP-A-TEMP-LEARNED hot", "FWP-A-STATE apart"}),
        ("bearing_wear", "U1-IDF-B", {"IDF-B-TEMP-LEARNED hot", "IDF-B-STATE apart"}),
        ("bearing_wear", "U1-PAF-A", {"PAF-A-TEMP-LEARNED hot"}),
        ("condenser_air_leak", "", {"COND-STATE apart"}),
    ],
)
def test_what_was_learned_finds_a_fault_too_small_for_any_limit(
    seed: int, start: int, kind: Any, target: str, expected: set[str]
) -> None:
    script = FaultScript([Fault(kind=kind, target=target, start_s=start, duration_s=600, severity=0.15)])
    raised = alarms(seed, start + 600, script)

    assert {f"{a.instance} {a.condition}" for a in raised} == expected
    assert all(a.raised >= START + start * 1_000_000 for a in raised)


@pytest.mark.feature("PWR-06")
def test_the_learned_models_are_what_the_training_writes() -> None:
    spec = importlib.util.spec_from_file_location("demo_unit_train", FOLDER / "train.py")
    assert spec
    assert spec.loader
    train = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(train)
    written = read("instances/learned.yaml")

    wanted = train.wanted()
    assert [(w["code"], w["inputs"]) for w in wanted] == [(w["code"], w["inputs"]) for w in written]
    kept = {w["code"]: w for w in written}
    for made in train.train(("FWP-A-TEMP-LEARNED", "COND-STATE")):
        same = kept[made["code"]]
        assert made.get("params", {}) == pytest.approx(same.get("params", {}))
        np.testing.assert_allclose(made["tables"]["model"], same["tables"]["model"], rtol=1e-6, atol=1e-9)


@pytest.mark.feature("N-13")
def test_the_demonstration_shows_an_alarm_within_two_minutes() -> None:
    raised = alarms(1, 1920, demo_script())

    assert raised[0].raised - START < 120_000_000
    readme = (FOLDER / "README.md").read_text("utf-8")
    assert [s for a in raised if f" {(s := (a.raised - START) // 1_000_000)}" not in readme] == []
    labels = demo_script().labels(START, 0, 1920)
    for label in labels:
        assert any(label.start_us <= a.raised < label.end_us for a in raised), label
    assert all(any(lb.start_us <= a.raised < lb.end_us for lb in labels) for a in raised)


@cache
def healthy() -> tuple[Any, Any, tuple[str, ...]]:
    unit = ThermalUnit(3, START)
    times, values, _ = unit.run(2400)
    return times, values, unit.codes


DISTURBANCES: dict[str, tuple[dict[str, tuple[float, float]], set[str], set[str]]] = {
    # what is added to tags from second 900 on (how much, over how many seconds); what must come of it; what else may
    "a mill plugs": (
        {"1HFC10CP001": (3.6, 60), "1HFC10CF002": (-40, 60), "1HFC10CT001": (-6, 120)},
        {"MILL-A-PLUG plugged", "MILL-A-PLUG dp_high"},
        set(),
    ),
    "a coal pipe is blocked": (
        {"1HFC30CF001": (-40, 4), "1HFC30CT001": (12, 200), "1HFC30CE001": (-20, 60)},
        {"MILL-C-FEED lost"},
        {"MILL-C-CURRENT high"},
    ),
    "a drum level drifts": (
        {"1HAD10CL002": (70, 120)},
        {"DRUM-LEVEL-DRIFT b_drift", "DRUM-LEVEL-VOTE deviation"},
        set(),
    ),
    "lube oil pressure falls": (
        {"1MAV10CP001": (-0.035, 60)},
        {"LUBE-PRESSURE falling", "LUBE-PRESSURE low"},
        set(),
    ),
    "an air heater stops": (
        {"1HLD10CE001": (-14, 3), "1HNA10CT002": (40, 200)},
        {"APH-A-STALL stalled", "APH-A-STALL idle"},
        {"APH-A-GAS fouled"},
    ),
    "a fan stalls": (
        {"1HLB10CE001": (-40, 3), "1HLB10CP001": (-0.9, 3)},
        {"FDF-A-STALL stall", "FDF-PAIR unbalanced"},
        set(),
    ),
    "a heater tube bursts": (
        {"1LAD10CL001": (150, 90), "1LAD10CT002": (-25, 120), "1LAD10CT001": (-8, 120)},
        {"HPH-1-LEAK leak", "HPH-1-LEVEL high", "HPH-1-TTD poor", "HPH-1-DIFF ttd_high"},
        set(),
    ),
    "a condenser tube leaks": ({"1LCA10CQ002": (0.6, 120)}, {"COND-QUALITY leak"}, set()),
    "stator water is lost": (
        {"1MKF10CF001": (-70, 6), "1MKF10CT002": (25, 90)},
        {"STATOR-WATER flow_low", "STATOR-WATER flow_lost", "STATOR-WATER hot"},
        set(),
    ),
    "rotor turns are shorted": ({"1MKC10CE001": (260, 10), "1MKC10CE002": (26, 10)}, {"ROTOR-TURNS short"}, set()),
    "a transformer cooler stops": ({"1BAT10CT001": (14, 400)}, {"MT-COOLING poor"}, set()),
    "a main steam thermocouple is loose": (
        {"1LBA10CT001": (-45, 1)},
        {"MS-L-T-JUMP jump", "MS-SIDES apart", "MS-L-TEMP low"},
        {"MS-L-TEMP falling"},
    ),
}


@pytest.mark.feature("PWR-06")
@pytest.mark.parametrize("name", DISTURBANCES)
def test_a_disturbance_raises_the_models_of_its_equipment_and_no_others(name: str) -> None:
    changes, expected, allowed = DISTURBANCES[name]
    times, values, codes = healthy()
    values = values.copy()
    for code, (size, over) in changes.items():
        share = np.clip((np.arange(len(values)) - 900) / over, 0.0, 1.0)
        column = codes.index(code)
        values[:, column] = np.maximum(values[:, column] + size * share, 0.0)

    raised = models().run(times, values, codes)

    names = {f"{a.instance} {a.condition}" for a in raised}
    assert expected <= names
    assert names <= expected | allowed
    assert all(a.raised >= START + 900_000_000 for a in raised)
