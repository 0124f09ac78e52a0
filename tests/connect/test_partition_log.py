"""The way into the log: batches, order, marks, a log that is full, a bus that is away."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import numpy as np
import pytest

from headworks.base import tasks
from headworks.base.clock import MICROS, ManualClock
from headworks.bus.batch import SampleBatch
from headworks.bus.errors import BusFull, BusUnreachable
from headworks.bus.messages import Edges, Watermark, decode
from headworks.bus.plan import PartitionPlan
from headworks.bus.server import BusServer
from headworks.bus.subjects import log_stream, out_stream
from headworks.connect.partition_log import MOST_QUEUED, SEAL_SAMPLES, PartitionLog, SystemCondition
from headworks.connect.receipts import Receipt
from headworks.connect.telemetry import Chunk
from headworks.connect.ticker import SteadyClock, Ticker, period

from .rig import device, new_plan, running, token
from .wire import Wire

ME = "v1/devices/me/telemetry"


class Stream:
    """A log stream in memory that can be told to fail: the bus as the writer sees it."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, SampleBatch | Watermark]] = []
        self.tried: list[str] = []
        self.said: list[Edges] = []
        self.failures: list[Exception | None] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def publish(self, where: str, data: bytes, *, msg_id: str, timeout: float) -> int:
        await self.gate.wait()
        self.tried.append(msg_id)
        failure = self.failures.pop(0) if self.failures else None
        if failure is not None:
            raise failure
        self.taken.append((msg_id, SampleBatch.decode(data) if ".samples." in where else decode(data, Watermark)))
        return len(self.taken)

    async def publish_retrying(self, where: str, data: bytes, *, msg_id: str) -> int:
        self.said.append(decode(data, Edges))
        return len(self.said)

    async def stream_state(self, stream: str) -> Any:
        raise BusUnreachable(subject=stream)


class Sender:
    def __init__(self) -> None:
        self.settled = 0

    def settle(self) -> None:
        self.settled += 1


def chunk(first: int, count: int) -> Chunk:
    time = np.arange(first, first + count, dtype=np.int64)
    return Chunk(np.full(count, 1, np.uint32), time, time.astype(np.float64), np.zeros(count, np.uint32))


@pytest.fixture
def plan() -> PartitionPlan:
    return new_plan()


@pytest.fixture
def stream() -> Stream:
    return Stream()


async def settle(log: PartitionLog, work: asyncio.Task[None]) -> None:
    await log.close(work, 5)


def start(stream: Stream, plan: PartitionPlan, now: int = 10 * MICROS) -> tuple[PartitionLog, asyncio.Task[None]]:
    log = PartitionLog(stream, plan, "e", ManualClock(now))  # type: ignore[arg-type]
    return log, asyncio.create_task(log.run())


def times(stream: Stream) -> list[int]:
    return [t for _, m in stream.taken if isinstance(m, SampleBatch) for t in m.time.tolist()]


@pytest.mark.feature("PLT-03")
async def test_batches_are_sealed_when_full_and_after_20_ms(stream: Stream, plan: PartitionPlan) -> None:
    log, work = start(stream, plan)
    receipts = [Receipt(Sender()) for _ in range(3)]
    log.add([chunk(0, 2500)], receipts[0])
    log.add([chunk(2500, 2500)], receipts[1])  # over the edge of the first batch
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert [len(m) for _, m in stream.taken if isinstance(m, SampleBatch)] == [SEAL_SAMPLES]
    assert [r.waiting for r in receipts[:2]] == [0, 1]
    await asyncio.sleep(0.05)
    assert [r.waiting for r in receipts[:2]] == [0, 0]
    assert times(stream) == list(range(5000))
    assert [i for i, _ in stream.taken] == ["e-1", "e-2"]
    await settle(log, work)


@pytest.mark.feature("N-03")
async def test_a_failed_message_is_repeated_with_its_id_before_anything_behind_it(
    stream: Stream, plan: PartitionPlan
) -> None:
    stream.failures = [BusUnreachable(subject="x"), BusUnreachable(subject="x"), None, BusFull(subject="x")]
    log, work = start(stream, plan)
    sender = Sender()
    receipts = [Receipt(sender) for _ in range(3)]
    for i, r in enumerate(receipts):
        log.add([chunk(i * SEAL_SAMPLES, SEAL_SAMPLES)], r)
    await asyncio.sleep(0.02)
    assert [r.waiting for r in receipts] == [1, 1, 1]
    assert sender.settled == 0
    await asyncio.sleep(0.4)
    assert stream.tried == ["e-1", "e-1", "e-1", "e-2", "e-2", "e-3"]
    assert times(stream) == list(range(3 * SEAL_SAMPLES))
    assert sender.settled == 3
    await settle(log, work)


@pytest.mark.feature("PLT-03")
async def test_a_mark_keeps_its_place_and_only_the_latest_waits(stream: Stream, plan: PartitionPlan) -> None:
    stream.gate.clear()
    log, work = start(stream, plan)
    receipt = Receipt(Sender())
    log.add([chunk(0, 10)], receipt)
    log.mark(10 * MICROS)
    for second in (11, 12, 13):
        log.mark(second * MICROS + 999)
    log.add([chunk(10, 10)], receipt)
    log.mark(14 * MICROS)
    log.mark(13 * MICROS)  # never back
    stream.gate.set()
    await settle(log, work)

    marks = [m.time if isinstance(m, Watermark) else len(m) for _, m in stream.taken]
    assert marks == [10, 11 * MICROS, 10, 12 * MICROS]  # lateness 2 s


@pytest.mark.feature("PLT-03")
async def test_a_mark_in_flight_is_not_changed(stream: Stream, plan: PartitionPlan) -> None:
    log, work = start(stream, plan)
    stream.failures = [BusUnreachable(subject="x")]
    log.mark(10 * MICROS)
    await asyncio.sleep(0.01)
    log.mark(11 * MICROS)
    log.mark(12 * MICROS)
    await asyncio.sleep(0.2)
    assert stream.tried == ["e-1", "e-1", "e-2"]
    assert [m.time for _, m in stream.taken if isinstance(m, Watermark)] == [8 * MICROS, 10 * MICROS]
    await settle(log, work)


@pytest.mark.feature("PLT-03")
async def test_enough_waiting_makes_devices_wait(stream: Stream, plan: PartitionPlan) -> None:
    stream.gate.clear()
    log, work = start(stream, plan)
    told: list[int] = []
    log.add([chunk(0, MOST_QUEUED - 1)], Receipt(Sender()))
    assert not log.blocked
    log.add([chunk(0, 1)], Receipt(Sender()))
    assert log.blocked
    log.when_relieved(lambda: told.append(log.backlog))
    stream.gate.set()
    await asyncio.sleep(0.2)
    assert len(told) == 1
    assert MOST_QUEUED // 2 - SEAL_SAMPLES <= told[0] < MOST_QUEUED // 2
    await settle(log, work)


@pytest.mark.feature("PLT-10")
async def test_a_full_log_is_said_once_and_cleared_once(stream: Stream, plan: PartitionPlan) -> None:
    stream.failures = [None, *[BusFull(subject="x")] * 3]
    log, work = start(stream, plan)
    for i in range(3):
        log.mark((10 + i) * MICROS)
        await asyncio.sleep(0.01)
    assert log.full
    await asyncio.sleep(0.8)
    assert not log.full
    said = [(e.instance, e.condition, e.transition) for edges in stream.said for e in edges.edges]
    # the first: an earlier process may have left it raised
    assert said == [(900, "log_full", t) for t in ("clear", "raise", "clear")]
    ticks = [edges.edges[0].tick for edges in stream.said]
    assert ticks == sorted(set(ticks))
    await settle(log, work)


def ticker(stream: Stream, log: PartitionLog, clock: ManualClock, sleep: Any = asyncio.sleep) -> Ticker:
    steady = SteadyClock(clock, lambda: clock.now() / MICROS)
    return Ticker(log, steady, SystemCondition(stream, "clock_ahead", "e", steady), sleep)  # type: ignore[arg-type]


@pytest.mark.feature("PLT-03")
async def test_ticker_moves_a_wall_clock_partition_and_no_other(stream: Stream, plan: PartitionPlan) -> None:
    assert [period(t) for t in (10_000, MICROS, 600 * MICROS)] == [10_000, MICROS, MICROS]
    clock = ManualClock(1_000_000_250_000)
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(round(seconds, 6))
        if len(slept) > 3:
            await asyncio.Event().wait()
        clock.advance(seconds)
        await asyncio.sleep(0.005)

    log, work = start(stream, plan)
    ticking = asyncio.create_task(ticker(stream, log, clock, sleep).run())
    await asyncio.sleep(0.05)
    await tasks.end((ticking,))
    assert slept == [0.75, 1.0, 1.0, 1.0]
    assert [m.time // MICROS for _, m in stream.taken if isinstance(m, Watermark)] == [999_999, 1_000_000, 1_000_001]

    log.use(msgspec.structs.replace(plan, clock="replay"))
    clock.advance(10)
    ticker(stream, log, clock).tick()
    await settle(log, work)
    assert len(stream.taken) == 3


@pytest.mark.feature("PLT-03")
async def test_ticks_longer_than_a_second_are_said_when_they_pass(stream: Stream, plan: PartitionPlan) -> None:
    clock = ManualClock(1_200 * MICROS)
    log, work = start(stream, msgspec.structs.replace(plan, tick=600 * MICROS, lateness=2 * MICROS))
    marks = ticker(stream, log, clock)
    for _ in range(1300):
        marks.tick()
        clock.advance(1)
    await settle(log, work)
    assert log.watermark == 2400 * MICROS
    assert stream.taken[-1][1] == Watermark(2400 * MICROS)


@pytest.mark.feature("N-03")
async def test_a_clock_that_jumps_ahead_moves_no_watermark_until_it_has_lasted(
    stream: Stream, plan: PartitionPlan
) -> None:
    clock, passed = ManualClock(1_000_000 * MICROS), [0.0]
    steady = SteadyClock(clock, lambda: passed[0])
    log, work = start(stream, plan)
    marks = Ticker(log, steady, SystemCondition(stream, "clock_ahead", "e", steady))  # type: ignore[arg-type]

    def second(seconds: int = 1) -> int:
        for _ in range(seconds):
            clock.advance(1)
            passed[0] += 1
            marks.tick()
        return log.watermark // MICROS

    assert second(5) == 1_000_003
    clock.advance(59)  # a correction that may be
    assert second() == 1_000_063
    clock.advance(86_400)
    assert second(300) == 1_000_363
    clock.advance(-86_400)
    assert second() == 1_000_364
    clock.advance(3_600)
    assert second(600) == 1_000_964
    assert second() == 1_000_965 + 3_600
    await settle(log, work)
    await asyncio.sleep(0)
    said = [e.edges[0] for e in stream.said if e.edges[0].condition == "clock_ahead"]
    assert [(e.transition, round(e.value)) for e in said] == [
        ("clear", 0),
        ("raise", 86_400),
        ("clear", 0),
        ("raise", 3_600),
        ("clear", 0),
    ]


@pytest.mark.feature("N-03")
async def test_a_machine_that_slept_and_one_whose_clock_went_back_are_believed() -> None:
    clock, passed = ManualClock(1_000 * MICROS), [0.0]
    steady = SteadyClock(clock, lambda: passed[0])
    assert steady.now() == 1_000 * MICROS
    clock.advance(7_200)
    passed[0] += 7_200  # the time that passes goes on while the machine sleeps
    assert (steady.now(), steady.ahead) == (8_200 * MICROS, 0)
    clock.advance(-3_600)
    assert (steady.now(), steady.ahead) == (4_600 * MICROS, 0)


# --- on a real bus ------------------------------------------------------------------------------------------------------


@pytest.mark.integration
@pytest.mark.feature("N-03")
@pytest.mark.feature("PLT-03")
async def test_a_full_stream_gives_no_answer_and_an_alarm_and_goes_on_when_there_is_room(bus_server: BusServer) -> None:
    async with running(bus_server, new_plan(), max_bytes=40_000) as rig:
        wire = await Wire.login(rig.port, token("d1"), version=4)
        stream = log_stream(rig.plan.tenant, "u1")
        answered = 0
        for i in range(100):
            wire.publish(
                ME, msgspec.json.encode([{"ts": 1_000_000 + i * 100 + k, "values": {"T": k}} for k in range(100)])
            )
            try:
                assert (await wire.next(1.0)).pid == i + 1
            except TimeoutError:
                break
            answered += 1
        assert 5 < answered < 50
        await asyncio.sleep(1.2)
        assert await wire.silent()
        assert rig.service.report()["log_full"] == ["u1"]
        stored = len(await rig.samples())
        assert stored == answered * 100

        edges: list[Any] = []
        async with asyncio.timeout(10):
            async for m in rig.bus.reader(out_stream(rig.plan.tenant, "u1"), None, "test"):
                edges += decode(m.data, Edges).edges
                if edges[-1].transition == "raise":
                    break
        assert (edges[-1].instance, edges[-1].condition) == (900, "log_full")
        assert edges[-1].value > 30_000

        await rig.bus.purge(stream, (await rig.bus.stream_state(stream)).last)
        assert (await wire.next()).pid == answered + 1
        assert len(await rig.samples()) == 100
        async with asyncio.timeout(10):
            async for m in rig.bus.reader(out_stream(rig.plan.tenant, "u1"), None, "test"):
                edge = decode(m.data, Edges).edges[-1]
                if edge.transition == "clear" and edge.tick > edges[-1].tick:
                    break
        assert rig.service.report()["log_full"] == []


@pytest.mark.integration
@pytest.mark.feature("N-03")
async def test_a_killed_bus_loses_and_doubles_nothing(own_bus_server: BusServer) -> None:
    async with running(own_bus_server, new_plan()) as rig:
        wire = await Wire.login(rig.port, token("d1"), version=4)

        async def kill() -> None:
            for _ in range(2):
                await asyncio.sleep(0.3)
                await asyncio.to_thread(own_bus_server.kill)
                await asyncio.sleep(0.2)
                await asyncio.to_thread(own_bus_server.start)

        killing = asyncio.create_task(kill())
        sent = 0
        while not killing.done() or sent % 50:
            sent += 1
            wire.publish(ME, b'{"ts": %d, "values": {"T": %d}}' % (sent, sent))
            await asyncio.sleep(0.001)
        await killing
        assert [(await wire.next(15)).pid for _ in range(sent)] == list(range(1, sent + 1))
        assert [v for _, _, v, _ in await rig.samples()] == [float(i) for i in range(1, sent + 1)]


@pytest.mark.integration
@pytest.mark.feature("PLT-03")
async def test_the_clock_of_a_replay_follows_its_samples(bus_server: BusServer) -> None:
    plan = msgspec.structs.replace(new_plan(), clock="replay", devices=(device("d1", drives_clock=True), device("d2")))
    async with running(bus_server, plan) as rig:
        wire = await Wire.login(rig.port, token("d1"))
        for i in range(50):
            wire.publish(ME, b'{"ts": %d, "values": {"T": %d}}' % (1000 * i, i))
            wire.publish("v1/devices/me/clock", b'{"ts": %d}' % (1000 * i + 500))
        assert [(await wire.next()).reason for _ in range(100)] == [0] * 100
        seen = -1
        for m in await rig.log():
            if isinstance(m, Watermark):
                assert m.time == (seen - 2) * MICROS  # floored to the tick, 2 s late, behind all it was sent behind
            else:
                seen = int(m.value[-1])
        assert seen == 49
        assert rig.service.logs["u1"].watermark == 47 * MICROS

        wire.publish("v1/devices/me/clock", b'{"ts": 4070908800000}')
        answer = await wire.next()
        assert answer.reason == 0x99
        assert "future" in answer.properties["reason_string"]
        other = await Wire.login(rig.port, token("d2"))
        other.publish("v1/devices/me/clock", b'{"ts": 60000}')
        assert (await other.next()).reason == 0x87
        assert rig.service.logs["u1"].watermark == 47 * MICROS
