"""The models of a partition that are evaluated equally often, compiled: run live, over history, and by an oracle (for tests).

`step`, `run` and any mixture of them, in any chunks, with an export and restore anywhere between, give the same values,
statuses and edges bit for bit. `oracle` gives the same booleans, and values that agree to rounding.

Blocks have memory only of consecutive ticks: after a gap in the ticks every block starts fresh. Conditions do not: they
hold what they were until a definite value says otherwise.
"""

from __future__ import annotations

import hashlib
import itertools
import zlib
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
from headworks.engine import codegen, kernels, layout
from headworks.engine.layout import Layout
from headworks.engine.oracle import OracleState, evaluate
from headworks.engine.state import STATE_VERSION, Export, PartState

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]
U4 = NDArray[np.uint32]
LEAST_FOREIGN = 1 << 62


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

    calc_tags: U4 | I8
    calc_value: F8
    calc_status: U4
    edges: list[Edge]


@dataclass(frozen=True, slots=True)
class _Watch:
    """A condition: who it belongs to, and the slots it reads, live and in history (`value` None: no evidence)."""

    instance: int
    name: str
    source: tuple[int, int]
    value: tuple[int, int] | None


def foreign(instance: int, signal: str) -> int:
    """Return the number by which a slower part knows a signal of an instance; no tag has it."""
    return (instance << 32) + zlib.crc32(signal.encode()) + LEAST_FOREIGN


class Part:
    """Models of a partition that have one tick, compiled. Immutable; threads may share it, each with its own state.

    Attributes
    ----------
    tags : i64[n], the columns of the rows it takes: tags, and signals of faster parts (:func:`foreign`)
    tick : [µs]
    read : (instance, signal) of what slower parts read of it
    calc_tags : i64[m], sorted: calculated tags, then `read` as :func:`foreign` numbers
    digest : names the program; equal digests have equal states
    """

    def __init__(
        self,
        plan: Layout,
        instances: Sequence[Instance],
        templates: Mapping[str, GraphTemplate],
        tags: I8,
        tick: int,
        read: Sequence[tuple[int, str]],
    ) -> None:
        self.layout, self.tags, self.tick, self.columns, self.read = plan, tags, tick, len(tags), tuple(read)
        self._own = int((tags < LEAST_FOREIGN).sum())
        used = {key[2] for key in plan.lanes}
        self._drivers, self._code = kernels.drivers(), kernels.addresses(used)
        by_instance = [(i, templates[i.template]) for i in instances]
        self.conditions = tuple(
            _Watch(
                i.id,
                c.name,
                plan.signals[i.id, f"condition:{c.name}"],
                None if c.value is None else plan.signals[i.id, c.value],
            )
            for i, t in by_instance
            for c in t.conditions
        )
        self._place_outputs(by_instance)
        self._place_conditions([len(t.conditions) for _, t in by_instance])
        said = (
            plan.lanes,
            plan.tab.tobytes(),
            tick,
            tags.tobytes(),
            [(w.instance, w.name) for w in self.conditions],
            [(op, kernels.op_digest(op)) for op in sorted(used)],
        )
        self.digest = hashlib.sha256(msgspec.msgpack.encode(said)).hexdigest()

    def _place_outputs(self, by_instance: Sequence[tuple[Instance, GraphTemplate]]) -> None:
        kept = [
            (tag, m, self.layout.signals[i.id, f"output:{o.name}"])
            for m, (i, t) in enumerate(by_instance)
            for o in t.outputs
            if (tag := i.outputs.get(o.name)) is not None
        ]
        number = {i.id: m for m, (i, _) in enumerate(by_instance)}
        signals = self.layout.signals
        kept += [(foreign(i, s), number[i], signals[i, layout.linked(signals.of(i), s)]) for i, s in self.read]
        kept.sort(key=lambda k: k[1])
        tags = sorted(tag for tag, _, _ in kept)
        column = {tag: c for c, tag in enumerate(tags)}
        self.calc_tags = np.array(tags, np.int64)
        self._calc_slots = np.array([live for _, _, (live, _) in sorted(kept)], np.int64)
        # Stage 0 of the history are the shared blocks, whose signals stay until the end.
        self._calc_from = np.array([[late for _, _, (_, late) in kept], [column[tag] for tag, _, _ in kept]], np.int64)
        self._calc_of = np.searchsorted([m for _, m, _ in kept], np.arange(-1, len(by_instance) + 1)).astype(np.int64)

    def _place_conditions(self, counts: Sequence[int]) -> None:
        none = (-1, -1)
        places = np.array([[w.source, w.value or none] for w in self.conditions], np.int64).reshape(-1, 2, 2)
        self._cond = np.ascontiguousarray(places[:, :, 0].T)
        self._cond_late = np.ascontiguousarray(places[:, :, 1].T)
        self._cond_of = np.r_[0, 0, np.cumsum(counts)].astype(np.int64)

    # --- state --------------------------------------------------------------------------------------------------------

    def new_state(self) -> PartState:
        """Return the state before the first tick: blocks fresh, no condition raised."""
        return PartState(self)

    def restore(self, data: bytes) -> PartState:
        """Return the state that :meth:`PartState.export` described.

        Raises
        ------
        Fault
            ``engine.state_mismatch``: the bytes are not the state of this program.
        """
        state = PartState(self)
        try:
            e = msgspec.msgpack.decode(data, type=Export)
            if e.version != STATE_VERSION or e.program != self.digest:
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

    def salvage(self, data: bytes) -> PartState:
        """Return a state in which the conditions are what they were when the same models, compiled by another version of this
        program, exported it; the blocks start fresh. With bytes of other models the conditions start fresh too."""
        state = self.new_state()
        try:
            e = msgspec.msgpack.decode(data, type=Export)
        except msgspec.DecodeError:
            return state
        if len(e.edge) == len(state.edge):
            state.edge[:] = np.frombuffer(e.edge, np.uint8)
        return state

    def migrate(self, old: Part, state: PartState) -> PartState:
        """Return a state of this program in which everything that survived the edit goes on.

        A block survives if instance, block id, op, parameters and the tick are the same; a condition if instance and name
        are. Everything else starts fresh. `state` is left as it is.
        """
        new = self.new_state()
        if old.tick == self.tick:
            new.last_tick, new.live_tick = state.last_tick, state.live_tick
            # What a new block computes is not known before its first tick.
            new.live_value[codegen.FIRST_SLOT :], new.live_status[codegen.FIRST_SLOT :] = np.nan, BAD_NO_DATA
            _, to, at = np.intersect1d(self.tags, old.tags, return_indices=True)
            new.live_value[codegen.FIRST_SLOT + to] = state.live_value[codegen.FIRST_SLOT + at]
            new.live_status[codegen.FIRST_SLOT + to] = state.live_status[codegen.FIRST_SLOT + at]
            pairs = np.array(sorted(self._survivors(old).items()), np.int64).reshape(-1, 2)
            for op, first, end in self.layout.groups.T:
                here, there = pairs[(pairs[:, 0] >= first) & (pairs[:, 0] < end)].T
                if len(here):
                    self._carry(new, here, old, state, there, kernels.ops()[op])
        before = {(w.instance, w.name): c for c, w in enumerate(old.conditions)}
        for c, w in enumerate(self.conditions):
            if (was := before.get((w.instance, w.name))) is not None:
                new.edge[c] = state.edge[was]
        return new

    def _survivors(self, old: Part) -> dict[int, int]:
        """Return for each block that goes on its number in `old`."""
        found: dict[int, int] = {}
        phases, phases_then = ({k: phase for k, _, phase in p.layout.rings} for p in (self, old))
        for owner, k in self.layout.owners.items():
            was = old.layout.owners.get(owner)
            # Phases differ where a window is wired to other tags: what it holds came from those.
            if was is None or phases.get(k) != phases_then.get(was):
                continue
            if self.layout.lanes[k][2:] == old.layout.lanes[was][2:]:
                found.setdefault(k, was)
        return found

    def _carry(self, new: PartState, here: I8, old: Part, state: PartState, there: I8, op: str) -> None:
        spec = catalogue.get(op)
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
        for n in range(len(spec.outputs)):
            to, at = a[codegen.S, here] + n, b[codegen.S, there] + n
            new.live_value[to], new.live_status[to] = state.live_value[at], state.live_status[at]
        if spec.ring:
            for k, was in zip(here, there, strict=True):
                size, put, take = a[codegen.W, k] * spec.ring.width, a[codegen.R, k], b[codegen.R, was]
                new.ring[put : put + size] = state.ring[take : take + size]

    def raised(self, state: PartState) -> list[tuple[int, str]]:
        """Return (instance, condition) of every condition that is raised."""
        return [(w.instance, w.name) for w, up in zip(self.conditions, state.edge, strict=True) if up]

    def signals(self, state: PartState, instance: int, inside: bool = False) -> dict[str, tuple[float, int]] | None:
        """Return (value, status) of every port (``in.<name>``), block and output (``<block>.<output>``) of an instance at
        `state.live_tick`, the last tick that :meth:`step` evaluated; of a template that stands in its template, the outputs
        only, or (`inside`) every block too (``<node>/<block>``).
        None if this program does not have the instance, or nothing was evaluated yet."""
        names = [name for name in self.layout.signals.of(instance) if ":" not in name and (inside or "/" not in name)]
        if state.live_tick is None or not names:
            return None
        return {
            name: (float(state.live_value[slot]), int(state.live_status[slot]))
            for name in names
            if (slot := self.layout.signals[instance, name][0]) >= codegen.FIRST_SLOT
        }

    def conditions_of(self, state: PartState, instance: int) -> dict[str, bool]:
        """Return whether each condition of an instance is raised."""
        found = zip(self.conditions, state.edge.tolist(), strict=True)
        return {w.name: bool(up) for w, up in found if w.instance == instance}

    # --- running ------------------------------------------------------------------------------------------------------

    def step(self, state: PartState, ticks: I8, value: F8, status: U4) -> StepResult:
        """Evaluate rows tick after tick, as they come (live).

        Parameters
        ----------
        ticks : i64[k] [µs], ascending multiples of the tick
        value : f64[k, n], status : u32[k, n], columns as `tags`
        """
        return self._evaluate(state, ticks, value, status, self._live)

    def run(self, state: PartState, ticks: I8, value: F8, status: U4) -> StepResult:
        """Evaluate rows model by model, each over all of a chunk of ticks (history). The result is that of :meth:`step`."""
        return self._evaluate(state, ticks, value, status, self._lanes)

    def oracle(self, state: OracleState, ticks: I8, value: F8, status: U4) -> StepResult:
        """Evaluate rows by the independent NumPy definition of each block (tests). Slow: it keeps all inputs."""
        if state.program is not self:
            state.become(self, self._survivors(state.program) if state.program is not None else {})
        values, statuses = evaluate(self.layout, self.tick, state, ticks, value, status, self._own)
        edges: list[Edge] = []
        for w in self.conditions:
            up = state.edges.get((w.instance, w.name), False)
            source = w.source[0]
            for t, y in enumerate(values[source]):
                if not np.isnan(y) and bool(y) != up:
                    up = bool(y)
                    proof = float("nan") if w.value is None else float(values[w.value[0]][t])
                    transition = "raise" if up else "clear"
                    edges.append(Edge(w.instance, w.name, int(ticks[t]), transition, proof, int(statuses[source][t])))
            state.edges[w.instance, w.name] = up
        edges.sort(key=lambda e: e.tick)
        calc_value = np.array([values[k] for k in self._calc_slots]).reshape(len(self.calc_tags), len(ticks)).T
        calc_status = np.array([statuses[k] for k in self._calc_slots], np.uint32)
        calc_status = calc_status.reshape(len(self.calc_tags), len(ticks)).T
        return StepResult(self.calc_tags, calc_value, calc_status, edges)

    def _evaluate(self, state: PartState, ticks: I8, value: F8, status: U4, work: Any) -> StepResult:
        if (
            state.program_digest != self.digest
            or value.shape != (len(ticks), self.columns)
            or status.shape != value.shape
        ):
            raise Fault(
                "engine.rows_mismatch", rows=value.shape, expected=(len(ticks), self.columns), program=self.digest[:12]
            )
        ticks = np.ascontiguousarray(ticks, np.int64)
        value, status = np.asarray(value, np.float64), np.asarray(status, np.uint32)
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

    def _begin(self, state: PartState, tick: int) -> None:
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

    def _live(self, state: PartState, ticks: I8, value: F8, status: U4) -> tuple[F8, U4, list[Edge]]:
        calc, calc_status = self._room(len(ticks), len(self.calc_tags))
        plan = self.layout
        value, status = np.ascontiguousarray(value), np.ascontiguousarray(status)
        found, code, proof, worst = self._drivers.live(
            self._code, int(ticks[0]), self.tick, self._own, value, status, plan.groups, plan.tab, plan.params,
            state.floats, state.ints, state.ring, plan.tables, state.live_value, state.live_status, self._calc_slots,
            calc, calc_status, self._cond, state.edge,
        )  # fmt: skip
        state.live_tick = int(ticks[-1])
        return calc, calc_status, self._edges(ticks, code[:found], proof, worst) if found else []

    def _lanes(self, state: PartState, ticks: I8, value: F8, status: U4) -> tuple[F8, U4, list[Edge]]:
        calc, calc_status = self._room(len(self.calc_tags), len(ticks))
        plan = self.layout
        slot_value, slot_status = state.history_scratch(plan)
        value, status = np.ascontiguousarray(value.T), np.ascontiguousarray(status.T)  # history hands them out so
        edges: list[Edge] = []
        most = slot_value.shape[1]
        for start in range(0, len(ticks), most):
            found, code, proof, worst = self._drivers.history(
                self._code, int(ticks[0]), self.tick, self._own, start, min(most, len(ticks) - start), value, status, plan.used,
                plan.models, plan.member, plan.tab, plan.lin, plan.params, state.floats, state.ints, state.ring, plan.tables,
                slot_value, slot_status, self._calc_of, self._calc_from, calc, calc_status, self._cond_of, self._cond_late,
                state.edge,
            )  # fmt: skip
            if found:
                edges += self._edges(ticks, code[:found], proof, worst)
        return calc.T, calc_status.T, edges

    @staticmethod
    def _room(rows: int, columns: int) -> tuple[F8, U4]:
        return np.empty((rows, columns)), np.empty((rows, columns), np.uint32)

    def _edges(self, ticks: I8, code: I8, proof: F8, worst: I8) -> list[Edge]:
        order = np.argsort(code, kind="stable")
        code, conditions = code[order], self.conditions
        at, which = np.divmod(code // 2, len(conditions))
        found = zip(
            ticks[at].tolist(),
            which.tolist(),
            (code % 2).tolist(),
            proof[order].tolist(),
            worst[order].tolist(),
            strict=True,
        )
        return [
            Edge(w.instance, w.name, tick, "raise" if up else "clear", value, status)
            for tick, c, up, value, status in found
            for w in (conditions[c],)
        ]
