"""Trends, samples and matrices against the same computed in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from headworks.base.status import BAD_NO_DATA, BAD_SENSOR_FAILURE
from headworks.history.errors import BadQuery
from headworks.history.follow import Alignment
from headworks.history.intake import raw_rows
from headworks.history.queries import Queries
from headworks.history.segments import HOUR, Segments, Stretch, compact, join_batches, runs, to_batch
from headworks.history.store import Store
from headworks.history.ticket import Count, Latest, Matrix, Raw, Trend

pytestmark = pytest.mark.feature("PLT-05")
DAY = 1_700_006_400_000_000
SECOND = 1_000_000
N = 20_000


@pytest.fixture
def data(store: Store, db: str) -> dict[str, Any]:
    """Two tags over 20,000 s, one with bad samples; tag 1 has corrections in a stretch."""
    rng = np.random.default_rng(1)
    time = DAY + SECOND * np.arange(N)
    value = {1: np.round(rng.normal(50, 5, N), 3), 2: np.round(rng.normal(0, 1, N), 3)}
    status = np.where(rng.random(N) < 0.05, BAD_SENSOR_FAILURE, 0).astype(np.uint32)
    value[2] = np.where(status > 0, np.nan, value[2])
    zero = np.zeros(N, np.uint32)
    for tag, s in ((1, zero), (2, status)):
        rows = raw_rows(np.full(N, tag, np.uint32), time, np.zeros(N, np.uint64), value[tag], s)
        store.insert(f"{db}.raw", rows, f"d-{tag}-{tag}")
    late = np.arange(5_000, 5_100)
    for rev, add in ((700, 1_000.0), (800, 2_000.0)):
        rows = raw_rows(
            np.ones(100, np.uint32), time[late], np.full(100, rev, np.uint64), value[1][late] + add, zero[late]
        )
        store.insert(f"{db}.raw", rows, f"c-{rev}-{rev}")
    return {"time": time, "value": value, "status": status, "late": late}


@pytest.fixture
def queries(store: Store, db: str, data: dict[str, Any]) -> Queries:
    return Queries(store, db)


@pytest.mark.parametrize("points", [2_000, 200])
def test_trend_buckets_are_those_of_numpy(queries: Queries, data: dict[str, Any], points: int) -> None:
    t = queries.trend(Trend(tags=(1, 2), start=DAY, stop=DAY + N * SECOND, points=points))
    width = 10 * SECOND if points == 2_000 else 120 * SECOND
    bucket = data["time"] - data["time"] % width
    for tag in (1, 2):
        rows = t.filter(np.asarray(t["tag"]) == tag).to_pydict()
        for i, at in enumerate(np.unique(bucket)):
            values = data["value"][tag][bucket == at]
            good = values[~np.isnan(values)]
            assert rows["time"][i] == at
            assert (rows["min"][i], rows["max"][i]) == (good.min(), good.max())
            assert rows["mean"][i] == pytest.approx(good.mean(), rel=1e-12, abs=1e-12)
            assert (rows["first"][i], rows["last"][i]) == (good[0], good[-1])
            assert (rows["n"][i], rows["bad"][i]) == (len(good), len(values) - len(good))
            assert rows["status"][i] == (BAD_SENSOR_FAILURE if len(good) < len(values) else 0)
        assert len(rows["time"]) == len(np.unique(bucket))


def test_few_samples_come_as_they_are(queries: Queries, data: dict[str, Any]) -> None:
    t = queries.trend(Trend(tags=(2, 99), start=DAY, stop=DAY + 300 * SECOND, points=800))

    assert t["time"].to_pylist() == data["time"][:300].tolist()
    np.testing.assert_array_equal(t["mean"].to_numpy(), data["value"][2][:300])
    assert set(t["tag"].to_pylist()) == {2}


def test_hour_rollups_serve_long_trends(queries: Queries, data: dict[str, Any]) -> None:
    t = queries.trend(Trend(tags=(1,), start=DAY, stop=DAY + 400 * 24 * HOUR, points=1_000))

    assert (t["time"].to_numpy() % HOUR == 0).all()
    assert sum(t["n"].to_pylist()) == N
    assert max(t["max"].to_pylist()) == data["value"][1].max()


@pytest.mark.parametrize("points", [2_000, 200])
def test_corrected_trends_show_the_newest_revision_and_only_there(
    queries: Queries, data: dict[str, Any], points: int
) -> None:
    span = {"tags": (1,), "start": DAY, "stop": DAY + N * SECOND, "points": points}
    live = queries.trend(Trend(**span))
    corrected = queries.trend(Trend(**span, mode="as_corrected"))
    before = queries.trend(Trend(**span, mode="as_of", rev=750))

    assert max(live["max"].to_pylist()) < 1_000
    assert max(corrected["max"].to_pylist()) > 2_000
    assert 1_000 < max(before["max"].to_pylist()) < 2_000
    assert corrected["time"].to_pylist() == live["time"].to_pylist()
    assert sum(corrected["n"].to_pylist()) == N
    same = np.asarray(corrected["max"]) == np.asarray(live["max"])
    width = 10 * SECOND if points == 2_000 else 120 * SECOND
    touched = {int(t - t % width) for t in data["time"][data["late"]]}
    assert {t for t, s in zip(live["time"].to_pylist(), same, strict=True) if not s} == touched


def test_raw_modes_and_limit(queries: Queries, data: dict[str, Any]) -> None:
    a, b = int(data["time"][5_000]), int(data["time"][5_003])
    value = data["value"][1][5_000:5_003]

    assert queries.raw(Raw(tags=(1,), start=a, stop=b))["value"].to_pylist() == value.tolist()
    assert queries.raw(Raw(tags=(1,), start=a, stop=b, mode="as_corrected"))["rev"].to_pylist() == [800] * 3
    found = queries.raw(Raw(tags=(1,), start=a, stop=b, mode="as_of", rev=799))
    np.testing.assert_array_equal(found["value"].to_numpy(), value + 1_000)
    cut = queries.raw(Raw(tags=(1, 2), start=DAY, stop=DAY + N * SECOND, limit=10))
    assert (cut.num_rows, cut.schema.metadata[b"truncated"]) == (10, b"1")


def test_latest_and_count(queries: Queries, data: dict[str, Any]) -> None:
    latest = queries.latest(Latest(tags=(2, 1, 99))).to_pydict()
    assert latest["tag"] == [1, 2]
    assert latest["time"] == [data["time"][-1]] * 2

    assert queries.count(Count(tags=(1, 2), start=0, stop=DAY * 2))["n"].to_pylist() == [N, N]
    assert queries.count(Count(tags=(), start=DAY, stop=DAY + 10 * SECOND))["n"].to_pylist() == [10, 10]
    assert queries.count(Count(tags=(1,), start=0, stop=DAY * 2, late=True))["n"].to_pylist() == [N]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        (Trend(tags=(), start=0, stop=1), "tags"),
        (Trend(tags=tuple(range(500)), start=0, stop=1), "tags"),
        (Trend(tags=(1,), start=5, stop=5), "start"),
        (Trend(tags=(1,), start=0, stop=1, points=0), "points"),
        (Raw(tags=(1,), start=0, stop=1, limit=10**9), "limit"),
        (Matrix(tags=(1, 1), start=0, stop=1), "tags"),
    ],
)
def test_what_cannot_be_answered_names_the_field(queries: Queries, query: Any, field: str) -> None:
    call = {"Trend": queries.trend, "Raw": queries.raw, "Matrix": lambda q: list(queries.matrix(q))}
    with pytest.raises(BadQuery) as e:
        call[type(query).__name__](query)
    assert e.value.problems[0].field == field


# --- matrices -----------------------------------------------------------------------------------------------------


def put_grid(
    store: Store, db: str, value: np.ndarray, status: np.ndarray, start: int, tags: list[int], part: str = "p"
) -> None:
    """Store a grid with a tick of one second, an hour at a time."""
    a = Alignment(np.array(tags, "<u4").tobytes(), SECOND, 30 * SECOND)
    k = 0
    while k < len(value):
        first = start + k * SECOND
        hour = first - first % HOUR
        n = min(len(value) - k, (hour + HOUR - first) // SECOND)
        batch = to_batch(part, Stretch(a, hour, first, value[k : k + n], status[k : k + n]))
        store.insert(f"{db}.seg", batch, f"{part}-{hour}-{tags[0]}")
        k += n


def test_a_matrix_over_hours_is_what_was_stored(store: Store, db: str) -> None:
    rng = np.random.default_rng(2)
    value = np.round(rng.normal(0, 1, (9_000, 6)), 3)
    status = np.where(rng.random(value.shape) < 0.01, BAD_SENSOR_FAILURE, 0).astype(np.uint32)
    value[status > 0] = np.nan
    put_grid(store, db, value, status, DAY + 17 * SECOND, [3, 5, 7, 8, 9, 11])
    q = Queries(store, db)

    chunks = list(q.matrix(Matrix(tags=(9, 4, 3), start=DAY + 100 * SECOND, stop=DAY + 8_000 * SECOND)))

    found = np.concatenate([c.value for c in chunks], axis=1)
    np.testing.assert_array_equal(np.concatenate([c.ticks for c in chunks]), DAY + SECOND * np.arange(100, 8_000))
    np.testing.assert_array_equal(found[0], value[83:7_983, 4])
    np.testing.assert_array_equal(found[2], value[83:7_983, 0])
    assert np.isnan(found[1]).all()
    statuses = np.concatenate([c.status for c in chunks], axis=1)
    np.testing.assert_array_equal(statuses[0], status[83:7_983, 4])
    assert (statuses[1] == BAD_NO_DATA).all()
    assert list(q.matrix(Matrix(tags=(4,), start=DAY, stop=DAY + HOUR))) == []


def test_a_corrected_matrix_is_computed_from_corrected_samples(store: Store, db: str) -> None:
    n = 600
    time = DAY + SECOND * np.arange(0, n, 10)  # a sample every 10 s, held for 30 s
    sample = np.arange(len(time), dtype=float)
    zero = np.zeros(len(time), np.uint32)
    store.insert(
        f"{db}.raw",
        raw_rows(np.ones(len(time), np.uint32), time, np.zeros(len(time), np.uint64), sample, zero),
        "a-1-1",
    )
    grid = np.repeat(sample, 10)[:, None]
    put_grid(store, db, np.hstack([grid, grid]), np.zeros((n, 2), np.uint32), DAY, [1, 2])
    at = np.array([DAY + 103 * SECOND, DAY + 200 * SECOND, DAY + 595 * SECOND])
    store.insert(
        f"{db}.raw",
        raw_rows(
            np.ones(3, np.uint32),
            at,
            np.full(3, 50, np.uint64),
            np.array([-1.0, -2.0, -3.0]),
            np.array([0, 0, BAD_SENSOR_FAILURE], np.uint32),
        ),
        "a-2-2",
    )
    q = Queries(store, db)
    expected = grid[:, 0].copy()
    expected[103:110], expected[200:210], expected[595:600] = -1.0, -2.0, np.nan

    (live,) = q.matrix(Matrix(tags=(1, 2), start=DAY, stop=DAY + HOUR))
    (corrected,) = q.matrix(Matrix(tags=(1, 2), start=DAY, stop=DAY + HOUR, mode="as_corrected"))
    (before,) = q.matrix(Matrix(tags=(1, 2), start=DAY, stop=DAY + HOUR, mode="as_of", rev=49))

    np.testing.assert_array_equal(live.value[0], grid[:, 0])
    np.testing.assert_array_equal(corrected.value[0], expected)
    np.testing.assert_array_equal(corrected.value[1], grid[:, 0])
    assert corrected.status[0, 599] == BAD_SENSOR_FAILURE
    np.testing.assert_array_equal(before.value, live.value)


def test_two_ticks_in_one_span_have_to_be_chosen_between(store: Store, db: str) -> None:
    put_grid(store, db, np.zeros((10, 1)), np.zeros((10, 1), np.uint32), DAY, [1])
    fine = Alignment(np.array([1], "<u4").tobytes(), 100_000, 30 * SECOND)
    stretch = Stretch(fine, DAY, DAY + 20 * SECOND, np.ones((30, 1)), np.zeros((30, 1), np.uint32))
    store.insert(f"{db}.seg", to_batch("p", stretch), "fine")
    q = Queries(store, db)

    with pytest.raises(BadQuery) as e:
        list(q.matrix(Matrix(tags=(1,), start=DAY, stop=DAY + HOUR)))
    assert e.value.problems[0].value == [100_000, SECOND]
    (chunk,) = q.matrix(Matrix(tags=(1,), start=DAY, stop=DAY + HOUR, tick=100_000))
    assert chunk.value.shape == (1, 30)


def test_a_tag_of_two_partitions_is_read_from_one(store: Store, db: str) -> None:
    put_grid(store, db, np.full((10, 1), 1.0), np.zeros((10, 1), np.uint32), DAY, [1], part="b")
    put_grid(store, db, np.full((20, 1), 2.0), np.zeros((20, 1), np.uint32), DAY, [1], part="c")
    q = Queries(store, db)

    (chunk,) = q.matrix(Matrix(tags=(1,), start=DAY, stop=DAY + HOUR))
    assert chunk.value.tolist() == [[1.0] * 10]
    (chunk,) = q.matrix(Matrix(tags=(1,), start=DAY, stop=DAY + HOUR, partition="c"))
    assert chunk.value.tolist() == [[2.0] * 20]


def test_while_an_hour_is_compacted_its_segment_hides_its_parts(store: Store, db: str) -> None:
    a = Alignment(np.array([1], "<u4").tobytes(), SECOND, 30 * SECOND)
    for first in (0, 10):
        part = Stretch(a, DAY, DAY + first * SECOND, np.full((10, 1), 5.0), np.zeros((10, 1), np.uint32))
        store.insert(f"{db}.seg_recent", to_batch("p", part), f"p-{first}")
    put_grid(store, db, np.full((20, 1), 6.0), np.zeros((20, 1), np.uint32), DAY, [1])

    (chunk,) = Queries(store, db).matrix(Matrix(tags=(1,), start=DAY, stop=DAY + HOUR))

    assert chunk.value.tolist() == [[6.0] * 20]


def test_compaction_joins_what_follows_and_keeps_holes() -> None:
    a = Alignment(np.array([1, 2], "<u4").tobytes(), SECOND, 30 * SECOND)
    rng = np.random.default_rng(3)
    value, status = rng.normal(size=(50, 2)), rng.integers(0, 2, (50, 2)).astype(np.uint32)
    cuts = [(0, 20), (20, 21), (30, 50)]
    batches = [to_batch("p", Stretch(a, DAY, DAY + x * SECOND, value[x:y], status[x:y])) for x, y in cuts]
    table = Segments.of(
        pa.Table.from_batches([join_batches(batches)]).sort_by([("tag", "ascending"), ("first", "ascending")])
    )

    joined = compact(table, "p", DAY)

    assert joined["tag"].to_pylist() == [1, 1, 2, 2]
    assert [len(v) for v in joined["value"].to_pylist()] == [21, 20, 21, 20]
    for lane in (0, 1):
        assert joined["value"].to_pylist()[2 * lane] == value[:21, lane].tolist()
        at, st, _ = runs(status[None, 30:50, lane])
        assert joined["run_at"].to_pylist()[2 * lane + 1] == at.tolist()
        assert joined["run_status"].to_pylist()[2 * lane + 1] == st.tolist()
        at, st, _ = runs(status[None, :21, lane])
        assert joined["run_at"].to_pylist()[2 * lane] == at.tolist()
        assert joined["run_status"].to_pylist()[2 * lane] == st.tolist()
