"""Forgetting: whole days are dropped, oldest first. Rollups stay."""

from __future__ import annotations

from dataclasses import dataclass

from headworks.base import log
from headworks.base.clock import to_datetime
from headworks.history.store import Store

_DAY = 86_400_000_000
_logger = log.get(__name__)
DAILY_TABLES = ("raw", "seg")


@dataclass(frozen=True, slots=True)
class Expired:
    """A day of a table that is older than it has to be kept. `day` is YYYYMMDD (UTC)."""

    table: str
    day: int
    rows: int
    bytes: int


def expired(store: Store, database: str, days: int, now: int) -> list[Expired]:
    """Return the days that end, and were last written, more than `days` days before `now` [µs]; nothing if `days` is not
    positive. A recording of years ago that was replayed yesterday is kept as long as what was measured yesterday."""
    if days <= 0:
        return []
    limit = to_datetime(now - days * _DAY)
    oldest_kept = int(limit.strftime("%Y%m%d"))
    found = store.query(
        "SELECT table, toUInt32(partition) AS day, sum(rows) AS rows, sum(bytes_on_disk) AS bytes FROM system.parts "
        "WHERE active AND database = {db:String} AND table IN ('raw', 'seg') GROUP BY table, day "
        "HAVING day < {day:UInt32} AND rows > 0 AND toUnixTimestamp(max(modification_time)) < {written:Int64} "
        "ORDER BY day, table",
        {"db": database.strip("`"), "day": oldest_kept, "written": int(limit.timestamp())},
    )
    if not found.num_rows:
        return []
    columns = (found[c].to_pylist() for c in ("table", "day", "rows", "bytes"))
    return [Expired(*row) for row in zip(*columns, strict=True)]


def apply_retention(store: Store, database: str, days: int, now: int, *, dry_run: bool = False) -> list[Expired]:
    """Drop the expired days; return them (`dry_run`: only return them)."""
    gone = expired(store, database, days, now)
    if not dry_run:
        for e in gone:
            store.execute(f"ALTER TABLE {database}.{e.table} DROP PARTITION {e.day}")
            _logger.info("day dropped", table=e.table, day=e.day, rows=e.rows, bytes=e.bytes)
    return gone
