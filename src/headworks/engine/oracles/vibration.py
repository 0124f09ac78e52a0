"""What the blocks of the family vibration mean."""

from __future__ import annotations

import numpy as np

from headworks.engine.oracles.shared import windows
from headworks.engine.oracles.spec import F8, Past, oracle

# Boundaries A/B, B/C, C/D by group and foundation [mm/s].
VELOCITY = {
    (1, 1): (2.3, 4.5, 7.1),
    (1, 2): (3.5, 7.1, 11.0),
    (2, 1): (1.4, 2.8, 4.5),
    (2, 2): (2.3, 4.5, 7.1),
    (3, 1): (2.8, 5.3, 8.5),
    (3, 2): (2.8, 5.3, 8.5),
    (4, 1): (3.8, 7.5, 11.8),
    (4, 2): (3.8, 7.5, 11.8),
    (5, 1): (4.5, 9.3, 14.7),
    (5, 2): (4.5, 9.3, 14.7),
}
# By rated speed [µm, peak to peak].
SHAFT = {
    1500: (100.0, 200.0, 320.0),
    1800: (95.0, 185.0, 290.0),
    3000: (90.0, 165.0, 240.0),
    3600: (80.0, 150.0, 220.0),
}


@oracle("vibration_features")
def vibration_features(past: Past) -> tuple[tuple[F8, ...], int]:
    x, window = past.inputs[0], int(past.params[0])
    out = np.full((4, len(x)), np.nan)
    for t, view in enumerate(windows(x, window)):
        good = view[~np.isnan(view)]
        if len(good) < max(2, window / 2):
            continue
        # Of equal values the mean less the first is 0, where the mean itself may be rounded.
        mean = good[0] + (good - good[0]).mean()
        v = good - mean
        out[0, t] = np.sqrt(np.mean(v**2))
        out[1, t] = np.abs(v).max()
        if out[0, t] > 1e-9 * abs(mean):
            out[2, t] = out[1, t] / out[0, t]
            out[3, t] = np.mean((v / out[0, t]) ** 4)
    return tuple(out), 0


def _zones(x: F8, limits: tuple[float, ...], own: tuple[float, ...]) -> tuple[F8, ...]:
    bounds = np.where(np.array(own) > 0, own, limits)
    zone = np.where(x > bounds[2], 4.0, np.where(x > bounds[1], 3.0, np.where(x > bounds[0], 2.0, 1.0)))
    unknown = np.isnan(x) | (x < 0)
    return tuple(np.where(unknown, np.nan, out) for out in (zone, zone >= 3, zone == 4))


@oracle("iso_zone")
def iso_zone(past: Past) -> tuple[tuple[F8, ...], int]:
    group, foundation, *own = past.params
    return _zones(past.inputs[0], VELOCITY[int(group), int(foundation)], tuple(own)), 0


@oracle("iso_shaft_zone")
def iso_shaft_zone(past: Past) -> tuple[tuple[F8, ...], int]:
    group, speed, *own = past.params
    rated = min(SHAFT, key=lambda n: (abs(n - speed), -n))
    limits = SHAFT[rated] if group == 1 else tuple(c / speed**0.5 for c in (4800, 9000, 13_200))
    return _zones(past.inputs[0], limits, tuple(own)), 0


@oracle("order_features")
def order_features(past: Past) -> tuple[tuple[F8, ...], int]:
    a1, p1, a2, p2, overall = past.inputs
    r1, q1, r2, q2, least = past.params
    change_1x = np.abs(a1 * np.exp(1j * np.deg2rad(p1)) - r1 * np.exp(1j * np.deg2rad(q1)))
    change_2x = np.abs(a2 * np.exp(1j * np.deg2rad(p2)) - r2 * np.exp(1j * np.deg2rad(q2)))
    divisor = np.maximum(a1, least)
    with np.errstate(all="ignore"):
        ratio = np.where(divisor > 0, a2 / divisor, np.nan)
        rest = np.maximum(overall**2 - a1**2, a2**2)
        total = a1**2 + rest
        not_1x = np.where(total > 0, np.sqrt(rest / total), 0.0)
        bad = np.isnan(p1) | np.isnan(p2) | ~((a1 >= 0) & (a2 >= 0) & (overall >= 0))
    return tuple(np.where(bad, np.nan, out) for out in (change_1x, change_2x, ratio, not_1x)), 0


@oracle("envelope_band")
def envelope_band(past: Past) -> tuple[tuple[F8, ...], int]:
    total, bands = past.inputs[0], np.array(past.inputs[1:])
    limit, least = past.params
    with np.errstate(all="ignore"):
        share, band = bands.max(axis=0) / total, bands.argmax(axis=0) + 1.0
        quiet = total <= least
        bad = ~(total >= 0) | ~(bands >= 0).all(axis=0)
    outputs = (np.where(quiet, 0.0, y) for y in (share, band, share > limit))
    return tuple(np.where(bad, np.nan, y) for y in outputs), 0
