"""Blocks that judge a measurement by several signs, choose among redundant ones, and put something in place of a bad one."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from headworks.base.status import BAD_OUT_OF_RANGE, BAD_SENSOR_FAILURE, UNCERTAIN_SUB_NORMAL, UNCERTAIN_SUBSTITUTE
from headworks.blocks.quality import LIMITS, MEMORY, spell
from headworks.blocks.spec import NAN, Float, Input, Int, Output, Param, Ring, block
from headworks.blocks.tails import sum_tails


@block(family="quality", zh="参数品质判断", en="Parameter quality judgement")
class QualityJudgement:
    """Judge a measurement by its range, by whether it is frozen, jumps or is noisy, and by what its device says of it.

    Parameters
    ----------
    low : float [unit(x)]
        Below it the value is out of range. Default -1e300: no limit.
    high : float [unit(x)]
        Above it the value is out of range. Default 1e300: no limit.
    frozen_band : float [delta(x)]
        A value that stays within ± this of where it was is not moving, >= 0. Default 0: exactly equal.
    frozen_s : float [s]
        Not moving for this long is frozen, 0 <= frozen_s <= 604800. Default 0: never.
    max_rate : float [delta(x)/min]
        A change since the last known value that is faster than this is a jump, >= 0. Default 1e300: never.
    jump_s : float [s]
        How long after a jump the value still counts as jumping, 0 <= jump_s <= 86400. Default 0.
    max_std : float [delta(x)]
        A standard deviation of the noise above this is too much, >= 0. Default 1e300: never.
    window : float [s]
        Over how long the noise is judged, 0.01 <= window <= 86400; rounded up to whole ticks, at least two. Default 60.

    Inputs
    ------
    x : value [any], NaN = bad: all outputs are NaN; the times of not moving and of jumping stand still.
    healthy : bool, need not be wired; what the device or another model says of x; NaN = unknown: it does not count.

    Returns
    -------
    value : value [unit(x)]
    verdict : value [1]
    ok : bool

    Notes
    -----
    `verdict`, the first that holds: 5 not healthy, 1 out of range, 2 frozen, 3 jump, 4 noise, 0 none of them. `ok` is 1 and
    `value` is x where it is 0; otherwise `ok` is 0, `value` NaN, and the status of all outputs BadOutOfRange (1) or
    BadSensorFailure (2 … 5). Frozen is as in :class:`QualityCheck`. After a step that stays, x is believed again when
    `jump_s` has passed. The noise is half the mean square of the differences between ticks that follow each other, its root
    the standard deviation that noise without memory would have; a slow trend hardly adds to it. It is judged while at least
    half of the window has such differences. O(1) per tick on average, ring of two values a tick.

    References
    ----------
    .. [1] NAMUR NE 107:2012, self-monitoring and diagnosis of field devices.
    .. [2] J. von Neumann, R. H. Kent, H. R. Bellinson, B. I. Hart, The mean square successive difference, Annals of
       Mathematical Statistics 12 (1941), 153-162.
    .. [3] OPC 10000-4, 7.39 (StatusCode); OPC 10000-8 (status codes of data access).
    """

    inputs = (Input("x"), Input("healthy", kind="bool", optional=True, unwired="true"))
    params = (
        *LIMITS,
        Param("max_rate", unit="delta(x)/min", low=0.0, default=1e300),
        Param("jump_s", unit="s", low=0.0, high=86_400.0, default=0.0, form="ticks"),
        Param("max_std", unit="delta(x)", low=0.0, default=1e300),
        Param("window", unit="s", low=0.01, high=86_400.0, default=60.0, form="ticks"),
    )
    states = (*MEMORY, Float("last", NAN), Int("elapsed"), Int("left"), Float("squares"), Float("count"))
    ring = Ring("window", least=2, width=2)
    outputs = (Output("value", unit="unit(x)"), Output("verdict"), Output("ok", "bool"))
    bad = "propagate"
    reports = True
    uses = (spell, sum_tails)
    memory = (("frozen_s", 2.0), ("jump_s", 1.0), ("window", 1.0))
    lasting = True

    @staticmethod
    def step(
        x: float, healthy: float, low: float, high: float, frozen_band: float, frozen_s: float, max_rate: float, jump_s: float,
        max_std: float, tick_s: float, reference: float, quiet: int, last: float, elapsed: int, left: int, squares: float,
        count: float, ring: NDArray[np.float64], base: int, head: int, length: int,
    ) -> tuple[float, float, float, int, float, int, float, int, int, float, float]:  # fmt: skip
        elapsed += 1
        place = base + 2 * head
        ring[place], ring[place + 1] = NAN, NAN
        if x == x:
            reference, quiet = spell(x, frozen_band, reference, quiet)
            left = max(left - 1, 0)
            if last == last:
                if abs(x - last) > max_rate * (elapsed * tick_s / 60.0):
                    left = int(jump_s) + 1
                if elapsed == 1:
                    squares += (x - last) * (x - last)
                    count += 1.0
                    ring[place], ring[place + 1] = (x - last) * (x - last), 1.0
            last, elapsed = x, 0
        total, number = squares, count
        if head == length - 1:
            sum_tails(ring, base, length, 2)
            sum_tails(ring, base + 1, length, 2)
            squares, count = 0.0, 0.0
        elif ring[place + 3] > 0.0:
            total += ring[place + 2]
            number += ring[place + 3]
        verdict, code = 0.0, 0
        if healthy == 0.0:
            verdict, code = 5.0, BAD_SENSOR_FAILURE
        elif x < low or x > high:
            verdict, code = 1.0, BAD_OUT_OF_RANGE
        elif frozen_s > 0.0 and quiet >= frozen_s:
            verdict, code = 2.0, BAD_SENSOR_FAILURE
        elif left > 0:
            verdict, code = 3.0, BAD_SENSOR_FAILURE
        elif 2.0 * number >= length and math.sqrt(0.5 * total / number) > max_std:
            verdict, code = 4.0, BAD_SENSOR_FAILURE
        ok = 1.0 if verdict == 0.0 else 0.0
        value = x if verdict == 0.0 else NAN
        if x != x:
            value, verdict, ok, code = NAN, NAN, NAN, 0
        return value, verdict, ok, code, reference, quiet, last, elapsed, left, squares, count


def ascending(k: int, x1: float, x2: float, x3: float, x4: float, x5: float, x6: float, x7: float, x8: float) -> float:
    """Return the value that has the number k, counted from 0, of the good ones in ascending order."""
    found = NAN
    for v in (x1, x2, x3, x4, x5, x6, x7, x8):
        upto = 0
        for other in (x1, x2, x3, x4, x5, x6, x7, x8):
            if other <= v:
                upto += 1
        if upto > k and not (found <= v):
            found = v
    return found


@block(family="quality", zh="冗余测点表决")
class QualityVote:
    """One value from redundant measurements of the same thing: the mean of those that agree.

    Parameters
    ----------
    tolerance : float [delta(x1)]
        How far from the median of the good ones a measurement may be and still agree, tolerance >= 0. It must be given.
    needed : float [1]
        So many should agree, a whole number, 1 <= needed <= 8. Default 2.

    Inputs
    ------
    x1 … x8 : value [any], all of one unit, NaN = bad: it is skipped; all outputs are NaN only where none is good.

    Returns
    -------
    value : value [unit(x1)]
    agreeing : value [1]
    disagreement : bool

    Notes
    -----
    Of three or more the median is hardly moved by one that is wrong, which then does not agree. Of two that are further apart
    than twice the tolerance neither agrees, since nothing tells which is right: `value` is NaN. `disagreement` is 1 where a
    good measurement does not agree. Where fewer agree than needed, the status is UncertainSubNormal. Those that are not
    wired do not count. O(1) per tick.

    References
    ----------
    .. [1] IEC 61508-6:2010, annex B (voting among redundant channels); OPC 10000-8 (UncertainSubNormal).
    .. [2] P. R. Lorczak, A. K. Caglayan, D. E. Eckhardt, A theoretical investigation of generalized voters for redundant
       systems, Digest of papers FTCS-19 (1989), 444-451 (median and weighted-average voters).
    """

    inputs = (Input("x", many=8, unwired="nothing", unit="unit(x1)"),)
    params = (
        Param("tolerance", unit="delta(x1)", low=0.0),
        Param("needed", low=1.0, high=8.0, default=2.0, form="whole"),
    )
    outputs = (Output("value", unit="unit(x1)"), Output("agreeing"), Output("disagreement", "bool"))
    bad = "skip"
    mends = True
    reports = True
    uses = (ascending,)

    @staticmethod
    def step(
        x1: float, x2: float, x3: float, x4: float, x5: float, x6: float, x7: float, x8: float,
        tolerance: float, needed: float,
    ) -> tuple[float, float, float, int]:  # fmt: skip
        good = 0
        for v in (x1, x2, x3, x4, x5, x6, x7, x8):
            if v == v:
                good += 1
        if good == 0:
            return NAN, NAN, NAN, 0
        low = ascending((good - 1) // 2, x1, x2, x3, x4, x5, x6, x7, x8)
        high = ascending(good // 2, x1, x2, x3, x4, x5, x6, x7, x8)
        median = low if low == high else 0.5 * low + 0.5 * high
        mean, agreeing = 0.0, 0
        for v in (x1, x2, x3, x4, x5, x6, x7, x8):
            if abs(v - median) <= tolerance:
                agreeing += 1
                mean += (v - mean) / agreeing
        code = UNCERTAIN_SUB_NORMAL if agreeing < needed else 0
        return (mean if agreeing > 0 else NAN), float(agreeing), (1.0 if agreeing < good else 0.0), code


@block(family="quality", zh="替代值")
class Substitute:
    """Pass a measurement on while it can be believed, and something in its place while it cannot.

    Inputs
    ------
    x : value [any], NaN = bad: the substitute is passed on.
    substitute : value [unit(x)], a sister measurement or a model; NaN = bad: there is none.
    good : bool, need not be wired; false: the substitute is passed on though x is a number; NaN = unknown: as true.

    Returns
    -------
    value : value [unit(x)]
    substituted : bool

    Notes
    -----
    `value` is NaN where what should be passed on is. `substituted` is 1 where x is not passed on and the substitute is a
    number, 0 where x is, NaN where neither is there. Where the substitute is passed on, the status is at best
    UncertainSubstituteValue. O(1) per tick.

    References
    ----------
    .. [1] OPC 10000-8 (status codes of data access: UncertainSubstituteValue).
    """

    inputs = (
        Input("x"),
        Input("substitute", unit="unit(x)"),
        Input("good", kind="bool", optional=True, unwired="true"),
    )
    outputs = (Output("value", unit="unit(x)"), Output("substituted", "bool"))
    bad = "skip"
    mends = True
    reports = True

    @staticmethod
    def step(x: float, substitute: float, good: float) -> tuple[float, float, int]:
        if x == x and good != 0.0:
            return x, 0.0, 0
        if substitute == substitute:
            return substitute, 1.0, UNCERTAIN_SUBSTITUTE
        return NAN, NAN, 0
