"""Jobs over HTTP, on a real bus: asked for, listed, looked at, cancelled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from headworks.bus.messages import Edge
from headworks.bus.work import WorkQueue
from headworks.control.access.models import AuditEntry
from headworks.control.access.services import create_user
from headworks.control.alarms.services import apply_edges
from headworks.control.jobs.compare import MOST_LISTED, compare, raised_live
from headworks.control.modelling.models import ModelInstance

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.feature("PLT-08"), pytest.mark.integration]

SPAN = {"from_ms": 1_700_000_000_000, "to_ms": 1_700_000_360_000}


@pytest.fixture
def browser(plant_folder: Any, running_hub: Any) -> Callable[..., Client]:
    plant_folder.apply()

    def make(name: str, role: str = "engineer") -> Client:
        client = Client(headers={"accept-language": "en"})
        client.force_login(create_user(name, "correct-horse-battery", (role,), must_change_password=False))
        return client

    return make


def post(client: Client, path: str, body: dict[str, Any] | None = None) -> Any:
    return client.post(f"/api/v1/{path}", body or {}, content_type="application/json")


def model_ids() -> list[int]:
    found = ModelInstance.objects.filter(template__isnull=False).order_by("code")
    return list(found.values_list("id", flat=True))


@pytest.mark.feature("N-02")
def test_a_backtest_is_asked_for_listed_looked_at_and_cancelled(browser: Callable[..., Client]) -> None:
    li, wang = browser("li"), browser("wang", "operator")
    answer = post(li, "backtests", {"models": model_ids(), **SPAN})
    assert answer.status_code == 202
    job = answer.json()
    assert (job["kind"], job["state"], job["asked_by"], job["progress"]) == ("backtest", "queued", "li", 0.0)
    assert job["params"] == {"models": model_ids(), "codes": ["P1.HOT", "P2.HOT"], **SPAN}
    assert (job["result"], job["error"], job["started_ms"]) == (None, None, None)
    entry = AuditEntry.objects.get(action="backtest.ask")
    assert (entry.actor, entry.object_id, entry.detail["models"]) == ("li", job["id"], 2)

    own = post(wang, "backtests", {"models": model_ids()[:1], **SPAN}).json()
    assert [j["id"] for j in li.get("/api/v1/jobs").json()["items"]] == [own["id"], job["id"]]
    assert [j["id"] for j in li.get("/api/v1/jobs?mine=1").json()["items"]] == [job["id"]]
    assert [j["id"] for j in li.get("/api/v1/jobs?limit=1").json()["items"]] == [own["id"]]
    assert li.get("/api/v1/jobs?kind=opcua_browse").json()["items"] == []
    assert wang.get(f"/api/v1/jobs/{job['id']}").json() == job

    assert post(wang, f"jobs/{job['id']}/cancel").status_code == 403  # not his, and he is no engineer
    assert li.get(f"/api/v1/jobs/{job['id']}").json()["state"] == "queued"
    assert post(li, f"jobs/{own['id']}/cancel").json()["state"] == "cancelled"
    cancelled = post(li, f"jobs/{job['id']}/cancel").json()
    assert cancelled["state"] == "cancelled"
    assert cancelled["ended_ms"] >= cancelled["asked_ms"]
    assert AuditEntry.objects.filter(action="job.cancel", actor="li").count() == 2
    assert post(li, f"jobs/{job['id']}/cancel").json() == cancelled


def test_what_went_wrong_is_told_in_the_language_of_the_reader(
    browser: Callable[..., Client], running_hub: Any
) -> None:
    li = browser("li")
    queue = WorkQueue(running_hub.bus, "main")
    running_hub.run(queue.ensure())
    job = running_hub.run(queue.submit("knitting", {}, now=1_000_000))
    job.state, job.error = "failed", {"code": "job.unknown_kind", "params": {"kind": "knitting"}}
    running_hub.run(queue.write(job))
    told = li.get(f"/api/v1/jobs/{job.id}").json()["error"]
    assert told == {"code": "job.unknown_kind", "text": "Unknown kind of job: knitting."}
    told = li.get(f"/api/v1/jobs/{job.id}", headers={"accept-language": "zh-CN"}).json()["error"]
    assert "knitting" in told["text"]
    assert "任务" in told["text"]
    assert li.get("/api/v1/jobs/0190b7a8-0000-7000-8000-000000000000").status_code == 404


def test_why_a_backtest_is_empty_is_told_in_the_language_of_the_reader(
    browser: Callable[..., Client], running_hub: Any
) -> None:
    li = browser("li")
    queue = WorkQueue(running_hub.bus, "main")
    running_hub.run(queue.ensure())
    job = running_hub.run(queue.submit("backtest", {}, now=1_000_000))
    empty = {"code": "after_history", "params": {"last": "2026-01-31 08:00:00+08:00"}}
    job.state, job.result = "done", {"ticks": 0, "empty": empty}
    running_hub.run(queue.write(job))

    told = li.get(f"/api/v1/jobs/{job.id}").json()["result"]["empty"]
    chinese = li.get(f"/api/v1/jobs/{job.id}", headers={"accept-language": "zh-CN"}).json()["result"]["empty"]

    assert {k: told[k] for k in empty} == {k: chinese[k] for k in empty} == empty
    assert "newest sample is of 2026-01-31" in told["text"]
    assert "最新采样" in chinese["text"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"to_ms": SPAN["from_ms"]}, "time.not_after"),
        ({"to_ms": SPAN["from_ms"] + 401 * 86_400_000}, "backtest.span_too_long"),
        ({"models": [4_000_000_000]}, "model.not_found"),
        ({"models": []}, "field.invalid"),
    ],
)
def test_a_backtest_that_cannot_be_is_refused_and_nothing_is_queued(
    browser: Callable[..., Client], change: dict[str, Any], code: str
) -> None:
    li = browser("li")
    answer = post(li, "backtests", {"models": model_ids(), **SPAN, **change})
    assert answer.status_code == 422
    assert answer.json()["problems"][0]["code"] == code
    assert li.get("/api/v1/jobs").json()["items"] == []
    assert not AuditEntry.objects.filter(action="backtest.ask").exists()


def test_who_may_only_look_asks_for_nothing(browser: Callable[..., Client]) -> None:
    eye = browser("eye", "viewer")
    assert post(eye, "backtests", {"models": model_ids(), **SPAN}).status_code == 403
    assert eye.get("/api/v1/jobs").json() == {"items": []}
    assert Client().get("/api/v1/jobs").status_code == 401


def test_a_bus_that_is_away_is_told(browser: Callable[..., Client], own_bus_server: Any) -> None:
    li = browser("li")
    own_bus_server.kill()
    try:
        answer = li.get("/api/v1/jobs")
        assert answer.status_code == 503
        assert answer.json()["code"] in ("bus.unreachable", "live.busy")
    finally:
        own_bus_server.start()


# --- compared with what was raised live --------------------------------------------------------------------------------


def test_raises_are_compared_tick_for_tick(plant_folder: Any, transactional_db: None) -> None:
    plant_folder.apply()
    (mine, other) = model_ids()
    seconds = {mine: [(1, "raise"), (2, "clear"), (4, "raise"), (6, "clear"), (9, "raise")], other: [(2, "raise")]}
    edges = [Edge(i, "hot", t * 1_000_000, name, 91.0, 0) for i, told in seconds.items() for t, name in told]  # type: ignore[arg-type]
    apply_edges("u1", edges, None, tenant="main", stream="OUT_main_u1")

    live = raised_live([mine], 1_000_000, 9_000_000)

    # One record: it came back before anybody acknowledged.
    assert [a["cleared_ms"] for a in live.values()] == [2000, 6000]
    assert list(live) == [(mine, "hot", 1_000_000), (mine, "hot", 4_000_000)]
    told = live[mine, "hot", 4_000_000]
    assert (told["model"], told["code"], told["condition"], told["priority"]) == (mine, "P1.HOT", "hot", 2)
    assert (told["title"], told["raised_ms"], told["value"]) == ({"zh": "温度高", "en": "Hot"}, 4000, 91.0)
    assert set(raised_live([mine, other], 0, 10_000_000)) >= {(other, "hot", 2_000_000), (mine, "hot", 9_000_000)}

    found = {(mine, "hot", 4_000_000): {"a": 1}, (mine, "hot", 4_000_001): {"a": 2}}
    assert compare(found, live) == {
        "same": 1,
        "only_backtest": [{"a": 2}],
        "only_live": [live[mine, "hot", 1_000_000]],
        "only_backtest_total": 1,
        "only_live_total": 1,
    }
    many = {(mine, "hot", t): {"t": t} for t in range(1000)}
    cut = compare(many, {})
    assert (len(cut["only_backtest"]), cut["only_backtest_total"]) == (MOST_LISTED, 1000)
