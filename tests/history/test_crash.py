"""kill -9 at every kind of moment: nothing is lost, nothing is doubled."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from headworks.bus.batch import SampleBatch
from headworks.bus.client import Bus
from headworks.bus.server import BusServer
from headworks.bus.subjects import subject
from headworks.history.store import Options, Store

from .plant import SECOND, START, TENANT, Log, expected_raw, fill, plan
from .test_writer import activate, check_grid, stored_raw

pytestmark = [pytest.mark.feature("N-03"), pytest.mark.integration]
_CHILD = Path(__file__).with_name("crash_child.py")


def run_child(server: BusServer, folder: Path, log: Log, out: int, point: str, occurrence: int, delay: float = 4) -> str:
    arguments = [server.url, server.token, folder, log.partition, len(log.messages), out, point, occurrence]
    child = subprocess.run(
        [sys.executable, str(_CHILD), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "KILL_DELAY_MS": str(delay)},
    )
    assert child.returncode in (0, -9), child.stderr[-2000:]
    return "killed" if child.returncode == -9 else child.stdout.split()[-1]


async def test_kill_at_every_step_loses_and_doubles_nothing(own_bus_server: BusServer, tmp_path: Path) -> None:
    rng = np.random.default_rng(20)
    bus = await Bus.connect(own_bus_server.url, own_bus_server.token, "test")
    log = Log("crash")
    await bus.ensure_partition(TENANT, log.partition, 64 << 20)
    plans = await activate(bus, log, plan(log.partition))
    fill(log, 60, seed=21)
    fill(log, 150, seed=22, start=START + 60 * SECOND, step=60 * SECOND)
    fill(log, 60, seed=23, start=START + 9_100 * SECOND)
    await log.publish(bus)
    calculated, where = 0, subject(TENANT, "calc", log.partition)
    for mark in range(2, 120):
        batch = SampleBatch.of([901, 902, 903], [START + mark * SECOND] * 3, [float(mark)] * 3)
        calculated += len(batch)
        await bus.publish(where, batch.encode(), headers={"Hw-Mark": str(mark), "Hw-Chunk": "0"})
    out = (await bus.stream_state(log.out)).last
    points = ["before_record", "after_record", "mid_insert", "after_insert", "after_segments", "after_drop"]
    plan_of_kills = [(p, int(rng.integers(1, 7 if p[:7] != "after_s" and p != "after_drop" else 3))) for p in points * 2]
    kills = 0
    for i in rng.permutation(len(plan_of_kills)):
        point, occurrence = plan_of_kills[i]
        end = run_child(own_bus_server, tmp_path / "h", log, out, point, occurrence, rng.uniform(0, 15))
        kills += end == "killed"
    assert run_child(own_bus_server, tmp_path / "h", log, out, "never", 1) == "done"

    with Store(tmp_path / "h", Options(min_free=0)) as store:
        db = store.open_tenant(TENANT)
        stored = stored_raw(store, db)
        measured = [r for r in stored if r[0] < 900]
        expected = expected_raw(log, plans)
        assert set(measured) == expected
        assert len(measured) == len(expected)
        assert len(stored) - len(measured) == calculated
        in_time = sum(1 for r in stored if r[2] == 0)
        for table in ("m1", "h1"):
            assert store.query(f"SELECT sum(n) + sum(bad) AS x FROM {db}.{table}")["x"][0].as_py() == in_time
        check_grid(store, db, log, plans, [1, 2, 3, 4, 5])
        doubled = store.query(
            f"SELECT count() AS x FROM (SELECT tag, first, count() AS c FROM {db}.seg GROUP BY tag, first HAVING c > 1)"
        )
        assert doubled["x"][0].as_py() == 0
    assert kills >= 8, "too few of the planned kills happened to prove anything"
    await bus.close()
