"""Plans are kept as revisions (an outbox): written in the transaction of the records, published by the dispatch role."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, Protocol
from uuid import UUID

import msgspec
from django.conf import settings
from django.db import close_old_connections, transaction
from django.db.models import Q

from headworks.base import log
from headworks.base.clock import SystemClock
from headworks.bus.messages import Activation, encode
from headworks.bus.plan import digest
from headworks.bus.subjects import subject
from headworks.control.modelling.models import ModelInstance, PlanRevision
from headworks.control.modelling.plans import build
from headworks.control.twin.models import Partition
from headworks.control.twin.services import allocate, plan_affected

_logger = log.get(__name__)


class PlanBus(Protocol):
    """What of the bus is needed to publish plans."""

    async def current_plans(self, tenant: str) -> dict[str, str]: ...

    async def ensure_partition(self, tenant: str, partition: str, max_bytes: int) -> None: ...

    async def put_plan(self, encoded: bytes) -> str: ...

    async def publish(self, subject: str, data: bytes, *, msg_id: str | None = None) -> int: ...

    async def set_current_plan(self, tenant: str, partition: str, name: str) -> None: ...


class Pending(msgspec.Struct, frozen=True):
    """A plan that waits to be published."""

    id: UUID
    partition_id: UUID
    partition: str
    revision: int
    digest: str
    body: bytes


def listen() -> None:
    """Make new plans when a record of the plant changes that a plan holds."""
    plan_affected.connect(_affected, dispatch_uid="modelling.plans")


def _affected(partitions: Iterable[Partition], **_: Any) -> None:
    revise(partitions)


def system_instance(partition: Partition) -> ModelInstance:
    """Return the instance that the platform's own conditions of a partition belong to, made if there is none."""
    found = ModelInstance.objects.filter(partition=partition, template=None).first()
    if found is None:
        (number,) = allocate("instance", 1)
        found = ModelInstance.objects.create(
            id=number, code=f"system.{partition.code}", template=None, asset_id=partition.asset_id, partition=partition
        )
    return found


def revise(partitions: Iterable[Partition]) -> list[PlanRevision]:
    """Write a new plan revision for each of `partitions` whose plan is no longer what the records say.

    Part of the caller's transaction, so that records and plan cannot differ.
    """
    tenant = settings.HEADWORKS.tenant
    made: list[PlanRevision] = []
    with transaction.atomic():
        for partition in sorted(partitions, key=lambda p: p.code):
            system_instance(partition)
            last = PlanRevision.objects.filter(partition=partition).order_by("-revision").first()
            number = last.revision if last else 0
            if last and digest(build(tenant, partition, number).encode()) == last.digest:
                continue
            body = build(tenant, partition, number + 1).encode()
            made.append(
                PlanRevision.objects.create(
                    partition=partition,
                    revision=number + 1,
                    digest=digest(body),
                    body=body,
                    created_at=SystemClock().now(),
                )
            )
    return made


async def publish_pending(bus: PlanBus) -> int:
    """Give the data plane the newest plan of each partition that it does not have yet; return how many were published.

    Done in an order that a crash anywhere may interrupt: the plan is in the store before anything names it, the
    activation has an id that the stream keeps once, and the revision is marked last. What was published and not marked is
    published again, which changes nothing; and so is what a bus that lost its folder does not know any more.

    Raises
    ------
    NotReady, BusFull
        The bus refused; what is left is published at the next call.
    """
    tenant, max_bytes = settings.HEADWORKS.tenant, settings.HEADWORKS.stream_max_bytes
    done = 0
    known = await bus.current_plans(tenant)
    for p in await _in_thread(_pending, list(known)):
        await bus.ensure_partition(tenant, p.partition, max_bytes)
        name = await bus.put_plan(p.body)
        activation = Activation(revision=p.revision, digest=name, first_tick=0)
        message_id = f"activate:{name}:{p.revision}"
        await bus.publish(subject(tenant, "mark", p.partition), encode(activation), msg_id=message_id)
        await bus.set_current_plan(tenant, p.partition, name)
        await _in_thread(_mark, p)
        _logger.info("plan published", partition=p.partition, revision=p.revision, digest=name)
        done += 1
    return done


def _pending(known: list[str]) -> list[Pending]:
    """Return the newest plan of each partition that is unpublished or not `known` to the bus; the older ones are overtaken."""
    wanted = Q(published_at=None) | ~Q(partition__code__in=known)
    rows = PlanRevision.objects.filter(wanted).select_related("partition").order_by("revision")
    newest = {r.partition_id: r for r in rows}
    return [
        Pending(r.id, r.partition_id, r.partition.code, r.revision, r.digest, bytes(r.body)) for r in newest.values()
    ]


def _mark(p: Pending) -> None:
    mine = PlanRevision.objects.filter(partition_id=p.partition_id, revision__lte=p.revision, published_at=None)
    mine.update(published_at=SystemClock().now())


async def _in_thread(function: Any, *args: Any) -> Any:
    """Call a function that uses the database from a thread, with a connection that has not died of age."""

    def call() -> Any:
        close_old_connections()
        try:
            return function(*args)
        finally:
            close_old_connections()

    return await asyncio.to_thread(call)
