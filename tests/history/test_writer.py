"""Writers on a real bus: everything once, with the right revision, and the grid as the engine sees it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio

from headworks.bus.batch import SampleBatch
from headworks.bus.client import Bus
from headworks.bus.messages import Activation, Watermark
from headworks.bus.plan import PartitionPlan
from headworks.bus.server import BusServer
from headworks.bus.subjects import subject
from headworks.history.errors import RecordDamaged
from headworks.history.intake import CalcIntake, GridIntake, RawIntake
from headworks.history.queries import Queries
from headworks.history.record import Record, RecordFile
from headworks.history.segments import HOUR
from headworks.history.store import Store
from headworks.history.ticket import Matrix
from headworks.history.writer import Compaction, Limits, Writer

from .plant import SECOND, START, TENANT, Log, expected_grid, expected_raw, fill, plan

pytestmark = [pytest.mark.feature("PLT-05"), pytest.mark.integration]
_names = itertools.count()
FAST = Limits(weight=500, seconds=0.2)


@pytest_asyncio.fixture
async def bus(bus_server: BusServer) -> AsyncIterator[Bus]:
    bus = await Bus.connect(bus_server.url, bus_server.token, "test")
    yield bus
    await bus.close()


@pytest_asyncio.fixture
async def log(bus: Bus) -> Log:
    """Return the empty log of a fresh partition whose first message activates a plan."""
    log = Log(f"w{next(_names)}")
    await bus.ensure_partition(TENANT, log.partition, 64 << 20)
    return log


async def activate(bus: Bus, log: Log, p: PartitionPlan, first_tick: int = 0) -> dict[str, PartitionPlan]:
    digest = await bus.put_plan(p.encode())
    log.mark(Activation(p.revision, digest, first_tick))
    return {digest: p}


class Run:
    """A writer at work, stopped when its progress has seen a sequence and nothing is under way."""

    def __init__(self, bus: Bus, store: Store, db: str, folder: Path, log: Log) -> None:
        self._with = (bus, store, db)
        self._folder = folder
        self._log = log

    def raw(self, limits: Limits = FAST) -> Writer:
        bus, store, db = self._with
        return Writer(
            bus, store, db, self._log.stream, "historian", RawIntake(bus.get_plan), self._folder / "raw", limits
        )

    def calc(self) -> Writer:
        bus, store, db = self._with
        return Writer(bus, store, db, self._log.out, "historian", CalcIntake(), self._folder / "calc", FAST)

    def grid(self, limits: Limits = FAST) -> Writer:
        bus, store, db = self._with
        intake = GridIntake(self._log.partition, bus.get_plan)
        after = Compaction(store, db, self._log.partition, intake)
        return Writer(
            bus, store, db, self._log.stream, "historian-grid", intake, self._folder / "grid", limits, after=after
        )

    async def until(self, writer: Writer, last: int) -> None:
        task = asyncio.create_task(writer.run())
        async with asyncio.timeout(20):
            while writer.progress.seen < last:
                assert not task.done(), task.result()
                await asyncio.sleep(0.02)
        writer.stop()
        await task


@pytest.fixture
def run(bus: Bus, store: Store, db: str, tmp_path: Path, log: Log) -> Run:
    return Run(bus, store, db, tmp_path, log)


def stored_raw(store: Store, db: str) -> list[tuple[Any, ...]]:
    t = store.query(f"SELECT tag, toUnixTimestamp64Micro(ts) AS t, rev, value, status FROM {db}.raw")
    if not t.num_rows:
        return []
    rows = zip(*(t[c].to_pylist() for c in ("tag", "t", "rev", "value", "status")), strict=True)
    return [(a, b, c, None if np.isnan(v) else v, s) for a, b, c, v, s in rows]


async def test_raw_rows_are_the_log_with_revisions(bus: Bus, store: Store, db: str, run: Run, log: Log) -> None:
    plans = await activate(bus, log, plan(log.partition))
    fill(log, 120, seed=1)
    await log.publish(bus)
    expected = expected_raw(log, plans)

    await run.until(run.raw(), len(log.messages))

    stored = stored_raw(store, db)
    assert len(stored) == len(set(stored)) == len(expected)
    assert set(stored) == expected
    assert {r[2] for r in stored} > {0}, "no late sample: the log shows nothing"
    in_time = sum(1 for r in expected if r[2] == 0)
    assert store.query(f"SELECT sum(n) + sum(bad) AS x FROM {db}.m1")["x"][0].as_py() == in_time
    assert (await bus.positions(log.stream))["historian"] == len(log.messages)


async def test_a_writer_stopped_and_started_goes_on_exactly(
    bus: Bus, store: Store, db: str, run: Run, log: Log
) -> None:
    plans = await activate(bus, log, plan(log.partition))
    fill(log, 90, seed=2)
    half = len(log.messages) // 2
    await log.publish(bus, last=half)
    await run.until(run.raw(), half)
    await run.until(run.grid(), half)
    await log.publish(bus, first=half)
    await run.until(run.raw(), len(log.messages))
    await run.until(run.grid(), len(log.messages))

    stored = stored_raw(store, db)
    assert len(stored) == len(set(stored))
    assert set(stored) == expected_raw(log, plans)
    check_grid(store, db, log, plans, [1, 2, 3, 4, 5])


def check_grid(
    store: Store, db: str, log: Log, plans: dict[str, PartitionPlan], tags: list[int], start: int = 0, tick: int = 0
) -> None:
    ticks, value, status = expected_grid(log, plans, tags)
    keep = ticks >= start
    found = list(Queries(store, db).matrix(Matrix(tags=tuple(tags), start=start, stop=int(ticks[-1]) + 1, tick=tick)))
    np.testing.assert_array_equal(np.concatenate([c.ticks for c in found]), ticks[keep])
    np.testing.assert_array_equal(np.concatenate([c.value for c in found], axis=1).T, value[keep])
    np.testing.assert_array_equal(np.concatenate([c.status for c in found], axis=1).T, status[keep])


async def test_the_grid_is_the_engines_over_open_and_finished_hours(
    bus: Bus, store: Store, db: str, run: Run, log: Log
) -> None:
    plans = await activate(bus, log, plan(log.partition))
    fill(log, 60, seed=3, start=START)
    fill(log, 125, seed=4, start=START + 60 * SECOND, step=60 * SECOND)  # two hours more, in leaps of a minute
    await log.publish(bus)

    await run.until(run.grid(Limits(weight=3_000, seconds=0.1)), len(log.messages))

    check_grid(store, db, log, plans, [3, 1, 5])
    recent = store.query(f"SELECT DISTINCT toInt64(toUnixTimestamp(hour)) AS h FROM {db}.seg_recent")["h"].to_pylist()
    assert len(recent) == 1, "only the hour that still grows may lie in parts"
    hours = store.query(f"SELECT hour, count() AS n, uniqExact(tag) AS u FROM {db}.seg GROUP BY hour")
    assert hours.num_rows == 3
    assert hours["n"].to_pylist() == hours["u"].to_pylist() == [5, 5, 5], "one segment per tag and finished hour"


async def test_a_plan_that_changes_tags_and_tick_is_followed(
    bus: Bus, store: Store, db: str, run: Run, log: Log
) -> None:
    plans = await activate(bus, log, plan(log.partition))
    fill(log, 40, seed=5)
    change = START + 50 * SECOND
    plans |= await activate(bus, log, plan(log.partition, tags=7, tick=100_000, revision=2), first_tick=change)
    fill(log, 30, seed=6, tags=7, start=START + 40 * SECOND)
    plans |= await activate(bus, log, plan(log.partition, tags=2, tick=10 * SECOND, revision=3))
    fill(log, 50, seed=7, tags=7, start=START + 70 * SECOND)
    await log.publish(bus)

    await run.until(run.raw(), len(log.messages))
    await run.until(run.grid(), len(log.messages))

    assert set(stored_raw(store, db)) == expected_raw(log, plans)
    ticks, _, _ = expected_grid(log, plans, [1])
    assert {SECOND, 100_000, 10 * SECOND} <= set(np.diff(ticks).tolist())
    fine = ticks[(np.append(np.diff(ticks), 0) == 100_000)]
    found = list(Queries(store, db).matrix(Matrix(tags=(7, 2), start=0, stop=int(ticks[-1]) + 1, tick=100_000)))
    assert set(fine[1:]) <= set(np.concatenate([c.ticks for c in found]).tolist())
    _, value, _ = expected_grid(log, plans, [7, 2])
    at = np.isin(ticks, found[0].ticks) & (ticks > change - SECOND)
    np.testing.assert_array_equal(found[0].value.T, value[at])


@pytest.mark.parametrize("tick", [100_000, 600 * SECOND])
async def test_short_and_long_ticks(bus: Bus, store: Store, db: str, run: Run, log: Log, tick: int) -> None:
    plans = await activate(bus, log, plan(log.partition, tick=tick, staleness=30 * tick))
    fill(log, 150, seed=8, start=START - START % tick, step=tick)
    await log.publish(bus)

    await run.until(run.grid(), len(log.messages))

    check_grid(store, db, log, plans, [1, 2, 3, 4, 5])
    check_grid(store, db, log, plans, [2], start=START + 40 * tick)


async def test_a_jump_of_the_clock_leaves_no_rows_between(bus: Bus, store: Store, db: str, run: Run, log: Log) -> None:
    plans = await activate(bus, log, plan(log.partition))
    fill(log, 10, seed=9)
    fill(log, 10, seed=10, start=START + 9 * HOUR)
    await log.publish(bus)

    await run.until(run.grid(), len(log.messages))

    ticks, _, _ = expected_grid(log, plans, [1])
    assert len(ticks) == 20 - 1 or len(ticks) == 20
    check_grid(store, db, log, plans, [1, 4])


async def test_calculated_samples_said_again_are_stored_once(
    bus: Bus, store: Store, db: str, run: Run, log: Log
) -> None:
    where = subject(TENANT, "calc", log.partition)

    async def say(mark: int, chunk: int, again: int = 0) -> int:
        batch = SampleBatch.of([901, 902], [START + mark * SECOND] * 2, [float(mark), float(chunk)])
        batch = batch if chunk == 0 else SampleBatch.of([903], [START + mark * SECOND], [float(mark)])
        headers = {"Hw-Mark": str(mark), "Hw-Chunk": str(chunk)}
        return await bus.publish(where, batch.encode(), msg_id=f"{mark}:{chunk}:{again}", headers=headers)

    for mark in range(2, 20):
        await say(mark, 0)
        await say(mark, 1)
    await bus.publish(subject(TENANT, "condition", log.partition), b"not for the historian")
    await say(20, 0)
    for mark in range(12, 21):  # the engine died before it said chunk 1 of mark 20, and repeats itself from 12
        await say(mark, 0, again=1)
        last = await say(mark, 1, again=1)
    writer = run.calc()
    await run.until(writer, last)
    await run.until(run.calc(), last)

    stored = stored_raw(store, db)
    assert len(stored) == len(set(stored)) == 19 * 3
    assert {r[2] for r in stored} == {0}


async def test_the_batch_on_record_is_repeated_with_its_own_limits_and_token(
    bus: Bus, store: Store, db: str, run: Run, log: Log, tmp_path: Path
) -> None:
    plans = await activate(bus, log, plan(log.partition))
    fill(log, 60, seed=11)
    await log.publish(bus)
    n = len(log.messages)
    first = run.raw(Limits(weight=1 << 30, seconds=0.3))
    await run.until(first, n)
    # As if it had been killed between insert and the next record: the record still names a batch.
    intake = RawIntake(bus.get_plan)
    RecordFile(tmp_path / "raw").write(Record(log.stream, 0, 1, n, intake.export()))

    await run.until(run.raw(), n)

    assert set(stored_raw(store, db)) == expected_raw(log, plans)
    assert len(stored_raw(store, db)) == len(expected_raw(log, plans))


async def test_positions_never_pass_what_a_restart_would_read(
    bus: Bus, store: Store, db: str, run: Run, log: Log, tmp_path: Path
) -> None:
    await activate(bus, log, plan(log.partition))
    fill(log, 60, seed=12)
    writer = run.raw(Limits(weight=100, seconds=0.05))
    reported: list[tuple[int, int]] = []
    real = bus.record_position

    async def spy(stream: str, reader: str, seq: int) -> None:
        record = RecordFile(tmp_path / "raw").read()
        reported.append((seq, record.first if record else 1))
        await real(stream, reader, seq)

    bus.record_position = spy  # type: ignore[method-assign]
    await log.publish(bus)
    await run.until(writer, len(log.messages))

    assert len(reported) > 3
    assert all(seq < first for seq, first in reported)
    assert reported[-1][0] == len(log.messages)


async def test_a_stream_that_began_anew_is_stored_and_the_old_rows_stay(
    bus: Bus, store: Store, db: str, run: Run, log: Log
) -> None:
    await activate(bus, log, plan(log.partition))
    fill(log, 40, seed=13)
    await log.publish(bus)
    await run.until(run.raw(), len(log.messages))
    before = len(stored_raw(store, db))
    await bus.jetstream.delete_stream(log.stream)
    await bus.ensure_partition(TENANT, log.partition, 64 << 20)
    again = Log(log.partition)
    plans = await activate(bus, again, plan(log.partition))
    fill(again, 12, seed=14, start=START + 1000 * SECOND)
    for i, (where, data) in enumerate(again.messages):
        await bus.publish(where, data, msg_id=f"anew-{log.partition}-{i}")

    writer = run.raw()
    task = asyncio.create_task(writer.run())
    async with asyncio.timeout(20):
        while writer.progress.gaps == 0 or writer.progress.seen != len(again.messages):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    writer.stop()
    await task

    assert len(stored_raw(store, db)) == before + len(expected_raw(again, plans))


async def test_messages_purged_before_they_were_stored_are_reported(
    bus: Bus, store: Store, db: str, run: Run, log: Log
) -> None:
    await activate(bus, log, plan(log.partition))
    fill(log, 40, seed=15)
    await log.publish(bus)
    await run.until(run.raw(), len(log.messages))
    before, seen = len(stored_raw(store, db)), len(log.messages)
    fill(log, 20, seed=16, start=START + 40 * SECOND)
    await log.publish(bus, first=seen)
    await bus.purge(log.stream, seen + 10)

    writer = run.raw()
    await run.until(writer, len(log.messages))

    assert writer.progress.gaps == 1
    lost = sum(len(SampleBatch.decode(d)) for w, d in log.messages[seen : seen + 10] if ".samples." in w)
    kept = sum(len(SampleBatch.decode(d)) for w, d in log.messages[seen + 10 :] if ".samples." in w)
    assert lost > 0
    assert before < len(stored_raw(store, db)) <= before + kept


async def test_a_mark_that_goes_back_changes_nothing(bus: Bus, store: Store, db: str, run: Run, log: Log) -> None:
    plans = await activate(bus, log, plan(log.partition))
    fill(log, 20, seed=17)
    log.mark(Watermark(START))
    fill(log, 20, seed=18, start=START + 20 * SECOND)
    await log.publish(bus)

    await run.until(run.raw(), len(log.messages))
    await run.until(run.grid(), len(log.messages))

    assert set(stored_raw(store, db)) == expected_raw(log, plans)
    check_grid(store, db, log, plans, [1, 2])


def test_records_of_one_folder_do_not_share_a_temporary_file(tmp_path: Path) -> None:
    records = [RecordFile(tmp_path / f"main.u1.{kind}") for kind in ("samples", "calculated")]
    for i, r in enumerate(records):
        (tmp_path / "main.u1.tmp").touch()
        r.write(Record("s", 0, i, i, b"state"))

    assert [r.read() for r in records] == [Record("s", 0, i, i, b"state") for i in (0, 1)]
    assert (tmp_path / "main.u1.tmp").read_bytes() == b""


def test_a_damaged_record_is_refused(tmp_path: Path) -> None:
    file = RecordFile(tmp_path / "r")
    assert file.read() is None
    file.write(Record("s", 0, 1, 2, b"state"))
    good = file.file.read_bytes()
    for i in range(len(good)):
        file.file.write_bytes(good[:i] + bytes((good[i] ^ 1,)) + good[i + 1 :])
        with pytest.raises(RecordDamaged):
            file.read()
