"""What history knows, for pages and for the hub."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import numpy as np
from django.conf import settings

from headworks.base.clock import MICROS
from headworks.base.errors import Invalid, Problem
from headworks.bus.batch import SampleBatch
from headworks.history.client import HistoryClient, TrendColumns

MAX_TAGS = 50
MAX_POINTS = 5000
LONGEST_MS = 20 * 366 * 86_400_000
QUERY_S = 9.0
_MS = 1000


@cache
def client() -> HistoryClient:
    """Return this process's client of the historian (one connection, made when first needed)."""
    home = settings.HOME
    return HistoryClient(
        home.path / "run" / "history.sock", home.secret("history"), settings.HEADWORKS.tenant, timeout=QUERY_S
    )


def newest(tags: Iterable[int]) -> SampleBatch:
    """Return the newest stored sample of each of the tags that have one."""
    wanted = list(tags)
    found = client().latest(wanted) if wanted else {}
    return SampleBatch.of(
        list(found),
        [n.time for n in found.values()],
        [n.value for n in found.values()],
        [n.status for n in found.values()],
    )


def trend(tags: Sequence[int], from_ms: int, to_ms: int, points: int) -> list[dict[str, Any]]:
    """Return min, max, mean and worst status of buckets of [from, to), or the samples themselves where there are few.

    Raises
    ------
    Invalid
        ``history.range``, ``history.too_many_tags``
    NotReady
        The historian is not there now.
    """
    check(tags, from_ms, to_ms)
    unique = list(dict.fromkeys(tags))
    found = client().trend(unique, from_ms * _MS, to_ms * _MS, min(max(points, 2), MAX_POINTS)) if unique else {}
    return [{"tag": t, **_columns(found[t])} for t in unique]


def check(tags: Sequence[int], from_ms: int, to_ms: int) -> None:
    if len(tags) > MAX_TAGS:
        params: dict[str, Any] = {"count": len(tags), "limit": MAX_TAGS}
        problem = Problem(field="tags", value=len(tags), code="history.too_many_tags", params=params)
        raise Invalid("history.too_many_tags", problems=[problem], **params)
    reason = "from < 0" if from_ms < 0 else "from >= to" if from_ms >= to_ms else ""
    if not reason and to_ms - from_ms > LONGEST_MS:
        reason = f"to - from > {LONGEST_MS} ms"
    if reason:
        problem = Problem(field="from", value=[from_ms, to_ms], code="history.range", params={"reason": reason})
        raise Invalid("history.range", problems=[problem], reason=reason)


def _columns(found: TrendColumns) -> dict[str, list[Any]]:
    def numbers(column: Any) -> list[float | None]:
        return [None if np.isnan(v) else v for v in column.tolist()]

    return {
        "time_ms": (found.time // (MICROS // _MS)).tolist(),
        "min": numbers(found.min),
        "max": numbers(found.max),
        "mean": numbers(found.mean),
        "status": found.status.tolist(),
    }
