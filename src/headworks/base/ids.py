"""Identifiers.

Records get a UUIDv7. What happens because of data (an alarm, a transition, a job result) gets a UUIDv5 of what it is,
so that doing a thing twice is doing it once. Tags and model instances are u32 numbers, dense, never reused.
"""

from __future__ import annotations

import uuid

import uuid_utils

_ALARM = uuid.UUID("5d0b6a52-6a41-5d0c-9f0e-0f2f8f3f6c01")
_TRANSITION = uuid.UUID("5d0b6a52-6a41-5d0c-9f0e-0f2f8f3f6c02")


def record_id() -> uuid.UUID:
    """Return a fresh time-ordered id (UUIDv7, RFC 9562)."""
    return uuid.UUID(int=uuid_utils.uuid7().int)


def alarm_id(tenant: str, instance: int, condition: str, raised_at: int) -> uuid.UUID:
    """Return the id of the alarm that `condition` of `instance` raised at tick `raised_at` [µs]."""
    return uuid.uuid5(_ALARM, f"{tenant}/{instance}/{condition}/{raised_at}")


def transition_id(alarm: uuid.UUID, at: int, transition: str) -> uuid.UUID:
    """Return the id of one transition of an alarm at instant `at` [µs]."""
    return uuid.uuid5(_TRANSITION, f"{alarm}/{at}/{transition}")
