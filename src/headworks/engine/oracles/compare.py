"""What the blocks of the family compare mean."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from headworks.engine.oracles.shared import filled
from headworks.engine.oracles.spec import F8, Past, oracle


@oracle("deviation")
def deviation(past: Past) -> tuple[F8, int]:
    return np.subtract(*past.inputs), 0


@oracle("above")
def above(past: Past) -> tuple[F8, int]:
    x, (limit, hysteresis) = past.inputs[0], past.params
    events = np.select([x > limit, x <= limit - hysteresis], [1.0, 0.0], np.nan)
    return np.where(np.isnan(x), np.nan, filled(events, 0.0)), 0


@oracle("below")
def below(past: Past) -> tuple[F8, int]:
    return above(replace(past, inputs=[-past.inputs[0]], params=(-past.params[0], past.params[1])))
