"""Tickets, the service and its client, over a real socket."""

from __future__ import annotations

import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
from pyarrow import flight

from headworks.base.clock import ManualClock
from headworks.base.errors import NotReady
from headworks.history.client import HistoryClient
from headworks.history.errors import BadQuery, QueryTimeout, TicketRefused, Unreachable
from headworks.history.flight import HistoryService, RunningService
from headworks.history.follow import Alignment
from headworks.history.intake import raw_rows
from headworks.history.segments import HOUR, Stretch, to_batch
from headworks.history.store import Options, Store
from headworks.history.ticket import Count, Latest, Ticket, Trend, sign, verify
from headworks.history.wire import find_socket, socket_for

pytestmark = pytest.mark.feature("PLT-05")
SECRET = "s" * 48
DAY = 1_700_006_400_000_000
SECOND = 1_000_000


@pytest.fixture
def socket_path(tmp_path: Path) -> Path:
    return socket_for(tmp_path / "history.sock")


@pytest.fixture
def service(store: Store, db: str, socket_path: Path) -> Iterator[RunningService]:
    n = 5_000
    time_ = DAY + SECOND * np.arange(n)
    for tag in (1, 2):
        store.insert(
            f"{db}.raw",
            raw_rows(
                np.full(n, tag, np.uint32), time_, np.zeros(n, np.uint64), np.arange(n) * 1.0, np.zeros(n, np.uint32)
            ),
            f"f-{tag}-{tag}",
        )
    a = Alignment(np.array([1, 2], "<u4").tobytes(), SECOND, 30 * SECOND)
    grid = np.column_stack([np.arange(3600.0), -np.arange(3600.0)])
    for h in (0, 1):
        stretch = Stretch(a, DAY + h * HOUR, DAY + h * HOUR, grid + 10_000 * h, np.zeros((3600, 2), np.uint32))
        store.insert(f"{db}.seg", to_batch("p", stretch), f"g-{h}")
    running = RunningService(HistoryService(store, socket_path, SECRET))
    assert running.wait_until_answering()
    yield running
    running.stop()


@pytest.fixture
def client(service: RunningService, socket_path: Path) -> Iterator[HistoryClient]:
    with HistoryClient(socket_path, SECRET, "t") as client:
        yield client


def test_the_socket_is_the_users_alone(service: RunningService, socket_path: Path) -> None:
    assert stat.S_IMODE(socket_path.stat().st_mode) == 0o600


def test_every_question_is_answered(client: HistoryClient) -> None:
    trend = client.trend([2, 1, 77], DAY, DAY + 5_000 * SECOND, points=100)
    assert len(trend[1].time) == 100
    assert trend[1].max[-1] == 4_999
    assert len(trend[77].time) == 0
    raw = client.raw([1], DAY, DAY + 10 * SECOND, limit=5)
    assert (raw.value.tolist(), raw.truncated) == ([0.0, 1.0, 2.0, 3.0, 4.0], True)
    assert client.latest([1]) == {1: client.latest([1, 2])[1]}
    assert client.latest([1])[1].value == 4_999
    assert client.count([1, 2], DAY, DAY + 100 * SECOND) == {1: 100, 2: 100}
    assert client.stats()["raw"][0] == 10_000
    rows = client.matrix([2, 1], DAY + 10 * SECOND, DAY + 2 * HOUR)
    assert rows.value.shape == (7_190, 2)
    assert rows.value[0].tolist() == [-10.0, 10.0]
    assert rows.value.T.flags.c_contiguous
    assert rows.ticks[-1] == DAY + 2 * HOUR - SECOND
    assert [len(c.ticks) for c in client.matrix_chunks([1], DAY, DAY + 2 * HOUR)] in ([3600, 3600], [7200])
    assert client.matrix([1], DAY + 50 * HOUR, DAY + 51 * HOUR).value.shape == (0, 1)


def test_a_ticket_survives_the_trip_and_nothing_else_does() -> None:
    ticket = Ticket("t", 1_000, (1, 2), Trend(tags=(1,), start=0, stop=9))
    data = sign(ticket, SECRET)

    assert verify(data, SECRET, now=999) == ticket
    for altered in (
        *(data[:i] + bytes((data[i] ^ 1,)) + data[i + 1 :] for i in range(len(data))),
        b"",
        data[:20],
        data[33:],
    ):
        with pytest.raises(TicketRefused) as e:
            verify(altered, SECRET, now=999)
        assert e.value.params == {"reason": "signature"}
    with pytest.raises(TicketRefused):
        verify(data, "t" * 48, now=999)
    with pytest.raises(TicketRefused, match="expired"):
        verify(data, SECRET, now=1_000)
    with pytest.raises(TicketRefused, match="scope"):
        verify(sign(msgspec.structs.replace(ticket, query=Latest(tags=(1, 3))), SECRET), SECRET, now=0)


def test_the_service_refuses_bad_tickets(client: HistoryClient, socket_path: Path) -> None:
    connection = flight.connect(f"grpc+unix://{socket_path}")
    body = msgspec.msgpack.encode(Ticket("t", 1 << 60, None, Latest(tags=(1,))))
    for bad in (b"", b"anything", body, b"\x01" + bytes(32) + body):
        with pytest.raises(flight.FlightUnauthorizedError):
            connection.do_get(flight.Ticket(bad)).read_all()
    with pytest.raises(TicketRefused, match="signature"):
        HistoryClient(socket_path, "x" * 48, "t").latest([1])
    with pytest.raises(TicketRefused, match="expired"):
        HistoryClient(socket_path, SECRET, "t", clock=ManualClock(0)).latest([1])
    with pytest.raises(TicketRefused, match="tenant"):
        HistoryClient(socket_path, SECRET, "other").latest([1])
    connection.close()


def test_a_scope_limits_every_question(service: RunningService, socket_path: Path) -> None:
    with HistoryClient(socket_path, SECRET, "t", scope=[2]) as limited:
        assert set(limited.latest([2])) == {2}
        assert limited.count([], 0, DAY * 2) == {2: 5_000}
        for call in (
            lambda: limited.latest([1, 2]),
            lambda: limited.matrix([1], DAY, DAY + HOUR),
            lambda: limited.raw([1], DAY, DAY + HOUR),
            limited.stats,
        ):
            with pytest.raises(TicketRefused, match="scope"):
                call()
    with HistoryClient(socket_path, SECRET, "t", scope=[]) as nothing:
        assert nothing.count([], 0, DAY * 2) == {}


def test_a_bad_query_comes_back_with_field_and_value(client: HistoryClient) -> None:
    with pytest.raises(BadQuery) as e:
        client.trend([1], DAY, DAY, points=800)
    assert (e.value.problems[0].field, e.value.problems[0].value) == ("start", [DAY, DAY])
    with pytest.raises(BadQuery) as e:
        client.matrix([1, 1], DAY, DAY + HOUR)
    assert e.value.problems[0].code == "history.repeated_tag"


def test_a_client_goes_on_after_the_historian_was_restarted(
    store: Store, service: RunningService, client: HistoryClient, socket_path: Path
) -> None:
    assert client.count([1], 0, DAY * 2) == {1: 5_000}
    service.stop()
    with pytest.raises(Unreachable) as e:
        client.count([1], 0, DAY * 2)
    assert isinstance(e.value, NotReady)
    again = RunningService(HistoryService(store, socket_path, SECRET))
    assert again.wait_until_answering()
    assert client.count([1], 0, DAY * 2) == {1: 5_000}

    again.stop()


def test_no_historian_is_not_ready(tmp_path: Path) -> None:
    with pytest.raises(Unreachable):
        HistoryClient(tmp_path / "none.sock", SECRET).latest([1])


def test_a_question_that_takes_too_long_ends(tmp_path: Path) -> None:
    with Store(tmp_path / "h", Options(min_free=0, readers=1, query_seconds=0.3)) as store:
        store.open_tenant("t")
        path = socket_for(tmp_path / "history.sock")
        running = RunningService(HistoryService(store, path, SECRET))
        assert running.wait_until_answering()
        busy = store._readers.get()
        try:
            with pytest.raises(QueryTimeout):
                HistoryClient(path, SECRET, "t").latest([1])
        finally:
            store._readers.put(busy)
            running.stop()


def test_threads_share_a_client_and_queries_run_beside_inserts(client: HistoryClient, store: Store, db: str) -> None:
    failures: list[BaseException] = []

    def ask() -> None:
        try:
            for _ in range(10):
                assert len(client.trend([1], DAY, DAY + 5_000 * SECOND, points=50)[1].time) == 42  # whole minutes
        except BaseException as e:
            failures.append(e)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for t in threads:
        t.start()
    for i in range(20):
        rows = raw_rows(
            np.full(100, 50 + i, np.uint32),
            DAY + SECOND * np.arange(100),
            np.zeros(100, np.uint64),
            np.zeros(100),
            np.zeros(100, np.uint32),
        )
        store.insert(f"{db}.raw", rows, f"i-{i}-{i}")
    for t in threads:
        t.join()
    assert failures == []
    assert client.count(list(range(50, 70)), 0, DAY * 2) == dict.fromkeys(range(50, 70), 100)


def test_a_long_path_is_replaced_by_a_private_short_one(tmp_path: Path, store: Store) -> None:
    folder = tmp_path / ("x" * 120)
    folder.mkdir()
    short = socket_for(folder / "history.sock")

    assert len(str(short)) < 107
    assert stat.S_IMODE(short.parent.stat().st_mode) == 0o700
    assert find_socket(folder / "history.sock") == short
    running = RunningService(HistoryService(store, short, SECRET))
    assert running.wait_until_answering()
    with HistoryClient(folder / "history.sock", SECRET, "t") as client:
        assert client.latest([1]) == {}
    running.stop()
    short.parent.rmdir()


def test_count_names_everything_only_without_a_scope() -> None:
    ticket = Ticket("t", 10, (4,), Count(tags=(), start=0, stop=1))
    assert verify(sign(ticket, SECRET), SECRET, 0).query.tags == ()
