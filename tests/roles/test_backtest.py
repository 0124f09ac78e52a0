"""Why a backtest had nothing to compute, and how the command says what it found."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import numpy as np
import pytest

from headworks.base import i18n
from headworks.blocks.template import Binding, GraphTemplate, Instance
from headworks.bus.plan import PartitionPlan
from headworks.engine.grid import Rows
from headworks.engine.program import compile_program
from headworks.history.client import Newest
from headworks.roles.backtest import Found, run_partition, why_empty
from headworks.roles.backtest_command import lines

pytestmark = pytest.mark.feature("PLT-08")

S = 1_000_000


class Stored:
    """Answers what the store would, of one tag with samples at these instants [s]."""

    def __init__(self, *instants: float) -> None:
        self._instants = [round(i * S) for i in instants]

    def latest(self, tags: list[int]) -> dict[int, Newest]:
        return {tags[0]: Newest(max(self._instants), 1.0, 0)} if self._instants else {}

    def count(self, tags: list[int], start: int, stop: int) -> dict[int, int]:
        n = sum(start <= i < stop for i in self._instants)
        return {tags[0]: n} if n else {}


@pytest.mark.parametrize(
    ("stored", "span", "code"),
    [
        ((100, 200), (100.1, 100.9), "span_short"),
        ((), (100, 200), "no_history"),
        ((300,), (100, 200), "before_history"),
        ((50,), (100, 200), "after_history"),
        ((50, 300), (100, 200), "gap"),
        ((150, 300), (100, 200), "grid_pending"),
    ],
)
def test_a_span_without_ticks_says_why(stored: tuple[float, ...], span: tuple[float, float], code: str) -> None:
    client: Any = Stored(*stored)
    found = why_empty(client, S, [7], (round(span[0] * S), round(span[1] * S)))

    assert found["code"] == code
    told = {language: i18n.text(f"backtest.empty.{code}", language, **found["params"]) for language in i18n.LANGUAGES}
    assert len(set(told.values())) == 2


@pytest.fixture
def in_shanghai(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("in_shanghai")
def test_times_are_told_with_their_offset() -> None:
    alarm = {
        "model": 1, "code": "P1.HOT", "condition": "hot", "title": {"zh": "温度高", "en": "Hot"}, "priority": 2,
        "raised_ms": 1_700_006_400_500, "cleared_ms": 1_700_006_460_000, "value": 91.5,
    }  # fmt: skip
    none: dict[str, Any] = {"only_backtest": [], "only_live": [], "same": 1}
    compare = {**none, "only_backtest_total": 0, "only_live_total": 0}
    result = {
        "alarms": [alarm], "alarms_total": 1, "compare": compare, "ticks": 9, "lead_ticks": 3, "elapsed_s": 0.5
    }  # fmt: skip

    first, _ = lines(result, "en")

    assert re.findall(r"\S+ [\d:.]+[+-]\d\d:\d\d", first) == [
        "2023-11-15 08:00:00.500+08:00",
        "2023-11-15 08:01:00.000+08:00",
    ]


TEXT = {"zh": "标题", "en": "Title"}
HIGH = {
    "code": "high",
    "title": TEXT,
    "ports": [{"name": "x"}],
    "blocks": [
        {"id": "mean", "op": "rolling_mean", "inputs": {"x": "in.x"}, "params": {"window": 5}},
        {"id": "over", "op": "above", "inputs": {"x": "mean"}, "params": {"limit": 5, "hysteresis": 0.5}},
    ],
    "conditions": [{"name": "high", "source": "over", "title": TEXT, "value": "mean"}],
    "outputs": [{"name": "mean", "source": "mean"}],
}
BOTH = {
    "code": "both",
    "title": TEXT,
    "every": 2,
    "ports": [{"name": "high", "kind": "bool"}, {"name": "y"}],
    "blocks": [
        {"id": "low", "op": "below", "inputs": {"x": "in.y"}, "params": {"limit": 5}},
        {"id": "both", "op": "and", "inputs": {"in1": "in.high", "in2": "low"}},
    ],
    "conditions": [{"name": "both", "source": "both", "title": TEXT, "value": "in.y"}],
}


class Grid:
    """Answers with rows of a grid, as the store would; notes what was asked."""

    def __init__(self, value: np.ndarray, first: int) -> None:
        self.value, self.first = value, first
        self.asked: list[int] = []

    def matrix_chunks(self, tags: Sequence[int], start: int, end: int, tick: int, partition: str) -> Iterator[Rows]:
        self.asked = list(tags)
        ticks = self.first + np.arange(len(self.value)) * tick
        chosen = (ticks >= start) & (ticks < end)
        yield Rows(ticks[chosen], self.value[chosen][:, tags], np.zeros((int(chosen.sum()), len(tags)), np.uint32))


def test_a_backtest_of_a_model_that_reads_others_finds_what_it_raised_live() -> None:
    templates = {t["code"]: msgspec.convert(t, GraphTemplate) for t in (HIGH, BOTH)}
    instances = (
        Instance(id=1, code="A", template="high", inputs={"x": Binding(tag=0)}),
        Instance(id=2, code="B", template="high", inputs={"x": Binding(tag=1)}),
        Instance(
            id=3,
            code="W",
            template="both",
            inputs={"high": Binding(instance=1, signal="high"), "y": Binding(instance=2, signal="mean")},
        ),
        Instance(id=4, code="Z", template="high", inputs={"x": Binding(tag=2)}),
    )
    plan = PartitionPlan(
        tenant="main", partition="p", revision=1, system_instance=9, templates=templates, instances=instances
    )
    rng = np.random.default_rng(3)
    value = np.abs(np.cumsum(rng.normal(0, 1, (20_000, 3)), axis=0)) % 10
    begin = 1_700_000_000 * S
    start, end = begin + 8_000 * S, begin + 20_000 * S

    program = compile_program(templates, instances, np.arange(3, dtype=np.uint32), S)
    state = program.new_state()
    ticks = begin + np.arange(len(value)) * S
    live = [
        e
        for at in range(0, len(value), 999)
        for e in program.step(
            state, ticks[at : at + 999], value[at : at + 999], np.zeros(value[at : at + 999].shape, np.uint32)
        ).edges
    ]

    found, grid = Found(), Grid(value, begin)
    client: Any = grid
    run_partition(client, plan, instances[2:3], (start, end), found, (0.0, 1.0), {"cancel": False})

    assert grid.asked == [0, 1], "the tags of what it reads, and no others"
    raised = {(e.instance, e.condition, e.tick) for e in live if e.transition == "raise" and e.tick >= start}
    assert set(found.alarms) == {key for key in raised if key[0] == 3}
    assert len(found.alarms) > 10
    assert {key[0] for key in raised} == {1, 2, 3, 4}
    assert [models for models, _, _ in found.spans] == [[3]]
