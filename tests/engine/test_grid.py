"""The grid against the parity contract, written a second time naively, and the rules one by one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headworks.base import status as codes
from headworks.base.errors import Fault
from headworks.engine.grid import MAX_GAP, MAX_ROWS, Grid, Rows

from .engine_worlds import SECOND, START, NaiveGrid, Samples

pytestmark = [pytest.mark.feature("PLT-05"), pytest.mark.feature("N-03")]

STALENESS = 5 * SECOND


def samples(seq: int, *rows: tuple[int, float, float] | tuple[int, float, float, int]) -> Samples:
    """Return samples (tag, seconds after START, value[, status])."""
    full = [(*r, 0)[:4] for r in rows]
    tag, seconds, value, status = zip(*full, strict=True) if full else ((), (), (), ())
    times = [START + round(s * SECOND) for s in seconds]
    return Samples(
        seq, np.array(tag, np.uint32), np.array(times, np.int64), np.array(value, float), np.array(status, np.uint32)
    )


def feed(grid: Grid, s: Samples) -> list[int]:
    return grid.add(s.tag, s.time, s.value, s.status, s.seq).tolist()


def rows_of(grid: Grid, seconds: float) -> Rows:
    released = list(grid.advance(START + round(seconds * SECOND)))
    assert len(released) == 1
    return released[0]


@pytest.fixture
def grid() -> Grid:
    """Return a grid of tags 3 and 5 whose first row, at START, is out."""
    grid = Grid(np.array([3, 5], np.uint32), SECOND, STALENESS)
    rows_of(grid, 0)
    return grid


# --- the rules ---------------------------------------------------------------------------------------------------------


def test_the_first_watermark_releases_one_row_at_itself() -> None:
    grid = Grid(np.array([3], np.uint32), SECOND, STALENESS)
    feed(grid, samples(1, (3, -2, 7.0)))

    rows = rows_of(grid, 0.4)

    assert rows.ticks.tolist() == [START]
    assert rows.value.tolist() == [[7.0]]


def test_the_newest_sample_at_or_before_the_tick_counts_until_it_is_stale(grid: Grid) -> None:
    feed(grid, samples(1, (3, 1, 10.0), (3, 0.5, 9.0), (5, 1.001, 20.0)))

    rows = rows_of(grid, 7)

    assert rows.value[:, 0].tolist()[:5] == [10.0] * 5
    assert np.isnan(rows.value[5:, 0]).all()  # the sample of second 1 is 5 s old at second 6
    assert rows.status[5:, 0].tolist() == [codes.BAD_NO_DATA] * 2
    assert np.isnan(rows.value[0, 1])
    assert rows.value[1:6, 1].tolist() == [20.0] * 5


def test_of_equal_times_the_first_received_wins(grid: Grid) -> None:
    assert feed(grid, samples(8, (3, 1, 10.0), (3, 1, 11.0))) == [0, -1]
    assert feed(grid, samples(9, (3, 1, 12.0))) == [-1]

    assert rows_of(grid, 1).value[0, 0] == 10.0
    assert feed(grid, samples(10, (3, 1, 13.0))) == [10]
    assert rows_of(grid, 2).value[0, 0] == 10.0


def test_a_late_sample_newer_than_what_is_shown_counts_from_the_next_tick(grid: Grid) -> None:
    feed(grid, samples(1, (3, 1, 10.0)))
    rows_of(grid, 4)

    assert feed(grid, samples(2, (3, 3, 30.0), (3, 2, 20.0), (5, 4, 5.0))) == [2, 2, 2]

    rows = rows_of(grid, 8)
    assert rows.value[:3, 0].tolist() == [30.0] * 3
    assert np.isnan(rows.value[3, 0])
    assert rows.value[:, 1].tolist() == [5.0] * 4


def test_a_bad_sample_hides_older_good_ones(grid: Grid) -> None:
    feed(grid, samples(1, (3, 1, 10.0), (3, 1.5, 11.0, codes.BAD_SENSOR_FAILURE), (5, 1, 1.0, codes.UNCERTAIN)))

    rows = rows_of(grid, 2)

    assert rows.value[0].tolist() == [10.0, 1.0]
    assert np.isnan(rows.value[1, 0])
    assert rows.status.tolist() == [[0, codes.UNCERTAIN], [codes.BAD_SENSOR_FAILURE, codes.UNCERTAIN]]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_is_bad(grid: Grid, value: float) -> None:
    feed(grid, samples(1, (3, 1, value), (5, 1, value, codes.BAD_NOT_CONNECTED)))

    rows = rows_of(grid, 1)

    assert rows.value.view(np.uint64).tolist() == [[0x7FF8_0000_0000_0000] * 2]
    assert rows.status.tolist() == [[codes.BAD_NO_DATA, codes.BAD_NOT_CONNECTED]]


def test_unknown_tags_get_the_sequence_and_change_nothing(grid: Grid) -> None:
    assert feed(grid, samples(42, (4, 1, 1.0), (9, 1, 1.0), (0, 1, 1.0))) == [42] * 3
    assert np.isnan(rows_of(grid, 1).value).all()


def test_a_watermark_that_is_not_newer_releases_nothing(grid: Grid) -> None:
    assert list(grid.advance(START)) == []
    assert list(grid.advance(START - 10 * SECOND)) == []
    assert list(grid.advance(START + SECOND - 1)) == []
    assert grid.last_tick == START


def test_a_jump_of_more_than_the_greatest_gap_releases_one_row(grid: Grid) -> None:
    assert sum(len(r.ticks) for r in grid.advance(START + MAX_GAP)) == MAX_GAP // SECOND
    feed(grid, samples(1, (3, 2 * MAX_GAP // SECOND, 1.0), (3, 2 * MAX_GAP // SECOND + 1, 2.0)))

    rows = list(grid.advance(START + 2 * MAX_GAP + SECOND))

    assert [r.ticks.tolist() for r in rows] == [[START + 2 * MAX_GAP + SECOND]]
    assert rows[0].value[0, 0] == 2.0


def test_rows_come_in_pieces_and_must_be_read(grid: Grid) -> None:
    pieces = grid.advance(START + 1500 * SECOND)
    assert len(next(pieces).ticks) == MAX_ROWS
    with pytest.raises(Fault) as e:
        feed(grid, samples(1, (3, 1, 1.0)))
    assert e.value.error_code == "engine.grid_rows_unread"

    assert [len(r.ticks) for r in pieces] == [600, 300]
    assert feed(grid, samples(1, (3, 1501, 1.0))) == [0]


def test_retag_keeps_what_stays(grid: Grid) -> None:
    feed(grid, samples(1, (3, 1, 10.0), (5, 1, 50.0), (5, 3, 51.0), (3, 3, 11.0)))
    rows_of(grid, 1)

    grid.retag(np.array([4, 5], np.uint32), SECOND, STALENESS)

    assert feed(grid, samples(2, (5, 3, 99.0), (3, 3, 1.0), (4, 3, 40.0))) == [-1, 2, 0]
    assert rows_of(grid, 3).value[:, 1].tolist() == [50.0, 51.0]


def test_a_longer_tick_goes_on_at_its_own_multiples(grid: Grid) -> None:
    grid.retag(np.array([3], np.uint32), 7 * SECOND, STALENESS)

    ticks = [t for r in grid.advance(START + 30 * SECOND) for t in r.ticks.tolist()]

    assert ticks == [START + s * SECOND for s in (1, 8, 15, 22, 29)]  # START is 6 s after a multiple of 7 s


def test_no_tags_still_makes_rows() -> None:
    grid = Grid(np.array([], np.uint32), SECOND, STALENESS)
    assert rows_of(grid, 0).value.shape == (1, 0)
    assert rows_of(grid, 3).value.shape == (3, 0)


def test_columns_as_they_come_from_the_wire_are_taken(grid: Grid) -> None:
    columns = [np.frombuffer(c.tobytes(), c.dtype) for c in (*_columns_of(samples(1, (3, 1, 1.5))),)]
    assert grid.add(*columns, 1).tolist() == [0]
    assert rows_of(grid, 1).value[0, 0] == 1.5


def _columns_of(s: Samples) -> tuple[np.ndarray, ...]:
    return s.tag, s.time, s.value, s.status


@pytest.mark.parametrize(("tags", "tick", "staleness"), [([5, 3], 1, 1), ([3, 3], 1, 1), ([3], 0, 1), ([3], 1, 0)])
def test_a_grid_that_is_not_well_formed_is_refused(tags: list[int], tick: int, staleness: int) -> None:
    with pytest.raises(Fault, match="grid_shape"):
        Grid(np.array(tags, np.uint32), tick, staleness)


@pytest.mark.parametrize(
    "data", [b"", b"junk", b"\x97\x02\x01\x01\xc0\xc4\x00\x93\xc4\x00\xc4\x00\xc4\x00\x94" + b"\xc4\x00" * 4]
)
def test_what_is_not_an_export_is_refused(data: bytes) -> None:
    with pytest.raises(Fault, match="grid_unreadable"):
        Grid.restore(data)


# --- the property ------------------------------------------------------------------------------------------------------

TAGS = (3, 5, 6, 9)
TIMES = st.integers(-40, 80).map(lambda quarter: quarter * SECOND // 4)
VALUES = st.sampled_from([0.0, -1.5, 2.25, 1e300, np.nan, np.inf])
STATUSES = st.sampled_from([0, 0, 0, codes.UNCERTAIN_SUB_NORMAL, codes.BAD_SENSOR_FAILURE])
SAMPLE = st.tuples(st.sampled_from([*TAGS, 4]), TIMES, VALUES, STATUSES)
ACTIONS = st.one_of(
    st.tuples(st.just("add"), st.lists(SAMPLE, max_size=12)),
    st.tuples(st.just("advance"), st.integers(-8, 24)),
    st.tuples(st.just("jump"), st.integers(0, 3)),
    st.tuples(st.just("restore"), st.none()),
    st.tuples(
        st.just("retag"), st.tuples(st.sets(st.sampled_from(TAGS)), st.sampled_from([1, 2, 4]), st.integers(1, 20))
    ),
)


@settings(max_examples=250, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(st.lists(ACTIONS, max_size=30))
def test_any_history_gives_what_the_contract_says(actions: list) -> None:
    grid = Grid(np.array(TAGS, np.uint32), SECOND, STALENESS)
    naive = NaiveGrid(list(TAGS), SECOND, STALENESS)
    clock = START
    for seq, (action, what) in enumerate(actions, 1):
        if action == "add":
            batch = samples(seq, *((tag, (clock - START + t) / SECOND, v, q) for tag, t, v, q in what))
            assert feed(grid, batch) == naive.add(batch)
        elif action in ("advance", "jump"):
            watermark = clock + what * SECOND // 4 if action == "advance" else clock + MAX_GAP + what * SECOND
            got, wanted = list(grid.advance(watermark)), naive.advance(watermark)
            assert_same_rows(got, wanted)
            assert grid.last_tick == naive.last
            clock = max(clock, watermark)
        elif action == "restore":
            grid = Grid.restore(grid.export())
        else:
            tags, quarters, staleness = what
            grid.retag(np.array(sorted(tags), np.uint32), quarters * SECOND // 4, staleness * SECOND // 4)
            naive.retag(sorted(tags), quarters * SECOND // 4, staleness * SECOND // 4)


def assert_same_rows(got: list[Rows], wanted: list[Rows]) -> None:
    if not wanted:
        assert not got
        return
    np.testing.assert_array_equal(np.concatenate([r.ticks for r in got]), wanted[0].ticks)
    value = np.concatenate([r.value for r in got])
    np.testing.assert_array_equal(value.view(np.uint64), wanted[0].value.view(np.uint64))
    np.testing.assert_array_equal(np.concatenate([r.status for r in got]), wanted[0].status)


@settings(max_examples=30, derandomize=True, deadline=None, database=None)
@given(st.integers(0, 10_000))
def test_many_waiting_samples_are_told_apart(seed: int) -> None:
    rng = np.random.default_rng(seed)
    tags = np.unique(rng.integers(0, 2**32, 300, dtype=np.uint32))
    grid, naive = Grid(tags, SECOND, STALENESS), NaiveGrid(tags.tolist(), SECOND, STALENESS)
    for seq in range(1, 5):
        n = 2000
        batch = Samples(
            seq,
            rng.choice(tags[:40], n),
            START + rng.integers(0, 60, n) * SECOND,
            rng.random(n),
            np.zeros(n, np.uint32),
        )
        assert feed(grid, batch) == naive.add(batch)
        watermark = START + int(rng.integers(0, 20)) * SECOND
        assert_same_rows(list(grid.advance(watermark)), naive.advance(watermark))
