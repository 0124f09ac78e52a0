"""Blocks that compare a value with a band, with its sisters, with a set point or with a state."""

from __future__ import annotations

from headworks.blocks.choice import in_order, middle
from headworks.blocks.spec import LARGEST, NAN, Float, Input, Int, Output, Param, block

BAND = (
    Param("low", unit="unit(x)"),
    Param("high", unit="unit(x)"),
    Param("hysteresis", unit="delta(x)", low=0.0, default=0.0),
)


@block(family="compare", zh="在范围内")
class Inside:
    """True while a value is inside a band; it must leave it by the hysteresis to be false again.

    Parameters
    ----------
    low : float [unit(x)]
        Where the band begins. It must be given.
    high : float [unit(x)]
        Where the band ends. It must be given.
    hysteresis : float [delta(x)]
        How far outside the band x must go, >= 0. Default 0.

    Inputs
    ------
    x : value [any], NaN = bad: the output is NaN (unknown), and what was held is held on.

    Returns
    -------
    bool

    Notes
    -----
    1 if low <= x <= high; 0 if x < low - hysteresis or x > high + hysteresis; between them as before, at first 0. Never 1 if
    `high` is below `low`. O(1) per tick.

    References
    ----------
    .. [1] ANSI/ISA-18.2-2016 and IEC 62682:2022 (alarm deadband).
    """

    inputs = (Input("x"),)
    params = BAND
    states = (Float("held"),)
    output = "bool"
    bad = "propagate"
    lasting = True

    @staticmethod
    def step(x: float, low: float, high: float, hysteresis: float, held: float) -> tuple[float, float]:
        if x != x:
            return NAN, held
        if low <= x <= high:
            held = 1.0
        elif x < low - hysteresis or x > high + hysteresis or high < low:
            held = 0.0
        return held, held


@block(family="compare", zh="超出范围")
class Outside:
    """True while a value is outside a band; it must come back by the hysteresis to be false again.

    Parameters
    ----------
    low : float [unit(x)]
        Where the band begins. It must be given.
    high : float [unit(x)]
        Where the band ends. It must be given.
    hysteresis : float [delta(x)]
        How far x must come back from the limit it was beyond, >= 0, less than the band is wide. Default 0.

    Inputs
    ------
    x : value [any], NaN = bad: the output is NaN (unknown), and what was held is held on.

    Returns
    -------
    bool

    Notes
    -----
    1 from x < low on until x >= low + hysteresis, and from x > high on until x <= high - hysteresis; at first 0. Always 1 if
    `high` is below `low`. O(1) per tick.

    References
    ----------
    .. [1] ANSI/ISA-18.2-2016 and IEC 62682:2022 (alarm deadband).
    """

    inputs = (Input("x"),)
    params = BAND
    states = (Int("side"),)
    output = "bool"
    bad = "propagate"
    lasting = True

    @staticmethod
    def step(x: float, low: float, high: float, hysteresis: float, side: int) -> tuple[float, int]:
        if x != x:
            return NAN, side
        if x > high:
            side = 1
        elif x < low:
            side = -1
        elif (side == 1 and x <= high - hysteresis) or (side == -1 and x >= low + hysteresis):
            side = 0
        return (0.0 if side == 0 else 1.0), side


@block(family="compare", zh="同类比较")
class SisterComparison:
    """A value against the same quantity of its sisters: equipment of the same kind at the same work.

    Parameters
    ----------
    limit : float [delta(x)]
        How far from its sisters is too far, either way, >= 0. It must be given.
    hysteresis : float [delta(x)]
        How far below the limit the distance must come back, >= 0. Default 0.
    least : float [1]
        How many sisters must be good, a whole number, 1 <= least <= 8. Default 2.

    Inputs
    ------
    x : value [any], NaN = bad: the outputs are NaN, and what was held is held on.
    sister1 … sister8 : value [unit(x)], NaN = bad: it is skipped; fewer than `least` good ones are as a bad x. One that is not
        wired does not count.

    Returns
    -------
    deviation : value [delta(x)]
    beyond : bool

    Notes
    -----
    `deviation` is x less the median of the good sisters, x itself not among them. `beyond` is 1 if its amount is > limit, 0 if
    it is <= limit - hysteresis (or 0); between them as before, at first 0. The median stands still while one sister goes
    astray. O(1) per tick.

    References
    ----------
    .. [1] NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.5.1 (measures of location: the median and outliers).
    .. [2] NUREG/CR-6895, volume 1 (2006), Technical Review of On-Line Monitoring Techniques (redundant channels).
    """

    inputs = (Input("x"), Input("sister", many=8, unit="unit(x)", unwired="nothing"))
    params = (
        Param("limit", unit="delta(x)", low=0.0),
        Param("hysteresis", unit="delta(x)", low=0.0, default=0.0),
        Param("least", low=1.0, high=8.0, default=2.0, form="whole"),
    )
    states = (Float("held"),)
    outputs = (Output("deviation", unit="delta(x)"), Output("beyond", "bool"))
    bad = "propagate"
    uses = (in_order, middle)
    lasting = True

    @staticmethod
    def step(
        x: float,
        sister1: float, sister2: float, sister3: float, sister4: float,
        sister5: float, sister6: float, sister7: float, sister8: float,
        limit: float, hysteresis: float, least: float, held: float,
    ) -> tuple[float, float, float]:  # fmt: skip
        count, usual = middle(sister1, sister2, sister3, sister4, sister5, sister6, sister7, sister8)
        if x != x or count < least:
            return NAN, NAN, held
        deviation = x - usual
        if abs(deviation) > limit:
            held = 1.0
        elif abs(deviation) <= max(limit - hysteresis, 0.0):
            held = 0.0
        return deviation, held, held


@block(family="compare", zh="设定值跟踪", en="Set-point tracking")
class SetpointTracking:
    """Whether a controlled value follows its set point, and for how long it has not.

    Parameters
    ----------
    tolerance : float [delta(x)]
        How far from the set point is still right, either way, >= 0. It must be given.
    after_s : float [s]
        How long the error must last beyond the tolerance to count, 0 <= after_s <= 86400; rounded up to whole ticks.
        Default 0: at once.
    tau : float [s]
        Time constant that smooths the error, 0 <= tau <= 86400. Default 0: not smoothed.

    Inputs
    ------
    x : value [any], NaN = bad: the outputs are NaN; the time outside stands still, neither lost nor counted.
    setpoint : value [unit(x)], NaN = bad: as a bad x.

    Returns
    -------
    error : value [delta(x)]
    out_of_tolerance : bool
    time_outside : value [s]

    Notes
    -----
    `error` is x - setpoint, smoothed as :class:`Ewma` does. `time_outside` is how long ago abs(error) > tolerance began, 0
    while it is not; `out_of_tolerance` is 1 from the first tick at which that is after_s or more. O(1) per tick.

    References
    ----------
    .. [1] K. J. Åström, T. Hägglund, Advanced PID Control (2006), chapter 10 (loop and performance assessment).
    .. [2] ANSI/ISA-18.2-2016 and IEC 62682:2022 (deviation alarm, on-delay).
    """

    inputs = (Input("x"), Input("setpoint", unit="unit(x)"))
    params = (
        Param("tolerance", unit="delta(x)", low=0.0),
        Param("after_s", unit="s", low=0.0, high=86_400.0, default=0.0, form="ticks"),
        Param("tau", unit="s", low=0.0, high=86_400.0, default=0.0),
    )
    states = (Float("mean", NAN), Float("keep", 1.0), Int("kept"))
    outputs = (Output("error", unit="delta(x)"), Output("out_of_tolerance", "bool"), Output("time_outside", unit="s"))
    bad = "propagate"
    memory = (("tau", 30.0), ("after_s", 1.0))
    lasting = True

    @staticmethod
    def step(
        x: float,
        setpoint: float,
        tolerance: float,
        after_s: float,
        tau: float,
        tick_s: float,
        mean: float,
        keep: float,
        kept: int,
    ) -> tuple[float, float, float, float, float, int]:
        keep *= tau / (tau + tick_s)
        error = x - setpoint
        if not (-LARGEST <= error <= LARGEST):
            return NAN, NAN, NAN, mean, keep, kept
        mean = error + (mean - error) * keep
        if not (-LARGEST <= mean <= LARGEST):
            mean = error  # the first one
        if not (abs(mean) > tolerance):
            return mean, 0.0, 0.0, mean, 1.0, 0
        return mean, (1.0 if kept >= after_s else 0.0), kept * tick_s, mean, 1.0, kept + 1


@block(family="compare", zh="状态为")
class StateIs:
    """True while a discrete signal has a certain state: a mode, a position, a step of a sequence.

    Parameters
    ----------
    state : float [unit(x)]
        The state. It must be given.
    tolerance : float [delta(x)]
        How far x may be from it, either way, >= 0. Default 0: exactly equal.

    Inputs
    ------
    x : value [any], NaN = bad: the output is NaN (unknown).

    Returns
    -------
    bool

    Notes
    -----
    1 if abs(x - state) <= tolerance, otherwise 0. Not equal is this and :class:`Not`. O(1) per tick.

    References
    ----------
    .. [1] IEC 61131-3:2013 (function EQ).
    """

    inputs = (Input("x"),)
    params = (Param("state", unit="unit(x)"), Param("tolerance", unit="delta(x)", low=0.0, default=0.0))
    output = "bool"
    bad = "propagate"

    @staticmethod
    def step(x: float, state: float, tolerance: float) -> tuple[float]:
        if x != x:
            return (NAN,)
        return (1.0 if abs(x - state) <= tolerance else 0.0,)
