"""The parity contract: how the log of a partition becomes rows.

The value of a tag at tick T is its newest sample with ``T - staleness < time <= T`` among those before T's watermark mark in
the log; there is none: NaN with the status BadNoData. So the live engine, a restarted one and the historian derive the same
rows from the order of the log alone. In detail:

- Ticks are the multiples of `tick` after the last one, up to the watermark. The first watermark, and one more than
  :data:`MAX_GAP` after the last tick, releases one row, at the watermark (rounded down to a tick).
- A watermark that is not newer than the last releases nothing.
- A sample at or before the last watermark is *late*. It never changes a row that was released; if it is newer than what its
  tag shows, it counts from the next tick on.
- Of two samples of one tag with equal times the first received wins.
- A sample with a bad status hides older good ones: NaN with its status. A value that is not finite is NaN; if its status
  was not bad it becomes BadNoData. So NaN and bad are the same thing in a row.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from headworks.base.errors import Fault
from headworks.engine import kernels

MAX_GAP = 6 * 3600 * 1_000_000
MAX_ROWS = 600
_NEVER = np.iinfo(np.int64).min
_VERSION = 1


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Values of all tags of a grid at some ticks.

    Attributes
    ----------
    ticks : i64[k] [µs since 1970 UTC]
    value : f64[k, n], NaN when bad
    status : u32[k, n], OPC UA StatusCode
    """

    ticks: NDArray[np.int64]
    value: NDArray[np.float64]
    status: NDArray[np.uint32]


class _Export(msgspec.Struct, frozen=True, array_like=True):
    version: int
    tick: int
    staleness: int
    last_tick: int | None
    tags: bytes
    current: tuple[bytes, bytes, bytes]
    waiting: tuple[bytes, bytes, bytes, bytes]


class Grid:
    """Turns the log of a partition into rows. Does no I/O; its state exports to bytes.

    Parameters
    ----------
    tags : u32[n], sorted ids
    tick, staleness : [µs]

    Raises
    ------
    Fault
        ``engine.grid_shape``: tags not sorted or not unique, tick or staleness not positive.
    """

    def __init__(self, tags: NDArray[np.uint32], tick: int, staleness: int) -> None:
        self._kernels = kernels.grid()
        self.tags, self.tick, self.staleness = _checked(tags, tick, staleness)
        self.last_tick: int | None = None
        self._target: int | None = None
        n = len(self.tags)
        self._time = np.full(n, _NEVER, np.int64)
        self._value = np.full(n, np.nan)
        self._status = np.zeros(n, np.int64)
        self._waiting = 0
        self._w_column, self._w_time, self._w_value, self._w_status = _columns(0)
        self._index(1024)

    def add(
        self,
        tag: NDArray[np.uint32],
        time: NDArray[np.int64],
        value: NDArray[np.float64],
        status: NDArray[np.uint32],
        seq: int,
    ) -> NDArray[np.int64]:
        """Take samples that message `seq` of the log brought.

        Returns
        -------
        i64[k]
            The revision of each: 0 in time and the first of its (tag, time); `seq` late, or of a tag this grid does not
            have; -1 a repetition of one in time, to be ignored.
        """
        self._settled()
        rev = np.empty(len(tag), np.int64)
        self._room(len(tag))
        self._waiting = self._kernels.add(
            self.tags,
            np.ascontiguousarray(tag, np.uint32),
            np.ascontiguousarray(time, np.int64),
            np.ascontiguousarray(value, np.float64),
            np.ascontiguousarray(status, np.uint32),
            seq,
            self.last_tick if self.last_tick is not None else 0,
            self.last_tick is not None,
            self._time,
            self._value,
            self._status,
            self._w_column,
            self._w_time,
            self._w_value,
            self._w_status,
            self._waiting,
            self._table,
            rev,
        )
        return rev

    def advance(self, watermark: int) -> Iterator[Rows]:
        """Release the ticks up to `watermark` [µs], at most :data:`MAX_ROWS` at a time. The iterator must be exhausted."""
        self._settled()
        target = watermark - watermark % self.tick
        if self.last_tick is not None and target <= self.last_tick:
            return iter(())
        if self.last_tick is None or target - self.last_tick > MAX_GAP:
            first = target
        else:
            first = self.last_tick - self.last_tick % self.tick + self.tick
        self._target = target
        return self._release(first, target)

    def _release(self, first: int, target: int) -> Iterator[Rows]:
        n = len(self.tags)
        while first <= target:
            k = min(MAX_ROWS, (target - first) // self.tick + 1)
            rows = Rows(
                first + self.tick * np.arange(k, dtype=np.int64), np.empty((k, n)), np.empty((k, n), dtype=np.uint32)
            )
            self._waiting = self._kernels.release(
                first,
                self.tick,
                self.staleness,
                self._time,
                self._value,
                self._status,
                self._w_column,
                self._w_time,
                self._w_value,
                self._w_status,
                self._waiting,
                rows.value,
                rows.status,
            )
            first += k * self.tick
            self.last_tick = first - self.tick
            self._index(1024)
            if self.last_tick == target:
                self._target = None
            yield rows

    def retag(self, tags: NDArray[np.uint32], tick: int, staleness: int) -> None:
        """Go on with other tags, tick or staleness; tags that stay keep what they have, those that go lose it."""
        self._settled()
        new, self.tick, self.staleness = _checked(tags, tick, staleness)
        old = self.tags
        time, value, status = (
            np.full(len(new), _NEVER, np.int64),
            np.full(len(new), np.nan),
            np.zeros(len(new), np.int64),
        )
        _, at_old, at_new = np.intersect1d(old, new, assume_unique=True, return_indices=True)
        time[at_new], value[at_new], status[at_new] = self._time[at_old], self._value[at_old], self._status[at_old]
        self.tags, self._time, self._value, self._status = new, time, value, status
        to_new = np.full(len(old), -1, np.int64)
        to_new[at_old] = at_new
        column = to_new[self._w_column[: self._waiting]]
        keep = column >= 0
        self._take(
            column[keep],
            self._w_time[: self._waiting][keep],
            self._w_value[: self._waiting][keep],
            self._w_status[: self._waiting][keep],
        )

    def export(self) -> bytes:
        """Return everything this grid knows."""
        self._settled()
        w = slice(self._waiting)
        return msgspec.msgpack.encode(
            _Export(
                _VERSION,
                self.tick,
                self.staleness,
                self.last_tick,
                self.tags.tobytes(),
                (self._time.tobytes(), self._value.tobytes(), self._status.tobytes()),
                tuple(a[w].tobytes() for a in (self._w_column, self._w_time, self._w_value, self._w_status)),  # type: ignore[arg-type]
            )
        )

    @classmethod
    def restore(cls, data: bytes) -> Grid:
        """Return the grid that :meth:`export` described.

        Raises
        ------
        Fault
            ``engine.grid_unreadable``: the bytes are not such a description, or of another version.
        """
        try:
            e = msgspec.msgpack.decode(data, type=_Export)
            if e.version != _VERSION:
                raise ValueError(f"version {e.version}")
            grid = cls(np.frombuffer(e.tags, np.uint32).copy(), e.tick, e.staleness)
            current = tuple(
                np.frombuffer(b, t).copy() for b, t in zip(e.current, (np.int64, float, np.int64), strict=True)
            )
            waiting = [
                np.frombuffer(b, t) for b, t in zip(e.waiting, (np.int64, np.int64, float, np.int64), strict=True)
            ]
            if {len(c) for c in current} != {len(grid.tags)} or len({len(w) for w in waiting}) != 1:
                raise ValueError("columns of different lengths")
        except (msgspec.DecodeError, ValueError) as error:
            raise Fault("engine.grid_unreadable", reason=str(error)) from error
        grid.last_tick = e.last_tick
        grid._time, grid._value, grid._status = current
        grid._take(*waiting)
        return grid

    def _settled(self) -> None:
        if self._target is not None:
            raise Fault("engine.grid_rows_unread", last_tick=self.last_tick, watermark=self._target)

    def _take(
        self,
        column: NDArray[np.int64],
        time: NDArray[np.int64],
        value: NDArray[np.float64],
        status: NDArray[np.int64],
    ) -> None:
        n = len(column)
        self._waiting = n
        self._w_column, self._w_time, self._w_value, self._w_status = _columns(n)
        self._w_column[:n], self._w_time[:n], self._w_value[:n], self._w_status[:n] = column, time, value, status
        self._index(1024)

    def _room(self, more: int) -> None:
        """Make sure that `more` samples can wait."""
        need = self._waiting + more
        if need > len(self._w_column):
            column, time, value, status = _columns(need)
            w = slice(self._waiting)
            column[w], time[w] = self._w_column[w], self._w_time[w]
            value[w], status[w] = self._w_value[w], self._w_status[w]
            self._w_column, self._w_time, self._w_value, self._w_status = column, time, value, status
        if 2 * need > len(self._table):
            self._index(2 * need)

    def _index(self, least: int) -> None:
        """Build the table of waiting samples anew, with room for `least` places."""
        places = max(least, 4 * self._waiting, 1024)
        self._table = np.zeros(1 << (places - 1).bit_length(), np.int64)
        self._kernels.index(self._w_column, self._w_time, self._waiting, self._table)


def _columns(n: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
    size = max(1024, 2 * n)
    return np.zeros(size, np.int64), np.zeros(size, np.int64), np.zeros(size), np.zeros(size, np.int64)


def _checked(tags: NDArray[np.uint32], tick: int, staleness: int) -> tuple[NDArray[np.uint32], int, int]:
    tags = np.array(tags, np.uint32)
    if tags.ndim != 1 or np.any(tags[1:] <= tags[:-1]) or tick <= 0 or staleness <= 0:
        raise Fault("engine.grid_shape", tags=len(tags), tick=tick, staleness=staleness)
    return tags, int(tick), int(staleness)
