"""Jobs and backtests."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from django.db import transaction
from django.http import HttpRequest
from ninja import Query, Router, Schema, Status
from pydantic import Field

from headworks.base.clock import SystemClock
from headworks.base.errors import Invalid, Problem
from headworks.bus.work import WorkQueue
from headworks.control.access.authority import authorize
from headworks.control.access.services import address_of, audit
from headworks.control.jobs import asking
from headworks.control.modelling.models import ModelInstance
from headworks.control.project.language import language_of

router = Router()

MOST_MODELS = 5000
MOST_JOBS = 500
LONGEST_DAYS = 400
_DAY_MS = 86_400_000
Instant = Annotated[int, Field(ge=0, lt=1 << 47)]


class ErrorOut(Schema):
    code: str
    text: str


class JobOut(Schema):
    id: str
    kind: str
    state: Literal["queued", "running", "done", "failed", "cancelled"]
    progress: float
    eta_s: float | None
    asked_by: str
    asked_ms: int
    started_ms: int | None
    ended_ms: int | None
    params: dict[str, Any]
    result: dict[str, Any] | None
    error: ErrorOut | None


class JobsOut(Schema):
    items: list[JobOut]


class JobFilter(Schema):
    mine: bool = False
    kind: Annotated[str, Field(max_length=50)] = ""
    limit: Annotated[int, Field(ge=1, le=MOST_JOBS)] = 50


class BacktestIn(Schema):
    models: Annotated[list[Annotated[int, Field(ge=0, lt=1 << 32)]], Field(min_length=1, max_length=MOST_MODELS)]
    from_ms: Instant
    to_ms: Instant


@router.post("backtests", response={202: JobOut})
def backtest(request: HttpRequest, body: BacktestIn) -> Any:
    """Ask for models, as they are now, over the stored history of [from, to): a job of kind ``backtest``.

    Its result: ``models``, ``from_ms``, ``to_ms``, ``ticks`` (evaluated, the lead included), ``lead_ticks``, ``evaluations``
    (blocks times ticks), ``empty`` (null, or why there is no tick in the span: ``code``, ``params``, ``text``),
    ``elapsed_s``, ``alarms`` (model, code, condition, title, priority, raised_ms, cleared_ms, value),
    ``alarms_total``, and ``compare`` with the alarms raised live, tick for tick: ``same``, ``only_backtest``, ``only_live``
    and their totals.
    """
    authorize(request.user, "backtests.run")
    _check_span(body.from_ms, body.to_ms)
    ids = sorted(set(body.models))
    known = dict(
        ModelInstance.objects.filter(id__in=ids, retired_at=None, template__isnull=False).values_list("id", "code")
    )
    if missing := [i for i in ids if i not in known]:
        raise Invalid(
            problems=[Problem(field="models", value=i, code="model.not_found", params={"model": i}) for i in missing]
        )
    params = {
        "models": ids,
        "codes": sorted(known.values())[:20],
        "from_ms": body.from_ms,
        "to_ms": body.to_ms,
    }
    with transaction.atomic():
        job = asking.submit("backtest", params, str(request.user))
        audit(
            request.user,
            "backtest.ask",
            "job",
            job.id,
            address_of(request),
            models=len(ids),
            from_ms=body.from_ms,
            to_ms=body.to_ms,
        )
    return Status(202, asking.body(job, language_of(request)))


@router.get("jobs", response=JobsOut)
def jobs(request: HttpRequest, wanted: Query[JobFilter]) -> Any:
    """Return the newest jobs, newest first, without their results."""
    authorize(request.user, "jobs.view")
    mine = str(request.user) if wanted.mine else None
    found = asking.with_queue(lambda q: q.newest(wanted.limit, asked_by=mine, kind=wanted.kind or None))
    language = language_of(request)
    return {"items": [asking.body(j, language, result=False) for j in found]}


@router.get("jobs/{job_id}", response=JobOut)
def job(request: HttpRequest, job_id: str) -> Any:
    """Return a job as it stands."""
    authorize(request.user, "jobs.view")
    return asking.body(asking.with_queue(lambda q: q.get(job_id)), language_of(request))


@router.post("jobs/{job_id}/cancel", response=JobOut)
def cancel(request: HttpRequest, job_id: str) -> Any:
    """Ask for the end of a job: one's own, or any with the permission ``jobs.cancel_any``. One that has ended stays so."""
    authorize(request.user, "jobs.view")
    found = asking.with_queue(lambda q: q.get(job_id))
    if found.asked_by != str(request.user):
        authorize(request.user, "jobs.cancel_any")

    async def stop(queue: WorkQueue) -> Any:
        return await queue.cancel(job_id, SystemClock().now())

    with transaction.atomic():
        stopped = asking.with_queue(stop)
        audit(request.user, "job.cancel", "job", job_id, address_of(request), of=found.kind)
    return asking.body(stopped, language_of(request))


def _check_span(start: int, end: int) -> None:
    if end <= start:
        raise Invalid(problems=[Problem(field="to_ms", value=end, code="time.not_after", params={"start": start})])
    if end - start > LONGEST_DAYS * _DAY_MS:
        problem = Problem(field="to_ms", value=end, code="backtest.span_too_long", params={"days": LONGEST_DAYS})
        raise Invalid(problems=[problem])
