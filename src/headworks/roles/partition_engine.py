"""One partition's models over its log: align, evaluate, say what changed, remember where it was."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from prometheus_client import Counter, Histogram

from headworks.base.clock import to_datetime
from headworks.base.errors import Fault, NotFound
from headworks.base.status import BAD_NO_DATA
from headworks.bus import messages
from headworks.bus.batch import SampleBatch
from headworks.bus.client import Bus
from headworks.bus.errors import BusUnreachable, GapError
from headworks.bus.messages import Activation, Edge, Edges, Event, Signals, SignalsWanted, Watermark
from headworks.bus.plan import PartitionPlan
from headworks.bus.reader import Message, Reader
from headworks.bus.subjects import log_stream, subject
from headworks.engine.grid import Grid
from headworks.engine.program import Program, State, compile_program
from headworks.engine.snapshot import Snapshot, read_snapshot, write_snapshot
from headworks.roles.context import RoleContext

MAX_SAMPLES_PER_MESSAGE = 4_000
MAX_EDGES_PER_MESSAGE = 2_000
_AHEAD = 64
_TICK_SECONDS = Histogram(
    "headworks_engine_tick_seconds",
    "Time to evaluate the models of a partition for one tick",
    ["partition"],
    buckets=(0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0),
)
_TICKS = Counter("headworks_engine_ticks_total", "Ticks evaluated", ["partition"])
_EDGES = Counter("headworks_engine_edges_total", "Condition edges published", ["partition", "transition"])

Purge = Callable[[Bus, str, str], Awaitable[None]]


@dataclass(frozen=True)
class Running:
    """A plan in force."""

    plan: PartitionPlan
    digest: str
    program: Program


@dataclass(frozen=True)
class Pending:
    """A compiled plan that waits for its first tick."""

    running: Running
    first_tick: int


@dataclass(frozen=True)
class Said:
    """What one mark made the engine say, or (when `data` is empty) a wish to know that all before it is stored."""

    seq: int
    outputs: tuple[tuple[str, bytes, str, dict[str, str]], ...] = ()
    done: asyncio.Future[None] | None = None


class PartitionEngine:
    """Follows the log of one partition.

    Invariants: outputs are published in log order, one mark after the other, under ids made of the mark's sequence, so that
    a restarted engine repeats itself exactly; a snapshot is written only when everything said up to its sequence is stored.
    """

    def __init__(self, ctx: RoleContext, partition: str, purge: Purge) -> None:
        self._ctx = ctx
        self._partition = partition
        self._tenant = ctx.settings.tenant
        self._stream = log_stream(self._tenant, partition)
        self._purge = purge
        self._log = ctx.log.bind(partition=partition)
        self._file: Path = ctx.home.folder("engine") / f"{self._tenant}-{partition}.snapshot"
        self._seq = 0
        self._grid: Grid | None = None
        self._running: Running | None = None
        self._pending: Pending | None = None
        self._state: State | None = None
        self._saying: asyncio.Queue[Said] = asyncio.Queue(_AHEAD)
        self._reader: Reader | None = None
        self._follower: asyncio.Task[None] | None = None
        self._between_messages = asyncio.Lock()
        self._one_snapshot = asyncio.Lock()
        self._position_recorded = asyncio.Event()
        self._remembered = -1
        self._ticks = 0
        self._snapshots = 0
        self._loop_seconds = 0.0

    def detail(self) -> dict[str, Any]:
        """Return what the system page shows of this partition."""
        return {
            "sequence": self._seq,
            "tick": self._grid.last_tick if self._grid else None,
            "ticks": self._ticks,
            "instances": len(self._running.plan.instances) if self._running else 0,
            "revision": self._running.plan.revision if self._running else None,
            "snapshots": self._snapshots,
            "tick_ms": round(self._loop_seconds * 1000, 3),
        }

    async def run(self) -> None:
        """Follow the log until cancelled."""
        await self._restore()
        await self._ctx.bus.serve(subject(self._tenant, "ask", f"engine-{self._partition}"), self._tell_signals)
        sayer = asyncio.create_task(self._say_in_order())
        rememberer = asyncio.create_task(self._remember())
        purger = asyncio.create_task(self._let_go())
        self._follower = asyncio.create_task(self._follow())
        work = {sayer, rememberer, purger, self._follower}
        try:
            # The follower ends well when it is told to stop; the others have to go on for the last snapshot.
            while work:
                done, work = await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
        finally:
            for task in (sayer, rememberer, purger, self._follower):
                task.cancel()

    async def _tell_signals(self, data: bytes) -> bytes:
        """Answer what an instance computes now."""
        found = Signals()
        try:
            wanted = messages.decode(data, SignalsWanted)
        except Fault as e:
            self._log.warning("question unreadable", error=str(e))
            return messages.encode(found)
        if self._running is not None and self._state is not None:
            program, state = self._running.program, self._state
            signals = program.signals(state, wanted.instance, wanted.inside)
            if signals is not None:
                found = Signals(state.live_tick, signals, program.conditions_of(state, wanted.instance))
        return messages.encode(found)

    async def stop(self) -> None:
        """Write a last snapshot, so that the next start has nothing to repeat."""
        if self._reader is not None:
            self._reader.close()
        try:
            async with asyncio.timeout(5):
                if self._follower is not None:
                    await asyncio.wait({self._follower})
                await self._snapshot()
        except (OSError, BusUnreachable) as e:
            self._log.warning("stopped without a last snapshot", error=repr(e))

    # --- following the log ----------------------------------------------------------------------------------------

    async def _restore(self) -> None:
        snapshot = await asyncio.to_thread(read_snapshot, self._file) if self._file.exists() else None
        if snapshot is None:
            return
        try:
            self._running = await self._load(snapshot.digest)
        except NotFound as e:
            # The bus began anew and will never have that plan again: what it remembers cannot be read without it.
            self._log.error("plan of the snapshot is gone, starting without", digest=snapshot.digest, error=str(e))
            return
        try:
            self._state = self._running.program.restore(snapshot.state)
        except Fault as e:
            # Written by another version, in which some block remembered other things.
            self._log.warning("blocks start fresh, conditions go on", error=str(e))
            self._state = self._running.program.salvage(snapshot.state)
        self._grid = Grid.restore(snapshot.grid)
        self._seq = snapshot.seq
        if pending := snapshot.extras.get("pending"):
            self._pending = Pending(await self._load(pending["digest"]), pending["first_tick"])
        self._log.info("restored", sequence=self._seq, tick=self._grid.last_tick)

    async def _follow(self) -> None:
        after: int | None = self._seq or None
        while True:
            self._reader = self._ctx.bus.reader(self._stream, after, "engine")
            try:
                handled = 0
                async for message in self._reader:
                    async with self._between_messages:
                        await self._handle(message)
                        self._seq = message.seq
                    handled += 1
                    if handled % 32 == 0:
                        await asyncio.sleep(0)
                return
            except GapError as e:
                self._log.error("the log has a gap", expected=e.expected, found=e.found)
                await self._tell_gap(e)
                # A log that ends before what was read of it began anew: all of it is still to be read.
                self._seq = after = e.found - 1 if e.found > e.expected else 0

    async def _handle(self, message: Message) -> None:
        if message.subject.split(".")[2] == "samples":
            if self._grid is not None:
                try:
                    batch = SampleBatch.decode(message.data)
                except Fault as e:
                    # Reading it again would not help; the historian skips it too, so both still agree.
                    self._log.error("message without samples", seq=message.seq, error=str(e))
                    return
                self._grid.add(batch.tag, batch.time, batch.value, batch.status, message.seq)
            return
        mark = messages.decode(message.data, messages.Mark)
        if isinstance(mark, Watermark):
            await self._release(mark.time, message.seq)
        else:
            await self._activate(mark, message.seq)

    async def _activate(self, activation: Activation, seq: int) -> None:
        running = await self._load(activation.digest)
        self._pending = Pending(running, activation.first_tick)
        last = self._grid.last_tick if self._grid else None
        if last is None or activation.first_tick <= last + running.plan.tick:
            withdrawn: list[Edge] = []
            self._swap(withdrawn)
            if withdrawn:
                await self._saying.put(Said(seq, tuple(self._outputs(seq, [], withdrawn))))

    def _swap(self, edges: list[Edge]) -> None:
        """Put the pending plan in force; blocks that survive the edit keep their state.

        A raised condition that the edit removes is cleared: nothing else would ever end its alarm.
        """
        assert self._pending is not None
        new, old = self._pending.running, self._running
        if old is not None and self._state is not None and self._grid is not None:
            kept = {(w.instance, w.name) for w in new.program.conditions}
            tick = (self._grid.last_tick or 0) + old.plan.tick
            gone = [key for key in old.program.raised(self._state) if key not in kept]
            edges += [Edge(i, name, tick, "clear", math.nan, BAD_NO_DATA) for i, name in gone]
        tags = np.array(sorted(t.id for t in new.plan.tags if t.kind == "measured"), np.uint32)
        if self._grid is None:
            self._grid = Grid(tags, new.plan.tick, new.plan.staleness)
        else:
            self._grid.retag(tags, new.plan.tick, new.plan.staleness)
        if old is None or self._state is None:
            self._state = new.program.new_state()
        else:
            self._state = new.program.migrate(old.program, self._state)
        self._running, self._pending = new, None
        self._log.info("plan in force", revision=new.plan.revision, instances=len(new.plan.instances))

    async def _load(self, digest: str) -> Running:
        while True:
            try:
                plan = PartitionPlan.decode(await self._ctx.bus.get_plan(digest))
                break
            except (BusUnreachable, TimeoutError) as e:
                self._log.warning("plan not readable", digest=digest, error=str(e))
                await asyncio.sleep(0.5)
        tags = np.array(sorted(t.id for t in plan.tags if t.kind == "measured"), np.uint32)
        program = await asyncio.to_thread(compile_program, plan.templates, plan.instances, tags, plan.tick)
        return Running(plan, digest, program)

    # --- evaluating -----------------------------------------------------------------------------------------------

    async def _release(self, watermark: int, seq: int) -> None:
        """Evaluate every tick that the watermark lets go, and queue what came of it."""
        if self._grid is None or self._running is None:
            return
        batches: list[SampleBatch] = []
        edges: list[Edge] = []
        if self._pending is not None and self._pending.first_tick <= watermark:
            self._evaluate(self._pending.first_tick - self._running.plan.tick, batches, edges)
            self._swap(edges)
        self._evaluate(watermark, batches, edges)
        if batches or edges:
            await self._saying.put(Said(seq, tuple(self._outputs(seq, batches, edges))))

    def _evaluate(self, watermark: int, batches: list[SampleBatch], edges: list[Edge]) -> None:
        assert self._grid is not None
        assert self._running is not None
        assert self._state is not None
        for rows in self._grid.advance(watermark):
            begun = time.perf_counter()
            out = self._running.program.step(self._state, rows.ticks, rows.value, rows.status)
            spent = time.perf_counter() - begun
            k, m = out.calc_value.shape
            if m:
                batches.append(
                    SampleBatch(
                        np.tile(out.calc_tags, k),
                        np.repeat(rows.ticks, m),
                        np.ascontiguousarray(out.calc_value).reshape(-1),
                        np.ascontiguousarray(out.calc_status).reshape(-1),
                    )
                )
            edges.extend(Edge(*e) for e in out.edges)
            self._ticks += k
            self._loop_seconds = spent / k
            _TICKS.labels(self._partition).inc(k)
            _TICK_SECONDS.labels(self._partition).observe(spent / k)

    def _outputs(
        self, seq: int, batches: list[SampleBatch], edges: list[Edge]
    ) -> list[tuple[str, bytes, str, dict[str, str]]]:
        assert self._running is not None
        said: list[tuple[str, bytes, str, dict[str, str]]] = []
        where = subject(self._tenant, "condition", self._partition)
        for i, start in enumerate(range(0, len(edges), MAX_EDGES_PER_MESSAGE)):
            part = tuple(edges[start : start + MAX_EDGES_PER_MESSAGE])
            body = messages.encode(Edges(seq, self._running.plan.revision, part))
            said.append((where, body, f"{self._partition}:{seq}:e{i or ''}", {}))
        for e in edges:
            _EDGES.labels(self._partition, e.transition).inc()
        calculated, where = SampleBatch.concat(batches), subject(self._tenant, "calc", self._partition)
        for i, start in enumerate(range(0, len(calculated), MAX_SAMPLES_PER_MESSAGE)):
            chunk = calculated[start : start + MAX_SAMPLES_PER_MESSAGE]
            headers = {"Hw-Mark": str(seq), "Hw-Chunk": str(i)}
            said.append((where, chunk.encode(), f"{self._partition}:{seq}:{i}", headers))
        return said

    async def _say_in_order(self) -> None:
        while True:
            said = await self._saying.get()
            for where, data, msg_id, headers in said.outputs:
                await self._ctx.bus.publish_retrying(where, data, msg_id=msg_id, headers=headers)
            if said.done is not None and not said.done.done():
                said.done.set_result(None)

    # --- remembering ----------------------------------------------------------------------------------------------

    async def _remember(self) -> None:
        """Write a snapshot every so often, also of a log that has gone quiet."""
        while True:
            await asyncio.sleep(self._ctx.settings.snapshot_seconds)
            try:
                # Not "newer": a log that began anew counts from one again.
                if self._seq != self._remembered:
                    await self._snapshot()
            except BusUnreachable as e:
                self._log.info("position put off", error=str(e))
            except OSError as e:
                # The models go on without a place to write to; the log keeps what a restart would need.
                self._log.error("snapshot not written", file=self._file.name, error=str(e))

    async def _let_go(self) -> None:
        """Purge what every reader has read.

        Not part of remembering: a snapshot waits for what was said to be stored, and that for the room made here.
        """
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._ctx.settings.snapshot_seconds):
                    await self._position_recorded.wait()
            self._position_recorded.clear()
            try:
                await self._purge(self._ctx.bus, self._tenant, self._partition)
            except BusUnreachable as e:
                self._log.info("purge put off", error=str(e))

    async def _snapshot(self) -> None:
        """Write down where the engine is, once everything it said is stored. One at a time: they share a file."""
        async with self._one_snapshot:
            await self._write_snapshot()

    async def _write_snapshot(self) -> None:
        if self._grid is None or self._running is None or self._state is None:
            return
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        async with self._between_messages:
            pending = self._pending and {
                "digest": self._pending.running.digest,
                "first_tick": self._pending.first_tick,
            }
            snapshot = Snapshot(
                digest=self._running.digest,
                seq=self._seq,
                grid=self._grid.export(),
                state=self._state.export(),
                extras={"pending": pending},
            )
            await self._saying.put(Said(snapshot.seq, done=stored))
        await stored
        await asyncio.to_thread(write_snapshot, self._file, snapshot)
        self._snapshots += 1
        self._remembered = snapshot.seq
        await self._ctx.bus.record_position(self._stream, "engine", snapshot.seq)
        self._position_recorded.set()

    async def _tell_gap(self, gap: GapError) -> None:
        """Tell the platform's own condition: people must know that a stretch of the log was not evaluated.

        Raised and over at once: it stays in sight until somebody has acknowledged it.
        """
        if self._running is None:
            return
        now = self._ctx.clock.now()
        instance = self._running.plan.system_instance
        lost = float(max(gap.found - gap.expected, 0))
        edges = (
            Edge(instance, "log_gap", now, "raise", lost, 0),
            Edge(instance, "log_gap", now + 1, "clear", lost, 0),
        )
        body = messages.encode(Edges(0, self._running.plan.revision, edges))
        where = subject(self._tenant, "condition", self._partition)
        await self._ctx.bus.publish_retrying(where, body, msg_id=f"{self._partition}:gap:{gap.found}")
        event = Event("log.gap", now, {"partition": self._partition, "at": to_datetime(now).isoformat()})
        await self._ctx.bus.say(subject(self._tenant, "event", self._partition), messages.encode(event))
