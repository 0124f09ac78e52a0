"""The state machine of one alarm.

::

    NORMAL ──raise──> UNACKED_ACTIVE ──acknowledge──> ACKED_ACTIVE ──clear──> CLEARED
                        │        ^                                              ^
                      clear    raise                                            │
                        v        │                                              │
                     UNACKED_CLEARED ──────────────acknowledge──────────────────┘

NORMAL is a condition without an open alarm. CLEARED is the end of a record; the next raise opens a new one. A condition
that comes back before anyone acknowledged is the same alarm: one record, one more transition.

Source: ISA-18.2 / IEC 62682, states A (normal), B (unacknowledged), C (acknowledged), D (returned to normal,
unacknowledged).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal
from uuid import UUID

import msgspec

from headworks.base import ids
from headworks.base.errors import Conflict

NEVER = -(1 << 63)
"""The tick [µs] before every tick: no edge has been applied."""

Name = Literal["raise", "clear", "acknowledge"]


class State(StrEnum):
    """Where an alarm is in its life."""

    NORMAL = "normal"
    UNACKED_ACTIVE = "unacked_active"
    ACKED_ACTIVE = "acked_active"
    UNACKED_CLEARED = "unacked_cleared"
    CLEARED = "cleared"


ACTIVE = (State.UNACKED_ACTIVE, State.ACKED_ACTIVE)
UNACKED = (State.UNACKED_ACTIVE, State.UNACKED_CLEARED)
OPEN = (State.UNACKED_ACTIVE, State.ACKED_ACTIVE, State.UNACKED_CLEARED)

_NEXT: dict[tuple[State, Name], State] = {
    (State.NORMAL, "raise"): State.UNACKED_ACTIVE,
    (State.UNACKED_ACTIVE, "clear"): State.UNACKED_CLEARED,
    (State.UNACKED_ACTIVE, "acknowledge"): State.ACKED_ACTIVE,
    (State.ACKED_ACTIVE, "clear"): State.CLEARED,
    (State.UNACKED_CLEARED, "raise"): State.UNACKED_ACTIVE,
    (State.UNACKED_CLEARED, "acknowledge"): State.CLEARED,
}


def after(state: State, name: Name) -> State | None:
    """Return the state that transition `name` leads to from `state`, None where it is not allowed."""
    return _NEXT.get((state, name))


class Alarm(msgspec.Struct, frozen=True, kw_only=True):
    """One alarm record. Instants are µs since 1970 UTC.

    `raised_at` is the tick of the first raise (the id follows from it), `cleared_at` the tick of the last clear while
    the process is normal, `acked_at` when a person acknowledged.
    """

    id: UUID
    state: State
    raised_at: int
    cleared_at: int | None = None
    acked_at: int | None = None


class Track(msgspec.Struct, frozen=True, kw_only=True):
    """One condition of one instance over time: the last edge that was applied and the open alarm, if there is one."""

    tenant: str
    instance: int
    condition: str
    applied: int = NEVER
    alarm: Alarm | None = None


class Transition(msgspec.Struct, frozen=True, kw_only=True):
    """One step in the life of an alarm."""

    id: UUID
    alarm: UUID
    name: Name
    at: int
    before: State
    after: State


class Outcome(StrEnum):
    """What became of an edge."""

    APPLIED = "applied"
    REPEATED = "repeated"
    OUT_OF_STEP = "out_of_step"


def on_edge(
    track: Track, tick: int, name: Literal["raise", "clear"]
) -> tuple[Track, Alarm | None, Transition | None, Outcome]:
    """Apply one edge of a condition.

    Returns
    -------
    track : the condition after the edge; its `alarm` is None once the record is closed
    alarm : the record as the edge left it (also a closed one), None if nothing changed
    transition : what happened, None if nothing changed
    outcome :
        REPEATED: the edge is not after the last applied one (said again after a restart).
        OUT_OF_STEP: it is newer but cannot happen in this state (a raise of an active alarm: edges between were lost);
        the state is already what the edge says, so only its tick is noted.
    """
    if tick <= track.applied:
        return track, None, None, Outcome.REPEATED
    before = track.alarm.state if track.alarm else State.NORMAL
    new = after(before, name)
    if new is None:
        return msgspec.structs.replace(track, applied=tick), None, None, Outcome.OUT_OF_STEP
    if track.alarm is None:
        alarm = Alarm(id=ids.alarm_id(track.tenant, track.instance, track.condition, tick), state=new, raised_at=tick)
    else:
        alarm = msgspec.structs.replace(track.alarm, state=new, cleared_at=tick if name == "clear" else None)
    transition = _transition(alarm.id, name, tick, before, new)
    opened = None if new is State.CLEARED else alarm
    return msgspec.structs.replace(track, applied=tick, alarm=opened), alarm, transition, Outcome.APPLIED


def acknowledge(alarm: Alarm, at: int) -> tuple[Alarm, Transition]:
    """Return the alarm acknowledged at instant `at` [µs], and the transition.

    Raises
    ------
    Conflict
        ``alarm.already_acknowledged``: somebody was faster (who, only the records know); nothing changes.
    """
    new = after(alarm.state, "acknowledge")
    if new is None:
        raise Conflict("alarm.already_acknowledged", by="", state=str(alarm.state))
    acked = msgspec.structs.replace(alarm, state=new, acked_at=at)
    return acked, _transition(alarm.id, "acknowledge", at, alarm.state, new)


def _transition(alarm: UUID, name: Name, at: int, before: State, new: State) -> Transition:
    return Transition(id=ids.transition_id(alarm, at, name), alarm=alarm, name=name, at=at, before=before, after=new)
