"""A running web server: real uvicorn, real bus, real database file, real WebSocket clients."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import itertools
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import django
import pytest

django.setup()

from django.conf import settings  # noqa: E402 - needs the line above
from django.db import connections  # noqa: E402
from websockets.asyncio.client import ClientConnection, connect  # noqa: E402
from websockets.exceptions import ConnectionClosed  # noqa: E402

from headworks.base.clock import SystemClock  # noqa: E402
from headworks.bus import messages  # noqa: E402
from headworks.bus.batch import SampleBatch  # noqa: E402
from headworks.bus.client import Bus  # noqa: E402
from headworks.bus.messages import Edge, Event  # noqa: E402
from headworks.bus.subjects import subject  # noqa: E402
from headworks.control.live.hub import Hub  # noqa: E402
from headworks.control.live.socket import LiveSocket  # noqa: E402
from headworks.roles.web import Root, make_server  # noqa: E402

PASSWORD = "correct-horse-battery"
_tenants = itertools.count()


class Page:
    """What a browser page does with the live connection."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.seen: list[dict[str, Any]] = []

    async def say(self, **request: Any) -> None:
        await self.socket.send(json.dumps(request))

    async def frame(self, kind: str, timeout: float = 5.0) -> dict[str, Any]:
        """Return the next frame of a kind; others are kept in `seen`."""
        async with asyncio.timeout(timeout):
            while True:
                found = json.loads(await self.socket.recv())
                self.seen.append(found)
                if found["type"] == kind:
                    return found

    async def ended(self, timeout: float = 6.0) -> int | None:
        """Read until the connection is closed and return its code."""
        with contextlib.suppress(ConnectionClosed):
            async with asyncio.timeout(timeout):
                async for text in self.socket:
                    self.seen.append(json.loads(text))
        return self.socket.close_code


class Site:
    """A running web server and what surrounds it."""

    def __init__(self, bus: Bus, hub: Hub, port: int) -> None:
        self.bus = bus
        self.hub = hub
        self.port = port
        self._pages: list[ClientConnection] = []

    async def page(self, session: str | None, origin: str | None = "", **options: Any) -> Page:
        headers = {"Cookie": f"a=b; {settings.SESSION_COOKIE_NAME}={session}"} if session else {}
        origin = f"http://127.0.0.1:{self.port}" if origin == "" else origin
        url = f"ws://127.0.0.1:{self.port}/ws/live"
        socket = await connect(url, origin=origin, additional_headers=headers, proxy=None, **options)  # type: ignore[arg-type]
        self._pages.append(socket)
        return Page(socket)

    def ask(self, path: str, session: str | None = None, method: str = "GET") -> tuple[int, Any]:
        """Return status and body (JSON if it is) of a request; blocking."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=15)
        headers = {"Cookie": f"{settings.SESSION_COOKIE_NAME}={session}"} if session else {}
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer.status, json.loads(body) if "json" in (answer.getheader("Content-Type") or "") else body.decode()

    @staticmethod
    async def in_thread(function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        """Call what uses the database, and leave no connection behind."""

        def call() -> Any:
            try:
                return function(*arguments, **named)
            finally:
                connections.close_all()

        return await asyncio.to_thread(call)

    async def get(self, path: str, session: str | None = None) -> tuple[int, Any]:
        return await asyncio.to_thread(self.ask, path, session)

    async def samples(
        self, tag: list[int], time: list[int], value: list[float], status: list[int] | None = None
    ) -> None:
        await self.bus.say(self.subject("samples"), SampleBatch.of(tag, time, value, status).encode())

    def subject(self, kind: Any, name: str = "u1") -> str:
        return subject(self.hub.tenant, kind, name)

    async def known(self, tag: int, time: int) -> None:
        """Wait until the hub has heard a sample."""
        end = asyncio.get_running_loop().time() + 5
        while self.hub.values.time[tag] != time:
            assert asyncio.get_running_loop().time() < end
            await asyncio.sleep(0.01)

    async def raise_alarm(self, instance: int, tick: int, transition: str = "raise") -> list[str]:
        """Do what the dispatch role does: records first, then the event."""
        from headworks.control.alarms.services import apply_edges

        edge = Edge(instance, "hot", tick, transition, 95.0, 0)  # type: ignore[arg-type]
        done = await self.in_thread(apply_edges, "u1", [edge], None, tenant="main", stream="OUT_main_u1")
        ids = [str(i) for i in done.changed]
        await self.bus.say(self.subject("event"), messages.encode(Event("alarm.changed", tick, {"ids": ids})))
        return ids


@pytest.fixture
def small_plant(transactional_db: None) -> None:
    """PLANT ── U1 (partition u1) with tags 1 and 2, ── P1 with tag 3."""
    from headworks.control.modelling.models import ModelInstance
    from headworks.control.twin.models import Asset, AssetType, Partition, Plant, Tag

    title = {"title_zh": "设备", "title_en": "Equipment"}
    plant = Plant.objects.create(code="demo", **title)
    kind = AssetType.objects.create(plant=plant, code="pump", **title)
    common = {"plant": plant, "type": kind, **title}
    root = Asset.objects.create(id=10, code="PLANT", path="PLANT/", **common)
    unit = Asset.objects.create(id=11, code="U1", parent=root, path="PLANT/U1/", **common)
    pump = Asset.objects.create(id=12, code="P1", parent=unit, path="PLANT/U1/P1/", **common)
    partition = Partition.objects.create(plant=plant, code="u1", asset=unit)
    Asset.objects.filter(id__in=[11, 12]).update(partition=partition)
    for number, asset in ((1, unit), (2, unit), (3, pump)):
        Tag.objects.create(id=number, code=f"T{number}", asset=asset, **title)
    ModelInstance.objects.create(id=100, code="P1.BEARING", asset=pump, partition=partition)


@pytest.fixture
def sign_in(transactional_db: None) -> Callable[..., str]:
    """Make a person with a role and return the key of a new session."""
    from django.contrib.auth import login
    from django.contrib.sessions.backends.db import SessionStore
    from django.http import HttpRequest

    from headworks.control.access.models import User
    from headworks.control.access.services import create_user

    def make(name: str = "op", *roles: str) -> str:
        user = User.objects.filter(username=name).first() or create_user(
            name, PASSWORD, () if roles == ("none",) else roles or ("operator",), must_change_password=False
        )
        request = HttpRequest()
        request.session = SessionStore()
        login(request, user, backend="django.contrib.auth.backends.ModelBackend")
        request.session.save()
        return str(request.session.session_key)

    return make


@pytest.fixture
async def site(small_plant: None, bus_server: Any) -> AsyncIterator[Site]:
    from headworks.control.project.asgi import application

    bus = await Bus.connect(bus_server.url, bus_server.token, "web")
    hub = Hub(bus, f"live{next(_tenants)}", SystemClock(), "0")
    await hub.start()

    async def missing() -> dict[str, str]:
        return {}

    server = make_server(Root(LiveSocket(hub, ["https://plant.example"]), application, missing), "127.0.0.1", 0)
    serving = asyncio.create_task(server.serve())
    await server.listening.wait()
    site = Site(bus, hub, server.port())
    yield site
    await hub.stop()
    server.should_exit = True
    await serving
    await bus.close()
