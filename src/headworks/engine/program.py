"""A compiled program: all models of a partition, run live, over history, and (for tests) by an independent oracle.

`step`, `run` and any mixture of them, in any chunks, with an export and restore anywhere between, give the same values,
statuses and edges bit for bit. `oracle` gives the same booleans, and values that agree to rounding.

Models may be evaluated less often than the partition ticks (`every` of a template): at the multiples of that time since
1970-01-01 UTC, with the signals as they are at that tick. Between two of its ticks what a model calculates stays as it was.
A model may read those that are evaluated as often or more often.

Blocks have memory only of consecutive ticks: after a gap in the ticks every block starts fresh. Conditions do not: they
hold what they were until a definite value says otherwise.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from headworks.base.errors import Fault
from headworks.base.status import BAD_NO_DATA
from headworks.blocks.template import Binding, GraphTemplate, Instance
from headworks.engine import check, graph, kernels, layout
from headworks.engine.oracle import OracleState
from headworks.engine.part import Edge, Part, StepResult, foreign
from headworks.engine.state import PartState

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]
U4 = NDArray[np.uint32]

_STATE_VERSION = 3


class _Export(msgspec.Struct, frozen=True, array_like=True):
    version: int
    program: str
    parts: tuple[bytes, ...]
    held: tuple[bytes, bytes]
    last_tick: int | None
    live_tick: int | None


class State:
    """What a program remembers. Used by one thread at a time.

    Attributes
    ----------
    last_tick : the last tick evaluated [µs], None before the first; `live_tick` the last one by :meth:`Program.step`
    evaluations : how often a block was evaluated with this state
    """

    def __init__(self, program: Program, parts: Sequence[Any]) -> None:
        self.program_digest = program.digest
        self.parts = list(parts)
        self.held_value = np.full(len(program.calc_tags), np.nan)
        self.held_status = np.full(len(program.calc_tags), BAD_NO_DATA, np.uint32)
        self.last_tick: int | None = None
        self.live_tick: int | None = None
        self.evaluations = 0

    def export(self) -> bytes:
        """Return everything this state remembers."""
        parts = tuple(p.export() for p in self.parts)
        held = (self.held_value.tobytes(), self.held_status.tobytes())
        said = _Export(_STATE_VERSION, self.program_digest, parts, held, self.last_tick, self.live_tick)
        return msgspec.msgpack.encode(said)


class Program:
    """All models of a partition, compiled. Immutable; threads may share it, each with its own state.

    Attributes
    ----------
    tags : u32[n], the columns of the rows it takes
    tick : [µs]
    parts : the models by how often they are evaluated, most often first
    calc_tags : u32[m], sorted
    digest : names the program; equal digests have equal states
    """

    def __init__(self, parts: Sequence[Part], tags: U4, tick: int) -> None:
        self.parts, self.tags, self.tick = tuple(parts), tags, tick
        own = [[int(tag) for tag in p.calc_tags if tag < 1 << 32] for p in parts]
        self.calc_tags = np.array(sorted(tag for some in own for tag in some), np.uint32)
        self._columns = [np.searchsorted(self.calc_tags, some) for some in own]
        self._alone = len(parts) == 1 and parts[0].tick == tick
        self.conditions = tuple(w for p in parts for w in p.conditions)
        self._order = {(w.instance, w.name): n for n, w in enumerate(self.conditions)}
        # Of what a slower part reads: the part it is of, and its column there.
        numbers = [{int(tag): c for c, tag in enumerate(p.calc_tags)} for p in parts]
        self._taken = [
            [next((j, numbers[j][tag]) for j in range(i) if tag in numbers[j]) for tag in p.tags[len(tags) :].tolist()]
            for i, p in enumerate(parts)
        ]
        self.digest = hashlib.sha256(repr([p.digest for p in parts]).encode()).hexdigest()

    @property
    def blocks(self) -> int:
        """Return how many blocks there are, each counted once however many models share it."""
        return sum(len(p.layout.lanes) for p in self.parts)

    # --- state --------------------------------------------------------------------------------------------------------

    def new_state(self) -> State:
        """Return the state before the first tick: blocks fresh, no condition raised."""
        return State(self, [p.new_state() for p in self.parts])

    def restore(self, data: bytes) -> State:
        """Return the state that :meth:`State.export` described.

        Raises
        ------
        Fault
            ``engine.state_mismatch``: the bytes are not the state of this program.
        """
        try:
            e = msgspec.msgpack.decode(data, type=_Export)
            if e.version != _STATE_VERSION or e.program != self.digest:
                raise ValueError(f"state of version {e.version}, program {e.program[:12]}")
            state = State(self, [p.restore(saved) for p, saved in zip(self.parts, e.parts, strict=True)])
            state.held_value[:] = np.frombuffer(e.held[0], np.float64)
            state.held_status[:] = np.frombuffer(e.held[1], np.uint32)
        except (msgspec.DecodeError, ValueError) as error:
            raise Fault("engine.state_mismatch", reason=str(error), program=self.digest[:12]) from error
        state.last_tick, state.live_tick = e.last_tick, e.live_tick
        return state

    def salvage(self, data: bytes) -> State:
        """Return a state in which the conditions are what they were when the same models, compiled by another version of this
        program, exported it; the blocks start fresh. With bytes of other models the conditions start fresh too."""
        try:
            e = msgspec.msgpack.decode(data, type=_Export)
        except msgspec.DecodeError:
            return self.new_state()
        if len(e.parts) != len(self.parts):
            return self.new_state()
        return State(self, [p.salvage(saved) for p, saved in zip(self.parts, e.parts, strict=True)])

    def migrate(self, old: Program, state: State) -> State:
        """Return a state of this program in which everything that survived the edit goes on.

        A block survives if instance, block id, op, parameters, table and the tick are the same, and a window also only if it
        comes from the same tags; a condition if instance and name are. Everything else starts fresh. `state` is left as it is.
        """
        before = {p.tick: (p, s) for p, s in zip(old.parts, state.parts, strict=True)}
        new = State(self, [p.migrate(*before[p.tick]) if p.tick in before else p.new_state() for p in self.parts])
        # A model that is evaluated more often, or less, has its conditions all the same.
        up = set(old.raised(state))
        for part, its in zip(self.parts, new.parts, strict=True):
            for c, w in enumerate(part.conditions):
                its.edge[c] = (w.instance, w.name) in up
        _, here, there = np.intersect1d(self.calc_tags, old.calc_tags, return_indices=True)
        new.held_value[here], new.held_status[here] = state.held_value[there], state.held_status[there]
        if old.tick == self.tick:
            new.last_tick, new.live_tick = state.last_tick, state.live_tick
        return new

    def raised(self, state: State) -> list[tuple[int, str]]:
        """Return (instance, condition) of every condition that is raised."""
        return [key for p, s in zip(self.parts, state.parts, strict=True) for key in p.raised(s)]

    def signals(self, state: State, instance: int, inside: bool = False) -> dict[str, tuple[float, int]] | None:
        """Return (value, status) of every port (``in.<name>``), block and output (``<block>.<output>``) of an instance at
        `state.live_tick`, the last tick that :meth:`step` evaluated; of a template that stands in its template, the outputs
        only, or (`inside`) every block too (``<node>/<block>``).
        None if this program does not have the instance, or nothing was evaluated yet."""
        found = (p.signals(s, instance, inside) for p, s in zip(self.parts, state.parts, strict=True))
        return None if state.live_tick is None else next((f for f in found if f is not None), None)

    def conditions_of(self, state: State, instance: int) -> dict[str, bool]:
        """Return whether each condition of an instance is raised."""
        found = (p.conditions_of(s, instance) for p, s in zip(self.parts, state.parts, strict=True))
        return next((f for f in found if f), {})

    # --- running ------------------------------------------------------------------------------------------------------

    def step(self, state: State, ticks: I8, value: F8, status: U4) -> StepResult:
        """Evaluate rows tick after tick, as they come (live).

        Parameters
        ----------
        ticks : i64[k] [µs], ascending multiples of the tick
        value : f64[k, n], status : u32[k, n], columns as `tags`
        """
        out = self._evaluate(state, ticks, value, status, Part.step)
        state.live_tick = state.last_tick
        return out

    def run(self, state: State, ticks: I8, value: F8, status: U4) -> StepResult:
        """Evaluate rows model by model, each over all of a chunk of ticks (history). The result is that of :meth:`step`."""
        return self._evaluate(state, ticks, value, status, Part.run)

    def new_oracle(self) -> State:
        """Return a state for :meth:`oracle`."""
        return State(self, [OracleState() for _ in self.parts])

    def oracle(self, state: State, ticks: I8, value: F8, status: U4) -> StepResult:
        """Evaluate rows by the independent NumPy definition of each block (tests). Slow: it keeps all inputs."""
        return self._evaluate(state, ticks, value, status, Part.oracle)

    def migrate_oracle(self, old: Program, state: State) -> State:
        """Return a state for :meth:`oracle` after an edit, as :meth:`migrate`."""
        before = {p.tick: s for p, s in zip(old.parts, state.parts, strict=True)}
        new = State(self, [before.get(p.tick) or OracleState() for p in self.parts])
        up = {key: True for s in state.parts for key, raised in s.edges.items() if raised}
        for its in new.parts:
            its.edges = dict(up)
        _, here, there = np.intersect1d(self.calc_tags, old.calc_tags, return_indices=True)
        new.held_value[here], new.held_status[here] = state.held_value[there], state.held_status[there]
        return new

    def _evaluate(
        self, state: State, ticks: I8, value: F8, status: U4, work: Callable[[Part, Any, I8, F8, U4], StepResult]
    ) -> StepResult:
        shape = (len(ticks), len(self.tags))
        if state.program_digest != self.digest or value.shape != shape or status.shape != shape:
            raise Fault("engine.rows_mismatch", rows=value.shape, expected=shape, program=self.digest[:12])
        if self._alone:
            return self._evaluate_alone(state, ticks, value, status, work)
        calc_value = np.empty((len(ticks), len(self.calc_tags)))
        calc_status = np.empty((len(ticks), len(self.calc_tags)), np.uint32)
        edges: list[Edge] = []
        results: list[tuple[I8, StepResult]] = []
        for i, part in enumerate(self.parts):
            mine = np.flatnonzero(ticks % part.tick == 0) if part.tick != self.tick else np.arange(len(ticks))
            rows = self._rows(i, mine, value, status, results)
            out = work(part, state.parts[i], ticks[mine], *rows)
            results.append((mine, out))
            state.evaluations += len(mine) * len(part.layout.lanes)
            edges += out.edges
            self._keep(state, i, mine, out, calc_value, calc_status)
        if len(ticks):
            state.last_tick = int(ticks[-1])
        if len(self.parts) > 1:
            edges.sort(key=lambda e: (e.tick, self._order[e.instance, e.condition]))
        return StepResult(self.calc_tags, calc_value, calc_status, edges)

    def _evaluate_alone(
        self, state: State, ticks: I8, value: F8, status: U4, work: Callable[[Part, Any, I8, F8, U4], StepResult]
    ) -> StepResult:
        """The same where there is one part, so that nothing is to be put together."""
        out = work(self.parts[0], state.parts[0], ticks, value, status)
        if len(ticks):
            state.evaluations += len(ticks) * len(self.parts[0].layout.lanes)
            state.held_value[:], state.held_status[:] = out.calc_value[-1], out.calc_status[-1]
            state.last_tick = int(ticks[-1])
        return StepResult(self.calc_tags, out.calc_value, out.calc_status, out.edges)

    def _rows(self, i: int, mine: I8, value: F8, status: U4, results: Sequence[tuple[I8, StepResult]]) -> tuple[F8, U4]:
        """Return the rows of a part: those of its ticks, and beside the tags what it reads of faster parts."""
        if len(mine) == len(value) and not self._taken[i]:
            return value, status
        values, statuses = [value[mine]], [status[mine]]
        for j, column in self._taken[i]:
            ticks, out = results[j]
            at = np.searchsorted(ticks, mine)
            values.append(out.calc_value[at, column, None])
            statuses.append(out.calc_status[at, column, None])
        return np.concatenate(values, axis=1), np.concatenate(statuses, axis=1)

    def _keep(self, state: State, i: int, mine: I8, out: StepResult, calc_value: F8, calc_status: U4) -> None:
        """Put what a part calculated into its columns; between its ticks they stay as they were."""
        columns = self._columns[i]
        own = len(columns)  # what slower parts read comes after
        if len(mine) == len(calc_value):
            calc_value[:, columns], calc_status[:, columns] = out.calc_value[:, :own], out.calc_status[:, :own]
        else:
            latest = np.searchsorted(mine, np.arange(len(calc_value)), side="right")
            values = np.concatenate([state.held_value[None, columns], out.calc_value[:, :own]])
            statuses = np.concatenate([state.held_status[None, columns], out.calc_status[:, :own]])
            calc_value[:, columns], calc_status[:, columns] = values[latest], statuses[latest]
        if len(mine):
            state.held_value[columns], state.held_status[columns] = out.calc_value[-1, :own], out.calc_status[-1, :own]


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
    check.check(templates, instances, {int(tag) for tag in tags}, tick)
    flat = {
        code: (templates[code], graph.flatten(templates[code], templates)) for code in {i.template for i in instances}
    }
    ticks = {i.id: graph.tick_of(templates[i.template], tick) for i in instances}
    levels, _ = graph.levels_of({i.id: {b.instance for b in i.inputs.values() if b.signal} for i in instances})
    parts = []
    for own in sorted({tick, *ticks.values()}):
        mine = sorted((i for i in instances if ticks[i.id] == own), key=lambda i: (levels[i.id], i.id))
        given = {
            (b.instance, b.signal) for i in mine for b in i.inputs.values() if b.signal and ticks[b.instance] != own
        }
        wanted = {
            (b.instance, b.signal)
            for i in instances
            for b in i.inputs.values()
            if b.signal and ticks[b.instance] == own != ticks[i.id]
        }
        columns = [*tags.tolist(), *(foreign(*g) for g in sorted(given))]
        rewired = [_as_tags(i, given) for i in mine]
        plan = layout.build(flat, rewired, {t: c for c, t in enumerate(columns)}, kernels.ops(), own)
        parts.append(Part(plan, rewired, templates, np.array(columns, np.int64), own, sorted(wanted)))
    return Program(parts, np.array(tags, np.uint32), tick)


def _as_tags(instance: Instance, given: set[tuple[int, str]]) -> Instance:
    """Return an instance that reads the signals `given` as it reads tags."""
    inputs = {
        name: Binding(tag=foreign(b.instance, b.signal), gain=b.gain, offset=b.offset)
        if (b.instance, b.signal) in given
        else b
        for name, b in instance.inputs.items()
    }
    return msgspec.structs.replace(instance, inputs=inputs)


__all__ = ["Edge", "Part", "PartState", "Program", "State", "StepResult", "compile_program"]
