"""What changes work orders."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from django.conf import settings
from django.db import transaction

from headworks.alarming.machine import ACTIVE
from headworks.base.clock import to_datetime
from headworks.base.errors import Conflict, Invalid, NotFound, Problem
from headworks.control.access.authority import allowed, authorize
from headworks.control.access.models import User
from headworks.control.access.services import audit
from headworks.control.alarms import services as alarm_services
from headworks.control.alarms.models import Alarm
from headworks.control.maintenance import states
from headworks.control.maintenance.models import WorkOrder, WorkOrderStep
from headworks.control.maintenance.states import NEEDS_REASON, UNDER_WAY, Name, Outcome, State
from headworks.control.twin.models import Asset
from headworks.control.twin.services import allocate

MAX_TITLE = 200
MAX_TEXT = 5000


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A work order as somebody wants it. What is left out comes from the alarm; `due_at` [µs] from the priority."""

    alarm: UUID | None = None
    asset: int | None = None
    title: str = ""
    description: str = ""
    priority: int | None = None
    assignee: str | None = None
    due_at: int | None = None


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What the work came to."""

    outcome: str
    cause: str
    action: str
    note: str = ""


def create(user: Any, draft: Draft, at: int, address: str = "") -> WorkOrder:
    """Make a work order at instant `at` [µs]. One for an alarm takes title, asset, priority and evidence from it.

    Raises
    ------
    Forbidden
        Without ``orders.create``.
    Invalid
        ``field.missing``, ``order.text_too_long``, ``order.priority``, ``order.due_past``, ``order.person_unknown``,
        ``asset.not_found``, ``alarm.not_found``: each with its field
    Conflict
        ``order.exists``: the alarm has an order under way, which is named.
    """
    authorize(user, "orders.create")
    with transaction.atomic():
        alarm = _alarm(draft.alarm)
        order = _order(draft, alarm, at)
        order.created_by = user.get_username()
        order.created_at = at
        order.number = _number(at)
        order.steps_taken = 1
        order.save(force_insert=True)
        _step(order, user, "create", at)
        audit(user, "order.created", "order", order.id, address, number=order.number, alarm=str(draft.alarm or ""))
        _tell(order)
    return order


def start(user: Any, order_id: UUID, comment: str, at: int, address: str = "") -> WorkOrder:
    """Begin the work; an order nobody is assigned to becomes the caller's."""
    with _step_of(user, "orders.execute", order_id, "start", comment, at, address) as order:
        order.started_at = order.started_at or at
        order.assignee = order.assignee or user.get_username()
    return order


def finish(user: Any, order_id: UUID, result: Result, at: int, address: str = "") -> WorkOrder:
    """Say what the work came to.

    Raises
    ------
    Invalid
        ``field.missing`` or ``order.outcome``, ``order.text_too_long``: outcome, cause and action are needed.
    """
    authorize(user, "orders.execute")
    result = _checked(result)
    detail = msgspec.to_builtins(result)
    with _step_of(user, "orders.execute", order_id, "finish", result.note, at, address, detail) as order:
        order.finished_at = at
        order.outcome, order.cause, order.action, order.note = (
            result.outcome,
            result.cause,
            result.action,
            result.note,
        )
    return order


def close(user: Any, order_id: UUID, comment: str, at: int, address: str = "") -> WorkOrder:
    """Accept the result.

    Raises
    ------
    Invalid
        ``order.alarm_active``: the alarm is still active, so the work did not end it: say in `comment` why it may be closed.
    """
    with _step_of(user, "orders.close", order_id, "close", comment, at, address) as order:
        active = Alarm.objects.filter(id=order.alarm_id, state__in=[str(s) for s in ACTIVE]).first()
        if active is not None and not comment.strip():
            params = {"title": alarm_services.title_of(active)}
            problem = Problem(field="comment", value="", code="order.alarm_active", params=params)
            raise Invalid("order.alarm_active", problems=[problem], **params)
        order.closed_at = at
    return order


def reopen(user: Any, order_id: UUID, comment: str, at: int, address: str = "") -> WorkOrder:
    """Take finished or closed work up again, with a reason.

    Raises
    ------
    Conflict
        ``order.exists``: the alarm has got another order meanwhile.
    """
    with _step_of(user, "orders.close", order_id, "reopen", comment, at, address) as order:
        if not order.under_way:
            _none_under_way(order.alarm_id)
        order.finished_at = order.closed_at = None
        order.outcome = order.cause = order.action = order.note = ""
    return order


def cancel(user: Any, order_id: UUID, comment: str, at: int, address: str = "") -> WorkOrder:
    """Give an order up, with a reason."""
    with _step_of(user, "orders.close", order_id, "cancel", comment, at, address) as order:
        order.closed_at = at
    return order


def assign(user: Any, order_id: UUID, assignee: str | None, at: int, address: str = "") -> WorkOrder:
    """Say who is to do the work; None: nobody yet.

    Raises
    ------
    Invalid
        ``order.person_unknown``: not a person who may carry out orders.
    """
    authorize(user, "orders.execute")
    person = _person(assignee)
    with _step_of(user, "orders.execute", order_id, "assign", "", at, address, {"assignee": person}) as order:
        order.assignee = person
    return order


def comment_on(user: Any, order_id: UUID, comment: str, at: int, address: str = "") -> WorkOrder:
    """Add a comment, in any state."""
    with _step_of(user, "orders.execute", order_id, "comment", comment, at, address) as order:
        pass
    return order


def people() -> list[User]:
    """Return the people who may carry out work orders, by name."""
    found = User.objects.filter(is_active=True).prefetch_related("role_assignments")
    return [u for u in found if allowed(u, "orders.execute")]


@contextmanager
def _step_of(
    user: Any,
    permission: str,
    order_id: UUID,
    name: Name,
    comment: str,
    at: int,
    address: str,
    given: dict[str, Any] | None = None,
) -> Iterator[WorkOrder]:
    """Take one step of an order: what the caller changes of it, the step and the audit entry are one transaction.

    Raises
    ------
    Forbidden
    NotFound
        ``order.not_found``
    Invalid
        ``order.reason_needed``, ``order.text_too_long``
    Conflict
        ``order.state``: the order is in a state that does not allow this, perhaps since a moment ago.
    """
    authorize(user, permission)
    comment = comment.strip()
    if name in NEEDS_REASON and not comment:
        raise Invalid(problems=[Problem(field="comment", value="", code="order.reason_needed")])
    if len(comment) > MAX_TEXT:
        raise Invalid(problems=[_too_long("comment", comment, MAX_TEXT)])
    with transaction.atomic():
        order = WorkOrder.objects.select_for_update().filter(id=order_id).first()
        if order is None:
            raise NotFound("order.not_found", id=str(order_id))
        new = states.after(State(order.state), name)
        if new is None:
            raise Conflict("order.state", number=order.number, state=order.state, step=name)
        before = order.state
        yield order
        order.state = str(new)
        order.under_way = new in UNDER_WAY
        order.steps_taken += 1
        order.save()
        _step(order, user, name, at, comment, given)
        changed = {"number": order.number, "before": before, "after": order.state, "comment": comment}
        audit(user, f"order.{name}", "order", order.id, address, **changed, given=given or {})
        _tell(order)


def _step(
    order: WorkOrder, user: Any, name: str, at: int, comment: str = "", detail: dict[str, Any] | None = None
) -> None:
    WorkOrderStep.objects.create(
        order=order,
        number=order.steps_taken,
        at=at,
        by=user.get_username(),
        name=name,
        comment=comment,
        detail=detail or {},
    )


def _tell(order: WorkOrder) -> None:
    """The alarm shows its order: let browsers hear of it when this is committed."""
    if order.alarm_id is not None:
        ids = [order.alarm_id]
        transaction.on_commit(lambda: alarm_services.changed.send(Alarm, ids=ids))


def _number(at: int) -> str:
    """Return the next number of the year `at` is in where the plant is. Given back if the transaction is not committed."""
    year = to_datetime(at).astimezone(ZoneInfo(settings.TIME_ZONE)).year
    (count,) = allocate(f"order-{year}", 1)
    return f"WO-{year}-{count:06d}"


def _alarm(alarm_id: UUID | None) -> Alarm | None:
    """Return the alarm an order is for; it has none under way."""
    if alarm_id is None:
        return None
    _none_under_way(alarm_id)
    alarm = Alarm.objects.filter(id=alarm_id).first()
    if alarm is None:
        problem = Problem(field="alarm", value=str(alarm_id), code="alarm.not_found", params={"id": str(alarm_id)})
        raise Invalid(problems=[problem])
    return alarm


def _none_under_way(alarm_id: UUID | None) -> None:
    """Refuse if the alarm has an order under way. The alarm stays locked, so that two people do not make two at once."""
    if alarm_id is None:
        return
    Alarm.objects.select_for_update().filter(id=alarm_id).first()
    other = WorkOrder.objects.filter(alarm=alarm_id, under_way=True).first()
    if other is not None:
        raise Conflict("order.exists", number=other.number, id=str(other.id), state=other.state)


def _order(draft: Draft, alarm: Alarm | None, at: int) -> WorkOrder:
    problems: list[Problem] = []
    title = draft.title.strip()
    if not title and alarm is not None:
        title = " ".join(filter(None, (alarm.asset_code, _local(alarm))))[:MAX_TITLE]
    description = draft.description.strip()
    if not title:
        problems.append(Problem(field="title", value="", code="field.missing"))
    problems += [
        _too_long(field, text, limit)
        for field, text, limit in (("title", title, MAX_TITLE), ("description", description, MAX_TEXT))
        if len(text) > limit
    ]
    priority = draft.priority if draft.priority is not None else alarm.priority if alarm is not None else 3
    if not 1 <= priority <= 4:
        problems.append(Problem(field="priority", value=priority, code="order.priority"))
        priority = 4
    asset_id = draft.asset if draft.asset is not None else alarm.asset if alarm is not None else None
    asset = Asset.objects.filter(id=asset_id, retired_at=None).first() if asset_id is not None else None
    if asset_id is None:
        problems.append(Problem(field="asset", value=None, code="field.missing"))
    elif asset is None:
        problems.append(Problem(field="asset", value=asset_id, code="asset.not_found", params={"asset": asset_id}))
    due_at = draft.due_at if draft.due_at is not None else states.due_by_default(priority, at)
    if due_at <= at:
        problems.append(Problem(field="due_ms", value=due_at // 1000, code="order.due_past"))
    try:
        assignee = _person(draft.assignee)
    except Invalid as e:
        assignee = ""
        problems += e.problems
    if problems:
        raise Invalid(problems=problems)
    return WorkOrder(
        state=str(State.OPEN),
        title=title,
        description=description,
        priority=priority,
        asset=asset,
        alarm=alarm,
        evidence={"tags": alarm.tags, "at": alarm.raised_at} if alarm is not None else {},
        assignee=assignee,
        due_at=due_at,
    )


def _local(alarm: Alarm) -> str:
    return str(alarm.title_zh if settings.HEADWORKS.language == "zh-CN" else alarm.title_en)


def _person(name: str | None) -> str:
    """Return the name of somebody who may carry out orders, "" for nobody."""
    if not name:
        return ""
    user = User.objects.filter(username=name).first()
    if user is None or not allowed(user, "orders.execute"):
        problem = Problem(field="assignee", value=name, code="order.person_unknown", params={"name": name})
        raise Invalid(problems=[problem])
    return name


def _checked(result: Result) -> Result:
    texts = {name: getattr(result, name).strip() for name in ("cause", "action", "note")}
    problems = [
        Problem(field=f"result.{name}", value="", code="field.missing")
        for name in ("cause", "action")
        if not texts[name]
    ]
    problems += [_too_long(f"result.{name}", text, MAX_TEXT) for name, text in texts.items() if len(text) > MAX_TEXT]
    if result.outcome not in list(Outcome):
        params = {"known": ", ".join(Outcome)}
        problems.append(Problem(field="result.outcome", value=result.outcome, code="order.outcome", params=params))
    if problems:
        raise Invalid(problems=problems)
    return Result(outcome=result.outcome, **texts)


def _too_long(field: str, text: str, limit: int) -> Problem:
    params = {"length": len(text), "limit": limit}
    return Problem(field=field, value=text[:40] + "…", code="order.text_too_long", params=params)
