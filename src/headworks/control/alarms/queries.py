"""Reading alarms."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Literal
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from headworks.alarming.machine import ACTIVE, UNACKED
from headworks.base.clock import ms
from headworks.base.errors import NotFound
from headworks.control.alarms.models import Alarm, AlarmGroupState
from headworks.control.project.paging import newest_first
from headworks.control.twin.models import Tag

PRIORITIES = 4
COUNTS = PRIORITIES + 2
FIRST_SUPPRESSED = 50
Which = Literal["active", "unacked", "open", "all"]
Suppressed = Literal["hide", "show", "only"]
OrdersOf = Callable[[Collection[UUID]], Mapping[UUID, list[dict[str, Any]]]]

_ACTIVE = [str(s) for s in ACTIVE]
_UNACKED = [str(s) for s in UNACKED]
_HIDDEN = Q(is_suppressed=True, is_open=True)
_STATES = {"active": _ACTIVE, "unacked": _UNACKED}


def _no_orders(_alarms: Collection[UUID]) -> Mapping[UUID, list[dict[str, Any]]]:
    return {}


_orders_of: OrdersOf = _no_orders


def tell_orders(orders_of: OrdersOf) -> None:
    """Let the app of work orders say which orders alarms have, newest first: it knows alarms, alarms do not know it."""
    global _orders_of
    _orders_of = orders_of


def body(alarm: Alarm) -> dict[str, Any]:
    """Return an alarm as the API and the live connection show it."""
    return bodies([alarm])[0]


def bodies(alarms: Sequence[Alarm]) -> list[dict[str, Any]]:
    """Return alarms as the API and the live connection show them, with three queries more at most."""
    hidden_by = {a.suppressed_by for a in alarms} - {None}
    causes = Alarm.objects.in_bulk(hidden_by) if hidden_by else {}
    first = [a.id for a in alarms if a.first_out_of]
    suppressing = dict(_suppressed_by(first).values_list("suppressed_by").annotate(Count("id"))) if first else {}
    orders = _orders_of([a.id for a in alarms])
    return [
        {
            **_body(a),
            "suppressed_by": _cause(causes.get(a.suppressed_by)) if a.suppressed_by else None,
            "suppressing": suppressing.get(a.id, 0),
            "group_active": a.id in suppressing,
            "order": next(iter(orders.get(a.id, ())), None),
        }
        for a in alarms
    ]


def _body(alarm: Alarm) -> dict[str, Any]:
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
        "raised_ms": ms(alarm.raised_at),
        "cleared_ms": ms(alarm.cleared_at),
        "acked_ms": ms(alarm.acked_at),
        "acked_by": alarm.acked_by,
        "value": alarm.value,
        "unit": alarm.unit,
        "status": alarm.status,
        "limit": alarm.limit,
        "comment": alarm.comment,
        "tags": alarm.tags,
        "first_out": alarm.first_out_of != "",
        "group": alarm.first_out_of or alarm.suppressed_in,
        "suppressed_ms": ms(alarm.suppressed_at),
        "released_ms": ms(alarm.released_at),
    }


def _cause(alarm: Alarm | None) -> dict[str, Any] | None:
    if alarm is None:
        return None
    return {
        "id": str(alarm.id),
        "title": {"zh": alarm.title_zh, "en": alarm.title_en},
        "instance": {"id": alarm.instance, "code": alarm.instance_code},
    }


def _suppressed_by(causes: Iterable[UUID]) -> QuerySet[Alarm]:
    """Return the open alarms that are suppressed by `causes` now."""
    hidden: QuerySet[Alarm] = Alarm.objects.filter(_HIDDEN, suppressed_by__in=list(causes))
    return hidden.order_by()


def _hiding() -> set[UUID]:
    """Return the alarms that suppress others now: first-outs of active groups, of which there are few."""
    causes = list(AlarmGroupState.objects.values_list("cause", flat=True))
    return set(_suppressed_by(causes).values_list("suppressed_by", flat=True)) if causes else set()


def detail(alarm_id: UUID) -> dict[str, Any]:
    """Return an alarm with its transitions, guidance and evidence, its work orders, and the alarms it was the cause of.

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
            "at_ms": ms(t.at),
            "before": t.before,
            "after": t.after,
            "value": t.value,
            "status": t.status,
            "by": t.by,
            "comment": t.comment,
        }
        for t in alarm.transitions.order_by("number")
    ]
    shown = body(alarm)
    return {
        **shown,
        "template": alarm.template,
        "transitions": transitions,
        "guidance": alarm.guidance,
        "evidence": _evidence(alarm),
        "suppressed": _consequences(alarm_id, shown["suppressing"]),
        "orders": _orders_of([alarm_id]).get(alarm_id, []),
    }


def _consequences(cause: UUID, now: int) -> dict[str, Any]:
    """Return what an alarm suppresses (`now` of them), and what it suppressed before that has ended or is shown again."""
    ever = Alarm.objects.filter(suppressed_by=cause).order_by("raised_at", "id")
    first = list(ever.filter(_HIDDEN)[:FIRST_SUPPRESSED])
    first += ever.exclude(_HIDDEN)[: FIRST_SUPPRESSED - len(first)]
    return {"total": now, "ever": ever.count(), "items": bodies(first)}


def _evidence(alarm: Alarm) -> list[dict[str, Any]]:
    """Return the tags an alarm depends on as they are now, with the limits of the moment it was raised."""
    known = Tag.objects.in_bulk(alarm.tags)
    limits = {e["tag"]: e["limits"] for e in alarm.evidence}
    return [
        {
            "id": t.id,
            "code": t.code,
            "title": {"zh": t.title_zh, "en": t.title_en},
            "unit": t.unit,
            "low": t.low,
            "high": t.high,
            "limits": limits.get(t.id, []),
        }
        for t in (known[tag] for tag in alarm.tags if tag in known)
    ]


def page(
    which: Which = "all",
    priorities: Collection[int] = (),
    assets: Collection[int] | None = None,
    limit: int = 100,
    cursor: str = "",
    suppressed: Suppressed = "show",
    cause: UUID | None = None,
    instances: Collection[int] = (),
) -> tuple[list[Alarm], str | None]:
    """Return alarms, newest raise first, and the cursor of the next page (None after the last).

    `assets`: only alarms of these (None: of any). `suppressed`: without those that are suppressed or ended so, with them,
    or only them. `cause`: only those that are or were suppressed by this alarm. `instances`: only those of these models.
    An alarm that is over and acknowledged stays among the open ones as long as it suppresses others: somebody who looks
    for what is wrong has to find what they are hidden behind.
    """
    found: QuerySet[Alarm] = Alarm.objects.all()
    if priorities:
        found = found.filter(priority__in=priorities)
    if assets is not None:
        found = found.filter(asset__in=assets)
    if cause is not None:
        found = found.filter(suppressed_by=cause)
    if instances:
        found = found.filter(instance__in=instances)
    parts = [found]
    if which != "all":
        parts = [found.filter(is_open=True)]  # so that the small index of the open alarms is used
    if which in _STATES:
        parts = [parts[0].filter(state__in=_STATES[which])]
    if suppressed != "show":
        parts = [parts[0].filter(is_suppressed=suppressed == "only")]
    if which == "open" and suppressed != "only" and (hiding := _hiding()):
        # Also where it ended suppressed itself: what hid it may be gone from the list before what it hides.
        parts.append(found.filter(is_open=False, id__in=hiding))
    return newest_first("raised_at", limit, cursor, *parts)


def by_ids(ids: Iterable[UUID]) -> list[Alarm]:
    return list(Alarm.objects.filter(id__in=list(ids)).order_by("-raised_at", "-id"))


def summary() -> dict[str, Any]:
    """Return the numbers of active and of unacknowledged alarms by priority, and the newest unacknowledged one.

    Suppressed ones are counted apart: they ask for nothing; so are the alarms that suppress them.
    """
    active, unacked, suppressed = [0] * PRIORITIES, [0] * PRIORITIES, 0
    for state, priority, hidden, n in _open_counts("state", "priority", "is_suppressed"):
        if hidden:
            suppressed += n
            continue
        if state in _ACTIVE:
            active[priority - 1] += n
        if state in _UNACKED:
            unacked[priority - 1] += n
    shown = Alarm.objects.filter(is_open=True).filter(is_suppressed=False)
    newest = shown.filter(state__in=_UNACKED).order_by("-raised_at", "-id").first()
    return {
        "active": active,
        "unacked": unacked,
        "suppressed": suppressed,
        "groups_active": len(_hiding()) if suppressed else 0,
        "newest": body(newest) if newest else None,
    }


def counts_by_asset() -> dict[int, list[int]]:
    """Return for each asset with open alarms: active of priority 1 to 4, unacknowledged, and suppressed (counted only there)."""
    counts: dict[int, list[int]] = {}
    for asset, state, priority, hidden, n in _open_counts("asset", "state", "priority", "is_suppressed"):
        if asset is None:
            continue
        row = counts.setdefault(asset, [0] * COUNTS)
        if hidden:
            row[PRIORITIES + 1] += n
            continue
        if state in _ACTIVE:
            row[priority - 1] += n
        if state in _UNACKED:
            row[PRIORITIES] += n
    return counts


def _open_counts(*columns: str) -> Iterable[tuple[Any, ...]]:
    counts: Iterable[tuple[Any, ...]] = (
        Alarm.objects.filter(is_open=True).order_by().values_list(*columns).annotate(Count("id"))
    )
    return counts
