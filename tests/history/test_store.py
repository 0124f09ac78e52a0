"""The owner of the folder, its schema, and inserts that count once."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from headworks.history import schema
from headworks.history.errors import (
    DiskFull,
    HistoryOwned,
    InsertFailed,
    QueryTimeout,
    QueryTooLarge,
    SchemaNewer,
    StoreFault,
)
from headworks.history.intake import raw_rows
from headworks.history.store import Options, Store

pytestmark = pytest.mark.feature("PLT-05")
DAY = 1_700_006_400_000_000  # 2023-11-15 00:00 UTC


def samples(n: int = 1_000, start: int = DAY, rev: int = 0) -> pa.RecordBatch:
    return raw_rows(
        np.repeat(np.arange(10, dtype=np.uint32), n // 10),
        np.tile(start + 1_000_000 * np.arange(n // 10), 10),
        np.full(n, rev, np.uint64),
        np.arange(n, dtype=float),
        np.zeros(n, np.uint32),
    )


def one(store: Store, what: str, table: str) -> object:
    return store.query(f"SELECT {what} AS x FROM {table}")["x"][0].as_py()


def test_a_second_owner_of_the_folder_is_refused_by_name_of_the_first(store: Store) -> None:
    code = (
        "import sys\nfrom pathlib import Path\nfrom headworks.history.store import Store\n"
        "from headworks.history.errors import HistoryOwned\n"
        "try:\n Store(Path(sys.argv[1]))\nexcept HistoryOwned as e:\n print(e.params['pid'])"
    )
    out = subprocess.run([sys.executable, "-c", code, str(store.folder)], capture_output=True, text=True, timeout=60)

    import os

    assert out.stdout.strip() == str(os.getpid()), out.stderr
    with pytest.raises(HistoryOwned):
        Store(store.folder)


def test_a_token_stores_a_batch_once_in_raw_and_in_every_rollup(store: Store, db: str) -> None:
    for _ in range(3):
        store.insert(f"{db}.raw", samples(), "LOG_t_p-1-9")

    assert one(store, "count()", f"{db}.raw") == 1_000
    assert one(store, "sum(n)", f"{db}.m1") == 1_000
    assert one(store, "sum(n)", f"{db}.h1") == 1_000
    assert one(store, "sum(s)", f"{db}.h1") == sum(range(1_000))


def test_a_token_holds_after_the_store_was_closed_and_opened(tmp_path: Path) -> None:
    for _ in range(2):
        with Store(tmp_path / "h", Options(min_free=0)) as store:
            db = store.open_tenant("t")
            store.insert(f"{db}.raw", samples(), "LOG_t_p-1-9")
            assert one(store, "count()", f"{db}.raw") == 1_000
            assert one(store, "sum(n)", f"{db}.m1") == 1_000


def test_a_batch_over_many_days_is_stored_whole(store: Store, db: str) -> None:
    days = np.arange(250, dtype=np.int64)
    rows = raw_rows(
        np.ones(250, np.uint32),
        DAY + days * 86_400_000_000,
        np.zeros(250, np.uint64),
        days * 1.0,
        np.zeros(250, np.uint32),
    )
    store.insert(f"{db}.raw", rows, "x-1-2")
    store.insert(f"{db}.raw", rows, "x-1-2")

    assert one(store, "count()", f"{db}.raw") == 250
    assert one(store, "sum(n)", f"{db}.h1") == 250


def test_corrections_do_not_enter_rollups_but_are_newest(store: Store, db: str) -> None:
    store.insert(f"{db}.raw", samples(), "a-1-1")
    store.insert(f"{db}.raw", samples(10, DAY + 10_000_000_000, rev=77), "a-2-2")

    assert one(store, "sum(n)", f"{db}.m1") == 1_000
    assert one(store, "toUnixTimestamp64Micro(max(ts))", f"{db}.newest FINAL") == DAY + 10_000_000_000


def test_a_newer_schema_is_refused(store: Store, db: str) -> None:
    store.execute(f"INSERT INTO {db}.meta (version) VALUES ({schema.VERSION + 1})")
    store._tenants.clear()

    with pytest.raises(SchemaNewer):
        store.open_tenant("t")


def test_the_conservative_codec_makes_tables_without_alp(tmp_path: Path) -> None:
    with Store(tmp_path / "h", Options(value_codec="zstd", min_free=0)) as store:
        db = store.open_tenant("t")
        made = store.query(f"SHOW CREATE TABLE {db}.raw")["statement"][0].as_py()

    assert "ALP" not in made
    assert "`value` Float64 CODEC(ZSTD(3))" in made


def test_tenants_do_not_see_each_other(store: Store, db: str) -> None:
    other = store.open_tenant("other")
    store.insert(f"{db}.raw", samples(), "a-1-1")

    assert one(store, "count()", f"{other}.raw") == 0
    with pytest.raises(ValueError, match="cannot be part"):
        store.open_tenant("a`.raw")


def test_a_full_disk_refuses_before_anything_is_written(tmp_path: Path) -> None:
    with Store(tmp_path / "h", Options(min_free=1 << 60)) as store:
        db = store.open_tenant("t")
        with pytest.raises(DiskFull):
            store.insert(f"{db}.raw", samples(), "a-1-1")
        assert one(store, "count()", f"{db}.raw") == 0


def test_an_insert_into_nothing_says_so(store: Store) -> None:
    with pytest.raises(InsertFailed):
        store.insert("`tenant_t`.nothing", samples(), "a-1-1")
    with pytest.raises(StoreFault):
        store.query("SELECT * FROM `tenant_t`.nothing")


def test_queries_are_limited_in_memory_and_time(tmp_path: Path) -> None:
    options = Options(query_memory=50 << 20, query_seconds=0.3, min_free=0)
    with Store(tmp_path / "h", options) as store:
        with pytest.raises(QueryTooLarge):
            store.query("SELECT groupArray(number) AS x FROM numbers(100000000)")
        with pytest.raises(QueryTimeout):
            store.query("SELECT sum(sqrt(number)) AS x FROM numbers(100000000000)")
        assert one(store, "count()", "numbers(10)") == 10


def test_an_insert_does_not_wait_for_a_long_query_and_new_queries_wait_for_it(store: Store, db: str) -> None:
    store.insert(f"{db}.raw", samples(), "warm-1-1")
    running = threading.Thread(target=store.query, args=("SELECT sum(sqrt(number)) AS x FROM numbers(600000000)",))
    running.start()
    time.sleep(0.05)
    store.insert(f"{db}.raw", samples(start=DAY + 1_000_000_000), "second-1-1")
    still_running = running.is_alive()
    running.join()

    assert still_running, "the query was too short to show anything"
    with store._gate.insert():
        begun = time.monotonic()
        store._gate.before_query()
    assert time.monotonic() - begun > 0.4
