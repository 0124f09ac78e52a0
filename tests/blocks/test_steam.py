"""What the blocks of the family steam promise beyond the contract."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from headworks.base import units
from headworks.blocks.spec import REGISTRY

from .lively import Lively
from .lively_steam import COAL
from .test_contract import SECOND, START, one_block

pytestmark = pytest.mark.feature("PLT-08")

NAN = float("nan")


def evaluate(op: str, params: Mapping[str, float], *columns: float | list[float]) -> np.ndarray:
    """Return the outputs f64[output, t] of a block whose inputs are `columns`."""
    program = one_block(REGISTRY[op], Lively(params, wired=len(columns)))
    value = np.array([c if isinstance(c, list) else [c] for c in columns], float).T
    ticks = START + np.arange(len(value)) * SECOND
    return program.step(program.new_state(), ticks, value, np.zeros(value.shape, np.uint32)).calc_value.T


def test_every_unit_of_the_family_is_known() -> None:
    for spec in REGISTRY.values():
        if spec.family == "steam":
            for unit in (
                *(i.unit for i in spec.inputs),
                *(p.unit for p in spec.params),
                *(o.unit for o in spec.outputs),
            ):
                assert units.known(unit), unit
    assert units.conversion("kJ/(kg*K)", "J/(kg*K)") == (1000.0, 0.0)
    assert units.conversion("m3/kg", "cm**3/g") == (1000.0, 0.0)


# --- properties --------------------------------------------------------------------------------------------------------


def test_main_steam_and_supercritical_water() -> None:
    found = evaluate("steam_properties", {}, [16.7, 25.0], [538.0, 390.0])
    np.testing.assert_allclose(found[0], [3398.617120428266, 2395.530470609194], rtol=1e-12)
    np.testing.assert_allclose(found[1], [6.415128820747939, 4.86561315252825], rtol=1e-12)
    np.testing.assert_allclose(found[2], [0.01989394435764209, 0.0046470733833457135], rtol=1e-12)
    assert found[3].tolist() == [2, 3]
    for row, op in enumerate(("steam_enthalpy", "steam_entropy", "steam_volume")):
        np.testing.assert_array_equal(evaluate(op, {}, [16.7, 25.0], [538.0, 390.0])[0], found[row])


@pytest.mark.parametrize(
    ("op", "p", "other"),
    [
        ("steam_properties", [0.0, 100.1, 60.0, 0.1, 0.1], [20.0, 20.0, 801.0, -0.1, 2001.0]),
        ("steam_temperature_ph", [0.0006, 100.1, 1.0, 1.0, 60.0], [100.0, 100.0, -0.1, 7500.0, 4200.0]),
        ("steam_temperature_ps", [0.0006, 100.1, 1.0, 1.0, 60.0], [1.0, 1.0, -0.01, 12.0, 7.0]),
        ("steam_volume_ph", [0.0006, 100.1, 1.0, 1.0, 60.0], [100.0, 100.0, -0.1, 7500.0, 4200.0]),
        ("steam_enthalpy_ps", [0.0006, 100.1, 1.0, 1.0, 60.0], [1.0, 1.0, -0.01, 12.0, 7.0]),
        ("superheat", [0.0006, 22.065], [20.0, 400.0]),
        ("subcooling", [0.0006, 22.065], [20.0, 400.0]),
        ("steam_quality", [0.0006, 22.064, 30.0], [1000.0, 2087.0, 2000.0]),
    ],
)
def test_out_of_range_is_bad(op: str, p: list[float], other: list[float]) -> None:
    assert np.isnan(evaluate(op, {}, p, other)).all()


def test_saturation() -> None:
    t = evaluate("saturation_temperature", {}, [0.000611, 0.000611213, 0.1, 22.064, 22.0641])[0]
    assert np.isnan(t[[0, 4]]).all()
    np.testing.assert_allclose(t[1:4], [0.0, 99.605919, 373.946], atol=1e-5)
    p = evaluate("saturation_pressure", {}, [-0.001, 0.0, 100.0, 373.946, 373.947])[0]
    assert np.isnan(p[[0, 4]]).all()
    np.testing.assert_allclose(p[1:4], [0.000611212677, 0.101417978, 22.064], rtol=1e-8)
    np.testing.assert_allclose(
        evaluate("superheat", {}, [0.1, 0.1], [120.0, 90.0])[0], [20.394081, -9.605919], atol=1e-6
    )
    np.testing.assert_allclose(
        evaluate("subcooling", {}, [0.1, 0.1], [120.0, 90.0])[0], [-20.394081, 9.605919], atol=1e-6
    )


def test_the_quality_of_wet_steam_ends_at_water_and_at_steam() -> None:
    found = evaluate("steam_quality", {}, [1.0, 18.0, 1.0, 1.0, 18.0], [2000.0, 2200.0, 500.0, 2900.0, 3000.0])[0]
    np.testing.assert_allclose(found[:2], [0.6142248896426701, 0.601891268838371], rtol=1e-9)
    assert found[2:].tolist() == [0.0, 1.0, 1.0]


def test_an_isentropic_expansion_ends_in_wet_steam() -> None:
    found = evaluate("steam_enthalpy_ps", {}, [0.005, 0.005, 3.7], [7.3, 6.415128820747939, 6.415128820747939])[0]
    np.testing.assert_allclose(found, [2226.000195970898, 1955.207734158206, 2972.5918709188854], rtol=1e-11)
    assert evaluate("steam_temperature_ps", {}, 0.005, 7.3)[0] == evaluate("saturation_temperature", {}, 0.005)[0]


# --- turbine, heaters, condenser ---------------------------------------------------------------------------------------


def test_the_high_pressure_section_of_a_turbine() -> None:
    isentropic, actual, efficiency = evaluate("enthalpy_drop", {}, 16.7, 538.0, 3.7, 325.0)[:, 0]
    assert isentropic == pytest.approx(3398.617120428266 - 2972.5918709188854, rel=1e-11)
    assert actual == pytest.approx(3398.617120428266 - 3037.731148424964, rel=1e-11)
    assert efficiency == pytest.approx(84.7103, abs=1e-3)


def test_what_is_not_known_of_a_section_that_ends_wet() -> None:
    # Saturation at 5 kPa is 32.87 ℃.
    drop, actual, efficiency = evaluate("enthalpy_drop", {}, [0.8] * 3, [350.0] * 3, [0.005] * 3, [32.9, 35.8, 35.9])
    assert not np.isnan(drop).any()
    assert np.isnan(actual).tolist() == np.isnan(efficiency).tolist() == [True, True, False]
    rising = evaluate("enthalpy_drop", {}, 1.0, 350.0, 2.0, 400.0)
    assert np.isnan(rising).all()


def test_a_heater() -> None:
    found = evaluate("heater_differences", {}, [4.0, 23.0], [210.0, 210.0], [251.5, 251.5], [215.6, 215.6])
    np.testing.assert_allclose(found[:, 0], [250.35751912406556 - 251.5, 5.6, 41.5], rtol=1e-9)
    assert np.isnan(found[:, 1]).all()
    dca_bad = evaluate("heater_differences", {}, 4.0, 210.0, 251.5, NAN)[:, 0]
    assert np.isnan(dca_bad).tolist() == [False, True, False]


def test_a_condenser() -> None:
    t, ttd, itd, rise = evaluate("condenser_differences", {}, 4.9, 20.0, 29.0)[:, 0]
    assert (t, ttd) == pytest.approx((32.51638373881235, 3.51638373881235), rel=1e-9)
    assert (itd, rise) == pytest.approx((12.51638373881235, 9.0), rel=1e-9)


def test_how_clean_a_condenser_is() -> None:
    params = {"area": 38_000.0, "passage": 9.2}
    actual, clean, cleanliness = evaluate("condenser_cleanliness", params, 4.9, 68_000.0, 20.0, 29.0)[:, 0]
    # 711.62 MW over 38,000 m² at a mean difference of 7.0888 K; water at 2.0573 m/s.
    assert actual == pytest.approx(2641.744367908939, rel=1e-9)
    assert clean == pytest.approx(3879.81744186803, rel=1e-9)
    assert cleanliness == pytest.approx(100 * 2641.744367908939 / 3879.81744186803, rel=1e-9)
    cold = evaluate("condenser_cleanliness", params, 4.9, 68_000.0, 20.0, 29.0, 0.95)[:, 0]
    np.testing.assert_allclose(cold, [actual, 0.95 * clean, cleanliness / 0.95], rtol=1e-12)
    for p, flow, t_in, t_out in ((4.0, 68_000.0, 20.0, 29.0), (4.9, 0.0, 20.0, 29.0), (4.9, 68_000.0, 29.0, 29.0)):
        assert np.isnan(evaluate("condenser_cleanliness", params, p, flow, t_in, t_out)).all()
    unknown = evaluate("condenser_cleanliness", params, 4.9, 68_000.0, 20.0, 29.0, NAN)[:, 0]
    assert np.isnan(unknown).tolist() == [False, True, True]


# --- the unit ----------------------------------------------------------------------------------------------------------


BOILER = {**COAL, "t_slag": 600.0, "slag_heat": 1.0}


def test_the_losses_of_a_boiler_that_burns_all_its_carbon() -> None:
    found = evaluate("boiler_efficiency", BOILER, 130.0, 3.5, 25.0, 0.0, 0.0, 2008.0, 100.0)[:, 0]
    # Air 5.8592 m³/kg, excess 1.2; fly ash 0.2 · 0.9 · 0.82 · 105 kJ, slag 0.2 · 0.1 · 575 kJ.
    np.testing.assert_allclose(found[1:], [5.001, 0.040, 0.0, 0.323, 0.1227], atol=6e-4)
    assert found[0] == pytest.approx(100 - found[1:].sum(), abs=1e-12)


def test_carbon_that_does_not_burn_is_lost_and_needs_no_air() -> None:
    all_burned = evaluate("boiler_efficiency", BOILER, 130.0, 3.5, 25.0, 0.0, 0.0, 2008.0, 100.0)[:, 0]
    found = evaluate("boiler_efficiency", BOILER, 130.0, 3.5, 25.0, 2.5, 4.0, 2008.0, 100.0)[:, 0]
    np.testing.assert_allclose(found[3:], [0.835, 0.323, 0.127], atol=5e-4)
    # 0.545 of 57.5 % carbon: 0.93 % less air, and gas without what hydrogen needs and water gives.
    assert 0.990 < found[1] / all_burned[1] < 0.993
    assert found[0] == pytest.approx(93.71, abs=0.01)


def test_radiation_counts_more_at_part_load_and_may_be_given() -> None:
    at = (130.0, 3.5, 25.0, 2.5, 4.0)
    full, half = (evaluate("boiler_efficiency", BOILER, *at, flow)[4, 0] for flow in (2008.0, 1004.0))
    assert full == pytest.approx(5.82 * 2008**-0.38, rel=1e-12)
    assert half == pytest.approx(2 * full, rel=1e-12)
    given = evaluate("boiler_efficiency", {**BOILER, "radiation": 0.2}, *at, 1004.0)[4, 0]
    assert given == pytest.approx(0.4, rel=1e-12)


@pytest.mark.parametrize(
    ("number", "value"), [(1, 20.1), (1, -0.1), (3, 90.1), (3, -0.1), (4, 91.0), (5, 0.0), (2, NAN), (6, NAN)]
)
def test_a_boiler_that_cannot_be_judged(number: int, value: float) -> None:
    at = [130.0, 3.5, 25.0, 2.5, 4.0, 2008.0, 0.0]
    at[number] = value
    assert np.isnan(evaluate("boiler_efficiency", BOILER, *at)).all()


def test_the_heat_rate_of_a_reheat_turbine() -> None:
    plain = evaluate("turbine_heat_rate", {}, 600.0, 1800.0, 3398.6, 1200.0)[0, 0]
    assert plain == pytest.approx(1800 * 2198.6 / 600, rel=1e-12)
    reheat = evaluate("turbine_heat_rate", {}, 600.0, 1800.0, 3398.6, 1200.0, 1500.0, 3020.0, 3535.0)[0, 0]
    assert reheat == pytest.approx((1800 * 2198.6 + 1500 * 515) / 600, rel=1e-12)
    sprays = evaluate(
        "turbine_heat_rate", {}, 600.0, 1800.0, 3398.6, 1200.0, 1500.0, 3020.0, 3535.0, 50.0, 750.0, 10.0, 700.0
    )[0, 0]
    assert sprays - reheat == pytest.approx((50 * 450 + 10 * 2835) / 600, rel=1e-9)
    assert np.isnan(evaluate("turbine_heat_rate", {"least": 100.0}, 99.0, 1800.0, 3398.6, 1200.0)).all()


def test_coal_for_a_kilowatt_hour() -> None:
    generation, supply = evaluate("coal_consumption", {}, 7800.0, 93.85, 5.0)[:, 0]
    assert generation == pytest.approx(286.45, abs=0.005)
    assert supply == pytest.approx(301.52, abs=0.01)
    alone = evaluate("coal_consumption", {}, 7800.0, 93.85)[:, 0]
    assert alone.tolist() == [generation, generation]
    assert np.isnan(evaluate("coal_consumption", {}, 7800.0, 0.0, 5.0)).all()
    assert np.isnan(evaluate("coal_consumption", {}, 7800.0, 100.1, 5.0)).all()
    assert np.isnan(evaluate("coal_consumption", {}, 7800.0, 93.85, 100.0)[:, 0]).tolist() == [False, True]
