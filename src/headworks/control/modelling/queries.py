"""What is read of models."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.db.models import Count

from headworks.control.modelling.models import ModelInstance
from headworks.control.modelling.plans import current_templates


def instance_rows() -> list[dict[str, Any]]:
    """Return every model instance in use (not those of the platform itself), with its number of active alarms."""
    models = list(
        ModelInstance.objects.filter(retired_at=None, template__isnull=False)
        .select_related("template")
        .order_by("code")
    )
    by_template = {id_: current_templates([id_]) for id_ in {m.template_id for m in models}}
    active = active_alarms()
    rows = []
    for m in models:
        assert m.template is not None
        graph = by_template[m.template_id][m.template.code]
        rows.append(
            {
                "id": m.id,
                "code": m.code,
                "template": m.template.code,
                "title": {"zh": m.template.title_zh, "en": m.template.title_en},
                "asset": m.asset_id,
                "conditions": [c.name for c in graph.conditions],
                "active": active.get(m.id, 0),
            }
        )
    return rows


def active_alarms() -> dict[int, int]:
    """Return instance -> number of its active alarms; nothing where the alarms app is not installed.

    The alarms app stands above this one, so its records are found by name.
    """
    if not apps.is_installed("headworks.control.alarms"):
        return {}
    alarms = apps.get_model("alarms", "Alarm")._default_manager.filter(state__in=["unacked_active", "acked_active"])
    return dict(alarms.order_by().values_list("instance").annotate(Count("id")))
