"""Time. Every instant inside the platform is an integer of microseconds since 1970-01-01 UTC."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol, overload

MICROS = 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Clock(Protocol):
    """Where a component reads the time; injected, so that tests and replays decide what it says."""

    def now(self) -> int:
        """Return the current instant [µs since 1970 UTC]."""
        ...


class SystemClock:
    """The clock of the machine."""

    def now(self) -> int:
        return time.time_ns() // 1_000


class ManualClock:
    """A clock that moves only when told to."""

    def __init__(self, now: int = 0) -> None:
        self._now = now

    def now(self) -> int:
        return self._now

    def set(self, now: int) -> None:
        self._now = now

    def advance(self, seconds: float) -> None:
        self._now += round(seconds * MICROS)


def micros(moment: datetime) -> int:
    """Return an aware datetime as µs since 1970 UTC, exactly."""
    if moment.tzinfo is None:
        raise ValueError("a naive datetime has no place on the time line; give it a time zone")
    return (moment - _EPOCH) // timedelta(microseconds=1)


def to_datetime(instant: int) -> datetime:
    """Return µs since 1970 UTC as an aware datetime, exactly."""
    return _EPOCH + timedelta(microseconds=instant)


def local_text(instant: int, timespec: str = "seconds") -> str:
    """Return µs since 1970 UTC in the time zone of the machine, with its offset: ``2026-01-31 08:00:00+08:00``."""
    return to_datetime(instant).astimezone().isoformat(" ", timespec)


def floor_to(instant: int, step: int) -> int:
    """Return the greatest multiple of `step` that is not after `instant` (both µs)."""
    return instant - instant % step


@overload
def ms(instant: int) -> int: ...
@overload
def ms(instant: None) -> None: ...
@overload
def ms(instant: int | None) -> int | None: ...
def ms(instant: int | None) -> int | None:
    """Return an instant [µs] in ms, as the API says it; None where there is none."""
    return None if instant is None else instant // 1000
