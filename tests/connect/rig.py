"""A whole connect service on a real bus, and plans for it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import msgspec

from headworks.base import log
from headworks.base.clock import Clock, SystemClock
from headworks.base.settings import Home
from headworks.bus.batch import SampleBatch
from headworks.bus.client import Bus
from headworks.bus.messages import Event, Mark, Watermark, decode
from headworks.bus.plan import DevicePlan, PartitionPlan, Point, TagPlan
from headworks.bus.server import BusServer
from headworks.bus.subjects import log_stream, out_stream, subject
from headworks.connect.devices import token_digest
from headworks.roles.connect import Service

_numbers = itertools.count(1)

TAGS = (
    TagPlan(id=1, code="P101", unit="MPa", low=0.0, high=10.0),
    TagPlan(id=2, code="T101", unit="℃"),
    TagPlan(id=3, code="RUN", unit=""),
)
POINTS = (Point(key="P", tag=1, gain=0.001), Point(key="T", tag=2), Point(key="run", tag=3))


def token(code: str) -> str:
    return f"token-of-{code}-0123456789abcdef"


def device(code: str, **changes: Any) -> DevicePlan:
    return DevicePlan(
        code=code,
        token_sha256=token_digest(token(code).encode()),
        **{"points": POINTS, "max_messages_per_s": 1e5, **changes},
    )


def gateway(code: str) -> DevicePlan:
    return device(code, points=(), children={"A": (Point(key="P", tag=1),), "B": (Point(key="T", tag=2),)})


def new_plan() -> PartitionPlan:
    """Return a plan of a tenant of its own: devices d1 and d2, gateway gw (children A and B)."""
    return PartitionPlan(
        tenant=f"t{next(_numbers)}x",
        partition="u1",
        revision=1,
        system_instance=900,
        tags=TAGS,
        devices=(device("d1"), device("d2"), gateway("gw")),
    )


@dataclass
class Rig:
    """A running service: what devices say to `port` and what then lies in the log."""

    service: Service
    bus: Bus
    plan: PartitionPlan
    port: int
    events: list[Event]

    async def use(self, plan: PartitionPlan) -> None:
        self.plan = plan
        name = await self.bus.put_plan(plan.encode())
        await self.bus.set_current_plan(plan.tenant, plan.partition, name)
        await self.service.use_plan(plan.partition, name.encode())

    async def log(self) -> list[SampleBatch | Watermark]:
        """Return everything in the partition's log, in order."""
        stream = log_stream(self.plan.tenant, self.plan.partition)
        state = await self.bus.stream_state(stream)
        found: list[SampleBatch | Watermark] = []
        if state.messages:
            async with asyncio.timeout(10):
                async for m in self.bus.reader(stream, None, "test"):
                    found.append(SampleBatch.decode(m.data) if ".samples." in m.subject else decode(m.data, Mark))
                    if m.seq == state.last:
                        break
        return found

    async def samples(self) -> list[tuple[int, int, float, int]]:
        """Return the stored samples as (tag, time, value, status)."""
        batch = SampleBatch.concat([b for b in await self.log() if isinstance(b, SampleBatch)])
        return list(
            zip(batch.tag.tolist(), batch.time.tolist(), batch.value.tolist(), batch.status.tolist(), strict=True)
        )

    async def samples_if_any(self) -> list[tuple[int, int, float, int]]:
        """Return the stored samples, none if there are none yet."""
        return await self.samples() if any(isinstance(b, SampleBatch) for b in await self.log()) else []

    async def quarantined(self) -> list[dict[str, Any]]:
        stream = f"QUARANTINE_{self.plan.tenant}"
        state = await self.bus.stream_state(stream)
        found = []
        if state.messages:
            async with asyncio.timeout(10):
                async for m in self.bus.reader(stream, None, "test"):
                    found.append(msgspec.json.decode(m.data))
                    if m.seq == state.last:
                        break
        return found

    async def event(self, name: str) -> Event:
        """Wait for an event of that name."""
        async with asyncio.timeout(5):
            while True:
                for e in self.events:
                    if e.name == name:
                        return e
                await asyncio.sleep(0.01)


@asynccontextmanager
async def running(
    server: BusServer,
    plan: PartitionPlan,
    clock: Clock | None = None,
    max_bytes: int = 64 << 20,
    home: Home | None = None,
) -> AsyncIterator[Rig]:
    bus = await Bus.connect(server.url, server.token, "test")
    service = Service(bus, plan.tenant, clock or SystemClock(), max_bytes, log.get("test"), home)
    events: list[Event] = []

    async def heard(_: str, data: bytes) -> None:
        events.append(decode(data, Event))

    await bus.subscribe(subject(plan.tenant, "event", "*"), heard)
    name = await bus.put_plan(plan.encode())
    await bus.set_current_plan(plan.tenant, plan.partition, name)
    port = await service.start("127.0.0.1", 0)
    try:
        yield Rig(service, bus, plan, port, events)
    finally:
        await service.stop()
        # The bus sets the greatest size of every stream aside: leave none behind on the one that tests share.
        for partition in service.logs:
            await bus.jetstream.delete_stream(log_stream(plan.tenant, partition))
            await bus.jetstream.delete_stream(out_stream(plan.tenant, partition))
        await bus.jetstream.delete_stream(f"QUARANTINE_{plan.tenant}")
        await bus.close()
