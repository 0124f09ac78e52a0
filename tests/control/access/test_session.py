"""Signing in and out, the one-time password, throttling, the audit trail."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError
from django.test import Client

from headworks.base.errors import Fault, Invalid
from headworks.control.access import models, services
from headworks.control.access.models import AuditEntry, LoginFailures, User

pytestmark = [pytest.mark.django_db, pytest.mark.feature("PWR-06")]

GOOD = "correct-horse-battery"


class Person:
    """A browser: keeps cookies and the CSRF token."""

    def __init__(self) -> None:
        self.client = Client(enforce_csrf_checks=True, headers={"accept-language": "en"})
        self.csrf = ""

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        headers = {"x-csrftoken": self.csrf, **headers}
        call = getattr(self.client, method)
        answer = call(f"/api/v1/{path}", body, content_type="application/json", headers=headers)
        if answer.status_code == 200:
            self.csrf = answer.json().get("csrf", self.csrf)
        return answer

    def sign_in(self, password: str = GOOD, name: str = "op") -> Any:
        self.call("get", "session")
        return self.call("post", "session", {"username": name, "password": password})


@pytest.fixture
def person() -> Person:
    services.create_user("op", GOOD, ("operator",), display="值班员", must_change_password=False)
    return Person()


def test_before_signing_in_the_session_says_what_the_page_needs() -> None:
    body = Client().get("/api/v1/session").json()

    assert body["authenticated"] is False
    assert body["user"] is None
    assert body["site"] == {"zh": "枢纽", "en": "Headworks"}
    assert (body["language"], body["timezone"], body["version"]) == ("zh-CN", "Asia/Shanghai", "0.1.0")
    assert len(body["csrf"]) > 30


def test_a_person_signs_in_and_out(person: Person) -> None:
    body = person.sign_in().json()

    assert body["authenticated"] is True
    assert body["user"]["display"] == "值班员"
    assert body["user"]["roles"] == ["operator"]
    assert "alarms.acknowledge" in body["user"]["permissions"]
    assert "plant.edit" not in body["user"]["permissions"]
    assert person.call("get", "manifest").status_code == 200

    assert person.call("delete", "session").json()["authenticated"] is False
    assert person.call("get", "manifest").status_code == 401
    assert list(AuditEntry.objects.order_by("at", "id").values_list("actor", "action")) == [
        ("op", "user.created"),
        ("op", "session.opened"),
        ("op", "session.closed"),
    ]


def test_cookies_are_out_of_reach_of_scripts_and_of_other_sites(person: Person) -> None:
    person.sign_in()

    for name in ("headworks_session", "headworks_csrf"):
        assert person.client.cookies[name]["httponly"] is True
        assert person.client.cookies[name]["samesite"] == "Lax"


def test_signing_in_changes_the_session_key(person: Person) -> None:
    person.client.cookies["headworks_session"] = "a" * 32
    person.sign_in()

    assert person.client.cookies["headworks_session"].value != "a" * 32


@pytest.mark.parametrize(("name", "password"), [("op", "wrong"), ("nobody", GOOD), ("switched-off", GOOD)])
def test_wrong_credentials_do_not_say_what_is_wrong(person: Person, name: str, password: str) -> None:
    services.create_user("switched-off", GOOD, (), must_change_password=False)
    User.objects.filter(username="switched-off").update(is_active=False)

    answer = person.sign_in(password, name)

    assert answer.status_code == 401
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json() == {
        "type": "urn:headworks:error:auth.wrong_credentials",
        "title": "Wrong username or password. Check both and try again.",
        "status": 401,
        "code": "auth.wrong_credentials",
        "params": {},
        "problems": [],
    }
    assert person.call("get", "manifest").status_code == 401
    assert AuditEntry.objects.get(action="session.refused").actor == name


def test_signing_in_needs_the_token_of_the_page(person: Person) -> None:
    answer = person.call("post", "session", {"username": "op", "password": GOOD})

    assert (answer.status_code, answer.json()["code"]) == (403, "auth.csrf")
    assert not AuditEntry.objects.filter(action="session.opened").exists()


def test_six_wrong_passwords_lock_the_account_for_a_while(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1_700_000_000_000_000]
    monkeypatch.setattr(models, "now", lambda: now[0])
    for name in ("op", "OP", "op", "op", "op", "op"):
        assert person.sign_in("wrong", name).json()["code"] == "auth.wrong_credentials"

    answer = person.sign_in(GOOD)  # even the right one
    assert (answer.status_code, answer.json()["code"]) == (429, "auth.locked")
    assert answer.json()["params"] == {"retry_s": 900}
    assert answer.headers["Retry-After"] == "900"
    locked = AuditEntry.objects.get(action="user.locked")
    assert (locked.actor, locked.address, locked.detail) == ("op", "127.0.0.1", {"minutes": 15})
    assert [e.detail["attempt"] for e in AuditEntry.objects.filter(action="session.refused").order_by("at", "id")] == [
        1, 2, 3, 4, 5, 6,
    ]  # fmt: skip

    now[0] += 899_000_000
    assert person.sign_in(GOOD).json()["params"] == {"retry_s": 1}
    now[0] += 1_000_000
    assert person.sign_in("wrong").status_code == 401
    assert person.sign_in(GOOD).status_code == 200
    assert not LoginFailures.objects.exists()


def test_five_wrong_passwords_and_the_right_one_start_the_count_anew(person: Person) -> None:
    for _ in range(2):
        for _ in range(5):
            assert person.sign_in("wrong").status_code == 401
        assert person.sign_in().status_code == 200
        person.call("delete", "session")


def test_who_tries_many_names_from_one_address_has_to_wait(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1_700_000_000_000_000]
    monkeypatch.setattr(models, "now", lambda: now[0])
    for i in range(20):
        assert person.sign_in("wrong", f"name{i}").status_code == 401

    answer = person.sign_in("wrong", "name21")
    assert (answer.json()["code"], answer.json()["params"]) == ("auth.throttled", {"retry_s": 2})
    now[0] += 2_000_000
    assert person.sign_in().status_code == 200


def test_an_administrator_unlocks(person: Person) -> None:
    for _ in range(7):
        person.sign_in("wrong")
    services.create_user("boss", GOOD, ("administrator",), must_change_password=False)
    boss = Person()
    boss.sign_in(name="boss")

    rows = {r["name"]: r for r in boss.call("get", "users").json()["items"]}
    assert rows["op"]["locked_until_ms"] > models.now() // 1000
    assert rows["boss"]["locked_until_ms"] is None
    after = {r["name"]: r for r in boss.call("post", "users/op/unlock").json()["items"]}
    assert after["op"]["locked_until_ms"] is None
    assert person.sign_in().status_code == 200
    assert AuditEntry.objects.get(action="user.unlocked").actor == "boss"
    assert boss.call("post", "users/nobody/unlock").json()["code"] == "user.not_found"
    for method, path in (("get", "users"), ("post", "users/op/unlock"), ("get", "audit")):
        assert person.call(method, path).status_code == 403


def test_failures_of_one_name_do_not_stop_another(person: Person) -> None:
    for _ in range(6):
        person.sign_in("wrong", "somebody")

    assert person.sign_in().status_code == 200


def test_the_delay_grows_to_five_minutes() -> None:
    assert [services.delay_after(n) for n in (0, 19, 20, 21, 22, 27, 28, 1000)] == [0, 0, 2, 4, 8, 256, 300, 300]


def test_the_first_administrator_has_a_one_time_password(person: Person) -> None:
    User.objects.all().delete()
    password = services.create_first_administrator()
    assert password is not None
    assert services.create_first_administrator() is None

    assert person.sign_in(password, "admin").json()["user"]["must_change_password"] is True
    refused = person.call("get", "manifest")
    assert (refused.status_code, refused.json()["code"]) == (403, "auth.password_change_required")

    changed = person.call("post", "session/password", {"password": password, "new_password": GOOD})
    assert changed.json()["user"]["must_change_password"] is False
    assert person.call("get", "manifest").status_code == 200
    assert Person().sign_in(password, "admin").status_code == 401
    assert Person().sign_in(GOOD, "admin").status_code == 200


def test_changing_the_password_ends_the_other_sessions(person: Person) -> None:
    other = Person()
    other.sign_in()
    person.sign_in()

    person.call("post", "session/password", {"password": GOOD, "new_password": "another-horse-battery"})

    assert person.call("get", "manifest").status_code == 200
    assert other.call("get", "manifest").status_code == 401


@pytest.mark.parametrize(
    ("old", "new", "field", "code"),
    [
        ("wrong", "another-horse-battery", "password", "password.wrong"),
        (GOOD, GOOD, "new_password", "password.unchanged"),
        (GOOD, "short", "new_password", "password.too_short"),
        (GOOD, "918273645546372819", "new_password", "password.numeric"),
    ],
)
def test_a_weak_password_is_refused(person: Person, old: str, new: str, field: str, code: str) -> None:
    person.sign_in()
    before = User.objects.get(username="op").password

    answer = person.call("post", "session/password", {"password": old, "new_password": new})

    assert answer.status_code == 422
    problem = answer.json()["problems"][0]
    assert (problem["field"], problem["value"], problem["code"]) == (field, "***", code)
    assert User.objects.get(username="op").password == before


def test_a_request_without_its_fields_is_told_which_and_never_echoes_a_password(person: Person) -> None:
    person.call("get", "session")
    answer = person.call("post", "session", {"password": "x" * 600})

    assert answer.status_code == 422
    told = {p["field"]: (p["code"], p["value"]) for p in answer.json()["problems"]}
    assert told == {"credentials.username": ("field.missing", None), "credentials.password": ("field.invalid", "***")}


def test_a_person_keeps_a_language(person: Person) -> None:
    person.sign_in()

    assert person.call("put", "session/language", {"language": "zh-CN"}).json()["language"] == "zh-CN"
    refused = person.call("put", "session/language", {"language": "tlh"})

    assert refused.json()["problems"][0]["code"] == "locale.unknown"
    assert User.objects.get(username="op").language == "zh-CN"


def test_the_audit_trail_only_grows() -> None:
    entry = services.audit("op", "alarm.acknowledged", "alarm", 7, comment="ok")
    entry.actor = "somebody else"

    for forbidden in (
        entry.save,
        entry.delete,
        AuditEntry.objects.all().delete,
        lambda: AuditEntry.objects.update(actor="x"),
    ):
        with pytest.raises(Fault):
            forbidden()

    assert AuditEntry.objects.get(id=entry.id).actor == "op"


def test_a_user_needs_a_free_name_and_known_roles() -> None:
    services.create_user("op", GOOD, ("viewer",))

    for name, roles, code in (("op", (), "user.name_taken"), ("new", ("king",), "user.unknown_role")):
        with pytest.raises(Invalid) as e:
            services.create_user(name, GOOD, roles)
        assert e.value.problems[0].code == code
    assert User.objects.count() == 1


def test_the_database_too_keeps_names_unique() -> None:
    User.objects.create(username="op")
    with pytest.raises(IntegrityError):
        User.objects.create(username="op")
