"""Blocks that describe the recent past of a signal."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from headworks.blocks.spec import LARGEST, NAN, Float, Input, Int, Param, Ring, block


def spread_sums(ring: NDArray[np.float64], base: int, length: int) -> tuple[int, float, float, float]:
    """Return the number of good values of a ring, the sum of them less a pivot, that of the squares of these, and the pivot:
    the good value nearest to their mean, so that little is lost where the squares are subtracted."""
    count, mean = 0, 0.0
    for place in range(base, base + length):
        if ring[place] == ring[place]:
            count += 1
            mean += (ring[place] - mean) / count
    pivot, nearest = 0.0, NAN
    for place in range(base, base + length):
        v = ring[place]
        if v == v and not (abs(v - mean) >= nearest):
            pivot, nearest = v, abs(v - mean)
    total, squares = 0.0, 0.0
    for place in range(base, base + length):
        v = ring[place] - pivot
        if v == v:
            total += v
            squares += v * v
    return count, total, squares, pivot


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
    memory = (("window", 2.0),)  # the sums are bit for bit the same after the second turn of the ring

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


@block(family="statistics", zh="滑动标准分")
class RollingZ:
    """How unusual a value is: its distance from the mean of the window before it, in standard deviations.

    Parameters
    ----------
    window : float [s]
        Length of the window before this tick, 0.01 <= window <= 86400; rounded up to whole ticks, at least two. Default 600.
    min_std : float [delta(x)]
        A smaller standard deviation counts as this, min_std >= 0. Default 0: one that is nothing but rounding makes the
        output NaN.

    Inputs
    ------
    x : value [any], NaN = bad: the output is NaN; in the window it is skipped.

    Returns
    -------
    value [1]

    Notes
    -----
    (x - m) / max(s, min_std), m and s the mean and the sample standard deviation of the good values of the `window / tick`
    ticks before this one. NaN while fewer than half of those ticks, or fewer than two, are good, and while the divisor is
    not greater than 1e-9 · abs(m). The sums are made anew from the window whenever the ring wraps (at ticks fixed by absolute
    time), and whenever rounding would be seen: after an outlier has left the window, or the level has shifted. O(1) per
    tick on average, ring of `window / tick` values.

    References
    ----------
    .. [1] NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.5.17 (z-scores and outliers).
    .. [2] T. F. Chan, G. H. Golub, R. J. LeVeque, Algorithms for computing the sample variance, The American Statistician
       37 (1983), 242-247 (shifted data).
    """

    inputs = (Input("x"),)
    params = (
        Param("window", unit="s", low=0.01, high=86_400.0, default=600.0, form="ticks"),
        Param("min_std", unit="delta(x)", low=0.0, default=0.0),
    )
    states = (Int("count"), Float("total"), Float("squares"), Float("pivot"))
    ring = Ring("window", least=2)
    output = "value"
    bad = "propagate"
    uses = (spread_sums,)
    memory = (("window", 2.0),)

    @staticmethod
    def step(
        x: float,
        min_std: float,
        count: int,
        total: float,
        squares: float,
        pivot: float,
        ring: NDArray[np.float64],
        base: int,
        head: int,
        length: int,
    ) -> tuple[float, int, float, float, float]:
        z = NAN
        if x == x and count >= 2 and 2 * count >= length:
            if squares - total * (total / count) < 1e-4 * abs(squares):
                count, total, squares, pivot = spread_sums(ring, base, length)
            mean = total / count
            std = max(math.sqrt(max(squares - total * mean, 0.0) / (count - 1)), min_std)
            if std > 1e-9 * abs(pivot + mean):
                z = (x - pivot - mean) / std
        old = ring[base + head]
        ring[base + head] = x
        again = head == length - 1
        if old == old:
            gone = (old - pivot) * (old - pivot)
            count -= 1
            total -= old - pivot
            squares -= gone
            again = again or gone > 1e4 * abs(squares)
        if x == x:
            if count == 0:
                total, squares, pivot = 0.0, 0.0, x
            count += 1
            total += x - pivot
            squares += (x - pivot) * (x - pivot)
        if again or not (-LARGEST <= squares <= LARGEST):
            count, total, squares, pivot = spread_sums(ring, base, length)
        return z, count, total, squares, pivot


@block(family="statistics", zh="回归残差")
class RegressionResidual:
    """How far a value is from what others lead to expect: the residual of a linear model, in standard deviations.

    Parameters
    ----------
    b0 : float [unit(y)]
        Constant of the model. Default 0.
    b1 : float [1]
        Coefficient of x1, in unit(y)/unit(x1). Default 0.
    b2 : float [1]
        Coefficient of x2, in unit(y)/unit(x2). Default 0.
    b3 : float [1]
        Coefficient of x3, in unit(y)/unit(x3). Default 0.
    b4 : float [1]
        Coefficient of x4, in unit(y)/unit(x4). Default 0.
    b5 : float [1]
        Coefficient of x5, in unit(y)/unit(x5). Default 0.
    b6 : float [1]
        Coefficient of x6, in unit(y)/unit(x6). Default 0.
    b7 : float [1]
        Coefficient of x7, in unit(y)/unit(x7). Default 0.
    b8 : float [1]
        Coefficient of x8, in unit(y)/unit(x8). Default 0.
    sigma : float [delta(y)]
        Standard deviation of the residual in good health, sigma >= 1e-12. Default 1.

    Inputs
    ------
    y : value [any], NaN = bad: the output is NaN.
    x1 … x8 : value [any], NaN = bad: the output is NaN, also where the coefficient is 0. One that is not wired counts as 0.

    Returns
    -------
    value [1]

    Notes
    -----
    (y - b0 - b1·x1 - … - b8·x8) / sigma, coefficients from a fit over known good operation. O(1) per tick.

    References
    ----------
    .. [1] NIST/SEMATECH e-Handbook of Statistical Methods, 4.4.4 (residuals of a regression).
    """

    inputs = (Input("y"), Input("x", many=8))
    params = (
        Param("b0", unit="unit(y)", default=0.0),
        *(Param(f"b{i}", default=0.0) for i in range(1, 9)),
        Param("sigma", unit="delta(y)", low=1e-12, default=1.0),
    )
    output = "value"
    bad = "propagate"

    @staticmethod
    def step(
        y: float, x1: float, x2: float, x3: float, x4: float, x5: float, x6: float, x7: float, x8: float,
        b0: float, b1: float, b2: float, b3: float, b4: float, b5: float, b6: float, b7: float, b8: float, sigma: float,
    ) -> tuple[float]:  # fmt: skip
        expected = b0 + b1 * x1 + b2 * x2 + b3 * x3 + b4 * x4 + b5 * x5 + b6 * x6 + b7 * x7 + b8 * x8
        return ((y - expected) / sigma,)
