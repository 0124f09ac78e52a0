"""The web role as its own process: probes, metrics, live connection, and a clean stop."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from headworks.base.settings import Home
from headworks.bus.server import BusServer, free_port
from headworks.roles.context import Endpoints
from headworks.roles.web import Root

pytestmark = [pytest.mark.feature("PWR-06"), pytest.mark.integration]


class WebRole:
    """The running role and what it answers."""

    def __init__(self, home: Home, port: int) -> None:
        self.home, self.port = home, port
        env = {**os.environ, "HEADWORKS_HOME": str(home.path), "PROMETHEUS_MULTIPROC_DIR": str(home.folder("metrics"))}
        self.log = home.path / "web.log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "headworks.cli", "role", "web"], env=env, stdout=log, stderr=log
            )

    def get(self, path: str, **headers: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        with contextlib.closing(connection):
            connection.request("GET", path, headers={k.replace("_", "-"): v for k, v in headers.items()})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    def wait_until(self, path: str, status: int, timeout: float = 20.0) -> None:
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            with contextlib.suppress(OSError):
                if self.get(path)[0] == status:
                    return
            assert self.process.poll() is None, self.log.read_text()[-3000:]
            time.sleep(0.05)
        raise AssertionError(f"{path} never answered {status}: {self.log.read_text()[-3000:]}")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Home, BusServer]]:
    home = Home(tmp_path_factory.mktemp("web"))
    for name in ("django", "bus", "history", "seal"):
        home.make_secret(name)
    env = {**os.environ, "HEADWORKS_HOME": str(home.path)}
    subprocess.run([sys.executable, "-m", "django", "migrate", "-v0"], env=env, check=True)
    with BusServer(home.folder("bus"), home.secret("bus")) as server:
        yield home, server


@pytest.fixture
def web(server: tuple[Home, BusServer]) -> Iterator[WebRole]:
    home, bus = server
    port = free_port()
    endpoints = Endpoints(bus_url=bus.url, web=("127.0.0.1", port))
    (home.folder("run") / "endpoints.json").write_bytes(msgspec.json.encode(endpoints))
    role = WebRole(home, port)
    yield role
    if role.process.poll() is None:
        role.process.kill()
        role.process.wait()


async def test_probes_metrics_and_django_answer_and_the_role_stops(web: WebRole):
    await asyncio.to_thread(web.wait_until, "/readyz", 200)

    assert json.loads(web.get("/healthz")[1]) == {"status": "alive"}
    assert web.get("/metrics")[0] == 200
    assert web.get("/metrics", X_Forwarded_For="10.0.0.1")[0] == 403
    status, body = web.get("/api/v1/session")
    assert status == 200
    assert json.loads(body)["authenticated"] is False
    url = f"ws://127.0.0.1:{web.port}/ws/live"
    origin = f"http://127.0.0.1:{web.port}"
    async with connect(url, origin=origin, proxy=None) as socket:  # type: ignore[arg-type]
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                await socket.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4401

    web.process.terminate()
    assert await asyncio.to_thread(web.process.wait, 15) == 0, web.log.read_text()[-3000:]


def test_without_the_bus_it_is_alive_but_not_ready(web: WebRole, server: tuple[Home, BusServer]):
    web.wait_until("/readyz", 200)
    bus = server[1]
    bus.kill()
    try:
        web.wait_until("/readyz", 503)
        assert json.loads(web.get("/readyz")[1])["bus"] == "not connected"
        assert web.get("/healthz")[0] == 200
    finally:
        bus.start()
    web.wait_until("/readyz", 200)


async def test_a_websocket_anywhere_else_is_refused():
    sent = []

    async def send(message: dict) -> None:
        sent.append(message)

    async def nothing(*_: object) -> None:
        raise AssertionError("must not be reached")

    root = Root(nothing, nothing, nothing)
    await root({"type": "websocket", "path": "/other", "headers": []}, nothing, send)

    assert sent == [{"type": "websocket.close", "code": 1008}]


def test_importing_the_roles_does_not_load_django(tmp_path: Path):
    """Django is set up for a home, which is known only when the role runs."""
    code = "import headworks.roles.web, headworks.roles.dispatch, sys; sys.exit('django.apps' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=tmp_path).returncode == 0
