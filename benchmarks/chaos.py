"""Kill every role at seeded moments while two units are watched, one by MQTT, one by OPC UA, then compare everything.

A seeded thermal unit with faults is recorded, then sent over MQTT (QoS 1, several devices) faster than real time, never
past now, while ``kill -9`` hits every role of the platform, the bus included. Afterwards:

- every sample that was sent and acknowledged is stored, once, with the value that was sent;
- the condition edges that became alarms equal those of a separate backtest of the recording, by
  (instance, condition, tick, transition);
- the calculated tags in history equal the backtest's, bit for bit.

Beside it unit 2 runs on the wall clock behind a real OPC UA server in a process of its own, which writes down what it served.
A subscription cannot be asked again for what it missed, so what is compared there is this:

- every value stored is one that was served, with its status, once;
- every change that is missing lies in a gap that the platform states: from 3 s before ``connect`` was killed (or, if it was
  waiting for the bus then, 3 s before it began to wait) until it says that the link is there again, or a lost link;
- the live edges equal those of a separate backtest over the stored grid, from the first tick there is.

    python benchmarks/chaos.py [--samples 2000000] [--seed 1] [--kills-per-role 2] [--quick]

Exit code 0 only if nothing is lost, missing or doubled (outside the gaps of unit 2). The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import yaml
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "benchmarks")]

from control_system import ControlSystem, LinkWatch, Span, Truth, compare, merged
from headworks.base import log
from headworks.base.clock import MICROS, SystemClock, floor_to, to_datetime
from headworks.base.settings import Home
from headworks.base.status import BAD_OUT_OF_RANGE
from headworks.bus.client import Bus
from headworks.bus.plan import DevicePlan, PartitionPlan, Point
from headworks.connect.client import DeviceClient
from headworks.engine.backtest import backtest
from headworks.engine.grid import Rows
from headworks.engine.program import compile_program
from headworks.history.client import HistoryClient
from headworks.roles.context import read_endpoints
from headworks.simulate.faults import Fault, FaultScript, demo_script
from headworks.simulate.thermal_unit import ThermalUnit
from installation import ROLES, get_plan, headworks, running, wait_all_ready, wait_caught_up, wait_ready

PARTITION = "u1"
OPCUA_PARTITION = "u2"
CHUNK_S = 10
IN_FLIGHT_US = 3 * MICROS
"""What `connect` took before it was killed and had not stored yet is at most so old, unless it was waiting for the bus."""


def trips() -> FaultScript:
    """Return what goes wrong at unit 2: a trip within seconds, that is 100 alarms, and statuses that are not good."""
    faults = (
        Fault(kind="sensor_uncertain", target="2LBA10CP002", start_s=4, duration_s=15),
        Fault(kind="sensor_failure", target="2LBA10CT002", start_s=6, duration_s=15),
        Fault(kind="unit_trip", target="furnace_pressure", start_s=8, duration_s=40),
        Fault(kind="unit_trip", target="drum_level", start_s=300, duration_s=60),
    )
    return FaultScript(faults, 600)


@dataclass
class Recording:
    """What the devices send: one row a second, one column a point, in the unit of the device."""

    times: NDArray[np.int64]
    points: list[Point]
    raw: NDArray[np.float64]

    def value(self, column: int) -> NDArray[np.float64]:
        """Return a point in the unit of its tag, by the arithmetic of the endpoint."""
        p = self.points[column]
        return self.raw[:, column] * p.gain + p.offset


def points_of(device: DevicePlan) -> list[tuple[str, Point]]:
    """Return (child, point) of everything a device sends; "" for itself."""
    own = [("", p) for p in device.points]
    return own + [(child, p) for child, points in device.children.items() for p in points]


@dataclass
class Killer:
    """Kills roles at seeded moments and waits for each to come back before it hits the same one again."""

    home: Home
    rng: random.Random
    kills_per_role: int
    kills: Counter[str] = field(default_factory=Counter)
    longest_return_s: float = 0.0
    watch: LinkWatch | None = None
    connect_killed: list[tuple[int, int]] = field(default_factory=list)
    """When [µs], and since when it had been waiting for the bus [µs] (0: it was not)."""

    async def run(self, seconds: float) -> None:
        """Spread the kills over about `seconds`, whatever else is still down; each role is up again before its next hit."""
        plan = [r for r in ROLES for _ in range(self.kills_per_role)]
        self.rng.shuffle(plan)
        returning: dict[str, asyncio.Task[None]] = {}
        for role in plan:
            await asyncio.sleep(seconds / len(plan) * self.rng.uniform(0.5, 1.4))
            if role in returning:
                await returning[role]
            before = await wait_ready(self.home, role)
            # Half of the hits on the bus take the server itself, half the process that looks after it.
            target = before.pid
            if role == "bus" and self.rng.random() < 0.5:
                target = before.detail["server_pid"]
            if role == "connect" and self.watch is not None:
                self.watch.look()
                self.connect_killed.append((SystemClock().now(), self.watch.unreachable_since))
            os.kill(target, signal.SIGKILL)
            self.kills[role] += 1
            returning[role] = asyncio.create_task(self._see_back(role, before.pid))
        await asyncio.gather(*returning.values())

    async def _see_back(self, role: str, pid: int) -> None:
        begun = time.monotonic()
        await wait_ready(self.home, role, pid)
        spent = time.monotonic() - begun
        self.longest_return_s = max(self.longest_return_s, spent)
        print(f"  killed {role} ({pid}), back after {spent:.1f} s", flush=True)


def prepare(folder: Path, snapshot_s: float, dcs: ControlSystem) -> tuple[Home, Path]:
    """Make an installation with the demo unit on a replay clock, and unit 2 connected to its control system."""
    home_path, plant = folder / "home", folder / "plant"
    home_path.mkdir()
    (home_path / "headworks.toml").write_text(
        f'web_port = 0\nmqtt_port = 0\nsnapshot_seconds = {snapshot_s}\nlog_level = "WARNING"\n'
        "history_grid_seconds = 5.0\n"
    )
    home = Home(home_path)
    shutil.copytree(ROOT / "examples" / "demo-unit", plant)
    shutil.copytree(ROOT / "examples" / "thermal-templates", folder / "thermal-templates")
    description = yaml.safe_load((plant / "plant.yaml").read_text("utf-8"))
    for p in description["partitions"]:
        p["clock"] = "replay"
    (plant / "plant.yaml").write_text(yaml.safe_dump(description, allow_unicode=True), "utf-8")
    devices = yaml.safe_load((plant / "devices.yaml").read_text("utf-8"))
    for d in devices:
        d["max_messages_per_s"] = 2_000
    devices[0]["drives_clock"] = True
    (plant / "devices.yaml").write_text(yaml.safe_dump(devices, allow_unicode=True), "utf-8")
    headworks(home, "init")
    headworks(home, "apply", "--yes", str(plant))
    unit2 = ROOT / "examples" / "demo-unit-2"
    headworks(home, "apply", "--yes", str(unit2))
    dcs.connect(home, folder)
    headworks(home, "import", "models", str(unit2 / "models.xlsx"), "--plant", "demo2", "--yes")
    return home, plant


def record(plan: PartitionPlan, seconds: int, seed: int) -> Recording:
    """Run the unit for `seconds`, ending ten minutes before now, with the faults of the demonstration."""
    start = floor_to(SystemClock().now(), MICROS) - (seconds + 600) * MICROS
    unit = ThermalUnit(seed=seed, start_us=start, script=demo_script())
    times, values, _ = unit.run(seconds)
    column = {c: i for i, c in enumerate(unit.codes)}
    code = {t.id: t.code for t in plan.tags}
    points = [p for d in plan.devices for _, p in points_of(d)]
    raw = np.column_stack([(values[:, column[code[p.tag]]] - p.offset) / p.gain for p in points])
    return Recording(times, points, np.round(raw, 6))


class Sender:
    """The devices of the unit, replaying the recording."""

    def __init__(self, home: Home, plan: PartitionPlan, recording: Recording, tokens: dict[str, str]) -> None:
        host, port = read_endpoints(home).mqtt
        self.recording = recording
        column = {p.tag: i for i, p in enumerate(recording.points)}
        self.devices: list[tuple[DeviceClient, list[tuple[str, str, int]]]] = []
        self.clock_client: DeviceClient | None = None
        for d in plan.devices:
            client = DeviceClient(host, port, tokens[d.code], name=d.code)
            self.devices.append((client, [(child, p.key, column[p.tag]) for child, p in points_of(d)]))
            if d.drives_clock:
                self.clock_client = client
        self.sent = self.acked = 0
        self.lateness = plan.lateness

    async def run(self, speed: float) -> None:
        """Send everything; a chunk of seconds is acknowledged before the clock moves over it."""
        assert self.clock_client is not None
        for client, _ in self.devices:
            await client.connect()
        r, begun = self.recording, time.monotonic()
        row, told = 0, 0
        while row < len(r.times):
            # The first second alone, so that the first tick of the platform is the first row of the recording.
            rows = range(row, min(row + CHUNK_S, len(r.times)) if row else 1)
            await asyncio.gather(*(self._send(client, points, rows) for client, points in self.devices))
            await self.clock_client.publish_clock((int(r.times[rows[-1]]) + self.lateness) // 1000)
            row = rows[-1] + 1
            if row - told >= 500:
                told, rate = row, self.acked / (time.monotonic() - begun)
                print(f"  {row / len(r.times):6.1%} sent, {rate:,.0f} samples/s", flush=True)
            ahead = row / speed - (time.monotonic() - begun)
            if ahead > 0:
                await asyncio.sleep(ahead)
        for client, _ in self.devices:
            await client.close()

    async def _send(self, client: DeviceClient, points: list[tuple[str, str, int]], rows: range) -> None:
        async def one(i: int) -> None:
            row, ts = self.recording.raw[i], int(self.recording.times[i]) // 1000
            values: dict[str, dict[str, float]] = {}
            for child, key, c in points:
                values.setdefault(child, {})[key] = float(row[c])
            self.sent += len(points)
            if "" in values:
                body: Any = {"ts": ts, "values": values[""]}
            else:
                body = {child: [{"ts": ts, "values": v}] for child, v in values.items()}
            topic = "v1/devices/me/telemetry" if "" in values else "v1/gateway/telemetry"
            await client.publish(topic, msgspec.json.encode(body))
            self.acked += len(points)

        await asyncio.gather(*(one(i) for i in rows))


def expected(plan: PartitionPlan, r: Recording) -> tuple[set[tuple[int, str, int, str]], Any]:
    """Run the models over the recording alone: no bus, no grid, no history."""
    column = {p.tag: i for i, p in enumerate(r.points)}
    tags = sorted((t for t in plan.tags if t.kind == "measured"), key=lambda t: t.id)
    value = np.empty((len(r.times), len(tags)))
    status = np.zeros((len(r.times), len(tags)), np.uint32)
    for j, t in enumerate(tags):
        v = r.value(column[t.id])
        low, high = (-np.inf if t.low is None else t.low), (np.inf if t.high is None else t.high)
        bad = (v < low) | (v > high)
        status[bad, j] = BAD_OUT_OF_RANGE
        value[:, j] = np.where(bad, np.nan, v)
    ids = np.array([t.id for t in tags], np.uint32)
    program = compile_program(plan.templates, plan.instances, ids, plan.tick)
    cuts = range(0, len(r.times), 3600)
    result = backtest(program, (Rows(r.times[i : i + 3600], value[i : i + 3600], status[i : i + 3600]) for i in cuts))
    return {(e.instance, e.condition, e.tick, e.transition) for e in result.edges}, result


def stored_samples(client: HistoryClient, r: Recording) -> tuple[int, int]:
    """Return how many of the sent samples are in history, and how many are there twice or with another value."""
    stored = wrong = 0
    for i, p in enumerate(r.points):
        found = client.raw([p.tag], int(r.times[0]), int(r.times[-1]) + 1, limit=len(r.times) + 1000)
        stored += len(np.unique(found.time))
        if np.array_equal(found.time, r.times):
            wrong += int(np.count_nonzero(found.value != r.value(i)))
        else:
            wrong += len(found.time) - len(np.unique(found.time))
    return stored, wrong


def calculated_differences(client: HistoryClient, result: Any, r: Recording) -> tuple[int, int]:
    """Return how many values of calculated tags are in history, and how many differ from the backtest's."""
    total = different = 0
    for j, tag in enumerate(result.calc_tags):
        found = client.raw([int(tag)], int(r.times[0]), int(r.times[-1]) + 1, limit=len(r.times) + 10)
        want = result.calc_value[:, j]
        total += len(found.time)
        if len(found.time) != len(want) or not np.array_equal(found.time, r.times):
            different += max(abs(len(found.time) - len(want)), 1)
        else:
            same = (found.value.view(np.uint64) == want.view(np.uint64)) | (np.isnan(found.value) & np.isnan(want))
            different += int(np.count_nonzero(~same))
    return total, different


def found_edges(home: Home) -> Counter[tuple[int, str, int, str]]:
    """Return the transitions that plant data caused, as the records have them."""
    import sqlite3

    with sqlite3.connect(f"file:{home.path / 'db.sqlite3'}?mode=ro", uri=True) as db:
        rows = db.execute(
            "SELECT a.instance, a.condition, t.at, t.name FROM alarms_alarmtransition t "
            "JOIN alarms_alarm a ON a.id = t.alarm_id WHERE t.name IN ('raise', 'clear')"
        ).fetchall()
    return Counter((int(i), c, int(at), n) for i, c, at, n in rows)


def gaps_of(killed: list[tuple[int, int]], watch: LinkWatch) -> list[Span]:
    """Return the spans [µs] in which the platform says that it may have missed what the control system told."""
    gaps = watch.losses()
    for at, waiting_since in killed:
        back = [since for _, since in watch.stretches if since > at]
        gaps.append((min(at, waiting_since or at) - IN_FLIGHT_US, min(back)))
    return merged(gaps)


def replayed_edges(history: HistoryClient, plan: PartitionPlan, begin: int, end: int) -> tuple[set[Any], int, int]:
    """Run the models of unit 2 over the stored grid; return the edges, the number of ticks and the last one [µs]."""
    tags = sorted(t.id for t in plan.tags if t.kind == "measured")
    program = compile_program(plan.templates, plan.instances, np.array(tags, np.uint32), plan.tick)
    chunks = history.matrix_chunks(tags, begin, end, plan.tick, partition=plan.partition)
    last = 0

    def progress(_: int, tick: int) -> None:
        nonlocal last
        last = tick

    result = backtest(
        program, (Rows(c.ticks, c.value, c.status) for c in chunks), progress, sink=lambda rows, out: None
    )
    return {(e.instance, e.condition, e.tick, e.transition) for e in result.edges}, result.rows, last


def _clock(us: int) -> str:
    return to_datetime(us).strftime("%H:%M:%S.%f")[:-3]


def unit2_result(
    home: Home, plan: PartitionPlan, truth: Truth, connected: int, gaps: list[Span], history: HistoryClient
) -> dict[str, Any]:
    """Compare everything of unit 2 from the first link to the last second served."""
    begin, end = int(truth.instants[0]), int(truth.instants[-1])
    found = compare(history, plan, truth, (connected, int(truth.written[-1])), gaps)
    for first, last in gaps:
        print(f"  stated gap {_clock(first)} to {_clock(last)}")
    for at, count in sorted(found.lost_at.items()):
        print(f"  {count} values of {_clock(at)} are missing outside gaps")
    edges, ticks, last = replayed_edges(history, plan, begin - 600 * MICROS, end + 1)
    if last != end:
        raise RuntimeError(f"the grid of unit 2 ends at {last}, not at {end}")
    mine = {i.id for i in plan.instances}
    live = {k: n for k, n in found_edges(home).items() if k[0] in mine and k[2] <= end}
    return {
        "opcua_served": found.served,
        "opcua_stored": found.stored,
        "opcua_in_gaps": found.in_gaps,
        "opcua_lost_outside_gaps": found.lost_outside_gaps,
        "opcua_values_different": found.values_different,
        "opcua_twice": found.twice,
        "opcua_repeated": found.repeated,
        "opcua_gaps": len(gaps),
        "opcua_gap_s": round(sum(b - a for a, b in gaps) / MICROS, 1),
        "opcua_gap_longest_s": round(max((b - a for a, b in gaps), default=0) / MICROS, 1),
        "u2_ticks": ticks,
        "u2_edges_expected": len(edges),
        "u2_edges_found": len(live),
        "u2_edges_missing": len(edges - live.keys()),
        "u2_edges_unexpected": len(live.keys() - edges),
        "u2_edges_duplicate": sum(n - 1 for n in live.values()),
    }


async def run(args: argparse.Namespace, folder: Path) -> dict[str, Any]:
    dcs = await asyncio.to_thread(ControlSystem, folder / "dcs", 0, trips())
    try:
        return await measure(args, folder, dcs)
    finally:
        dcs.close()


async def measure(args: argparse.Namespace, folder: Path, dcs: ControlSystem) -> dict[str, Any]:
    home, plant = prepare(folder, args.snapshot_s, dcs)
    devices = yaml.safe_load((plant / "devices.yaml").read_text("utf-8"))
    log.configure("WARNING", "console")
    tokens = {d["code"]: headworks(home, "device", "token", d["code"]).strip() for d in devices}
    watch = LinkWatch(home)
    killer = Killer(home, random.Random(args.seed), args.kills_per_role, watch=watch)
    with running(home, folder / "platform.log"):
        await wait_all_ready(home)
        bus = await Bus.connect(read_endpoints(home).bus_url, home.secret("bus"), "chaos")
        plan = await get_plan(bus, home.settings.tenant, PARTITION)
        plan2 = await get_plan(bus, home.settings.tenant, OPCUA_PARTITION)
        await bus.close()
        connected = await watch.wait_connected()
        watching = asyncio.create_task(watch.run())
        per_second = sum(len(points_of(d)) for d in plan.devices)
        seconds = -(-args.samples // per_second)
        print(f"recording {seconds} s of {per_second} points", flush=True)
        recording = record(plan, seconds, args.seed)
        edges, result = expected(plan, recording)
        print(f"backtest: {len(edges)} edges", flush=True)
        await asyncio.sleep(2.0)  # devices' new tokens reach the endpoint with the plan
        sender = Sender(home, plan, recording, tokens)
        begun = time.monotonic()
        killing = asyncio.create_task(killer.run(0.8 * seconds / args.speed))
        await sender.run(args.speed)
        await killing
        sent_s = time.monotonic() - begun
        await wait_all_ready(home)
        await watch.wait_connected(killer.connect_killed[-1][0])
        await asyncio.sleep(3.0)  # some seconds after the last gap
        await asyncio.to_thread(dcs.stop_publishing)
        truth = Truth.read(dcs.folder)
        await asyncio.sleep(plan2.lateness / MICROS + 3.0)
        partitions = (PARTITION, OPCUA_PARTITION)
        await asyncio.gather(*(wait_caught_up(home, home.settings.tenant, p) for p in partitions))
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
        gaps = gaps_of(killer.connect_killed, watch)
        history = HistoryClient(read_endpoints(home).history, home.secret("history"), tenant=home.settings.tenant)
        stored, wrong = await asyncio.to_thread(stored_samples, history, recording)
        calculated, different = await asyncio.to_thread(calculated_differences, history, result, recording)
        found = found_edges(home)
        second = await asyncio.to_thread(unit2_result, home, plan2, truth, connected, gaps, history)
        second["opcua_dropped"] = watch.dropped
    others = {plan.system_instance, plan2.system_instance, *(i.id for i in plan2.instances)}
    mine = {k: n for k, n in found.items() if k[0] not in others}
    raised = [e for e in edges if e[3] == "raise"]
    return {
        "sent": sender.sent,
        "acked": sender.acked,
        "stored": stored,
        "lost": sender.sent - stored,
        "values_different": wrong,
        "alarms_expected": len(raised),
        "alarms_found": sum(1 for e in mine if e[3] == "raise"),
        "edges_expected": len(edges),
        "edges_found": len(mine),
        "alarms_missing": len(edges - mine.keys()),
        "alarms_unexpected": len(mine.keys() - edges),
        "alarms_duplicate": sum(n - 1 for n in mine.values()),
        "calculated_values": calculated,
        "calculated_different": different,
        **second,
        "kills": sum(killer.kills.values()),
        "kills_least_per_role": min(killer.kills[r] for r in ROLES),
        "longest_return_s": round(killer.longest_return_s, 1),
        "run_s": round(sent_s, 1),
        "faster_than_real_time": round(seconds / sent_s, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=2_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kills-per-role", type=int, default=2)
    parser.add_argument("--speed", type=float, default=25.0, help="data seconds per second at most")
    parser.add_argument("--snapshot-s", type=float, default=10.0)
    parser.add_argument("--quick", action="store_true", help="a small run: 200,000 samples, one kill each")
    parser.add_argument("--keep", action="store_true", help="keep the folder of the run")
    args = parser.parse_args()
    if args.quick:
        args.samples, args.kills_per_role, args.speed, args.snapshot_s = 200_000, 1, 12.0, 3.0
    folder = Path(tempfile.mkdtemp(prefix="headworks-chaos-"))
    try:
        result = asyncio.run(run(args, folder))
    finally:
        if args.keep:
            print(f"kept {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps(result))
    exact = (
        result["lost"] == result["values_different"] == result["calculated_different"] == 0
        and result["sent"] == result["acked"] == result["stored"]
        and result["alarms_missing"] == result["alarms_unexpected"] == result["alarms_duplicate"] == 0
        and result["opcua_lost_outside_gaps"] == result["opcua_values_different"] == result["opcua_twice"] == 0
        and result["u2_edges_missing"] == result["u2_edges_unexpected"] == result["u2_edges_duplicate"] == 0
    )
    sys.exit(0 if exact else 1)


if __name__ == "__main__":
    main()
