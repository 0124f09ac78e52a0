"""The device client: nothing acknowledged is lost, nothing unacknowledged is forgotten."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from headworks.bus.batch import SampleBatch
from headworks.bus.client import Bus
from headworks.bus.plan import PartitionPlan
from headworks.bus.server import BusServer, free_port
from headworks.bus.subjects import log_stream
from headworks.connect.client import (
    GATEWAY_TELEMETRY,
    TELEMETRY,
    BlockingDevice,
    DeviceClient,
    LoginRefused,
    Unreachable,
)

from .rig import Rig, device, token

pytestmark = [pytest.mark.feature("PLT-03"), pytest.mark.integration]


@pytest.mark.parametrize("version", [4, 5])
async def test_publish_returns_when_it_is_stored(rig: Rig, version: int) -> None:
    async with DeviceClient("127.0.0.1", rig.port, token("d1"), version=version, name="x") as client:
        assert await client.publish(TELEMETRY, {"ts": 1, "values": {"T": 2}}) == 0
        assert await rig.samples() == [(2, 1000, 2.0, 0)]
        assert await client.publish_telemetry(b'{"ts": 2, "values": {"T": 3}}') == 0
        assert (client.counters.sent, client.counters.acked, client.in_flight) == (2, 2, 0)


async def test_refusals_are_counted_and_explained(rig: Rig) -> None:
    async with DeviceClient("127.0.0.1", rig.port, token("d1"), code="d1", version=5) as client:
        assert await client.publish(TELEMETRY, b"x") == 0x99
        sent = await client.send(GATEWAY_TELEMETRY, {"A": [{"T": 1}]})
        assert await sent.answer == 0x87
        assert sent.text == "not a gateway"
        assert await client.publish_clock(1000) == 0x87
        assert (client.counters.acked, client.counters.refused) == (0, 3)


async def test_window_bounds_what_is_in_flight_and_keeps_the_order(rig: Rig) -> None:
    async with DeviceClient("127.0.0.1", rig.port, token("d1"), window=5) as client:
        most = 0

        async def one(i: int) -> None:
            nonlocal most
            await client.send(TELEMETRY, {"ts": i, "values": {"T": i}})
            most = max(most, client.in_flight)

        await asyncio.gather(*(one(i) for i in range(200)))
        await client.drain()
        assert most == 5
        assert [v for _, _, v, _ in await rig.samples()] == [float(i) for i in range(200)]


async def test_wrong_token_and_no_endpoint(rig: Rig) -> None:
    with pytest.raises(LoginRefused) as refused:
        await DeviceClient("127.0.0.1", rig.port, "wrong").connect()
    assert refused.value.params == {"reason": 4}
    with pytest.raises(LoginRefused):
        await DeviceClient("127.0.0.1", rig.port, "wrong").connect(timeout=0.5, retry_refused=True)
    waiting = DeviceClient("127.0.0.1", rig.port, token("new"))
    connecting = asyncio.create_task(waiting.connect(retry_refused=True))
    await asyncio.sleep(0.2)
    await rig.use(msgspec.structs.replace(rig.plan, revision=2, devices=(device("new"),)))
    await connecting
    await waiting.close()
    with pytest.raises(Unreachable):
        await DeviceClient("127.0.0.1", free_port(), "x").connect(timeout=0.3)


async def test_blocking_form(rig: Rig) -> None:
    def work() -> int:
        with BlockingDevice("127.0.0.1", rig.port, token("d1")) as device:
            for i in range(50):
                device.send(TELEMETRY, {"ts": i, "values": {"T": i}})
            device.drain()
            return device.counters.acked

    assert await asyncio.to_thread(work) == 50
    assert len(await rig.samples()) == 50


async def test_pings_keep_a_quiet_connection(rig: Rig) -> None:
    async with DeviceClient("127.0.0.1", rig.port, token("d1"), keep_alive=1) as client:
        await asyncio.sleep(2.2)
        assert await client.publish(TELEMETRY, {"T": 1}) == 0
        assert client.counters.connects == 1


@asynccontextmanager
async def child(server: BusServer, tenant: str, port: int) -> AsyncIterator[subprocess.Popen[str]]:
    process = subprocess.Popen(  # noqa: ASYNC220
        [
            sys.executable,
            str(Path(__file__).with_name("endpoint_child.py")),
            server.url,
            server.token,
            tenant,
            str(port),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout
        while (await asyncio.to_thread(process.stdout.readline)).strip() != "ready":
            assert process.poll() is None
        yield process
    finally:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


@pytest.mark.feature("N-03")
async def test_kill_9_of_the_endpoint_loses_nothing(bus_server: BusServer, plan: PartitionPlan) -> None:
    bus = await Bus.connect(bus_server.url, bus_server.token, "test")
    name = await bus.put_plan(plan.encode())
    await bus.set_current_plan(plan.tenant, plan.partition, name)
    port, acked = free_port(), []

    async with child(bus_server, plan.tenant, port):
        client = DeviceClient("127.0.0.1", port, token("d1"), window=30)
        await client.connect()

        async def drive() -> None:
            for i in range(3000):
                sent = await client.send(TELEMETRY, {"ts": i, "values": {"T": i, "P": i}})
                sent.answer.add_done_callback(lambda f, i=i: acked.append(i))
                await asyncio.sleep(0.0005)
            await client.drain()

        driving = asyncio.create_task(drive())
        await asyncio.sleep(0.5)
    for pause in (0.5, 60.0):
        before = len(acked)
        async with child(bus_server, plan.tenant, port):
            await asyncio.wait({driving}, timeout=pause)
        assert len(acked) > before
    driving.result()
    await client.close()

    assert sorted(acked) == list(range(3000))
    assert client.counters.connects >= 3
    state = await bus.stream_state(log_stream(plan.tenant, "u1"))
    stored: list[int] = []
    async for m in bus.reader(log_stream(plan.tenant, "u1"), None, "test"):
        if ".samples." in m.subject:
            batch = SampleBatch.decode(m.data)
            stored += (batch.time[batch.tag == 2] // 1000).tolist()
        if m.seq == state.last:
            break
    await bus.close()
    assert set(stored) == set(range(3000))
    # What was stored and not yet answered when the endpoint died came again: at most a window a kill.
    assert len(stored) - 3000 <= 2 * 30
    first = {t: i for i, t in reversed(list(enumerate(stored)))}
    assert [first[t] for t in range(3000)] == sorted(first.values())
