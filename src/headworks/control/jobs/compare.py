"""What a backtest found, beside what was raised live."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from headworks.base.clock import ms
from headworks.control.alarms.models import AlarmTransition

MOST_LISTED = 300
Key = tuple[int, str, int]


def raised_live(instances: Sequence[int], start: int, end: int) -> dict[Key, dict[str, Any]]:
    """Return every time a condition of `instances` was raised in [start, end) [µs], by (instance, condition, tick).

    Also an alarm that came back before anybody acknowledged it, which is one record with several raises.
    """
    mine = AlarmTransition.objects.filter(alarm__instance__in=list(instances), at__gte=start)
    cleared: dict[Any, list[int]] = {}
    for alarm, at in mine.filter(name="clear").order_by("at").values_list("alarm", "at"):
        cleared.setdefault(alarm, []).append(at)
    rows = mine.filter(name="raise", at__lt=end).order_by("at", "alarm__instance", "alarm__condition")
    found = {}
    for r in rows.select_related("alarm"):
        until = next((at for at in cleared.get(r.alarm_id, ()) if at > r.at), None)
        found[r.alarm.instance, r.alarm.condition, r.at] = {
            "model": r.alarm.instance,
            "code": r.alarm.instance_code,
            "condition": r.alarm.condition,
            "title": {"zh": r.alarm.title_zh, "en": r.alarm.title_en},
            "priority": r.alarm.priority,
            "raised_ms": r.at // 1000,
            "cleared_ms": ms(until),
            "value": r.value,
        }
    return found


def compare(found: Mapping[Key, dict[str, Any]], live: Mapping[Key, dict[str, Any]]) -> dict[str, Any]:
    """Return how many raises are in both, tick for tick, and those that are only in one (the first of each, and how many)."""
    only = {
        "only_backtest": [row for key, row in found.items() if key not in live],
        "only_live": [row for key, row in live.items() if key not in found],
    }
    counts = {f"{name}_total": len(rows) for name, rows in only.items()}
    lists = {name: rows[:MOST_LISTED] for name, rows in only.items()}
    return {"same": len(found.keys() & live.keys()), **lists, **counts}
