"""Newest values, health, system and history over HTTP, on a running server."""

from __future__ import annotations

import asyncio
import time

import pytest

from headworks.bus import messages
from headworks.bus.messages import Watermark
from headworks.control.live import hub, stored

pytestmark = [pytest.mark.feature("PWR-06"), pytest.mark.integration]
S = 1_000_000
BAD = 0x80000000


@pytest.fixture
async def session(site, sign_in):
    return await site.in_thread(sign_in)


async def test_values_are_the_newest_known_and_a_bad_one_is_null(site, session):
    await site.samples([1, 2], [5 * S, 6 * S], [1.5, float("nan")], [0, BAD])
    await site.samples([1], [4 * S], [9.9])
    await site.known(2, 6 * S)
    await site.known(1, 5 * S)

    status, body = await site.get("/api/v1/values?ids=1,2,3,77", session)

    assert status == 200
    assert body["items"] == [
        {"tag": 1, "time_ms": 5000, "value": 1.5, "status": 0},
        {"tag": 2, "time_ms": 6000, "value": None, "status": BAD},
    ]


async def test_health_counts_bad_stale_and_alarms_up_the_tree(site, session):
    await site.bus.say(site.subject("mark"), messages.encode(Watermark(100 * S)))
    await site.samples([1, 3], [99 * S, 50 * S], [1.0, 1.0], [BAD, 0])
    await site.raise_alarm(100, 98 * S)
    await site.known(3, 50 * S)
    await asyncio.sleep(0.3)

    status, body = await site.get("/api/v1/health/assets", session)

    assert status == 200
    assert {i.pop("asset"): i for i in body["items"]} == {
        10: {"active": [1, 0, 0, 0], "unacked": 1, "suppressed": 0, "tags": 3, "bad": 1, "stale": 2},
        11: {"active": [1, 0, 0, 0], "unacked": 1, "suppressed": 0, "tags": 3, "bad": 1, "stale": 2},
        12: {"active": [1, 0, 0, 0], "unacked": 1, "suppressed": 0, "tags": 1, "bad": 0, "stale": 1},
    }


async def test_the_state_of_the_system_needs_its_permission(site, session, sign_in):
    assert (await site.get("/api/v1/system", await site.in_thread(sign_in, "eye", "none")))[0] == 403
    status, body = await site.get("/api/v1/system", session)

    assert status == 200
    assert [p["code"] for p in body["partitions"]] == ["u1"]


@pytest.mark.parametrize("path", ["values?ids=1", "health/assets", "system", "history?tags=1&from=0&to=1"])
async def test_nobody_reads_without_signing_in(site, path):
    status, body = await site.get(f"/api/v1/{path}")

    assert (status, body["code"]) == (401, "auth.required")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("values", "ids"),
        ("values?ids=x", "ids.0"),
        ("values?ids=-1", "ids.0"),
        ("history?tags=1&from=5&to=5", "from"),
        (f"history?tags={','.join(map(str, range(51)))}&from=0&to=5", "tags"),
        ("history?tags=1&from=0", "to"),
        ("history?tags=1&from=0&to=5&points=1", "points"),
    ],
)
async def test_bad_questions_are_answered_with_the_field(site, session, query, field):
    status, body = await site.get(f"/api/v1/{query}", session)

    assert status == 422, body
    assert [p["field"] for p in body["problems"]] == [field]


async def test_history_without_a_historian_is_503_at_once(site, session):
    stored.client.cache_clear()
    begun = time.monotonic()

    status, body = await site.get("/api/v1/history?tags=1&from=0&to=1000", session)

    assert status == 503
    assert body["code"] == "history.unreachable"
    assert time.monotonic() - begun < 10


async def test_live_data_in_a_process_without_a_hub_is_503(site, session):
    running = hub.current()
    hub._current = None
    try:
        status, body = await site.get("/api/v1/values?ids=1", session)
    finally:
        hub._current = running

    assert (status, body["code"]) == (503, "live.not_running")


async def test_fifty_questions_at_once_are_all_answered(site, session):
    answers = await asyncio.gather(*(site.get("/api/v1/values?ids=1,2,3", session) for _ in range(50)))

    assert {status for status, _ in answers} == {200}
