"""The only reader of the wall clock for marks, and who notices that it jumped."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from headworks.base import log
from headworks.base.clock import MICROS, Clock
from headworks.connect.partition_log import PartitionLog, SystemCondition

MOST_AHEAD = 60 * MICROS
"""How far [µs] the wall clock may get ahead of the time that has passed before it is doubted."""
CONFIRMED_S = 600.0
"""A clock that stays ahead so long is right: it was set."""

Sleep = Callable[[float], Awaitable[None]]
_logger = log.get(__name__)


def period(tick: int) -> int:
    """Return how often the marks of a partition with this tick [µs] are said [µs]: every second, or every shorter tick."""
    return min(tick, MICROS)


def passed() -> float:
    """Return a time [s] that only goes on, also while the machine sleeps, and that nobody can set."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class SteadyClock:
    """The wall clock, doubted when it jumps ahead.

    A watermark that has gone ahead cannot come back: every sample until then would be late. So a jump is followed only
    after it has lasted for ten minutes; until then time goes on from before the jump.
    """

    def __init__(self, clock: Clock, passed: Callable[[], float] = passed) -> None:
        self._clock = clock
        self._passed = passed
        self._trusted: tuple[int, float] | None = None
        self._doubted_since: float | None = None
        self.ahead = 0
        """How far [µs] the wall clock is ahead of what is told, 0 while it is trusted."""

    def now(self) -> int:
        """Return the instant [µs] that may be told."""
        wall, passed = self._clock.now(), self._passed()
        if self._trusted is not None:
            expected = self._trusted[0] + round((passed - self._trusted[1]) * MICROS)
            if wall - expected > MOST_AHEAD:
                if self._doubted_since is None:
                    self._doubted_since = passed
                if passed - self._doubted_since < CONFIRMED_S:
                    self.ahead = wall - expected
                    return expected
        self._trusted, self._doubted_since, self.ahead = (wall, passed), None, 0
        return wall


class Ticker:
    """Moves the watermark of one partition with the wall clock; does nothing while the partition's clock is a replay.

    While the wall clock is doubted the condition ``clock_ahead`` stands, with the seconds it is ahead as evidence.
    """

    def __init__(
        self, log: PartitionLog, clock: SteadyClock, condition: SystemCondition, sleep: Sleep = asyncio.sleep
    ) -> None:
        self._log = log
        self._clock = clock
        self._condition = condition
        self._sleep = sleep
        self._doubted = False

    def tick(self) -> None:
        plan = self._log.plan
        if plan.clock != "wall":
            return
        now, before = self._clock.now(), self._doubted
        self._doubted = self._clock.ahead > 0
        if self._doubted and not before:
            _logger.error("the wall clock jumped ahead", partition=plan.partition, seconds=self._clock.ahead / MICROS)
        self._condition.set(self._doubted, plan, self._clock.ahead / MICROS)
        self._log.mark(now)

    async def run(self) -> None:
        """Tick for ever, at multiples of the period; at the end the condition is left as it is."""
        try:
            while True:
                every = period(self._log.plan.tick)
                await self._sleep((every - self._clock.now() % every) / MICROS)
                self.tick()
        finally:
            await self._condition.close()
