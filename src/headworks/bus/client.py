"""A role's connection to the bus."""

from __future__ import annotations

import asyncio
import contextlib
import io
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import nats
import nats.errors
import nats.js.errors
from nats.js.api import DiscardPolicy, KeyValueConfig, ObjectStoreConfig, RetentionPolicy, StorageType, StreamConfig

from headworks.base import log, tasks
from headworks.base.errors import Fault, NotFound
from headworks.bus import subjects
from headworks.bus.errors import LIBRARY_ERRORS, AnswerFailed, BusFull, BusUnreachable
from headworks.bus.plan import PLAN_BUCKET, digest
from headworks.bus.reader import Reader

MAX_MESSAGE_BYTES = 1 << 20
DUPLICATE_WINDOW_S = 120
_POSITIONS = "POSITIONS"
_CURRENT = "CURRENT_PLANS"
# A bus that began anew has none of the streams this connection knows.
_GONE = (nats.js.errors.NotFoundError, nats.js.errors.NoStreamResponseError)
# Out of space, by whichever limit said so: stream bytes or messages, server or account storage.
_FULL_CODES = {10023, 10028, 10047, 10077}
_FAILED = "Headworks-Failed"
"""Header of an answer that is none: what kind of exception the one who was asked met."""
_logger = log.get(__name__)

Callback = Callable[[str, bytes], Awaitable[None]]
Answer = Callable[[bytes], Awaitable[bytes]]


@dataclass(frozen=True, slots=True)
class StreamState:
    """How full a stream is. `first` > `last` means it is empty."""

    first: int
    last: int
    messages: int
    bytes: int
    max_bytes: int


class Bus:
    """One connection; it reconnects for as long as the process lives.

    `epoch` grows with every reconnection, so that readers know their consumer may be gone.
    """

    def __init__(self) -> None:
        self.connection: Any = None
        self.jetstream: Any = None
        self.epoch = 0
        self._kv: dict[str, Any] = {}
        self._read: dict[str, tuple[int, dict[str, str]]] = {}
        self._objects: Any = None
        self._tasks: set[asyncio.Task[None]] = set()

    @classmethod
    async def connect(cls, url: str, token: str, name: str, timeout: float = 30.0) -> Self:
        """Connect, waiting up to `timeout` s for the bus to come up.

        Raises
        ------
        BusUnreachable
            The bus did not answer in time.
        """
        bus = cls()

        async def reconnected() -> None:
            bus.epoch += 1
            _logger.info("bus reconnected", name=name)

        async def disconnected() -> None:
            if not bus.connection.is_closed:
                _logger.warning("bus disconnected", name=name)

        async def error(e: Exception) -> None:
            _logger.debug("bus client error", name=name, error=repr(e))

        deadline = asyncio.get_running_loop().time() + timeout
        while True:
            try:
                bus.connection = await nats.connect(
                    url,
                    token=token,
                    name=name,
                    allow_reconnect=True,
                    max_reconnect_attempts=-1,
                    reconnect_time_wait=0.1,
                    connect_timeout=2,
                    ping_interval=5,
                    max_outstanding_pings=2,
                    pending_size=32 << 20,
                    reconnected_cb=reconnected,
                    disconnected_cb=disconnected,
                    error_cb=error,
                )
                break
            except (OSError, nats.errors.Error, TimeoutError) as e:
                if asyncio.get_running_loop().time() > deadline:
                    raise BusUnreachable(url=url, reason=repr(e)) from e
                await asyncio.sleep(0.1)
        bus.jetstream = bus.connection.jetstream(timeout=5)
        return bus

    async def close(self) -> None:
        await tasks.end(self._tasks)
        # A bus that is gone has nothing left to be told.
        with contextlib.suppress(OSError):
            await self.connection.close()

    # --- streams ------------------------------------------------------------------------------------------------

    async def ensure_partition(self, tenant: str, partition: str, max_bytes: int) -> None:
        """Make (or adjust the size of) the LOG and OUT streams of a partition. What an engine says is far less than it hears,
        so OUT gets a quarter of `max_bytes`."""
        await self._ensure_stream(
            subjects.log_stream(tenant, partition),
            [subjects.subject(tenant, "samples", partition), subjects.subject(tenant, "mark", partition)],
            max_bytes,
        )
        await self._ensure_stream(
            subjects.out_stream(tenant, partition),
            [subjects.subject(tenant, "calc", partition), subjects.subject(tenant, "condition", partition)],
            max_bytes // 4,
        )

    async def ensure_quarantine(self, tenant: str, max_bytes: int = 256 << 20) -> None:
        """Make the stream of samples that were refused; the oldest go when it is full."""
        name, subject = f"QUARANTINE_{subjects.token(tenant)}", subjects.subject(tenant, "quarantine", "*")
        await self._ensure_stream(name, [subject], max_bytes, DiscardPolicy.OLD)

    async def _ensure_stream(
        self, name: str, subject_list: list[str], max_bytes: int, discard: DiscardPolicy = DiscardPolicy.NEW
    ) -> None:
        config = StreamConfig(
            name=name,
            subjects=subject_list,
            storage=StorageType.FILE,
            retention=RetentionPolicy.LIMITS,
            discard=discard,
            max_bytes=max_bytes,
            max_msg_size=MAX_MESSAGE_BYTES,
            duplicate_window=DUPLICATE_WINDOW_S,
            num_replicas=1,
            allow_direct=True,
            deny_delete=True,
        )
        try:
            info = await self.jetstream.stream_info(name)
        except nats.js.errors.NotFoundError:
            await self.jetstream.add_stream(config)
            return
        if info.config.max_bytes != max_bytes:
            await self.jetstream.update_stream(config)

    async def stream_state(self, stream: str) -> StreamState:
        """Return how full a stream is.

        Raises
        ------
        BusUnreachable
        """
        try:
            info = await self.jetstream.stream_info(stream)
        except LIBRARY_ERRORS as e:
            raise BusUnreachable(subject=stream, reason=repr(e)) from e
        s = info.state
        return StreamState(s.first_seq, s.last_seq, s.messages, s.bytes, info.config.max_bytes or -1)

    async def purge(self, stream: str, through: int) -> None:
        """Remove every message up to and including `through`."""
        if through <= 0:
            return
        try:
            await self.jetstream.purge_stream(stream, seq=through + 1)
        except LIBRARY_ERRORS as e:
            raise BusUnreachable(subject=stream, reason=repr(e)) from e

    async def usage(self) -> tuple[int, int]:
        """Return how many bytes and how many streams the bus keeps.

        Raises
        ------
        BusUnreachable
        """
        try:
            account = await self.jetstream.account_info()
        except LIBRARY_ERRORS as e:
            raise BusUnreachable(subject="account", reason=repr(e)) from e
        return int(account.storage), int(account.streams)

    # --- publish and read ---------------------------------------------------------------------------------------

    async def publish(
        self,
        subject: str,
        data: bytes,
        *,
        msg_id: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = 5.0,
    ) -> int:
        """Publish once and wait for the stream's acknowledgement; return the sequence (of the first copy, if repeated).

        Raises
        ------
        BusFull
            The stream has no space; nothing was stored.
        BusUnreachable
            No answer: it may or may not be stored; repeat with the same `msg_id`.
        """
        extra = dict(headers or {})
        if msg_id is not None:
            extra["Nats-Msg-Id"] = msg_id
        try:
            ack = await self.jetstream.publish(subject, data, timeout=timeout, headers=extra or None)
        except nats.js.errors.APIError as e:
            if e.err_code in _FULL_CODES:
                raise BusFull(subject=subject, reason=e.description) from e
            raise BusUnreachable(subject=subject, reason=repr(e)) from e
        except (nats.errors.Error, nats.js.errors.Error, TimeoutError, OSError) as e:
            raise BusUnreachable(subject=subject, reason=repr(e)) from e
        return int(ack.seq)

    async def publish_retrying(
        self, subject: str, data: bytes, *, msg_id: str, headers: Mapping[str, str] | None = None
    ) -> int:
        """Publish until the stream acknowledges, always with the same id; return the sequence."""
        pause = 0.05
        while True:
            try:
                return await self.publish(subject, data, msg_id=msg_id, headers=headers, timeout=2.0)
            except (BusFull, BusUnreachable) as e:
                _logger.warning("publish repeated", subject=subject, msg_id=msg_id, error=str(e))
                await asyncio.sleep(pause)
                pause = min(pause * 2, 1.0)

    def reader(self, stream: str, after: int | None, name: str, *only: str) -> Reader:
        """Return an iterator over the messages of `stream` after sequence `after`; `only` limits it to subjects."""
        return Reader(self, stream, after, name, only)

    async def subscribe(self, subject: str, callback: Callback) -> None:
        """Hear what passes on `subject` from now on; nothing is kept for those who were away."""

        async def heard(message: Any) -> None:
            await callback(message.subject, message.data)

        await self.connection.subscribe(subject, cb=heard)

    async def say(self, subject: str, data: bytes) -> None:
        """Tell whoever listens now; lost while disconnected."""
        if self.connection.is_connected:
            await self.connection.publish(subject, data)

    async def serve(self, subject: str, answer: Answer) -> None:
        """Answer what is asked on `subject` by :meth:`ask`. Each request is its own task, so a long one holds up none.

        An `answer` that raises is a bug: it is logged, and who asked gets :class:`AnswerFailed`.
        """

        async def work(message: Any) -> None:
            headers: dict[str, str] | None = None
            try:
                reply = await answer(message.data)
            except Exception as e:
                # Whatever it is: nobody awaits this task, and who asked must not wait for an answer that never comes.
                _logger.exception("question not answered", subject=subject)
                reply, headers = b"", {_FAILED: type(e).__name__}
            if self.connection.is_connected:
                await self.connection.publish(message.reply, reply, headers=headers)

        async def heard(message: Any) -> None:
            task = asyncio.create_task(work(message))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        await self.connection.subscribe(subject, queue="answer", cb=heard)

    async def ask(self, subject: str, data: bytes, timeout: float = 5.0) -> bytes:
        """Return the answer of whoever serves `subject`.

        Raises
        ------
        BusUnreachable
            Nobody serves it, or no answer came within `timeout` [s].
        AnswerFailed
            Whoever serves it failed while answering.
        """
        try:
            reply = await self.connection.request(subject, data, timeout=timeout)
        except (nats.errors.Error, TimeoutError, OSError) as e:
            raise BusUnreachable(subject=subject, reason=repr(e)) from e
        if reply.headers and (kind := reply.headers.get(_FAILED)):
            raise AnswerFailed(subject=subject, kind=kind)
        return bytes(reply.data)

    # --- plans --------------------------------------------------------------------------------------------------

    async def put_plan(self, encoded: bytes) -> str:
        """Store an encoded plan and return its digest."""
        name = digest(encoded)
        try:
            try:
                await (await self._plan_store()).get_info(name)
            except nats.js.errors.NotFoundError:
                self._objects = None
                await (await self._plan_store()).put(name, encoded)
        except LIBRARY_ERRORS as e:
            raise BusUnreachable(subject=PLAN_BUCKET, reason=repr(e)) from e
        return name

    async def get_plan(self, name: str) -> bytes:
        """Return the encoded plan of that digest.

        Raises
        ------
        NotFound
            ``bus.plan_missing``
        """
        buffer = io.BytesIO()
        try:
            await (await self._plan_store()).get(name, writeinto=buffer)
        except nats.js.errors.NotFoundError as e:
            raise NotFound("bus.plan_missing", digest=name) from e
        except LIBRARY_ERRORS as e:
            raise BusUnreachable(subject=PLAN_BUCKET, reason=repr(e)) from e
        data = buffer.getvalue()
        if digest(data) != name:
            raise NotFound("bus.plan_missing", digest=name)
        return data

    async def _plan_store(self) -> Any:
        if self._objects is None:
            try:
                self._objects = await self.jetstream.object_store(PLAN_BUCKET)
            except nats.js.errors.NotFoundError:
                config = ObjectStoreConfig(storage=StorageType.FILE, max_bytes=1 << 30)
                self._objects = await self.jetstream.create_object_store(PLAN_BUCKET, config=config)
        return self._objects

    async def set_current_plan(self, tenant: str, partition: str, name: str) -> None:
        await self._put(_CURRENT, f"{subjects.token(tenant)}.{subjects.token(partition)}", name)

    async def current_plans(self, tenant: str) -> dict[str, str]:
        """Return the digest of the newest plan of each partition of the tenant."""
        prefix = f"{subjects.token(tenant)}."
        return {k.removeprefix(prefix): v for k, v in (await self._entries(_CURRENT)).items() if k.startswith(prefix)}

    async def watch_plans(self, tenant: str, callback: Callback, every: float = 0.5) -> None:
        """Call ``callback(partition, digest bytes)`` for every current plan now, and again whenever one changes.

        Asks in intervals: a push subscription does not survive a bus that was killed.
        """
        seen: dict[str, str] = {}

        async def look() -> None:
            while True:
                try:
                    plans = await self.current_plans(tenant)
                except BusUnreachable as e:
                    _logger.info("plans not readable", error=repr(e))
                    plans = {}
                for partition, name in plans.items():
                    if seen.get(partition) != name and await tell(partition, name):
                        seen[partition] = name
                await asyncio.sleep(every)

        async def tell(partition: str, name: str) -> bool:
            """Return whether this plan is dealt with; one that cannot be must not keep the other partitions waiting."""
            try:
                await callback(partition, name.encode())
            except (BusUnreachable, *LIBRARY_ERRORS) as e:
                _logger.info("plan not readable", partition=partition, digest=name, error=repr(e))
                return False
            except Fault as e:
                _logger.error("plan not usable", partition=partition, digest=name, error=str(e))
            return True

        def ended(task: asyncio.Task[None]) -> None:
            self._tasks.discard(task)
            if not task.cancelled() and task.exception():
                _logger.error("plan watch ended", exc_info=task.exception())

        task = asyncio.create_task(look())
        self._tasks.add(task)
        task.add_done_callback(ended)

    # --- positions of readers -----------------------------------------------------------------------------------

    async def record_position(self, stream: str, reader: str, seq: int) -> None:
        """Say that `reader` will never need messages up to `seq` again."""
        await self._put(_POSITIONS, f"{stream}.{reader}", str(seq))

    async def positions(self, stream: str) -> dict[str, int]:
        """Return what every known reader of the stream said."""
        prefix = f"{stream}."
        found = await self._entries(_POSITIONS)
        return {k.removeprefix(prefix): int(v) for k, v in found.items() if k.startswith(prefix)}

    async def _bucket(self, name: str) -> Any:
        if name not in self._kv:
            try:
                self._kv[name] = await self.jetstream.key_value(name)
            except nats.js.errors.NotFoundError:
                config = KeyValueConfig(bucket=name, history=1, storage=StorageType.FILE)
                self._kv[name] = await self.jetstream.create_key_value(config)
        return self._kv[name]

    async def _put(self, bucket: str, key: str, value: str) -> None:
        try:
            try:
                await (await self._bucket(bucket)).put(key, value.encode())
            except _GONE:
                del self._kv[bucket]
                await (await self._bucket(bucket)).put(key, value.encode())
        except LIBRARY_ERRORS as e:
            raise BusUnreachable(subject=f"{bucket}.{key}", reason=repr(e)) from e

    async def _entries(self, bucket: str) -> dict[str, str]:
        """Return every key of a bucket. Asked in short intervals by every role, so nothing is fetched that did not change,
        and no consumer is made (which listing keys by the library would do)."""
        try:
            kv = await self._bucket(bucket)
            info = await self.jetstream.stream_info(f"KV_{bucket}", subjects_filter=">")
            last, known = self._read.get(bucket, (-1, {}))
            if info.state.last_seq != last:
                keys = [s.removeprefix(f"$KV.{bucket}.") for s in info.state.subjects or {}]
                known = {key: (await kv.get(key)).value.decode() for key in keys}
                self._read[bucket] = (info.state.last_seq, known)
        except nats.js.errors.NotFoundError as e:
            self._kv.pop(bucket, None)
            self._read.pop(bucket, None)
            raise BusUnreachable(subject=bucket, reason=repr(e)) from e
        except LIBRARY_ERRORS as e:
            raise BusUnreachable(subject=bucket, reason=repr(e)) from e
        return dict(known)
