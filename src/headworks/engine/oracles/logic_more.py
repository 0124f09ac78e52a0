"""What the blocks of the family logic mean that see edges and orders."""

from __future__ import annotations

import numpy as np

from headworks.engine.oracles.shared import filled
from headworks.engine.oracles.spec import F8, Past, oracle


def edges(x: F8) -> tuple[F8, F8]:
    """Return for each tick 1 where x became true, and where it became false, since it was last known."""
    rising, falling = np.zeros(len(x)), np.zeros(len(x))
    good = np.flatnonzero(~np.isnan(x))
    change = np.diff(x[good])
    rising[good[1:]], falling[good[1:]] = change > 0, change < 0
    return rising, falling


def has_begun(*signals: F8) -> F8:
    """Return whether any of these was known at this tick or before."""
    return np.logical_or.accumulate(~np.isnan(np.array(signals)).all(axis=0))


@oracle("xor")
def xor(past: Past) -> tuple[F8, int]:
    return np.sum(past.inputs, axis=0) % 2, 0


@oracle("latch_sr")
def latch_sr(past: Past) -> tuple[F8, int]:
    s, r = past.inputs
    held = filled(np.select([s == 1.0, r == 1.0], [1.0, 0.0], np.nan), 0.0)
    unknown = np.where(held == 1.0, np.isnan(r) & (s != 1.0), np.isnan(s))
    return np.where(unknown, np.nan, held), 0


@oracle("pulse")
def pulse(past: Past) -> tuple[F8, int]:
    x, ticks = past.inputs[0], int(past.params[0])
    out = np.where(np.isnan(x), np.nan, 0.0)
    free = 0
    for t in np.flatnonzero(edges(x)[0]).tolist():
        if t >= free:
            free = t + ticks
            out[t:free] = 1.0
    return out, 0


@oracle("one_shot")
def one_shot(past: Past) -> tuple[tuple[F8, F8], int]:
    rising, falling = (np.where(np.isnan(past.inputs[0]), np.nan, e) for e in edges(past.inputs[0]))
    return (rising, falling), 0


def since_reset(x: F8, reset: F8) -> F8:
    """Return how often x became true since reset was last true, NaN before anything is known."""
    rises = np.cumsum(edges(x)[0])
    number = rises - filled(np.where(reset == 1.0, rises, np.nan), 0.0)
    return np.where(has_begun(x, np.where(reset == 1.0, 1.0, np.nan)), number, np.nan)


@oracle("counter")
def counter(past: Past) -> tuple[tuple[F8, F8], int]:
    number = since_reset(*past.inputs)
    return (number, np.where(np.isnan(number), np.nan, number >= past.params[0])), 0


@oracle("toggle")
def toggle(past: Past) -> tuple[F8, int]:
    return since_reset(*past.inputs) % 2, 0


@oracle("sequence_check")
def sequence_check(past: Past) -> tuple[tuple[F8, F8], int]:
    steps = int(past.params[0])
    signals, reset = past.inputs[:steps], past.inputs[6] == 1.0
    comes = [edges(x)[0] == 1.0 for x in signals]
    reached, fault = np.zeros(len(reset)), np.zeros(len(reset))
    at, wrong, waited = 0, False, 0
    for t in range(len(reset)):
        if at in range(1, steps) and not wrong and not np.isnan(signals[at][t]):
            waited += 1
            wrong = waited > past.params[at]
        came = [i + 1 for i in range(steps) if comes[i][t]]
        if came[:1] == [1] and (wrong or at == steps):
            at, wrong = 0, False
        while not wrong and at + 1 in came:
            at, waited = at + 1, 0
        wrong = wrong or any(i > at for i in came)
        if reset[t]:
            at, wrong, waited = 0, False, 0
        reached[t], fault[t] = at, wrong
    dark = np.isnan(signals).all(axis=0) & ~reset
    return (np.where(dark, np.nan, reached), np.where(dark, np.nan, fault)), 0


@oracle("first_up")
def first_up(past: Past) -> tuple[tuple[F8, F8], int]:
    signals, reset = np.array(past.inputs[:8]), past.inputs[8] == 1.0
    first, together = np.zeros(len(reset)), np.zeros(len(reset))
    now = (0.0, 0.0)
    for t in range(len(reset)):
        up = np.flatnonzero(signals[:, t] == 1.0) + 1
        if now[0] == 0.0 and len(up):
            now = (float(up[0]), float(len(up) > 1))
        elif (signals[:, t] == 0.0).all() and reset[t]:
            now = (0.0, 0.0)
        open_ = now[0] == 0.0 and np.isnan(signals[:, t]).any()
        first[t], together[t] = (np.nan, np.nan) if open_ else now
    return (first, together), 0
