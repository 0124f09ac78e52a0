"""The historian role: partitions that appear, what it tells, what it answers, and an orderly end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
import pytest

from headworks.base.clock import SystemClock
from headworks.base.errors import SetupFailed
from headworks.base.settings import Home
from headworks.bus import messages
from headworks.bus.batch import SampleBatch
from headworks.bus.client import Bus
from headworks.bus.messages import Activation, Watermark
from headworks.bus.plan import PartitionPlan, TagPlan
from headworks.bus.server import BusServer
from headworks.bus.subjects import log_stream, out_stream, subject
from headworks.history.client import HistoryClient
from headworks.history.errors import QueryTooLarge, StoreFault, Unreachable
from headworks.history.store import Store
from headworks.history.wire import socket_for
from headworks.roles import historian
from headworks.roles.context import Endpoints, RoleContext

pytestmark = pytest.mark.integration
TENANT = "main"
SECOND = 1_000_000


async def until(what: Callable[[], Awaitable[Any] | Any], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while True:
        found = what()
        if found if isinstance(found, bool) else await found:
            return
        assert time.monotonic() < end, "waited in vain"
        await asyncio.sleep(0.05)


async def add_partition(bus: Bus, name: str, start: int) -> None:
    """Make a partition with a plan and a minute of samples of tag 1."""
    plan = PartitionPlan(
        tenant=TENANT,
        partition=name,
        revision=1,
        system_instance=1,
        tags=(TagPlan(id=1, code="A"), TagPlan(id=2, code="B")),
    )
    await bus.ensure_partition(TENANT, name, 64 << 20)
    digest = await bus.put_plan(plan.encode())
    mark, samples = subject(TENANT, "mark", name), subject(TENANT, "samples", name)
    await bus.publish(mark, messages.encode(Activation(1, digest)))
    for k in range(60):
        now = start + k * SECOND
        await bus.publish(samples, SampleBatch.of([1, 2], [now, now], [float(k), -float(k)]).encode())
        await bus.publish(mark, messages.encode(Watermark(now)))
    calc = SampleBatch.of([7], [start], [1.0])
    headers = {"Hw-Mark": "3", "Hw-Chunk": "0"}
    await bus.publish(subject(TENANT, "calc", name), calc.encode(), headers=headers)
    await bus.set_current_plan(TENANT, name, digest)


@pytest.fixture
def fast_home(home: Home, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("HEADWORKS_HISTORY_BATCH_SECONDS", "0.2")
    monkeypatch.setenv("HEADWORKS_HISTORY_GRID_SECONDS", "0.2")
    return Home(home.path)


@pytest.mark.feature("PLT-05")
async def test_a_partition_that_appears_is_kept_and_answered_for(fast_home: Home, own_bus_server: BusServer) -> None:
    home, clock = fast_home, SystemClock()
    bus = await Bus.connect(own_bus_server.url, own_bus_server.token, "historian")
    ctx = RoleContext("historian", home, bus, clock, Endpoints())
    role = asyncio.create_task(historian.main(ctx))
    await until(lambda: ctx.health().ready)
    start = clock.now() // SECOND * SECOND - 3_600 * SECOND
    client = HistoryClient(socket_for(home.path / "run" / "history.sock"), home.secret("history"), TENANT)
    assert await asyncio.to_thread(client.count, [], 0, start * 2) == {}

    await add_partition(bus, "u1", start)

    async def stored() -> bool:
        counts = await asyncio.to_thread(client.count, [], 0, start * 2)
        rows = await asyncio.to_thread(client.matrix, [2, 1], start, start + 60 * SECOND)
        return counts == {1: 60, 2: 60, 7: 1} and len(rows.ticks) == 60

    stored_or_failed = asyncio.create_task(until(stored))
    await asyncio.wait({stored_or_failed, role}, return_when=asyncio.FIRST_COMPLETED)
    assert not role.done() or role.result()
    await stored_or_failed
    rows = await asyncio.to_thread(client.matrix, [2, 1], start, start + 60 * SECOND)
    np.testing.assert_array_equal(rows.value, np.column_stack([-np.arange(60.0), np.arange(60.0)]))

    async def everything_may_go() -> bool:
        log, out = log_stream(TENANT, "u1"), out_stream(TENANT, "u1")
        last = (await bus.stream_state(log)).last
        return await bus.positions(log) == {"historian": last, "historian-grid": last} and await bus.positions(out) == {
            "historian": 1
        }

    await until(everything_may_go)
    await until(lambda: ctx.health().detail.get("rows") == 121)
    detail = ctx.health().detail
    assert detail["partitions"]["u1"]["samples"]["lag"] == 0
    assert detail["partitions"]["u1"]["grid"]["error"] == ""
    assert detail["bytes"] > 0

    ctx.stopping.set()
    await asyncio.wait_for(role, 20)
    with pytest.raises(Unreachable):
        await asyncio.to_thread(client.count, [], 0, 1)
    assert not (home.path / "run" / "history.sock").exists()
    await bus.close()


@pytest.mark.feature("PLT-05")
async def test_a_second_historian_stops_as_wrongly_set_up(fast_home: Home, own_bus_server: BusServer) -> None:
    bus = await Bus.connect(own_bus_server.url, own_bus_server.token, "historian")
    first, second = (RoleContext("historian", fast_home, bus, SystemClock(), Endpoints()) for _ in range(2))
    role = asyncio.create_task(historian.main(first))
    await until(lambda: first.health().ready)

    with pytest.raises(SetupFailed) as e:
        await historian.main(second)

    assert e.value.error_code == "history.owned"
    client = HistoryClient(socket_for(fast_home.path / "run" / "history.sock"), fast_home.secret("history"), TENANT)
    assert await asyncio.to_thread(client.latest, [1]) == {}
    first.stopping.set()
    await asyncio.wait_for(role, 20)
    await bus.close()


@pytest.mark.feature("PLT-05")
async def test_store_that_does_not_tell_its_size_does_not_end_the_role(
    fast_home: Home, own_bus_server: BusServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Out of memory for this one question, under the load of others."""
    asked: list[str] = []

    def too_large(store: Store, *_: object) -> dict[str, tuple[int, int]]:
        asked.append("size")
        raise QueryTooLarge(reason="memory limit")

    def broken(store: Store, *_: object) -> list[object]:
        asked.append("retention")
        raise StoreFault(reason="memory limit")

    monkeypatch.setattr(Store, "bytes_on_disk", too_large)
    monkeypatch.setattr(historian, "apply_retention", broken)
    bus = await Bus.connect(own_bus_server.url, own_bus_server.token, "historian")
    ctx = RoleContext("historian", fast_home, bus, SystemClock(), Endpoints())
    role = asyncio.create_task(historian.main(ctx))
    await until(lambda: role.done() or {"size", "retention"} <= set(asked))
    await asyncio.sleep(0.1)
    assert not role.done()
    ctx.stopping.set()
    await asyncio.wait_for(role, 20)
    await bus.close()
