"""The connect role: from start to orderly stop, as the supervisor runs it."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from headworks.base.clock import SystemClock
from headworks.base.settings import Home
from headworks.bus.batch import SampleBatch
from headworks.bus.client import Bus
from headworks.bus.messages import Watermark, decode
from headworks.bus.plan import DevicePlan, PartitionPlan, Point, TagPlan
from headworks.bus.server import BusServer
from headworks.bus.subjects import log_stream
from headworks.connect.client import TELEMETRY, DeviceClient
from headworks.connect.devices import token_digest
from headworks.roles import connect
from headworks.roles.context import Endpoints, RoleContext

pytestmark = [pytest.mark.feature("PLT-03"), pytest.mark.integration]

TOKEN = "a-token-of-a-device-0123456789"


def plan(revision: int = 1) -> PartitionPlan:
    device = DevicePlan(code="d", token_sha256=token_digest(TOKEN.encode()), points=(Point(key="T", tag=1),))
    return PartitionPlan(
        tenant="main",
        partition="u1",
        revision=revision,
        system_instance=9,
        tags=(TagPlan(id=1, code="T"),),
        devices=(device,),
    )


async def wait_for(what: object, within: float = 10.0) -> None:
    async with asyncio.timeout(within):
        while not what():  # type: ignore[operator]  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_ready_health_marks_and_orderly_stop(own_bus_server: BusServer, home: Home) -> None:
    async with AsyncExitStack() as stack:
        bus = await Bus.connect(own_bus_server.url, own_bus_server.token, "connect")
        stack.push_async_callback(bus.close)
        name = await bus.put_plan(plan().encode())
        await bus.set_current_plan("main", "u1", name)
        ctx = RoleContext("connect", home, bus, SystemClock(), Endpoints(mqtt=("127.0.0.1", 0)))
        role = asyncio.create_task(connect.main(ctx))
        await wait_for(lambda: ctx.health().ready)

        async with DeviceClient("127.0.0.1", ctx.health().detail["mqtt_port"], TOKEN) as client:
            for i in range(10):
                assert await client.publish(TELEMETRY, {"T": i}) == 0
            await wait_for(lambda: ctx.health().detail["stored"] == 10)
            detail = ctx.health().detail
            assert (detail["connections"], detail["messages"], detail["refused"], detail["log_full"]) == (1, 10, 0, [])
            assert detail["devices"]["d"]["connected"]
            assert detail["devices"]["d"]["last_seen_ms"] > 1_600_000_000_000
            await asyncio.sleep(1.2)
            ctx.stopping.set()
            await asyncio.wait_for(role, 5)

        state = await bus.stream_state(log_stream("main", "u1"))
        values, marks = [], []
        async for m in bus.reader(log_stream("main", "u1"), None, "test"):
            if ".samples." in m.subject:
                values += SampleBatch.decode(m.data).value.tolist()
            else:
                marks.append(decode(m.data, Watermark).time)
            if m.seq == state.last:
                break
        assert values == [float(i) for i in range(10)]
        assert len(marks) >= 2
        assert marks == sorted(set(marks))
        assert all(t % 1_000_000 == 0 for t in marks)


async def test_a_bus_that_is_away_does_not_keep_it_from_stopping(own_bus_server: BusServer, home: Home) -> None:
    bus = await Bus.connect(own_bus_server.url, own_bus_server.token, "connect")
    await asyncio.to_thread(own_bus_server.kill)
    ctx = RoleContext("connect", home, bus, SystemClock(), Endpoints(mqtt=("127.0.0.1", 0)))
    role = asyncio.create_task(connect.main(ctx))
    await asyncio.sleep(0.3)
    assert not ctx.health().ready
    ctx.stopping.set()
    await asyncio.wait_for(role, 5)
    await bus.close()
