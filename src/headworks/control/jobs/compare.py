"""What a backtest found, beside what was raised live."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import F

from headworks.control.alarms.models import AlarmTransition

MOST_LISTED = 300
Key = tuple[int, str, int]


def raised_live(instances: Sequence[int], start: int, end: int) -> dict[Key, dict[str, Any]]:
    """Return every time a condition of `instances` was raised in [start, end) [µs], by (instance, condition, tick).

    Also an alarm that came back before anybody acknowledged it, which is one record with several raises.
    """
    rows = AlarmTransition.objects.filter(name="raise", at__gte=start, at__lt=end, alarm__instance__in=list(instances))
    columns = rows.values(
        "at",
        found_value=F("value"),
        model=F("alarm__instance"),
        code=F("alarm__instance_code"),
        condition=F("alarm__condition"),
        zh=F("alarm__title_zh"),
        en=F("alarm__title_en"),
        priority=F("alarm__priority"),
        cleared=F("alarm__cleared_at"),
    )
    return {
        (r["model"], r["condition"], r["at"]): {
            "model": r["model"],
            "code": r["code"],
            "condition": r["condition"],
            "title": {"zh": r["zh"], "en": r["en"]},
            "priority": r["priority"],
            "raised_ms": r["at"] // 1000,
            "cleared_ms": r["cleared"] // 1000 if r["cleared"] is not None and r["cleared"] > r["at"] else None,
            "value": r["found_value"],
        }
        for r in columns.order_by("at", "alarm__instance", "alarm__condition")
    }


def compare(found: Mapping[Key, dict[str, Any]], live: Mapping[Key, dict[str, Any]]) -> dict[str, Any]:
    """Return how many raises are in both, tick for tick, and those that are only in one (the first of each, and how many)."""
    only = {
        "only_backtest": [row for key, row in found.items() if key not in live],
        "only_live": [row for key, row in live.items() if key not in found],
    }
    counts = {f"{name}_total": len(rows) for name, rows in only.items()}
    lists = {name: rows[:MOST_LISTED] for name, rows in only.items()}
    return {"same": len(found.keys() & live.keys()), **lists, **counts}
