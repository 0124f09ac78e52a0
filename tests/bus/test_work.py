"""The work queue against a real server."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from headworks.base.errors import NotFound
from headworks.bus.client import Bus
from headworks.bus.server import BusServer
from headworks.bus.work import WorkQueue

pytestmark = pytest.mark.integration


@pytest_asyncio.fixture
async def queue(own_bus_server: BusServer) -> AsyncIterator[WorkQueue]:
    bus = await Bus.connect(own_bus_server.url, own_bus_server.token, "test")
    queue = WorkQueue(bus, "main")
    await queue.ensure()
    yield queue
    await bus.close()


@pytest.mark.feature("N-02")
async def test_job_is_claimed_once_and_finished(queue: WorkQueue) -> None:
    asked = await queue.submit("backtest", {"partition": "u1"}, asked_by="li", now=5)

    claim = await queue.claim("compute", 2.0)
    assert claim is not None
    assert claim.job == asked
    assert await queue.claim("compute", 0.2) is None

    claim.job.state, claim.job.progress = "done", 1.0
    await queue.write(claim.job)
    await claim.finish()
    assert (await queue.get(asked.id)).state == "done"


@pytest.mark.feature("N-03")
async def test_job_survives_a_killed_bus(queue: WorkQueue, own_bus_server: BusServer) -> None:
    asked = await queue.submit("backtest", {}, now=5)
    own_bus_server.kill()
    own_bus_server.start()
    claim = None
    for _ in range(50):
        claim = claim or await queue.claim("compute", 0.2)
    assert claim is not None
    assert claim.job.id == asked.id


async def test_cancel_is_seen_by_the_worker(queue: WorkQueue) -> None:
    asked = await queue.submit("backtest", {}, now=5)
    assert not await queue.cancel_asked(asked.id)
    await queue.cancel(asked.id)
    assert await queue.cancel_asked(asked.id)


@pytest.mark.parametrize("job_id", ["0190b7a8-0000-7000-8000-000000000000", "no id", "../x"])
async def test_unknown_job_is_not_found(queue: WorkQueue, job_id: str) -> None:
    with pytest.raises(NotFound) as e:
        await queue.get(job_id)
    assert e.value.params == {"id": job_id}


@pytest.mark.feature("N-02")
async def test_newest_jobs_are_listed_first_and_the_oldest_ended_ones_forgotten(queue: WorkQueue) -> None:
    assert await queue.newest(10) == []
    asked = [await queue.submit("backtest" if i % 2 else "browse", {}, asked_by=f"p{i % 3}", now=i) for i in range(9)]
    newest = [j.id for j in reversed(asked)]

    assert [j.id for j in await queue.newest(4)] == newest[:4]
    assert [j.asked for j in await queue.newest(9, asked_by="p1")] == [7, 4, 1]
    assert [j.asked for j in await queue.newest(9, kind="browse")] == [8, 6, 4, 2, 0]

    for job in asked[:5:2]:
        await queue.cancel(job.id, now=99)
    assert await queue.prune(keep=5) == 2
    assert [j.asked for j in await queue.newest(20)] == [8, 7, 6, 5, 4, 3, 1]


@pytest.mark.feature("N-03")
async def test_queue_is_made_again_on_a_bus_that_lost_its_folder(queue: WorkQueue) -> None:
    assert await queue.claim("compute", 0.1) is None
    await queue._bus.jetstream.delete_stream("JOBS_main")
    await queue._bus.jetstream.delete_stream("KV_JOB_STATUS_main")
    claim = await queue.claim("compute", 0.1)
    asked = await queue.submit("backtest", {}, now=5)
    for _ in range(20):
        claim = claim or await queue.claim("compute", 0.2)
    assert claim is not None
    assert claim.job == asked
