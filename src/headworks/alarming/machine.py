"""The state machine of one alarm.

::

    NORMAL ──raise──> UNACKED_ACTIVE ──acknowledge──> ACKED_ACTIVE ──clear──> CLEARED
                        │        ^                                              ^
                      clear    raise                                            │
                        v        │                                              │
                     UNACKED_CLEARED ──────────────acknowledge──────────────────┘

NORMAL is a condition without an open alarm. CLEARED is the end of a record; the next raise opens a new one. A condition
that comes back before anyone acknowledged is the same alarm: one record, one more transition.

Beside the state an alarm may be *suppressed* by the cause it follows from (`headworks.alarming.causes` decides that)::

    UNACKED_ACTIVE ──suppress──> the same, hidden      hidden ──clear────> CLEARED (nobody had to see it)
    ACKED_ACTIVE   ──suppress──> the same, hidden      hidden ──release──> UNACKED_ACTIVE (a person has to see it now)
    UNACKED_CLEARED ─suppress──> CLEARED

Source: ISA-18.2 / IEC 62682, states A (normal), B (unacknowledged), C (acknowledged), D (returned to normal,
unacknowledged), F (suppressed by design). OPC UA Part 9 has the same two dimensions: Active/Acked, and SuppressedState.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal
from uuid import UUID

import msgspec

from headworks.base import ids
from headworks.base.errors import Conflict, Fault

NEVER = -(1 << 63)
"""The tick [µs] before every tick: no edge has been applied."""

Name = Literal["raise", "clear", "acknowledge", "suppress", "release"]


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
    (State.UNACKED_ACTIVE, "suppress"): State.UNACKED_ACTIVE,
    (State.ACKED_ACTIVE, "suppress"): State.ACKED_ACTIVE,
    (State.UNACKED_CLEARED, "suppress"): State.CLEARED,
}
_NEXT_SUPPRESSED: dict[tuple[State, Name], State] = {
    (State.UNACKED_ACTIVE, "clear"): State.CLEARED,
    (State.ACKED_ACTIVE, "clear"): State.CLEARED,
    (State.UNACKED_ACTIVE, "release"): State.UNACKED_ACTIVE,
    (State.ACKED_ACTIVE, "release"): State.UNACKED_ACTIVE,
}


def after(state: State, name: Name, suppressed: bool = False) -> State | None:
    """Return the state that transition `name` leads to from `state`, None where it is not allowed."""
    return (_NEXT_SUPPRESSED if suppressed else _NEXT).get((state, name))


class Alarm(msgspec.Struct, frozen=True, kw_only=True):
    """One alarm record. Instants are µs since 1970 UTC.

    `raised_at` is the tick of the first raise (the id follows from it), `active_at` that of the last one, `cleared_at` the
    tick of the last clear while the process is normal, `acked_at` when a person acknowledged.

    `suppressed_by` is the alarm that was the cause, `suppressed_in` the code of the group that says so, `suppressed_at` and
    `released_at` since when and until when; they stay after the release. `first_out_of` is the group this alarm came first in.
    """

    id: UUID
    state: State
    raised_at: int
    active_at: int
    cleared_at: int | None = None
    acked_at: int | None = None
    suppressed_by: UUID | None = None
    suppressed_in: str = ""
    suppressed_at: int | None = None
    released_at: int | None = None
    first_out_of: str = ""

    @property
    def suppressed(self) -> bool:
        """Whether people are not shown this alarm: it was suppressed, and not released (it may have ended so)."""
        return self.suppressed_by is not None and self.released_at is None


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
    new = after(before, name, track.alarm is not None and track.alarm.suppressed)
    if new is None:
        return msgspec.structs.replace(track, applied=tick), None, None, Outcome.OUT_OF_STEP
    if track.alarm is None:
        alarm_id = ids.alarm_id(track.tenant, track.instance, track.condition, tick)
        alarm = Alarm(id=alarm_id, state=new, raised_at=tick, active_at=tick)
    elif name == "raise":
        alarm = msgspec.structs.replace(track.alarm, state=new, cleared_at=None, active_at=tick)
    else:
        alarm = msgspec.structs.replace(track.alarm, state=new, cleared_at=tick)
    transition = _transition(alarm.id, name, tick, before, new)
    opened = None if new is State.CLEARED else alarm
    return msgspec.structs.replace(track, applied=tick, alarm=opened), alarm, transition, Outcome.APPLIED


def acknowledge(alarm: Alarm, at: int) -> tuple[Alarm, Transition]:
    """Return the alarm acknowledged at instant `at` [µs], and the transition.

    Raises
    ------
    Conflict
        ``alarm.already_acknowledged``: somebody was faster (who, only the records know); nothing changes.
        ``alarm.suppressed``: it asks for nothing, its `cause` does (its names only the records know); nothing changes.
    """
    if alarm.suppressed:
        raise Conflict("alarm.suppressed", cause=str(alarm.suppressed_by), title="", instance="")
    new = after(alarm.state, "acknowledge")
    if new is None:
        raise Conflict("alarm.already_acknowledged", by="", state=str(alarm.state))
    acked = msgspec.structs.replace(alarm, state=new, acked_at=at)
    return acked, _transition(alarm.id, "acknowledge", at, alarm.state, new)


def suppress(alarm: Alarm, cause: UUID, group: str, at: int) -> tuple[Alarm, Transition]:
    """Return an open, visible alarm suppressed by `cause` at tick `at`, and the transition.

    Raises
    ------
    Fault
        It is suppressed already, or has ended.
    """
    new = after(alarm.state, "suppress", alarm.suppressed)
    if new is None:
        raise Fault(step="suppress", alarm=str(alarm.id), state=str(alarm.state))
    hidden = msgspec.structs.replace(
        alarm, state=new, suppressed_by=cause, suppressed_in=group, suppressed_at=at, released_at=None
    )
    return hidden, _transition(alarm.id, "suppress", at, alarm.state, new, group)


def release(alarm: Alarm, at: int) -> tuple[Alarm, Transition]:
    """Return a suppressed, active alarm shown again at instant `at`, and the transition. It waits for an acknowledgement,
    also where somebody had acknowledged it before: what a machine stops hiding, a person has to see (ISA-18.2, 11.7).

    Raises
    ------
    Fault
        It is visible, or has ended.
    """
    new = after(alarm.state, "release", alarm.suppressed)
    if new is None:
        raise Fault(step="release", alarm=str(alarm.id), state=str(alarm.state))
    shown = msgspec.structs.replace(alarm, state=new, acked_at=None, released_at=at)
    return shown, _transition(alarm.id, "release", at, alarm.state, new, alarm.suppressed_in)


def _transition(alarm: UUID, name: Name, at: int, before: State, new: State, group: str = "") -> Transition:
    # Two groups may hide and show one alarm in one tick; each step of each of them happened once.
    identity = f"{name}:{group}" if group else name
    return Transition(
        id=ids.transition_id(alarm, at, identity), alarm=alarm, name=name, at=at, before=before, after=new
    )
