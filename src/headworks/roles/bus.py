"""The `bus` role: the embedded nats-server, and how full its streams are."""

from __future__ import annotations

import asyncio

from headworks.base.errors import Fault
from headworks.base.settings import Home
from headworks.bus.errors import BusUnreachable
from headworks.bus.server import BusServer
from headworks.roles.context import Endpoints, RoleContext

_server: BusServer | None = None


def prepare(home: Home, endpoints: Endpoints) -> None:
    """Start the server at the port the supervisor chose."""
    global _server
    port = int(endpoints.bus_url.rsplit(":", 1)[1])
    _server = BusServer(home.folder("bus"), home.secret("bus"), port, home.settings.bus_store_max_bytes)
    _server.start()


async def main(ctx: RoleContext) -> None:
    """Watch the server; end (to be restarted) when it ends."""
    assert _server is not None
    assert _server.process is not None
    try:
        await ctx.bus.ensure_quarantine(ctx.settings.tenant)
        ctx.ready(server_pid=_server.process.pid)
        while await ctx.sleep(1.0):
            if (code := _server.process.poll()) is not None:
                raise Fault("bus.server_ended", exit_code=code)
            try:
                stored, streams = await ctx.bus.usage()
                ctx.beat(store_bytes=stored, streams=streams)
            except BusUnreachable:
                ctx.log.warning("the bus does not answer")
    finally:
        # Off the loop: the others may still be saying their last words through this server.
        await asyncio.to_thread(_server.stop)
