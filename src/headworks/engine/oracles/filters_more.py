"""What the blocks of the module filters_more mean."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from headworks.engine.oracles.shared import windows
from headworks.engine.oracles.spec import F8, Past, oracle


@oracle("median_filter")
def median_filter(past: Past) -> tuple[F8, int]:
    out = np.full(len(past.inputs[0]), np.nan)
    for t, window in enumerate(windows(past.inputs[0], int(past.params[0]))):
        good = window[~np.isnan(window)]
        if len(good):
            out[t] = np.median(good)
    return out, 0


@oracle("spike_filter")
def spike_filter(past: Past) -> tuple[tuple[F8, F8], int]:
    x, (length, threshold, min_band) = past.inputs[0], past.params
    value, replaced = np.full(len(x), np.nan), np.full(len(x), np.nan)
    views = windows(x, int(length))
    for t in np.flatnonzero(~np.isnan(x)):
        good = views[t][~np.isnan(views[t])]
        m = np.median(good)
        scatter = np.sort(np.abs(good - m))[len(good) // 2]
        far = abs(x[t] - m) > max(threshold * 1.4826 * scatter, min_band)
        value[t], replaced[t] = (m, 1.0) if far else (x[t], 0.0)
    return (value, replaced), 0


@oracle("dead_band")
def dead_band(past: Past) -> tuple[F8, int]:
    x, band = past.inputs[0], past.params[0]
    out, good = np.full(len(x), np.nan), np.flatnonzero(~np.isnan(x))
    while len(good):
        # What is held now is held until the first value further away.
        beyond = np.flatnonzero(np.abs(x[good] - x[good[0]]) > band)
        until = beyond[0] if len(beyond) else len(good)
        out[good[:until]] = x[good[0]]
        good = good[until:]
    return out, 0


@oracle("rate_limiter")
def rate_limiter(past: Past) -> tuple[F8, int]:
    x, (rise, fall, tick_s) = past.inputs[0], past.params
    out, good = np.full(len(x), np.nan), np.flatnonzero(~np.isnan(x))
    out[good[:1]] = x[good[:1]]
    for before, t in pairwise(good):
        minutes = (t - before) * tick_s / 60
        out[t] = np.clip(x[t], out[before] - fall * minutes, out[before] + rise * minutes)
    return out, 0


@oracle("low_pass")
def low_pass(past: Past) -> tuple[F8, int]:
    x, (period, tick_s) = past.inputs[0], past.params
    omega = 2 * np.pi / period
    roots, vectors = np.linalg.eig(np.array([[0.0, 1.0], [-(omega**2), -np.sqrt(2) * omega]]))
    back = np.linalg.inv(vectors)
    out, good = np.full(len(x), np.nan), np.flatnonzero(~np.isnan(x))
    out[good[:1]] = x[good[:1]]
    slope = 0.0
    for before, t in pairwise(good):
        moved = vectors @ np.diag(np.exp(roots * (t - before) * tick_s)) @ back
        off, slope = (moved @ np.array([out[before] - x[t], slope])).real
        out[t] = x[t] + off
    return out, 0
