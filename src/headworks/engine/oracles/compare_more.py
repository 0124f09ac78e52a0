"""What the blocks of the family compare mean that look at a band, at sisters, at a set point or at a state."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from headworks.engine.oracles.filters import ewma
from headworks.engine.oracles.shared import filled
from headworks.engine.oracles.spec import F8, Past, oracle


def known(x: F8, y: F8) -> F8:
    """Return y where x is known."""
    return np.where(np.isnan(x), np.nan, y)


@oracle("inside")
def inside(past: Past) -> tuple[F8, int]:
    x, (low, high, hysteresis) = past.inputs[0], past.params
    away = np.maximum(low - x, x - high)
    events = np.select([(low <= x) & (x <= high), (away > hysteresis) | (high < low)], [1.0, 0.0], np.nan)
    return known(x, filled(known(x, events), 0.0)), 0


@oracle("outside")
def outside(past: Past) -> tuple[F8, int]:
    x, (low, high, hysteresis) = past.inputs[0], past.params
    above = filled(np.select([x > high, (x <= high - hysteresis) | (x < low)], [1.0, 0.0], np.nan), 0.0)
    below = filled(np.select([x > high, x < low, x >= low + hysteresis], [0.0, 1.0, 0.0], np.nan), 0.0)
    return known(x, np.maximum(above, below)), 0


@oracle("sister_comparison")
def sister_comparison(past: Past) -> tuple[tuple[F8, F8], int]:
    x, sisters, (limit, hysteresis, least) = past.inputs[0], np.array(past.inputs[1:]), past.params
    enough = (~np.isnan(sisters)).sum(axis=0) >= least
    usual = np.full(len(x), np.nan)
    usual[enough] = np.nanmedian(sisters[:, enough], axis=0)
    deviation = x - usual
    far = np.abs(deviation)
    events = np.select([far > limit, far <= max(limit - hysteresis, 0.0)], [1.0, 0.0], np.nan)
    return (deviation, known(deviation, filled(events, 0.0))), 0


@oracle("setpoint_tracking")
def setpoint_tracking(past: Past) -> tuple[tuple[F8, F8, F8], int]:
    (x, setpoint), (tolerance, after, tau, tick_s) = past.inputs, past.params
    error = ewma(replace(past, inputs=[x - setpoint], params=(tau, tick_s)))[0]
    late, outside = np.full(len(x), np.nan), np.full(len(x), np.nan)
    begun = -1
    good = np.flatnonzero(~np.isnan(error))
    for place, t in enumerate(good.tolist()):
        if abs(error[t]) > tolerance:
            begun = place if begun < 0 else begun
            late[t], outside[t] = float(place - begun >= after), (place - begun) * tick_s
        else:
            begun, late[t], outside[t] = -1, 0.0, 0.0
    return (error, late, outside), 0


@oracle("state_is")
def state_is(past: Past) -> tuple[F8, int]:
    x, (state, tolerance) = past.inputs[0], past.params
    return known(x, np.where((state - tolerance <= x) & (x <= state + tolerance), 1.0, 0.0)), 0
