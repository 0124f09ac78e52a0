"""What the blocks of the family logic mean."""

from __future__ import annotations

import numpy as np

from headworks.engine.oracles.shared import filled, windows
from headworks.engine.oracles.spec import F8, Past, oracle


@oracle("delay")
def delay(past: Past) -> tuple[F8, int]:
    x, (on, off) = past.inputs[0], past.params
    out = np.full(len(x), np.nan)
    known = ~np.isnan(x)
    v = x[known] != 0.0
    ticks = np.arange(len(v))
    changed = np.r_[True, v[1:] != v[:-1]] if len(v) else np.zeros(0, bool)
    run = ticks - np.maximum.accumulate(np.where(changed, ticks, 0)) if len(v) else ticks
    out[known] = filled(np.select([v & (run >= on), ~v & (run >= off)], [1.0, 0.0], np.nan), 0.0)
    return out, 0


@oracle("m_of_n")
def m_of_n(past: Past) -> tuple[F8, int]:
    x = np.array(past.inputs)
    true, unknown = (x == 1.0).sum(axis=0), np.isnan(x).sum(axis=0)
    return np.select([true >= past.params[0], true + unknown < past.params[0]], [1.0, 0.0], np.nan), 0


@oracle("hold")
def hold(past: Past) -> tuple[F8, int]:
    x, ticks = past.inputs[0], int(past.params[0])
    lately = (windows(x, ticks + 1) == 1.0).any(axis=1)
    return np.where(lately, 1.0, x), 0


@oracle("latch_rs")
def latch_rs(past: Past) -> tuple[F8, int]:
    s, r = past.inputs
    held = filled(np.select([r == 1.0, s == 1.0], [0.0, 1.0], np.nan), 0.0)
    unknown = np.where(held == 1.0, np.isnan(r), np.isnan(s) & (r != 1.0))
    return np.where(unknown, np.nan, held), 0


@oracle("and")
def all_of(past: Past) -> tuple[F8, int]:
    x = np.array(past.inputs)
    return np.select([(x == 0.0).any(axis=0), np.isnan(x).any(axis=0)], [0.0, np.nan], 1.0), 0


@oracle("or")
def any_of(past: Past) -> tuple[F8, int]:
    x = np.array(past.inputs)
    return np.select([(x == 1.0).any(axis=0), np.isnan(x).any(axis=0)], [1.0, np.nan], 0.0), 0


@oracle("not")
def opposite(past: Past) -> tuple[F8, int]:
    return np.where(np.isnan(past.inputs[0]), np.nan, past.inputs[0] == 0.0), 0
