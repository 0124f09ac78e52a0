"""Room and order of history: short chunks, rows as history hands them out, many equal instances."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

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
from headworks.engine import check, state
from headworks.engine.program import Program, StepResult, compile_program

TICK = 1_000_000
START = 1_700_006_400 * TICK
TEXT = Text(zh="均值", en="Mean")
TEMPLATE = GraphTemplate(
    code="mean",
    title=TEXT,
    ports=(Port(name="x"),),
    params=(Parameter(name="limit", default=0.1),),
    blocks=(
        BlockNode(id="mean", op="rolling_mean", inputs={"x": "in.x"}, params={"window": 20.0}),
        BlockNode(id="high", op="above", inputs={"x": "mean"}, params={"limit": "$limit"}),
    ),
    conditions=(Condition(name="high", source="high", value="mean", title=TEXT),),
    outputs=(Output(name="mean", source="mean"),),
)


def instance(number: int, **more: Any) -> Instance:
    given: dict[str, Any] = {"inputs": {"x": Binding(tag=number % 5)}, "outputs": {"mean": 1_000 + number}} | more
    return Instance(id=number, code=f"m{number}", template="mean", **given)


def compiled(*instances: Instance) -> Program:
    return compile_program({"mean": TEMPLATE}, instances, np.arange(5, dtype=np.uint32), TICK)


def rows(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    value = rng.standard_normal((n, 5))
    value[rng.random((n, 5)) < 0.05] = np.nan
    value[7, 2] = np.inf
    status = np.where(rng.random((n, 5)) < 0.05, 0x80000000, 0).astype(np.uint32)
    return START + np.arange(n) * TICK, value, status


def bits(found: StepResult) -> tuple[bytes, bytes, str]:
    value, status = np.ascontiguousarray(found.calc_value), np.ascontiguousarray(found.calc_status)
    return value.tobytes(), status.tobytes(), repr(found.edges)


def test_history_in_less_room_gives_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    program, data = compiled(*(instance(n) for n in range(1, 9))), rows(700)
    whole = program.run(program.new_state(), *data)
    monkeypatch.setattr(state, "MOST_SCRATCH", 1)
    small = program.new_state()
    out = program.run(small, *data)
    assert small.parts[0].history_scratch(program.parts[0].layout)[0].shape[1] == 16
    assert bits(out) == bits(whole) == bits(program.step(program.new_state(), *data))


def test_history_takes_lanes_and_rows_alike() -> None:
    program, (ticks, value, status) = compiled(instance(1), instance(2)), rows(300)
    by_rows = program.run(program.new_state(), ticks, value, status)
    by_lanes = program.run(program.new_state(), ticks, np.asfortranarray(value), np.asfortranarray(status))
    assert len(by_rows.edges) > 5
    assert bits(by_rows) == bits(by_lanes)


def test_equal_instances_are_laid_out_once_but_stay_what_they_are() -> None:
    program, data = compiled(instance(1), instance(6), instance(2, params={"limit": 0.3})), rows(300)
    assert program.blocks == 4  # 1 and 6 read the same tag
    out = program.run(program.new_state(), *data)
    found = {i: [e[2:] for e in out.edges if e.instance == i] for i in (1, 6, 2)}
    assert found[1]
    assert found[1] == found[6] != found[2]


def test_parameters_of_every_instance_are_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    good, bad = instance(1), instance(2, params={"limit": float("nan")})
    resolved = []
    real = check.instance_problems

    def seen(*args: Any, **named: Any) -> Any:
        resolved.append(named.get("resolved"))
        return real(*args, **named)

    monkeypatch.setattr(check, "instance_problems", seen)
    with pytest.raises(Invalid) as e:
        compiled(good, bad, instance(3), instance(4, params={"limit": float("nan")}))
    assert [p.field for p in e.value.problems] == ["instances.m2.params.limit", "instances.m4.params.limit"]
    assert resolved == [False, False, True, False]
