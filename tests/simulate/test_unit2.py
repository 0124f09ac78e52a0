from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest

from headworks.base.errors import Invalid
from headworks.base.status import BAD_SENSOR_FAILURE, GOOD, UNCERTAIN_SENSOR_NOT_ACCURATE
from headworks.simulate import unit2_boiler, unit2_electrical, unit2_turbine
from headworks.simulate.extra import extra_tags
from headworks.simulate.faults import Fault, FaultScript
from headworks.simulate.thermal_unit import ThermalUnit, saturation_pressure
from headworks.simulate.unit2 import LEAK_FLOW, PARTS, PLUG_DP, TAGS, Unit2, demo_script

START = 1_700_000_000_000_000
KKS = re.compile(r"2[A-Z]{3}\d{2}[A-Z]{2}\d{3}(XB\d{2})?")


def trip(cause: str = "furnace_pressure", start: int = 60, duration: int = 120) -> FaultScript:
    return FaultScript([Fault(kind="unit_trip", target=cause, start_s=start, duration_s=duration)])


def of(unit: Unit2, values: np.ndarray, code: str) -> np.ndarray:
    return values[:, unit.codes.index(code)]


@pytest.mark.feature("PWR-06")
def test_steps_and_blocks_of_any_size_give_the_same_bits_also_through_a_trip() -> None:
    script = demo_script()
    whole, pieces = Unit2(5, START, script), Unit2(5, START, script)
    _, values, status = whole.run(1400)

    rows, states = [], []
    for size in (1, 230, 7, 0, 255, 500, 407):
        _, v, s = pieces.run(size)
        rows.append(v)
        states.append(s)

    assert np.array_equal(values, np.vstack(rows))
    assert np.array_equal(status, np.vstack(states))
    assert pieces.time == START + 1400 * 1_000_000


def test_five_hundred_tags_are_coded_titled_and_inside_their_range() -> None:
    assert len(TAGS) == 500
    assert len({t.code for t in TAGS}) == len({t.zh for t in TAGS}) == len({t.en for t in TAGS}) == 500
    assert [t.code for t in TAGS if not KKS.fullmatch(t.code)] == []
    binary = [t for t in TAGS if t.status]
    assert len(binary) == 61
    assert {t.asset for t in TAGS} <= {p.code for p in PARTS}
    values = Unit2(2, START).run(7200)[1]
    for i, t in enumerate(TAGS):
        column = values[:, i]
        assert t.low <= column.min() <= column.max() <= t.high
        if t.status:
            assert len(set(column)) == 1, t.code
        else:
            assert column.std() > 0, t.code
            # A machine in reserve measures nothing; everything that runs is away from the ends of its range.
            if t.at50:
                assert t.low < column.min() <= column.max() < t.high, t.code
    ratio = values / np.array([t.resolution for t in TAGS])
    assert np.abs(ratio - np.rint(ratio)).max() < 1e-6


@pytest.mark.feature("PWR-06")
def test_the_unit_obeys_its_physics() -> None:
    unit = Unit2(3, START)
    values = unit.run(3 * 3600)[1]
    power = of(unit, values, unit2_electrical.POWER)

    assert power.min() < 400
    assert power.max() > 600
    assert np.corrcoef(power, of(unit, values, "2LBA30CF001"))[0, 1] > 0.98
    apparent = np.hypot(power, of(unit, values, unit2_electrical.REACTIVE))
    amps = apparent / (math.sqrt(3) * of(unit, values, unit2_electrical.VOLTAGE))
    assert np.abs(amps - of(unit, values, unit2_electrical.CURRENTS[0])).max() < 0.1
    saturation = of(unit, values, unit2_turbine.CW_OUT[0]) + of(unit, values, unit2_turbine.TTD) + 0.1
    expected = np.array([saturation_pressure(t) for t in saturation])
    assert np.abs(expected - of(unit, values, unit2_turbine.BACK_PRESSURE[2])).max() < 0.3
    coal = sum(of(unit, values, f"2HFB{n}0CF001") for n in range(1, 7))
    assert np.abs(coal - of(unit, values, unit2_boiler.TOTAL_COAL)).max() < 5
    feed = of(unit, values, unit2_turbine.FEED_FLOW)
    assert abs((feed - of(unit, values, unit2_boiler.ECO_FLOW)).mean() - 12.0) < 1.0


@pytest.mark.feature("PWR-06")
def test_a_plugged_mill_shows_as_mills_do() -> None:
    fault = Fault(kind="mill_plugging", target="U2-MILL-C", start_s=60, duration_s=300)
    unit = Unit2(1, START, FaultScript([fault]))
    bad, good = unit.run(500)[1], Unit2(1, START).run(500)[1]
    change = bad - good

    def at(code: str, second: int) -> float:
        return float(change[second - 5 : second + 5, unit.codes.index(code)].mean())

    assert at("2HFC30CP001", 230) == pytest.approx(PLUG_DP, rel=0.05)
    assert at("2HFC30CT001", 230) < -15
    assert at("2HFC30CF001", 230) < -20
    assert at("2HFC30CE001", 230) > 10, "the motor works harder"
    assert at("2HFC30CE001", 330) < -5, "then the table chokes"
    assert at("2HFB30CF001", 230) < -5
    assert at("2HFB10CF001", 230) > 1, "the other mills take over"
    assert at("2LBA10CP001", 230) < -0.1
    assert abs(at("2HFC20CP001", 230)) < 0.05
    assert np.array_equal(bad[:61], good[:61])


@pytest.mark.feature("PWR-06")
def test_a_leaking_heater_takes_feedwater_and_fills_up() -> None:
    fault = Fault(kind="heater_leak", target="U2-HPH-2", start_s=60, duration_s=300)
    unit = Unit2(1, START, FaultScript([fault]))
    change = (unit.run(350)[1] - Unit2(1, START).run(350)[1])[300:].mean(axis=0)
    felt = dict(zip(unit.codes, change, strict=True))

    assert felt["2LAD20CL001"] > 140
    assert felt["2LAD20CG001"] > 30
    assert felt["2LAD20CG002"] > 40
    assert felt["2LAD20CT001"] < -5
    assert felt["2LAD20CT002"] < -10
    assert felt["2LAD20CT003"] > 5
    assert felt[unit2_boiler.ECO_FLOW] == pytest.approx(-LEAK_FLOW, rel=0.05)
    assert felt[unit2_turbine.FEED_FLOW] == 0.0


def test_a_trip_runs_its_course_and_the_unit_comes_back() -> None:
    unit = Unit2(1, START, trip())
    values = unit.run(600)[1]

    def first(code: str, value: float) -> int:
        return int(np.argmax(of(unit, values, code) == value))

    mft, ets, breaker = first("2CJF10EZ001XB01", 1), first("2MAY10EZ001XB01", 1), first(unit2_electrical.BREAKER, 0)
    assert of(unit, values, unit2_boiler.FURNACE_PRESSURES[0])[60:mft].max() > 1500
    assert (mft, ets, breaker) == (69, 70, 72)
    assert of(unit, values, unit2_boiler.FURNACE_PRESSURES[0])[mft : mft + 15].min() < -1500, "the fire is gone"
    power = of(unit, values, unit2_electrical.POWER)
    assert power[mft - 1] > 400
    assert power[ets] < 0, "reverse power until the breaker opens"
    assert abs(power[breaker : breaker + 60]).max() < 2
    speed = of(unit, values, unit2_turbine.SPEED[0])
    assert speed[170] < 1500
    assert of(unit, values, "2MAD03CY001")[110:160].max() > 125, "critical speed"
    assert of(unit, values, "2HNA10CQ001")[170] > 19
    assert of(unit, values, "2LAC30AP001XB01")[170] == 1
    for t, before, after in zip(TAGS, values[59], values[599], strict=True):
        if t.status:
            assert before == after, t.code
    assert abs(power[599] - 595) < 100
    assert unit.trip.running


def test_a_second_trip_while_the_unit_starts_trips_it_again() -> None:
    script = FaultScript(
        [
            Fault(kind="unit_trip", target="furnace_pressure", start_s=20, duration_s=60),
            Fault(kind="unit_trip", target="lube_oil", start_s=140, duration_s=60),
        ]
    )
    unit = Unit2(1, START, script)
    values = unit.run(560)[1]
    mft = of(unit, values, "2CJF10EZ001XB01")

    assert [mft[s] for s in (28, 29, 135, 149, 199, 300)] == [0, 1, 0, 1, 1, 0]
    assert of(unit, values, "2MAY10EZ001XB01")[148] == 1, "the turbine first"
    assert unit.trip.running


@pytest.mark.feature("PLT-03")
def test_sensors_fail_in_their_status_and_drift_in_their_value() -> None:
    rows = (("sensor_failure", "2LBA10CT001"), ("sensor_uncertain", "2HNA10CQ001"), ("sensor_drift", "2HAD10CL002"))
    script = FaultScript([Fault(kind=k, target=t, start_s=50, duration_s=100) for k, t in rows])  # type: ignore[arg-type]
    unit = Unit2(1, START, script)
    _, values, status = unit.run(200)
    good = Unit2(1, START).run(200)[1]
    column = {t: unit.codes.index(t) for _, t in rows}

    assert set(status[50:150, column["2LBA10CT001"]]) == {BAD_SENSOR_FAILURE}
    assert set(values[50:150, column["2LBA10CT001"]]) == {values[49, column["2LBA10CT001"]]}
    assert set(status[50:150, column["2HNA10CQ001"]]) == {UNCERTAIN_SENSOR_NOT_ACCURATE}
    assert np.array_equal(values[:, column["2HNA10CQ001"]], good[:, column["2HNA10CQ001"]])
    drift = values[:, column["2HAD10CL002"]] - good[:, column["2HAD10CL002"]]
    assert drift[149] == pytest.approx(32, abs=1)
    assert 0 < drift[60] < drift[80] < 32
    assert drift[150] == 0
    assert set(status[150]) == set(status[49]) == {GOOD}
    untouched = [i for i in range(500) if i not in column.values()]
    assert np.array_equal(values[:, untouched], good[:, untouched])


@pytest.mark.parametrize(
    ("kind", "target", "code", "value"),
    [
        ("unit_trip", "bad_luck", "simulate.unknown_target", "bad_luck"),
        ("mill_plugging", "U2-HPH-1", "simulate.unknown_target", "U2-HPH-1"),
        ("sensor_drift", "1LBA10CT001", "simulate.unknown_target", "1LBA10CT001"),
        ("bearing_wear", "U1-FWP-A", "simulate.unknown_fault", "bearing_wear"),
    ],
)
def test_a_fault_that_cannot_be_is_refused(kind: Any, target: str, code: str, value: str) -> None:
    script = FaultScript([Fault(kind=kind, target=target, start_s=0, duration_s=10)])
    with pytest.raises(Invalid) as e:
        Unit2(1, START, script)
    assert [(p.code, p.value) for p in e.value.problems] == [(code, value)]


@pytest.mark.parametrize(("unit", "number"), [(ThermalUnit, 1), (Unit2, 2)])
def test_more_tags_change_nothing_of_the_unit_and_follow_it(unit: Any, number: int) -> None:
    extra = extra_tags(number, 1000)
    more, plain = unit(3, START, None, extra), unit(3, START)
    _, values, status = more.run(400)
    n = len(plain.codes)

    assert len({*more.codes}) == n + 1000
    assert np.array_equal(values[:, :n], plain.run(400)[1])
    assert status.shape == values.shape
    assert (values[:, n:].std(axis=0) > 0).all()
    assert extra_tags(number, 10) == extra[:10]
    assert [t.code for t in extra if not re.fullmatch(r"\d[A-Z]{3}\d{2}[A-Z]{2}\d{3}", t.code)] == []
