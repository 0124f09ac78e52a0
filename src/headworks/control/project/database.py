"""Where the records are: a file in the home folder, or a PostgreSQL named by a URL."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from headworks.base.errors import SetupFailed
from headworks.base.settings import Home

SQLITE_WAIT_S = 20
WEB_WAIT_S = 8
"""A web request waits this long at most for the database: with what else it does it answers within 10 s (N-02)."""


def databases(home: Home) -> dict[str, Any]:
    """Return Django's ``DATABASES``.

    Raises
    ------
    SetupFailed
        ``setup.database_url`` (not a PostgreSQL URL) or ``setup.database_driver`` (psycopg is not installed).
    """
    url = home.settings.database_url
    return {"default": _postgresql(url) if url else _sqlite(home)}


def _sqlite(home: Home) -> dict[str, Any]:
    home.path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": home.path / "db.sqlite3",
        "OPTIONS": {
            "timeout": SQLITE_WAIT_S,
            # A transaction that reads first and writes later would fail at once, not wait, when another one wrote.
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-32000;",
        },
        "TEST": {"NAME": home.path / "test.sqlite3"},
    }


def _postgresql(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = -1
    name = unquote(parts.path.lstrip("/"))
    if parts.scheme not in ("postgresql", "postgres") or not name or port == -1:
        raise SetupFailed("setup.database_url", url=_without_password(url))
    if find_spec("psycopg") is None:
        raise SetupFailed("setup.database_driver", driver="psycopg")
    options: dict[str, Any] = dict(parse_qsl(parts.query))
    if find_spec("psycopg_pool"):
        options["pool"] = {"min_size": 1, "max_size": 20, "timeout": WEB_WAIT_S}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": str(port or ""),
        "OPTIONS": options,
    }


def _without_password(url: str) -> str:
    before, at, after = url.rpartition("@")
    return f"***{at}{after}" if before else url


def limit_waiting(database: dict[str, Any], seconds: int = WEB_WAIT_S) -> None:
    """Let requests of this process give up on the database after `seconds`. Before the first connection is made."""
    options = database["OPTIONS"]
    if database["ENGINE"].endswith("sqlite3"):
        options["timeout"] = seconds
    else:
        wait = f"-c statement_timeout={seconds * 1000} -c lock_timeout={seconds * 1000}"
        options["options"] = f"{options.get('options', '')} {wait}".strip()
