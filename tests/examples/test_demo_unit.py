from __future__ import annotations

import csv
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

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
    assert len({i["code"] for i in written}) == len(written) == 60
    for i in written:
        assert i["asset"] in assets
        assert {kinds[c] for c in i["inputs"].values()} == {"measured"}
        assert {kinds[c] for c in i.get("outputs", {}).values()} <= {"calculated"}
        assert set(i.get("params", {})) <= {p.name for p in models().templates[i["template"]].params}
    outputs = Counter(c for i in written for c in i.get("outputs", {}).values())
    assert outputs == Counter(code for code, kind in kinds.items() if kind == "calculated")
    assert {i["template"] for i in written} == set(models().templates)


@pytest.mark.feature("PLT-08")
def test_models_use_all_blocks_and_speak_both_languages() -> None:
    ops = {b.op for t in models().templates.values() for b in t.blocks}
    assert ops == {"quality_check", "quality_bad", "rolling_mean", "above", "below", "delay", "m_of_n"}
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
    "bearing_wear": {"{m}-VIB-DE high", "{m}-VIB-DE very_high", "{m}-TEMP-DE high", "{m}-WEAR worn"},
    "condenser_air_leak": {"COND-TTD high", "COND-BP-A high", "COND-BP-B high", "COND-AIR-LEAK leak"},
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

    raised = alarms(seed, start + 400, script)

    names = {f"{a.instance} {a.condition}" for a in raised}
    expected = {e.format(m=target.removeprefix("U1-")) for e in EXPECTED[kind]}
    assert expected <= names
    machine = target.removeprefix("U1-") if target in MACHINES else None
    assert all(a.instance.startswith(machine or ("COND", "FWP-B-T")) for a in raised), raised
    assert all(label.start_us <= a.raised < label.end_us for a in raised), raised
    assert all(a.cleared is not None for a in raised), "the plant has recovered"
    assert len(raised) == len(names), "an alarm came twice"


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
