"""How fast history stores and answers, beside SQLite in the same run.

    python benchmarks/history.py [--quick]

3,000 tags at 1 Hz: 70 % noise of 3 decimals, 15 % held for a minute, 10 % states, 5 % single precision; times with
millisecond jitter. Ingest is one insert at a time, each synced to disk, and includes the work on rollups and the merges that
follow. SQLite: WAL, synchronous=FULL (a sync per batch as well), WITHOUT ROWID, the key (tag, ts, rev), no rollups. Reads are
medians of repeated calls through the Flight service (SQLite: in process); `samples` and `halved` (two samples a bucket) span the
same time in both. CPU is of the whole process, seconds per million
rows. The last line is one flat JSON object.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from headworks.history.client import HistoryClient
from headworks.history.flight import HistoryService, RunningService
from headworks.history.follow import Alignment
from headworks.history.intake import raw_rows
from headworks.history.segments import HOUR, Stretch, to_batch
from headworks.history.store import Options, Store
from headworks.history.wire import socket_for

TAGS = 3_000
SECOND = 1_000_000
START = 1_700_006_400_000_000
SECRET = "benchmark" * 5
Columns = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def samples(seconds: int, first: int) -> Columns:
    """Return (tag, time, rev, value, status) of `seconds` seconds of all tags, by time."""
    rng = np.random.default_rng(first)
    n = seconds * TAGS
    tag = np.tile(np.arange(1, TAGS + 1, dtype=np.uint32), seconds)
    second = np.repeat(np.arange(first, first + seconds), TAGS)
    jitter = np.where(rng.random(n) < 0.5, 0, rng.integers(0, 900, n)) * 1_000
    value = np.round(rng.normal(50, 10, n), 3)
    kind = tag % 20
    held = (tag * 31 + second // 60) % 997 / 10
    value = np.where(kind < 3, held, value)
    value = np.where((kind >= 3) & (kind < 5), (second // 300 + tag) % 4, value)
    value = np.where(kind == 5, value.astype(np.float32).astype(np.float64), value)
    return tag, START + second * SECOND + jitter, np.zeros(n, np.uint64), value, np.zeros(n, np.uint32)


def batches(seconds: int, per_batch: int) -> Iterator[Columns]:
    for first in range(0, seconds, per_batch):
        yield samples(min(per_batch, seconds - first), first)


class Timer:
    """Wall and processor time of a stretch of work, less the making of the data."""

    def __init__(self) -> None:
        self.wall = self.cpu = 0.0
        self.each: list[float] = []

    def run(self, work: Callable[[], Any]) -> None:
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        self.each.append(time.perf_counter() - wall)
        self.wall += self.each[-1]
        self.cpu += time.process_time() - cpu


def settle(store: Store, database: str, timer: Timer) -> None:
    """Wait for the merges that are under way, as a part of the cost."""
    cpu = time.process_time()
    for _ in range(50):
        time.sleep(0.2)
        if not store.execute("SELECT count() AS c FROM system.merges")["c"][0].as_py():
            break
    timer.cpu += time.process_time() - cpu


def ingest(folder: Path, seconds: int, per_batch: int, codec: str = "alp") -> dict[str, float]:
    with Store(folder, Options(value_codec=codec)) as store:  # type: ignore[arg-type]
        db, timer = store.open_tenant("main"), Timer()
        for i, columns in enumerate(batches(seconds, per_batch)):
            rows = raw_rows(*columns)
            timer.run(lambda rows=rows, i=i: store.insert(f"{db}.raw", rows, f"b-{i}-{i}"))
        settle(store, db, timer)
        n = seconds * TAGS
        size = store.bytes_on_disk()["raw"][1]
    return {
        "rows_per_s": n / timer.wall,
        "cpu_s_per_m_rows": timer.cpu / n * 1e6,
        "insert_p50_ms": statistics.median(timer.each) * 1e3,
        "insert_p99_ms": float(np.quantile(timer.each, 0.99)) * 1e3,
        "bytes_per_row": size / n,
    }


def ingest_sqlite(file: Path, seconds: int, per_batch: int) -> dict[str, float]:
    db = sqlite3.connect(file)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute("CREATE TABLE raw (tag, ts, rev, value, status, PRIMARY KEY (tag, ts, rev)) WITHOUT ROWID")
    timer = Timer()
    for columns in batches(seconds, per_batch):
        rows = list(zip(*(c.tolist() for c in columns), strict=True))

        def insert(rows: list[tuple[Any, ...]] = rows) -> None:
            with db:
                db.executemany("INSERT OR IGNORE INTO raw VALUES (?, ?, ?, ?, ?)", rows)

        timer.run(insert)
    n = seconds * TAGS
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    return {
        "rows_per_s": n / timer.wall,
        "cpu_s_per_m_rows": timer.cpu / n * 1e6,
        "bytes_per_row": file.stat().st_size / n,
    }


def median_ms(work: Callable[[], Any], repeats: int) -> float:
    work()
    timer = Timer()
    for _ in range(repeats):
        timer.run(work)
    return statistics.median(timer.each) * 1e3


def put_segments(store: Store, hours: int) -> None:
    db, tags = store.open_tenant("main"), np.arange(1, TAGS + 1, dtype="<u4")
    alignment = Alignment(tags.tobytes(), SECOND, 30 * SECOND)
    for h in range(hours):
        value = samples(3_600, h * 3_600)[3].reshape(3_600, TAGS)
        hour = START + h * HOUR
        stretch = Stretch(alignment, hour, hour, value, np.zeros(value.shape, np.uint32))
        store.insert(f"{db}.seg", to_batch("p", stretch), f"s-{h}")


def reads(folder: Path, seconds: int, hours: int, repeats: int, span: int) -> dict[str, float]:
    with Store(folder) as store:
        begun = time.perf_counter()
        put_segments(store, hours)
        found = {"segment_write_values_per_s": hours * 3_600 * TAGS / (time.perf_counter() - begun)}
        path = socket_for(folder / "history.sock")
        service = RunningService(HistoryService(store, path, SECRET))
        assert service.wait_until_answering()
        rng, end = np.random.default_rng(1), START + seconds * SECOND

        def tag() -> int:
            return int(rng.integers(1, TAGS + 1))

        with HistoryClient(path, SECRET) as client:
            found["trend_1_tag_samples_ms"] = median_ms(
                lambda: client.trend([tag()], START, START + span * SECOND, points=1_000), repeats
            )
            found["trend_1_tag_halved_ms"] = median_ms(
                lambda: client.trend([tag()], START, START + span * SECOND, points=span // 2), repeats
            )
            found["trend_1_tag_whole_800_points_ms"] = median_ms(
                lambda: client.trend([tag()], START, end, points=min(800, seconds // 2)), repeats
            )
            found["trend_8_tags_whole_800_points_ms"] = median_ms(
                lambda: client.trend(rng.choice(TAGS, 8, replace=False) + 1, START, end, points=min(800, seconds // 2)),
                repeats,
            )
            found["latest_3000_tags_ms"] = median_ms(lambda: client.latest(range(1, TAGS + 1)), repeats)
            everything = range(1, TAGS + 1)
            cells = hours * 3_600 * TAGS

            def matrix() -> None:
                got = sum(c.value.size for c in client.matrix_chunks(everything, START, START + hours * HOUR))
                assert got == cells

            ms = median_ms(matrix, max(1, repeats // 10))
            found["matrix_3000_tags_1_h_ms"] = ms / hours
            found["matrix_values_per_s"] = cells / ms * 1e3
        service.stop()
    return found


def reads_sqlite(file: Path, seconds: int, repeats: int) -> dict[str, float]:
    db, rng = sqlite3.connect(file), np.random.default_rng(1)
    end, width = START + seconds * SECOND, seconds * SECOND // (seconds // 2)

    def tag() -> int:
        return int(rng.integers(1, TAGS + 1))

    raw = "SELECT ts, value, status FROM raw WHERE tag = ? AND ts >= ? AND ts < ? AND rev = 0 ORDER BY ts"
    buckets = (
        "SELECT ts / ?, min(value), max(value), avg(value), count(*) FROM raw WHERE tag = ? AND ts >= ? AND ts < ? "
        "AND rev = 0 GROUP BY 1"
    )
    return {
        "trend_1_tag_samples_ms": median_ms(lambda: db.execute(raw, (tag(), START, end)).fetchall(), repeats),
        "trend_1_tag_halved_ms": median_ms(lambda: db.execute(buckets, (width, tag(), START, end)).fetchall(), repeats),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="less than a minute")
    quick = parser.parse_args().quick
    seconds, hours, repeats, peer_seconds = (300, 1, 20, 100) if quick else (3_600, 4, 50, 600)
    result: dict[str, Any] = {"quick": quick, "rows": seconds * TAGS}
    with tempfile.TemporaryDirectory(prefix="headworks-bench-") as name:
        folder = Path(name)
        for label, per_batch in (("30k", 10), ("100k", 33)):
            part = ingest(folder / label, seconds, per_batch)
            result |= {f"ingest_{label}_{k}": v for k, v in part.items()}
        result |= {f"ingest_100k_zstd_{k}": v for k, v in ingest(folder / "zstd", seconds, 33, "zstd").items()}
        peer = ingest_sqlite(folder / "peer.sqlite3", peer_seconds, 10)
        result |= {"sqlite_rows": peer_seconds * TAGS} | {f"sqlite_ingest_30k_{k}": v for k, v in peer.items()}
        result |= {f"read_{k}": v for k, v in reads(folder / "100k", seconds, hours, repeats, peer_seconds).items()}
        result |= {
            f"sqlite_read_{k}": v for k, v in reads_sqlite(folder / "peer.sqlite3", peer_seconds, repeats).items()
        }
    result = {k: round(v, 3 if v < 100 else 0) if isinstance(v, float) else v for k, v in result.items()}
    for k, v in result.items():
        print(f"{k:50s} {v:>16,}" if not isinstance(v, bool) else f"{k:50s} {v!s:>16}")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
