"""Reading a stream in exact order from a place the reader itself remembers.

The consumer on the server is ephemeral, in memory and without acknowledgement: the reader's own durable record (the
engine's snapshot, the historian's batch record, the dispatcher's row) is the authority. A consumer that is lost is made
again from there; a sequence that does not follow the one before is never handed out.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import nats.errors
import nats.js.errors
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

from headworks.base import log
from headworks.bus.errors import GapError

if TYPE_CHECKING:
    from headworks.bus.client import Bus

_BATCH = 256
_EXPIRES_S = 30
_HEARTBEAT_S = 1
_NANOS = 1_000_000_000
_logger = log.get(__name__)


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a stream; `seq` is its place in the order."""

    seq: int
    subject: str
    data: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class Reader:
    """Asynchronous iterator over a stream.

    Parameters
    ----------
    after : the last sequence already processed; None starts at the first message there is.
    subjects : only these subjects (exact or with wildcards); then sequences may jump, but never go back.

    Raises
    ------
    GapError
        Messages after `after` are gone.
    """

    def __init__(self, bus: Bus, stream: str, after: int | None, name: str, subjects: tuple[str, ...] = ()) -> None:
        self._bus = bus
        self._stream = stream
        self._name = name
        self._subjects = list(subjects)
        self.position = after
        self._closed = False
        self._jump: tuple[int, int] | None = None

    def __aiter__(self) -> AsyncIterator[Message]:
        return self._read()

    def close(self) -> None:
        """Make the iteration end after the message in hand."""
        self._closed = True

    async def _read(self) -> AsyncIterator[Message]:
        while not self._closed:
            try:
                await self._check_gap()
                consumer = await self._make_consumer()
            except (nats.errors.Error, nats.js.errors.Error, TimeoutError) as e:
                _logger.info("reader waits for the bus", stream=self._stream, reader=self._name, error=repr(e))
                await asyncio.sleep(0.2)
                continue
            async for message in self._pull(consumer):
                yield message
                if self._closed:
                    return

    async def _check_gap(self) -> None:
        state = (await self._bus.jetstream.stream_info(self._stream)).state
        if self.position is None:
            self.position = state.first_seq - 1 if state.first_seq else 0
        if state.first_seq > self.position + 1 and not (self._subjects and state.messages == 0):
            raise GapError(self._stream, self.position + 1, state.first_seq)
        if state.last_seq < self.position:
            raise GapError(self._stream, self.position + 1, state.last_seq + 1)

    async def _make_consumer(self) -> str:
        assert self.position is not None
        config = ConsumerConfig(
            deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
            opt_start_seq=self.position + 1,
            ack_policy=AckPolicy.NONE,
            mem_storage=True,
            inactive_threshold=60,
            max_waiting=8,
            filter_subjects=self._subjects or None,
            description=self._name,
        )
        info = await self._bus.jetstream.add_consumer(self._stream, config)
        return str(info.name)

    async def _pull(self, consumer: str) -> AsyncIterator[Message]:
        """Hand out messages until the consumer is lost."""
        nc, epoch = self._bus.connection, self._bus.epoch
        inbox = nc.new_inbox()
        request = json.dumps(
            {"batch": _BATCH, "expires": _EXPIRES_S * _NANOS, "idle_heartbeat": _HEARTBEAT_S * _NANOS}
        ).encode()
        subject = f"$JS.API.CONSUMER.MSG.NEXT.{self._stream}.{consumer}"
        sub = await nc.subscribe(inbox, pending_msgs_limit=-1, pending_bytes_limit=-1)
        try:
            await nc.publish(subject, request, reply=inbox)
            wanted, silent = _BATCH, 0.0
            while not self._closed:
                try:
                    raw = await sub.next_msg(timeout=0.5)
                except (nats.errors.TimeoutError, TimeoutError):
                    silent += 0.5
                    if self._bus.epoch != epoch or silent > 3 * _HEARTBEAT_S:
                        return
                    continue
                silent = 0.0
                status = raw.headers.get("Status") if raw.headers else None
                if status == "100":
                    continue
                if status in ("408", "409") and "Deleted" not in (raw.headers or {}).get("Description", ""):
                    wanted = _BATCH
                    await nc.publish(subject, request, reply=inbox)
                    continue
                if status is not None and not raw.reply.startswith("$JS.ACK"):
                    return
                message = self._accept(raw)
                if message is None:
                    return
                yield message
                wanted -= 1
                if wanted == 0:
                    wanted = _BATCH
                    await nc.publish(subject, request, reply=inbox)
        except (nats.errors.ConnectionClosedError, nats.errors.BadSubscriptionError):
            return
        finally:
            if not nc.is_closed:
                await self._leave(sub, consumer)

    async def _leave(self, sub: Any, consumer: str) -> None:
        try:
            await sub.unsubscribe()
            if self._bus.connection.is_connected:
                await self._bus.jetstream.delete_consumer(self._stream, consumer)
        except (nats.errors.Error, nats.js.errors.Error, TimeoutError):
            return  # the server forgets an unused consumer by itself

    def _accept(self, raw: Any) -> Message | None:
        """Return the message if it is the next one, else None: the consumer skipped something and is made again."""
        assert self.position is not None
        seq = int(raw.reply.split(".")[-4])
        if not self._subjects and seq != self.position + 1:
            _logger.warning("sequence jumped", stream=self._stream, expected=self.position + 1, found=seq)
            if self._jump == (self.position, seq):
                # A second consumer says the same: it is not the way here that lost them, the stream has them no longer.
                raise GapError(self._stream, self.position + 1, seq)
            self._jump = (self.position, seq)
            return None
        if seq <= self.position:
            return None
        self.position = seq
        return Message(seq, raw.subject, raw.data, raw.headers or {})
