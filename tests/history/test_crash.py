"""kill -9 at every kind of moment: nothing is lost, nothing is doubled."""

from __future__ import annotations

import itertools
import json
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


class Historians:
    """Starts one historian after the other on the same folder."""

    def __init__(self, server: BusServer, folder: Path, log: Log) -> None:
        self._about = {
            "url": server.url,
            "token": server.token,
            "folder": str(folder),
            "partition": log.partition,
        }
        self._errors = (folder.parent / "historians.log").open("w+")
        self._process = subprocess.Popen(
            [sys.executable, str(_CHILD)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, text=True
        )

    def run(self, last_log: int, last_out: int, point: str, occurrence: int, delay_ms: float = 0.0) -> str:
        """Return how a historian ended that was to store what is there and to be killed at the given step."""
        assert self._process.stdin
        assert self._process.stdout
        order = {
            **self._about,
            "last_log": last_log,
            "last_out": last_out,
            "point": point,
            "occurrence": occurrence,
            "delay_ms": delay_ms,
        }
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        while (said := self._process.stdout.readline().strip()) not in ("done", "killed"):
            if not said or said.startswith("failed"):
                pytest.fail(said + Path(self._errors.name).read_text()[-3000:])
        return said

    def close(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(10)
        self._errors.close()


async def test_kill_at_every_step_loses_and_doubles_nothing(own_bus_server: BusServer, tmp_path: Path) -> None:
    """Between two kills more is published, so that every kill meets work; the last historian finishes."""
    rng = np.random.default_rng(20)
    bus = await Bus.connect(own_bus_server.url, own_bus_server.token, "test")
    log = Log("crash")
    await bus.ensure_partition(TENANT, log.partition, 64 << 20)
    plans = await activate(bus, log, plan(log.partition))
    fill(log, 60, seed=21)
    fill(log, 114, seed=22, start=START + 60 * SECOND, step=300 * SECOND)  # nine hours and a half
    fill(log, 60, seed=23, start=START + (60 + 114 * 300) * SECOND)
    points = ["before_record", "after_record", "mid_insert", "after_insert", "after_segments", "after_drop"]
    chosen = [*points, *points[2:4], "after_insert"]
    kills = [(p, 1 if p in ("after_segments", "after_drop") else int(rng.integers(1, 4))) for p in chosen]
    historians, happened, calculated = Historians(own_bus_server, tmp_path / "h", log), [], 0
    cuts = np.linspace(0, len(log.messages), len(kills) + 1).astype(int).tolist()
    for i, (first, last) in zip(rng.permutation(len(kills)), itertools.pairwise(cuts), strict=True):
        await log.publish(bus, first, last)
        for mark in range(first + 1, last + 1):
            batch = SampleBatch.of([901, 902, 903], [START + mark * SECOND] * 3, [float(mark)] * 3)
            calculated += len(batch)
            headers = {"Hw-Mark": str(mark), "Hw-Chunk": "0"}
            out = await bus.publish(subject(TENANT, "calc", log.partition), batch.encode(), headers=headers)
        point, occurrence = kills[i]
        if historians.run(last, out, point, occurrence, rng.uniform(0, 15)) == "killed":
            happened.append(point)
    assert historians.run(len(log.messages), out, "never", 1) == "done"
    historians.close()
    assert set(happened) == set(points), "a kind of kill did not happen"
    assert len(happened) >= 8

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
    await bus.close()
