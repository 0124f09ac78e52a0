"""Newest values, history, and how assets and the platform are, over HTTP."""

from __future__ import annotations

from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Query, Router, Schema
from pydantic import BeforeValidator, Field

from headworks.control.access.authority import authorize
from headworks.control.live import hub, stored

router = Router()

MAX_IDS = 5000


def _numbers(given: Any) -> Any:
    """Take ``1,2,3`` for a list of numbers."""
    return [n for n in given.split(",") if n] if isinstance(given, str) else given


Ids = Annotated[
    list[Annotated[int, Field(ge=0, lt=1 << 32)]], BeforeValidator(_numbers), Field(min_length=1, max_length=MAX_IDS)
]


class ValueOut(Schema):
    tag: int
    time_ms: int
    value: float | None
    status: int


class ValuesOut(Schema):
    items: list[ValueOut]


class TrendOut(Schema):
    tag: int
    time_ms: list[int]
    min: list[float | None]
    max: list[float | None]
    mean: list[float | None]
    status: list[int]


class HistoryOut(Schema):
    tags: list[TrendOut]


class AssetHealthOut(Schema):
    """Alarms by priority, and tags. Suppressed alarms are counted apart, not among the active and unacknowledged."""

    asset: int
    active: list[int]
    unacked: int
    suppressed: int
    tags: int
    bad: int
    stale: int


class HealthOut(Schema):
    items: list[AssetHealthOut]


@router.get("values", response=ValuesOut)
def values(request: HttpRequest, ids: Query[Ids]) -> Any:
    """Return the newest known sample of each tag; tags without any are left out."""
    authorize(request.user, "plant.view")

    async def look() -> list[Any]:
        return hub.current().values.rows(ids)

    rows = hub.current().ask(look)
    names = ("tag", "time_ms", "value", "status")
    return {"items": [{**dict(zip(names, r, strict=True)), "value": None if r[2] != r[2] else r[2]} for r in rows]}


@router.get("history", response=HistoryOut)
def history(
    request: HttpRequest,
    tags: Query[Ids],
    start: Annotated[int, Query(alias="from")],
    to: int,
    points: Annotated[int, Query(ge=2, le=stored.MAX_POINTS)] = 800,
) -> Any:
    """Return the course of tags between two instants [ms], downsampled to about `points` each."""
    authorize(request.user, "history.view")
    return {"tags": stored.trend(tags, start, to, points)}


@router.get("health/assets", response=HealthOut)
def health(request: HttpRequest) -> Any:
    """Return alarms and bad or stale tags of every asset, everything below it included."""
    authorize(request.user, "plant.view")

    async def look() -> list[dict[str, Any]]:
        return hub.current().asset_health()

    return {"items": hub.current().ask(look)}


@router.get("system")
def system(request: HttpRequest) -> Any:
    """Return roles, partitions, rates, fill of the logs, and how far each reader is behind."""
    authorize(request.user, "system.view")
    return hub.current().ask(hub.current().system_body)
