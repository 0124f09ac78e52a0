"""The state machine of an alarm: what it allows, what it refuses, and that repeats change nothing."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headworks.alarming import machine
from headworks.alarming.machine import Alarm, Outcome, State, Track, Transition
from headworks.base import ids
from headworks.base.errors import Conflict, Fault

pytestmark = pytest.mark.feature("PLT-10")

TRACK = Track(tenant="main", instance=7, condition="high")


def walk(steps: list[tuple[int, str]]) -> tuple[Track, list[Transition], dict[object, Alarm]]:
    """Run edges and acknowledgements; an acknowledgement meets the newest alarm."""
    track, done, alarms = TRACK, [], {}
    newest: Alarm | None = None
    for at, name in steps:
        if name == "acknowledge":
            if newest is None:
                continue
            try:
                newest, transition = machine.acknowledge(newest, at)
            except Conflict:
                continue
            if track.alarm is not None:
                track = Track(
                    tenant=track.tenant,
                    instance=track.instance,
                    condition=track.condition,
                    applied=track.applied,
                    alarm=None if newest.state is State.CLEARED else newest,
                )
        else:
            track, alarm, transition, outcome = machine.on_edge(track, at, name)
            assert (outcome is Outcome.APPLIED) == (transition is not None) == (alarm is not None)
            newest = alarm or newest
        if transition is not None:
            done.append(transition)
            alarms[newest.id] = newest
    return track, done, alarms


def test_the_usual_life_raise_acknowledge_clear_is_one_closed_record():
    track, done, alarms = walk([(10, "raise"), (12, "acknowledge"), (20, "clear")])

    assert track.alarm is None
    assert track.applied == 20
    assert [(t.name, t.before, t.after) for t in done] == [
        ("raise", "normal", "unacked_active"),
        ("acknowledge", "unacked_active", "acked_active"),
        ("clear", "acked_active", "cleared"),
    ]
    (alarm,) = alarms.values()
    assert alarm == Alarm(
        id=ids.alarm_id("main", 7, "high", 10),
        state=State.CLEARED,
        raised_at=10,
        active_at=10,
        cleared_at=20,
        acked_at=12,
    )


def test_a_condition_that_comes_back_before_anyone_acknowledged_is_the_same_alarm():
    track, done, alarms = walk([(10, "raise"), (20, "clear"), (30, "raise")])

    assert len(alarms) == 1
    assert track.alarm == Alarm(
        id=ids.alarm_id("main", 7, "high", 10), state=State.UNACKED_ACTIVE, raised_at=10, active_at=30
    )
    assert [t.after for t in done] == ["unacked_active", "unacked_cleared", "unacked_active"]


def test_after_the_record_is_closed_the_next_raise_opens_a_new_one():
    _, _, alarms = walk([(10, "raise"), (20, "clear"), (25, "acknowledge"), (30, "raise")])

    assert [a.state for a in alarms.values()] == ["cleared", "unacked_active"]
    assert list(alarms) == [ids.alarm_id("main", 7, "high", 10), ids.alarm_id("main", 7, "high", 30)]


@pytest.mark.parametrize("state", [State.ACKED_ACTIVE, State.CLEARED])
def test_a_second_acknowledgement_is_refused(state):
    alarm = Alarm(id=ids.alarm_id("main", 7, "high", 1), state=state, raised_at=1, active_at=1, acked_at=5)

    with pytest.raises(Conflict) as e:
        machine.acknowledge(alarm, 9)

    assert e.value.error_code == "alarm.already_acknowledged"
    assert e.value.params == {"by": "", "state": str(state)}


@pytest.mark.parametrize(
    ("steps", "name"),
    [([], "clear"), ([(1, "raise")], "raise"), ([(1, "raise"), (2, "acknowledge")], "raise"),
     ([(1, "raise"), (2, "clear")], "clear")],
)  # fmt: skip
def test_an_edge_that_cannot_happen_is_out_of_step_and_changes_only_the_tick(steps, name):
    track, _, _ = walk(steps)

    new, alarm, transition, outcome = machine.on_edge(track, 50, name)

    assert (alarm, transition, outcome) == (None, None, Outcome.OUT_OF_STEP)
    assert new.applied == 50
    assert new.alarm == track.alarm


def test_every_pair_of_state_and_transition_is_decided():
    names = ("raise", "clear", "acknowledge", "suppress", "release")
    shown, hidden = (
        {(str(s), n): str(new) for s, n in itertools.product(State, names) if (new := machine.after(s, n, suppressed))}
        for suppressed in (False, True)
    )
    assert shown == {
        ("normal", "raise"): "unacked_active",
        ("unacked_active", "clear"): "unacked_cleared",
        ("unacked_active", "acknowledge"): "acked_active",
        ("acked_active", "clear"): "cleared",
        ("unacked_cleared", "raise"): "unacked_active",
        ("unacked_cleared", "acknowledge"): "cleared",
        ("unacked_active", "suppress"): "unacked_active",
        ("acked_active", "suppress"): "acked_active",
        ("unacked_cleared", "suppress"): "cleared",
    }
    assert hidden == {
        ("unacked_active", "clear"): "cleared",
        ("acked_active", "clear"): "cleared",
        ("unacked_active", "release"): "unacked_active",
        ("acked_active", "release"): "unacked_active",
    }


def test_suppressing_or_releasing_what_cannot_be_is_a_bug_that_is_told():
    alarm = Alarm(id=ids.alarm_id("main", 7, "high", 1), state=State.UNACKED_ACTIVE, raised_at=1, active_at=1)
    cause = ids.alarm_id("main", 8, "high", 1)
    hidden, first = machine.suppress(alarm, cause, "trip", 5)
    shown, second = machine.release(hidden, 9)

    with pytest.raises(Fault):
        machine.suppress(hidden, cause, "trip", 6)
    with pytest.raises(Fault):
        machine.release(alarm, 6)
    assert (hidden.suppressed, shown.suppressed, shown.suppressed_by, shown.released_at) == (True, False, cause, 9)
    again, third = machine.suppress(shown, cause, "other", 5)
    assert again.suppressed
    assert len({first.id, second.id, third.id}) == 3


names = st.sampled_from(["raise", "clear", "acknowledge"])
histories = st.lists(names, max_size=40).map(lambda ns: [(10 * (i + 1), n) for i, n in enumerate(ns)])


@given(histories, st.data())
def test_repeats_change_nothing(steps, data):
    """After a restart a stretch of edges comes again, at any place and of any length; people may click twice."""
    repeated: list[tuple[int, str]] = []
    for i, step in enumerate(steps):
        repeated.append(step)
        if step[1] == "acknowledge":
            repeated += [step] * data.draw(st.integers(0, 2))
        elif data.draw(st.booleans()):
            back = data.draw(st.integers(0, i))
            repeated += [s for s in steps[back : i + 1] if s[1] != "acknowledge"]

    assert walk(repeated) == walk(steps)


@given(histories)
def test_a_replay_gives_equal_ids_and_unique_transitions(steps):
    first, second = walk(steps), walk(steps)

    assert first == second
    transitions = [t.id for t in first[1]]
    assert len(set(transitions)) == len(transitions)


@given(histories)
def test_transitions_of_an_alarm_form_one_path_and_only_the_last_record_may_be_open(steps):
    track, done, alarms = walk(steps)

    for alarm, path in itertools.groupby(done, key=lambda t: t.alarm):
        path = list(path)
        assert path[0].before == "normal"
        assert [p.after for p in path[:-1]] == [p.before for p in path[1:]]
        assert path[-1].after == alarms[alarm].state
    open_records = [a for a in alarms.values() if a.state != "cleared"]
    assert open_records == ([track.alarm] if track.alarm else [])
    assert len({t.alarm for t in done}) == len(alarms) == sum(1 for t in done if t.before == "normal")
