"""Settings of Django follow those of the installation, and refuse what is not safe."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as running
from django.db import connection

from headworks.base.errors import SetupFailed
from headworks.base.settings import Home
from headworks.control.project import database

pytestmark = pytest.mark.feature("N-03")

SHOW = (
    "import json; from headworks.control.project import settings as s; print(json.dumps({k: getattr(s, k) for k in "
    "('SESSION_COOKIE_SECURE', 'CSRF_COOKIE_SECURE', 'ALLOWED_HOSTS', 'CSRF_TRUSTED_ORIGINS', 'SECRET_KEY', 'DEBUG')}))"
)


def shown(home: Home, **environment: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", SHOW],
        env={**os.environ, "HEADWORKS_HOME": str(home.path), **environment},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise AssertionError(done.stderr)
    return json.loads(done.stdout)


def test_cookies_are_secure_where_the_address_is_https(home: Home) -> None:
    plain = shown(home)
    assert (plain["SESSION_COOKIE_SECURE"], plain["DEBUG"]) == (False, False)
    assert plain["ALLOWED_HOSTS"] == ["127.0.0.1", "[::1]", "localhost"]
    assert plain["SECRET_KEY"] == home.secret("django")

    behind = shown(home, HEADWORKS_WEB_ORIGINS="https://plant.example:8443", HEADWORKS_WEB_HOST="10.1.2.3")
    assert (behind["SESSION_COOKIE_SECURE"], behind["CSRF_COOKIE_SECURE"]) == (True, True)
    assert behind["ALLOWED_HOSTS"] == ["10.1.2.3", "127.0.0.1", "[::1]", "localhost", "plant.example"]
    assert behind["CSRF_TRUSTED_ORIGINS"] == ["https://plant.example:8443"]


def test_without_a_secret_nothing_starts(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=r"setup\.secret_missing"):
        shown(Home(tmp_path / "empty"))


def test_passwords_are_hashed_by_argon2() -> None:
    code = "from headworks.control.project import settings as s; print(s.PASSWORD_HASHERS)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "['django.contrib.auth.hashers.Argon2PasswordHasher']"


@pytest.mark.django_db
def test_the_database_file_is_safe_against_a_power_cut_and_many_readers() -> None:
    if connection.vendor != "sqlite":
        pytest.skip("a PostgreSQL is under test")
    with connection.cursor() as cursor:
        found = {
            p: cursor.execute(f"PRAGMA {p}").fetchone()[0] for p in ("journal_mode", "synchronous", "foreign_keys")
        }

    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
    assert connection.transaction_mode == "IMMEDIATE"
    assert running.DATABASES["default"].get("ATOMIC_REQUESTS", False) is False


def test_a_database_url_names_a_postgresql(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "find_spec", lambda name: name == "psycopg")

    assert database._postgresql("postgresql://u%40x:p%2Fw@db.example:5433/head?sslmode=require") == {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "head",
        "USER": "u@x",
        "PASSWORD": "p/w",
        "HOST": "db.example",
        "PORT": "5433",
        "OPTIONS": {"sslmode": "require"},
    }


@pytest.mark.parametrize(
    ("url", "driver", "code", "params"),
    [
        ("mysql://u:secret@h/db", True, "setup.database_url", {"url": "***@h/db"}),
        ("postgresql://u:secret@h", True, "setup.database_url", {"url": "***@h"}),
        ("postgresql://h:port/db", True, "setup.database_url", {"url": "postgresql://h:port/db"}),
        ("postgresql://h/db", False, "setup.database_driver", {"driver": "psycopg"}),
    ],
)
def test_a_wrong_database_url_stops_the_start_and_hides_the_password(
    url: str, driver: bool, code: str, params: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "find_spec", lambda _: driver or None)

    with pytest.raises(SetupFailed) as e:
        database._postgresql(url)

    assert (e.value.error_code, e.value.params) == (code, params)


@pytest.mark.feature("N-02")
def test_a_web_request_waits_less_than_ten_seconds_for_the_database() -> None:
    sqlite = {"ENGINE": "django.db.backends.sqlite3", "OPTIONS": {"timeout": 20}}
    postgresql: dict[str, Any] = {"ENGINE": "django.db.backends.postgresql", "OPTIONS": {}}

    database.limit_waiting(sqlite)
    database.limit_waiting(postgresql)

    assert sqlite["OPTIONS"] == {"timeout": 8}
    assert postgresql["OPTIONS"] == {"options": "-c statement_timeout=8000 -c lock_timeout=8000"}
