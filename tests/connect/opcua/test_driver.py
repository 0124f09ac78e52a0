"""The driver against a real server: values, security, losses of every kind."""

from __future__ import annotations

import asyncio
import math
from pathlib import Path
from typing import Any

import msgspec
import pytest
from asyncua import ua

from headworks.base.clock import SystemClock
from headworks.base.settings import Home
from headworks.bus.server import BusServer
from headworks.bus.subjects import log_stream, subject
from headworks.connect import partition_log
from headworks.connect.opcua import driver

from ..rig import Rig, running  # noqa: TID252 - helpers of this folder and the one above
from .plant import Plant, Wire
from .rigging import connected, edges, link, plan_of, said_of_links, secured, source, stored, until

pytestmark = [pytest.mark.feature("PLT-03"), pytest.mark.integration]

CLOCK = SystemClock()


async def test_values_come_with_source_time_status_unit_and_range(
    bus_server: BusServer, home: Home, plant: Plant
) -> None:
    keys = {
        "ns=2;s=P": {"gain": 0.1, "offset": 5.0, "low": 0.0, "high": 10.0},
        "ns=2;s=Run": {},
        "ns=2;s=Count": {},
        "ns=2;s=Bad": {},
        "ns=2;s=Name": {},
        "ns=2;s=List": {},
        "nsu=urn:test:plant;s=T7": {},
        "ns=2;s=Nothing": {},
        "no node id": {},
    }
    async with running(bus_server, plan_of(source(plant.endpoint), keys), home=home) as rig:
        await connected(rig)
        now = CLOCK.now() // 1000 * 1000 - 500_000
        await stored(rig, lambda s: s[0] == 7)
        plant.write("P", 30.0, now + 1)
        plant.write("Count", ua.Variant(-3, ua.VariantType.Int32), now + 2)
        plant.write("Bad", 2.5, now + 3, 0x808B0000)
        plant.write("Run", False, now + 4, 0x40940000)
        assert await stored(rig, lambda s: s[:2] == (1, now + 1)) == [(1, now + 1, 8.0, 0)]
        assert await stored(rig, lambda s: s[:2] == (3, now + 2)) == [(3, now + 2, -3.0, 0)]
        ((_, _, value, status),) = await stored(rig, lambda s: s[:2] == (4, now + 3))
        assert (math.isnan(value), status) == (True, 0x808B0000)  # a server gives no value with a bad status
        assert await stored(rig, lambda s: s[:2] == (2, now + 4)) == [(2, now + 4, 0.0, 0x40940000)]
        plant.write("P", 70.0, now + 5)
        assert await stored(rig, lambda s: s[:2] == (1, now + 5)) == [(1, now + 5, 12.0, 0x803C0000)]
        samples = await rig.samples()
        plant.write("Bad", 2.5, now + 6, 0x808C0000)
        assert {(s[0], s[3], math.isnan(s[2])) for s in samples if s[0] in (5, 6)} == {
            (5, 0x80740000, True),
            (6, 0x80740000, True),
        }
        said = link(rig)
        assert said["bad_points"] == [
            {"key": "no node id", "tag": "TAG9", "reason": "BadNodeIdInvalid"},
            {"key": "ns=2;s=List", "tag": "TAG6", "reason": "type:Array"},
            {"key": "ns=2;s=Name", "tag": "TAG5", "reason": "type:String"},
            {"key": "ns=2;s=Nothing", "tag": "TAG8", "reason": "BadNodeIdUnknown"},
        ]
        assert (said["state"], said["error"], said["gaps"], said["points"]) == ("connected", None, 0, 9)


async def test_security_user_and_pinned_certificate(bus_server: BusServer, home: Home, plant: Plant) -> None:
    async with running(bus_server, plan_of(secured(plant, home), {"ns=2;s=T1": {}}), home=home) as rig:
        await connected(rig)
        assert (await stored(rig, lambda s: s[0] == 1))[0][2:] == (1.0, 0)
        assert (home.path / "secrets" / "opcua-client.pem").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"password": ""}, "opcua.login_refused"),
        ({"server_certificate": "ab" * 32}, "opcua.certificate_changed"),
        ({"server_certificate": ""}, "opcua.certificate_not_accepted"),
        ({"policy": "Aes128_Sha256_RsaOaep"}, "opcua.no_endpoint"),
        ({"password": "sealed elsewhere"}, "setup.unsealable"),
    ],
)
async def test_a_server_is_refused_that_is_not_as_agreed(
    bus_server: BusServer, home: Home, plant: Plant, changes: dict[str, str], code: str
) -> None:
    async with running(bus_server, plan_of(secured(plant, home, **changes), {"ns=2;s=T1": {}}), home=home) as rig:
        said = await until(lambda: link(rig)["error"] and link(rig))
        assert (said["state"], said["error"]["code"]) == ("down", code)
        assert {s[3] for s in await stored(rig, lambda s: True)} == {0x80310000}
        await until(lambda: link(rig)["since_ms"])
        assert await wait_edges(rig) == [("link_lost:dcs", "raise")]


async def wait_edges(rig: Rig, count: int = 1) -> list[tuple[str, str]]:
    async with asyncio.timeout(5):
        while len(found := await edges(rig)) < count:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        return found


async def test_a_cut_wire_is_one_alarm_one_gap_and_values_go_on(
    bus_server: BusServer, home: Home, plant: Plant, wire: Wire
) -> None:
    keys = {f"ns=2;s=T{i}": {} for i in range(20)}
    async with running(bus_server, plan_of(source(wire.endpoint), keys), home=home) as rig:
        await stored(rig, lambda s: s[3] == 0, 20)
        wire.cut()
        await until(lambda: link(rig)["gaps"] == 1)
        lost = await stored(rig, lambda s: s[3] == 0x80310000, 20)
        assert sorted(s[0] for s in lost) == list(range(1, 21))
        assert all(math.isnan(s[2]) for s in lost)
        await connected(rig)
        latest = max(s[1] for s in lost)
        back = await stored(rig, lambda s: s[3] == 0 and s[1] > latest, 20)
        assert {s[0]: s[2] for s in back} == {i + 1: float(i) for i in range(20)}
        said = link(rig)
        assert said["gaps"] == 1
        assert 0 < said["gap_s"] < 5
        assert await wait_edges(rig, 3) == [
            ("link_lost:dcs", "clear"),
            ("link_lost:dcs", "raise"),
            ("link_lost:dcs", "clear"),
        ]
        # A link is there or not: no number says it better, least of all a 0 or the size of the log.
        assert all(math.isnan(e.value) for e in await said_of_links(rig))


async def test_a_server_that_hangs_is_noticed_and_used_again(
    bus_server: BusServer, home: Home, plant: Plant, wire: Wire
) -> None:
    async with running(bus_server, plan_of(source(wire.endpoint), {"ns=2;s=T1": {}}), home=home) as rig:
        await stored(rig, lambda s: s[3] == 0)
        wire.frozen.set()
        await until(lambda: link(rig)["state"] == "down", within=12)
        assert link(rig)["error"]["code"] == "opcua.silent"
        wire.frozen.clear()
        await connected(rig)


async def test_a_plan_adds_and_removes_points_without_touching_the_others(
    bus_server: BusServer, home: Home, plant: Plant
) -> None:
    opcua = source(plant.endpoint)
    async with running(bus_server, plan_of(opcua, {"ns=2;s=T1": {}, "ns=2;s=T2": {}}), home=home) as rig:
        await stored(rig, lambda s: s[3] == 0, 2)
        since = link(rig)["since_ms"]
        changed = plan_of(
            opcua, {"ns=2;s=T1": {}, "ns=2;s=T9": {}, "ns=2;s=T3": {}}, tenant=rig.plan.tenant, revision=2
        )
        await rig.use(changed)
        assert {s[0]: s[2] for s in await stored(rig, lambda s: s[0] == 3 or s[2] == 9.0, 2)} == {3: 3.0, 2: 9.0}
        now = CLOCK.now()
        plant.write_all(["T1", "T2", "T3"], 50.0, now)
        found = await stored(rig, lambda s: s[1] == now, 2)
        assert sorted(s[0] for s in found) == [1, 3]
        assert (link(rig)["since_ms"], link(rig)["gaps"]) == (since, 0)
        await rig.use(plan_of(opcua, {}, tenant=rig.plan.tenant, revision=3, devices=()))
        assert "dcs" not in rig.service.report()["devices"]
        for i in (1, 2, 3):
            plant.write(f"T{i}", float(i), now + 1)


async def test_a_server_that_restarts_is_found_again_with_what_changed_meanwhile(
    bus_server: BusServer, home: Home, tmp_path: Path
) -> None:
    own = await asyncio.to_thread(Plant, tmp_path)
    async with running(bus_server, plan_of(source(own.endpoint), {"ns=2;s=P": {}, "ns=2;s=T5": {}}), home=home) as rig:
        await stored(rig, lambda s: s[3] == 0, 2)
        await asyncio.to_thread(lambda: own.do(own.stop()))
        await until(lambda: link(rig)["state"] == "down")
        await asyncio.to_thread(lambda: own.do(own.start()))
        await asyncio.to_thread(own.write, "P", 33.0, CLOCK.now())
        await connected(rig)
        assert await stored(rig, lambda s: s[0] == 1 and s[2] == 33.0)
        await until(lambda: link(rig)["gaps"] == 1)
        assert (await wait_edges(rig, 3))[1:] == [("link_lost:dcs", "raise"), ("link_lost:dcs", "clear")]
    await asyncio.to_thread(own.close)


async def ask(rig: Rig, do: str, **params: Any) -> dict[str, Any]:
    """Return what the connect service answers."""
    question = msgspec.json.encode({"do": do, **params})
    return dict(msgspec.json.decode(await rig.bus.ask(subject(rig.plan.tenant, "ask", "connect"), question, 9.5)))


async def test_a_link_that_is_asked_for_does_not_wait_for_its_next_try(
    bus_server: BusServer, home: Home, plant: Plant, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "FIRST_PAUSE_S", 60.0)
    async with running(bus_server, plan_of(source(wire.endpoint), {"ns=2;s=T1": {}}), home=home) as rig:
        await connected(rig)
        for do in ("browse", "hurry"):
            wire.cut()
            await until(lambda: link(rig)["state"] == "down")
            await asyncio.sleep(0.3)
            assert link(rig)["state"] == "down"
            assert "ok" in await ask(rig, do, source="dcs", node="ns=2;s=Unit")
            await until(lambda: link(rig)["state"] == "connected", within=5)
        said = await ask(rig, "hurry up", source="dcs")
        assert said["error"]["code"] == "bus.bad_message"


async def test_times_far_ahead_go_to_the_quarantine(bus_server: BusServer, home: Home, plant: Plant) -> None:
    async with running(bus_server, plan_of(source(plant.endpoint), {"ns=2;s=T11": {}}), home=home) as rig:
        await stored(rig, lambda s: s[3] == 0)
        ahead = CLOCK.now() // 1000 * 1000 + 3_600_000_000
        await asyncio.to_thread(plant.write, "T11", 77.0, ahead)
        await until(lambda: link(rig)["quarantined"] == 1)
        assert (await rig.event("device.quarantined")).params["device"] == "dcs"
        await asyncio.to_thread(plant.write, "T11", 11.0, CLOCK.now())
        await stored(rig, lambda s: s[2] == 11.0, 2)
        assert not [s for s in await rig.samples() if s[2] == 77.0]
        assert [(q["device"], q["samples"]) for q in await rig.quarantined()] == [("dcs", [[1, ahead, 77.0]])]


async def test_another_server_in_the_plan_is_another_session_without_an_alarm(
    bus_server: BusServer, home: Home, plant: Plant
) -> None:
    async with running(bus_server, plan_of(source(plant.endpoint), {"ns=2;s=T1": {}}), home=home) as rig:
        await stored(rig, lambda s: s[3] == 0)
        since = link(rig)["since_ms"]
        await rig.use(plan_of(secured(plant, home), {"ns=2;s=T1": {}}, tenant=rig.plan.tenant, revision=2))
        await until(lambda: link(rig)["state"] == "connected" and link(rig)["since_ms"] > since)
        assert (link(rig)["gaps"], link(rig)["error"]) == (0, None)
        assert await wait_edges(rig) == [("link_lost:dcs", "clear")]


async def test_a_full_log_drops_counts_and_says_so_and_ends_with_the_present_value(
    bus_server: BusServer, home: Home, plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partition_log, "MOST_QUEUED", 100)
    keys = [f"T{i}" for i in range(30, 60)]
    opcua = source(plant.endpoint)
    plan = plan_of(opcua, {f"ns=2;s={k}": {} for k in keys}, staleness=3_000_000)
    # Room for a few batches, then the log refuses.
    async with running(bus_server, plan, home=home, max_bytes=1 << 20) as rig:
        await stored(rig, lambda s: s[3] == 0, 30)
        stream = log_stream(plan.tenant, plan.partition)
        config = (await rig.bus.jetstream.stream_info(stream)).config
        config.max_msgs = (await rig.bus.stream_state(stream)).messages
        await rig.bus.jetstream.update_stream(config)
        value = 100.0
        while not link(rig)["dropped"]:
            value += 1
            await asyncio.to_thread(plant.write_all, keys, value, CLOCK.now())
            await asyncio.sleep(0.06)
        assert link(rig)["full"]
        assert rig.service.report()["backlog"] < 100 + 30 + 1
        assert (await rig.event("source.dropped")).params["device"] == "dcs"
        last = CLOCK.now()
        await asyncio.to_thread(plant.write_all, keys, 7.5, last)
        await asyncio.sleep(0.2)
        config.max_msgs = -1
        await rig.bus.jetstream.update_stream(config)
        back = await stored(rig, lambda s: s[2] == 7.5, 30)
        assert {s[0] for s in back} == set(range(1, 31))
        said = link(rig)
        assert (said["gaps"], said["full"], said["state"]) == (1, False, "connected")
        assert 0 < said["gap_s"] < 10
        for i in range(30, 60):
            await asyncio.to_thread(plant.write, f"T{i}", float(i), CLOCK.now())
