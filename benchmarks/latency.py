"""From the endpoint's acknowledgement of the deciding sample until the alarm is a row in a browser.

The whole platform runs with real parts: devices send 5,000 samples/s over MQTT (QoS 1), models decide, the alarm list is
open in headless Chromium. Two partitions are measured in the same run:

- *event*: tick 100 ms, no lateness: rules that must decide in under a second;
- *default*: tick 1 s, lateness 2 s: a sample's tick is decided 2 s after its time by design.

A third partition, *fast* (tick 20 ms, no lateness), is measured before them in a platform of its own, without a browser: 2,000
messages a second of one sample each; from just before a message is given to the device's library until the engine's decision
is heard on the bus (``event_decision_*``).

The start is the instant the device's library reports PUBACK for the message that holds the first sample beyond the limit,
the end is a MutationObserver in the page seeing the row. Both clocks are this machine's. ``sample_age`` is counted from
the sample's own time instead. There is no peer in the run: nothing else installable here goes from a device to a browser.

    python benchmarks/latency.py [--alarms 300] [--rate 5000] [--quick] [--decisions-only]

The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import secrets
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "benchmarks")]

from headworks.base.settings import Home
from headworks.bus.client import Bus
from headworks.bus.messages import Edges, decode
from headworks.bus.subjects import subject
from headworks.connect.client import TELEMETRY, DeviceClient
from headworks.roles.context import read_endpoints
from installation import get_plan, headworks, running, wait_all_ready

_OBSERVE = """
(() => {
  window.seen = [];
  const note = (row) => {
    if (row.dataset.state !== "unacked_active" || row.dataset.noted) return;
    row.dataset.noted = "1";
    window.seen.push([row.dataset.instance, performance.timeOrigin + performance.now()]);
  };
  const look = (node) => {
    if (node.nodeType !== 1) return;
    if (node.matches('[data-testid="alarm-row"]')) note(node);
    node.querySelectorAll('[data-testid="alarm-row"]').forEach(note);
  };
  new MutationObserver((changes) => {
    for (const c of changes) {
      if (c.type === "attributes") look(c.target);
      c.addedNodes.forEach(look);
    }
  }).observe(document, { childList: true, subtree: true, attributes: true, attributeFilter: ["data-state"] });
})();
"""


@dataclass
class Line:
    """One partition under measurement: its device, its tags, and when each instance was made to alarm."""

    code: str
    tags: int
    period_s: float
    alarms: int
    token: str = ""
    acked: dict[str, float] = field(default_factory=dict)
    sampled: dict[str, float] = field(default_factory=dict)
    sent: int = 0


def write_plant(folder: Path, lines: list[Line]) -> None:
    """Write a plant with one partition and one device a line, and a limit model on each of the first tags."""

    def text(t: str) -> dict[str, str]:
        return {"zh": t, "en": t}

    def dump(name: str, what: Any) -> None:
        (folder / name).write_text(yaml.safe_dump(what, allow_unicode=True))

    ticks = {"fast": (0.02, 0.0, 30), "event": (0.1, 0.0, 30), "default": (1, 2, 30)}
    (folder / "tags").mkdir(parents=True)
    for name in ("points", "templates", "instances"):
        (folder / name).mkdir()
    partitions, assets, devices, instances = [], [], [], []
    for line in lines:
        tick, late, stale = ticks[line.code]
        asset = line.code.upper()
        partitions.append(
            {
                "code": line.code,
                "asset": asset,
                "tick_s": tick,
                "lateness_s": late,
                "staleness_s": stale,
                "clock": "wall",
            }
        )
        assets.append({"code": asset, "parent": "BENCH", "type": "unit", "title": text(asset)})
        codes = [f"{line.code}-{i:04d}" for i in range(line.tags)]
        rows = [f"{c},{asset},{c},{c},1,," for c in codes]
        header = "code,asset,title_zh,title_en,unit,low,high"
        (folder / "tags" / f"{line.code}.csv").write_text("\n".join([header, *rows]) + "\n")
        points = [f"{c},{c},1" for c in codes]
        (folder / "points" / f"{line.code}.csv").write_text("\n".join(["key,tag,unit", *points]) + "\n")
        devices.append(
            {
                "code": f"gw-{line.code}",
                "kind": "device",
                "partition": line.code,
                "max_messages_per_s": 5000,
                "points": f"points/{line.code}.csv",
            }
        )
        instances += [
            {"code": f"M-{c}", "template": "limit", "asset": asset, "inputs": {"x": c}} for c in codes[: line.alarms]
        ]
    template = {
        "code": "limit",
        "title": text("limit"),
        "ports": [{"name": "x", "unit": "1"}],
        "params": [{"name": "limit", "default": 50}],
        "blocks": [
            {"id": "over", "op": "above", "inputs": {"x": "in.x"}, "params": {"limit": "$limit", "hysteresis": 1}}
        ],
        "conditions": [{"name": "high", "source": "over", "title": text("high"), "priority": 2, "value": "in.x"}],
    }
    dump("plant.yaml", {"code": "bench", "title": text("bench"), "timezone": "UTC", "partitions": partitions})
    dump("types.yaml", [{"code": "unit", "version": 1, "title": text("unit")}])
    dump("assets.yaml", [{"code": "BENCH", "parent": None, "type": "unit", "title": text("bench")}, *assets])
    dump("devices.yaml", devices)
    dump("templates/limit.yaml", template)
    dump("instances/models.yaml", instances)


async def drive(home: Home, line: Line, seconds: float) -> None:
    """Send every tag each period; make one instance after the other alarm for three seconds."""
    host, port = read_endpoints(home).mqtt
    client = DeviceClient(host, port, line.token, name=f"gw-{line.code}")
    await client.connect()
    rng = np.random.default_rng(1)
    codes = [f"{line.code}-{i:04d}" for i in range(line.tags)]
    between = seconds / line.alarms
    begun = time.time()
    pending: set[asyncio.Task[None]] = set()

    async def send(body: dict[str, float], at: float, news: list[str]) -> None:
        await client.publish_telemetry(msgspec.json.encode({"ts": round(at * 1000), "values": body}))
        now = time.time()
        for code in news:
            line.acked[f"M-{code}"] = now
            line.sampled[f"M-{code}"] = round(at * 1000) / 1000
        line.sent += len(body)

    known = 0
    step = 0
    while (at := time.time()) < begun + seconds + 4:
        due = min(line.alarms, int((at - begun) / between))
        body = dict(zip(codes, np.round(rng.normal(20, 1, line.tags), 3).tolist(), strict=True))
        for i in range(due):
            if at - (begun + (i + 1) * between) < 3.0:
                body[codes[i]] = 80.0
        task = asyncio.create_task(send(body, at, codes[known:due]))
        known = due
        pending.add(task)
        task.add_done_callback(pending.discard)
        step += 1
        await asyncio.sleep(max(0.0, begun + step * line.period_s - time.time()))
    if pending:
        await asyncio.wait(pending, timeout=10)
    await client.close()


async def watch(home: Home, username: str, password: str, lines: list[Line], seconds: float) -> dict[str, float]:
    """Open the alarm list in Chromium, drive the devices, and return when each instance's row was there."""
    from playwright.async_api import async_playwright

    host, port = read_endpoints(home).web
    base = f"http://{host}:{port}"
    async with async_playwright() as p:
        browser = await p.chromium.launch(
            executable_path=os.environ.get("HEADWORKS_CHROMIUM", "/usr/bin/chromium"),
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"],
        )
        page = await browser.new_page(viewport={"width": 1920, "height": 1080})
        await page.add_init_script(_OBSERVE)
        await page.goto(base)
        await page.get_by_test_id("login-username").fill(username)
        await page.get_by_test_id("login-password").fill(password)
        await page.get_by_test_id("login-submit").click()
        await page.wait_for_url("**/monitor**")
        await page.goto(f"{base}/alarms")
        await page.wait_for_timeout(3000)
        await asyncio.gather(*(drive(home, line, seconds) for line in lines))
        await page.wait_for_timeout(3000)
        seen: list[list[Any]] = await page.evaluate("window.seen")
        await browser.close()
    first: dict[str, float] = {}
    for instance, at in seen:
        first.setdefault(instance, at / 1000)
    return first


def summarise(line: Line, seen: dict[str, float], prefix: str) -> dict[str, float]:
    delays = [(seen[i] - at) * 1000 for i, at in line.acked.items() if i in seen]
    ages = [(seen[i] - at) * 1000 for i, at in line.sampled.items() if i in seen]
    if not delays:
        return {f"{prefix}alarms_seen": 0, f"{prefix}alarms_raised": len(line.acked)}
    return {
        f"{prefix}alarm_visible_p50_ms": round(float(np.percentile(delays, 50)), 1),
        f"{prefix}alarm_visible_p99_ms": round(float(np.percentile(delays, 99)), 1),
        f"{prefix}alarm_visible_max_ms": round(max(delays), 1),
        f"{prefix}sample_age_p99_ms": round(float(np.percentile(ages, 99)), 1),
        f"{prefix}alarms_seen": len(delays),
        f"{prefix}alarms_raised": len(line.acked),
    }


async def decide(home: Home, line: Line, seconds: float, rate: int) -> dict[str, float]:
    """Send `rate` messages a second of one sample each; return when each instance's alarm was decided."""
    host, port = read_endpoints(home).mqtt
    client = DeviceClient(host, port, line.token, name=f"gw-{line.code}", window=1_000)
    await client.connect()
    bus = await Bus.connect(read_endpoints(home).bus_url, home.secret("bus"), "benchmark")
    tenant = home.settings.tenant
    plan = await get_plan(bus, tenant, line.code)
    codes, decided = {i.id: i.code for i in plan.instances}, {}

    async def heard(_: str, data: bytes) -> None:
        now = time.time()
        for edge in decode(data, Edges).edges:
            if edge.transition == "raise" and edge.instance in codes:
                decided.setdefault(codes[edge.instance], now)

    await bus.subscribe(subject(tenant, "condition", line.code), heard)
    tags = [f"{line.code}-{i:04d}" for i in range(line.tags)]
    begun, between, known = time.time(), seconds / line.alarms, 0
    while (now := time.time()) < begun + seconds + 1:
        while line.sent < (now - begun) * rate:
            due = min(line.alarms, int((time.time() - begun) / between))
            # An alarm that is due goes first; the other messages go round.
            at, value = (known, 80.0) if due > known else (line.alarms + line.sent % (line.tags - line.alarms), 20.0)
            known += due > known
            sent = time.time()
            body = {"ts": round(sent * 1000), "values": {tags[at]: value + line.sent % 7 / 8}}
            await client.send(TELEMETRY, msgspec.json.encode(body))
            if value == 80.0:
                line.sampled[f"M-{tags[at]}"] = sent
            line.sent += 1
        await asyncio.sleep(0.001)
    await client.drain()
    await asyncio.sleep(1)
    await client.close()
    await bus.close()
    return decided


async def measure_decisions(args: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Measure the partition *fast* in a platform of its own."""
    (folder / "home").mkdir(parents=True)
    (folder / "home" / "headworks.toml").write_text('web_port = 0\nmqtt_port = 0\nlog_level = "WARNING"\n')
    home = Home(folder / "home")
    line = Line("fast", args.decisions + 1_000, 0.0, args.decisions)
    write_plant(folder / "plant", [line])
    headworks(home, "init")
    headworks(home, "apply", "--yes", str(folder / "plant"))
    line.token = headworks(home, "device", "token", "gw-fast").strip()
    with running(home, folder / "platform.log"):
        await wait_all_ready(home)
        await asyncio.sleep(5)
        decided = await decide(home, line, args.decision_seconds, args.messages)
    delays = [(decided[code] - at) * 1000 for code, at in line.sampled.items() if code in decided]
    found: dict[str, Any] = {
        "event_decisions": len(delays),
        "event_alarms_sent": len(line.sampled),
        "event_messages_per_s": round(line.sent / (args.decision_seconds + 1)),
        "event_load": round(os.getloadavg()[0], 2),
    }
    for name, share in (("p50", 50), ("p99", 99), ("max", 100)):
        found[f"event_decision_{name}_ms"] = round(float(np.percentile(delays, share)), 1) if delays else None
    return found


async def run(args: argparse.Namespace, folder: Path) -> dict[str, Any]:
    (folder / "home").mkdir()
    (folder / "home" / "headworks.toml").write_text('web_port = 0\nmqtt_port = 0\nlog_level = "WARNING"\n')
    home = Home(folder / "home")
    event_tags = max(args.alarms, args.rate // 10 - 50)
    default_tags = max(args.rate - event_tags * 10, args.default_alarms)
    lines = [
        Line("event", event_tags, 0.1, args.alarms),
        Line("default", default_tags, 1.0, args.default_alarms),
    ]
    write_plant(folder / "plant", lines)
    headworks(home, "init")
    headworks(home, "apply", "--yes", str(folder / "plant"))
    password = secrets.token_urlsafe(16)
    headworks(home, "user", "create", "bench", "--role", "operator", "--password", password, "--keep-password")
    for line in lines:
        line.token = headworks(home, "device", "token", f"gw-{line.code}").strip()
    with running(home, folder / "platform.log"):
        await wait_all_ready(home)
        await asyncio.sleep(5)
        begun = time.monotonic()
        seen = await watch(home, "bench", password, lines, args.seconds)
        spent = time.monotonic() - begun
    sent = sum(line.sent for line in lines)
    return {
        **summarise(lines[0], seen, ""),
        **summarise(lines[1], seen, "default_"),
        "samples_per_s": round(sent / (args.seconds + 4)),
        "run_s": round(spent, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--alarms", type=int, default=300, help="alarms in the event partition")
    parser.add_argument("--default-alarms", type=int, default=60, help="alarms in the default partition")
    parser.add_argument("--rate", type=int, default=5_000, help="samples a second, both partitions together")
    parser.add_argument("--seconds", type=float, default=90.0)
    parser.add_argument("--decisions", type=int, default=400, help="alarms in the fast partition")
    parser.add_argument("--messages", type=int, default=2_000, help="messages a second to the fast partition")
    parser.add_argument("--decision-seconds", type=float, default=60.0)
    parser.add_argument("--decisions-only", action="store_true", help="leave out the browser and the slower partitions")
    parser.add_argument("--quick", action="store_true", help="30 alarms in 20 s, 60 decisions in 8 s")
    args = parser.parse_args()
    if args.quick:
        args.alarms, args.default_alarms, args.seconds = 30, 10, 20.0
        args.decisions, args.decision_seconds = 60, 8.0
    folder = Path(tempfile.mkdtemp(prefix="headworks-latency-"))
    try:
        result = asyncio.run(measure_decisions(args, folder / "fast"))
        if not args.decisions_only:
            result |= asyncio.run(run(args, folder))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
