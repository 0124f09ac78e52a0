"""Runs the roles of one machine as child processes: starts them in order, restarts them, stops them in reverse order."""

from __future__ import annotations

import contextlib
import fcntl
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import msgspec

from headworks.base import log
from headworks.base.errors import SetupFailed
from headworks.base.settings import Home
from headworks.bus.messages import Health
from headworks.bus.server import die_with_parent, free_port
from headworks.roles.context import Endpoints, write_atomic

# What a later role needs is started first; devices are let in last and sent away first.
ORDER = ("bus", "historian", "engine", "dispatch", "jobs", "web", "connect")
_FIRST_PAUSE_S, _LONGEST_PAUSE_S, _STEADY_S = 0.1, 10.0, 30.0
_SILENT_S = 30.0
_STOP_S = 10.0
_SETUP_EXIT = 3


@dataclass
class Child:
    """One role's process, and how it has fared. `arguments`: what the command line is given to run it."""

    role: str
    arguments: tuple[str, ...]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    pause: float = _FIRST_PAUSE_S
    restart_at: float = 0.0
    restarts: int = 0
    failed: bool = False
    beat_file: Path | None = None
    heard: int = 0
    silent: float = 0.0

    def health(self) -> Health | None:
        """Return what the running process last said, or None if it has said nothing yet."""
        if self.process is None or self.beat_file is None:
            return None
        try:
            health = msgspec.json.decode(self.beat_file.read_bytes(), type=Health)
        except (OSError, msgspec.DecodeError):
            return None
        return health if health.pid == self.process.pid else None


def allow_files(wanted: int = 65_536) -> None:
    """Let this process and its children open as many files as the system allows them (`wanted` at most).

    The history engine keeps some open for every thread and part; the usual 1,024 would be a ceiling on a large machine.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


class Supervisor:
    """Runs `roles` from `home` until told to stop.

    Parameters
    ----------
    output : where the children's logs go; None leaves them on this process's standard error.
    companions : name -> arguments of further commands to keep running beside the roles (a simulated plant).
    """

    def __init__(
        self,
        home: Home,
        roles: Sequence[str] = ORDER,
        output: IO[bytes] | None = None,
        companions: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        if unknown := sorted(set(roles) - set(ORDER)):
            raise SetupFailed("setup.unknown_role", role=", ".join(unknown), known=", ".join(ORDER))
        self.home = home
        if home.settings.bus_url:
            # The bus is elsewhere, and not this machine's to run.
            roles = [r for r in roles if r != "bus"]
        elif "bus" not in roles:
            raise SetupFailed("setup.no_bus", roles=", ".join(roles))
        self.output = output
        self.run_folder = home.folder("run")
        self.children = [
            Child(r, ("role", r), beat_file=self.run_folder / f"{r}.json") for r in ORDER if r in roles
        ] + [Child(name, tuple(arguments)) for name, arguments in (companions or {}).items()]
        self.endpoints = Endpoints()
        self._lock: IO[str] | None = None
        self._stop = False
        self._looked = time.monotonic()
        self._logger = log.get(__name__)

    def run(self, on_ready: Callable[[Endpoints], None] | None = None) -> int:
        """Run until SIGTERM or SIGINT, or until a role says that the installation is wrong; return the exit code."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._told_to_stop)
        self._take_lock()
        allow_files()
        self._clear_traces()
        self.endpoints = self._choose_endpoints()
        write_atomic(self.run_folder / "endpoints.json", msgspec.json.encode(self.endpoints))
        announced = False
        try:
            for child in self.children:
                self._start(child)
                if child.role == "bus":
                    self._wait_ready(child)
            while not self._stop:
                self._look_after()
                if any(c.failed for c in self.children):
                    return _SETUP_EXIT
                if not announced and self.all_ready():
                    announced = True
                    self._logger.info("all roles ready", web=f"http://{self.endpoints.web[0]}:{self.endpoints.web[1]}")
                    if on_ready:
                        on_ready(self.endpoints)
                time.sleep(0.1)
            return 0
        finally:
            self._stop_all()
            with contextlib.suppress(OSError):
                (self.run_folder / "endpoints.json").unlink()

    def stop(self) -> None:
        self._stop = True

    def all_ready(self) -> bool:
        return all((h := c.health()) is not None and h.ready for c in self.children if c.beat_file)

    # --- before ---------------------------------------------------------------------------------------------------

    def _told_to_stop(self, number: int, frame: object) -> None:
        self._stop = True

    def _take_lock(self) -> None:
        self._lock = open(self.run_folder / "supervisor.lock", "w")  # noqa: SIM115 - held for the life of the process
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as e:
            raise SetupFailed("setup.already_running", home=str(self.home.path)) from e

    def _clear_traces(self) -> None:
        """Forget what processes of an earlier run said."""
        for child in self.children:
            if child.beat_file:
                child.beat_file.unlink(missing_ok=True)
        metrics = self.run_folder / "metrics"
        shutil.rmtree(metrics, ignore_errors=True)
        metrics.mkdir()

    def _choose_endpoints(self) -> Endpoints:
        s = self.home.settings
        return Endpoints(
            bus_url=s.bus_url or f"nats://127.0.0.1:{self._port('bus', '127.0.0.1', s.bus_port)}",
            mqtt=(s.mqtt_host, self._port("connect", s.mqtt_host, s.mqtt_port)),
            web=(s.web_host, self._port("web", s.web_host, s.web_port)),
            history=str(self.run_folder / "history.sock"),
            supervisor=os.getpid(),
        )

    def _port(self, role: str, host: str, wanted: int) -> int:
        if wanted == 0:
            return free_port()
        if role in {c.role for c in self.children}:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            with socket.socket(family) as s:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    s.bind((host, wanted))
                except OSError as e:
                    raise SetupFailed("setup.port_taken", role=role, host=host, port=wanted) from e
        return wanted

    # --- during ---------------------------------------------------------------------------------------------------

    def _start(self, child: Child) -> None:
        env = {
            **os.environ,
            "HEADWORKS_HOME": str(self.home.path),
            "HEADWORKS_SUPERVISOR": str(os.getpid()),
            "PROMETHEUS_MULTIPROC_DIR": str(self.run_folder / "metrics"),
            # The kernels are small; threads of BLAS and Arrow only take cores from the other roles.
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
        }
        child.process = subprocess.Popen(
            [sys.executable, "-m", "headworks.cli", *child.arguments],
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=self.output,
            stderr=self.output,
            preexec_fn=die_with_parent,
            # Ctrl-C goes to a terminal's whole group; only the supervisor knows in which order to stop.
            process_group=0,
        )
        child.started, child.silent = time.monotonic(), 0.0
        self._logger.info("role started", role=child.role, pid=child.process.pid, restarts=child.restarts)

    def _wait_ready(self, child: Child) -> None:
        """Wait for a role that the others cannot start without; give up waiting (they retry) after a while."""
        end = time.monotonic() + 20
        while time.monotonic() < end and not self._stop:
            health = child.health()
            if (health and health.ready) or (child.process and child.process.poll() is not None):
                return
            time.sleep(0.02)

    def _look_after(self) -> None:
        now = time.monotonic()
        # While this process itself did not run, nobody else may have either.
        passed, self._looked = min(now - self._looked, 1.0), now
        for child in self.children:
            if child.process is None:
                if now >= child.restart_at:
                    child.restarts += 1
                    self._start(child)
            elif (code := child.process.poll()) is not None:
                self._ended(child, code, now)
            elif self._is_silent(child, now, passed):
                self._logger.error("role silent, killed", role=child.role, pid=child.process.pid)
                child.process.kill()

    def _ended(self, child: Child, code: int, now: float) -> None:
        if code == _SETUP_EXIT:
            child.failed = True
            self._logger.error("role cannot run here, see its last lines", role=child.role)
            return
        if now - child.started > _STEADY_S:
            child.pause = _FIRST_PAUSE_S
        child.process = None
        child.restart_at = now + child.pause
        self._logger.warning("role ended", role=child.role, exit_code=code, restart_in_s=child.pause)
        child.pause = min(child.pause * 2, _LONGEST_PAUSE_S)

    def _is_silent(self, child: Child, now: float, passed: float) -> bool:
        """Whether a role that once spoke has not for so long that it must hang.

        Counted from look to look (`passed` [s]): the time of its beat is by the wall clock, which may be set.
        """
        if child.beat_file is None:
            return False
        if child.health() is None:
            return now - child.started > 4 * _SILENT_S
        try:
            beat = child.beat_file.stat().st_mtime_ns
        except OSError:
            return False
        child.heard, child.silent = beat, child.silent + passed if beat == child.heard else 0.0
        return child.silent > _SILENT_S

    # --- after ----------------------------------------------------------------------------------------------------

    def _stop_all(self) -> None:
        for child in reversed(self.children):
            if child.process and child.process.poll() is None:
                child.process.terminate()
                try:
                    child.process.wait(_STOP_S)
                except subprocess.TimeoutExpired:
                    self._logger.warning("role did not stop, killed", role=child.role)
                    child.process.kill()
                    child.process.wait()
        self._logger.info("stopped")
