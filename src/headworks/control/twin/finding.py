"""Finding things by words: tags, assets and models in one list."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet

from headworks.control.modelling.models import ModelInstance, Template
from headworks.control.twin.models import Asset, Tag
from headworks.control.twin.queries import step
from headworks.control.twin.search import LONGEST_QUERY, matching, search_words


def find(query: str, limit: int) -> list[dict[str, Any]]:
    """Return at most `limit` assets, models and tags that hold every word of `query`; nothing without a word.

    Those whose code is or begins with the first word come first; then assets, models, tags.
    """
    words = query[:LONGEST_QUERY].lower().split()
    if not words:
        return []
    found: list[tuple[int, int, str, dict[str, Any]]] = []
    for a in matching(Asset.objects.filter(retired_at=None), query)[:limit]:
        found.append((_rank(a.code, words[0]), 0, a.code, _row("asset", a.id, a.code, a, a)))
    for m in _models(words)[:limit]:
        title = m.template if m.template is not None else m.asset
        found.append((_rank(m.code, words[0]), 1, m.code, _row("model", m.id, m.code, title, m.asset)))
    for t in matching(Tag.objects.filter(retired_at=None).select_related("asset"), query)[:limit]:
        found.append((_rank(t.code, words[0]), 2, t.code, _row("tag", t.id, t.code, t, t.asset)))
    found.sort(key=lambda f: f[:3])
    return [row for *_, row in found[:limit]]


def _rank(code: str, word: str) -> int:
    lower = code.lower()
    return 0 if lower == word else 1 if lower.startswith(word) else 2 if word in lower else 3


def _models(words: list[str]) -> QuerySet[ModelInstance]:
    """Return the models whose code, template or asset holds each of `words`; there are few templates, so they are searched
    here."""
    found = ModelInstance.objects.filter(retired_at=None, template__isnull=False)
    templates = {
        id_: search_words(code, zh, en)
        for id_, code, zh, en in Template.objects.values_list("id", "code", "title_zh", "title_en")
    }
    for word in words:
        by_template = [id_ for id_, text in templates.items() if word in text]
        found = found.filter(Q(code__icontains=word) | Q(template__in=by_template) | Q(asset__search__contains=word))
    return found.select_related("template", "asset").order_by("code")


def _row(kind: str, id_: int, code: str, titled: Any, asset: Asset) -> dict[str, Any]:
    title = {"zh": titled.title_zh, "en": titled.title_en}
    return {"kind": kind, "id": id_, "code": code, "title": title, "asset": step(asset)}
