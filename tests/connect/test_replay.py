"""Recorded tables through the endpoint."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
import pytest_asyncio

from headworks.base.clock import MICROS, ManualClock, SystemClock
from headworks.base.errors import Forbidden, Invalid
from headworks.base.status import BAD_NO_DATA
from headworks.bus.batch import SampleBatch
from headworks.bus.messages import Watermark
from headworks.bus.plan import Point
from headworks.bus.server import BusServer
from headworks.connect.client import DeviceClient
from headworks.connect.replay import Pace, Progress, ReplayMap, Table, TimeColumn, load_map, parse_instant, replay

from .rig import Rig, device, new_plan, running, token

pytestmark = pytest.mark.feature("PLT-03")

MAP = ReplayMap(
    time=TimeColumn("t", "%Y-%m-%d %H:%M:%S", "Asia/Shanghai"), device="rig", columns={"Temp": "T", "Run": "run"}
)
T0 = parse_instant("2024-01-01T08:00:00+08:00", "UTC")


def table(folder: Path, *lines: str, header: str = "t;Temp;Run;Other", encoding: str = "utf-8") -> Path:
    file = folder / "data.csv"
    file.write_bytes("\n".join((header, *lines, "")).encode(encoding))
    return file


def row(second: int, value: object, run: object = 1) -> str:
    return f"2024-01-01 08:{second // 60:02d}:{second % 60:02d};{value};{run};x"


@pytest_asyncio.fixture
async def rig(bus_server: BusServer) -> AsyncIterator[Rig]:
    points = (Point(key="T", tag=2), Point(key="run", tag=3), Point(key="P", tag=1))
    plan = msgspec.structs.replace(
        new_plan(), clock="replay", devices=(device("rig", drives_clock=True, points=points), device("d1"))
    )
    async with running(bus_server, plan) as r:
        yield r


async def send(rig: Rig, file: Path, mapping: ReplayMap = MAP, code: str = "rig", **options: object) -> Progress:
    async with DeviceClient("127.0.0.1", rig.port, token(code), version=5) as client:
        return await replay(file, mapping, client, **{"speed": 0.0, **options})  # type: ignore[arg-type]


# --- reading ------------------------------------------------------------------------------------------------------------


def test_values_of_every_kind(tmp_path: Path) -> None:
    file = table(tmp_path, row(0, "1.5", "true"), row(1, "", "off"), "", row(2, " NaN ", "inf"), row(3, "1e3", 0))
    assert [(r.line, r.time - T0, r.values) for r in Table(file, MAP).rows()] == [
        (2, 0, {"T": 1.5, "run": True}),
        (3, MICROS, {"T": None, "run": False}),
        (5, 2 * MICROS, {"T": None, "run": None}),
        (6, 3 * MICROS, {"T": 1000.0, "run": 0.0}),
    ]


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("iso", "2024-01-01T08:00:00.250"),
        ("iso", "2024-01-01T00:00:00.250Z"),
        ("unix_s", "1704067200.25"),
        ("unix_ms", "1704067200250"),
        ("%d/%m/%Y %H:%M:%S.%f", "01/01/2024 08:00:00.25"),
    ],
)
def test_forms_of_time(tmp_path: Path, form: str, text: str) -> None:
    mapping = msgspec.structs.replace(MAP, time=TimeColumn("t", form, "Asia/Shanghai"), columns={"v": "T"})
    (found,) = Table(table(tmp_path, f"{text}\t1", header="t\tv"), mapping).rows()
    assert found.time == T0 + 250_000


def test_gbk_bom_and_decimal_comma(tmp_path: Path) -> None:
    mapping = msgspec.structs.replace(MAP, columns={"温度": "T"}, encoding="gbk", decimal=",")
    (found,) = Table(table(tmp_path, "2024-01-01 08:00:00;1,5", header="t;温度", encoding="gbk"), mapping).rows()
    assert found.values == {"T": 1.5}
    (found,) = Table(table(tmp_path, row(0, 1), header="\ufefft;Temp;Run;Other"), MAP).rows()
    assert found.values == {"T": 1.0, "run": 1.0}


@pytest.mark.parametrize(
    ("lines", "field", "value", "code"),
    [
        ([row(0, 1), row(1, "warm")], "data.csv:3 Temp", "warm", "replay.value_invalid"),
        ([row(0, 1), "yesterday;1;1;x"], "data.csv:3 t", "yesterday", "replay.time_invalid"),
        ([row(5, 1), row(4, 1)], "data.csv:3 t", "2024-01-01 08:00:04", "replay.not_in_order"),
        ([row(0, 1), "2024-01-01 08:00:01;1"], "data.csv:3 ", 2, "replay.row_ragged"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, lines: list[str], field: str, value: object, code: str) -> None:
    with pytest.raises(Invalid) as e:
        list(Table(table(tmp_path, *lines), MAP).rows())
    (problem,) = e.value.problems
    assert (problem.field, problem.value, problem.code) == (field, value, code)


def test_a_file_that_is_not_in_order_of_time_is_sorted_if_the_map_says_so(tmp_path: Path) -> None:
    file = table(tmp_path, row(5, 1), row(4, 2), row(5, 3), row(1, 4))
    mapping = msgspec.structs.replace(MAP, sort=True)

    rows = list(Table(file, mapping).rows())

    assert [r.line for r in rows] == [5, 3, 2, 4]
    assert [r.time for r in rows] == sorted(r.time for r in rows)


def test_a_column_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(Invalid) as e:
        list(Table(table(tmp_path, row(0, 1), header="t;Tmp;Run;Other"), MAP).rows())
    (problem,) = e.value.problems
    assert (problem.code, problem.value) == ("replay.column_missing", "Temp")
    assert problem.params["known"] == "t, Tmp, Run, Other"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("time: {column: t}\ndevice: d", "columns"),
        ("time: {column: t}\ndevice: d\ncolumns: {}", "no column"),
        ("time: {column: t, zone: x}\ndevice: d\ncolumns: {a: b}", "zone"),
        ("time: {column: t, timezone: Mars/Base}\ndevice: d\ncolumns: {a: b}", "Mars"),
        ("time: {column: t}\ndevice: d\ncolumns: {a: b}\ndelimiter: ';;'", "delimiter"),
        ("time: {column: t}\ndevice: d\ncolumns: {a: b}\nencoding: utf-99", "utf-99"),
        ("[", "line"),
    ],
)
def test_wrong_maps_are_refused(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "map.yaml"
    file.write_text(text)
    with pytest.raises(Invalid) as e:
        load_map(file)
    assert e.value.error_code == "replay.map_invalid"
    assert said in e.value.params["reason"]


def test_pace() -> None:
    clock, seconds = ManualClock(100 * MICROS), [0.0]
    pace = Pace(10.0, 0, clock, lambda: seconds[0])
    assert pace.until(20 * MICROS) == 2.0
    seconds[0] = 2.0
    assert pace.until(20 * MICROS) == 0.0
    assert pace.until(110 * MICROS) == 10.0  # the present comes first
    assert Pace(0.0, 0, clock, lambda: 0.0).until(99 * MICROS) == 0.0
    assert Pace(0.0, 0, clock, lambda: 0.0).until(103 * MICROS) == 3.0


# --- sending ------------------------------------------------------------------------------------------------------------


@pytest.mark.integration
async def test_everything_arrives_and_the_clock_follows(rig: Rig, tmp_path: Path) -> None:
    told: list[tuple[float, float | None]] = []
    file = table(tmp_path, *(row(i, i if i % 10 else "") for i in range(300)))
    end = await send(rig, file, on_progress=lambda p: told.append((p.done, p.eta)))

    assert (end.rows, end.samples, end.refused) == (300, 600, 0)
    assert end.marks >= end.messages
    assert end.acked == end.messages + end.marks
    assert told[-1] == (1.0, 0.0)
    samples = await rig.samples()
    assert [(t, at) for t, at, _, _ in samples] == [(t, T0 + i * MICROS) for i in range(300) for t in (2, 3)]
    assert [s for t, _, v, s in samples if t == 2 and np.isnan(v)] == [BAD_NO_DATA] * 30
    log = await rig.log()
    newest = 0
    for m in log:
        if isinstance(m, SampleBatch):
            newest = int(m.time.max())
        elif m is not log[-1]:
            assert m.time == newest - 2 * MICROS
    assert log[-1] == Watermark(T0 + (299 + 5 - 2) * MICROS)


@pytest.mark.integration
async def test_a_part_moved_to_another_time(rig: Rig, tmp_path: Path) -> None:
    start = T0 + 1_000_000 * MICROS
    file = table(tmp_path, *(row(i, i) for i in range(60)))
    end = await send(rig, file, begin=T0 + 10 * MICROS, end=T0 + 40 * MICROS, limit=20, start=start)
    assert end.rows == 20
    samples = [s for s in await rig.samples() if s[0] == 2]
    assert [(at, v) for _, at, v, _ in samples] == [(start + i * MICROS, 10.0 + i) for i in range(20)]
    with pytest.raises(Invalid) as e:
        await send(rig, file, begin=T0 + 100 * MICROS)
    assert e.value.error_code == "replay.nothing"


@pytest.mark.integration
async def test_speed_and_never_ahead_of_the_present(rig: Rig, tmp_path: Path) -> None:
    begun = time.monotonic()
    await send(rig, table(tmp_path, *(row(i, i) for i in range(11))), speed=20.0)
    assert time.monotonic() - begun > 0.45

    clock = SystemClock()
    await send(rig, table(tmp_path, row(0, 1), row(1, 2)), start=clock.now() - MICROS // 2)
    assert clock.now() >= max(at for _, at, _, _ in await rig.samples())
    assert clock.now() >= rig.service.logs["u1"].watermark + 2 * MICROS


@pytest.mark.integration
async def test_what_was_read_before_a_fault_is_sent(rig: Rig, tmp_path: Path) -> None:
    with pytest.raises(Invalid):
        await send(rig, table(tmp_path, row(0, 1), row(1, 2), row(2, "warm")))
    assert [v for t, _, v, _ in await rig.samples() if t == 2] == [1.0, 2.0]


@pytest.mark.integration
async def test_a_device_that_does_not_drive_the_clock_is_told(rig: Rig, tmp_path: Path) -> None:
    with pytest.raises(Forbidden) as e:
        await send(rig, table(tmp_path, row(0, 1)), code="d1")
    assert e.value.error_code == "replay.clock_refused"
    end = await send(rig, table(tmp_path, row(0, 1)), code="d1", drive_clock=False)
    assert end.rows == 1


@pytest.mark.integration
async def test_stopping(rig: Rig, tmp_path: Path) -> None:
    stopping = asyncio.Event()
    stopping.set()
    with pytest.raises(Invalid, match="nothing"):
        await send(rig, table(tmp_path, row(0, 1)), stopping=stopping)


@pytest.mark.integration
async def test_the_recording_of_a_real_pump_rig(rig: Rig, shared_data: Path) -> None:
    file = shared_data / "skab" / "data" / "valve1" / "9.csv"
    mapping = ReplayMap(
        time=TimeColumn("datetime", "%Y-%m-%d %H:%M:%S"), device="rig", columns={"Pressure": "P", "Temperature": "T"}
    )
    end = await send(rig, file, mapping)
    lines = file.read_text().splitlines()
    assert end.rows == len(lines) - 1
    header = lines[0].split(";")
    expected = [float(line.split(";")[header.index("Temperature")]) for line in lines[1:]]
    assert [v for t, _, v, _ in await rig.samples() if t == 2] == expected
