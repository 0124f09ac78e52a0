"""Pages by place in the order."""

from __future__ import annotations

from typing import Any

import pytest

from headworks.base.errors import Invalid
from headworks.control.access.models import AuditEntry
from headworks.control.project.paging import newest_first

pytestmark = [pytest.mark.feature("N-02"), pytest.mark.django_db]


def entries(*instants: int) -> None:
    for at in instants:
        AuditEntry.objects.create(at=at, actor="a", action=f"t.{at}", kind="thing", object_id=str(at))


def walk(limit: int, *parts: Any) -> list[Any]:
    """Return the records of every page, and check that each page is full but the last."""
    found, cursor = [], ""
    while True:
        rows, following = newest_first("at", limit, cursor, *(p.all() for p in parts))
        found += rows
        if following is None:
            return found
        assert len(rows) == limit
        cursor = following


def test_pages_of_one_instant_leave_nothing_out_and_say_nothing_twice() -> None:
    entries(1, 2, 2, 2, 2, 3)
    whole = [(e.at, e.id) for e in AuditEntry.objects.order_by("-at", "-id")]

    for limit in (1, 2, 4, 6, 7):
        assert [(e.at, e.id) for e in walk(limit, AuditEntry.objects.all())] == whole


def test_parts_are_one_list() -> None:
    entries(1, 2, 2, 3, 3, 4)
    odd, even = AuditEntry.objects.filter(at__in=(1, 3)), AuditEntry.objects.filter(at__in=(2, 4))

    for limit in (1, 2, 5):
        assert [e.id for e in walk(limit, even, odd)] == [e.id for e in AuditEntry.objects.order_by("-at", "-id")]


def test_a_page_is_500_records_at_most() -> None:
    AuditEntry.objects.bulk_create(
        AuditEntry(at=i, actor="a", action="t", kind="thing", object_id=str(i)) for i in range(501)
    )
    rows, following = newest_first("at", 10_000, "", AuditEntry.objects.all())
    assert (len(rows), following is None) == (500, False)


@pytest.mark.parametrize("cursor", ["x", "5.zz", "5", ".", "5.0.0", "5." + "0" * 31])
def test_what_no_page_gave_is_refused(cursor: str) -> None:
    with pytest.raises(Invalid) as e:
        newest_first("at", 10, cursor, AuditEntry.objects.all())
    assert [(p.field, p.code) for p in e.value.problems] == [("cursor", "field.cursor")]
