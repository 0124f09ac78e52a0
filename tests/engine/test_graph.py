"""What is wrong with a model is said with the place, what was found there and the remedy; nothing runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from headworks.base.errors import Invalid, Problem
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
from headworks.engine.check import template_problems
from headworks.engine.graph import find_cycle, node_reads, order, signal_units
from headworks.engine.program import compile_program

pytestmark = pytest.mark.feature("PLT-08")

TEXT = Text(zh="轴承温度高", en="Bearing temperature high")
GOOD = GraphTemplate(
    code="bearing",
    title=TEXT,
    ports=(Port(name="t", unit="℃"),),
    params=(Parameter(name="limit", default=80.0, low=20.0, high=120.0, unit="℃"),),
    blocks=(
        BlockNode(id="hot", op="above", inputs={"x": "mean"}, params={"limit": "$limit"}),
        BlockNode(id="mean", op="rolling_mean", inputs={"x": "in.t"}, params={"window": 60}),
        BlockNode(id="alarm", op="delay", inputs={"x": "hot"}, params={"on_s": 5}),
        BlockNode(id="vote", op="m_of_n", inputs={"in1": "hot", "in2": "alarm"}, params={"m": 2}),
    ),
    conditions=(Condition(name="high", source="alarm", value="mean", title=TEXT),),
    outputs=(Output(name="mean", source="mean"),),
)
INSTANCE = Instance(id=1, code="p1", template="bearing", inputs={"t": Binding(tag=3)}, outputs={"mean": 100})


def compiled(template: GraphTemplate = GOOD, *instances: Instance) -> tuple[Problem, ...]:
    """Return the problems of compiling."""
    try:
        compile_program({template.code: template}, instances or (INSTANCE,), np.array([3, 4], np.uint32), 1_000_000)
    except Invalid as e:
        error = e
    else:
        return ()
    assert error.error_code == "engine.graph_invalid"
    assert error.params["count"] == len(error.problems)
    return error.problems


def with_block(i: int, **changes: Any) -> GraphTemplate:
    blocks = list(GOOD.blocks)
    blocks[i] = replace(blocks[i], **changes)
    return replace(GOOD, blocks=tuple(blocks))


def test_a_good_model_compiles() -> None:
    assert compiled() == ()


def test_a_cycle_names_the_blocks_on_it() -> None:
    blocks = (
        BlockNode(id="a", op="m_of_n", inputs={"in1": "c", "in2": "start"}, params={"m": 1}),
        BlockNode(id="b", op="delay", inputs={"x": "a"}),
        BlockNode(id="c", op="delay", inputs={"x": "b"}),
        BlockNode(id="start", op="above", inputs={"x": "in.t"}, params={"limit": 1}),
        BlockNode(id="after", op="delay", inputs={"x": "c"}),
    )
    template = replace(GOOD, blocks=blocks, conditions=(), outputs=())

    (problem,) = compiled(template, replace(INSTANCE, outputs={}))

    assert problem.code == "engine.cycle"
    assert set(problem.params["blocks"].split(" → ")) == {"a", "b", "c"}
    assert problem.field == f"templates.bearing.blocks.{problem.value}"
    path = find_cycle(node_reads(template))
    reads = {b.id: set(b.inputs.values()) for b in blocks}
    assert all(a in reads[b] for a, b in zip(path, [*path[1:], path[0]], strict=True))


def test_a_block_that_reads_itself_is_a_cycle() -> None:
    (problem,) = compiled(with_block(2, inputs={"x": "alarm"}))
    assert (problem.code, problem.params) == ("engine.cycle", {"blocks": "alarm → alarm"})


def test_a_long_chain_is_no_cycle_and_comes_in_order() -> None:
    chain = [BlockNode(id="b0", op="rolling_mean", inputs={"x": "in.t"})]
    chain += [BlockNode(id=f"b{i}", op="rolling_mean", inputs={"x": f"b{i - 1}"}) for i in range(1, 1500)]
    template = replace(GOOD, blocks=tuple(reversed(chain)), conditions=(), outputs=())
    assert template_problems(template) == []
    assert [level for _, level in order(template)] == list(range(1, 1501))


BLOCK_FAULTS: list[tuple[GraphTemplate, str, Any, str]] = [
    (with_block(1, op="rolling_men"), "blocks.mean.op", "rolling_men", "engine.unknown_op"),
    (with_block(1, op="load"), "blocks.mean.op", "load", "engine.unknown_op"),
    (with_block(1, inputs={"y": "in.t"}), "blocks.mean.inputs.y", "in.t", "engine.unknown_input"),
    (with_block(1, inputs={}), "blocks.mean.inputs.x", None, "engine.missing_input"),
    (with_block(3, inputs={}), "blocks.vote.inputs.in1", None, "engine.missing_input"),
    (with_block(1, inputs={"x": "in.p"}), "blocks.mean.inputs.x", "in.p", "engine.unknown_source"),
    (with_block(1, inputs={"x": "hot"}), "blocks.mean.inputs.x", "hot", "engine.kind_clash"),
    (with_block(2, inputs={"x": "in.t"}), "blocks.alarm.inputs.x", "in.t", "engine.kind_clash"),
    (with_block(1, inputs={"x": "true"}), "blocks.mean.inputs.x", "true", "engine.kind_clash"),
    (with_block(1, params={"windw": 3}), "blocks.mean.params.windw", 3, "engine.unknown_param"),
    (with_block(1, params={"window": 0}), "blocks.mean.params.window", 0, "engine.param_range"),
    (with_block(1, params={"window": 1e9}), "blocks.mean.params.window", 1e9, "engine.param_range"),
    (with_block(1, params={"window": float("nan")}), "blocks.mean.params.window", "nan", "engine.param_not_finite"),
    (with_block(0, params={"limit": "$lmit"}), "blocks.hot.params.limit", "$lmit", "engine.unknown_template_param"),
    (with_block(0, params={"limit": "80"}), "blocks.hot.params.limit", "80", "engine.unknown_template_param"),
    (with_block(0, params={}), "blocks.hot.params.limit", None, "engine.missing_param"),
    (with_block(0, params={"limit": 1, "hysteresis": -1}), "blocks.hot.params.hysteresis", -1, "engine.param_range"),
    (with_block(3, params={"m": 1.5}), "blocks.vote.params.m", 1.5, "engine.param_not_whole"),
    (with_block(3, params={"m": 3}), "blocks.vote.params.m", 3, "engine.param_range"),
    (with_block(3, id="hot"), "blocks.hot", "hot", "engine.duplicate_name"),
    (with_block(3, id="vo.te"), "blocks", "vo.te", "engine.bad_name"),
    (with_block(3, id="true"), "blocks", "true", "engine.bad_name"),
    (
        replace(GOOD, conditions=(replace(GOOD.conditions[0], source="mean"),)),
        "conditions.high.source",
        "mean",
        "engine.kind_clash",
    ),
    (
        replace(GOOD, conditions=(replace(GOOD.conditions[0], source="no"),)),
        "conditions.high.source",
        "no",
        "engine.unknown_source",
    ),
    (
        replace(GOOD, conditions=(replace(GOOD.conditions[0], value="no"),)),
        "conditions.high.value",
        "no",
        "engine.unknown_source",
    ),
    (
        replace(GOOD, conditions=(replace(GOOD.conditions[0], priority=5),)),
        "conditions.high.priority",
        5,
        "engine.param_range",
    ),
    (
        replace(GOOD, outputs=(Output(name="mean", source="men"),)),
        "outputs.mean.source",
        "men",
        "engine.unknown_source",
    ),
]


@pytest.mark.parametrize(("template", "field", "value", "code"), BLOCK_FAULTS)
def test_a_fault_of_a_template_is_named(template: GraphTemplate, field: str, value: Any, code: str) -> None:
    problems = compiled(template)
    assert (f"templates.bearing.{field}", value, code) in [(p.field, p.value, p.code) for p in problems]
    assert template_problems(template) == list(problems)


INSTANCE_FAULTS: list[tuple[Callable[[], list[Instance]], str, Any, str]] = [
    (lambda: [replace(INSTANCE, template="no")], "template", "no", "engine.unknown_template"),
    (lambda: [replace(INSTANCE, inputs={})], "inputs.t", None, "engine.unbound_port"),
    (
        lambda: [replace(INSTANCE, inputs=INSTANCE.inputs | {"p": Binding(tag=4)})],
        "inputs.p",
        "p",
        "engine.unknown_port",
    ),
    (lambda: [replace(INSTANCE, inputs={"t": Binding(tag=5)})], "inputs.t", 5, "engine.unknown_tag"),
    (
        lambda: [replace(INSTANCE, inputs={"t": Binding(tag=3, gain=float("inf"))})],
        "inputs.t",
        "inf, 0.0",
        "engine.param_not_finite",
    ),
    (lambda: [replace(INSTANCE, outputs={"x": 100})], "outputs.x", "x", "engine.unknown_output"),
    (lambda: [replace(INSTANCE, params={"lim": 90.0})], "params.lim", 90.0, "engine.unknown_param"),
    (lambda: [replace(INSTANCE, params={"limit": 130.0})], "params.limit", 130.0, "engine.param_range"),
    (lambda: [replace(INSTANCE, params={"limit": float("nan")})], "params.limit", "nan", "engine.param_not_finite"),
    (lambda: [INSTANCE, replace(INSTANCE, outputs={})], "id", 1, "engine.duplicate_name"),
    (lambda: [INSTANCE, replace(INSTANCE, id=2)], "outputs.mean", 100, "engine.tag_written_twice"),
]


@pytest.mark.parametrize(("instances", "field", "value", "code"), INSTANCE_FAULTS)
def test_a_fault_of_an_instance_is_named(
    instances: Callable[[], list[Instance]], field: str, value: Any, code: str
) -> None:
    problems = compiled(GOOD, *instances())
    assert (f"instances.p1.{field}", value, code) in [(p.field, p.value, p.code) for p in problems]


def test_a_template_parameter_must_fit_the_block_it_goes_into() -> None:
    template = replace(
        with_block(1, params={"window": "$seconds"}), params=(*GOOD.params, Parameter(name="seconds", default=60.0))
    )
    assert compiled(template, replace(INSTANCE, params={"seconds": 30.0})) == ()

    (problem,) = compiled(template, replace(INSTANCE, params={"seconds": -1.0}))

    assert (problem.field, problem.code) == ("instances.p1.params.seconds", "engine.param_range")
    assert problem.params == {"low": 0.01, "high": 86_400.0, "unit": "s"}


def test_a_window_of_too_many_ticks_is_refused_with_the_longest_possible() -> None:
    with pytest.raises(Invalid) as e:
        compile_program(
            {"bearing": with_block(1, params={"window": 3600.0})}, [INSTANCE], np.array([3], np.uint32), 10_000
        )
    (problem,) = e.value.problems
    assert (problem.field, problem.code) == ("templates.bearing.blocks.mean.params.window", "engine.window_too_long")
    assert problem.params == {"ticks": 100_000, "seconds": 1000.0}


def test_every_problem_is_reported_at_once() -> None:
    template = replace(with_block(1, op="no"), outputs=(Output(name="a", source="b"),))
    assert {p.code for p in compiled(template)} == {"engine.unknown_op", "engine.unknown_source"}


def test_every_signal_has_the_unit_it_is_computed_in() -> None:
    more = (
        BlockNode(id="rate", op="rate_of_change", inputs={"x": "mean"}),
        BlockNode(id="z", op="rolling_z", inputs={"x": "mean"}),
        BlockNode(id="off", op="deviation", inputs={"x": "rate", "reference": "in.t"}),
        BlockNode(id="bare", op="rate_of_change", inputs={"x": "z"}),
    )
    units = signal_units(replace(GOOD, blocks=(*more, *GOOD.blocks)), {})
    assert {s: u for s, u in units.items() if u} == {
        "in.t": "℃",
        "mean": "℃",
        "rate": "℃/min",
        "off": "℃/min",
        "bare": "1/min",
    }
    assert {s for s, u in units.items() if not u} == {"z", "hot", "alarm", "vote"}
