"""The control system of unit 2, as a real OPC UA client sees it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from asyncua import Client, ua
from asyncua.crypto.cert_gen import setup_self_signed_certificate
from cryptography.x509.oid import ExtendedKeyUsageOID

from headworks.base.clock import SystemClock
from headworks.base.status import BAD_SENSOR_FAILURE, UNCERTAIN_SENSOR_NOT_ACCURATE
from headworks.base.units import conversion
from headworks.simulate.extra import extra_tags
from headworks.simulate.faults import Fault, FaultScript
from headworks.simulate.opcua_server import NAMESPACE, UnitServer, own_certificate, serve_unit
from headworks.simulate.unit2 import PARTS, TAGS, Unit2

pytestmark = [pytest.mark.integration, pytest.mark.feature("PLT-03")]
PASSWORD = "only-of-this-test"
START = SystemClock().now() // 1_000_000 * 1_000_000 - 3600 * 1_000_000
FAILING = FaultScript(
    [
        Fault(kind="sensor_failure", target="2LBA10CT001", start_s=1, duration_s=9999),
        Fault(kind="sensor_uncertain", target="2HNA10CQ001", start_s=1, duration_s=9999),
    ]
)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("server")


@contextlib.asynccontextmanager
async def running(folder: Path, seconds: int = 3, **options: Any) -> AsyncIterator[tuple[UnitServer, Unit2]]:
    """A server that has published some seconds and then holds still."""
    unit = Unit2(1, START, FAILING)
    server = UnitServer(PARTS, unit.tags, folder, username="dcs", password=PASSWORD, **options)
    await server.prepare()
    for _ in range(seconds):
        instant = unit.time
        await server.publish(instant, *unit.step())
    await server.start()
    try:
        yield server, unit
    finally:
        await server.stop()


def client(server: UnitServer, password: str | None = PASSWORD) -> Client:
    found = Client(server.endpoint, timeout=5)
    if password is not None:
        found.set_user("dcs")
        found.set_password(password)
    return found


async def only_with_a_password(server: UnitServer) -> None:
    for password in ("wrong", None):
        with pytest.raises(ua.UaStatusCodeError):
            async with client(server, password):
                pass
    endpoints = await client(server).connect_and_get_server_endpoints()
    offered = {(e.SecurityPolicyUri.rpartition("#")[2], e.SecurityMode.name) for e in endpoints}
    assert offered == {("None", "None_"), ("Basic256Sha256", "Sign"), ("Basic256Sha256", "SignAndEncrypt")}
    assert {t.TokenType for e in endpoints for t in e.UserIdentityTokens} == {ua.UserTokenType.UserName}


async def test_tree_titles_units_values_and_times_are_those_of_the_unit_for_who_has_a_password(served: Path) -> None:
    expected = Unit2(1, START, FAILING).run(3)[1][-1]
    async with running(served) as (server, unit), client(server) as c:
        space = await c.get_namespace_index(NAMESPACE)
        assert space == 2
        root = c.get_node(f"ns={space};s=Unit2")
        assert (await root.read_display_name()).Text == "2号机组"
        found: dict[str, tuple[str, str]] = {}
        for system in await root.get_children():
            for equipment in await system.get_children():
                for variable in await equipment.get_variables():
                    name = (await variable.read_browse_name()).Name
                    found[name] = (variable.nodeid.to_string(), equipment.nodeid.to_string())
        assert {name: node for name, (node, _) in found.items()} == {t.code: f"ns=2;s={t.code}" for t in TAGS}
        assert found["2HFC30CT001"][1] == "ns=2;s=Unit2/PULV/MILL-C"

        data = await c.uaclient.read_attributes([ua.NodeId(t.code, space) for t in TAGS], ua.AttributeIds.Value)
        for t, value, d in zip(TAGS, expected, data, strict=True):
            assert d.SourceTimestamp == datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=START + 2_000_000)
            if t.code in ("2LBA10CT001", "2HNA10CQ001"):
                continue
            assert d.StatusCode.is_good()
            gain, offset = conversion(t.unit, t.source_unit or t.unit)
            assert d.Value.Value == (bool(value) if t.status else pytest.approx(value * gain + offset, abs=1e-6)), (
                t.code
            )
        by_code = dict(zip(unit.codes, data, strict=True))
        assert by_code["2LBA10CT001"].StatusCode.value == BAD_SENSOR_FAILURE
        assert by_code["2LBA10CT001"].Value.Value is None, "a bad value has none (OPC 10000-4, 7.7.1)"
        assert by_code["2HNA10CQ001"].StatusCode.value == UNCERTAIN_SENSOR_NOT_ACCURATE
        assert by_code["2HNA10CQ001"].Value.Value == pytest.approx(expected[unit.codes.index("2HNA10CQ001")])

        power = c.get_node("ns=2;s=2MKA10CE001")
        assert (await power.read_display_name()).Text == "发电机有功功率"
        assert (await power.read_description()).Text == "Generator active power"
        properties = {(await p.read_browse_name()).Name: await p.read_value() for p in await power.get_properties()}
        assert properties["EngineeringUnits"].DisplayName.Text == "kW"
        assert (properties["EURange"].Low, properties["EURange"].High) == (-20_000.0, 800_000.0)
        assert await c.get_node("ns=2;s=2LAC10AP001XB01").read_value() is True
        with pytest.raises(ua.UaStatusCodeError):
            await power.write_value(1.0)
        await only_with_a_password(server)


async def test_a_secured_client_gets_every_change(served: Path, tmp_path: Path) -> None:
    key, certificate = tmp_path / "client.pem", tmp_path / "client.der"
    uri = "urn:headworks:test:client"
    await setup_self_signed_certificate(key, certificate, uri, "localhost", [ExtendedKeyUsageOID.CLIENT_AUTH], {})
    first = Unit2(1, START, FAILING).step()[0]
    async with running(served, 1) as (server, unit):
        expected, column = [first], unit.codes.index("2HBK10CP001")
        for mode in ("Sign", "SignAndEncrypt"):
            got: dict[str, list[float]] = {}

            class Handler:
                def datachange_notification(self, node: Any, value: Any, _data: Any, got: Any = got) -> None:
                    got.setdefault(node.nodeid.Identifier, []).append(value)

            c = client(server)
            c.application_uri = uri
            await c.set_security_string(f"Basic256Sha256,{mode},{certificate},{key}")
            async with c:
                subscription = await c.create_subscription(100, Handler())
                items = [c.get_node(f"ns=2;s={code}") for code in ("2HBK10CP001", "2MAA10CS001", "2CJF10EZ001XB01")]
                await subscription.subscribe_data_change(items, queuesize=50)
                expected = expected[-1:]
                for _ in range(6):
                    instant = unit.time
                    values, status = unit.step()
                    expected.append(values)
                    await server.publish(instant, values, status)
                until = time.monotonic() + 10
                while (got.get("2HBK10CP001") or [None])[-1] != values[column] and time.monotonic() < until:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
            every = [v[column] for v in expected]
            assert got["2HBK10CP001"] == [v for i, v in enumerate(every) if i == 0 or v != every[i - 1]], mode
            assert got["2CJF10EZ001XB01"] == [False], "what does not change is not sent again"


async def test_key_and_certificate_are_kept_and_private(tmp_path: Path) -> None:
    key, certificate = await own_certificate(tmp_path / "server")
    before = key.read_bytes(), certificate.read_bytes()

    assert await own_certificate(tmp_path / "server") == (key, certificate)
    assert (key.read_bytes(), certificate.read_bytes()) == before
    assert key.stat().st_mode & 0o777 == 0o600
    certificate.unlink()
    await own_certificate(tmp_path / "server")
    assert key.read_bytes() == before[0]


async def test_a_unit_that_runs_is_seen_running_by_anybody_if_that_is_allowed(served: Path, tmp_path: Path) -> None:
    ready: asyncio.Future[UnitServer] = asyncio.get_running_loop().create_future()
    labels, stopping = tmp_path / "faults.jsonl", asyncio.Event()
    script = FaultScript([Fault(kind="unit_trip", target="furnace_pressure", start_s=10, duration_s=60)])
    task = asyncio.create_task(
        serve_unit(
            served, PASSWORD, seed=1, script=script, start_us=START, speed=40, extra=extra_tags(2, 20),
            labels=labels, stopping=stopping, ready=ready.set_result, anonymous=True,
        )
    )  # fmt: skip
    server = await asyncio.wait_for(ready, 20)
    async with client(server, None) as c:
        node = c.get_node("ns=2;s=2CJF10EZ001XB01")
        async with asyncio.timeout(10):
            while not await node.read_value():  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert await c.get_node("ns=2;s=2XAA10CT001").read_value() > 100
    stopping.set()
    await asyncio.wait_for(task, 10)
    assert b"furnace_pressure" in labels.read_bytes()


async def test_a_live_unit_is_not_behind_the_clock(served: Path) -> None:
    ready: asyncio.Future[UnitServer] = asyncio.get_running_loop().create_future()
    stopping = asyncio.Event()
    task = asyncio.create_task(serve_unit(served, PASSWORD, stopping=stopping, ready=ready.set_result))
    server = await asyncio.wait_for(ready, 20)
    async with client(server) as c:
        ages = []
        for _ in range(8):
            source = (await c.get_node("ns=2;s=2MKA10CE001").read_data_value()).SourceTimestamp
            ages.append((datetime.now(UTC) - source).total_seconds())
            await asyncio.sleep(0.2)
    stopping.set()
    await asyncio.wait_for(task, 10)
    assert 0 <= min(ages) < 1, ages
    assert max(ages) < 2, ages


async def test_fifteen_hundred_variables_a_second_need_a_small_part_of_a_core(served: Path) -> None:
    unit = Unit2(1, START, None, extra_tags(2, 1000))
    server = UnitServer(PARTS, unit.tags, served, username="dcs", password=PASSWORD)
    await server.prepare()
    rows = unit.run(10)
    begin = time.process_time()
    for instant, values, status in zip(*rows, strict=True):
        await server.publish(int(instant), values, status)
    share = (time.process_time() - begin) / 10

    assert server.written == 15_000
    assert share < 0.1, f"{share:.1%} of a core"
    assert np.isfinite(rows[1]).all()
