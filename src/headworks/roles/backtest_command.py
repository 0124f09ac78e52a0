"""The command that asks for a backtest, shows how far it is, and lists what it found."""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import click
import msgspec
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from headworks.base import i18n
from headworks.base.clock import SystemClock, local_text, micros
from headworks.base.errors import Invalid, NotFound, Problem
from headworks.base.settings import Home
from headworks.bus.errors import BusUnreachable
from headworks.bus.work import ENDED, Job, WorkQueue
from headworks.roles.backtest import connect, current_plans

_CANCEL_S = 10.0
CANCELLED = 130


def parse_instant(text: str, field: str) -> int:
    """Return an ISO 8601 instant as ms; without an offset it is in the local time zone."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as e:
        raise Invalid(problems=[Problem(field=field, value=text, code="time.invalid")]) from e
    return micros(moment.astimezone() if moment.tzinfo is None else moment) // 1000


async def models_of(home: Home, model: str | None, partition: str | None) -> dict[int, str]:
    """Return id -> code of the instances meant: one by its code, all of a template, or (no `model`) all of a partition.

    Raises
    ------
    NotFound
        ``backtest.partition_unknown``, ``backtest.model_unknown`` with the codes most like it.
    """
    plans = await current_plans(home)
    if partition is not None and partition not in plans:
        raise NotFound("backtest.partition_unknown", partition=partition, known=", ".join(sorted(plans)) or "–")
    instances = [i for name, plan in plans.items() if partition in (None, name) for i in plan.instances]
    found = {i.id: i.code for i in instances if model in (None, i.code, i.template)}
    if not found:
        known = sorted({i.code for i in instances} | {i.template for i in instances})
        near = difflib.get_close_matches(model or "", known, 5, 0.3) or known[:5]
        raise NotFound("backtest.model_unknown", model=model or partition, near=", ".join(near) or "–")
    return found


def backtest_command(
    home: Home, model: str | None, partition: str | None, start: str, end: str, *, as_json: bool, language: str
) -> int:
    """Ask for the job, show its progress and list what the models would have raised; return the exit code."""
    first, last = parse_instant(start, "--from"), parse_instant(end, "--to")
    if last <= first:
        raise Invalid(problems=[Problem(field="--to", value=end, code="time.not_after", params={"start": start})])
    ids = asyncio.run(models_of(home, model, partition))
    params = {"models": sorted(ids), "codes": sorted(ids.values())[:20], "from_ms": first, "to_ms": last}
    job = asyncio.run(_follow(home, params, model or str(partition), show=not as_json))
    if as_json:
        click.echo(msgspec.json.encode(job).decode())
    elif job.state == "done" and job.result is not None:
        for line in lines(job.result, "zh" if language == "zh-CN" else "en"):
            click.echo(line)
        if empty := job.result["empty"]:
            click.secho(i18n.text(f"backtest.empty.{empty['code']}", language, **empty["params"]), fg="yellow")
    elif job.state == "cancelled":
        click.echo("cancelled 已取消", err=True)
    else:
        error = job.error or {"code": "internal", "params": {}}
        click.secho(i18n.text(f"errors.{error['code']}", language, **error["params"]), fg="red", err=True)
    return {"done": 0, "cancelled": CANCELLED}.get(job.state, 2)


def lines(result: dict[str, Any], title: str) -> Iterator[str]:
    """Yield a line for every alarm, by time: ``=`` was raised live at the same tick, ``+`` only here, ``-`` only live.
    Times are of this machine's time zone, with their offset."""
    compare = result["compare"]
    only = {(a["model"], a["condition"], a["raised_ms"]) for a in compare["only_backtest"]}
    rows = [(a, "+" if (a["model"], a["condition"], a["raised_ms"]) in only else "=") for a in result["alarms"]]
    rows += [(a, "-") for a in compare["only_live"]]
    for a, sign in sorted(rows, key=lambda r: (r[0]["raised_ms"], r[0]["code"], r[0]["condition"])):
        until = "" if a["cleared_ms"] is None else f"… {_local(a['cleared_ms'])}"
        value = "" if a["value"] is None else f"{a['value']:.6g}"
        yield (
            f"{sign} {_local(a['raised_ms'])} {until:31}  P{a['priority']}  {a['code']}  {a['condition']}  "
            f"{a['title'][title]}  {value}"
        ).rstrip()
    listed = len(result["alarms"])
    if listed < result["alarms_total"]:
        yield f"… {result['alarms_total'] - listed} more"
    yield (
        f"{result['ticks']} ticks ({result['lead_ticks']} of them lead) in {result['elapsed_s']:g} s, "
        f"{result['alarms_total']} alarms: {compare['same']} as live, {compare['only_backtest_total']} only here (+), "
        f"{compare['only_live_total']} only live (-)"
    )


def _local(ms: int) -> str:
    return local_text(ms * 1000, "milliseconds")


async def _follow(home: Home, params: dict[str, Any], name: str, *, show: bool) -> Job:
    """Ask for the job and wait for its end; Ctrl-C asks for its cancellation and waits for that."""
    bus = await connect(home, "backtest-command")
    queue = WorkQueue(bus, home.settings.tenant)
    await queue.ensure()
    job = await queue.submit("backtest", params, asked_by="cli", now=SystemClock().now())
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    try:
        with Progress(*columns, disable=not show, transient=True) as bar:
            task = bar.add_task(f"backtest {name}", total=1.0)
            try:
                return await _ended(queue, job, lambda j: bar.update(task, completed=j.progress))
            except asyncio.CancelledError:
                # The second Ctrl-C ends the command at once; the job has been told by then.
                asyncio.current_task().uncancel()  # type: ignore[union-attr]
                await queue.cancel(job.id, SystemClock().now())
                async with asyncio.timeout(_CANCEL_S):
                    return await _ended(queue, job, lambda j: None)
    finally:
        await bus.close()


async def _ended(queue: WorkQueue, job: Job, seen: Any) -> Job:
    while job.state not in ENDED:
        await asyncio.sleep(0.2)
        try:
            job = await queue.get(job.id)
        except BusUnreachable:
            continue  # the job goes on, and so does the bus soon
        seen(job)
    return job
