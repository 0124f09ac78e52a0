"""What the blocks mean that judge, choose among and replace measurements."""

from __future__ import annotations

import numpy as np

from headworks.base.status import BAD_OUT_OF_RANGE, BAD_SENSOR_FAILURE, UNCERTAIN_SUB_NORMAL, UNCERTAIN_SUBSTITUTE
from headworks.engine.oracles.shared import windows
from headworks.engine.oracles.spec import F8, I8, Past, oracle


def spells(x: F8, band: float) -> F8:
    """Return for each good tick since how many good ticks x has been within `band` of where it then was; NaN where x is bad."""
    lasted = np.full(len(x), np.nan)
    began = -1
    good = np.flatnonzero(~np.isnan(x))
    for n, t in enumerate(good):
        if began < 0 or not abs(x[t] - x[good[began]]) <= band:
            began = n
        lasted[t] = n - began
    return lasted


@oracle("quality_judgement")
def quality_judgement(past: Past) -> tuple[tuple[F8, ...], I8]:
    x, healthy = past.inputs
    low, high, band, frozen_s, max_rate, jump_s, max_std, window, tick_s = past.params
    good = np.flatnonzero(~np.isnan(x))
    minutes = np.diff(good) * tick_s / 60.0
    jumps = np.r_[False, np.abs(np.diff(x[good])) > max_rate * minutes][: len(good)]
    jumping = np.zeros(len(x), bool)
    jumping[good] = [jumps[max(n - int(jump_s), 0) : n + 1].any() for n in range(len(good))]
    noise = np.zeros(len(x))
    for t, w in enumerate(windows(np.diff(x, prepend=np.nan), int(window))):
        steps = w[~np.isnan(w)]
        if len(steps) >= window / 2:
            noise[t] = np.sqrt(0.5 * np.mean(steps**2))
    frozen = (spells(x, band) >= frozen_s) & (frozen_s > 0)
    signs = [np.isnan(x), healthy == 0.0, (x < low) | (x > high), frozen, jumping, noise > max_std]
    verdict = np.select(signs, [np.nan, 5.0, 1.0, 2.0, 3.0, 4.0], 0.0)
    code = np.select([verdict == 1.0, verdict > 1.0], [BAD_OUT_OF_RANGE, BAD_SENSOR_FAILURE], 0)
    ok = np.where(np.isnan(x), np.nan, verdict == 0.0)
    return (np.where(verdict == 0.0, x, np.nan), verdict, ok), code


@oracle("quality_vote")
def quality_vote(past: Past) -> tuple[tuple[F8, ...], I8]:
    tolerance, needed = past.params
    value, agreeing, disagreement = (np.full(len(past.inputs[0]), np.nan) for _ in range(3))
    for t, every in enumerate(np.array(past.inputs).T):
        good = every[~np.isnan(every)]
        if len(good):
            agree = good[abs(good - np.median(good)) <= tolerance]
            value[t] = agree.mean() if len(agree) else np.nan
            agreeing[t], disagreement[t] = len(agree), len(agree) < len(good)
    return (value, agreeing, disagreement), np.where(agreeing < needed, UNCERTAIN_SUB_NORMAL, 0)


@oracle("substitute")
def substitute(past: Past) -> tuple[tuple[F8, ...], I8]:
    x, other, good = past.inputs
    value, substituted = np.where(good == 0.0, np.nan, x), np.zeros(len(x))
    there = ~np.isnan(value)
    value = np.where(there, value, other)
    substituted = np.where(np.isnan(value), np.nan, ~there)
    return (value, substituted), np.where(substituted == 1.0, UNCERTAIN_SUBSTITUTE, 0)
