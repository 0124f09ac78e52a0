"""The tables of a compiled program: where each block reads, writes and keeps its state.

All models of a partition are laid out together: blocks sorted by (level, op), so that a group of equal blocks is one loop
with its parameters and state side by side. What the columns mean is said in :mod:`headworks.engine.codegen`.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headworks.blocks import catalogue
from headworks.blocks.spec import TICK, BlockSpec
from headworks.blocks.template import GraphTemplate, Instance
from headworks.engine import codegen, graph
from headworks.engine.codegen import COLUMNS, FALSE_SLOT, FIRST_SLOT, IN, LANES, MAX_INPUTS, OP, TRUE_SLOT

I8 = NDArray[np.int64]
F8 = NDArray[np.float64]

LaneKey = tuple[int, str, str, tuple[float, ...]]


@dataclass(frozen=True, slots=True)
class Node:
    """A block of a template, in the order it runs. `reads`: earlier nodes (>= 0), constants (-1 false, -2 true), or the tag
    of a port (level 0)."""

    id: str
    spec: BlockSpec
    level: int
    reads: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Model:
    """A template in running order; the first nodes are its ports."""

    template: GraphTemplate
    nodes: tuple[Node, ...]
    index: Mapping[str, int]


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Everything the kernels read that does not change while a program runs.

    `lanes[k]` names block k: (instance, block, op, parameters in ticks). `first_state` are fresh F and I, `ring_size` the
    length of R, `rings` the blocks that have one, with the place of its head in I.
    """

    lanes: tuple[LaneKey, ...]
    groups: I8
    tab: I8
    lin: I8
    params: F8
    first_floats: F8
    first_ints: I8
    ring_size: int
    rings: tuple[tuple[int, int, int], ...]
    used: I8
    models: I8
    member: I8
    deepest: int
    block_of: Mapping[tuple[int, str], int]


def arrange(template: GraphTemplate) -> Model:
    """Return a checked template in running order."""
    load = catalogue.get("load")
    nodes = [Node(f"{graph.PORT_PREFIX}{p.name}", load, 0, ()) for p in template.ports]
    index = {n.id: i for i, n in enumerate(nodes)} | {"false": -1, "true": -2}
    for block, level in graph.order(template):
        spec = catalogue.get(block.op)
        # An input that is not wired exists only where there may be many of one kind: it reads a constant.
        wired = zip(spec.input_names, spec.unwired, strict=True)
        reads = tuple(index[block.inputs.get(name, constant)] for name, constant in wired)
        index[block.id] = len(nodes)
        nodes.append(Node(block.id, spec, level, reads))
    return Model(template, tuple(nodes), index)


def build(
    models: Mapping[str, Model], instances: Sequence[Instance], column: Mapping[int, int], ops: Sequence[str], tick: int
) -> Layout:
    """Lay out `instances` (sorted by id). `column` maps tag ids to columns of the rows, `ops` is the op of each number."""
    number = {op: i for i, op in enumerate(ops)}
    lanes: list[LaneKey] = []
    sort_keys: list[tuple[int, int]] = []
    local: list[int] = []
    reads: list[tuple[int, ...]] = []
    starts = [0]
    for instance in instances:
        model = models[instance.template]
        blocks = {b.id: b for b in model.template.blocks}
        base = len(lanes)
        for i, node in enumerate(model.nodes):
            if node.level == 0:
                binding = instance.inputs[node.id.removeprefix(graph.PORT_PREFIX)]
                values: tuple[float, ...] = (binding.gain, binding.offset)
                reads.append((column[binding.tag],))
            else:
                resolved = graph.resolve(model.template, instance, blocks[node.id])
                resolved[TICK] = tick / 1e6
                values = tuple(_for_kernel(node.spec, name, resolved[name], tick) for name in node.spec.kernel_params)
                reads.append(tuple(r if r < 0 else base + r for r in node.reads))
            lanes.append((instance.id, node.id, node.spec.op, values))
            sort_keys.append((node.level, number[node.spec.op]))
            local.append(i)
        starts.append(len(lanes))
    return _tables(lanes, sort_keys, local, reads, starts, len(column), ops)


def _for_kernel(spec: BlockSpec, name: str, value: float, tick: int) -> float:
    param = next((p for p in spec.params if p.name == name), None)
    if param is None or param.form != "ticks":
        return value
    least = 1 if param.low > 0 else 0
    if spec.ring and spec.ring.window == name:
        least = spec.ring.least
    return float(max(graph.to_ticks(value, tick), least))


def _tables(
    lanes: list[LaneKey],
    sort_keys: list[tuple[int, int]],
    local: list[int],
    reads: list[tuple[int, ...]],
    starts: list[int],
    columns: int,
    ops: Sequence[str],
) -> Layout:
    n = len(lanes)
    keys = np.array(sort_keys, np.int64).reshape(n, 2)
    by_group = np.lexsort((np.arange(n), keys[:, 1], keys[:, 0]))
    rank = np.empty(n, np.int64)
    rank[by_group] = np.arange(n)
    used = sorted({reads[k][0] for k in range(n) if keys[k, 0] == 0})
    used_at = {c: i for i, c in enumerate(used)}
    tab, lin = np.zeros((COLUMNS, n), np.int64), np.zeros((MAX_INPUTS, n), np.int64)
    constant = {-1: FALSE_SLOT, -2: TRUE_SLOT}
    for k in range(n):
        at = rank[k]
        for i, r in enumerate(reads[k]):
            if keys[k, 0] == 0:
                tab[IN + i, at], lin[i, at] = FIRST_SLOT + r, used_at[r]
            elif r < 0:
                tab[IN + i, at] = lin[i, at] = constant[r]
            else:
                tab[IN + i, at], lin[i, at] = FIRST_SLOT + columns + rank[r], FIRST_SLOT + local[r]
    named = tuple(lanes[k] for k in by_group)
    groups = _groups(keys[by_group])
    tab[OP] = keys[by_group, 1]
    params, floats, ints, ring_size, rings = _place(named, groups, tab, ops)
    sizes = np.diff(starts)
    return Layout(
        lanes=named,
        groups=groups,
        tab=tab,
        lin=lin,
        params=params,
        first_floats=floats,
        first_ints=ints,
        ring_size=ring_size,
        rings=rings,
        used=np.array(used, np.int64),
        models=np.array(starts, np.int64),
        member=rank,
        deepest=int(sizes.max()) if len(sizes) else 0,
        block_of={(key[0], key[1]): k for k, key in enumerate(named)},
    )


def _groups(keys: I8) -> I8:
    """Return op, first and end of each run of equal keys."""
    n = len(keys)
    if n == 0:
        return np.zeros((3, 0), np.int64)
    first = np.flatnonzero(np.r_[True, np.any(keys[1:] != keys[:-1], axis=1)])
    return np.array([keys[first, 1], first, np.r_[first[1:], n]], np.int64)


def _place(
    lanes: Sequence[LaneKey], groups: I8, tab: I8, ops: Sequence[str]
) -> tuple[F8, F8, I8, int, tuple[tuple[int, int, int], ...]]:
    """Give every block its places in P, F, I and R; return P, fresh F and I, the length of R, and the rings."""
    params: list[F8] = []
    floats: list[F8] = []
    ints: list[I8] = []
    taken: list[list[F8] | list[I8]] = [params, floats, ints]
    sizes = [0, 0, 0]
    ring_size, rings = 0, []
    for op, first, end in groups.T:
        spec, count = catalogue.get(ops[op]), int(end - first)
        tab[LANES, first:end] = count
        for table, row in enumerate((codegen.P, codegen.F, codegen.I)):
            tab[row, first:end] = sizes[table] + np.arange(count)
        params.append(np.array([lanes[k][3] for k in range(first, end)], float).reshape(count, -1).T.ravel())
        floats.append(np.repeat([s.start for s in spec.floats], count).astype(float))
        ints.append(np.repeat([s.start for s in spec.ints], count).astype(np.int64))
        if spec.ring:
            window = spec.param_names.index(spec.ring.window)
            for k in range(int(first), int(end)):
                length = int(lanes[k][3][window])
                tab[codegen.R, k], tab[codegen.W, k] = ring_size, length
                rings.append((k, int(tab[codegen.I, k]) + (len(spec.ints) - 1) * count, _phase(lanes[k])))
                ring_size += length
        sizes = [size + len(part[-1]) for size, part in zip(sizes, taken, strict=True)]
    return (
        np.concatenate([*params, np.zeros(0)]),
        np.concatenate([*floats, np.zeros(0)]),
        np.concatenate([*ints, np.zeros(0, np.int64)]),
        ring_size,
        tuple(rings),
    )


def _phase(lane: LaneKey) -> int:
    # Rings of one length would all be summed anew at the same tick; the name of the block spreads them.
    return zlib.crc32(f"{lane[0]}/{lane[1]}".encode())
