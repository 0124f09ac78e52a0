"""Assets and tags."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from django.http import HttpRequest
from ninja import Query, Router, Schema
from pydantic import Field

from headworks.base import i18n, kks
from headworks.base.errors import Invalid
from headworks.control.access.authority import authorize
from headworks.control.project.language import language_of
from headworks.control.project.schemas import TitleOut
from headworks.control.twin import finding, queries
from headworks.control.twin.imports.api import router as imports
from headworks.control.twin.search import LONGEST_QUERY

router = Router()
router.add_router("", imports)

MAX_TAGS = 5000


class AssetOut(Schema):
    id: int
    code: str
    parent: int | None
    type: str
    title: TitleOut
    partition: str | None


class StepOut(Schema):
    """An asset by name, as on the way from the root to another."""

    id: int
    code: str
    title: TitleOut


class AssetDetailOut(AssetOut):
    """An asset with the way to it, what is directly below it, and how much there is on it and below."""

    kks: str
    path: list[StepOut]
    children: list[AssetOut]
    tags: int
    models: int


class AssetsOut(Schema):
    items: list[AssetOut]


class TagOut(Schema):
    id: int
    code: str
    asset: int
    title: TitleOut
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
    q: Annotated[str, Field(max_length=LONGEST_QUERY)] = ""
    limit: Annotated[int, Field(ge=0, le=MAX_TAGS)] = 100
    offset: Annotated[int, Field(ge=0)] = 0


class FoundOut(Schema):
    kind: Literal["tag", "asset", "model"]
    id: int
    code: str
    title: TitleOut
    asset: StepOut


class SearchOut(Schema):
    items: list[FoundOut]


class SearchFilter(Schema):
    q: Annotated[str, Field(max_length=LONGEST_QUERY)] = ""
    limit: Annotated[int, Field(ge=1, le=200)] = 20


class KksPartOut(Schema):
    level: int
    key: str
    value: str
    title: TitleOut | None


class KksProblemOut(Schema):
    code: str
    position: int | None
    found: str | None
    text: str


class KksOut(Schema):
    """`code` is the code without blanks; `parts` are empty and `problems` say why where it is none."""

    code: str
    valid: bool
    parts: list[KksPartOut]
    problems: list[KksProblemOut]


@router.get("assets", response=AssetsOut)
def assets(request: HttpRequest) -> Any:
    """Return the asset tree as a list, parents first."""
    authorize(request.user, "plant.view")
    return {"items": queries.asset_rows()}


@router.get("assets/{asset_id}", response=AssetDetailOut)
def asset(request: HttpRequest, asset_id: int) -> Any:
    """Return one asset with its place in the tree."""
    authorize(request.user, "plant.view")
    return queries.asset_detail(asset_id)


@router.get("search", response=SearchOut)
def search(request: HttpRequest, wanted: Query[SearchFilter]) -> Any:
    """Return tags, assets and models by words of code, titles, pinyin and its initials; codes that begin so come first."""
    authorize(request.user, "plant.view")
    authorize(request.user, "models.view")
    return {"items": finding.find(wanted.q, wanted.limit)}


@router.get("kks/{code}", response=KksOut)
def kks_code(request: HttpRequest, code: str) -> Any:
    """Return what a KKS code says, part by part, or where it is no code."""
    authorize(request.user, "plant.view")
    try:
        read = kks.parse(code)
    except Invalid as e:
        language = language_of(request)
        problems = [
            {
                "code": p.code,
                "position": p.params.get("position"),
                "found": p.params.get("found"),
                "text": i18n.error_text(p.code, language, **p.params),
            }
            for p in e.problems
        ]
        return {"code": code, "valid": False, "parts": [], "problems": problems}
    parts = [{"level": p.level, "key": p.key, "value": p.value, "title": p.title} for p in read.parts()]
    return {"code": str(read), "valid": True, "parts": parts, "problems": []}


@router.get("tags", response=TagsOut)
def tags(request: HttpRequest, wanted: Query[TagFilter]) -> Any:
    """Return tags, by asset (with everything below it) and words of code, titles, pinyin and its initials.

    In order of code; with words those come first whose code begins with the first one.
    """
    authorize(request.user, "plant.view")
    found = queries.tags(wanted.asset, wanted.subtree, wanted.q)
    rows = found[wanted.offset : wanted.offset + wanted.limit]
    return {"total": found.count(), "items": [queries.tag_row(t) for t in rows]}


@router.get("tags/{tag_id}", response=TagOut)
def tag(request: HttpRequest, tag_id: int) -> Any:
    """Return one tag."""
    authorize(request.user, "plant.view")
    return queries.tag_row(queries.tag(tag_id))
