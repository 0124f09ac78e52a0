"""What is read of models."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from django.apps import apps
from django.db.models import Count, Q, QuerySet

from headworks.base.errors import NotFound
from headworks.blocks import catalogue
from headworks.blocks.template import Condition, GraphTemplate, Guidance, Text
from headworks.control.modelling.models import ModelInstance, Template, TemplateVersion
from headworks.control.twin.models import Tag
from headworks.control.twin.queries import asset_in_use
from headworks.control.twin.search import pinyin
from headworks.engine import graph

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


def instance_body(m: ModelInstance) -> dict[str, Any]:
    """Return a model instance with its graph, as the API says it."""
    assert m.template is not None
    t = newest_graphs([m.template_id])[m.template_id]
    tags = Tag.objects.in_bulk({*m.inputs.values(), *m.outputs.values()})
    units = graph.signal_units(t, {})
    return {
        "id": m.id,
        "code": m.code,
        "template": t.code,
        "version": t.version,
        "title": _text(t.title),
        "asset": {"id": m.asset_id, "code": m.asset.code, "title": {"zh": m.asset.title_zh, "en": m.asset.title_en}},
        "partition": m.partition.code,
        "tick_ms": m.partition.tick // 1000,
        "ports": [
            {"name": p.name, "title": _text(p.title), "unit": p.unit, "tag": _tag(tags.get(m.inputs.get(p.name)))}
            for p in t.ports
        ],
        "params": [{**_param(p), "value": m.params.get(p.name, p.default)} for p in t.params],
        "blocks": [
            {
                "id": b.id,
                "op": b.op,
                "title": {"zh": catalogue.get(b.op).zh, "en": catalogue.get(b.op).en},
                "inputs": b.inputs,
                "params": {p.name: p.default for p in catalogue.get(b.op).params if p.default is not None} | b.params,
                "unit": units[b.id],
            }
            for b, _ in graph.order(t)
        ],
        "conditions": [
            {
                "name": c.name,
                "title": _text(c.title),
                "priority": c.priority,
                "source": c.source,
                "value": c.value,
                "guidance": _guidance(c.guidance),
            }
            for c in t.conditions
        ],
        "outputs": [
            {
                "name": o.name,
                "title": _text(o.title),
                "source": o.source,
                "unit": o.unit or units.get(o.source, ""),
                "tag": _tag(tags.get(m.outputs.get(o.name))),
            }
            for o in t.outputs
        ],
    }


def template_rows() -> list[dict[str, Any]]:
    """Return every template in use, with its number of instances."""
    rows = []
    for record, t, count in _templates():
        rows.append(
            {
                "code": t.code,
                "version": t.version,
                "plant": record.plant.code,
                "title": _text(t.title),
                "ports": [{"name": p.name, "title": _text(p.title), "unit": p.unit} for p in t.ports],
                "params": [_param(p) for p in t.params],
                "conditions": [{"name": c.name, "title": _text(c.title), "priority": c.priority} for c in t.conditions],
                "blocks": len(t.blocks),
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
            said = _guidance(c.guidance)
            if said is None or not _mentions(t, c.name, [t.title, c.title, *_texts(c.guidance)], words):
                continue
            if (row := told.get((t.code, t.title.zh, c))) is not None:
                row["models"] += count
                continue
            row = told[t.code, t.title.zh, c] = {
                "template": t.code,
                "template_title": _text(t.title),
                "condition": c.name,
                "title": _text(c.title),
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


def _texts(guidance: Guidance | None) -> list[Text]:
    return [] if guidance is None else [guidance.mode, *guidance.symptoms, *guidance.causes, *guidance.actions]


def _guidance(guidance: Guidance | None) -> dict[str, Any] | None:
    if not any(text.zh or text.en for text in _texts(guidance)):
        return None
    said: dict[str, Any] = msgspec.to_builtins(guidance)
    return said


def _text(text: Text | None) -> dict[str, str] | None:
    return None if text is None else {"zh": text.zh, "en": text.en}


def _param(p: Any) -> dict[str, Any]:
    return {
        "name": p.name,
        "title": _text(p.title),
        "unit": p.unit,
        "default": p.default,
        "low": p.low,
        "high": p.high,
    }


def _tag(t: Tag | None) -> dict[str, Any] | None:
    if t is None:
        return None
    return {"id": t.id, "code": t.code, "title": {"zh": t.title_zh, "en": t.title_en}, "unit": t.unit}
