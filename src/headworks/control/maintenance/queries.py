"""Reading work orders."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db.models import Count, QuerySet

from headworks.base.clock import ms
from headworks.base.errors import NotFound
from headworks.control.maintenance.models import WorkOrder, WorkOrderStep
from headworks.control.maintenance.states import State
from headworks.control.project.paging import newest_first


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
    rows, following = newest_first("created_at", limit, cursor, found.select_related("asset", "alarm"))
    return rows, following, counts


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
        "started_ms": ms(order.started_at),
        "finished_ms": ms(order.finished_at),
        "closed_ms": ms(order.closed_at),
        "result": {"cause": order.cause, "action": order.action, "outcome": order.outcome, "note": order.note}
        if order.outcome
        else None,
        "steps": [
            {"at_ms": s.at // 1000, "by": s.by, "name": s.name, "comment": s.comment, "detail": s.detail} for s in steps
        ],
    }
