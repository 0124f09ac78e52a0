"""Backtest: models over the stored grid, as a job with progress and cancel, compared with what was raised live."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from headworks.base.clock import local_text
from headworks.base.errors import NotFound
from headworks.base.settings import Home
from headworks.blocks.template import Condition, Instance
from headworks.bus.client import Bus
from headworks.bus.plan import PartitionPlan
from headworks.engine.backtest import backtest, lead
from headworks.engine.graph import all_instances
from headworks.engine.grid import Rows
from headworks.engine.program import Edge, compile_program
from headworks.history.client import HistoryClient
from headworks.roles.context import read_endpoints
from headworks.roles.records import set_up_django

MOST_ALARMS = 1_000

Raise = tuple[int, str, int]
C = TypeVar("C")


@dataclass
class Found:
    """What came out so far. `alarms`: every raise of the span, by instance, condition and tick [µs]; `spans`: which instances
    were looked at from when to when (up to the last tick that history has); `lead_ticks`: those of `ticks` before the span;
    `empty`: why a partition had no tick in the span."""

    alarms: dict[Raise, dict[str, Any]] = field(default_factory=dict)
    ticks: int = 0
    lead_ticks: int = 0
    evaluations: int = 0
    finished: bool = True
    spans: list[tuple[list[int], int, int]] = field(default_factory=list)
    empty: dict[str, Any] | None = None


async def connect(home: Home, name: str) -> Bus:
    """Return a connection to the bus of a running installation."""
    return await Bus.connect(home.settings.bus_url or read_endpoints(home).bus_url, home.secret("bus"), name, 10.0)


async def current_plans(home: Home) -> dict[str, PartitionPlan]:
    """Return partition -> the plan it is given now."""
    bus = await connect(home, "backtest")
    try:
        names = await bus.current_plans(home.settings.tenant)
        return {p: PartitionPlan.decode(await bus.get_plan(names[p])) for p in sorted(names)}
    finally:
        await bus.close()


def backtest_job(home_path: Path, params: dict[str, Any], shared: Any) -> dict[str, Any] | None:
    """Run models over history.

    Parameters
    ----------
    params : `models` (ids of instances), `from_ms`, `to_ms` [ms]: the span [from, to)
    shared : ``shared["done"]`` is written the share done; it ends with None once ``shared["cancel"]`` is set

    Raises
    ------
    NotFound
        ``backtest.models_unknown``: no plan that is in force has these models.
    """
    home, begun = Home(home_path), time.monotonic()
    wanted, start, end = set(params["models"]), int(params["from_ms"]) * 1000, int(params["to_ms"]) * 1000
    chosen = [
        (plan, instances)
        for plan in asyncio.run(current_plans(home)).values()
        if (instances := tuple(i for i in plan.instances if i.id in wanted))
    ]
    if unknown := sorted(wanted - {i.id for _, instances in chosen for i in instances}):
        raise NotFound("backtest.models_unknown", models=", ".join(map(str, unknown[:20])), count=len(unknown))
    found = Found()
    client = HistoryClient(read_endpoints(home).history, home.secret("history"), home.settings.tenant)
    with client:
        for number, (plan, instances) in enumerate(chosen):
            run_partition(client, plan, instances, (start, end), found, (number / len(chosen), 1 / len(chosen)), shared)
            if not found.finished:
                return None
    alarms = sorted(found.alarms.values(), key=lambda a: (a["raised_ms"], a["code"], a["condition"]))
    return {
        "models": [{"id": i.id, "code": i.code} for _, instances in chosen for i in instances],
        "from_ms": params["from_ms"],
        "to_ms": params["to_ms"],
        "ticks": found.ticks,
        "lead_ticks": found.lead_ticks,
        "evaluations": found.evaluations,
        "empty": found.empty if found.ticks == found.lead_ticks else None,
        "elapsed_s": round(time.monotonic() - begun, 3),
        "alarms": alarms[:MOST_ALARMS],
        "alarms_total": len(alarms),
        "compare": _compare(home, found),
    }


def run_partition(
    client: HistoryClient,
    plan: PartitionPlan,
    instances: Sequence[Instance],
    span: tuple[int, int],
    found: Found,
    share: tuple[float, float],
    shared: Any,
) -> None:
    """Run models of one partition, and those they read; add what came of the former to `found`."""
    start, end = span
    wanted = {i.id for i in instances}
    needed = all_instances(plan.instances, wanted)
    run = tuple(i for i in plan.instances if i.id in needed)
    tags = np.array(sorted({b.tag for i in run for b in i.inputs.values() if not b.signal}), np.uint32)
    program = compile_program(plan.templates, run, tags, plan.tick)
    back = lead(plan.templates, run, plan.tick)
    first = max(start - back, 0)
    last, lead_before = start, found.lead_ticks

    def progress(done: int, tick: int) -> None:
        nonlocal last
        last = tick
        shared["done"] = share[0] + share[1] * (tick - first) / max(end - first, 1)

    def rows_of() -> Generator[Rows, None, None]:
        chunks = client.matrix_chunks(tags.tolist(), first, end, plan.tick, partition=plan.partition)
        with contextlib.closing(read_ahead(chunks)) as ready:
            for chunk in ready:
                found.lead_ticks += int(np.count_nonzero(chunk.ticks < start))
                yield Rows(chunk.ticks, chunk.value, chunk.status)

    with contextlib.closing(rows_of()) as rows:
        result = backtest(program, rows, progress, lambda: bool(shared["cancel"]), sink=lambda rows, out: None)
    found.finished = result.finished
    if result.finished and result.rows == found.lead_ticks - lead_before:
        found.empty = why_empty(client, plan.tick, tags.tolist(), span)
    found.ticks += result.rows
    found.evaluations += result.state.evaluations
    found.spans.append(([i.id for i in instances], start, min(end, last + 1)))
    _alarms([e for e in result.edges if e.instance in wanted], start, instances, plan, found.alarms)


def read_ahead(chunks: Iterator[C]) -> Generator[C, None, None]:
    """Hand on what another thread reads while the last chunk is worked on: one at a time waits."""
    waiting: queue.Queue[tuple[str, Any]] = queue.Queue(1)
    over = threading.Event()

    def say(what: str, chunk: Any) -> None:
        while not over.is_set():
            with contextlib.suppress(queue.Full):
                waiting.put((what, chunk), timeout=0.1)
                return

    def read() -> None:
        try:
            for chunk in chunks:
                say("chunk", chunk)
                if over.is_set():
                    return
            say("end", None)
        except Exception as e:  # raised where the chunks are wanted
            say("error", e)

    reader = threading.Thread(target=read, name="backtest-reader", daemon=True)
    reader.start()
    try:
        while (found := waiting.get())[0] != "end":
            if found[0] == "error":
                raise found[1]
            yield found[1]
    finally:
        over.set()
        reader.join(10)


def why_empty(client: HistoryClient, tick: int, tags: Sequence[int], span: tuple[int, int]) -> dict[str, Any]:
    """Return why the grid of `tick` [µs] has no tick of `tags` in `span` [µs]: `code` and `params` of the text
    ``backtest.empty.<code>``."""
    start, end = span
    if -(-start // tick) * tick >= end:
        return {"code": "span_short", "params": {"tick_s": tick / 1_000_000}}
    newest = max((n.time for n in client.latest(tags).values()), default=None)
    if newest is None:
        return {"code": "no_history", "params": {}}
    if newest < start:
        return {"code": "after_history", "params": {"last": local_text(newest)}}
    if client.count(tags, start, end):
        return {"code": "grid_pending", "params": {"tick_s": tick / 1_000_000}}
    if client.count(tags, 0, start):
        return {"code": "gap", "params": {}}
    return {"code": "before_history", "params": {}}


def _alarms(
    edges: Sequence[Edge], start: int, instances: Sequence[Instance], plan: PartitionPlan, found: dict[Raise, Any]
) -> None:
    """Add an alarm for every raise from `start` on."""
    by_id = {i.id: i for i in instances}
    told: Mapping[tuple[str, str], Condition] = {
        (t.code, c.name): c for t in plan.templates.values() for c in t.conditions
    }
    standing: dict[tuple[int, str], dict[str, Any]] = {}
    for e in edges:
        if e.transition == "clear":
            if alarm := standing.pop((e.instance, e.condition), None):
                alarm["cleared_ms"] = e.tick // 1000
        elif e.tick >= start:
            instance = by_id[e.instance]
            condition = told[instance.template, e.condition]
            alarm = {
                "model": e.instance,
                "code": instance.code,
                "condition": e.condition,
                "title": {"zh": condition.title.zh, "en": condition.title.en},
                "priority": condition.priority,
                "raised_ms": e.tick // 1000,
                "cleared_ms": None,
                "value": None if np.isnan(e.value) else e.value,
            }
            standing[e.instance, e.condition] = found[e.instance, e.condition, e.tick] = alarm


def _compare(home: Home, found: Found) -> dict[str, Any]:
    """Return how the raises compare with those of the alarm records in the same spans."""
    set_up_django(home)
    from django.db import connections

    from headworks.control.jobs.compare import compare, raised_live

    try:
        live = {}
        for instances, start, end in found.spans:
            live.update(raised_live(instances, start, end))
    finally:
        connections.close_all()
    return compare(found.alarms, live)
