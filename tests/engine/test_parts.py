"""Templates that stand in others as blocks, instances that read each other, and blocks that several models share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import pytest
from msgspec.structs import replace

from headworks.base.errors import Invalid
from headworks.blocks.template import (
    Binding,
    BlockNode,
    Condition,
    GraphTemplate,
    Instance,
    Output,
    Parameter,
    Port,
    Text,
)
from headworks.engine.backtest import LASTING, lead
from headworks.engine.graph import find_inside, flatten, offered, signal_units, written_out
from headworks.engine.program import Program, compile_program

pytestmark = pytest.mark.feature("PLT-08")

SECOND = 1_000_000
START = 1_700_000_000 * SECOND
TEXT = Text(zh="测试", en="test")

HELD_HIGH = GraphTemplate(
    code="held_high",
    title=TEXT,
    ports=(Port(name="x", unit="℃"),),
    params=(
        Parameter(name="limit", default=5.0, unit="℃", low=0.0, high=100.0),
        Parameter(name="on_s", default=2.0, unit="s", low=0.0),
    ),
    blocks=(
        BlockNode(id="late", op="delay", inputs={"x": "over"}, params={"on_s": "$on_s", "off_s": 0}),
        BlockNode(id="mean", op="rolling_mean", inputs={"x": "in.x"}, params={"window": 3}),
        BlockNode(id="over", op="above", inputs={"x": "mean"}, params={"limit": "$limit"}),
    ),
    outputs=(Output(name="high", source="late"), Output(name="mean", source="mean", unit="unit(x)")),
)
PUMP = GraphTemplate(
    code="pump",
    title=TEXT,
    ports=(Port(name="drive", unit="℃"), Port(name="free", unit="℃")),
    params=(Parameter(name="hot", default=7.0, unit="℃"),),
    blocks=(
        BlockNode(id="either", op="or", inputs={"in1": "d", "in2": "f.high"}),
        BlockNode(id="d", graph="held_high", inputs={"x": "in.drive"}, params={"limit": "$hot"}),
        BlockNode(id="f", graph="held_high", inputs={"x": "in.free"}, params={"on_s": 0}),
        BlockNode(id="gap", op="deviation", inputs={"x": "d.mean", "reference": "f.mean"}),
    ),
    conditions=(Condition(name="hot", source="either", title=TEXT, value="d.mean"),),
    outputs=(Output(name="gap", source="gap"), Output(name="hot", source="either")),
)
# The same graph, drawn by hand.
WRITTEN_OUT = replace(
    PUMP,
    code="written_out",
    blocks=(
        *(
            BlockNode(id=f"{n}_mean", op="rolling_mean", inputs={"x": p}, params={"window": 3})
            for n, p in (("d", "in.drive"), ("f", "in.free"))
        ),
        BlockNode(id="d_over", op="above", inputs={"x": "d_mean"}, params={"limit": "$hot"}),
        BlockNode(id="f_over", op="above", inputs={"x": "f_mean"}, params={"limit": 5}),
        BlockNode(id="d", op="delay", inputs={"x": "d_over"}, params={"on_s": 2, "off_s": 0}),
        BlockNode(id="f", op="delay", inputs={"x": "f_over"}, params={"on_s": 0, "off_s": 0}),
        BlockNode(id="either", op="or", inputs={"in1": "d", "in2": "f"}),
        BlockNode(id="gap", op="deviation", inputs={"x": "d_mean", "reference": "f_mean"}),
    ),
    conditions=(Condition(name="hot", source="either", title=TEXT, value="d_mean"),),
)
LIBRARY = {t.code: t for t in (HELD_HIGH, PUMP, WRITTEN_OUT)}


def pump(number: int = 1, template: str = "pump", tags: tuple[int, int] = (0, 1), **more: Any) -> Instance:
    bindings = {"drive": Binding(tag=tags[0]), "free": Binding(tag=tags[1])}
    outputs = {"gap": 1000 + 10 * number, "hot": 1001 + 10 * number}
    made = Instance(id=number, code=f"P{number}", template=template, inputs=bindings, outputs=outputs)
    return replace(made, **more)


def compiled(*instances: Instance, library: dict[str, GraphTemplate] = LIBRARY, tags: int = 3) -> Program:
    return compile_program(library, instances, np.arange(tags, dtype=np.uint32), SECOND)


@dataclass
class Rows:
    ticks: np.ndarray
    value: np.ndarray
    status: np.ndarray

    def __getitem__(self, part: slice) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return self.ticks[part], self.value[part], self.status[part]


def rows(n: int = 200, tags: int = 3, seed: int = 1) -> Rows:
    rng = np.random.default_rng(seed)
    value = 2 + np.cumsum(rng.normal(0, 1, (n, tags)), axis=0) % 8
    value[rng.random((n, tags)) < 0.05] = np.nan
    return Rows(START + np.arange(n) * SECOND, value, np.where(np.isnan(value), 0x80310000, 0).astype(np.uint32))


# --- templates as blocks -----------------------------------------------------------------------------------------------


def test_a_template_in_a_template_does_what_its_blocks_would_do_there() -> None:
    data = rows()[:]
    inside, outside = compiled(pump()), compiled(pump(template="written_out"))
    a, b = (p.run(p.new_state(), *data) for p in (inside, outside))
    np.testing.assert_array_equal(a.calc_value.view(np.uint64), b.calc_value.view(np.uint64))
    assert a.edges == b.edges
    assert len(a.edges) > 5


def test_parameters_reach_the_inside_from_the_instance() -> None:
    cool = compiled(pump(params={"hot": 1e6}))
    found = cool.parts[0].layout.lanes[cool.parts[0].layout.owners[1, "d/over"]]
    assert found[2:4] == ("above", (1e6, 0.0))
    assert cool.parts[0].layout.lanes[cool.parts[0].layout.owners[1, "f/over"]][3] == (5.0, 0.0)


def test_what_is_shown_of_a_template_inside_are_its_outputs() -> None:
    program = compiled(pump())
    state = program.new_state()
    program.step(state, *rows(4)[:])
    found = program.signals(state, 1)
    assert found is not None
    assert set(found) == {"in.drive", "in.free", "either", "gap", "d", "f", "d.high", "d.mean", "f.high", "f.mean"}
    assert found["d"] == found["d.high"]


def test_units_pass_through_a_template_inside() -> None:
    units = signal_units(PUMP, LIBRARY)
    assert (units["d.mean"], units["gap"], units["either"]) == ("℃", "K", "")


def test_levels_count_the_blocks_inside() -> None:
    flat = flatten(PUMP, LIBRARY)
    assert {b.id: level for b, level in zip(flat.blocks, flat.levels, strict=True)} == {
        **{f"{n}/mean": 1 for n in "df"},
        **{f"{n}/over": 2 for n in "df"},
        **{f"{n}/late": 3 for n in "df"},
        "gap": 2,
        "either": 4,
    }


@pytest.mark.parametrize(
    ("node", "field", "code"),
    [
        (BlockNode(id="d", graph="nothing_of_that_name", inputs={}), "d.graph", "engine.unknown_template"),
        (BlockNode(id="d", graph="held_high", op="not", inputs={}), "d.op", "engine.op_or_graph"),
        (BlockNode(id="d", inputs={}), "d.op", "engine.op_or_graph"),
        (BlockNode(id="d", graph="held_high", inputs={}), "d.inputs.x", "engine.missing_input"),
        (BlockNode(id="d", graph="held_high", inputs={"y": "in.drive"}), "d.inputs.y", "engine.unknown_input"),
        (BlockNode(id="d", graph="held_high", inputs={"x": "f.high"}), "d.inputs.x", "engine.kind_clash"),
        (BlockNode(id="d", graph="held_high", inputs={"x": "in.oil"}), "d.inputs.x", "engine.unit_clash"),
        (
            BlockNode(id="d", graph="held_high", inputs={"x": "in.drive"}, params={"limit": 101}),
            "d.params.limit",
            "engine.param_range",
        ),
        (
            BlockNode(id="d", graph="held_high", inputs={"x": "in.drive"}, params={"lim": 1}),
            "d.params.lim",
            "engine.unknown_param",
        ),
        (
            BlockNode(id="d", graph="held_high", inputs={"x": "in.drive"}, table=((1.0,),)),
            "d.table",
            "engine.table_unwanted",
        ),
    ],
)
def test_what_is_wrong_with_the_use_of_a_template_is_told_where_it_stands(
    node: BlockNode, field: str, code: str
) -> None:
    ports = (*PUMP.ports, Port(name="oil", unit="MPa"))
    broken = replace(PUMP, ports=ports, blocks=tuple(node if b.id == "d" else b for b in PUMP.blocks))
    with pytest.raises(Invalid) as e:
        compiled(pump(), library={**LIBRARY, "pump": broken})
    assert (f"templates.pump.blocks.{field}", code) in [(p.field, p.code) for p in e.value.problems]


def test_a_template_does_not_stand_in_itself() -> None:
    other = replace(HELD_HIGH, blocks=(*HELD_HIGH.blocks, BlockNode(id="p", graph="pump", inputs={})))
    with pytest.raises(Invalid) as e:
        compiled(pump(), library={"pump": PUMP, "held_high": other})
    assert {(p.field, p.code) for p in e.value.problems} == {
        ("templates.pump.blocks", "engine.graph_in_itself"),
        ("templates.held_high.blocks", "engine.graph_in_itself"),
    }


# --- blocks that are shared --------------------------------------------------------------------------------------------


def test_models_share_the_blocks_that_do_the_same_with_the_same_tags() -> None:
    alone, two = compiled(pump()), compiled(pump(), pump(2, tags=(0, 2), params={"hot": 6.0}))
    # The mean of tag 0 is the same; its limit differs; of tag 1 and 2 nothing is.
    assert len(two.parts[0].layout.lanes) == 2 * len(alone.parts[0].layout.lanes) - 1
    assert two.parts[0].layout.owners[1, "d/mean"] == two.parts[0].layout.owners[2, "d/mean"]
    data = rows()[:]
    a, b = alone.run(alone.new_state(), *data), two.run(two.new_state(), *data)
    np.testing.assert_array_equal(a.calc_value.view(np.uint64), b.calc_value[:, :2].copy().view(np.uint64))
    assert a.edges == [e for e in b.edges if e.instance == 1]


def test_live_and_history_agree_bit_for_bit_where_blocks_are_shared_and_models_linked() -> None:
    program = compiled(pump(), pump(2, tags=(0, 2)), replace(WATCHER, id=3), library=LINKED)
    data = rows()
    whole = program.run(program.new_state(), *data[:])
    state, at = program.new_state(), 0
    for n in (1, 63, 2, 134):
        out = (program.step if n % 2 else program.run)(state, *data[at : at + n])
        np.testing.assert_array_equal(
            np.ascontiguousarray(out.calc_value).view(np.uint64),
            np.ascontiguousarray(whole.calc_value[at : at + n]).view(np.uint64),
        )
        state, at = program.restore(state.export()), at + n
    oracle = program.oracle(program.new_oracle(), *data[:])
    np.testing.assert_allclose(oracle.calc_value, whole.calc_value, rtol=1e-12)
    assert oracle.edges
    assert [e[:4] for e in oracle.edges] == [e[:4] for e in whole.edges]


def test_a_shared_block_goes_on_when_the_model_that_had_it_first_is_gone() -> None:
    data = rows()
    two, one = compiled(pump(), pump(2, tags=(0, 2))), compiled(pump(2, tags=(0, 2)))
    state = two.new_state()
    two.step(state, *data[:100])
    on = one.migrate(two, state)
    after = one.step(on, *data[100:200])
    whole = one.run(one.new_state(), *data[:])
    np.testing.assert_array_equal(
        np.ascontiguousarray(after.calc_value).view(np.uint64),
        np.ascontiguousarray(whole.calc_value[100:]).view(np.uint64),
    )


def test_a_window_that_is_wired_to_another_tag_starts_fresh() -> None:
    data = rows()
    old, new = compiled(pump(tags=(0, 1))), compiled(pump(tags=(2, 1)))
    state = old.new_state()
    old.step(state, *data[:100])
    on = new.migrate(old, state)
    new.step(on, *data[100:101])
    found = new.signals(on, 1)
    assert found is not None
    assert found["d.mean"][0] == data.value[100, 2] or np.isnan(found["d.mean"][0])
    assert found["f.mean"][0] != data.value[100, 1]


# --- models that read others -------------------------------------------------------------------------------------------

WATCH = GraphTemplate(
    code="watch",
    title=TEXT,
    ports=(Port(name="alarm", kind="bool"), Port(name="gap", unit="K")),
    blocks=(
        BlockNode(id="wide", op="above", inputs={"x": "in.gap"}, params={"limit": 1}),
        BlockNode(id="both", op="and", inputs={"in1": "wide", "in2": "in.alarm"}),
    ),
    conditions=(Condition(name="both", source="both", title=TEXT, value="in.gap"),),
    outputs=(Output(name="both", source="both"),),
)
LINKED = {**LIBRARY, "watch": WATCH}
WATCHER = Instance(
    id=9,
    code="W",
    template="watch",
    inputs={"alarm": Binding(instance=1, signal="hot"), "gap": Binding(instance=1, signal="gap")},
    outputs={"both": 5000},
)


def test_a_model_reads_conditions_and_outputs_of_another_at_the_same_tick() -> None:
    # The watcher has the smaller id: what it reads is there all the same.
    program = compiled(pump(), replace(WATCHER, id=0), library=LINKED)
    data = rows()[:]
    out = program.run(program.new_state(), *data)
    gap, hot, both = out.calc_value.T
    both_known = ~np.isnan(both)
    assert (both[both_known] == 1.0).sum() > 3
    np.testing.assert_array_equal(both == 1.0, (gap > 1.0) & (hot == 1.0))


def test_a_link_converts_the_unit() -> None:
    tenth = replace(WATCHER, inputs=WATCHER.inputs | {"gap": Binding(instance=1, signal="gap", gain=0.1)})
    program = compiled(pump(), tenth, library=LINKED)
    state = program.new_state()
    program.step(state, *rows(20, seed=4)[:])
    there, here = program.signals(state, 1), program.signals(state, 9)
    assert there is not None
    assert here is not None
    assert here["in.gap"][0] == there["gap"][0] * 0.1


def test_a_backtest_of_a_linked_model_begins_before_what_it_reads() -> None:
    own = lead(LINKED, [pump()], SECOND)
    assert lead(LINKED, [pump(), WATCHER], SECOND) == own + LASTING


@pytest.mark.parametrize(
    ("inputs", "field", "code"),
    [
        ({"alarm": Binding(instance=77, signal="hot")}, "alarm", "engine.unknown_instance"),
        ({"alarm": Binding(instance=1, signal="cold")}, "alarm", "engine.unknown_source"),
        ({"alarm": Binding(instance=1, signal="gap")}, "alarm", "engine.kind_clash"),
        ({"alarm": Binding(tag=1)}, "alarm", "engine.bool_port"),
    ],
)
def test_what_is_wrong_with_a_link_is_told(inputs: dict[str, Binding], field: str, code: str) -> None:
    with pytest.raises(Invalid) as e:
        compiled(pump(), replace(WATCHER, inputs=WATCHER.inputs | inputs), library=LINKED)
    assert [(p.field, p.code) for p in e.value.problems] == [(f"instances.W.inputs.{field}", code)]


def test_models_do_not_read_each_other_in_a_circle() -> None:
    first = replace(
        WATCHER, id=8, code="V", inputs=WATCHER.inputs | {"alarm": Binding(instance=9, signal="both")}, outputs={}
    )
    second = replace(WATCHER, inputs=WATCHER.inputs | {"alarm": Binding(instance=8, signal="both")})
    with pytest.raises(Invalid) as e:
        compiled(pump(), first, second, library=LINKED)
    (problem,) = e.value.problems
    assert problem.code == "engine.link_cycle"
    assert set(problem.params["instances"].split(" → ")) == {"V", "W"}


# --- models that are evaluated less often ------------------------------------------------------------------------------

SLOW = replace(
    HELD_HIGH, code="slow", every=10.0, outputs=(Output(name="mean", source="mean"),), ports=(Port(name="x", unit="K"),)
)
SLOW = replace(SLOW, conditions=(Condition(name="high", source="late", title=TEXT, value="mean"),))
SLOW = replace(SLOW, params=tuple(replace(p, unit="K" if p.name == "limit" else p.unit) for p in SLOW.params))
RATES = {**LIBRARY, "slow": SLOW}
SLOWLY = Instance(
    id=5, code="S", template="slow", inputs={"x": Binding(instance=1, signal="gap")}, outputs={"mean": 7000}
)


def bits(values: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(values).view(np.uint64)


@pytest.mark.feature("PWR-02")
def test_a_slow_model_is_evaluated_at_the_multiples_of_its_time_and_stays_between() -> None:
    program = compiled(pump(), replace(SLOWLY, params={"limit": 0.1}), library=RATES)
    assert [p.tick for p in program.parts] == [SECOND, 10 * SECOND]
    data = rows(407)
    out = program.run(program.new_state(), *data[:])
    gap, mean = out.calc_value[:, 0], out.calc_value[:, 2]
    at = np.flatnonzero(data.ticks % (10 * SECOND) == 0)
    # A window of three seconds holds one of its ticks.
    np.testing.assert_array_equal(mean[at], gap[at])
    held = np.searchsorted(at, np.arange(407), side="right") - 1
    np.testing.assert_array_equal(mean, np.where(held < 0, np.nan, mean[at][held]))
    assert {e.tick % (10 * SECOND) for e in out.edges if e.instance == 5} == {0}
    assert [e.tick for e in out.edges] == sorted(e.tick for e in out.edges)


def test_rates_agree_bit_for_bit_in_any_chunks_over_restarts_and_with_the_oracle() -> None:
    program = compiled(pump(), replace(SLOWLY, params={"limit": 0.1}), library=RATES)
    data = rows(407)
    whole = program.run(program.new_state(), *data[:])
    state, at = program.new_state(), 0
    for n in (1, 3, 7, 30, 1, 1, 12, 200, 52, 100):
        out = (program.step if n % 2 else program.run)(state, *data[at : at + n])
        np.testing.assert_array_equal(bits(out.calc_value), bits(whole.calc_value[at : at + n]))
        np.testing.assert_array_equal(out.calc_status, whole.calc_status[at : at + n])
        state, at = program.restore(state.export()), at + n
    assert at == 407
    oracle = program.oracle(program.new_oracle(), *data[:])
    np.testing.assert_allclose(oracle.calc_value, whole.calc_value, rtol=1e-12)
    assert [e[:4] for e in oracle.edges] == [e[:4] for e in whole.edges]


def test_what_a_slow_model_knew_lives_through_an_edit_of_another() -> None:
    slow = replace(SLOWLY, params={"limit": 0.1})
    old, new = compiled(pump(), slow, library=RATES), compiled(pump(params={"hot": 6.5}), slow, library=RATES)
    data = rows(407)
    state = old.new_state()
    old.step(state, *data[:203])
    after = new.step(new.migrate(old, state), *data[203:])
    whole = old.run(old.new_state(), *data[:])
    np.testing.assert_array_equal(bits(after.calc_value[:, 2]), bits(whole.calc_value[203:, 2]))


def test_times_that_do_not_fit_are_refused() -> None:
    with pytest.raises(Invalid) as e:
        compiled(pump(), SLOWLY, library={**RATES, "slow": replace(SLOW, every=2.5)})
    assert [(p.field, p.code) for p in e.value.problems] == [("templates.slow.every", "engine.every")]
    with pytest.raises(Invalid) as e:
        compiled(pump(), SLOWLY, library={**RATES, "pump": replace(PUMP, every=60.0)})
    assert [(p.field, p.code) for p in e.value.problems] == [("instances.S.inputs.x", "engine.link_slower")]
    with pytest.raises(Invalid) as e:
        compiled(pump(), SLOWLY, library={**RATES, "pump": replace(PUMP, every=4.0)})
    assert [(p.field, p.code) for p in e.value.problems] == [("instances.S.inputs.x", "engine.link_uneven")]


def test_what_is_inside_is_told_where_it_stands() -> None:
    program = compiled(pump())
    state = program.new_state()
    program.step(state, *rows(4)[:])
    found = find_inside(PUMP, LIBRARY, ["d"])
    assert found is not None
    assert found.names == {"in.x": "in.drive", "mean": "d/mean", "over": "d/over", "late": "d/late"}
    assert find_inside(PUMP, LIBRARY, ["gap"]) is None
    every = program.signals(state, 1, inside=True)
    assert every is not None
    assert set(found.names.values()) <= set(every)
    assert every["d/late"] == every["d.high"]


def test_a_template_written_out_computes_the_same() -> None:
    data = rows()[:]
    # Names of blocks that are inside have a slash, which people may not write.
    text = msgspec.json.encode(written_out(PUMP, LIBRARY)).replace(b"/", b"_")
    plain = {**LIBRARY, "pump": msgspec.json.decode(text, type=GraphTemplate)}
    a, b = (p.run(p.new_state(), *data) for p in (compiled(pump()), compiled(pump(), library=plain)))
    np.testing.assert_array_equal(bits(a.calc_value), bits(b.calc_value))
    assert a.edges == b.edges


def test_what_models_offer_to_others() -> None:
    found = offered(PUMP, LIBRARY)
    assert {n: (s.kind, s.unit) for n, s in found.items() if n in ("hot", "gap", "d.mean", "either", "in.free")} == {
        "hot": ("bool", ""),
        "gap": ("value", "K"),
        "d.mean": ("value", "℃"),
        "either": ("bool", ""),
        "in.free": ("value", "℃"),
    }
