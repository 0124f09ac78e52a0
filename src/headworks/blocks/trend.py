"""Blocks that describe how a signal moves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from headworks.blocks.spec import LARGEST, NAN, Float, Input, Int, Param, Ring, block


def line_sums(
    ring: NDArray[np.float64], base: int, head: int, length: int
) -> tuple[int, int, int, float, float, float]:
    """Return the number of good values of a ring, the sums of their places in time, of the squares of these, of the values
    less a pivot, of these times the place, and the pivot: the first good value.

    Places are counted so that the next turn of the ring goes on where this one ends.
    """
    count, times, squares = 0, 0, 0
    total, product, pivot = 0.0, 0.0, 0.0
    for place in range(length):
        v = ring[base + place]
        if v == v:
            if count == 0:
                pivot = v
            at = place if place > head or head == length - 1 else length + place
            v -= pivot
            count += 1
            times += at
            squares += at * at
            total += v
            product += at * v
    return count, times, squares, total, product, pivot


def line_moves(
    x: float, count: int, times: int, squares: int, total: float, product: float, pivot: float,
    ring: NDArray[np.float64], base: int, head: int, length: int,
) -> tuple[int, int, int, float, float, float]:  # fmt: skip
    """Put x in the ring and return the sums of `line_sums` with it and without the value that leaves."""
    old = ring[base + head]
    ring[base + head] = x
    if old == old:
        count -= 1
        times -= head
        squares -= head * head
        total -= old - pivot
        product -= head * (old - pivot)
    if x == x:
        if count == 0:
            total, product, pivot = 0.0, 0.0, x
        now = length + head
        count += 1
        times += now
        squares += now * now
        total += x - pivot
        product += now * (x - pivot)
    if head == length - 1 or not (-LARGEST <= product <= LARGEST):
        return line_sums(ring, base, head, length)
    return count, times, squares, total, product, pivot


@block(family="trend", zh="变化速率")
class RateOfChange:
    """Rate of change over a sliding window: the slope of the straight line that fits it best.

    Parameters
    ----------
    window : float [s]
        Length of the window, 0.01 <= window <= 86400; rounded up to whole ticks, at least two. Default 60.

    Inputs
    ------
    x : value [any], NaN = bad: it is skipped; the output is NaN only while the window holds fewer than two good values.

    Returns
    -------
    value [unit(x)/min]

    Notes
    -----
    Least squares over the good values of the last `window / tick` ticks, this one included, by time; per minute. Until a
    window has passed it is the slope of what there is. The sums are made anew from the window whenever the ring wraps (at
    ticks fixed by absolute time) and whenever they overflowed; values enter less one of their own, so a still signal has
    the slope 0 exactly. O(1) per tick on average, ring of `window / tick` values.

    References
    ----------
    .. [1] NIST/SEMATECH e-Handbook of Statistical Methods, 4.1.4.1 (linear least squares regression).
    """

    inputs = (Input("x"),)
    params = (Param("window", unit="s", low=0.01, high=86_400.0, default=60.0, form="ticks"),)
    states = (Int("count"), Int("times"), Int("squares"), Float("total"), Float("product"), Float("pivot"))
    ring = Ring("window", least=2)
    output = "value"
    unit = "unit(x)/min"
    bad = "skip"
    uses = (line_moves,)
    memory = (("window", 2.0),)

    @staticmethod
    def step(
        x: float,
        tick_s: float,
        count: int,
        times: int,
        squares: int,
        total: float,
        product: float,
        pivot: float,
        ring: NDArray[np.float64],
        base: int,
        head: int,
        length: int,
    ) -> tuple[float, int, int, int, float, float, float]:
        count, times, squares, total, product, pivot = line_moves(
            x, count, times, squares, total, product, pivot, ring, base, head, length
        )
        if count < 2:
            return NAN, count, times, squares, total, product, pivot
        # Whole numbers: their difference is exact, however far the places are from where counting began.
        slope = (count * product - times * total) / (count * squares - times * times)
        return slope * (60.0 / tick_s), count, times, squares, total, product, pivot
