"""Golden cases say truthfully what a template does and does not do."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

from headworks.base.errors import Invalid
from headworks.blocks.template import BlockNode, Condition, GraphTemplate, Parameter, Port, Text
from headworks.engine.golden import GoldenCase, course, golden_edges, read_golden, run_golden

pytestmark = pytest.mark.feature("PLT-08")

TEXT = Text(zh="高", en="High")
TEMPLATE = GraphTemplate(
    code="vibration",
    title=TEXT,
    ports=(Port(name="vibration", unit="mm/s"), Port(name="running")),
    params=(Parameter(name="high", default=4.5, unit="mm/s"),),
    blocks=(
        BlockNode(id="above", op="above", inputs={"x": "in.vibration"}, params={"limit": "$high", "hysteresis": 1.0}),
        BlockNode(id="runs", op="above", inputs={"x": "in.running"}, params={"limit": 0.5}),
        BlockNode(id="both", op="and", inputs={"in1": "above", "in2": "runs"}),
        BlockNode(id="late", op="delay", inputs={"x": "both"}, params={"on_s": 10}),
    ),
    conditions=(
        Condition(name="high", source="late", title=TEXT),
        Condition(name="at_once", source="both", title=TEXT),
    ),
)
CASES = """
- name: rises and falls
  duration_s: 300
  inputs:
    vibration: [[0, 2.0], [60, 2.0], [90, 9.0], [200, 9.0], [200, 1.0]]
    running: [[0, 1]]
  expect: {high: [80, 82], at_once: [70.5, 71.5]}
  clear: {high: [200, 200]}
- name: stands still
  duration_s: 300
  noise: 0.01
  inputs: {vibration: [[0, 9.0]], running: [[0, 0], [250, 0]]}
  never: [high, at_once]
"""


def read(tmp_path: Path, text: str) -> list[GoldenCase]:
    file = tmp_path / "vibration.yaml"
    file.write_text(text, "utf-8")
    return read_golden(file)


def test_a_template_that_does_what_its_cases_say_has_no_failures(tmp_path: Path) -> None:
    cases = read(tmp_path, CASES)
    assert [run_golden(TEMPLATE, case) for case in cases] == [[], []]


def test_what_it_does_not_do_is_told_with_the_times_of_what_it_did(tmp_path: Path) -> None:
    first = read(tmp_path, CASES)[0]
    wrong = msgspec.structs.replace(
        first, expect={"high": (90.0, 100.0)}, clear={"at_once": (0.0, 10.0)}, never=("high",), params={"high": 3.0}
    )
    said = [str(f) for f in run_golden(TEMPLATE, wrong)]
    assert said == [
        "rises and falls: high should be raised within 90 … 100 s; raised at 75 s, cleared at 200 s",
        "rises and falls: at_once should be cleared within 0 … 10 s; raised at 65 s, cleared at 200 s",
        "rises and falls: high should never be raised; raised at 75 s, cleared at 200 s",
    ]
    silent = msgspec.structs.replace(first, params={"high": 99.0})
    assert [f.raised_s for f in run_golden(TEMPLATE, silent)] == [(), (), ()]


def test_the_course_of_an_input() -> None:
    points = ((2.0, 0.0), (4.0, 1.0), (4.0, 5.0), (6.0, None), (8.0, 1.0), (10.0, 3.0))
    found = course(points, np.arange(13.0))
    nan = np.nan
    np.testing.assert_array_equal(found, [nan, nan, 0.0, 0.5, 5.0, 5.0, nan, nan, 1.0, 2.0, 3.0, 3.0, 3.0])


def said(case: GoldenCase) -> list[tuple[object, ...]]:
    return [e[:4] for e in golden_edges(TEMPLATE, case)]


def test_noise_is_the_same_every_time_and_can_be_drawn_anew() -> None:
    case = GoldenCase(
        name="n", duration_s=400, noise=0.5, inputs={"vibration": ((0.0, 4.5),), "running": ((0.0, 1.0),)}
    )
    edges = said(case)
    assert len(edges) > 20
    assert said(case) == edges
    assert said(msgspec.structs.replace(case, seed=1)) != edges
    assert said(msgspec.structs.replace(case, noise={"running": 0.01})) == []


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"inputs": {"vibration": ((0.0, 1.0),)}}, "inputs.running", "engine.unbound_port"),
        ({"inputs": {"vibration": (), "running": ((0.0, 1.0),)}}, "inputs.vibration", "golden.bad_points"),
        ({"noise": {"speed": 1.0}}, "noise.speed", "engine.unknown_port"),
        ({"expect": {"low": (0.0, 1.0)}}, "expect.low", "golden.unknown_condition"),
        ({"never": ("low",)}, "never.low", "golden.unknown_condition"),
        ({"expect": {"high": (5.0, 1.0)}}, "expect.high", "golden.bad_span"),
        ({"clear": {"high": (5.0, 301.0)}}, "clear.high", "golden.bad_span"),
        ({"expect": {}, "clear": {}}, "expect", "golden.expects_nothing"),
        ({"tick_s": 0.0}, "tick_s", "engine.param_range"),
        ({"duration_s": 1e8}, "duration_s", "engine.param_range"),
    ],
)
def test_a_case_that_does_not_fit_is_refused_by_name(
    change: dict[str, object], field: str, code: str, tmp_path: Path
) -> None:
    case = msgspec.structs.replace(read(tmp_path, CASES)[0], **change)
    with pytest.raises(Invalid) as e:
        run_golden(TEMPLATE, case)
    assert (e.value.error_code, e.value.problems[0].field) == ("golden.case_invalid", f"rises and falls.{field}")
    assert e.value.problems[0].code == code


@pytest.mark.parametrize("text", ["- name: x", "- {name: x, duration_s: 1, inputs: {}, expects: {}}", "{", "a: [[1]]"])
def test_a_file_that_holds_something_else_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(Invalid) as e:
        read(tmp_path, text)
    assert (e.value.error_code, e.value.params["file"]) == ("golden.unreadable", "vibration.yaml")
