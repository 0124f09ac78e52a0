"""What a function block declares, and the registry of all of them.

A block is a class that is never instantiated: it declares inputs, parameters, state and its rule for bad input, and has ONE
scalar `step`. The engine generates from that step the loop over history and the loop over live lanes.

`step` names what it wants; the engine passes it by name:

- each input (f64; a boolean is 0.0, 1.0 or NaN for unknown), each parameter, each state variable;
- `tick_s`: the length of a tick [s]; `instant`: the time of this tick [µs since 1970-01-01 UTC], whole;
- of a ring: `ring` (the array of all rings), `base` (where this one starts), `head` (the place of this tick), `length`;
- of a table: `table` (the array of all tables), `at` (where this one starts), `rows`, `columns`; a row after the other.

Arrays are plain pointers: they have places, no length. It returns the outputs in the order declared, then (if the block
declares ``reports = True``) the status code it found, then every state variable in the order declared. It uses nothing from
outside but ``math``, :data:`NAN`, :data:`LARGEST`, the codes of `headworks.base.status`, the functions it declares in `uses`
(and what these call), and constants of its module: names in capitals for a number or a tuple of numbers, in a kernel an array.
"""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import FunctionType
from typing import Any, Literal, TypeVar

from headworks.base import status

NAN = float("nan")
LARGEST = 1.7976931348623157e308

Kind = Literal["value", "bool"]
BadRule = Literal["skip", "hold", "propagate"]
Rows = Sequence[Sequence[float]]
Constant = float | tuple[float, ...]
C = TypeVar("C", bound=type)


@dataclass(frozen=True, slots=True)
class Input:
    """An input.

    `many` > 0: it may be wired up to `many` times, as ``<name>1`` … ``<name><many>``; those that are not read the constant
    `unwired`, which as a number is 0 or 1, or nothing (NaN, which does not count as a bad input). `optional`: it need not be
    wired at all and then reads `unwired`.

    `unit`: what the block computes in; ``""`` takes any, ``unit(x)`` that of input `x`.
    """

    name: str
    kind: Kind = "value"
    many: int = 0
    unwired: Literal["false", "true", "nothing"] = "false"
    unit: str = ""
    optional: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f"{self.name}{i + 1}" for i in range(self.many)) if self.many else (self.name,)


@dataclass(frozen=True, slots=True)
class Output:
    """An output of a block that has several. A graph reads the first as ``<block>``, each as ``<block>.<name>``.

    `unit` may name that of an input (``unit(x)``); ``"given"``: the node of the graph says it.
    """

    name: str
    kind: Kind = "value"
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Param:
    """A parameter. No default: it must be given.

    `unit` is a unit, ``""`` for none, ``unit(x)`` for that of input `x` or ``delta(x)`` for that of differences of it.
    `form`: a number; a whole number; seconds that become ticks, rounded up, when a program is compiled.
    """

    name: str
    unit: str = ""
    low: float = -1e300
    high: float = 1e300
    default: float | None = None
    form: Literal["number", "whole", "ticks"] = "number"


@dataclass(frozen=True, slots=True)
class Float:
    """A state variable, f64."""

    name: str
    start: float = 0.0


@dataclass(frozen=True, slots=True)
class Int:
    """A state variable, i64."""

    name: str
    start: int = 0


@dataclass(frozen=True, slots=True)
class Ring:
    """The last values of a block, `width` of them a tick. Its length is the parameter `window` in ticks, at least `least`; it
    starts all NaN. Value k of place p is ``ring[base + p * width + k]``.

    Its head follows absolute time: two runs that began at different times do their re-summing at the same ticks.
    """

    window: str
    least: int = 1
    width: int = 1


@dataclass(frozen=True, slots=True)
class Table:
    """Numbers in rows that belong to a block: a curve, a matrix, what was learned.

    `columns`: how many a row has, 0: the table says. `least`: rows. `check` looks at the rows and returns what is wrong with
    them, a code and its values, or None.
    """

    name: str
    columns: int = 0
    least: int = 1
    check: Callable[[Rows], tuple[str, dict[str, float | str]] | None] | None = None


@dataclass(frozen=True, slots=True)
class BlockSpec:
    """A registered block.

    `bad` is the rule for bad (NaN) input: `skip` works on with what is good, `hold` keeps the last output, `propagate`
    makes the output bad.

    `mends`: a number it gives in spite of a bad input is not bad: its status is the worst of the others and of what the step
    reports, or UncertainSubNormal if it does not report.

    `memory` says how far back a block looks: parameters [s], and how many times each; what was before cannot be told from the
    output any more. `lasting`: it may also hold on to something for as long as nothing decides otherwise.
    """

    op: str
    family: str
    zh: str
    en: str
    doc: str
    inputs: tuple[Input, ...]
    params: tuple[Param, ...]
    states: tuple[Float | Int, ...]
    ring: Ring | None
    table: Table | None
    outputs: tuple[Output, ...]
    bad: BadRule
    reports: bool
    uses: tuple[Callable[..., Any], ...]
    constants: Mapping[str, Constant]
    step: Callable[..., Any]
    wants: tuple[str, ...]
    internal: bool = False
    memory: tuple[tuple[str, float], ...] = ()
    lasting: bool = False
    mends: bool = False

    @property
    def output(self) -> Kind:
        """Return the kind of the first output."""
        return self.outputs[0].kind

    @property
    def unit(self) -> str:
        """Return the unit of the first output."""
        return self.outputs[0].unit

    @property
    def input_names(self) -> tuple[str, ...]:
        return tuple(name for i in self.inputs for name in i.names)

    @property
    def input_kinds(self) -> dict[str, Kind]:
        return {name: i.kind for i in self.inputs for name in i.names}

    @property
    def param_names(self) -> tuple[str, ...]:
        return tuple(p.name for p in self.params)

    @property
    def unwired(self) -> tuple[str, ...]:
        """Return for each input the constant it reads where it is not wired."""
        return tuple(i.unwired for i in self.inputs for _ in i.names)

    @property
    def kernel_params(self) -> tuple[str, ...]:
        """Parameters as a kernel has them: those of the model, and the tick if the step wants it."""
        return (*self.param_names, TICK) if TICK in self.wants else self.param_names

    @property
    def floats(self) -> tuple[Float, ...]:
        return tuple(s for s in self.states if isinstance(s, Float))

    @property
    def ints(self) -> tuple[Int, ...]:
        """Integer states; a ring adds its head as the last one."""
        own = tuple(s for s in self.states if isinstance(s, Int))
        return (*own, Int("head")) if self.ring else own


def flaw(code: str, **params: float | str) -> tuple[str, dict[str, float | str]]:
    """Return what the check of a table says: an error code and what its text names besides ``table``."""
    return code, params


REGISTRY: dict[str, BlockSpec] = {}
TICK = "tick_s"
INSTANT = "instant"
RING_NAMES = ("ring", "base", "head", "length")
TABLE_NAMES = ("table", "at", "rows", "columns")
LOOP_NAMES = {
    "D", "F", "I", "P", "Q", "R", "V", "blocks", "f", "first", "found_status", "i", "instant", "k", "lane", "lanes", "lin",
    "other", "out", "p", "q", "slot", "step", "stride", "t", "tab", "tick", "ticks",
}  # fmt: skip
"""What the loops around a step call their own; a state of that name would be taken for it."""
STATUS_NAMES = tuple(n for n in dir(status) if n.isupper() and isinstance(getattr(status, n), int))
_ALLOWED = {"math", "NAN", "LARGEST", "abs", "min", "max", "range", "float", "int", "round", *STATUS_NAMES, *dir(math)}


def block(*, family: str, zh: str, en: str = "", internal: bool = False) -> Callable[[C], C]:
    """Register a class as a block of `family`; its op is the class name in snake case, `zh` its Chinese name, `en` its English
    name where that is not the words of the class name.

    Raises
    ------
    TypeError
        The declaration contradicts itself: the block's author must correct it, nothing would run.
    """

    def register(cls: C) -> C:
        words = re.findall(r"[A-Z][a-z]*", cls.__name__)
        op = "_".join(words).lower()
        step = cls.__dict__["step"].__func__
        uses, constants = _outside(op, step, getattr(cls, "uses", ()))
        spec = BlockSpec(
            op=op,
            family=family,
            zh=zh,
            en=en or " ".join(words).capitalize(),
            doc=inspect.cleandoc(cls.__doc__ or ""),
            inputs=cls.inputs,  # type: ignore[attr-defined]
            params=getattr(cls, "params", ()),
            states=getattr(cls, "states", ()),
            ring=getattr(cls, "ring", None),
            table=getattr(cls, "table", None),
            outputs=_outputs(cls),
            bad=cls.bad,  # type: ignore[attr-defined]
            reports=getattr(cls, "reports", False),
            uses=uses,
            constants=constants,
            step=step,
            wants=tuple(inspect.signature(step).parameters),
            internal=internal,
            memory=getattr(cls, "memory", ()),
            lasting=getattr(cls, "lasting", False),
            mends=getattr(cls, "mends", False),
        )
        _check(spec)
        REGISTRY[spec.op] = spec
        return cls

    return register


def _outputs(cls: Any) -> tuple[Output, ...]:
    """Return what a class declares: `outputs`, or `output` (a kind) and `unit` where there is one only."""
    return getattr(cls, "outputs", None) or (Output("value", cls.output, getattr(cls, "unit", "")),)


def _check(spec: BlockSpec) -> None:
    given = {TICK, INSTANT, *spec.input_names, *spec.param_names, *(s.name for s in spec.states)}
    if spec.ring:
        given |= set(RING_NAMES)
        window = next((p for p in spec.params if p.name == spec.ring.window), None)
        if window is None or window.form != "ticks" or window.low <= 0:
            raise TypeError(f"{spec.op}: the ring needs a parameter in ticks with a positive lower bound")
    if spec.table:
        given |= set(TABLE_NAMES)
    if unknown := set(spec.wants) - given:
        raise TypeError(f"{spec.op}: step wants {sorted(unknown)}, which is not declared")
    if taken := {s.name for s in spec.states} & LOOP_NAMES:
        raise TypeError(f"{spec.op}: the loops around a step have {sorted(taken)} of their own")
    if spec.op in REGISTRY:
        raise TypeError(f"{spec.op}: there is such a block already")
    if unknown := {n for n, _ in spec.memory if n not in {p.name for p in spec.params if p.unit == "s"}}:
        raise TypeError(f"{spec.op}: memory names {sorted(unknown)}, which is no parameter in seconds")


def _outside(
    op: str, step: Callable[..., Any], declared: Sequence[Callable[..., Any]]
) -> tuple[tuple[Callable[..., Any], ...], dict[str, Constant]]:
    """Return the functions a step needs (the declared ones and, further on, those that these call) and the constants."""
    functions = {f.__name__: f for f in declared}
    constants: dict[str, Constant] = {}
    todo = [step, *declared]
    while todo:
        function = todo.pop(0)
        assert isinstance(function, FunctionType)
        foreign = []
        for name in sorted(set(function.__code__.co_names) - _ALLOWED):
            value: Any = function.__globals__.get(name)
            if isinstance(value, FunctionType) and function is not step and name not in functions:
                functions[name] = value
                todo.append(value)
            elif _is_constant(name, value):
                if constants.setdefault(name, value) != value:
                    raise TypeError(f"{op}: {name} has two values")
            elif name not in functions or value not in (None, functions[name]):
                foreign.append(name)
        if foreign:
            raise TypeError(f"{op}: {function.__name__} uses {foreign}, which a kernel does not have")
    return tuple(functions.values()), constants


def _is_constant(name: str, value: object) -> bool:
    numbers = value if isinstance(value, tuple) and value else (value,)
    return name.isupper() and all(type(n) in (int, float) for n in numbers)
