"""Edges, statuses, gaps, edits and what a state refuses."""

from __future__ import annotations

import math

import numpy as np
import pytest
from msgspec.structs import replace

from headworks.base import status as codes
from headworks.base.errors import Fault
from headworks.blocks.template import Binding, BlockNode, Condition, GraphTemplate, Instance, Output, Port, Text
from headworks.engine import kernels
from headworks.engine.program import Program, State, StepResult, compile_program

pytestmark = pytest.mark.feature("PLT-08")

SECOND = 1_000_000
START = 1_700_000_000 * SECOND
TEXT = Text(zh="高", en="High")
NAN = math.nan


def template(
    *blocks: BlockNode, conditions: tuple[Condition, ...] = (), ports: tuple[str, ...] = ("x",)
) -> GraphTemplate:
    return GraphTemplate(
        code="t",
        title=TEXT,
        ports=tuple(Port(name=p) for p in ports),
        blocks=blocks,
        conditions=conditions,
        outputs=tuple(Output(name=b.id, source=b.id) for b in blocks),
    )


HIGH = BlockNode(id="high", op="above", inputs={"x": "in.x"}, params={"limit": 10, "hysteresis": 2})
ALARM = Condition(name="high", source="high", value="in.x", title=TEXT)


def program(
    t: GraphTemplate, *, number: int = 1, tick: int = SECOND, outputs: bool = True, gain: float = 1.0
) -> Program:
    """Return `number` instances of one template; instance i reads tag i."""
    instances = [
        Instance(
            id=i,
            code=f"i{i}",
            template="t",
            inputs={p.name: Binding(tag=i, gain=gain) for p in t.ports},
            outputs={o.name: 1000 * i + n for n, o in enumerate(t.outputs)} if outputs else {},
        )
        for i in range(1, number + 1)
    ]
    return compile_program({"t": t}, instances, np.arange(1, number + 1, dtype=np.uint32), tick)


def feed(p: Program, state: State, values: list[float], start: int = 0, status: list[int] | None = None) -> StepResult:
    """Step rows in which every tag has the same value; bad (NaN) ones carry a status."""
    value = np.repeat(np.array(values, float)[:, None], len(p.tags), axis=1)
    default = np.where(np.isnan(value), codes.BAD_NOT_CONNECTED, 0).astype(np.uint32)
    given = default if status is None else np.array(status, np.uint32)[:, None] + np.zeros_like(default)
    return p.step(state, START + (start + np.arange(len(values))) * p.tick, value, given)


# --- conditions --------------------------------------------------------------------------------------------------------


def test_one_raises_zero_clears_and_unknown_holds() -> None:
    p = program(template(HIGH, conditions=(ALARM,)))
    state = p.new_state()

    out = feed(p, state, [0, 11, 12, NAN, 11, 9, NAN, 8, 7, NAN, 11])

    assert [(e.tick, e.transition, e.value) for e in out.edges] == [
        (START + 1 * SECOND, "raise", 11.0),
        (START + 7 * SECOND, "clear", 8.0),
        (START + 10 * SECOND, "raise", 11.0),
    ]
    assert out.edges[0][:2] == (1, "high")
    assert p.raised(state) == [(1, "high")]


def test_a_condition_without_evidence_has_no_value_and_carries_the_status() -> None:
    p = program(template(HIGH, conditions=(replace(ALARM, value=None),)))
    (edge,) = feed(p, p.new_state(), [11], status=[codes.UNCERTAIN_SUB_NORMAL]).edges
    assert math.isnan(edge.value)
    assert edge.status == codes.UNCERTAIN_SUB_NORMAL


def test_edges_come_by_tick_then_instance_then_condition_in_both_loops() -> None:
    low = BlockNode(id="low", op="below", inputs={"x": "in.x"}, params={"limit": 10})
    p = program(template(HIGH, low, conditions=(ALARM, Condition(name="low", source="low", title=TEXT))), number=3)
    values = np.array([[11.0, 5.0, 11.0], [5.0, 11.0, 5.0], [11.0, 5.0, 11.0]])
    ticks = START + np.arange(3) * SECOND

    live = p.step(p.new_state(), ticks, values, np.zeros((3, 3), np.uint32)).edges
    history = p.run(p.new_state(), ticks, values, np.zeros((3, 3), np.uint32)).edges

    assert [(e.tick, e.instance, e.condition) for e in live] == sorted((e.tick, e.instance, e.condition) for e in live)
    assert len(live) == 3 + 6 + 6
    assert repr(live) == repr(history)


def test_very_many_edges_of_one_call_all_come_out() -> None:
    p = program(template(HIGH, conditions=(ALARM,)), number=40)
    ticks = START + np.arange(3000) * SECOND
    values = np.where(np.arange(3000) % 2, 20.0, 0.0)[:, None] * np.ones(40)
    status = np.zeros((3000, 40), np.uint32)
    live, history = p.step(p.new_state(), ticks, values, status), p.run(p.new_state(), ticks, values, status)
    assert len(live.edges) == 40 * 2999
    assert repr(live.edges) == repr(history.edges)


# --- status ------------------------------------------------------------------------------------------------------------


def test_the_worst_input_status_travels_and_nan_is_never_good() -> None:
    mean = BlockNode(id="mean", op="rolling_mean", inputs={"x": "in.x"}, params={"window": 2})
    p = program(template(mean))
    q = [0, codes.UNCERTAIN, codes.BAD_SENSOR_FAILURE, codes.BAD_NO_DATA, 0]

    out = feed(p, p.new_state(), [1, 2, NAN, NAN, NAN], status=q)

    np.testing.assert_array_equal(out.calc_value[:, 0], [1, 1.5, 2, NAN, NAN])
    assert out.calc_status[:, 0].tolist() == [*q[:4], codes.BAD_NO_DATA]


def test_a_value_with_a_bad_status_is_not_computed_with() -> None:
    p = program(template(HIGH))
    out = feed(p, p.new_state(), [20.0], status=[codes.BAD_OUT_OF_RANGE])
    assert np.isnan(out.calc_value[0, 0])
    assert out.calc_status.tolist() == [[codes.BAD_OUT_OF_RANGE]]


def test_a_refused_value_says_why() -> None:
    check = BlockNode(
        id="check", op="quality_check", inputs={"x": "in.x"}, params={"low": 0, "high": 10, "frozen_s": 3}
    )
    p = program(template(check))
    out = feed(p, p.new_state(), [5, 11, 4, 4, 4, 4, 3])
    np.testing.assert_array_equal(out.calc_value[:, 0], [5, NAN, 4, 4, 4, NAN, 3])
    assert out.calc_status[:, 0].tolist() == [0, codes.BAD_OUT_OF_RANGE, 0, 0, 0, codes.BAD_SENSOR_FAILURE, 0]


def test_the_conversion_of_a_tag_cannot_make_an_infinity() -> None:
    p = program(
        template(BlockNode(id="mean", op="rolling_mean", inputs={"x": "in.x"}, params={"window": 3})), gain=1e200
    )
    out = feed(p, p.new_state(), [1e200, 1e100, 1.0])
    np.testing.assert_array_equal(out.calc_value[:, 0], [NAN, 1e300, (1e300 + 1e200) / 2])
    assert out.calc_status[:, 0].tolist() == [codes.BAD_NO_DATA, 0, 0]


# --- the running sum ---------------------------------------------------------------------------------------------------


def test_a_running_sum_does_not_drift_and_survives_overflow() -> None:
    p = program(template(BlockNode(id="mean", op="rolling_mean", inputs={"x": "in.x"}, params={"window": 60})))
    rng = np.random.default_rng(1)
    x = 300 + rng.standard_normal(200_000)
    x[1000], x[5000:5040] = 1e15, 1e308
    ticks = START + np.arange(len(x)) * SECOND

    y = p.run(p.new_state(), ticks, x[:, None], np.zeros((len(x), 1), np.uint32)).calc_value[:, 0]

    exact = np.convolve(x, np.ones(60), "valid") / 60
    quiet = np.r_[300:900, 1200:4900, 5200:200_000]
    np.testing.assert_allclose(y[quiet], exact[quiet - 59], rtol=1e-12)
    assert np.isnan(y[5010])  # the sum is beyond f64
    assert not np.isnan(y[5101])


@pytest.mark.feature("N-03")
def test_a_run_started_later_agrees_bit_for_bit_after_two_windows() -> None:
    p = program(
        template(BlockNode(id="mean", op="rolling_mean", inputs={"x": "in.x"}, params={"window": 37})), number=5
    )
    x = np.random.default_rng(2).standard_normal((400, 5)) * 100
    ticks, status = START + np.arange(400) * SECOND, np.zeros((400, 5), np.uint32)

    whole = p.run(p.new_state(), ticks, x, status).calc_value
    late = p.step(p.new_state(), ticks[101:], x[101:], status[101:]).calc_value

    np.testing.assert_array_equal(whole[101 + 74 :].view(np.uint64), np.ascontiguousarray(late[74:]).view(np.uint64))


# --- gaps, durations ---------------------------------------------------------------------------------------------------


def test_after_a_gap_blocks_start_fresh_and_conditions_hold() -> None:
    mean = BlockNode(id="mean", op="rolling_mean", inputs={"x": "in.x"}, params={"window": 10})
    slow = BlockNode(id="slow", op="delay", inputs={"x": "high"}, params={"on_s": 3})
    p = program(template(HIGH, mean, slow, conditions=(ALARM,)))
    state = p.new_state()
    feed(p, state, [20, 20, 20])
    assert p.raised(state) == [(1, "high")]

    out = feed(p, state, [9, 20, 20, 20, 20], start=4000)

    assert out.calc_value[:, 1].tolist() == [9, 14.5, 49 / 3, 17.25, 17.8]
    assert out.calc_value[:, 2].tolist() == [0, 0, 0, 0, 1]
    assert out.calc_value[0, 0] == 0.0  # within the hysteresis, but what was held is gone
    assert [(e.tick, e.transition) for e in out.edges] == [
        (START + 4000 * SECOND, "clear"),
        (START + 4001 * SECOND, "raise"),
    ]


@pytest.mark.parametrize(
    ("tick", "on_s", "ticks"),
    [(SECOND, 0, 0), (SECOND, 1, 1), (SECOND, 2.1, 3), (100_000, 0.3, 3), (600 * SECOND, 10, 1), (10_000, 0.07, 7)],
)
def test_a_delay_is_rounded_up_to_ticks(tick: int, on_s: float, ticks: int) -> None:
    slow = BlockNode(id="slow", op="delay", inputs={"x": "high"}, params={"on_s": on_s})
    p = program(template(HIGH, slow), tick=tick)
    value = feed(p, p.new_state(), [20.0] * 10).calc_value[:, 1]
    assert value.tolist() == [0.0] * ticks + [1.0] * (10 - ticks)


def test_a_window_shorter_than_the_tick_is_one_tick() -> None:
    p = program(
        template(BlockNode(id="m", op="rolling_mean", inputs={"x": "in.x"}, params={"window": 1})), tick=600 * SECOND
    )
    assert feed(p, p.new_state(), [1, 2, 3]).calc_value[:, 0].tolist() == [1, 2, 3]


# --- edits and restores ------------------------------------------------------------------------------------------------


def test_what_survives_an_edit_goes_on_and_the_rest_starts_fresh() -> None:
    short = BlockNode(id="a", op="rolling_mean", inputs={"x": "in.x"}, params={"window": 4})
    other = BlockNode(id="b", op="rolling_mean", inputs={"x": "in.x"}, params={"window": 4})
    old = program(template(short, other, HIGH, conditions=(ALARM,)))
    state = old.new_state()
    feed(old, state, [20, 20, 20, 20])

    gone = replace(HIGH, params={"limit": 50})
    new = program(template(replace(other, params={"window": 5}), gone, short, conditions=(ALARM,)), number=2)
    after = new.migrate(old, state)
    out = feed(new, after, [40], start=4)

    columns = dict(zip(out.calc_tags.tolist(), out.calc_value[0].tolist(), strict=True))
    assert columns[1002] == 25.0  # a of instance 1: survived
    assert columns[1000] == 40.0  # b: another window
    assert columns[2002] == 40.0  # a of instance 2: new
    assert [(e.instance, e.condition, e.transition) for e in out.edges] == [(1, "high", "clear")]
    assert old.raised(state) == [(1, "high")]  # the old state is as it was


def test_another_tick_keeps_conditions_only() -> None:
    old, new = (program(template(HIGH, conditions=(ALARM,)), tick=t) for t in (SECOND, 2 * SECOND))
    state = old.new_state()
    feed(old, state, [20])
    after = new.migrate(old, state)
    assert new.raised(after) == [(1, "high")]
    assert after.last_tick is None
    assert all(part.fresh.all() for part in after.parts)


def test_a_state_of_another_program_is_refused() -> None:
    a, b = program(template(HIGH)), program(template(HIGH), number=2)
    saved = a.new_state().export()
    for data in (saved, b"junk", saved[:-3]):
        with pytest.raises(Fault, match="state_mismatch"):
            b.restore(data)
    with pytest.raises(Fault, match="state_mismatch"):
        a.restore(saved[:-3])
    with pytest.raises(Fault, match="rows_mismatch"):
        feed(b, a.new_state(), [1.0])


def test_rows_of_another_shape_are_refused() -> None:
    p = program(template(HIGH), number=2)
    with pytest.raises(Fault, match="rows_mismatch"):
        p.step(p.new_state(), np.array([START]), np.zeros((1, 3)), np.zeros((1, 3), np.uint32))


def test_the_same_models_in_another_order_are_the_same_program() -> None:
    t = template(HIGH, conditions=(ALARM,))
    make = [Instance(id=i, code=str(i), template="t", inputs={"x": Binding(tag=1)}) for i in (3, 1, 2)]
    tags = np.array([1], np.uint32)
    a, b = compile_program({"t": t}, make, tags, SECOND), compile_program({"t": t}, make[::-1], tags, SECOND)
    assert a.digest == b.digest
    b.restore(a.new_state().export())


def test_a_partition_without_models_runs() -> None:
    p = compile_program({}, [], np.array([1, 2], np.uint32), SECOND)
    state = p.new_state()
    for work in (p.step, p.run):
        out = work(state, np.array([START]), np.zeros((1, 2)), np.zeros((1, 2), np.uint32))
        assert (out.calc_value.shape, out.edges) == ((1, 0), [])
    assert p.restore(state.export()).last_tick == START


def test_no_rows_change_nothing() -> None:
    p = program(template(HIGH, conditions=(ALARM,)))
    state = p.new_state()
    out = p.step(state, np.array([], np.int64), np.zeros((0, 1)), np.zeros((0, 1), np.uint32))
    assert (out.calc_value.shape, out.calc_status.shape, out.edges) == ((0, 1), (0, 1), [])
    assert state.last_tick is None


# --- a look inside -----------------------------------------------------------------------------------------------------


def test_what_every_signal_of_an_instance_is_now() -> None:
    mean = BlockNode(id="mean", op="rolling_mean", inputs={"x": "in.x"}, params={"window": 2})
    p = program(template(HIGH, mean, conditions=(ALARM,)), number=3)
    state = p.new_state()
    assert p.signals(state, 2) is None
    feed(p, state, [4, 12])

    assert state.live_tick == START + SECOND
    assert p.signals(state, 2) == {"in.x": (12.0, 0), "high": (1.0, 0), "mean": (8.0, 0)}
    assert p.conditions_of(state, 2) == {"high": True}
    assert (p.signals(state, 0), p.signals(state, 4)) == (None, None)

    again = p.restore(state.export())
    assert (again.live_tick, p.signals(again, 3)) == (state.live_tick, p.signals(state, 3))


def test_after_an_edit_a_new_block_is_not_known_until_its_first_tick() -> None:
    old, new = program(template(HIGH)), program(template(replace(HIGH, id="added", params={"limit": 9}), HIGH))
    state = old.new_state()
    feed(old, state, [12])
    found = new.signals(new.migrate(old, state), 1)
    assert found is not None
    assert (found["in.x"], found["high"]) == ((12.0, 0), (1.0, 0))
    assert math.isnan(found["added"][0])
    assert found["added"][1] == codes.BAD_NO_DATA


@pytest.mark.feature("N-03")
def test_a_state_of_another_version_keeps_its_conditions() -> None:
    p = program(template(HIGH, conditions=(ALARM,)), number=2)
    state = p.new_state()
    feed(p, state, [12])
    state.program_digest = "made by another version"
    with pytest.raises(Fault):
        p.restore(state.export())

    salvaged = p.salvage(state.export())

    assert p.raised(salvaged) == [(1, "high"), (2, "high")]
    assert [e.transition for e in feed(p, salvaged, [12, 0], start=1).edges] == ["clear", "clear"]
    assert p.raised(p.salvage(b"?")) == []


@pytest.mark.feature("N-03")
def test_only_a_change_of_a_block_in_use_makes_another_program(monkeypatch: pytest.MonkeyPatch) -> None:
    real, before = kernels.op_digest, program(template(HIGH)).digest
    monkeypatch.setattr(kernels, "op_digest", lambda op: "changed" if op == "delay" else real(op))
    assert program(template(HIGH)).digest == before
    monkeypatch.setattr(kernels, "op_digest", lambda op: "changed" if op == "above" else real(op))
    assert program(template(HIGH)).digest != before
