"""A historian in a process of its own, which ends with kill -9 at a chosen step of its work.

Arguments: bus url, token, store folder, partition, last log sequence, last out sequence, kill point, which occurrence.
Prints ``done`` when it has stored everything.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pyarrow as pa

from headworks.bus.client import Bus
from headworks.bus.subjects import log_stream, out_stream
from headworks.history.intake import CalcIntake, GridIntake, RawIntake
from headworks.history.record import Record, RecordFile
from headworks.history.store import Options, Store
from headworks.history.writer import Compaction, Limits, Writer

TENANT = "t"


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(10)


class Killer:
    """Counts steps by name and ends the process at the chosen one. ``mid_insert`` ends it from another thread, while the
    store works."""

    def __init__(self, point: str, occurrence: int) -> None:
        self._point, self._left = point, occurrence
        self._lock = threading.Lock()

    def at(self, point: str) -> None:
        with self._lock:
            if point != self._point:
                return
            self._left -= 1
            if self._left:
                return
        if point == "mid_insert":
            threading.Timer(0.001 * (self._occurrence_delay()), die).start()
        else:
            die()

    def _occurrence_delay(self) -> float:
        return float(os.environ.get("KILL_DELAY_MS", "4"))


def install(killer: Killer) -> None:
    write, insert, execute = RecordFile.write, Store.insert, Store.execute

    def dying_write(self: RecordFile, record: Record) -> None:
        killer.at("before_record")
        write(self, record)
        killer.at("after_record")

    def dying_insert(self: Store, table: str, rows: pa.RecordBatch, token: str) -> None:
        killer.at("mid_insert")
        insert(self, table, rows, token)
        killer.at("after_insert")
        if table.endswith(".seg"):
            killer.at("after_segments")

    def dying_execute(self: Store, statement: str, parameters: Any = None) -> pa.Table:
        found = execute(self, statement, parameters)
        if "DROP PARTITION" in statement:
            killer.at("after_drop")
        return found

    RecordFile.write, Store.insert, Store.execute = dying_write, dying_insert, dying_execute  # type: ignore[method-assign]


async def main() -> None:
    url, token, folder, partition, last_log, last_out, point, occurrence = sys.argv[1:]
    install(Killer(point, int(occurrence)))
    bus = await Bus.connect(url, token, "historian")
    store = Store(Path(folder), Options(min_free=0))
    db = store.open_tenant(TENANT)
    records = Path(folder)
    log, out = log_stream(TENANT, partition), out_stream(TENANT, partition)
    grid = GridIntake(partition, bus.get_plan)
    limits = Limits(weight=200, seconds=0.05)
    writers = [
        (Writer(bus, store, db, log, "historian", RawIntake(bus.get_plan), records / "raw", limits), int(last_log)),
        (Writer(bus, store, db, out, "historian", CalcIntake(), records / "calc", limits), int(last_out)),
        (
            Writer(
                bus,
                store,
                db,
                log,
                "historian-grid",
                grid,
                records / "grid",
                Limits(weight=400, seconds=0.1),
                after=Compaction(store, db, partition, grid),
            ),
            int(last_log),
        ),
    ]
    tasks = [asyncio.create_task(w.run()) for w, _ in writers]
    while any(w.progress.seen < last for w, last in writers):
        for t in tasks:
            if t.done():
                t.result()
        await asyncio.sleep(0.01)
    for w, _ in writers:
        w.stop()
    await asyncio.gather(*tasks)
    await bus.close()
    store.close()
    print("done")


asyncio.run(main())
