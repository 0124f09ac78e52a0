from __future__ import annotations

import itertools
import math
import re

import numpy as np
import pytest

from headworks.base.errors import Invalid
from headworks.simulate import tags_bop, thermal_unit
from headworks.simulate.faults import Fault, FaultScript, demo_script
from headworks.simulate.thermal_unit import GROUPS, MACHINES, TAGS, ThermalUnit

START = 1_700_000_000_000_000
KKS = re.compile(r"\d[A-Z]{3}\d{2}[A-Z]{2}\d{3}")


@pytest.mark.feature("PWR-06")
def test_steps_and_blocks_of_any_size_give_the_same_bits() -> None:
    script = FaultScript(
        [
            Fault(kind="sensor_freeze", target="1LAC20CT001", start_s=40, duration_s=60),
            Fault(kind="bearing_wear", target="U1-IDF-A", start_s=90, duration_s=120),
            Fault(kind="condenser_air_leak", start_s=200, duration_s=70),
        ],
        repeat_s=280,
    )
    whole = ThermalUnit(5, START, script)
    pieces = ThermalUnit(5, START, script)
    times, values, status = whole.run(600)

    rows = [pieces.step()[0] for _ in range(50)]
    for size in (0, 1, 7, 200, 255, 87):
        rows += list(pieces.run(size)[1])

    assert np.array_equal(values, np.array(rows))
    assert list(times[:2]) == [START, START + 1_000_000]
    assert status.dtype == np.uint32
    assert not status.any()
    assert pieces.time == START + 600_000_000


@pytest.mark.feature("PWR-06")
def test_a_seed_is_a_unit_and_faults_change_only_what_they_touch() -> None:
    healthy = ThermalUnit(5, START).run(300)[1]
    assert np.array_equal(healthy, ThermalUnit(5, START).run(300)[1])
    assert not np.array_equal(healthy, ThermalUnit(6, START).run(300)[1])

    script = FaultScript([Fault(kind="bearing_wear", target="U1-FWP-A", start_s=50, duration_s=200)])
    worn = ThermalUnit(5, START, script).run(300)[1]
    changed = {TAGS[i].code for i in np.flatnonzero((worn != healthy).any(axis=0))}
    machine = MACHINES["U1-FWP-A"]
    assert changed == {*machine.vibration, *machine.temperature}
    assert np.array_equal(worn[:51], healthy[:51])


def test_tags_are_about_three_hundred_coded_titled_and_inside_their_range() -> None:
    assert 300 <= len(TAGS) <= 360
    assert len({t.code for t in TAGS}) == len(TAGS) == sum(len(g) for g in GROUPS.values())
    assert len({t.zh for t in TAGS}) == len({t.en for t in TAGS}) == len(TAGS)
    assert not [t.code for t in TAGS if not KKS.fullmatch(t.code)]
    values = ThermalUnit(2, START).run(7200)[1]
    low, high = np.array([t.low for t in TAGS]), np.array([t.high for t in TAGS])
    assert [t.code for t, bad in zip(TAGS, ((values <= low) | (values >= high)).any(axis=0), strict=True) if bad] == []
    ratio = values / np.array([t.resolution for t in TAGS])
    assert np.abs(ratio - np.rint(ratio)).max() < 1e-6
    assert (values.std(axis=0) > 0).all()


@pytest.mark.feature("PWR-06")
def test_the_unit_obeys_its_physics() -> None:
    unit = ThermalUnit(3, START)
    values = unit.run(4 * 3600)[1]

    def of(code: str) -> np.ndarray:
        return values[:, unit.codes.index(code)]

    power = of("1MKA10CE001")
    assert power.min() < 400
    assert power.max() > 520
    assert np.corrcoef(power, of("1LBA10CF001"))[0, 1] > 0.98
    apparent = np.hypot(power, of("1MKA10CE002"))
    assert np.abs(apparent / (math.sqrt(3) * of("1MKA10CE003")) - of("1MKA10CE004")).max() < 0.1
    saturation = of(tags_bop.CW_OUT[0]) + of(tags_bop.TTD) + 0.1
    expected = [thermal_unit.saturation_pressure(t) for t in saturation]
    assert np.abs(np.array(expected) - of(tags_bop.BACK_PRESSURE[0])).max() < 0.3
    assert np.abs(of(tags_bop.VACUUM) + 101.3 - of(tags_bop.BACK_PRESSURE[0])).max() < 0.3


@pytest.mark.parametrize(("celsius", "kpa"), [(26.85, 3.53658941), (32.8755, 5.0), (99.61, 100.0)])
def test_saturation_pressure_agrees_with_the_steam_tables(celsius: float, kpa: float) -> None:
    assert thermal_unit.saturation_pressure(celsius) == pytest.approx(kpa, rel=0.02)


@pytest.mark.feature("PWR-06")
def test_an_air_leak_raises_back_pressure_and_difference_and_costs_load() -> None:
    leak = FaultScript([Fault(kind="condenser_air_leak", start_s=60, duration_s=600)])
    good, bad = ThermalUnit(1, START).run(600)[1], ThermalUnit(1, START, leak).run(600)[1]
    change = dict(zip((t.code for t in TAGS), (bad - good)[500:].mean(axis=0), strict=True))

    assert change[tags_bop.TTD] == pytest.approx(thermal_unit.LEAK_TTD, rel=0.02)
    assert change[tags_bop.BACK_PRESSURE[0]] > 3
    assert change[tags_bop.VACUUM] > 3
    assert change[tags_bop.SUBCOOLING] == pytest.approx(thermal_unit.LEAK_SUBCOOLING, rel=0.02)
    assert -20 < change["1MKA10CE001"] < -2


def test_a_frozen_sensor_repeats_the_value_before_it_froze() -> None:
    script = FaultScript([Fault(kind="sensor_freeze", target="1LBA10CT001", start_s=100, duration_s=50)])
    unit = ThermalUnit(1, START, script)
    column = unit.run(200)[1][:, unit.codes.index("1LBA10CT001")]

    assert set(column[100:150]) == {column[99]}
    assert len(set(column[150:])) > 3


@pytest.mark.parametrize(
    ("kind", "target"),
    [("bearing_wear", "U1-NONE"), ("sensor_freeze", "1XXX10CT001"), ("condenser_air_leak", "U1-COND")],
)
def test_a_fault_on_nothing_is_refused(kind: str, target: str) -> None:
    with pytest.raises(Invalid) as e:
        ThermalUnit(1, START, FaultScript([Fault(kind=kind, target=target, start_s=0, duration_s=10)]))  # type: ignore[arg-type]
    assert [(p.code, p.value) for p in e.value.problems] == [("simulate.unknown_target", target)]


def test_the_demonstration_begins_with_a_fault_after_forty_seconds_and_recovers_between() -> None:
    labels = demo_script().labels(START, 0, 2 * 1920)

    assert labels[0].start_us == START + 40_000_000
    assert {label.fault for label in labels} == {"bearing_wear", "sensor_freeze", "condenser_air_leak"}
    assert len(labels) == 12
    gaps = [b.start_us - a.end_us for a, b in itertools.pairwise(labels)]
    assert min(gaps) >= 40_000_000
