"""What the blocks of trend_more promise beyond the contract."""

from __future__ import annotations

import numpy as np
import pytest

from headworks.engine.oracles import ORACLES, Past

from .test_contract import TICKS, evaluate
from .test_vibration import evaluate as outputs

pytestmark = pytest.mark.feature("PLT-08")

NAN = float("nan")


def test_lag_says_what_was_then_even_if_it_was_bad() -> None:
    assert evaluate("lag", {"delay": 2}, [1.0, NAN, 3.0, 4.0, NAN, 6.0]) == [None, None, 1.0, None, 3.0, 4.0]


def test_the_difference_is_that_of_the_first_and_last_good_values_of_the_window() -> None:
    x = [5.0, 7.0, NAN, NAN, 4.0, NAN, NAN, NAN, 9.0, 10.0]
    found = evaluate("first_last_difference", {"window": 4}, x)
    assert found == [None, 2.0, 2.0, 2.0, -3.0, None, None, None, None, 1.0]


def test_the_difference_forgets_when_nothing_good_is_left() -> None:
    x = [1.0, 2.0, *[NAN] * 7, 5.0, 6.5]
    assert evaluate("first_last_difference", {"window": 3}, x) == [None, 1.0, 1.0, *[None] * 7, 1.5]


# --- peaks and valleys -------------------------------------------------------------------------------------------------


def test_turns_count_only_when_the_signal_has_come_back_far_enough() -> None:
    x = [0, 3, 2.5, 4, 2, 1, 1.5, NAN, 0.5, 3, 3, 1]
    peak, valley, rising = outputs("local_peak_valley", {"prominence": 1}, x)
    np.testing.assert_array_equal(rising, [NAN, 1, 1, 1, 0, 0, 0, 0, 0, 1, 1, 0])
    np.testing.assert_array_equal(peak, [NAN] * 4 + [4] * 7 + [3])
    np.testing.assert_array_equal(valley, [NAN] * 9 + [0.5] * 3)


def test_where_a_signal_began_is_neither_peak_nor_valley() -> None:
    peak, valley, rising = outputs("local_peak_valley", {"prominence": 1}, [5, 3, 1, 4])
    assert np.isnan(peak).all()
    assert valley[-1] == 1
    np.testing.assert_array_equal(rising, [NAN, 0, 0, 1])


def test_the_turns_of_a_noisy_sine_are_those_of_the_sine() -> None:
    t = np.arange(600)
    x = 50 + 10 * np.sin(2 * np.pi * t / 97) + np.random.default_rng(3).uniform(-1, 1, 600)
    peak, valley, rising = outputs("local_peak_valley", {"prominence": 4}, x)
    assert np.nanmax(np.abs(peak - 60)) < 1.1
    assert np.nanmax(np.abs(valley - 40)) < 1.1
    assert (np.abs(np.diff(rising[2:])) == 1).sum() == 12


# --- curves ------------------------------------------------------------------------------------------------------------


def test_a_parabola_is_found_again() -> None:
    minutes = np.arange(200) / 60
    x = 7 - 3 * minutes + 0.5 * minutes**2
    x[[40, 41, 90]] = NAN
    value, slope, curvature = outputs("polynomial_trend", {"window": 60}, x)
    assert np.isnan(value[:29]).all()
    good = np.arange(29, 200)
    np.testing.assert_allclose(value[good], (7 - 3 * minutes + 0.5 * minutes**2)[good], rtol=1e-12)
    np.testing.assert_allclose(slope[good], (-3 + minutes)[good], rtol=0, atol=1e-9)
    np.testing.assert_allclose(curvature[good], 1, rtol=1e-8)


def test_a_still_signal_neither_moves_nor_bends() -> None:
    value, slope, curvature = outputs("polynomial_trend", {"window": 8}, [0.1] * 40)
    assert set(value[3:]) == {0.1}
    assert not slope[3:].any()
    assert not curvature[3:].any()


@pytest.mark.parametrize("op", ["polynomial_trend", "time_to_limit", "ramp_detection"])
def test_fits_do_not_pile_up_rounding(op: str) -> None:
    rng = np.random.default_rng(5)
    spike = np.where(rng.random(TICKS) < 0.01, 1e9, 0.0)
    x = 1e6 + np.cumsum(rng.normal(0, 1e-3, TICKS)) + spike
    more = {"polynomial_trend": {}, "time_to_limit": {"limit": 1e9}, "ramp_detection": {"limit": 5}}[op]
    found = outputs(op, {"window": 40, **more}, x)
    kernel = {"polynomial_trend": (), "time_to_limit": (1e9, 1.0, 1440.0), "ramp_detection": (5.0, 0.0)}[op]
    past = Past([x], (40.0, *kernel, 1.0), np.arange(TICKS), np.empty((0, 0)))
    quiet = (np.convolve(spike, np.ones(42))[:TICKS] == 0) & (np.arange(TICKS) > 41)
    assert quiet.mean() > 0.3
    for ours, expected in zip(found, ORACLES[op](past)[0], strict=True):
        np.testing.assert_allclose(ours[quiet], expected[quiet], rtol=0, atol=2e-5)


def test_a_long_window_is_fitted_as_exactly_as_a_short_one() -> None:
    minutes = np.arange(30_000) / 60
    value, slope, curvature = outputs("polynomial_trend", {"window": 9000}, 500 + 0.2 * minutes - 1e-3 * minutes**2)
    np.testing.assert_allclose(value[4500:], (500 + 0.2 * minutes - 1e-3 * minutes**2)[4500:], rtol=1e-12)
    np.testing.assert_allclose(slope[4500:], (0.2 - 2e-3 * minutes)[4500:], atol=1e-10)
    np.testing.assert_allclose(curvature[4500:], -2e-3, rtol=1e-7)


def test_a_ramp_is_a_slope_that_lasts() -> None:
    x = np.r_[np.zeros(10), np.arange(1, 21) * 0.5, np.full(20, 10.0), 10 - np.arange(1, 11) * 2.0]
    rising, falling, slope = outputs("ramp_detection", {"window": 5, "limit": 20, "for_s": 3}, x)
    assert np.isnan(rising[:2]).all()
    assert slope[20] == pytest.approx(30, rel=1e-12)
    steep = np.flatnonzero(slope > 20)
    assert np.flatnonzero(rising == 1).tolist() == steep[3:].tolist()
    assert np.flatnonzero(falling == 1).tolist() == np.flatnonzero(slope < -20)[3:].tolist()
    assert not (rising[60:] == 1).any()


def test_the_time_of_a_ramp_starts_anew_where_too_little_is_known() -> None:
    x = np.arange(30.0)
    x[10:15] = NAN
    rising, _, slope = outputs("ramp_detection", {"window": 4, "limit": 1, "for_s": 5}, x)
    np.testing.assert_array_equal(np.isnan(slope), [True, *[False] * 11, *[True] * 4, *[False] * 14])
    assert np.flatnonzero(rising == 1).tolist() == [6, 7, 8, 9, 10, 11, *range(21, 30)]


@pytest.mark.parametrize(
    ("x", "upper", "time"),
    [
        ([0.0, 1.0, 2.0, 3.0], 1, 4 / 60),  # at 3, on by 1 a second: 7 in 4 s
        ([14.0, 13.0, 12.0, 11.0], 0, 4 / 60),
        ([3.0, 2.0, 1.0, 0.0], 1, 60.0),
        ([3.0, 3.0, 3.0, 3.0], 1, 60.0),
        ([0.0, 1e-3, 2e-3, 3e-3], 1, 60.0),  # in 117 min
        ([8.0, 8.0, 8.0, 8.0], 1, 0.0),
        ([7.0, 7.0, 7.0, 7.0], 1, 0.0),
        ([7.0, 7.0, 7.0, 7.0], 0, 0.0),
        ([9.0, 8.0, 7.0, 6.0], 0, 0.0),
    ],
)
def test_the_time_to_a_limit_is_that_of_the_line(x: list[float], upper: float, time: float) -> None:
    found, value = outputs("time_to_limit", {"window": 4, "limit": 7, "upper": upper, "horizon": 60}, x)
    assert found[-1] == pytest.approx(time, rel=1e-12)
    assert value[-1] == pytest.approx(x[-1], rel=1e-12, abs=1e-12)
