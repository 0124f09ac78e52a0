"""A backtest through the real roles: to the tick, it finds what was raised live."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from headworks.base import i18n
from headworks.bus import messages
from headworks.bus.batch import SampleBatch
from headworks.bus.client import Bus
from headworks.bus.messages import Watermark
from headworks.bus.plan import PartitionPlan
from headworks.bus.subjects import subject

from .platform import Platform, wait_for

pytestmark = [pytest.mark.integration, pytest.mark.feature("PLT-08")]

SECOND = 1_000_000
START = 1_700_006_400 * SECOND
HOURS = 4
# The lead of the models: an hour for what a hysteresis and a delay may hold each, and two windows.
BEGIN, END = START + 5 * 1800 * SECOND, START + HOURS * 3600 * SECOND
ROLES = ("bus", "historian", "engine", "dispatch", "jobs")


def title(text: str) -> dict[str, str]:
    return {"zh": f"设备{text}", "en": text}


def condition(name: str, source: str) -> dict[str, Any]:
    return {"name": name, "source": source, "title": title(name), "priority": 2, "value": "mean"}


HOT = {
    "code": "hot",
    "version": 1,
    "title": title("Hot"),
    "ports": [{"name": "t"}],
    "params": [{"name": "limit", "default": 0.4}],
    "blocks": [
        {"id": "mean", "op": "rolling_mean", "inputs": {"x": "in.t"}, "params": {"window": 30}},
        {"id": "over", "op": "above", "inputs": {"x": "mean"}, "params": {"limit": "$limit", "hysteresis": 0.3}},
        {"id": "late", "op": "delay", "inputs": {"x": "over"}, "params": {"on_s": 5}},
        {"id": "slope", "op": "rate_of_change", "inputs": {"x": "in.t"}, "params": {"window": 20}},
        {"id": "fast", "op": "above", "inputs": {"x": "slope"}, "params": {"limit": 4, "hysteresis": 3}},
    ],
    "conditions": [condition("hot", "late"), condition("fast", "fast")],
}
FILES: dict[str, Any] = {
    "plant.yaml": {
        "code": "mill",
        "title": title("Mill"),
        "timezone": "Asia/Shanghai",
        "partitions": [{"code": "u1", "asset": "U1", "tick_s": 1, "staleness_s": 30, "clock": "replay"}],
    },
    "types.yaml": [{"code": "site", "title": title("site")}],
    "assets.yaml": [{"code": "U1", "parent": None, "type": "site", "title": title("U1")}],
    "tags/u1.csv": "code,asset,title_zh,title_en,unit,low,high,kind\n"
    + "".join(f"T{i},U1,温度,Temperature,,,,\n" for i in (1, 2)),
    "devices.yaml": [
        {"code": "gw", "kind": "device", "partition": "u1", "drives_clock": True, "points": "points/gw.csv"}
    ],
    "points/gw.csv": "key,tag,unit,child\n" + "".join(f"t{i},T{i},,\n" for i in (1, 2)),
    "templates/hot.yaml": HOT,
    "instances/all.yaml": [
        {"code": f"M{i}", "template": "hot", "asset": "U1", "inputs": {"t": f"T{i}"}} for i in (1, 2)
    ],
}


@pytest.fixture(scope="module")
def mill(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """Return a small plant with four hours of samples in it, alarms raised live."""
    folder = tmp_path_factory.mktemp("backtest")
    for name, content in FILES.items():
        file = folder / "mill" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content if isinstance(content, str) else yaml.safe_dump(content, allow_unicode=True), "utf-8")
    platform = Platform(folder / "home", [folder / "mill"], "history_grid_seconds = 1\n")
    try:
        platform.start("run", "--roles", ",".join(ROLES))
        wait_for(lambda: all((h := platform.health(r)) is not None and h.ready for r in ROLES), 60)
        asyncio.run(feed(platform))
        yield platform
    finally:
        platform.down()


async def feed(platform: Platform) -> None:
    bus = await Bus.connect(platform.endpoints.bus_url, platform.home.secret("bus"), "test")
    async with asyncio.timeout(30):
        while not (plans := await bus.current_plans("main")):  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    plan = PartitionPlan.decode(await bus.get_plan(plans["u1"]))
    tags = np.array([t.id for t in plan.tags], np.uint32)
    rng = np.random.default_rng(1)
    walk = np.zeros(2)
    for minute in range(HOURS * 60):
        rows = []
        for _ in range(60):
            walk = 0.98 * walk + rng.normal(0, 0.12, 2)
            rows.append(walk)
        time = START + (minute * 60 + np.arange(60)) * SECOND
        silent = rng.random(120) < 0.3  # reported by exception, now and then not for long enough to go stale
        silent |= np.repeat(minute % 50 == 7, 120)
        batch = SampleBatch(
            np.tile(tags, 60)[~silent],
            np.repeat(time, 2)[~silent],
            np.array(rows).reshape(-1)[~silent],
            np.zeros(int((~silent).sum()), np.uint32),
        )
        if len(batch):
            await bus.publish(subject("main", "samples", "u1"), batch.encode())
        await bus.publish(subject("main", "mark", "u1"), messages.encode(Watermark(int(time[-1]))))
    await bus.close()


def backtest(mill: Platform, *models: str, begin: int = BEGIN, end: int = END) -> dict[str, Any]:
    span = ("--from", instant(begin), "--to", instant(end))
    job = json.loads(mill.run("backtest", *models, *span, "--json").stdout)
    assert (job["state"], job["progress"]) == ("done", 1.0), job
    return job["result"]


def instant(micros: int) -> str:
    return np.datetime_as_string(np.datetime64(micros, "us")) + "+00:00"


def keys(alarms: list[dict[str, Any]]) -> set[tuple[str, str, int]]:
    return {(a["code"], a["condition"], a["raised_ms"] * 1000) for a in alarms}


@pytest.mark.feature("N-02")
def test_alarms_raised_live_are_found_at_the_same_tick(mill: Platform) -> None:
    def complete() -> dict[str, Any] | None:
        found = backtest(mill, "hot")
        return found if found["ticks"] - found["lead_ticks"] == (END - BEGIN) // SECOND else None

    found = wait_for(complete, 30)
    live = {a for a in mill.raised() if BEGIN <= a[2] < END}

    assert len(live) > 10
    assert {c for _, c, _ in live} == {"hot", "fast"}
    assert keys(found["alarms"]) == live
    assert found["alarms_total"] == found["compare"]["same"] == len(live)
    assert (found["compare"]["only_backtest"], found["compare"]["only_live"]) == ([], [])
    assert [m["code"] for m in found["models"]] == ["M1", "M2"]
    # Five blocks each: a tag that needs no conversion is none.
    assert (found["ticks"], found["evaluations"]) == (found["lead_ticks"] + 5400, found["ticks"] * 2 * 5)
    assert found["lead_ticks"] == 2 * 3600 + (2 * 30 + 1) + (2 * 5 + 1) + 1
    first = found["alarms"][0]
    assert (first["title"], first["priority"]) == (title(first["condition"]), 2)
    assert first["cleared_ms"] > first["raised_ms"]
    assert sum(a["cleared_ms"] is None for a in found["alarms"]) <= 4
    assert found["empty"] is None


def test_one_model_and_a_part_of_the_span_are_looked_at_alone(mill: Platform) -> None:
    middle = BEGIN + 1800 * SECOND
    found = backtest(mill, "M2", begin=middle, end=END)
    live = {a for a in mill.raised() if middle <= a[2] < END and a[0] == "M2"}
    assert keys(found["alarms"]) == live
    assert found["compare"]["same"] == len(live) > 0
    whole = backtest(mill, "--partition", "u1")
    assert whole["models"] == [{"id": m["id"], "code": c} for m, c in zip(whole["models"], ("M1", "M2"), strict=True)]


def test_a_changed_limit_shows_what_differs(mill: Platform, tmp_path: Path) -> None:
    folder = tmp_path / "changed"
    changed = {**FILES, "instances/all.yaml": [{**i, "params": {"limit": 0.7}} for i in FILES["instances/all.yaml"]]}
    for name, content in changed.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content if isinstance(content, str) else yaml.safe_dump(content, allow_unicode=True), "utf-8")
    mill.run("apply", "--yes", str(folder))

    def changed_now() -> dict[str, Any] | None:
        found = backtest(mill, "hot")
        return found if found["compare"]["only_live"] else None

    found = wait_for(changed_now, 20)
    compare = found["compare"]
    assert compare["same"] + compare["only_backtest_total"] == found["alarms_total"]
    assert {a["condition"] for a in compare["only_live"]} == {"hot"}
    assert all(a["code"] in ("M1", "M2") and a["title"] == title("hot") for a in compare["only_live"])
    told = mill.run("backtest", "hot", "--from", instant(BEGIN), "--to", instant(END)).stdout.splitlines()
    assert len([line for line in told if line.startswith("- ")]) == compare["only_live_total"]
    assert f"{compare['same']} as live" in told[-1]


@pytest.mark.parametrize(
    ("begin", "end", "code"),
    [
        (BEGIN - 10 * 24 * 3600 * SECOND, END - 10 * 24 * 3600 * SECOND, "before_history"),
        (BEGIN + 10 * 24 * 3600 * SECOND, END + 10 * 24 * 3600 * SECOND, "after_history"),
        (BEGIN + SECOND // 4, BEGIN + SECOND // 2, "span_short"),
    ],
)
def test_a_span_without_ticks_says_why(mill: Platform, begin: int, end: int, code: str) -> None:
    found = backtest(mill, "hot", begin=begin, end=end)

    assert (found["ticks"] - found["lead_ticks"], found["empty"]["code"]) == (0, code)
    told = mill.run("backtest", "hot", "--from", instant(begin), "--to", instant(end)).stdout
    assert "0 alarms" in told
    assert i18n.text(f"backtest.empty.{code}", "en", **found["empty"]["params"]) in told.replace("\n", " ")


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("ht",), "hot"),
        (("--partition", "u9"), "u1"),
        (("hot", "--from", "2024-01-01", "--to", "2023-01-01"), "after"),
        (("hot", "--from", "yesterday", "--to", "2023-01-01"), "not an instant"),
        ((), "MODEL"),
    ],
)
def test_what_cannot_be_backtested_is_told(mill: Platform, args: tuple[str, ...], said: str) -> None:
    span = () if "--from" in args else ("--from", "2023-11-14", "--to", "2023-11-16")
    done = mill.run("backtest", *args, *span, check=False)
    assert done.returncode == 2
    assert said in done.stderr
