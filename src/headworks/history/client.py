"""Asking history, from any process that has the installation's secret. Imports neither the store nor the engine."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import flight

from headworks.base.clock import Clock, SystemClock
from headworks.base.errors import Fault, HeadworksError, NotReady, Problem, RequestError
from headworks.history.errors import BadQuery, QueryTimeout, QueryTooLarge, TicketRefused, Unreachable
from headworks.history.ticket import Count, Latest, Matrix, Mode, Query, Raw, Stats, Ticket, Trend, sign
from headworks.history.wire import Failure, find_socket

_TICKET_LIFE = 60_000_000
_KINDS: dict[str, type[HeadworksError]] = {e.code: e for e in (BadQuery, QueryTimeout, QueryTooLarge, TicketRefused)}


@dataclass(frozen=True, slots=True, eq=False)
class TrendColumns:
    """Buckets of one tag: `time` i64 [µs] is the start of the bucket, or the sample's own time where `n + bad` is 1."""

    time: NDArray[np.int64]
    min: NDArray[np.float64]
    max: NDArray[np.float64]
    mean: NDArray[np.float64]
    first: NDArray[np.float64]
    last: NDArray[np.float64]
    n: NDArray[np.uint64]
    bad: NDArray[np.uint64]
    status: NDArray[np.uint32]


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Samples by tag and time; `truncated`: there are more than the limit."""

    tag: NDArray[np.uint32]
    time: NDArray[np.int64]
    rev: NDArray[np.uint64]
    value: NDArray[np.float64]
    status: NDArray[np.uint32]
    truncated: bool

    def __len__(self) -> int:
        return len(self.tag)


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest sample of a tag."""

    time: int
    value: float
    status: int


@dataclass(frozen=True, slots=True, eq=False)
class GridRows:
    """Rows of the grid: ticks i64[k] [µs], value f64[k, n], status u32[k, n]. Both are views of lane-major arrays
    (``value.T`` is contiguous)."""

    ticks: NDArray[np.int64]
    value: NDArray[np.float64]
    status: NDArray[np.uint32]


class HistoryClient:
    """Questions to the historian. Every call has a time limit; threads may share a client.

    Parameters
    ----------
    socket_path : where the historian of the installation is meant to listen (``run/history.sock``).
    secret : the installation's secret named ``history``.
    scope : tags that calls may name; None: every tag of the tenant.
    timeout : seconds a call may take, 10 at most; for a matrix, each of its chunks has 10 s on the server.

    Raises
    ------
    Unreachable
        (a NotReady) there is no historian now; try again.
    BadQuery, QueryTooLarge, TicketRefused, QueryTimeout
    """

    def __init__(
        self,
        socket_path: str | Path,
        secret: str,
        tenant: str = "main",
        *,
        scope: Sequence[int] | None = None,
        timeout: float = 10.0,
        clock: Clock | None = None,
    ) -> None:
        self._path = Path(socket_path)
        self._secret = secret
        self._tenant = tenant
        self._scope = None if scope is None else tuple(scope)
        self._timeout = min(timeout, 10.0)
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._flight: flight.FlightClient | None = None

    def close(self) -> None:
        with self._lock:
            if self._flight is not None:
                self._flight.close()
                self._flight = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    # --- questions ------------------------------------------------------------------------------------------------

    def trend(
        self, tags: Sequence[int], start: int, stop: int, points: int = 800, mode: Mode = "as_live", rev: int = 0
    ) -> dict[int, TrendColumns]:
        """Return tag -> buckets of [start, stop); about `points` a tag, the samples themselves where there are fewer."""
        table = self._table(Trend(tags=_ids(tags), start=start, stop=stop, points=points, mode=mode, rev=rev))
        columns = [table[name].to_numpy() for name in table.schema.names]
        tag = columns[0]
        found = {}
        for t in _ids(tags):
            a, b = np.searchsorted(tag, [t, t + 1])
            found[t] = TrendColumns(*(c[a:b] for c in columns[1:]))
        return found

    def raw(
        self,
        tags: Sequence[int],
        start: int,
        stop: int,
        limit: int = 100_000,
        mode: Mode = "as_live",
        rev: int = 0,
    ) -> Samples:
        """Return the samples of [start, stop). Modes: as_live, what was known in time; as_corrected, the newest
        revision of each; as_of, the newest revision up to `rev`."""
        table = self._table(Raw(tags=_ids(tags), start=start, stop=stop, limit=limit, mode=mode, rev=rev))
        truncated = (table.schema.metadata or {}).get(b"truncated") == b"1"
        return Samples(*(table[c].to_numpy() for c in table.schema.names), truncated=truncated)

    def latest(self, tags: Sequence[int]) -> dict[int, Newest]:
        """Return tag -> newest sample known, of those that have any."""
        table = self._table(Latest(tags=_ids(tags)))
        columns = (table[c].to_pylist() for c in ("tag", "time", "value", "status"))
        return {t: Newest(at, v, s) for t, at, v, s in zip(*columns, strict=True)}

    def count(self, tags: Sequence[int], start: int, stop: int, *, late: bool = False) -> dict[int, int]:
        """Return tag -> number of samples in [start, stop) received in time; `late`: of distinct times in all revisions.
        No tags: every tag (of the scope)."""
        table = self._table(Count(tags=_ids(tags), start=start, stop=stop, late=late))
        return dict(zip(table["tag"].to_pylist(), table["n"].to_pylist(), strict=True))

    def stats(self) -> dict[str, tuple[int, int]]:
        """Return table -> (rows, bytes on disk)."""
        table = self._table(Stats())
        columns = (table[c].to_pylist() for c in ("table", "rows", "bytes"))
        return {t: (r, b) for t, r, b in zip(*columns, strict=True)}

    def matrix_chunks(
        self,
        tags: Sequence[int],
        start: int,
        stop: int,
        tick: int = 0,
        *,
        partition: str = "",
        mode: Mode = "as_live",
        rev: int = 0,
    ) -> Iterator[GridRows]:
        """Hand out the grid of [start, stop) in order, an hour or less at a time; columns in the order of `tags`."""
        query = Matrix(tags=_ids(tags), start=start, stop=stop, tick=tick, partition=partition, mode=mode, rev=rev)
        # The whole of a long matrix may take longer than one answer: its limit is per chunk, on the server.
        with _errors(self):
            reader = self._get(query, None)
            n = len(tags)
            while True:
                try:
                    chunk = reader.read_chunk()
                except StopIteration:
                    return
                ticks = np.frombuffer(chunk.app_metadata, np.int64)
                value = chunk.data.column(0).flatten().to_numpy().reshape(n, len(ticks))
                status = chunk.data.column(1).flatten().to_numpy().reshape(n, len(ticks))
                yield GridRows(ticks, value.T, status.T)

    def matrix(self, tags: Sequence[int], start: int, stop: int, tick: int = 0, **options: Any) -> GridRows:
        """Return the grid of [start, stop) as one (see :meth:`matrix_chunks`)."""
        chunks = list(self.matrix_chunks(tags, start, stop, tick, **options))
        if len(chunks) == 1:
            return chunks[0]
        n = len(tags)
        return GridRows(
            np.concatenate([c.ticks for c in chunks]) if chunks else np.empty(0, np.int64),
            np.concatenate([c.value.T for c in chunks], axis=1).T if chunks else np.empty((0, n)),
            np.concatenate([c.status.T for c in chunks], axis=1).T if chunks else np.empty((0, n), np.uint32),
        )

    # --- transport ------------------------------------------------------------------------------------------------

    def _connection(self, *, fresh: bool = False) -> flight.FlightClient:
        with self._lock:
            if fresh and self._flight is not None:
                self._flight.close()
                self._flight = None
            if self._flight is None:
                self._flight = flight.connect(f"grpc+unix://{find_socket(self._path)}")
            return self._flight

    def _get(self, query: Query, timeout: float | None) -> flight.FlightStreamReader:
        ticket = Ticket(self._tenant, self._clock.now() + _TICKET_LIFE, self._scope, query)
        signed = flight.Ticket(sign(ticket, self._secret))
        options = flight.FlightCallOptions(timeout=timeout)
        try:
            return self._connection().do_get(signed, options)
        except flight.FlightUnavailableError:
            # The historian was restarted: the old channel waits before it tries again, a new one does not.
            return self._connection(fresh=True).do_get(signed, options)

    def _table(self, query: Query) -> pa.Table:
        with _errors(self):
            return self._get(query, self._timeout).read_all()


class _errors:
    """Turns Flight errors into the platform's."""

    def __init__(self, client: HistoryClient) -> None:
        self._client = client

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, e: BaseException | None, trace: object) -> None:
        if not isinstance(e, flight.FlightError | pa.ArrowException | OSError):
            return
        extra = getattr(e, "extra_info", b"")
        if extra:
            raise _raised(msgspec.json.decode(extra, type=Failure)) from e
        if isinstance(e, flight.FlightUnavailableError | OSError):
            self._client.close()
            raise Unreachable(reason=str(e)[:200]) from e
        if isinstance(e, flight.FlightTimedOutError):
            raise QueryTimeout(seconds=self._client._timeout) from e
        raise Fault("history.fault", reason=str(e)[:300]) from e


def _raised(failure: Failure) -> HeadworksError:
    problems = [Problem(**p) for p in failure.problems]
    if found := _KINDS.get(failure.code):
        return found(problems=problems, **failure.params)
    family = {"not_ready": NotReady, "request": RequestError, "invalid": BadQuery}.get(failure.family, Fault)
    return family(failure.code, problems=problems, **failure.params)


def _ids(tags: Sequence[int]) -> tuple[int, ...]:
    return tuple(int(t) for t in tags)
