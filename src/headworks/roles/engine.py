"""The `engine` role: runs the models of every partition over its log, live."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Any

from headworks.bus.client import Bus
from headworks.bus.subjects import log_stream, out_stream
from headworks.roles.context import RoleContext
from headworks.roles.partition_engine import PartitionEngine

# Who has to be done with a message before it may go. A reader that has not reported keeps everything.
LOG_READERS = frozenset({"engine", "historian", "historian-grid"})
OUT_READERS = frozenset({"historian", "dispatch"})


async def purge_read(bus: Bus, tenant: str, partition: str) -> None:
    """Remove from both streams of a partition what every reader has durably behind it.

    Nothing while a reader has recorded more than there is: it read a stream that was lost, and knows no place in this one.
    """
    for stream, readers in (
        (log_stream(tenant, partition), LOG_READERS),
        (out_stream(tenant, partition), OUT_READERS),
    ):
        positions = await bus.positions(stream)
        if not readers <= positions.keys():
            continue
        behind = [positions[r] for r in readers]
        if max(behind) <= (await bus.stream_state(stream)).last:
            await bus.purge(stream, min(behind))


def tell(ctx: RoleContext, engines: Mapping[str, PartitionEngine]) -> None:
    """Say how the engines are, together and each."""
    details = {name: e.detail() for name, e in engines.items()}
    ctx.beat(
        partitions=len(details),
        instances=sum(d["instances"] for d in details.values()),
        ticks=sum(d["ticks"] for d in details.values()),
        tick_ms=max((d["tick_ms"] for d in details.values()), default=0.0),
        of=details,
    )


async def main(ctx: RoleContext) -> None:
    """Start an engine for each partition that has a plan, also for those that get one later."""
    engines: dict[str, PartitionEngine] = {}
    tasks: set[asyncio.Task[None]] = set()
    failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def start(work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        tasks.add(task)
        task.add_done_callback(ended)

    def ended(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) and not failed.done():
            failed.set_exception(error)

    async def planned(partition: str, _: bytes) -> None:
        if partition not in engines:
            engine = PartitionEngine(ctx, partition, purge_read)
            engines[partition] = engine
            start(engine.run())

    await ctx.bus.watch_plans(ctx.settings.tenant, planned)
    tell(ctx, engines)
    ctx.ready()
    stopping = asyncio.create_task(ctx.stopping.wait())
    while not stopping.done():
        await asyncio.wait({stopping, failed}, timeout=1.0, return_when=asyncio.FIRST_COMPLETED)
        if failed.done():
            failed.result()
        tell(ctx, engines)
    await asyncio.gather(*(e.stop() for e in engines.values()))
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
