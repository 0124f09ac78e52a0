"""Reading alarms."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, Literal
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from headworks.alarming.machine import ACTIVE, UNACKED
from headworks.base.errors import Invalid, NotFound, Problem
from headworks.control.alarms.models import Alarm

PRIORITIES = 4
MAX_LIMIT = 500
Which = Literal["active", "unacked", "open", "all"]

_ACTIVE = [str(s) for s in ACTIVE]
_UNACKED = [str(s) for s in UNACKED]
_STATES = {"active": _ACTIVE, "unacked": _UNACKED}


def body(alarm: Alarm) -> dict[str, Any]:
    """Return an alarm as the API and the live connection show it."""
    return {
        "id": str(alarm.id),
        "instance": {"id": alarm.instance, "code": alarm.instance_code},
        "condition": alarm.condition,
        "title": {"zh": alarm.title_zh, "en": alarm.title_en},
        "asset": {
            "id": alarm.asset,
            "code": alarm.asset_code,
            "title": {"zh": alarm.asset_title_zh, "en": alarm.asset_title_en},
        },
        "partition": alarm.partition,
        "priority": alarm.priority,
        "state": alarm.state,
        "raised_ms": _ms(alarm.raised_at),
        "cleared_ms": _ms(alarm.cleared_at),
        "acked_ms": _ms(alarm.acked_at),
        "acked_by": alarm.acked_by,
        "value": alarm.value,
        "unit": alarm.unit,
        "status": alarm.status,
        "limit": alarm.limit,
        "comment": alarm.comment,
        "tags": alarm.tags,
    }


def detail(alarm_id: UUID) -> dict[str, Any]:
    """Return an alarm with its transitions and guidance.

    Raises
    ------
    NotFound
        ``alarm.not_found``
    """
    alarm = Alarm.objects.filter(id=alarm_id).first()
    if alarm is None:
        raise NotFound("alarm.not_found", id=str(alarm_id))
    transitions = [
        {
            "id": str(t.id),
            "name": t.name,
            "at_ms": _ms(t.at),
            "before": t.before,
            "after": t.after,
            "value": t.value,
            "status": t.status,
            "by": t.by,
            "comment": t.comment,
        }
        for t in alarm.transitions.order_by("number")
    ]
    return {**body(alarm), "template": alarm.template, "transitions": transitions, "guidance": alarm.guidance}


def page(
    which: Which = "all",
    priorities: Collection[int] = (),
    assets: Collection[int] | None = None,
    limit: int = 100,
    cursor: str = "",
) -> tuple[list[Alarm], str | None]:
    """Return alarms, newest raise first, and the cursor of the next page (None after the last).

    `assets`: only alarms of these (None: of any). Paging is by place in the order, not by number, so a page stays what it
    is while new alarms arrive.
    """
    found: QuerySet[Alarm] = Alarm.objects.order_by("-raised_at", "-id")
    if which != "all":
        found = found.filter(is_open=True)  # so that the small index of the open alarms is used
    if which in _STATES:
        found = found.filter(state__in=_STATES[which])
    if priorities:
        found = found.filter(priority__in=priorities)
    if assets is not None:
        found = found.filter(asset__in=assets)
    if cursor:
        raised_at, alarm_id = _place(cursor)
        found = found.filter(raised_at__lte=raised_at).filter(Q(raised_at__lt=raised_at) | Q(id__lt=alarm_id))
    limit = min(max(limit, 1), MAX_LIMIT)
    rows = list(found[: limit + 1])
    if len(rows) <= limit:
        return rows, None
    last = rows[limit - 1]
    return rows[:limit], f"{last.raised_at}.{last.id.hex}"


def by_ids(ids: Iterable[UUID]) -> list[Alarm]:
    return list(Alarm.objects.filter(id__in=list(ids)).order_by("-raised_at", "-id"))


def summary() -> dict[str, Any]:
    """Return the numbers of active and of unacknowledged alarms by priority, and the newest unacknowledged one."""
    active, unacked = [0] * PRIORITIES, [0] * PRIORITIES
    for state, priority, n in _open_counts("state", "priority"):
        if state in _ACTIVE:
            active[priority - 1] += n
        if state in _UNACKED:
            unacked[priority - 1] += n
    newest = Alarm.objects.filter(is_open=True).filter(state__in=_UNACKED).order_by("-raised_at", "-id").first()
    return {"active": active, "unacked": unacked, "newest": body(newest) if newest else None}


def counts_by_asset() -> dict[int, list[int]]:
    """Return for each asset with open alarms: active of priority 1 to 4, and unacknowledged."""
    counts: dict[int, list[int]] = {}
    for asset, state, priority, n in _open_counts("asset", "state", "priority"):
        if asset is None:
            continue
        row = counts.setdefault(asset, [0] * (PRIORITIES + 1))
        if state in _ACTIVE:
            row[priority - 1] += n
        if state in _UNACKED:
            row[PRIORITIES] += n
    return counts


def active_by_instance(instances: Collection[int] | None = None) -> dict[int, int]:
    """Return the number of active alarms of each instance that has any."""
    found = Alarm.objects.filter(is_open=True).filter(state__in=_ACTIVE)
    if instances is not None:
        found = found.filter(instance__in=instances)
    return dict(found.order_by().values_list("instance").annotate(Count("id")))


def _open_counts(*columns: str) -> Iterable[tuple[Any, ...]]:
    counts: Iterable[tuple[Any, ...]] = (
        Alarm.objects.filter(is_open=True).order_by().values_list(*columns).annotate(Count("id"))
    )
    return counts


def _place(cursor: str) -> tuple[int, UUID]:
    try:
        raised_at, alarm_id = cursor.split(".")
        return int(raised_at), UUID(hex=alarm_id)
    except ValueError as e:
        problem = Problem(field="cursor", value=cursor[:80], code="alarm.cursor_invalid")
        raise Invalid("alarm.cursor_invalid", problems=[problem]) from e


def _ms(instant: int | None) -> int | None:
    return None if instant is None else instant // 1000
