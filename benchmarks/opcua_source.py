"""How many value changes a second one OPC UA driver takes on one core: a real server in a process of its own, a real bus.

    python benchmarks/opcua_source.py [--variables 3000] [--seconds 10] [--quick]

The connect service runs in this process; its processor time per stored value is what is measured. The last line is one flat
JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from headworks.base import log
from headworks.base.clock import SystemClock
from headworks.base.settings import Home
from headworks.bus.client import Bus
from headworks.bus.plan import DevicePlan, OpcUaSource, PartitionPlan, Point, TagPlan
from headworks.bus.server import BusServer
from headworks.roles.connect import Service


async def serve(variables: int) -> None:
    """Serve variables that all change once a second; print the port, then run until the parent is gone."""
    import socket

    from asyncua import Server, ua

    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    server = Server()
    await server.init()
    server.set_endpoint(f"opc.tcp://127.0.0.1:{port}")
    server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
    ids = [ua.NodeId(f"T{i}", 2) for i in range(variables)]
    await server.register_namespace("urn:benchmark")
    for node in ids:
        await server.nodes.objects.add_variable(node, f"2:{node.Identifier}", 0.0)
    async with server:
        print(port, flush=True)
        value = 0.0
        while True:
            begun = time.monotonic()
            value += 1.0
            now = datetime.now(UTC)
            for i, node in enumerate(ids):
                data = ua.DataValue(ua.Variant(value + i), SourceTimestamp=now, ServerTimestamp=now)
                await server.write_attribute_value(node, data)
            await asyncio.sleep(max(0.0, 1.0 - (time.monotonic() - begun)))


async def measure(port: int, variables: int, seconds: float, folder: Path) -> dict[str, Any]:
    home = Home(folder / "home")
    for name in ("bus", "seal"):
        home.make_secret(name)
    source = OpcUaSource(endpoint=f"opc.tcp://127.0.0.1:{port}", policy="None", mode="None")
    plan = PartitionPlan(
        tenant="main",
        partition="u1",
        revision=1,
        system_instance=1,
        tags=tuple(TagPlan(id=i + 1, code=f"T{i}", low=-1.0, high=1e9) for i in range(variables)),
        devices=(
            DevicePlan(
                code="server",
                token_sha256="",
                points=tuple(Point(key=f"ns=2;s=T{i}", tag=i + 1) for i in range(variables)),
                opcua=source,
            ),
        ),
    )
    with BusServer(folder / "bus", "a-token-for-a-benchmark-only") as server:
        bus = await Bus.connect(server.url, server.token, "benchmark")
        service = Service(bus, "main", SystemClock(), 1 << 30, log.get("benchmark"), home)
        name = await bus.put_plan(plan.encode())
        await bus.set_current_plan("main", "u1", name)
        await service.start("127.0.0.1", 0)
        begun = time.monotonic()
        while service.report()["stored"] < 2 * variables:
            await asyncio.sleep(0.1)
        ready = time.monotonic() - begun
        before, cpu, at = service.report()["stored"], time.process_time(), time.monotonic()
        await asyncio.sleep(seconds)
        after = service.report()
        span, used = time.monotonic() - at, time.process_time() - cpu
        await service.stop()
        await bus.close()
    stored = after["stored"] - before
    said = after["devices"]["server"]
    return {
        "values_per_s": round(stored / span, 1),
        "core_share": round(used / span, 3),
        "us_per_value": round(used / max(stored, 1) * 1e6, 2),
        "values_per_s_and_core": round(stored / max(used, 1e-9)),
        "until_subscribed_s": round(ready, 1),
        "dropped": said["dropped"],
        "gaps": said["gaps"],
    }


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--variables", type=int, default=3000)
    arguments.add_argument("--seconds", type=float, default=10.0)
    arguments.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    arguments.add_argument("--quick", action="store_true", help="500 variables in 3 s")
    given = arguments.parse_args()
    if given.quick:
        given.variables, given.seconds = 500, 3.0
    if given.serve:
        asyncio.run(serve(given.variables))
        return
    log.configure("WARNING")
    command = [sys.executable, __file__, "--serve", "--variables", str(given.variables)]
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child,
    ):
        assert child.stdout is not None
        port = int(child.stdout.readline())
        try:
            found = asyncio.run(measure(port, given.variables, given.seconds, Path(folder)))
        finally:
            child.kill()
    print(json.dumps({"variables": given.variables, **found}))


if __name__ == "__main__":
    main()
