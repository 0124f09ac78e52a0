"""What changes alarm records: edges of conditions, and acknowledgements by people."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
from django.db import transaction
from django.dispatch import Signal

from headworks.alarming import machine
from headworks.alarming.causes import Board, Step
from headworks.alarming.machine import NEVER, OPEN, Outcome, State, Track
from headworks.base import log
from headworks.base.errors import Conflict, HeadworksError, Invalid, NotFound, Problem
from headworks.bus.messages import Edge
from headworks.control.access.authority import authorize
from headworks.control.access.models import now
from headworks.control.access.services import audit
from headworks.control.alarms.catalogue import Described, describe
from headworks.control.alarms.models import Alarm, AlarmGroupState, AlarmTransition, AppliedEdge, StreamPosition
from headworks.control.alarms.suppression import Definitions, Places, active_of, save_active

EDGES_PER_TRANSACTION = 200
MAX_COMMENT = 500
MAX_AT_ONCE = 500
_CHANGING = [
    "state",
    "is_open",
    "active_at",
    "cleared_at",
    "acked_at",
    "acked_by",
    "comment",
    "is_suppressed",
    "suppressed_by",
    "suppressed_in",
    "suppressed_at",
    "released_at",
    "first_out_of",
    "steps",
]
_logger = log.get(__name__)

changed = Signal()
"""Sent after commit with `ids` (list of UUID) when a person changed alarms in this process."""

Key = tuple[int, str]


class Applied(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a batch of edges."""

    changed: tuple[UUID, ...] = ()
    applied: int = 0
    repeated: int = 0
    out_of_step: int = 0


def position(stream: str) -> int | None:
    """Return the last message of `stream` whose edges are in the records, None if none ever was."""
    row = StreamPosition.objects.filter(stream=stream).first()
    return row.seq if row else None


def set_position(stream: str, seq: int) -> None:
    """Set the position of `stream`, forwards or (after the stream itself was lost) backwards."""
    StreamPosition.objects.update_or_create(stream=stream, defaults={"seq": seq})


def newest_changed(partition: str, count: int = 200) -> list[UUID]:
    """Return the alarms of the newest transitions, for telling again what a killed dispatcher may not have told."""
    steps = AlarmTransition.objects.filter(alarm__partition=partition).order_by("-at")
    return list(dict.fromkeys(steps.values_list("alarm_id", flat=True)[:count]))


def apply_edges(
    partition: str,
    edges: Sequence[Edge],
    seq: int | None,
    *,
    tenant: str,
    stream: str,
    system: int | None = None,
    describe: Callable[[Iterable[Key]], Mapping[Key, Described]] = describe,
) -> Applied:
    """Apply edges and record that `stream` is processed up to `seq` (None: do not touch the position).

    `system` is the instance of the platform's own conditions: a role that starts says how each of them stands, which is
    mostly what it was before.

    At most 200 edges share a transaction; the position is written in the last one. An edge that is not newer than the
    last applied one of its condition has been applied before and changes nothing, so a batch that was cut off by a crash
    is simply given again.
    """
    total = Applied()
    parts = [edges[i : i + EDGES_PER_TRANSACTION] for i in range(0, len(edges), EDGES_PER_TRANSACTION)] or [()]
    for number, part in enumerate(parts):
        last = number == len(parts) - 1
        with transaction.atomic():
            done = _apply_part(tenant, partition, part, system, describe) if part else Applied()
            if last and seq is not None:
                set_position(stream, seq)
        total = Applied(
            changed=tuple(dict.fromkeys(total.changed + done.changed)),
            applied=total.applied + done.applied,
            repeated=total.repeated + done.repeated,
            out_of_step=total.out_of_step + done.out_of_step,
        )
    return total


class _Batch:
    """The records that one transaction of edges touches, read with few queries and written with few."""

    def __init__(self, tenant: str, partition: str, keys: set[Key]) -> None:
        self.partition = partition
        self.places = Places()
        self.definitions = Definitions(partition, self.places)
        self.states = {
            s.group: s
            for s in AlarmGroupState.objects.select_for_update().filter(partition=partition).order_by("group")
        }
        keys = keys | {(s.cause_instance, s.cause_condition) for s in self.states.values()}
        instances = {i for i, _ in keys}
        if self.definitions.groups:
            self.places.ensure(instances)
        ticks = {
            (e.instance, e.condition): e.tick
            for e in AppliedEdge.objects.select_for_update().filter(instance__in=instances)
        }
        records = {
            (a.instance, a.condition): a
            for a in Alarm.objects.select_for_update().filter(instance__in=instances, is_open=True)
        }
        self.tenant = tenant
        self.records: dict[UUID, Alarm] = {a.id: a for a in records.values()}
        self.board = Board(
            tenant,
            self.definitions.groups.values(),
            {k: self._track(k, ticks.get(k, NEVER), records.get(k)) for k in keys},
            (active_of(s) for s in self.states.values()),
            self._load_open,
        )
        self.touched: dict[UUID, Alarm] = {}
        self.causes: dict[UUID, None] = {}
        self.moved: dict[Key, int] = {}
        self.transitions: list[AlarmTransition] = []

    def _track(self, key: Key, applied: int, record: Alarm | None) -> Track:
        alarm = machine_alarm(record) if record is not None else None
        return Track(tenant=self.tenant, instance=key[0], condition=key[1], applied=applied, alarm=alarm)

    def _load_open(self) -> dict[Key, Track]:
        """Return every open alarm of the partition: a group that begins or ends may hide or show any of them."""
        found = list(Alarm.objects.select_for_update().filter(is_open=True).filter(partition=self.partition))
        self.places.ensure(a.instance for a in found)
        for record in found:
            self.records.setdefault(record.id, record)
        return {(a.instance, a.condition): self._track((a.instance, a.condition), NEVER, a) for a in found}

    def end_groups(self, which: Callable[[AlarmGroupState], bool], at: int) -> None:
        """End active groups at `at`, so that everything they hide is shown again."""
        for code, state in self.states.items():
            if which(state):
                _logger.warning("alarm group ended", partition=self.partition, group=code, since=state.trigger_at)
                for step in self.board.end(code, at):
                    self.take(step, self.records[step.alarm.id])

    def take(self, step: Step, record: Alarm, value: float | None = None, status: int = 0) -> None:
        """Write a step of the board into its record; `value` and `status` are those of the edge it is about."""
        for cause in (record.suppressed_by, step.alarm.suppressed_by):
            if cause is not None:
                self.causes[cause] = None
        update_record(record, step.alarm)
        self.records[record.id] = self.touched[record.id] = record
        if step.transition is not None:
            record.steps += 1
            self.transitions.append(step_row(step.transition, record, value=value, status=status))

    def changed(self) -> tuple[UUID, ...]:
        """Return the alarms that look different now: those touched, and their causes, which say how many they suppress."""
        return tuple(dict.fromkeys((*self.touched, *self.causes)))

    def save(self) -> None:
        # One statement makes the new rows and changes the old ones, in the order things happened: an alarm is closed
        # before the next one of its condition is opened, which the constraint of one open alarm asks for.
        Alarm.objects.bulk_create(
            self.touched.values(), update_conflicts=True, unique_fields=["id"], update_fields=_CHANGING
        )
        AlarmTransition.objects.bulk_create(self.transitions)
        AppliedEdge.objects.bulk_create(
            [AppliedEdge(instance=i, condition=c, tick=t) for (i, c), t in self.moved.items()],
            update_conflicts=True,
            unique_fields=["instance", "condition"],
            update_fields=["tick"],
        )
        save_active(self.partition, self.states, self.board.active, self.definitions.digests)


def _apply_part(
    tenant: str,
    partition: str,
    edges: Sequence[Edge],
    system: int | None,
    describe: Callable[[Iterable[Key]], Mapping[Key, Described]],
) -> Applied:
    batch = _Batch(tenant, partition, {(e.instance, e.condition) for e in edges})
    batch.end_groups(batch.definitions.is_stale, now())
    counts = dict.fromkeys(Outcome, 0)
    stories: Mapping[Key, Described] | None = None
    for edge in edges:
        key = (edge.instance, edge.condition)
        outcome, steps = batch.board.apply(key, edge.tick, edge.transition)
        again = outcome is Outcome.OUT_OF_STEP and edge.instance == system
        counts[Outcome.REPEATED if again else outcome] += 1
        if outcome is Outcome.REPEATED:
            continue
        batch.moved[key] = edge.tick
        if outcome is Outcome.OUT_OF_STEP and not again:
            _logger.warning("edge out of step", partition=partition, instance=key[0], condition=key[1], tick=edge.tick)
        for step in steps:
            record = batch.records.get(step.alarm.id)
            if record is None:
                if stories is None:
                    stories = describe({(e.instance, e.condition) for e in edges})
                record = _new_record(step.alarm.id, partition, edge, stories[key])
            # What an edge of one alarm does to others has no value of its own.
            own = step.key == key and step.transition is not None and step.transition.name == edge.transition
            batch.take(step, record, _number(edge.value) if own else None, edge.status if own else 0)
    batch.save()
    return Applied(
        changed=batch.changed(),
        applied=counts[Outcome.APPLIED],
        repeated=counts[Outcome.REPEATED],
        out_of_step=counts[Outcome.OUT_OF_STEP],
    )


def end_stale_groups(tenant: str, at: int) -> dict[str, list[UUID]]:
    """End every active group that was edited or retired since it began, or whose trigger is no longer in use.

    What it hid is shown again: nobody would be told otherwise when it should be. Returns partition -> changed alarms.
    """
    changed_alarms: dict[str, list[UUID]] = {}
    for partition in AlarmGroupState.objects.order_by("partition").values_list("partition", flat=True).distinct():
        with transaction.atomic():
            batch = _Batch(tenant, partition, set())
            batch.end_groups(batch.definitions.is_stale, at)
            batch.save()
        if found := list(batch.changed()):
            changed_alarms[partition] = found
    return changed_alarms


def end_all_groups(tenant: str, partition: str, at: int) -> list[UUID]:
    """End the active groups of a partition, because edges may be lost: that of a trigger that cleared may be among them."""
    with transaction.atomic():
        batch = _Batch(tenant, partition, set())
        batch.end_groups(lambda _: True, at)
        batch.save()
    return list(batch.changed())


def acknowledge(user: Any, alarm_id: UUID, comment: str, at: int, address: str = "") -> Alarm:
    """Acknowledge an alarm for `user` at instant `at` [µs]; written to the audit trail with the `address` it came from.

    Raises
    ------
    NotFound
        ``alarm.not_found``
    Forbidden
        The user may not acknowledge, or not on this asset.
    Conflict
        ``alarm.already_acknowledged``: with who and when; nothing changes.
        ``alarm.suppressed``: it is suppressed; `cause` names the alarm that is the cause. Nothing changes.
    Invalid
        ``alarm.comment_too_long``
    """
    comment = check_comment(comment)
    with transaction.atomic():
        alarm = Alarm.objects.select_for_update().filter(id=alarm_id).first()
        if alarm is None:
            raise NotFound("alarm.not_found", id=str(alarm_id))
        authorize(user, "alarms.acknowledge", alarm)
        try:
            acked, step = machine.acknowledge(machine_alarm(alarm), at)
        except Conflict as e:
            raise _refusal(alarm, e) from e
        update_record(alarm, acked)
        alarm.steps += 1
        who = user.get_username()
        alarm.acked_by, alarm.comment = who, comment
        alarm.save(update_fields=_CHANGING)
        step_row(step, alarm, by=who, comment=comment).save(force_insert=True)
        audit(user, "alarms.acknowledge", "alarm", alarm_id, address, comment=comment)
        transaction.on_commit(lambda: changed.send(Alarm, ids=[alarm_id]))
    found: Alarm = alarm
    return found


def acknowledge_many(
    user: Any, ids: Sequence[UUID], comment: str, at: int, address: str = ""
) -> list[tuple[UUID, Alarm | None, HeadworksError | None]]:
    """Acknowledge several alarms, each for itself: one that cannot be acknowledged does not stop the others.

    Raises
    ------
    Invalid
        ``alarm.comment_too_long``, ``alarm.too_many``: then nothing is done.
    """
    comment = check_comment(comment)
    unique = list(dict.fromkeys(ids))
    if len(unique) > MAX_AT_ONCE:
        params = {"count": len(unique), "limit": MAX_AT_ONCE}
        problem = Problem(field="ids", value=len(unique), code="alarm.too_many", params=params)
        raise Invalid("alarm.too_many", problems=[problem], **params)
    results: list[tuple[UUID, Alarm | None, HeadworksError | None]] = []
    for alarm_id in unique:
        try:
            results.append((alarm_id, acknowledge(user, alarm_id, comment, at, address), None))
        except HeadworksError as e:
            results.append((alarm_id, None, e))
    return results


def check_comment(comment: str) -> str:
    """Return the comment without surrounding blanks, or raise Invalid ``alarm.comment_too_long``."""
    comment = comment.strip()
    if len(comment) > MAX_COMMENT:
        params = {"length": len(comment), "limit": MAX_COMMENT}
        problem = Problem(field="comment", value=comment[:40] + "…", code="alarm.comment_too_long", params=params)
        raise Invalid("alarm.comment_too_long", problems=[problem], **params)
    return comment


def _refusal(alarm: Alarm, conflict: Conflict) -> Conflict:
    """Return why an alarm cannot be acknowledged, with what only the records know."""
    if conflict.error_code == "alarm.suppressed":
        cause = Alarm.objects.get(id=alarm.suppressed_by)
        return Conflict("alarm.suppressed", cause=str(cause.id), title=title_of(cause), instance=cause.instance_code)
    return Conflict("alarm.already_acknowledged", by=alarm.acked_by, at_ms=(alarm.acked_at or 0) // 1000)


def title_of(alarm: Alarm) -> str:
    """Return the title of an alarm for the texts of refusals: in both languages, as a text has one form for its parameters."""
    return " / ".join(dict.fromkeys((alarm.title_zh, alarm.title_en)))


def machine_alarm(record: Alarm) -> machine.Alarm:
    return machine.Alarm(
        id=record.id,
        state=State(record.state),
        raised_at=record.raised_at,
        active_at=record.active_at,
        cleared_at=record.cleared_at,
        acked_at=record.acked_at,
        suppressed_by=record.suppressed_by,
        suppressed_in=record.suppressed_in,
        suppressed_at=record.suppressed_at,
        released_at=record.released_at,
        first_out_of=record.first_out_of,
    )


def update_record(record: Alarm, alarm: machine.Alarm) -> None:
    """Make a record what the state machine says."""
    record.state = str(alarm.state)
    record.is_open = alarm.state in OPEN
    record.active_at = alarm.active_at
    record.cleared_at = alarm.cleared_at
    record.acked_at = alarm.acked_at
    if alarm.acked_at is None:
        record.acked_by = record.comment = ""  # who did it before stays in the transitions
    record.is_suppressed = alarm.suppressed
    record.suppressed_by = alarm.suppressed_by
    record.suppressed_in = alarm.suppressed_in
    record.suppressed_at = alarm.suppressed_at
    record.released_at = alarm.released_at
    record.first_out_of = alarm.first_out_of


def step_row(step: machine.Transition, record: Alarm, **columns: Any) -> AlarmTransition:
    return AlarmTransition(
        id=step.id,
        alarm_id=record.id,
        number=record.steps,
        name=step.name,
        at=step.at,
        before=str(step.before),
        after=str(step.after),
        **columns,
    )


def _new_record(alarm_id: UUID, partition: str, edge: Edge, about: Described) -> Alarm:
    story = about.story
    return Alarm(
        id=alarm_id,
        partition=partition,
        instance=edge.instance,
        instance_code=about.instance_code,
        condition=edge.condition,
        template=about.template,
        title_zh=story.title.zh,
        title_en=story.title.en,
        guidance=msgspec.to_builtins(story.guidance),
        priority=story.priority,
        asset=about.asset,
        asset_code=about.asset_code,
        asset_title_zh=about.asset_title.zh,
        asset_title_en=about.asset_title.en,
        raised_at=edge.tick,
        active_at=edge.tick,
        value=_number(edge.value),
        unit=story.unit,
        status=edge.status,
        limit=story.limit,
        tags=list(story.tags),
        evidence=msgspec.to_builtins(story.evidence),
    )


def _number(value: float) -> float | None:
    """Return the value, or None for NaN and infinities, which databases and JSON do not know."""
    return value if -1e308 < value < 1e308 else None
