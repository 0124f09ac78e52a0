"""Exactly-once writing of a stream into the store.

For each batch of messages: choose the limits (first, last), write them down with the state before `first`, synced; insert
the rows under a token made of the limits; go on. After a crash the batch on record is read from the log again, up to exactly
its limits, and inserted under the same token: what was stored is not stored twice, what was not is stored now.

A stream may be purged up to the message before the batch on record, never further: that is the position a writer reports.
"""

# ruff: noqa: S608 - identifiers are the product's own or checked tokens, values are bound or integers
from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import msgspec
from prometheus_client import Counter, Histogram

from headworks.base import log
from headworks.base.errors import NotReady
from headworks.bus.client import Bus
from headworks.bus.errors import GapError
from headworks.bus.reader import Message
from headworks.history.errors import DiskFull, InsertFailed, StoreFault
from headworks.history.intake import GridIntake, Intake
from headworks.history.record import Record, RecordFile
from headworks.history.segments import COLUMNS, HOUR, Segments, compact
from headworks.history.store import Store

_AHEAD = 32
_COMPACT_TAGS = 500
_ROWS = Counter("headworks_history_rows_total", "Rows inserted", ["stream", "reader"])
_BATCHES = Counter("headworks_history_batches_total", "Batches inserted", ["stream", "reader"])
_FAILED = Counter("headworks_history_failed_inserts_total", "Inserts that had to be repeated", ["stream", "reader"])
_GAPS = Counter(
    "headworks_history_gaps_total", "Stretches of a stream that were gone before they were stored", ["stream"]
)
_SECONDS = Histogram(
    "headworks_history_insert_seconds",
    "Time of one insert",
    ["reader"],
    buckets=(0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10),
)
_logger = log.get(__name__)


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """A batch ends at `weight` rows (for the grid: values) or after `seconds`, whichever comes first."""

    weight: int = 100_000
    seconds: float = 2.0


RAW_LIMITS = Limits()
GRID_LIMITS = Limits(weight=2_000_000, seconds=60.0)


@dataclass(slots=True)
class Progress:
    """What a writer tells about itself. `position`: everything up to it may be purged; `seen`: last message handled."""

    position: int = 0
    seen: int = 0
    rows: int = 0
    batches: int = 0
    last_batch_rows: int = 0
    failed: int = 0
    gaps: int = 0
    error: str = ""
    rows_per_s: float = 0.0
    _mark: tuple[float, int] = field(default_factory=lambda: (time.monotonic(), 0))

    def measure(self) -> float:
        """Return the rows a second since the last call (at least 1 s ago)."""
        then, rows = self._mark
        now = time.monotonic()
        if now - then >= 1.0:
            self.rows_per_s = (self.rows - rows) / (now - then)
            self._mark = (now, self.rows)
        return self.rows_per_s


class Writer:
    """Follows one stream into the store.

    Parameters
    ----------
    name : the reader's name, as reported to the bus.
    database : quoted name of the tenant's database.
    after : done after a batch was inserted and before the next one is recorded; may be repeated after a crash.
    """

    def __init__(
        self,
        bus: Bus,
        store: Store,
        database: str,
        stream: str,
        name: str,
        intake: Intake,
        file: Path,
        limits: Limits = RAW_LIMITS,
        after: Callable[[], None] | None = None,
        on_gap: Callable[[GapError], Awaitable[None]] | None = None,
    ) -> None:
        self._bus = bus
        self._store = store
        self._database = database
        self._stream = stream
        self._name = name
        self._intake = intake
        self._file = RecordFile(file)
        self._limits = limits
        self._after = after
        self._on_gap = on_gap
        self._epoch = 0
        self._state = b""
        self._first: int | None = None
        self._last = 0
        self._must_end: int | None = None
        self._deadline = 0.0
        self._clean = True
        self._stopping = asyncio.Event()
        self._reported = -1
        self.progress = Progress()
        self._log = _logger.bind(stream=stream, reader=name)

    def stop(self) -> None:
        """Insert what is at hand, write down that nothing is under way, and end."""
        self._stopping.set()

    async def run(self) -> None:
        """Write until stopped."""
        after = await self._resume()
        while not self._stopping.is_set():
            try:
                await self._follow(after)
            except GapError as e:
                after = await self._gap(e)
        await self._flush()
        await self._rest()

    # --- start ----------------------------------------------------------------------------------------------------

    async def _resume(self) -> int | None:
        """Return the sequence to read after; None: from the first message there is."""
        record = await asyncio.to_thread(self._file.read)
        if record is None:
            self._state = self._intake.export()
            return None
        self._epoch, self._state = record.epoch, record.state
        self._intake.restore(record.state)
        self._last = self.progress.seen = self.progress.position = record.first - 1
        if record.last >= record.first:
            self._must_end, self._clean = record.last, False
            self._log.info("repeating the batch on record", first=record.first, last=record.last)
        return record.first - 1

    async def _gap(self, gap: GapError) -> int:
        """Go on behind messages that are gone, or from the start of a stream that began anew."""
        self._log.error("the stream has a gap", expected=gap.expected, found=gap.found)
        self.progress.gaps += 1
        _GAPS.labels(self._stream).inc()
        if self._on_gap is not None:
            await self._on_gap(gap)
        if gap.found < gap.expected:
            # The bus lost its store: the old messages cannot be read again, and the new ones number from one.
            await self._flush()
            self._epoch += 1
            self._intake.reset()
            self._state, self._first, self._must_end, self._last, self._clean = (
                self._intake.export(),
                None,
                None,
                0,
                True,
            )
            return 0
        if self._must_end is None:
            await self._flush()
        elif gap.found > self._must_end:
            self._must_end = None
        return gap.found - 1

    # --- following ------------------------------------------------------------------------------------------------

    async def _follow(self, after: int | None) -> None:
        """Read, batch and insert until stopped or until the stream has a gap."""
        reader = self._bus.reader(self._stream, after, self._name)
        ahead: asyncio.Queue[Message] = asyncio.Queue(_AHEAD)

        async def pump() -> None:
            async for message in reader:
                await ahead.put(message)

        pumping = asyncio.create_task(pump())
        try:
            while not self._stopping.is_set():
                message = await self._next(ahead, pumping)
                if message is not None:
                    await self._take_in(message)
                if self._is_due():
                    await self._flush()
                elif message is None and self._first is None:
                    await self._rest()
        finally:
            reader.close()
            pumping.cancel()
            with contextlib.suppress(asyncio.CancelledError, GapError):
                await pumping

    async def _next(self, ahead: asyncio.Queue[Message], pumping: asyncio.Task[None]) -> Message | None:
        """Return the next message; None when the batch in hand is due or nothing came for the length of a batch."""
        if not ahead.empty():
            return ahead.get_nowait()
        if pumping.done():
            pumping.result()
            return None
        wait = min(self._limits.seconds, 2.0)
        if self._first is not None and self._must_end is None:
            wait = max(0.0, min(wait, self._deadline - time.monotonic()))
        getting = asyncio.create_task(ahead.get())
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait({getting, stopping, pumping}, timeout=wait, return_when=asyncio.FIRST_COMPLETED)
            return getting.result() if getting.done() else None
        finally:
            stopping.cancel()
            if not getting.done():
                getting.cancel()

    async def _take_in(self, message: Message) -> None:
        if self._first is None:
            self._first = message.seq
            self._deadline = time.monotonic() + self._limits.seconds
        await self._intake.feed(message)
        self._last = self.progress.seen = message.seq

    def _is_due(self) -> bool:
        if self._first is None:
            return False
        if self._must_end is not None:
            return self._last >= self._must_end
        return self._intake.weight >= self._limits.weight or time.monotonic() >= self._deadline

    # --- inserting ------------------------------------------------------------------------------------------------

    async def _flush(self) -> None:
        """Insert the batch in hand: record, insert, then what has to follow."""
        if self._first is None:
            return
        if self._must_end is not None and self._last < self._must_end:
            return  # stopped while repeating: the record still stands
        first = self._first
        if self._must_end is not None:
            # Its messages may begin later now, if some were lost: the token must be the one on record all the same.
            first = self.progress.position + 1
        record = Record(self._stream, self._epoch, first, self._last, self._state)
        rows = self._intake.take()
        if self._must_end is None:
            await asyncio.to_thread(self._file.write, record)
        self._clean = False
        for r in rows:
            table = f"{self._database}.{r.table}"
            await self._persist(record.token, partial(self._store.insert, table, r.batch, record.token + r.suffix))
        if self._after is not None:
            await self._persist(record.token, self._after)
        self.progress.batches += 1
        self.progress.last_batch_rows = sum(r.batch.num_rows for r in rows)
        self.progress.rows += self.progress.last_batch_rows
        _ROWS.labels(self._stream, self._name).inc(self.progress.last_batch_rows)
        _BATCHES.labels(self._stream, self._name).inc()
        self._state = self._intake.export()
        self._first = self._must_end = None
        self.progress.position = first - 1
        await self._report()

    async def _persist(self, token: str, step: Callable[[], None]) -> None:
        """Do a step until it is done, the same way each time; the log keeps what comes meanwhile."""
        pause = 0.1
        while True:
            try:
                with _SECONDS.labels(self._name).time():
                    await asyncio.to_thread(step)
            except (InsertFailed, DiskFull, StoreFault) as e:
                self.progress.failed += 1
                self.progress.error = e.error_code
                _FAILED.labels(self._stream, self._name).inc()
                self._log.error("insert repeated", token=token, error=str(e))
                await asyncio.sleep(pause)
                pause = min(pause * 2, 5.0)
            else:
                self.progress.error = ""
                return

    async def _rest(self) -> None:
        """Write down that nothing is under way, so that all that was read may be purged."""
        if not self._clean and self._first is None and self._must_end is None:
            done = Record(self._stream, self._epoch, self._last + 1, self._last, self._state)
            await asyncio.to_thread(self._file.write, done)
            self._clean = True
            self.progress.position = self._last
        await self._report()

    async def _report(self) -> None:
        if self.progress.position == self._reported:
            return
        try:
            await self._bus.record_position(self._stream, self._name, self.progress.position)
            self._reported = self.progress.position
        except NotReady as e:
            self._log.info("position not reported", error=str(e))


class Compaction:
    """Turns the hours that are over from parts in `seg_recent` into segments in `seg`."""

    def __init__(self, store: Store, database: str, partition: str, intake: GridIntake) -> None:
        self._store = store
        self._database = database
        self._partition = partition
        self._intake = intake

    def __call__(self) -> None:
        for hour in self._intake.finished:
            self._compact(hour)

    def _compact(self, hour: int) -> None:
        """Join one hour; safe to repeat: the tokens are those of the hour, and a dropped part is gone."""
        where = f"part = '{self._partition}' AND hour = toDateTime({hour // 1_000_000}, 'UTC')"
        found = self._store.execute(f"SELECT DISTINCT tag FROM {self._database}.seg_recent WHERE {where} ORDER BY tag")
        tags = found["tag"].to_pylist() if found.num_columns else []
        for i in range(0, len(tags), _COMPACT_TAGS):
            block = tags[i : i + _COMPACT_TAGS]
            parts = self._store.execute(
                f"SELECT {COLUMNS} FROM {self._database}.seg_recent WHERE {where} AND tag BETWEEN {block[0]} "
                f"AND {block[-1]} ORDER BY tag, first"
            )
            joined = compact(Segments.of(parts), self._partition, hour)
            token = f"{self._partition}-{hour // HOUR}-{block[0]}-{block[-1]}"
            self._store.insert(f"{self._database}.seg", joined, token)
        if tags:
            self._store.execute(
                f"ALTER TABLE {self._database}.seg_recent DROP PARTITION "
                f"('{self._partition}', toDateTime({hour // 1_000_000}, 'UTC'))"
            )
