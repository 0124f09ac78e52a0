"""The `jobs` role: takes jobs from the work queue and does them in processes of their own, with progress and cancel."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import signal
import time
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from importlib import import_module
from multiprocessing.managers import SyncManager
from pathlib import Path
from typing import Any

from headworks.base.errors import HeadworksError
from headworks.bus.errors import BusUnreachable
from headworks.bus.server import die_with_parent
from headworks.bus.work import ACK_WAIT_S, Claim, Pool, WorkQueue
from headworks.roles.context import RoleContext

# kind -> "module:function"; function(home, params, shared) -> result, None if cancelled. It reads shared["cancel"] and writes
# its share done to shared["done"]. Only the worker process imports it.
KINDS = {
    "backtest": "headworks.roles.backtest:backtest_job",
    "opcua_browse": "headworks.roles.opcua_browse:opcua_browse_job",
}
_WORKERS = 1


def run_kind(function: str, home: Path, params: dict[str, Any], shared: Any) -> dict[str, Any] | None:
    """Do a job in this (worker) process. `function` is ``module:name``."""
    module, name = function.split(":")
    result: dict[str, Any] | None = getattr(import_module(module), name)(home, params, shared)
    return result


def _worker_start() -> None:
    die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _new_executor() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(_WORKERS, mp_context=multiprocessing.get_context("spawn"), initializer=_worker_start)


async def main(ctx: RoleContext) -> None:
    """Work until told to stop; a job in hand is given back to the queue then."""
    queue = WorkQueue(ctx.bus, ctx.settings.tenant)
    await queue.ensure()
    spawn = multiprocessing.get_context("spawn")
    manager = SyncManager(ctx=spawn)
    manager.start(_worker_start)
    worker = Worker(ctx, queue, manager)
    ctx.ready(done=0, failed=0, running=0)
    try:
        while not ctx.stopping.is_set():
            claim = await queue.claim("compute", 1.0)
            if claim is not None:
                await worker.work(claim)
    finally:
        worker.close()
        manager.shutdown()


class Worker:
    """Does one job at a time and tells how far it is."""

    pool: Pool = "compute"

    def __init__(self, ctx: RoleContext, queue: WorkQueue, manager: SyncManager) -> None:
        self._ctx = ctx
        self._queue = queue
        self._executor = _new_executor()
        self._manager = manager
        self._counts = {"done": 0, "failed": 0, "cancelled": 0}

    async def work(self, claim: Claim) -> None:
        """Do the job of a claim; when the role has to stop, leave it to the queue."""
        job = claim.job
        if job.state in ("done", "failed", "cancelled"):
            await claim.finish()
            return
        if await self._queue.cancel_asked(job.id):
            job.state = "cancelled"
        else:
            job.state, job.started = "running", self._ctx.clock.now()
            await self._queue.write(job)
            self._ctx.beat(running=1)
            if not await self._do(claim):
                return
        job.ended, job.eta_s = self._ctx.clock.now(), None
        await self._queue.write(job)
        await claim.finish()
        self._counts[job.state] = self._counts.get(job.state, 0) + 1
        self._ctx.beat(running=0, **self._counts)

    async def _do(self, claim: Claim) -> bool:
        """Run the job in a worker process; return False if it was interrupted by a stop of the role."""
        job = claim.job
        if job.kind not in KINDS:
            job.state, job.error = "failed", {"code": "job.unknown_kind", "params": {"kind": job.kind}}
            return True
        shared: Any = self._manager.dict(done=0.0, cancel=False)
        loop = asyncio.get_running_loop()
        home: Path = self._ctx.home.path
        future = loop.run_in_executor(self._executor, run_kind, KINDS[job.kind], home, job.params, shared)
        begun = time.monotonic()
        while not future.done():
            await asyncio.wait({future}, timeout=0.5)
            if self._ctx.stopping.is_set():
                return False
            await self._report(claim, shared, begun)
        try:
            job.result, job.state, job.progress = future.result(), "done", 1.0
            if job.result is None:
                job.state = "cancelled"
        except HeadworksError as e:
            job.state, job.error = "failed", {"code": e.error_code, "params": e.params}
        except BrokenProcessPool:
            job.state, job.error = "failed", {"code": "job.worker_died", "params": {"kind": job.kind}}
            self._executor = _new_executor()
        except Exception as e:
            # A bug of one kind of job, or parameters it did not expect: doing it again would end the same way.
            self._ctx.log.error("job failed", job=job.id, kind=job.kind, exc_info=e)
            job.state, job.error = "failed", {"code": "internal", "params": {}}
        return True

    def close(self) -> None:
        """End the worker process, in the middle of a job if need be: the queue still has it."""
        processes = list((self._executor._processes or {}).values())
        self._executor.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            process.terminate()

    async def _report(self, claim: Claim, shared: Any, begun: float) -> None:
        job, spent = claim.job, time.monotonic() - begun
        job.progress = float(shared["done"])
        job.eta_s = spent * (1 - job.progress) / job.progress if job.progress > 0 else None
        with contextlib.suppress(BusUnreachable):
            shared["cancel"] = await self._queue.cancel_asked(job.id)
            await self._queue.write(job)
        if spent % (ACK_WAIT_S / 3) < 1:
            await claim.keep()
