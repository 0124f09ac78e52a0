"""What pages and the hub ask of a real historian."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from django.conf import settings

from headworks.control.live import stored
from headworks.history.flight import HistoryService, RunningService
from headworks.history.intake import raw_rows
from headworks.history.segments import HOUR
from headworks.history.store import Options, Store
from headworks.history.wire import socket_for

pytestmark = [pytest.mark.feature("PLT-05"), pytest.mark.integration]
S = 1_000_000
START = 480_000 * HOUR


@pytest.fixture
def historian(tmp_path) -> Iterator[None]:
    """A historian with 3,000 s of tag 1 (one bad), and three samples of tag 2."""
    n = 3000
    home = settings.HOME
    with Store(tmp_path / "history", Options(min_free=0)) as store:
        db = store.open_tenant(settings.HEADWORKS.tenant)
        tag = np.array([1] * n + [2] * 3, np.uint32)
        time = START + np.append(np.arange(n), [0, 1, 2]) * S
        value = np.append(np.arange(n), [1.0, np.nan, 3.0]).astype(float)
        status = np.append(np.zeros(n), [0, 0x80000000, 0]).astype(np.uint32)
        store.insert(f"{db}.raw", raw_rows(tag, time, np.zeros(n + 3, np.uint64), value, status), "a-1-1")
        socket = socket_for(home.folder("run") / "history.sock")
        service = RunningService(HistoryService(store, socket, home.secret("history")))
        assert service.wait_until_answering()
        stored.client.cache_clear()
        yield
        stored.client().close()
        stored.client.cache_clear()
        service.stop()


def test_few_samples_come_as_they_are_with_bad_as_null_and_many_as_buckets(historian):
    one, two = stored.trend([1, 2, 1], START // 1000, START // 1000 + 3_000_000, 100)[:2]

    assert (one["tag"], two["tag"]) == (1, 2)
    assert 50 <= len(one["time_ms"]) <= 200
    assert (min(one["min"]), max(one["max"])) == (0.0, 2999.0)
    assert two["time_ms"] == [START // 1000, START // 1000 + 1000, START // 1000 + 2000]
    assert two["mean"] == [1.0, None, 3.0]
    assert two["status"] == [0, 0x80000000, 0]


def test_the_newest_of_tags_with_history(historian):
    batch = stored.newest([1, 2, 3])

    assert batch.tag.tolist() == [1, 2]
    assert batch.time.tolist() == [START + 2999 * S, START + 2 * S]
    assert batch.value.tolist() == [2999.0, 3.0]


async def test_a_page_gets_history_and_a_new_web_process_knows_the_newest(historian, site, sign_in):
    session = await site.in_thread(sign_in)

    status, body = await site.get(f"/api/v1/history?tags=2&from={START // 1000}&to={START // 1000 + 5000}", session)
    await site.hub._warm_up(stored.newest)

    assert status == 200
    assert body["tags"][0]["mean"] == [1.0, None, 3.0]
    _, values = await site.get("/api/v1/values?ids=1,2,3", session)
    assert [v["value"] for v in values["items"]] == [2999.0, 3.0]
