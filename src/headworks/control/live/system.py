"""How the platform itself is: roles, partitions, how far each reader is behind."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping
from typing import Any

from headworks.base.clock import Clock
from headworks.base.errors import NotReady
from headworks.bus.client import Bus
from headworks.bus.messages import Health
from headworks.bus.subjects import log_stream, out_stream

RATE_WINDOW_S = 10.0
FORGET_ROLE_US = 60_000_000
_KEEP_S = 0.9


class Rate:
    """Samples per second over the last ten seconds."""

    def __init__(self) -> None:
        self._counts: deque[tuple[float, int]] = deque()
        self._sum = 0
        self._since = time.monotonic()

    def add(self, count: int) -> None:
        self._counts.append((time.monotonic(), count))
        self._sum += count

    def per_second(self) -> float:
        now = time.monotonic()
        while self._counts and self._counts[0][0] < now - RATE_WINDOW_S:
            self._sum -= self._counts.popleft()[1]
        window = min(max(now - self._since, 1.0), RATE_WINDOW_S)
        return round(self._sum / window, 1)


class SystemView:
    """What the hub hears about roles and partitions, and what it asks the bus about streams."""

    def __init__(self, bus: Bus, tenant: str, clock: Clock, version: str) -> None:
        self._bus = bus
        self._tenant = tenant
        self._clock = clock
        self._version = version
        self.roles: dict[tuple[str, str], Health] = {}
        self.watermarks: dict[str, int] = {}
        self.rates: dict[str, Rate] = {}
        self._streams: dict[str, dict[str, Any]] = {}
        self._asked = float("-inf")

    def heard_health(self, health: Health) -> None:
        self.roles[(health.role, health.host)] = health

    def heard_watermark(self, partition: str, time: int) -> None:
        if time > self.watermarks.get(partition, time - 1):
            self.watermarks[partition] = time

    def heard_samples(self, partition: str, count: int) -> None:
        self.rates.setdefault(partition, Rate()).add(count)

    async def body(self, partitions: Mapping[str, str]) -> dict[str, Any]:
        """Return the answer of ``GET /api/v1/system``; `partitions` maps codes to the kind of clock."""
        await self._ask(partitions)
        now = self._clock.now()
        for key in [k for k, h in self.roles.items() if now - h.at > FORGET_ROLE_US]:
            del self.roles[key]
        return {
            "roles": [
                {
                    "role": h.role,
                    "host": h.host,
                    "pid": h.pid,
                    "ready": h.ready,
                    "started_ms": h.started // 1000,
                    "age_ms": max(now - h.at, 0) // 1000,
                    "detail": h.detail,
                }
                for _, h in sorted(self.roles.items())
            ],
            "partitions": [
                {
                    "code": code,
                    "clock": clock,
                    "watermark_ms": self.watermarks[code] // 1000 if code in self.watermarks else None,
                    "samples_per_s": self.rates[code].per_second() if code in self.rates else 0.0,
                    **self._streams.get(code, {"log": None, "readers": []}),
                }
                for code, clock in sorted(partitions.items())
            ],
            "version": self._version,
        }

    async def _ask(self, partitions: Mapping[str, str]) -> None:
        """Ask the bus about the streams, once a second at most; what does not answer is shown as unknown."""
        now = time.monotonic()
        if now - self._asked < _KEEP_S:
            return
        self._asked = now
        for code in partitions:
            try:
                self._streams[code] = await self._partition(code)
            except NotReady:
                self._streams.pop(code, None)

    async def _partition(self, code: str) -> dict[str, Any]:
        readers = []
        log = None
        for kind, stream in (("log", log_stream(self._tenant, code)), ("out", out_stream(self._tenant, code))):
            state = await self._bus.stream_state(stream)
            if kind == "log":
                log = {
                    "messages": state.messages,
                    "bytes": state.bytes,
                    "max_bytes": state.max_bytes,
                    "first": state.first,
                    "last": state.last,
                }
            for name, at in sorted((await self._bus.positions(stream)).items()):
                readers.append({"name": name, "stream": kind, "position": at, "lag": max(state.last - at, 0)})
        return {"log": log, "readers": readers}
