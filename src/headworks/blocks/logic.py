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
    memory = (("on_s", 2.0), ("off_s", 2.0))
    lasting = True

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


@block(family="logic", zh="信号保持")
class Hold:
    """Keep a boolean true for a while after it last was (off-delay that anything true starts anew).

    Parameters
    ----------
    hold_s : float [s]
        How long the output stays true after x last was, 0 <= hold_s <= 86400; rounded up to whole ticks. It must be given.

    Inputs
    ------
    x : bool, NaN = unknown: while the time runs the output is true nevertheless, after it NaN.

    Returns
    -------
    bool

    Notes
    -----
    1 at tick T if x was known to be true at some tick of T - hold_s … T; otherwise 0 where x is false, NaN where it is
    unknown. The time runs on while x is unknown. O(1) per tick.

    References
    ----------
    .. [1] IEC 61131-3:2013 (function block TOF).
    """

    inputs = (Input("x", kind="bool"),)
    params = (Param("hold_s", unit="s", low=0.0, high=86_400.0, form="ticks"),)
    states = (Int("left"),)
    output = "bool"
    bad = "skip"
    memory = (("hold_s", 1.0),)

    @staticmethod
    def step(x: float, hold_s: float, left: int) -> tuple[float, int]:
        if x == x and x != 0.0:
            return 1.0, int(hold_s)
        if left > 0:
            return 1.0, left - 1
        return x, 0


@block(family="logic", zh="RS 触发器", en="RS latch")
class LatchRs:
    """Remember that something was true until it is reset; reset wins.

    Inputs
    ------
    set : bool, NaN = unknown: it sets nothing; the output is NaN unless it is latched already, or reset.
    reset : bool, NaN = unknown: it resets nothing; the output is NaN unless nothing is latched.

    Returns
    -------
    bool

    Notes
    -----
    0 if reset; otherwise 1 if set now or at a tick since the last reset; at first 0. Only what is known changes the
    memory; what cannot be decided is NaN. O(1) per tick.

    References
    ----------
    .. [1] IEC 61131-3:2013 (function block RS, reset dominant); S. C. Kleene, Introduction to Metamathematics (1952), §64.
    """

    inputs = (Input("set", kind="bool"), Input("reset", kind="bool"))
    states = (Float("held"),)
    output = "bool"
    bad = "skip"
    lasting = True

    @staticmethod
    def step(set: float, reset: float, held: float) -> tuple[float, float]:  # noqa: A002 - the name people wire
        if reset == reset and reset != 0.0:
            return 0.0, 0.0
        if set == set and set != 0.0:
            held = 1.0
        if held != 0.0:
            return (NAN if reset != reset else 1.0), held
        return (NAN if set != set else 0.0), held


@block(family="logic", zh="与")
class And:
    """True if all wired inputs are true.

    Inputs
    ------
    in1 … in8 : bool, NaN = unknown: the output is NaN, unless another input is false and decides.

    Returns
    -------
    bool

    Notes
    -----
    0 if any input is known to be false; otherwise NaN if any is unknown; otherwise 1. Inputs that are not wired are
    ignored. O(1) per tick.

    References
    ----------
    .. [1] IEC 61131-3:2013 (function AND); S. C. Kleene, Introduction to Metamathematics (1952), §64.
    """

    inputs = (Input("in", kind="bool", many=8, unwired="true"),)
    output = "bool"
    bad = "propagate"

    @staticmethod
    def step(
        in1: float, in2: float, in3: float, in4: float, in5: float, in6: float, in7: float, in8: float
    ) -> tuple[float]:
        y = 1.0
        for x in (in1, in2, in3, in4, in5, in6, in7, in8):
            if x == 0.0:
                return (0.0,)
            if x != x:
                y = NAN
        return (y,)


@block(family="logic", zh="或")
class Or:
    """True if any wired input is true.

    Inputs
    ------
    in1 … in8 : bool, NaN = unknown: the output is NaN, unless another input is true and decides.

    Returns
    -------
    bool

    Notes
    -----
    1 if any input is known to be true; otherwise NaN if any is unknown; otherwise 0. Inputs that are not wired are
    ignored. O(1) per tick.

    References
    ----------
    .. [1] IEC 61131-3:2013 (function OR); S. C. Kleene, Introduction to Metamathematics (1952), §64.
    """

    inputs = (Input("in", kind="bool", many=8),)
    output = "bool"
    bad = "skip"

    @staticmethod
    def step(
        in1: float, in2: float, in3: float, in4: float, in5: float, in6: float, in7: float, in8: float
    ) -> tuple[float]:
        y = 0.0
        for x in (in1, in2, in3, in4, in5, in6, in7, in8):
            if x != x:
                y = NAN
            elif x != 0.0:
                return (1.0,)
        return (y,)


@block(family="logic", zh="非")
class Not:
    """The opposite of a boolean.

    Inputs
    ------
    x : bool, NaN = unknown: the output is NaN.

    Returns
    -------
    bool

    Notes
    -----
    1 - x. O(1) per tick.

    References
    ----------
    .. [1] IEC 61131-3:2013 (function NOT); S. C. Kleene, Introduction to Metamathematics (1952), §64.
    """

    inputs = (Input("x", kind="bool"),)
    output = "bool"
    bad = "propagate"

    @staticmethod
    def step(x: float) -> tuple[float]:
        return (1.0 - x,)
