"""The connect service as a process of its own, to be killed: ``python endpoint_child.py BUS_URL TOKEN TENANT PORT``."""

import asyncio
import sys

import uvloop

from headworks.base import log
from headworks.base.clock import SystemClock
from headworks.bus.client import Bus
from headworks.roles.connect import Service


async def main(url: str, token: str, tenant: str, port: str) -> None:
    bus = await Bus.connect(url, token, "child")
    service = Service(bus, tenant, SystemClock(), 64 << 20, log.get("child"))
    await service.start("127.0.0.1", int(port))
    print("ready", flush=True)
    await asyncio.Event().wait()


uvloop.run(main(*sys.argv[1:]))
