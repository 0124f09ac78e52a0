"""Notifications to columns, without a server."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from asyncua import ua

from headworks.bus.plan import Point, TagPlan
from headworks.connect.opcua import nodes
from headworks.connect.opcua.errors import NodeInvalid
from headworks.connect.opcua.values import Points

pytestmark = pytest.mark.feature("PLT-03")

NOW = 1_700_000_000_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TAGS = {1: TagPlan(id=1, code="A", low=0.0, high=10.0), 2: TagPlan(id=2, code="B"), 3: TagPlan(id=3, code="C")}


def points(*keys: str, **changes: Any) -> Points:
    made = Points()
    made.use([Point(key=k, tag=i, **changes) for i, k in enumerate(keys, 1)], TAGS)
    return made


def item(of: Points, key: str, value: Any, at: int | None = NOW, status: int = 0, server: int | None = None) -> Any:
    moments = [None if t is None else EPOCH + timedelta(microseconds=t) for t in (at, server)]
    variant = value if isinstance(value, ua.Variant) else ua.Variant(value)
    data = ua.DataValue(
        variant, StatusCode=ua.StatusCode(status), SourceTimestamp=moments[0], ServerTimestamp=moments[1]
    )
    return ua.MonitoredItemNotification(ClientHandle=of.handles[key], Value=data)


def rows(chunk: Any) -> list[tuple[int, int, float, int]]:
    return list(zip(chunk.tag.tolist(), chunk.time.tolist(), chunk.value.tolist(), chunk.status.tolist(), strict=True))


def test_a_time_is_the_sources_then_the_servers_then_ours() -> None:
    p = points("a")
    none_1601 = -11_644_473_600_000_000  # how "no time" is written on the wire
    given = [
        item(p, "a", 1.0, NOW - 3, server=NOW - 2),
        item(p, "a", 2.0, None, server=NOW - 2),
        item(p, "a", 3.0, none_1601, server=NOW - 1),
        item(p, "a", 4.0, None),
        item(p, "a", 5.0, none_1601, server=none_1601),
    ]
    taken = p.take(given, NOW)
    assert taken.chunk.time.tolist() == [NOW - 3, NOW - 2, NOW - 1, NOW, NOW]
    assert taken.untimed == 2


def test_a_time_in_the_future_is_not_stored() -> None:
    p = points("a")
    taken = p.take([item(p, "a", 1.0, NOW + 60_000_000), item(p, "a", 2.0, NOW + 60_000_001)], NOW)
    assert rows(taken.chunk) == [(1, NOW + 60_000_000, 1.0, 0)]
    assert taken.future == [[1, NOW + 60_000_001, 2.0]]


def test_what_is_no_number_is_a_status() -> None:
    p = points("a", "b", "c")
    given = [
        item(p, "a", "text"),
        item(p, "a", None),
        item(p, "a", [1.0, 2.0]),
        item(p, "a", float("inf")),
        item(p, "b", float("nan")),
        item(p, "b", ua.Variant(True)),
        item(p, "b", None, status=0x80310000),
        item(p, "c", ua.Variant(2**63, ua.VariantType.UInt64)),
    ]
    found = rows(p.take(given, NOW).chunk)
    assert [hex(s) for _, _, _, s in found] == [
        "0x80740000",
        "0x809b0000",
        "0x80740000",
        "0x803c0000",
        "0x809b0000",
        "0x0",
        "0x80310000",
        "0x0",
    ]
    assert [v for _, _, v, _ in found[5:]][0::2] == [1.0, float(2**63)]
    assert p.bad == {}  # a number that follows ends it


def test_a_number_ends_what_was_wrong_with_its_kind() -> None:
    p = points("a")
    p.take([item(p, "a", "off")], NOW)
    assert p.bad == {"a": "type:String"}
    p.take([item(p, "a", 1.0)], NOW)
    assert p.bad == {}


def test_unit_then_range_and_a_status_of_the_server_is_kept() -> None:
    p = points("a", gain=2.0, offset=1.0)
    assert p.take([item(p, "a", 0.0, status=0x480), item(p, "a", 0.0, status=0x400)], NOW).overflows == 1
    given = [
        item(p, "a", 4.5),
        item(p, "a", 4.6),
        item(p, "a", 9.0, status=0x40940000),
        item(p, "a", 1.0, status=0x480),
    ]
    assert [(v, s) for _, _, v, s in rows(p.take(given, NOW).chunk)] == [
        (10.0, 0),
        (10.2, 0x803C0000),
        (19.0, 0x40940000),
        (3.0, 0x480),
    ]


S = 1_000_000


def test_a_quiet_value_is_said_again_and_a_changing_one_is_not() -> None:
    p = points("a", "b", "c")
    p.take([item(p, "a", 1.0, NOW - 1), item(p, "b", 2.0, NOW - 1)], NOW)
    p.take([item(p, "b", 2.5, NOW + 5 * S - 1)], NOW + 5 * S)
    assert p.quiet(NOW + 10 * S) is None
    again = p.quiet(NOW + 10 * S + 1)
    # As of the source's time: the delay (1 µs), and what a change may need to get here, before now.
    assert rows(again) == [(1, NOW + 9 * S, 1.0, 0)]
    assert p.quiet(NOW + 10 * S + 2) is None


def test_the_clock_of_the_source_counts_for_what_is_said_again() -> None:
    p = points("a", "b")
    for k in range(12):  # 5 s slow; the network adds up to 0.4 s
        at = NOW + k * S
        p.take([item(p, "a", float(k), at - 5 * S - k % 5 * 100_000)] + ([item(p, "b", 7.0, at - 5 * S)] * (k < 2)), at)
    assert p.delay.value == 5 * S
    ((tag, time, value, _),) = rows(p.quiet(NOW + 11 * S + 1))
    assert (tag, time, value) == (2, NOW + 11 * S + 1 - 5 * S - S, 7.0)
    # A change that was under way meanwhile is newer than what was said.
    assert time < NOW + 11 * S + 1 - 5 * S


def test_a_clock_that_is_slower_than_tags_may_be_silent_is_not_followed() -> None:
    p = points("a")
    for k in range(3):
        p.take([item(p, "a", float(k), NOW + k * S - 3600 * S)], NOW + k * S)
    assert p.delay.value == 3600 * S
    assert rows(p.quiet(NOW + 20 * S)) == [(1, NOW + 19 * S, 2.0, 0)]
    # The next value is older than that: it is stored as it came, and said again at once.
    p.take([item(p, "a", 9.0, NOW + 21 * S - 3600 * S)], NOW + 21 * S)
    assert rows(p.quiet(NOW + 21 * S)) == [(1, NOW + 20 * S, 9.0, 0)]


def test_an_old_first_value_is_said_at_once() -> None:
    p = points("a", "b")
    p.take([item(p, "a", 1.0, NOW - 3600 * S), item(p, "b", 2.0, NOW - 5 * S)], NOW)
    assert rows(p.quiet(NOW)) == [(1, NOW - S, 1.0, 0)]


def test_a_loss_hides_every_point_and_an_older_value_after_it_is_said_again() -> None:
    p = points("a", "b")
    p.take([item(p, "a", 1.0, NOW + 30)], NOW)
    lost = rows(p.forget(0x80310000, NOW))
    assert [(t, s) for _, t, _, s in lost] == [(NOW + 31, 0x80310000), (NOW, 0x80310000)]
    assert all(math.isnan(v) for _, _, v, _ in lost)
    assert p.quiet(NOW + 100 * S) is None  # nothing is known any more
    p.take([item(p, "a", 1.0, NOW + 30), item(p, "b", 5.0, NOW + 200)], NOW + 200)
    assert rows(p.quiet(NOW + 201)) == [(1, NOW + 32, 1.0, 0)]  # after the sample that told of the loss


def test_a_plan_keeps_what_stays() -> None:
    p = points("a", "b")
    p.take([item(p, "a", 1.0), item(p, "b", 2.0)], NOW)
    before = dict(p.handles)
    new, gone = p.use([Point(key="b", tag=2), Point(key="c", tag=3)], TAGS)
    assert (new, gone) == (["c"], ["a"])
    assert p.handles["b"] == before["b"]
    assert p.handles["c"] not in before.values()
    stranger = ua.MonitoredItemNotification(ClientHandle=before["a"], Value=ua.DataValue(1.0))
    taken = p.take([stranger, item(p, "c", 3.0)], NOW)
    assert (rows(taken.chunk), taken.strangers) == ([(3, NOW, 3.0, 0)], 1)
    later = NOW + 20 * S
    assert sorted(rows(p.quiet(later))) == [(2, later - S, 2.0, 0), (3, later - S, 3.0, 0)]
    p.use([Point(key="b", tag=1)], TAGS)  # another tag: what was known is not known of this one
    assert p.quiet(NOW + 100 * S) is None


def test_what_was_dropped_is_said_again() -> None:
    p = points("a", "b")
    p.take([item(p, "a", 1.0), item(p, "b", 2.0)], NOW)
    p.unsaid(np.array([2], np.uint32))
    assert rows(p.quiet(NOW + 1)) == [(2, NOW + 1, 2.0, 0)]


@pytest.mark.parametrize(
    ("name", "code", "unit"),
    [
        ("°C", 4408652, "℃"),
        ("MPa", 5067857, "MPa"),
        ("??", 4408652, "℃"),
        ("m³/h", 0, "m3/h"),
        ("no unit at all", 0, ""),
        ("", 0, ""),
        ("", -1, ""),
    ],
)
def test_units_of_servers(name: str, code: int, unit: str) -> None:
    assert nodes.unit_of(ua.EUInformation(UnitId=code, DisplayName=ua.LocalizedText(name))) == unit


def test_node_ids() -> None:
    for text in ("i=85", "ns=2;s=a;b=c", "ns=3;i=70000", "ns=1;g=09087e75-8e5e-499b-954f-f2a9603db28a"):
        assert nodes.text_of(nodes.parse(text)) == text
    assert nodes.text_of(nodes.parse("nsu=urn:x;s=T", ["http://opcfoundation.org/UA/", "urn:x"])) == "ns=1;s=T"
    for text in ("", "P101", "ns=2", "ns=x;i=1", "nsu=urn:unknown;s=T", "i=abc"):
        with pytest.raises(NodeInvalid):
            nodes.parse(text)
