"""The dispatch role as its own process, on a real bus and a real database file: killed at any moment, exact all the same."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
import yaml

from headworks.alarming import machine
from headworks.alarming.machine import Track
from headworks.base.settings import Home
from headworks.bus import messages
from headworks.bus.batch import SampleBatch
from headworks.bus.client import Bus
from headworks.bus.messages import Edge, Edges, Event
from headworks.bus.plan import PartitionPlan
from headworks.bus.server import BusServer
from headworks.bus.subjects import out_stream, subject
from headworks.roles.context import Endpoints

pytestmark = [pytest.mark.feature("PLT-10"), pytest.mark.integration]
TENANT, PARTITION = "main", "u1"
STREAM = out_stream(TENANT, PARTITION)
SYSTEM = 9
S = 1_000_000


class Installation:
    """A home with a migrated database and its own bus, and the dispatch role as a process that can be killed."""

    def __init__(self, home: Home, server: BusServer) -> None:
        self.home = home
        self.server = server
        self.process: subprocess.Popen[bytes] | None = None
        self.env = {
            **os.environ,
            "HEADWORKS_HOME": str(home.path),
            "DJANGO_SETTINGS_MODULE": "headworks.control.project.settings",
        }
        self.env.pop("PROMETHEUS_MULTIPROC_DIR", None)
        self.log = open(home.path / "dispatch.log", "ab")  # noqa: SIM115

    def start(self) -> None:
        command = [sys.executable, "-m", "headworks.cli", "role", "dispatch"]
        self.process = subprocess.Popen(command, env=self.env, stdout=self.log, stderr=self.log)

    def kill(self) -> None:
        assert self.process is not None
        assert self.process.poll() is None, (self.home.path / "dispatch.log").read_text()[-3000:]
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(5)

    def rows(self, sql: str) -> list[tuple]:
        with contextlib.closing(sqlite3.connect(self.home.path / "db.sqlite3", timeout=20)) as db:
            return db.execute(sql).fetchall()

    def position(self) -> int:
        return next((seq for (seq,) in self.rows("SELECT seq FROM alarms_streamposition")), 0)

    async def reached(self, seq: int, timeout: float = 20.0) -> None:
        end = time.monotonic() + timeout
        while self.position() < seq:
            assert time.monotonic() < end, (self.home.path / "dispatch.log").read_text()[-3000:]
            await asyncio.sleep(0.05)


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a database file with all tables and no rows."""
    home = Home(tmp_path_factory.mktemp("migrated"))
    for name in ("django", "bus", "history", "seal"):
        home.make_secret(name)
    env = {**os.environ, "HEADWORKS_HOME": str(home.path)}
    subprocess.run([sys.executable, "-m", "django", "migrate", "-v0"], env=env, check=True)
    return home.path / "db.sqlite3"


@pytest.fixture
def installation(home: Home, migrated: Path) -> Iterator[Installation]:
    with (
        contextlib.closing(sqlite3.connect(migrated)) as source,
        contextlib.closing(sqlite3.connect(home.path / "db.sqlite3")) as target,
    ):
        source.backup(target)
    with BusServer(home.folder("bus"), home.secret("bus")) as server:
        (home.folder("run") / "endpoints.json").write_bytes(msgspec.json.encode(Endpoints(bus_url=server.url)))
        made = Installation(home, server)
        yield made
        if made.process and made.process.poll() is None:
            made.process.kill()
            made.process.wait()
        made.log.close()


@pytest.fixture
async def bus(installation: Installation) -> AsyncIterator[Bus]:
    bus = await Bus.connect(installation.server.url, installation.home.secret("bus"), "test")
    await bus.ensure_partition(TENANT, PARTITION, 64 << 20)
    plan = PartitionPlan(tenant=TENANT, partition=PARTITION, revision=1, system_instance=SYSTEM)
    await bus.set_current_plan(TENANT, PARTITION, await bus.put_plan(plan.encode()))
    yield bus
    await bus.close()


async def say(bus: Bus, mark: int, edges: list[Edge]) -> int:
    data = messages.encode(Edges(mark=mark, revision=1, edges=tuple(edges)))
    return await bus.publish(subject(TENANT, "condition", PARTITION), data)


def edges_of(ticks: int, seed: int) -> list[list[Edge]]:
    """Return seeded edges by tick: 30 conditions that alternate between raise and clear."""
    rng, on, out = random.Random(seed), {}, []
    for tick in range(1, ticks + 1):
        keys = rng.sample([(i, c) for i in range(10) for c in ("a", "b", "c")], rng.randrange(6))
        for key in keys:
            on[key] = not on.get(key, False)
        out.append([Edge(*k, tick * S, "raise" if on[k] else "clear", float(tick), 0) for k in keys])
    return out


def expected_records(edges: list[list[Edge]]) -> dict[str, tuple[str, int, int | None]]:
    tracks: dict[tuple[int, str], Track] = {}
    records = {}
    for edge in (e for tick in edges for e in tick):
        key = (edge.instance, edge.condition)
        track = tracks.get(key) or Track(tenant=TENANT, instance=key[0], condition=key[1])
        tracks[key], alarm, _, _ = machine.on_edge(track, edge.tick, edge.transition)
        records[alarm.id.hex] = (str(alarm.state), alarm.raised_at, alarm.cleared_at)
    return records


@pytest.mark.feature("N-03")
async def test_killed_at_seeded_moments_while_edges_stream_in_the_set_of_transitions_is_exact(installation, bus):
    rng, edges = random.Random(7), edges_of(ticks=300, seed=11)
    calc = SampleBatch.of(np.arange(50), np.zeros(50), np.zeros(50)).encode()
    last = 0

    async def stream() -> None:
        """As an engine does, which now and then is restarted and says the last ticks again."""
        nonlocal last
        tick = 0
        while tick < len(edges):
            last = await bus.publish(subject(TENANT, "calc", PARTITION), calc)
            if edges[tick]:
                last = await say(bus, tick, edges[tick])
            tick += 1
            if rng.random() < 0.02:
                tick = max(0, tick - rng.randrange(40))
            await asyncio.sleep(0.012)

    installation.start()
    streaming = asyncio.create_task(stream())
    for _ in range(3):
        await asyncio.sleep(0.9 + rng.random())
        installation.kill()
        installation.start()
    await streaming
    await installation.reached(last)

    found = installation.rows(
        "SELECT a.instance, a.condition, t.at, t.name FROM alarms_alarmtransition t JOIN alarms_alarm a ON a.id = t.alarm_id"
    )
    exact = [(e.instance, e.condition, e.tick, e.transition) for tick in edges for e in tick]
    assert len(exact) > 500
    assert sorted(found) == sorted(exact)
    alarms = installation.rows("SELECT id, state, raised_at, cleared_at FROM alarms_alarm")
    assert {i: tuple(rest) for i, *rest in alarms} == expected_records(edges)
    await asyncio.sleep(1.2)
    assert (await bus.positions(STREAM))["dispatch"] == last
    assert installation.stop() == 0


async def test_people_hear_of_every_change(installation, bus):
    heard: asyncio.Queue[Event] = asyncio.Queue()

    async def hear(_: str, data: bytes) -> None:
        await heard.put(messages.decode(data, Event))

    await bus.subscribe(subject(TENANT, "event", "*"), hear)
    installation.start()
    await say(bus, 1, [Edge(1, "a", S, "raise", 1.0, 0)])
    await asyncio.wait_for(heard.get(), 15)
    for tick in range(2, 22):
        await say(bus, tick, [Edge(1, "a", tick * S, "clear" if tick % 2 == 0 else "raise", 1.0, 0)])
        event = await asyncio.wait_for(heard.get(), 5)
        assert event.name == "alarm.changed"
        assert len(event.params["ids"]) == 1


async def test_lost_messages_become_an_alarm_and_the_rest_is_applied(installation, bus):
    for tick in range(1, 11):
        await say(bus, tick, [Edge(tick, "a", tick * S, "raise", 1.0, 0)])
    installation.start()
    await installation.reached(10)
    installation.kill()
    for tick in range(11, 21):
        last = await say(bus, tick, [Edge(tick, "a", tick * S, "raise", 1.0, 0)])
    await bus.purge(STREAM, last - 3)

    installation.start()
    await installation.reached(last)

    instances = {i for (i,) in installation.rows("SELECT instance FROM alarms_alarm WHERE condition = 'a'")}
    assert instances == {*range(1, 11), 18, 19, 20}
    lost = installation.rows("SELECT instance, state, priority, value FROM alarms_alarm WHERE condition = 'edges_lost'")
    assert lost == [(SYSTEM, "unacked_cleared", 1, 7.0)]


async def test_a_bus_that_was_made_anew_is_read_from_its_first_message(installation, bus):
    for tick in range(1, 6):
        await say(bus, tick, [Edge(1, f"c{tick}", tick * S, "raise", 1.0, 0)])
    installation.start()
    await installation.reached(5)
    installation.kill()
    await bus.jetstream.delete_stream(STREAM)
    await bus.ensure_partition(TENANT, PARTITION, 64 << 20)
    await say(bus, 5, [Edge(1, "c5", 5 * S, "raise", 1.0, 0)])
    await say(bus, 6, [Edge(1, "c6", 6 * S, "raise", 1.0, 0)])

    installation.start()
    end = time.monotonic() + 15
    while not installation.rows("SELECT 1 FROM alarms_alarm WHERE condition = 'c6'"):
        assert time.monotonic() < end
        await asyncio.sleep(0.05)

    assert installation.rows("SELECT COUNT(*) FROM alarms_alarm WHERE condition LIKE 'c%'") == [(6,)]
    assert installation.position() == 2


GROUP = {
    "code": "u1-trip",
    "title": {"zh": "机组跳闸", "en": "Unit trip"},
    "trigger": {"instance": "TRIP", "condition": "high"},
    "first_out": [{"instance": "PRESSURE", "condition": "high"}],
    "look_back_s": 30,
    "consequences": {"asset": "U1"},
}


def trip_plant(folder: Path) -> Path:
    """Write a plant of one unit: a trip, what may cause it, and 30 models that follow from it."""
    title = {"zh": "设备", "en": "Equipment"}
    codes = ["TRIP", "PRESSURE", *(f"M{i}" for i in range(30))]
    files: dict[str, object] = {
        "plant.yaml": {"code": "mill", "title": title, "partitions": [{"code": PARTITION, "asset": "U1", "tick_s": 1}]},
        "types.yaml": [{"code": "unit", "title": title}],
        "assets.yaml": [{"code": "U1", "parent": None, "type": "unit", "title": title}],
        "devices.yaml": [],
        "templates/high.yaml": {
            "code": "high", "version": 1, "title": title, "ports": [{"name": "x", "unit": "℃"}],
            "blocks": [{"id": "over", "op": "above", "inputs": {"x": "in.x"}, "params": {"limit": 9, "hysteresis": 1}}],
            "conditions": [{"name": "high", "source": "over", "title": title, "priority": 2}],
        },
        "instances/all.yaml": [
            {"code": code, "template": "high", "asset": "U1", "inputs": {"x": f"U1.T{i}"}} for i, code in enumerate(codes)
        ],
        "alarm_groups.yaml": [GROUP],
    }  # fmt: skip
    (folder / "tags").mkdir(parents=True)
    rows = [f"U1.T{i},U1,温度,Temperature,℃" for i in range(len(codes))]
    (folder / "tags" / "u1.csv").write_text("\n".join(["code,asset,title_zh,title_en,unit", *rows]) + "\n", "utf-8")
    for name, content in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(yaml.safe_dump(content, allow_unicode=True), "utf-8")
    return folder


@pytest.mark.feature("PWR-09")
@pytest.mark.feature("N-03")
async def test_a_trip_with_30_consequences_shows_one_alarm_whenever_the_dispatcher_is_killed(installation, tmp_path):
    """The plant is applied by command, the edges come over the bus as an engine says them, again and again."""
    folder = await asyncio.to_thread(trip_plant, tmp_path / "plant")
    apply = [sys.executable, "-m", "headworks.cli", "apply", "--yes", str(folder)]
    await asyncio.to_thread(subprocess.run, apply, env=installation.env, check=True, capture_output=True)
    numbers = dict(installation.rows("SELECT code, id FROM modelling_modelinstance"))
    many = [numbers[f"M{i}"] for i in range(30)]
    installation.start()
    bus = await Bus.connect(installation.server.url, installation.home.secret("bus"), "test")
    plan_known = time.monotonic() + 15
    while PARTITION not in await bus.current_plans(TENANT):
        assert time.monotonic() < plan_known
        await asyncio.sleep(0.1)

    def edges(tick: int, name: str, *instances: int) -> tuple[int, list[Edge]]:
        return tick, [Edge(i, "high", tick * S, name, 9.5, 0) for i in instances]

    trip = [
        edges(5, "raise", many[0]),  # before the first-out: stays on the screen
        edges(10, "raise", numbers["PRESSURE"]),
        edges(11, "raise", *many[1:4]),
        edges(12, "raise", numbers["TRIP"], *many[4:20]),
        edges(14, "raise", *many[20:]),
    ]
    over = [edges(40, "clear", *many[1:11]), edges(60, "clear", numbers["TRIP"]), edges(61, "clear", *many[11:13])]
    for message in trip[:4]:
        last = await say(bus, *message)
    await installation.reached(last)
    installation.kill()
    for message in trip[1:]:  # the engine was restarted too, and says the last ticks again
        last = await say(bus, *message)
    installation.start()
    await installation.reached(last)

    def alarms(where: str) -> set[int]:
        return {i for (i,) in installation.rows(f"SELECT instance FROM alarms_alarm WHERE is_open AND {where}")}

    assert alarms("NOT is_suppressed") == {many[0], numbers["PRESSURE"]}
    assert alarms("is_suppressed") == {numbers["TRIP"], *many[1:]}
    (cause,) = installation.rows("SELECT id FROM alarms_alarm WHERE first_out_of = 'u1-trip'")
    assert installation.rows("SELECT DISTINCT suppressed_by FROM alarms_alarm WHERE is_suppressed") == [cause]

    await say(bus, *over[0])
    installation.kill()
    installation.start()
    for message in over:
        last = await say(bus, *message)
    await installation.reached(last)
    await bus.close()

    released = {numbers["PRESSURE"], many[0], *many[11:]}
    assert alarms("NOT is_suppressed") == released
    assert alarms("is_suppressed") == set()
    ended = installation.rows("SELECT instance FROM alarms_alarm WHERE state = 'cleared' AND is_suppressed")
    assert {i for (i,) in ended} == {numbers["TRIP"], *many[1:11]}
    steps = dict(installation.rows("SELECT name, COUNT(*) FROM alarms_alarmtransition GROUP BY name"))
    assert steps == {"raise": 32, "suppress": 30, "clear": 13, "release": 19}
    assert installation.rows("SELECT COUNT(*) FROM alarms_alarmgroupstate") == [(0,)]
    assert installation.stop() == 0
