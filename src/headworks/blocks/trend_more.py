"""Blocks that compare a signal with its own past, and fit curves to it."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from headworks.blocks.spec import LARGEST, NAN, Float, Input, Int, Output, Param, Ring, block
from headworks.blocks.trend import line_moves


@block(family="trend", zh="滞后值")
class Lag:
    """The value a signal had a given time ago (dead time).

    Parameters
    ----------
    delay : float [s]
        How long ago, 0.01 <= delay <= 86400; rounded up to whole ticks. It must be given.

    Inputs
    ------
    x : value [any], NaN = bad: the output is NaN when that tick is `delay` ago; what it is now does not depend on x now.

    Returns
    -------
    value [unit(x)]

    Notes
    -----
    x(t - delay), bad until there was such a tick. O(1) per tick, ring of `delay / tick` values.

    References
    ----------
    .. [1] IEC 61131-3:2003, annex F (example function block DELAY, a delay of N samples).
    """

    inputs = (Input("x"),)
    params = (Param("delay", unit="s", low=0.01, high=86_400.0, form="ticks"),)
    ring = Ring("delay")
    output = "value"
    unit = "unit(x)"
    bad = "skip"
    memory = (("delay", 1.0),)

    @staticmethod
    def step(x: float, ring: NDArray[np.float64], base: int, head: int) -> tuple[float]:
        then = ring[base + head]
        ring[base + head] = x
        return (then,)


def aged(ring: NDArray[np.float64], base: int, head: int, length: int, age: int) -> float:
    """Return the value of a ring that is `age` ticks old."""
    place = head - age if age <= head else head - age + length
    value: float = ring[base + place]
    return value


@block(family="trend", zh="首末差值")
class FirstLastDifference:
    """How much a signal has changed over a sliding window: its last good value less its first good one.

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
    x(b) - x(a), a the first and b the last of the last `window / tick` ticks, this one included, with a good x; positive when
    the signal rises. Until a window has passed it is the difference over what there is. O(1) per tick on average, ring of
    `window / tick` values.

    References
    ----------
    .. [1] NIST/SEMATECH e-Handbook of Statistical Methods, 6.4.4.2 (stationarity: differencing of a series).
    """

    inputs = (Input("x"),)
    params = (Param("window", unit="s", low=0.01, high=86_400.0, default=60.0, form="ticks"),)
    states = (Int("oldest", -1), Int("newest", -1))
    ring = Ring("window", least=2)
    output = "value"
    unit = "delta(x)"
    bad = "skip"
    uses = (aged,)
    memory = (("window", 1.0),)

    @staticmethod
    def step(
        x: float, oldest: int, newest: int, ring: NDArray[np.float64], base: int, head: int, length: int
    ) -> tuple[float, int, int]:
        # Both are ages in ticks of a good value, -1 where there is none.
        ring[base + head] = x
        if oldest >= 0:
            oldest += 1
            newest += 1
        if x == x:
            newest = 0
            if oldest < 0:
                oldest = 0
        if oldest == length:
            oldest -= 1
            while oldest >= 0 and math.isnan(aged(ring, base, head, length, oldest)):
                oldest -= 1
        if oldest < 0:
            return NAN, -1, -1
        if oldest == newest:
            return NAN, oldest, newest
        change = aged(ring, base, head, length, newest) - aged(ring, base, head, length, oldest)
        return change, oldest, newest


@block(family="trend", zh="局部峰谷", en="Peaks and valleys")
class LocalPeakValley:
    """The last peak and the last valley of a signal that moves up and down, and which way it moves now.

    Parameters
    ----------
    prominence : float [delta(x)]
        A turn counts when the signal has come back from it by more than this, >= 0. It must be given.

    Inputs
    ------
    x : value [any], NaN = bad: it is skipped, the outputs hold what they were.

    Returns
    -------
    peak : value [unit(x)]
    valley : value [unit(x)]
    rising : bool

    Notes
    -----
    The highest value since the last valley becomes the peak when x has fallen by more than `prominence` below it, and `rising`
    becomes 0; the lowest since then becomes the valley when x has risen by more than that above it, and `rising` becomes 1.
    So a turn is known only after it. `rising` is NaN until x has first moved by more than `prominence`, peak and valley until
    there was one. O(1) per tick.

    References
    ----------
    .. [1] ASTM E1049-85 (2017), section 3 (peak, valley, reversal in cycle counting).
    """

    inputs = (Input("x"),)
    params = (Param("prominence", unit="delta(x)", low=0.0),)
    states = (Float("high", NAN), Float("low", NAN), Float("peak", NAN), Float("valley", NAN), Float("rising", NAN))
    outputs = (Output("peak", unit="unit(x)"), Output("valley", unit="unit(x)"), Output("rising", "bool"))
    bad = "hold"
    lasting = True

    @staticmethod
    def step(
        x: float, prominence: float, high: float, low: float, peak: float, valley: float, rising: float
    ) -> tuple[float, float, float, float, float, float, float, float]:
        if x == x:
            if not (x <= high):
                high = x
            if not (x >= low):
                low = x
            # What was before the first movement is the end of no movement: neither peak nor valley.
            if rising != 0.0 and high - x > prominence:
                if rising == 1.0:
                    peak = high
                rising, high, low = 0.0, x, x
            elif rising != 1.0 and x - low > prominence:
                if rising == 0.0:
                    valley = low
                rising, high, low = 1.0, x, x
        return peak, valley, rising, high, low, peak, valley, rising


def parabola_sums(
    ring: NDArray[np.float64], base: int, head: int, length: int
) -> tuple[int, float, float, float, float, float, float, float, float]:
    """Return of the good values of a ring their number, the sums of the powers 1 … 4 of their places in time, the sums of the
    values less a pivot times the powers 0 … 2 of the place, and the pivot: the first good value.

    Places are counted in ticks from the middle of the window, so that odd powers cancel.
    """
    count, s1, s2, s3, s4 = 0, 0.0, 0.0, 0.0, 0.0
    t0, t1, t2, pivot = 0.0, 0.0, 0.0, 0.0
    for age in range(length):
        place = head + 1 + age
        v = ring[base + (place if place < length else place - length)]
        if v == v:
            if count == 0:
                pivot = v
            u = float(age - length // 2)
            v -= pivot
            count += 1
            s1 += u
            s2 += u * u
            s3 += u * u * u
            s4 += u * u * u * u
            t0 += v
            t1 += u * v
            t2 += u * u * v
    return count, s1, s2, s3, s4, t0, t1, t2, pivot


@block(family="trend", zh="多项式趋势")
class PolynomialTrend:
    """Where a signal is, how fast it moves and how it bends: the parabola that fits a sliding window best.

    Parameters
    ----------
    window : float [s]
        Length of the window, 0.01 <= window <= 86400; rounded up to whole ticks, at least three. Default 600.

    Inputs
    ------
    x : value [any], NaN = bad: it is skipped; the outputs are NaN only while less than half of the window, or fewer than
        three values, are good.

    Returns
    -------
    value : value [unit(x)]
    slope : value [unit(x)/min]
    curvature : value [unit(x)/min²]

    Notes
    -----
    Least squares of a + b·t + c·t² over the good values of the last `window / tick` ticks, this one included. value is that of
    the parabola now, slope its first derivative now (per minute), curvature the second, 2·c (per minute, per minute). The
    sums of powers of the time are shifted by a tick at each tick, and made anew from the window whenever the ring wraps (at
    ticks fixed by absolute time) and whenever they overflowed; values enter less one of their own, so a still signal has the
    slope 0 exactly. O(1) per tick on average, ring of `window / tick` values.

    References
    ----------
    .. [1] NIST/SEMATECH e-Handbook of Statistical Methods, 4.1.4.1 (linear least squares; a parabola is linear in a, b, c).
    .. [2] A. Savitzky, M. J. E. Golay, Smoothing and differentiation of data by simplified least squares procedures,
       Analytical Chemistry 36 (1964), 1627-1639.
    """

    inputs = (Input("x"),)
    params = (Param("window", unit="s", low=0.01, high=86_400.0, default=600.0, form="ticks"),)
    states = (
        Int("count"),
        Float("s1"),
        Float("s2"),
        Float("s3"),
        Float("s4"),
        Float("t0"),
        Float("t1"),
        Float("t2"),
        Float("pivot"),
    )
    ring = Ring("window", least=3)
    outputs = (
        Output("value", unit="unit(x)"),
        Output("slope", unit="unit(x)/min"),
        Output("curvature", unit="unit(x)/min²"),
    )
    bad = "skip"
    uses = (parabola_sums,)
    memory = (("window", 2.0),)

    @staticmethod
    def step(
        x: float, tick_s: float, count: int, s1: float, s2: float, s3: float, s4: float, t0: float, t1: float, t2: float,
        pivot: float, ring: NDArray[np.float64], base: int, head: int, length: int,
    ) -> tuple[float, float, float, int, float, float, float, float, float, float, float, float]:  # fmt: skip
        old = ring[base + head]
        ring[base + head] = x
        if old == old:
            u, v = -float(length // 2), old - pivot
            count, s1, s2, s3, s4 = count - 1, s1 - u, s2 - u * u, s3 - u * u * u, s4 - u * u * u * u
            t0, t1, t2 = t0 - v, t1 - u * v, t2 - u * u * v
        if count == 0:
            s1, s2, s3, s4, t0, t1, t2, pivot = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, x
        # Everything is a tick older.
        s4 += -4.0 * s3 + 6.0 * s2 - 4.0 * s1 + count
        s3 += -3.0 * s2 + 3.0 * s1 - count
        s2 += -2.0 * s1 + count
        s1 -= count
        t2 += -2.0 * t1 + t0
        t1 -= t0
        now = float(length - 1 - length // 2)
        if x == x:
            v = x - pivot
            count, s1, s2 = count + 1, s1 + now, s2 + now * now
            s3, s4 = s3 + now * now * now, s4 + now * now * now * now
            t0, t1, t2 = t0 + v, t1 + now * v, t2 + now * now * v
        if head == length - 1 or not (-LARGEST <= t0 + t1 + t2 <= LARGEST):
            count, s1, s2, s3, s4, t0, t1, t2, pivot = parabola_sums(ring, base, head, length)
        if count < 3 or 2 * count < length:
            return NAN, NAN, NAN, count, s1, s2, s3, s4, t0, t1, t2, pivot
        # From the mean of the places: 1, d and d² - skew·d - spread are orthogonal.
        m = s1 / count
        c2 = s2 - m * s1
        c3 = s3 - 3.0 * m * s2 + 2.0 * m * m * s1
        c4 = s4 - 4.0 * m * s3 + 6.0 * m * m * s2 - 3.0 * m * m * m * s1
        skew, spread = c3 / c2, c2 / count
        b = (t1 - m * t0) / c2
        c = (t2 - 2.0 * m * t1 + m * m * t0 - skew * b * c2 - spread * t0) / (c4 - skew * c3 - spread * c2)
        d, per_min = now - m, 60.0 / tick_s
        value = pivot + (t0 / count + b * d + c * (d * d - skew * d - spread))
        slope = (b + c * (2.0 * d - skew)) * per_min
        return value, slope, 2.0 * c * per_min * per_min, count, s1, s2, s3, s4, t0, t1, t2, pivot


def line_slope(count: int, times: int, squares: int, total: float, product: float, length: int) -> float:
    """Return the slope per tick, NaN where less than half of the window, or fewer than two values, are good."""
    if count < 2 or 2 * count < length:
        return NAN
    return (count * product - times * total) / (count * squares - times * times)


LINE = (Int("count"), Int("times"), Int("squares"), Float("total"), Float("product"), Float("pivot"))


@block(family="trend", zh="斜坡检测", en="Ramp detection")
class RampDetection:
    """Say that a signal rises or falls steadily: its slope has been steeper than a limit for a while.

    Parameters
    ----------
    window : float [s]
        Length of the window of the slope, 0.01 <= window <= 86400; rounded up to whole ticks, at least two. Default 60.
    limit : float [unit(x)/min]
        A slope above this is steep, one below -limit too, >= 0. It must be given.
    for_s : float [s]
        How long the slope must have been steep, 0 <= for_s <= 86400; rounded up to whole ticks. Default 0: at once.

    Inputs
    ------
    x : value [any], NaN = bad: it is skipped; the outputs are NaN only while less than half of the window, or fewer than two
        values, are good, and then the time starts anew.

    Returns
    -------
    rising : bool
    falling : bool
    slope : value [unit(x)/min]

    Notes
    -----
    slope is that of the straight line that fits the good values of the last `window / tick` ticks, this one included, best
    (least squares). rising is 1 at tick T if slope > limit at every tick of T - for_s … T, falling if slope < -limit at each.
    The sums are made anew from the window whenever the ring wraps (at ticks fixed by absolute time) and whenever they
    overflowed. O(1) per tick on average, ring of `window / tick` values.

    References
    ----------
    .. [1] NIST/SEMATECH e-Handbook of Statistical Methods, 4.1.4.1 (linear least squares regression).
    .. [2] IEC 62682:2022 and ANSI/ISA-18.2-2016 (rate-of-change alarm, on-delay).
    """

    inputs = (Input("x"),)
    params = (
        Param("window", unit="s", low=0.01, high=86_400.0, default=60.0, form="ticks"),
        Param("limit", unit="unit(x)/min", low=0.0),
        Param("for_s", unit="s", low=0.0, high=86_400.0, default=0.0, form="ticks"),
    )
    states = (*LINE, Int("up"), Int("down"))
    ring = Ring("window", least=2)
    outputs = (Output("rising", "bool"), Output("falling", "bool"), Output("slope", unit="unit(x)/min"))
    bad = "skip"
    uses = (line_moves, line_slope)
    memory = (("window", 2.0), ("for_s", 1.0))

    @staticmethod
    def step(
        x: float, limit: float, for_s: float, tick_s: float, count: int, times: int, squares: int, total: float,
        product: float, pivot: float, up: int, down: int, ring: NDArray[np.float64], base: int, head: int, length: int,
    ) -> tuple[float, float, float, int, int, int, float, float, float, int, int]:  # fmt: skip
        count, times, squares, total, product, pivot = line_moves(
            x, count, times, squares, total, product, pivot, ring, base, head, length
        )
        slope = line_slope(count, times, squares, total, product, length) * (60.0 / tick_s)
        up = up + 1 if slope > limit else 0
        down = down + 1 if slope < -limit else 0
        rising, falling = (1.0 if up > for_s else 0.0), (1.0 if down > for_s else 0.0)
        if not (-LARGEST <= slope <= LARGEST):
            rising, falling, slope, up, down = NAN, NAN, NAN, 0, 0
        return rising, falling, slope, count, times, squares, total, product, pivot, up, down


@block(family="trend", zh="到限时间", en="Time to limit")
class TimeToLimit:
    """How long it takes until a signal meets a limit if it goes on as it did.

    Parameters
    ----------
    window : float [s]
        Length of the window, 0.01 <= window <= 86400; rounded up to whole ticks, at least two. Default 600.
    limit : float [unit(x)]
        The limit. It must be given.
    upper : float [1]
        1: x must stay below the limit, 0: above it; a whole number, 0 <= upper <= 1. Default 1.
    horizon : float [min]
        Longest time of interest, 0.01 <= horizon <= 525600. Default 1440.

    Inputs
    ------
    x : value [any], NaN = bad: it is skipped; the outputs are NaN only while less than half of the window, or fewer than two
        values, are good.

    Returns
    -------
    time : value [min]
    value : value [unit(x)]

    Notes
    -----
    value is where the straight line that fits the good values of the last `window / tick` ticks, this one included, best
    (least squares) is now, and time how long it takes the line from there to the limit: 0 if it is there or beyond, `horizon`
    if it does not move towards the limit or takes longer than that. The sums are made anew from the window whenever the ring
    wraps (at ticks fixed by absolute time) and whenever they overflowed. O(1) per tick on average, ring of `window / tick`
    values.

    References
    ----------
    .. [1] NIST/SEMATECH e-Handbook of Statistical Methods, 4.1.4.1 (linear least squares regression).
    .. [2] ISO 13381-1:2015 (prognostics: extrapolation of a trend to an alarm limit).
    """

    inputs = (Input("x"),)
    params = (
        Param("window", unit="s", low=0.01, high=86_400.0, default=600.0, form="ticks"),
        Param("limit", unit="unit(x)"),
        Param("upper", low=0.0, high=1.0, default=1.0, form="whole"),
        Param("horizon", unit="min", low=0.01, high=525_600.0, default=1440.0),
    )
    states = LINE
    ring = Ring("window", least=2)
    outputs = (Output("time", unit="min"), Output("value", unit="unit(x)"))
    bad = "skip"
    uses = (line_moves, line_slope)
    memory = (("window", 2.0),)

    @staticmethod
    def step(
        x: float, limit: float, upper: float, horizon: float, tick_s: float, count: int, times: int, squares: int,
        total: float, product: float, pivot: float, ring: NDArray[np.float64], base: int, head: int, length: int,
    ) -> tuple[float, float, int, int, int, float, float, float]:  # fmt: skip
        count, times, squares, total, product, pivot = line_moves(
            x, count, times, squares, total, product, pivot, ring, base, head, length
        )
        slope = line_slope(count, times, squares, total, product, length)
        # Places of a ring that was summed anew at its end are a turn less.
        now = head if head == length - 1 else length + head
        value = pivot + (total + slope * (count * now - times)) / max(count, 1)
        if not (-LARGEST <= value <= LARGEST):
            return NAN, NAN, count, times, squares, total, product, pivot
        left = limit - value if upper != 0.0 else value - limit
        nearer = (slope if upper != 0.0 else -slope) * (60.0 / tick_s)
        time = horizon
        if left <= 0.0:
            time = 0.0
        elif nearer * horizon > left:
            time = left / nearer
        return time, value, count, times, squares, total, product, pivot
