"""Questions to other roles: what a server offers, what lies below a node, everything below it as a job."""

from __future__ import annotations

from typing import Any

import msgspec
from django.conf import settings

from headworks.base.clock import SystemClock
from headworks.base.errors import Conflict, NotFound
from headworks.bus.client import Bus
from headworks.bus.subjects import subject
from headworks.bus.work import Job
from headworks.connect.opcua.rows import unpack
from headworks.control.jobs.asking import with_queue
from headworks.control.live import hub

ANSWER_S = 9.5
JOB = "opcua_browse"


async def ask_connect(bus: Bus, question: dict[str, Any]) -> dict[str, Any]:
    """Return what the connect role answers.

    Raises
    ------
    Conflict
        with the code of what went wrong at the server (``opcua.*``)
    BusUnreachable
        Nobody answered.
    """
    where = subject(settings.HEADWORKS.tenant, "ask", "connect")
    answer = msgspec.json.decode(await bus.ask(where, msgspec.json.encode(question), ANSWER_S))
    if error := answer.get("error"):
        raise Conflict(error["code"], **error["params"])
    said: dict[str, Any] = answer["ok"]
    return said


def from_web(question: dict[str, Any]) -> dict[str, Any]:
    """Ask from a request of the web."""

    async def work() -> dict[str, Any]:
        return await ask_connect(hub.current().bus, question)

    said: dict[str, Any] = hub.current().ask(work, ANSWER_S + 0.5)
    return said


def collect(source: str, node: str | None, asked_by: str) -> Job:
    """Ask for the job that collects everything below a node; it need not wait behind a backtest."""
    params, now = {"source": source, "node": node or ""}, SystemClock().now()
    return with_queue(lambda q: q.submit(JOB, params, pool="records", asked_by=asked_by, now=now))


def collected(source: str, job_id: str) -> list[dict[str, Any]]:
    """Return the rows that a finished job has collected from a source.

    Raises
    ------
    NotFound, Conflict
        ``job.not_found``, ``source.no_rows``: the job is of another kind or source, failed, or is not done
    """
    job = with_queue(lambda q: q.get(job_id))
    if job.kind != JOB or job.params.get("source") != source:
        raise NotFound("job.not_found", id=job_id)
    if job.state != "done" or job.result is None or "rows" not in job.result:
        raise Conflict("source.no_rows", state=job.state)
    return unpack(job.result)
