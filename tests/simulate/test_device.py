from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import numpy as np
import pytest

from headworks.base.clock import SystemClock
from headworks.base.errors import AuthFailed, Invalid
from headworks.simulate import device
from headworks.simulate.faults import Fault, FaultScript
from headworks.simulate.thermal_unit import GROUPS, ThermalUnit

from .broker import Broker

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "demo-unit"
TOKENS = {f"u1-{group}": f"token-of-{group}" for group in GROUPS}
HEALTHY = FaultScript()


def past(seconds: int) -> int:
    now = SystemClock().now()
    return now - now % 1_000_000 - seconds * 1_000_000


@pytest.mark.feature("PLT-03")
async def test_every_tag_arrives_every_second_with_its_value_in_the_unit_of_the_device() -> None:
    start = past(10)
    async with Broker() as broker:
        counts = await device.run_unit(
            broker.endpoint, TOKENS, FOLDER, seed=3, script=HEALTHY, start_us=start, speed=50, duration_s=6
        )

    unit = ThermalUnit(3, start)
    _, values, _ = unit.run(6)
    power = values[:, unit.codes.index("1MKA10CE001")]
    electrical = [body for token, topic, body in broker.received if token == "token-of-electrical"]
    assert [b["ts"] for b in electrical] == [start // 1000 + 1000 * i for i in range(6)]
    assert [b["values"]["1MKA10CE001"] for b in electrical] == pytest.approx(power * 1000.0, abs=1e-6)
    boiler = [(topic, body) for token, topic, body in broker.received if token == "token-of-boiler"]
    assert {topic for topic, _ in boiler} == {"v1/gateway/telemetry"}
    fan = [body["idf-b"][0] for _, body in boiler]
    column = unit.codes.index("1HNC20CY001")
    assert [f["values"]["1HNC20CY001"] for f in fan] == list(values[:, column])
    assert sum(c.samples for c in counts.values()) == 6 * len(unit.codes)
    assert all(c.acknowledged == c.messages == 6 for c in counts.values())


@pytest.mark.feature("N-03")
async def test_what_was_not_acknowledged_is_sent_again_after_a_lost_connection() -> None:
    start = past(30)
    async with Broker() as broker:
        stopping = asyncio.Event()
        running = asyncio.create_task(
            device.run_unit(
                broker.endpoint, TOKENS, FOLDER, script=HEALTHY, start_us=start, speed=5, duration_s=20,
                stopping=stopping,
            )
        )  # fmt: skip
        await until(lambda: len(broker.received) >= 8)
        broker.acknowledge = False
        await until(lambda: len(broker.seen_unacknowledged) >= 8)
        broker.drop()
        broker.acknowledge = True
        counts = await running

    times = sorted({body["ts"] for token, _, body in broker.received if token == "token-of-bop"})
    assert times == [start // 1000 + 1000 * i for i in range(20)]
    assert all(c.connections >= 2 for c in counts.values())
    assert all(c.unacknowledged == 0 and c.dropped == 0 for c in counts.values())


@pytest.mark.feature("PLT-03")
async def test_a_refused_token_ends_the_unit_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "REFUSED_S", 0.5)
    async with Broker(refuse=frozenset({"token-of-bop"})) as broker:
        with pytest.raises(AuthFailed) as e:
            await asyncio.wait_for(device.run_unit(broker.endpoint, TOKENS, FOLDER, script=HEALTHY), 15)

    assert e.value.error_code == "simulate.refused"
    assert e.value.params["device"] == "u1-bop"
    assert not [r for r in broker.received if r[0] == "token-of-bop"]


@pytest.mark.feature("PLT-03")
async def test_nothing_is_sent_from_the_future_however_fast() -> None:
    start = past(2)
    async with Broker() as broker:
        await device.run_unit(broker.endpoint, TOKENS, FOLDER, script=HEALTHY, start_us=start, speed=1000, duration_s=5)

    stamps = [body["ts"] for token, _, body in broker.received if token == "token-of-bop"]
    arrived = [at for at, (token, _, _) in zip(broker.arrived, broker.received, strict=True) if token == "token-of-bop"]
    # While its connection is being made, the client may send a report before those that wait for it.
    assert sorted(stamps) == [start // 1000 + 1000 * i for i in range(5)]
    assert all(ts <= at * 1000 for ts, at in zip(stamps, arrived, strict=True))


@pytest.mark.feature("PLT-03")
async def test_truth_is_written_when_a_fault_begins(tmp_path: Path) -> None:
    start = past(30)
    script = FaultScript([Fault(kind="condenser_air_leak", start_s=3, duration_s=10, severity=0.5)])
    async with Broker() as broker:
        await device.run_unit(
            broker.endpoint, TOKENS, FOLDER, script=script, start_us=start, speed=100, duration_s=5,
            labels=tmp_path / "truth.jsonl",
        )  # fmt: skip

    (label,) = [json.loads(line) for line in (tmp_path / "truth.jsonl").read_text().splitlines()]
    assert label == {
        "fault": "condenser_air_leak",
        "target": "",
        "start_us": start + 3_000_000,
        "end_us": start + 13_000_000,
        "severity": 0.5,
    }


def test_reporting_on_change_is_never_silent_longer_than_asked() -> None:
    c = device.Controller("x", "t", [device.Report(0, "a", 1.0, 0.0, ""), device.Report(1, "b", 1.0, 0.0, "")], 4.0)
    sent: list[tuple[int, dict[str, float]]] = []
    c._client.publish = lambda topic, payload, qos: record(sent, payload)  # type: ignore[assignment,misc]

    for second in range(10):
        c.send(second * 1_000_000, np.array([7.0, float(second // 3)]))

    assert [(ms // 1000, sorted(v)) for ms, v in sent] == [
        (0, ["a", "b"]), (3, ["b"]), (4, ["a"]), (6, ["b"]), (8, ["a"]), (9, ["b"]),
    ]  # fmt: skip


def test_a_missing_token_and_a_bad_points_file_are_named(tmp_path: Path) -> None:
    with pytest.raises(Invalid) as e:
        device.controllers(FOLDER, {**TOKENS, "u1-bop": ""})
    assert [p.field for p in e.value.problems] == ["u1-bop"]

    (tmp_path / "points.csv").write_text("key,tag,unit\na,NOT-THERE,A\n")
    with pytest.raises(Invalid) as e:
        device.read_reports(tmp_path / "points.csv", {}, ())
    assert e.value.problems[0].code == "simulate.bad_points"


def record(sent: list[tuple[int, dict[str, float]]], payload: bytes) -> object:
    body = json.loads(payload)
    sent.append((body["ts"], body["values"]))
    return type("Info", (), {"rc": 0})()


async def until(true: object, seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not true():  # type: ignore[operator]
        assert time.monotonic() < end, "it never happened"
        await asyncio.sleep(0.01)
