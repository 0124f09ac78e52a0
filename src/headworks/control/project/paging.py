"""Lists page by page, by place in the order and not by number: a page stays what it is while new records arrive."""

from __future__ import annotations

from typing import Any, TypeVar
from uuid import UUID

from django.db.models import Model, Q, QuerySet

from headworks.base.errors import Invalid, Problem

M = TypeVar("M", bound=Model)

MAX_LIMIT = 500


def newest_first(instant: str, limit: int, cursor: str, *parts: QuerySet[M]) -> tuple[list[M], str | None]:
    """Return a page of records, newest first (of one instant by id), and the cursor of the next page (None after the last).

    Parameters
    ----------
    instant : the column of the instant [µs]
    limit : at most so many records, 1 to 500
    cursor : what the page before returned; empty for the first page
    parts : what the list is made of; a record is in one of them. Each is asked for itself, so that each has its own index.

    Raises
    ------
    Invalid
        ``field.cursor``: the cursor is none.
    """
    limit = min(max(limit, 1), MAX_LIMIT)
    rows: list[Any] = []
    for part in parts:
        if cursor:
            at, record = _place(cursor)
            part = part.filter(**{f"{instant}__lte": at}).filter(Q(**{f"{instant}__lt": at}) | Q(id__lt=record))
        rows += part.order_by(f"-{instant}", "-id")[: limit + 1]
    rows.sort(key=lambda r: (getattr(r, instant), r.id), reverse=True)
    if len(rows) <= limit:
        return rows, None
    last = rows[limit - 1]
    return rows[:limit], f"{getattr(last, instant)}.{last.id.hex}"


def _place(cursor: str) -> tuple[int, UUID]:
    try:
        at, record = cursor.split(".")
        return int(at), UUID(hex=record)
    except ValueError:
        raise Invalid(
            "field.cursor", problems=[Problem(field="cursor", value=cursor[:80], code="field.cursor")]
        ) from None
