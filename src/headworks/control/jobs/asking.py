"""The work queue as a request sees it: asked over the connection that the web process has to the bus."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from headworks.base import i18n
from headworks.base.clock import SystemClock, ms
from headworks.bus.work import Job, WorkQueue
from headworks.control.live import hub

T = TypeVar("T")


def with_queue(work: Callable[[WorkQueue], Awaitable[T]]) -> T:
    """Return the result of ``await work(queue)``.

    Raises
    ------
    NotReady
        ``live.not_running``, ``live.busy``, ``bus.unreachable``: there is no bus now.
    """

    async def ask() -> T:
        queue = WorkQueue(hub.current().bus, hub.current().tenant)
        await queue.ensure()
        return await work(queue)

    found: T = hub.current().ask(ask)
    return found


def submit(kind: str, params: dict[str, Any], asked_by: str) -> Job:
    """Put a job into the queue and return it."""
    return with_queue(lambda q: q.submit(kind, params, asked_by=asked_by, now=SystemClock().now()))


def body(job: Job, language: str, *, result: bool = True) -> dict[str, Any]:
    """Return a job as the API says it; without its `result` where many are listed."""
    error = None
    if job.error is not None:
        code = str(job.error.get("code", "internal"))
        error = {"code": code, "text": i18n.text(f"errors.{code}", language, **(job.error.get("params") or {}))}
    found = job.result if result else None
    if found is not None and (empty := found.get("empty")):
        text = i18n.text(f"backtest.empty.{empty['code']}", language, **empty["params"])
        found = {**found, "empty": {**empty, "text": text}}
    return {
        "id": job.id,
        "kind": job.kind,
        "state": job.state,
        "progress": job.progress,
        "eta_s": job.eta_s,
        "asked_by": job.asked_by,
        "asked_ms": job.asked // 1000,
        "started_ms": ms(job.started),
        "ended_ms": ms(job.ended),
        "params": job.params,
        "result": found,
        "error": error,
    }
