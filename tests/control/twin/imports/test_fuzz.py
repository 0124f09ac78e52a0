"""Whatever stands in the cells, a check ends with problems that can be told or with changes that can be applied as shown."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headworks.base import i18n
from headworks.base.errors import Invalid
from headworks.control.twin.imports import exports, runs
from headworks.control.twin.imports.columns import OF
from headworks.control.twin.imports.outcome import basis
from headworks.control.twin.models import Plant

pytestmark = [pytest.mark.django_db, pytest.mark.feature("PLT-06")]

CELLS = st.one_of(
    st.sampled_from(
        [
            None,
            "",
            "P1.T",
            "P1.P",
            "P2.T",
            "P1.TM",
            "NEW",
            "1LAC10CT001",
            "P1",
            "P2",
            "U1",
            "MILL",
            "gw",
            "dcs",
            "t",
            "p",
            "p1",
            "p2",
        ]
    ),
    st.sampled_from(
        ["℃", "K", "MPa", "bar", "9**9", "", "measured", "计算", "温度", "hot", "t=P1.T", "limit=85", "mean=P1.TM"]
    ),
    st.one_of(st.integers(-5, 300), st.floats(allow_nan=True), st.booleans(), st.text(max_size=8)),
    st.sampled_from(
        [
            "P1.HOT",
            "P2.HOT",
            "X.HOT",
            "system.x",
            "row 2 code",
            "records: x",
            "a=b=c",
            "=1+1",
            "'=x",
            "\x01date:1",
            "１",
        ]
    ),
)


@pytest.mark.parametrize("kind", ["tags", "models"])
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_any_cells_are_told_or_applied(table: Any, kind: Any, data: st.DataObject) -> None:
    names = [c.name for c in OF[kind]]
    rows = data.draw(st.lists(st.tuples(*(CELLS for _ in names)), min_size=1, max_size=5))
    lines = [names, *([None if c is None else str(c) for c in row] for row in rows)]
    content = "\n".join("\t".join(_plain(c) for c in line) for line in lines).encode()
    try:
        table.check(content, kind)
    except Invalid as e:
        i18n.text(f"errors.{e.error_code}", "en", **e.params)  # a refusal of the whole file has a text
        return
    before = basis(Plant.objects.get(code="mill")).state
    applied = table.apply(skip_bad=True)
    after = basis(Plant.objects.get(code="mill")).state
    changed = {
        k: {c for c in before[k].keys() | after[k].keys() if before[k].get(c) != after[k].get(c)} for k in before
    }
    told = {i.code for i in table.outcome.items}
    if kind == "tags":
        assert changed.pop("tag") <= told
        points = [after["point"].get(c, before["point"].get(c)) for c in changed.pop("point")]
        assert {p["tag"] for p in points if p} <= told | {p["tag"] for p in before["point"].values()}
    else:
        assert changed.pop("instance") == told
    assert not any(changed.values())
    assert applied.applied_at is not None
    again = runs.check_file("x", "tags", "mill", exports.export("tags", "csv"), "again.csv")
    assert (again.errors, again.creates, again.changes) == (0, 0, 0)


def _plain(cell: str | None) -> str:
    return "".join(c for c in cell or "" if c not in '\t\r\n"\x00' and c.isprintable())
