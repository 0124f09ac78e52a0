"""Blocks that compare a value with a limit or with another value."""

from __future__ import annotations

from headworks.blocks.spec import NAN, Float, Input, Param, block

LIMIT = (Param("limit", unit="unit(x)"), Param("hysteresis", unit="delta(x)", low=0.0, default=0.0))


@block(family="compare", zh="高于限值")
class Above:
    """True while a value is above a limit; it must fall by the hysteresis to be false again.

    Parameters
    ----------
    limit : float [unit(x)]
        The limit. It must be given.
    hysteresis : float [delta(x)]
        How far below the limit x must come back, >= 0. Default 0.

    Inputs
    ------
    x : value [any], NaN = bad: the output is NaN (unknown), and what was held is held on.

    Returns
    -------
    bool

    Notes
    -----
    1 if x > limit; 0 if x <= limit - hysteresis; between them as before, at first 0. O(1) per tick.

    References
    ----------
    .. [1] ANSI/ISA-18.2-2016 and IEC 62682:2022 (alarm deadband).
    """

    inputs = (Input("x"),)
    params = LIMIT
    states = (Float("held"),)
    output = "bool"
    bad = "propagate"
    lasting = True

    @staticmethod
    def step(x: float, limit: float, hysteresis: float, held: float) -> tuple[float, float]:
        if x != x:
            return NAN, held
        if x > limit:
            held = 1.0
        elif x <= limit - hysteresis:
            held = 0.0
        return held, held


@block(family="compare", zh="低于限值")
class Below:
    """True while a value is below a limit; it must rise by the hysteresis to be false again.

    Parameters
    ----------
    limit : float [unit(x)]
        The limit. It must be given.
    hysteresis : float [delta(x)]
        How far above the limit x must come back, >= 0. Default 0.

    Inputs
    ------
    x : value [any], NaN = bad: the output is NaN (unknown), and what was held is held on.

    Returns
    -------
    bool

    Notes
    -----
    1 if x < limit; 0 if x >= limit + hysteresis; between them as before, at first 0. O(1) per tick.

    References
    ----------
    .. [1] ANSI/ISA-18.2-2016 and IEC 62682:2022 (alarm deadband).
    """

    inputs = (Input("x"),)
    params = LIMIT
    states = (Float("held"),)
    output = "bool"
    bad = "propagate"
    lasting = True

    @staticmethod
    def step(x: float, limit: float, hysteresis: float, held: float) -> tuple[float, float]:
        if x != x:
            return NAN, held
        if x < limit:
            held = 1.0
        elif x >= limit + hysteresis:
            held = 0.0
        return held, held


@block(family="compare", zh="偏差")
class Deviation:
    """How far a value is from its reference.

    Inputs
    ------
    x : value [any], NaN = bad: the output is NaN.
    reference : value [unit(x)], NaN = bad: the output is NaN.

    Returns
    -------
    value [delta(x)]

    Notes
    -----
    x - reference, negative below it. O(1) per tick.

    References
    ----------
    .. [1] IEC 62682:2022 and ANSI/ISA-18.2-2016 (deviation alarm: process value against reference).
    """

    inputs = (Input("x"), Input("reference", unit="unit(x)"))
    output = "value"
    unit = "delta(x)"
    bad = "propagate"

    @staticmethod
    def step(x: float, reference: float) -> tuple[float]:
        return (x - reference,)
