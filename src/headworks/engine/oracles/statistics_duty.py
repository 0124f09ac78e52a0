"""What the blocks mean that count how long and how often something runs."""

from __future__ import annotations

import numpy as np

from headworks.engine.oracles.shared import windows
from headworks.engine.oracles.spec import F8, Past, oracle


def starts(x: F8) -> F8:
    """Return 1 at the ticks at which x is true and was false when last known, NaN where it is unknown."""
    found = np.full(len(x), np.nan)
    known = np.flatnonzero(~np.isnan(x))
    found[known] = np.diff(x[known], prepend=1.0) > 0
    return found


@oracle("duty")
def duty(past: Past) -> tuple[F8, int]:
    views = windows(past.inputs[0], int(past.params[0]))
    with np.errstate(invalid="ignore"):
        return np.nansum(views, axis=1) / (~np.isnan(views)).sum(axis=1), 0


@oracle("starts_per_hour")
def starts_per_hour(past: Past) -> tuple[F8, int]:
    window, tick_s = past.params
    views = windows(starts(past.inputs[0]), int(window))
    rate = np.nansum(views, axis=1) / (window * tick_s / 3600.0)
    return np.where(np.isnan(views).all(axis=1), np.nan, rate), 0


@oracle("run_time")
def run_time(past: Past) -> tuple[tuple[F8, ...], int]:
    (x, reset), tick_s = past.inputs, past.params[0]
    ticks = np.arange(len(x))
    since = np.maximum.accumulate(np.where(reset == 1.0, ticks, -1))
    unknown = np.maximum.accumulate(~np.isnan(x)) == 0

    def sums(of: F8) -> F8:
        total = np.r_[0.0, np.cumsum(np.nan_to_num(of))]
        return np.where(unknown, np.nan, total[ticks + 1] - total[since + 1])

    return (sums(x) * tick_s / 3600.0, sums(starts(x))), 0


@oracle("time_in_state")
def time_in_state(past: Past) -> tuple[F8, int]:
    x, tick_s = past.inputs[0], past.params[0]
    lasted = np.full(len(x), np.nan)
    known = np.flatnonzero(~np.isnan(x))
    changed = np.r_[True, np.diff(x[known]) != 0.0][: len(known)]
    ticks = np.arange(len(known))
    lasted[known] = (ticks - np.maximum.accumulate(np.where(changed, ticks, 0))) * tick_s
    return lasted, 0
