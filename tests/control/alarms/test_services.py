"""Edges become records exactly once, and people acknowledge them."""

from __future__ import annotations

import random
import threading
from uuid import UUID

import pytest
from django.db import IntegrityError, connection
from structlog.testing import capture_logs

from headworks.alarming import machine
from headworks.alarming.machine import Track
from headworks.base import ids
from headworks.base.errors import Conflict, Forbidden, Invalid, NotFound
from headworks.bus.messages import Edge
from headworks.control.access.models import AuditEntry
from headworks.control.alarms import services
from headworks.control.alarms.models import Alarm, AlarmTransition, AppliedEdge, StreamPosition

pytestmark = pytest.mark.feature("PLT-10")


def test_a_raise_makes_a_record_that_carries_its_story(plant):
    done = plant.apply((100, "hot", 5_000_000, "raise", 91.5), seq=7)

    expected = ids.alarm_id("main", 100, "hot", 5_000_000)
    assert done.changed == (expected,)
    alarm = Alarm.objects.get()
    assert alarm.id == expected
    assert (alarm.state, alarm.raised_at, alarm.value, alarm.unit, alarm.limit) == (
        "unacked_active", 5_000_000, 91.5, "℃", 85.0,
    )  # fmt: skip
    assert (alarm.title_zh, alarm.title_en, alarm.priority, alarm.guidance["actions"][0]["en"]) == (
        "轴承温度高", "Bearing hot", 2, "Check the oil level.",
    )  # fmt: skip
    assert (alarm.instance_code, alarm.asset, alarm.asset_code, alarm.tags) == ("P1.BEARING", 12, "P1", [1])
    assert StreamPosition.objects.get().seq == 7
    step = AlarmTransition.objects.get()
    assert step.id == ids.transition_id(expected, 5_000_000, "raise")
    assert (step.number, step.before, step.after) == (1, "normal", "unacked_active")


def test_evidence_of_a_combined_condition_is_every_tag_it_depends_on(plant):
    plant.apply((101, "failing", 1, "raise", float("nan")))

    alarm = Alarm.objects.get()
    assert alarm.tags == [3, 4]
    assert (alarm.value, alarm.limit, alarm.unit) == (None, None, "")


def test_the_platforms_own_conditions_have_titles_and_priority_1(plant):
    plant.apply((plant.system, "log_full", 9, "raise"))

    alarm = Alarm.objects.get()
    assert alarm.priority == 1
    assert "full" in alarm.title_en
    assert "已满" in alarm.title_zh
    assert alarm.asset_code == "U1"


def test_edges_said_again_change_nothing(plant):
    edges = [(100, "hot", 1, "raise"), (100, "hot", 4, "clear"), (101, "hot", 2, "raise")]
    plant.apply(*edges, seq=3)
    before = list(AlarmTransition.objects.values_list("id", "number"))

    done = plant.apply(*edges, *edges[:1], seq=4)

    assert (done.applied, done.repeated, done.changed) == (0, 4, ())
    assert list(AlarmTransition.objects.values_list("id", "number")) == before
    assert StreamPosition.objects.get().seq == 4


def test_a_state_said_again_is_a_warning_for_a_model_and_none_for_the_platforms_own_conditions(plant):
    def say(instance, condition, *steps):
        edges = [Edge(instance, condition, tick, name, 0.0, 0) for tick, name in steps]
        with capture_logs() as said:
            done = services.apply_edges("u1", edges, 1, tenant="main", stream=plant.stream, system=plant.system)
        return (done.applied, done.repeated, done.out_of_step), [s["event"] for s in said]

    # connect starts: the link is there, as it was; then it starts again while the link is lost
    assert say(plant.system, "link_lost:dcs", (1, "clear")) == ((0, 1, 0), [])
    assert say(plant.system, "link_lost:dcs", (2, "raise"), (3, "raise")) == ((1, 1, 0), [])
    assert say(plant.system, "link_lost:dcs", (4, "clear"), (4, "clear")) == ((1, 1, 0), [])
    assert say(100, "hot", (1, "clear")) == ((0, 0, 1), ["edge out of step"])
    assert say(100, "hot", (2, "raise"), (3, "raise")) == ((1, 0, 1), ["edge out of step"])


def test_records_equal_the_state_machine_for_any_cut_of_the_stream(plant):
    """Seeded streams of many conditions, cut anywhere, with whole stretches repeated."""
    rng = random.Random(20_260_101)
    on: dict[tuple[int, str], bool] = {}
    stream = []
    for tick in range(1, 400):
        key = (rng.choice([100, 101]), rng.choice(["hot", "failing"]))
        on[key] = not on.get(key, False)
        stream.append((*key, tick, "raise" if on[key] else "clear"))
    at = 0
    while at < len(stream):
        start, stop = max(0, at - rng.randrange(30)), min(len(stream), at + rng.randrange(1, 90))
        plant.apply(*stream[start:stop], seq=stop)
        at = stop

    found = set(AlarmTransition.objects.values_list("alarm__instance", "alarm__condition", "at", "name"))
    assert found == set(stream)
    assert AlarmTransition.objects.count() == len(stream)
    tracks = {k: Track(tenant="main", instance=k[0], condition=k[1]) for k in on}
    expected = {}
    for instance, condition, tick, name in stream:
        key = (instance, condition)
        tracks[key], alarm, _, _ = machine.on_edge(tracks[key], tick, name)
        expected[alarm.id] = (str(alarm.state), alarm.raised_at, alarm.cleared_at)
    assert {a.id: (a.state, a.raised_at, a.cleared_at) for a in Alarm.objects.all()} == expected


def test_what_fails_in_the_middle_leaves_neither_rows_nor_position(plant, monkeypatch):
    plant.apply((100, "hot", 1, "raise"), seq=1)

    def broken(*_, **__):
        raise IntegrityError("cut off")

    monkeypatch.setattr(services, "set_position", broken)
    with pytest.raises(IntegrityError):
        plant.apply((100, "hot", 2, "clear"), seq=2)

    assert Alarm.objects.get().state == "unacked_active"
    assert AppliedEdge.objects.get().tick == 1
    assert StreamPosition.objects.get().seq == 1


def test_more_edges_than_a_transaction_takes_are_all_applied_and_the_position_comes_last(plant):
    edges = [(100, "hot", i, "raise" if i % 2 else "clear") for i in range(1, 452)]

    done = plant.apply(*edges, seq=99)

    assert done.applied == 451
    assert AlarmTransition.objects.count() == 451
    assert services.position(plant.stream) == 99


def test_an_edge_of_an_unknown_instance_is_an_alarm_all_the_same(plant):
    plant.apply((999, "odd", 1, "raise"))

    alarm = Alarm.objects.get()
    assert (alarm.instance_code, alarm.asset, alarm.title_en) == ("#999", None, "System condition: odd")


def test_an_acknowledgement_is_kept_with_name_comment_and_audit(plant, person):
    (alarm_id,) = plant.apply((100, "hot", 1, "raise")).changed

    services.acknowledge(person(), alarm_id, "  oil filled ", at=50, address="10.0.0.9")

    alarm = Alarm.objects.get()
    assert (alarm.state, alarm.acked_at, alarm.acked_by, alarm.comment) == ("acked_active", 50, "op", "oil filled")
    step = alarm.transitions.last()
    assert (step.number, step.name, step.by, step.comment) == (2, "acknowledge", "op", "oil filled")
    entry = AuditEntry.objects.get(action="alarms.acknowledge")
    assert (entry.actor, entry.object_id, entry.address) == ("op", str(alarm_id), "10.0.0.9")


def test_a_cleared_alarm_closes_when_it_is_acknowledged_and_the_next_raise_is_a_new_one(plant, person):
    (alarm_id,) = plant.apply((100, "hot", 1, "raise"), (100, "hot", 3, "clear")).changed
    services.acknowledge(person(), alarm_id, "", at=50)

    (second,) = plant.apply((100, "hot", 9, "raise")).changed

    assert Alarm.objects.get(id=alarm_id).state == "cleared"
    assert second == ids.alarm_id("main", 100, "hot", 9)


def test_refusals_say_why_and_change_nothing(plant, person):
    (alarm_id,) = plant.apply((100, "hot", 1, "raise")).changed
    operator, viewer = person("op"), person("eye", "viewer")

    with pytest.raises(Forbidden) as refused:
        services.acknowledge(viewer, alarm_id, "", at=5)
    assert refused.value.params == {"permission": "alarms.acknowledge"}
    with pytest.raises(Invalid) as invalid:
        services.acknowledge(operator, alarm_id, "x" * 501, at=5)
    assert invalid.value.params == {"length": 501, "limit": 500}
    with pytest.raises(NotFound):
        services.acknowledge(operator, UUID(int=5), "", at=5)
    assert Alarm.objects.get().state == "unacked_active"

    services.acknowledge(operator, alarm_id, "first", at=5_000)
    with pytest.raises(Conflict) as conflict:
        services.acknowledge(person("late"), alarm_id, "second", at=9_000)
    assert conflict.value.error_code == "alarm.already_acknowledged"
    assert conflict.value.params == {"by": "op", "at_ms": 5}
    assert Alarm.objects.get().comment == "first"
    assert AlarmTransition.objects.count() == 2
    assert AuditEntry.objects.filter(action="alarms.acknowledge").count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.feature("N-03")
def test_of_many_at_the_same_moment_exactly_one_acknowledges(plant, person):
    (alarm_id,) = plant.apply((100, "hot", 1, "raise")).changed
    people = [person(f"op{i}") for i in range(4)]
    results, start = [], threading.Barrier(4)

    def acknowledge(user):
        start.wait()
        try:
            services.acknowledge(user, alarm_id, user.username, at=7)
            results.append(user.username)
        except Conflict:
            results.append("conflict")
        finally:
            connection.close()

    threads = [threading.Thread(target=acknowledge, args=(u,)) for u in people]
    for t in threads:
        t.start()
    for t in threads:
        t.join()

    winner = [r for r in results if r != "conflict"]
    assert len(winner) == 1
    assert results.count("conflict") == 3
    assert Alarm.objects.get().comment == winner[0]
    assert AlarmTransition.objects.filter(name="acknowledge").count() == 1


def test_newest_changed_names_the_alarms_of_the_newest_transitions_of_the_partition(plant):
    first = plant.apply((100, "hot", 1, "raise")).changed
    second = plant.apply((101, "hot", 2, "raise"), (100, "hot", 3, "clear")).changed

    assert services.newest_changed("u1", 1) == list(first)
    assert set(services.newest_changed("u1")) == set(second)
    assert services.newest_changed("other") == []


def test_200_edges_are_one_transaction_of_few_statements(plant, django_assert_max_num_queries):
    edges = [Edge(10_000 + i, "hot", 1, "raise", 1.0, 0) for i in range(200)]

    with django_assert_max_num_queries(40):
        services.apply_edges("u1", edges, 1, tenant="main", stream=plant.stream)

    assert Alarm.objects.count() == 200
