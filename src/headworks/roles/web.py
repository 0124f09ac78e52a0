"""The web role: one ASGI application with the live WebSocket, the probes, and Django for everything else."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import msgspec
import prometheus_client
import uvicorn
from prometheus_client import multiprocess
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from headworks import __version__
from headworks.roles.context import RoleContext
from headworks.roles.records import set_up_django

STOP_S = 3
_MAX_FRAME = 256 * 1024
_CLIENTS = prometheus_client.Gauge("headworks_live_clients", "Live connections", multiprocess_mode="livesum")

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class AbortableWebSocket(WebSocketsSansIOProtocol):
    """uvicorn's WebSocket, which also lets the application drop a peer that no longer reads."""

    async def run_asgi(self) -> None:
        self.scope["extensions"]["headworks.abort"] = {"now": self.transport.abort}
        await super().run_asgi()


class EmbeddedServer(uvicorn.Server):
    """uvicorn inside a role: the role handles the signals, and is told when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        self.listening.set()

    def port(self) -> int:
        """Return the port it listens on (which the system chose if 0 was asked for)."""
        return int(self.servers[0].sockets[0].getsockname()[1])

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Root:
    """Routes by path: live WebSocket, probes, Django. `ready` returns what is missing, by name."""

    def __init__(self, live: Application, django: Application, ready: Callable[[], Any]) -> None:
        self._live = live
        self._django = django
        self._ready = ready

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] == "websocket":
            if path == "/ws/live":
                await self._live(scope, receive, send)
            else:
                await send({"type": "websocket.close", "code": 1008})
        elif scope["type"] == "http" and path == "/healthz":
            await _answer(send, 200, {"status": "alive"})
        elif scope["type"] == "http" and path == "/readyz":
            missing = await self._ready()
            await _answer(send, 503 if missing else 200, {"status": "not ready" if missing else "ready", **missing})
        elif scope["type"] == "http" and path == "/metrics":
            await self._metrics(scope, send)
        elif scope["type"] == "http":
            await self._django(scope, receive, send)

    async def _metrics(self, scope: Scope, send: Send) -> None:
        """Give the metrics of all roles, to this machine only: they tell more than a stranger should know."""
        peer = (scope.get("client") or ("", 0))[0]
        forwarded = any(k in (b"x-forwarded-for", b"forwarded") for k, _ in scope["headers"])
        if peer not in ("127.0.0.1", "::1", "") or forwarded:
            await _answer(send, 403, {"status": "only from this machine"})
            return
        body = await asyncio.to_thread(metrics)
        await _reply(send, 200, prometheus_client.CONTENT_TYPE_LATEST, body)


def metrics() -> bytes:
    """Return the metrics of every process of this machine (or of this one, outside a supervisor) as text."""
    registry: prometheus_client.CollectorRegistry = prometheus_client.REGISTRY
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        registry = prometheus_client.CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return prometheus_client.generate_latest(registry)


async def _answer(send: Send, status: int, body: dict[str, Any]) -> None:
    await _reply(send, status, "application/json", msgspec.json.encode(body))


async def _reply(send: Send, status: int, content_type: str, body: bytes) -> None:
    headers = [
        (b"content-type", content_type.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def make_server(app: Application, host: str, port: int) -> EmbeddedServer:
    """Return the HTTP server of `app`; it runs on the loop that is already there."""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http="httptools",
        ws=AbortableWebSocket,
        ws_max_size=_MAX_FRAME,
        ws_ping_interval=20.0,
        ws_ping_timeout=20.0,
        # Frames are shared by many clients; compressing them again for each would cost what sharing saves.
        ws_per_message_deflate=False,
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        backlog=512,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=STOP_S,
    )
    return EmbeddedServer(config)


async def main(ctx: RoleContext) -> None:
    """Serve until told to stop; then end connections and leave within five seconds."""
    set_up_django(ctx.home)
    from headworks.control.live import stored
    from headworks.control.live.hub import Hub
    from headworks.control.live.records import database_answers
    from headworks.control.live.socket import LiveSocket
    from headworks.control.project.asgi import application as django

    hub = Hub(ctx.bus, ctx.settings.tenant, ctx.clock, __version__)
    await hub.start(stored.newest)

    async def missing() -> dict[str, str]:
        found = {} if ctx.bus.connection.is_connected else {"bus": "not connected"}
        try:
            await asyncio.wait_for(hub.call(database_answers), 2)
        except Exception as e:
            ctx.log.warning("database does not answer", error=str(e))
            found["database"] = "does not answer"
        return found

    host, port = ctx.endpoints.web
    server = make_server(Root(LiveSocket(hub, ctx.settings.web_origins), django, missing), host, port)
    serving = asyncio.create_task(server.serve())
    stopping = asyncio.create_task(ctx.stopping.wait())
    listening = asyncio.create_task(server.listening.wait())
    try:
        await asyncio.wait({listening, serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if listening.done():
            ctx.ready(host=host, port=server.port())
        while not stopping.done() and not serving.done():
            await asyncio.wait({stopping, serving}, timeout=1.0, return_when=asyncio.FIRST_COMPLETED)
            ctx.beat(clients=len(hub.clients))
            _CLIENTS.set(len(hub.clients))
    finally:
        for task in (stopping, listening):
            task.cancel()
        await hub.stop()
        server.should_exit = True
        await serving
