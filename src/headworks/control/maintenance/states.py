"""The life of a work order: pure rules, no database, no clock.

::

    open ──start──> in_progress ──finish(result)──> finished ──close──> closed
      │                 │  ^                           │                   │
      └─────cancel──────┤  └─────────reopen────────────┴───────────────────┘
                        v
                    cancelled

A reopened order has no result until it is finished again; the result before stays in its steps. `assign` changes no state
and is possible until the work is finished; a comment always.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from headworks.base.clock import MICROS

Name = Literal["start", "finish", "close", "reopen", "cancel", "assign", "comment"]


class State(StrEnum):
    """Where a work order is in its life."""

    OPEN = "open"
    IN_PROGRESS = "in_progress"
    FINISHED = "finished"
    CLOSED = "closed"
    CANCELLED = "cancelled"


class Outcome(StrEnum):
    """What the work came to."""

    REPAIRED = "repaired"
    ADJUSTED = "adjusted"
    REPLACED = "replaced"
    FALSE_ALARM = "false_alarm"
    NO_FAULT_FOUND = "no_fault_found"
    OTHER = "other"


UNDER_WAY = (State.OPEN, State.IN_PROGRESS, State.FINISHED)
"""States in which an order is still somebody's business; an alarm has one such order at most."""

NEEDS_REASON: tuple[Name, ...] = ("reopen", "cancel", "comment")

_NEXT: dict[tuple[State, Name], State] = {
    (State.OPEN, "start"): State.IN_PROGRESS,
    (State.IN_PROGRESS, "finish"): State.FINISHED,
    (State.FINISHED, "close"): State.CLOSED,
    (State.FINISHED, "reopen"): State.IN_PROGRESS,
    (State.CLOSED, "reopen"): State.IN_PROGRESS,
    (State.OPEN, "cancel"): State.CANCELLED,
    (State.IN_PROGRESS, "cancel"): State.CANCELLED,
    (State.OPEN, "assign"): State.OPEN,
    (State.IN_PROGRESS, "assign"): State.IN_PROGRESS,
    **{(s, "comment"): s for s in State},
}
_DAYS = {1: 1, 2: 3, 3: 7, 4: 30}


def after(state: State, name: Name) -> State | None:
    """Return the state that step `name` leads to from `state`, None where it is not allowed."""
    return _NEXT.get((state, name))


def due_by_default(priority: int, created_at: int) -> int:
    """Return when [µs] an order of a priority is due if nobody says: after 1, 3, 7 or 30 days for priority 1 to 4."""
    return created_at + _DAYS[priority] * 86_400 * MICROS
