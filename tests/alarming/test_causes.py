"""First-out and suppression: what is shown when a trip brings thirty alarms, and that nothing is ever lost by it."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headworks.alarming import machine
from headworks.alarming.causes import Active, Board, Group, Key
from headworks.alarming.machine import ACTIVE, Alarm, Outcome, Track
from headworks.base.errors import Conflict

pytestmark = pytest.mark.feature("PLT-10")

S = 1_000_000
TRIP, PRESSURE, FLAME, FAN, MILL, FIRE, FAR = ((i, "c") for i in range(1, 8))
NEVER = {FIRE}
U2 = Group(
    code="u2",
    trigger=TRIP,
    first_out=(PRESSURE, FLAME),
    look_back=30 * S,
    may_hide=lambda k: k not in NEVER and k != FAR,
)
MILLS = Group(code="mill", trigger=MILL, first_out=(FAN, TRIP), look_back=5 * S, may_hide=lambda k: k not in NEVER)
EVERY = (TRIP, PRESSURE, FLAME, FAN, MILL, FIRE, FAR)


class World:
    """Alarm records as a database keeps them. At every `cut` the board is made anew from what is kept, as little as needed."""

    def __init__(self, *groups: Group) -> None:
        self.groups = groups
        self.tracks: dict[Key, Track] = {}
        self.active: list[Active] = []
        self.records: dict[UUID, Alarm] = {}
        self.keys: dict[UUID, Key] = {}
        self.steps: list[tuple[Any, ...]] = []
        self.outcomes: list[Outcome] = []
        self.board = self._new_board()

    def _new_board(self, wanted: Iterable[Key] | None = None) -> Board:
        if wanted is None:
            return Board("main", self.groups, self.tracks, self.active)
        few = self.tracks.keys() & ({a.cause_key for a in self.active} | set(wanted))
        known = {k: self.tracks[k] for k in few}
        return Board("main", self.groups, known, self.active, self._load_open)

    def _load_open(self) -> dict[Key, Track]:
        return {k: msgspec.structs.replace(t, applied=machine.NEVER) for k, t in self.tracks.items() if t.alarm}

    def cut(self, next_keys: Iterable[Key]) -> None:
        self._keep()
        self.board = self._new_board(next_keys)

    def _keep(self) -> None:
        for key, track in self.board.tracks.items():
            known = self.tracks.get(key)
            applied = max(track.applied, known.applied if known else machine.NEVER)
            self.tracks[key] = msgspec.structs.replace(track, applied=applied)
        self.active = list(self.board.active.values())

    def edge(self, key: Key, tick: int, name: Any) -> None:
        outcome, steps = self.board.apply(key, tick, name)
        self.outcomes.append(outcome)
        self.take(steps)

    def take(self, steps: Iterable[Any]) -> None:
        for step in steps:
            self.records[step.alarm.id] = step.alarm
            self.keys[step.alarm.id] = step.key
            if step.transition:
                self.steps.append((step.key, step.transition))
        self._keep()

    def acknowledge(self, key: Key, at: int) -> None:
        track = self.tracks.get(key)
        if track is None or track.alarm is None:
            return
        try:
            alarm, _ = machine.acknowledge(track.alarm, at)
        except Conflict:
            return
        self.records[alarm.id] = alarm
        opened = alarm if alarm.state in machine.OPEN else None
        self.board.tracks[key] = self.tracks[key] = msgspec.structs.replace(track, alarm=opened)

    def of(self, key: Key) -> Alarm:
        """Return the newest alarm of a condition."""
        return max((a for i, a in self.records.items() if self.keys[i] == key), key=lambda a: a.raised_at)

    def shown(self) -> set[Key]:
        return {self.keys[i] for i, a in self.records.items() if a.state in machine.OPEN and not a.suppressed}

    def suppressed(self) -> set[Key]:
        return {self.keys[i] for i, a in self.records.items() if a.state in machine.OPEN and a.suppressed}


def after(*edges: tuple[Key, float, str], groups: tuple[Group, ...] = (U2,)) -> World:
    world = World(*groups)
    for key, second, name in edges:
        world.edge(key, round(second * S), name)
    return world


def test_the_first_out_is_shown_and_what_came_with_the_trip_is_suppressed_by_it():
    world = after(
        (FAN, 8, "raise"), (PRESSURE, 10, "raise"), (MILL, 11, "raise"), (TRIP, 12, "raise"), (FLAME, 13, "raise")
    )

    assert world.shown() == {FAN, PRESSURE}  # the fan was on the screen before
    assert world.suppressed() == {MILL, TRIP, FLAME}
    first = world.of(PRESSURE)
    assert (first.first_out_of, first.suppressed) == ("u2", False)
    assert {(a.suppressed_by, a.suppressed_in) for k in (MILL, TRIP, FLAME) for a in [world.of(k)]} == {
        (first.id, "u2")
    }
    assert [world.of(k).suppressed_at for k in (MILL, TRIP, FLAME)] == [12 * S, 12 * S, 13 * S]


def test_without_a_candidate_the_trip_itself_is_the_first_out():
    world = after((FAN, 10, "raise"), (TRIP, 12, "raise"), (MILL, 12, "raise"))

    assert world.shown() == {FAN, TRIP}
    assert world.of(TRIP).first_out_of == "u2"


@pytest.mark.parametrize(("at", "first"), [(12 - 30, PRESSURE), (12 - 30 - 1, TRIP)])
def test_a_candidate_counts_if_it_was_raised_within_look_back(at, first):
    world = after((PRESSURE, at, "raise"), (TRIP, 12, "raise"))
    assert {k for k in (PRESSURE, TRIP) if world.of(k).first_out_of} == {first}
    assert (PRESSURE in world.shown()) is True  # before the trip or the reason of it: either way it is shown


def test_a_candidate_of_yesterday_that_comes_back_just_before_the_trip_is_the_first_out():
    world = after(
        (PRESSURE, -86_000, "raise"), (PRESSURE, -85_000, "clear"), (PRESSURE, 10, "raise"), (FAN, 11, "raise"),
        (TRIP, 12, "raise"),
    )  # fmt: skip

    assert world.of(PRESSURE).first_out_of == "u2"
    assert world.shown() == {PRESSURE}
    assert world.of(FAN).suppressed_by == world.of(PRESSURE).id


def test_the_reason_may_follow_the_trip_within_one_tick():
    edges = [(FAN, 12, "raise"), (FLAME, 12, "raise"), (PRESSURE, 12, "raise"), (TRIP, 12, "raise")]
    worlds = [after(*order) for order in itertools.permutations(edges)]

    for world in worlds:
        assert world.shown() == {PRESSURE}  # of one tick, the one that is named first
        assert world.records == worlds[0].records
        assert sorted(t.id for _, t in world.steps) == sorted(t.id for _, t in worlds[0].steps)


def test_what_clears_while_suppressed_ends_and_what_stands_is_released_with_the_trip():
    world = after(
        (PRESSURE, 10, "raise"), (TRIP, 12, "raise"), (MILL, 13, "raise"), (FAN, 13, "raise"), (MILL, 20, "clear"),
        (TRIP, 99, "clear"),
    )  # fmt: skip

    assert (world.of(MILL).state, world.of(MILL).suppressed, world.of(MILL).released_at) == ("cleared", True, None)
    assert (world.of(TRIP).state, world.of(TRIP).suppressed) == ("cleared", True)
    fan = world.of(FAN)
    assert (fan.state, fan.suppressed, fan.suppressed_at, fan.released_at) == ("unacked_active", False, 13 * S, 99 * S)
    assert world.shown() == {PRESSURE, FAN}
    assert not world.active
    assert [(t.name, t.before, t.after) for k, t in world.steps if k == FAN] == [
        ("raise", "normal", "unacked_active"), ("suppress", "unacked_active", "unacked_active"),
        ("release", "unacked_active", "unacked_active"),
    ]  # fmt: skip


def test_an_alarm_that_was_over_before_the_trip_but_not_acknowledged_ends_with_the_suppression():
    world = after((PRESSURE, 10, "raise"), (FAN, 10, "raise"), (FAN, 11, "clear"), (TRIP, 12, "raise"))
    assert (world.of(FAN).state, world.of(FAN).suppressed_by) == ("cleared", world.of(PRESSURE).id)


def test_what_was_acknowledged_before_the_trip_has_to_be_seen_again_when_it_is_released():
    world = after((PRESSURE, 10, "raise"), (FAN, 11, "raise"))
    world.acknowledge(FAN, 11 * S)
    world.edge(TRIP, 12 * S, "raise")
    assert (world.of(FAN).state, world.of(FAN).suppressed) == ("acked_active", True)
    world.edge(TRIP, 20 * S, "clear")
    assert (world.of(FAN).state, world.of(FAN).suppressed, world.of(FAN).acked_at) == ("unacked_active", False, None)


def test_a_suppressed_alarm_cannot_be_acknowledged_and_says_by_what():
    world = after((PRESSURE, 10, "raise"), (TRIP, 12, "raise"))
    with pytest.raises(Conflict) as e:
        machine.acknowledge(world.of(TRIP), 13 * S)
    assert (e.value.error_code, e.value.params["cause"]) == ("alarm.suppressed", str(world.of(PRESSURE).id))


def test_acknowledging_the_first_out_acknowledges_nothing_else():
    world = after((PRESSURE, 10, "raise"), (TRIP, 12, "raise"), (FAN, 12, "raise"))
    world.acknowledge(PRESSURE, 13 * S)
    world.edge(PRESSURE, 14 * S, "clear")

    assert (world.of(PRESSURE).state, world.suppressed()) == ("cleared", {TRIP, FAN})
    world.edge(MILL, 15 * S, "raise")  # the first-out has ended, the trip stands
    assert world.of(MILL).suppressed_by == world.of(PRESSURE).id
    world.edge(PRESSURE, 16 * S, "raise")  # the reason again: that is news
    assert PRESSURE in world.shown()


def test_what_always_shows_and_what_is_elsewhere_is_not_suppressed():
    world = after((PRESSURE, 10, "raise"), (TRIP, 12, "raise"), (FIRE, 12, "raise"), (FAR, 13, "raise"))
    assert world.shown() == {PRESSURE, FIRE, FAR}


def test_a_group_that_is_ended_from_outside_shows_everything_and_begins_again_with_the_next_trip():
    world = after((PRESSURE, 10, "raise"), (TRIP, 12, "raise"), (FAN, 13, "raise"))
    world.take(world.board.end("u2", 50 * S))
    assert (world.suppressed(), world.of(FAN).released_at) == (set(), 50 * S)
    world.take(world.board.end("u2", 51 * S))  # nothing to end

    world.edge(TRIP, 60 * S, "clear")
    world.edge(TRIP, 61 * S, "raise")
    assert world.of(TRIP).first_out_of == "u2"
    assert world.suppressed() == set()  # they were on the screen before this trip


def test_an_alarm_of_two_groups_is_handed_to_the_one_that_still_stands():
    world = after(
        (TRIP, 10, "raise"), (MILL, 12, "raise"), (FAN, 13, "raise"), (TRIP, 20, "clear"), groups=(U2, MILLS)
    )  # fmt: skip
    assert world.shown() == {TRIP}  # it came first in both
    assert world.of(FAN).suppressed_in == "mill"
    world.edge(MILL, 30 * S, "clear")
    assert world.shown() == {TRIP, FAN}


def test_two_groups_whose_first_outs_are_consequences_of_each_other_never_hide_both():
    one = Group(code="one", trigger=TRIP, look_back=0, may_hide=lambda _: True)
    two = Group(code="two", trigger=MILL, look_back=0, may_hide=lambda _: True)
    for order in itertools.permutations([(TRIP, 5, "raise"), (MILL, 5, "raise"), (FAN, 5, "raise")]):
        world = after(*order, groups=(one, two))
        assert len(world.shown() & {TRIP, MILL}) == 1
        assert len(world.suppressed()) == 2


# --- properties ------------------------------------------------------------------------------------------------------


moves = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from(EVERY), st.sampled_from(["edge", "edge", "edge", "acknowledge"])),
    max_size=60,
)


def history(drawn: list[tuple[int, Key, str]]) -> list[tuple[str, Key, int, str]]:
    """Return operations in order: each condition toggles, once a tick at most."""
    at, on, last, out = 0, dict.fromkeys(EVERY, False), dict.fromkeys(EVERY, -1), []
    for wait, key, what in drawn:
        at += wait * S
        if what == "acknowledge":
            out.append((what, key, at, ""))
        elif last[key] < at:
            on[key] = not on[key]
            last[key] = at
            out.append((what, key, at, "raise" if on[key] else "clear"))
    return out


def run(operations: list[tuple[str, Key, int, str]], cuts: Iterable[int] = (), check: bool = False) -> World:
    world, on = World(U2, MILLS), dict.fromkeys(EVERY, False)
    cuts = set(cuts)
    for number, (what, key, at, name) in enumerate(operations):
        if number in cuts:
            stop = min((c for c in cuts if c > number), default=len(operations))
            world.cut(k for _, k, _, _ in operations[number:stop])
        if what == "acknowledge":
            world.acknowledge(key, at)
        else:
            world.edge(key, at, name)
            on[key] = name == "raise"
        if check:
            invariants(world, on)
    return world


def invariants(world: World, on: dict[Key, bool]) -> None:
    groups = {g.code: g for g in world.groups}
    active = {a.group: a for a in world.active}
    # A group is active exactly while its trigger is raised.
    assert set(active) == {g.code for g in world.groups if on[g.trigger]}
    # Nothing is lost: every raised condition has one active alarm, shown or suppressed, and no other condition has.
    raised = [world.keys[i] for i, a in world.records.items() if a.state in ACTIVE]
    assert sorted(raised) == sorted(k for k in EVERY if on[k])
    assert len([a for a in world.records.values() if a.state in machine.OPEN]) == len(world.shown()) + len(
        world.suppressed()
    )
    for alarm_id, alarm in world.records.items():
        if not alarm.suppressed or alarm.state not in machine.OPEN:
            continue
        # What is suppressed names the first-out of a group that is active, may be hidden by it, and came no earlier.
        its = active[alarm.suppressed_in]
        assert alarm.suppressed_by == its.cause
        assert groups[its.group].may_hide(world.keys[alarm_id])
        assert alarm.raised_at >= its.since
        assert alarm.suppressed_at is not None
        assert alarm.suppressed_at >= alarm.raised_at
        # At the end of the chain of causes is an alarm that people see, or saw before they ended it.
        seen = {alarm_id}
        at = world.records[its.cause]
        while at.state in machine.OPEN and at.suppressed:
            assert at.id not in seen
            seen.add(at.id)
            at = world.records[at.suppressed_by]
        assert at.id not in seen


@settings(max_examples=200, deadline=None)
@given(moves)
def test_at_every_moment_nothing_is_lost_and_every_suppressed_alarm_has_its_cause(drawn):
    run(history(drawn), check=True)


@settings(max_examples=150, deadline=None)
@given(moves, st.sets(st.integers(0, 60)))
def test_the_same_edges_in_other_transactions_give_the_same_records(drawn, cuts):
    operations = history(drawn)
    whole, parts = run(operations), run(operations, cuts)

    assert parts.records == whole.records
    assert parts.steps == whole.steps
    assert {a.group: a for a in parts.active} == {a.group: a for a in whole.active}


@settings(max_examples=150, deadline=None)
@given(moves, st.data())
def test_a_prefix_said_again_changes_nothing(drawn, data):
    operations = history(drawn)
    world = run(operations)
    records, steps, active = dict(world.records), list(world.steps), list(world.active)

    again = data.draw(st.integers(0, len(operations)))
    for what, key, at, name in operations[:again]:
        if what == "edge":
            world.edge(key, at, name)

    assert (world.records, world.steps, world.active) == (records, steps, active)


@settings(max_examples=150, deadline=None)
@given(moves)
def test_every_transition_happens_once_and_those_of_an_alarm_form_one_path(drawn):
    world = run([o for o in history(drawn) if o[0] == "edge"])

    ids = [t.id for _, t in world.steps]
    assert len(ids) == len(set(ids))
    paths: dict[UUID, list[Any]] = {}
    for _, transition in world.steps:
        paths.setdefault(transition.alarm, []).append(transition)
    for alarm, path in paths.items():
        assert path[0].before == "normal"
        assert [t.after for t in path[:-1]] == [t.before for t in path[1:]]
        assert path[-1].after == world.records[alarm].state


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 2), st.sampled_from(EVERY)), max_size=7, unique_by=lambda m: m[1]), st.randoms()
)
def test_within_a_tick_the_order_of_raises_does_not_matter(drawn, random):
    at = itertools.accumulate(wait for wait, _ in drawn)
    edges = [(key, t * S, "raise") for t, (_, key) in zip(at, drawn, strict=True)]
    mixed = sorted(random.sample(edges, len(edges)), key=lambda e: e[1])
    worlds = []
    for order in (edges, mixed):
        world = World(U2)
        for edge in order:
            world.edge(*edge)
        worlds.append(world)

    assert worlds[0].records == worlds[1].records
    assert {t.id for _, t in worlds[0].steps} == {t.id for _, t in worlds[1].steps}


@settings(max_examples=100, deadline=None)
@given(moves)
def test_when_every_trigger_has_cleared_nothing_is_hidden_that_is_open(drawn):
    operations = history(drawn)
    world = run(operations)
    at = (operations[-1][2] if operations else 0) + S
    for group in (MILLS, U2):
        world.edge(group.trigger, at, "clear")
    assert world.suppressed() == set()
    assert not world.active
