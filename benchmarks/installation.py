"""A platform of its own for a measurement: commands, processes, health."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from headworks.base.settings import Home
from headworks.bus.client import Bus
from headworks.bus.messages import Health
from headworks.bus.plan import PartitionPlan
from headworks.bus.subjects import log_stream, out_stream
from headworks.roles.context import read_endpoints
from headworks.roles.supervisor import ORDER as ROLES


def headworks(home: Home, *args: str) -> str:
    """Run a command of the platform in this home and return what it printed."""
    env = {**os.environ, "HEADWORKS_HOME": str(home.path)}
    done = subprocess.run(
        [sys.executable, "-m", "headworks.cli", *args], env=env, capture_output=True, text=True, timeout=120
    )
    if done.returncode != 0:
        raise RuntimeError(f"headworks {' '.join(args)}: {done.stdout}\n{done.stderr}")
    return done.stdout


@contextmanager
def running(home: Home, log_file: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run every role; on leaving, stop them in order."""
    with log_file.open("ab") as output:
        env = {**os.environ, "HEADWORKS_HOME": str(home.path)}
        process = subprocess.Popen(
            [sys.executable, "-m", "headworks.cli", "run"], env=env, stdout=output, stderr=output
        )
        try:
            yield process
        finally:
            process.terminate()
            process.wait(60)


def health(home: Home, role: str) -> Health | None:
    """Return what a role last said of itself."""
    try:
        return msgspec.json.decode((home.path / "run" / f"{role}.json").read_bytes(), type=Health)
    except OSError:
        return None


async def wait_ready(home: Home, role: str, not_pid: int = 0) -> Health:
    """Wait until a role is ready, in another process than `not_pid`."""
    end = time.monotonic() + 90
    while time.monotonic() < end:
        h = health(home, role)
        if h and h.ready and h.pid != not_pid:
            return h
        await asyncio.sleep(0.05)
    raise RuntimeError(f"{role} was not ready within 90 s")


async def wait_all_ready(home: Home) -> None:
    for role in ROLES:
        await wait_ready(home, role)


async def get_plan(bus: Bus, tenant: str, partition: str) -> PartitionPlan:
    """Wait for the plan of a partition."""
    for _ in range(300):
        plans = await bus.current_plans(tenant)
        if partition in plans:
            return PartitionPlan.decode(await bus.get_plan(plans[partition]))
        await asyncio.sleep(0.2)
    raise RuntimeError("the plan was not published")


async def wait_caught_up(home: Home, tenant: str, partition: str, *only: str) -> None:
    """Wait until every reader of the log (or only these) is behind its last message of now; then those of OUT likewise."""
    bus = await Bus.connect(read_endpoints(home).bus_url, home.secret("bus"), "benchmark")
    end = time.monotonic() + 180
    try:
        # What the engine says of the log is in OUT before its position in the log is.
        log, out = log_stream(tenant, partition), out_stream(tenant, partition)
        for stream, needed in ((log, only or ("engine",)), *(() if only else ((out, ()),))):
            last = (await bus.stream_state(stream)).last
            while True:
                at = {r: n for r, n in (await bus.positions(stream)).items() if not only or r in only}
                behind = {reader: last - position for reader, position in at.items() if position < last}
                if not behind and at and all(r in at for r in needed):
                    break
                if time.monotonic() > end:
                    raise RuntimeError(f"readers of {stream} did not catch up: {behind}, {sorted(at)}")
                await asyncio.sleep(0.5)
    finally:
        await bus.close()
