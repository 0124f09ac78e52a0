"""The seconds of a simulated unit at the pace of the clock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from headworks.base import log
from headworks.base.clock import MICROS, Clock
from headworks.simulate.faults import json_lines
from headworks.simulate.process import SimulatedUnit

MOST_BEHIND_S = 5
"""A live unit that was held up longer than this (a suspended machine) leaves the missed seconds out."""

_log = log.get(__name__)


@dataclass(frozen=True, slots=True)
class Second:
    """What the unit gave: rows [first, last) are covered by it (more than one if seconds were left out)."""

    first: int
    last: int
    instant: int
    values: NDArray[np.float64]
    status: NDArray[np.uint32]


async def seconds(
    unit: SimulatedUnit, clock: Clock, speed: float, duration_s: int | None, stopping: asyncio.Event
) -> AsyncIterator[Second]:
    """Yield the seconds of `unit` as they are due, until `stopping` is set or `duration_s` seconds have passed.

    With `speed` > 1 the past is made up for; a second is never from the future.
    """
    loop = asyncio.get_running_loop()
    anchor, begin = loop.time(), unit.second
    while not stopping.is_set() and (duration_s is None or unit.second < duration_s):
        behind = (clock.now() - unit.time) / MICROS
        due = anchor + (unit.second - begin) / speed
        wait = max(due - loop.time(), -behind)
        if wait > 0:
            await _sleep(stopping, min(wait, 1.0))
            continue
        first = unit.second
        late = min(loop.time() - due, behind)
        if speed == 1.0 and late > MOST_BEHIND_S:
            unit.run(int(late))
            _log.warning("unit left seconds out", seconds=int(late))
        instant = unit.time
        values, status = unit.step()
        yield Second(first, unit.second, instant, values, status)
        await asyncio.sleep(0)


def tell_truth(unit: SimulatedUnit, second: Second, file: Path | None) -> None:
    """Write the labels of the faults that begin with `second` to the log, and to `file` as JSON lines."""
    for label in unit.script.labels(unit.start_us, second.first, second.last):
        _log.info("fault begins", fault=label.fault, target=label.target, severity=label.severity)
        if file is not None:
            with file.open("ab") as f:
                f.write(json_lines([label]))


async def _sleep(stopping: asyncio.Event, duration: float) -> None:
    try:
        await asyncio.wait_for(stopping.wait(), duration)
    except TimeoutError:
        return
