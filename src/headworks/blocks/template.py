"""A model as data: a graph of blocks with named ports (the template), and its use on one asset (the instance).

These structs are what a plant folder says, what the database keeps and what a plan carries. They hold no behaviour: the
engine compiles them.

References inside a template are strings: ``in.<port>`` reads an input port, ``<block>`` the output of a block, ``true``
and ``false`` are constants for boolean inputs. A block parameter is a number, or ``$<name>`` for a parameter of the template.
"""

from __future__ import annotations

import msgspec


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
    """An input of a template. `unit` is what the graph computes in; a bound tag is converted to it. ``""`` takes any unit."""

    name: str
    unit: str = ""
    title: Text | None = None


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """A number an instance may set."""

    name: str
    default: float
    unit: str = ""
    low: float | None = None
    high: float | None = None
    title: Text | None = None


class BlockNode(msgspec.Struct, frozen=True, kw_only=True):
    """One block of the graph: its type, what each of its inputs reads, its parameters."""

    id: str
    op: str
    inputs: dict[str, str]
    params: dict[str, float | str] = {}


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
    """A monitoring model, written once for every asset of a kind."""

    code: str
    version: int = 1
    title: Text
    ports: tuple[Port, ...]
    params: tuple[Parameter, ...] = ()
    blocks: tuple[BlockNode, ...]
    conditions: tuple[Condition, ...] = ()
    outputs: tuple[Output, ...] = ()


class Binding(msgspec.Struct, frozen=True, kw_only=True):
    """What feeds a port: the tag, and the conversion of its unit to the port's (port value = value * gain + offset)."""

    tag: int
    gain: float = 1.0
    offset: float = 0.0


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
