"""What connect tells people: events (live, not kept) and the quarantine (kept: what was refused, and why)."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import msgspec

from headworks.base import log, tasks
from headworks.base.clock import MICROS, Clock
from headworks.bus.client import Bus
from headworks.bus.messages import Event, encode
from headworks.bus.subjects import subject
from headworks.connect.receipts import Receipt, stored

NOWHERE = "_"
"""The partition of an event that has none: a login that failed."""

_SAME_AGAIN = 10 * MICROS
_MOST_WAITING = 1_000
_MOST_REMEMBERED = 10_000
_PART_SAMPLES = 10_000
_PART_BYTES = 512 << 10
_logger = log.get(__name__)


class Events:
    """Says events; the same thing about the same device at most every 10 s, with how often it was in between."""

    def __init__(self, bus: Bus, tenant: str, clock: Clock) -> None:
        self._bus = bus
        self._tenant = tenant
        self._clock = clock
        self._queue: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue(_MOST_WAITING)
        self._said: dict[tuple[str, str, str], tuple[int, int]] = {}

    def say(self, name: str, partition: str, *, device: str, about: str = "", **params: Any) -> None:
        """Say event `name`; `about` tells apart what may be said side by side."""
        now, key = self._clock.now(), (name, device, about)
        at, unsaid = self._said.get(key, (0, 0))
        if at and now - at < _SAME_AGAIN:
            self._said[key] = (at, unsaid + 1)
            return
        if len(self._said) > _MOST_REMEMBERED:
            self._said.clear()
        self._said[key] = (now, 0)
        if unsaid:
            params["repeated"] = unsaid
        message = encode(Event(name, now, {"device": device, **params}))
        try:
            self._queue.put_nowait((subject(self._tenant, "event", partition), message))
        except asyncio.QueueFull:
            _logger.warning("event not told", name=name, device=device)

    async def run(self) -> None:
        while True:
            await self._bus.say(*await self._queue.get())


class Quarantine:
    """Keeps what was refused in the QUARANTINE stream."""

    def __init__(self, bus: Bus, tenant: str, epoch: str, clock: Clock) -> None:
        self._bus = bus
        self._tenant = tenant
        self._epoch = epoch
        self._clock = clock
        self._number = 0
        self._tasks: set[asyncio.Task[None]] = set()

    def put(
        self,
        partition: str,
        device: str,
        reason: str,
        receipt: Receipt,
        *,
        samples: list[list[Any]] | None = None,
        payload: bytes | None = None,
    ) -> None:
        """Keep `samples` ([tag, time, value] each) or a payload that could not be understood; `receipt` waits for it."""
        said = {"device": device, "reason": reason, "at": self._clock.now()}
        parts: list[dict[str, Any]] = []
        if samples:
            parts += [
                {**said, "samples": samples[i : i + _PART_SAMPLES]} for i in range(0, len(samples), _PART_SAMPLES)
            ]
        if payload is not None:
            pieces = [payload[i : i + _PART_BYTES] for i in range(0, len(payload), _PART_BYTES)] or [b""]
            parts += [
                {**said, "samples": [], "payload": base64.b64encode(p).decode(), "part": i, "parts": len(pieces)}
                for i, p in enumerate(pieces)
            ]
        receipt.waiting += len(parts)
        for part in parts:
            self._number += 1
            task = asyncio.create_task(self._keep(partition, f"{self._epoch}-q{self._number}", part, receipt))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _keep(self, partition: str, msg_id: str, part: dict[str, Any], receipt: Receipt) -> None:
        where = subject(self._tenant, "quarantine", partition)
        await self._bus.publish_retrying(where, msgspec.json.encode(part), msg_id=msg_id)
        stored((receipt,))

    async def close(self, within: float) -> None:
        """Wait up to `within` seconds for what is being kept."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=within)
        await tasks.end(self._tasks)
