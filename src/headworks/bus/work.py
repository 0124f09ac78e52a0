"""The durable work queue: jobs that outlive the process that asked for them and the one that does them.

A job is a message of a work-queue stream until some worker acknowledges it done; its status is a key of a bucket. A worker
that dies loses the job after :data:`ACK_WAIT_S` and another takes it up, so a job has to give the same result when done twice.
One that was taken up :data:`MOST_TRIES` times in vain is given up by the next worker. The newest :data:`KEPT` jobs of the
last 30 days can be looked at.
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from typing import Any, Literal

import msgspec
import nats.js.errors
from nats.js.api import AckPolicy, ConsumerConfig, KeyValueConfig, RetentionPolicy, StorageType, StreamConfig

from headworks.base.errors import NotFound
from headworks.base.ids import record_id
from headworks.bus.client import Bus
from headworks.bus.errors import LIBRARY_ERRORS, BusUnreachable
from headworks.bus.subjects import subject, token

ACK_WAIT_S = 30
MOST_TRIES = 5
KEPT = 500
_AT_ONCE = 32
_RESULT_BYTES = 512 << 10
Pool = Literal["compute", "records"]
State = Literal["queued", "running", "done", "failed", "cancelled"]
ENDED = ("done", "failed", "cancelled")


class Job(msgspec.Struct, kw_only=True):
    """What is asked for, and how far it is. `progress` is 0 to 1, `eta_s` the expected rest [s], instants are µs."""

    id: str
    kind: str
    pool: Pool
    params: dict[str, Any] = {}
    asked_by: str = ""
    state: State = "queued"
    progress: float = 0.0
    eta_s: float | None = None
    asked: int = 0
    started: int | None = None
    ended: int | None = None
    result: dict[str, Any] | None = None
    error: dict[str, Any] | None = None


class Claim:
    """A job in the hands of this worker, until it is finished. `tries`: how often it was taken up, this time included."""

    def __init__(self, job: Job, message: Any) -> None:
        self.job = job
        self.tries = int(message.metadata.num_delivered or 1)
        self._message = message

    async def keep(self) -> None:
        """Say that the worker is still at it (BusUnreachable: it could not be said)."""
        try:
            await self._message.in_progress()
        except LIBRARY_ERRORS as e:
            raise BusUnreachable(subject=self.job.id, reason=repr(e)) from e

    async def finish(self) -> None:
        """Take the job out of the queue (BusUnreachable: it is still there, and will be taken up again)."""
        try:
            await self._message.ack_sync()
        except LIBRARY_ERRORS as e:
            raise BusUnreachable(subject=self.job.id, reason=repr(e)) from e


class WorkQueue:
    """Jobs of one tenant."""

    def __init__(self, bus: Bus, tenant: str) -> None:
        self._bus = bus
        self._tenant = token(tenant)
        self._stream = f"JOBS_{self._tenant}"
        self._bucket: Any = None
        self._subscriptions: set[Pool] = set()

    async def ensure(self) -> None:
        """Make the stream and the bucket if they are not there."""
        js = self._bus.jetstream
        try:
            await js.stream_info(self._stream)
        except nats.js.errors.NotFoundError:
            config = StreamConfig(
                name=self._stream,
                subjects=[subject(self._tenant, "job", "*")],
                retention=RetentionPolicy.WORK_QUEUE,
                storage=StorageType.FILE,
                max_bytes=256 << 20,
                num_replicas=1,
            )
            await js.add_stream(config)
        await self._status()

    async def _status(self) -> Any:
        if self._bucket is None:
            name = f"JOB_STATUS_{self._tenant}"
            try:
                self._bucket = await self._bus.jetstream.key_value(name)
            except nats.js.errors.NotFoundError:
                config = KeyValueConfig(bucket=name, history=1, storage=StorageType.FILE, ttl=30 * 86_400)
                self._bucket = await self._bus.jetstream.create_key_value(config)
        return self._bucket

    async def submit(
        self, kind: str, params: dict[str, Any], *, pool: Pool = "compute", asked_by: str = "", now: int
    ) -> Job:
        """Put a job into the queue and return it; asking is done when the queue has stored it."""
        job = Job(id=str(record_id()), kind=kind, pool=pool, params=params, asked_by=asked_by, asked=now)
        await self.write(job)
        await self._bus.publish_retrying(subject(self._tenant, "job", pool), msgspec.json.encode(job), msg_id=job.id)
        return job

    async def write(self, job: Job) -> None:
        """Record the status of a job. A result too large to keep is replaced by a note of its size."""
        data = msgspec.json.encode(job)
        if len(data) > _RESULT_BYTES:
            job = msgspec.structs.replace(job, result={"too_large_bytes": len(data)})
            data = msgspec.json.encode(job)
        try:
            await (await self._status()).put(job.id, data)
        except LIBRARY_ERRORS as e:
            raise BusUnreachable(subject=job.id, reason=repr(e)) from e

    async def get(self, job_id: str) -> Job:
        """Return a job as it stands.

        Raises
        ------
        NotFound
            ``job.not_found``
        BusUnreachable
        """
        try:
            entry = await (await self._status()).get(str(uuid.UUID(job_id)))
        except (nats.js.errors.KeyNotFoundError, ValueError) as e:
            raise NotFound("job.not_found", id=job_id) from e
        except LIBRARY_ERRORS as e:
            raise BusUnreachable(subject=job_id, reason=repr(e)) from e
        return msgspec.json.decode(entry.value, type=Job)

    async def newest(self, limit: int, *, asked_by: str | None = None, kind: str | None = None) -> list[Job]:
        """Return the newest jobs, newest first: of one person, of one kind. BusUnreachable: the bus is away."""
        found: list[Job] = []
        ids = await self._ids()
        for start in range(0, len(ids), _AT_ONCE):
            jobs = await asyncio.gather(*(self.get(i) for i in ids[start : start + _AT_ONCE]), return_exceptions=True)
            for job in jobs:
                if isinstance(job, NotFound):
                    continue  # it was too old, and went while we looked
                if isinstance(job, BaseException):
                    raise job
                if asked_by in (None, job.asked_by) and kind in (None, job.kind):
                    found.append(job)
            if len(found) >= limit:
                break
        return found[:limit]

    async def prune(self, keep: int = KEPT) -> int:
        """Forget all but the newest `keep` jobs, of those that have ended; return how many were forgotten."""
        bucket, gone = await self._status(), 0
        for job_id in (await self._ids())[keep:]:
            with contextlib.suppress(NotFound):
                if (await self.get(job_id)).state not in ENDED:
                    continue
                try:
                    await bucket.purge(job_id)
                    await bucket.purge(f"{job_id}.cancel")
                except LIBRARY_ERRORS as e:
                    raise BusUnreachable(subject=job_id, reason=repr(e)) from e
                gone += 1
        return gone

    async def _ids(self) -> list[str]:
        """Return the ids of all jobs, newest first (they begin with the time)."""
        try:
            keys = await (await self._status()).keys()
        except nats.js.errors.NoKeysError:
            return []
        except LIBRARY_ERRORS as e:
            raise BusUnreachable(subject=self._stream, reason=repr(e)) from e
        return sorted((k for k in keys if "." not in k), reverse=True)

    async def cancel(self, job_id: str, now: int | None = None) -> Job:
        """Ask the worker to stop at its next step; a job nobody has begun is cancelled at once (at instant `now`)."""
        job = await self.get(job_id)
        if job.state in ENDED:
            return job
        try:
            # A key of its own: the worker writes the job's status at the same time.
            await (await self._status()).put(f"{job.id}.cancel", b"1")
        except LIBRARY_ERRORS as e:
            raise BusUnreachable(subject=job_id, reason=repr(e)) from e
        if job.state == "queued":
            # A worker that begins it at this moment finds the key, and writes the state after us.
            job.state, job.ended = "cancelled", now
            await self.write(job)
        return job

    async def cancel_asked(self, job_id: str) -> bool:
        try:
            await (await self._status()).get(f"{job_id}.cancel")
        except nats.js.errors.KeyNotFoundError:
            return False
        except LIBRARY_ERRORS as e:
            raise BusUnreachable(subject=job_id, reason=repr(e)) from e
        return True

    async def claim(self, pool: Pool, wait_s: float) -> Claim | None:
        """Return the next job of a pool, or None if there is none within `wait_s`."""
        where = subject(self._tenant, "job", pool)
        # Given up by a worker that says so, not by the server that would say nothing.
        config = ConsumerConfig(
            durable_name=pool,
            filter_subject=where,
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=ACK_WAIT_S,
            max_deliver=-1,
            max_ack_pending=64,
        )
        try:
            if pool not in self._subscriptions:
                await self._bus.jetstream.add_consumer(self._stream, config)
                self._subscriptions.add(pool)
            sub = await self._bus.jetstream.pull_subscribe(where, durable=pool, stream=self._stream, config=config)
            try:
                (message,) = await sub.fetch(1, timeout=wait_s)
            finally:
                await sub.unsubscribe()
        except TimeoutError:
            return None
        except LIBRARY_ERRORS as e:
            self._subscriptions.discard(pool)
            if isinstance(e, nats.js.errors.NotFoundError):
                # A bus that began anew has neither stream nor bucket.
                self._bucket = None
                with contextlib.suppress(*LIBRARY_ERRORS):
                    await self.ensure()
            await asyncio.sleep(0.05)
            return None
        job = msgspec.json.decode(message.data, type=Job)
        try:
            job = await self.get(job.id)
        except NotFound:
            await self.write(job)
        return Claim(job, message)
