"""Alarms over HTTP: lists and pages, detail, acknowledgements and refusals."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from headworks.base import ids
from headworks.control.alarms import queries
from headworks.control.alarms.models import Alarm, AlarmGroupState
from headworks.control.modelling.queries import active_alarms

pytestmark = pytest.mark.feature("PLT-10")
S = 1_000_000


@pytest.fixture
def four(plant):
    """100 hot: unacked_active; 101 hot: unacked_cleared; 100 failing: acked_active; 101 failing: cleared."""
    changed = plant.apply(
        (100, "hot", 1 * S, "raise", 91.5), (101, "hot", 2 * S, "raise"), (101, "hot", 5 * S, "clear"),
        (100, "failing", 3 * S, "raise"), (101, "failing", 4 * S, "raise"), (101, "failing", 6 * S, "clear"),
    ).changed  # fmt: skip
    from headworks.control.access.services import create_user
    from headworks.control.alarms.services import acknowledge

    user = create_user("first", "correct-horse-battery", ("operator",))
    for alarm in (changed[2], changed[3]):
        acknowledge(user, alarm, "seen", at=7 * S)
    return changed


def listed(client, query: str) -> list[tuple[str, str]]:
    answer = client.get(f"/api/v1/alarms{query}")
    assert answer.status_code == 200, answer.content
    return [(a["instance"]["code"], a["condition"]) for a in answer.json()["items"]]


def test_lists_by_state_priority_and_asset_newest_first(four, api):
    client = api()

    everything = [("P2.BEARING", "failing"), ("P1.BEARING", "failing"), ("P2.BEARING", "hot"), ("P1.BEARING", "hot")]
    assert listed(client, "") == everything
    assert listed(client, "?state=active") == [("P1.BEARING", "failing"), ("P1.BEARING", "hot")]
    assert listed(client, "?state=unacked") == [("P2.BEARING", "hot"), ("P1.BEARING", "hot")]
    assert listed(client, "?state=open") == everything[1:]
    assert listed(client, "?priority=1") == everything[:2]
    assert listed(client, "?priority=1&priority=2&asset=12") == [("P1.BEARING", "failing"), ("P1.BEARING", "hot")]
    assert listed(client, "?asset=10") == everything
    assert listed(client, "?asset=999") == []


def test_an_alarm_says_everything_the_contract_promises(four, api):
    alarm = api().get(f"/api/v1/alarms/{four[0]}").json()

    assert alarm.pop("transitions") == [
        {
            "id": str(ids.transition_id(four[0], 1 * S, "raise")), "name": "raise", "at_ms": 1000, "before": "normal",
            "after": "unacked_active", "value": 91.5, "status": 0, "by": "", "comment": "",
        }
    ]  # fmt: skip
    assert alarm == {
        "id": str(four[0]),
        "instance": {"id": 100, "code": "P1.BEARING"},
        "condition": "hot",
        "title": {"zh": "轴承温度高", "en": "Bearing hot"},
        "asset": {"id": 12, "code": "P1", "title": {"zh": "设备P1", "en": "Equipment P1"}},
        "partition": "u1",
        "priority": 2,
        "state": "unacked_active",
        "raised_ms": 1000,
        "cleared_ms": None,
        "acked_ms": None,
        "acked_by": "",
        "value": 91.5,
        "unit": "℃",
        "status": 0,
        "limit": 85.0,
        "comment": "",
        "tags": [1],
        "first_out": False,
        "group": "",
        "suppressed_by": None,
        "suppressing": 0,
        "group_active": False,
        "suppressed_ms": None,
        "released_ms": None,
        "order": None,
        "orders": [],
        "suppressed": {"total": 0, "ever": 0, "items": []},
        "evidence": [
            {
                "id": 1,
                "code": "P1.T",
                "title": {"zh": "设备", "en": "Equipment"},
                "unit": "℃",
                "low": None,
                "high": None,
                "limits": [{"value": 85.0, "kind": "above"}],
            }
        ],
        "template": "bearing",
        "guidance": {
            "mode": {"zh": "缺油", "en": "Low oil"},
            "symptoms": [],
            "causes": [],
            "actions": [{"zh": "检查油位。", "en": "Check the oil level."}],
        },
    }


def test_summary_counts_active_and_unacknowledged_by_priority(four, api):
    answer = api().get("/api/v1/alarms/summary").json()

    assert (answer["active"], answer["unacked"]) == ([1, 1, 0, 0], [0, 2, 0, 0])
    assert answer["newest"]["id"] == str(four[1])
    assert queries.counts_by_asset() == {12: [1, 1, 0, 0, 1, 0], 13: [0, 0, 0, 0, 1, 0]}
    assert active_alarms() == {100: 2}


def test_pages_follow_each_other_while_new_alarms_arrive(plant, api):
    client = api()
    plant.apply(*((100 + i % 2, f"c{i}", (i // 3) * S, "raise") for i in range(50)))
    first = client.get("/api/v1/alarms?limit=20").json()
    plant.apply((100, "later", 999 * S, "raise"))

    second = client.get(f"/api/v1/alarms?limit=20&cursor={first['next']}").json()
    third = client.get(f"/api/v1/alarms?limit=20&cursor={second['next']}").json()

    seen = [a["id"] for page in (first, second, third) for a in page["items"]]
    assert len(seen) == len(set(seen)) == 50
    assert third["next"] is None


def test_acknowledging_over_http_answers_the_alarm_then_409(four, api):
    client = api()

    answer = client.post(f"/api/v1/alarms/{four[0]}/acknowledge", {"comment": "oil"}, "application/json")
    again = client.post(f"/api/v1/alarms/{four[0]}/acknowledge", {"comment": "me too"}, "application/json")

    assert answer.status_code == 200
    assert (answer.json()["state"], answer.json()["acked_by"], answer.json()["comment"]) == (
        "acked_active",
        "op",
        "oil",
    )
    assert again.status_code == 409
    assert again.json()["code"] == "alarm.already_acknowledged"
    assert "op" in again.json()["title"]
    assert Alarm.objects.get(id=four[0]).comment == "oil"


def test_several_at_once_have_a_result_each(four, api):
    unknown = uuid4()
    body = {"ids": [str(four[0]), str(four[3]), str(unknown), str(four[0])], "comment": "shift end"}

    items = api().post("/api/v1/alarms/acknowledge", body, "application/json").json()["items"]

    assert [(UUID(i["id"]), i["alarm"] and i["alarm"]["state"], i["error"] and i["error"]["code"]) for i in items] == [
        (four[0], "acked_active", None),
        (four[3], None, "alarm.already_acknowledged"),
        (unknown, None, "alarm.not_found"),
    ]


@pytest.mark.parametrize(
    ("roles", "method", "path", "status"),
    [
        ((), "get", "/api/v1/alarms", 401),
        ((), "get", "/api/v1/alarms/summary", 401),
        ((), "post", "/api/v1/alarms/{id}/acknowledge", 401),
        (("viewer",), "get", "/api/v1/alarms", 200),
        (("viewer",), "post", "/api/v1/alarms/{id}/acknowledge", 403),
        (("viewer",), "post", "/api/v1/alarms/acknowledge", 403),
        (("operator",), "get", "/api/v1/alarms/00000000-0000-0000-0000-000000000000", 404),
        (("operator",), "get", "/api/v1/alarms?cursor=5.zz", 422),
        (("operator",), "get", "/api/v1/alarms?limit=501", 422),
        (("operator",), "get", "/api/v1/alarms?priority=5", 422),
    ],
)
def test_who_is_refused_what_and_that_nothing_changes(four, api, client, roles, method, path, status):
    caller = api("somebody", *roles) if roles else client
    body = {"comment": "", "ids": [str(four[0])]}
    path = path.format(id=four[0])

    answer = caller.get(path) if method == "get" else caller.post(path, body, "application/json")

    assert answer.status_code == status, answer.content
    if status >= 400:
        assert answer["Content-Type"] == "application/problem+json"
    assert Alarm.objects.get(id=four[0]).state == "unacked_active"


def test_a_comment_of_501_characters_is_refused_by_field(four, api):
    body = {"comment": "字" * 501}
    answer = api().post(f"/api/v1/alarms/{four[0]}/acknowledge", body, "application/json")

    assert answer.status_code == 422
    (problem,) = answer.json()["problems"]
    assert (problem["field"], problem["code"]) == ("comment", "alarm.comment_too_long")
    assert Alarm.objects.get(id=four[0]).state == "unacked_active"


@pytest.mark.skipif(connection.vendor != "sqlite", reason="reads the plans of SQLite; the indexes are the same")
@pytest.mark.feature("N-02")
def test_no_list_of_alarms_reads_the_whole_table(plant):
    rows = [
        (UUID(int=i).hex, i, 1 + i % 4, i % 500, "cleared" if i % 100 else "unacked_active", i % 100 == 0, i * S)
        for i in range(1_000)
    ]
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO alarms_alarm (id, instance, priority, asset, state, is_open, raised_at, partition, instance_code,"
            " condition, template, title_zh, title_en, asset_code, asset_title_zh,"
            " asset_title_en, acked_by, comment, unit, status, tags, steps,"
            " active_at, evidence, is_suppressed, suppressed_in, first_out_of)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, 'u1', 'x', 'c', '', '', '', '', '', '', '', '', '', 0, '[]', 1,"
            " 0, '[]', 0, '', '')",
            rows,
        )
    AlarmGroupState.objects.create(
        partition="u1",
        group="g",
        digest="",
        trigger_at=1,
        cause=UUID(int=5),
        cause_instance=5,
        cause_condition="c",
        since=1,
    )
    Alarm.objects.filter(id=UUID(int=100)).update(is_suppressed=True, suppressed_by=UUID(int=5))
    whole: dict[str, list[str]] = {}
    _, cursor = queries.page(limit=100)
    for name, call in {
        "all": lambda: queries.page(),
        "next": lambda: queries.page(cursor=f"500{'0' * 6}.{'0' * 32}"),
        "unacked": lambda: queries.page("unacked"),
        "priority": lambda: queries.page(priorities=[1]),
        "asset": lambda: queries.page(assets=[7]),
        "instance": lambda: queries.page(instances=[7]),
        "assets": lambda: queries.page(assets=set(range(0, 500, 2))),
        "open of asset": lambda: queries.page("open", assets=[7]),
        "shown": lambda: queries.page(suppressed="hide"),
        "open shown": lambda: queries.page("open", suppressed="hide"),
        "suppressed": lambda: queries.page(suppressed="only"),
        "of a cause": lambda: queries.page(cause=UUID(int=5)),
        "bodies": lambda: queries.bodies(queries.by_ids([UUID(int=5), UUID(int=6)])),
        "summary": queries.summary,
        "by asset": queries.counts_by_asset,
        "of models": active_alarms,
    }.items():
        with CaptureQueriesContext(connection) as asked:
            call()
        for query in asked.captured_queries:
            with connection.cursor() as plan:
                plan.execute(f"EXPLAIN QUERY PLAN {query['sql']}")
                steps = [row[-1] for row in plan.fetchall()]
            read = whole.setdefault(name, [])
            read += [s for s in steps if f"{s} ".startswith("SCAN alarms_alarm ") and "USING" not in s]
            if name in (
                "of models",
                "summary",
                "by asset",
            ):  # an index of all alarms read to its end is the whole table too
                read += [s for s in steps if s.startswith("SCAN alarms_alarm ") and "_open" not in s]

    assert cursor
    assert whole == {name: [] for name in whole}
