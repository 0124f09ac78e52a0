"""Unit 2's control system beside a measurement: an OPC UA server in a process of its own that writes down what it served,
and the comparison of that truth with history.

A subscription tells a value when it changes and cannot be asked for what it missed, so what a driver must deliver is every
change while it is subscribed. Between changes the driver repeats the last value, at its own time; when it loses the link it
says so with a value of status BadNoCommunication.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import json
import multiprocessing
import secrets
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headworks.base.clock import MICROS, SystemClock
from headworks.base.settings import Home
from headworks.base.status import BAD, BAD_NO_COMMUNICATION, BAD_NO_DATA, BAD_OUT_OF_RANGE, GOOD, SEVERITY_MASK
from headworks.base.units import conversion
from headworks.bus.plan import PartitionPlan
from headworks.history.client import HistoryClient, Samples
from headworks.simulate.extra import extra_tags
from headworks.simulate.faults import FaultScript
from headworks.simulate.opcua_server import UnitServer
from headworks.simulate.pace import seconds
from headworks.simulate.unit2 import PARTS, TAGS, Unit2
from headworks.simulate.unit2_files import SOURCE, node, table_csv, tag_table
from installation import headworks, health

USERNAME = "dcs"
REPEATED_WITHIN_S = 5
"""A repeated value may be this much older than its time: what changed a moment ago is still on its way."""


@dataclass(frozen=True)
class Truth:
    """What the server's variables were: instants i64[k] [µs] are their source times, written i64[k] [µs] when the clock stood
    so; told f64[k, n] in the unit of the server, status u32[k, n]."""

    codes: tuple[str, ...]
    instants: NDArray[np.int64]
    written: NDArray[np.int64]
    told: NDArray[np.float64]
    status: NDArray[np.uint32]

    @classmethod
    def read(cls, folder: Path) -> Truth:
        codes = tuple(json.loads((folder / "codes.json").read_text()))
        rows = np.fromfile(folder / "truth.bin", _row(len(codes)))
        return cls(codes, *(np.ascontiguousarray(rows[name]) for name in ("instant", "written", "told", "status")))

    def changed(self) -> NDArray[np.bool_]:
        """Return [k, n]: whether a variable is another than a second before; that is what a server tells."""
        new = np.ones(self.told.shape, bool)
        new[1:] = (self.told[1:] != self.told[:-1]) | (self.status[1:] != self.status[:-1])
        return new


def _row(n: int) -> np.dtype[Any]:
    return np.dtype([("instant", "<i8"), ("written", "<i8"), ("told", "<f8", (n,)), ("status", "<u4", (n,))])


class ControlSystem:
    """The server's process. `close` ends it, and so does the end of this process."""

    def __init__(self, folder: Path, extra: int = 0, script: FaultScript | None = None) -> None:
        self.folder, self.extra = folder, extra
        folder.mkdir(mode=0o700)
        self.password = secrets.token_urlsafe(16)
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        faults = script.faults if script else ()
        repeat = script.repeat_s if script else None
        self.process = context.Process(
            target=_serve, args=(theirs, folder, self.password, extra, faults, repeat), daemon=True
        )
        self.process.start()
        theirs.close()
        self.endpoint, self.certificate = self._receive()

    def stop_publishing(self) -> int:
        """Let no variable change any more, the server stays; return how many seconds were served."""
        self._pipe.send("stop")
        return int(self._receive())

    def close(self) -> None:
        self._pipe.close()
        self.process.join(10)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()

    def _receive(self) -> Any:
        if not self._pipe.poll(60):
            raise RuntimeError("the control system does not answer")
        return self._pipe.recv()

    def connect(self, home: Home, folder: Path) -> None:
        """Make the server a source of the installation and import its tags and models, as on a site."""
        password = folder / "dcs-password"
        password.touch(0o600)
        password.write_text(self.password)
        tags = folder / "dcs-tags.csv"
        tags.write_bytes(table_csv([*tag_table(), *_extra_rows(self.extra)]))
        secured = ("--certificate", self.certificate, "--username", USERNAME, "--password-file", str(password))
        headworks(home, "source", "add", SOURCE, self.endpoint, "--partition", "u2", *secured)
        headworks(home, "import", "tags", str(tags), "--plant", "demo2", "--yes")


def _extra_rows(count: int) -> list[list[str | float | None]]:
    return [
        [t.code, t.asset, t.zh, t.en, t.unit, t.low, t.high, "measured", SOURCE, node(t.code), t.source_unit, None]
        for t in extra_tags(2, count)
    ]


# --- the child ------------------------------------------------------------------------------------------------------


def _serve(pipe: Connection, folder: Path, password: str, extra: int, faults: Any, repeat: int | None) -> None:
    asyncio.run(_serving(pipe, folder, password, extra_tags(2, extra), FaultScript(faults, repeat)))


async def _serving(pipe: Connection, folder: Path, password: str, extra: Any, script: FaultScript) -> None:
    """Serve until told to stop changing values; then until the pipe is closed."""
    loop, stopping, ended = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()

    def listen() -> None:
        try:
            while True:
                pipe.recv()
                loop.call_soon_threadsafe(stopping.set)
        except (EOFError, OSError):
            loop.call_soon_threadsafe(stopping.set)
            loop.call_soon_threadsafe(ended.set)

    threading.Thread(target=listen, daemon=True).start()
    server = UnitServer(PARTS, (*TAGS, *extra), folder / "certificate", username=USERNAME, password=password)
    await server.prepare()
    # Only now: a unit that has begun while the server was made would be behind the clock for ever.
    await asyncio.to_thread(on_the_second)
    unit = Unit2(1, SystemClock().now() // MICROS * MICROS, script, extra)
    (folder / "codes.json").write_text(json.dumps(unit.codes))
    gains = [conversion(t.unit, t.source_unit or t.unit) for t in unit.tags]
    gain, offset = np.array([g for g, _ in gains]), np.array([o for _, o in gains])
    binary = np.array([t.status for t in unit.tags])
    row, served = np.zeros(1, _row(len(unit.codes))), 0
    with (folder / "truth.bin").open("wb") as file:
        async for second in seconds(unit, SystemClock(), 1.0, None, stopping):
            told = np.round(second.values * gain + offset, 6)
            row["instant"], row["status"] = second.instant, second.status
            row["told"] = np.where(binary, told >= 0.5, told)
            await server.publish(second.instant, second.values, second.status)
            row["written"] = SystemClock().now()
            file.write(row.tobytes())
            served += 1
            if served == 1:
                await server.start()
                certificate = hashlib.sha256((folder / "certificate" / "server.der").read_bytes()).hexdigest()
                pipe.send((server.endpoint, certificate))
    if not ended.is_set():
        pipe.send(served)
        await ended.wait()
    await server.stop()


# --- the comparison -------------------------------------------------------------------------------------------------

Span = tuple[int, int]


@dataclass
class Compared:
    """Counts of samples. `repeated`: unchanged values the driver said again; `lost_link`: its word that the link was lost;
    `lost_at`: how many of those lost outside gaps were served at which instant [µs]."""

    served: int = 0
    stored: int = 0
    in_gaps: int = 0
    lost_outside_gaps: int = 0
    values_different: int = 0
    twice: int = 0
    repeated: int = 0
    lost_link: int = 0
    in_time: int = 0
    lost_at: Counter[int] = field(default_factory=Counter)


def compare(history: HistoryClient, plan: PartitionPlan, truth: Truth, span: Span, gaps: Sequence[Span]) -> Compared:
    """Compare what was served with what is stored.

    Parameters
    ----------
    span : (first, last] [µs]: what was written to the server in it counts
    gaps : closed spans [µs] in which it may have been missed
    """
    column = {code: i for i, code in enumerate(truth.codes)}
    limits = {t.id: (-np.inf if t.low is None else t.low, np.inf if t.high is None else t.high) for t in plan.tags}
    changed, out = truth.changed(), Compared()
    within = (truth.written > span[0]) & (truth.written <= span[1])
    hidden = _inside(truth.written, gaps)
    first, last = int(truth.instants[0]), span[1] + 1
    points = [p for d in plan.devices if d.opcua for p in d.points]
    most = max(1, 90_000 // (2 * len(truth.instants) + 100))
    for i in range(0, len(points), most):
        some = points[i : i + most]
        ids = [p.tag for p in some]
        corrected = history.raw(ids, first, last, mode="as_corrected")
        in_time = history.raw(ids, first, last)
        if corrected.truncated or in_time.truncated:
            raise RuntimeError("more samples than can be compared")
        for p in some:
            found, c = _of(corrected, p.tag), column[p.key.partition(";s=")[2]]
            value = truth.told[:, c] * p.gain + p.offset
            status = truth.status[:, c].copy()
            low, high = limits[p.tag]
            outside = ((value < low) | (value > high)) & (status & np.uint32(SEVERITY_MASK) == GOOD)
            status[outside] = BAD_OUT_OF_RANGE
            status[np.isnan(value) & (status & np.uint32(BAD) == 0)] = BAD_NO_DATA
            expected, there = changed[:, c] & within, np.isin(truth.instants, found.time)
            out.served += int(expected.sum())
            out.stored += int((expected & there).sum())
            out.in_gaps += int((expected & ~there & hidden).sum())
            out.lost_outside_gaps += int((expected & ~there & ~hidden).sum())
            out.lost_at.update(truth.instants[expected & ~there & ~hidden].tolist())
            out.twice += len(found) - len(np.unique(found.time))
            live = _of(in_time, p.tag)
            out.twice += len(live) - len(np.unique(live.time))
            out.in_time += len(live)
            _judge(found, truth, value, status, gaps, out)
    return out


def _of(samples: Samples, tag: int) -> Samples:
    mine = samples.tag == tag
    columns = (samples.tag, samples.time, samples.rev, samples.value, samples.status)
    return Samples(*(c[mine] for c in columns), truncated=samples.truncated)


def _judge(
    found: Samples,
    truth: Truth,
    value: NDArray[np.float64],
    status: NDArray[np.uint32],
    gaps: Sequence[Span],
    out: Compared,
) -> None:
    """Count what is stored of one variable and was not served so; `value` and `status` are what it was."""
    at = np.searchsorted(truth.instants, found.time, "right") - 1
    exact = (at >= 0) & (truth.instants[at] == found.time)
    out.values_different += int((exact & ~_equal(found, value[at], status[at])).sum())
    lost = ~exact & (found.status == BAD_NO_COMMUNICATION) & np.isnan(found.value)
    out.lost_link += int(lost.sum())
    # Nobody may say that the link is lost while it is not.
    out.values_different += int((lost & ~_inside(found.time, gaps)).sum())
    repeated, good = ~exact & ~lost, np.zeros(len(found.time), bool)
    at = np.searchsorted(truth.written, found.time, "right") - 1
    for back in range(2 * REPEATED_WITHIN_S):
        # The newest one that was written then, or one that was replaced a moment before.
        row = np.maximum(at - back, 0)
        recent = truth.written[np.minimum(row + 1, len(truth.written) - 1)] > found.time - REPEATED_WITHIN_S * MICROS
        good |= (at >= back) & ((back == 0) | recent) & _equal(found, value[row], status[row])
    out.repeated += int((repeated & good).sum())
    out.values_different += int((repeated & ~good).sum())


def _equal(found: Samples, value: NDArray[np.float64], status: NDArray[np.uint32]) -> NDArray[np.bool_]:
    bad = status & np.uint32(BAD) != 0
    return (found.status == status) & ((found.value == value) | (bad & np.isnan(found.value)))


def _inside(times: NDArray[np.int64], gaps: Sequence[Span]) -> NDArray[np.bool_]:
    inside = np.zeros(len(times), bool)
    for first, last in gaps:
        inside |= (times >= first) & (times <= last)
    return inside


def merged(gaps: Sequence[Span]) -> list[Span]:
    """Return gaps that do not overlap, in order."""
    out: list[Span] = []
    for first, last in sorted(gaps):
        if out and first <= out[-1][1]:
            out[-1] = (out[-1][0], max(out[-1][1], last))
        else:
            out.append((first, last))
    return out


@dataclass
class LinkWatch:
    """What the platform itself says of the link, read from the health file of `connect` several times a second.

    Attributes
    ----------
    stretches : (process id, connected since [µs]) -> last time a value was seen [µs]
    """

    home: Home

    def __post_init__(self) -> None:
        self.stretches: dict[tuple[int, int], int] = {}
        self.dropped = 0
        self.unreachable_since = 0

    def look(self) -> Mapping[str, Any]:
        """Read it once; return what it says of the source."""
        h = health(self.home, "connect")
        if h is None:
            return {}
        self.unreachable_since = (h.detail.get("bus_unreachable_since_ms") or 0) * 1000
        link: dict[str, Any] = h.detail.get("devices", {}).get(SOURCE, {})
        if link.get("state") == "connected":
            self.stretches[h.pid, link["since_ms"] * 1000] = (link["last_seen_ms"] or link["since_ms"]) * 1000
        self.dropped = max(self.dropped, link.get("dropped", 0))
        return link

    async def run(self) -> None:
        while True:
            self.look()
            await asyncio.sleep(0.2)

    async def wait_connected(self, since: int = 0) -> int:
        """Wait for a link that is connected since `since` [µs] or later; return since when."""
        for _ in range(450):
            self.look()
            later = [at for _, at in self.stretches if at >= since]
            if later:
                return min(later)
            await asyncio.sleep(0.2)
        raise RuntimeError("the control system is not connected")

    def losses(self) -> list[Span]:
        """Return the spans between two links of one process, which nobody has killed."""
        out = []
        ordered = sorted(self.stretches, key=lambda k: k[1])
        for before, after in itertools.pairwise(ordered):
            if before[0] == after[0]:
                out.append((self.stretches[before] - MICROS, after[1]))
        return out


def on_the_second() -> None:
    """Wait for a whole second: the source times of a unit are whole seconds, and it serves them when it was begun."""
    time.sleep(1.0 - time.time() % 1.0)


def tag_count() -> int:
    """Return how many tags unit 2 has without extra ones."""
    return len(TAGS)
