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

import msgspec

from headworks.base.errors import HeadworksError
from headworks.bus.errors import BusUnreachable
from headworks.bus.server import die_with_parent
from headworks.bus.work import ACK_WAIT_S, ENDED, MOST_TRIES, Claim, Pool, WorkQueue
from headworks.roles.context import RoleContext

# kind -> "module:function"; function(home, params, shared) -> result, None if cancelled. It reads shared["cancel"] and writes
# its share done to shared["done"]. Only the worker process imports it.
KINDS = {
    "backtest": "headworks.roles.backtest:backtest_job",
    "opcua_browse": "headworks.roles.opcua_browse:opcua_browse_job",
}
POOLS: tuple[Pool, ...] = ("compute", "records")
_PRUNE_S = 3600.0


def run_kind(function: str, home: Path, params: dict[str, Any], shared: Any) -> dict[str, Any] | None:
    """Do a job in this (worker) process. `function` is ``module:name``."""
    module, name = function.split(":")
    result: dict[str, Any] | None = getattr(import_module(module), name)(home, params, shared)
    return result


def _plain(params: dict[str, Any]) -> dict[str, Any]:
    return {k: v if isinstance(v, str | int | float | bool | None) else str(v) for k, v in params.items()}


def _worker_start() -> None:
    die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _new_executor() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"), initializer=_worker_start)


async def main(ctx: RoleContext) -> None:
    """Work until told to stop; a job in hand is given back to the queue then."""
    queue = WorkQueue(ctx.bus, ctx.settings.tenant)
    await queue.ensure()
    manager = SyncManager(ctx=multiprocessing.get_context("spawn"))
    manager.start(_worker_start)
    tally = {"done": 0, "failed": 0, "cancelled": 0, "running": 0}
    # Two pools, so that a short job need not wait for a backtest of a year.
    workers = [Worker(ctx, WorkQueue(ctx.bus, ctx.settings.tenant), manager, pool, tally) for pool in POOLS]
    ctx.ready(**tally)
    work = [asyncio.create_task(w.run()) for w in workers] + [asyncio.create_task(_keep_few(ctx, queue))]
    try:
        done, _ = await asyncio.wait(work, return_when=asyncio.FIRST_EXCEPTION)
        for task in done:
            task.result()
    finally:
        for task in work:
            task.cancel()
        for w in workers:
            w.close()
        manager.shutdown()


async def _keep_few(ctx: RoleContext, queue: WorkQueue) -> None:
    while not ctx.stopping.is_set():
        try:
            await queue.prune()
        except BusUnreachable as e:
            ctx.log.info("old jobs not forgotten yet", error=str(e))
        await ctx.sleep(_PRUNE_S)


class Worker:
    """Does one job of a pool at a time and tells how far it is."""

    def __init__(
        self, ctx: RoleContext, queue: WorkQueue, manager: SyncManager, pool: Pool, tally: dict[str, int]
    ) -> None:
        self._ctx = ctx
        self._queue = queue
        self._pool: Pool = pool
        self._executor = _new_executor()
        self._manager = manager
        self._tally = tally

    async def run(self) -> None:
        """Take up one job after the other until the role stops."""
        while not self._ctx.stopping.is_set():
            try:
                claim = await self._queue.claim(self._pool, 1.0)
                if claim is not None:
                    await self.work(claim)
            except BusUnreachable as e:
                # The job, if there was one, is still in the queue and comes back.
                self._ctx.log.warning("bus away", error=str(e))
                await self._ctx.sleep(1.0)

    async def work(self, claim: Claim) -> None:
        """Do the job of a claim; when the role has to stop, leave it to the queue.

        Raises
        ------
        BusUnreachable
            Before it was begun, or after its end was recorded: the queue still has it, nothing is lost.
        """
        job = claim.job
        if job.state in ENDED:
            await claim.finish()
            return
        if await self._queue.cancel_asked(job.id):
            job.state = "cancelled"
        elif claim.tries > MOST_TRIES:
            job.state, job.error = "failed", {"code": "job.given_up", "params": {"kind": job.kind, "tries": MOST_TRIES}}
        else:
            job.state, job.started = "running", self._ctx.clock.now()
            await self._queue.write(job)
            self._count("running", 1)
            try:
                if not await self._do(claim):
                    return
            finally:
                self._count("running", -1)
        job.ended, job.eta_s = self._ctx.clock.now(), None
        if not await self._record_end(claim):
            return
        self._count(job.state, 1)
        await claim.finish()

    def _count(self, what: str, more: int) -> None:
        self._tally[what] += more
        self._ctx.beat(**self._tally)

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
            msgspec.json.encode(job.result)  # a result that cannot be kept is a bug of its kind
            if job.result is None:
                job.state, job.progress = "cancelled", float(shared["done"])
        except HeadworksError as e:
            job.state, job.error = "failed", {"code": e.error_code, "params": _plain(e.params)}
        except BrokenProcessPool:
            job.state, job.error = "failed", {"code": "job.worker_died", "params": {"kind": job.kind}}
            self._executor = _new_executor()
        except Exception as e:
            # A bug of one kind of job, or parameters it did not expect: doing it again would end the same way.
            self._ctx.log.error("job failed", job=job.id, kind=job.kind, exc_info=e)
            job.state, job.result, job.error = "failed", None, {"code": "internal", "params": {}}
        return True

    def close(self) -> None:
        """End the worker process, in the middle of a job if need be: the queue still has it."""
        processes = list((self._executor._processes or {}).values())
        self._executor.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            process.terminate()

    async def _record_end(self, claim: Claim) -> bool:
        """Write the end of a job, as often as it takes: hours of work may be in it. False if the role has to stop first."""
        while True:
            try:
                await self._queue.write(claim.job)
                return True
            except BusUnreachable as e:
                self._ctx.log.warning("end of a job not recorded yet", job=claim.job.id, error=str(e))
            if not await self._ctx.sleep(1.0):
                return False

    async def _report(self, claim: Claim, shared: Any, begun: float) -> None:
        job, spent = claim.job, time.monotonic() - begun
        job.progress = float(shared["done"])
        job.eta_s = spent * (1 - job.progress) / job.progress if job.progress > 0 else None
        with contextlib.suppress(BusUnreachable):
            shared["cancel"] = shared["cancel"] or await self._queue.cancel_asked(job.id)
            await self._queue.write(job)
            if spent % (ACK_WAIT_S / 3) < 1:
                await claim.keep()
