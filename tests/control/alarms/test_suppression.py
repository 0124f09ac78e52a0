"""A trip and its consequences in the records: what is suppressed by what, until when, and how people see it."""

from __future__ import annotations

import random
from typing import Any

import pytest
from django.db import IntegrityError

from headworks.base.errors import Conflict
from headworks.control.alarms import queries, services
from headworks.control.alarms.models import Alarm, AlarmGroupState, AlarmTransition
from headworks.control.modelling.models import AlarmGroup, ModelInstance
from headworks.control.twin.models import Asset, Partition, Plant

pytestmark = [pytest.mark.feature("PLT-10"), pytest.mark.feature("PWR-09"), pytest.mark.django_db]

S = 1_000_000
TRIP, PRESSURE, FIRE, ELSEWHERE = 300, 301, 302, 400
MANY = range(200, 230)
BODY = {
    "trigger": {"instance": "U1.TRIP", "condition": "tripped"},
    "first_out": [{"instance": "U1.PRESSURE", "condition": "high"}],
    "look_back_s": 30.0,
    "consequences": {"asset": "U1"},
    "never": [{"instance": "U1.FIRE"}, {"template": "bearing", "condition": "failing"}],
}
NORMAL = [(PRESSURE, "high", 10 * S, "raise"), (TRIP, "tripped", 12 * S, "raise")]
FLOOD = [(m, "hot", (12 + i % 5) * S, "raise") for i, m in enumerate(MANY)]
"""30 consequences, raised within five ticks from the trip on."""


@pytest.fixture
def unit(plant: Any) -> Any:
    """Return the small plant with a trip, what may have caused it, 30 models below the unit, and one outside of it."""
    assets = {a.code: a for a in Asset.objects.all()}
    bearing = ModelInstance.objects.get(id=plant.p1).template
    for number, code, asset in [
        (TRIP, "U1.TRIP", "U1"), (PRESSURE, "U1.PRESSURE", "U1"), (FIRE, "U1.FIRE", "U1"),
        (ELSEWHERE, "PLANT.WATER", "PLANT"), *((m, f"P2.M{m}", "P2") for m in MANY),
    ]:  # fmt: skip
        ModelInstance.objects.create(
            id=number, code=code, template=bearing, asset=assets[asset], partition=plant.u1, inputs={"t": 1, "v": 2}
        )
    titles = {"title_zh": "机组跳闸", "title_en": "Unit trip"}
    plant.group = AlarmGroup.objects.create(plant=Plant.objects.get(), code="u1-trip", body=BODY, **titles)
    return plant


def shown() -> set[tuple[int, str]]:
    return set(Alarm.objects.filter(is_open=True, is_suppressed=False).values_list("instance", "condition"))


def hidden() -> set[tuple[int, str]]:
    return set(Alarm.objects.filter(is_open=True, is_suppressed=True).values_list("instance", "condition"))


def everything() -> tuple[Any, ...]:
    """Return all that edges change, without the order in which one statement wrote the steps of one tick."""
    return (
        sorted(Alarm.objects.values_list(), key=str),
        sorted(AlarmTransition.objects.values_list("id", "alarm", "number", "name", "at", "before", "after", "value")),
        sorted(
            AlarmGroupState.objects.values_list("group", "digest", "trigger_at", "cause", "cause_instance", "since")
        ),
    )


def test_a_trip_with_thirty_consequences_shows_one_alarm(unit):
    done = unit.apply(*NORMAL, *FLOOD, seq=1)

    first = Alarm.objects.get(instance=PRESSURE)
    assert shown() == {(PRESSURE, "high")}
    assert hidden() == {(TRIP, "tripped"), *((m, "hot") for m in MANY)}
    assert set(Alarm.objects.filter(is_suppressed=True).values_list("suppressed_by", "suppressed_in")) == {
        (first.id, "u1-trip")
    }
    assert len(done.changed) == 32  # browsers hear of the suppressed ones too
    assert queries.summary()["suppressed"] == 31
    assert queries.summary()["unacked"] == [1, 0, 0, 0]
    assert queries.counts_by_asset() == {11: [1, 0, 0, 0, 1, 1], 13: [0, 0, 0, 0, 0, 30]}


def test_each_suppressed_alarm_says_by_what_since_when_and_until_when(unit, api):
    unit.apply(*NORMAL, *FLOOD)
    client = api()
    first = Alarm.objects.get(instance=PRESSURE)

    def get(path: str) -> Any:
        answer = client.get(f"/api/v1/alarms{path}")
        assert answer.status_code == 200, answer.content
        return answer.json()

    assert [a["instance"]["id"] for a in get("")["items"]] == [PRESSURE]
    assert len(get("?suppressed=show")["items"]) == 32
    only = get("?suppressed=only&state=open")["items"]
    assert len(only) == 31
    cause = {"id": str(first.id), "title": {"zh": first.title_zh, "en": first.title_en}}
    assert all(a["suppressed_by"] == {**cause, "instance": {"id": PRESSURE, "code": "U1.PRESSURE"}} for a in only)
    assert {(a["first_out"], a["group"], a["released_ms"]) for a in only} == {(False, "u1-trip", None)}
    trip = next(a for a in only if a["instance"]["id"] == TRIP)
    assert (trip["raised_ms"], trip["suppressed_ms"]) == (12_000, 12_000)
    assert len(get(f"?cause={first.id}")["items"]) == 31
    detail = get(f"/{first.id}")
    assert (detail["first_out"], detail["group"], detail["suppressing"], detail["suppressed_by"]) == (
        True, "u1-trip", 31, None,
    )  # fmt: skip
    assert (detail["suppressed"]["total"], detail["suppressed"]["ever"], len(detail["suppressed"]["items"])) == (
        31,
    ) * 3
    assert get("/summary")["suppressed"] == 31

    unit.apply((MANY[0], "hot", 40 * S, "clear"), (TRIP, "tripped", 60 * S, "clear"))
    ended, released = (Alarm.objects.get(instance=MANY[i]) for i in (0, 1))
    assert (ended.state, ended.is_suppressed) == ("cleared", True)
    after = get(f"/{released.id}")
    assert (after["state"], after["released_ms"], after["suppressed_by"]["id"]) == (
        "unacked_active", 60_000, str(first.id),
    )  # fmt: skip
    assert [(t["name"], t["at_ms"]) for t in after["transitions"]] == [
        ("raise", 13_000), ("suppress", 13_000), ("release", 60_000),
    ]  # fmt: skip
    assert after["transitions"][0]["value"] == 91.5
    assert after["transitions"][1]["value"] is None
    assert len(get("?state=all")["items"]) == 30  # the first-out and what was released; what ended was never shown
    over = get(f"/{first.id}")
    assert (over["suppressing"], over["suppressed"]["total"], over["suppressed"]["ever"]) == (0, 0, 31)
    assert len(over["suppressed"]["items"]) == 31


def test_list_and_detail_count_what_a_first_out_suppresses_alike(unit, api):
    unit.apply(*NORMAL, *FLOOD, *((m, "hot", 40 * S, "clear") for m in MANY[:10]))
    client = api()
    first = Alarm.objects.get(instance=PRESSURE)

    (listed,) = client.get("/api/v1/alarms?state=open").json()["items"]
    detail = client.get(f"/api/v1/alarms/{first.id}").json()

    assert listed["suppressing"] == detail["suppressing"] == detail["suppressed"]["total"] == 21
    assert detail["suppressed"]["ever"] == 31
    states = [a["state"] for a in detail["suppressed"]["items"]]
    assert states == ["unacked_active"] * 21 + ["cleared"] * 10  # what is hidden now comes first


def test_a_first_out_stays_among_the_open_alarms_as_long_as_it_hides_others(unit, api, person):
    unit.apply(*NORMAL, *FLOOD)
    first = Alarm.objects.get(instance=PRESSURE)
    services.acknowledge(person("early"), first.id, "", at=20 * S)
    unit.apply((PRESSURE, "high", 21 * S, "clear"))
    client = api()

    def listed(query: str) -> list[tuple[int, str, bool]]:
        items = client.get(f"/api/v1/alarms?{query}").json()["items"]
        return [(a["instance"]["id"], a["state"], a["group_active"]) for a in items]

    held = [(PRESSURE, "cleared", True)]
    assert listed("state=open") == held
    assert listed("state=open&asset=11&priority=1") == held
    assert listed("state=open&asset=13") == listed("state=open&priority=2") == listed("state=active") == []
    assert listed("state=open&suppressed=show&limit=500")[-1:] == held
    assert len(listed("state=open&suppressed=only")) == 31
    assert client.get("/api/v1/alarms/summary").json()["groups_active"] == 1
    page = client.get("/api/v1/alarms?state=open&suppressed=show&limit=31").json()
    rest = client.get(f"/api/v1/alarms?state=open&suppressed=show&limit=31&cursor={page['next']}").json()
    assert [a["id"] for a in rest["items"]] == [str(first.id)]

    changed = unit.apply((TRIP, "tripped", 60 * S, "clear")).changed

    assert first.id in changed  # browsers hear that it may go
    assert (PRESSURE, "cleared", True) not in listed("state=open")
    assert client.get("/api/v1/alarms/summary").json()["groups_active"] == 0
    assert client.get(f"/api/v1/alarms/{first.id}").json()["group_active"] is False


def test_what_ended_suppressed_is_shown_as_long_as_it_hides_others_itself(unit):
    body = {**BODY, "trigger": {"instance": "U1.FIRE", "condition": "on"}, "first_out": [], "never": []}
    AlarmGroup.objects.create(plant=Plant.objects.get(), code="u1-fire", body=body, title_zh="火", title_en="Fire")
    unit.apply((200, "hot", 10 * S, "raise"))
    AlarmGroup.objects.filter(code="u1-trip").update(
        body={**BODY, "first_out": [], "consequences": {"asset": "P2"}, "never": []}
    )
    # The trip hides what comes on P2; the fire, which comes in the same tick, hides the trip.
    unit.apply((FIRE, "on", 12 * S, "raise"), (TRIP, "tripped", 12 * S, "raise"))
    trip = Alarm.objects.get(instance=TRIP)
    assert trip.suppressed_by == Alarm.objects.get(instance=FIRE).id
    Alarm.objects.filter(instance=200).update(suppressed_by=trip.id, suppressed_in="u1-trip", is_suppressed=True)
    Alarm.objects.filter(id=trip.id).update(state="cleared", is_open=False)

    items, _ = queries.page("open", suppressed="hide")

    assert {(a["instance"]["id"], a["group_active"]) for a in queries.bodies(items)} == {(FIRE, False), (TRIP, True)}


def test_a_cause_whose_consequences_are_handed_to_another_is_told(unit):
    reason = {"instance": "U1.PRESSURE", "condition": "high"}
    fire = {
        "trigger": {"instance": "U1.FIRE", "condition": "on"}, "first_out": [reason], "look_back_s": 30.0,
        "consequences": {"asset": "U1"}, "never": [{"instance": "U1.FIRE"}, {"instance": "U1.TRIP"}],
    }  # fmt: skip
    AlarmGroup.objects.create(plant=Plant.objects.get(), code="u1-fire", body=fire, title_zh="火", title_en="Fire")
    AlarmGroup.objects.filter(code="u1-trip").update(
        body={**BODY, "first_out": [], "never": [{"instance": "U1.FIRE"}, reason]}
    )
    unit.apply((PRESSURE, "high", 10 * S, "raise"), (FIRE, "on", 11 * S, "raise"), (TRIP, "tripped", 12 * S, "raise"))
    unit.apply(*FLOOD)
    before, after = Alarm.objects.get(instance=PRESSURE), Alarm.objects.get(instance=TRIP)
    assert queries.body(before)["suppressing"] == 30

    changed = unit.apply((FIRE, "on", 30 * S, "clear")).changed

    assert [queries.body(a)["suppressing"] for a in (before, after)] == [0, 30]
    assert {before.id, after.id} <= set(changed)


def test_the_same_edges_in_other_transactions_with_stretches_repeated_give_the_same_records(unit):
    rng, tick, edges = random.Random(7), 20, [*NORMAL, *FLOOD]
    on = {(i, c): name == "raise" for i, c, _, name in edges}
    for _ in range(120):
        tick += 1
        keys = [(TRIP, "tripped"), (PRESSURE, "high"), *((m, "hot") for m in MANY[:8]), (FIRE, "on")]
        for key in rng.sample(keys, rng.randrange(4)):
            on[key] = not on.get(key, False)
            edges.append((*key, tick * S, "raise" if on[key] else "clear"))
    unit.apply(*edges, seq=1)
    whole = everything()
    assert len(set(Alarm.objects.values_list("state"))) >= 3
    AlarmTransition.objects.all().delete()
    for model in (Alarm, AlarmGroupState, services.AppliedEdge):
        model.objects.all().delete()

    at = 0
    while at < len(edges):
        start, stop = max(0, at - rng.randrange(40)), min(len(edges), at + rng.randrange(1, 60))
        unit.apply(*edges[start:stop], seq=stop)
        at = stop

    assert everything() == whole


def test_what_always_shows_is_shown(unit):
    unit.apply(
        *NORMAL, (FIRE, "on", 13 * S, "raise"), (200, "failing", 13 * S, "raise"), (ELSEWHERE, "low", 13 * S, "raise"),
        (unit.system, "link_lost", 13 * S, "raise"), (999, "odd", 13 * S, "raise"),
    )  # fmt: skip

    assert shown() == {
        (PRESSURE, "high"), (FIRE, "on"), (200, "failing"), (ELSEWHERE, "low"), (unit.system, "link_lost"), (999, "odd"),
    }  # fmt: skip


def test_a_suppressed_alarm_cannot_be_acknowledged_and_the_refusal_names_the_cause(unit, api):
    unit.apply(*NORMAL, *FLOOD)
    client = api()
    first, trip = Alarm.objects.get(instance=PRESSURE), Alarm.objects.get(instance=TRIP)

    answer = client.post(f"/api/v1/alarms/{trip.id}/acknowledge", {"comment": "x"}, "application/json")
    several = client.post(
        "/api/v1/alarms/acknowledge", {"ids": [str(first.id), str(trip.id)], "comment": ""}, "application/json"
    ).json()["items"]

    assert answer.status_code == 409
    assert (answer.json()["code"], answer.json()["params"]["cause"]) == ("alarm.suppressed", str(first.id))
    assert "U1.PRESSURE" in answer.json()["title"]
    assert [(i["alarm"] and i["alarm"]["state"], i["error"] and i["error"]["code"]) for i in several] == [
        ("acked_active", None), (None, "alarm.suppressed"),
    ]  # fmt: skip
    assert set(Alarm.objects.filter(is_suppressed=True).values_list("state", "acked_by")) == {("unacked_active", "")}


def test_who_acknowledged_before_the_trip_is_not_said_of_what_is_released_but_kept_in_its_story(unit, person):
    unit.apply((PRESSURE, "high", 10 * S, "raise"), (200, "hot", 11 * S, "raise"))
    alarm = Alarm.objects.get(instance=200)
    services.acknowledge(person(), alarm.id, "seen", at=11 * S)
    unit.apply((TRIP, "tripped", 12 * S, "raise"))
    alarm.refresh_from_db()
    assert (alarm.state, alarm.is_suppressed, alarm.acked_by) == ("acked_active", True, "op")

    unit.apply((TRIP, "tripped", 20 * S, "clear"))

    alarm.refresh_from_db()
    assert (alarm.state, alarm.acked_by, alarm.comment, alarm.acked_at) == ("unacked_active", "", "", None)
    step = alarm.transitions.get(name="acknowledge")
    assert (step.by, step.comment) == ("op", "seen")


def edit_body(unit: Any) -> None:
    AlarmGroup.objects.update(body={**BODY, "look_back_s": 31.0})


def retire_group(unit: Any) -> None:
    AlarmGroup.objects.update(retired_at=1)


def retire_trigger(unit: Any) -> None:
    ModelInstance.objects.filter(id=TRIP).update(retired_at=1)


def retire_partition(unit: Any) -> None:
    Partition.objects.update(retired_at=1)


@pytest.mark.parametrize("edit", [edit_body, retire_group, retire_trigger, retire_partition])
def test_a_group_that_is_no_longer_what_it_was_shows_everything_again(unit, edit):
    unit.apply(*NORMAL, *FLOOD)
    assert services.end_stale_groups(unit.tenant, 70 * S) == {}
    edit(unit)

    changed = services.end_stale_groups(unit.tenant, 77 * S)

    assert set(changed) == {"u1"}
    assert len(changed["u1"]) == 32
    assert hidden() == set()
    assert len(shown()) == 32
    assert set(Alarm.objects.exclude(instance=PRESSURE).values_list("released_at", flat=True)) == {77 * S}
    assert not AlarmGroupState.objects.exists()
    assert services.end_stale_groups(unit.tenant, 78 * S) == {}
    unit.apply((TRIP, "tripped", 80 * S, "clear"), (FIRE, "on", 80 * S, "raise"))  # the engine says it later
    assert Alarm.objects.get(instance=TRIP).state == "unacked_cleared"


def test_another_title_is_not_another_group(unit):
    unit.apply(*NORMAL, *FLOOD)
    AlarmGroup.objects.update(title_en="Trip of unit 1")
    assert services.end_stale_groups(unit.tenant, 70 * S) == {}
    assert len(hidden()) == 31


def test_the_next_edge_after_an_edit_finds_the_group_ended(unit):
    unit.apply(*NORMAL, *FLOOD)
    edit_body(unit)

    done = unit.apply((FIRE, "on", 80 * S, "raise"))

    assert hidden() == set()
    assert len(done.changed) == 33


def test_when_edges_may_be_lost_everything_is_shown(unit):
    unit.apply(*NORMAL, *FLOOD)
    assert len(services.end_all_groups(unit.tenant, "u1", 90 * S)) == 32
    assert hidden() == set()
    assert services.end_all_groups(unit.tenant, "other", 90 * S) == []


def test_what_fails_in_the_middle_leaves_no_group_begun(unit, monkeypatch):
    def broken(*_, **__):
        raise IntegrityError("cut off")

    with monkeypatch.context() as m:
        m.setattr(services, "set_position", broken)
        with pytest.raises(IntegrityError):
            unit.apply(*NORMAL, *FLOOD, seq=2)
    assert not Alarm.objects.exists()
    assert not AlarmGroupState.objects.exists()

    unit.apply(*NORMAL, *FLOOD, seq=2)
    assert len(hidden()) == 31


def test_a_group_acts_in_the_partition_of_its_trigger_only(unit):
    from headworks.bus.messages import Edge

    other = Partition.objects.create(plant=Plant.objects.get(), code="u9", asset=Asset.objects.get(code="P2"))
    ModelInstance.objects.filter(id=200).update(partition=other)
    unit.apply(*NORMAL)
    edge = Edge(200, "hot", 13 * S, "raise", 1.0, 0)
    services.apply_edges("u9", [edge], None, tenant="main", stream="OUT_main_u9")

    assert shown() == {(PRESSURE, "high"), (200, "hot")}


def test_a_flood_is_few_statements(unit, django_assert_max_num_queries):
    with django_assert_max_num_queries(20):
        unit.apply(*NORMAL, *FLOOD)
    with django_assert_max_num_queries(20):
        unit.apply(*((m, "hot", 30 * S, "clear") for m in MANY), (TRIP, "tripped", 31 * S, "clear"))
    assert shown() == {(PRESSURE, "high")}
    assert Alarm.objects.filter(state="cleared", is_suppressed=True).count() == 31


def test_bodies_of_a_page_are_few_queries(unit, django_assert_num_queries):
    unit.apply(*NORMAL, *FLOOD)
    items, _ = queries.page()
    with django_assert_num_queries(3):
        queries.bodies(items)


def test_a_race_for_the_acknowledgement_of_the_first_out_leaves_the_suppressed_alone(unit, person):
    unit.apply(*NORMAL, *FLOOD)
    first = Alarm.objects.get(instance=PRESSURE)
    services.acknowledge(person(), first.id, "", at=50 * S)
    unit.apply((PRESSURE, "high", 51 * S, "clear"))
    with pytest.raises(Conflict):
        services.acknowledge(person("late"), first.id, "", at=52 * S)

    assert shown() == set()
    assert len(hidden()) == 31  # the trip still stands; each names a cause that is kept
    assert set(Alarm.objects.filter(is_suppressed=True).values_list("suppressed_by", flat=True)) == {first.id}
