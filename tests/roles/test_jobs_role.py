"""The jobs role on a real bus, with real worker processes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from headworks.base.clock import SystemClock
from headworks.base.errors import NotFound
from headworks.base.settings import Home
from headworks.bus.client import Bus
from headworks.bus.errors import BusUnreachable
from headworks.bus.server import BusServer
from headworks.bus.work import ENDED, MOST_TRIES, Job, WorkQueue
from headworks.roles import backtest_command, jobs
from headworks.roles.context import Endpoints, RoleContext, write_atomic

pytestmark = pytest.mark.integration

# Kinds of jobs that wait for a file, so that a test decides when they are done.
KINDS = """
import os, time
from pathlib import Path

def waits(home, params, shared):
    Path(params["begun"]).touch()
    while not os.path.exists(params["go"]):
        shared["done"] = 0.25
        if shared["cancel"]:
            return None
        time.sleep(0.02)
    return {"answer": 42}

def dies(home, params, shared):
    os._exit(9)

def odd(home, params, shared):
    return {"answer": object()}
"""


@asynccontextmanager
async def running(home: Home, server: BusServer) -> AsyncIterator[tuple[RoleContext, WorkQueue, Bus]]:
    bus = await Bus.connect(server.url, server.token, "jobs")
    ctx = RoleContext("jobs", home, bus, SystemClock(), Endpoints())
    task = asyncio.create_task(jobs.main(ctx))
    own = await Bus.connect(server.url, server.token, "test")
    try:
        queue = WorkQueue(own, home.settings.tenant)
        await queue.ensure()
        yield ctx, queue, own
        assert not task.done()
    finally:
        ctx.stopping.set()
        await asyncio.wait_for(task, 15)
        await own.close()
        await bus.close()


async def ended(queue: WorkQueue, job: Job, seconds: float = 20) -> Job:
    async with asyncio.timeout(seconds):
        while True:
            try:
                found = await queue.get(job.id)
            except (BusUnreachable, NotFound):
                found = job
            if found.state in ENDED:
                return found
            await asyncio.sleep(0.05)


@pytest.fixture
def kinds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    (tmp_path / "kinds_for_tests.py").write_text(KINDS)
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("waits", "dies", "odd"):
        monkeypatch.setitem(jobs.KINDS, name, f"kinds_for_tests:{name}")
    return {"go": str(tmp_path / "go"), "begun": str(tmp_path / "begun")}


def is_there(file: str) -> bool:
    return Path(file).exists()


def make(file: str) -> None:
    Path(file).touch()


async def begun(params: dict[str, Any]) -> None:
    async with asyncio.timeout(20):
        while not is_there(params["begun"]):  # noqa: ASYNC110
            await asyncio.sleep(0.05)


@pytest.mark.feature("N-03")
async def test_job_that_breaks_is_failed_and_the_role_goes_on(
    home: Home, own_bus_server: BusServer, kinds: dict[str, Any]
) -> None:
    async with running(home, own_bus_server) as (_, queue, _bus):
        # No models, no span: the kind of thing nobody thought of.
        broken = await queue.submit("backtest", {}, now=1)
        unknown = await queue.submit("knitting", {}, now=2)
        dead = await queue.submit("dies", {}, now=3)
        odd = await queue.submit("odd", {}, now=4)
        codes = [((await ended(queue, job)).error or {}).get("code") for job in (broken, unknown, dead, odd)]
        assert codes == ["internal", "job.unknown_kind", "job.worker_died", "internal"]


@pytest.mark.feature("N-03")
async def test_result_is_not_lost_when_the_bus_is_away_at_the_end(
    home: Home, own_bus_server: BusServer, kinds: dict[str, Any]
) -> None:
    async with running(home, own_bus_server) as (_, queue, _bus):
        job = await queue.submit("waits", kinds, now=1)
        await begun(kinds)
        await asyncio.to_thread(own_bus_server.kill)
        make(kinds["go"])
        await asyncio.sleep(1.5)
        await asyncio.to_thread(own_bus_server.start)
        found = await ended(queue, job)
    assert (found.state, found.result, found.progress) == ("done", {"answer": 42}, 1.0)
    assert found.ended is not None


@pytest.mark.feature("N-02")
async def test_cancel_ends_a_running_job_and_a_waiting_one_at_once(
    home: Home, own_bus_server: BusServer, kinds: dict[str, Any]
) -> None:
    async with running(home, own_bus_server) as (ctx, queue, _):
        first = await queue.submit("waits", kinds, now=1)
        second = await queue.submit("waits", kinds, now=2)
        quick = await queue.submit("knitting", {}, pool="records", now=3)
        await begun(kinds)
        assert (await ended(queue, quick)).state == "failed"  # another pool does not wait
        assert (await queue.cancel(second.id, now=4)).state == "cancelled"
        assert (await queue.get(second.id)).ended == 4
        async with asyncio.timeout(5):
            while (await queue.get(first.id)).progress != 0.25:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        await queue.cancel(first.id)
        assert (await ended(queue, first)).state == "cancelled"
        await asyncio.sleep(0.3)
        assert (await queue.get(second.id)).started is None
        assert ctx.health().detail["running"] == 0


@pytest.mark.feature("N-03")
async def test_job_that_never_ends_well_is_given_up(
    home: Home, own_bus_server: BusServer, kinds: dict[str, Any]
) -> None:
    bus = await Bus.connect(own_bus_server.url, own_bus_server.token, "test")
    queue = WorkQueue(bus, home.settings.tenant)
    await queue.ensure()
    job = await queue.submit("waits", kinds, now=1)
    for turn in range(MOST_TRIES):
        claim = await queue.claim("compute", 5.0)
        assert claim is not None
        assert claim.tries == turn + 1
        claim.job.state = "running"
        await queue.write(claim.job)
        await claim._message.nak()  # as if the worker had died and its time had run out
    async with running(home, own_bus_server) as (_, watched, _bus):
        found = await ended(watched, job)
        assert (found.state, (found.error or {}).get("code")) == ("failed", "job.given_up")
        assert await queue.claim("compute", 0.3) is None
    assert not is_there(kinds["begun"])
    await bus.close()


@pytest.mark.feature("PLT-08")
async def test_ctrl_c_cancels_the_job_that_the_command_asked_for(
    home: Home, tmp_path: Path, kinds: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(jobs.KINDS, "backtest", jobs.KINDS["waits"])
    with BusServer(tmp_path / "bus", home.secret("bus")) as server:
        write_atomic(home.folder("run") / "endpoints.json", msgspec.json.encode(Endpoints(bus_url=server.url)))
        async with running(home, server) as (_, queue, _bus):
            command = asyncio.create_task(backtest_command._follow(home, kinds, "P1.HOT", show=False))
            await begun(kinds)
            command.cancel()  # what asyncio makes of the first Ctrl-C
            job = await asyncio.wait_for(command, 10)
            assert job.state == "cancelled"
            assert (await queue.get(job.id)).state == "cancelled"
