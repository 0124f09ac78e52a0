"""Work orders over HTTP."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router, Schema
from pydantic import Field

from headworks.control.access.authority import authorize
from headworks.control.access.models import now
from headworks.control.access.services import address_of
from headworks.control.alarms.api import subtree
from headworks.control.maintenance import queries, services
from headworks.control.maintenance.models import WorkOrder
from headworks.control.project.paging import MAX_LIMIT
from headworks.control.project.schemas import TitleOut

router = Router()

OrderState = Literal["open", "in_progress", "finished", "closed", "cancelled"]


class OrderAssetOut(Schema):
    id: int
    code: str
    title: TitleOut


class OrderAlarmOut(Schema):
    id: UUID
    title: TitleOut
    state: str
    raised_ms: int


class OrderEvidenceOut(Schema):
    """The tags the alarm was based on, and when it was raised."""

    tags: list[int]
    at_ms: int


class OrderResultOut(Schema):
    cause: str
    action: str
    outcome: Literal["repaired", "adjusted", "replaced", "false_alarm", "no_fault_found", "other"]
    note: str


class OrderStepOut(Schema):
    """What somebody did; `detail` is what the step set, such as a result that was given up when the order was reopened."""

    at_ms: int
    by: str
    name: str
    comment: str
    detail: dict[str, Any]


class OrderOut(Schema):
    id: UUID
    number: str
    state: OrderState
    title: str
    description: str
    priority: int
    asset: OrderAssetOut
    alarm: OrderAlarmOut | None
    evidence: OrderEvidenceOut | None
    assignee: str | None
    created_by: str
    created_ms: int
    due_ms: int
    started_ms: int | None
    finished_ms: int | None
    closed_ms: int | None
    result: OrderResultOut | None
    steps: list[OrderStepOut]


class OrderCountsOut(Schema):
    open: int
    in_progress: int
    finished: int
    closed: int
    cancelled: int


class OrderPageOut(Schema):
    items: list[OrderOut]
    next: str | None
    counts: OrderCountsOut


class OrderFilters(Schema):
    """An asset stands for everything below it too; `mine`: only those assigned to the caller."""

    state: OrderState | None = None
    asset: list[int] = Field([])
    alarm: UUID | None = None
    mine: bool = False
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = 100
    cursor: str = ""


class OrderIn(Schema):
    """What is left out comes from the alarm (title, asset, priority) or follows from the priority (due)."""

    alarm: UUID | None = None
    asset: int | None = None
    title: str = ""
    description: str = ""
    priority: int | None = None
    assignee: str | None = None
    due_ms: Annotated[int, Field(ge=0, lt=1 << 53)] | None = None


class CommentIn(Schema):
    comment: str = ""


class ResultIn(Schema):
    cause: str = ""
    action: str = ""
    outcome: str = ""
    note: str = ""


class FinishIn(Schema):
    result: ResultIn


class AssignIn(Schema):
    assignee: str | None = None


class PersonOut(Schema):
    name: str
    display: str


class PeopleOut(Schema):
    items: list[PersonOut]


def _shown(order: WorkOrder) -> dict[str, Any]:
    return queries.bodies([order])[0]


@router.get("orders", response=OrderPageOut)
def orders(request: HttpRequest, filters: Query[OrderFilters]) -> Any:
    """Return work orders, newest first; `next` is the cursor of the next page, `counts` how many there are by state."""
    authorize(request.user, "orders.view")
    assets = subtree(filters.asset) if filters.asset else None
    mine = request.user.get_username() if filters.mine else None
    items, following, counts = queries.page(filters.state, assets, filters.alarm, mine, filters.limit, filters.cursor)
    return {"items": queries.bodies(items), "next": following, "counts": counts}


@router.post("orders", response=OrderOut)
def create(request: HttpRequest, wanted: OrderIn) -> Any:
    """Make a work order, for an alarm or of its own."""
    given = wanted.dict(exclude={"due_ms"})
    due_at = None if wanted.due_ms is None else wanted.due_ms * 1000
    draft = services.Draft(**given, due_at=due_at)
    return _shown(services.create(request.user, draft, now(), address_of(request)))


@router.get("orders/{order_id}", response=OrderOut)
def order(request: HttpRequest, order_id: UUID) -> Any:
    """Return a work order with everything that was done."""
    authorize(request.user, "orders.view")
    return _shown(queries.one(order_id))


@router.post("orders/{order_id}/start", response=OrderOut)
def start(request: HttpRequest, order_id: UUID, wanted: CommentIn) -> Any:
    """Begin the work; an order nobody is assigned to becomes the caller's."""
    return _shown(services.start(request.user, order_id, wanted.comment, now(), address_of(request)))


@router.post("orders/{order_id}/finish", response=OrderOut)
def finish(request: HttpRequest, order_id: UUID, wanted: FinishIn) -> Any:
    """Say what the work came to: outcome, cause and action are needed."""
    result = services.Result(**wanted.result.dict())
    return _shown(services.finish(request.user, order_id, result, now(), address_of(request)))


@router.post("orders/{order_id}/close", response=OrderOut)
def close(request: HttpRequest, order_id: UUID, wanted: CommentIn) -> Any:
    """Accept the result; while the alarm is still active, a comment has to say why."""
    return _shown(services.close(request.user, order_id, wanted.comment, now(), address_of(request)))


@router.post("orders/{order_id}/reopen", response=OrderOut)
def reopen(request: HttpRequest, order_id: UUID, wanted: CommentIn) -> Any:
    """Take finished or closed work up again; the comment is the reason."""
    return _shown(services.reopen(request.user, order_id, wanted.comment, now(), address_of(request)))


@router.post("orders/{order_id}/cancel", response=OrderOut)
def cancel(request: HttpRequest, order_id: UUID, wanted: CommentIn) -> Any:
    """Give an order up; the comment is the reason."""
    return _shown(services.cancel(request.user, order_id, wanted.comment, now(), address_of(request)))


@router.post("orders/{order_id}/assign", response=OrderOut)
def assign(request: HttpRequest, order_id: UUID, wanted: AssignIn) -> Any:
    """Say who is to do the work; null: nobody yet."""
    return _shown(services.assign(request.user, order_id, wanted.assignee, now(), address_of(request)))


@router.post("orders/{order_id}/comment", response=OrderOut)
def comment(request: HttpRequest, order_id: UUID, wanted: CommentIn) -> Any:
    """Add a comment, in any state."""
    return _shown(services.comment_on(request.user, order_id, wanted.comment, now(), address_of(request)))


@router.get("people", response=PeopleOut)
def people(request: HttpRequest) -> Any:
    """Return the people who may carry out work orders."""
    authorize(request.user, "orders.view")
    return {"items": [{"name": u.username, "display": u.display} for u in services.people()]}
