"""What a writer makes of the messages of a stream, before it is inserted.

An intake is pure but for fetching plans: from its state and the messages it is fed follow its rows, always the same. That
is what makes a batch repeatable after a crash.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from headworks.base import log
from headworks.base.errors import Fault, NotReady
from headworks.bus import messages
from headworks.bus.batch import SampleBatch
from headworks.bus.messages import Activation, Mark, Watermark
from headworks.bus.plan import PartitionPlan
from headworks.bus.reader import Message
from headworks.history import segments
from headworks.history.columns import MICROS, column
from headworks.history.follow import LogFollower, Released

_logger = log.get(__name__)
GetPlan = Callable[[str], Awaitable[bytes]]


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Rows for one table; `suffix` tells the inserts of one batch apart."""

    table: str
    suffix: str
    batch: pa.RecordBatch


class Intake(Protocol):
    """Turns messages into rows. `weight` is how much it holds, in units of rows."""

    weight: int

    async def feed(self, message: Message) -> None: ...

    def take(self) -> list[Rows]:
        """Return what has been fed since the last take."""
        ...

    def export(self) -> bytes: ...

    def restore(self, state: bytes) -> None: ...

    def reset(self) -> None:
        """Forget everything: the stream began anew."""
        ...


def raw_rows(
    tag: NDArray[np.uint32],
    time: NDArray[np.int64],
    rev: NDArray[np.uint64],
    value: NDArray[np.float64],
    status: NDArray[np.uint32],
) -> pa.RecordBatch:
    """Return samples as rows of the raw table."""
    return pa.record_batch(
        [
            column(tag),
            column(time, MICROS),
            column(rev),
            column(value),
            column(status),
        ],
        names=["tag", "ts", "rev", "value", "status"],
    )


class _Columns:
    """Samples with their revisions, waiting."""

    def __init__(self) -> None:
        self.batches: list[SampleBatch] = []
        self.revs: list[NDArray[np.int64]] = []
        self.size = 0

    def add(self, batch: SampleBatch, rev: NDArray[np.int64]) -> None:
        if len(batch):
            self.batches.append(batch)
            self.revs.append(rev)
            self.size += len(batch)

    def take(self) -> list[Rows]:
        if not self.size:
            return []
        all_, rev = SampleBatch.concat(self.batches), np.concatenate(self.revs).astype(np.uint64)
        self.batches, self.revs, self.size = [], [], 0
        return [Rows("raw", "", raw_rows(all_.tag, all_.time, rev, all_.value, all_.status))]


async def _plan(get: GetPlan, activation: Activation) -> PartitionPlan:
    """Return the plan of an activation, waiting for the bus as long as it takes: nothing can be decided without it."""
    while True:
        try:
            return PartitionPlan.decode(await get(activation.digest))
        except (NotReady, TimeoutError) as e:
            _logger.warning("plan not readable", digest=activation.digest, error=repr(e))
            await asyncio.sleep(0.5)


def _mark(message: Message) -> Mark:
    mark: Mark = messages.decode(message.data, Mark)
    return mark


def _is(message: Message, kind: str) -> bool:
    return message.subject.split(".")[2] == kind


def _repeats(batch: SampleBatch, rev: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which late samples repeat the (tag, time) of an earlier one in the same message; the first received wins."""
    late = np.flatnonzero(rev > 0)
    repeats = np.zeros(len(rev), bool)
    if len(late) > 1:
        keys = np.empty(len(late), [("tag", "u4"), ("time", "i8")])
        keys["tag"], keys["time"] = batch.tag[late], batch.time[late]
        _, first = np.unique(keys, return_index=True)
        repeats[late] = True
        repeats[late[first]] = False
    return repeats


class RawIntake:
    """LOG stream -> raw rows with their revisions."""

    def __init__(self, get_plan: GetPlan) -> None:
        self._get_plan = get_plan
        self._follower = LogFollower()
        self._columns = _Columns()
        self.late = 0
        self.ignored = 0
        self.undecodable = 0

    @property
    def weight(self) -> int:
        return self._columns.size

    @property
    def last_tick(self) -> int | None:
        return self._follower.last_tick

    async def feed(self, message: Message) -> None:
        if _is(message, "samples"):
            self._add(message)
            return
        mark = _mark(message)
        if isinstance(mark, Watermark):
            for _ in self._follower.advance(mark.time):
                pass
        else:
            self._follower.activate(mark, await _plan(self._get_plan, mark))

    def _add(self, message: Message) -> None:
        try:
            batch = SampleBatch.decode(message.data)
        except Fault as e:
            self.undecodable += 1
            _logger.error("message without samples", subject=message.subject, seq=message.seq, error=str(e))
            return
        rev = self._follower.add(batch.tag, batch.time, batch.value, batch.status, message.seq)
        keep = (rev >= 0) & ~_repeats(batch, rev)
        self.late += int(np.count_nonzero(rev > 0))
        self.ignored += len(rev) - int(np.count_nonzero(keep))
        if keep.all():
            self._columns.add(batch, rev)
        else:
            self._columns.add(batch[keep], rev[keep])

    def take(self) -> list[Rows]:
        return self._columns.take()

    def export(self) -> bytes:
        return self._follower.export()

    def restore(self, state: bytes) -> None:
        self._follower, self._columns = LogFollower.restore(state), _Columns()

    def reset(self) -> None:
        self._follower, self._columns = LogFollower(), _Columns()


class CalcIntake:
    """OUT stream -> raw rows of calculated tags. The engine repeats itself after a crash: what is not newer is dropped."""

    def __init__(self) -> None:
        self._last = (0, -1)
        self._columns = _Columns()
        self.repeated = 0

    @property
    def weight(self) -> int:
        return self._columns.size

    async def feed(self, message: Message) -> None:
        if not _is(message, "calc"):
            return
        place = (int(message.headers["Hw-Mark"]), int(message.headers["Hw-Chunk"]))
        if place <= self._last:
            self.repeated += 1
            return
        self._last = place
        batch = SampleBatch.decode(message.data)
        self._columns.add(batch, np.zeros(len(batch), np.int64))

    def take(self) -> list[Rows]:
        return self._columns.take()

    def export(self) -> bytes:
        return msgspec.msgpack.encode(self._last)

    def restore(self, state: bytes) -> None:
        self._last, self._columns = msgspec.msgpack.decode(state, type=tuple[int, int]), _Columns()

    def reset(self) -> None:
        self._last, self._columns = (0, -1), _Columns()


class _GridState(msgspec.Struct, frozen=True, array_like=True):
    follower: bytes
    open_hours: list[int]


class GridIntake:
    """LOG stream -> segments of the as-live grid.

    An hour that lies wholly in a batch goes to `seg` at once; parts of an hour go to `seg_recent` until the hour is over.
    `finished` lists the hours that are over and still lie in `seg_recent`.
    """

    def __init__(self, partition: str, get_plan: GetPlan) -> None:
        self._partition = partition
        self._get_plan = get_plan
        self._follower = LogFollower()
        self._released: list[Released] = []
        self._open: set[int] = set()
        self.finished: list[int] = []
        self.weight = 0

    @property
    def last_tick(self) -> int | None:
        return self._follower.last_tick

    async def feed(self, message: Message) -> None:
        if _is(message, "samples"):
            try:
                batch = SampleBatch.decode(message.data)
            except Fault:
                return  # the raw writer reports it
            self._follower.add(batch.tag, batch.time, batch.value, batch.status, message.seq)
            return
        mark = _mark(message)
        if isinstance(mark, Activation):
            self._follower.activate(mark, await _plan(self._get_plan, mark))
            return
        for released in self._follower.advance(mark.time):
            if not released.rows.value.size:
                continue
            self._released.append(released)
            ticks = released.rows.ticks
            hours = (int(ticks[-1]) - int(ticks[0])) // segments.HOUR + 1
            self.weight += released.rows.value.size + 16 * hours * released.rows.value.shape[1]

    def take(self) -> list[Rows]:
        whole: list[pa.RecordBatch] = []
        parts: list[pa.RecordBatch] = []
        last = self.last_tick
        touched: set[int] = set()
        for stretch in segments.stretches(self._released):
            batch = segments.to_batch(self._partition, stretch)
            over = last is not None and stretch.hour + segments.HOUR <= last
            if over and stretch.hour not in self._open:
                whole.append(batch)
            else:
                parts.append(batch)
                touched.add(stretch.hour)
        self._open |= touched
        self.finished = sorted(h for h in self._open if last is not None and h + segments.HOUR <= last)
        self._open -= set(self.finished)
        self._released, self.weight = [], 0
        rows = [Rows("seg_recent", "-p", segments.join_batches(parts))] if parts else []
        return rows + ([Rows("seg", "-w", segments.join_batches(whole))] if whole else [])

    def export(self) -> bytes:
        return msgspec.msgpack.encode(_GridState(self._follower.export(), sorted(self._open)))

    def restore(self, state: bytes) -> None:
        found = msgspec.msgpack.decode(state, type=_GridState)
        self.reset()
        self._follower, self._open = LogFollower.restore(found.follower), set(found.open_hours)

    def reset(self) -> None:
        self._follower, self._released, self._open = LogFollower(), [], set()
        self.finished, self.weight = [], 0
