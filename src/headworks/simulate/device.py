"""The controllers of a simulated unit: they report over MQTT with QoS 1, as gateways and devices do in a plant.

Topics and payloads are those of ThingsBoard (MQTT device API and gateway API). What a controller reports, under which key,
in which unit and for which child is read from the points of the plant folder. A lost connection is made again and everything not
acknowledged is sent again, in order; a device keeps at most `QUEUE` messages meanwhile.
"""

from __future__ import annotations

import asyncio
import csv
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import paho.mqtt.client as mqtt
from numpy.typing import NDArray
from paho.mqtt.enums import CallbackAPIVersion

from headworks.base import log
from headworks.base.clock import MICROS, Clock, SystemClock
from headworks.base.errors import AuthFailed, Invalid, Problem
from headworks.base.status import BAD
from headworks.base.units import conversion
from headworks.simulate.faults import FaultScript, demo_script
from headworks.simulate.pace import seconds, tell_truth
from headworks.simulate.tags import Tag
from headworks.simulate.thermal_unit import GROUPS, ThermalUnit

DEVICE_TOPIC = "v1/devices/me/telemetry"
GATEWAY_TOPIC = "v1/gateway/telemetry"
EXTRA = "u1-extra"
QUEUE = 3600
INFLIGHT = 20
REFUSED_S = 60.0
KEEPALIVE_S = 30
REPORT_S = 30.0

_log = log.get(__name__)


@dataclass(frozen=True, slots=True)
class Report:
    """One point of a controller: the column of the unit, the key it is sent under, what is sent = value * gain + offset."""

    column: int
    key: str
    gain: float
    offset: float
    child: str


@dataclass(slots=True)
class Counts:
    """What one controller did: messages and samples handed to the client, messages acknowledged and dropped, connections."""

    messages: int = 0
    samples: int = 0
    acknowledged: int = 0
    dropped: int = 0
    connections: int = 0

    @property
    def unacknowledged(self) -> int:
        return self.messages - self.acknowledged


@dataclass(slots=True)
class _Link:
    """What the network thread of a client tells the loop."""

    connected: bool = False
    refused: str = ""
    refused_since: float = 0.0


def read_reports(file: Path, units: Mapping[str, str], codes: tuple[str, ...]) -> list[Report]:
    """Return the points in `file` that the simulator has; `units` are those of its tags.

    Raises
    ------
    Invalid
        ``simulate.bad_points``: the file is missing, lacks a column, or names a tag that the unit does not have;
        ``unit.unknown`` or ``unit.clash``: the unit of a point does not fit its tag.
    """
    column = {code: i for i, code in enumerate(codes)}
    try:
        with file.open(encoding="utf-8", newline="") as f:
            rows = list(csv.DictReader(f))
        reports = []
        for row in rows:
            gain, offset = conversion(units[row["tag"]], row["unit"])
            reports.append(Report(column[row["tag"]], row["key"], gain, offset, row.get("child") or ""))
    except (OSError, KeyError) as e:
        problem = Problem(field=str(file), value=str(e), code="simulate.bad_points", params={"reason": str(e)})
        raise Invalid(problems=[problem]) from e
    return reports


class Controller:
    """One MQTT client reporting some tags of the unit.

    `on_change_s`: None sends everything every second; otherwise a value is sent when it changes, and at least this often [s].
    """

    def __init__(self, code: str, token: str, reports: list[Report], on_change_s: float | None = None) -> None:
        self.code = code
        self.reports = reports
        self.counts = Counts()
        self.link = _Link()
        self._on_change = on_change_s
        self._columns = np.array([r.column for r in reports], np.intp)
        self._gain = np.array([r.gain for r in reports])
        self._offset = np.array([r.offset for r in reports])
        self._sent = np.full(len(reports), np.nan)
        self._sent_at = np.full(len(reports), -np.inf)
        self._gateway = any(r.child for r in reports)
        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=code, clean_session=False, protocol=mqtt.MQTTv311)
        client.username_pw_set(token)
        client.max_inflight_messages_set(INFLIGHT)
        client.max_queued_messages_set(QUEUE)
        client.reconnect_delay_set(1, 10)
        client.on_connect = self._connected
        client.on_disconnect = self._disconnected
        client.on_publish = self._published
        self._client = client

    def start(self, host: str, port: int) -> None:
        """Connect in the client's own thread, again whenever the connection is lost."""
        self._client.connect_async(host, port, keepalive=KEEPALIVE_S)
        self._client.loop_start()

    async def stop(self, wait_s: float = 5.0) -> None:
        """Wait until everything is acknowledged, `wait_s` at most, then disconnect."""
        until = time.monotonic() + wait_s
        while self.counts.unacknowledged > 0 and self.link.connected and time.monotonic() < until:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        self._client.disconnect()
        await asyncio.to_thread(self._client.loop_stop)

    def send(self, instant: int, row: NDArray[np.float64]) -> None:
        """Report one second of the unit: `instant` [µs], values f64[n] in the units of the tags."""
        values = row[self._columns] * self._gain + self._offset
        chosen = np.isfinite(values)
        if self._on_change is not None:
            due = instant / MICROS - self._sent_at >= self._on_change
            chosen &= (values != self._sent) | due
        places = np.flatnonzero(chosen)
        if not len(places):
            return
        self._sent[places], self._sent_at[places] = values[places], instant / MICROS
        topic, payload = self._payload(instant // 1000, places, values)
        info = self._client.publish(topic, payload, qos=1)
        if info.rc == mqtt.MQTT_ERR_QUEUE_SIZE:
            self.counts.dropped += 1
            return
        self.counts.messages += 1
        self.counts.samples += len(places)

    def _payload(self, ms: int, places: NDArray[np.intp], values: NDArray[np.float64]) -> tuple[str, bytes]:
        rounded = [float(f"{values[i]:.10g}") for i in places]  # unit conversion must not lengthen what a card reads
        if not self._gateway:
            named = {self.reports[i].key: v for i, v in zip(places, rounded, strict=True)}
            return DEVICE_TOPIC, json.dumps({"ts": ms, "values": named}).encode()
        children: dict[str, dict[str, float]] = {}
        for i, v in zip(places, rounded, strict=True):
            children.setdefault(self.reports[i].child, {})[self.reports[i].key] = v
        body = {name: [{"ts": ms, "values": named}] for name, named in children.items()}
        return GATEWAY_TOPIC, json.dumps(body).encode()

    def _connected(self, _client: Any, _data: Any, _flags: Any, reason: Any, _props: Any) -> None:
        if reason.is_failure:
            self.link.refused = str(reason)
            self.link.refused_since = self.link.refused_since or time.monotonic()
            _log.warning("controller refused", device=self.code, reason=str(reason))
            return
        self.link.connected, self.link.refused, self.link.refused_since = True, "", 0.0
        self.counts.connections += 1
        _log.info("controller connected", device=self.code, unacknowledged=self.counts.unacknowledged)

    def _disconnected(self, _client: Any, _data: Any, _flags: Any, reason: Any, _props: Any) -> None:
        if self.link.connected:
            _log.info("controller disconnected", device=self.code, reason=str(reason))
        self.link.connected = False

    def _published(self, _client: Any, _data: Any, _mid: int, _reason: Any, _props: Any) -> None:
        self.counts.acknowledged += 1


def controllers(
    folder: Path, tokens: Mapping[str, str], on_change_s: float | None = None, extra: Sequence[Tag] = ()
) -> list[Controller]:
    """Return the four controllers of the unit; `tokens` maps their device codes (``u1-boiler`` …) to access tokens.

    `extra` tags are reported by a fifth, ``u1-extra``, under their codes and in their own units.

    Raises
    ------
    Invalid
        ``simulate.token_missing``: a controller has no token; or as :func:`read_reports`.
    """
    wanted = [f"u1-{group}" for group in GROUPS]
    every = [*wanted, *([EXTRA] if extra else [])]
    if missing := [code for code in every if not tokens.get(code)]:
        problems = [Problem(field=c, value=None, code="simulate.token_missing", params={"device": c}) for c in missing]
        raise Invalid(problems=problems)
    tags = tuple(t for group in GROUPS.values() for t in group)
    units = {t.code: t.unit for t in tags}
    codes = tuple(t.code for t in tags)
    found = [
        Controller(c, tokens[c], read_reports(folder / "points" / f"{c}.csv", units, codes), on_change_s)
        for c in wanted
    ]
    if extra:
        reports = [Report(len(codes) + i, t.code, 1.0, 0.0, "") for i, t in enumerate(extra)]
        found.append(Controller(EXTRA, tokens[EXTRA], reports, on_change_s))
    return found


async def run_unit(
    endpoint: tuple[str, int],
    tokens: Mapping[str, str],
    folder: Path,
    *,
    seed: int = 1,
    script: FaultScript | None = None,
    clock: Clock | None = None,
    start_us: int | None = None,
    speed: float = 1.0,
    duration_s: int | None = None,
    on_change_s: float | None = None,
    labels: Path | None = None,
    stopping: asyncio.Event | None = None,
    progress: Callable[[dict[str, Counts]], None] | None = None,
    extra: Sequence[Tag] = (),
) -> dict[str, Counts]:
    """Run the unit and report it until `stopping` is set or `duration_s` seconds of the unit have passed.

    Parameters
    ----------
    endpoint : host and port of the MQTT endpoint
    folder : the plant folder, for its points
    script : what goes wrong; None: the faults of the demonstration
    start_us : first instant [µs]; None: now. With `speed` > 1 the past is made up for; a sample is never from the future.
    labels : file that gets one JSON line of truth when a fault begins
    progress : called about every second of the wall clock with the counts of every controller
    extra : more tags, see :func:`controllers`

    Returns the counts of every controller by device code.

    Raises
    ------
    Invalid
        See :func:`controllers` and :class:`~headworks.simulate.thermal_unit.ThermalUnit`.
    AuthFailed
        ``simulate.refused``: the endpoint has refused a token for a minute.
    """
    clock = clock or SystemClock()
    stopping = stopping or asyncio.Event()
    begin = clock.now() if start_us is None else start_us
    unit = ThermalUnit(seed, begin - begin % MICROS, demo_script() if script is None else script, extra)
    crew = controllers(folder, tokens, on_change_s, extra)
    counts = {c.code: c.counts for c in crew}
    for c in crew:
        c.start(*endpoint)
    _log.info("unit started", tags=len(unit.codes), seed=seed, speed=speed, faults=len(unit.script.faults))
    try:
        await _report(unit, crew, clock, speed, duration_s, labels, stopping, lambda: progress and progress(counts))
    finally:
        await asyncio.gather(*(c.stop() for c in crew))
        _log.info("unit stopped", seconds=unit.second, **_sums(counts))
    return counts


async def _report(
    unit: ThermalUnit,
    crew: list[Controller],
    clock: Clock,
    speed: float,
    duration_s: int | None,
    labels: Path | None,
    stopping: asyncio.Event,
    progress: Callable[[], object],
) -> None:
    loop = asyncio.get_running_loop()
    said = noted = loop.time()
    async for second in seconds(unit, clock, speed, duration_s, stopping):
        row = np.where(second.status & BAD, np.nan, second.values)
        for c in crew:
            c.send(second.instant, row)
        tell_truth(unit, second, labels)
        if loop.time() - said >= 1.0:
            said = loop.time()
            _refused(crew)
            progress()
            if said - noted >= REPORT_S:
                noted = said
                _log.info("unit reports", seconds=unit.second, **_sums({c.code: c.counts for c in crew}))


def _refused(crew: list[Controller]) -> None:
    """Give up when a token has been refused for long: the first seconds may be an endpoint that has no plan yet."""
    for c in crew:
        if c.link.refused_since and time.monotonic() - c.link.refused_since > REFUSED_S:
            raise AuthFailed("simulate.refused", device=c.code, reason=c.link.refused)


def _sums(counts: Mapping[str, Counts]) -> dict[str, int]:
    names = ("messages", "samples", "acknowledged", "dropped")
    return {n: sum(getattr(c, n) for c in counts.values()) for n in names}
