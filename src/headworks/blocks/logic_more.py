"""Blocks that see edges and orders of booleans: pulses, counters, sequences, what came first."""

from __future__ import annotations

from headworks.blocks.spec import NAN, Float, Input, Int, Output, Param, block

RESET = Input("reset", kind="bool", optional=True)


@block(family="logic", zh="异或", en="Exclusive or")
class Xor:
    """True if an odd number of the wired inputs is true; of two: if they differ.

    Inputs
    ------
    in1 … in8 : bool, NaN = unknown: the output is NaN.

    Returns
    -------
    bool

    Notes
    -----
    1 if 1, 3, 5 or 7 inputs are true, otherwise 0. Inputs that are not wired count as false. O(1) per tick.

    References
    ----------
    .. [1] IEC 61131-3:2013 (function XOR).
    """

    inputs = (Input("in", kind="bool", many=8),)
    output = "bool"
    bad = "propagate"

    @staticmethod
    def step(
        in1: float, in2: float, in3: float, in4: float, in5: float, in6: float, in7: float, in8: float
    ) -> tuple[float]:
        y = 0.0
        for x in (in1, in2, in3, in4, in5, in6, in7, in8):
            if x != x:
                return (NAN,)
            if x != 0.0:
                y = 1.0 - y
        return (y,)


@block(family="logic", zh="SR 触发器", en="SR latch")
class LatchSr:
    """Remember that something was true until it is reset; set wins.

    Inputs
    ------
    set : bool, NaN = unknown: it sets nothing; the output is NaN unless it is latched and not reset.
    reset : bool, NaN = unknown: it resets nothing; the output is NaN unless nothing is latched, or it is set.

    Returns
    -------
    bool

    Notes
    -----
    1 if set; otherwise 0 if reset now or at a tick since it was last set; at first 0. Only what is known changes the memory;
    what cannot be decided is NaN. O(1) per tick.

    References
    ----------
    .. [1] IEC 61131-3:2013 (function block SR, set dominant); S. C. Kleene, Introduction to Metamathematics (1952), §64.
    """

    inputs = (Input("set", kind="bool"), Input("reset", kind="bool"))
    states = (Float("held"),)
    output = "bool"
    bad = "propagate"
    lasting = True

    @staticmethod
    def step(set: float, reset: float, held: float) -> tuple[float, float]:  # noqa: A002 - the name people wire
        if set == set and set != 0.0:
            return 1.0, 1.0
        if reset == reset and reset != 0.0:
            held = 0.0
        if held != 0.0:
            return (NAN if reset != reset else 1.0), held
        return (NAN if set != set else 0.0), held


@block(family="logic", zh="脉冲")
class Pulse:
    """A pulse of fixed length from each rising edge.

    Parameters
    ----------
    pulse_s : float [s]
        Length of the pulse, 0.01 <= pulse_s <= 86400; rounded up to whole ticks. It must be given.

    Inputs
    ------
    x : bool, NaN = unknown: the output is NaN, unless a pulse runs.

    Returns
    -------
    bool

    Notes
    -----
    1 from a rising edge on for `pulse_s / tick` ticks, whatever x does meanwhile: an edge during the pulse neither makes it
    longer nor begins another. An edge is x true after it was last known to be false; one that is true from the start is
    none. A pulse that each edge makes longer is :class:`OneShot` and :class:`Hold`. O(1) per tick.

    References
    ----------
    .. [1] IEC 61131-3:2013 (function block TP).
    """

    inputs = (Input("x", kind="bool"),)
    params = (Param("pulse_s", unit="s", low=0.01, high=86_400.0, form="ticks"),)
    states = (Float("was", NAN), Int("left"))
    output = "bool"
    bad = "propagate"
    memory = (("pulse_s", 1.0),)
    lasting = True

    @staticmethod
    def step(x: float, pulse_s: float, was: float, left: int) -> tuple[float, float, int]:
        if x == x:
            if x != 0.0 and was == 0.0 and left == 0:
                left = int(pulse_s)
            was = x
        if left > 0:
            return 1.0, was, left - 1
        return (NAN if x != x else 0.0), was, left


@block(family="logic", zh="边沿检测", en="One-shot")
class OneShot:
    """True for exactly one tick when a boolean becomes true, and when it becomes false.

    Inputs
    ------
    x : bool, NaN = unknown: the outputs are NaN.

    Returns
    -------
    rising : bool
    falling : bool

    Notes
    -----
    `rising` is 1 at a tick at which x is true and was last known to be false, `falling` the other way round; an edge while x
    is unknown shows when it is known again. What x is from the start is no edge. O(1) per tick.

    References
    ----------
    .. [1] IEC 61131-3:2013 (function blocks R_TRIG and F_TRIG).
    """

    inputs = (Input("x", kind="bool"),)
    states = (Float("was", NAN),)
    outputs = (Output("rising", "bool"), Output("falling", "bool"))
    bad = "propagate"
    lasting = True

    @staticmethod
    def step(x: float, was: float) -> tuple[float, float, float]:
        if x != x:
            return NAN, NAN, was
        rising = 1.0 if x != 0.0 and was == 0.0 else 0.0
        falling = 1.0 if x == 0.0 and was == 1.0 else 0.0
        return rising, falling, x


@block(family="logic", zh="计数器")
class Counter:
    """Count how often a boolean became true since the last reset: starts, trips, strokes.

    Parameters
    ----------
    preset : float [1]
        The count at which `done` becomes true, a whole number, 1 <= preset <= 1e+09. It must be given.

    Inputs
    ------
    x : bool, NaN = unknown: the outputs stay as they are; at first they are NaN.
    reset : bool, NaN = unknown: it resets nothing. Not wired: never.

    Returns
    -------
    count : value [1]
    done : bool

    Notes
    -----
    `count` is how many rising edges there were since reset was last true, `done` whether that is `preset` or more. An edge is
    x true after it was last known to be false; one that is true from the start is none, nor is one while reset is true.
    O(1) per tick.

    References
    ----------
    .. [1] IEC 61131-3:2013 (function block CTU).
    """

    inputs = (Input("x", kind="bool"), RESET)
    params = (Param("preset", low=1.0, high=1e9, form="whole"),)
    states = (Float("was", NAN), Float("counted", NAN))
    outputs = (Output("count"), Output("done", "bool"))
    bad = "hold"
    lasting = True

    @staticmethod
    def step(x: float, reset: float, preset: float, was: float, counted: float) -> tuple[float, float, float, float]:
        if x == x:
            if counted != counted:
                counted = 0.0
            if x != 0.0 and was == 0.0:
                counted += 1.0
            was = x
        if reset == reset and reset != 0.0:
            counted = 0.0
        if counted != counted:
            return NAN, NAN, was, counted
        return counted, (1.0 if counted >= preset else 0.0), was, counted


@block(family="logic", zh="翻转")
class Toggle:
    """A boolean that changes whenever another becomes true: on, off, on with one push button.

    Inputs
    ------
    x : bool, NaN = unknown: the output stays as it is; at first it is NaN.
    reset : bool, NaN = unknown: it resets nothing. Not wired: never.

    Returns
    -------
    bool

    Notes
    -----
    At first, and while reset is true, 0; each rising edge makes 1 of 0 and 0 of 1. An edge is x true after it was last known
    to be false; one that is true from the start is none. O(1) per tick.

    References
    ----------
    .. [1] IEC 60617-12:1997 (binary logic elements, T input).
    """

    inputs = (Input("x", kind="bool"), RESET)
    states = (Float("was", NAN), Float("held", NAN))
    output = "bool"
    bad = "hold"
    lasting = True

    @staticmethod
    def step(x: float, reset: float, was: float, held: float) -> tuple[float, float, float]:
        if x == x:
            if held != held:
                held = 0.0
            if x != 0.0 and was == 0.0:
                held = 1.0 - held
            was = x
        if reset == reset and reset != 0.0:
            held = 0.0
        return held, was, held


@block(family="logic", zh="顺序检查")
class SequenceCheck:
    """Whether the steps of a sequence come in their order and in time: a start-up, a valve stroke, a purge.

    Parameters
    ----------
    steps : float [1]
        How many steps the sequence has, a whole number, 2 <= steps <= 6, not more than inputs are wired. It must be given.
    within2_s : float [s]
        How long after step 1 step 2 may come, 0 <= within2_s <= 86400; rounded up to whole ticks, as the next. Default 60.
    within3_s : float [s]
        How long after step 2 step 3 may come, 0 <= within3_s <= 86400. Default 60.
    within4_s : float [s]
        How long after step 3 step 4 may come, 0 <= within4_s <= 86400. Default 60.
    within5_s : float [s]
        How long after step 4 step 5 may come, 0 <= within5_s <= 86400. Default 60.
    within6_s : float [s]
        How long after step 5 step 6 may come, 0 <= within6_s <= 86400. Default 60.

    Inputs
    ------
    in1 … in6 : bool, NaN = unknown: it is skipped, and while the step that is awaited is unknown its time stands still; the
        outputs are NaN only while the inputs of all steps are.
    reset : bool, NaN = unknown: it resets nothing. Not wired: never.

    Returns
    -------
    reached : value [1]
    fault : bool

    Notes
    -----
    A step comes when its input is true and was last known to be false; one that is true from the start has not come. `reached`
    is the number of the last step that came in order, at first 0. `fault` becomes 1, and `reached` stays, when a step comes
    before the one that is awaited, or when that has not come in time. Steps that come at the same tick come in order; that a
    step goes, or comes a second time, is not looked at. After the last step and after a fault step 1 begins anew; reset makes
    both outputs 0. O(1) per tick.

    References
    ----------
    .. [1] IEC 60848:2013 (GRAFCET, sequences of steps and time-dependent transitions).
    """

    inputs = (Input("in", kind="bool", many=6), RESET)
    params = (
        Param("steps", low=2.0, high=6.0, form="whole"),
        *(Param(f"within{i}_s", unit="s", low=0.0, high=86_400.0, default=60.0, form="ticks") for i in range(2, 7)),
    )
    states = (Int("low"), Int("reached"), Int("waited"), Float("fault"))
    outputs = (Output("reached"), Output("fault", "bool"))
    bad = "skip"
    memory = tuple((f"within{i}_s", 1.0) for i in range(2, 7))
    lasting = True

    @staticmethod
    def step(
        in1: float, in2: float, in3: float, in4: float, in5: float, in6: float, reset: float,
        steps: float, within2_s: float, within3_s: float, within4_s: float, within5_s: float, within6_s: float,
        low: int, reached: int, waited: int, fault: float,
    ) -> tuple[float, float, int, int, int, float]:  # fmt: skip
        signals = (in1, in2, in3, in4, in5, in6)
        if fault == 0.0 and 0 < reached < steps and signals[reached] == signals[reached]:
            waited += 1
            if waited > (0.0, within2_s, within3_s, within4_s, within5_s, within6_s)[reached]:
                fault = 1.0
        known, bit = 0, 1
        for number in range(1, 7):
            x = signals[number - 1]
            if number <= steps and x == x:
                known += 1
                if x == 0.0:
                    low |= bit
                elif low & bit:
                    low -= bit
                    if number == 1 and (fault != 0.0 or reached == steps):
                        reached, fault = 0, 0.0
                    if fault == 0.0 and number == reached + 1:
                        reached, waited = number, 0
                    elif number > reached:
                        fault = 1.0
            bit *= 2
        if reset == reset and reset != 0.0:
            return 0.0, 0.0, low, 0, 0, 0.0
        if known == 0:
            return NAN, NAN, low, reached, waited, fault
        return float(reached), fault, low, reached, waited, fault


@block(family="logic", zh="首出判别")
class FirstUp:
    """Which of several booleans became true first: the cause among its consequences.

    Inputs
    ------
    in1 … in8 : bool, NaN = unknown: it is skipped; the outputs are NaN while nothing has come that is known, yet may have.
    reset : bool, NaN = unknown: it resets nothing. Not wired: as soon as no input is true.

    Returns
    -------
    first : value [1]
    together : bool

    Notes
    -----
    `first` is the number of the input that was true first, 0 while none has been; of several that came at the same tick it is
    the lowest, and `together` is 1. Both stay until reset is true while all inputs are known to be false. O(1) per tick.

    References
    ----------
    .. [1] ANSI/ISA-18.1-1979 (R2004), Annunciator Sequences and Specifications (first-out sequences).
    """

    inputs = (
        Input("in", kind="bool", many=8),
        Input("reset", kind="bool", optional=True, unwired="true"),
    )
    states = (Int("held"), Float("shared"))
    outputs = (Output("first"), Output("together", "bool"))
    bad = "skip"
    lasting = True

    @staticmethod
    def step(
        in1: float, in2: float, in3: float, in4: float, in5: float, in6: float, in7: float, in8: float, reset: float,
        held: int, shared: float,
    ) -> tuple[float, float, int, float]:  # fmt: skip
        signals = (in1, in2, in3, in4, in5, in6, in7, in8)
        lowest, true, unknown = 0, 0, 0
        for number in range(1, 9):
            x = signals[number - 1]
            if x != x:
                unknown += 1
            elif x != 0.0:
                true += 1
                if lowest == 0:
                    lowest = number
        if held == 0:
            held, shared = lowest, (1.0 if true > 1 else 0.0)
        elif true == 0 and unknown == 0 and reset == reset and reset != 0.0:
            held, shared = 0, 0.0
        if held == 0 and unknown > 0:
            return NAN, NAN, held, shared
        return float(held), shared, held, shared
