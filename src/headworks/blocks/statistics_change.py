"""Blocks that find out that a signal has changed, swings, or falls short of its best."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from headworks.blocks.spec import LARGEST, NAN, Float, Input, Int, Output, Param, Ring, block
from headworks.blocks.tails import greatest_tails, sum_tails

RESET = Input("reset", kind="bool", optional=True)
CAP = Param("cap", low=1.0, high=1000.0, default=10.0)


@block(family="statistics", zh="累积和控制", en="CUSUM")
class Cusum:
    """Find a small lasting shift from a known target: two-sided tabular cumulative sums.

    Parameters
    ----------
    target : float [unit(x)]
        What x should be on average. It must be given.
    slack : float [delta(x)]
        A distance from the target that does not count, usually half the shift to be found, slack >= 0. It must be given.
    threshold : float [delta(x)]
        The sum above which the alarm is true (decision interval), threshold >= 1e-12. It must be given.
    cap : float [1]
        A sum grows no further than this times the threshold, 1 <= cap <= 1000. Default 10.

    Inputs
    ------
    x : value [any], NaN = bad: all outputs are NaN and the sums stand still.
    reset : bool, need not be wired; true: the sums are 0, and x does not count; NaN = unknown: as false.

    Returns
    -------
    high : value [delta(x)]
    low : value [delta(x)]
    alarm : bool

    Notes
    -----
    high(t) = max(0, high(t-1) + x - target - slack), low(t) = max(0, low(t-1) + target - slack - x), both 0 at first; alarm
    is 1 while one of them is greater than the threshold. With a standard deviation s of x, slack = s/2 and threshold = 4 s or
    5 s are usual. The cap bounds how long a cleared shift is remembered. O(1) per tick.

    References
    ----------
    .. [1] NIST/SEMATECH e-Handbook of Statistical Methods, 6.3.2.3 (CUSUM control charts, tabular form).
    .. [2] E. S. Page, Continuous inspection schemes, Biometrika 41 (1954), 100-115.
    """

    inputs = (Input("x"), RESET)
    params = (
        Param("target", unit="unit(x)"),
        Param("slack", unit="delta(x)", low=0.0),
        Param("threshold", unit="delta(x)", low=1e-12),
        CAP,
    )
    states = (Float("up"), Float("down"))
    outputs = (Output("high", unit="delta(x)"), Output("low", unit="delta(x)"), Output("alarm", "bool"))
    bad = "propagate"
    lasting = True

    @staticmethod
    def step(
        x: float, reset: float, target: float, slack: float, threshold: float, cap: float, up: float, down: float
    ) -> tuple[float, float, float, float, float]:
        if reset == reset and reset != 0.0:
            up, down = 0.0, 0.0
            return (up, down, 0.0, up, down) if x == x else (NAN, NAN, NAN, up, down)
        if x != x:
            return NAN, NAN, NAN, up, down
        up = min(max(up + (x - target) - slack, 0.0), cap * threshold)
        down = min(max(down + (target - x) - slack, 0.0), cap * threshold)
        return up, down, (1.0 if up > threshold or down > threshold else 0.0), up, down


@block(family="statistics", zh="均值突变检验", en="Page-Hinkley test")
class PageHinkley:
    """Find that the mean of a signal has shifted, up or down, from what it was of late (Page-Hinkley test).

    Parameters
    ----------
    tau : float [s]
        Time constant with which the mean forgets, 0.01 <= tau <= 1e+08. Default 86400.
    tolerance : float [delta(x)]
        A distance from the mean that does not count, tolerance >= 0. Default 0.
    threshold : float [delta(x)]
        The statistic above which the alarm is true, threshold >= 1e-12. It must be given.
    cap : float [1]
        The statistic grows no further than this times the threshold, 1 <= cap <= 1000. Default 10.

    Inputs
    ------
    x : value [any], NaN = bad: all outputs are NaN; mean and sums stand still.
    reset : bool, need not be wired; true: the sums are 0, and the mean begins anew with x; NaN = unknown: as false.

    Returns
    -------
    statistic : value [delta(x)]
    alarm : bool

    Notes
    -----
    With the mean m of all good values, this one included: up(t) = max(0, up(t-1) + x - m - tolerance), which is the
    cumulative sum less its least value so far; down(t) alike with m - x. The statistic is the greater of the two. The mean is
    the plain one of the reference until tau has passed, then one that forgets exponentially, so a lasting shift becomes the
    new normal after some tau. Where the target is known, :class:`Cusum` is sharper. O(1) per tick.

    References
    ----------
    .. [1] E. S. Page, Continuous inspection schemes, Biometrika 41 (1954), 100-115.
    .. [2] D. V. Hinkley, Inference about the change-point from cumulative sum tests, Biometrika 58 (1971), 509-523.
    """

    inputs = (Input("x"), RESET)
    params = (
        Param("tau", unit="s", low=0.01, high=1e8, default=86_400.0),
        Param("tolerance", unit="delta(x)", low=0.0, default=0.0),
        Param("threshold", unit="delta(x)", low=1e-12),
        CAP,
    )
    states = (Int("n"), Float("mean"), Float("up"), Float("down"))
    outputs = (Output("statistic", unit="delta(x)"), Output("alarm", "bool"))
    bad = "propagate"
    memory = (("tau", 30.0),)  # 1e-11 of a mean or less is left then
    lasting = True

    @staticmethod
    def step(
        x: float, reset: float, tau: float, tolerance: float, threshold: float, cap: float, tick_s: float,
        n: int, mean: float, up: float, down: float,
    ) -> tuple[float, float, int, float, float, float]:  # fmt: skip
        if reset == reset and reset != 0.0:
            n, up, down = 0, 0.0, 0.0
        if x != x:
            return NAN, NAN, n, mean, up, down
        n += 1
        share = max(1.0 / n, tick_s / (tau + tick_s))
        mean = x if n == 1 else mean + (x - mean) * share
        if not (-LARGEST <= mean <= LARGEST):  # two values so far apart that their difference is not a number
            mean = x
        up = min(max(up + (x - mean) - tolerance, 0.0), cap * threshold)
        down = min(max(down + (mean - x) - tolerance, 0.0), cap * threshold)
        statistic = max(up, down)
        return statistic, (1.0 if statistic > threshold else 0.0), n, mean, up, down


def turned(x: float, band: float, way: int, extreme: float, lowest: float) -> tuple[bool, int, float, float]:
    """Return whether the extreme of the swing was a reversal, since x has come away from it by more than `band`; which way it
    goes, and the extreme of the swing that goes on: the greatest value where `way` is 1, the least where it is -1. While it
    is 0 no swing has begun: `extreme` is the greatest value then, `lowest` the least.
    """
    if way > 0:
        if extreme - x > band:
            return True, -1, x, x
        return False, way, max(extreme, x), lowest
    if way < 0:
        if x - extreme > band:
            return True, 1, x, x
        return False, way, min(extreme, x), lowest
    if not (extreme >= x):
        extreme = x
    if not (lowest <= x):
        lowest = x
    if extreme - x > band:
        return False, -1, x, x
    if x - lowest > band:
        return False, 1, x, x
    return False, 0, extreme, lowest


@block(family="statistics", zh="晃动幅度")
class Shake:
    """How far a signal swings to and fro, about whatever trend it has: the mean distance between its reversals.

    Parameters
    ----------
    band : float [delta(x)]
        A swing must be greater than this to count, so that noise does not, band >= 0. Default 0.
    window : float [s]
        Length of the window, 0.01 <= window <= 86400; rounded up to whole ticks. Default 600.

    Inputs
    ------
    x : value [any], NaN = bad: all outputs are NaN; a swing goes on over it.

    Returns
    -------
    swing : value [delta(x)]
    largest : value [delta(x)]
    reversals : value [1/min]

    Notes
    -----
    A reversal is a peak or valley after which x came back by more than the band; it is known only then. A swing is the
    distance between two reversals that follow each other, peak to peak, and belongs to the tick at which its end is known.
    `swing` is the mean of those of the last `window / tick` ticks, `largest` the largest of them, both 0 if there is none;
    `reversals` their number per minute of a whole window. A steady trend makes the swings that go with it longer and those
    against it as much shorter, so the mean hardly sees it. O(1) per tick on average, ring of three values a tick.

    References
    ----------
    .. [1] ASTM E1049-85(2017), Cycle counting in fatigue analysis, 5.3 (simple-range counting: ranges between reversals).
    """

    inputs = (Input("x"),)
    params = (
        Param("band", unit="delta(x)", low=0.0, default=0.0),
        Param("window", unit="s", low=0.01, high=86_400.0, default=600.0, form="ticks"),
    )
    states = (
        Int("way"), Float("extreme", NAN), Float("lowest", NAN), Float("last", NAN),
        Float("total"), Float("count"), Float("greatest", NAN),
    )  # fmt: skip
    ring = Ring("window", width=3)
    outputs = (
        Output("swing", unit="delta(x)"),
        Output("largest", unit="delta(x)"),
        Output("reversals", unit="1/min"),
    )
    bad = "propagate"
    uses = (turned, sum_tails, greatest_tails)
    memory = (("window", 1.0),)
    lasting = True

    @staticmethod
    def step(
        x: float, band: float, tick_s: float, way: int, extreme: float, lowest: float, last: float,
        total: float, count: float, greatest: float, ring: NDArray[np.float64], base: int, head: int, length: int,
    ) -> tuple[float, float, float, int, float, float, float, float, float, float]:  # fmt: skip
        swing = NAN
        if x == x:
            before = extreme
            new, way, extreme, lowest = turned(x, band, way, extreme, lowest)
            if new:
                swing, last = abs(before - last), before
        place = base + 3 * head
        ring[place] = swing
        ring[place + 1] = 1.0 if swing == swing else NAN
        ring[place + 2] = swing
        if swing == swing:
            total += swing
            count += 1.0
            if not (greatest >= swing):
                greatest = swing
        sums, number, largest = total, count, greatest
        if head == length - 1:
            sum_tails(ring, base, length, 3)
            sum_tails(ring, base + 1, length, 3)
            greatest_tails(ring, base + 2, length, 3)
            total, count, greatest = 0.0, 0.0, NAN
        else:
            if ring[place + 4] > 0.0:
                sums += ring[place + 3]
                number += ring[place + 4]
            if not (largest >= ring[place + 5]) and ring[place + 5] == ring[place + 5]:
                largest = ring[place + 5]
        if x != x:
            return NAN, NAN, NAN, way, extreme, lowest, last, total, count, greatest
        rate = number * 60.0 / (length * tick_s)
        if number == 0.0:
            return 0.0, 0.0, rate, way, extreme, lowest, last, total, count, greatest
        return sums / number, largest, rate, way, extreme, lowest, last, total, count, greatest


@block(family="statistics", zh="周期波动")
class PeriodicFluctuation:
    """Period and amplitude of a signal that swings regularly; NaN while it does not.

    Parameters
    ----------
    band : float [delta(x)]
        A swing must be greater than this to count: more than the noise, less than the fluctuation, peak to peak, band >= 0.
        Default 0.
    regularity : float [1]
        How regular the periods must be: their mean, by three times their standard deviation, 0 <= regularity <= 1000.
        Default 1.
    window : float [s]
        Length of the window, 0.01 <= window <= 86400; rounded up to whole ticks. It must hold three periods. Default 3600.

    Inputs
    ------
    x : value [any], NaN = bad: all outputs are NaN; a period goes on over it.

    Returns
    -------
    period : value [s]
    amplitude : value [delta(x)]

    Notes
    -----
    A reversal is a peak or valley after which x came back by more than the band; it is known only then. From every reversal
    on there is a period back to the last but one, peak to peak or valley to valley, and a swing back to the last. `period` is
    the mean of the periods of the last `window / tick` ticks, `amplitude` half the mean swing (noise adds about its own), so
    a trend matters to neither. Both are NaN while there are fewer than four periods, while they are less regular than
    wanted, and while the last reversal is longer ago than one and a half periods. A period longer than the window does not
    count. O(1) per tick on average, ring of two values a tick.

    References
    ----------
    .. [1] N. F. Thornhill, B. Huang, H. Zhang, Detection of multiple oscillations in control loops, Journal of Process
       Control 13 (2003), 91-100 (regularity of periods; more than 1 is an oscillation).
    .. [2] ASTM E1049-85(2017), Cycle counting in fatigue analysis (reversals).
    """

    inputs = (Input("x"),)
    params = (
        Param("band", unit="delta(x)", low=0.0, default=0.0),
        Param("regularity", low=0.0, high=1000.0, default=1.0),
        Param("window", unit="s", low=0.01, high=86_400.0, default=3600.0, form="ticks"),
    )
    states = (
        Int("way"), Float("extreme", NAN), Float("lowest", NAN), Float("last", NAN),
        Int("age"), Int("age_last"), Int("age_before", -1),
        Int("count"), Int("sum_of"), Int("squares"), Float("total"),
    )  # fmt: skip
    ring = Ring("window", width=2)
    outputs = (Output("period", unit="s"), Output("amplitude", unit="delta(x)"))
    bad = "propagate"
    uses = (turned, sum_tails)
    memory = (("window", 1.0),)
    lasting = True

    @staticmethod
    def step(
        x: float, band: float, regularity: float, tick_s: float,
        way: int, extreme: float, lowest: float, last: float, age: int, age_last: int, age_before: int,
        count: int, sum_of: int, squares: int, total: float,
        ring: NDArray[np.float64], base: int, head: int, length: int,
    ) -> tuple[float, float, int, float, float, float, int, int, int, int, int, int, float]:  # fmt: skip
        # Ages are ticks: of the extreme of the swing that goes on, of the last reversal, of the one before (-1: none).
        age += 1
        age_last += 1
        if age_before >= 0:
            age_before += 1
        period, swing = 0, 0.0
        if x == x:
            before, going = extreme, way
            new, way, extreme, lowest = turned(x, band, way, extreme, lowest)
            if new:
                if age_before > age and age_before - age <= length:
                    period, swing = age_before - age, abs(before - last)
                age_before = age_last if last == last else -1
                age_last, last = age, before
            if new or way != going or extreme != before:
                age = 0
        place = base + 2 * head
        old = ring[place]
        if old > 0.0:
            count -= 1
            sum_of -= int(old)
            squares -= int(old) * int(old)
        ring[place] = period
        ring[place + 1] = swing
        if period > 0:
            count += 1
            sum_of += period
            squares += period * period
            total += swing
        swings = total
        if head == length - 1:
            sum_tails(ring, base + 1, length, 2)
            total = 0.0
        elif ring[place + 3] == ring[place + 3]:
            swings += ring[place + 3]
        found, amplitude = NAN, NAN
        if x == x and count >= 4:
            mean = sum_of / count
            spread = math.sqrt((count * squares - sum_of * sum_of) / (count * (count - 1.0)))
            if mean >= 3.0 * regularity * spread and age_last <= 1.5 * mean:
                found, amplitude = mean * tick_s, 0.5 * swings / count
        return (
            found, amplitude, way, extreme, lowest, last, age, age_last, age_before, count, sum_of, squares, total,
        )  # fmt: skip


@block(family="statistics", zh="最佳值", en="Best value")
class BestValue:
    """The best a signal has been, and how far it is from that now; what is long ago is slowly forgotten.

    Parameters
    ----------
    lowest : float [1]
        Which is best, a whole number, 0 <= lowest <= 1: 0 the greatest value, 1 the least. Default 0.
    tau : float [s]
        Time constant with which the best comes towards x while it is not reached, 0.01 <= tau <= 1e+08. Default 604800: a
        week.

    Inputs
    ------
    x : value [any], NaN = bad: all outputs are NaN; the best is kept as it is.
    valid : bool, need not be wired; false or NaN (unknown): x is compared with the best, but changes nothing in it.

    Returns
    -------
    best : value [unit(x)]
    shortfall : value [delta(x)]

    Notes
    -----
    best(t) = x where x is better or as good, otherwise best(t-1)·k + x·(1 - k) with k = tau / (tau + tick): a peak detector
    that rises at once and falls with tau. `shortfall` is how much worse than the best x is, negative where it is better but
    not valid. NaN until x was valid once. Wire `valid` to what makes values comparable, such as a band of load. O(1) per tick.

    References
    ----------
    .. [1] U. Zölzer (ed.), DAFX: Digital Audio Effects, 2nd edition (2011), chapter 4 (peak measurement with attack and release).
    """

    inputs = (Input("x"), Input("valid", kind="bool", optional=True, unwired="true"))
    params = (
        Param("lowest", low=0.0, high=1.0, default=0.0, form="whole"),
        Param("tau", unit="s", low=0.01, high=1e8, default=604_800.0),
    )
    states = (Float("best", NAN),)
    outputs = (Output("best", unit="unit(x)"), Output("shortfall", unit="delta(x)"))
    bad = "propagate"
    memory = (("tau", 30.0),)  # 1e-11 of a best or less is left then
    lasting = True

    @staticmethod
    def step(
        x: float, valid: float, lowest: float, tau: float, tick_s: float, best: float
    ) -> tuple[float, float, float]:
        if x != x:
            return NAN, NAN, best
        if valid == valid and valid != 0.0:
            worse = x > best if lowest != 0.0 else x < best
            if worse:
                keep = tau / (tau + tick_s)
                best = best * keep + x * (1.0 - keep)
            else:
                best = x
        return best, (x - best if lowest != 0.0 else best - x), best
