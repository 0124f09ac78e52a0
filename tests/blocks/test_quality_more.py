"""What the blocks that judge, choose among and replace measurements promise beyond the contract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from headworks.base import status as codes
from headworks.blocks.template import Binding, Instance
from headworks.engine.program import compile_program

from .worked import NAN, START, one, problems, unit, worked

pytestmark = pytest.mark.feature("PLT-08")

SECOND = 1_000_000


def statuses(
    op: str, signals: Mapping[str, Sequence[float]], params: Mapping[str, float], bad: int = codes.BAD_NO_DATA
) -> list[int]:
    """Return the statuses of the first output; NaN comes in with the status `bad`."""
    template = one(op, list(signals), params)
    first = template.outputs[0].name
    inputs = {n: Binding(tag=i) for i, n in enumerate(signals)}
    instance = Instance(id=1, code="i", template="t", inputs=inputs, outputs={first: 1000})
    program = compile_program({"t": template}, [instance], np.arange(len(signals), dtype=np.uint32), SECOND)
    value = np.array(list(signals.values()), dtype=float).T.copy()
    ticks = START + np.arange(len(value)) * SECOND
    status = np.where(np.isnan(value), bad, 0).astype(np.uint32)
    return program.step(program.new_state(), ticks, value, status).calc_status[:, 0].tolist()


def test_each_fault_has_its_verdict() -> None:
    params = {"low": 0.0, "high": 100.0, "frozen_s": 4.0, "max_rate": 300.0, "jump_s": 2.0}
    x = [10.0, 12.0, 30.0, 31.0, 29.0, 30.5, NAN, 120.0, 101.0, 99.0, 98.0, 97.0, 97.0, 97.0, 97.0, 97.0, 96.0]
    found = worked("quality_judgement", {"x": x}, params)
    verdict = [0, 0, 3, 3, 3, 0, None, 1, 1, 3, 3, 0, 0, 0, 0, 2, 0]
    assert found["verdict"] == verdict
    assert found["ok"] == [None if v is None else float(v == 0) for v in verdict]
    assert found["value"] == [a if v == 0 else None for a, v in zip(x, verdict, strict=True)]
    code = {0: 0, None: codes.BAD_NO_DATA, 1: codes.BAD_OUT_OF_RANGE}
    assert statuses("quality_judgement", {"x": x}, params) == [code.get(v, codes.BAD_SENSOR_FAILURE) for v in verdict]


def test_what_the_device_says_comes_first() -> None:
    signals = {"x": [1.0, 2.0, 3.0, 500.0, NAN], "healthy": [1.0, 0.0, NAN, 0.0, 0.0]}
    assert worked("quality_judgement", signals, {"high": 100.0})["verdict"] == [0.0, 5.0, 0.0, 5.0, None]


def test_noise_is_told_from_a_trend() -> None:
    rng = np.random.default_rng(1)
    t = np.arange(600)
    x = 0.5 * t + rng.normal(0, np.where(t < 300, 1.0, 4.0))
    verdict = np.array(worked("quality_judgement", {"x": x.tolist()}, {"max_std": 2.0, "window": 60.0})["verdict"])
    assert not verdict[:300].any()
    assert (verdict[340:] == 4.0).all()
    one_spike = [0.0] * 20 + [1e9] + [0.0] * 40
    found = worked("quality_judgement", {"x": one_spike}, {"max_std": 2.0, "window": 10.0})["verdict"]
    assert found == [0.0] * 20 + [4.0] * 11 + [0.0] * 30


def test_one_of_three_is_outvoted() -> None:
    signals = {"x1": [1.0, 1.0, 1.0, NAN], "x2": [1.2, 9.0, 1.0, 3.0], "x3": [1.4, 1.2, NAN, NAN]}
    found = worked("quality_vote", signals, {"tolerance": 0.5})
    assert found["value"] == [pytest.approx(1.2), pytest.approx(1.1), 1.0, 3.0]
    assert found["agreeing"] == [3.0, 2.0, 2.0, 1.0]
    assert found["disagreement"] == [0.0, 1.0, 0.0, 0.0]


def test_of_two_that_differ_neither_is_believed() -> None:
    found = worked("quality_vote", {"x1": [1.0, 1.0], "x4": [2.0, 2.1]}, {"tolerance": 0.5})
    assert found == {"value": [1.5, None], "agreeing": [2.0, 0.0], "disagreement": [0.0, 1.0]}


def test_too_few_that_agree_make_a_value_uncertain() -> None:
    signals = {"x1": [1.0, 1.0], "x2": [1.0, 5.0], "x3": [1.0, 9.0]}
    found = statuses("quality_vote", signals, {"tolerance": 0.5, "needed": 2.0})
    assert found == [codes.GOOD, codes.UNCERTAIN_SUB_NORMAL]
    assert statuses("quality_vote", {"x1": [1.0]}, {"tolerance": 0.5}) == [codes.UNCERTAIN_SUB_NORMAL]


@pytest.mark.parametrize("good", range(1, 9))
def test_a_vote_of_any_number_goes_by_the_median(good: int) -> None:
    rng = np.random.default_rng(good)
    table = rng.choice([1.0, 2.0, 3.0, 4.5, -7.0, NAN], (100, good))
    found = worked("quality_vote", {f"x{i + 1}": table[:, i].tolist() for i in range(good)}, {"tolerance": 1.0})
    for t, row in enumerate(table):
        known = row[~np.isnan(row)]
        agree = known[abs(known - np.median(known)) <= 1.0] if len(known) else known
        assert found["value"][t] == (pytest.approx(agree.mean(), rel=1e-13) if len(agree) else None)


def test_a_vote_is_among_like_with_like() -> None:
    (problem,) = problems("quality_vote", ["x1", "x2"], params={"tolerance": 1.0}, units={"x1": "MPa", "x2": "℃"})
    assert problem.code == "engine.unit_clash"
    assert unit("quality_vote", {"x1": "MPa", "x2": "MPa"}, tolerance=1.0) == "MPa"


def test_a_substitute_stands_in_while_a_value_cannot_be_believed() -> None:
    signals = {
        "x": [1.0, NAN, 3.0, 4.0, NAN],
        "substitute": [9.0, 8.0, 7.0, NAN, NAN],
        "good": [1.0, 1.0, 0.0, NAN, 1.0],
    }
    found = worked("substitute", signals)
    assert found == {"value": [1.0, 8.0, 7.0, 4.0, None], "substituted": [0.0, 1.0, 1.0, 0.0, None]}


def test_a_substitute_is_uncertain() -> None:
    signals = {"x": [1.0, 1.0], "substitute": [9.0, 8.0], "good": [1.0, 0.0]}
    assert statuses("substitute", signals, {}) == [codes.GOOD, codes.UNCERTAIN_SUBSTITUTE]
