"""The newest value of every tag, as arrays indexed by tag id."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headworks.bus.batch import SampleBatch

NO_TIME = -(1 << 63)
"""The time [µs] of a tag that never had a sample: before every time, so any sample is newer."""

MAX_TAGS = 10_000_000
Row = list[Any]


class LatestValues:
    """Newest sample of each tag.

    Attributes
    ----------
    time : i64[capacity] [µs], NO_TIME where nothing is known
    value : f64[capacity], NaN where there is no value
    status : u32[capacity]

    Tag ids are dense, so arrays indexed by id are smaller and faster than a dict.
    """

    def __init__(self, capacity: int = 1024) -> None:
        self.time: NDArray[np.int64] = np.full(capacity, NO_TIME, np.int64)
        self.value: NDArray[np.float64] = np.full(capacity, np.nan, np.float64)
        self.status: NDArray[np.uint32] = np.zeros(capacity, np.uint32)

    def update(self, batch: SampleBatch) -> None:
        """Take the samples that are newer than what is known; of equal times the first received stays."""
        if len(batch) and int(batch.tag.max()) >= MAX_TAGS:
            batch = batch[batch.tag < MAX_TAGS]  # no installation has them; the arrays must not grow without end
        if not len(batch):
            return
        self._reserve(int(batch.tag.max()) + 1)
        newest = newest_rows(batch)
        tag, time = batch.tag[newest], batch.time[newest]
        newer = time > self.time[tag]
        tag, rows = tag[newer], newest[newer]
        self.time[tag] = batch.time[rows]
        self.value[tag] = batch.value[rows]
        self.status[tag] = batch.status[rows]

    def rows(self, ids: Sequence[int] | NDArray[np.uint32]) -> list[Row]:
        """Return ``[tag, time_ms, value | NaN, status]`` of the known ones among `ids`."""
        tag = np.asarray(ids, np.int64)
        tag = tag[(tag >= 0) & (tag < len(self.time))]
        tag = tag[self.time[tag] != NO_TIME]
        return make_rows(tag, self.time[tag], self.value[tag], self.status[tag])

    def of(self, ids: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
        """Return time and status of `ids`, whether known or not."""
        if len(ids):
            self._reserve(int(ids.max()) + 1)
        return self.time[ids], self.status[ids]

    def _reserve(self, size: int) -> None:
        have = len(self.time)
        if size <= have:
            return
        more = max(size, 2 * have) - have
        self.time = np.concatenate([self.time, np.full(more, NO_TIME, np.int64)])
        self.value = np.concatenate([self.value, np.full(more, np.nan)])
        self.status = np.concatenate([self.status, np.zeros(more, np.uint32)])


def newest_rows(batch: SampleBatch) -> NDArray[np.intp]:
    """Return the row of the newest sample of each tag, in order of tag; of equal times the first row."""
    order = np.lexsort((-np.arange(len(batch)), batch.time, batch.tag))
    tag = batch.tag[order]
    last = np.append(tag[1:] != tag[:-1], True)
    newest: NDArray[np.intp] = order[last]
    return newest


def make_rows(
    tag: NDArray[Any], time: NDArray[np.int64], value: NDArray[np.float64], status: NDArray[np.uint32]
) -> list[Row]:
    """Return samples as rows of the live protocol; NaN becomes null when they are encoded."""
    columns = (tag.tolist(), (time // 1000).tolist(), value.tolist(), status.tolist())
    return [list(row) for row in zip(*columns, strict=True)]
