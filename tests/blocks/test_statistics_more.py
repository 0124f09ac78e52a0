"""What the blocks of windows, changes, swings and running times promise beyond the contract."""

from __future__ import annotations

import numpy as np
import pytest

from headworks.blocks.catalogue import get

from .test_contract import one_block, same_bits, signal
from .worked import NAN, only, worked

pytestmark = pytest.mark.feature("PLT-08")

HOSTILE = [NAN, 0.0, 1.0, -1.0, 1e300, -1e300, 5e-324, 0.1, 0.1, 7.0]


def tail(found: list[float | None], window: int, t: int, x: list[float]) -> np.ndarray:
    """Return the good values of the window that ends at tick t."""
    good = np.array(x[max(t - window + 1, 0) : t + 1])
    return good[~np.isnan(good)]


# --- windows -----------------------------------------------------------------------------------------------------------


def test_a_standard_deviation_is_that_of_the_sample() -> None:
    x = [2.0, 4.0, NAN, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]
    found = only("rolling_std", {"x": x}, {"window": 9})
    assert found[0] is None
    assert found[1] == found[2] == pytest.approx(2**0.5, rel=1e-15)
    assert found[-1] == pytest.approx((32 / 7) ** 0.5, rel=1e-15)


def test_equal_values_have_no_spread_whatever_was_before() -> None:
    x = [1e12, -3.0, 1e300, 1.7e308, -1.7e308] + [5.1] * 30
    assert only("rolling_std", {"x": x}, {"window": 7})[11:] == [0.0] * 24


def test_a_spread_far_from_zero_is_not_lost() -> None:
    x = [1e9 + k % 2 for k in range(50)]
    assert only("rolling_std", {"x": x}, {"window": 10})[9:] == [pytest.approx((10 / 36) ** 0.5, rel=1e-7)] * 41


@pytest.mark.parametrize("window", [1, 2, 3, 7, 64, 300])
@pytest.mark.parametrize("kind", ["hostile", "falling", "rising"])
def test_extremes_are_exact_in_any_window(window: int, kind: str) -> None:
    rng = np.random.default_rng(window)
    x = {"hostile": rng.choice(HOSTILE, 250), "falling": -np.arange(250.0), "rising": np.arange(250.0)}[kind].tolist()
    low, high, apart = (only(f"rolling_{op}", {"x": x}, {"window": window}) for op in ("min", "max", "range"))
    for t in range(250):
        good = tail(low, window, t, x)
        expected = (good.min(), good.max(), good.max() - good.min()) if len(good) else (None,) * 3
        assert (low[t], high[t], apart[t]) == expected


@pytest.mark.parametrize("window", [1, 2, 7, 64])
@pytest.mark.parametrize("p", [0.0, 0.1, 0.5, 0.95, 1.0])
def test_a_quantile_is_exact_in_any_window(window: int, p: float) -> None:
    rng = np.random.default_rng(window)
    x = rng.choice([*HOSTILE[:4], -0.0, *rng.normal(0, 1, 9)], 200).tolist()
    found = only("rolling_quantile", {"x": x}, {"window": window, "p": p})
    for t in range(200):
        good = tail(found, window, t, x)
        assert found[t] == (pytest.approx(np.quantile(good, p), rel=1e-12, abs=1e-15) if len(good) else None)


JAIN_CHLAMTAC = [
    0.02, 0.15, 0.74, 3.39, 0.83, 22.37, 10.15, 15.43, 38.62, 15.92, 34.60, 10.28, 1.47, 0.40, 0.05, 11.39, 0.27, 0.42,
    0.09, 11.37,
]  # fmt: skip


def test_the_worked_example_of_the_p_square_paper() -> None:
    found = only("quantile", {"x": JAIN_CHLAMTAC}, {"p": 0.5, "window": 1_000_000})
    assert found[:5] == [pytest.approx(v) for v in (0.02, 0.085, 0.15, 0.445, 0.74)]
    table = [0.74, 0.74, 2.18, 4.75, 4.75, 9.28, 9.28, 9.28, 9.28, 6.30, 6.30, 6.30, 6.30, 4.44, 4.44]
    assert found[5:] == [pytest.approx(v, abs=0.006) for v in table]


@pytest.mark.parametrize("p", [0.05, 0.5, 0.95])
def test_an_estimated_quantile_is_near_the_true_one_and_forgets(p: float) -> None:
    rng = np.random.default_rng(1)
    x = np.r_[rng.normal(0, 1, 10_000), rng.normal(100, 2, 10_000)]
    found = np.array(only("quantile", {"x": x.tolist()}, {"p": p, "window": 4000}), float)
    z = {0.05: -1.645, 0.5: 0.0, 0.95: 1.645}[p]
    np.testing.assert_allclose(found[4000:10_000], z, atol=0.15)
    np.testing.assert_allclose(found[14_000:], 100 + 2 * z, atol=0.3)


def test_the_correlation_of_anscombes_first_set() -> None:
    x = [10.0, 8, 13, 9, 11, 14, 6, 4, 12, 7, 5]
    y = [8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68]
    found = only("correlation", {"x": [NAN, *x], "y": [3.0, *y]}, {"window": 11})
    assert found[:3] == [None] * 3
    assert found[-1] == pytest.approx(0.81642051634484, rel=1e-13)
    assert only("correlation", {"x": x, "y": [-3.0 * v for v in x]}, {"window": 11})[-1] == -1.0


def test_what_does_not_move_has_no_correlation() -> None:
    x = [float(k) for k in range(8)]
    assert only("correlation", {"x": x, "y": [0.1] * 8}, {"window": 5}) == [None] * 8
    huge = only("correlation", {"x": [1e200 * v for v in x], "y": x}, {"window": 5})
    assert huge == [None] * 8, "no square of it is a number"


# --- changes -----------------------------------------------------------------------------------------------------------

NIST = [
    324.925, 324.675, 324.725, 324.350, 325.350, 325.225, 324.125, 324.525, 325.225, 324.600, 324.625, 325.150, 328.325,
    327.250, 327.825, 328.500, 326.675, 327.775, 326.875, 328.350,
]  # fmt: skip


def test_the_worked_example_of_the_nist_handbook() -> None:
    params = {"target": 325.0, "slack": 0.3175, "threshold": 4.1959}
    found = worked("cusum", {"x": NIST}, params)
    high = [0, 0, 0, 0, 0.03, 0, 0, 0, 0, 0, 0, 0, 3.01, 4.94, 7.45, 10.63, 11.99, 14.44, 16.00, 19.04]
    assert found["high"] == [pytest.approx(v, abs=0.0051) for v in high]
    low = [0, 0.01, 0, 0.33, 0, 0, 0.56, 0.72, 0.17, 0.26, 0.31, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    assert found["low"] == [pytest.approx(v, abs=0.0051) for v in low]
    assert found["alarm"] == [0.0] * 13 + [1.0] * 7


def test_a_cusum_is_capped_and_reset() -> None:
    params = {"target": 0.0, "slack": 1.0, "threshold": 4.0, "cap": 2.0}
    x = [-3.0, NAN, -3.0, -3.0, -30.0, 0.0, -3.0, -2.0, NAN]
    reset = [0.0, 0.0, NAN, 0.0, 0.0, 0.0, 1.0, 0.0, 1.0]
    found = worked("cusum", {"x": x, "reset": reset}, params)
    assert found["low"] == [2.0, None, 4.0, 6.0, 8.0, 7.0, 0.0, 1.0, None]
    assert found["alarm"] == [0.0, None, 0.0, 1.0, 1.0, 1.0, 0.0, 0.0, None]


def test_a_shift_of_the_mean_is_found_both_ways_and_becomes_normal() -> None:
    rng = np.random.default_rng(2)
    params = {"tau": 500.0, "tolerance": 0.5, "threshold": 12.0}
    for shift in (3.0, -3.0):
        x = rng.normal(0, 1, 4000) + np.where(np.arange(4000) >= 1500, shift, 0.0)
        alarm = worked("page_hinkley", {"x": x.tolist()}, params)["alarm"]
        assert not any(alarm[:1500])
        assert 1502 <= alarm.index(1.0) <= 1512
        assert not any(alarm[3500:])


def test_the_mean_of_the_page_hinkley_test_is_at_first_that_of_all() -> None:
    found = worked("page_hinkley", {"x": [1.0, NAN, 2.0, 6.0], "reset": [0.0] * 4}, {"tau": 100.0, "threshold": 2.5})
    assert found["statistic"] == [0.0, None, 0.5, pytest.approx(3.5)]
    assert found["alarm"] == [0.0, None, 0.0, 1.0]
    again = worked("page_hinkley", {"x": [1.0, 9.0, 2.0], "reset": [0.0, 0.0, 1.0]}, {"tau": 100.0, "threshold": 2.5})
    assert again["statistic"] == [0.0, 4.0, 0.0]


def test_swings_are_measured_between_reversals() -> None:
    #      up       peak 5    down      valley 1   small  peak 4        NaN goes on
    x = [0.0, 3.0, 5.0, 4.8, 3.0, 1.0, 1.3, 3.0, 4.0, 3.8, NAN, 2.0, 0.0, 0.0]
    found = worked("shake", {"x": x}, {"band": 0.5, "window": 60.0})
    assert found["swing"] == [0.0] * 7 + [4.0] * 3 + [None] + [3.5] * 3
    assert found["largest"][11] == 4.0
    assert found["reversals"][-1] == 2.0


def test_a_trend_hardly_changes_the_swing_and_noise_below_the_band_does_not_count() -> None:
    t = np.arange(3000)
    swing = 2.0 * np.sin(2 * np.pi * t / 100)
    for slope in (0.0, 0.02, -0.02):
        found = worked("shake", {"x": (swing + slope * t).tolist()}, {"band": 1.0, "window": 1000.0})
        assert found["swing"][-1] == pytest.approx(4.0, abs=0.05)
        assert found["reversals"][-1] == pytest.approx(1.2)
    quiet = np.random.default_rng(3).uniform(-0.4, 0.4, 3000)
    assert set(worked("shake", {"x": quiet.tolist()}, {"band": 1.0, "window": 100.0})["swing"]) == {0.0}


def test_a_regular_fluctuation_has_a_period_and_noise_has_none() -> None:
    t = np.arange(4000)
    rng = np.random.default_rng(4)
    params = {"band": 3.0, "window": 900.0}
    x = 3.0 * np.sin(2 * np.pi * t / 120) + 0.002 * t + rng.normal(0, 0.2, 4000)
    found = worked("periodic_fluctuation", {"x": x.tolist()}, params)
    first = next(k for k, v in enumerate(found["period"]) if v is not None)
    assert 330 <= first <= 420, "after two and a half to three and a half periods"
    np.testing.assert_allclose(found["period"][900:], 120.0, rtol=0.03)
    np.testing.assert_allclose(found["amplitude"][900:], 3.3, rtol=0.06)
    noise = worked("periodic_fluctuation", {"x": rng.normal(0, 2, 4000).tolist()}, params)["period"]
    assert sum(v is not None for v in noise) < 200


def test_a_fluctuation_that_stopped_has_no_period() -> None:
    x = [float(k % 20 < 10) for k in range(200)] + [0.0] * 100
    found = worked("periodic_fluctuation", {"x": x}, {"band": 0.5, "window": 1000.0}, tick_s=0.5)
    assert found["period"][199] == 10.0
    assert found["amplitude"][199] == 0.5
    assert found["period"][210] == 10.0
    assert found["period"][211:] == [None] * 89


def test_the_best_value_rises_at_once_and_is_slowly_forgotten() -> None:
    x = [5.0, 8.0, 4.0, NAN, 8.0, 99.0, 1.0]
    valid = [0.0, 1.0, 1.0, 1.0, 1.0, NAN, 0.0]
    found = worked("best_value", {"x": x, "valid": valid}, {"tau": 3.0})
    assert found["best"] == [None, 8.0, 7.0, None, 8.0, 8.0, 8.0]
    assert found["shortfall"] == [None, 0.0, 3.0, None, 0.0, -91.0, 7.0]
    low = worked("best_value", {"x": [5.0, 8.0, 4.0]}, {"tau": 3.0, "lowest": 1.0})
    assert low["best"] == [5.0, 5.75, 4.0]
    assert low["shortfall"] == [0.0, 2.25, 0.0]


# --- running -----------------------------------------------------------------------------------------------------------


def test_a_duty_is_the_share_of_known_time() -> None:
    x = [NAN, 1.0, 0.0, 1.0, NAN, 1.0, 0.0, 0.0, 0.0, 0.0]
    found = only("duty", {"x": x}, {"window": 4.0})
    assert found == [None, 1.0, 0.5, 2 / 3, 2 / 3, 2 / 3, 2 / 3, 1 / 3, 0.25, 0.0]


def test_starts_are_counted_in_the_window() -> None:
    x = [1.0, 0.0, 1.0, 1.0, NAN, 1.0, 0.0, NAN, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    found = only("starts_per_hour", {"x": x}, {"window": 300.0}, tick_s=60.0)
    assert found == [0.0, 0.0, 12.0, 12.0, 12.0, 12.0, 12.0, 0.0, 12.0, 12.0, 12.0, 12.0, 12.0, 0.0]


def test_running_hours_are_added_up_until_the_reset() -> None:
    x = [NAN, 1.0, 0.0, 1.0, NAN, 1.0, 1.0, 0.0, 1.0]
    reset = [0.0, 0.0, 0.0, 0.0, 0.0, NAN, 1.0, 0.0, 0.0]
    found = worked("run_time", {"x": x, "reset": reset}, tick_s=1800.0)
    assert found["hours"] == [None, 0.5, 0.5, 1.0, 1.0, 1.5, 0.0, 0.0, 0.5]
    assert found["starts"] == [None, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0, 0.0, 1.0]


def test_time_in_a_state_begins_anew_with_each_change() -> None:
    x = [NAN, 1.0, 1.0, NAN, 1.0, 0.0, 0.0, 1.0]
    assert only("time_in_state", {"x": x}, tick_s=0.5) == [None, 0.0, 0.5, None, 1.0, 0.0, 0.5, 0.0]


@pytest.mark.parametrize("op", ["rolling_std", "rolling_quantile", "correlation", "shake"])
def test_rings_of_several_values_go_on_in_an_edited_program(op: str) -> None:
    program, data = one_block(get(op)), signal(5, 2 if op == "correlation" else 1)
    whole = program.run(program.new_state(), *data).calc_value
    state = program.new_state()
    program.run(state, *(c[:300] for c in data))
    edited = one_block(get(op))
    found = edited.run(edited.migrate(program, state), *(c[300:] for c in data)).calc_value
    same_bits(found, whole[300:])
