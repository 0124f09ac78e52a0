"""Hourly segments of the as-live grid: from rows to segments, from parts of an hour to the hour, and back to a matrix.

A segment holds consecutive ticks of one tag within one hour: tick (i) = `first` + i * `tick`. Statuses are runs:
`run_status[j]` from index `run_at[j]` on. An hour of a tag is several segments where the plan changed its tick, or where
the grid jumped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from headworks.base.errors import Fault
from headworks.base.status import BAD_NO_DATA
from headworks.history.columns import MICROS, SECONDS, column, lists, repeated
from headworks.history.follow import Alignment, Released

HOUR = 3_600_000_000
_SCHEMA = pa.schema(
    [
        ("hour", SECONDS),
        ("tag", pa.uint32()),
        ("part", pa.string()),
        ("tick", pa.uint64()),
        ("staleness", pa.uint64()),
        ("first", MICROS),
        ("value", pa.list_(pa.float64())),
        ("run_at", pa.list_(pa.uint32())),
        ("run_status", pa.list_(pa.uint32())),
    ]
)
COLUMNS = ", ".join(_SCHEMA.names)


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """Consecutive ticks of one hour under one alignment: value f64[k, n], status u32[k, n]."""

    alignment: Alignment
    hour: int
    first: int
    value: NDArray[np.float64]
    status: NDArray[np.uint32]


def stretches(released: Iterable[Released]) -> Iterator[Stretch]:
    """Join released rows and cut them at hours, jumps and changes of the plan."""
    group: list[Released] = []
    for r in released:
        if group:
            last, tick = group[-1], r.alignment.tick
            follows = r.rows.ticks[0] == last.rows.ticks[-1] + tick
            if r.alignment != last.alignment or not follows:
                yield from _cut(group)
                group = []
        group.append(r)
    if group:
        yield from _cut(group)


def _cut(group: Sequence[Released]) -> Iterator[Stretch]:
    ticks = np.concatenate([r.rows.ticks for r in group])
    value = np.concatenate([r.rows.value for r in group])
    status = np.concatenate([r.rows.status for r in group])
    hours = ticks - ticks % HOUR
    breaks = np.flatnonzero((np.diff(hours) != 0) | (np.diff(ticks) != group[0].alignment.tick)) + 1
    for start, stop in zip((0, *breaks), (*breaks, len(ticks)), strict=True):
        yield Stretch(group[0].alignment, int(hours[start]), int(ticks[start]), value[start:stop], status[start:stop])


def runs(status: NDArray[np.uint32]) -> tuple[NDArray[np.uint32], NDArray[np.uint32], NDArray[np.int64]]:
    """Return (start index, status, runs per lane) of lane-major statuses u32[n, k]."""
    change = np.ones(status.shape, bool)
    np.not_equal(status[:, 1:], status[:, :-1], out=change[:, 1:])
    lane, start = np.nonzero(change)
    return start.astype(np.uint32), status[lane, start], np.bincount(lane, minlength=len(status))


def to_batch(part: str, stretch: Stretch) -> pa.RecordBatch:
    """Return one row per tag of a stretch."""
    k, n = stretch.value.shape
    at, status, counts = runs(np.ascontiguousarray(stretch.status.T))
    values = np.ascontiguousarray(stretch.value.T).reshape(-1)
    a = stretch.alignment
    return pa.record_batch(
        [
            column(np.full(n, stretch.hour // 1_000_000), SECONDS),
            column(a.columns),
            repeated(part, n),
            column(np.full(n, a.tick, np.uint64)),
            column(np.full(n, a.staleness, np.uint64)),
            column(np.full(n, stretch.first), MICROS),
            lists(column(values), np.full(n, k)),
            lists(column(at), counts),
            lists(column(status), counts),
        ],
        schema=_SCHEMA,
    )


def join_batches(batches: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    return pa.Table.from_batches(batches, _SCHEMA).combine_chunks().to_batches()[0]


@dataclass(frozen=True, slots=True, eq=False)
class Segments:
    """Segments as columns; row i has values `flat[offset[i]:offset[i + 1]]`."""

    tag: NDArray[np.uint32]
    part: NDArray[np.object_]
    tick: NDArray[np.int64]
    staleness: NDArray[np.int64]
    first: NDArray[np.int64]
    offset: NDArray[np.int64]
    flat: NDArray[np.float64]
    run_offset: NDArray[np.int64]
    run_at: NDArray[np.uint32]
    run_status: NDArray[np.uint32]

    @classmethod
    def of(cls, table: pa.Table) -> Segments:
        t = table.combine_chunks()

        def column(name: str) -> pa.Array:
            c = t[name]
            found = c.chunk(0) if c.num_chunks else pa.array([], c.type)
            return found.cast(_SCHEMA.field(name).type)

        value, at, status = column("value"), column("run_at"), column("run_status")
        return cls(
            column("tag").to_numpy(zero_copy_only=False),
            np.array(column("part").to_pylist(), object),
            column("tick").to_numpy(zero_copy_only=False).astype(np.int64),
            column("staleness").to_numpy(zero_copy_only=False).astype(np.int64),
            column("first").cast(pa.int64()).to_numpy(zero_copy_only=False),
            value.offsets.to_numpy(zero_copy_only=False).astype(np.int64),
            value.values.to_numpy(zero_copy_only=False),
            at.offsets.to_numpy(zero_copy_only=False).astype(np.int64),
            at.values.to_numpy(zero_copy_only=False),
            status.values.to_numpy(zero_copy_only=False),
        )

    @classmethod
    def empty(cls) -> Segments:
        return cls.of(_SCHEMA.empty_table())

    def __len__(self) -> int:
        return len(self.tag)

    @property
    def length(self) -> NDArray[np.int64]:
        return np.diff(self.offset)


@dataclass(frozen=True, slots=True, eq=False)
class MatrixChunk:
    """Some rows of the grid, lane-major: ticks i64[k] [µs], value f64[n, k], status u32[n, k]; lanes as asked for."""

    ticks: NDArray[np.int64]
    value: NDArray[np.float64]
    status: NDArray[np.uint32]


def assemble(
    segments: Segments, rows: NDArray[np.intp], tags: NDArray[np.uint32], start: int, stop: int
) -> MatrixChunk:
    """Return the ticks in [start, stop) that the chosen segments hold, for the lanes `tags`.

    A tick exists if any of the segments holds it; a lane without it is NaN with the status BadNoData. `rows` must be of
    one tick length.
    """
    length, tick = segments.length, int(segments.tick[rows[0]]) if len(rows) else 1
    spans = sorted({(int(segments.first[r]), int(length[r])) for r in rows})
    grids = [np.arange(first, first + k * tick, tick) for first, k in spans]
    ticks = np.unique(np.concatenate(grids)) if grids else np.empty(0, np.int64)
    ticks = ticks[(ticks >= start) & (ticks < stop)]
    lane_of = {int(t): i for i, t in enumerate(tags)}
    value = np.full((len(tags), len(ticks)), np.nan)
    status = np.full((len(tags), len(ticks)), BAD_NO_DATA, np.uint32)
    if not len(ticks):
        return MatrixChunk(ticks, value, status)
    for r in rows:
        lane = lane_of[int(segments.tag[r])]
        first, k, offset = int(segments.first[r]), int(length[r]), int(segments.offset[r])
        skip = max(0, -((first - start) // tick)) if first < start else 0
        keep = min(k, -((first - stop) // tick))
        if keep <= skip:
            continue
        at = int(np.searchsorted(ticks, first + skip * tick))
        if ticks[at] != first + skip * tick:
            raise Fault("history.fault", reason="segments of one tick length do not share a phase")
        value[lane, at : at + keep - skip] = segments.flat[offset + skip : offset + keep]
        a, b = int(segments.run_offset[r]), int(segments.run_offset[r + 1])
        if b - a == 1:
            status[lane, at : at + keep - skip] = segments.run_status[a]
        else:
            lengths = np.diff(np.append(segments.run_at[a:b], k).astype(np.int64))
            whole = np.repeat(segments.run_status[a:b], lengths)
            status[lane, at : at + keep - skip] = whole[skip:keep]
    return MatrixChunk(ticks, value, status)


def compact(segments: Segments, part: str, hour: int) -> pa.RecordBatch:
    """Join the parts of an hour, sorted by (tag, first), to as few segments as possible."""
    length, n = segments.length, len(segments)
    end = segments.first + length * segments.tick
    new = np.ones(n, bool)
    new[1:] = (
        (segments.tag[1:] != segments.tag[:-1])
        | (segments.tick[1:] != segments.tick[:-1])
        | (segments.staleness[1:] != segments.staleness[:-1])
        | (segments.first[1:] != end[:-1])
    )
    heads = np.flatnonzero(new)
    bounds = np.append(heads, n)
    # Runs: shift each part's starts by what its segment already holds, and drop those that only repeat the run before.
    group = np.cumsum(new) - 1
    before = segments.offset[:-1] - segments.offset[heads][group]
    counts = np.diff(segments.run_offset)
    at = segments.run_at + np.repeat(before, counts)
    run_group = np.repeat(group, counts)
    keep = np.ones(len(at), bool)
    keep[1:] = (run_group[1:] != run_group[:-1]) | (segments.run_status[1:] != segments.run_status[:-1])
    kept = np.bincount(run_group[keep], minlength=len(heads))
    return pa.record_batch(
        [
            column(np.full(len(heads), hour // 1_000_000), SECONDS),
            column(segments.tag[heads]),
            repeated(part, len(heads)),
            column(segments.tick[heads].astype(np.uint64)),
            column(segments.staleness[heads].astype(np.uint64)),
            column(segments.first[heads], MICROS),
            lists(column(segments.flat), np.diff(segments.offset[bounds])),
            lists(column(at[keep].astype(np.uint32)), kept),
            lists(column(segments.run_status[keep]), kept),
        ],
        schema=_SCHEMA,
    )
