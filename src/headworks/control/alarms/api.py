"""Alarms over HTTP."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router, Schema
from pydantic import Field

from headworks.base import i18n
from headworks.base.errors import HeadworksError
from headworks.control.access.authority import authorize
from headworks.control.access.models import now
from headworks.control.access.services import address_of
from headworks.control.alarms import queries, services
from headworks.control.alarms.queries import Suppressed, Which
from headworks.control.project.language import language_of
from headworks.control.project.paging import MAX_LIMIT
from headworks.control.project.schemas import GuidanceOut, TitleOut
from headworks.control.twin.models import Asset

router = Router()


class InstanceRef(Schema):
    id: int
    code: str


class AlarmAssetOut(Schema):
    """The asset as it was when the alarm was raised; `id` is null for an alarm of no asset."""

    id: int | None
    code: str
    title: TitleOut


class CauseOut(Schema):
    """The alarm that suppresses, or suppressed, another one."""

    id: UUID
    title: TitleOut
    instance: InstanceRef


class AlarmOrderOut(Schema):
    id: UUID
    number: str
    state: str


class AlarmOut(Schema):
    """An alarm. It is suppressed while `suppressed_by` is there and `released_ms` is not: by the cause named, in the alarm
    group `group`, since `suppressed_ms`, until the trigger of the group clears or the alarm itself does.
    `suppressing` counts the open alarms it suppresses now; `group_active` is true while there are any. Then it is in the
    list of open alarms, even if it is over and acknowledged itself."""

    id: UUID
    instance: InstanceRef
    condition: str
    title: TitleOut
    asset: AlarmAssetOut
    partition: str
    priority: int
    state: str
    raised_ms: int
    cleared_ms: int | None
    acked_ms: int | None
    acked_by: str
    value: float | None
    unit: str
    status: int
    limit: float | None
    comment: str
    tags: list[int]
    first_out: bool
    group: str
    suppressed_by: CauseOut | None
    suppressing: int
    group_active: bool
    suppressed_ms: int | None
    released_ms: int | None
    order: AlarmOrderOut | None


class TransitionOut(Schema):
    id: UUID
    name: str
    at_ms: int
    before: str
    after: str
    value: float | None
    status: int
    by: str
    comment: str


class LimitOut(Schema):
    """What a tag was compared with, in its unit; `kind` is the side that is bad."""

    value: float
    kind: Literal["above", "below"]


class EvidenceOut(Schema):
    """A tag that the condition depends on; `low` and `high` are its range."""

    id: int
    code: str
    title: TitleOut
    unit: str
    low: float | None
    high: float | None
    limits: list[LimitOut]


class SuppressedOut(Schema):
    """The alarms that this one is or was the cause of. `total` counts those it suppresses now, `ever` also those that have
    ended or are shown again. `items` are the first 50: those suppressed now, then the others, oldest first."""

    total: int
    ever: int
    items: list[AlarmOut]


class AlarmDetailOut(AlarmOut):
    template: str
    transitions: list[TransitionOut]
    guidance: GuidanceOut | None
    evidence: list[EvidenceOut]
    suppressed: SuppressedOut
    orders: list[AlarmOrderOut]


class AlarmPageOut(Schema):
    items: list[AlarmOut]
    next: str | None


class SummaryOut(Schema):
    active: list[int]
    unacked: list[int]
    suppressed: int
    groups_active: int
    newest: AlarmOut | None


class Filters(Schema):
    """`priority`, `asset` and `instance` (a model) may be given several times; an asset stands for everything below it too.

    `suppressed`: leave out what is suppressed or ended so, show it, or show only that. Left out, it is ``hide``, and
    ``show`` for the alarms of one `cause`.
    """

    state: Which = "all"
    priority: list[Annotated[int, Field(ge=1, le=4)]] = Field([])
    asset: list[int] = Field([])
    instance: list[int] = Field([])
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = 100
    cursor: str = ""
    suppressed: Suppressed | None = None
    cause: UUID | None = None


class Acknowledgement(Schema):
    comment: str = ""


class Acknowledgements(Schema):
    ids: list[UUID]
    comment: str = ""


class ResultOut(Schema):
    id: UUID
    alarm: AlarmOut | None = None
    error: dict[str, Any] | None = None


class ResultsOut(Schema):
    items: list[ResultOut]


def subtree(assets: list[int]) -> set[int]:
    """Return the ids of the assets and of everything below them."""
    found: set[int] = set()
    for path in Asset.objects.filter(id__in=assets).values_list("path", flat=True):
        found.update(Asset.objects.filter(path__startswith=path).values_list("id", flat=True))
    return found


@router.get("alarms", response=AlarmPageOut)
def alarms(request: HttpRequest, filters: Query[Filters]) -> Any:
    """Return alarms, newest raise first; `next` is the cursor of the next page."""
    authorize(request.user, "alarms.view")
    assets = subtree(filters.asset) if filters.asset else None
    suppressed = filters.suppressed or ("show" if filters.cause else "hide")
    items, following = queries.page(
        filters.state,
        filters.priority,
        assets,
        filters.limit,
        filters.cursor,
        suppressed,
        filters.cause,
        filters.instance,
    )
    return {"items": queries.bodies(items), "next": following}


@router.get("alarms/summary", response=SummaryOut)
def summary(request: HttpRequest) -> Any:
    """Return how many alarms are active and unacknowledged by priority, how many suppressed by how many, and the newest
    unacknowledged one."""
    authorize(request.user, "alarms.view")
    return queries.summary()


@router.post("alarms/acknowledge", response=ResultsOut)
def acknowledge_many(request: HttpRequest, wanted: Acknowledgements) -> Any:
    """Acknowledge several alarms; each has its own result."""
    authorize(request.user, "alarms.acknowledge")
    results = services.acknowledge_many(request.user, wanted.ids, wanted.comment, now(), address_of(request))
    shown = {UUID(b["id"]): b for b in queries.bodies([alarm for _, alarm, _ in results if alarm])}
    return {"items": [{"id": i, "alarm": shown.get(i), "error": _error(request, error)} for i, _, error in results]}


@router.get("alarms/{alarm_id}", response=AlarmDetailOut)
def alarm(request: HttpRequest, alarm_id: UUID) -> Any:
    """Return an alarm with its transitions, guidance, evidence, work orders, and what it is the cause of."""
    authorize(request.user, "alarms.view")
    return queries.detail(alarm_id)


@router.post("alarms/{alarm_id}/acknowledge", response=AlarmOut)
def acknowledge(request: HttpRequest, alarm_id: UUID, wanted: Acknowledgement) -> Any:
    """Acknowledge an alarm."""
    return queries.body(services.acknowledge(request.user, alarm_id, wanted.comment, now(), address_of(request)))


def _error(request: HttpRequest, error: HeadworksError | None) -> dict[str, Any] | None:
    if error is None:
        return None
    title = i18n.error_text(error.error_code, language_of(request), **error.params)
    return {"code": error.error_code, "status": error.http_status, "title": title, "params": error.params}
