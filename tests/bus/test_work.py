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
