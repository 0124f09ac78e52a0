"""What changes alarm records: edges of conditions, and acknowledgements by people."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
from django.db import transaction
from django.dispatch import Signal

from headworks.alarming import machine
from headworks.alarming.machine import NEVER, OPEN, Outcome, State, Track
from headworks.base import log
from headworks.base.errors import Conflict, HeadworksError, Invalid, NotFound, Problem
from headworks.bus.messages import Edge
from headworks.control.access.authority import authorize
from headworks.control.access.services import audit
from headworks.control.alarms.catalogue import Described, describe
from headworks.control.alarms.models import Alarm, AlarmTransition, AppliedEdge, StreamPosition

EDGES_PER_TRANSACTION = 200
MAX_COMMENT = 500
MAX_AT_ONCE = 500
_CHANGING = ["state", "is_open", "cleared_at", "acked_at", "steps"]
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
    describe: Callable[[Iterable[Key]], Mapping[Key, Described]] = describe,
) -> Applied:
    """Apply edges and record that `stream` is processed up to `seq` (None: do not touch the position).

    At most 200 edges share a transaction; the position is written in the last one. An edge that is not newer than the
    last applied one of its condition has been applied before and changes nothing, so a batch that was cut off by a crash
    is simply given again.
    """
    total = Applied()
    parts = [edges[i : i + EDGES_PER_TRANSACTION] for i in range(0, len(edges), EDGES_PER_TRANSACTION)] or [()]
    for number, part in enumerate(parts):
        last = number == len(parts) - 1
        with transaction.atomic():
            done = _apply_part(tenant, partition, part, describe) if part else Applied()
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
    """The records that one transaction of edges touches, read with three queries and written with three."""

    def __init__(self, tenant: str, keys: set[Key]) -> None:
        instances = {i for i, _ in keys}
        ticks = {
            (e.instance, e.condition): e.tick
            for e in AppliedEdge.objects.select_for_update().filter(instance__in=instances)
        }
        records = {
            (a.instance, a.condition): a
            for a in Alarm.objects.select_for_update().filter(instance__in=instances, is_open=True)
        }
        self.records: dict[UUID, Alarm] = {a.id: a for a in records.values()}
        self.tracks = {
            k: Track(
                tenant=tenant,
                instance=k[0],
                condition=k[1],
                applied=ticks.get(k, NEVER),
                alarm=_machine_alarm(records[k]) if k in records else None,
            )
            for k in keys
        }
        self.touched: dict[UUID, Alarm] = {}
        self.moved: dict[Key, int] = {}
        self.transitions: list[AlarmTransition] = []

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


def _apply_part(
    tenant: str,
    partition: str,
    edges: Sequence[Edge],
    describe: Callable[[Iterable[Key]], Mapping[Key, Described]],
) -> Applied:
    batch = _Batch(tenant, {(e.instance, e.condition) for e in edges})
    counts = dict.fromkeys(Outcome, 0)
    stories: Mapping[Key, Described] | None = None
    for edge in edges:
        key = (edge.instance, edge.condition)
        track, alarm, step, outcome = machine.on_edge(batch.tracks[key], edge.tick, edge.transition)
        counts[outcome] += 1
        if outcome is Outcome.REPEATED:
            continue
        batch.tracks[key] = track
        batch.moved[key] = edge.tick
        if alarm is None or step is None:
            _logger.warning("edge out of step", partition=partition, instance=key[0], condition=key[1], tick=edge.tick)
            continue
        record = batch.records.get(alarm.id)
        if record is None:
            if stories is None:
                stories = describe({(e.instance, e.condition) for e in edges})
            record = _new_record(alarm.id, partition, edge, stories[key])
            batch.records[alarm.id] = record
        _update_record(record, alarm)
        batch.touched[alarm.id] = record
        batch.transitions.append(_step_row(step, record, value=_number(edge.value), status=edge.status))
    batch.save()
    return Applied(
        changed=tuple(batch.touched),
        applied=counts[Outcome.APPLIED],
        repeated=counts[Outcome.REPEATED],
        out_of_step=counts[Outcome.OUT_OF_STEP],
    )


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
            acked, step = machine.acknowledge(_machine_alarm(alarm), at)
        except Conflict as e:
            raise Conflict("alarm.already_acknowledged", by=alarm.acked_by, at_ms=(alarm.acked_at or 0) // 1000) from e
        _update_record(alarm, acked)
        who = user.get_username()
        alarm.acked_by, alarm.comment = who, comment
        alarm.save(update_fields=[*_CHANGING, "acked_by", "comment"])
        _step_row(step, alarm, by=who, comment=comment).save(force_insert=True)
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


def _machine_alarm(record: Alarm) -> machine.Alarm:
    return machine.Alarm(
        id=record.id,
        state=State(record.state),
        raised_at=record.raised_at,
        cleared_at=record.cleared_at,
        acked_at=record.acked_at,
    )


def _update_record(record: Alarm, alarm: machine.Alarm) -> None:
    record.state = str(alarm.state)
    record.is_open = alarm.state in OPEN
    record.cleared_at = alarm.cleared_at
    record.acked_at = alarm.acked_at
    record.steps += 1


def _step_row(step: machine.Transition, record: Alarm, **columns: Any) -> AlarmTransition:
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
        value=_number(edge.value),
        unit=story.unit,
        status=edge.status,
        limit=story.limit,
        tags=list(story.tags),
    )


def _number(value: float) -> float | None:
    """Return the value, or None for NaN and infinities, which databases and JSON do not know."""
    return value if -1e308 < value < 1e308 else None
