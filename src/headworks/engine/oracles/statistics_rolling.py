"""What the blocks of a sliding window mean: spread, extremes, quantiles, correlation."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from headworks.engine.oracles.shared import windows
from headworks.engine.oracles.spec import F8, Past, oracle


def each_window(x: F8, length: int, least: int, of: Callable[[F8], float]) -> F8:
    """Return for each tick what `of` says of the good values of its window, NaN where there are fewer than `least`."""
    found = [w[~np.isnan(w)] for w in windows(x, length)]
    return np.array([of(w) if len(w) >= least else np.nan for w in found], float)


@oracle("rolling_std")
def rolling_std(past: Past) -> tuple[F8, int]:
    # Of equal values the mean less the first is 0, where the mean itself may be rounded.
    return each_window(past.inputs[0], int(past.params[0]), 2, lambda w: float(np.std(w - w[0], ddof=1))), 0


@oracle("rolling_min")
def rolling_min(past: Past) -> tuple[F8, int]:
    return each_window(past.inputs[0], int(past.params[0]), 1, np.min), 0


@oracle("rolling_max")
def rolling_max(past: Past) -> tuple[F8, int]:
    return each_window(past.inputs[0], int(past.params[0]), 1, np.max), 0


@oracle("rolling_range")
def rolling_range(past: Past) -> tuple[F8, int]:
    return each_window(past.inputs[0], int(past.params[0]), 1, np.ptp), 0


@oracle("rolling_quantile")
def rolling_quantile(past: Past) -> tuple[F8, int]:
    p, window = past.params
    return each_window(past.inputs[0], int(window), 1, lambda w: float(np.quantile(w, p))), 0


@oracle("correlation")
def correlation(past: Past) -> tuple[F8, int]:
    window = int(past.params[0])
    r = np.full(len(past.inputs[0]), np.nan)
    for t, pair in enumerate(zip(*(windows(x, window) for x in past.inputs), strict=True)):
        both = np.array(pair)[:, ~np.isnan(pair).any(axis=0)]
        if both.shape[1] < 3:
            continue
        mean, std = both.mean(axis=1), np.std(both - both[:, :1], axis=1, ddof=1)
        if (std > 1e-9 * abs(mean)).all():
            r[t] = np.corrcoef(both)[0, 1]
    return r, 0


def p_square(values: F8, p: float) -> float:
    """Return the p-quantile of values in the order in which they came, by the five steps of the paper (box 1)."""
    if len(values) <= 5:
        return float(np.quantile(values, p)) if len(values) else np.nan
    q, n = sorted(values[:5]), [1, 2, 3, 4, 5]
    increments = [0.0, p / 2, p, (1 + p) / 2, 1.0]
    for seen, x in enumerate(values[5:].tolist(), 6):
        q[0], q[4] = min(q[0], x), max(q[4], x)
        cell = max(i for i in range(4) if i == 0 or x >= q[i])
        n = [place + (i > cell) for i, place in enumerate(n)]
        for i in (1, 2, 3):
            off = 1 + (seen - 1) * increments[i] - n[i]
            if not ((off >= 1 and n[i + 1] - n[i] > 1) or (off <= -1 and n[i - 1] - n[i] < -1)):
                continue
            d = 1 if off > 0 else -1
            rising, falling = (q[i + 1] - q[i]) / (n[i + 1] - n[i]), (q[i] - q[i - 1]) / (n[i] - n[i - 1])
            parabola = (n[i] - n[i - 1] + d) * rising + (n[i + 1] - n[i] - d) * falling
            new = q[i] + d / (n[i + 1] - n[i - 1]) * parabola
            if not q[i - 1] < new < q[i + 1]:
                new = q[i] + d * (q[i + d] - q[i]) / (n[i + d] - n[i])
            q[i], n[i] = new, n[i] + d
    return float(q[2])


@oracle("quantile")
def quantile(past: Past) -> tuple[F8, int]:
    x, (p, window, tick_s) = past.inputs[0], past.params
    length = int(window)
    number = past.instants // round(tick_s * 1e6)
    found = []
    for t in range(len(x)):
        # The younger of the two beginnings that are not after this tick is left out.
        ages = sorted([int(number[t] % length), int((number[t] - length // 2) % length)])
        begun = max(t - ages[1], 0)
        seen = x[begun : t + 1]
        found.append(p_square(seen[~np.isnan(seen)], p))
    return np.array(found, float), 0
