"""The engine role on a real bus: what it says, and that a crash changes nothing of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

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
from headworks.bus.messages import Activation, Edges, Watermark
from headworks.bus.plan import PartitionPlan, TagPlan
from headworks.bus.server import BusServer
from headworks.bus.subjects import log_stream, out_stream, subject
from headworks.roles import engine
from headworks.roles.context import Endpoints, RoleContext

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
