"""Notifications to columns: source time, status, unit, range. No I/O, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headworks.base.clock import MICROS
from headworks.base.status import BAD, BAD_NO_DATA, BAD_OUT_OF_RANGE, BAD_TYPE_MISMATCH, GOOD, SEVERITY_MASK
from headworks.bus.plan import Point, TagPlan
from headworks.connect.telemetry import FUTURE_LIMIT, Chunk

NEVER = -(1 << 62)
_EPOCH, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
_NUMBERS = frozenset((float, int, bool))
_NAN = float("nan")
_OVERFLOW = 0x0480
_DELAY_WINDOW = 30 * MICROS


class Taken:
    """What one message became.

    Attributes
    ----------
    chunk : samples to store
    future : [tag, time, value] of those too far ahead of our clock
    strangers : notifications of items that are no longer points
    untimed : values without any time
    overflows : values before which the server says it has thrown others away
    """

    __slots__ = ("chunk", "future", "overflows", "strangers", "untimed")

    def __init__(self, chunk: Chunk, future: list[list[Any]], strangers: int, untimed: int, overflows: int) -> None:
        self.chunk = chunk
        self.future = future
        self.strangers = strangers
        self.untimed = untimed
        self.overflows = overflows


class Delay:
    """How far the newest values of a source are behind our clock: network, and what its clock is slow by (or fast: < 0).

    The smallest delay of the last half to one minute. First values after a connection do not count: they may be old.
    """

    def __init__(self) -> None:
        self._window = NEVER
        self._now: int | None = None
        self._before: int | None = None

    def note(self, delay: int, now: int) -> None:
        if now - self._window > _DELAY_WINDOW:
            self._window, self._before, self._now = now, self._now, None
        self._now = delay if self._now is None else min(self._now, delay)

    @property
    def value(self) -> int | None:
        """The delay [µs]; None while nothing is known."""
        known = [d for d in (self._now, self._before) if d is not None]
        return min(known) if known else None


class Points:
    """The points of one source: what its values mean, and the last that was heard of each.

    A point has a handle, by which the server names it in notifications, and which is never given to another point; and a
    row in the columns, which changes with the plan.

    Attributes
    ----------
    quiet_after : how long a point may say nothing before its value is said again [µs]
    settling : how long a change may take to reach us beside the delay: sampling and publishing interval [µs]
    delay : of the source
    bad : key -> why the point gives no numbers (a status name such as ``BadNodeIdUnknown``, or ``type:String``)
    """

    def __init__(self) -> None:
        self.keys: list[str] = []
        self.handles: dict[str, int] = {}
        self.bad: dict[str, str] = {}
        self._row_of: dict[int, int] = {}
        self._next = 1
        self.tag = np.empty(0, np.uint32)
        self._gain = self._offset = self._low = self._high = np.empty(0)
        self._plain = True
        self.quiet_after = 10 * MICROS
        self.settling = MICROS
        self.delay = Delay()
        # Of each row: the last value as it was stored; the latest time it was stored for; when that was heard or said again
        # (NEVER: it is due to be said); and whether anything is known at all.
        self._value, self._status = np.empty(0), np.empty(0, np.uint32)
        self._time, self._heard = np.empty(0, np.int64), np.empty(0, np.int64)
        self._known = np.empty(0, bool)

    def __len__(self) -> int:
        return len(self.keys)

    def use(self, points: Sequence[Point], tags: Mapping[int, TagPlan]) -> tuple[list[str], list[str]]:
        """Take the points of a plan; return the keys that are new and those that are gone.

        A point that stays keeps its handle and what was last heard, unless it means another tag or unit now.
        """
        before = {k: i for i, k in enumerate(self.keys)}
        was = {k: (int(self.tag[i]), float(self._gain[i]), float(self._offset[i])) for k, i in before.items()}
        value, status, time, heard, known = self._value, self._status, self._time, self._heard, self._known
        wanted = {p.key: p for p in points}
        self.keys = list(wanted)
        new = [k for k in self.keys if k not in before]
        gone = [k for k in before if k not in wanted]
        for key in gone:
            self._row_of.pop(self.handles.pop(key), None)
            self.bad.pop(key, None)
        for key in new:
            self.handles[key], self._next = self._next, self._next + 1
        n = len(self.keys)
        self._row_of = {self.handles[k]: i for i, k in enumerate(self.keys)}
        self.tag = np.array([wanted[k].tag for k in self.keys], np.uint32)
        self._gain = np.array([wanted[k].gain for k in self.keys])
        self._offset = np.array([wanted[k].offset for k in self.keys])
        limits = [tags.get(wanted[k].tag) for k in self.keys]
        self._low = np.array([-np.inf if t is None or t.low is None else t.low for t in limits])
        self._high = np.array([np.inf if t is None or t.high is None else t.high for t in limits])
        self._plain = bool((self._gain == 1).all() and (self._offset == 0).all())
        self._value, self._status = np.full(n, np.nan), np.full(n, BAD_NO_DATA, np.uint32)
        self._time, self._heard = np.full(n, NEVER, np.int64), np.full(n, NEVER, np.int64)
        self._known = np.zeros(n, bool)
        for row, key in enumerate(self.keys):
            p, old = wanted[key], before.get(key)
            if old is not None and was[key] == (p.tag, p.gain, p.offset):
                self._value[row], self._status[row] = value[old], status[old]
                self._time[row], self._heard[row], self._known[row] = time[old], heard[old], known[old]
        return new, gone

    # --- what the server says -------------------------------------------------------------------------------------

    def take(self, items: Iterable[Any], now: int) -> Taken:
        """Turn monitored-item notifications received at `now` [µs] into samples.

        The time is that of the source; the server's where the source gives none (or one before 1970, which is how "none"
        is often written); `now` where neither does.
        """
        rows: list[int] = []
        times: list[int] = []
        values: list[float] = []
        statuses: list[int] = []
        row_of, strangers, untimed = self._row_of, 0, 0
        for item in items:
            row = row_of.get(item.ClientHandle)
            data = item.Value
            if row is None or data is None:
                strangers += 1
                continue
            moment = data.SourceTimestamp or data.ServerTimestamp
            time = (moment - _EPOCH) // _MICROSECOND if moment is not None else 0
            if time <= 0:
                moment = data.ServerTimestamp
                time = (moment - _EPOCH) // _MICROSECOND if moment is not None else 0
                if time <= 0:
                    time, untimed = now, untimed + 1
            status = data.StatusCode.value if data.StatusCode is not None else GOOD
            value = data.Value.Value if data.Value is not None else None
            if type(value) in _NUMBERS:
                try:
                    value = float(value)
                except OverflowError:
                    value, status = _NAN, status if status & BAD else BAD_OUT_OF_RANGE
                if self.bad:
                    self._recovered(row)
            else:
                value, status = self._not_a_number(row, data.Value, value, status)
            rows.append(row)
            times.append(time)
            values.append(value)
            statuses.append(status)
        return self._columns(rows, times, values, statuses, now, strangers, untimed)

    def _recovered(self, row: int) -> None:
        if self.bad.get(self.keys[row], "").startswith("type:"):
            del self.bad[self.keys[row]]

    def _not_a_number(self, row: int, variant: Any, value: Any, status: int) -> tuple[float, int]:
        """Return NaN and why: what the server says is wrong, nothing there, or a kind of value that is no number."""
        if status & BAD:
            return _NAN, status
        if value is None:
            return _NAN, BAD_NO_DATA
        kind = "Array" if isinstance(value, list) else str(getattr(variant.VariantType, "name", variant.VariantType))
        self.bad[self.keys[row]] = f"type:{kind}"
        return _NAN, BAD_TYPE_MISMATCH

    def _columns(
        self,
        rows: list[int],
        times: list[int],
        values: list[float],
        statuses: list[int],
        now: int,
        strangers: int,
        untimed: int,
    ) -> Taken:
        row, time = np.array(rows, np.intp), np.array(times, np.int64)
        value, status = np.array(values), np.array(statuses, np.uint32)
        # OPC 10000-4, 7.39: the info bits of a data value, and among them that its queue has overflowed.
        overflows = int(np.count_nonzero(status & np.uint32(_OVERFLOW) == _OVERFLOW))
        fine = status & np.uint32(BAD) == 0
        status[fine & np.isnan(value)] = BAD_NO_DATA
        if not self._plain:
            with np.errstate(over="ignore"):
                value = value * self._gain[row] + self._offset[row]
        outside = (value < self._low[row]) | (value > self._high[row]) | np.isinf(value)
        status[outside & (status & np.uint32(SEVERITY_MASK) == GOOD)] = BAD_OUT_OF_RANGE
        ahead = time > now + FUTURE_LIMIT
        future: list[list[Any]] = []
        if ahead.any():
            future = [
                [int(g), int(t), None if v != v else float(v)]
                for g, t, v in zip(self.tag[row[ahead]], time[ahead], value[ahead], strict=True)
            ]
            keep = ~ahead
            row, time, value, status = row[keep], time[keep], value[keep], status[keep]
        self._remember(row, time, value, status, now)
        return Taken(Chunk(self.tag[row], time, value, status), future, strangers, untimed, overflows)

    def _remember(self, row: Any, time: Any, value: Any, status: Any, now: int) -> None:
        """Keep the last value of each row (of several in one message the last), and see which are due to be said again."""
        latest, first = self._time[row], ~self._known[row]
        timed = ~first & (time != now)
        if timed.any():
            self.delay.note(int((now - time[timed]).min()), now)
        # Not newer than what was stored last (a value said again, or the sample that told of a loss): that one hides it.
        behind = time <= latest
        old = first & (time < self._as_of(now) - self.quiet_after)
        self._value[row], self._status[row], self._known[row] = value, status, True
        self._time[row] = np.where(behind, latest, time)
        self._heard[row] = now
        self._heard[row[behind | old]] = NEVER

    def _as_of(self, now: int) -> int:
        """Return the latest time, by the source's clock, for which we know its values at `now`: a change since then may still
        be on its way. A clock that is slow by more than a tag may be silent is not followed."""
        delay = self.delay.value or 0
        return now - (delay if delay < 2 * self.quiet_after else 0) - self.settling

    # --- what we say for it ---------------------------------------------------------------------------------------

    def refuse(self, key: str, reason: str, status: int) -> None:
        """Say that the server does not give this point; it is told with its status like any other value."""
        self.bad[key] = reason
        row = self._row_of[self.handles[key]]
        self._value[row], self._status[row], self._known[row] = np.nan, status, True
        self._heard[row] = NEVER

    def quiet(self, now: int) -> Chunk | None:
        """Return the last value of every point that has been quiet for too long, or is due for another reason; None if none.

        A server tells only changes: while the subscription lives, a value that is not told is unchanged, and its sample
        must not grow stale (OPC 10000-4, 5.13.1). Its time is by the source's clock, so that it never hides a change that is
        still on its way.
        """
        (row,) = np.nonzero(self._known & (self._heard < now - self.quiet_after))
        if not len(row):
            return None
        time = np.maximum(self._as_of(now), self._time[row] + 1)
        self._time[row], self._heard[row] = time, now
        return Chunk(self.tag[row], time, self._value[row], self._status[row])

    def forget(self, status: int, now: int) -> Chunk:
        """Return one sample of every point, without a value and with `status`, and know nothing any more.

        Its time is the present by the source's clock, but never before the last one of its point, which it has to hide.
        """
        time = np.maximum(self._as_of(now) + self.settling, self._time + 1)
        self._known[:] = False
        self._time, self._heard[:] = time.copy(), NEVER
        n = len(self.keys)
        return Chunk(self.tag, time, np.full(n, np.nan), np.full(n, status, np.uint32))

    def unsaid(self, tags: NDArray[np.uint32]) -> None:
        """The last values of these tags were not stored: they are due to be said again."""
        self._heard[np.isin(self.tag, tags)] = NEVER
