"""From the page to the server and back: web, bus, connect role and a real OPC UA server."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from django.conf import settings
from django.db import connections
from django.test import Client
from openpyxl import load_workbook

from headworks.base import log
from headworks.base.clock import SystemClock
from headworks.base.errors import HeadworksError
from headworks.bus.client import Bus
from headworks.bus.messages import Health, encode
from headworks.bus.server import BusServer
from headworks.bus.subjects import subject
from headworks.bus.work import WorkQueue
from headworks.connect.opcua import driver
from headworks.control.live.hub import Hub
from headworks.control.modelling.services import publish_pending
from headworks.roles import opcua_browse
from headworks.roles.connect import Service
from headworks.roles.context import Endpoints

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.feature("PLT-03"), pytest.mark.integration]

CLOCK = SystemClock()


class Chain:
    """A bus, a connect service, a live hub, and a browser in a thread."""

    def __init__(self, bus: Bus, service: Service, engineer: Client, url: str) -> None:
        self.bus = bus
        self.service = service
        self.url = url
        self._engineer = engineer

    async def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        def work() -> Any:
            try:
                kind = {} if body is None else {"content_type": "application/json"}
                return getattr(self._engineer, method)(f"/api/v1/{path}", body, **kind)
            finally:
                connections.close_all()

        return await asyncio.to_thread(work)

    async def post(self, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        answer = await self.call("post", path, body)
        return answer.status_code, answer.json()

    async def beat(self) -> None:
        """Do what the role does each second: say how it is."""
        health = Health("connect", "here", 1, CLOCK.now(), 0, True, self.service.report())
        await self.bus.say(subject("main", "health", "connect"), encode(health))


@pytest_asyncio.fixture
async def chain(tmp_path: Path, client_of: Callable[[str], Client]) -> AsyncIterator[Chain]:
    engineer = await asyncio.to_thread(client_of, "engineer")
    home = settings.HOME
    with BusServer(tmp_path / "bus", home.secret("bus")) as server:
        bus = await Bus.connect(server.url, server.token, "test")
        service = Service(bus, "main", CLOCK, 64 << 20, log.get("test"), home)
        await publish_pending(bus)
        await service.start("127.0.0.1", 0)
        hub = Hub(bus, "main", CLOCK, "0")
        await hub.start()
        yield Chain(bus, service, engineer, server.url)
        await hub.stop()
        await service.stop()
        await bus.close()


async def make_source(chain: Chain, plant: Any, **changes: Any) -> None:
    pin = hashlib.sha256((plant.folder / "cert.der").read_bytes()).hexdigest()
    given = {
        "code": "dcs",
        "partition": "u1",
        "endpoint": plant.endpoint,
        "username": "operator",
        "password": "right password",
        "server_certificate": pin,
        **changes,
    }
    status, body = await chain.post("sources", given)
    assert status == 201, body
    await publish_pending(chain.bus)


async def test_a_server_is_connected_by_looking_and_browsing(chain: Chain, opcua_plant: Any) -> None:
    status, offered = await chain.post("sources/look", {"endpoint": opcua_plant.endpoint})
    assert status == 200
    assert {(e["policy"], e["mode"]) for e in offered["endpoints"]} == {
        ("None", "None"),
        ("Basic256Sha256", "Sign"),
        ("Basic256Sha256", "SignAndEncrypt"),
        ("Aes256_Sha256_RsaPss", "SignAndEncrypt"),
    }
    best = next(e for e in offered["endpoints"] if e["mode"] == "SignAndEncrypt")
    assert best["certificate"] == hashlib.sha256((opcua_plant.folder / "cert.der").read_bytes()).hexdigest()
    assert (offered["server"]["uri"], "username" in best["identities"]) == ("urn:test:server", True)
    assert best["expires_ms"] > time.time() * 1000

    await make_source(chain, opcua_plant)
    status, top = await chain.post("sources/dcs/browse", {})
    assert status == 200, top
    assert ("ns=2;s=Unit", "folder", True) in [(n["node"], n["kind"], n["children"]) for n in top["items"]]

    first = (await chain.post("sources/dcs/browse", {"node": "ns=2;s=Unit"}))[1]
    second = (await chain.post("sources/dcs/browse", {"node": "ns=2;s=Unit", "cursor": first["next"]}))[1]
    third = (await chain.post("sources/dcs/browse", {"node": "ns=2;s=Unit", "cursor": second["next"]}))[1]
    nodes = [n for page in (first, second, third) for n in page["items"]]
    assert (len(nodes), third["next"]) == (257, None)
    by_name = {n["name"]: n for n in nodes}
    assert by_name["P"] == {
        "node": "ns=2;s=P",
        "name": "P",
        "title": "P",
        "kind": "variable",
        "type": "Double",
        "unit": "℃",
        "low": 0.0,
        "high": 100.0,
        "description": "P",
        "value": 20.0,
        "status": 0,
        "children": False,
        "tag": None,
    }
    assert (by_name["Bad"]["status"], by_name["Bad"]["value"]) == (0x808C0000, None)
    assert (by_name["Name"]["type"], by_name["List"]["type"]) == ("String", "Double[]")

    await chain.beat()
    await asyncio.sleep(0.1)
    link = (await chain.call("get", "sources/dcs")).json()["link"]
    assert (link["state"], link["error"], link["gaps"]) == ("connected", None, 0)


async def test_everything_below_a_node_becomes_a_tag_list(
    chain: Chain, opcua_plant: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make_source(chain, opcua_plant)
    status, job = await chain.post("sources/dcs/collect", {"node": "ns=2;s=Unit"})
    assert (status, job["kind"], job["state"]) == (202, "opcua_browse", "queued")
    early = await chain.call("get", f"sources/dcs/taglist.xlsx?job={job['id']}")
    assert (early.status_code, early.json()["code"]) == (409, "source.no_rows")

    monkeypatch.setattr(opcua_browse, "read_endpoints", lambda home: Endpoints(bus_url=chain.url))
    queue = WorkQueue(chain.bus, "main")
    done = await queue.get(job["id"])
    shared: dict[str, Any] = {"done": 0.0, "cancel": False}
    done.result = await asyncio.to_thread(opcua_browse.opcua_browse_job, settings.HOME.path, done.params, shared)
    done.state = "done"
    await queue.write(done)
    assert shared["done"] == 1.0
    assert done.result is not None
    # Inner leads back to Unit: each variable is there once all the same.
    assert (done.result["total"], len({r["node"] for r in done.result["rows"]})) == (256, 256)

    answer = await chain.call("get", f"sources/dcs/taglist.xlsx?job={job['id']}")
    assert (answer.status_code, "spreadsheetml" in answer["Content-Type"]) == (200, True)
    lines = [[c.value for c in r] for r in load_workbook(BytesIO(answer.content)).active.iter_rows()]  # type: ignore[union-attr]
    assert len(lines) == 255  # a header, and all but the text and the list
    assert ["P", None, "P", "P", "℃", 0, 100, "measured", "dcs", "ns=2;s=P", "℃", None] in lines


async def test_a_server_that_dies_while_it_is_browsed_leaves_nothing_half_done(
    chain: Chain, opcua_plant: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setattr(opcua_browse, "read_endpoints", lambda home: Endpoints(bus_url=chain.url))
    async with sys.modules["opcua_plant"].Wire(opcua_plant.port) as wire:
        await make_source(chain, opcua_plant, endpoint=wire.endpoint)
        await chain.post("sources/dcs/browse", {})
        shared: dict[str, Any] = {"done": 0.0, "cancel": False}

        async def cut_soon() -> None:
            while shared["done"] == 0.0:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
            wire.cut()

        cutting = asyncio.create_task(cut_soon())
        with pytest.raises(HeadworksError) as e:
            await asyncio.to_thread(
                opcua_browse.opcua_browse_job, settings.HOME.path, {"source": "dcs", "node": "ns=2;s=Unit"}, shared
            )
        cutting.cancel()
        with suppress(asyncio.CancelledError):
            await cutting
        assert e.value.error_code == "opcua.lost"
        assert e.value.params["endpoint"] == wire.endpoint
        assert e.value.params["node"].startswith("ns=2;s=")


async def test_collecting_hurries_a_link_that_is_down(
    chain: Chain, opcua_plant: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    async def wait_for(state: str) -> None:
        async with asyncio.timeout(5):
            while chain.service.report()["devices"].get("dcs", {}).get("state") != state:  # noqa: ASYNC110
                await asyncio.sleep(0.02)

    monkeypatch.setattr(driver, "FIRST_PAUSE_S", 60.0)
    monkeypatch.setattr(opcua_browse, "read_endpoints", lambda home: Endpoints(bus_url=chain.url))
    async with sys.modules["opcua_plant"].Wire(opcua_plant.port) as wire:
        await make_source(chain, opcua_plant, endpoint=wire.endpoint)
        await wait_for("connected")
        wire.cut()
        await wait_for("down")
        shared: dict[str, Any] = {"done": 0.0, "cancel": False}
        params = {"source": "dcs", "node": "ns=2;s=Unit"}
        await asyncio.to_thread(opcua_browse.opcua_browse_job, settings.HOME.path, params, shared)
        await wait_for("connected")


async def test_a_wrong_password_is_said_to_who_browses(chain: Chain, opcua_plant: Any) -> None:
    await make_source(chain, opcua_plant, password="wrong")
    status, body = await chain.post("sources/dcs/browse", {})
    assert (status, body["code"]) == (409, "opcua.login_refused")
    assert "operator" in body["title"]
    await chain.beat()
    await asyncio.sleep(0.1)
    link = (await chain.call("get", "sources/dcs")).json()["link"]
    assert (link["state"], link["error"]["code"]) == ("down", "opcua.login_refused")
    assert "wrong" not in link["error"]["text"]


async def test_a_server_that_is_not_there_and_a_node_that_is_not(chain: Chain, opcua_plant: Any) -> None:
    status, body = await chain.post("sources/look", {"endpoint": "opc.tcp://127.0.0.1:1"})
    assert (status, body["code"]) == (409, "opcua.port_closed")
    await make_source(chain, opcua_plant)
    for node, code in (("ns=2;s=Nothing", "opcua.node_unknown"), ("garbage", "opcua.node_invalid")):
        status, body = await chain.post("sources/dcs/browse", {"node": node})
        assert (status, body["code"]) == (409, code)
