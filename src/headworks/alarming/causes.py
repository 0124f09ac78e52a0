"""Which alarms are shown, and which are held back because they only follow from another one.

An alarm group has a *trigger* (a trip), conditions that may have been its reason (*first_out*), and conditions that are its
*consequences*. While the trigger stands, the earliest of those alarms, the *first-out*, is shown; what was raised with it or
after it is suppressed by it. Suppressing changes nothing but what people are shown: every alarm is still evaluated, kept and
counted, and says by what, since when and until when it is suppressed.

The rules, by ticks only::

    trigger raised at T  ->  first-out = open member of `first_out` whose last raise is the earliest in [T - look_back, T]
                             (of one tick: the one named first), else the alarm of the trigger
                             suppressed = open alarms the group may hide with raised_at >= last raise of the first-out
    raised while active  ->  suppressed, if the group may hide it
    cleared suppressed   ->  ended; nobody had to see it
    trigger cleared      ->  what is still active is released, or handed to another active group that may hide it

What was on the screen before the first-out came stays there, also if it comes again. The first-out itself is never hidden by
its own group; another group may hide it, as long as some alarm at the end of the chain is shown.

Source: IEC 62682 / ISA-18.2 (designed suppression, first-out), OPC UA Part 9 (SuppressedState, FirstInGroup).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Literal
from uuid import UUID

import msgspec

from headworks.alarming import machine
from headworks.alarming.machine import Alarm, Outcome, Track, Transition

Key = tuple[int, str]
"""A condition: number of the instance, and name."""


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Alarms that belong together.

    `look_back` [µs]: how long before the trigger the first-out may have come. `may_hide` says of a condition whether the
    group may hide it: its trigger, its `first_out` and its consequences, less those that always show.
    """

    code: str
    trigger: Key
    first_out: tuple[Key, ...] = ()
    look_back: int = 0
    may_hide: Callable[[Key], bool]

    def rank(self, key: Key) -> int:
        """Return the place of a condition among those of one tick: as named, the trigger after them."""
        return self.first_out.index(key) if key in self.first_out else len(self.first_out)


class Active(msgspec.Struct, frozen=True, kw_only=True):
    """A group whose trigger stands since tick `trigger_at`. `cause` is its first-out, of the condition `cause_key`, which
    was raised at tick `since`."""

    group: str
    trigger_at: int
    cause: UUID
    cause_key: Key
    since: int


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """An alarm as a step left it; `transition` is None where only what it says about its group has changed."""

    key: Key
    alarm: Alarm
    transition: Transition | None = None


class Board:
    """The conditions and alarm groups of one partition, while edges are applied in order.

    Parameters
    ----------
    groups : those whose trigger is in this partition. There is no order between partitions, so a group has one.
    tracks : at least the conditions the edges are about, and those of `active` first-outs
    active : groups whose trigger stands
    load : returns the tracks of every open alarm of the partition; asked once, when a group begins or ends
    """

    def __init__(
        self,
        tenant: str,
        groups: Iterable[Group],
        tracks: Mapping[Key, Track],
        active: Iterable[Active],
        load: Callable[[], Mapping[Key, Track]] = dict,
    ) -> None:
        self.tenant = tenant
        self.groups = {g.code: g for g in groups}
        self.tracks = dict(tracks)
        self.active = {a.group: a for a in active}
        self._load: Callable[[], Mapping[Key, Track]] | None = load
        self._by_trigger: dict[Key, list[Group]] = {}
        for group in sorted(self.groups.values(), key=lambda g: g.code):
            self._by_trigger.setdefault(group.trigger, []).append(group)

    def apply(self, key: Key, tick: int, name: Literal["raise", "clear"]) -> tuple[Outcome, list[Step]]:
        """Apply an edge; return what became of it, and every step it caused, in order."""
        track = self.tracks.get(key) or Track(tenant=self.tenant, instance=key[0], condition=key[1])
        track, alarm, transition, outcome = machine.on_edge(track, tick, name)
        self.tracks[key] = track
        if outcome is Outcome.REPEATED:
            return outcome, []
        steps = [] if alarm is None else [Step(key=key, alarm=alarm, transition=transition)]
        triggered = self._by_trigger.get(key, ())
        if name == "raise" and alarm is not None:
            steps += self._raised(key, tick)
            for group in triggered:
                steps += self._begin(group, tick)
        elif name == "clear":
            for group in triggered:
                steps += self.end(group.code, tick)
        return outcome, steps

    def end(self, group: str, at: int) -> list[Step]:
        """End a group at `at`, if it is active: its trigger cleared, it is not what it was, or edges of it may be lost."""
        if self.active.pop(group, None) is None:
            return []
        self._load_all()
        steps = []
        for key, alarm in self._open_alarms():
            if not alarm.suppressed or alarm.suppressed_in != group:
                continue
            if heir := next((a for a in self._in_order() if self._may_hide(a, key, alarm)), None):
                steps.append(self._keep(key, suppressed_by=heir.cause, suppressed_in=heir.group))
            else:
                shown, transition = machine.release(alarm, at)
                steps.append(self._put(key, shown, transition))
        return steps

    def _begin(self, group: Group, tick: int) -> list[Step]:
        if group.code in self.active:
            return []
        self._load_all()
        first = min(
            (
                (alarm.active_at, group.rank(key), key)
                for key, alarm in self._open_alarms()
                if key in group.first_out and tick - group.look_back <= alarm.active_at <= tick
            ),
            default=(tick, 0, group.trigger),
        )
        since, cause_key = first[0], first[2]
        cause = self._alarm(cause_key)
        active = Active(group=group.code, trigger_at=tick, cause=cause.id, cause_key=cause_key, since=since)
        self.active[group.code] = active
        steps = [self._keep(cause_key, first_out_of=group.code)]
        for key, alarm in self._open_alarms():
            if not alarm.suppressed and self._may_hide(active, key, alarm):
                steps.append(self._hide(active, key, tick))
        return steps

    def _raised(self, key: Key, tick: int) -> list[Step]:
        """Look what an alarm that was just raised is to the active groups: a better first-out, or a consequence."""
        steps: list[Step] = []
        for active in list(self._in_order()):
            group = self.groups.get(active.group)
            # Edges of one tick may come in any order: the reason of a trip may follow the trip itself.
            at_once = tick == active.since == active.trigger_at
            if group is not None and at_once and group.rank(key) < group.rank(active.cause_key):
                steps += self._replace_cause(active, key, tick)
        alarm = self._alarm(key)
        if heir := next((a for a in self._in_order() if self._may_hide(a, key, alarm)), None):
            steps.append(self._hide(heir, key, tick))
        return steps

    def _replace_cause(self, before: Active, key: Key, tick: int) -> list[Step]:
        self._load_all()
        code = before.group
        now = msgspec.structs.replace(before, cause=self._alarm(key).id, cause_key=key)
        self.active[code] = now
        steps = [self._keep(key, first_out_of=code)]
        for other, alarm in self._open_alarms():
            if alarm.suppressed and alarm.suppressed_in == code:
                steps.append(self._keep(other, suppressed_by=now.cause))
            elif alarm.id == before.cause:
                if alarm.first_out_of == code:
                    steps.append(self._keep(other, first_out_of=""))
                if not alarm.suppressed and self._may_hide(now, other, alarm):
                    steps.append(self._hide(now, other, tick))
        return steps

    def _may_hide(self, active: Active, key: Key, alarm: Alarm) -> bool:
        group = self.groups.get(active.group)
        return (
            group is not None
            and key != active.cause_key
            and alarm.raised_at >= active.since
            and group.may_hide(key)
            and not self._leads_to(active.cause, alarm.id)
        )

    def _leads_to(self, cause: UUID, alarm: UUID) -> bool:
        """Return whether `alarm` is at the end of what hides `cause`: it must not be hidden by it, or nobody saw either."""
        at: UUID | None = cause
        keys = {a.cause: a.cause_key for a in self.active.values()}
        while at is not None:
            if at == alarm:
                return True
            track = self.tracks.get(keys[at]) if at in keys else None
            found = track.alarm if track else None
            at = found.suppressed_by if found is not None and found.id == at and found.suppressed else None
        return False

    def _hide(self, active: Active, key: Key, tick: int) -> Step:
        hidden, transition = machine.suppress(self._alarm(key), active.cause, active.group, tick)
        return self._put(key, hidden, transition)

    def _keep(self, key: Key, **fields: object) -> Step:
        return self._put(key, msgspec.structs.replace(self._alarm(key), **fields), None)

    def _put(self, key: Key, alarm: Alarm, transition: Transition | None) -> Step:
        opened = alarm if alarm.state in machine.OPEN else None
        self.tracks[key] = msgspec.structs.replace(self.tracks[key], alarm=opened)
        return Step(key=key, alarm=alarm, transition=transition)

    def _alarm(self, key: Key) -> Alarm:
        alarm = self.tracks[key].alarm
        assert alarm is not None  # only open alarms begin, hide or are hidden
        return alarm

    def _open_alarms(self) -> list[tuple[Key, Alarm]]:
        """Return the open alarms in an order that follows from what they are, whatever order they were loaded in."""
        found = [(key, track.alarm) for key, track in self.tracks.items() if track.alarm is not None]
        return sorted(found, key=lambda f: (f[1].raised_at, f[0]))

    def _in_order(self) -> Iterator[Active]:
        return iter(sorted(self.active.values(), key=lambda a: (a.trigger_at, a.group)))

    def _load_all(self) -> None:
        if self._load is not None:
            load, self._load = self._load, None
            self.tracks = {**load(), **self.tracks}
