"""Guidance of version 0.1 was one text: it becomes the action of a failure mode named like the condition."""

from __future__ import annotations

from typing import Any

from django.db import migrations


def structured(body: dict[str, Any]) -> bool:
    """Give every condition of a template's body its guidance in the new form; return whether anything changed."""
    changed = False
    for condition in body.get("conditions", ()):
        told = condition.get("guidance")
        if told and "mode" not in told:
            text = {"zh": told.get("zh", ""), "en": told.get("en", "")}
            condition["guidance"] = {"mode": condition["title"], "symptoms": [], "causes": [], "actions": [text]}
            changed = True
    return changed


def forwards(apps: Any, schema_editor: Any) -> None:
    for row in apps.get_model("modelling", "TemplateVersion").objects.iterator():
        if structured(row.body):
            row.save(update_fields=["body"])


class Migration(migrations.Migration):
    dependencies = [("modelling", "0002_alarm_groups")]

    operations = [migrations.RunPython(forwards, migrations.RunPython.noop)]
