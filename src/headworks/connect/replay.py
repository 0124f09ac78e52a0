"""Sends a recorded table through the MQTT endpoint as its device would have.

The map says how to read the file (YAML)::

    time: {column: datetime, format: "%Y-%m-%d %H:%M:%S", timezone: Asia/Shanghai}   # or format: iso | unix_s | unix_ms
    delimiter: ";"          # sniffed if missing
    decimal: "."
    encoding: utf-8
    device: rig             # whose device code it is sent as
    sort: false             # true: the rows are not in order of time; the file is read whole first
    columns: {Pressure: pressure, Current: current}      # column of the file: key of the device

After the rows of each message the time of the replay is said, so that a partition whose clock is this replay follows.
Times are never ahead of the present: a replay that reaches it goes on in step with it.
"""

from __future__ import annotations

import asyncio
import csv
import itertools
import time as time_module
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
import yaml

from headworks.base.clock import MICROS, Clock, SystemClock, micros
from headworks.base.errors import Forbidden, Invalid, Problem
from headworks.connect.client import CLOCK, TELEMETRY, DeviceClient, Sent

MOST_SAMPLES = 2_000
"""Samples of one message."""

_EMPTY = frozenset(("", "nan", "null", "none", "na", "n/a", "-", "bad"))
_WORDS = {"true": True, "false": False, "on": True, "off": False}
_SPAN_FAST = 60 * MICROS
_STEP_SECONDS = 0.2
_PROGRESS_SECONDS = 0.5


class TimeColumn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the time is and how it is written; `timezone` is of times that do not say theirs."""

    column: str
    format: str = "iso"
    timezone: str = "UTC"


class ReplayMap(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a file becomes the messages of a device."""

    time: TimeColumn
    device: str
    columns: dict[str, str]
    delimiter: str | None = None
    decimal: str = "."
    encoding: str = "utf-8"
    sort: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One line: its time [µs since 1970 UTC] and the device's values."""

    line: int
    time: int
    values: dict[str, float | bool | None]


@dataclass
class Progress:
    """How far a replay is. `done` is 0 to 1, `eta` the seconds left (None: not known yet), `at` the file's time [µs]."""

    rows: int = 0
    samples: int = 0
    messages: int = 0
    marks: int = 0
    acked: int = 0
    refused: int = 0
    done: float = 0.0
    eta: float | None = None
    at: int = 0
    seconds: float = 0.0


def load_map(file: Path) -> ReplayMap:
    """Read a map.

    Raises
    ------
    Invalid
        ``replay.map_invalid`` says what is wrong with it.
    """
    try:
        found = msgspec.convert(yaml.safe_load(file.read_bytes()), ReplayMap)
        ZoneInfo(found.time.timezone)
        "".encode(found.encoding)
    except (OSError, yaml.YAMLError, msgspec.ValidationError) as e:
        raise Invalid("replay.map_invalid", file=file.name, reason=str(e)) from e
    except (ZoneInfoNotFoundError, ValueError, LookupError) as e:
        raise Invalid("replay.map_invalid", file=file.name, reason=f"timezone or encoding: {e}") from e
    if not found.columns:
        raise Invalid("replay.map_invalid", file=file.name, reason="columns: no column is mapped")
    for name, value in (("delimiter", found.delimiter), ("decimal", found.decimal)):
        if value is not None and len(value) != 1:
            raise Invalid("replay.map_invalid", file=file.name, reason=f"{name}: {value!r} is not one character")
    return found


def _problem(file: Path, code: str, line: int, column: str, value: Any, **params: Any) -> Invalid:
    where = f"{file.name}:{line} {column}"
    problem = Problem(
        field=where, value=value, code=code, params={"file": file.name, "line": line, "column": column, **params}
    )
    return Invalid("replay.file_invalid", problems=(problem,), file=file.name)


class Table:
    """The rows of a file, read as they are wanted.

    Attributes
    ----------
    size, position : bytes of the file, and how many of them have been read
    """

    def __init__(self, file: Path, mapping: ReplayMap) -> None:
        self.file = file
        self.mapping = mapping
        self.position = 0
        try:
            self.size = file.stat().st_size
        except OSError as e:
            raise Invalid("replay.file_missing", file=str(file), reason=e.strerror or repr(e)) from e
        self._zone = ZoneInfo(mapping.time.timezone)

    def rows(self) -> Iterator[Row]:
        """Yield the rows in the order of the file, or (map: `sort`) of time; rows of one time stay in the file's order.

        Raises
        ------
        Invalid
            ``replay.file_invalid`` with the line, the column and the value of what cannot be read.
        """
        with self.file.open("rb") as raw:
            lines = self._lines(raw)
            try:
                read = self._read(lines)
                yield from sorted(read, key=lambda r: r.time) if self.mapping.sort else read
            except UnicodeDecodeError as e:
                raise Invalid(
                    "replay.map_invalid", file=self.file.name, reason=f"the file is not {self.mapping.encoding}: {e}"
                ) from e
            except csv.Error as e:
                raise Invalid("replay.map_invalid", file=self.file.name, reason=str(e)) from e

    def _lines(self, raw: BinaryIO) -> Iterator[str]:
        for i, line in enumerate(raw):
            self.position += len(line)
            text = line.decode(self.mapping.encoding)
            yield text.removeprefix("\ufeff") if i == 0 else text

    def _read(self, lines: Iterator[str]) -> Iterator[Row]:
        first = next(lines, "")
        delimiter = self.mapping.delimiter or _sniff(first)
        reader = csv.reader(itertools.chain((first,), lines), delimiter=delimiter)
        header = [name.strip() for name in next(reader, [])]
        for name in (self.mapping.time.column, *self.mapping.columns):
            if name not in header:
                raise _problem(
                    self.file, "replay.column_missing", 1, name, name, delimiter=delimiter, known=", ".join(header[:20])
                )
        at = header.index(self.mapping.time.column)
        keys = [(header.index(name), name, key) for name, key in self.mapping.columns.items()]
        before = -1
        for cells in reader:
            if not any(cells):
                continue
            line = reader.line_num
            if len(cells) != len(header):
                raise _problem(self.file, "replay.row_ragged", line, "", len(cells), expected=len(header))
            instant = self._instant(cells[at], line)
            if instant < before and not self.mapping.sort:
                raise _problem(self.file, "replay.not_in_order", line, header[at], cells[at])
            before = instant
            yield Row(line, instant, {key: self._number(cells[i], line, name) for i, name, key in keys})

    def _instant(self, text: str, line: int) -> int:
        form = self.mapping.time.format
        try:
            if form in ("unix_s", "unix_ms"):
                return round(float(text) * (MICROS if form == "unix_s" else 1000))
            moment = datetime.fromisoformat(text.strip()) if form == "iso" else datetime.strptime(text.strip(), form)  # noqa: DTZ007 - the zone is added below
            return micros(moment if moment.tzinfo else moment.replace(tzinfo=self._zone))
        except (ValueError, OverflowError) as e:
            raise _problem(self.file, "replay.time_invalid", line, self.mapping.time.column, text, format=form) from e

    def _number(self, text: str, line: int, column: str) -> float | bool | None:
        if self.mapping.decimal != ".":
            text = text.replace(self.mapping.decimal, ".")
        try:
            value = float(text)
        except ValueError:
            word = text.strip().lower()
            if word in _EMPTY:
                return None
            if word in _WORDS:
                return _WORDS[word]
            raise _problem(self.file, "replay.value_invalid", line, column, text) from None
        # NaN and infinity are how tables say "no value"; JSON has no word for them but null.
        return value if abs(value) < float("inf") else None


def _sniff(header: str) -> str:
    """Return the delimiter of a header line: the one of ``; , tab |`` that is there most often."""
    return max(";,\t|", key=header.count)


class Pace:
    """When rows may be sent: `speed` seconds of data a second (0: at once), and never ahead of the present."""

    def __init__(self, speed: float, first: int, clock: Clock, monotonic: Callable[[], float]) -> None:
        self._speed = speed
        self._first = first
        self._clock = clock
        self._monotonic = monotonic
        self._begun = monotonic()

    def until(self, time: int) -> float:
        """Return how long to wait before a row of `time` [µs] may be sent [s]."""
        present = (time - self._clock.now()) / MICROS
        if self._speed <= 0:
            return max(0.0, present)
        due = self._begun + (time - self._first) / MICROS / self._speed
        return max(0.0, present, due - self._monotonic())


async def replay(
    file: Path,
    mapping: ReplayMap,
    client: DeviceClient,
    *,
    speed: float = 1.0,
    begin: int | None = None,
    end: int | None = None,
    limit: int | None = None,
    start: int | None = None,
    tail: float = 5.0,
    drive_clock: bool = True,
    on_progress: Callable[[Progress], None] | None = None,
    clock: Clock | None = None,
    stopping: asyncio.Event | None = None,
) -> Progress:
    """Send `file` through a connected `client`; return when everything is acknowledged.

    Parameters
    ----------
    speed : seconds of data a second; 0 sends as fast as the platform acknowledges
    begin, end : only rows with begin <= time < end [µs, the file's time]
    limit : at most so many rows
    start : the first row is moved to this instant [µs] and all others with it; None leaves the times as they are
    tail : how much longer the replay's clock goes on after the last row [s], so that the last ticks are evaluated
    drive_clock : say the time of the replay (the device must drive the clock of its partition)

    Raises
    ------
    Invalid
        ``replay.file_invalid``: what cannot be read, by line, column and value. Rows before it have been sent.
        ``replay.nothing``: no row is in the range.
    Forbidden
        ``replay.clock_refused``: the device does not drive the clock of its partition. (Only MQTT 5 can say so: give a
        client of version 5; in 3.1.1 the endpoint can only close the connection.)
    """
    table = Table(file, mapping)
    sender = _Sender(table, client, speed, start, clock or SystemClock(), drive_clock, limit, on_progress)
    rows = (r for r in table.rows() if (begin is None or r.time >= begin) and (end is None or r.time < end))
    try:
        for row in itertools.islice(rows, limit):
            if stopping is not None and stopping.is_set():
                break
            await sender.add(row)
        await sender.finish(tail)
    except Invalid:
        # What was read before the fault is as good as it ever was.
        await sender.finish(0.0)
        raise
    if not sender.progress.rows:
        raise Invalid("replay.nothing", file=file.name)
    return sender.progress


class _Sender:
    """Groups rows into messages and keeps the pace."""

    def __init__(
        self,
        table: Table,
        client: DeviceClient,
        speed: float,
        start: int | None,
        clock: Clock,
        drive_clock: bool,
        limit: int | None,
        on_progress: Callable[[Progress], None] | None,
    ) -> None:
        self.progress = Progress()
        self._table = table
        self._client = client
        self._speed = speed
        self._start = start
        self._clock = clock
        self._drive_clock = drive_clock
        self._limit = limit
        self._on_progress = on_progress
        self._shift = 0
        self._last = 0
        self._pace: Pace | None = None
        self._rows: list[dict[str, Any]] = []
        self._span = _SPAN_FAST if speed <= 0 else round(_STEP_SECONDS * speed * MICROS)
        self._first = 0
        self._said: Sent | None = None
        self._begun = time_module.monotonic()
        self._told = 0.0
        self._base = (client.counters.acked, client.counters.refused)

    async def add(self, row: Row) -> None:
        if self._pace is None:
            if self._start is not None:
                self._shift = self._start - row.time
            self._pace = Pace(self._speed, row.time + self._shift, self._clock, time_module.monotonic)
        time = row.time + self._shift
        width = len(row.values)
        full = len(self._rows) * width + width > MOST_SAMPLES
        if self._rows and (full or time - self._first > self._span or self._pace.until(time) > 0):
            await self._flush()
        if (pause := self._pace.until(time)) > 0:
            await asyncio.sleep(pause)
        if not self._rows:
            self._first = time
        self._rows.append({"ts": _milliseconds(time), "values": row.values})
        self._last = time
        self.progress.rows += 1
        self.progress.samples += width
        self.progress.at = row.time

    async def _flush(self) -> None:
        rows, self._rows = self._rows, []
        if not rows:
            return
        await self._client.send(TELEMETRY, rows)
        self.progress.messages += 1
        await self._tell_time(self._last)
        self._report(False)

    async def _tell_time(self, time: int) -> None:
        """Say the replay's time; it takes its place in the log behind everything sent before."""
        if not self._drive_clock or not self.progress.rows:
            return
        self._clock_refused()
        self.progress.marks += 1
        self._said = await self._client.send(CLOCK, {"ts": _milliseconds(min(time, self._clock.now()))})

    def _clock_refused(self) -> None:
        said = self._said
        if said is not None and said.answer.done() and said.answer.result() >= 0x80:
            raise Forbidden("replay.clock_refused", reason=said.text)

    async def finish(self, tail: float) -> None:
        await self._flush()
        if tail > 0:
            await self._tell_time(self._last + round(tail * MICROS))
        await self._client.drain()
        self._clock_refused()
        self._report(True)

    def _report(self, last: bool) -> None:
        p, now = self.progress, time_module.monotonic()
        if not last and now - self._told < _PROGRESS_SECONDS:
            return
        self._told = now
        p.acked = self._client.counters.acked - self._base[0]
        p.refused = self._client.counters.refused - self._base[1]
        p.seconds = now - self._begun
        read = self._table.position / max(self._table.size, 1)
        p.done = 1.0 if last else max(read, p.rows / self._limit if self._limit else 0.0)
        p.eta = 0.0 if last else p.seconds * (1 - p.done) / p.done if p.done > 0 else None
        if self._on_progress:
            self._on_progress(p)


def _milliseconds(time: int) -> int | float:
    return time // 1000 if time % 1000 == 0 else time / 1000


def parse_instant(text: str, timezone: str) -> int:
    """Return an ISO 8601 instant as µs since 1970 UTC; without an offset it is of `timezone`.

    Raises
    ------
    Invalid
        ``replay.instant_invalid``
    """
    try:
        moment = datetime.fromisoformat(text)
        return micros((moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(timezone))).astimezone(UTC))
    except (ValueError, OverflowError, ZoneInfoNotFoundError) as e:
        raise Invalid("replay.instant_invalid", value=text) from e
