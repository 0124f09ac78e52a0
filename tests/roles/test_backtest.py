"""Why a backtest had nothing to compute, and how the command says what it found."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

from headworks.base import i18n
from headworks.history.client import Newest
from headworks.roles.backtest import why_empty
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
