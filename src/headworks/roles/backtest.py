"""Backtest: the models of a partition over its stored grid, as a job with progress and cancel."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import click
import msgspec
import numpy as np
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from headworks.base.clock import SystemClock, micros, to_datetime
from headworks.base.errors import Invalid, NotFound, Problem
from headworks.base.settings import Home
from headworks.bus.client import Bus
from headworks.bus.plan import PartitionPlan
from headworks.bus.work import Job, WorkQueue
from headworks.engine.backtest import backtest
from headworks.engine.grid import Rows
from headworks.engine.program import compile_program
from headworks.history.client import HistoryClient
from headworks.roles.context import read_endpoints

_MOST_EDGES = 5_000


async def _connect(home: Home, name: str) -> Bus:
    return await Bus.connect(home.settings.bus_url or read_endpoints(home).bus_url, home.secret("bus"), name, 10.0)


async def _plan(home: Home, partition: str) -> PartitionPlan:
    bus = await _connect(home, "backtest")
    try:
        plans = await bus.current_plans(home.settings.tenant)
        if partition not in plans:
            raise NotFound("backtest.partition_unknown", partition=partition, known=", ".join(sorted(plans)))
        return PartitionPlan.decode(await bus.get_plan(plans[partition]))
    finally:
        await bus.close()


def backtest_job(home_path: Path, params: dict[str, Any], shared: Any) -> dict[str, Any] | None:
    """Run the models of `params` (partition, start and end [µs], instances) over history.

    Writes its share done to ``shared["done"]`` and ends with None once ``shared["cancel"]`` is set.
    """
    home = Home(home_path)
    plan = asyncio.run(_plan(home, params["partition"]))
    wanted = set(params.get("instances") or ())
    instances = tuple(i for i in plan.instances if not wanted or i.code in wanted)
    if unknown := sorted(wanted - {i.code for i in instances}):
        raise NotFound("backtest.instance_unknown", instances=", ".join(unknown), partition=plan.partition)
    tags = np.array(sorted({b.tag for i in instances for b in i.inputs.values()}), np.uint32)
    program = compile_program(plan.templates, instances, tags, plan.tick)
    start, end = int(params["start"]), int(params["end"])

    def progress(done: int, tick: int) -> None:
        shared["done"] = (tick - start) / max(end - start, 1)

    client = HistoryClient(read_endpoints(home).history, home.secret("history"), home.settings.tenant)
    with client, contextlib.closing(_rows(client, plan, tags, start, end)) as rows:
        result = backtest(program, rows, progress, lambda: bool(shared["cancel"]), sink=lambda rows, out: None)
    if not result.finished:
        return None
    codes = {i.id: i.code for i in instances}
    return {
        "partition": plan.partition,
        "revision": plan.revision,
        "ticks": result.rows,
        "alarms": sum(e.transition == "raise" for e in result.edges),
        "edges": [
            [codes[e.instance], e.condition, e.tick, e.transition, None if np.isnan(e.value) else e.value]
            for e in result.edges[:_MOST_EDGES]
        ],
        "edges_total": len(result.edges),
    }


def _rows(client: HistoryClient, plan: PartitionPlan, tags: Any, start: int, end: int) -> Iterator[Rows]:
    for chunk in client.matrix_chunks(tags.tolist(), start, end, plan.tick, partition=plan.partition):
        yield Rows(chunk.ticks, chunk.value, chunk.status)


def parse_instant(text: str, field: str) -> int:
    """Return an ISO 8601 instant as µs; without an offset it is in the local time zone."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as e:
        raise Invalid(problems=[Problem(field=field, value=text, code="time.invalid")]) from e
    return micros(moment.astimezone() if moment.tzinfo is None else moment)


def backtest_command(
    home: Home, partition: str, start: str, end: str, instances: Sequence[str], *, as_json: bool, language: str
) -> None:
    """Ask for the job, show its progress and list what the models would have raised."""
    begin, stop = parse_instant(start, "--from"), parse_instant(end, "--to")
    if stop <= begin:
        raise Invalid(problems=[Problem(field="--to", value=end, code="time.not_after", params={"start": start})])
    params = {"partition": partition, "start": begin, "end": stop, "instances": list(instances)}
    job = asyncio.run(_follow(home, params, show=not as_json))
    if as_json:
        click.echo(msgspec.json.encode(job).decode())
        return
    if job.state != "done" or job.result is None:
        from headworks.base import i18n

        error = job.error or {"code": "internal", "params": {}}
        click.secho(i18n.text(f"errors.{error['code']}", language, **error["params"]), fg="red", err=True)
        raise SystemExit(2)
    for code, condition, tick, transition, value in job.result["edges"]:
        at = to_datetime(tick).astimezone().isoformat(sep=" ", timespec="milliseconds")
        click.echo(f"{at}  {transition:5}  {code}  {condition}  {'' if value is None else f'{value:.6g}'}")
    click.echo(f"{job.result['ticks']} ticks, {job.result['alarms']} alarms")


async def _follow(home: Home, params: dict[str, Any], *, show: bool) -> Job:
    bus = await _connect(home, "backtest-command")
    queue = WorkQueue(bus, home.settings.tenant)
    await queue.ensure()
    job = await queue.submit("backtest", params, asked_by="cli", now=SystemClock().now())
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    try:
        with Progress(*columns, disable=not show, transient=True) as bar:
            task = bar.add_task(f"backtest {params['partition']}", total=1.0)
            while job.state in ("queued", "running"):
                await asyncio.sleep(0.2)
                job = await queue.get(job.id)
                bar.update(task, completed=job.progress)
    except asyncio.CancelledError:
        await queue.cancel(job.id)
        raise
    finally:
        await bus.close()
    return job
