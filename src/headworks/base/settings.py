"""Settings and the one folder everything of an installation lives in.

``HEADWORKS_HOME`` (default ``./var``)::

    headworks.toml      settings of this installation (all optional)
    secrets/            0700: random secrets made by `headworks init`
    db.sqlite3          records, unless `database_url` names a PostgreSQL
    bus/ history/ engine/ files/    what the roles keep
    run/                sockets, endpoints, health of the running processes

A setting is read from the environment (``HEADWORKS_WEB_PORT``) before the file, and from the file before its default.
"""

from __future__ import annotations

import os
import secrets
import tomllib
from pathlib import Path
from typing import Any, Literal

import msgspec

from headworks.base.errors import SetupFailed


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything an installation can set. Ports: 0 means any free one."""

    tenant: str = "main"
    site_zh: str = "枢纽"
    site_en: str = "Headworks"
    timezone: str = "Asia/Shanghai"
    language: str = "zh-CN"
    database_url: str = ""
    web_host: str = "127.0.0.1"
    web_port: int = 8000
    web_origins: tuple[str, ...] = ()
    mqtt_host: str = "127.0.0.1"
    mqtt_port: int = 1883
    # The simulated control system of the demonstration; it takes a free port if this one is taken.
    opcua_port: int = 4840
    bus_port: int = 0
    bus_url: str = ""
    stream_max_bytes: int = 4 << 30
    # The bus sets the room of every stream aside when it is made. Streams have limits of their own, so this is not one.
    bus_store_max_bytes: int = 1 << 40
    snapshot_seconds: float = 60.0
    raw_retention_days: int = 365
    history_value_codec: Literal["alp", "zstd"] = "alp"
    history_batch_rows: int = 100_000
    history_batch_seconds: float = 2.0
    history_grid_seconds: float = 60.0
    log_level: str = "INFO"
    log_format: str = "json"


class Home:
    """Paths of one installation, and its settings and secrets."""

    def __init__(self, path: str | Path | None = None) -> None:
        self.path = Path(path or os.environ.get("HEADWORKS_HOME") or "var").resolve()
        self.settings = load(self.path / "headworks.toml")

    def folder(self, name: str) -> Path:
        """Return a folder of the installation, made if missing, readable only by its user."""
        folder = self.path / name
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder

    def secret(self, name: str) -> str:
        """Return a secret made by `headworks init`.

        Raises
        ------
        SetupFailed
            ``setup.secret_missing``: this installation has not been initialised.
        """
        file = self.path / "secrets" / name
        try:
            value = file.read_text().strip()
        except OSError as e:
            raise SetupFailed("setup.secret_missing", name=name, file=str(file)) from e
        if len(value) < 32:
            raise SetupFailed("setup.secret_weak", name=name, file=str(file))
        return value

    def make_secret(self, name: str) -> bool:
        """Write a new random secret unless there is one; return whether it was made."""
        file = self.folder("secrets") / name
        try:
            with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as f:
                f.write(secrets.token_urlsafe(48))
        except FileExistsError:
            return False
        return True


def load(file: Path) -> Settings:
    """Read the settings.

    Raises
    ------
    SetupFailed
        ``setup.settings_invalid`` names the file, the setting and what is wrong with it.
    """
    values: dict[str, Any] = {}
    if file.exists():
        try:
            values = tomllib.loads(file.read_text("utf-8"))
        except tomllib.TOMLDecodeError as e:
            raise SetupFailed("setup.settings_invalid", file=str(file), reason=str(e)) from e
    known = {f.name for f in msgspec.structs.fields(Settings)}
    if unknown := sorted(set(values) - known):
        raise SetupFailed("setup.settings_invalid", file=str(file), reason=f"unknown settings: {', '.join(unknown)}")
    for name in known:
        if (text := os.environ.get(f"HEADWORKS_{name.upper()}")) is not None:
            values[name] = text.split(",") if name == "web_origins" else text
    try:
        return msgspec.convert(values, Settings, strict=False)
    except msgspec.ValidationError as e:
        raise SetupFailed("setup.settings_invalid", file=str(file), reason=str(e)) from e
