"""Arrow Flight service over a Unix socket: answers signed tickets."""

from __future__ import annotations

import os
import socket
import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
from prometheus_client import Counter, Histogram
from pyarrow import flight

from headworks.base import log
from headworks.base.clock import Clock, SystemClock
from headworks.base.errors import HeadworksError, Invalid, NotReady, RequestError
from headworks.history.columns import column, lists
from headworks.history.errors import StoreFault, TicketRefused
from headworks.history.queries import COUNT_SCHEMA, Queries
from headworks.history.segments import MatrixChunk
from headworks.history.store import Store
from headworks.history.ticket import Count, Latest, Matrix, Raw, Ticket, Trend, verify
from headworks.history.wire import MATRIX_SCHEMA, Failure

_QUERIES = Counter("headworks_history_queries_total", "Queries answered", ["kind", "result"])
_SECONDS = Histogram(
    "headworks_history_query_seconds",
    "Time of one query (a matrix: of its first chunk)",
    ["kind"],
    buckets=(0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10),
)
_logger = log.get(__name__)


class HistoryService(flight.FlightServerBase):  # type: ignore[misc]
    """Answers `do_get` with the table a ticket allows. Runs in gRPC's own threads."""

    def __init__(self, store: Store, path: Path, secret: str, clock: Clock | None = None) -> None:
        self._store = store
        self._secret = secret
        self._clock = clock or SystemClock()
        self.path = path
        _remove_stale(path)
        # gRPC makes the socket; nobody but this user may ever see it open.
        before = os.umask(0o177)
        try:
            super().__init__(f"grpc+unix://{path}")
        finally:
            os.umask(before)
        path.chmod(0o600)

    def do_get(self, context: flight.ServerCallContext, ticket: flight.Ticket) -> flight.FlightDataStream:
        kind = "refused"
        try:
            allowed = verify(ticket.ticket, self._secret, self._clock.now())
            if not self._store.has_tenant(allowed.tenant):
                raise TicketRefused(reason="tenant")
            kind = type(allowed.query).__name__.lower()
            with _SECONDS.labels(kind).time():
                stream = self._answer(allowed)
        except HeadworksError as e:
            _QUERIES.labels(kind, "failed").inc()
            raise _told(e) from e
        _QUERIES.labels(kind, "ok").inc()
        return stream

    def _answer(self, ticket: Ticket) -> flight.FlightDataStream:
        queries, q = Queries(self._store, self._store.open_tenant(ticket.tenant)), ticket.query
        if isinstance(q, Matrix):
            return flight.GeneratorStream(MATRIX_SCHEMA, _chunks(queries.matrix(q)))
        if isinstance(q, Trend):
            table = queries.trend(q)
        elif isinstance(q, Raw):
            table = queries.raw(q)
        elif isinstance(q, Latest):
            table = queries.latest(q)
        elif isinstance(q, Count):
            if not q.tags and ticket.scope is not None:
                q = msgspec.structs.replace(q, tags=ticket.scope)
                if not ticket.scope:
                    return flight.RecordBatchStream(COUNT_SCHEMA.empty_table())
            table = queries.count(q)
        else:
            if ticket.scope is not None:
                raise TicketRefused(reason="scope")
            table = queries.stats()
        return flight.RecordBatchStream(table)


def _chunks(chunks: Iterator[MatrixChunk]) -> Iterator[tuple[pa.RecordBatch, pa.Buffer]]:
    """Send each chunk as one row per lane; its ticks travel as metadata of the batch."""
    try:
        for c in chunks:
            n, k = c.value.shape
            value = lists(column(c.value.reshape(-1)), np.full(n, k))
            status = lists(column(c.status.reshape(-1)), np.full(n, k))
            yield pa.record_batch([value, status], schema=MATRIX_SCHEMA), pa.py_buffer(c.ticks.tobytes())
    except HeadworksError as e:
        raise _told(e) from e


def _told(e: HeadworksError) -> flight.FlightError:
    """Return the Flight error that carries an error to the client."""
    family = "invalid" if isinstance(e, Invalid) else "request" if isinstance(e, RequestError) else "other"
    if isinstance(e, NotReady):
        family = "not_ready"
    if isinstance(e, TicketRefused):
        family = "refused"
    params = {k: v if isinstance(v, int | float) else str(v) for k, v in e.params.items()}
    if isinstance(e, StoreFault):
        # The store's own words name statements and folders: they are for the log, not for the caller.
        _logger.error("query failed", error=str(e))
        params = {"reason": "store"}
    failure = Failure(family, e.error_code, params, [msgspec.to_builtins(p) for p in e.problems])
    kind = flight.FlightUnauthorizedError if family == "refused" else flight.FlightServerError
    return kind(e.error_code, msgspec.json.encode(failure))


def _remove_stale(path: Path) -> None:
    """Remove the socket of a historian that is gone (the owner lock of the folder says that it is)."""
    try:
        if stat.S_ISSOCK(path.stat().st_mode):
            path.unlink()
    except FileNotFoundError:
        return


class RunningService:
    """The service with its thread."""

    def __init__(self, service: HistoryService) -> None:
        self._service = service
        self._thread = threading.Thread(target=service.serve, name="history-flight", daemon=True)
        self._thread.start()

    def wait_until_answering(self, timeout: float = 5.0) -> bool:
        """Return whether the socket accepts connections within `timeout` s."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            with socket.socket(socket.AF_UNIX) as s:
                try:
                    s.connect(str(self._service.path))
                except OSError:
                    time.sleep(0.02)
                else:
                    return True
        return False

    def stop(self) -> None:
        """End the service; a running query is waited for."""
        self._service.shutdown()
        self._thread.join(10)
        self._service.path.unlink(missing_ok=True)
