"""Blocks that free a signal of spikes, small movement and speed."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from headworks.blocks.spec import LARGEST, NAN, Float, Input, Int, Output, Param, Ring, block


def replace(ring: NDArray[np.float64], first: int, count: int, old: float, new: float) -> int:
    """Put `new` in the place of `old` in the `count` sorted values that begin at `first`; return how many they are then.
    NaN: there is no such value."""
    place, end = first, first + count
    if old == old:
        while place < end:
            middle = (place + end) // 2
            if ring[middle] < old:
                place = middle + 1
            else:
                end = middle
    else:
        place = end
        count += 1
    if new != new:
        count -= 1
        for at in range(place, first + count):
            ring[at] = ring[at + 1]
        return count
    while place > first and ring[place - 1] > new:
        ring[place] = ring[place - 1]
        place -= 1
    while place < first + count - 1 and ring[place + 1] < new:
        ring[place] = ring[place + 1]
        place += 1
    ring[place] = new
    return count


def median(ring: NDArray[np.float64], first: int, count: int) -> float:
    """Return the median of the `count` sorted values that begin at `first`."""
    if count == 0:
        return NAN
    low: float = ring[first + (count - 1) // 2]
    high: float = ring[first + count // 2]
    return low if low == high else 0.5 * low + 0.5 * high


def nearer(ring: NDArray[np.float64], first: int, count: int, middle: float, scale: float, distance: float) -> int:
    """Return how many of the sorted values are so near to `middle` that `scale` times their distance is less than `distance`."""
    low, end = first, first + count
    while low < end:
        at = (low + end) // 2
        if ring[at] < middle and not (scale * (middle - ring[at]) < distance):
            low = at + 1
        else:
            end = at
    high, end = low, first + count
    while high < end:
        at = (high + end) // 2
        if ring[at] < middle or scale * (ring[at] - middle) < distance:
            high = at + 1
        else:
            end = at
    return high - low


@block(family="filter", zh="中值滤波")
class MedianFilter:
    """Median of a sliding window: takes spikes away and leaves steps as they are.

    Parameters
    ----------
    window : float [s]
        Length of the window, 0.01 <= window <= 3600; rounded up to whole ticks. Default 5.

    Inputs
    ------
    x : value [any], NaN = bad: it is skipped; the output is NaN only while the window holds no good value.

    Returns
    -------
    value [unit(x)]

    Notes
    -----
    The middle one of the good values of the last `window / tick` ticks, this one included, put in order; of an even number
    the mean of the two in the middle. Fewer than half a window of spikes leave no trace; a step comes half a window late. An
    odd number of ticks gives only values that were measured. The ring holds the values by time and in order: O(window / tick)
    per tick at worst, on slow signals much less.

    References
    ----------
    .. [1] J. W. Tukey, Exploratory Data Analysis (1977), chapter 7 (running medians).
    .. [2] NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.5.1 (measures of location: the median).
    """

    inputs = (Input("x"),)
    params = (Param("window", unit="s", low=0.01, high=3600.0, default=5.0, form="ticks"),)
    states = (Int("count"),)
    ring = Ring("window", width=2)
    output = "value"
    unit = "unit(x)"
    bad = "skip"
    uses = (replace, median)
    memory = (("window", 1.0),)

    @staticmethod
    def step(x: float, count: int, ring: NDArray[np.float64], base: int, head: int, length: int) -> tuple[float, int]:
        # The first half of the ring is by time, the second in order. Adding 0 makes -0 the same zero as the others.
        old = ring[base + head]
        x += 0.0
        ring[base + head] = x
        if old == old or x == x:
            count = replace(ring, base + length, count, old, x)
        return median(ring, base + length, count), count


@block(family="filter", zh="去尖峰滤波", en="Spike filter")
class SpikeFilter:
    """Replace a value that is far from the median of its window, in terms of how much the window scatters (Hampel filter).

    Parameters
    ----------
    window : float [s]
        Length of the window, 0.01 <= window <= 3600; rounded up to whole ticks, at least three. Default 30.
    threshold : float [1]
        How many standard deviations are far, 1 <= threshold <= 1000. Default 3.
    min_band : float [delta(x)]
        Nothing as near to the median as this is far, >= 0. Default 0.

    Inputs
    ------
    x : value [any], NaN = bad: the outputs are NaN; in the window it is skipped.

    Returns
    -------
    value : value [unit(x)]
    replaced : bool

    Notes
    -----
    m is the median of the good values of the last `window / tick` ticks, this one included, and s = 1.4826 · the median of
    their distances from m (of an even number the greater of the two in the middle), which for normal scatter is the standard
    deviation. value is m and replaced 1 where abs(x - m) > max(threshold · s, min_band), else x and 0. Where more than half
    of the window is one and the same value, s is 0: `min_band` says then what is far. A step is taken for a spike until half
    of the window has followed. The ring holds the values by time and in order: O(window / tick) per tick at worst, on slow
    signals much less.

    References
    ----------
    .. [1] F. R. Hampel, The influence curve and its role in robust estimation, J. Amer. Statist. Assoc. 69 (1974), 383-393.
    .. [2] R. K. Pearson, Outliers in process modeling and identification, IEEE Trans. Control Systems Technology 10 (2002),
       55-63.
    """

    inputs = (Input("x"),)
    params = (
        Param("window", unit="s", low=0.01, high=3600.0, default=30.0, form="ticks"),
        Param("threshold", low=1.0, high=1000.0, default=3.0),
        Param("min_band", unit="delta(x)", low=0.0, default=0.0),
    )
    states = (Int("count"),)
    ring = Ring("window", least=3, width=2)
    outputs = (Output("value", unit="unit(x)"), Output("replaced", "bool"))
    bad = "propagate"
    uses = (replace, median, nearer)
    memory = (("window", 1.0),)

    @staticmethod
    def step(
        x: float,
        threshold: float,
        min_band: float,
        count: int,
        ring: NDArray[np.float64],
        base: int,
        head: int,
        length: int,
    ) -> tuple[float, float, int]:
        old = ring[base + head]
        x += 0.0
        ring[base + head] = x
        if old == old or x == x:
            count = replace(ring, base + length, count, old, x)
        if x != x:
            return NAN, NAN, count
        m = median(ring, base + length, count)
        away = abs(x - m)
        # More than half of them nearer than that: so is the median of the distances.
        if away > min_band and 2 * nearer(ring, base + length, count, m, threshold * 1.4826, away) > count:
            return m, 1.0, count
        return x, 0.0, count


@block(family="filter", zh="死区滤波")
class DeadBand:
    """Follow a signal only when it has moved by more than a band: small movement and noise are held back.

    Parameters
    ----------
    band : float [delta(x)]
        As long as x is not further than this from the output, the output stays, >= 0. It must be given.

    Inputs
    ------
    x : value [any], NaN = bad: the output is NaN, and what was held is held on.

    Returns
    -------
    value [unit(x)]

    Notes
    -----
    The output is the first good x; where abs(x - output) > band it becomes x. It is never further from x than the band.
    O(1) per tick.

    References
    ----------
    .. [1] OPC 10000-4 (version 1.05), 7.22.2 (absolute deadband of a data change filter).
    """

    inputs = (Input("x"),)
    params = (Param("band", unit="delta(x)", low=0.0),)
    states = (Float("held", NAN),)
    output = "value"
    unit = "unit(x)"
    bad = "propagate"
    lasting = True

    @staticmethod
    def step(x: float, band: float, held: float) -> tuple[float, float]:
        if x != x:
            return NAN, held
        if not (abs(x - held) <= band):
            held = x
        return held, held


@block(family="filter", zh="变化率限制")
class RateLimiter:
    """Follow a signal no faster than a given speed (slew rate).

    Parameters
    ----------
    rise : float [unit(x)/min]
        Fastest rise, >= 0. It must be given.
    fall : float [unit(x)/min]
        Fastest fall, as a positive number, >= 0. It must be given.

    Inputs
    ------
    x : value [any], NaN = bad: the output is NaN; the time goes on, so the first good value may be followed the further.

    Returns
    -------
    value [unit(x)]

    Notes
    -----
    The output is the first good x; at each tick it goes towards x by at most `rise` or `fall` times the time since x was last
    good, and is x where that reaches. O(1) per tick.

    References
    ----------
    .. [1] FOUNDATION Fieldbus FF-891, Function Block Application Process, part 2 (SP_RATE_UP and SP_RATE_DN of block PID).
    """

    inputs = (Input("x"),)
    params = (
        Param("rise", unit="unit(x)/min", low=0.0),
        Param("fall", unit="unit(x)/min", low=0.0),
    )
    states = (Float("y", NAN), Int("late"))
    output = "value"
    unit = "unit(x)"
    bad = "propagate"
    lasting = True

    @staticmethod
    def step(x: float, rise: float, fall: float, tick_s: float, y: float, late: int) -> tuple[float, float, int]:
        late += 1
        if x != x:
            return NAN, y, late
        minutes = late * (tick_s / 60.0)
        if x - y > rise * minutes:
            y += rise * minutes
        elif y - x > fall * minutes:
            y -= fall * minutes
        else:
            y = x
        return y, y, 0


def settle(time: float, period: float) -> tuple[float, float, float, float]:
    """Return the matrix by which distance and speed (over the decay rate) of a second-order Butterworth filter have changed
    after `time` of a still input."""
    angle = math.sqrt(2.0) * math.pi * time / period
    left, cos, sin = math.exp(-angle), math.cos(angle), math.sin(angle)
    return left * (cos + sin), left * sin, -2.0 * left * sin, left * (cos - sin)


@block(family="filter", zh="二阶低通滤波")
class LowPass:
    """Second-order low-pass (Butterworth): smooths like a first-order lag, yet lets slow movement through less changed.

    Parameters
    ----------
    period : float [s]
        Cut-off period, 0.01 <= period <= 86400: an oscillation of this period keeps 1/√2 of its amplitude, a shorter one
        less, by the square of its period. Default 60.

    Inputs
    ------
    x : value [any], NaN = bad: the output is NaN; the next good value counts as if it had been there all the while.

    Returns
    -------
    value [unit(x)]

    Notes
    -----
    The filter ω² / (s² + √2·ω·s + ω²) with ω = 2π / period, solved exactly for an x that is still over each tick (the value
    of a tick is that of the time since the tick before); it begins settled at the first good value. Gain 1 for a still
    signal; after a step it exceeds by 4.3 % and has settled to 1 % after 1.1 periods. O(1) per tick.

    References
    ----------
    .. [1] S. Butterworth, On the theory of filter amplifiers, Experimental Wireless 7 (1930), 536-541.
    .. [2] K. J. Åström, B. Wittenmark, Computer-Controlled Systems, 3rd edition (1997), chapter 2 (sampling with a hold).
    """

    inputs = (Input("x"),)
    params = (Param("period", unit="s", low=0.01, high=86_400.0, default=60.0),)
    states = (
        Float("y", NAN),
        Float("speed"),
        Int("late"),
        Float("ee", NAN),
        Float("es"),
        Float("se"),
        Float("ss"),
    )
    output = "value"
    unit = "unit(x)"
    bad = "propagate"
    uses = (settle,)
    memory = (("period", 8.0),)  # 1e-15 of it or less is left then

    @staticmethod
    def step(
        x: float,
        period: float,
        tick_s: float,
        y: float,
        speed: float,
        late: int,
        ee: float,
        es: float,
        se: float,
        ss: float,
    ) -> tuple[float, float, float, int, float, float, float, float]:
        if ee != ee:
            ee, es, se, ss = settle(tick_s, period)
        late += 1
        if x != x:
            return NAN, y, speed, late, ee, es, se, ss
        off = y - x
        if late == 1:
            y, speed = x + (ee * off + es * speed), se * off + ss * speed
        else:
            a, b, c, d = settle(late * tick_s, period)
            y, speed = x + (a * off + b * speed), c * off + d * speed
        # The first good value; or two values so far apart that their difference is not a number.
        if not (-LARGEST <= y <= LARGEST and -LARGEST <= speed <= LARGEST):
            y, speed = x, 0.0
        return y, y, speed, 0, ee, es, se, ss
