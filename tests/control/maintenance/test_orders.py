"""Work orders: made from an alarm or not, carried out, closed with a result, and refused where they must be."""

from __future__ import annotations

import itertools
import threading
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from headworks.base.clock import MICROS
from headworks.base.errors import Conflict, Invalid
from headworks.control.access.models import AuditEntry
from headworks.control.alarms import services as alarm_services
from headworks.control.maintenance import queries, services, states
from headworks.control.maintenance.models import WorkOrder, WorkOrderStep
from headworks.control.maintenance.services import Draft, Result
from headworks.control.maintenance.states import State
from headworks.control.twin.models import Asset, Counter

pytestmark = [pytest.mark.feature("PWR-09"), pytest.mark.django_db]

RESULT = {"cause": "no oil", "action": "filled it up", "outcome": "repaired", "note": ""}
AT = 1_780_000_000 * MICROS  # 2026-05-28 in Asia/Shanghai
DAY = 86_400 * MICROS


def asset(code: str) -> int:
    return Asset.objects.get(code=code).id


def draft(**fields) -> Draft:
    return Draft(**{"asset": asset("P1"), "title": "Look at the pump", **fields})


def test_an_order_from_an_alarm_takes_title_asset_priority_and_evidence_from_it_and_is_shown_by_it(alarm, as_):
    caller = as_()

    order = caller.post("orders", {"alarm": str(alarm)})

    assert order["number"].startswith("WO-")
    assert order["number"].endswith("-000001")
    assert (order["state"], order["title"], order["priority"]) == ("open", "P1 温度高", 2)
    assert (order["asset"]["code"], order["asset"]["title"]["en"]) == ("P1", "Equipment P1")
    assert order["alarm"] == {
        "id": str(alarm), "title": {"zh": "温度高", "en": "Hot"}, "state": "unacked_active", "raised_ms": 1000,
    }  # fmt: skip
    shown = caller.get(f"alarms/{alarm}")
    assert order["evidence"] == {"tags": shown["tags"], "at_ms": 1000}
    assert order["due_ms"] - order["created_ms"] == 3 * 86_400_000
    assert (order["created_by"], order["assignee"], order["result"]) == ("wang", None, None)
    assert [(s["name"], s["by"]) for s in order["steps"]] == [("create", "wang")]
    own = {"id": order["id"], "number": order["number"], "state": "open"}
    assert (shown["order"], shown["orders"]) == (own, [own])
    assert caller.get("alarms")["items"][0]["order"] == own


def test_from_open_to_closed_with_a_result(alarm, raise_alarm, as_):
    caller, boss = as_("li", "operator"), as_()
    order = boss.post("orders", {"alarm": str(alarm), "assignee": "li", "priority": 1, "description": "quick"})
    path = f"orders/{order['id']}"

    assert caller.post(f"{path}/start")["state"] == "in_progress"
    caller.post(f"{path}/comment", {"comment": "oil is coming"})
    finished = caller.post(f"{path}/finish", {"result": {**RESULT, "cause": "  no oil "}})
    raise_alarm(9_000_000, "clear")
    closed = boss.post(f"{path}/close")

    assert (finished["state"], finished["result"]) == ("finished", RESULT)
    assert closed["state"] == "closed"
    assert [(s["name"], s["by"], s["comment"]) for s in closed["steps"]] == [
        ("create", "wang", ""), ("start", "li", ""), ("comment", "li", "oil is coming"), ("finish", "li", ""),
        ("close", "wang", ""),
    ]  # fmt: skip
    times = [closed[f"{n}_ms"] for n in ("created", "started", "finished", "closed")]
    assert times == sorted(times)
    assert closed["alarm"]["state"] == "unacked_cleared"
    entries = AuditEntry.objects.filter(kind="order").order_by("at", "id")
    assert [e.action for e in entries] == [
        "order.created", "order.start", "order.comment", "order.finish", "order.close",
    ]  # fmt: skip
    assert entries[3].detail["given"]["cause"] == "no oil"


def test_an_alarm_may_have_orders_one_after_the_other_but_only_one_under_way(alarm, as_):
    caller = as_()
    first = caller.post("orders", {"alarm": str(alarm)})

    refusal = caller.post("orders", {"alarm": str(alarm)}, 409)
    caller.post(f"orders/{first['id']}/cancel", {"comment": "wrong pump"})
    second = caller.post("orders", {"alarm": str(alarm)})

    assert (refusal["code"], refusal["params"]["number"]) == ("order.exists", first["number"])
    assert first["number"] in refusal["title"]
    assert second["number"].endswith("000002")  # the one that was refused took no number
    assert [o["number"] for o in caller.get(f"alarms/{alarm}")["orders"]] == [second["number"], first["number"]]
    assert len(caller.get(f"orders?alarm={alarm}")["items"]) == 2


def test_a_closed_order_is_not_reopened_while_another_is_under_way(alarm, raise_alarm, as_):
    caller = as_()
    raise_alarm(2_000_000, "clear")
    first = caller.post("orders", {"alarm": str(alarm)})
    path = f"orders/{first['id']}"
    for step, body in (("start", {}), ("finish", {"result": RESULT}), ("close", {})):
        caller.post(f"{path}/{step}", body)
    second = caller.post("orders", {"alarm": str(alarm)})

    refusal = caller.post(f"{path}/reopen", {"comment": "again"}, 409)

    assert (refusal["code"], refusal["params"]["number"]) == ("order.exists", second["number"])
    assert caller.get(path)["state"] == "closed"
    caller.post(f"orders/{second['id']}/cancel", {"comment": "the first is taken up again"})
    again = caller.post(f"{path}/reopen", {"comment": "still hot"})
    assert (again["state"], again["result"], again["finished_ms"], again["closed_ms"]) == (
        "in_progress", None, None, None,
    )  # fmt: skip
    assert again["steps"][2]["detail"] == RESULT  # what was found first is still there


def test_closing_while_the_alarm_is_active_needs_a_comment(alarm, as_):
    caller = as_()
    order = caller.post("orders", {"alarm": str(alarm)})
    path = f"orders/{order['id']}"
    caller.post(f"{path}/start")
    caller.post(f"{path}/finish", {"result": RESULT})

    refusal = caller.post(f"{path}/close", {"comment": "  "}, 422)

    assert refusal["code"] == "order.alarm_active"
    assert [(p["field"], p["code"]) for p in refusal["problems"]] == [("comment", "order.alarm_active")]
    assert "Hot" in refusal["problems"][0]["text"]
    assert caller.get(path)["state"] == "finished"
    assert caller.post(f"{path}/close", {"comment": "sensor is replaced tomorrow"})["state"] == "closed"


def test_finishing_needs_outcome_cause_and_action(as_, alarm):
    caller = as_()
    path = f"orders/{caller.post('orders', {'alarm': str(alarm)})['id']}"
    caller.post(f"{path}/start")

    refusal = caller.post(f"{path}/finish", {"result": {"cause": " ", "outcome": "fine", "note": "x" * 5001}}, 422)

    assert [(p["field"], p["code"]) for p in refusal["problems"]] == [
        ("result.cause", "field.missing"), ("result.action", "field.missing"), ("result.note", "order.text_too_long"),
        ("result.outcome", "order.outcome"),
    ]  # fmt: skip
    assert caller.get(path)["state"] == "in_progress"


def test_every_pair_of_state_and_step_is_decided():
    names = ("start", "finish", "close", "reopen", "cancel", "assign", "comment")
    allowed = {(str(s), n): str(new) for s, n in itertools.product(State, names) if (new := states.after(s, n))}
    assert {k: v for k, v in allowed.items() if k[1] != "comment"} == {
        ("open", "start"): "in_progress",
        ("open", "cancel"): "cancelled",
        ("open", "assign"): "open",
        ("in_progress", "finish"): "finished",
        ("in_progress", "cancel"): "cancelled",
        ("in_progress", "assign"): "in_progress",
        ("finished", "close"): "closed",
        ("finished", "reopen"): "in_progress",
        ("closed", "reopen"): "in_progress",
    }
    assert {k[0] for k in allowed if k[1] == "comment"} == set(State)


def test_a_step_that_the_state_does_not_allow_is_refused_and_changes_nothing(alarm, as_):
    caller = as_()
    order = caller.post("orders", {"alarm": str(alarm)})

    refusal = caller.post(f"orders/{order['id']}/finish", {"result": RESULT}, 409)

    assert (refusal["code"], refusal["params"]["state"], refusal["params"]["step"]) == ("order.state", "open", "finish")
    assert caller.get(f"orders/{order['id']}") == order


@pytest.mark.parametrize("step", ["cancel", "reopen", "comment"])
def test_what_others_must_understand_later_needs_a_reason(alarm, as_, step):
    caller = as_()
    order = caller.post("orders", {"alarm": str(alarm)})
    refusal = caller.post(f"orders/{order['id']}/{step}", {"comment": " "}, 422)
    assert [(p["field"], p["code"]) for p in refusal["problems"]] == [("comment", "order.reason_needed")]


def test_everything_wrong_with_a_draft_is_said_at_once_and_takes_no_number(raise_alarm, as_):
    raise_alarm()
    as_("eye", "viewer")
    body = {"asset": 4_000_000, "title": "x" * 201, "priority": 9, "due_ms": 5, "assignee": "eye"}

    refusal = as_().post("orders", body, 422)
    empty = as_("li").post("orders", {}, 422)

    assert [(p["field"], p["code"]) for p in refusal["problems"]] == [
        ("title", "order.text_too_long"), ("priority", "order.priority"), ("asset", "asset.not_found"),
        ("due_ms", "order.due_past"), ("assignee", "order.person_unknown"),
    ]  # fmt: skip
    assert [(p["field"], p["code"]) for p in empty["problems"]] == [
        ("title", "field.missing"),
        ("asset", "field.missing"),
    ]
    unknown = as_("zhao").post("orders", {"alarm": str(uuid4())}, 422)
    assert [(p["field"], p["code"]) for p in unknown["problems"]] == [("alarm", "alarm.not_found")]
    assert not Counter.objects.filter(name__startswith="order-").exists()
    assert not WorkOrder.objects.exists()


@pytest.mark.parametrize(
    ("roles", "path", "status"),
    [
        (("viewer",), "orders", 403),
        (("viewer",), "orders/{id}/start", 403),
        (("viewer",), "orders/{id}/comment", 403),
        (("operator",), "orders/{id}/cancel", 403),
        (("operator",), "orders/{id}/close", 403),
        (("operator",), "orders/{id}/reopen", 403),
        (("operator",), "orders/{id}/assign", 200),
        (("operator",), "orders/00000000-0000-0000-0000-000000000000/start", 404),
    ],
)
def test_who_may_do_what(alarm, person, as_, roles, path, status):
    order = services.create(person("maker"), Draft(alarm=alarm), AT)
    before = queries.bodies([order])

    as_("somebody", *roles).post(path.format(id=order.id), {"comment": "x"}, status)

    if status != 200:
        assert queries.bodies([queries.one(order.id)]) == before
        assert WorkOrder.objects.count() == 1


def test_who_is_not_signed_in_sees_nothing(client, alarm):
    for path in ("orders", f"orders/{uuid4()}", "people"):
        assert client.get(f"/api/v1/{path}").status_code == 401


def test_numbers_have_no_gaps_and_begin_anew_with_the_year_of_the_plant(raise_alarm, person):
    raise_alarm()
    user = person()
    new_year = 1_798_732_800 * MICROS  # 2027-01-01 00:00 in Asia/Shanghai, still 2026 in UTC
    for at in (AT, new_year - 1, new_year, new_year + 1):
        services.create(user, draft(), at)
        with pytest.raises(Invalid):
            services.create(user, draft(assignee="nobody"), at)

    assert sorted(WorkOrder.objects.values_list("number", flat=True)) == [
        "WO-2026-000001", "WO-2026-000002", "WO-2027-000001", "WO-2027-000002",
    ]  # fmt: skip


def test_a_number_is_given_back_when_the_transaction_fails(raise_alarm, person, monkeypatch):
    raise_alarm()
    user = person()

    def broken(*_, **__):
        raise RuntimeError("cut off")

    with monkeypatch.context() as m:
        m.setattr(services, "audit", broken)
        with pytest.raises(RuntimeError):
            services.create(user, draft(), AT)
    assert services.create(user, draft(), AT).number == "WO-2026-000001"


@pytest.mark.parametrize(("priority", "days"), [(1, 1), (2, 3), (3, 7), (4, 30)])
def test_the_due_time_follows_from_the_priority_unless_it_is_given(raise_alarm, person, priority, days):
    raise_alarm()
    user = person()
    assert services.create(user, draft(priority=priority), AT).due_at == AT + days * DAY
    assert services.create(user, draft(priority=priority, due_at=AT + 5), AT).due_at == AT + 5


def test_lists_by_state_asset_and_person_with_numbers_by_state(raise_alarm, person, as_):
    raise_alarm()
    user = person("maker")
    caller = as_("li", "operator")
    made = [
        services.create(user, draft(asset=asset(code), title=f"{i}", assignee=who), AT + i)
        for i, (code, who) in enumerate([("P1", "li"), ("P2", None), ("U1", "li"), ("P1", None)])
    ]
    services.start(user, made[0].id, "", AT + 10)
    services.cancel(user, made[3].id, "not needed", AT + 11)

    def titles(query: str) -> list[str]:
        return [o["title"] for o in caller.get(f"orders{query}")["items"]]

    assert titles("") == ["3", "2", "1", "0"]
    assert titles("?state=open") == ["2", "1"]
    assert titles(f"?asset={asset('P1')}") == ["3", "0"]
    assert titles(f"?asset={asset('U1')}") == ["3", "2", "1", "0"]
    assert titles("?mine=1") == ["2", "0"]
    counts = {"open": 2, "in_progress": 1, "finished": 0, "closed": 0, "cancelled": 1}
    assert caller.get("orders?state=open")["counts"] == counts
    assert caller.get("orders?mine=1")["counts"] == {**counts, "open": 1, "cancelled": 0}
    caller.get("orders?state=lost", 422)
    assert caller.get("orders?cursor=5.zz", 422)["code"] == "field.cursor"


def test_pages_follow_each_other_while_orders_are_made(raise_alarm, person, as_):
    raise_alarm()
    user, caller = person("maker"), as_("li", "operator")
    for i in range(25):
        services.create(user, draft(title=str(i)), AT + i // 3)
    first = caller.get("orders?limit=10")
    services.create(user, draft(title="later"), AT + 99)
    second = caller.get(f"orders?limit=10&cursor={first['next']}")
    third = caller.get(f"orders?limit=10&cursor={second['next']}")

    seen = [o["id"] for page in (first, second, third) for o in page["items"]]
    assert len(seen) == len(set(seen)) == 25
    assert third["next"] is None


def test_assigning_and_the_people_there_are(alarm, as_):
    caller = as_()
    as_("li", "operator")
    as_("eye", "viewer")
    order = caller.post("orders", {"alarm": str(alarm)})

    assert caller.get("people") == {"items": [{"name": n, "display": n} for n in ("li", "wang")]}
    assert caller.post(f"orders/{order['id']}/assign", {"assignee": "li"})["assignee"] == "li"
    caller.post(f"orders/{order['id']}/assign", {"assignee": "eye"}, 422)
    assert caller.post(f"orders/{order['id']}/start")["assignee"] == "li"
    assert caller.post(f"orders/{order['id']}/assign", {"assignee": None})["assignee"] is None


def test_the_alarm_is_told_again_when_its_order_changes(alarm, person, django_capture_on_commit_callbacks):
    heard: list[list[UUID]] = []

    def hear(ids, **_):
        heard.append(ids)

    alarm_services.changed.connect(hear)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            order = services.create(person(), Draft(alarm=alarm), AT)
        with django_capture_on_commit_callbacks(execute=True):
            services.start(person("li"), order.id, "", AT + 1)
    finally:
        alarm_services.changed.disconnect(hear)
    assert heard == [[alarm], [alarm]]


@pytest.mark.django_db(transaction=True)
@pytest.mark.feature("N-03")
def test_of_many_at_the_same_moment_one_makes_the_order_and_one_finishes_it(alarm, person):
    users = [person(f"p{i}") for i in range(4)]

    def all_at_once(work) -> list[str]:
        results, start = [], threading.Barrier(4)

        def run(user):
            start.wait()
            try:
                work(user)
                results.append("done")
            except Conflict as e:
                results.append(e.error_code)
            finally:
                connection.close()

        threads = [threading.Thread(target=run, args=(u,)) for u in users]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        return sorted(results)

    assert all_at_once(lambda u: services.create(u, Draft(alarm=alarm), AT)) == ["done", *["order.exists"] * 3]
    order = WorkOrder.objects.get()
    services.start(users[0], order.id, "", AT + 1)
    result = Result(**RESULT)
    finished = all_at_once(lambda u: services.finish(u, order.id, result, AT + 2))
    assert finished == ["done", *["order.state"] * 3]
    assert list(WorkOrderStep.objects.values_list("number", "name")) == [(1, "create"), (2, "start"), (3, "finish")]
    services.create(users[0], Draft(asset=order.asset_id, title="next"), AT + 3)
    assert WorkOrder.objects.first().number == "WO-2026-000002"


@pytest.mark.skipif(connection.vendor != "sqlite", reason="reads the plans of SQLite; the indexes are the same")
@pytest.mark.feature("N-02")
def test_no_list_of_orders_reads_or_sorts_the_whole_table(raise_alarm, person):
    raise_alarm()
    place = asset("P1")
    for name, call in {
        "all": lambda: queries.page(),
        "next": lambda: queries.page(cursor=f"500.{'0' * 32}"),
        "state": lambda: queries.page("open"),
        "asset": lambda: queries.page(assets={place}),
        "mine": lambda: queries.page(assignee="li"),
        "alarm": lambda: queries.page(alarm=UUID(int=1)),
        "of alarms": lambda: queries.of_alarms([UUID(int=1), UUID(int=2)]),
    }.items():
        with CaptureQueriesContext(connection) as asked:
            call()
        for query in asked.captured_queries:
            with connection.cursor() as plan:
                plan.execute(f"EXPLAIN QUERY PLAN {query['sql']}")
                steps = [row[-1] for row in plan.fetchall()]
            whole = [s for s in steps if s.startswith("SCAN maintenance") and "USING" not in s]
            assert not whole, (name, query["sql"], steps)
