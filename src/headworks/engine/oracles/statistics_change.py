"""What the blocks that find changes and swings mean."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from headworks.engine.oracles.spec import F8, Past, oracle


def blank(past: Past, outputs: int) -> tuple[F8, ...]:
    return tuple(np.full(len(past.inputs[0]), np.nan) for _ in range(outputs))


@oracle("cusum")
def cusum(past: Past) -> tuple[tuple[F8, ...], int]:
    (x, reset), (target, slack, threshold, cap) = past.inputs, past.params
    high, low, alarm = blank(past, 3)
    sums = np.zeros(2)
    for t in range(len(x)):
        if reset[t] == 1.0:
            sums = np.zeros(2)
        elif not np.isnan(x[t]):
            off = np.array([x[t] - target, target - x[t]])
            sums = np.clip(sums + off - slack, 0.0, cap * threshold)
        if not np.isnan(x[t]):
            high[t], low[t], alarm[t] = *sums, (sums > threshold).any()
    return (high, low, alarm), 0


@oracle("page_hinkley")
def page_hinkley(past: Past) -> tuple[tuple[F8, ...], int]:
    (x, reset), (tau, tolerance, threshold, cap, tick_s) = past.inputs, past.params
    statistic, alarm = blank(past, 2)
    seen: list[float] = []
    sums = np.zeros(2)
    mean = 0.0
    for t in range(len(x)):
        if reset[t] == 1.0:
            seen, sums = [], np.zeros(2)
        if np.isnan(x[t]):
            continue
        seen.append(float(x[t]))
        young = len(seen) * tick_s <= tau + tick_s
        mean = float(np.mean(seen)) if young else (tau * mean + tick_s * float(x[t])) / (tau + tick_s)
        off = np.array([x[t] - mean, mean - x[t]])
        sums = np.clip(sums + off - tolerance, 0.0, cap * threshold)
        statistic[t], alarm[t] = sums.max(), (sums > threshold).any()
    return (statistic, alarm), 0


@dataclass(frozen=True)
class Reversal:
    """A peak or valley: when it was, when it was known, and its height."""

    was: int
    known: int
    height: float


def reversals(x: F8, band: float) -> list[Reversal]:
    """Return the peaks and valleys of x after which it came back by more than `band`. The first swing begins where x is first
    further than `band` from something it was; that beginning is no reversal."""
    good = np.flatnonzero(~np.isnan(x)).tolist()
    found: list[Reversal] = []
    began = next((t for t in good if np.nanmax(np.abs(x[: t + 1] - x[t])) > band), None)
    if began is None:
        return found
    before = x[:began]
    sign = -1.0 if np.nanmax(before) - x[began] > band else 1.0
    while began is not None:
        # From `began` on: the first tick from which x has come back from the best of this swing.
        y = sign * x
        back = next((t for t in good if t > began and np.nanmax(y[began : t + 1]) - y[t] > band), None)
        if back is not None:
            peak = began + int(np.nanargmax(y[began:back]))
            found.append(Reversal(peak, back, float(x[peak])))
        began, sign = back, -sign
    return found


@oracle("shake")
def shake(past: Past) -> tuple[tuple[F8, ...], int]:
    x, (band, window, tick_s) = past.inputs[0], past.params
    swing, largest, rate = blank(past, 3)
    found = reversals(x, band)
    swings = [(b.known, abs(b.height - a.height)) for a, b in pairwise(found)]
    for t in np.flatnonzero(~np.isnan(x)):
        inside = [size for known, size in swings if t - window < known <= t]
        swing[t], largest[t] = (np.mean(inside), max(inside)) if inside else (0.0, 0.0)
        rate[t] = len(inside) / (window * tick_s / 60.0)
    return (swing, largest, rate), 0


@oracle("periodic_fluctuation")
def periodic_fluctuation(past: Past) -> tuple[tuple[F8, ...], int]:
    x, (band, regularity, window, tick_s) = past.inputs[0], past.params
    period, amplitude = blank(past, 2)
    found = reversals(x, band)
    triples = zip(found, found[1:], found[2:], strict=False)
    seen = [(c.known, c.was - a.was, abs(c.height - b.height)) for a, b, c in triples if c.was - a.was <= window]
    for t in np.flatnonzero(~np.isnan(x)):
        inside = [(ticks, size) for known, ticks, size in seen if t - window < known <= t]
        if len(inside) < 4:
            continue
        ticks, sizes = np.array(inside).T
        last = max(r.was for r in found if r.known <= t)
        if ticks.mean() >= 3.0 * regularity * np.std(ticks, ddof=1) and t - last <= 1.5 * ticks.mean():
            period[t], amplitude[t] = ticks.mean() * tick_s, sizes.mean() / 2
    return (period, amplitude), 0


@oracle("best_value")
def best_value(past: Past) -> tuple[tuple[F8, ...], int]:
    (x, valid), (lowest, tau, tick_s) = past.inputs, past.params
    best, shortfall = blank(past, 2)
    sign = -1.0 if lowest else 1.0
    now = np.nan
    for t in np.flatnonzero(~np.isnan(x)):
        if valid[t] == 1.0:
            forgotten = (tau * now + tick_s * x[t]) / (tau + tick_s)
            now = forgotten if sign * x[t] < sign * now else x[t]
        best[t], shortfall[t] = now, sign * (now - x[t])
    return (best, shortfall), 0
