"""A model as data: a graph of blocks with named ports (the template), and its use on one asset (the instance).

These structs are what a plant folder says, what the database keeps and what a plan carries. They hold no behaviour: the
engine compiles them.

References inside a template are strings: ``in.<port>`` reads an input port, ``<block>`` the (first) output of a block,
``<block>.<output>`` one of several, ``true`` and ``false`` are constants for boolean inputs. A block parameter is a number, or
``$<name>`` for a parameter of the template; its table is rows of numbers, or ``$<name>`` for a table of the template.

A template may stand in another one as a block (:attr:`BlockNode.graph`): its ports are the inputs, its outputs the outputs,
its parameters the parameters; its conditions are not raised there. ``unit(x)`` and ``delta(x)`` in the units of its ports,
parameters, outputs and blocks then stand for the unit of what its port x reads, and of differences of that.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Rows = tuple[tuple[float, ...], ...]


class Text(msgspec.Struct, frozen=True, kw_only=True):
    """A text people read, in both languages."""

    zh: str
    en: str


class Guidance(msgspec.Struct, frozen=True, kw_only=True):
    """What an expert would say when a condition comes: the failure mode, how it shows, why it happens, what to do about it.

    The mode has to be read also of plans of version 0.1, whose guidance was one text: there it is empty.
    """

    mode: Text = Text(zh="", en="")
    symptoms: tuple[Text, ...] = ()
    causes: tuple[Text, ...] = ()
    actions: tuple[Text, ...] = ()


class Port(msgspec.Struct, frozen=True, kw_only=True):
    """An input of a template. `unit` is what the graph computes in; a bound tag is converted to it. ``""`` takes any unit.

    A port of the kind `bool` reads a condition or a boolean signal of another model, or, in a template that stands in another
    one as a block, of that one.
    """

    name: str
    unit: str = ""
    title: Text | None = None
    kind: Literal["value", "bool"] = "value"


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """A number an instance may set."""

    name: str
    default: float
    unit: str = ""
    low: float | None = None
    high: float | None = None
    title: Text | None = None


class TableParameter(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of numbers an instance may set: a curve of this very pump, what was learned from its past."""

    name: str
    default: Rows = ()
    title: Text | None = None


class BlockNode(msgspec.Struct, frozen=True, kw_only=True):
    """One block of the graph: its type, what each of its inputs reads, its parameters and table.

    `graph` in place of `op`: the code of a template. `unit` says the unit of the output where it does not follow from those of
    the inputs (a product, a conversion).
    """

    id: str
    op: str = ""
    inputs: dict[str, str]
    params: dict[str, float | str] = {}
    table: Rows | str = ()
    graph: str = ""
    unit: str = ""


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """A boolean signal of the graph that people are told about. 1 raises it, 0 clears it, NaN leaves it as it is.

    `value` names the signal shown as evidence, `limit` the parameter or number it is compared with (for display only).
    `priority` is 1 (urgent) to 4 (low), ISA-18.2.
    """

    name: str
    source: str
    title: Text
    priority: int = 3
    value: str | None = None
    guidance: Guidance | None = None


class Output(msgspec.Struct, frozen=True, kw_only=True):
    """A signal of the graph that is kept as a calculated tag."""

    name: str
    source: str
    unit: str = ""
    title: Text | None = None


class GraphTemplate(msgspec.Struct, frozen=True, kw_only=True):
    """A monitoring model, written once for every asset of a kind.

    `every` [s]: it is evaluated at the multiples of this time since 1970-01-01 UTC, with the signals as they are then; 0: at
    every tick of its partition.
    """

    code: str
    version: int = 1
    every: float = 0.0
    title: Text
    ports: tuple[Port, ...]
    params: tuple[Parameter, ...] = ()
    tables: tuple[TableParameter, ...] = ()
    blocks: tuple[BlockNode, ...]
    conditions: tuple[Condition, ...] = ()
    outputs: tuple[Output, ...] = ()


class Binding(msgspec.Struct, frozen=True, kw_only=True):
    """What feeds a port: a tag, or a signal or condition of another instance; and the conversion of its unit to the port's (port
    value = value * gain + offset)."""

    tag: int = 0
    gain: float = 1.0
    offset: float = 0.0
    instance: int = 0
    signal: str = ""


class Instance(msgspec.Struct, frozen=True, kw_only=True):
    """A template at work on one asset.

    `id` is u32, unique in the installation and never reused. `inputs` maps every port of the template, `outputs` maps
    the outputs that are kept to the ids of their calculated tags.
    """

    id: int
    code: str
    template: str
    inputs: dict[str, Binding]
    params: dict[str, float] = {}
    outputs: dict[str, int] = {}
    tables: dict[str, Rows] = {}
