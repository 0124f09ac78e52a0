"""Reading work orders."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from headworks.base.errors import Invalid, NotFound, Problem
from headworks.control.maintenance.models import WorkOrder, WorkOrderStep
from headworks.control.maintenance.states import State

MAX_LIMIT = 500


def one(order_id: UUID) -> WorkOrder:
    """Return an order with its asset and alarm.

    Raises
    ------
    NotFound
        ``order.not_found``
    """
    found = WorkOrder.objects.select_related("asset", "alarm").filter(id=order_id).first()
    if found is None:
        raise NotFound("order.not_found", id=str(order_id))
    return found


def page(
    state: str | None = None,
    assets: Collection[int] | None = None,
    alarm: UUID | None = None,
    assignee: str | None = None,
    limit: int = 100,
    cursor: str = "",
) -> tuple[list[WorkOrder], str | None, dict[str, int]]:
    """Return orders, newest first, the cursor of the next page (None after the last), and how many there are by state.

    The numbers are of everything the other filters let through, whatever `state` is asked for.
    """
    found: QuerySet[WorkOrder] = WorkOrder.objects.all()
    if assets is not None:
        found = found.filter(asset__in=assets)
    if alarm is not None:
        found = found.filter(alarm=alarm)
    if assignee is not None:
        found = found.filter(assignee=assignee)
    counts = {str(s): 0 for s in State} | dict(found.order_by().values_list("state").annotate(Count("id")))
    if state is not None:
        found = found.filter(state=state)
    if cursor:
        created_at, order_id = _place(cursor)
        found = found.filter(created_at__lte=created_at).filter(Q(created_at__lt=created_at) | Q(id__lt=order_id))
    limit = min(max(limit, 1), MAX_LIMIT)
    rows = list(found.select_related("asset", "alarm").order_by("-created_at", "-id")[: limit + 1])
    if len(rows) <= limit:
        return rows, None, counts
    last = rows[limit - 1]
    return rows[:limit], f"{last.created_at}.{last.id.hex}", counts


def of_alarms(alarms: Collection[UUID]) -> Mapping[UUID, list[dict[str, Any]]]:
    """Return the orders of alarms, as an alarm shows them: one under way first, then the newest."""
    found: dict[UUID, list[dict[str, Any]]] = {}
    rows = (
        WorkOrder.objects.filter(alarm__in=list(alarms)).order_by("-under_way", "-created_at", "-id") if alarms else ()
    )
    for o in rows:
        found.setdefault(o.alarm_id, []).append({"id": str(o.id), "number": o.number, "state": o.state})
    return found


def bodies(orders: Sequence[WorkOrder]) -> list[dict[str, Any]]:
    """Return orders as the API shows them, with one query for all of their steps."""
    steps: dict[UUID, list[WorkOrderStep]] = {}
    for step in WorkOrderStep.objects.filter(order__in=[o.id for o in orders]).order_by("order", "number"):
        steps.setdefault(step.order_id, []).append(step)
    return [_body(o, steps.get(o.id, ())) for o in orders]


def _body(order: WorkOrder, steps: Iterable[WorkOrderStep]) -> dict[str, Any]:
    alarm = order.alarm
    return {
        "id": str(order.id),
        "number": order.number,
        "state": order.state,
        "title": order.title,
        "description": order.description,
        "priority": order.priority,
        "asset": {
            "id": order.asset.id,
            "code": order.asset.code,
            "title": {"zh": order.asset.title_zh, "en": order.asset.title_en},
        },
        "alarm": None
        if alarm is None
        else {
            "id": str(alarm.id),
            "title": {"zh": alarm.title_zh, "en": alarm.title_en},
            "state": alarm.state,
            "raised_ms": alarm.raised_at // 1000,
        },
        "evidence": {"tags": order.evidence["tags"], "at_ms": order.evidence["at"] // 1000} if order.evidence else None,
        "assignee": order.assignee or None,
        "created_by": order.created_by,
        "created_ms": order.created_at // 1000,
        "due_ms": order.due_at // 1000,
        "started_ms": _ms(order.started_at),
        "finished_ms": _ms(order.finished_at),
        "closed_ms": _ms(order.closed_at),
        "result": {"cause": order.cause, "action": order.action, "outcome": order.outcome, "note": order.note}
        if order.outcome
        else None,
        "steps": [
            {"at_ms": s.at // 1000, "by": s.by, "name": s.name, "comment": s.comment, "detail": s.detail} for s in steps
        ],
    }


def _place(cursor: str) -> tuple[int, UUID]:
    try:
        created_at, order_id = cursor.split(".")
        return int(created_at), UUID(hex=order_id)
    except ValueError as e:
        problem = Problem(field="cursor", value=cursor[:80], code="order.cursor_invalid")
        raise Invalid("order.cursor_invalid", problems=[problem]) from e


def _ms(instant: int | None) -> int | None:
    return None if instant is None else instant // 1000
