"""The simulated unit and the real MQTT endpoint: what is stored is what the unit had, in the units of the plant."""

from __future__ import annotations

import asyncio
import csv
from pathlib import Path

import numpy as np
import pytest

from headworks.base import log
from headworks.base.clock import SystemClock
from headworks.base.units import conversion
from headworks.bus.batch import SampleBatch
from headworks.bus.client import Bus
from headworks.bus.plan import DevicePlan, PartitionPlan, Point, TagPlan
from headworks.bus.server import BusServer
from headworks.bus.subjects import log_stream
from headworks.connect.devices import token_digest
from headworks.roles.connect import Service
from headworks.simulate import device
from headworks.simulate.faults import FaultScript
from headworks.simulate.thermal_unit import GROUPS, TAGS, ThermalUnit

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "demo-unit"
TENANT, PARTITION = "simulated", "u1"
IDS = {t.code: i + 1 for i, t in enumerate(TAGS)}
TOKENS = {f"u1-{group}": f"token-of-{group}-0123456789abcdef" for group in GROUPS}


def device_plan(code: str) -> DevicePlan:
    units = {t.code: t.unit for t in TAGS}
    children: dict[str, list[Point]] = {}
    with (FOLDER / "points" / f"{code}.csv").open(encoding="utf-8", newline="") as f:
        for row in csv.DictReader(f):
            gain, offset = conversion(row["unit"], units[row["tag"]])
            point = Point(key=row["key"], tag=IDS[row["tag"]], gain=gain, offset=offset)
            children.setdefault(row.get("child") or "", []).append(point)
    return DevicePlan(
        code=code,
        token_sha256=token_digest(TOKENS[code].encode()),
        points=tuple(children.pop("", ())),
        children={name: tuple(points) for name, points in children.items()},
    )


@pytest.mark.integration
@pytest.mark.feature("PLT-03")
async def test_the_log_holds_every_value_of_the_unit(bus_server: BusServer) -> None:
    plan = PartitionPlan(
        tenant=TENANT,
        partition=PARTITION,
        revision=1,
        system_instance=1,
        tags=tuple(TagPlan(id=IDS[t.code], code=t.code, unit=t.unit, low=t.low, high=t.high) for t in TAGS),
        devices=tuple(device_plan(code) for code in TOKENS),
    )
    start, seconds = SystemClock().now() // 1_000_000 * 1_000_000 - 60_000_000, 8
    bus = await Bus.connect(bus_server.url, bus_server.token, "test")
    service = Service(bus, TENANT, SystemClock(), 64 << 20, log.get("test"))
    await bus.set_current_plan(TENANT, PARTITION, await bus.put_plan(plan.encode()))
    port = await service.start("127.0.0.1", 0)
    try:
        counts = await device.run_unit(
            ("127.0.0.1", port), TOKENS, FOLDER, seed=4, script=FaultScript(),
            start_us=start, speed=20, duration_s=seconds,
        )  # fmt: skip
        stored = await samples(bus)
    finally:
        await service.stop()
        await bus.close()

    expected = ThermalUnit(4, start).run(seconds)[1]
    assert sum(c.acknowledged for c in counts.values()) == 4 * seconds
    assert len(stored) == expected.size
    assert not stored.status.any()
    found = np.full(expected.shape, np.nan)
    found[(stored.time - start) // 1_000_000, stored.tag - 1] = stored.value
    assert np.allclose(found, expected, rtol=1e-9, atol=1e-9)


async def samples(bus: Bus) -> SampleBatch:
    stream = log_stream(TENANT, PARTITION)
    last = (await bus.stream_state(stream)).last
    batches = []
    async with asyncio.timeout(10):
        async for m in bus.reader(stream, None, "test"):
            if ".samples." in m.subject:
                batches.append(SampleBatch.decode(m.data))
            if m.seq == last:
                break
    return SampleBatch.concat(batches)
