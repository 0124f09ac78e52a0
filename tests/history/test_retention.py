"""Old days go, whole and listed; rollups stay."""

from __future__ import annotations

import numpy as np
import pytest

from headworks.base.clock import SystemClock, to_datetime
from headworks.history.intake import raw_rows
from headworks.history.retention import apply_retention
from headworks.history.store import Store

pytestmark = pytest.mark.feature("PLT-05")
DAY_US = 86_400_000_000


def store_days(store: Store, db: str, first: int) -> None:
    """Store one sample on each of ten days from `first` [µs]."""
    time = first + DAY_US * np.arange(10, dtype=np.int64)
    zero = np.zeros(10, np.uint64)
    rows = raw_rows(np.ones(10, np.uint32), time, zero, np.arange(10) * 1.0, zero.astype(np.uint32))
    store.insert(f"{db}.raw", rows, "r-1-1")


def count(store: Store, db: str) -> int:
    return store.query(f"SELECT count() AS x FROM {db}.raw")["x"][0].as_py()


def test_days_before_the_limit_are_listed_and_dropped(store: Store, db: str) -> None:
    # The store notes the wall clock when it writes; so the days lie around today and the run is in the future.
    today = SystemClock().now()
    store_days(store, db, today - 7 * DAY_US)
    now = today + 6 * DAY_US

    listed = apply_retention(store, db, 5, now, dry_run=True)
    days = [int(to_datetime(today + i * DAY_US).strftime("%Y%m%d")) for i in range(-7, 1)]
    assert [(e.table, e.day, e.rows) for e in listed] == [("raw", day, 1) for day in days]
    assert count(store, db) == 10

    assert apply_retention(store, db, 5, now) == listed
    assert count(store, db) == 2
    assert store.query(f"SELECT sum(n) AS x FROM {db}.m1")["x"][0].as_py() == 10
    assert apply_retention(store, db, 5, now) == []
    assert apply_retention(store, db, 0, now + 100 * DAY_US) == []


def test_an_old_recording_is_kept_from_the_day_it_was_replayed(store: Store, db: str) -> None:
    now = SystemClock().now()
    store_days(store, db, now - 2_000 * DAY_US)

    assert apply_retention(store, db, 365, now + 364 * DAY_US) == []
    assert count(store, db) == 10
    assert len(apply_retention(store, db, 365, now + 366 * DAY_US)) == 10
