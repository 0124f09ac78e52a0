"""What the blocks of the family vibration promise beyond the contract."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from headworks.blocks.spec import REGISTRY
from headworks.engine.oracles import ORACLES, Past

from .lively import Lively
from .test_contract import SECOND, START, one_block

pytestmark = pytest.mark.feature("PLT-08")

NAN = float("nan")


def evaluate(op: str, params: Mapping[str, float], *columns: np.ndarray | list[float]) -> np.ndarray:
    """Return the outputs f64[output, t] of a block whose inputs are `columns`."""
    program = one_block(REGISTRY[op], Lively(params, wired=len(columns)))
    value = np.array(columns, float).T
    ticks = START + np.arange(len(value)) * SECOND
    return program.step(program.new_state(), ticks, value, np.zeros(value.shape, np.uint32)).calc_value.T


# --- features of samples -----------------------------------------------------------------------------------------------


def test_a_sine_has_the_features_of_a_sine_whatever_its_mean() -> None:
    t = np.arange(200)
    rms, peak, crest, kurtosis = evaluate("vibration_features", {"window": 32}, 1e4 + 3 * np.cos(2 * np.pi * t / 16))
    assert np.isnan(rms[:15]).all()
    np.testing.assert_allclose(rms[31:], 3 / 2**0.5, rtol=1e-9)
    np.testing.assert_allclose(peak[31:], 3, rtol=1e-9)
    np.testing.assert_allclose(crest[31:], 2**0.5, rtol=1e-9)
    np.testing.assert_allclose(kurtosis[31:], 1.5, rtol=1e-8)


def test_shocks_raise_crest_factor_and_kurtosis() -> None:
    noise = np.random.default_rng(7).normal(0, 1, 4000)
    shocks = noise + np.where(np.arange(4000) % 100 == 0, 12.0, 0.0)
    quiet = evaluate("vibration_features", {"window": 2000}, noise)[:, -1]
    loud = evaluate("vibration_features", {"window": 2000}, shocks)[:, -1]
    assert quiet[3] == pytest.approx(3, abs=0.4)
    assert loud[3] > 15
    assert loud[2] > 7 > quiet[2]


def test_a_still_signal_does_not_vibrate() -> None:
    x = [0.1, 0.3, 0.2, 0.7] * 5 + [0.1] * 30
    rms, peak, crest, kurtosis = evaluate("vibration_features", {"window": 10}, x)
    assert (rms[29:] == 0).all()
    assert (peak[29:] == 0).all()
    assert np.isnan(crest[29:]).all()
    assert np.isnan(kurtosis[29:]).all()


@pytest.mark.parametrize("name", ["spikes", "falling", "steps", "quiet after loud", "gaps"])
def test_rounding_does_not_pile_up(name: str) -> None:
    rng = np.random.default_rng(8)
    n = 3000
    noise = rng.normal(0, 1e-3, n)
    x = {
        "spikes": noise + np.where(rng.random(n) < 0.005, 1e6, 0.0),
        "falling": 500.0 - np.arange(n),
        "steps": noise + 1e3 * (np.arange(n) // 700),
        "quiet after loud": noise * 10.0 ** -(np.arange(n) // 300),
        "gaps": np.where(np.arange(n) // 97 % 3 == 1, NAN, noise),
    }[name]
    found = evaluate("vibration_features", {"window": 61}, x)
    past = Past([x], (61.0,), np.arange(n), np.empty((0, 0)))
    for y, expected in zip(found, ORACLES["vibration_features"](past)[0], strict=True):
        np.testing.assert_allclose(y, expected, rtol=1e-6)


# --- zones -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("group", "foundation", "limits"),
    [
        (1, 1, (2.3, 4.5, 7.1)),
        (1, 2, (3.5, 7.1, 11.0)),
        (2, 1, (1.4, 2.8, 4.5)),
        (2, 2, (2.3, 4.5, 7.1)),
        (3, 1, (2.8, 5.3, 8.5)),
        (4, 2, (3.8, 7.5, 11.8)),
        (5, 1, (4.5, 9.3, 14.7)),
    ],
)
def test_zones_of_a_housing_change_above_the_limits_of_the_standard(
    group: int, foundation: int, limits: tuple[float, ...]
) -> None:
    v = [0.0, *(x for limit in limits for x in (limit, limit + 0.01)), 99.0, -1.0]
    zone, warning, danger = evaluate("iso_zone", {"group": group, "foundation": foundation}, v)
    assert zone[:-1].tolist() == [1, 1, 2, 2, 3, 3, 4, 4]
    assert warning[:-1].tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
    assert danger[:-1].tolist() == [0, 0, 0, 0, 0, 0, 1, 1]
    assert np.isnan([zone[-1], warning[-1], danger[-1]]).all()


@pytest.mark.parametrize(
    ("group", "speed", "limits"),
    [
        (1, 1500, (100, 200, 320)),
        (1, 1800, (95, 185, 290)),
        (1, 3000, (90, 165, 240)),
        (1, 3600, (80, 150, 220)),
        (2, 10_000, (48, 90, 132)),
        (2, 2500, (96, 180, 264)),
    ],
)
def test_zones_of_a_shaft_depend_on_its_speed(group: int, speed: float, limits: tuple[float, ...]) -> None:
    s = [0.0, *(x for limit in limits for x in (limit, limit + 0.01))]
    zone, _, _ = evaluate("iso_shaft_zone", {"group": group, "speed": speed}, s)
    assert zone.tolist() == [1, 1, 2, 2, 3, 3, 4]


def test_limits_of_the_plant_take_the_place_of_those_of_the_standard() -> None:
    assert evaluate("iso_zone", {"b_c": 3.0}, [2.4, 3.1, 7.2])[0].tolist() == [2, 3, 4]
    assert evaluate("iso_shaft_zone", {"a_b": 50, "c_d": 200}, [51, 166, 201])[0].tolist() == [2, 3, 4]


# --- orders and envelope -----------------------------------------------------------------------------------------------


def test_a_vector_that_turns_has_moved_although_its_amplitude_has_not() -> None:
    params = {"reference_1x": 100, "reference_phase_1x": 350}
    change, _, ratio, not_1x = evaluate("order_features", params, [100, 100, 130], [50, -10, 350], [0, 30, 13])
    np.testing.assert_allclose(change, [100, 0, 30], atol=1e-11)
    np.testing.assert_allclose(ratio, [0, 0.3, 0.1], rtol=1e-15)
    np.testing.assert_allclose(not_1x, [0, 30 / (100**2 + 30**2) ** 0.5, 13 / (130**2 + 13**2) ** 0.5], rtol=1e-14)


def test_what_is_not_1x_counts_all_that_the_overall_holds() -> None:
    _, change_2x, ratio, not_1x = evaluate(
        "order_features",
        {"reference_2x": 1.0},
        [3.0, 0.0, 0.0],
        [0, 0, 0],
        [1.0, 1.0, 0.0],
        [180, 0, 0],
        [5.0, 1.0, 0.0],
    )
    assert not_1x.tolist() == [0.8, 1.0, 0.0]
    np.testing.assert_allclose(change_2x, [2.0, 0.0, 1.0], atol=1e-15)
    assert ratio[0] == pytest.approx(1 / 3)
    assert np.isnan(ratio[1:]).all()
    assert evaluate("order_features", {"least": 0.5}, [0.1], [0.0], [1.0])[2].tolist() == [2.0]
    assert np.isnan(evaluate("order_features", {}, [-0.1], [0.0], [1.0])).all()


def test_a_bearing_is_told_by_the_band_that_holds_most() -> None:
    share, band, alarm = evaluate(
        "envelope_band",
        {"limit": 0.3, "least": 1.0},
        [10.0, 10.0, 1.0, 10.0],
        [1, 3, 1, 1],
        [2, 3, 1, -1],
        [4, 1, 1, 1],
    )
    np.testing.assert_array_equal(share, [0.4, 0.3, 0.0, NAN])
    np.testing.assert_array_equal(band, [3, 1, 0, NAN])
    np.testing.assert_array_equal(alarm, [1, 0, 0, NAN])
