"""The jobs role on a real bus, with a real worker process."""

from __future__ import annotations

import asyncio

import pytest

from headworks.base.clock import SystemClock
from headworks.base.settings import Home
from headworks.bus.client import Bus
from headworks.bus.server import BusServer
from headworks.bus.work import WorkQueue
from headworks.roles import jobs
from headworks.roles.context import Endpoints, RoleContext

pytestmark = pytest.mark.integration


@pytest.mark.feature("N-03")
async def test_job_that_breaks_is_failed_and_the_role_goes_on(home: Home, own_bus_server: BusServer) -> None:
    bus = await Bus.connect(own_bus_server.url, own_bus_server.token, "jobs")
    role = RoleContext("jobs", home, bus, SystemClock(), Endpoints())
    queue = WorkQueue(bus, home.settings.tenant)
    await queue.ensure()
    # No partition, no span: the kind of thing nobody thought of.
    job = await queue.submit("backtest", {}, now=1)
    task = asyncio.create_task(jobs.main(role))
    async with asyncio.timeout(20):
        while (await queue.get(job.id)).state in ("queued", "running") and not task.done():  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    found = await queue.get(job.id)
    assert (found.state, (found.error or {}).get("code")) == ("failed", "internal")
    assert not task.done()
    role.stopping.set()
    await asyncio.wait_for(task, 10)
    await bus.close()
