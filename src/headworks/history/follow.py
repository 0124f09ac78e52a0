"""Following the log of a partition: which revision a sample is, and which rows of the as-live grid a mark releases.

The rules are those of the engine role, so that both derive the same from stream order alone: a plan takes effect at once
if its first tick is due, else just before that tick; only measured tags have a column.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from headworks.bus.messages import Activation
from headworks.bus.plan import PartitionPlan
from headworks.engine.grid import Grid, Rows


class Alignment(msgspec.Struct, frozen=True, array_like=True):
    """What a plan says about the grid: sorted ids of its measured tags (u32, little-endian bytes), tick and staleness [µs]."""

    tags: bytes
    tick: int
    staleness: int

    @classmethod
    def of(cls, plan: PartitionPlan) -> Alignment:
        tags = np.array(sorted(t.id for t in plan.tags if t.kind == "measured"), "<u4")
        return cls(tags.tobytes(), plan.tick, plan.staleness)

    @property
    def columns(self) -> NDArray[np.uint32]:
        return np.frombuffer(self.tags, "<u4")


class _State(msgspec.Struct, frozen=True, array_like=True):
    current: Alignment | None
    pending: Alignment | None
    first_tick: int
    grid: bytes


@dataclass(frozen=True, slots=True, eq=False)
class Released:
    """Rows of the as-live grid under one alignment."""

    alignment: Alignment
    rows: Rows


class LogFollower:
    """The grid of one partition and the plan it is made by."""

    def __init__(self) -> None:
        self.grid: Grid | None = None
        self.current: Alignment | None = None
        self._pending: Alignment | None = None
        self._first_tick = 0

    @property
    def last_tick(self) -> int | None:
        return self.grid.last_tick if self.grid else None

    def add(
        self,
        tag: NDArray[np.uint32],
        time: NDArray[np.int64],
        value: NDArray[np.float64],
        status: NDArray[np.uint32],
        seq: int,
    ) -> NDArray[np.int64]:
        """Return the revision of each sample: 0 in time, `seq` late or of no known tag, -1 to be ignored."""
        if self.grid is None:
            return np.full(len(tag), seq, np.int64)
        return self.grid.add(tag, time, value, status, seq)

    def activate(self, activation: Activation, plan: PartitionPlan) -> None:
        self._pending, self._first_tick = Alignment.of(plan), activation.first_tick
        last = self.last_tick
        if last is None or activation.first_tick <= last + plan.tick:
            self._swap()

    def advance(self, watermark: int) -> Iterator[Released]:
        """Hand out the rows that the watermark [µs] releases."""
        if self.grid is None or self.current is None:
            return
        if self._pending is not None and self._first_tick <= watermark:
            for rows in self.grid.advance(self._first_tick - self.current.tick):
                yield Released(self.current, rows)
            self._swap()
        for rows in self.grid.advance(watermark):
            yield Released(self.current, rows)

    def _swap(self) -> None:
        assert self._pending is not None
        self.current, self._pending = self._pending, None
        tags, tick, staleness = self.current.columns, self.current.tick, self.current.staleness
        if self.grid is None:
            self.grid = Grid(tags, tick, staleness)
        else:
            self.grid.retag(tags, tick, staleness)

    def export(self) -> bytes:
        grid = self.grid.export() if self.grid else b""
        return msgspec.msgpack.encode(_State(self.current, self._pending, self._first_tick, grid))

    @classmethod
    def restore(cls, data: bytes) -> LogFollower:
        state, follower = msgspec.msgpack.decode(data, type=_State), cls()
        follower.current, follower._pending, follower._first_tick = state.current, state.pending, state.first_tick
        follower.grid = Grid.restore(state.grid) if state.grid else None
        return follower
