"""Kill every role at seeded moments while a recorded run is replayed through real devices, then compare everything.

A seeded thermal unit with faults is recorded, then sent over MQTT (QoS 1, several devices) faster than real time, never
past now, while ``kill -9`` hits every role of the platform, the bus included. Afterwards:

- every sample that was sent and acknowledged is stored, once, with the value that was sent;
- the condition edges that became alarms equal those of a separate backtest of the recording, by
  (instance, condition, tick, transition);
- the calculated tags in history equal the backtest's, bit for bit.

    python benchmarks/chaos.py [--samples 2000000] [--seed 1] [--kills-per-role 2] [--quick]

Exit code 0 only if nothing is lost, missing or doubled. The last line is one JSON object.
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
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import yaml
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "benchmarks")]

from headworks.base import log
from headworks.base.clock import MICROS, SystemClock, floor_to
from headworks.base.settings import Home
from headworks.base.status import BAD_OUT_OF_RANGE
from headworks.bus.client import Bus
from headworks.bus.plan import DevicePlan, PartitionPlan, Point
from headworks.bus.subjects import log_stream, out_stream
from headworks.connect.client import DeviceClient
from headworks.engine.backtest import backtest
from headworks.engine.grid import Rows
from headworks.engine.program import compile_program
from headworks.history.client import HistoryClient
from headworks.roles.context import read_endpoints
from headworks.simulate.faults import demo_script
from headworks.simulate.thermal_unit import ThermalUnit
from installation import ROLES, headworks, running, wait_all_ready, wait_ready

PARTITION = "u1"
CHUNK_S = 10


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


def prepare(folder: Path, snapshot_s: float) -> tuple[Home, Path]:
    """Make an installation with the demo unit on a replay clock."""
    home_path, plant = folder / "home", folder / "plant"
    home_path.mkdir()
    (home_path / "headworks.toml").write_text(
        f'web_port = 0\nmqtt_port = 0\nsnapshot_seconds = {snapshot_s}\nlog_level = "WARNING"\n'
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


async def get_plan(bus: Bus, tenant: str) -> PartitionPlan:
    for _ in range(300):
        plans = await bus.current_plans(tenant)
        if PARTITION in plans:
            return PartitionPlan.decode(await bus.get_plan(plans[PARTITION]))
        await asyncio.sleep(0.2)
    raise RuntimeError("the plan was not published")


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


async def wait_caught_up(home: Home, tenant: str) -> None:
    """Wait until every reader is behind the last message of its stream."""
    bus = await Bus.connect(read_endpoints(home).bus_url, home.secret("bus"), "chaos")
    end = time.monotonic() + 180
    try:
        while time.monotonic() < end:
            log_state = await bus.stream_state(log_stream(tenant, PARTITION))
            out_state = await bus.stream_state(out_stream(tenant, PARTITION))
            log_at = await bus.positions(log_stream(tenant, PARTITION))
            out_at = await bus.positions(out_stream(tenant, PARTITION))
            behind = {
                **{f"log {k}": log_state.last - v for k, v in log_at.items()},
                **{f"out {k}": out_state.last - v for k, v in out_at.items()},
            }
            if behind and all(v <= 0 for v in behind.values()) and "engine" in log_at:
                return
            await asyncio.sleep(0.5)
        raise RuntimeError(f"readers did not catch up: {behind}")
    finally:
        await bus.close()


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


async def run(args: argparse.Namespace, folder: Path) -> dict[str, Any]:
    home, plant = prepare(folder, args.snapshot_s)
    devices = yaml.safe_load((plant / "devices.yaml").read_text("utf-8"))
    log.configure("WARNING", "console")
    tokens = {d["code"]: headworks(home, "device", "token", d["code"]).strip() for d in devices}
    killer = Killer(home, random.Random(args.seed), args.kills_per_role)
    with running(home, folder / "platform.log"):
        await wait_all_ready(home)
        bus = await Bus.connect(read_endpoints(home).bus_url, home.secret("bus"), "chaos")
        plan = await get_plan(bus, home.settings.tenant)
        await bus.close()
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
        await wait_caught_up(home, home.settings.tenant)
        history = HistoryClient(read_endpoints(home).history, home.secret("history"), tenant=home.settings.tenant)
        stored, wrong = await asyncio.to_thread(stored_samples, history, recording)
        calculated, different = await asyncio.to_thread(calculated_differences, history, result, recording)
        found = found_edges(home)
    system = {plan.system_instance}
    mine = {k: n for k, n in found.items() if k[0] not in system}
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
    )
    sys.exit(0 if exact else 1)


if __name__ == "__main__":
    main()
