"""The way into the log of one partition: samples are batched, marks keep their place among them, one writer, in order.

Invariants
----------
- What was given first is stored first: the next message is not sent before the one before it is acknowledged, and one
  that fails is repeated with the same id until it is. (One message in flight carries 4,000 samples; the log's synced
  write, about 1 ms, is far from being the limit.)
- A receipt is given only after every sample of its message is acknowledged by the stream.
- A mark is stored after every sample given before it, also when the stream was full in between.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from headworks.base import log, tasks
from headworks.base.clock import Clock, floor_to
from headworks.bus.batch import SampleBatch
from headworks.bus.client import Bus
from headworks.bus.errors import BusFull, BusUnreachable
from headworks.bus.messages import Edge, Edges, Watermark, encode
from headworks.bus.plan import PartitionPlan
from headworks.bus.subjects import log_stream, subject
from headworks.connect.receipts import Receipt, stored
from headworks.connect.telemetry import Chunk

SEAL_SAMPLES = 4_000
SEAL_SECONDS = 0.02
MOST_QUEUED = 200_000
"""Samples that may wait for the log (about 10 MB) before devices are made to wait."""

# A bus that was killed never answers: ask again soon (the id makes it one message); a slow disk gets longer each time.
_FIRST_ANSWER, _LONGEST_ANSWER = 1.0, 8.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 1.0
_logger = log.get(__name__)


@dataclass(eq=False, slots=True)
class _Batch:
    chunks: list[Chunk] = field(default_factory=list)
    samples: int = 0
    receipts: list[Receipt] = field(default_factory=list)
    id: str = ""

    def encode(self) -> bytes:
        parts = [SampleBatch(c.tag, c.time, c.value, c.status) for c in self.chunks]
        return (parts[0] if len(parts) == 1 else SampleBatch.concat(parts)).encode()


@dataclass(eq=False, slots=True)
class _Mark:
    time: int
    receipts: list[Receipt] = field(default_factory=list)
    id: str = ""
    samples: int = 0

    def encode(self) -> bytes:
        return encode(Watermark(self.time))


class PartitionLog:
    """Parameters
    ----------
    epoch : names this process; message ids are ``<epoch>-<n>``
    plan : the partition's current plan; replaced with :meth:`use`
    """

    def __init__(self, bus: Bus, plan: PartitionPlan, epoch: str, clock: Clock) -> None:
        self.plan = plan
        self.watermark = -(1 << 62)
        self.stored_samples = 0
        self.stored_batches = 0
        self.full = False
        self.unreachable_since = 0
        self._bus = bus
        self._epoch = epoch
        self._clock = clock
        self._samples_subject = subject(plan.tenant, "samples", plan.partition)
        self._mark_subject = subject(plan.tenant, "mark", plan.partition)
        self._open = _Batch()
        self._queue: deque[_Batch | _Mark] = deque()
        self._sending: _Batch | _Mark | None = None
        self._queued = 0
        self._number = 0
        self._timer: asyncio.TimerHandle | None = None
        self._wake = asyncio.Event()
        self._closing = False
        self._waiting: dict[Callable[[], None], None] = {}
        self._conditions = SystemCondition(bus, "log_full", epoch, clock, measured=True)

    def use(self, plan: PartitionPlan) -> None:
        """Work by a new plan from now on."""
        self.plan = plan

    # --- what goes in ---------------------------------------------------------------------------------------------

    def add(self, chunks: list[Chunk], receipt: Receipt) -> None:
        """Give the samples of one message; `receipt` waits for the last of them."""
        batch = None
        for chunk in chunks:
            at, size = 0, len(chunk.tag)
            while at < size:
                batch = self._open
                count = min(size - at, SEAL_SAMPLES - batch.samples)
                whole = count == size
                part = slice(at, at + count)
                batch.chunks.append(
                    chunk if whole else Chunk(chunk.tag[part], chunk.time[part], chunk.value[part], chunk.status[part])
                )
                batch.samples += count
                at += count
                if batch.samples >= SEAL_SAMPLES:
                    self._seal()
            self._queued += size
        if batch is None:
            return
        receipt.waiting += 1
        batch.receipts.append(receipt)
        if self._open.samples and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(SEAL_SECONDS, self._seal)

    def mark(self, instant: int, receipt: Receipt | None = None) -> None:
        """Say that the partition's clock is `instant` [µs]: nothing older than that minus the lateness is waited for.

        Takes its place after every sample given so far. A mark still waiting with nothing behind it is replaced by this
        later one. The watermark never goes back.
        """
        time = floor_to(instant - self.plan.lateness, self.plan.tick)
        self._seal()
        if time > self.watermark:
            self.watermark = time
            last = self._queue[-1] if self._queue else None
            if isinstance(last, _Mark) and last is not self._sending:
                last.time = time
            else:
                self._push(_Mark(time))
        if receipt is not None and self._queue:
            receipt.waiting += 1
            self._queue[-1].receipts.append(receipt)

    def _seal(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._open.samples:
            batch, self._open = self._open, _Batch()
            self._push(batch)

    def _push(self, item: _Batch | _Mark) -> None:
        self._number += 1
        item.id = f"{self._epoch}-{self._number}"
        self._queue.append(item)
        self._wake.set()

    # --- backpressure ---------------------------------------------------------------------------------------------

    @property
    def blocked(self) -> bool:
        """Whether enough is waiting; then devices must wait too."""
        return self._queued >= MOST_QUEUED

    def when_relieved(self, callback: Callable[[], None]) -> None:
        """Call `callback` once, when there is room again."""
        self._waiting[callback] = None

    def forget(self, callback: Callable[[], None]) -> None:
        self._waiting.pop(callback, None)

    @property
    def backlog(self) -> int:
        """Samples given and not yet stored."""
        return self._queued

    # --- what goes out --------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Write until :meth:`close`."""
        while True:
            while not self._queue:
                if self._closing:
                    return
                self._wake.clear()
                await self._wake.wait()
            item = self._sending = self._queue[0]
            await self._store(item)
            self._queue.popleft()
            self._sending = None
            self._queued -= item.samples
            self.stored_samples += item.samples
            self.stored_batches += item.samples > 0
            stored(item.receipts)
            if self._waiting and self._queued < MOST_QUEUED // 2:
                waiting, self._waiting = list(self._waiting), {}
                for callback in waiting:
                    callback()

    async def _store(self, item: _Batch | _Mark) -> None:
        where = self._samples_subject if isinstance(item, _Batch) else self._mark_subject
        data, pause, patience = item.encode(), _FIRST_PAUSE, _FIRST_ANSWER
        while True:
            try:
                await self._bus.publish(where, data, msg_id=item.id, timeout=patience)
            except BusFull:
                if not self.full:
                    _logger.error("the log is full", partition=self.plan.partition)
                self.full, self.unreachable_since = True, 0
                self._conditions.set(True, self.plan)
            except BusUnreachable as e:
                if not self.unreachable_since:
                    _logger.warning("the bus does not answer", partition=self.plan.partition, error=str(e))
                self.unreachable_since = self.unreachable_since or self._clock.now()
            else:
                self.full, self.unreachable_since = False, 0
                self._conditions.set(False, self.plan)
                return
            await asyncio.sleep(pause)
            pause, patience = min(pause * 2, _LONGEST_PAUSE), min(patience * 2, _LONGEST_ANSWER)

    async def close(self, writer: asyncio.Task[None], within: float) -> None:
        """Store what is left, as far as `within` seconds allow, and end `writer` (the task of :meth:`run`)."""
        self._seal()
        self._closing = True
        self._wake.set()
        await asyncio.wait({writer}, timeout=within)
        await tasks.end((writer,))
        await self._conditions.close()


class SystemCondition:
    """One condition the platform itself raises for a partition, said on its OUT stream until it is taken.

    Parameters
    ----------
    measured : the number beside each edge is how many bytes the log of the partition holds when it is said
    """

    def __init__(self, bus: Bus, name: str, epoch: str, clock: Clock, *, measured: bool = False) -> None:
        self._bus = bus
        self._name = name
        self._epoch = epoch
        self._clock = clock
        self._measured = measured
        # Unknown at first: an earlier process may have raised it, so the first "no" is said as well.
        self._state: bool | None = None
        self._number = 0
        self._edges: asyncio.Queue[tuple[Edge, PartitionPlan]] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self._last = 0

    def set(self, active: bool, plan: PartitionPlan, evidence: float = math.nan) -> None:
        """Say that the condition is or is not there; only a change is told. `evidence` is the number beside it, NaN: none."""
        if active is self._state:
            return
        self._state = active
        # A tick of its own for every edge, also when two come within a microsecond.
        self._last = max(self._clock.now(), self._last + 1)
        edge = Edge(plan.system_instance, self._name, self._last, "raise" if active else "clear", evidence, 0)
        self._edges.put_nowait((edge, plan))
        if self._task is None:
            self._task = asyncio.create_task(self._say())

    async def _say(self) -> None:
        while True:
            edge, plan = await self._edges.get()
            if self._measured:
                edge = msgspec.structs.replace(edge, value=await self._size_of_log(plan))
            self._number += 1
            await self._bus.publish_retrying(
                subject(plan.tenant, "condition", plan.partition),
                encode(Edges(0, plan.revision, (edge,))),
                msg_id=f"{self._epoch}-{self._name}-{self._number}",
            )
            self._edges.task_done()

    async def _size_of_log(self, plan: PartitionPlan) -> float:
        try:
            return float((await self._bus.stream_state(log_stream(plan.tenant, plan.partition))).bytes)
        except BusUnreachable as e:
            # The number is evidence; the alarm does not wait for it.
            _logger.info("size of the log not known", partition=plan.partition, error=repr(e))
            return float("nan")

    async def close(self) -> None:
        if self._task is not None:
            await tasks.end((self._task,))
