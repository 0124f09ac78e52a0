"""Blocks that describe a sliding window: spread, extremes, quantiles, correlation."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from headworks.blocks.spec import LARGEST, NAN, Float, Input, Int, Param, Ring, block
from headworks.blocks.tails import greatest_tails, joined, least_tails, spread_tails

WINDOW = Param("window", unit="s", low=0.01, high=86_400.0, default=60.0, form="ticks")


@block(family="statistics", zh="滑动标准差", en="Rolling standard deviation")
class RollingStd:
    """Standard deviation of the good values of a sliding window.

    Parameters
    ----------
    window : float [s]
        Length of the window, 0.01 <= window <= 86400; rounded up to whole ticks, at least two. Default 60.

    Inputs
    ------
    x : value [any], NaN = bad: it is skipped; the output is NaN only while the window holds fewer than two good values.

    Returns
    -------
    value [delta(x)]

    Notes
    -----
    Sample standard deviation (divisor n - 1) of the good values of the last `window / tick` ticks, this one included. Until a
    window has passed it is that of what there is. Parts of the window are joined by their means and squared distances and
    nothing is subtracted: of equal values it is exactly 0, whatever was before. O(1) per tick on average, ring of three
    values a tick.

    References
    ----------
    .. [1] NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.5.6 (measures of scale).
    .. [2] T. F. Chan, G. H. Golub, R. J. LeVeque, Algorithms for computing the sample variance, The American Statistician
       37 (1983), 242-247 (joining of parts).
    """

    inputs = (Input("x"),)
    params = (WINDOW,)
    states = (Float("n"), Float("mean"), Float("squares"))
    ring = Ring("window", least=2, width=3)
    output = "value"
    unit = "delta(x)"
    bad = "skip"
    uses = (joined, spread_tails)
    memory = (("window", 1.0),)

    @staticmethod
    def step(
        x: float, n: float, mean: float, squares: float, ring: NDArray[np.float64], base: int, head: int, length: int
    ) -> tuple[float, float, float, float]:
        place = base + 3 * head
        ring[place] = x
        if x == x:
            n, mean, squares = joined(n, mean, squares, 1.0, x, 0.0)
        if head == length - 1:
            number, _, around = n, mean, squares
            n, mean, squares = 0.0, 0.0, 0.0
            spread_tails(ring, base, length)
        else:
            number, _, around = joined(n, mean, squares, ring[place + 3], ring[place + 4], ring[place + 5])
        if number < 2.0:
            return NAN, n, mean, squares
        return math.sqrt(around / (number - 1.0)), n, mean, squares


@block(family="statistics", zh="滑动最小值", en="Rolling minimum")
class RollingMin:
    """Least good value of a sliding window.

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
    Least of the good values of the last `window / tick` ticks, this one included. Until a window has passed it is the least
    of what there is. O(1) per tick on average, ring of one value a tick.

    References
    ----------
    .. [1] M. van Herk, A fast algorithm for local minimum and maximum filters on rectangular and octagonal kernels, Pattern
       Recognition Letters 13 (1992), 517-521.
    """

    inputs = (Input("x"),)
    params = (WINDOW,)
    states = (Float("least", NAN),)
    ring = Ring("window")
    output = "value"
    unit = "unit(x)"
    bad = "skip"
    uses = (least_tails,)
    memory = (("window", 1.0),)

    @staticmethod
    def step(
        x: float, least: float, ring: NDArray[np.float64], base: int, head: int, length: int
    ) -> tuple[float, float]:
        ring[base + head] = x
        if x == x and not (least <= x):
            least = x
        if head == length - 1:
            least_tails(ring, base, length, 1)
            return least, NAN
        tail = ring[base + head + 1]
        if tail == tail and not (least <= tail):
            return tail, least
        return least, least


@block(family="statistics", zh="滑动最大值", en="Rolling maximum")
class RollingMax:
    """Greatest good value of a sliding window.

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
    Greatest of the good values of the last `window / tick` ticks, this one included. Until a window has passed it is the
    greatest of what there is. O(1) per tick on average, ring of one value a tick.

    References
    ----------
    .. [1] M. van Herk, A fast algorithm for local minimum and maximum filters on rectangular and octagonal kernels, Pattern
       Recognition Letters 13 (1992), 517-521.
    """

    inputs = (Input("x"),)
    params = (WINDOW,)
    states = (Float("greatest", NAN),)
    ring = Ring("window")
    output = "value"
    unit = "unit(x)"
    bad = "skip"
    uses = (greatest_tails,)
    memory = (("window", 1.0),)

    @staticmethod
    def step(
        x: float, greatest: float, ring: NDArray[np.float64], base: int, head: int, length: int
    ) -> tuple[float, float]:
        ring[base + head] = x
        if x == x and not (greatest >= x):
            greatest = x
        if head == length - 1:
            greatest_tails(ring, base, length, 1)
            return greatest, NAN
        tail = ring[base + head + 1]
        if tail == tail and not (greatest >= tail):
            return tail, greatest
        return greatest, greatest


@block(family="statistics", zh="滑动极差")
class RollingRange:
    """Distance between the least and the greatest good value of a sliding window.

    Parameters
    ----------
    window : float [s]
        Length of the window, 0.01 <= window <= 86400; rounded up to whole ticks. Default 60.

    Inputs
    ------
    x : value [any], NaN = bad: it is skipped; the output is NaN only while the window holds no good value.

    Returns
    -------
    value [delta(x)]

    Notes
    -----
    Greatest less least of the good values of the last `window / tick` ticks, this one included. Until a window has passed it
    is that of what there is. A trend widens it: for how far a signal swings about its trend see :class:`Shake`. O(1) per tick
    on average, ring of two values a tick.

    References
    ----------
    .. [1] NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.5.6 (measures of scale: range).
    .. [2] M. van Herk, A fast algorithm for local minimum and maximum filters on rectangular and octagonal kernels, Pattern
       Recognition Letters 13 (1992), 517-521.
    """

    inputs = (Input("x"),)
    params = (WINDOW,)
    states = (Float("least", NAN), Float("greatest", NAN))
    ring = Ring("window", width=2)
    output = "value"
    unit = "delta(x)"
    bad = "skip"
    uses = (least_tails, greatest_tails)
    memory = (("window", 1.0),)

    @staticmethod
    def step(
        x: float, least: float, greatest: float, ring: NDArray[np.float64], base: int, head: int, length: int
    ) -> tuple[float, float, float]:
        place = base + 2 * head
        ring[place] = x
        ring[place + 1] = x
        if x == x:
            least = least if least <= x else x
            greatest = greatest if greatest >= x else x
        if head == length - 1:
            least_tails(ring, base, length, 2)
            greatest_tails(ring, base + 1, length, 2)
            return greatest - least, NAN, NAN
        low, high = least, greatest
        if ring[place + 2] == ring[place + 2]:
            low = low if low <= ring[place + 2] else ring[place + 2]
            high = high if high >= ring[place + 3] else ring[place + 3]
        return high - low, least, greatest


def sorted_place(ring: NDArray[np.float64], base: int, count: int, x: float) -> int:
    """Return how many of the `count` ascending values at `base + 1`, `base + 3` … are less than x."""
    low, high = 0, count
    while low < high:
        middle = (low + high) // 2
        if ring[base + 2 * middle + 1] < x:
            low = middle + 1
        else:
            high = middle
    return low


@block(family="statistics", zh="滑动分位数")
class RollingQuantile:
    """Quantile of the good values of a sliding window, exact: 0.5 is the median.

    Parameters
    ----------
    p : float [1]
        Which quantile: the share of the values that lie below it, 0 <= p <= 1. Default 0.5.
    window : float [s]
        Length of the window, 0.01 <= window <= 3600; rounded up to whole ticks. Default 60.

    Inputs
    ------
    x : value [any], NaN = bad: it is skipped; the output is NaN only while the window holds no good value.

    Returns
    -------
    value [unit(x)]

    Notes
    -----
    Of n good values of the last `window / tick` ticks, this one included, in ascending order, that with the number
    (n - 1)·p, counted from 0; between two of them a straight line. Until a window has passed it is that of what there is.
    The values are kept sorted: up to `window / tick` of them are moved each tick. For long windows :class:`Quantile` has a
    fixed small cost. Ring of two values a tick.

    References
    ----------
    .. [1] R. J. Hyndman, Y. Fan, Sample quantiles in statistical packages, The American Statistician 50 (1996), 361-365
       (definition 7).
    """

    inputs = (Input("x"),)
    params = (
        Param("p", low=0.0, high=1.0, default=0.5),
        Param("window", unit="s", low=0.01, high=3600.0, default=60.0, form="ticks"),
    )
    states = (Int("count"),)
    ring = Ring("window", width=2)
    output = "value"
    unit = "unit(x)"
    bad = "skip"
    uses = (sorted_place,)
    memory = (("window", 1.0),)

    @staticmethod
    def step(
        x: float, p: float, count: int, ring: NDArray[np.float64], base: int, head: int, length: int
    ) -> tuple[float, int]:
        x += 0.0  # of the two zeros the positive one: equal values must not differ in their bits
        old = ring[base + 2 * head]
        ring[base + 2 * head] = x
        if old == old:
            count -= 1
            for k in range(sorted_place(ring, base, count + 1, old), count):
                ring[base + 2 * k + 1] = ring[base + 2 * k + 3]
        if x == x:
            free = sorted_place(ring, base, count, x)
            for k in range(count, free, -1):
                ring[base + 2 * k + 1] = ring[base + 2 * k - 1]
            ring[base + 2 * free + 1] = x
            count += 1
        if count == 0:
            return NAN, 0
        at = (count - 1) * p
        below = int(at)
        low = ring[base + 2 * below + 1]
        if below == count - 1:
            return low, count
        high, share = ring[base + 2 * below + 3], at - below
        return (low if low == high else low * (1.0 - share) + high * share), count


def pair_joined(
    n: float, mx: float, my: float, xx: float, yy: float, xy: float,
    other_n: float, other_mx: float, other_my: float, other_xx: float, other_yy: float, other_xy: float,
) -> tuple[float, float, float, float, float, float]:  # fmt: skip
    """Return number, means, sums of squared distances and of their products of two sets of pairs together."""
    if not (other_n > 0.0):
        return n, mx, my, xx, yy, xy
    if not (n > 0.0):
        return other_n, other_mx, other_my, other_xx, other_yy, other_xy
    share = other_n / (n + other_n)
    dx, dy, weight = other_mx - mx, other_my - my, n * share
    return (
        n + other_n,
        mx + dx * share,
        my + dy * share,
        xx + other_xx + dx * dx * weight,
        yy + other_yy + dy * dy * weight,
        xy + other_xy + dx * dy * weight,
    )


def pair_tails(ring: NDArray[np.float64], base: int, length: int) -> None:
    """Put what `pair_joined` says of the good pairs of each tail in place of the six values of each place, of which the first two
    are the pair."""
    n, mx, my, xx, yy, xy = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for place in range(base + (length - 1) * 6, base - 1, -6):
        x, y = ring[place], ring[place + 1]
        if x == x and y == y:
            n, mx, my, xx, yy, xy = pair_joined(1.0, x, y, 0.0, 0.0, 0.0, n, mx, my, xx, yy, xy)
        ring[place] = n
        ring[place + 1] = mx
        ring[place + 2] = my
        ring[place + 3] = xx
        ring[place + 4] = yy
        ring[place + 5] = xy


@block(family="statistics", zh="相关系数")
class Correlation:
    """How closely two signals go together over a sliding window: Pearson's correlation coefficient.

    Parameters
    ----------
    window : float [s]
        Length of the window, 0.01 <= window <= 86400; rounded up to whole ticks, at least three. Default 600.

    Inputs
    ------
    x : value [any], NaN = bad: the pair is skipped; the output is NaN only while the window does not suffice.
    y : value [any], NaN = bad: the same.

    Returns
    -------
    value [1]

    Notes
    -----
    Over the ticks of the last `window / tick`, this one included, at which both are good; -1 … 1. NaN while there are fewer
    than three, while one of the two does not move (its standard deviation is not greater than 1e-9 of its mean), and where
    its squares are no numbers any more. Parts of the window are joined by their means and nothing is subtracted. O(1) per
    tick on average, ring of six values a tick.

    References
    ----------
    .. [1] K. Pearson, Notes on regression and inheritance in the case of two parents, Proceedings of the Royal Society of
       London 58 (1895), 240-242.
    .. [2] T. F. Chan, G. H. Golub, R. J. LeVeque, Algorithms for computing the sample variance, The American Statistician
       37 (1983), 242-247 (joining of parts).
    """

    inputs = (Input("x"), Input("y"))
    params = (Param("window", unit="s", low=0.01, high=86_400.0, default=600.0, form="ticks"),)
    states = (Float("n"), Float("mx"), Float("my"), Float("xx"), Float("yy"), Float("xy"))
    ring = Ring("window", least=3, width=6)
    output = "value"
    bad = "skip"
    uses = (pair_joined, pair_tails)
    memory = (("window", 1.0),)

    @staticmethod
    def step(
        x: float, y: float, n: float, mx: float, my: float, xx: float, yy: float, xy: float,
        ring: NDArray[np.float64], base: int, head: int, length: int,
    ) -> tuple[float, float, float, float, float, float, float]:  # fmt: skip
        place = base + 6 * head
        ring[place] = x
        ring[place + 1] = y
        if x == x and y == y:
            n, mx, my, xx, yy, xy = pair_joined(n, mx, my, xx, yy, xy, 1.0, x, y, 0.0, 0.0, 0.0)
        number, mean_x, mean_y, spread_x, spread_y, both = n, mx, my, xx, yy, xy
        if head == length - 1:
            n, mx, my, xx, yy, xy = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
            pair_tails(ring, base, length)
        else:
            number, mean_x, mean_y, spread_x, spread_y, both = pair_joined(
                n, mx, my, xx, yy, xy,
                ring[place + 6], ring[place + 7], ring[place + 8], ring[place + 9], ring[place + 10], ring[place + 11],
            )  # fmt: skip
        r = NAN
        if number >= 3.0:
            std_x, std_y = math.sqrt(spread_x / (number - 1.0)), math.sqrt(spread_y / (number - 1.0))
            if LARGEST >= std_x > 1e-9 * abs(mean_x) and LARGEST >= std_y > 1e-9 * abs(mean_y):
                r = min(max(both / (number - 1.0) / std_x / std_y, -1.0), 1.0)
        return r, n, mx, my, xx, yy, xy


def marker(low: float, q: float, high: float, left: int, n: int, right: int, want: float) -> tuple[float, int]:
    """Return height and place of a marker after it has moved by one towards the place it should have, if it is due to."""
    off = want - n
    if off >= 1.0 and right - n > 1:
        s = 1
    elif off <= -1.0 and left - n < -1:
        s = -1
    else:
        return q, n
    up, down = (high - q) / (right - n), (q - low) / (n - left)
    new = q + s * ((n - left + s) * up + (right - n - s) * down) / (right - left)
    if not (low < new < high):
        new = q + up if s == 1 else q - down
    if not (low <= new <= high):
        new = q
    return new, n + s


def observed(
    x: float, p: float, n: int, a: float, b: float, c: float, d: float, e: float, i: int, j: int, k: int
) -> tuple[int, float, float, float, float, float, int, int, int]:
    """Return an estimator (number, heights of five markers, places of the middle three) that has seen one value more."""
    n += 1
    if n <= 5:
        # As long as they are not all there the heights are the values themselves, sorted.
        a, x = min(a, x), max(a, x)
        b, x = min(b, x), max(b, x)
        c, x = min(c, x), max(c, x)
        d, e = min(d, x), max(d, x) if n == 5 else e
        return n, a, b, c, d, e, 2, 3, 4
    if x < b:
        a = min(a, x)
        i, j, k = i + 1, j + 1, k + 1
    elif x < c:
        j, k = j + 1, k + 1
    elif x < d:
        k += 1
    else:
        e = max(e, x)
    b, i = marker(a, b, c, 1, i, j, 1.0 + (n - 1) * p / 2.0)
    c, j = marker(b, c, d, i, j, k, 1.0 + (n - 1) * p)
    d, k = marker(c, d, e, j, k, n, 1.0 + (n - 1) * (1.0 + p) / 2.0)
    return n, a, b, c, d, e, i, j, k


def estimate(p: float, n: int, a: float, b: float, c: float, d: float, e: float) -> float:
    """Return what an estimator says: up to five values the exact quantile."""
    if n == 0:
        return NAN
    if n > 5:
        return c
    at = (n - 1) * p
    low, high, below = a, b, 0
    if at >= 1.0:
        low, high, below = b, c, 1
    if at >= 2.0:
        low, high, below = c, d, 2
    if at >= 3.0:
        low, high, below = d, e, 3
    share = at - below
    return low if share == 0.0 or low == high else low * (1.0 - share) + high * share


HEIGHTS = "abcde"


@block(family="statistics", zh="分位数", en="Quantile (P²)")
class Quantile:
    """Quantile of a signal over a long time, estimated without keeping its values (P² algorithm).

    Parameters
    ----------
    p : float [1]
        Which quantile: the share of the values that lie below it, 0.001 <= p <= 0.999. Default 0.5.
    window : float [s]
        It forgets what is longer ago than this, 0.01 <= window <= 1e+07; rounded up to whole ticks. Default 86400.

    Inputs
    ------
    x : value [any], NaN = bad: it is skipped; the output is NaN only while there was no good value to go by.

    Returns
    -------
    value [unit(x)]

    Notes
    -----
    Two estimators of five markers each. One begins anew at every whole multiple of the window (of absolute time), the other
    half a window later; the output is what the one says that has seen more. So it rests on the last half to whole window, on
    what there is if that is less, and says the same whenever a run began. Up to five values it is exact, then an estimate:
    good where values come from a distribution that hardly changes (see the reference), poor where they keep drifting.
    O(1) per tick, no ring.

    References
    ----------
    .. [1] R. Jain, I. Chlamtac, The P² algorithm for dynamic calculation of quantiles and histograms without storing
       observations, Communications of the ACM 28 (1985), 1076-1085.
    """

    inputs = (Input("x"),)
    params = (
        Param("p", low=0.001, high=0.999, default=0.5),
        Param("window", unit="s", low=0.01, high=1e7, default=86_400.0, form="ticks"),
    )
    states = (
        Int("n1"), *(Float(f"{h}1") for h in HEIGHTS), Int("i1"), Int("j1"), Int("k1"),
        Int("n2"), *(Float(f"{h}2") for h in HEIGHTS), Int("i2"), Int("j2"), Int("k2"),
    )  # fmt: skip
    output = "value"
    unit = "unit(x)"
    bad = "skip"
    uses = (marker, observed, estimate)
    memory = (("window", 1.0),)

    @staticmethod
    def step(
        x: float, p: float, window: float, instant: int, tick_s: float,
        n1: int, a1: float, b1: float, c1: float, d1: float, e1: float, i1: int, j1: int, k1: int,
        n2: int, a2: float, b2: float, c2: float, d2: float, e2: float, i2: int, j2: int, k2: int,
    ) -> tuple[
        float, int, float, float, float, float, float, int, int, int, int, float, float, float, float, float, int, int, int
    ]:  # fmt: skip
        length = int(window)
        half = length // 2
        phase = (instant // round(tick_s * 1e6)) % length
        if phase == 0 or n1 == 0:
            n1, a1, b1, c1, d1, e1 = 0, math.inf, math.inf, math.inf, math.inf, math.inf
        if phase == half or n2 == 0:
            n2, a2, b2, c2, d2, e2 = 0, math.inf, math.inf, math.inf, math.inf, math.inf
        if x == x:
            n1, a1, b1, c1, d1, e1, i1, j1, k1 = observed(x, p, n1, a1, b1, c1, d1, e1, i1, j1, k1)
            n2, a2, b2, c2, d2, e2, i2, j2, k2 = observed(x, p, n2, a2, b2, c2, d2, e2, i2, j2, k2)
        older = phase >= half
        y = estimate(p, n1, a1, b1, c1, d1, e1) if older else estimate(p, n2, a2, b2, c2, d2, e2)
        return y, n1, a1, b1, c1, d1, e1, i1, j1, k1, n2, a2, b2, c2, d2, e2, i2, j2, k2
