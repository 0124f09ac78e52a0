"""Blocks that judge whether a measurement can be believed."""

from __future__ import annotations

from headworks.base.status import BAD_OUT_OF_RANGE, BAD_SENSOR_FAILURE
from headworks.blocks.spec import NAN, Float, Input, Int, Param, block


def spell(x: float, band: float, reference: float, quiet: int) -> tuple[float, int]:
    """Return the value a quiet spell began with and for how many ticks it has lasted."""
    if abs(x - reference) <= band:
        return reference, quiet + 1
    return x, 0


LIMITS = (
    Param("low", unit="unit(x)", default=-1e300),
    Param("high", unit="unit(x)", default=1e300),
    Param("frozen_band", unit="delta(x)", low=0.0, default=0.0),
    Param("frozen_s", unit="s", low=0.0, high=604_800.0, default=0.0, form="ticks"),
)
MEMORY = (Float("reference", NAN), Int("quiet"))


@block(family="quality", zh="质量检查")
class QualityCheck:
    """Pass a measurement on only while it can be believed: inside its range and not frozen.

    Parameters
    ----------
    low : float [unit(x)]
        Below it the value is bad. Default -1e300: no limit.
    high : float [unit(x)]
        Above it the value is bad. Default 1e300: no limit.
    frozen_band : float [delta(x)]
        A value that stays within ± this of where it was is not moving, >= 0. Default 0: exactly equal.
    frozen_s : float [s]
        Not moving for this long is frozen, 0 <= frozen_s <= 604800. Default 0: never.

    Inputs
    ------
    x : value [any], NaN = bad: the output is NaN, and the time of not moving neither runs nor starts anew.

    Returns
    -------
    value [unit(x)]

    Notes
    -----
    x, or NaN with the status BadOutOfRange or BadSensorFailure (frozen). Movement is measured from the value with which
    the quiet spell began, so a slow drift is movement. A tag reported by exception holds its value between reports:
    `frozen_s` must be longer than the longest time it may rightly be silent. O(1) per tick.

    References
    ----------
    .. [1] NAMUR NE 107:2012, self-monitoring and diagnosis of field devices.
    .. [2] OPC 10000-4, 7.39 (StatusCode); OPC 10000-8 (status codes of data access).
    """

    inputs = (Input("x"),)
    params = LIMITS
    states = MEMORY
    output = "value"
    unit = "unit(x)"
    bad = "propagate"
    reports = True
    uses = (spell,)
    memory = (("frozen_s", 2.0),)
    lasting = True

    @staticmethod
    def step(
        x: float, low: float, high: float, frozen_band: float, frozen_s: float, reference: float, quiet: int
    ) -> tuple[float, int, float, int]:
        if x != x:
            return NAN, 0, reference, quiet
        reference, quiet = spell(x, frozen_band, reference, quiet)
        if x < low or x > high:
            return NAN, BAD_OUT_OF_RANGE, reference, quiet
        if frozen_s > 0.0 and quiet >= frozen_s:
            return NAN, BAD_SENSOR_FAILURE, reference, quiet
        return x, 0, reference, quiet


@block(family="quality", zh="质量不良")
class QualityBad:
    """Say that a measurement cannot be believed: outside its range, or frozen.

    Parameters
    ----------
    low : float [unit(x)]
        Below it the value is bad. Default -1e300: no limit.
    high : float [unit(x)]
        Above it the value is bad. Default 1e300: no limit.
    frozen_band : float [delta(x)]
        A value that stays within ± this of where it was is not moving, >= 0. Default 0: exactly equal.
    frozen_s : float [s]
        Not moving for this long is frozen, 0 <= frozen_s <= 604800. Default 0: never.

    Inputs
    ------
    x : value [any], NaN = bad already: the output is NaN, and the time of not moving neither runs nor starts anew.

    Returns
    -------
    bool

    Notes
    -----
    1 exactly when :class:`QualityCheck` with the same parameters would refuse a value that came in good. O(1) per tick.

    References
    ----------
    .. [1] NAMUR NE 107:2012, self-monitoring and diagnosis of field devices.
    """

    inputs = (Input("x"),)
    params = LIMITS
    states = MEMORY
    output = "bool"
    bad = "propagate"
    uses = (spell,)
    memory = (("frozen_s", 2.0),)
    lasting = True

    @staticmethod
    def step(
        x: float, low: float, high: float, frozen_band: float, frozen_s: float, reference: float, quiet: int
    ) -> tuple[float, float, int]:
        if x != x:
            return NAN, reference, quiet
        reference, quiet = spell(x, frozen_band, reference, quiet)
        if x < low or x > high or (frozen_s > 0.0 and quiet >= frozen_s):
            return 1.0, reference, quiet
        return 0.0, reference, quiet
