"""Blocks that count how long and how often something runs. A boolean is 0, 1 or NaN (unknown)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from headworks.blocks.spec import NAN, Float, Input, Int, Output, Param, Ring, block


@block(family="statistics", zh="占空比")
class Duty:
    """Share of the time of a sliding window for which a boolean was true.

    Parameters
    ----------
    window : float [s]
        Length of the window, 0.01 <= window <= 86400; rounded up to whole ticks. Default 3600.

    Inputs
    ------
    x : bool, NaN = unknown: it is skipped; the output is NaN only while nothing in the window is known.

    Returns
    -------
    value [1]

    Notes
    -----
    Number of true ticks of the last `window / tick`, this one included, divided by that of the known ones; 0 … 1. Until a
    window has passed it is the share of what there is. Whole numbers, so exact. O(1) per tick, ring of one value a tick.

    References
    ----------
    .. [1] IEC 60034-1:2022, duty types S3 to S8 (cyclic duration factor).
    """

    inputs = (Input("x", kind="bool"),)
    params = (Param("window", unit="s", low=0.01, high=86_400.0, default=3600.0, form="ticks"),)
    states = (Int("known"), Int("true"))
    ring = Ring("window")
    output = "value"
    bad = "skip"
    memory = (("window", 1.0),)

    @staticmethod
    def step(
        x: float, known: int, true: int, ring: NDArray[np.float64], base: int, head: int, length: int
    ) -> tuple[float, int, int]:
        old = ring[base + head]
        ring[base + head] = x
        if old == old:
            known -= 1
            true -= 1 if old != 0.0 else 0
        if x == x:
            known += 1
            true += 1 if x != 0.0 else 0
        return (true / known if known > 0 else NAN), known, true


@block(family="statistics", zh="每小时启动次数")
class StartsPerHour:
    """How often something starts, per hour: rising edges in a sliding window.

    Parameters
    ----------
    window : float [s]
        Length of the window, 0.01 <= window <= 86400; rounded up to whole ticks. Default 3600.

    Inputs
    ------
    x : bool, NaN = unknown: it is skipped; the output is NaN only while nothing in the window is known.

    Returns
    -------
    value [1/h]

    Notes
    -----
    A start is a tick at which x is true and was false when it was last known; what was true from the first is none. The
    output is the number of starts in the last `window / tick` ticks, this one included, times an hour by the window: of the
    whole window, also while it has not passed yet, so that the first start is not a multitude. O(1) per tick, ring of one
    value a tick.

    References
    ----------
    .. [1] NEMA MG 10-2017 (allowable number of starts of a motor per hour).
    """

    inputs = (Input("x", kind="bool"),)
    params = (Param("window", unit="s", low=0.01, high=86_400.0, default=3600.0, form="ticks"),)
    states = (Int("known"), Int("starts"), Float("was", NAN))
    ring = Ring("window")
    output = "value"
    unit = "1/h"
    bad = "skip"
    memory = (("window", 1.0),)
    lasting = True

    @staticmethod
    def step(
        x: float, tick_s: float, known: int, starts: int, was: float,
        ring: NDArray[np.float64], base: int, head: int, length: int,
    ) -> tuple[float, int, int, float]:  # fmt: skip
        old = ring[base + head]
        if old == old:
            known -= 1
            starts -= 1 if old != 0.0 else 0
        start = NAN
        if x == x:
            start = 1.0 if x != 0.0 and was == 0.0 else 0.0
            was = x
            known += 1
            starts += 1 if start != 0.0 else 0
        ring[base + head] = start
        return (starts * 3600.0 / (length * tick_s) if known > 0 else NAN), known, starts, was


@block(family="statistics", zh="运行时间")
class RunTime:
    """How long something has run since the last reset, and how often it was started.

    Inputs
    ------
    x : bool, NaN = unknown: nothing is added; the outputs stay as they are.
    reset : bool, need not be wired; true: both outputs are 0; NaN = unknown: as false.

    Returns
    -------
    hours : value [h]
    starts : value [1]

    Notes
    -----
    Every tick at which x is true adds its length; one at which x is true and was false when it was last known adds a start.
    NaN until x is known. Whole ticks are counted, so the sum is exact. It counts from the last reset: what ran before the
    model did is not in it, and after a gap in the ticks it begins again, so reset it at known times (after an overhaul, every
    day) rather than take it for the hours of a whole life. O(1) per tick.

    References
    ----------
    .. [1] ISO 14224:2016, reliability and maintenance data for equipment (operating time; number of starts).
    """

    inputs = (Input("x", kind="bool"), Input("reset", kind="bool", optional=True))
    states = (Int("ran"), Int("begun"), Float("was", NAN))
    outputs = (Output("hours", unit="h"), Output("starts"))
    bad = "hold"
    lasting = True

    @staticmethod
    def step(
        x: float, reset: float, tick_s: float, ran: int, begun: int, was: float
    ) -> tuple[float, float, int, int, float]:
        if x == x:
            if x != 0.0:
                ran += 1
                begun += 1 if was == 0.0 else 0
            was = x
        if reset == reset and reset != 0.0:
            ran, begun = 0, 0
        if was != was:
            return NAN, NAN, ran, begun, was
        return ran * tick_s / 3600.0, float(begun), ran, begun, was


@block(family="statistics", zh="状态持续时间")
class TimeInState:
    """How long a boolean has been what it is.

    Inputs
    ------
    x : bool, NaN = unknown: the output is NaN, and the time stands still.

    Returns
    -------
    value [s]

    Notes
    -----
    0 at the tick at which x is first known and at each at which it differs from what it was when it was last known; every
    other known tick adds its length. A state that has lasted since before the model ran is longer than this says. O(1) per
    tick.

    References
    ----------
    .. [1] IEC 61131-3:2013 (function block TON: elapsed time ET).
    """

    inputs = (Input("x", kind="bool"),)
    states = (Int("lasted"), Float("was", NAN))
    output = "value"
    unit = "s"
    bad = "propagate"
    lasting = True

    @staticmethod
    def step(x: float, tick_s: float, lasted: int, was: float) -> tuple[float, int, float]:
        if x != x:
            return NAN, lasted, was
        lasted = lasted + 1 if x == was else 0
        return lasted * tick_s, lasted, x
