"""What the blocks of filters_more promise beyond the contract."""

from __future__ import annotations

import numpy as np
import pytest

from headworks.engine.oracles import ORACLES, Past

from .test_contract import TICKS, evaluate, same_bits
from .test_vibration import evaluate as outputs

pytestmark = pytest.mark.feature("PLT-08")

NAN = float("nan")


def test_a_median_takes_spikes_away_and_leaves_steps() -> None:
    x = [1.0, 1.0, 9.0, 1.0, 1.0, 5.0, 5.0, 5.0, -7.0, 5.0]
    assert evaluate("median_filter", {"window": 3}, x) == [1, 1, 1, 1, 1, 1, 5, 5, 5, 5]


def test_the_median_of_an_even_number_is_between_the_two_in_the_middle() -> None:
    x = [4.0, 2.0, NAN, 3.0, NAN, NAN, NAN]
    assert evaluate("median_filter", {"window": 4}, x) == [4.0, 3.0, 3.0, 3.0, 2.5, 3.0, 3.0]


def test_the_median_of_equal_values_at_the_end_of_the_numbers_is_that_value() -> None:
    assert evaluate("median_filter", {"window": 4}, [1.7e308, -1.7e308] * 3)[1:] == [0.0, 1.7e308, 0.0, 0.0, 0.0]
    assert evaluate("median_filter", {"window": 4}, [5e-324] * 4) == [5e-324] * 4


@pytest.mark.parametrize("window", [1, 2, 7, 64, 300])
def test_the_median_is_exact_for_any_window_and_any_numbers(window: int) -> None:
    rng = np.random.default_rng(window)
    x = rng.choice([NAN, -0.0, 0.0, 1.0, -1.0, 1e300, 5e-324, *rng.normal(0, 1, 9)], TICKS)
    expected = ORACLES["median_filter"](Past([x], (float(window),), np.arange(TICKS), np.empty((0, 0))))[0]
    np.testing.assert_array_equal(outputs("median_filter", {"window": window}, x)[0], expected)


def test_a_spike_is_replaced_by_the_median_and_a_step_passes_after_half_a_window() -> None:
    x = [1.0, 1.2, 0.9, 1.1, 8.0, 1.0, 0.9, 5.0, 5.1, 4.9, 5.0, 5.1]
    value, replaced = outputs("spike_filter", {"window": 7}, x)
    # 8 among 0.9 1 1.1 1.2 8: the distances from 1.1 are 0.2 0.2 0 0.1 6.9, their median 0.2; 6.9 is more than 0.9.
    assert replaced.tolist() == [0, 0, 0, 0, 1, 0, 0, 1, 1, 0, 0, 0]
    assert value[4] == 1.1
    assert value[[7, 8]].tolist() == [1.1, 1.1]
    assert value[9:].tolist() == [4.9, 5.0, 5.1]


def test_where_nothing_scatters_the_band_says_what_is_far() -> None:
    x = [2.0] * 6 + [2.1, 2.0, NAN, 3.0]
    value, replaced = outputs("spike_filter", {"window": 5, "min_band": 0.5}, x)
    assert replaced[6:].tolist()[:2] == [0, 0]
    assert np.isnan(value[8])
    assert np.isnan(replaced[8])
    assert value[9] == pytest.approx(2.05, rel=1e-15)
    assert replaced[9] == 1
    assert outputs("spike_filter", {"window": 5}, x)[1, 6] == 1


@pytest.mark.parametrize("window", [3, 4, 11, 50])
def test_spikes_are_those_of_the_definition(window: int) -> None:
    rng = np.random.default_rng(window)
    x = np.where(rng.random(TICKS) < 0.1, rng.normal(0, 30, TICKS), rng.normal(0, 1, TICKS))
    x[rng.random(TICKS) < 0.2] = NAN
    past = Past([x], (float(window), 2.5, 0.1), np.arange(TICKS), np.empty((0, 0)))
    found = outputs("spike_filter", {"window": window, "threshold": 2.5, "min_band": 0.1}, x)
    np.testing.assert_allclose(found, ORACLES["spike_filter"](past)[0], rtol=1e-15)
    assert np.nansum(found[1]) > 20


def test_small_movement_is_held_back_but_never_more_than_the_band() -> None:
    x = [1.0, 1.5, 0.5, 1.6, 1.2, NAN, 1.1, 1.0, 2.2]
    assert evaluate("dead_band", {"band": 0.5}, x) == [1.0, 1.0, 1.0, 1.6, 1.6, None, 1.6, 1.0, 2.2]
    assert evaluate("dead_band", {"band": 0}, x) == [1.0, 1.5, 0.5, 1.6, 1.2, None, 1.1, 1.0, 2.2]


def test_a_value_is_followed_no_faster_than_allowed_and_time_goes_on_while_it_is_bad() -> None:
    x = [0.0, 5.0, 5.0, 5.0, 5.0, -9.0, NAN, NAN, -9.0, -9.0]
    found = evaluate("rate_limiter", {"rise": 120, "fall": 180}, x)
    assert found == [0.0, 2.0, 4.0, 5.0, 5.0, 2.0, None, None, -7.0, -9.0]
    assert evaluate("rate_limiter", {"rise": 0, "fall": 60}, [1.0, 2.0, 0.0]) == [1.0, 1.0, 0.0]


def test_the_low_pass_answers_a_step_as_the_butterworth_filter_does() -> None:
    period, t = 40.0, np.arange(1, 200)
    a = np.sqrt(2) * np.pi * t / period
    (y,) = outputs("low_pass", {"period": period}, np.r_[0.0, np.ones(199)])
    np.testing.assert_allclose(y[1:], 1 - np.exp(-a) * (np.cos(a) + np.sin(a)), atol=1e-14)
    assert y.max() == pytest.approx(1.0432, abs=1e-3)
    assert np.abs(y[int(1.1 * period) + 1 :] - 1).max() < 0.01


def test_the_low_pass_passes_slow_and_damps_fast_oscillations() -> None:
    t = np.arange(4000)
    for times, gain in ((1, 0.5**0.5), (10, (1 + 10**-4) ** -0.5), (0.25, (1 + 4**4) ** -0.5)):
        (y,) = outputs("low_pass", {"period": 100}, np.sin(2 * np.pi * t / (100 * times)))
        assert np.abs(y[2000:]).max() == pytest.approx(gain, rel=0.03)


def test_the_low_pass_takes_a_value_after_bad_ones_as_if_it_had_been_there() -> None:
    gap = outputs("low_pass", {"period": 9}, [1.0, 2.0, NAN, NAN, 5.0, 4.0])[0]
    filled = outputs("low_pass", {"period": 9}, [1.0, 2.0, 5.0, 5.0, 5.0, 4.0])[0]
    np.testing.assert_allclose(gap[[1, 4, 5]], filled[[1, 4, 5]], rtol=1e-13)
    assert np.isnan(gap[[2, 3]]).all()


def test_a_still_signal_passes_the_low_pass_bit_for_bit() -> None:
    same_bits(outputs("low_pass", {"period": 7.3}, [0.1] * 50), np.full((1, 50), 0.1))
    assert outputs("low_pass", {"period": 0.01}, [0.1, 3.0, -2.0])[0].tolist() == [0.1, 3.0, -2.0]
