"""What the blocks of the module periods mean."""

from __future__ import annotations

import math

import numpy as np

from headworks.engine.oracles.spec import F8, I8, Past, oracle


def period_numbers(instants: I8, period: float, start: float, zone: float) -> I8:
    """Return the number of the period of each tick, counted from 1970 by the local clock."""
    local = instants + round((zone - start) * 3.6e9)
    return local // round(period * 1e6)


@oracle("period_mean")
def period_mean(past: Past) -> tuple[tuple[F8, F8], int]:
    x, (period, start, zone, tick_s) = past.inputs[0], past.params
    number = period_numbers(past.instants, period, start, zone)
    value, running = np.full(len(x), np.nan), np.full(len(x), np.nan)
    for n in np.unique(number):
        of = np.flatnonzero(number == n)
        good = x[of][~np.isnan(x[of])]
        if 2 * len(good) * tick_s >= period:
            value[number == n + 1] = good.mean()
        for t in of:
            so_far = x[of[0] : t + 1]
            if not np.isnan(so_far).all():
                running[t] = np.nanmean(so_far)
    return (value, running), 0


@oracle("totalizer")
def totalizer(past: Past) -> tuple[tuple[F8, F8], int]:
    x, reset = past.inputs
    per, period, start, zone, tick_s = past.params
    ticks = len(x)
    known = np.maximum.accumulate(np.where(np.isnan(reset), -1, np.arange(ticks)))
    held = np.where(known < 0, 0.0, reset[known]) == 1.0
    # A total begins when the reset does, when it ends, and (but for a reset that goes on) with the period.
    begins = held != np.r_[False, held[:-1]]
    if period >= 1:
        begins[1:] |= (np.diff(period_numbers(past.instants, period, start, zone)) > 0) & ~held[:-1]
    total, last = np.full(ticks, np.nan), np.full(ticks, np.nan)
    before = np.nan
    for of in np.split(np.arange(ticks), np.flatnonzero(begins)):
        if len(of) == 0:
            continue
        if not np.isnan(before) and not (of[0] > 0 and held[of[0] - 1]):
            last[of[0] :] = before
        added = np.where(np.isnan(x[of]) | held[of], 0.0, x[of] * tick_s / per)
        total[of] = [math.fsum(added[: n + 1]) for n in range(len(of))]
        if np.isnan(before) and not held[of[0]]:
            total[of[np.cumsum(~np.isnan(x[of])) == 0]] = np.nan
        before = total[of[-1]]
    return (total, last), 0
