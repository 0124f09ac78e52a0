"""Questions to the store, answered as Arrow tables (the matrix: as chunks of NumPy)."""

# ruff: noqa: S608 - identifiers are the product's own or checked tokens, values are bound or integers
from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from headworks.base.errors import Problem
from headworks.base.status import BAD, BAD_NO_DATA
from headworks.history.columns import column
from headworks.history.errors import BadQuery
from headworks.history.segments import HOUR, MatrixChunk, Segments, assemble
from headworks.history.store import Store
from headworks.history.ticket import Count, Latest, Matrix, Mode, Raw, Trend

MAX_TREND_TAGS = 200
MAX_POINTS = 20_000
MAX_RAW_ROWS = 1_000_000
MAX_TAGS = 20_000
_MINUTE = 60_000_000
_EXACT_COUNT_SPAN = 3 * 24 * HOUR
_CELLS = 4_000_000
_TAG_BLOCK = 500
_GOOD = "(isFinite(value) AND status < 2147483648)"
_US = "toUnixTimestamp64Micro(ts)"
_RANGE = "tag IN {tags:Array(UInt32)} AND ts >= fromUnixTimestamp64Micro({start:Int64}, 'UTC') " + (
    "AND ts < fromUnixTimestamp64Micro({stop:Int64}, 'UTC')"
)
TREND_SCHEMA = pa.schema(
    [
        ("tag", pa.uint32()),
        ("time", pa.int64()),
        ("min", pa.float64()),
        ("max", pa.float64()),
        ("mean", pa.float64()),
        ("first", pa.float64()),
        ("last", pa.float64()),
        ("n", pa.uint64()),
        ("bad", pa.uint64()),
        ("status", pa.uint32()),
    ]
)
RAW_SCHEMA = pa.schema(
    [
        ("tag", pa.uint32()),
        ("time", pa.int64()),
        ("rev", pa.uint64()),
        ("value", pa.float64()),
        ("status", pa.uint32()),
    ]
)
LATEST_SCHEMA = pa.schema(
    [("tag", pa.uint32()), ("time", pa.int64()), ("value", pa.float64()), ("status", pa.uint32())]
)
COUNT_SCHEMA = pa.schema([("tag", pa.uint32()), ("n", pa.uint64())])
STATS_SCHEMA = pa.schema([("table", pa.string()), ("rows", pa.uint64()), ("bytes", pa.uint64())])


def _check(tags: Sequence[int], most_tags: int, start: int = 0, stop: int = 1, **counts: tuple[int, int]) -> None:
    """Refuse what cannot be answered; `counts` are (value, greatest allowed)."""
    problems = []
    if not 0 < len(tags) <= most_tags:
        problems.append(Problem(field="tags", value=len(tags), code="history.limit", params={"max": most_tags}))
    if not 0 <= start < stop < 1 << 62:
        problems.append(Problem(field="start", value=[start, stop], code="history.span"))
    for name, (value, most) in counts.items():
        if not 0 < value <= most:
            problems.append(Problem(field=name, value=value, code="history.limit", params={"max": most}))
    if problems:
        raise BadQuery(problems=problems)


def _revisions(mode: Mode) -> str:
    return {"as_live": "rev = 0", "as_corrected": "1", "as_of": "rev <= {rev:UInt64}"}[mode]


def _samples(db: str, mode: Mode) -> str:
    """Return a subquery of the samples a mode sees: columns tag, ts, rev, value, status."""
    plain = f"SELECT tag, ts, rev, value, status FROM {db}.raw WHERE {_RANGE} AND {_revisions(mode)}"
    if mode == "as_live":
        return plain
    return f"{plain} ORDER BY tag, ts, rev DESC LIMIT 1 BY tag, ts"


def _cast(table: pa.Table, schema: pa.Schema) -> pa.Table:
    if table.num_rows == 0:
        return schema.empty_table()
    return table.select(schema.names).cast(schema)


class Queries:
    """Read access to one tenant."""

    def __init__(self, store: Store, database: str) -> None:
        self._store = store
        self._db = database

    def _ask(self, statement: str, **parameters: Any) -> pa.Table:
        return self._store.query(statement, parameters)

    # --- samples --------------------------------------------------------------------------------------------------

    def raw(self, q: Raw) -> pa.Table:
        """Return samples by tag and time; the schema's metadata says whether the limit cut them off (``truncated``)."""
        _check(q.tags, MAX_TAGS, q.start, q.stop, limit=(q.limit, MAX_RAW_ROWS))
        found = self._ask(
            f"SELECT tag, {_US} AS time, rev, value, status FROM ({_samples(self._db, q.mode)}) "
            "ORDER BY tag, ts LIMIT {most:UInt64}",
            tags=list(q.tags),
            start=q.start,
            stop=q.stop,
            rev=q.rev,
            most=q.limit + 1,
        )
        truncated = found.num_rows > q.limit
        return _cast(found.slice(0, q.limit), RAW_SCHEMA).replace_schema_metadata({"truncated": str(int(truncated))})

    def latest(self, q: Latest) -> pa.Table:
        _check(q.tags, MAX_TAGS)
        found = self._ask(
            f"SELECT tag, {_US} AS time, value, status FROM {self._db}.newest FINAL "
            "WHERE tag IN {tags:Array(UInt32)} ORDER BY tag",
            tags=list(q.tags),
        )
        return _cast(found, LATEST_SCHEMA)

    def count(self, q: Count) -> pa.Table:
        """Return how many samples there are of each tag; no tags: of all."""
        _check(q.tags or (0,), MAX_TAGS, q.start, q.stop)
        which = _RANGE if q.tags else _RANGE.split(" AND ", 1)[1]
        what = "uniqExact(ts)" if q.late else "count()"
        found = self._ask(
            f"SELECT tag, {what} AS n FROM {self._db}.raw WHERE {which} AND {'1' if q.late else 'rev = 0'} "
            "GROUP BY tag ORDER BY tag",
            tags=list(q.tags),
            start=q.start,
            stop=q.stop,
        )
        return _cast(found, COUNT_SCHEMA)

    def stats(self) -> pa.Table:
        found = self._ask(
            "SELECT table, sum(rows) AS rows, sum(bytes_on_disk) AS bytes FROM system.parts "
            "WHERE active AND database = {db:String} GROUP BY table ORDER BY table",
            db=self._db.strip("`"),
        )
        return _cast(found, STATS_SCHEMA)

    # --- trends ---------------------------------------------------------------------------------------------------

    def trend(self, q: Trend) -> pa.Table:
        """Return buckets by tag and time; a tag with few samples gets each as a bucket of its own.

        Buckets start at multiples of their width. From one minute on they are made of rollups, so the first and last may
        hold samples just outside the span. min, max, mean, first, last are of good samples, NaN if there are none;
        `status` is the worst in the bucket.
        """
        _check(q.tags, MAX_TREND_TAGS, q.start, q.stop, points=(q.points, MAX_POINTS))
        counts = self._row_counts(q)
        few = [t for t, n in counts.items() if n <= q.points]
        many = [t for t, n in counts.items() if n > q.points]
        parts = [self._singles(q, few)] if few else []
        if many:
            parts.extend(self._buckets(q, many))
        if not parts:
            return TREND_SCHEMA.empty_table()
        return pa.concat_tables(parts).sort_by([("tag", "ascending"), ("time", "ascending")])

    def _row_counts(self, q: Trend) -> dict[int, int]:
        """Return tag -> number of rows, exact for short spans, by hours else."""
        p = {"tags": list(q.tags), "start": q.start, "stop": q.stop, "rev": q.rev}
        if q.stop - q.start <= _EXACT_COUNT_SPAN or q.mode != "as_live":
            statement = (
                f"SELECT tag, count() AS c FROM {self._db}.raw WHERE {_RANGE} AND {_revisions(q.mode)} GROUP BY tag"
            )
        else:
            statement = (
                f"SELECT tag, sum(n + bad) AS c FROM {self._db}.h1 WHERE tag IN {{tags:Array(UInt32)}} "
                "AND at >= toDateTime(intDiv({start:Int64}, 3600000000) * 3600, 'UTC') "
                "AND at < toDateTime(intDiv({stop:Int64} + 999999, 1000000), 'UTC') GROUP BY tag"
            )
        found = self._ask(statement, **p)
        if not found.num_rows:
            return {}
        return dict(zip(found["tag"].to_pylist(), found["c"].to_pylist(), strict=True))

    def _singles(self, q: Trend, tags: list[int]) -> pa.Table:
        found = self._ask(
            f"SELECT tag, {_US} AS time, value, status FROM ({_samples(self._db, q.mode)}) ORDER BY tag, ts",
            tags=tags,
            start=q.start,
            stop=q.stop,
            rev=q.rev,
        )
        if not found.num_rows:
            return TREND_SCHEMA.empty_table()
        value, status = found["value"].to_numpy().copy(), found["status"].to_numpy()
        good = np.isfinite(value) & (status < BAD)
        value[~good] = np.nan
        v, n, bad = column(value), column(good.astype(np.uint64)), column((~good).astype(np.uint64))
        columns = [found["tag"], found["time"], v, v, v, v, v, n, bad, found["status"]]
        return pa.table(columns, names=TREND_SCHEMA.names).cast(TREND_SCHEMA)

    def _buckets(self, q: Trend, tags: list[int]) -> list[pa.Table]:
        width = -((q.start - q.stop) // q.points)
        if width < _MINUTE:
            return [self._buckets_of_raw(q, tags, width, q.start, q.stop)]
        unit, table = (HOUR, "h1") if width >= HOUR else (_MINUTE, "m1")
        width = -(-width // unit) * unit
        hole = self._corrected_span(q, tags)
        if hole is None:
            return [self._buckets_of_rollup(q, tags, table, width, unit, (0, 0))]
        low, high = hole[0] - hole[0] % width, hole[1] - hole[1] % width + width
        return [
            self._buckets_of_rollup(q, tags, table, width, unit, (low, high)),
            self._buckets_of_raw(q, tags, width, max(low, q.start), min(high, q.stop)),
        ]

    def _corrected_span(self, q: Trend, tags: list[int]) -> tuple[int, int] | None:
        """Return the first and last time of a correction that the mode sees; rollups know nothing of them."""
        if q.mode == "as_live":
            return None
        found = self._ask(
            f"SELECT count() AS c, min({_US}) AS a, max({_US}) AS b FROM {self._db}.raw "
            f"WHERE {_RANGE} AND rev > 0 AND {_revisions(q.mode)}",
            tags=tags,
            start=q.start,
            stop=q.stop,
            rev=q.rev,
        )
        return (found["a"][0].as_py(), found["b"][0].as_py()) if found["c"][0].as_py() else None

    def _buckets_of_raw(self, q: Trend, tags: list[int], width: int, start: int, stop: int) -> pa.Table:
        found = self._ask(
            f"""SELECT tag, intDiv({_US}, {{w:Int64}}) * {{w:Int64}} AS time, minIf(value, {_GOOD}) AS min,
            maxIf(value, {_GOOD}) AS max, sumIf(value, {_GOOD}) AS s, argMinIf(value, ts, {_GOOD}) AS first,
            argMaxIf(value, ts, {_GOOD}) AS last, countIf({_GOOD}) AS n, count() - n AS bad, max(status) AS worst
            FROM ({_samples(self._db, q.mode)}) GROUP BY tag, time""",
            tags=tags,
            start=start,
            stop=stop,
            rev=q.rev,
            w=width,
        )
        return _with_mean(found)

    def _buckets_of_rollup(
        self, q: Trend, tags: list[int], table: str, width: int, unit: int, hole: tuple[int, int]
    ) -> pa.Table:
        us = "toInt64(toUnixTimestamp(at)) * 1000000"
        found = self._ask(
            f"""SELECT tag, intDiv({us}, {{w:Int64}}) * {{w:Int64}} AS time, min(mn) AS min, max(mx) AS max, sum(r.s) AS s,
            argMinMerge(r.first) AS first, argMaxMerge(r.last) AS last, sum(r.n) AS n, sum(r.bad) AS bad,
            max(r.worst) AS worst
            FROM {self._db}.{table} AS r WHERE tag IN {{tags:Array(UInt32)}} AND {us} >= {{start:Int64}}
            AND {us} < {{stop:Int64}} AND NOT ({us} >= {{low:Int64}} AND {us} < {{high:Int64}})
            GROUP BY tag, time""",
            tags=tags,
            start=q.start - q.start % unit,
            stop=q.stop,
            w=width,
            low=hole[0],
            high=hole[1],
        )
        return _with_mean(found)

    # --- matrices -------------------------------------------------------------------------------------------------

    def matrix(self, q: Matrix) -> Iterator[MatrixChunk]:
        """Hand out the grid, oldest ticks first, an hour or less at a time (more hours where ticks are long)."""
        _check(q.tags, MAX_TAGS, q.start, q.stop)
        if len(set(q.tags)) != len(q.tags):
            raise BadQuery(problems=[Problem(field="tags", value=len(q.tags), code="history.repeated_tag")])
        tags = np.array(q.tags, np.uint32)
        hours = self._hours(q)
        corrected = self._corrected_tags(q) if q.mode != "as_live" else {}
        i = 0
        while i < len(hours):
            hour, length = hours[i]
            most = max(1, _CELLS // (len(tags) * max(length, 1)))
            j = i + 1
            while j < len(hours) and j - i < most and hours[j][0] == hours[j - 1][0] + HOUR:
                j += 1
            yield from self._window(q, tags, hour, hours[j - 1][0] + HOUR, length, corrected)
            i = j

    def _hours(self, q: Matrix) -> list[tuple[int, int]]:
        """Return the hours that hold anything for the tags, with the ticks of the fullest tag."""
        where, p = self._where(q, q.start - q.start % HOUR, q.stop)
        one = (
            "SELECT toInt64(toUnixTimestamp(hour)) * 1000000 AS h, {} AS k, min(tick) AS a, max(tick) AS b FROM {}.{} "
        )
        found = self._ask(
            f"SELECT h, max(k) AS k, min(a) AS a, max(b) AS b FROM ("
            f"{one.format('max(length(value))', self._db, 'seg')} WHERE {where} GROUP BY h UNION ALL "
            f"{one.format('intDiv(3600000000, min(tick))', self._db, 'seg_recent')} WHERE {where} GROUP BY h"
            f") GROUP BY h ORDER BY h",
            **p,
            tags=list(q.tags),
        )
        if not found.num_rows:
            return []
        ticks = {*found["a"].to_pylist(), *found["b"].to_pylist()}
        if len(ticks) > 1:
            raise BadQuery(problems=[Problem(field="tick", value=sorted(ticks), code="history.mixed_ticks")])
        return list(zip(found["h"].to_pylist(), found["k"].to_pylist(), strict=True))

    def _where(self, q: Matrix, low: int, high: int) -> tuple[str, dict[str, Any]]:
        """Return a condition on segments of the hours in [low, high) and its parameters, but for the tags."""
        where = (
            "hour >= toDateTime({low:Int64}, 'UTC') AND hour < toDateTime({high:Int64}, 'UTC') "
            "AND tag IN {tags:Array(UInt32)}"
        )
        p: dict[str, Any] = {"low": low // 1_000_000, "high": -(-high // 1_000_000)}
        if q.tick:
            where, p["tick"] = where + " AND tick = {tick:UInt64}", q.tick
        if q.partition:
            where, p["part"] = where + " AND part = {part:String}", q.partition
        return where, p

    def _window(
        self,
        q: Matrix,
        tags: NDArray[np.uint32],
        low: int,
        high: int,
        length: int,
        corrected: dict[int, tuple[int, int]],
    ) -> Iterator[MatrixChunk]:
        """Hand out the hours [low, high), in slices of bounded size."""
        pieces = max(1, -(-len(tags) * length // (2 * _CELLS))) if high - low == HOUR else 1
        segments = self._segments(q, low, high)
        rows = _chosen(segments)
        staleness = {int(segments.tag[r]): int(segments.staleness[r]) for r in rows}
        step = -(-(high - low) // pieces)
        for a in range(low, high, step):
            chunk = assemble(segments, rows, tags, max(a, q.start), min(a + step, high, q.stop))
            if len(chunk.ticks):
                if corrected:
                    self._overlay(q, chunk, tags, staleness, corrected)
                yield chunk

    def _segments(self, q: Matrix, low: int, high: int) -> Segments:
        where, p = self._where(q, low, high)
        columns = "tag, part, tick, staleness, first, value, run_at, run_status"
        tables = []
        for i in range(0, len(q.tags), _TAG_BLOCK):
            found = self._ask(
                f"SELECT {columns}, toUInt8(0) AS recent FROM {self._db}.seg WHERE {where} "
                f"UNION ALL SELECT {columns}, toUInt8(1) FROM {self._db}.seg_recent WHERE {where}",
                **p,
                tags=list(q.tags[i : i + _TAG_BLOCK]),
            )
            if found.num_rows:
                tables.append(_without_superseded(found))
        return Segments.of(pa.concat_tables(tables)) if tables else Segments.empty()

    def _corrected_tags(self, q: Matrix) -> dict[int, tuple[int, int]]:
        """Return tag -> (first, last) time of a late or corrected sample that can show in the range."""
        found = self._ask(
            f"SELECT tag, min({_US}) AS a, max({_US}) AS b FROM {self._db}.raw "
            f"WHERE {_RANGE} AND rev > 0 AND {_revisions(q.mode)} GROUP BY tag",
            tags=list(q.tags),
            start=max(0, q.start - 24 * HOUR),
            stop=q.stop,
            rev=q.rev,
        )
        if not found.num_rows:
            return {}
        columns = (found[c].to_pylist() for c in ("tag", "a", "b"))
        return {t: (a, b) for t, a, b in zip(*columns, strict=True)}

    def _overlay(
        self,
        q: Matrix,
        chunk: MatrixChunk,
        tags: NDArray[np.uint32],
        staleness: dict[int, int],
        corrected: dict[int, tuple[int, int]],
    ) -> None:
        """Compute the lanes of tags with corrections again, from their samples."""
        first, last = int(chunk.ticks[0]), int(chunk.ticks[-1])
        lanes = [
            i
            for i, t in enumerate(tags.tolist())
            if t in corrected and t in staleness and corrected[t][0] <= last and corrected[t][1] > first - staleness[t]
        ]
        if not lanes:
            return
        most = max(staleness[int(tags[i])] for i in lanes)
        found = self._ask(
            f"SELECT tag, {_US} AS time, value, status FROM ({_samples(self._db, q.mode)}) ORDER BY tag, ts",
            tags=[int(tags[i]) for i in lanes],
            start=max(0, first - most),
            stop=last + 1,
            rev=q.rev,
        )
        tag, time = found["tag"].to_numpy(), found["time"].to_numpy()
        value, status = found["value"].to_numpy(), found["status"].to_numpy()
        for i in lanes:
            a, b = np.searchsorted(tag, [tags[i], tags[i] + 1])
            newest = np.searchsorted(time[a:b], chunk.ticks, "right") - 1
            held = newest >= 0
            held[held] = time[a:b][newest[held]] > chunk.ticks[held] - staleness[int(tags[i])]
            sample = newest[held]
            v, s = value[a:b][sample].copy(), status[a:b][sample].copy()
            s[~np.isfinite(v) & (s < BAD)] = BAD_NO_DATA
            v[s >= BAD] = np.nan
            chunk.value[i], chunk.status[i] = np.nan, BAD_NO_DATA
            chunk.value[i, held], chunk.status[i, held] = v, s


def _with_mean(found: pa.Table) -> pa.Table:
    """Finish buckets: the mean, and NaN where a bucket holds no good sample."""
    if not found.num_rows:
        return TREND_SCHEMA.empty_table()
    n = found["n"].to_numpy().astype(np.float64)
    none = n == 0
    columns: dict[str, Any] = {c: found[c] for c in ("tag", "time", "n", "bad")}
    columns["status"] = found["worst"]
    for c in ("min", "max", "first", "last"):
        columns[c] = column(np.where(none, np.nan, found[c].to_numpy()))
    columns["mean"] = column(np.where(none, np.nan, found["s"].to_numpy() / np.where(none, 1.0, n)))
    return pa.table({name: columns[name] for name in TREND_SCHEMA.names}).cast(TREND_SCHEMA)


def _without_superseded(found: pa.Table) -> pa.Table:
    """Drop parts of hours whose segments exist: both are there for a moment while an hour is compacted."""
    recent = found["recent"].to_numpy() == 1
    if not recent.any() or recent.all():
        return found
    keys = list(
        zip(
            found["tag"].to_pylist(),
            found["part"].to_pylist(),
            (found["first"].cast(pa.int64()).to_numpy() // HOUR).tolist(),
            strict=True,
        )
    )
    whole = {k for k, r in zip(keys, recent, strict=True) if not r}
    return found.filter(pa.array([not (r and k in whole) for k, r in zip(keys, recent, strict=True)]))


def _chosen(segments: Segments) -> NDArray[np.intp]:
    """Return the rows to use: a tag that two partitions hold is read from the first of them (by name)."""
    rows = np.arange(len(segments), dtype=np.intp)
    if len(segments) == 0 or len(set(segments.part.tolist())) == 1:
        return rows
    owner: dict[int, str] = {}
    for tag, part in zip(segments.tag.tolist(), segments.part.tolist(), strict=True):
        owner[tag] = min(part, owner.get(tag, part))
    return np.array([r for r in rows if owner[int(segments.tag[r])] == segments.part[r]], np.intp)
