"""The bus client against a real server."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from nats.js.api import StorageType, StreamConfig
from structlog.testing import capture_logs

from headworks.base.errors import Fault
from headworks.bus import subjects
from headworks.bus.client import Bus
from headworks.bus.errors import AnswerFailed, BusFull, BusUnreachable, GapError
from headworks.bus.server import BusServer

pytestmark = pytest.mark.integration


@pytest_asyncio.fixture
async def bus(own_bus_server: BusServer) -> AsyncIterator[Bus]:
    bus = await Bus.connect(own_bus_server.url, own_bus_server.token, "test")
    await bus.ensure_partition("main", "p1", 1 << 20)
    yield bus
    await bus.close()


STREAM = subjects.log_stream("main", "p1")
SAMPLES = subjects.subject("main", "samples", "p1")


async def read(bus: Bus, after: int | None, count: int) -> list[tuple[int, bytes]]:
    found = []
    async with asyncio.timeout(15):
        async for m in bus.reader(STREAM, after, "reader"):
            found.append((m.seq, m.data))
            if len(found) == count:
                break
    return found


@pytest.mark.feature("N-03")
async def test_reader_gets_every_message_in_order_from_where_it_says(bus: Bus) -> None:
    for i in range(700):
        await bus.publish(SAMPLES, b"%d" % i)

    assert await read(bus, None, 700) == [(i + 1, b"%d" % i) for i in range(700)]
    assert await read(bus, 690, 10) == [(i + 1, b"%d" % i) for i in range(690, 700)]


@pytest.mark.feature("N-03")
async def test_reader_goes_on_exactly_after_the_bus_was_killed(bus: Bus, own_bus_server: BusServer) -> None:
    found: list[bytes] = []

    async def follow() -> None:
        async for m in bus.reader(STREAM, None, "reader"):
            found.append(m.data)
            if len(found) == 300:
                return

    task = asyncio.create_task(follow())
    for i in range(300):
        if i in (100, 200):
            own_bus_server.kill()
            own_bus_server.start()
        await bus.publish_retrying(SAMPLES, b"%d" % i, msg_id=f"m{i}")
    await asyncio.wait_for(task, 20)
    assert found == [b"%d" % i for i in range(300)]


async def test_same_message_id_is_stored_once(bus: Bus) -> None:
    first = await bus.publish(SAMPLES, b"x", msg_id="a")
    again = await bus.publish(SAMPLES, b"x", msg_id="a")
    assert first == again
    assert (await bus.stream_state(STREAM)).messages == 1


@pytest.mark.feature("PLT-03")
async def test_full_stream_refuses_and_keeps_what_it_has(bus: Bus) -> None:
    stored = 0
    with pytest.raises(BusFull):
        for _ in range(20):
            await bus.publish(SAMPLES, b"x" * 100_000)
            stored += 1
    assert (await bus.stream_state(STREAM)).messages == stored
    await bus.purge(STREAM, 2)
    await bus.publish(SAMPLES, b"x" * 100_000)
    assert (await bus.stream_state(STREAM)).first == 3


async def test_reader_reports_what_was_purged_before_it_came(bus: Bus) -> None:
    for i in range(10):
        await bus.publish(SAMPLES, b"%d" % i)
    await bus.purge(STREAM, 6)
    with pytest.raises(GapError) as e:
        await read(bus, 3, 1)
    assert (e.value.expected, e.value.found) == (4, 7)
    with pytest.raises(GapError):
        await read(bus, 50, 1)


async def test_plans_and_positions_survive_a_restart(bus: Bus, own_bus_server: BusServer) -> None:
    name = await bus.put_plan(b"plan" * 50_000)
    await bus.set_current_plan("main", "p1", name)
    await bus.record_position(STREAM, "engine", 41)
    await bus.record_position(STREAM, "historian", 17)
    own_bus_server.kill()
    own_bus_server.start()
    await asyncio.sleep(0.5)
    assert await bus.get_plan(name) == b"plan" * 50_000
    assert await bus.current_plans("main") == {"p1": name}
    assert await bus.positions(STREAM) == {"engine": 41, "historian": 17}


async def test_plan_watch_reports_each_change_once(bus: Bus) -> None:
    seen: list[tuple[str, bytes]] = []

    async def changed(partition: str, name: bytes) -> None:
        seen.append((partition, name))

    await bus.set_current_plan("main", "p1", "d1")
    await bus.watch_plans("main", changed, every=0.05)
    await asyncio.sleep(0.3)
    await bus.set_current_plan("main", "p1", "d2")
    await asyncio.sleep(0.3)
    assert seen == [("p1", b"d1"), ("p1", b"d2")]


async def test_many_partitions_of_the_default_size_fit(bus: Bus) -> None:
    for i in range(12):
        await bus.ensure_partition("many", f"p{i}", 4 << 30)
    state = await bus.stream_state(subjects.log_stream("many", "p11"))
    assert state.max_bytes == 4 << 30
    assert (await bus.stream_state(subjects.out_stream("many", "p11"))).max_bytes == 1 << 30


async def test_plan_that_one_partition_cannot_use_does_not_keep_the_others_from_theirs(bus: Bus) -> None:
    seen: list[str] = []

    async def changed(partition: str, name: bytes) -> None:
        if partition == "p1":
            raise BusUnreachable(reason="no such plan")
        if partition == "p2":
            raise Fault("bus.bad_plan")
        seen.append(f"{partition} {name.decode()}")

    for partition in ("p1", "p2", "p3"):
        await bus.set_current_plan("main", partition, "d1")
    await bus.watch_plans("main", changed, every=0.02)
    await asyncio.sleep(0.2)
    await bus.set_current_plan("main", "p3", "d2")
    await asyncio.sleep(0.2)
    assert seen == ["p3 d1", "p3 d2"]


@pytest.mark.feature("N-03")
async def test_reader_tells_of_messages_that_are_gone_from_the_middle(bus: Bus) -> None:
    config = StreamConfig(name="HOLES", subjects=["holes"], storage=StorageType.FILE)
    await bus.jetstream.add_stream(config)
    for i in range(6):
        await bus.publish("holes", b"%d" % i)
    for seq in (3, 4):
        await bus.jetstream.delete_msg("HOLES", seq)

    found: list[int] = []
    with pytest.raises(GapError) as gap:
        async with asyncio.timeout(5):
            async for m in bus.reader("HOLES", None, "reader"):
                found.append(m.seq)
    assert found == [1, 2]
    assert (gap.value.expected, gap.value.found) == (3, 5)


@pytest.mark.feature("N-03")
async def test_plans_and_positions_are_kept_anew_when_the_bus_lost_its_folder(
    bus: Bus, own_bus_server: BusServer
) -> None:
    await bus.set_current_plan("main", "p1", await bus.put_plan(b"plan"))
    await bus.record_position(STREAM, "engine", 41)
    own_bus_server.kill()
    shutil.rmtree(own_bus_server.folder / "store")
    own_bus_server.start()
    async with asyncio.timeout(5):
        while not bus.epoch:  # noqa: ASYNC110
            await asyncio.sleep(0.02)

    with pytest.raises(BusUnreachable):
        await bus.positions(STREAM)
    assert await bus.positions(STREAM) == {}
    await bus.record_position(STREAM, "engine", 3)
    name = await bus.put_plan(b"plan")
    await bus.set_current_plan("main", "p1", name)
    assert await bus.positions(STREAM) == {"engine": 3}
    assert await bus.current_plans("main") == {"p1": name}
    assert await bus.get_plan(name) == b"plan"


@pytest.mark.feature("N-13")
async def test_a_question_is_answered_by_one_who_serves_it_and_refused_when_nobody_does(bus: Bus) -> None:
    asked = subjects.subject("main", "ask", "engine-p1")
    with pytest.raises(BusUnreachable):
        await bus.ask(asked, b"?", timeout=1.0)
    heard: list[bytes] = []

    async def answer(data: bytes) -> bytes:
        heard.append(data)
        return data + b"!"

    await bus.serve(asked, answer)
    await bus.serve(asked, answer)

    assert await bus.ask(asked, b"here") == b"here!"
    assert heard == [b"here"]


@pytest.mark.feature("N-13")
async def test_one_who_fails_while_answering_says_so_at_once_and_answers_the_next(bus: Bus) -> None:
    asked = subjects.subject("main", "ask", "engine-p1")

    async def answer(data: bytes) -> bytes:
        return b"%d" % (10 // int(data))

    await bus.serve(asked, answer)
    begun = asyncio.get_running_loop().time()
    with capture_logs() as said, pytest.raises(AnswerFailed) as e:
        await bus.ask(asked, b"0", timeout=5.0)

    assert asyncio.get_running_loop().time() - begun < 2
    assert (e.value.error_code, e.value.params) == (
        "bus.answer_failed",
        {"subject": asked, "kind": "ZeroDivisionError"},
    )
    (line,) = (s for s in said if s["event"] == "question not answered")
    assert (line["log_level"], line["exc_info"], line["subject"]) == ("error", True, asked)
    assert await bus.ask(asked, b"5") == b"2"


@pytest.mark.feature("N-13")
async def test_what_is_being_answered_ends_with_the_connection(bus: Bus, own_bus_server: BusServer) -> None:
    asked, ended = subjects.subject("main", "ask", "engine-p1"), asyncio.Event()
    begun = asyncio.Event()

    async def answer(data: bytes) -> bytes:
        begun.set()
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()
        return data

    other = await Bus.connect(own_bus_server.url, own_bus_server.token, "other")
    await other.serve(asked, answer)
    question = asyncio.create_task(bus.ask(asked, b"?", timeout=0.5))
    await begun.wait()
    await other.close()
    assert ended.is_set()
    with pytest.raises(BusUnreachable):
        await question
