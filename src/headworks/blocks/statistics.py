"""Blocks that describe the recent past of a signal."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from headworks.blocks.spec import LARGEST, NAN, Float, Input, Int, Param, Ring, block


@block(family="statistics", zh="滑动平均")
class RollingMean:
    """Mean of the good values of a sliding window.

    Parameters
    ----------
    window : float [s]
        Length of the window, 0.01 <= window <= 86400; rounded up to whole ticks. Default 60.

    Inputs
    ------
    x : value [any], NaN = bad: it is skipped; the output is NaN only while the window holds no good value.

    Returns
    -------
    value [unit(x)]

    Notes
    -----
    Sum of the good values of the last `window / tick` ticks, this one included, divided by their number. Until a window has
    passed it is the mean of what there is. The running sum is made anew from the window whenever the ring wraps (at ticks
    fixed by absolute time) and whenever it overflowed, so rounding cannot pile up and a run started at another time agrees
    bit for bit after two windows. O(1) per tick on average, ring of `window / tick` values.

    References
    ----------
    .. [1] NIST/SEMATECH e-Handbook of Statistical Methods, 6.4.2.1 (single moving average).
    """

    inputs = (Input("x"),)
    params = (Param("window", unit="s", low=0.01, high=86_400.0, default=60.0, form="ticks"),)
    states = (Int("count"), Float("total"))
    ring = Ring("window")
    output = "value"
    unit = "unit(x)"
    bad = "skip"

    @staticmethod
    def step(
        x: float, count: int, total: float, ring: NDArray[np.float64], base: int, head: int, length: int
    ) -> tuple[float, int, float]:
        old = ring[base + head]
        ring[base + head] = x
        if old == old:
            total -= old
            count -= 1
        if x == x:
            total += x
            count += 1
        if head == length - 1 or not (-LARGEST <= total <= LARGEST):
            total = 0.0
            for place in range(base, base + length):
                if ring[place] == ring[place]:
                    total += ring[place]
        if count > 0:
            return total / count, count, total
        return NAN, 0, 0.0
