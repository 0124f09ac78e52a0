"""Every refusal is problem+json in the caller's language; a bug tells a number and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from django.db.utils import OperationalError
from django.test import Client

from headworks.control.access.services import create_user
from headworks.control.twin import queries

pytestmark = [pytest.mark.django_db, pytest.mark.feature("N-02")]


@pytest.fixture
def client() -> Client:
    client = Client(raise_request_exception=False, headers={"accept-language": "en"})
    client.force_login(create_user("a", "correct-horse-battery", ("administrator",), must_change_password=False))
    return client


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("get", "/api/v1/nothing", 404, "request.not_found"),
        ("get", "/api/v2/assets", 404, "request.not_found"),
        ("get", "/api", 404, "request.not_found"),
        ("patch", "/api/v1/session", 405, "request.method"),
        ("post", "/api/v1/assets", 405, "request.method"),
        ("get", "/api/v1/tags/99", 404, "tag.not_found"),
        ("get", "/api/v1/tags/x", 422, "request.invalid"),
        ("get", "/api/v1/locale/fr", 404, "locale.unknown"),
    ],
)
def test_refusals_have_one_form(client: Client, method: str, path: str, status: int, code: str) -> None:
    answer = getattr(client, method)(path)
    body = answer.json()

    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json")
    assert (body["status"], body["code"], body["type"]) == (status, code, f"urn:headworks:error:{code}")
    assert body["title"] != code
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_body_that_is_no_json(client: Client) -> None:
    answer = client.post("/api/v1/session", "{", content_type="application/json")

    assert (answer.status_code, answer.json()["code"]) == (400, "request.bad")


def test_the_language_is_that_of_the_caller(client: Client) -> None:
    english = client.get("/api/v1/nothing", headers={"accept-language": "en"}).json()["title"]
    chinese = client.get("/api/v1/nothing", headers={"accept-language": "zh-CN"}).json()["title"]

    assert english == "There is no such thing."
    assert chinese == "没有找到所请求的内容。"


def test_a_bug_tells_a_number_and_nothing_inside(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> Any:
        raise RuntimeError("the secret inside")

    monkeypatch.setattr(queries, "asset_rows", broken)
    answer = client.get("/api/v1/assets")

    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert len(answer.json()["params"]["incident"]) == 12
    assert "secret" not in answer.content.decode()


def test_a_database_that_does_not_answer_is_told_apart_from_a_bug(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked() -> Any:
        raise OperationalError("database is locked")

    monkeypatch.setattr(queries, "asset_rows", locked)
    answer = client.get("/api/v1/assets")

    assert (answer.status_code, answer.json()["code"]) == (503, "lifecycle.busy")
    assert answer.headers["Retry-After"] == "2"


def test_a_request_for_another_host_is_refused(client: Client) -> None:
    assert client.get("/api/v1/session", headers={"host": "evil.example"}).status_code == 400


def test_the_texts_are_served_whole_and_without_signing_in() -> None:
    texts = Client().get("/api/v1/locale/zh-CN").json()

    assert texts["errors.auth.required"] == "请先登录。"


def test_pages_are_those_a_person_may_see(client: Client) -> None:
    nobody = Client()
    nobody.force_login(create_user("n", "correct-horse-battery", (), must_change_password=False))

    assert [p["id"] for p in client.get("/api/v1/manifest").json()["pages"]] == [
        "monitor",
        "trends",
        "alarms",
        "orders",
        "models",
        "jobs",
        "knowledge",
        "sources",
        "imports",
        "system",
        "users",
        "audit",
        "tokens",
    ]
    assert nobody.get("/api/v1/manifest").json()["pages"] == []
    assert client.get("/api/v1/manifest").json()["pages"][0]["title"] == {"zh": "监盘", "en": "Monitoring"}


def test_machines_see_whether_it_lives_is_ready_and_how_it_does() -> None:
    assert Client().get("/healthz").content == b"ok\n"
    assert Client().get("/readyz").content == b"ready\n"
    assert b"python_info" in Client().get("/metrics").content
