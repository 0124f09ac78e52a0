"""A compiled program: all models of a partition, run live, over history, and (for tests) by an independent oracle.

`step`, `run` and any mixture of them, in any chunks, with an export and restore anywhere between, give the same values,
statuses and edges bit for bit. `oracle` gives the same booleans, and values that agree to rounding.

Blocks have memory only of consecutive ticks: after a gap in the ticks every block starts fresh. Conditions do not: they
hold what they were until a definite value says otherwise.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from headworks.base.errors import Fault
from headworks.base.status import BAD_NO_DATA
from headworks.blocks import catalogue
from headworks.blocks.template import GraphTemplate, Instance
from headworks.engine import codegen, graph, kernels, layout
from headworks.engine.layout import LaneKey, Layout
from headworks.engine.oracle import OracleState, evaluate

CHUNK = 1024
_STATE_VERSION = 1

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]
U4 = NDArray[np.uint32]


class Edge(NamedTuple):
    """A condition changed at a tick. `value`: its evidence signal, NaN if it names none; `status`: that of its source."""

    instance: int
    condition: str
    tick: int
    transition: str
    value: float
    status: int


@dataclass(frozen=True, slots=True, eq=False)
class StepResult:
    """What rows gave rise to: calculated tags u32[m], their values f64[k, m] and statuses u32[k, m], and edges by tick."""

    calc_tags: U4
    calc_value: F8
    calc_status: U4
    edges: list[Edge]


class _Export(msgspec.Struct, frozen=True, array_like=True):
    version: int
    program: str
    last_tick: int | None
    floats: bytes
    ints: bytes
    ring: bytes
    edge: bytes
    fresh: bytes
    live: tuple[int | None, bytes, bytes] = (None, b"", b"")


class State:
    """What the blocks and conditions of one program remember. Used by one thread at a time."""

    def __init__(self, program: Program) -> None:
        plan = program.layout
        self.program_digest = program.digest
        self.floats, self.ints = plan.first_floats.copy(), plan.first_ints.copy()
        self.ring = np.full(plan.ring_size, np.nan)
        self.edge = np.zeros(len(program.conditions), np.int64)
        self.fresh = np.ones(len(plan.lanes), np.bool_)
        self.last_tick: int | None = None
        self.live_tick: int | None = None
        slots = codegen.FIRST_SLOT + program.columns + len(plan.lanes)
        self.live_value, self.live_status = np.zeros(slots), np.zeros(slots, np.uint32)
        self.live_value[codegen.TRUE_SLOT] = 1.0
        self._history: tuple[F8, U4, F8, U4] | None = None

    def history_scratch(self, plan: Layout) -> tuple[F8, U4, F8, U4]:
        """Return room for one chunk of history: tags, then the signals of one instance."""
        if self._history is None:
            tags, slots = max(len(plan.used), 1), codegen.FIRST_SLOT + plan.deepest
            self._history = (
                np.empty((tags, CHUNK)),
                np.empty((tags, CHUNK), np.uint32),
                np.zeros((slots, CHUNK)),
                np.zeros((slots, CHUNK), np.uint32),
            )
            self._history[2][codegen.TRUE_SLOT] = 1.0
        return self._history

    def export(self) -> bytes:
        """Return everything this state remembers."""
        seen = self.live_tick is not None
        return msgspec.msgpack.encode(
            _Export(
                _STATE_VERSION,
                self.program_digest,
                self.last_tick,
                self.floats.tobytes(),
                self.ints.tobytes(),
                self.ring.tobytes(),
                self.edge.astype(np.uint8).tobytes(),
                self.fresh.tobytes(),
                (
                    self.live_tick,
                    self.live_value.tobytes() if seen else b"",
                    self.live_status.tobytes() if seen else b"",
                ),
            )
        )


@dataclass(frozen=True, slots=True)
class _Watch:
    """A condition: who it belongs to, and the blocks it reads (`value` -1: none)."""

    instance: int
    name: str
    source: int
    value: int


class Program:
    """All models of a partition, compiled. Immutable; threads may share it, each with its own state.

    Attributes
    ----------
    tags : u32[n], the columns of the rows it takes
    tick : [µs]
    calc_tags : u32[m], sorted
    digest : names the program; equal digests have equal states
    """

    def __init__(
        self, plan: Layout, instances: Sequence[Instance], templates: Mapping[str, GraphTemplate], tags: U4, tick: int
    ) -> None:
        self.layout, self.tags, self.tick, self.columns = plan, tags, tick, len(tags)
        self._instance_ids = np.array([i.id for i in instances], np.int64)
        self._kernels = kernels.blocks()
        by_instance = [(i, templates[i.template]) for i in instances]
        self.conditions = tuple(
            _Watch(
                i.id,
                c.name,
                plan.block_of[i.id, c.source],
                -1 if c.value is None else plan.block_of[i.id, c.value],
            )
            for i, t in by_instance
            for c in t.conditions
        )
        self._place_outputs(by_instance)
        self._place_conditions([len(t.conditions) for _, t in by_instance])
        said = (
            self.layout.lanes,
            tick,
            tags.tobytes(),
            [(w.instance, w.name) for w in self.conditions],
            [(op, kernels.op_digest(op)) for op in sorted({key[2] for key in plan.lanes})],
        )
        self.digest = hashlib.sha256(repr(said).encode()).hexdigest()

    def _place_outputs(self, by_instance: Sequence[tuple[Instance, GraphTemplate]]) -> None:
        sources = {
            tag: plan_block
            for i, t in by_instance
            for o in t.outputs
            if (tag := i.outputs.get(o.name)) is not None
            for plan_block in (self.layout.block_of[i.id, o.source],)
        }
        self.calc_tags = np.array(sorted(sources), np.uint32)
        blocks = np.array([sources[int(tag)] for tag in self.calc_tags], np.int64)
        self._calc_blocks = blocks
        self._calc_slots = codegen.FIRST_SLOT + self.columns + blocks
        owner = self._owner()[blocks]
        by_owner = np.argsort(owner, kind="stable")
        self._calc_from = np.array([self._local()[blocks[by_owner]], by_owner], np.int64).reshape(2, -1)
        self._calc_of = np.searchsorted(owner[by_owner], np.arange(len(by_instance) + 1)).astype(np.int64)

    def _place_conditions(self, counts: Sequence[int]) -> None:
        source = np.array([w.source for w in self.conditions], np.int64)
        value = np.array([w.value for w in self.conditions], np.int64)
        local = np.r_[self._local(), -1]
        first = codegen.FIRST_SLOT + self.columns
        self._cond = np.array([first + source, np.where(value < 0, -1, first + value)], np.int64).reshape(2, -1)
        self._cond_local = np.array([local[source], local[value]], np.int64).reshape(2, -1)
        self._cond_of = np.r_[0, np.cumsum(counts)].astype(np.int64)

    def _owner(self) -> I8:
        """Return the number of the instance of each block."""
        owner = np.empty(len(self.layout.member), np.int64)
        owner[self.layout.member] = np.repeat(np.arange(len(self.layout.models) - 1), np.diff(self.layout.models))
        return owner

    def _local(self) -> I8:
        """Return the slot of each block in the history of its instance."""
        local = np.empty(len(self.layout.member), np.int64)
        sizes = np.diff(self.layout.models)
        local[self.layout.member] = (
            codegen.FIRST_SLOT + np.arange(len(local)) - np.repeat(self.layout.models[:-1], sizes)
        )
        return local

    # --- state --------------------------------------------------------------------------------------------------------

    def new_state(self) -> State:
        """Return the state before the first tick: blocks fresh, no condition raised."""
        return State(self)

    def restore(self, data: bytes) -> State:
        """Return the state that :meth:`State.export` described.

        Raises
        ------
        Fault
            ``engine.state_mismatch``: the bytes are not the state of this program.
        """
        state = State(self)
        try:
            e = msgspec.msgpack.decode(data, type=_Export)
            if e.version != _STATE_VERSION or e.program != self.digest:
                raise ValueError(f"state of version {e.version}, program {e.program[:12]}")
            parts = ((state.floats, e.floats), (state.ints, e.ints), (state.ring, e.ring), (state.fresh, e.fresh))
            for array, saved in parts:
                array[:] = np.frombuffer(saved, array.dtype)
            state.edge[:] = np.frombuffer(e.edge, np.uint8)
            state.live_tick, value, status = e.live
            if state.live_tick is not None:
                state.live_value[:] = np.frombuffer(value, np.float64)
                state.live_status[:] = np.frombuffer(status, np.uint32)
        except (msgspec.DecodeError, ValueError) as error:
            raise Fault("engine.state_mismatch", reason=str(error), program=self.digest[:12]) from error
        state.last_tick = e.last_tick
        return state

    def salvage(self, data: bytes) -> State:
        """Return a state in which the conditions are what they were when the same models, compiled by another version of this
        program, exported it; the blocks start fresh. With bytes of other models the conditions start fresh too."""
        state = self.new_state()
        try:
            e = msgspec.msgpack.decode(data, type=_Export)
        except msgspec.DecodeError:
            return state
        if len(e.edge) == len(state.edge):
            state.edge[:] = np.frombuffer(e.edge, np.uint8)
        return state

    def migrate(self, old: Program, state: State) -> State:
        """Return a state of this program in which everything that survived the edit goes on.

        A block survives if instance, block id, op, parameters and the tick are the same; a condition if instance and name
        are. Everything else starts fresh. `state` is left as it is.
        """
        new = self.new_state()
        if old.tick == self.tick:
            new.last_tick, new.live_tick = state.last_tick, state.live_tick
            # What a new block computes is not known before its first tick.
            new.live_value[codegen.FIRST_SLOT :], new.live_status[codegen.FIRST_SLOT :] = np.nan, BAD_NO_DATA
            place = {key: k for k, key in enumerate(old.layout.lanes)}
            for op, first, end in self.layout.groups.T:
                pairs = [(k, place[key]) for k in range(first, end) if (key := self.layout.lanes[k]) in place]
                if pairs:
                    here, there = np.array(pairs, np.int64).T
                    self._carry(new, here, old, state, there, int(op))
        before = {(w.instance, w.name): c for c, w in enumerate(old.conditions)}
        for c, w in enumerate(self.conditions):
            if (was := before.get((w.instance, w.name))) is not None:
                new.edge[c] = state.edge[was]
        return new

    def _carry(self, new: State, here: I8, old: Program, state: State, there: I8, op: int) -> None:
        spec = catalogue.get(self._kernels.OPS[op])
        a, b = self.layout.tab, old.layout.tab
        for n in range(len(spec.floats)):
            new.floats[a[codegen.F, here] + n * a[codegen.LANES, here]] = state.floats[
                b[codegen.F, there] + n * b[codegen.LANES, there]
            ]
        for n in range(len(spec.ints)):
            new.ints[a[codegen.I, here] + n * a[codegen.LANES, here]] = state.ints[
                b[codegen.I, there] + n * b[codegen.LANES, there]
            ]
        new.fresh[here] = state.fresh[there]
        to, at = codegen.FIRST_SLOT + self.columns + here, codegen.FIRST_SLOT + old.columns + there
        new.live_value[to], new.live_status[to] = state.live_value[at], state.live_status[at]
        if spec.ring:
            for k, was in zip(here, there, strict=True):
                length, put, take = a[codegen.W, k], a[codegen.R, k], b[codegen.R, was]
                new.ring[put : put + length] = state.ring[take : take + length]

    def raised(self, state: State) -> list[tuple[int, str]]:
        """Return (instance, condition) of every condition that is raised."""
        return [(w.instance, w.name) for w, up in zip(self.conditions, state.edge, strict=True) if up]

    def signals(self, state: State, instance: int) -> dict[str, tuple[float, int]] | None:
        """Return (value, status) of every port (``in.<name>``) and block of an instance at `state.live_tick`, the last tick
        that :meth:`step` evaluated; None if this program does not have the instance, or nothing was evaluated yet."""
        i = int(np.searchsorted(self._instance_ids, instance))
        if state.live_tick is None or i == len(self._instance_ids) or self._instance_ids[i] != instance:
            return None
        first = codegen.FIRST_SLOT + self.columns
        blocks = self.layout.member[self.layout.models[i] : self.layout.models[i + 1]].tolist()
        return {
            self.layout.lanes[k][1]: (float(state.live_value[first + k]), int(state.live_status[first + k]))
            for k in blocks
        }

    def conditions_of(self, state: State, instance: int) -> dict[str, bool]:
        """Return whether each condition of an instance is raised."""
        found = zip(self.conditions, state.edge.tolist(), strict=True)
        return {w.name: bool(up) for w, up in found if w.instance == instance}

    # --- running ------------------------------------------------------------------------------------------------------

    def step(self, state: State, ticks: I8, value: F8, status: U4) -> StepResult:
        """Evaluate rows tick after tick, as they come (live).

        Parameters
        ----------
        ticks : i64[k] [µs], ascending multiples of the tick
        value : f64[k, n], status : u32[k, n], columns as `tags`
        """
        return self._evaluate(state, ticks, value, status, self._live)

    def run(self, state: State, ticks: I8, value: F8, status: U4) -> StepResult:
        """Evaluate rows model by model, each over all of a chunk of ticks (history). The result is that of :meth:`step`."""
        return self._evaluate(state, ticks, value, status, self._lanes)

    def oracle(self, state: OracleState, ticks: I8, value: F8, status: U4) -> StepResult:
        """Evaluate rows by the independent NumPy definition of each block (tests). Slow: it keeps all inputs."""
        values, statuses = evaluate(self.layout, self.tick, state, ticks, value, status)
        edges: list[Edge] = []
        for w in self.conditions:
            up = state.edges.get((w.instance, w.name), False)
            for t, y in enumerate(values[w.source]):
                if not np.isnan(y) and bool(y) != up:
                    up = bool(y)
                    proof = float(values[w.value][t]) if w.value >= 0 else float("nan")
                    transition = "raise" if up else "clear"
                    edges.append(Edge(w.instance, w.name, int(ticks[t]), transition, proof, int(statuses[w.source][t])))
            state.edges[w.instance, w.name] = up
        edges.sort(key=lambda e: e.tick)
        calc_value = np.array([values[k] for k in self._calc_blocks]).reshape(len(self.calc_tags), len(ticks)).T
        calc_status = np.array([statuses[k] for k in self._calc_blocks], np.uint32)
        calc_status = calc_status.reshape(len(self.calc_tags), len(ticks)).T
        return StepResult(self.calc_tags, calc_value, calc_status, edges)

    def _evaluate(self, state: State, ticks: I8, value: F8, status: U4, work: Any) -> StepResult:
        if (
            state.program_digest != self.digest
            or value.shape != (len(ticks), self.columns)
            or status.shape != value.shape
        ):
            raise Fault(
                "engine.rows_mismatch", rows=value.shape, expected=(len(ticks), self.columns), program=self.digest[:12]
            )
        ticks = np.ascontiguousarray(ticks, np.int64)
        value, status = np.ascontiguousarray(value, np.float64), np.ascontiguousarray(status, np.uint32)
        cuts = (
            [0, *(np.flatnonzero(np.diff(ticks) != self.tick) + 1).tolist(), len(ticks)]
            if len(ticks) > 1
            else [0, len(ticks)]
        )
        parts = []
        for a, b in itertools.pairwise(cuts):
            if b > a:
                self._begin(state, int(ticks[a]))
                parts.append(work(state, ticks[a:b], value[a:b], status[a:b]))
                state.last_tick = int(ticks[b - 1])
        if len(parts) == 1:
            return StepResult(self.calc_tags, *parts[0])
        none = np.empty((0, len(self.calc_tags)))
        return StepResult(
            self.calc_tags,
            np.concatenate([none, *(p[0] for p in parts)]),
            np.concatenate([none.astype(np.uint32), *(p[1] for p in parts)]),
            [e for p in parts for e in p[2]],
        )

    def _begin(self, state: State, tick: int) -> None:
        if state.last_tick is not None and tick != state.last_tick + self.tick:
            state.floats[:], state.ints[:] = self.layout.first_floats, self.layout.first_ints
            state.ring[:] = np.nan
            state.fresh[:] = True
        if state.fresh.any():
            number = tick // self.tick
            for k, head, phase in self.layout.rings:
                if state.fresh[k]:
                    state.ints[head] = (number + phase) % int(self.layout.tab[codegen.W, k])
            state.fresh[:] = False

    def _live(self, state: State, ticks: I8, value: F8, status: U4) -> tuple[F8, U4, list[Edge]]:
        calc, calc_status = self._room(len(ticks), len(self.calc_tags))
        plan = self.layout
        found, code, proof, worst = self._kernels.live(
            value, status, plan.groups, plan.tab, plan.params, state.floats, state.ints, state.ring,
            state.live_value, state.live_status, self._calc_slots, calc, calc_status, self._cond, state.edge,
        )  # fmt: skip
        state.live_tick = int(ticks[-1])
        return calc, calc_status, self._edges(ticks, code[:found], proof, worst) if found else []

    def _lanes(self, state: State, ticks: I8, value: F8, status: U4) -> tuple[F8, U4, list[Edge]]:
        calc, calc_status = self._room(len(self.calc_tags), len(ticks))
        plan = self.layout
        tag_value, tag_status, slot_value, slot_status = state.history_scratch(plan)
        edges: list[Edge] = []
        for start in range(0, len(ticks), CHUNK):
            found, code, proof, worst = self._kernels.history(
                start, min(CHUNK, len(ticks) - start), value, status, plan.used, plan.models, plan.member, plan.tab,
                plan.lin, plan.params, state.floats, state.ints, state.ring, tag_value, tag_status, slot_value,
                slot_status, self._calc_of, self._calc_from, calc, calc_status, self._cond_of, self._cond_local, state.edge,
            )  # fmt: skip
            if found:
                edges += self._edges(ticks, code[:found], proof, worst)
        return calc.T, calc_status.T, edges

    @staticmethod
    def _room(rows: int, columns: int) -> tuple[F8, U4]:
        return np.empty((rows, columns)), np.empty((rows, columns), np.uint32)

    def _edges(self, ticks: I8, code: I8, proof: F8, worst: I8) -> list[Edge]:
        edges = []
        for place in np.argsort(code, kind="stable").tolist():
            where, up = divmod(int(code[place]), 2)
            t, c = divmod(where, len(self.conditions))
            w = self.conditions[c]
            transition = "raise" if up else "clear"
            edges.append(Edge(w.instance, w.name, int(ticks[t]), transition, float(proof[place]), int(worst[place])))
        return edges


def compile_program(
    templates: Mapping[str, GraphTemplate], instances: Sequence[Instance], tags: NDArray[np.uint32], tick: int
) -> Program:
    """Compile the models of a partition.

    Parameters
    ----------
    tags : u32[n], the columns of the rows the program will be given
    tick : [µs]

    Raises
    ------
    Invalid
        ``engine.graph_invalid``: its problems name template or instance, block, port or parameter, and the remedy.
    """
    column = {int(tag): i for i, tag in enumerate(tags)}
    used = {i.template for i in instances}
    graph.check({c: t for c, t in templates.items() if c in used}, instances, column, tick)
    ordered = sorted(instances, key=lambda i: i.id)
    models = {code: layout.arrange(templates[code]) for code in sorted(used)}
    plan = layout.build(models, ordered, column, kernels.blocks().OPS, tick)
    return Program(plan, ordered, templates, np.array(tags, np.uint32), tick)


__all__ = ["Edge", "LaneKey", "Program", "State", "StepResult", "compile_program"]
