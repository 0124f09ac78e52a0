"""What is read of the plant."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from headworks.base.errors import NotFound
from headworks.control.modelling.models import ModelInstance
from headworks.control.twin.models import Asset, Tag
from headworks.control.twin.search import matching


def asset_rows() -> list[dict[str, Any]]:
    """Return every asset in use, parents before children, siblings in the order of the plant folder; one query."""
    rows = list(Asset.objects.filter(retired_at=None).select_related("type", "partition").order_by("order", "id"))
    below: dict[int | None, list[Asset]] = {}
    for a in rows:
        below.setdefault(a.parent_id, []).append(a)
    ordered: list[Asset] = []
    waiting = list(reversed(below.get(None, [])))
    while waiting:
        at = waiting.pop()
        ordered.append(at)
        waiting += reversed(below.get(at.id, []))
    return [asset_row(a) for a in ordered]


def asset_row(a: Asset) -> dict[str, Any]:
    """Return an asset as the API says it."""
    return {
        "id": a.id,
        "code": a.code,
        "parent": a.parent_id,
        "type": a.type.code,
        "title": {"zh": a.title_zh, "en": a.title_en},
        "partition": a.partition.code if a.partition else None,
    }


def asset_in_use(asset: int, among: QuerySet[Asset] | None = None) -> Asset:
    """Return an asset in use.

    Raises
    ------
    NotFound
        ``asset.not_found``
    """
    found: Asset | None = (Asset.objects if among is None else among).filter(id=asset, retired_at=None).first()
    if found is None:
        raise NotFound("asset.not_found", asset=asset)
    return found


def asset_detail(asset_id: int) -> dict[str, Any]:
    """Return an asset in use with the way to it, what is directly below it, and the numbers of tags and models on it and
    everything below.

    Raises
    ------
    NotFound
        ``asset.not_found``
    """
    in_use = Asset.objects.filter(retired_at=None).select_related("type", "partition")
    found = asset_in_use(asset_id, in_use)
    codes = found.path.rstrip("/").split("/")
    above = {a.code: a for a in Asset.objects.filter(code__in=codes)}
    below: dict[str, Any] = {"retired_at": None, "asset__path__startswith": found.path}
    return {
        **asset_row(found),
        "kks": found.kks,
        "path": [step(above[c]) for c in codes if c in above],
        "children": [asset_row(a) for a in in_use.filter(parent=found).order_by("order", "id")],
        "tags": Tag.objects.filter(**below).count(),
        "models": ModelInstance.objects.filter(template__isnull=False, **below).count(),
    }


def step(a: Asset) -> dict[str, Any]:
    """Return an asset by name."""
    return {"id": a.id, "code": a.code, "title": {"zh": a.title_zh, "en": a.title_en}}


def tags(asset: int | None = None, subtree: bool = False, search: str = "") -> QuerySet[Tag]:
    """Return tags in use: of one asset (with everything below it), with every word of `search` in code, titles or pinyin.

    Raises
    ------
    NotFound
        ``asset.not_found``
    """
    found = Tag.objects.filter(retired_at=None).select_related("asset__partition")
    if asset is not None:
        root = asset_in_use(asset)
        found = found.filter(asset__path__startswith=root.path) if subtree else found.filter(asset=root)
    return matching(found, search)


def tag(tag_id: int) -> Tag:
    """Return one tag, in use or retired (its history can still be read).

    Raises
    ------
    NotFound
        ``tag.not_found``
    """
    found = Tag.objects.select_related("asset__partition").filter(id=tag_id).first()
    if found is None:
        raise NotFound("tag.not_found", tag=tag_id)
    return found


# What the screens take for a tag outside every partition.
_STALENESS_MS = 30_000


def tag_row(t: Tag) -> dict[str, Any]:
    """Return a tag as the API says it."""
    return {
        "id": t.id,
        "code": t.code,
        "asset": t.asset_id,
        "title": {"zh": t.title_zh, "en": t.title_en},
        "unit": t.unit,
        "kind": t.kind,
        "low": t.low,
        "high": t.high,
        "partition": t.asset.partition.code if t.asset.partition else None,
        "staleness_ms": t.asset.partition.staleness // 1000 if t.asset.partition else _STALENESS_MS,
        "retired": t.retired,
    }
