"""Historians in processes of their own, which end with kill -9 at a chosen step of their work.

Reads one JSON object a line: url, token, folder, partition, last_log, last_out, point, occurrence, delay_ms. For each it
forks a historian (imports and kernels are loaded once) and prints how that ended: ``done`` or ``killed``.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from headworks.bus.client import Bus
from headworks.bus.subjects import log_stream, out_stream
from headworks.engine.grid import Grid

TENANT = "t"


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(10)


class Killer:
    """Counts steps by name and ends the process at the chosen one. ``mid_insert`` ends it from another thread, while the
    store works."""

    def __init__(self, point: str, occurrence: int, delay_ms: float) -> None:
        self._point, self._left, self._delay = point, occurrence, delay_ms / 1000
        self._lock = threading.Lock()

    def at(self, point: str) -> None:
        with self._lock:
            if point != self._point:
                return
            self._left -= 1
            if self._left:
                return
        if point == "mid_insert":
            threading.Timer(self._delay, die).start()
        else:
            die()


def install(killer: Killer) -> None:
    # The store's library does not survive a fork: it is imported after it.
    from headworks.history.record import Record, RecordFile
    from headworks.history.store import Store

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


async def historian(
    url: str,
    token: str,
    folder: str,
    partition: str,
    last_log: int,
    last_out: int,
    point: str,
    occurrence: int,
    delay_ms: float,
) -> None:
    from headworks.history.intake import CalcIntake, GridIntake, RawIntake
    from headworks.history.store import Options, Store
    from headworks.history.writer import Compaction, Limits, Writer

    install(Killer(point, occurrence, delay_ms))
    bus = await Bus.connect(url, token, "historian")
    store = Store(Path(folder), Options(min_free=0))
    db = store.open_tenant(TENANT)
    records = Path(folder)
    log, out = log_stream(TENANT, partition), out_stream(TENANT, partition)
    grid = GridIntake(partition, bus.get_plan)
    limits = Limits(weight=60, seconds=0.05)
    writers = [
        (Writer(bus, store, db, log, "historian", RawIntake(bus.get_plan), records / "raw", limits), last_log),
        (Writer(bus, store, db, out, "historian", CalcIntake(), records / "calc", limits), last_out),
        (
            Writer(
                bus,
                store,
                db,
                log,
                "historian-grid",
                grid,
                records / "grid",
                Limits(weight=8_000, seconds=0.05),
                after=Compaction(store, db, partition, grid),
            ),
            last_log,
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


def main() -> None:
    Grid(np.array([1], np.uint32), 1, 1)  # loads the kernels
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                asyncio.run(historian(**json.loads(line)))
                code = 0
            finally:
                sys.stderr.flush()
                os._exit(code)
        _, status = os.waitpid(pid, 0)
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        print("killed" if killed else "done" if status == 0 else f"failed {status}", flush=True)


main()
