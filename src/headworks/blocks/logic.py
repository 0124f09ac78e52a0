"""Blocks that combine and time booleans. A boolean is 0, 1 or NaN (unknown)."""

from __future__ import annotations

from headworks.blocks.spec import NAN, Float, Input, Int, Param, block


@block(family="logic", zh="延时")
class Delay:
    """Follow a boolean only after it has kept its new state for a while (on-delay and off-delay).

    Parameters
    ----------
    on_s : float [s]
        How long x must have been true before the output is, 0 <= on_s <= 86400. Default 0: at once.
    off_s : float [s]
        How long x must have been false before the output is, 0 <= off_s <= 86400. Default 0: at once.

    Inputs
    ------
    x : bool, NaN = unknown: the output is NaN (unknown), and the time that runs stands still, neither lost nor counted.

    Returns
    -------
    bool

    Notes
    -----
    The output starts at 0. x true at tick T and since makes it true at the first tick >= T + on_s. Times are rounded up to
    whole ticks. O(1) per tick.

    References
    ----------
    .. [1] IEC 61131-3:2013 (function blocks TON and TOF); ANSI/ISA-18.2-2016 (on-delay and off-delay).
    """

    inputs = (Input("x", kind="bool"),)
    params = (
        Param("on_s", unit="s", low=0.0, high=86_400.0, default=0.0, form="ticks"),
        Param("off_s", unit="s", low=0.0, high=86_400.0, default=0.0, form="ticks"),
    )
    states = (Float("held"), Int("kept"))
    output = "bool"
    bad = "propagate"

    @staticmethod
    def step(x: float, on_s: float, off_s: float, held: float, kept: int) -> tuple[float, float, int]:
        if x != x:
            return NAN, held, kept
        if (x != 0.0) == (held != 0.0):
            return held, held, 0
        wait = on_s if x != 0.0 else off_s
        if kept >= wait:
            return 1.0 - held, 1.0 - held, 0
        return held, held, kept + 1


@block(family="logic", zh="M 取 N 表决")
class MOfN:
    """True if at least m of the wired inputs are true (voting).

    Parameters
    ----------
    m : float [1]
        How many must be true, a whole number, 1 <= m <= 8, not more than inputs are wired. It must be given.

    Inputs
    ------
    in1 … in8 : bool, NaN = unknown: it is skipped as long as the others decide; if they do not, the output is NaN.

    Returns
    -------
    bool

    Notes
    -----
    1 if the known true inputs are m or more; 0 if the known true and the unknown together are less than m; otherwise NaN.
    Inputs that are not wired count as false. O(1) per tick.

    References
    ----------
    .. [1] IEC 61508-6:2010, annex B (MooN architectures); S. C. Kleene, Introduction to Metamathematics (1952), §64.
    """

    inputs = (Input("in", kind="bool", many=8),)
    params = (Param("m", low=1.0, high=8.0, form="whole"),)
    output = "bool"
    bad = "skip"

    @staticmethod
    def step(
        in1: float, in2: float, in3: float, in4: float, in5: float, in6: float, in7: float, in8: float, m: float
    ) -> tuple[float]:
        true = 0
        unknown = 0
        for x in (in1, in2, in3, in4, in5, in6, in7, in8):
            if x != x:
                unknown += 1
            elif x != 0.0:
                true += 1
        if true >= m:
            return (1.0,)
        if true + unknown < m:
            return (0.0,)
        return (NAN,)
