"""Assets and tags."""

from __future__ import annotations

from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Query, Router, Schema
from pydantic import Field

from headworks.control.access.authority import authorize
from headworks.control.twin import queries

router = Router()

MAX_TAGS = 5000


class TextOut(Schema):
    zh: str
    en: str


class AssetOut(Schema):
    id: int
    code: str
    parent: int | None
    type: str
    title: TextOut
    partition: str | None


class AssetsOut(Schema):
    items: list[AssetOut]


class TagOut(Schema):
    id: int
    code: str
    asset: int
    title: TextOut
    unit: str
    kind: str
    low: float | None
    high: float | None
    partition: str | None
    staleness_ms: int
    retired: bool


class TagsOut(Schema):
    total: int
    items: list[TagOut]


class TagFilter(Schema):
    asset: int | None = None
    subtree: bool = False
    q: Annotated[str, Field(max_length=200)] = ""
    limit: Annotated[int, Field(ge=0, le=MAX_TAGS)] = 100
    offset: Annotated[int, Field(ge=0)] = 0


@router.get("assets", response=AssetsOut)
def assets(request: HttpRequest) -> Any:
    """Return the asset tree as a list, parents first."""
    authorize(request.user, "plant.view")
    return {"items": queries.asset_rows()}


@router.get("tags", response=TagsOut)
def tags(request: HttpRequest, wanted: Query[TagFilter]) -> Any:
    """Return tags, by asset (with everything below it) and words of code or title, in order of code."""
    authorize(request.user, "plant.view")
    found = queries.tags(wanted.asset, wanted.subtree, wanted.q)
    rows = found[wanted.offset : wanted.offset + wanted.limit]
    return {"total": found.count(), "items": [queries.tag_row(t) for t in rows]}


@router.get("tags/{tag_id}", response=TagOut)
def tag(request: HttpRequest, tag_id: int) -> Any:
    """Return one tag."""
    authorize(request.user, "plant.view")
    return queries.tag_row(queries.tag(tag_id))
