"""Which tags are bad or stale, and how that looks from every asset above them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headworks.base.status import BAD
from headworks.control.live.values import NO_TIME, LatestValues

PRIORITIES = 4


@dataclass(frozen=True, slots=True)
class PartitionInfo:
    """What the live view has to know of a partition. Durations in µs."""

    code: str
    clock: str
    staleness: int
    tick: int


class Tree:
    """The asset tree and its tags as arrays.

    Parameters
    ----------
    assets : (id, id of the parent or None), in any order
    tags : (id, id of the asset, index into `partitions` or -1)
    """

    def __init__(
        self,
        assets: Sequence[tuple[int, int | None]],
        tags: Sequence[tuple[int, int, int]],
        partitions: Sequence[PartitionInfo],
    ) -> None:
        self.partitions = tuple(partitions)
        self.asset_ids = [a for a, _ in assets]
        self._index = {a: i for i, a in enumerate(self.asset_ids)}
        parent = np.array([self._index[p] if p is not None else -1 for _, p in assets], np.int64)
        self._levels = _levels(parent)
        self._parent = parent
        self.tag_ids: NDArray[np.int64] = np.array([t for t, _, _ in tags], np.int64)
        self._tag_asset = np.array([self._index[a] for _, a, _ in tags], np.int64)
        self._tag_partition = np.array([p for _, _, p in tags], np.int64)
        self.tag_count = self.rolled_up(np.bincount(self._tag_asset, minlength=len(self.asset_ids)))

    def rolled_up(self, counts: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return counts per asset [, column] with everything below each asset added."""
        total = counts.astype(np.int64, copy=True)
        for level in self._levels:
            np.add.at(total, self._parent[level], total[level])
        return total

    def by_asset(self, counts: Mapping[int, Sequence[int]], columns: int) -> NDArray[np.int64]:
        """Return counts given per asset id as rows of the tree, rolled up; unknown assets are left out."""
        table = np.zeros((len(self.asset_ids), columns), np.int64)
        for asset, row in counts.items():
            if (i := self._index.get(asset)) is not None:
                table[i] = row
        return self.rolled_up(table)

    def tag_health(
        self, values: LatestValues, watermarks: Mapping[str, int]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the numbers of bad and of stale tags per asset, rolled up.

        A tag is stale when its partition's watermark has left its newest sample behind by the partition's staleness (so
        a replay is judged by the replay's clock); one without any sample is stale. A stale tag is not counted as bad.
        """
        time, status = values.of(self.tag_ids)
        limit = np.full(len(self.partitions) + 1, NO_TIME, np.int64)
        for i, p in enumerate(self.partitions):
            watermark = watermarks.get(p.code)
            if watermark is None:
                # Before the first mark is heard the newest sample of the partition is the best clock there is.
                mine = time[self._tag_partition == i]
                watermark = int(mine.max()) if len(mine) else NO_TIME
            if watermark != NO_TIME:
                limit[i] = watermark - p.staleness
        stale = (time == NO_TIME) | (time <= limit[self._tag_partition])
        bad = (status & BAD != 0) & ~stale
        n = len(self.asset_ids)
        return (
            self.rolled_up(np.bincount(self._tag_asset, bad, n).astype(np.int64)),
            self.rolled_up(np.bincount(self._tag_asset, stale, n).astype(np.int64)),
        )


def _levels(parent: NDArray[np.int64]) -> list[NDArray[np.intp]]:
    """Return the nodes that have a parent, deepest level first."""
    depth = np.zeros(len(parent), np.int64)
    above = parent.copy()
    for _ in range(len(parent)):  # bounded, so that a cycle (which the records forbid) cannot hang the web
        below = above >= 0
        if not below.any():
            break
        depth[below] += 1
        above[below] = parent[above[below]]
    return [np.flatnonzero(depth == d) for d in range(int(depth.max(initial=0)), 0, -1)]
