"""Blocks that work by the clock: over hours, shifts and days that begin at fixed times of day."""

from __future__ import annotations

import math

from headworks.blocks.spec import LARGEST, NAN, Float, Input, Int, Output, Param, block


def next_turn(instant: int, period: float, zone: float, start: float) -> int:
    """Return when the period that `instant` belongs to ends [µs]."""
    length = math.floor(period * 1e6 + 0.5)
    local = instant + math.floor((zone - start) * 3.6e9 + 0.5)
    return instant + length - local % length


CLOCK = (
    Param("start", unit="h", low=0.0, high=24.0, default=0.0),
    Param("zone", unit="h", low=-12.0, high=14.0, default=8.0),
)


@block(family="trend", zh="时段均值")
class PeriodMean:
    """Mean over the last full hour, shift or day of the clock.

    Parameters
    ----------
    period : float [s]
        Length of a period, 1 <= period <= 86400. Default 3600: the hourly mean; 28800 is that of an eight-hour shift, 86400
        that of a day. It should divide the day, or the periods begin at other times every day.
    start : float [h]
        Time of day at which a period begins, and all others one after the other, 0 <= start <= 24. Default 0.
    zone : float [h]
        How far the local clock is ahead of UTC, -12 <= zone <= 14. Default 8: China.

    Inputs
    ------
    x : value [any], NaN = bad: it is skipped. value is NaN if less than half of its period had a good x; running is NaN as
        long as its period had none.

    Returns
    -------
    value : value [unit(x)]
    running : value [unit(x)]

    Notes
    -----
    value is the mean of the good values of the last period that is over, and changes at the first tick of the next; running
    that of the period that is not over yet, this tick included. A tick at T belongs to the period [begin, begin + period)
    that T lies in. A run that begins amid a period has those ticks only. The mean is kept as such, not as a sum, so nothing
    overflows and a still signal has its own value as mean. O(1) per tick.

    References
    ----------
    .. [1] OPC 10000-13, 5.4.3.5 (aggregate Average over processing intervals) and 5.4.2.4 (alignment of intervals).
    """

    inputs = (Input("x"),)
    params = (Param("period", unit="s", low=1.0, high=86_400.0, default=3600.0), *CLOCK)
    states = (Int("until"), Int("count"), Float("last", NAN), Float("mean", NAN))
    outputs = (Output("value", unit="unit(x)"), Output("running", unit="unit(x)"))
    bad = "skip"
    uses = (next_turn,)
    memory = (("period", 2.0),)

    @staticmethod
    def step(
        x: float,
        period: float,
        start: float,
        zone: float,
        tick_s: float,
        instant: int,
        until: int,
        count: int,
        last: float,
        mean: float,
    ) -> tuple[float, float, int, int, float, float]:
        if instant >= until:
            last = mean if 2.0 * count * tick_s >= period else NAN
            count, mean, until = 0, NAN, next_turn(instant, period, zone, start)
        if x == x:
            count += 1
            share = 1.0 / count
            mean = x if count == 1 else mean + (x * share - mean * share)
        return last, mean, until, count, last, mean


@block(family="trend", zh="累计量")
class Totalizer:
    """Add up a flow: its integral over time, from the last reset, by the clock or by a signal.

    Parameters
    ----------
    per : float [s]
        The time that x is per, 0.001 <= per <= 86400. Default 3600: x is in something per hour.
    period : float [s]
        The total begins anew every hour (3600), shift or day (86400) of the clock, 0 <= period <= 86400; less than a second:
        never. Default 0.
    start : float [h]
        Time of day at which a period begins, and all others one after the other, 0 <= start <= 24. Default 0.
    zone : float [h]
        How far the local clock is ahead of UTC, -12 <= zone <= 14. Default 8: China.

    Inputs
    ------
    x : value [any], NaN = bad: it is skipped, nothing is added. The outputs are NaN only before the first good x, or reset.
    reset : bool, NaN = unknown: it counts as what it was before. While it is true the total is 0. Not wired: false.

    Returns
    -------
    total : value [given]
    last : value [given]

    Notes
    -----
    total is the sum of x · tick / per since it last began: x counts from its tick to the next. last is what total was before
    it last began anew, NaN before that. The sum carries the rounding of each addition on to the next, so that small additions
    to a great total are not lost; one that would make the total overflow is left out. O(1) per tick.

    References
    ----------
    .. [1] IEC 61131-3:2003, annex F (example function block INTEGRAL).
    .. [2] W. Kahan, Further remarks on reducing truncation errors, Communications of the ACM 8 (1965), 40.
    """

    inputs = (Input("x"), Input("reset", kind="bool", optional=True))
    params = (
        Param("per", unit="s", low=0.001, high=86_400.0, default=3600.0),
        Param("period", unit="s", low=0.0, high=86_400.0, default=0.0),
        *CLOCK,
    )
    states = (Int("until"), Int("held"), Float("total", NAN), Float("carry"), Float("last", NAN))
    outputs = (Output("total", unit="given"), Output("last", unit="given"))
    bad = "skip"
    uses = (next_turn,)
    memory = (("period", 2.0),)
    lasting = True

    @staticmethod
    def step(
        x: float,
        reset: float,
        per: float,
        period: float,
        start: float,
        zone: float,
        tick_s: float,
        instant: int,
        until: int,
        held: int,
        total: float,
        carry: float,
        last: float,
    ) -> tuple[float, float, int, int, float, float, float]:
        turns = period >= 1.0 and instant >= until
        if turns:
            # At the first tick of all nothing ends.
            turns = until != 0
            until = next_turn(instant, period, zone, start)
        resets = reset != 0.0 if reset == reset else held != 0
        if (turns or resets) and held == 0 and total == total:
            last, total, carry = total, 0.0, 0.0
        if resets:
            return 0.0, last, until, 1, 0.0, 0.0, last
        if x == x:
            if total != total:
                total, carry = 0.0, 0.0
            more = x * (tick_s / per) - carry
            after = total + more
            if -LARGEST <= after <= LARGEST:
                carry = (after - total) - more
                total = after
        return total, last, until, 0, total, carry, last
