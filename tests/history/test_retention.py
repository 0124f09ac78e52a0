"""Old days go, whole and listed; rollups stay."""

from __future__ import annotations

import numpy as np
import pytest

from headworks.history.intake import raw_rows
from headworks.history.retention import apply_retention
from headworks.history.store import Store

pytestmark = pytest.mark.feature("PLT-05")
DAY_US = 86_400_000_000
DAY = 1_700_006_400_000_000  # 2023-11-15


def test_days_before_the_limit_are_listed_and_dropped(store: Store, db: str) -> None:
    time = DAY + DAY_US * np.arange(10, dtype=np.int64)
    store.insert(
        f"{db}.raw",
        raw_rows(np.ones(10, np.uint32), time, np.zeros(10, np.uint64), np.arange(10) * 1.0, np.zeros(10, np.uint32)),
        "r-1-1",
    )
    now = DAY + 9 * DAY_US + 3_600_000_000

    listed = apply_retention(store, db, 3, now, dry_run=True)
    assert [(e.table, e.day, e.rows) for e in listed] == [("raw", 20231115 + i, 1) for i in range(6)]
    assert store.query(f"SELECT count() AS x FROM {db}.raw")["x"][0].as_py() == 10

    assert apply_retention(store, db, 3, now) == listed
    assert store.query(f"SELECT count() AS x FROM {db}.raw")["x"][0].as_py() == 4
    assert store.query(f"SELECT sum(n) AS x FROM {db}.m1")["x"][0].as_py() == 10
    assert apply_retention(store, db, 3, now) == []
    assert apply_retention(store, db, 0, now + 100 * DAY_US) == []
