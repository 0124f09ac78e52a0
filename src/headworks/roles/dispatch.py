"""The dispatch role: condition edges become alarm records, and alarms that only follow from others are suppressed.

One reader per partition goes through the OUT stream in order. Edges are applied in one transaction with the position, so
a dispatcher that is killed goes on exactly where its records are; what is said twice is done once.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar
from uuid import UUID

from prometheus_client import Counter

from headworks.base import tasks
from headworks.base.errors import Fault, NotFound, NotReady
from headworks.bus import messages
from headworks.bus.errors import LIBRARY_ERRORS, BusUnreachable, GapError
from headworks.bus.messages import Edge, Edges, Event
from headworks.bus.plan import PartitionPlan
from headworks.bus.reader import Message
from headworks.bus.subjects import out_stream, subject
from headworks.roles.context import RoleContext
from headworks.roles.records import Records, set_up_django

_EDGES = Counter("headworks_alarm_edges", "Condition edges by what became of them", ["partition", "outcome"])
_NAME = "dispatch"
_WAITING_MESSAGES = 1000
_POSITION_SECONDS = 1.0
_LONGEST_PAUSE_S = 5.0
P = ParamSpec("P")
T = TypeVar("T")


class PartitionDispatcher:
    """Follows the OUT stream of one partition."""

    def __init__(self, ctx: RoleContext, records: Records, plan: PartitionPlan) -> None:
        self.plan = plan
        self._ctx = ctx
        self._records = records
        self._partition = plan.partition
        self._stream = out_stream(ctx.settings.tenant, plan.partition)
        self._event_subject = subject(ctx.settings.tenant, "event", plan.partition)
        self._queue: asyncio.Queue[Message] = asyncio.Queue(_WAITING_MESSAGES)
        self._seq: int | None = None
        self._in_records: int | None = None
        self._on_bus: int | None = None
        self._recorded_at = float("-inf")
        self.edges = 0

    async def run(self) -> None:
        """Read and apply until cancelled."""
        from headworks.control.alarms import services

        self._seq = self._in_records = await self._retry(services.position, self._stream)
        await self._say_changed(await self._retry(services.newest_changed, self._partition))
        while True:
            reading = asyncio.create_task(self._read())
            applying = asyncio.create_task(self._apply())
            try:
                await asyncio.wait({reading, applying}, return_when=asyncio.FIRST_COMPLETED)
                if applying.done():
                    applying.result()
                reading.result()
            except GapError as gap:
                await self._finish(applying)
                await self._over_gap(gap)
            finally:
                await tasks.end((reading, applying))

    async def _finish(self, applying: asyncio.Task[None]) -> None:
        """Wait until everything that was read is applied."""
        finished = asyncio.create_task(self._queue.join())
        await asyncio.wait({finished, applying}, return_when=asyncio.FIRST_COMPLETED)
        finished.cancel()
        if applying.done():
            applying.result()

    async def _read(self) -> None:
        reader = self._ctx.bus.reader(self._stream, self._seq, _NAME)
        async for message in reader:
            await self._queue.put(message)

    async def _apply(self) -> None:
        """Apply what is waiting, as much as fits one transaction at a time."""
        from headworks.control.alarms.services import EDGES_PER_TRANSACTION

        while True:
            batch = [await self._next()]
            edges = self._edges(batch[0])
            while len(edges) < EDGES_PER_TRANSACTION and not self._queue.empty():
                message = self._queue.get_nowait()
                batch.append(message)
                edges += self._edges(message)
            await self._commit(edges, batch[-1].seq)
            for _ in batch:
                self._queue.task_done()

    async def _next(self) -> Message:
        """Return the next message; while there is none, record a position that only calculated samples moved."""
        while True:
            with contextlib.suppress(TimeoutError):
                return await asyncio.wait_for(self._queue.get(), _POSITION_SECONDS)
            await self._record()

    def _edges(self, message: Message) -> list[Edge]:
        if ".condition." not in message.subject:
            return []
        try:
            return list(messages.decode(message.data, Edges).edges)
        except Fault as e:
            # It will not get better by reading it again, and alarms behind it must not wait for ever.
            self._ctx.log.error("message of edges unreadable", stream=self._stream, seq=message.seq, error=str(e))
            return []

    async def _commit(self, edges: list[Edge], seq: int) -> None:
        from headworks.control.alarms import services

        if edges:
            applied = await self._retry(
                services.apply_edges,
                self._partition,
                edges,
                seq,
                tenant=self.plan.tenant,
                stream=self._stream,
                system=self.plan.system_instance,
            )
            self.edges += applied.applied
            for outcome, count in (
                ("applied", applied.applied),
                ("repeated", applied.repeated),
                ("out_of_step", applied.out_of_step),
            ):
                _EDGES.labels(self._partition, outcome).inc(count)
            self._in_records = seq
            await self._say_changed(list(applied.changed))
        self._seq = seq
        await self._record()

    async def _record(self) -> None:
        """Write the position down at most once a second: in the records, then on the bus (which may then purge)."""
        from headworks.control.alarms import services

        now = asyncio.get_running_loop().time()
        if self._seq is None or self._seq == self._on_bus or now - self._recorded_at < _POSITION_SECONDS:
            return
        self._recorded_at = now
        seq = self._seq
        if self._in_records != seq:
            await self._retry(services.set_position, self._stream, seq)
            self._in_records = seq
        try:
            await self._ctx.bus.record_position(self._stream, _NAME, seq)
        except NotReady as e:
            self._ctx.log.info("position not recorded on the bus", stream=self._stream, error=str(e))
            return
        self._on_bus = seq

    async def _over_gap(self, gap: GapError) -> None:
        """Tell people that edges may be lost, then go on with the first message there is."""
        from headworks.control.alarms import services

        self._ctx.log.error("messages lost before they were applied", **gap.params)
        now = self._ctx.clock.now()
        lost = float(max(gap.found - gap.expected, 0))
        about = (self.plan.system_instance, "edges_lost")
        # Raised and over at once: it stays in sight until somebody has acknowledged it.
        edges = [Edge(*about, now, "raise", lost, 0), Edge(*about, now + 1, "clear", lost, 0)]
        applied = await self._retry(
            services.apply_edges, self._partition, edges, None, tenant=self.plan.tenant, stream=self._stream
        )
        # The clear of a trigger may be among what is lost: then nothing would ever show again what its group hides.
        shown = await self._retry(services.end_all_groups, self.plan.tenant, self._partition, now)
        await self._say_changed([*applied.changed, *shown])
        # Not `found`: a stream that was made anew starts below what was read of the old one.
        self._seq = None

    async def _say_changed(self, ids: list[UUID]) -> None:
        if not ids:
            return
        event = Event(name="alarm.changed", at=self._ctx.clock.now(), params={"ids": [str(i) for i in ids]})
        await self._ctx.bus.say(self._event_subject, messages.encode(event))

    async def _retry(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Call until the database takes it; an error that is not about the database being away is a bug and raised."""
        from django.db import InterfaceError, OperationalError

        pause = 0.1
        while True:
            try:
                return await self._records.call(function, *args, **kwargs)
            except (OperationalError, InterfaceError) as e:
                self._ctx.log.warning("records not available, trying again", stream=self._stream, error=str(e))
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE_S)


class Dispatch:
    """Finds partitions by their plans and keeps one dispatcher for each."""

    def __init__(self, ctx: RoleContext) -> None:
        self._ctx = ctx
        self._records = Records()
        self._dispatchers: dict[str, PartitionDispatcher] = {}
        self._tasks: dict[str, asyncio.Task[Any]] = {}
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def run(self) -> None:
        try:
            self._start("publish", self._publish_pending())
            await self._ctx.bus.watch_plans(self._ctx.settings.tenant, self._plan_changed)
            self._ctx.ready(partitions=len(self._dispatchers))
            stopping = asyncio.create_task(self._ctx.stopping.wait())
            self._tasks["stopping"] = stopping
            ends: set[asyncio.Future[Any]] = {stopping, self._failed}
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            if self._failed.done():
                self._failed.result()
        finally:
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)
            await asyncio.to_thread(self._records.close)

    async def _plan_changed(self, partition: str, name: bytes) -> None:
        try:
            plan = PartitionPlan.decode(await self._ctx.bus.get_plan(name.decode()))
        except NotFound as e:
            raise BusUnreachable(reason=str(e)) from e  # the watch asks again
        if (known := self._dispatchers.get(partition)) is not None:
            known.plan = plan
            return
        dispatcher = self._dispatchers[partition] = PartitionDispatcher(self._ctx, self._records, plan)
        self._start(partition, dispatcher.run())
        self._ctx.beat(partitions=len(self._dispatchers))

    async def _end_stale_groups(self) -> None:
        """Show again what an alarm group hides that was edited, retired or lost its trigger, and tell people."""
        from headworks.control.alarms.services import end_stale_groups

        tenant, now = self._ctx.settings.tenant, self._ctx.clock.now()
        for partition, ids in (await self._records.call(end_stale_groups, tenant, now)).items():
            event = Event(name="alarm.changed", at=now, params={"ids": [str(i) for i in ids]})
            await self._ctx.bus.say(subject(tenant, "event", partition), messages.encode(event))

    async def _publish_pending(self) -> None:
        """Once a second: what edits of the records have made due. Plans are published, alarm groups ended."""
        from django.db import OperationalError

        from headworks.control.modelling.services import publish_pending

        while await self._ctx.sleep(1.0):
            try:
                await publish_pending(self._ctx.bus)
            except (NotReady, OperationalError, *LIBRARY_ERRORS) as e:
                self._ctx.log.info("plans not published yet", error=repr(e))
            try:
                await self._end_stale_groups()
            except (NotReady, OperationalError, *LIBRARY_ERRORS) as e:
                self._ctx.log.info("alarm groups not looked at", error=repr(e))
            self._ctx.beat(edges=sum(d.edges for d in self._dispatchers.values()))

    def _start(self, name: str, work: Any) -> None:
        task = self._tasks[name] = asyncio.create_task(work)

        def ended(task: asyncio.Task[Any]) -> None:
            if not task.cancelled() and (error := task.exception()) and not self._failed.done():
                self._failed.set_exception(error)

        task.add_done_callback(ended)


async def main(ctx: RoleContext) -> None:
    """Apply edges until told to stop. A bug ends the role; its supervisor starts it again from the records."""
    set_up_django(ctx.home)
    await Dispatch(ctx).run()
