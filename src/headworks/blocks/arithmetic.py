"""Blocks that calculate with values: sums, products, roots and powers."""

from __future__ import annotations

import math

from headworks.blocks.spec import NAN, Input, Param, block

SUMMANDS = (
    Input("x1"),
    Input("x2", unit="delta(x1)"),
    *(Input(f"x{i}", unit="delta(x1)", optional=True) for i in range(3, 9)),
)
GAIN = Param("gain", default=1.0)


@block(family="math", zh="加法")
class Add:
    """Sum of values.

    Inputs
    ------
    x1 : value [any], NaN = bad: the output is NaN.
    x2 … x8 : value [delta(x1)], NaN = bad: the output is NaN. Of x3 … x8 one that is not wired counts as 0.

    Returns
    -------
    value [unit(x1)]

    Notes
    -----
    x1 + x2 + … + x8. To a temperature in ℃ differences in K are added. O(1) per tick.

    References
    ----------
    .. [1] IEC 61131-3:2013 (function ADD).
    """

    inputs = SUMMANDS
    output = "value"
    unit = "unit(x1)"
    bad = "propagate"

    @staticmethod
    def step(x1: float, x2: float, x3: float, x4: float, x5: float, x6: float, x7: float, x8: float) -> tuple[float]:
        return (x1 + x2 + x3 + x4 + x5 + x6 + x7 + x8,)


@block(family="math", zh="减法")
class Subtract:
    """A value less others: what is left, a balance.

    Inputs
    ------
    x1 : value [any], NaN = bad: the output is NaN.
    x2 … x8 : value [delta(x1)], NaN = bad: the output is NaN. Of x3 … x8 one that is not wired counts as 0.

    Returns
    -------
    value [unit(x1)]

    Notes
    -----
    x1 - x2 - … - x8. From a temperature in ℃ differences in K are taken, and a temperature is left; how far two temperatures
    are apart, in K, is what :class:`Deviation` says. O(1) per tick.

    References
    ----------
    .. [1] IEC 61131-3:2013 (function SUB).
    """

    inputs = SUMMANDS
    output = "value"
    unit = "unit(x1)"
    bad = "propagate"

    @staticmethod
    def step(x1: float, x2: float, x3: float, x4: float, x5: float, x6: float, x7: float, x8: float) -> tuple[float]:
        return (x1 - x2 - x3 - x4 - x5 - x6 - x7 - x8,)


@block(family="math", zh="乘法")
class Multiply:
    """Product of values.

    Inputs
    ------
    x1 … x8 : value [any], NaN = bad: the output is NaN. One that is not wired counts as 1.

    Returns
    -------
    value [given]

    Notes
    -----
    x1 · x2 · … · x8. The unit of the product is said at the block; where it needs a factor, convert it after. O(1) per tick.

    References
    ----------
    .. [1] IEC 61131-3:2013 (function MUL).
    """

    inputs = (Input("x", many=8, unwired="true"),)
    output = "value"
    unit = "given"
    bad = "propagate"

    @staticmethod
    def step(x1: float, x2: float, x3: float, x4: float, x5: float, x6: float, x7: float, x8: float) -> tuple[float]:
        return (x1 * x2 * x3 * x4 * x5 * x6 * x7 * x8,)


@block(family="math", zh="除法")
class Divide:
    """Quotient of two values: a ratio, an efficiency, a specific consumption.

    Parameters
    ----------
    min_divisor : float [unit(divisor)]
        A divisor between ± this is too small to divide by, >= 0. Default 0: only 0 is.

    Inputs
    ------
    x : value [any], NaN = bad: the output is NaN.
    divisor : value [any], NaN = bad: the output is NaN.

    Returns
    -------
    value [given]

    Notes
    -----
    x / divisor; NaN while abs(divisor) <= min_divisor, as at standstill. The unit of the quotient is said at the block. O(1)
    per tick.

    References
    ----------
    .. [1] IEC 61131-3:2013 (function DIV).
    """

    inputs = (Input("x"), Input("divisor"))
    params = (Param("min_divisor", unit="unit(divisor)", low=0.0, default=0.0),)
    output = "value"
    unit = "given"
    bad = "propagate"

    @staticmethod
    def step(x: float, divisor: float, min_divisor: float) -> tuple[float]:
        if not (abs(divisor) > min_divisor):
            return (NAN,)
        return (x / divisor,)


@block(family="math", zh="绝对值")
class Absolute:
    """A value without its sign.

    Inputs
    ------
    x : value [any], NaN = bad: the output is NaN.

    Returns
    -------
    value [unit(x)]

    Notes
    -----
    x if x >= 0, otherwise -x. O(1) per tick.

    References
    ----------
    .. [1] IEC 61131-3:2013 (function ABS).
    """

    inputs = (Input("x"),)
    output = "value"
    unit = "unit(x)"
    bad = "propagate"

    @staticmethod
    def step(x: float) -> tuple[float]:
        return (abs(x),)


@block(family="math", zh="增益偏移", en="Gain and offset")
class GainOffset:
    """A value times a factor plus a constant, in its own unit: a correction after calibration, a share, a bias.

    Parameters
    ----------
    gain : float [1]
        Factor. Default 1.
    offset : float [delta(x)]
        Constant that is added after. Default 0.

    Inputs
    ------
    x : value [any], NaN = bad: the output is NaN.

    Returns
    -------
    value [unit(x)]

    Notes
    -----
    gain · x + offset. O(1) per tick.

    References
    ----------
    .. [1] JCGM 200:2012 (VIM), 2.53 and 4.31 (correction; calibration curve).
    """

    inputs = (Input("x"),)
    params = (GAIN, Param("offset", unit="delta(x)", default=0.0))
    output = "value"
    unit = "unit(x)"
    bad = "propagate"

    @staticmethod
    def step(x: float, gain: float, offset: float) -> tuple[float]:
        return (gain * x + offset,)


@block(family="math", zh="单位换算", en="Unit conversion")
class Convert:
    """A value in another unit.

    Parameters
    ----------
    gain : float [1]
        How many of the new unit one of the old is. It must be given.
    offset : float [1]
        What 0 of the old unit is in the new one. Default 0.

    Inputs
    ------
    x : value [any], NaN = bad: the output is NaN.

    Returns
    -------
    value [given]

    Notes
    -----
    gain · x + offset, in the unit that is said at the block: from ℃ to ℉ gain 1.8, offset 32; from kPa to MPa gain 0.001.
    A tag is converted to the unit of its port without this block. O(1) per tick.

    References
    ----------
    .. [1] BIPM, The International System of Units (SI), 9th edition (2019).
    """

    inputs = (Input("x"),)
    params = (Param("gain"), Param("offset", default=0.0))
    output = "value"
    unit = "given"
    bad = "propagate"

    @staticmethod
    def step(x: float, gain: float, offset: float) -> tuple[float]:
        return (gain * x + offset,)


@block(family="math", zh="开平方")
class SquareRoot:
    """Square root of a value times a factor: a flow from its differential pressure.

    Parameters
    ----------
    gain : float [1]
        Factor of the root, in the unit of the output. Default 1.
    cutoff : float [unit(x)]
        Low-flow cut-off: between ± this x counts as 0, >= 0. Default 0.

    Inputs
    ------
    x : value [any], NaN = bad: the output is NaN.

    Returns
    -------
    value [given]

    Notes
    -----
    gain · √x; 0 while abs(x) <= cutoff, since a differential pressure near 0 is mostly noise; NaN while x < -cutoff. O(1)
    per tick.

    References
    ----------
    .. [1] ISO 5167-1:2022 (mass flow rate is proportional to the square root of the differential pressure).
    .. [2] IEC 61131-3:2013 (function SQRT).
    """

    inputs = (Input("x"),)
    params = (GAIN, Param("cutoff", unit="unit(x)", low=0.0, default=0.0))
    output = "value"
    unit = "given"
    bad = "propagate"

    @staticmethod
    def step(x: float, gain: float, cutoff: float) -> tuple[float]:
        if abs(x) <= cutoff:
            return (0.0,)
        if not (x > 0.0):
            return (NAN,)
        return (gain * math.sqrt(x),)


@block(family="math", zh="幂")
class Power:
    """A value to a power, times a factor: an affinity law, the flow over a weir.

    Parameters
    ----------
    exponent : float [1]
        Exponent, -100 <= exponent <= 100. It must be given.
    gain : float [1]
        Factor of the power, in the unit of the output. Default 1.

    Inputs
    ------
    x : value [any], NaN = bad: the output is NaN.

    Returns
    -------
    value [given]

    Notes
    -----
    gain · x^exponent. NaN where that is no real number: x < 0 with an exponent that is not whole, x = 0 with a negative one.
    O(1) per tick.

    References
    ----------
    .. [1] IEC 61131-3:2013 (function EXPT).
    """

    inputs = (Input("x"),)
    params = (Param("exponent", low=-100.0, high=100.0), GAIN)
    output = "value"
    unit = "given"
    bad = "propagate"

    @staticmethod
    def step(x: float, exponent: float, gain: float) -> tuple[float]:
        # To the power 0 even what is bad would be 1.
        if x != x or (x < 0.0 and exponent != math.floor(exponent)) or (x == 0.0 and exponent < 0.0):
            return (NAN,)
        return (gain * math.pow(x, exponent),)


@block(family="math", zh="对数")
class Logarithm:
    """Logarithm of a value times a factor: decibels, a pH, the exponent of a decay.

    Parameters
    ----------
    base : float [1]
        Base, 1.001 <= base <= 1000. Default 10.
    gain : float [1]
        Factor of the logarithm, in the unit of the output. Default 1.

    Inputs
    ------
    x : value [any], NaN = bad: the output is NaN.

    Returns
    -------
    value [given]

    Notes
    -----
    gain · log x / log base; NaN while x <= 0. The natural logarithm has the base 2.718281828459045. O(1) per tick.

    References
    ----------
    .. [1] IEC 61131-3:2013 (functions LN and LOG).
    """

    inputs = (Input("x"),)
    params = (Param("base", low=1.001, high=1000.0, default=10.0), GAIN)
    output = "value"
    unit = "given"
    bad = "propagate"

    @staticmethod
    def step(x: float, base: float, gain: float) -> tuple[float]:
        if not (x > 0.0):
            return (NAN,)
        if base == 10.0:
            return (gain * math.log10(x),)
        return (gain * (math.log(x) / math.log(base)),)


@block(family="math", zh="指数函数")
class Exponential:
    """Exponential function of a value times a factor: a vapour pressure, a reaction rate.

    Parameters
    ----------
    rate : float [1]
        Factor of x in the exponent, in 1/unit(x). Default 1.
    gain : float [1]
        Factor of the power, in the unit of the output: what the output is at x = 0. Default 1.

    Inputs
    ------
    x : value [any], NaN = bad: the output is NaN.

    Returns
    -------
    value [given]

    Notes
    -----
    gain · e^(rate · x); NaN where that is too large for a number. O(1) per tick.

    References
    ----------
    .. [1] IEC 61131-3:2013 (function EXP).
    """

    inputs = (Input("x"),)
    params = (Param("rate", default=1.0), GAIN)
    output = "value"
    unit = "given"
    bad = "propagate"

    @staticmethod
    def step(x: float, rate: float, gain: float) -> tuple[float]:
        return (gain * math.exp(rate * x),)
