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
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

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
Signal = tuple[str, int, int]
"""Where a signal comes from: ("tag", column, 0), ("block", lane, output) or ("constant", slot, 0)."""
SHARED = -1


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Everything the kernels read that does not change while a program runs.

    `lanes[k]` names block k after the first instance that has it; `owners` maps every (instance, block) to its lane.
    `first_floats` and `first_ints` are fresh F and I, `ring_size` the length of R, `rings` the blocks that have one, with the
    place of its head in I and the phase of its turns. `signals` maps (instance, signal) to (slot live, slot in history).
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
    signals: Mapping[tuple[int, str], tuple[int, int]]


@dataclass(slots=True)
class _Lane:
    key: LaneKey
    spec: BlockSpec
    reads: tuple[Signal, ...]
    level: int
    owner: int
    phase: int
    rows: Rows


class _Builder:
    """Lays one instance after the other; finds what is there already."""

    def __init__(self, column: Mapping[int, int], tick: int) -> None:
        self.column, self.tick = column, tick
        self.lanes: list[_Lane] = []
        self.found: dict[tuple[object, ...], int] = {}
        self.owners: dict[tuple[int, str], int] = {}
        self.signals: dict[tuple[int, str], Signal] = {}
        self.roots: dict[Signal, frozenset[int]] = {}

    def add(self, template: GraphTemplate, flat: FlatTemplate, instance: Instance) -> None:
        mine: dict[str, Signal] = {name: ("constant", slot, 0) for name, slot in CONSTANT_SLOTS.items()}
        for port in template.ports:
            mine[f"{graph.PORT_PREFIX}{port.name}"] = self._port(instance, port.name)
        for block in flat.blocks:
            values = graph.resolve(template, instance, block) | {TICK: self.tick / 1e6}
            params = tuple(_for_kernel(block.spec, name, values[name], self.tick) for name in block.spec.kernel_params)
            rows = graph.resolve_table(template, instance, block)
            k = self._lane(instance.id, block.id, block.spec, params, rows, tuple(mine[s] for s in block.reads))
            mine[block.id] = ("block", k, 0)
            for n, output in enumerate(block.spec.outputs if len(block.spec.outputs) > 1 else ()):
                mine[f"{block.id}.{output.name}"] = ("block", k, n)
        mine |= {name: mine[inside] for name, inside in flat.names.items()}
        self.signals |= {(instance.id, name): s for name, s in mine.items() if name not in graph.CONSTANTS}
        self.signals |= {(instance.id, f"condition:{c.name}"): mine[c.source] for c in template.conditions}
        self.signals |= {(instance.id, f"output:{o.name}"): mine[o.source] for o in template.outputs}

    def _port(self, instance: Instance, port: str) -> Signal:
        binding = instance.inputs[port]
        if binding.signal:
            source = self.signals[binding.instance, linked(self.signals, binding.instance, binding.signal)]
        else:
            source = ("tag", self.column[binding.tag], 0)
            self.roots[source] = frozenset([binding.tag])
        if (binding.gain, binding.offset) == (1.0, 0.0):
            return source
        name = f"{graph.PORT_PREFIX}{port}"
        params = (binding.gain, binding.offset)
        return ("block", self._lane(instance.id, name, catalogue.get("load"), params, (), (source,)), 0)

    def _lane(
        self, owner: int, name: str, spec: BlockSpec, params: tuple[float, ...], rows: Rows, reads: tuple[Signal, ...]
    ) -> int:
        what = (spec.op, params, rows, reads)
        k = self.found.get(what)
        if k is None:
            k = self.found[what] = len(self.lanes)
            level = 1 + max((self.lanes[s[1]].level for s in reads if s[0] == "block"), default=0)
            roots = frozenset(chain.from_iterable(self.roots.get(s, ()) for s in reads))
            self.roots |= {("block", k, n): roots for n in range(len(spec.outputs))}
            key = (owner, name, spec.op, params, table_digest(rows))
            self.lanes.append(_Lane(key, spec, reads, level, owner, _phase(spec, params, roots), rows))
        lane = self.lanes[k]
        if lane.owner != owner:
            lane.owner = SHARED
        self.owners[owner, name] = k
        return k

    def share(self) -> None:
        """Mark as shared what is read from another model, and all that comes before it."""
        for k in reversed(range(len(self.lanes))):
            reader = self.lanes[k]
            for kind, at, _ in reader.reads:
                if kind == "block" and self.lanes[at].owner != reader.owner:
                    self.lanes[at].owner = SHARED


def linked(signals: Mapping[tuple[int, str], Any], instance: int, name: str) -> str:
    """Return what a link to `name` of an instance reads: a condition or output of that name, else a signal."""
    return next((n for n in (f"condition:{name}", f"output:{name}") if (instance, n) in signals), name)


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


def _phase(spec: BlockSpec, params: tuple[float, ...], roots: frozenset[int]) -> int:
    # Rings of one length would all be summed anew at the same tick; the tags they come from spread them. Not the name of the
    # block: it may come to share its lane with another, and go on.
    return zlib.crc32(repr((spec.op, params, sorted(roots))).encode()) if spec.ring else 0


def _tables(builder: _Builder, instances: Sequence[int], columns: int, number: Mapping[str, int]) -> Layout:
    lanes = builder.lanes
    n = len(lanes)
    keys = np.array([(lane.level, number[lane.spec.op]) for lane in lanes], np.int64).reshape(n, 2)
    by_group = np.lexsort((np.arange(n), keys[:, 1], keys[:, 0]))
    rank = np.empty(n, np.int64)
    rank[by_group] = np.arange(n)
    sorted_lanes = [lanes[k] for k in by_group]
    groups = _groups(keys[by_group])
    tab, lin = np.zeros((COLUMNS, n), np.int64), np.zeros((MAX_INPUTS, n), np.int64)
    tab[OP] = keys[by_group, 1]
    outputs = np.array([len(lane.spec.outputs) for lane in sorted_lanes], np.int64)
    tab[codegen.S] = FIRST_SLOT + columns + np.r_[0, np.cumsum(outputs)][:n]
    wanted = [s[1] for s in builder.signals.values() if s[0] == "tag"]
    wanted += [s[1] for lane in lanes for s in lane.reads if s[0] == "tag"]
    used = sorted(set(wanted))
    models, member, history_slots = _stages(sorted_lanes, instances, tab, len(used))
    used_at = {c: FIRST_SLOT + i for i, c in enumerate(used)}

    def slots(signal: Signal) -> tuple[int, int]:
        kind, at, output = signal
        if kind == "block":
            k = int(rank[at])
            return int(tab[codegen.S, k]) + output, int(tab[codegen.L, k]) + output
        return (at, at) if kind == "constant" else (FIRST_SLOT + at, used_at[at])

    for k, lane in enumerate(sorted_lanes):
        for i, read in enumerate(lane.reads):
            tab[IN + i, k], lin[i, k] = slots(read)
    params, floats, ints, tables, ring_size, rings = _place(sorted_lanes, groups, tab)
    return Layout(
        lanes=tuple(lane.key for lane in sorted_lanes),
        owners={owner: int(rank[k]) for owner, k in builder.owners.items()},
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
        signals={name: slots(s) for name, s in builder.signals.items()},
    )


def _stages(lanes: Sequence[_Lane], instances: Sequence[int], tab: I8, used: int) -> tuple[I8, I8, int]:
    """Give every output its slot in history; return where each stage begins, the lanes of all stages, and the slots needed."""
    stages: dict[int, list[int]] = {owner: [] for owner in (SHARED, *instances)}
    for k, lane in enumerate(lanes):  # sorted by level: each after those it reads
        stages[lane.owner].append(k)
    first = FIRST_SLOT + used
    deepest = 0
    for owner, stage in stages.items():
        at = first
        for k in stage:
            tab[codegen.L, k] = at
            at += len(lanes[k].spec.outputs)
        if owner == SHARED:
            first = at
        deepest = max(deepest, at)
    models = np.r_[0, np.cumsum([len(stage) for stage in stages.values()])].astype(np.int64)
    return models, np.array([k for stage in stages.values() for k in stage], np.int64), deepest


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
    tables: dict[Rows, int] = {}
    table_size = 0
    for _, first, end in groups.T:
        spec, count = lanes[first].spec, int(end - first)
        tab[LANES, first:end] = count
        for table, row in enumerate((codegen.P, codegen.F, codegen.I)):
            tab[row, first:end] = sizes[table] + np.arange(count)
        params.append(np.array([lanes[k].key[3] for k in range(first, end)], float).reshape(count, -1).T.ravel())
        floats.append(np.repeat([s.start for s in spec.floats], count).astype(float))
        ints.append(np.repeat([s.start for s in spec.ints], count).astype(np.int64))
        for k in range(int(first), int(end)):
            if spec.ring:
                length = int(lanes[k].key[3][spec.param_names.index(spec.ring.window)])
                tab[codegen.R, k], tab[codegen.W, k] = ring_size, length
                rings.append((k, int(tab[codegen.I, k]) + (len(spec.ints) - 1) * count, lanes[k].phase))
                ring_size += length * spec.ring.width
            if rows := lanes[k].rows:
                if rows not in tables:
                    tables[rows] = table_size
                    table_size += len(rows) * len(rows[0])
                tab[codegen.D, k], tab[codegen.ROWS, k], tab[codegen.WIDTH, k] = tables[rows], len(rows), len(rows[0])
        sizes = [size + len(part[-1]) for size, part in zip(sizes, taken, strict=True)]
    numbers = list(chain.from_iterable(chain.from_iterable(tables)))
    return (
        np.concatenate([*params, np.zeros(0)]),
        np.concatenate([*floats, np.zeros(0)]),
        np.concatenate([*ints, np.zeros(0, np.int64)]),
        np.array(numbers, float),
        ring_size,
        tuple(rings),
    )
