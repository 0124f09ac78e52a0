"""A whole platform in a folder of its own, as a test starts and ends it."""

from __future__ import annotations

import os
import secrets
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from headworks.base.settings import Home
from headworks.bus.messages import Health
from headworks.roles.context import Endpoints, read_endpoints
from headworks.roles.supervisor import ORDER

ROOT = Path(__file__).resolve().parents[2]
T = TypeVar("T")


def wait_for(what: Callable[[], T], seconds: float = 30.0, every: float = 0.1) -> T:
    """Return the first true answer of `what`; fail after `seconds`."""
    end = time.monotonic() + seconds
    while not (answer := what()):
        assert time.monotonic() < end, f"waited {seconds} s in vain for {what}"
        time.sleep(every)
    return answer


class Platform:
    """An installation with plants applied and every role running."""

    def __init__(self, folder: Path, plants: Sequence[Path], settings: str = "", snapshot_seconds: float = 3) -> None:
        folder.mkdir(parents=True)
        (folder / "headworks.toml").write_text(f"web_port = 0\nmqtt_port = 0\nsnapshot_seconds = 3\n{settings}")
        self.home = Home(folder)
        self.password = secrets.token_urlsafe(16)
        self.log = folder / "platform.log"
        self._children: list[subprocess.Popen[bytes]] = []
        self.run("init")
        for plant in plants:
            self.run("apply", "--yes", str(plant))
        for name, role in (("operator", "operator"), ("viewer", "viewer"), ("chief", "administrator")):
            self.run("user", "create", name, "--role", role, "--password", self.password, "--keep-password")

    @property
    def endpoints(self) -> Endpoints:
        return read_endpoints(self.home)

    @property
    def address(self) -> str:
        host, port = self.endpoints.web
        return f"http://{host}:{port}"

    def run(self, *args: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command of this installation to its end."""
        done = subprocess.run(
            [sys.executable, "-m", "headworks.cli", *args],
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert not check or done.returncode == 0, f"{args}: {done.stdout}\n{done.stderr}"
        return done

    def start(self, *args: str) -> subprocess.Popen[bytes]:
        """Start a command that runs on beside the test."""
        with self.log.open("ab") as output:
            child = subprocess.Popen(
                [sys.executable, "-m", "headworks.cli", *args], env=self._environment(), stdout=output, stderr=output
            )
        self._children.append(child)
        return child

    def _environment(self) -> dict[str, str]:
        return {**os.environ, "HEADWORKS_HOME": str(self.home.path), "LANG": "en_GB.UTF-8", "LC_ALL": ""}

    def up(self) -> None:
        """Start every role and wait until all are ready."""
        self.start("run")
        wait_for(lambda: all((h := self.health(r)) is not None and h.ready for r in ORDER), 60)

    def health(self, role: str) -> Health | None:
        try:
            return msgspec.json.decode((self.home.path / "run" / f"{role}.json").read_bytes(), type=Health)
        except OSError:
            return None

    def raised(self) -> list[tuple[str, str, int]]:
        """Return (instance, condition, instant [µs]) of every time an alarm was raised, from the records."""
        with sqlite3.connect(f"file:{self.home.path / 'db.sqlite3'}?mode=ro", uri=True) as db:
            return db.execute(
                "SELECT a.instance_code, a.condition, t.at FROM alarms_alarmtransition t "
                "JOIN alarms_alarm a ON a.id = t.alarm_id WHERE t.name = 'raise'"
            ).fetchall()

    def down(self) -> None:
        for child in reversed(self._children):
            if child.poll() is None:
                child.terminate()
                try:
                    child.wait(40)
                except subprocess.TimeoutExpired:
                    child.kill()
                    child.wait()
