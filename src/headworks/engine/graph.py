"""The graph of a model: what its signals are, the order its blocks run in, and templates that stand in it as blocks.

A template that is used as a block is written out into the blocks it consists of (:func:`flatten`), so that nothing after this
module knows of it. Its blocks are called ``<node>/<block>`` then.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec

from headworks.base.units import difference
from headworks.blocks import catalogue
from headworks.blocks.library import builtin
from headworks.blocks.spec import BlockSpec, Kind
from headworks.blocks.template import BlockNode, GraphTemplate, Instance, Rows

PORT_PREFIX = "in."
CONSTANTS = ("false", "nothing", "true")
UNIT_OF = re.compile(r"(unit|delta)\((\w+)\)")

Library = Mapping[str, GraphTemplate]
N = TypeVar("N", str, int)


@dataclass(frozen=True, slots=True)
class Signal:
    """What can be read: a port, or an output of a block. `unit` is None where nothing can be said of it."""

    kind: Kind
    unit: str | None


@dataclass(frozen=True, slots=True)
class Flat:
    """A block of a flattened template: what each input reads (in the order of the block's inputs), parameters and table.

    A parameter or table may still be ``$<name>`` of the template.
    """

    id: str
    spec: BlockSpec
    reads: tuple[str, ...]
    params: Mapping[str, float | str]
    table: Rows | str
    unit: str = ""


@dataclass(frozen=True, slots=True)
class FlatTemplate:
    """A template written out: its blocks so that each comes after those it reads, each with its level (1: reads only ports),
    and what the signals its conditions and outputs name are called in it."""

    blocks: tuple[Flat, ...]
    levels: tuple[int, ...]
    names: Mapping[str, str] = field(default_factory=dict)


def find_template(code: str, library: Library) -> GraphTemplate | None:
    """Return a template by its code: of the plant, else one that comes with the platform."""
    return library.get(code) or builtin().get(code)


# --- writing out ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Use:
    """A template where it stands: the prefix of its blocks, and what its ports, parameters and tables are outside."""

    template: GraphTemplate
    library: Library
    prefix: str = ""
    ports: Mapping[str, str] | None = None
    params: Mapping[str, float | str] | None = None
    tables: Mapping[str, Rows | str] | None = None

    def source(self, name: str) -> str:
        """Return what a source inside is called in the template all of this stands in."""
        if name in CONSTANTS:
            return name
        if name.startswith(PORT_PREFIX):
            return name if self.ports is None else self.ports[name.removeprefix(PORT_PREFIX)]
        node, output = self.node(name)
        if node.graph:
            inner = self.inner(node)
            wanted = next(o for o in inner.template.outputs if output in ("", o.name))
            return inner.source(wanted.source)
        outputs = catalogue.get(node.op).outputs
        first = output in ("", outputs[0].name)
        return f"{self.prefix}{node.id}" if first else f"{self.prefix}{node.id}.{output}"

    def node(self, name: str) -> tuple[BlockNode, str]:
        block, _, output = name.partition(".")
        return next(n for n in self.template.blocks if n.id == block), output

    def inner(self, node: BlockNode) -> _Use:
        template = find_template(node.graph, self.library)
        assert template is not None, "a checked graph"
        given = {p.name: self.param(node.params.get(p.name, p.default)) for p in template.params}
        table = self.table(node.table) if node.table else ()
        tables = {t.name: table or t.default for t in template.tables}
        ports = {name: self.source(read) for name, read in node.inputs.items()}
        return _Use(template, self.library, f"{self.prefix}{node.id}/", ports, given, tables)

    def param(self, value: float | str) -> float | str:
        return self.params[value[1:]] if isinstance(value, str) and self.params is not None else value

    def table(self, value: Rows | str) -> Rows | str:
        return self.tables[value[1:]] if isinstance(value, str) and self.tables is not None else value

    def blocks(self) -> Iterator[Flat]:
        for node in self.template.blocks:
            if node.graph:
                yield from self.inner(node).blocks()
                continue
            spec = catalogue.get(node.op)
            wired = zip(spec.input_names, spec.unwired, strict=True)
            reads = tuple(self.source(node.inputs.get(name, constant)) for name, constant in wired)
            params = {name: self.param(value) for name, value in node.params.items()}
            yield Flat(f"{self.prefix}{node.id}", spec, reads, params, self.table(node.table), node.unit)


def flatten(template: GraphTemplate, library: Library) -> FlatTemplate:
    """Write a checked template out into blocks, in running order."""
    use = _Use(template, library)
    blocks = {b.id: b for b in use.blocks()}
    levels, left = levels_of({b.id: {block_of(s) for s in b.reads} & blocks.keys() for b in blocks.values()})
    assert not left, "a checked graph has no cycle"
    ordered = sorted(blocks.values(), key=lambda b: levels[b.id])
    named = {c.source for c in template.conditions} | {c.value for c in template.conditions if c.value is not None}
    named |= {o.source for o in template.outputs}
    for node in template.blocks:
        if node.graph:
            inner = find_template(node.graph, library)
            assert inner is not None
            named |= {node.id, *(f"{node.id}.{o.name}" for o in inner.outputs)} if inner.outputs else set()
    return FlatTemplate(tuple(ordered), tuple(levels[b.id] for b in ordered), {n: use.source(n) for n in named})


def written_out(template: GraphTemplate, library: Library) -> GraphTemplate:
    """Return a checked template in which no template stands as a block: it computes the same."""
    flat = flatten(template, library)
    return msgspec.structs.replace(
        template,
        blocks=tuple(
            BlockNode(
                id=b.id,
                op=b.spec.op,
                inputs=dict(zip(b.spec.input_names, b.reads, strict=True)),
                params=dict(b.params),
                table=b.table,
                unit=b.unit,
            )
            for b in flat.blocks
        ),
        conditions=tuple(
            msgspec.structs.replace(
                c, source=flat.names[c.source], value=None if c.value is None else flat.names[c.value]
            )
            for c in template.conditions
        ),
        outputs=tuple(msgspec.structs.replace(o, source=flat.names[o.source]) for o in template.outputs),
    )


@dataclass(frozen=True, slots=True)
class Inside:
    """A template where it stands: what its signals are called in the template written out, its parameters and tables there
    (``$<name>``: those of the outermost template)."""

    template: GraphTemplate
    names: Mapping[str, str]
    params: Mapping[str, float | str]
    tables: Mapping[str, Rows | str]


def find_inside(template: GraphTemplate, library: Library, path: Sequence[str]) -> Inside | None:
    """Return the template that stands at a node of a checked template (or at a node of that one ...), None if none does."""
    use = _Use(template, library)
    for name in path:
        node = next((n for n in use.template.blocks if n.id == name and n.graph), None)
        if node is None:
            return None
        use = use.inner(node)
    names = {s: use.source(s) for s in signals(use.template, library) if s not in CONSTANTS}
    return Inside(use.template, names, use.params or {}, use.tables or {})


def block_of(source: str) -> str:
    """Return the block a source (``<block>`` or ``<block>.<output>``) belongs to; a port is its own."""
    return source if source.startswith(PORT_PREFIX) else source.partition(".")[0]


def levels_of(reads: Mapping[N, set[N]]) -> tuple[dict[N, int], set[N]]:
    """Return the level of every node that has one, and those that have none because of a cycle.

    `reads` maps each node to those it reads.
    """
    readers: dict[N, list[N]] = {name: [] for name in reads}
    for name, sources in reads.items():
        for source in sources:
            readers[source].append(name)
    levels: dict[N, int] = {}
    missing = {name: len(sources) for name, sources in reads.items()}
    ready = [name for name, count in missing.items() if count == 0]
    while ready:
        name = ready.pop()
        levels[name] = 1 + max((levels[s] for s in reads[name]), default=0)
        for reader in readers[name]:
            missing[reader] -= 1
            if missing[reader] == 0:
                ready.append(reader)
    return levels, set(reads) - levels.keys()


def find_cycle(reads: Mapping[str, set[str]]) -> list[str]:
    """Return the nodes of a cycle in the order in which they read each other, nothing if there is none."""
    left = levels_of(reads)[1]
    if not left:
        return []
    # Every node that is left reads one that is left, so going back from any of them comes round.
    path, seen = [min(left)], set[str]()
    while path[-1] not in seen:
        seen.add(path[-1])
        path.append(min(reads[path[-1]] & left))
    return path[path.index(path[-1]) : -1][::-1]


def node_reads(template: GraphTemplate) -> dict[str, set[str]]:
    """Return for each node of a template which of its nodes it reads."""
    nodes = {n.id for n in template.blocks}
    return {n.id: {block_of(s) for s in n.inputs.values()} & nodes for n in template.blocks}


def order(template: GraphTemplate) -> list[tuple[BlockNode, int]]:
    """Return the nodes of a checked template so that each comes after those it reads, with its level (1: reads only ports)."""
    levels, _ = levels_of(node_reads(template))
    return sorted(((n, levels[n.id]) for n in template.blocks), key=lambda pair: pair[1])


# --- parameters -------------------------------------------------------------------------------------------------------


def resolve(template: GraphTemplate, instance: Instance, block: Flat) -> dict[str, float]:
    """Return the parameters of a block in an instance, in the units the model says."""
    defaults = {p.name: p.default for p in template.params} | dict(instance.params)
    values: dict[str, float] = {}
    for param in block.spec.params:
        given = block.params.get(param.name, param.default)
        if isinstance(given, str):
            given = defaults[given[1:]]
        if given is not None:
            values[param.name] = float(given)
    return values


def resolve_table(template: GraphTemplate, instance: Instance, block: Flat) -> Rows:
    """Return the table of a block in an instance."""
    if not isinstance(block.table, str):
        return block.table
    name = block.table[1:]
    return instance.tables.get(name) or next(t.default for t in template.tables if t.name == name)


def tick_of(template: GraphTemplate, tick: int) -> int:
    """Return how often a model is evaluated [µs] in a partition of `tick` [µs]."""
    return round(template.every * 1_000_000) or tick


def to_ticks(seconds: float, tick: int) -> int:
    """Return a duration in ticks of `tick` µs, rounded up."""
    return -(-round(seconds * 1_000_000) // tick)


# --- signals ----------------------------------------------------------------------------------------------------------


def signals(template: GraphTemplate, library: Library) -> dict[str, Signal]:
    """Return every signal of a template that has a known kind: constants, ports, blocks and their outputs. A template with
    problems gives what can be said of it."""
    found = {name: Signal("bool", "") for name in ("false", "true")} | {"nothing": Signal("value", None)}
    found |= {f"{PORT_PREFIX}{p.name}": Signal(p.kind, _here(p.unit)) for p in template.ports}
    nodes = {n.id: n for n in template.blocks}
    levels, left = levels_of(node_reads(template))
    for name in (*sorted(levels, key=lambda n: levels[n]), *sorted(left)):
        outputs = list(_outputs(nodes[name], library, found))
        if outputs:
            found[name] = outputs[0][1]
        if len(outputs) > 1 or nodes[name].graph:
            found |= {f"{name}.{output}": signal for output, signal in outputs}
    return found


def _outputs(node: BlockNode, library: Library, found: Mapping[str, Signal]) -> Iterator[tuple[str, Signal]]:
    if node.graph:
        template = find_template(node.graph, library)
        if template is not None and template.code not in _within(template, library):
            inside = signals(template, library)
            for output in template.outputs:
                kind = inside[output.source].kind if output.source in inside else "value"
                yield output.name, Signal(kind, unit_of(output.unit, node, found))
    elif spec := catalogue.find(node.op):
        for declared in spec.outputs:
            unit = _here(node.unit) if declared.unit == "given" else unit_of(declared.unit, node, found)
            yield declared.name, Signal(declared.kind, unit)


def _here(unit: str) -> str | None:
    """Return a unit that is written in a template; None for any, and for that of a port (``unit(x)``), known only outside."""
    return None if UNIT_OF.search(unit) else unit or None


def _within(template: GraphTemplate, library: Library, seen: frozenset[str] = frozenset()) -> set[str]:
    """Return the codes of all templates inside a template."""
    inside: set[str] = set()
    for node in template.blocks:
        if node.graph and node.graph not in seen and (inner := find_template(node.graph, library)):
            inside |= {node.graph} | _within(inner, library, seen | {node.graph})
    return inside


def within(template: GraphTemplate, library: Library) -> set[str]:
    """Return the codes of the templates that stand in a template as blocks, and in those."""
    return _within(template, library)


def offered(template: GraphTemplate, library: Library) -> dict[str, Signal]:
    """Return what other models may read of a model: its conditions, its outputs, and every signal, by the name it goes by."""
    inside = {name: s for name, s in signals(template, library).items() if name not in CONSTANTS}
    outputs = {o.name: (inside[o.source], o.unit) for o in template.outputs if o.source in inside}
    named = {name: s if s.unit else Signal(s.kind, unit or s.unit) for name, (s, unit) in outputs.items()}
    return inside | named | {c.name: Signal("bool", "") for c in template.conditions}


def unit_of(unit: str, node: BlockNode, found: Mapping[str, Signal]) -> str | None:
    """Return a declared unit in which ``unit(x)`` stands for that of input x, ``delta(x)`` for that of differences of x; None if
    the unit of x is not known."""
    for how, name in UNIT_OF.findall(unit):
        read = found.get(node.inputs.get(name, ""))
        if read is None or read.unit is None:
            return None
        unit = unit.replace(f"{how}({name})", read.unit if how == "unit" else difference(read.unit))
    return f"1{unit}" if unit.startswith("/") else unit


def signal_units(template: GraphTemplate, library: Library) -> dict[str, str]:
    """Return the unit of every signal of a valid template: ports and blocks; ``""`` for booleans and where none can be said."""
    return {name: s.unit or "" for name, s in signals(template, library).items() if name not in CONSTANTS}


def all_instances(instances: Sequence[Instance], wanted: set[int]) -> set[int]:
    """Return the ids `wanted` and those of all instances they read, directly or through others."""
    by_id = {i.id: i for i in instances}
    found, left = set[int](), list(wanted)
    while left:
        one = left.pop()
        if one not in found and one in by_id:
            found.add(one)
            left += [b.instance for b in by_id[one].inputs.values() if b.signal]
    return found
