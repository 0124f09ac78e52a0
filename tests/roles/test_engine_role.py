"""The engine role on a real bus: what it says, and that a crash changes nothing of it."""

from __future__ import annotations

import asyncio
import errno
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import numpy as np
import pytest
import pytest_asyncio

from headworks.base.clock import MICROS, SystemClock
from headworks.base.settings import Home
from headworks.blocks.template import Binding, BlockNode, Condition, GraphTemplate, Instance, Output, Port, Text
from headworks.bus import messages
from headworks.bus.batch import SampleBatch
from headworks.bus.client import Bus
from headworks.bus.errors import BusFull
from headworks.bus.messages import Activation, Edges, Signals, SignalsWanted, Watermark
from headworks.bus.plan import PartitionPlan, TagPlan
from headworks.bus.server import BusServer
from headworks.bus.subjects import log_stream, out_stream, subject
from headworks.engine.snapshot import Snapshot, write_snapshot
from headworks.roles import engine, partition_engine
from headworks.roles.context import Endpoints, RoleContext
from headworks.roles.partition_engine import PartitionEngine

pytestmark = pytest.mark.integration

TENANT, PARTITION = "main", "p1"
T0 = 1_700_000_000 * MICROS
TAG, MEAN = 7, 8
TITLE = Text(zh="试验", en="test")


def make_plan(revision: int = 1, limit: float = 50.0, window: float = 5.0) -> PartitionPlan:
    template = GraphTemplate(
        code="high",
        title=TITLE,
        ports=(Port(name="x"),),
        blocks=(
            BlockNode(id="mean", op="rolling_mean", inputs={"x": "in.x"}, params={"window": window}),
            BlockNode(id="over", op="above", inputs={"x": "in.x"}, params={"limit": limit, "hysteresis": 1.0}),
        ),
        conditions=(Condition(name="high", source="over", title=TITLE, value="in.x"),),
        outputs=(Output(name="mean", source="mean"),),
    )
    instance = Instance(id=3, code="M-1", template="high", inputs={"x": Binding(tag=TAG)}, outputs={"mean": MEAN})
    return PartitionPlan(
        tenant=TENANT,
        partition=PARTITION,
        revision=revision,
        system_instance=1,
        tags=(TagPlan(id=TAG, code="x"), TagPlan(id=MEAN, code="m", kind="calculated")),
        templates={"high": template},
        instances=(instance,),
    )


async def publish_plan(bus: Bus, plan: PartitionPlan) -> None:
    digest = await bus.put_plan(plan.encode())
    mark = messages.encode(Activation(plan.revision, digest))
    await bus.publish(subject(TENANT, "mark", PARTITION), mark)
    await bus.set_current_plan(TENANT, PARTITION, digest)


def wave(second: int) -> float:
    """Ten seconds low, ten seconds high."""
    return 80.0 if second % 20 >= 10 else 20.0


async def send(bus: Bus, seconds: range) -> None:
    for s in seconds:
        batch = SampleBatch.of([TAG], [T0 + s * MICROS], [wave(s)])
        await bus.publish(subject(TENANT, "samples", PARTITION), batch.encode())
        await bus.publish(subject(TENANT, "mark", PARTITION), messages.encode(Watermark(T0 + s * MICROS)))


@pytest_asyncio.fixture
async def bus(own_bus_server: BusServer) -> AsyncIterator[Bus]:
    bus = await Bus.connect(own_bus_server.url, own_bus_server.token, "test")
    await bus.ensure_partition(TENANT, PARTITION, 64 << 20)
    yield bus
    await bus.close()


@asynccontextmanager
async def running_engine(home: Home, server: BusServer) -> AsyncIterator[RoleContext]:
    """Run the role; on leaving, end it as kill -9 would: nothing is written any more."""
    own = await Bus.connect(server.url, server.token, "engine")
    ctx = RoleContext("engine", home, own, SystemClock(), Endpoints())
    task = asyncio.create_task(engine.main(ctx))
    try:
        yield ctx
    finally:
        if ctx.stopping.is_set():
            await asyncio.wait_for(task, 10)
        else:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await own.close()


async def said(bus: Bus, ticks: int) -> tuple[list[tuple[int, str]], list[tuple[int, float]]]:
    """Return all edges and calculated values once the engine has said those of `ticks` ticks."""
    edges: list[tuple[int, str]] = []
    means: list[tuple[int, float]] = []
    async with asyncio.timeout(20):
        async for m in bus.reader(out_stream(TENANT, PARTITION), None, "test"):
            if ".condition." in m.subject:
                edges += [(e.tick, e.transition) for e in messages.decode(m.data, Edges).edges]
            else:
                batch = SampleBatch.decode(m.data)
                means += list(zip(batch.time.tolist(), batch.value.tolist(), strict=True))
            if len(means) >= ticks:
                break
    return edges, means


def expected_edges(ticks: int) -> list[tuple[int, str]]:
    changes = [s for s in range(1, ticks) if wave(s) != wave(s - 1)]
    return [(T0 + s * MICROS, "raise" if wave(s) > 50 else "clear") for s in changes]


def expected_means(ticks: int) -> Iterator[tuple[int, float]]:
    for s in range(ticks):
        yield T0 + s * MICROS, float(np.mean([wave(i) for i in range(max(0, s - 4), s + 1)]))


def assert_means(found: list[tuple[int, float]], ticks: int) -> None:
    wanted = list(expected_means(ticks))
    assert [t for t, _ in found] == [t for t, _ in wanted]
    assert [v for _, v in found] == pytest.approx([v for _, v in wanted])


@pytest.mark.feature("PLT-08")
async def test_marks_release_edges_and_calculated_samples(home: Home, own_bus_server: BusServer, bus: Bus) -> None:
    await publish_plan(bus, make_plan())
    async with running_engine(home, own_bus_server):
        await send(bus, range(60))
        edges, means = await said(bus, 60)
    assert edges == expected_edges(60)
    assert_means(means, 60)


@pytest.mark.feature("N-03")
@pytest.mark.parametrize("orderly", [True, False])
async def test_engine_goes_on_where_it_was_and_says_nothing_twice(
    home: Home, own_bus_server: BusServer, bus: Bus, orderly: bool
) -> None:
    await publish_plan(bus, make_plan())
    for part in (range(35), range(35, 47), range(47, 80)):
        async with running_engine(home, own_bus_server) as ctx:
            await send(bus, part)
            await said(bus, part.stop)
            if orderly:
                ctx.stopping.set()
    edges, means = await said(bus, 80)
    assert edges == expected_edges(80)
    assert_means(means, 80)


@pytest.mark.feature("PLT-08")
async def test_plan_edited_at_a_tick_keeps_the_window_of_the_untouched_block(
    home: Home, own_bus_server: BusServer, bus: Bus
) -> None:
    await publish_plan(bus, make_plan())
    async with running_engine(home, own_bus_server):
        await send(bus, range(33))
        await publish_plan(bus, make_plan(revision=2, limit=90.0))
        await send(bus, range(33, 60))
        edges, means = await said(bus, 60)
    assert_means(means, 60)
    assert edges == [*expected_edges(33), (T0 + 33 * MICROS, "clear")]


@pytest.mark.feature("PLT-08", "PLT-10")
async def test_raised_condition_whose_model_is_removed_is_cleared(
    home: Home, own_bus_server: BusServer, bus: Bus
) -> None:
    await publish_plan(bus, make_plan())
    async with running_engine(home, own_bus_server):
        await send(bus, range(15))
        await publish_plan(bus, msgspec.structs.replace(make_plan(revision=2), instances=()))
        await send(bus, range(15, 20))
        async with asyncio.timeout(20):
            async for m in bus.reader(
                out_stream(TENANT, PARTITION), None, "test", subject(TENANT, "condition", PARTITION)
            ):
                edge = messages.decode(m.data, Edges).edges[-1]
                if edge.transition == "clear":
                    break
    assert (edge.instance, edge.condition, edge.tick) == (3, "high", T0 + 15 * MICROS)


@pytest.mark.feature("N-03")
async def test_log_is_purged_only_up_to_what_every_reader_has_recorded(
    home: Home, own_bus_server: BusServer, bus: Bus
) -> None:
    await publish_plan(bus, make_plan())
    await send(bus, range(10))
    stream = log_stream(TENANT, PARTITION)
    for reader, seq in {"engine": 15, "historian": 9}.items():
        await bus.record_position(stream, reader, seq)
    await engine.purge_read(bus, TENANT, PARTITION)
    assert (await bus.stream_state(stream)).first == 1
    await bus.record_position(stream, "historian-grid", 12)
    await engine.purge_read(bus, TENANT, PARTITION)
    assert (await bus.stream_state(stream)).first == 10


async def until(what: Callable[[], Awaitable[bool]], seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not await what():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


def quick(home: Home) -> Home:
    """Return the home with a snapshot every 0.1 s."""
    (home.path / "headworks.toml").write_text("snapshot_seconds = 0.1\n")
    return Home(home.path)


def whole(home: Home, own: Bus) -> PartitionEngine:
    """Return an engine of the partition that is not running."""
    return PartitionEngine(RoleContext("engine", home, own, SystemClock(), Endpoints()), PARTITION, engine.purge_read)


@pytest.mark.feature("N-03")
async def test_engine_stalls_at_a_full_stream_and_goes_on_when_its_readers_have_read(
    home: Home, own_bus_server: BusServer, bus: Bus
) -> None:
    partition_bytes = 1 << 20
    await bus.ensure_partition(TENANT, PARTITION, partition_bytes)
    out, calc = out_stream(TENANT, PARTITION), subject(TENANT, "calc", PARTITION)
    with pytest.raises(BusFull):
        while True:
            await bus.publish(calc, bytes(2_000), headers={"Hw-Mark": "0", "Hw-Chunk": "0"})
    with pytest.raises(BusFull):
        while True:
            await bus.publish(calc, b"", headers={"Hw-Mark": "0", "Hw-Chunk": "0"})
    full = (await bus.stream_state(out)).last

    await publish_plan(bus, make_plan())
    async with running_engine(quick(home), own_bus_server):
        await send(bus, range(30))
        await asyncio.sleep(0.5)
        assert (await bus.stream_state(out)).last == full
        for reader in engine.OUT_READERS:
            await bus.record_position(out, reader, full)

        async def purged() -> bool:
            return (await bus.stream_state(out)).first > full

        await until(purged)
        edges, means = await said(bus, 30)
    assert edges == expected_edges(30)
    assert_means(means, 30)


@pytest.mark.feature("N-03")
async def test_log_that_began_anew_is_read_from_its_start(home: Home, own_bus_server: BusServer, bus: Bus) -> None:
    await publish_plan(bus, make_plan())
    async with running_engine(home, own_bus_server) as ctx:
        await send(bus, range(34))
        await said(bus, 34)
        ctx.stopping.set()

    own_bus_server.kill()
    shutil.rmtree(own_bus_server.folder / "store")
    own_bus_server.start()

    async def back() -> bool:
        return bus.epoch > 0

    await until(back)
    await bus.ensure_partition(TENANT, PARTITION, 64 << 20)
    await publish_plan(bus, make_plan())
    await send(bus, range(34, 55))
    log = log_stream(TENANT, PARTITION)

    async def remembered() -> bool:
        return (await bus.positions(log)).get("engine") == (await bus.stream_state(log)).last

    async with running_engine(quick(home), own_bus_server):
        edges, means = await said(bus, 21)
        await until(remembered)
    assert [e for e in edges if e[0] < T0 + 55 * MICROS] == expected_edges(55)[3:]
    assert [t for t, _ in means] == [T0 + s * MICROS for s in range(34, 55)]
    assert [v for _, v in means] == pytest.approx([v for _, v in list(expected_means(55))[34:]])


@pytest.mark.feature("PLT-08")
async def test_engine_tells_what_an_instance_computes_now(home: Home, own_bus_server: BusServer, bus: Bus) -> None:
    async def ask(instance: int) -> Signals:
        question = messages.encode(SignalsWanted(instance))
        return messages.decode(await bus.ask(subject(TENANT, "ask", f"engine-{PARTITION}"), question), Signals)

    await publish_plan(bus, make_plan())
    async with running_engine(home, own_bus_server) as ctx:
        await send(bus, range(12))
        await said(bus, 12)
        found = await ask(3)
        unknown = await ask(4)
        ctx.stopping.set()
    async with running_engine(home, own_bus_server):
        await send(bus, range(11, 12))  # a mark that is not newer: nothing is evaluated again
        await asyncio.sleep(0.3)
        after = await ask(3)

    assert found.tick == T0 + 11 * MICROS
    assert found.signals == {"in.x": (80.0, 0), "mean": (44.0, 0), "over": (1.0, 0)}
    assert found.conditions == {"high": True}
    assert unknown == Signals()
    assert after == found


@pytest.mark.feature("N-03")
async def test_snapshot_of_another_version_keeps_the_raised_conditions(
    home: Home, own_bus_server: BusServer, bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    await publish_plan(bus, make_plan())
    async with running_engine(home, own_bus_server) as ctx:
        await send(bus, range(15))
        await said(bus, 15)
        ctx.stopping.set()
    monkeypatch.setattr("headworks.engine.kernels.op_digest", lambda op: f"another {op}")
    async with running_engine(home, own_bus_server):
        await send(bus, range(15, 32))
        edges, _ = await said(bus, 32)
    assert edges == expected_edges(32)


@pytest.mark.feature("N-03")
async def test_snapshot_whose_plan_is_gone_does_not_keep_the_engine_from_running(
    home: Home, own_bus_server: BusServer, bus: Bus
) -> None:
    lost = Snapshot(digest="0" * 64, seq=3, grid=b"", state=b"")
    write_snapshot(home.folder("engine") / f"{TENANT}-{PARTITION}.snapshot", lost)
    await publish_plan(bus, make_plan())
    async with running_engine(home, own_bus_server):
        await send(bus, range(12))
        edges, _ = await said(bus, 12)
    assert edges == expected_edges(12)


@pytest.mark.feature("N-03")
async def test_positions_in_a_stream_that_was_lost_purge_nothing(bus: Bus) -> None:
    await send(bus, range(5))
    stream = log_stream(TENANT, PARTITION)
    for reader in engine.LOG_READERS:
        await bus.record_position(stream, reader, 50_000)
    await engine.purge_read(bus, TENANT, PARTITION)
    assert (await bus.stream_state(stream)).messages == 10


@pytest.mark.feature("N-03", "PLT-10")
async def test_gap_in_the_log_is_told_once_and_over_at_once(home: Home, own_bus_server: BusServer, bus: Bus) -> None:
    await publish_plan(bus, make_plan())
    async with running_engine(home, own_bus_server) as ctx:
        await send(bus, range(5))
        await said(bus, 5)
        ctx.stopping.set()
    await send(bus, range(5, 9))
    await bus.purge(log_stream(TENANT, PARTITION), 15)
    async with running_engine(home, own_bus_server):
        edges, _ = await said(bus, 8)
    assert [transition for tick, transition in edges if tick > T0 + 100 * MICROS] == ["raise", "clear"]


@pytest.mark.feature("PLT-08")
async def test_message_that_holds_no_samples_is_passed_over(home: Home, own_bus_server: BusServer, bus: Bus) -> None:
    await publish_plan(bus, make_plan())
    async with running_engine(home, own_bus_server):
        await send(bus, range(5))
        await bus.publish(subject(TENANT, "samples", PARTITION), b"\xffnot samples")
        await send(bus, range(5, 12))
        edges, means = await said(bus, 12)
    assert edges == expected_edges(12)
    assert_means(means, 12)


@pytest.mark.feature("PLT-08")
async def test_edges_of_one_mark_fit_messages_however_many_they_are(
    home: Home, own_bus_server: BusServer, bus: Bus
) -> None:
    plan, ticks = make_plan(), 15_000
    more = [msgspec.structs.replace(plan.instances[0], id=i, code=f"M-{i}", outputs={}) for i in range(4, 7)]
    await publish_plan(bus, msgspec.structs.replace(plan, instances=(*plan.instances, *more)))
    async with running_engine(home, own_bus_server):
        for start in range(0, ticks, 4_000):
            seconds = np.arange(start, min(start + 4_000, ticks))
            values = np.where(seconds % 2 == 0, 20.0, 80.0)
            batch = SampleBatch.of(np.full(len(seconds), TAG), T0 + seconds * MICROS, values)
            await bus.publish(subject(TENANT, "samples", PARTITION), batch.encode())
        mark = subject(TENANT, "mark", PARTITION)
        await bus.publish(mark, messages.encode(Watermark(T0)))
        await bus.publish(mark, messages.encode(Watermark(T0 + (ticks - 1) * MICROS)))
        edges, _ = await said(bus, ticks)
    assert len(edges) == 4 * (ticks - 1)
    assert [t for t, _ in edges] == sorted(t for t, _ in edges)


async def test_snapshots_are_written_one_at_a_time(
    home: Home, own_bus_server: BusServer, bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They share one file; the last snapshot of a stop may come while another is being written."""
    writing: list[int] = []
    most = 0

    def slow(file: Path, snapshot: Snapshot) -> None:
        nonlocal most
        writing.append(1)
        most = max(most, len(writing))
        time.sleep(0.1)
        write_snapshot(file, snapshot)
        writing.pop()

    monkeypatch.setattr(partition_engine, "write_snapshot", slow)
    await publish_plan(bus, make_plan())
    one = whole(home, bus)
    task = asyncio.create_task(one.run())
    await send(bus, range(5))
    await said(bus, 5)
    await asyncio.gather(one._snapshot(), one._snapshot())
    assert most == 1
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_disk_without_room_for_a_snapshot_does_not_end_the_engine(
    home: Home, own_bus_server: BusServer, bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[Path] = []

    def full(file: Path, snapshot: Snapshot) -> None:
        tried.append(file)
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(partition_engine, "write_snapshot", full)
    await publish_plan(bus, make_plan())

    async def twice() -> bool:
        return len(tried) > 1

    async with running_engine(quick(home), own_bus_server):
        await send(bus, range(5))
        await until(twice)
        await send(bus, range(5, 12))
        edges, _ = await said(bus, 12)
    assert edges == expected_edges(12)
