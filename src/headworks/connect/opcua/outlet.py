"""From a source into its partition's log: bounded, counted, never in silence."""

from __future__ import annotations

from typing import Any

from headworks.base.clock import Clock
from headworks.connect.notices import Events, Quarantine
from headworks.connect.partition_log import PartitionLog
from headworks.connect.receipts import Receipt
from headworks.connect.telemetry import Chunk

_MOST_IN_QUARANTINE_TASKS = 50


class Outlet:
    """What a source has to say, as far as the log has room.

    A server cannot be asked to say a value again, and it goes on producing. So what does not fit is dropped: counted,
    told as an event, and a gap like that of a lost link.
    """

    def __init__(self, code: str, log: PartitionLog, events: Events, quarantine: Quarantine, clock: Clock) -> None:
        self._code = code
        self._log = log
        self._events = events
        self._quarantine = quarantine
        self._clock = clock
        self._receipt = Receipt(self)
        self._kept = Receipt(self)
        self.samples = 0
        self.dropped = 0
        self.quarantined = 0
        self.gaps = 0
        self._gap_us = 0
        self._full_since: int | None = None

    def settle(self) -> None:
        """Nobody waits for an answer: a notification is not asked to be stored."""

    @property
    def full_since(self) -> int | None:
        """Since when samples are dropped [µs], None while there is room."""
        return self._full_since

    def gap_us(self, now: int) -> int:
        """Return how long nothing could be stored, all in all [µs]."""
        return self._gap_us + (now - self._full_since if self._full_since is not None else 0)

    def put(self, chunk: Chunk) -> bool:
        """Give samples to the log; False if there was no room and they are gone."""
        count = len(chunk.tag)
        if not count:
            return True
        if self._log.blocked:
            if self._full_since is None:
                self._full_since = self._clock.now()
                self.gaps += 1
            self.dropped += count
            self._events.say("source.dropped", self._log.plan.partition, device=self._code, count=self.dropped)
            return False
        if self._full_since is not None:
            self._gap_us += self._clock.now() - self._full_since
            self._full_since = None
        self.samples += count
        self._log.add([chunk], self._receipt)
        return True

    def refuse_future(self, samples: list[list[Any]]) -> None:
        """Keep samples whose time is too far ahead in the quarantine, as those of any device."""
        if not samples:
            return
        partition = self._log.plan.partition
        self.quarantined += len(samples)
        latest = max(t for _, t, _ in samples) // 1000
        self._events.say(
            "device.quarantined", partition, device=self._code, reason="future", count=len(samples), ts=latest
        )
        if self._kept.waiting < _MOST_IN_QUARANTINE_TASKS:
            self._quarantine.put(partition, self._code, "future", self._kept, samples=samples)
        else:
            self.dropped += len(samples)
