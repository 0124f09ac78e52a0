"""What the platform takes to watch two units: processor time and memory of every role, and whether memory stays flat.

3,000 tags at 1 Hz on two cores: unit 1 by MQTT from its controllers (all 1,500 tags every second), unit 2 by OPC UA from its
control system (1,500 variables every second, of which a server tells those that changed), with the models of both. Devices
and server are real peers in processes of their own; nothing is left out of the platform but the browser.

Afterwards every sample that was sent and acknowledged, and every change that was served, is looked up in history.

    python benchmarks/footprint.py [--minutes 10] [--warm-up 10] [--tags 1500] [--cores 2] [--quick]

CPU is that of a role and its children (such as the bus server), in % of one core, over the minutes measured. Memory is their
resident set; its slope is a least-squares line over the last 80 % of those minutes. Bus and historian fill up for ten minutes.
The age of a sample is counted from its own time until it can be read from the synced log. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import csv
import json
import multiprocessing
import os
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "benchmarks")]

from control_system import ControlSystem, LinkWatch, Truth, compare, on_the_second, tag_count
from headworks.base import log
from headworks.base.clock import MICROS, SystemClock
from headworks.base.settings import Home
from headworks.bus.batch import SampleBatch
from headworks.bus.client import Bus
from headworks.bus.plan import PartitionPlan
from headworks.bus.subjects import log_stream, subject
from headworks.history.client import HistoryClient
from headworks.roles.context import read_endpoints
from headworks.simulate.device import EXTRA, run_unit
from headworks.simulate.extra import extra_tags
from headworks.simulate.thermal_unit import GROUPS
from installation import ROLES, get_plan, headworks, health, running, wait_all_ready, wait_caught_up

PARTITIONS = ("u1", "u2")
UNIT2 = ROOT / "examples" / "demo-unit-2"
EVERY_S = 5.0
UNIT1_TAGS = sum(len(g) for g in GROUPS.values())
MIB = 1 << 20


# --- unit 1 ---------------------------------------------------------------------------------------------------------


def _report(pipe: Connection, endpoint: tuple[str, int], tokens: Mapping[str, str], folder: Path, extra: int) -> None:
    """Be the controllers of unit 1 until told to stop; answer with what was sent."""

    async def work() -> Any:
        loop, stopping = asyncio.get_running_loop(), asyncio.Event()

        def listen() -> None:
            with contextlib.suppress(EOFError, OSError):
                pipe.recv()
            loop.call_soon_threadsafe(stopping.set)

        threading.Thread(target=listen, daemon=True).start()
        return await run_unit(endpoint, tokens, folder, stopping=stopping, extra=extra_tags(1, extra))

    log.configure("WARNING", "console")
    on_the_second()
    counts = asyncio.run(work())
    pipe.send({c: (n.samples, n.messages, n.acknowledged, n.dropped, n.connections) for c, n in counts.items()})


class Controllers:
    """The process of :func:`_report`."""

    def __init__(self, *args: Any) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self.process = context.Process(target=_report, args=(theirs, *args), daemon=True)
        self.process.start()
        theirs.close()

    def stop(self) -> dict[str, tuple[int, int, int, int, int]]:
        """Return (samples, messages, acknowledged, dropped, connections) by controller."""
        self._pipe.send("stop")
        if not self._pipe.poll(60):
            raise RuntimeError("the controllers do not end")
        told: dict[str, tuple[int, int, int, int, int]] = self._pipe.recv()
        return told

    def close(self) -> None:
        self._pipe.close()
        self.process.join(10)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


def prepare(folder: Path, tags: int) -> tuple[Home, Path, list[str]]:
    """Make an installation with both units; return its home, the folder of unit 1 and the codes of its controllers."""
    home_path, plant = folder / "home", folder / "plant"
    home_path.mkdir()
    (home_path / "headworks.toml").write_text('web_port = 0\nmqtt_port = 0\nlog_level = "WARNING"\n')
    home = Home(home_path)
    shutil.copytree(ROOT / "examples" / "demo-unit", plant)
    shutil.copytree(ROOT / "examples" / "thermal-templates", folder / "thermal-templates")
    extra = extra_tags(1, tags - UNIT1_TAGS)
    with (plant / "tags" / "extra.csv").open("w", newline="") as f:
        rows = [(t.code, t.asset, t.zh, t.en, t.unit, t.low, t.high) for t in extra]
        csv.writer(f).writerows([("code", "asset", "title_zh", "title_en", "unit", "low", "high"), *rows])
    with (plant / "points" / f"{EXTRA}.csv").open("w", newline="") as f:
        csv.writer(f).writerows([("key", "tag", "unit"), *((t.code, t.code, t.unit) for t in extra)])
    devices = yaml.safe_load((plant / "devices.yaml").read_text("utf-8"))
    devices.append({**devices[-1], "code": EXTRA, "points": f"points/{EXTRA}.csv"})
    (plant / "devices.yaml").write_text(yaml.safe_dump(devices, allow_unicode=True), "utf-8")
    headworks(home, "init")
    headworks(home, "apply", "--yes", str(plant))
    headworks(home, "apply", "--yes", str(UNIT2))
    return home, plant, [d["code"] for d in devices]


def connect(home: Home, folder: Path, dcs: ControlSystem, codes: Sequence[str]) -> dict[str, str]:
    """Make the control system a source with its tags and models; return the tokens of the controllers of unit 1."""
    dcs.connect(home, folder)
    headworks(home, "import", "models", str(UNIT2 / "models.xlsx"), "--plant", "demo2", "--yes")
    return dict(zip(codes, headworks(home, "device", "token", *codes).split(), strict=True))


# --- what is measured -----------------------------------------------------------------------------------------------


@dataclass
class Usage:
    """Processor time [s], resident set and of it what is no file [MiB] of one process and its children, over time [s]."""

    pid: int
    at: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    rss: list[float] = field(default_factory=list)
    anonymous: list[float] = field(default_factory=list)

    def look(self, now: float) -> None:
        cpu = rss = anonymous = 0.0
        me = psutil.Process(self.pid)
        for process in (me, *me.children(recursive=True)):
            try:
                times = process.cpu_times()
                rss += process.memory_info().rss / MIB
                anonymous += _anonymous(process.pid)
            except psutil.NoSuchProcess:
                continue
            cpu += times.user + times.system
        # What children that have ended took is counted with their parent.
        ended = me.cpu_times()
        self.at.append(now)
        self.cpu.append(cpu + ended.children_user + ended.children_system)
        self.rss.append(rss)
        self.anonymous.append(anonymous)

    @property
    def cpu_percent(self) -> float:
        return 100.0 * (self.cpu[-1] - self.cpu[0]) / (self.at[-1] - self.at[0])

    def slope(self) -> float:
        """Return the growth of memory over the last 80 % [MiB/h]."""
        at, rss = np.array(self.at), np.array(self.rss)
        late = at >= at[0] + 0.2 * (at[-1] - at[0])
        return float(np.polyfit(at[late], rss[late], 1)[0]) * 3600.0 if late.sum() > 2 else float("nan")


def _anonymous(pid: int) -> float:
    """Return the memory of a process that is no file [MiB]; 0 where the kernel does not say."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/smaps_rollup") as f:
        for line in f:
            if line.startswith("Anonymous:"):
                return int(line.split()[1]) / 1024
    return 0.0


class Ages:
    """How old samples are when they can be read from the log of a partition."""

    def __init__(self, bus: Bus, tenant: str, partition: str) -> None:
        self._bus, self._tenant, self._partition = bus, tenant, partition
        self.seconds: list[np.ndarray[Any, Any]] = []
        self.samples = 0

    async def run(self) -> None:
        stream = log_stream(self._tenant, self._partition)
        after = (await self._bus.stream_state(stream)).last
        clock = SystemClock()
        async for message in self._bus.reader(
            stream, after, "benchmark-ages", subject(self._tenant, "samples", self._partition)
        ):
            batch = SampleBatch.decode(message.data)
            self.samples += len(batch)
            self.seconds.append((clock.now() - np.asarray(batch.time)[::10]) / MICROS)

    def percentile(self, p: float) -> float:
        return round(float(np.percentile(np.concatenate(self.seconds), p)) * 1000, 1) if self.seconds else float("nan")


def folder_mib(folder: Path) -> float:
    return sum(f.stat().st_size for f in folder.rglob("*") if f.is_file()) / MIB


async def observe(home: Home, args: argparse.Namespace, watched: dict[str, Usage]) -> list[Ages]:
    """Warm up, then look at every process every few seconds; return the ages of samples of each partition."""
    print(f"warming up for {args.warm_up * 60:.0f} s", flush=True)
    await asyncio.sleep(args.warm_up * 60)
    bus = await Bus.connect(read_endpoints(home).bus_url, home.secret("bus"), "benchmark")
    ages = [Ages(bus, home.settings.tenant, p) for p in PARTITIONS]
    listening = [asyncio.create_task(a.run()) for a in ages]
    begun, said = time.monotonic(), 0.0
    try:
        while True:
            now = time.monotonic() - begun
            for usage in watched.values():
                usage.look(now)
            if now - said >= 60:
                said = now
                shown = ", ".join(f"{n} {watched[n].rss[-1]:.0f}" for n in ("bus", "historian", "engine", "connect"))
                print(f"  {now / 60:4.1f} min, MiB: {shown}, load {os.getloadavg()[0]:.1f}", flush=True)
            if now >= args.minutes * 60:
                return ages
            await asyncio.sleep(min(EVERY_S, args.minutes * 60 / 8, max(0.1, args.minutes * 60 - now)))
    finally:
        for task in listening:
            task.cancel()
        await asyncio.gather(*listening, return_exceptions=True)
        await bus.close()


def stored_of(history: HistoryClient, plan: PartitionPlan, begin: int, end: int) -> tuple[int, int]:
    """Return how many samples of the measured tags are stored, in all and in time."""
    ids = [t.id for t in plan.tags if t.kind == "measured"]
    span = (begin, end)
    return sum(history.count(ids, *span, late=True).values()), sum(history.count(ids, *span).values())


def table(watched: Mapping[str, Usage]) -> None:
    print(f"{'':12} {'CPU %':>6} {'MiB':>5} {'no file':>8} {'MiB/h':>7}  MiB, evenly over the run")
    for name, u in watched.items():
        course = " ".join(f"{u.rss[round(i)]:.0f}" for i in np.linspace(0, len(u.rss) - 1, 11))
        print(f"{name:12} {u.cpu_percent:6.1f} {u.rss[-1]:5.0f} {u.anonymous[-1]:8.0f} {u.slope():7.1f}  {course}")


def summary(roles: Mapping[str, Usage], others: Mapping[str, Usage]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, u in {**roles, **others}.items():
        found[f"{name}_cpu_percent"] = round(u.cpu_percent, 1)
        found[f"{name}_rss_mb"] = round(u.rss[-1], 1)
        found[f"{name}_rss_slope_mb_h"] = round(u.slope(), 1)
    first = next(iter(roles.values()))
    total = Usage(0, first.at, cpu=_sum(roles, "cpu"), rss=_sum(roles, "rss"))
    found["total_cpu_percent"] = round(total.cpu_percent, 1)
    found["total_rss_mb"] = round(total.rss[-1], 1)
    found["total_rss_slope_mb_h"] = round(total.slope(), 1)
    return found


def _sum(of: Mapping[str, Usage], what: str) -> list[float]:
    return [sum(at_once) for at_once in zip(*(getattr(u, what) for u in of.values()), strict=True)]


# --- the run --------------------------------------------------------------------------------------------------------


async def run(args: argparse.Namespace, folder: Path) -> dict[str, Any]:
    starting = asyncio.create_task(asyncio.to_thread(ControlSystem, folder / "dcs", args.tags - tag_count()))
    home, plant, codes = await asyncio.to_thread(prepare, folder, args.tags)
    dcs = await starting
    controllers: Controllers | None = None
    try:
        tokens = await asyncio.to_thread(connect, home, folder, dcs, codes)
        with running(home, folder / "platform.log") as supervisor:
            await wait_all_ready(home)
            bus = await Bus.connect(read_endpoints(home).bus_url, home.secret("bus"), "benchmark")
            plans = [await get_plan(bus, home.settings.tenant, p) for p in PARTITIONS]
            await bus.close()
            watch, begin = LinkWatch(home), SystemClock().now()
            controllers = Controllers(read_endpoints(home).mqtt, tokens, plant, args.tags - UNIT1_TAGS)
            connected = await watch.wait_connected()
            looking = asyncio.create_task(watch.run())
            pids = {role: _pid(home, role) for role in ROLES}
            roles = {"supervisor": Usage(supervisor.pid), **{r: Usage(pid) for r, pid in pids.items()}}
            # The supervisor is the parent of all: its own part is what is not theirs.
            others = {"unit1_device": Usage(controllers.process.pid), "unit2_server": Usage(dcs.process.pid)}
            ages = await observe(home, args, {**roles, **others})
            _without(roles["supervisor"], [roles[r] for r in ROLES])
            sent = await asyncio.to_thread(controllers.stop)
            await asyncio.to_thread(dcs.stop_publishing)
            truth = Truth.read(dcs.folder)
            await asyncio.sleep(5.0)
            await asyncio.gather(*(wait_caught_up(home, home.settings.tenant, p, "historian") for p in PARTITIONS))
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)
            restarted = [r for r in ROLES if _pid(home, r) != pids[r]]
            with HistoryClient(read_endpoints(home).history, home.secret("history"), home.settings.tenant) as history:
                stored, in_time = await asyncio.to_thread(
                    stored_of, history, plans[0], begin - 60 * MICROS, SystemClock().now()
                )
                span = (connected, int(truth.written[-1]))
                second = await asyncio.to_thread(compare, history, plans[1], truth, span, watch.losses())
        table({**roles, **others})
        told = [sum(c[i] for c in sent.values()) for i in range(5)]
        return {
            **summary(roles, others),
            "minutes": args.minutes,
            "tags": 2 * args.tags,
            "models": sum(len(p.instances) for p in plans),
            "samples_per_s": round(sum(a.samples for a in ages) / (args.minutes * 60), 1),
            "mqtt_sent": told[0],
            "mqtt_unacknowledged_messages": told[1] - told[2],
            "mqtt_stored": stored,
            "mqtt_late": stored - in_time,
            "opcua_served": second.served,
            "opcua_stored": second.stored,
            "opcua_values_different": second.values_different,
            "opcua_in_gaps": second.in_gaps,
            "opcua_links_lost": len(watch.losses()),
            "samples_lost": told[0] - stored + second.lost_outside_gaps,
            **{
                f"{p}_sample_age_p{k}_ms": a.percentile(k)
                for p, a in zip(PARTITIONS, ages, strict=True)
                for k in (50, 99)
            },
            "roles_restarted": len(restarted),
            "history_disk_mb": round(folder_mib(home.path / "history"), 1),
            "bus_disk_mb": round(folder_mib(home.path / "bus"), 1),
            "load_average": round(os.getloadavg()[1], 1),
        }
    finally:
        if controllers is not None:
            controllers.close()
        dcs.close()


def _pid(home: Home, role: str) -> int:
    h = health(home, role)
    return h.pid if h else 0


def _without(parent: Usage, children: Sequence[Usage]) -> None:
    for what in ("cpu", "rss", "anonymous"):
        mine = np.array(getattr(parent, what)) - np.sum([getattr(c, what) for c in children], axis=0)
        setattr(parent, what, mine.tolist())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0, help="measured after the warm-up")
    parser.add_argument("--warm-up", type=float, default=10.0, help="minutes")
    parser.add_argument("--tags", type=int, default=1500, help="of each unit")
    parser.add_argument("--cores", type=int, default=2, help="everything runs on so many")
    parser.add_argument("--quick", action="store_true", help="15 s after 5 s of warm-up: says nothing about growth")
    parser.add_argument("--keep", action="store_true", help="keep the folder of the run")
    args = parser.parse_args()
    if args.quick:
        args.minutes, args.warm_up = 15 / 60, 5 / 60
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: args.cores])
    log.configure("WARNING", "console")
    folder = Path(tempfile.mkdtemp(prefix="headworks-footprint-"))
    try:
        result = asyncio.run(run(args, folder))
    finally:
        if args.keep:
            print(f"kept {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
