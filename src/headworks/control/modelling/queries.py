"""What is read of models."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from django.apps import apps
from django.db.models import Count, Q, QuerySet

from headworks.base.errors import NotFound
from headworks.blocks.template import Condition, GraphTemplate, Text
from headworks.control.modelling.models import ModelInstance, Template, TemplateVersion
from headworks.control.modelling.structure import guidance, guidance_texts, param, text
from headworks.control.twin.queries import asset_in_use
from headworks.control.twin.search import pinyin

LONGEST_QUERY = 200


def in_use() -> QuerySet[ModelInstance]:
    """Return every model instance in use, not those of the platform itself."""
    return ModelInstance.objects.filter(retired_at=None, template__isnull=False).select_related("template", "asset")


def newest_graphs(templates: Iterable[object]) -> dict[object, GraphTemplate]:
    """Return template (its key) -> graph of its newest version."""
    rows = TemplateVersion.objects.filter(template__in=set(templates)).order_by("version")
    newest = {r.template_id: r.body for r in rows}
    return {key: msgspec.convert(body, GraphTemplate) for key, body in newest.items()}


def instance_rows(asset: int | None = None, subtree: bool = False, q: str = "") -> list[dict[str, Any]]:
    """Return model instances in use, of one asset (with everything below it), with every word of `q` in code or title of
    instance or template, each with its number of active alarms.

    Raises
    ------
    NotFound
        ``asset.not_found``
    """
    found = in_use().order_by("code")
    if asset is not None:
        root = asset_in_use(asset)
        found = found.filter(asset__path__startswith=root.path) if subtree else found.filter(asset=root)
    for word in q[:LONGEST_QUERY].split():
        found = found.filter(
            Q(code__icontains=word)
            | Q(template__code__icontains=word)
            | Q(template__title_zh__icontains=word)
            | Q(template__title_en__icontains=word)
        )
    models = list(found)
    graphs = newest_graphs(m.template_id for m in models)
    active = active_alarms()
    rows = []
    for m in models:
        assert m.template is not None
        rows.append(
            {
                "id": m.id,
                "code": m.code,
                "template": m.template.code,
                "title": {"zh": m.template.title_zh, "en": m.template.title_en},
                "asset": m.asset_id,
                "conditions": [c.name for c in graphs[m.template_id].conditions],
                "active": active.get(m.id, 0),
            }
        )
    return rows


def active_alarms() -> dict[int, int]:
    """Return instance -> number of its active alarms, suppressed ones included; nothing where the alarms app is not installed.

    The alarms app stands above this one, so its records are found by name.
    """
    if not apps.is_installed("headworks.control.alarms"):
        return {}
    alarms = apps.get_model("alarms", "Alarm")._default_manager.filter(is_open=True)  # the small index of the open ones
    alarms = alarms.filter(state__in=["unacked_active", "acked_active"])
    return dict(alarms.order_by().values_list("instance").annotate(Count("id")))


def instance(model: int) -> ModelInstance:
    """Return a model instance in use.

    Raises
    ------
    NotFound
        ``model.not_found``
    """
    found = in_use().select_related("template", "asset", "partition").filter(id=model).first()
    if found is None:
        raise NotFound("model.not_found", model=model)
    return found


def template_rows() -> list[dict[str, Any]]:
    """Return every template in use, with its number of instances."""
    rows = []
    for record, t, count in _templates():
        rows.append(
            {
                "code": t.code,
                "version": t.version,
                "plant": record.plant.code,
                "title": text(t.title),
                "every_s": t.every,
                "ports": [{"name": p.name, "title": text(p.title), "unit": p.unit, "kind": p.kind} for p in t.ports],
                "params": [param(p) for p in t.params],
                "conditions": [{"name": c.name, "title": text(c.title), "priority": c.priority} for c in t.conditions],
                "blocks": len(t.blocks),
                "graphs": sorted({b.graph for b in t.blocks if b.graph}),
                "models": count,
            }
        )
    return rows


def knowledge_rows(q: str = "") -> list[dict[str, Any]]:
    """Return what experts say of every condition of the templates in use; of those in whose texts is every word of `q`
    (in either language, or in pinyin in full or by initials).

    Plants that took a template from one library say the same thing: it stands here once, with the models of all of them.
    """
    words = q[:LONGEST_QUERY].lower().split()
    rows: list[dict[str, Any]] = []
    told: dict[tuple[str, str, Condition], dict[str, Any]] = {}
    for _, t, count in _templates():
        for c in t.conditions:
            said = guidance(c.guidance)
            if said is None or not _mentions(t, c.name, [t.title, c.title, *guidance_texts(c.guidance)], words):
                continue
            if (row := told.get((t.code, t.title.zh, c))) is not None:
                row["models"] += count
                continue
            row = told[t.code, t.title.zh, c] = {
                "template": t.code,
                "template_title": text(t.title),
                "condition": c.name,
                "title": text(c.title),
                "priority": c.priority,
                "guidance": said,
                "models": count,
            }
            rows.append(row)
    return rows


def _templates() -> list[tuple[Template, GraphTemplate, int]]:
    records = list(Template.objects.filter(retired_at=None).select_related("plant").order_by("code"))
    counted = in_use().order_by().values_list("template").annotate(Count("id"))
    count = dict(counted)
    graphs = newest_graphs(r.id for r in records)
    return [(r, graphs[r.id], count.get(r.id, 0)) for r in records if r.id in graphs]


def _mentions(t: GraphTemplate, condition: str, texts: list[Text], words: list[str]) -> bool:
    if not words:
        return True
    said = [t.code, condition, *(x.zh for x in texts), *(x.en for x in texts), *(pinyin(x.zh) for x in texts[:3])]
    whole = " ".join(said).lower()
    return all(word in whole for word in words)
