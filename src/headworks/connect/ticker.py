"""The only reader of the wall clock for marks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from headworks.base.clock import MICROS, Clock
from headworks.connect.partition_log import PartitionLog

Sleep = Callable[[float], Awaitable[None]]


def period(tick: int) -> int:
    """Return how often the marks of a partition with this tick [µs] are said [µs]: every second, or every shorter tick."""
    return min(tick, MICROS)


class Ticker:
    """Moves the watermark of one partition with the wall clock; does nothing while the partition's clock is a replay."""

    def __init__(self, log: PartitionLog, clock: Clock, sleep: Sleep = asyncio.sleep) -> None:
        self._log = log
        self._clock = clock
        self._sleep = sleep

    def tick(self) -> None:
        if self._log.plan.clock == "wall":
            self._log.mark(self._clock.now())

    async def run(self) -> None:
        """Tick for ever, at multiples of the period."""
        while True:
            every = period(self._log.plan.tick)
            await self._sleep((every - self._clock.now() % every) / MICROS)
            self.tick()
