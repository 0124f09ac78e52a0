"""Blocks that make one value of several: choose, limit, take the least, the middle or the mean."""

from __future__ import annotations

import math

from headworks.blocks.spec import NAN, Input, Param, block

ANY_OF = (Input("x", many=8, unit="unit(x1)", unwired="nothing"),)
LEAST = (Param("least", low=1.0, high=8.0, default=1.0, form="whole"),)


def in_order(a: float, b: float) -> tuple[float, float]:
    """Return the lesser and the greater of two."""
    if b < a:
        return b, a
    return a, b


def middle(a: float, b: float, c: float, d: float, e: float, f: float, g: float, h: float) -> tuple[int, float]:
    """Return how many of eight values are good, and their median (NaN of none)."""
    count = 0
    for x in (a, b, c, d, e, f, g, h):
        if x == x:
            count += 1
    if count == 0:
        return 0, NAN
    a = a if a == a else math.inf
    b = b if b == b else math.inf
    c = c if c == c else math.inf
    d = d if d == d else math.inf
    e = e if e == e else math.inf
    f = f if f == f else math.inf
    g = g if g == g else math.inf
    h = h if h == h else math.inf
    # A network of comparisons that sorts any eight; what is not there comes last.
    a, b = in_order(a, b)
    c, d = in_order(c, d)
    e, f = in_order(e, f)
    g, h = in_order(g, h)
    a, c = in_order(a, c)
    b, d = in_order(b, d)
    e, g = in_order(e, g)
    f, h = in_order(f, h)
    b, c = in_order(b, c)
    f, g = in_order(f, g)
    a, e = in_order(a, e)
    b, f = in_order(b, f)
    c, g = in_order(c, g)
    d, h = in_order(d, h)
    c, e = in_order(c, e)
    d, f = in_order(d, f)
    b, c = in_order(b, c)
    d, e = in_order(d, e)
    f, g = in_order(f, g)
    ordered = (a, b, c, d, e, f, g, h)
    low, high = ordered[(count - 1) // 2], ordered[count // 2]
    if low == high:
        return count, low
    return count, 0.5 * low + 0.5 * high


@block(family="math", zh="选择")
class Select:
    """One of two values, as a boolean says.

    Inputs
    ------
    choose : bool, NaN = unknown: the output is NaN.
    a : value [any], NaN = bad: the output is NaN while a is chosen.
    b : value [unit(a)], NaN = bad: the output is NaN while b is chosen.

    Returns
    -------
    value [unit(a)]

    Notes
    -----
    a if `choose` is true, b if it is false. The status of the output is the worst of all three inputs. O(1) per tick.

    References
    ----------
    .. [1] IEC 61131-3:2013 (function SEL).
    """

    inputs = (Input("choose", kind="bool"), Input("a"), Input("b", unit="unit(a)"))
    output = "value"
    unit = "unit(a)"
    bad = "propagate"

    @staticmethod
    def step(choose: float, a: float, b: float) -> tuple[float]:
        if choose != choose:
            return (NAN,)
        return (a,) if choose != 0.0 else (b,)


@block(family="math", zh="限幅")
class Clamp:
    """A value kept between two limits.

    Parameters
    ----------
    low : float [unit(x)]
        Below it the output is this. Default -1e300: no limit.
    high : float [unit(x)]
        Above it the output is this; it wins if it is below `low`. Default 1e300: no limit.

    Inputs
    ------
    x : value [any], NaN = bad: the output is NaN.

    Returns
    -------
    value [unit(x)]

    Notes
    -----
    The lesser of `high` and the greater of x and `low`. O(1) per tick.

    References
    ----------
    .. [1] IEC 61131-3:2013 (function LIMIT).
    """

    inputs = (Input("x"),)
    params = (Param("low", unit="unit(x)", default=-1e300), Param("high", unit="unit(x)", default=1e300))
    output = "value"
    unit = "unit(x)"
    bad = "propagate"

    @staticmethod
    def step(x: float, low: float, high: float) -> tuple[float]:
        if x < low:
            x = low
        if x > high:
            x = high
        return (x,)


@block(family="math", zh="最小值", en="Least of several")
class MinimumOf:
    """Least of the good ones of several values.

    Parameters
    ----------
    least : float [1]
        How many must be good, a whole number, 1 <= least <= 8. Default 1.

    Inputs
    ------
    x1 … x8 : value [unit(x1)], NaN = bad: it is skipped; the output is NaN only while fewer than `least` are good.

    Returns
    -------
    value [unit(x1)]

    Notes
    -----
    The least good value. One that is not wired does not count. O(1) per tick.

    References
    ----------
    .. [1] IEC 61131-3:2013 (function MIN).
    """

    inputs = ANY_OF
    params = LEAST
    output = "value"
    unit = "unit(x1)"
    bad = "skip"
    mends = True

    @staticmethod
    def step(
        x1: float, x2: float, x3: float, x4: float, x5: float, x6: float, x7: float, x8: float, least: float
    ) -> tuple[float]:
        count, y = 0, NAN
        for x in (x1, x2, x3, x4, x5, x6, x7, x8):
            if x == x:
                count += 1
                if not (x >= y):
                    y = x
        return (y if count >= least else NAN,)


@block(family="math", zh="最大值", en="Greatest of several")
class MaximumOf:
    """Greatest of the good ones of several values.

    Parameters
    ----------
    least : float [1]
        How many must be good, a whole number, 1 <= least <= 8. Default 1.

    Inputs
    ------
    x1 … x8 : value [unit(x1)], NaN = bad: it is skipped; the output is NaN only while fewer than `least` are good.

    Returns
    -------
    value [unit(x1)]

    Notes
    -----
    The greatest good value. One that is not wired does not count. O(1) per tick.

    References
    ----------
    .. [1] IEC 61131-3:2013 (function MAX).
    """

    inputs = ANY_OF
    params = LEAST
    output = "value"
    unit = "unit(x1)"
    bad = "skip"
    mends = True

    @staticmethod
    def step(
        x1: float, x2: float, x3: float, x4: float, x5: float, x6: float, x7: float, x8: float, least: float
    ) -> tuple[float]:
        count, y = 0, NAN
        for x in (x1, x2, x3, x4, x5, x6, x7, x8):
            if x == x:
                count += 1
                if not (x <= y):
                    y = x
        return (y if count >= least else NAN,)


@block(family="math", zh="中值", en="Median of several")
class MedianOf:
    """Median of the good ones of several values: of three measurements one that is wrong does no harm.

    Parameters
    ----------
    least : float [1]
        How many must be good, a whole number, 1 <= least <= 8. Default 1.

    Inputs
    ------
    x1 … x8 : value [unit(x1)], NaN = bad: it is skipped; the output is NaN only while fewer than `least` are good.

    Returns
    -------
    value [unit(x1)]

    Notes
    -----
    The middle one of the good values in order, of an even number the mean of the two in the middle. One that is not wired
    does not count. O(1) per tick.

    References
    ----------
    .. [1] NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.5.1 (measures of location).
    """

    inputs = ANY_OF
    params = LEAST
    output = "value"
    unit = "unit(x1)"
    bad = "skip"
    mends = True
    uses = (in_order, middle)

    @staticmethod
    def step(
        x1: float, x2: float, x3: float, x4: float, x5: float, x6: float, x7: float, x8: float, least: float
    ) -> tuple[float]:
        count, y = middle(x1, x2, x3, x4, x5, x6, x7, x8)
        return (y if count >= least else NAN,)


@block(family="math", zh="平均值", en="Mean of several")
class MeanOf:
    """Mean of the good ones of several values.

    Parameters
    ----------
    least : float [1]
        How many must be good, a whole number, 1 <= least <= 8. Default 1.

    Inputs
    ------
    x1 … x8 : value [unit(x1)], NaN = bad: it is skipped; the output is NaN only while fewer than `least` are good.

    Returns
    -------
    value [unit(x1)]

    Notes
    -----
    Sum of the good values divided by their number. One that is not wired does not count. O(1) per tick.

    References
    ----------
    .. [1] NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.5.1 (measures of location).
    """

    inputs = ANY_OF
    params = LEAST
    output = "value"
    unit = "unit(x1)"
    bad = "skip"
    mends = True

    @staticmethod
    def step(
        x1: float, x2: float, x3: float, x4: float, x5: float, x6: float, x7: float, x8: float, least: float
    ) -> tuple[float]:
        count, total = 0, 0.0
        for x in (x1, x2, x3, x4, x5, x6, x7, x8):
            if x == x:
                count += 1
                total += x
        return (total / count if count >= least else NAN,)
