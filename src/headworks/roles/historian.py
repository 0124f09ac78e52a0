"""The `historian` role: keeps what every partition's log and engine say, and answers questions about it."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

from prometheus_client import Gauge

from headworks.base.errors import HeadworksError, NotReady
from headworks.bus import messages
from headworks.bus.errors import GapError
from headworks.bus.messages import Event
from headworks.bus.subjects import log_stream, out_stream, subject
from headworks.history.flight import HistoryService, RunningService
from headworks.history.intake import CalcIntake, GridIntake, RawIntake
from headworks.history.retention import apply_retention
from headworks.history.store import Options, Store
from headworks.history.wire import socket_for
from headworks.history.writer import GRID_LIMITS, Compaction, Limits, Writer
from headworks.roles.context import RoleContext

_LAG = Gauge("headworks_history_lag_messages", "Messages not yet stored", ["partition", "reader"])
_BYTES = Gauge("headworks_history_bytes", "Bytes on disk", ["table"])
_STORED = Gauge("headworks_history_stored_rows", "Rows on disk", ["table"])
_DAY_S = 86_400.0
_RETENTION_AGAIN_S = 60.0
_LOOK_S = 2.0
# Less than the supervisor's patience.
_STOP_S = 7.0


class PartitionHistory:
    """The three writers of a partition: samples, calculated samples, grid."""

    def __init__(self, ctx: RoleContext, store: Store, database: str, records: Path, partition: str) -> None:
        self._ctx = ctx
        self._partition = partition
        tenant, s = ctx.settings.tenant, ctx.settings
        self._log, self._out = log_stream(tenant, partition), out_stream(tenant, partition)
        limits = Limits(weight=s.history_batch_rows, seconds=s.history_batch_seconds)
        grid_limits = Limits(weight=GRID_LIMITS.weight, seconds=s.history_grid_seconds)
        self._raw_intake = RawIntake(ctx.bus.get_plan)
        self._calc_intake = CalcIntake()
        grid = GridIntake(partition, ctx.bus.get_plan)

        def writer(stream: str, name: str, kind: str, intake: Any, limit: Limits, **more: Any) -> Writer:
            file = records / f"{tenant}.{partition}.{kind}"
            return Writer(ctx.bus, store, database, stream, name, intake, file, limit, on_gap=self._gap, **more)

        self._writers = {
            "samples": writer(self._log, "historian", "samples", self._raw_intake, limits),
            "calculated": writer(self._out, "historian", "calculated", self._calc_intake, limits),
            "grid": writer(
                self._log,
                "historian-grid",
                "grid",
                grid,
                grid_limits,
                after=Compaction(store, database, partition, grid),
            ),
        }
        self.tasks = [asyncio.create_task(w.run(), name=f"{partition}-{k}") for k, w in self._writers.items()]

    def stop(self) -> None:
        for writer in self._writers.values():
            writer.stop()

    async def detail(self) -> dict[str, Any]:
        """Return what the system page shows; lag is in messages of the stream."""
        told: dict[str, Any] = {
            "late": self._raw_intake.late,
            "ignored": self._raw_intake.ignored,
            "repeated": self._calc_intake.repeated,
            "tick": self._raw_intake.last_tick,
        }
        ends = {stream: (await self._ctx.bus.stream_state(stream)).last for stream in (self._log, self._out)}
        for name, writer in self._writers.items():
            p = writer.progress
            lag = max(0, ends[self._out if name == "calculated" else self._log] - p.seen)
            _LAG.labels(self._partition, name).set(lag)
            told[name] = {
                "seen": p.seen,
                "position": p.position,
                "lag": lag,
                "rows": p.rows,
                "rows_per_s": round(p.measure(), 1),
                "batch_rows": p.last_batch_rows,
                "failed": p.failed,
                "gaps": p.gaps,
                "error": p.error,
            }
        return told

    async def _gap(self, gap: GapError) -> None:
        """Tell whoever listens that messages were gone before they were stored."""
        params = {"partition": self._partition, "expected": gap.expected, "found": gap.found}
        event = messages.encode(Event("history.gap", self._ctx.clock.now(), params))
        await self._ctx.bus.say(subject(self._ctx.settings.tenant, "event", self._partition), event)


class Historian:
    """Store, service and writers of one installation."""

    def __init__(self, ctx: RoleContext, store: Store, service: RunningService) -> None:
        self._ctx = ctx
        self._store = store
        self._service = service
        self._database = store.open_tenant(ctx.settings.tenant)
        self._partitions: dict[str, PartitionHistory] = {}
        self._retention_due = 0.0

    async def planned(self, partition: str, _: bytes) -> None:
        """Begin to keep a partition when it gets its first plan."""
        if partition not in self._partitions:
            records = self._ctx.home.folder("history/records")
            history = PartitionHistory(self._ctx, self._store, self._database, records, partition)
            self._partitions[partition] = history

    async def work(self) -> None:
        """Look after the writers until told to stop; a writer that fails ends the role."""
        stopping = asyncio.create_task(self._ctx.stopping.wait())
        while not stopping.done():
            await asyncio.wait({stopping, *self._tasks()}, timeout=_LOOK_S, return_when=asyncio.FIRST_COMPLETED)
            for task in self._tasks():
                if task.done():
                    task.result()
            await self._forget()
            await self._tell()

    def _tasks(self) -> list[asyncio.Task[None]]:
        return [t for p in self._partitions.values() for t in p.tasks]

    async def _forget(self) -> None:
        if time.monotonic() < self._retention_due:
            return
        self._retention_due = time.monotonic() + _DAY_S
        days, now = self._ctx.settings.raw_retention_days, self._ctx.clock.now()
        try:
            gone = await asyncio.to_thread(apply_retention, self._store, self._database, days, now)
        except HeadworksError as e:
            self._retention_due = time.monotonic() + _RETENTION_AGAIN_S
            self._ctx.log.error("retention put off", error=str(e))
            return
        if gone:
            self._ctx.log.info("retention", days=days, dropped=len(gone), rows=sum(e.rows for e in gone))

    async def _tell(self) -> None:
        try:
            partitions = {name: await p.detail() for name, p in list(self._partitions.items())}
            tables = await asyncio.to_thread(self._store.bytes_on_disk)
        except (HeadworksError, TimeoutError) as e:
            # Whatever the store says about its size, the writers and the queries go on.
            self._ctx.log.warning("state not known", error=str(e))
            return
        for table, (rows, size) in tables.items():
            _BYTES.labels(table).set(size)
            _STORED.labels(table).set(rows)
        writers = [w for p in partitions.values() for w in p.values() if isinstance(w, dict)]
        self._ctx.beat(
            partitions=partitions,
            rows_per_s=round(sum(w["rows_per_s"] for w in writers), 1),
            bytes=sum(size for _, size in tables.values()),
            rows=tables.get("raw", (0, 0))[0],
            codec=self._store.codec,
        )

    async def close(self) -> None:
        """Insert what is at hand, end the service, give the folder back."""
        for partition in self._partitions.values():
            partition.stop()
        if tasks := self._tasks():
            _, late = await asyncio.wait(tasks, timeout=_STOP_S)
            for task in late:
                self._ctx.log.warning("writer cut off; it repeats its batch at the next start", writer=task.get_name())
                task.cancel()
        await asyncio.to_thread(self._service.stop)
        await asyncio.to_thread(self._store.close)


async def main(ctx: RoleContext) -> None:
    """Keep history until told to stop.

    Raises
    ------
    HistoryOwned, SchemaNewer, RecordDamaged
        The folder cannot be used: stop.
    """
    options = Options(value_codec=ctx.settings.history_value_codec)
    store = await asyncio.to_thread(Store, ctx.home.folder("history"), options)
    path = socket_for(ctx.home.folder("run") / "history.sock")
    service = RunningService(HistoryService(store, path, ctx.home.secret("history"), ctx.clock))
    historian = Historian(ctx, store, service)
    try:
        await ctx.bus.watch_plans(ctx.settings.tenant, historian.planned)
        if not await asyncio.to_thread(service.wait_until_answering):
            raise NotReady("history.unreachable", reason=str(path))
        ctx.ready(partitions={})
        await historian.work()
    finally:
        await historian.close()
