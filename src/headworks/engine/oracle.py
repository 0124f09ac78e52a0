"""What each block means, said a second time in NumPy, for tests and as the peer of the benchmark.

Each function takes the whole history of a block's inputs since it was fresh and returns the whole history of its output (and
the status codes it found): no state, no ring, no code shared with the kernels. Written to be plainly right, not fast.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from headworks.base.status import BAD, BAD_NO_DATA, BAD_OUT_OF_RANGE, BAD_SENSOR_FAILURE
from headworks.blocks import catalogue
from headworks.engine.codegen import FALSE_SLOT, FIRST_SLOT, IN, TRUE_SLOT
from headworks.engine.layout import LaneKey, Layout

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]
U4 = NDArray[np.uint32]
Oracle = Callable[[list[F8], tuple[float, ...]], tuple[F8, I8 | int]]


@dataclass(slots=True, eq=False)
class OracleState:
    """All inputs of every block so far, the last tick, and which conditions are up."""

    inputs: dict[LaneKey, list[F8]] = field(default_factory=dict)
    last_tick: int | None = None
    edges: dict[tuple[int, str], bool] = field(default_factory=dict)

    def migrate(self, lanes: Mapping[LaneKey, int] | set[LaneKey]) -> None:
        """Forget the blocks that a new program does not have."""
        self.inputs = {key: columns for key, columns in self.inputs.items() if key in lanes}


def filled(events: F8, start: float) -> F8:
    """Return the last event at or before each tick; NaN is no event."""
    at = np.maximum.accumulate(np.where(np.isnan(events), -1, np.arange(len(events))))
    return np.where(at < 0, start, events[at])


def not_moving(x: F8, band: float) -> F8:
    """Return for each tick how many good ticks x has stayed within `band` of where its quiet spell began."""
    good = np.flatnonzero(~np.isnan(x))
    lasted: list[int] = []
    reference = float("nan")
    for v in x[good].tolist():
        still = abs(v - reference) <= band
        reference = reference if still else v
        lasted.append(lasted[-1] + 1 if still else 0)
    quiet = np.zeros(len(x))
    quiet[good] = lasted
    return quiet


def load(inputs: list[F8], params: tuple[float, ...]) -> tuple[F8, int]:
    return inputs[0] * params[0] + params[1], 0


def quality_check(inputs: list[F8], params: tuple[float, ...]) -> tuple[F8, I8]:
    x, (low, high, band, frozen_ticks) = inputs[0], params
    outside = (x < low) | (x > high)
    frozen = (not_moving(x, band) >= frozen_ticks) & (frozen_ticks > 0) & ~np.isnan(x)
    code = np.where(outside, BAD_OUT_OF_RANGE, np.where(frozen, BAD_SENSOR_FAILURE, 0))
    return np.where(code == 0, x, np.nan), code


def quality_bad(inputs: list[F8], params: tuple[float, ...]) -> tuple[F8, int]:
    return np.where(np.isnan(inputs[0]), np.nan, quality_check(inputs, params)[1] != 0), 0


def rolling_mean(inputs: list[F8], params: tuple[float, ...]) -> tuple[F8, int]:
    x, window = inputs[0], int(params[0])
    views = windows(x, window)
    good = ~np.isnan(views)
    number = good.sum(axis=1)
    with np.errstate(invalid="ignore"):
        return np.where(good, views, 0.0).sum(axis=1) / number, 0


def windows(x: F8, length: int) -> F8:
    """Return for each tick the last `length` values, those before the first NaN."""
    return np.lib.stride_tricks.sliding_window_view(np.r_[np.full(length - 1, np.nan), x], length)


def rolling_z(inputs: list[F8], params: tuple[float, ...]) -> tuple[F8, int]:
    x, window, min_std = inputs[0], int(params[0]), params[1]
    z = np.full(len(x), np.nan)
    before = windows(np.r_[np.nan, x], window)
    for t in np.flatnonzero(~np.isnan(x)):
        good = before[t][~np.isnan(before[t])]
        if len(good) < max(2, window / 2):
            continue
        # Of equal values the mean less the first is 0, where the mean itself may be rounded.
        mean = good[0] + (good - good[0]).mean()
        std = max(float(np.std(good - good[0], ddof=1)), min_std)
        if std > 1e-9 * abs(mean):
            z[t] = (x[t] - mean) / std
    return z, 0


def rate_of_change(inputs: list[F8], params: tuple[float, ...]) -> tuple[F8, int]:
    x, length, tick_s = inputs[0], int(params[0]), params[1]
    slope = np.full(len(x), np.nan)
    minutes = np.arange(length) * tick_s / 60
    for t, window in enumerate(windows(x, length)):
        good = ~np.isnan(window)
        if good.sum() > 1:
            at = minutes[good] - minutes[good].mean()
            y = window[good] - window[good][0]
            slope[t] = (at * (y - y.mean())).sum() / (at * at).sum()
    return slope, 0


def ewma(inputs: list[F8], params: tuple[float, ...]) -> tuple[F8, int]:
    x, (tau, tick_s) = inputs[0], params
    out = np.full(len(x), np.nan)
    good = np.flatnonzero(~np.isnan(x))
    if len(good) == 0:
        return out, 0
    keep = tau / (tau + tick_s)
    own = np.r_[1.0, 1.0 - keep ** np.diff(good)]
    age = good[:, None] - good[None, :]
    out[good] = (np.where(age >= 0, keep ** np.maximum(age, 0), 0.0) * own) @ x[good]
    return out, 0


def regression_residual(inputs: list[F8], params: tuple[float, ...]) -> tuple[F8, int]:
    model = np.array([np.ones(len(inputs[0])), *inputs[1:]])
    return (inputs[0] - (np.array(params[:9])[:, None] * model).sum(axis=0)) / params[9], 0


def deviation(inputs: list[F8], params: tuple[float, ...]) -> tuple[F8, int]:
    return np.subtract(*inputs), 0


def above(inputs: list[F8], params: tuple[float, ...]) -> tuple[F8, int]:
    x, (limit, hysteresis) = inputs[0], params
    events = np.select([x > limit, x <= limit - hysteresis], [1.0, 0.0], np.nan)
    return np.where(np.isnan(x), np.nan, filled(events, 0.0)), 0


def below(inputs: list[F8], params: tuple[float, ...]) -> tuple[F8, int]:
    return above([-inputs[0]], (-params[0], params[1]))


def delay(inputs: list[F8], params: tuple[float, ...]) -> tuple[F8, int]:
    x, (on, off) = inputs[0], params
    out = np.full(len(x), np.nan)
    known = ~np.isnan(x)
    v = x[known] != 0.0
    ticks = np.arange(len(v))
    changed = np.r_[True, v[1:] != v[:-1]] if len(v) else np.zeros(0, bool)
    run = ticks - np.maximum.accumulate(np.where(changed, ticks, 0)) if len(v) else ticks
    out[known] = filled(np.select([v & (run >= on), ~v & (run >= off)], [1.0, 0.0], np.nan), 0.0)
    return out, 0


def m_of_n(inputs: list[F8], params: tuple[float, ...]) -> tuple[F8, int]:
    x = np.array(inputs)
    true, unknown = (x == 1.0).sum(axis=0), np.isnan(x).sum(axis=0)
    return np.select([true >= params[0], true + unknown < params[0]], [1.0, 0.0], np.nan), 0


def hold(inputs: list[F8], params: tuple[float, ...]) -> tuple[F8, int]:
    x, ticks = inputs[0], int(params[0])
    lately = (windows(x, ticks + 1) == 1.0).any(axis=1)
    return np.where(lately, 1.0, x), 0


def latch_rs(inputs: list[F8], params: tuple[float, ...]) -> tuple[F8, int]:
    s, r = inputs
    held = filled(np.select([r == 1.0, s == 1.0], [0.0, 1.0], np.nan), 0.0)
    unknown = np.where(held == 1.0, np.isnan(r), np.isnan(s) & (r != 1.0))
    return np.where(unknown, np.nan, held), 0


def all_of(inputs: list[F8], params: tuple[float, ...]) -> tuple[F8, int]:
    x = np.array(inputs)
    return np.select([(x == 0.0).any(axis=0), np.isnan(x).any(axis=0)], [0.0, np.nan], 1.0), 0


def any_of(inputs: list[F8], params: tuple[float, ...]) -> tuple[F8, int]:
    x = np.array(inputs)
    return np.select([(x == 1.0).any(axis=0), np.isnan(x).any(axis=0)], [1.0, np.nan], 0.0), 0


def opposite(inputs: list[F8], params: tuple[float, ...]) -> tuple[F8, int]:
    return np.where(np.isnan(inputs[0]), np.nan, inputs[0] == 0.0), 0


ORACLES: dict[str, Oracle] = {
    f.__name__: f
    for f in (
        load, quality_check, quality_bad, rolling_mean, rolling_z, regression_residual, rate_of_change, ewma,
        above, below, deviation, delay, hold, latch_rs, m_of_n,
    )
} | {"and": all_of, "or": any_of, "not": opposite}  # fmt: skip


def evaluate(
    plan: Layout, tick: int, state: OracleState, ticks: I8, value: F8, status: U4
) -> tuple[list[F8], list[I8]]:
    """Return values and statuses of every block at these (consecutive) ticks."""
    cuts = np.flatnonzero(np.diff(ticks) != tick) + 1
    if len(cuts):
        parts = [
            evaluate(plan, tick, state, *piece)
            for piece in zip(*(np.split(a, cuts) for a in (ticks, value, status)), strict=True)
        ]
        return tuple([np.concatenate(c) for c in zip(*(p[i] for p in parts), strict=True)] for i in (0, 1))  # type: ignore[return-value]
    rows = len(ticks)
    if rows == 0:
        return [np.empty(0)] * len(plan.lanes), [np.empty(0, np.int64)] * len(plan.lanes)
    if state.last_tick is not None and int(ticks[0]) != state.last_tick + tick:
        state.inputs.clear()
    first_block = FIRST_SLOT + value.shape[1]
    values: list[F8] = []
    statuses: list[I8] = []
    for k, key in enumerate(plan.lanes):
        slots = plan.tab[IN : IN + len(catalogue.get(key[2]).input_names), k]
        columns: list[F8] = []
        worst = np.zeros(rows, np.int64)
        for slot in slots.tolist():
            if slot in (FALSE_SLOT, TRUE_SLOT):
                columns.append(np.full(rows, float(slot == TRUE_SLOT)))
            elif slot < first_block:
                q = status[:, slot - FIRST_SLOT].astype(np.int64)
                columns.append(np.where(q >= BAD, np.nan, value[:, slot - FIRST_SLOT]))
                worst = np.maximum(worst, q)
            else:
                columns.append(values[slot - first_block])
                worst = np.maximum(worst, statuses[slot - first_block])
        before = state.inputs.get(key, [np.zeros(0)] * len(columns))
        state.inputs[key] = [np.r_[a, b] for a, b in zip(before, columns, strict=True)]
        y, code = ORACLES[key[2]](state.inputs[key], key[3])
        y = np.where(np.isfinite(y), y, np.nan)[len(y) - rows :]
        code = np.broadcast_to(code, state.inputs[key][0].shape)[len(state.inputs[key][0]) - rows :]
        worst = np.maximum(worst, code)
        values.append(y)
        statuses.append(np.where(np.isnan(y) & (worst < BAD), BAD_NO_DATA, worst))
    state.last_tick = int(ticks[-1])
    return values, statuses
