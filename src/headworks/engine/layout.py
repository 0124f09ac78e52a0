"""The tables of a compiled program: where each block reads, writes and keeps its state.

All models of a partition are laid out together: blocks sorted by (level, op), so that a group of equal blocks is one loop
with its parameters and state side by side. What the columns mean is said in :mod:`headworks.engine.codegen`.

Blocks that would do the same with the same signals are one block (a *lane*) that all their models share. Over history the
shared ones run first and keep their signals while the models run one after the other; a model's own signals lie in room that
the next model takes over.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from headworks.blocks import catalogue
from headworks.blocks.spec import TICK, BlockSpec
from headworks.blocks.template import GraphTemplate, Instance, Rows
from headworks.engine import codegen, graph
from headworks.engine.codegen import COLUMNS, CONSTANT_SLOTS, FIRST_SLOT, IN, LANES, MAX_INPUTS, OP
from headworks.engine.graph import FlatTemplate

I8 = NDArray[np.int64]
F8 = NDArray[np.float64]

LaneKey = tuple[int, str, str, tuple[float, ...], str]
"""Names a block: instance, block, op, parameters as the kernel has them, digest of its table."""
Signal = int
"""Where a signal comes from, in one number: see :func:`_signal`."""
CONSTANT, TAG, BLOCK = range(3)
MOST_OUTPUTS = 256
SHARED = -1


def _signal(kind: int, at: int, output: int = 0) -> Signal:
    """Return the signal of a constant (`at`: its slot), a tag (its column) or an output of a block (its lane)."""
    return (at * MOST_OUTPUTS + output) * 4 + kind


def _kind(signal: Signal) -> int:
    return signal % 4


def _at(signal: Signal) -> int:
    return signal // (4 * MOST_OUTPUTS)


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Everything the kernels read that does not change while a program runs.

    `lanes[k]` names block k after the first instance that has it; `owners` maps every (instance, block) to its lane.
    `first_floats` and `first_ints` are fresh F and I, `ring_size` the length of R, `rings` the blocks that have one, with the
    place of its head in I and the phase of its turns. `signals` has the slots of every (instance, signal).
    Stage 0 of `models` are the shared blocks, stage m + 1 those of instance m alone.
    """

    lanes: tuple[LaneKey, ...]
    owners: Mapping[tuple[int, str], int]
    groups: I8
    tab: I8
    lin: I8
    params: F8
    tables: F8
    first_floats: F8
    first_ints: I8
    ring_size: int
    rings: tuple[tuple[int, int, int], ...]
    used: I8
    models: I8
    member: I8
    live_slots: int
    history_slots: int
    signals: Signals


class Signals:
    """Where the signals of all instances are: ``signals[instance, name]`` is (slot live, slot in history)."""

    def __init__(self, found: Mapping[int, Mapping[str, Signal]], live: I8, late: I8, used: Mapping[int, int]) -> None:
        # `live` and `late` are the slots of the first output of each lane, `used` those that columns have in history.
        self._found, self._live, self._late, self._used = found, live, late, used

    def __getitem__(self, key: tuple[int, str]) -> tuple[int, int]:
        signal = self._found[key[0]][key[1]]
        at, output = _at(signal), signal // 4 % MOST_OUTPUTS
        if _kind(signal) == BLOCK:
            return int(self._live[at]) + output, int(self._late[at]) + output
        return (at, at) if _kind(signal) == CONSTANT else (FIRST_SLOT + at, self._used[at])

    def of(self, instance: int) -> Mapping[str, Signal]:
        """Return the signals of an instance, nothing if it is not here."""
        return self._found.get(instance, {})


@dataclass(frozen=True, slots=True)
class _Step:
    """A block as all instances of equal parameters and tables have it. `what` numbers op, parameters and table; `outputs`: what
    each of several is called."""

    id: str
    spec: BlockSpec
    params: tuple[float, ...]
    rows: Rows
    table: str
    what: int
    reads: tuple[str, ...] = ()
    outputs: tuple[tuple[str, int], ...] = ()


@dataclass(slots=True)
class _Lane:
    """A block that runs. `first` is the instance that it is named after, `owner` the only one that has it, or SHARED."""

    step: _Step
    first: int
    owner: int
    reads: tuple[Signal, ...]
    level: int
    roots: frozenset[int]

    @property
    def key(self) -> LaneKey:
        return self.first, self.step.id, self.step.spec.op, self.step.params, self.step.table


@dataclass(frozen=True, slots=True)
class _Recipe:
    """The steps of a template with its parameters, and what else its signals are called."""

    steps: tuple[_Step, ...]
    names: tuple[tuple[str, str], ...]


class _Builder:
    """Lays one instance after the other; finds what is there already."""

    def __init__(self, column: Mapping[int, int], tick: int) -> None:
        self.column, self.tick = column, tick
        self.lanes: list[_Lane] = []
        self.found: dict[tuple[int, tuple[Signal, ...]], int] = {}
        self.numbers: dict[tuple[object, ...], int] = {}
        self.owners: dict[tuple[int, str], int] = {}
        self.signals: dict[int, dict[str, Signal]] = {}
        self.tags: dict[Signal, frozenset[int]] = {}
        self.recipes: dict[tuple[object, ...], _Recipe] = {}

    def add(self, template: GraphTemplate, flat: FlatTemplate, instance: Instance) -> None:
        recipe = self._recipe(template, flat, instance)
        ports = {f"{graph.PORT_PREFIX}{p.name}": self._port(instance, p.name) for p in template.ports}
        mine = {name: _signal(CONSTANT, slot) for name, slot in CONSTANT_SLOTS.items()} | ports
        for step in recipe.steps:
            k = self._lane(instance.id, step, tuple([mine[s] for s in step.reads]))
            mine[step.id] = _signal(BLOCK, k)
            for name, n in step.outputs:
                mine[name] = _signal(BLOCK, k, n)
        for name, inside in recipe.names:
            mine[name] = mine[inside]
        for name in graph.CONSTANTS:
            del mine[name]
        self.signals[instance.id] = mine

    def _recipe(self, template: GraphTemplate, flat: FlatTemplate, instance: Instance) -> _Recipe:
        given = tuple(sorted(instance.params.items())), tuple(sorted(instance.tables.items()))
        known = self.recipes.get((template.code, *given))
        if known is not None:
            return known
        steps = []
        for block in flat.blocks:
            values = graph.resolve(template, instance, block) | {TICK: self.tick / 1e6}
            params = tuple(_for_kernel(block.spec, name, values[name], self.tick) for name in block.spec.kernel_params)
            rows = graph.resolve_table(template, instance, block)
            outputs = block.spec.outputs if len(block.spec.outputs) > 1 else ()
            named = tuple((f"{block.id}.{output.name}", n) for n, output in enumerate(outputs))
            steps.append(self._step(block.id, block.spec, params, rows, block.reads, named))
        names = list(flat.names.items())
        names += [(f"condition:{c.name}", c.source) for c in template.conditions]
        names += [(f"output:{o.name}", o.source) for o in template.outputs]
        recipe = self.recipes[template.code, *given] = _Recipe(tuple(steps), tuple(names))
        return recipe

    def _step(
        self,
        block: str,
        spec: BlockSpec,
        params: tuple[float, ...],
        rows: Rows = (),
        reads: tuple[str, ...] = (),
        outputs: tuple[tuple[str, int], ...] = (),
    ) -> _Step:
        table = table_digest(rows)
        what = self.numbers.setdefault((spec.op, params, table), len(self.numbers))
        return _Step(block, spec, params, rows, table, what, reads, outputs)

    def _port(self, instance: Instance, port: str) -> Signal:
        binding = instance.inputs[port]
        if binding.signal:
            there = self.signals[binding.instance]
            source = there[linked(there, binding.signal)]
        else:
            source = _signal(TAG, self.column[binding.tag])
            self.tags[source] = frozenset([binding.tag])
        if (binding.gain, binding.offset) == (1.0, 0.0):
            return source
        params = (binding.gain, binding.offset)
        load = self._step(f"{graph.PORT_PREFIX}{port}", catalogue.get("load"), params)
        return _signal(BLOCK, self._lane(instance.id, load, (source,)))

    def _lane(self, owner: int, step: _Step, reads: tuple[Signal, ...]) -> int:
        what = (step.what, reads)
        k = self.found.get(what)
        if k is None:
            k = self.found[what] = len(self.lanes)
            before = [self.lanes[_at(s)] for s in reads if s % 4 == BLOCK]
            level = 1 + max([lane.level for lane in before], default=0)
            roots = [lane.roots for lane in before] + [self.tags[s] for s in reads if s % 4 == TAG]
            self.lanes.append(_Lane(step, owner, owner, reads, level, _union(roots)))
        elif self.lanes[k].owner != owner:
            self.lanes[k].owner = SHARED
        self.owners[owner, step.id] = k
        return k

    def share(self) -> None:
        """Mark as shared what is read from another model, and all that comes before it."""
        for k in reversed(range(len(self.lanes))):
            reader = self.lanes[k]
            for s in reader.reads:
                if _kind(s) == BLOCK and self.lanes[_at(s)].owner != reader.owner:
                    self.lanes[_at(s)].owner = SHARED


def _union(some: Sequence[frozenset[int]]) -> frozenset[int]:
    """Return the union; where all are the same set, that one: most blocks come from the same tags as what they read."""
    return some[0] if some and all(s is some[0] for s in some) else frozenset().union(*some)


def linked(signals: Container[str], name: str) -> str:
    """Return what a link to `name` of an instance reads: a condition or output of that name, else a signal."""
    return next((n for n in (f"condition:{name}", f"output:{name}") if n in signals), name)


def table_digest(rows: Rows) -> str:
    return hashlib.sha256(repr(rows).encode()).hexdigest()[:16] if rows else ""


def build(
    templates: Mapping[str, tuple[GraphTemplate, FlatTemplate]],
    instances: Sequence[Instance],
    column: Mapping[int, int],
    ops: Sequence[str],
    tick: int,
) -> Layout:
    """Lay out `instances`, each after those it reads. `column` maps tag ids to columns of the rows, `ops` is the op of each
    number."""
    builder = _Builder(column, tick)
    for instance in instances:
        builder.add(*templates[instance.template], instance)
    builder.share()
    return _tables(builder, [i.id for i in instances], len(column), {op: i for i, op in enumerate(ops)})


def _for_kernel(spec: BlockSpec, name: str, value: float, tick: int) -> float:
    param = next((p for p in spec.params if p.name == name), None)
    if param is None or param.form != "ticks":
        return value
    least = 1 if param.low > 0 else 0
    if spec.ring and spec.ring.window == name:
        least = spec.ring.least
    return float(max(graph.to_ticks(value, tick), least))


def _phase(lane: _Lane) -> int:
    # Rings of one length would all be summed anew at the same tick; the tags they come from spread them. Not the name of the
    # block: it may come to share its lane with another, and go on.
    return zlib.crc32(repr((lane.step.spec.op, lane.step.params, sorted(lane.roots))).encode())


def _tables(builder: _Builder, instances: Sequence[int], columns: int, number: Mapping[str, int]) -> Layout:
    lanes = builder.lanes
    n = len(lanes)
    keys = np.array([(lane.level, number[lane.step.spec.op]) for lane in lanes], np.int64).reshape(n, 2)
    by_group = np.lexsort((np.arange(n), keys[:, 1], keys[:, 0]))
    rank = np.empty(n, np.int64)
    rank[by_group] = np.arange(n)
    sorted_lanes = [lanes[k] for k in by_group]
    groups = _groups(keys[by_group])
    tab, lin = np.zeros((COLUMNS, n), np.int64), np.zeros((MAX_INPUTS, n), np.int64)
    tab[OP] = keys[by_group, 1]
    outputs = np.array([len(lane.step.spec.outputs) for lane in sorted_lanes], np.int64)
    tab[codegen.S] = FIRST_SLOT + columns + np.r_[0, np.cumsum(outputs)][:n]
    used = sorted(_at(s) for s in builder.tags)
    models, member, history_slots = _stages(sorted_lanes, instances, tab, len(used))
    used_at = {c: FIRST_SLOT + i for i, c in enumerate(used)}
    _wire(sorted_lanes, rank, used, tab, lin)
    params, floats, ints, tables, ring_size, rings = _place(sorted_lanes, groups, tab)
    return Layout(
        lanes=tuple(lane.key for lane in sorted_lanes),
        owners=dict(zip(builder.owners, rank[list(builder.owners.values())].tolist(), strict=True)),
        groups=groups,
        tab=tab,
        lin=lin,
        params=params,
        tables=tables,
        first_floats=floats,
        first_ints=ints,
        ring_size=ring_size,
        rings=rings,
        used=np.array(used, np.int64),
        models=models,
        member=member,
        live_slots=FIRST_SLOT + columns + int(outputs.sum()),
        history_slots=history_slots,
        signals=Signals(builder.signals, tab[codegen.S, rank], tab[codegen.L, rank], used_at),
    )


def _wire(lanes: Sequence[_Lane], rank: I8, used: Sequence[int], tab: I8, lin: I8) -> None:
    """Fill in the slots that the blocks read, live and in history."""
    counts = np.array([len(lane.reads) for lane in lanes], np.int64)
    reads = np.fromiter(chain.from_iterable(lane.reads for lane in lanes), np.int64, int(counts.sum()))
    lane = np.repeat(np.arange(len(lanes)), counts)
    place = np.arange(len(reads)) - np.repeat(np.cumsum(counts) - counts, counts)
    kind, at, output = reads % 4, reads // (4 * MOST_OUTPUTS), reads // 4 % MOST_OUTPUTS
    live, late = at.copy(), at.copy()
    tags, blocks = kind == TAG, kind == BLOCK
    live[tags] = FIRST_SLOT + at[tags]
    late[tags] = FIRST_SLOT + np.searchsorted(used, at[tags])
    source = rank[at[blocks]]
    live[blocks], late[blocks] = tab[codegen.S, source] + output[blocks], tab[codegen.L, source] + output[blocks]
    tab[IN + place, lane], lin[place, lane] = live, late


def _stages(lanes: Sequence[_Lane], instances: Sequence[int], tab: I8, used: int) -> tuple[I8, I8, int]:
    """Give every output its slot in history; return where each stage begins, the lanes of all stages, and the slots needed."""
    number = {owner: m for m, owner in enumerate((SHARED, *instances))}
    stage = np.array([number[lane.owner] for lane in lanes], np.int64)
    member = np.argsort(stage, kind="stable")  # lanes are sorted by level: each after those it reads
    models = np.searchsorted(stage[member], np.arange(len(number) + 1)).astype(np.int64)
    outputs = np.array([len(lanes[k].step.spec.outputs) for k in member], np.int64)
    at = np.r_[0, np.cumsum(outputs)].astype(np.int64)
    sizes = np.diff(at[models])  # slots of each stage
    first = FIRST_SLOT + used + np.where(np.arange(len(sizes)) > 0, sizes[0], 0)
    tab[codegen.L, member] = at[:-1] - np.repeat(at[models[:-1]] - first, np.diff(models))
    return models, member, int((first + sizes).max())


def _groups(keys: I8) -> I8:
    """Return op, first and end of each run of equal keys."""
    n = len(keys)
    if n == 0:
        return np.zeros((3, 0), np.int64)
    first = np.flatnonzero(np.r_[True, np.any(keys[1:] != keys[:-1], axis=1)])
    return np.array([keys[first, 1], first, np.r_[first[1:], n]], np.int64)


def _place(lanes: Sequence[_Lane], groups: I8, tab: I8) -> tuple[F8, F8, I8, F8, int, tuple[tuple[int, int, int], ...]]:
    """Give every block its places in P, F, I, R and D; return P, fresh F and I, D, the length of R, and the rings."""
    params: list[F8] = []
    floats: list[F8] = []
    ints: list[I8] = []
    taken: list[list[F8] | list[I8]] = [params, floats, ints]
    sizes = [0, 0, 0]
    ring_size, rings = 0, []
    tables: dict[str, int] = {}
    numbers: list[float] = []
    for _, first, end in groups.T:
        spec, count = lanes[first].step.spec, int(end - first)
        tab[LANES, first:end] = count
        for table, row in enumerate((codegen.P, codegen.F, codegen.I)):
            tab[row, first:end] = sizes[table] + np.arange(count)
        params.append(np.array([lanes[k].step.params for k in range(first, end)], float).reshape(count, -1).T.ravel())
        floats.append(np.repeat([s.start for s in spec.floats], count).astype(float))
        ints.append(np.repeat([s.start for s in spec.ints], count).astype(np.int64))
        for k in range(int(first), int(end)) if spec.ring or spec.table else ():
            if spec.ring:
                length = int(lanes[k].step.params[spec.param_names.index(spec.ring.window)])
                tab[codegen.R, k], tab[codegen.W, k] = ring_size, length
                rings.append((k, int(tab[codegen.I, k]) + (len(spec.ints) - 1) * count, _phase(lanes[k])))
                ring_size += length * spec.ring.width
            if rows := lanes[k].step.rows:
                if (digest := lanes[k].step.table) not in tables:
                    tables[digest] = len(numbers)
                    numbers += chain.from_iterable(rows)
                tab[codegen.D, k], tab[codegen.ROWS, k], tab[codegen.WIDTH, k] = tables[digest], len(rows), len(rows[0])
        sizes = [size + len(part[-1]) for size, part in zip(sizes, taken, strict=True)]
    return (
        np.concatenate([*params, np.zeros(0)]),
        np.concatenate([*floats, np.zeros(0)]),
        np.concatenate([*ints, np.zeros(0, np.int64)]),
        np.array(numbers, float),
        ring_size,
        tuple(rings),
    )
