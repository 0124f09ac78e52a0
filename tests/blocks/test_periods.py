"""What the blocks of periods promise beyond the contract."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import numpy as np
import pytest

from headworks.blocks.spec import REGISTRY

from .lively import Lively
from .test_contract import SECOND, START, TICKS, one_block, signal

pytestmark = pytest.mark.feature("PLT-08")

NAN = float("nan")


def evaluate(
    op: str, params: Mapping[str, float], *columns: np.ndarray | list[float], start: int = START
) -> np.ndarray:
    """Return the outputs f64[output, t] of a block whose inputs are `columns`, a value a second from `start` on."""
    program = one_block(REGISTRY[op], Lively(params, wired=len(columns)))
    value = np.array(columns, float).T
    ticks = start + np.arange(len(value)) * SECOND
    return program.run(program.new_state(), ticks, value, np.zeros(value.shape, np.uint32)).calc_value.T


def at(day: int, hour: int, minute: int = 0, second: int = 0) -> int:
    """Return an instant of November 2026 by UTC [µs]."""
    return int(datetime(2026, 11, day, hour, minute, second, tzinfo=UTC).timestamp()) * SECOND


def test_the_hourly_mean_is_that_of_the_hour_of_the_clock() -> None:
    # From 9:40:00 on; 10 in the rest of this hour, of which less than half is known; then 20, then 30 and 50.
    x = np.r_[np.full(1200, 10.0), np.full(3600, 20.0), np.full(1800, 30.0), np.full(1800, 50.0), 1.0]
    value, running = evaluate("period_mean", {}, x, start=at(21, 1, 40))
    assert np.isnan(value[:4800]).all()
    assert set(value[4800:8400]) == {20.0}
    assert value[8400] == pytest.approx(40.0, rel=1e-12)
    assert set(running[:1200]) == {10.0}
    assert running[1200] == 20.0
    assert running[8399] == pytest.approx(40.0, rel=1e-12)
    assert running[8400] == 1.0


def test_a_period_of_which_less_than_half_is_good_has_no_mean() -> None:
    x = np.r_[np.full(60, 3.0), np.full(30, 5.0), np.full(31, NAN), np.full(60, 7.0)]
    x[60:62] = [NAN, 5.0]
    value, running = evaluate("period_mean", {"period": 60}, x, start=at(21, 0))
    assert set(value[60:120]) == {3.0}
    assert np.isnan(value[120:180]).all()
    assert value[180] == 7.0
    assert np.isnan(running[60])
    assert running[61] == 5.0
    assert np.isnan(running[120])


@pytest.mark.parametrize(
    ("params", "turn"),
    [
        ({"period": 86400}, at(20, 16)),  # midnight in China
        ({"period": 86400, "zone": 0}, at(21, 0)),
        ({"period": 28800}, at(21, 0)),  # 8:00
        ({"period": 28800, "start": 2}, at(20, 18)),  # 2:00
        ({"period": 43200, "start": 7.5}, at(20, 23, 30)),  # 7:30
        ({"period": 3600, "zone": 5.75}, at(21, 0, 15)),
        ({"period": 86400, "zone": -12}, at(21, 12)),
    ],
)
def test_periods_begin_at_the_time_of_day_that_was_said(params: dict[str, float], turn: int) -> None:
    x = np.r_[np.full(500, 1.0), np.full(500, 2.0)]
    _, running = evaluate("period_mean", params, x, start=turn - 500 * SECOND)
    assert set(running[:500]) == {1.0}
    assert set(running[500:]) == {2.0}


def test_a_mean_is_the_value_itself_where_it_stands_still_and_never_overflows() -> None:
    assert set(evaluate("period_mean", {"period": 60}, [0.1] * 300)[1]) == {0.1}
    _, running = evaluate("period_mean", {"period": 60}, [1.7e308, -1.7e308] * 60, start=at(21, 0))
    assert np.isfinite(running).all()
    assert abs(running[59]) < 1e295


# --- totals ------------------------------------------------------------------------------------------------------------


def test_a_flow_per_hour_adds_up_to_what_has_flowed() -> None:
    total, last = evaluate("totalizer", {}, [36.0] * 100 + [NAN] * 50 + [72.0] * 100)
    assert total[0] == pytest.approx(0.01, rel=1e-12)
    assert total[99] == pytest.approx(1.0, rel=1e-12)
    assert (total[100:150] == total[99]).all()
    assert total[-1] == pytest.approx(3.0, rel=1e-12)
    assert np.isnan(last).all()


def test_a_total_begins_anew_with_the_day() -> None:
    total, last = evaluate("totalizer", {"per": 1, "period": 86400}, [1.0] * 90, start=at(20, 15, 59))
    assert total[:60].tolist() == list(range(1, 61))
    assert total[60:].tolist() == list(range(1, 31))
    assert np.isnan(last[:60]).all()
    assert set(last[60:]) == {60.0}


def test_a_reset_holds_the_total_at_nothing_and_keeps_what_it_was() -> None:
    reset = [0, 0, 0, 1, 1, NAN, 0, NAN, 0, 1]
    total, last = evaluate("totalizer", {"per": 1}, [1.0] * 10, reset)
    assert total.tolist() == [1, 2, 3, 0, 0, 0, 1, 2, 3, 0]
    np.testing.assert_array_equal(last, [NAN, NAN, NAN, 3, 3, 3, 3, 3, 3, 3])


def test_a_total_is_known_from_its_reset_on() -> None:
    total, last = evaluate("totalizer", {"per": 1}, [NAN, NAN, NAN, NAN, 2.0], [0, 0, 1, 0, 0])
    np.testing.assert_array_equal(total, [NAN, NAN, 0, 0, 2])
    assert np.isnan(last).all()


@pytest.mark.parametrize("seed", range(5))
def test_totals_with_resets_and_turns_are_those_of_the_definition(seed: int) -> None:
    program = one_block(REGISTRY["totalizer"], Lively({"per": 60, "period": 37}))
    data = signal(seed, 2)
    ours, oracle = program.run(program.new_state(), *data), program.oracle(program.new_oracle(), *data)
    np.testing.assert_allclose(ours.calc_value, oracle.calc_value, rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(ours.calc_status, oracle.calc_status)
    assert (ours.calc_value[:, 0] == 0).any()
    assert (np.diff(ours.calc_value[:, 1]) != 0).sum() > 5


def test_small_additions_to_a_great_total_are_not_lost() -> None:
    (total, _) = evaluate("totalizer", {"per": 1}, [1e15] + [0.1] * 10_000)
    assert total[-1] - 1e15 == 1000.0
    assert len(total) > TICKS


def test_what_would_overflow_is_left_out() -> None:
    total, _ = evaluate("totalizer", {"per": 1}, [1.0, 1.7e308, 1.7e308, 1.0])
    assert total.tolist() == [1.0, 1.7e308, 1.7e308, 1.7e308]
