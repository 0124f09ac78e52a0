"""API tokens, the audit trail over the API, and what the API says about itself."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from headworks.control.access import models, services, tokens
from headworks.control.access.models import ApiToken, AuditEntry, User

pytestmark = [pytest.mark.django_db, pytest.mark.feature("PLT-16")]

DAY = 86_400_000_000
GOOD = "correct-horse-battery"


@pytest.fixture
def user() -> User:
    return services.create_user("eng", GOOD, ("engineer",), must_change_password=False)


def by_token(token: str, method: str, path: str, body: Any = None) -> Any:
    client = Client(enforce_csrf_checks=True, headers={"accept-language": "en", "authorization": f"Bearer {token}"})
    return getattr(client, method)(f"/api/v1/{path}", body, content_type="application/json")


def in_browser(user: User) -> Client:
    client = Client(headers={"accept-language": "en"})
    client.force_login(user)
    return client


def test_a_program_reads_with_a_token_and_needs_no_cookie(user: User) -> None:
    answer = in_browser(user).post("/api/v1/tokens", {"name": "reports", "days": 30}, content_type="application/json")
    issued = answer.json()

    assert issued["token"].startswith(issued["prefix"])
    assert issued["read_only"] is True
    assert by_token(issued["token"], "get", "assets").json() == {"items": []}
    kept = ApiToken.objects.get()
    assert issued["token"] not in {kept.sha256, kept.prefix, kept.name}
    assert kept.last_used_at is not None
    listed = in_browser(user).get("/api/v1/tokens").json()["items"]
    assert [t["name"] for t in listed] == ["reports"]
    assert "token" not in listed[0]
    assert AuditEntry.objects.get(action="token.issued").detail == {"name": "reports", "days": 30, "read_only": True}


def test_a_token_for_reading_does_not_write_and_one_for_writing_is_its_user(user: User) -> None:
    reading, _ = tokens.issue(user, "r", 1, read_only=True)
    writing, _ = tokens.issue(user, "w", 1, read_only=False)
    path = f"alarms/{uuid4()}/acknowledge"

    assert by_token(reading, "post", path, {}).json()["code"] == "auth.token_read_only"
    assert by_token(writing, "post", path, {}).json()["code"] == "alarm.not_found"
    assert by_token(writing, "get", "users").json()["code"] == "auth.permission_missing"


def test_a_token_that_has_ended_lets_nobody_in(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    text, token = tokens.issue(user, "short", 1, read_only=True)
    other, _ = tokens.issue(user, "other", 2, read_only=True)
    start = models.now()
    assert by_token(text, "get", "assets").status_code == 200

    tokens.revoke(user, token.id)
    assert by_token(text, "get", "assets").json()["code"] == "auth.token_invalid"
    for wrong in ("", "hw_nonsense", other + "x"):
        assert by_token(wrong, "get", "assets").status_code == 401
    monkeypatch.setattr(models, "now", lambda: start + 3 * DAY)
    assert by_token(other, "get", "assets").json()["code"] == "auth.token_invalid"
    monkeypatch.undo()
    User.objects.update(is_active=False)
    assert by_token(other, "get", "assets").status_code == 401


def test_a_token_makes_and_ends_no_tokens_and_nobody_ends_those_of_others(user: User) -> None:
    text, token = tokens.issue(user, "w", 1, read_only=False)
    stranger = services.create_user("viewer", GOOD, ("viewer",), must_change_password=False)

    assert by_token(text, "post", "tokens", {"name": "more", "days": 300}).status_code in (401, 403)
    assert by_token(text, "delete", f"tokens/{token.id}").status_code in (401, 403)
    assert in_browser(stranger).delete(f"/api/v1/tokens/{token.id}").json()["code"] == "token.not_found"
    assert in_browser(user).delete(f"/api/v1/tokens/{token.id}").json() == {"items": []}


def test_bad_wishes_are_named(user: User) -> None:
    body = in_browser(user).post("/api/v1/tokens", {"name": " ", "days": 0}, content_type="application/json").json()
    assert [(p["field"], p["code"]) for p in body["problems"]] == [
        ("name", "token.bad_name"),
        ("days", "token.bad_days"),
    ]

    for i in range(tokens.MAX_TOKENS):
        tokens.issue(user, f"t{i}", 1, read_only=True)
    answer = in_browser(user).post("/api/v1/tokens", {"name": "x", "days": 1}, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (409, "token.too_many")


def test_the_audit_trail_is_read_page_by_page_and_by_actor_and_action() -> None:
    boss = services.create_user("boss", GOOD, ("administrator",), must_change_password=False)
    for i in range(5):
        services.audit("somebody", "thing.done" if i % 2 else "other.done", "thing", i)
    browser = in_browser(boss)

    page = browser.get("/api/v1/audit", {"actor": "somebody", "limit": 3}).json()
    rest = browser.get("/api/v1/audit", {"actor": "somebody", "limit": 3, "cursor": page["next"]}).json()
    assert [r["object_id"] for r in page["items"] + rest["items"]] == ["4", "3", "2", "1", "0"]
    assert rest["next"] is None
    assert {r["action"] for r in browser.get("/api/v1/audit", {"action": "thing."}).json()["items"]} == {"thing.done"}
    assert browser.get("/api/v1/audit", {"cursor": "x"}).json()["problems"][0]["field"] == "cursor"


@pytest.mark.feature("PLT-13")
def test_the_description_of_the_api_names_every_operation_its_answers_and_how_to_get_in(user: User) -> None:
    description = in_browser(user).get("/api/v1/openapi.json").json()

    schemes = description["components"]["securitySchemes"]
    assert {(s["type"], s.get("scheme") or s.get("in")) for s in schemes.values()} >= {
        ("http", "bearer"),
        ("apiKey", "cookie"),
    }
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            assert operation.get("description"), (path, method)
            assert {"200", "201", "202", "204"} & operation["responses"].keys(), (path, method)


def test_a_name_stands_for_one_schema(user: User) -> None:
    """Two schemas of one name would be one in the description of the API, whichever came last."""
    from ninja import Schema

    def below(kind: type) -> list[type]:
        return [k for c in kind.__subclasses__() for k in (c, *below(c))]

    in_browser(user).get("/api/v1/openapi.json")
    names: dict[str, set[type]] = {}
    for schema in below(Schema):
        if schema.__module__.startswith("headworks.control"):
            names.setdefault(schema.__name__, set()).add(schema)
    assert {n: {k.__module__ for k in kinds} for n, kinds in names.items() if len(kinds) > 1} == {}
