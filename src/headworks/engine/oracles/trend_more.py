"""What the blocks of the module trend_more mean."""

from __future__ import annotations

import numpy as np

from headworks.engine.oracles.shared import windows
from headworks.engine.oracles.spec import F8, Past, oracle


@oracle("lag")
def lag(past: Past) -> tuple[F8, int]:
    x, delay = past.inputs[0], int(past.params[0])
    return np.r_[np.full(delay, np.nan), x][: len(x)], 0


@oracle("first_last_difference")
def first_last_difference(past: Past) -> tuple[F8, int]:
    out = np.full(len(past.inputs[0]), np.nan)
    for t, window in enumerate(windows(past.inputs[0], int(past.params[0]))):
        good = window[~np.isnan(window)]
        if len(good) > 1:
            out[t] = good[-1] - good[0]
    return out, 0


@oracle("local_peak_valley")
def local_peak_valley(past: Past) -> tuple[tuple[F8, F8, F8], int]:
    x, prominence = past.inputs[0], past.params[0]
    out = np.full((3, len(x)), np.nan)
    at = np.flatnonzero(~np.isnan(x))
    v = x[at]
    begin, way = 0, 0  # the turn that was last, and the way since
    while begin < len(v):
        rest = v[begin:]
        falls = np.flatnonzero(np.maximum.accumulate(rest) - rest > prominence)
        rises = np.flatnonzero(rest - np.minimum.accumulate(rest) > prominence)
        down = falls[0] if len(falls) and way != -1 else len(rest)
        up = rises[0] if len(rises) and way != 1 else len(rest)
        turn = min(down, up)
        if turn == len(rest):
            break
        since = at[begin + turn]
        if way == 1:
            out[0, since:] = rest[: turn + 1].max()
        elif way == -1:
            out[1, since:] = rest[: turn + 1].min()
        way = -1 if down < up else 1
        out[2, since:] = max(way, 0)
        begin += turn
    return (out[0], out[1], out[2]), 0


@oracle("polynomial_trend")
def polynomial_trend(past: Past) -> tuple[tuple[F8, F8, F8], int]:
    x, length, tick_s = past.inputs[0], int(past.params[0]), past.params[1]
    out = np.full((3, len(x)), np.nan)
    u = np.linspace(-1.0, 0.0, length)  # now is 0, the beginning of the window -1
    minutes = (length - 1) * tick_s / 60
    for t, window in enumerate(windows(x, length)):
        good = ~np.isnan(window)
        if good.sum() >= max(3, length / 2):
            y = window[good] - window[good][0]
            c, b, a = np.linalg.lstsq(np.vander(u[good], 3), y, rcond=None)[0]
            out[:, t] = a + window[good][0], b / minutes, 2 * c / minutes**2
    return (out[0], out[1], out[2]), 0


def lines(x: F8, length: int, tick_s: float) -> tuple[F8, F8]:
    """Return where the line that fits the last `length` ticks is now, and its slope per minute."""
    value, slope = np.full(len(x), np.nan), np.full(len(x), np.nan)
    minutes = (np.arange(length) - length + 1) * tick_s / 60
    for t, window in enumerate(windows(x, length)):
        good = ~np.isnan(window)
        if good.sum() >= max(2, length / 2):
            at = minutes[good] - minutes[good].mean()
            y = window[good] - window[good][0]
            slope[t] = (at * (y - y.mean())).sum() / (at * at).sum()
            value[t] = window[good][0] + y.mean() - slope[t] * minutes[good].mean()
    return value, slope


@oracle("ramp_detection")
def ramp_detection(past: Past) -> tuple[tuple[F8, F8, F8], int]:
    length, limit, for_s, tick_s = past.params
    slope = lines(past.inputs[0], int(length), tick_s)[1]
    slopes = windows(slope, int(for_s) + 1)
    rising = np.where(np.isnan(slope), np.nan, (slopes > limit).all(axis=1))
    falling = np.where(np.isnan(slope), np.nan, (slopes < -limit).all(axis=1))
    return (rising, falling, slope), 0


@oracle("time_to_limit")
def time_to_limit(past: Past) -> tuple[tuple[F8, F8], int]:
    length, limit, upper, horizon, tick_s = past.params
    value, slope = lines(past.inputs[0], int(length), tick_s)
    left, nearer = (limit - value, slope) if upper else (value - limit, -slope)
    with np.errstate(divide="ignore", invalid="ignore"):
        time = np.where(nearer > 0, np.minimum(left / nearer, horizon), horizon)
    time = np.where(left <= 0, 0.0, time)
    return (np.where(np.isnan(value), np.nan, time), value), 0
