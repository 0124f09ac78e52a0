"""What a device message costs at the MQTT endpoint, and how soon it is acknowledged.

    python benchmarks/mqtt_endpoint.py [--quick] [--devices 200] [--values 60]

The endpoint runs as a process of its own on a real bus that syncs every write; the load is many devices in this process.
CPU is that of the endpoint's process per message; latency is wall time from send to PUBACK, that is: until the samples are
on disk. The peer is mosquitto if it is installed; it acknowledges from memory, so its latency is another promise. The last
line is one flat JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import psutil
import uvloop

from headworks.base import log
from headworks.base.clock import SystemClock
from headworks.bus.client import Bus
from headworks.bus.plan import DevicePlan, PartitionPlan, Point, TagPlan
from headworks.bus.server import BusServer, free_port
from headworks.bus.subjects import log_stream
from headworks.connect.client import TELEMETRY
from headworks.connect.codecs import mqtt, mqtt_client
from headworks.connect.codecs.mqtt import Ack
from headworks.connect.codecs.mqtt_client import ClientDecoder, ConnAck
from headworks.connect.devices import token_digest
from headworks.roles.connect import Service

BUS_TOKEN = "benchmark-token"
PUBREC = 5


def token(i: int) -> str:
    return f"benchmark-device-{i:05d}"


def make_plan(devices: int, values: int) -> PartitionPlan:
    tags = tuple(TagPlan(id=i + 1, code=f"T{i}", low=-1e6, high=1e6) for i in range(values))
    points = tuple(Point(key=f"sensor_{i:03d}", tag=i + 1, gain=0.001) for i in range(values))
    return PartitionPlan(
        tenant="bench",
        partition="u1",
        revision=1,
        system_instance=1,
        tags=tags,
        devices=tuple(
            DevicePlan(
                code=f"d{i}", token_sha256=token_digest(token(i).encode()), points=points, max_messages_per_s=1e6
            )
            for i in range(devices)
        ),
    )


# --- the endpoint's process ---------------------------------------------------------------------------------------------


async def serve(url: str, port: int) -> None:
    bus = await Bus.connect(url, BUS_TOKEN, "benchmark")
    service = Service(bus, "bench", SystemClock(), 8 << 30, log.get("benchmark"))
    await service.start("127.0.0.1", port)
    print("ready", flush=True)
    await asyncio.Event().wait()


@contextmanager
def endpoint(url: str, port: int) -> Iterator[psutil.Process]:
    process = subprocess.Popen(
        [sys.executable, __file__, "--serve", url, str(port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout
        while process.stdout.readline().strip() != "ready":
            if process.poll() is not None:
                raise RuntimeError("the endpoint did not start")
        yield psutil.Process(process.pid)
    finally:
        process.kill()
        process.wait()


@contextmanager
def mosquitto(port: int, folder: Path) -> Iterator[psutil.Process]:
    config = folder / "mosquitto.conf"
    config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\nmax_inflight_messages 0\n")
    process = subprocess.Popen(["mosquitto", "-c", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        time.sleep(0.5)
        yield psutil.Process(process.pid)
    finally:
        process.kill()
        process.wait()


# --- the load -----------------------------------------------------------------------------------------------------------


class Load(asyncio.Protocol):
    """One device: keeps `window` messages in flight (closed loop), or sends when told (open loop)."""

    def __init__(self, name: str, user: str, payload: bytes, version: int, qos: int, window: int) -> None:
        self.version, self.qos, self.window = version, qos, window
        self.hello = mqtt_client.connect(version, name, username=user, keep_alive=0)
        self.decoder = ClientDecoder(version)
        self.payload = payload
        self.sent: dict[int, float] = {}
        self.latency: list[float] = []
        self.acked = 0
        self.pid = 0
        self.running = False
        self.up = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        transport.write(self.hello)

    def send(self) -> None:
        self.pid = self.pid % 65535 + 1
        self.sent[self.pid] = time.perf_counter()
        self.transport.write(mqtt.publish(self.version, TELEMETRY, self.payload, qos=self.qos, pid=self.pid))

    def data_received(self, data: bytes) -> None:
        self.decoder.feed(data)
        now = time.perf_counter()
        while (packet := self.decoder.next()) is not None:
            if isinstance(packet, ConnAck):
                self.up.set_result(packet.reason)
            elif isinstance(packet, Ack) and packet.pid in self.sent:
                self.latency.append(now - self.sent.pop(packet.pid))
                self.acked += 1
                if packet.kind == PUBREC:
                    self.transport.write(mqtt.ack(self.version, 6, packet.pid))
                if self.running and self.window:
                    self.send()

    def start(self) -> None:
        self.running = True
        for _ in range(self.window):
            self.send()


async def drive(
    port: int,
    process: psutil.Process,
    *,
    devices: int,
    values: int,
    seconds: float,
    version: int = 4,
    qos: int = 1,
    rate: float = 0,
) -> dict[str, float]:
    """Send for `seconds` (with 4 messages in flight a device, or at `rate` messages/s) and measure."""
    loop = asyncio.get_running_loop()
    rng = np.random.default_rng(1)
    keys = [f"sensor_{i:03d}" for i in range(values)]
    loads: list[Load] = []
    for i in range(devices):
        body = dict(zip(keys, np.round(rng.normal(500, 100, values), 3).tolist(), strict=True))
        payload = msgspec.json.encode({"ts": 1_700_000_000_000, "values": body})
        load = Load(f"b{i}", token(i), payload, version, qos, 0 if rate else 4)
        await loop.create_connection(lambda load=load: load, "127.0.0.1", port)
        loads.append(load)
    for load in loads:
        assert await load.up == 0
    await asyncio.sleep(0.3)
    cpu, begun = sum(process.cpu_times()[:2]), time.perf_counter()
    for load in loads:
        load.start()
    if rate:
        for n in range(int(seconds * rate)):
            loads[n % devices].send()
            ahead = begun + n / rate - time.perf_counter()
            if ahead > 0:
                await asyncio.sleep(ahead)
    else:
        await asyncio.sleep(seconds)
    for load in loads:
        load.running = False
    while any(load.sent for load in loads):
        await asyncio.sleep(0.01)
    wall, cpu = time.perf_counter() - begun, sum(process.cpu_times()[:2]) - cpu
    acked = sum(load.acked for load in loads)
    latency = np.concatenate([load.latency for load in loads]) * 1000
    for load in loads:
        load.transport.close()
    await asyncio.sleep(0.2)
    return {
        "messages": acked,
        "messages_per_s": round(acked / wall, 1),
        "samples_per_s": round(acked * values / wall),
        "cpu_us_per_message": round(cpu / acked * 1e6, 1),
        "ack_p50_ms": round(float(np.percentile(latency, 50)), 2),
        "ack_p99_ms": round(float(np.percentile(latency, 99)), 2),
    }


async def stored_samples(url: str) -> tuple[int, int]:
    """Return messages and bytes in the log."""
    bus = await Bus.connect(url, BUS_TOKEN, "count")
    state = await bus.stream_state(log_stream("bench", "u1"))
    await bus.close()
    return state.messages, state.bytes


def show(name: str, found: dict[str, float]) -> None:
    print(
        f"{name:42s} {found['messages_per_s']:>9,.0f} msg/s {found['samples_per_s']:>11,} samples/s "
        f"{found['cpu_us_per_message']:>7.1f} us CPU/msg   "
        f"ack p50 {found['ack_p50_ms']:>7.2f}  p99 {found['ack_p99_ms']:>7.2f} ms",
        flush=True,
    )


async def measure(arguments: argparse.Namespace) -> None:
    quick = arguments.quick
    devices, values = (50, 60) if quick else (arguments.devices, arguments.values)
    seconds = 1.5 if quick else 6.0
    result: dict[str, Any] = {"devices": devices, "values": values, "quick": quick}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(BusServer(folder / "bus", BUS_TOKEN))
        bus = await Bus.connect(server.url, BUS_TOKEN, "setup")
        name = await bus.put_plan(make_plan(devices, values).encode())
        await bus.set_current_plan("bench", "u1", name)
        await bus.close()
        port = free_port()
        process = stack.enter_context(endpoint(server.url, port))
        same = {"devices": devices, "values": values, "seconds": seconds}
        for label, key, more in (
            ("3.1.1 QoS 1, 4 in flight a device", "", {}),
            ("3.1.1 QoS 1, 500 messages/s", "paced_", {"rate": 500.0}),
            ("5 QoS 1, 4 in flight a device", "v5_", {"version": 5}),
            ("3.1.1 QoS 2, 4 in flight a device", "qos2_", {"qos": 2}),
        ):
            found = await drive(port, process, **same, **more)
            show(label, found)
            result |= {f"{key}{k}": v for k, v in found.items() if k != "messages"}
        messages, size = await stored_samples(server.url)
        result["log_messages"], result["log_mb"] = messages, round(size / 1e6, 1)
        result["endpoint_rss_mb"] = round(process.memory_info().rss / 1e6)
        if shutil.which("mosquitto"):
            port = free_port()
            peer = stack.enter_context(mosquitto(port, folder))
            found = await drive(port, peer, **same)
            show("mosquitto (acknowledges from memory)", found)
            result |= {f"mosquitto_{k}": v for k, v in found.items() if k != "messages"}
        else:
            print("mosquitto is not installed: no peer in this run")
            result["peer"] = "none"
    print(json.dumps(result))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a few seconds, 50 devices")
    parser.add_argument("--devices", type=int, default=200)
    parser.add_argument("--values", type=int, default=60, help="values of one message")
    parser.add_argument("--serve", nargs=2, metavar=("BUS", "PORT"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    log.configure("ERROR", "console")
    uvloop.run(serve(arguments.serve[0], int(arguments.serve[1])) if arguments.serve else measure(arguments))


if __name__ == "__main__":
    main()
