"""The groups of diagnostic logic that come with the platform: their golden cases, and what all of them promise."""

from __future__ import annotations

from collections.abc import Container
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace

from headworks.base.errors import Invalid
from headworks.blocks.library import builtin, read_library, with_table
from headworks.blocks.template import Binding, BlockNode, Condition, GraphTemplate, Instance, Output, Port, Text
from headworks.engine.check import template_problems
from headworks.engine.golden import GoldenCase, course, golden_edges, read_golden, run_golden
from headworks.engine.graph import signal_units, signals
from headworks.engine.program import compile_program

pytestmark = pytest.mark.feature("PWR-04", "N-15")

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "src/headworks/blocks/groups"
GOLDEN = Path(__file__).parent / "groups" / "golden"
SEVEN = {
    *("occasional", "defect", "periodic_duty", "long_period"),
    *("comparison", "automatic_control", "varying_condition"),
}
CURVE = ((0.0, 10.0), (50.0, 20.0), (100.0, 40.0))
"""What the groups with a table are given here."""


def wrapped(group: GraphTemplate, wired: Container[str]) -> GraphTemplate:
    """A template in which a group stands alone: every output that is true or false is a condition, every value is kept.

    Ports that are not `wired` read nothing; those that are true or false read true, but the reset; an influence that is not
    there reads the operating point.
    """
    inputs = {p.name: "nothing" if p.kind == "value" else str(p.name != "reset").lower() for p in group.ports}
    inputs |= {"other": "in.condition"} if "other" in inputs else {}
    inputs |= {p.name: f"in.{p.name}" if p.kind == "value" else f"{p.name}_on" for p in group.ports if p.name in wired}
    on = [
        BlockNode(id=f"{p.name}_on", op="above", inputs={"x": f"in.{p.name}"}, params={"limit": 0.5})
        for p in group.ports
        if p.kind == "bool" and p.name in wired
    ]
    params = {p.name: f"${p.name}" for p in group.params}
    table = CURVE if group.tables else ()
    node = BlockNode(id="group", graph=group.code, inputs=inputs, params=params, table=table)
    made = GraphTemplate(
        code=f"only_{group.code}",
        title=group.title,
        ports=tuple(Port(name=p.name) for p in group.ports if p.name in wired),
        params=group.params,
        blocks=(*on, node),
    )
    conditions, outputs = [], []
    for o in group.outputs:
        if o.name in truths(group):
            text = o.title or Text(zh="", en="")
            conditions.append(Condition(name=o.name, source=f"group.{o.name}", title=text, value="group.evidence"))
        else:
            outputs.append(Output(name=o.name, source=f"group.{o.name}"))
    return replace(made, conditions=tuple(conditions), outputs=tuple(outputs))


def truths(group: GraphTemplate) -> list[str]:
    """The outputs of a group that are true or false."""
    kinds = signals(group, {})
    return [o.name for o in group.outputs if kinds[o.source].kind == "bool"]


@cache
def cases(code: str) -> tuple[GoldenCase, ...]:
    return tuple(read_golden(GOLDEN / f"{code}.yaml"))


def values(code: str, name: str) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The seconds of a golden case, and what the outputs of the group that are values say then."""
    case = next(c for c in cases(code) if c.name == name)
    template = wrapped(builtin()[code], case.inputs)
    ports = [p.name for p in template.ports]
    instance = Instance(
        id=1,
        code="1",
        template=template.code,
        inputs={p: Binding(tag=i) for i, p in enumerate(ports)},
        params=case.params,
        outputs={o.name: 100 + i for i, o in enumerate(template.outputs)},
    )
    tick = round(case.tick_s * 1e6)
    program = compile_program({template.code: template}, [instance], np.arange(len(ports), dtype=np.uint32), tick)
    seconds = np.arange(int(case.duration_s / case.tick_s) + 1) * case.tick_s
    columns = np.array([course(case.inputs[p], seconds) for p in ports]).T
    ticks = 1_700_006_400_000_000 + np.round(seconds * 1e6).astype(np.int64)
    status = np.where(np.isnan(columns), 0x80310000, 0).astype(np.uint32)
    found = program.run(program.new_state(), ticks, columns, status).calc_value
    return seconds, {
        o.name: found[:, program.calc_tags.tolist().index(100 + i)] for i, o in enumerate(template.outputs)
    }


@pytest.mark.parametrize("code", sorted(SEVEN))
def test_a_group_does_what_its_golden_cases_say_and_nothing_else(code: str) -> None:
    failures = []
    for case in cases(code):
        template = wrapped(builtin()[code], case.inputs)
        failures += [str(f) for f in run_golden(template, case)]
        raised = {e.condition for e in golden_edges(template, case) if e.transition == "raise"}
        failures += [f"{case.name}: says nothing of {c}" for c in raised - {*case.expect, *case.never}]
    assert failures == []


@pytest.mark.parametrize("code", sorted(SEVEN))
def test_the_cases_of_a_group_fire_come_near_and_have_bad_data(code: str) -> None:
    group = builtin()[code]
    assert {name for c in cases(code) for name in c.expect} == set(truths(group))
    silent = [c for c in cases(code) if not c.expect]
    assert silent, "no near miss"
    assert all("alarm" in c.never for c in silent)
    assert [c for c in cases(code) if any(v is None for points in c.inputs.values() for _, v in points)], "no bad data"
    assert len({c.name for c in cases(code)}) == len(cases(code))


def test_there_are_the_seven_groups_with_cases() -> None:
    assert set(builtin()) == SEVEN == {f.stem for f in GOLDEN.glob("*.yaml")}


@pytest.mark.parametrize("code", sorted(SEVEN))
def test_a_group_is_sound_speaks_both_languages_and_calls_its_outputs_as_the_others(code: str) -> None:
    group = builtin()[code]
    assert template_problems(group) == []
    assert [o.name for o in group.outputs][:3] == ["alarm", "severity", "evidence"]
    assert {o.name: o.unit for o in group.outputs}["severity"] == "1"
    assert "alarm" in truths(group)
    assert group.conditions == ()
    read = {s for b in group.blocks for s in b.inputs.values()} | {o.source for o in group.outputs}
    assert {b.id for b in group.blocks} <= {s.partition(".")[0] for s in read}
    assert {f"in.{p.name}" for p in group.ports} <= read
    given = {v for b in group.blocks for v in b.params.values()} | {b.table for b in group.blocks}
    assert {f"${p.name}" for p in (*group.params, *group.tables)} <= given
    for p in group.params:
        assert p.low is not None
        assert p.high is not None
        assert p.low <= p.default <= p.high
    for part in (group, *group.ports, *group.params, *group.tables, *group.outputs):
        assert part.title is not None
        assert any("\u4e00" <= z <= "\u9fff" for z in part.title.zh)
        assert part.title.en.isascii()


@pytest.mark.parametrize("code", sorted(SEVEN))
def test_every_parameter_of_a_group_does_something(code: str) -> None:
    """Some golden case notices when a parameter is well wrong; the clock's zone shifts days, which they do not look at."""
    group, missed = builtin()[code], []
    for p in group.params:
        wrong = [set_all(group, p.name, v) for v in (p.default * 0.3, p.default * 3, p.low, p.high) if v is not None]
        if p.name != "zone" and not any(fails(code, w) for w in wrong):
            missed.append(p.name)
    assert missed == []


def set_all(group: GraphTemplate, name: str, value: float) -> tuple[str, float]:
    p = next(p for p in group.params if p.name == name)
    assert p.low is not None
    assert p.high is not None
    return name, min(max(value, p.low), p.high)


def fails(code: str, wrong: tuple[str, float]) -> bool:
    name, value = wrong
    for case in cases(code):
        template = wrapped(builtin()[code], case.inputs)
        try:
            if run_golden(template, replace(case, params=case.params | {name: value})):
                return True
        except Invalid:
            continue  # a window too long for the tick of the case
    return False


def test_units_of_a_group_are_those_of_what_it_reads() -> None:
    inputs = {"x": "in.t", "expected": "in.s", "valid": "true"}
    outer = GraphTemplate(
        code="outer",
        title=Text(zh="外", en="outer"),
        ports=(Port(name="t", unit="℃"), Port(name="s", unit="℃"), Port(name="p", unit="MPa")),
        blocks=(BlockNode(id="d", graph="defect", inputs=inputs),),
    )
    assert template_problems(outer) == []
    units = signal_units(outer, {})
    assert (units["d.evidence"], units["d.growth"], units["d.severity"]) == ("K", "K/min", "1")
    broken = replace(outer, blocks=(replace(outer.blocks[0], inputs={**inputs, "expected": "in.p"}),))
    assert [(p.field, p.code) for p in template_problems(broken)] == [
        ("templates.outer.blocks.d.inputs.expected", "engine.unit_clash")
    ]


@pytest.mark.parametrize(
    ("table", "code"), [((), "engine.table_rows"), (((2.0, 1.0), (1.0, 2.0)), "engine.table_not_rising")]
)
def test_a_group_is_not_compiled_without_a_proper_curve(table: tuple[tuple[float, ...], ...], code: str) -> None:
    template = wrapped(builtin()["varying_condition"], {"x", "condition"})
    broken = replace(template, blocks=tuple(replace(b, table=table) if b.graph else b for b in template.blocks))
    bindings = {"x": Binding(tag=0), "condition": Binding(tag=1)}
    instance = Instance(id=1, code="1", template=broken.code, inputs=bindings)
    with pytest.raises(Invalid) as e:
        compile_program({broken.code: broken}, [instance], np.arange(2, dtype=np.uint32), 1_000_000)
    assert [(p.field, p.code) for p in e.value.problems] == [
        ("templates.only_varying_condition.blocks.group/by_curve.table", code)
    ]


def test_the_readme_lists_the_groups_as_they_are() -> None:
    readme = (FOLDER / "README.md").read_text("utf-8")
    assert readme == with_table(readme, read_library(FOLDER).values()), (
        f"run python -m headworks.blocks.library {FOLDER}"
    )


# --- what the values say -----------------------------------------------------------------------------------------------


def at(code: str, name: str, second: float) -> dict[str, float]:
    seconds, found = values(code, name)
    place = int(np.searchsorted(seconds, second))
    return {output: float(column[place]) for output, column in found.items()}


def test_an_event_is_remembered_with_its_greatest_distance_and_counted() -> None:
    name = "复归清除记忆"
    assert at("occasional", name, 310) == {"severity": 2.5, "evidence": 5.0, "count": 1.0}
    assert at("occasional", name, 590)["evidence"] == 5.0
    assert at("occasional", name, 650)["count"] == 0.0


def test_a_defect_says_how_large_the_deviation_is_and_how_fast_it_grows() -> None:
    found = at("defect", "偏差不到限值，但一直增大", 8000)
    assert found["evidence"] == pytest.approx(7 / 7500 * (7000 - 60), abs=0.1)
    assert found["severity"] == pytest.approx(found["evidence"] / 10)
    assert found["growth"] == pytest.approx(7 / 125, rel=0.1)


def test_the_duty_is_compared_with_what_is_usual() -> None:
    found = at("periodic_duty", "每次运行时间变长", 86400 + 14400)
    assert found["evidence"] == pytest.approx(0.75, abs=0.01)
    assert found["usual"] == pytest.approx(0.25, abs=0.01)
    assert found["severity"] == pytest.approx((0.75 - 0.25) / 0.25, rel=0.05)
    assert at("periodic_duty", "超期没有运行", 30900) == pytest.approx(
        {"severity": 1.0, "evidence": 0.0, "usual": 0.0, "starts": 0.0, "pause": 30000.0}, abs=1e-6
    )


def test_the_mean_of_a_day_is_compared_with_the_best_day() -> None:
    days = 86400
    found = at("long_period", "变差后检修恢复", 10 * days)
    # The day that ended eight hours ago began 1.333 days before: x rose by 0.2 a day.
    assert found["mean"] == pytest.approx(2.8 - 0.2 * (1 / 3 + 0.5), abs=0.01)
    assert found["best"] == pytest.approx(1.2, abs=0.1)
    assert found["drift"] == pytest.approx(0.2, abs=0.01)
    assert found["evidence"] == pytest.approx(found["mean"] - found["best"])
    assert found["severity"] == pytest.approx(found["evidence"] / 0.8)


def test_what_is_normal_between_sisters_is_not_counted() -> None:
    assert at("comparison", "有固有偏差，偏差变小也是异常", 500) == {"severity": 0.0, "evidence": 8.0}
    later = at("comparison", "有固有偏差，偏差变小也是异常", 2300)
    assert later == pytest.approx({"severity": 2.0, "evidence": 0.0}, abs=1e-6)


def test_the_worst_that_is_wrong_with_a_loop_says_how_bad_it_is() -> None:
    swinging = at("automatic_control", "回路振荡，周期一分钟", 1700)
    assert swinging["swing"] == pytest.approx(5.0, abs=0.1)
    assert swinging["severity"] == pytest.approx(5 / 3, abs=0.05)
    full = at("automatic_control", "阀门全开半小时", 5000)
    assert (full["at_end"], full["severity"], full["evidence"]) == (1.0, 2.0, 0.0)


def test_the_curve_and_the_second_influence_say_what_is_expected() -> None:
    found = at("varying_condition", "另一影响量说明了偏差", 3000)
    assert found == pytest.approx({"severity": 0.0, "evidence": 0.0, "expected": 45.0}, abs=1e-3)
    assert at("varying_condition", "工况量是坏数据，不判断", 1000)["expected"] == 40.0
