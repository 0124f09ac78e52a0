"""The supervisor with real child processes."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import psutil
import pytest

from headworks.base.errors import SetupFailed
from headworks.base.settings import Home
from headworks.bus.messages import Health
from headworks.roles import supervisor
from headworks.roles.context import read_endpoints
from headworks.roles.supervisor import ORDER, Supervisor

pytestmark = pytest.mark.integration


def wait_for(what: Callable[[], bool], seconds: float = 15.0) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def health(home: Home, role: str) -> Health | None:
    try:
        return msgspec.json.decode((home.path / "run" / f"{role}.json").read_bytes(), type=Health)
    except OSError:
        return None


def ready(home: Home, role: str, not_pid: int = 0) -> bool:
    h = health(home, role)
    return h is not None and h.ready and h.pid != not_pid and psutil.pid_exists(h.pid)


def gone(pid: int) -> bool:
    """Whether a process has ended (one that nobody has asked for its exit code yet has, too)."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.fixture
def running(home: Home) -> Iterator[subprocess.Popen[bytes]]:
    """Return the process of ``headworks run --roles bus``, ready."""
    env = {**os.environ, "HEADWORKS_HOME": str(home.path)}
    process = subprocess.Popen([sys.executable, "-m", "headworks.cli", "run", "--roles", "bus"], env=env)
    wait_for(lambda: ready(home, "bus"))
    yield process
    if process.poll() is None:
        process.terminate()
        process.wait(20)


@pytest.mark.feature("N-03")
def test_killed_role_and_killed_server_come_back(home: Home, running: subprocess.Popen[bytes]) -> None:
    first = health(home, "bus")
    assert first is not None
    os.kill(first.pid, signal.SIGKILL)
    wait_for(lambda: ready(home, "bus", not_pid=first.pid))
    wait_for(lambda: gone(first.detail["server_pid"]))

    second = health(home, "bus")
    assert second is not None
    os.kill(second.detail["server_pid"], signal.SIGKILL)
    wait_for(lambda: ready(home, "bus", not_pid=second.pid))


@pytest.mark.feature("N-03")
def test_nothing_survives_a_killed_supervisor(home: Home, running: subprocess.Popen[bytes]) -> None:
    h = health(home, "bus")
    assert h is not None
    running.kill()
    running.wait()
    wait_for(lambda: gone(h.pid) and gone(h.detail["server_pid"]))


def test_ordered_stop_ends_every_child_and_removes_the_endpoints(home: Home, running: subprocess.Popen[bytes]) -> None:
    h = health(home, "bus")
    assert h is not None
    assert read_endpoints(home).supervisor == running.pid
    running.terminate()
    assert running.wait(20) == 0
    assert gone(h.pid)
    with pytest.raises(SetupFailed) as e:
        read_endpoints(home)
    assert e.value.error_code == "setup.not_running"


def test_second_supervisor_in_the_same_home_is_refused(home: Home, running: subprocess.Popen[bytes]) -> None:
    with pytest.raises(SetupFailed) as e:
        Supervisor(home, ("bus",)).run()
    assert e.value.error_code == "setup.already_running"
    assert running.poll() is None


def test_taken_port_is_named_before_anything_starts(tmp_path: Path, home: Home) -> None:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        port = s.getsockname()[1]
        (home.path / "headworks.toml").write_text(f"web_port = {port}\n")
        with pytest.raises(SetupFailed) as e:
            Supervisor(Home(home.path), ("bus", "web")).run()
    assert e.value.error_code == "setup.port_taken"
    assert e.value.params["port"] == port
    assert health(home, "bus") is None


def test_unknown_role_is_named(home: Home) -> None:
    with pytest.raises(SetupFailed) as e:
        Supervisor(home, ("bus", "magic"))
    assert e.value.params["role"] == "magic"


@pytest.fixture
def watched(home: Home) -> Iterator[Supervisor]:
    """Return a supervisor over a process that beats once."""
    made = Supervisor(home, ("bus",))
    (child,) = made.children
    child.process = subprocess.Popen(["sleep", "60"])
    child.started = time.monotonic()
    assert child.beat_file is not None
    beat = Health(role="bus", host="h", pid=child.process.pid, at=1, started=1, ready=True)
    child.beat_file.write_bytes(msgspec.json.encode(beat))
    yield made
    child.process.kill()
    child.process.wait()


@pytest.mark.feature("N-03")
@pytest.mark.parametrize("jump", [-7200, 7200])
def test_clock_that_is_set_ends_no_role(watched: Supervisor, jump: int) -> None:
    (child,) = watched.children
    assert child.process is not None
    assert child.beat_file is not None
    os.utime(child.beat_file, (time.time() + jump, time.time() + jump))
    for _ in range(3):
        watched._look_after()
        time.sleep(0.05)
    assert child.process.poll() is None


@pytest.mark.feature("N-03")
def test_role_that_hangs_is_killed(watched: Supervisor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "_SILENT_S", 0.3)
    (child,) = watched.children
    hung = child.process
    assert hung is not None

    def killed() -> bool:
        if child.process is hung and hung.poll() is None:
            watched._look_after()
        return hung.poll() is not None

    wait_for(killed, 3)
    assert hung.returncode == -signal.SIGKILL


def test_interrupt_of_the_terminal_reaches_the_supervisor_alone(home: Home) -> None:
    """Else the bus would end while the others still have to store what they hold."""
    env = {**os.environ, "HEADWORKS_HOME": str(home.path)}
    command = [sys.executable, "-m", "headworks.cli", "run", "--roles", "bus"]
    process = subprocess.Popen(command, env=env, start_new_session=True)
    try:
        wait_for(lambda: ready(home, "bus"))
        h = health(home, "bus")
        assert h is not None
        assert process.pid not in {os.getpgid(h.pid), os.getpgid(h.detail["server_pid"])}
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(20) == 0
        assert gone(h.pid)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def test_bus_of_another_machine_is_not_started_here(home: Home) -> None:
    (home.path / "headworks.toml").write_text('bus_url = "nats://bus.example:4222"\n')
    assert [c.role for c in Supervisor(Home(home.path), ORDER).children] == [r for r in ORDER if r != "bus"]
    assert [c.role for c in Supervisor(Home(home.path), ("engine",)).children] == ["engine"]


def test_roles_without_any_bus_are_refused(home: Home) -> None:
    with pytest.raises(SetupFailed) as e:
        Supervisor(home, ("engine", "web"))
    assert e.value.error_code == "setup.no_bus"


@pytest.mark.feature("N-03")
def test_children_may_open_as_many_files_as_the_system_allows() -> None:
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (256, 512));"
        "from headworks.roles.supervisor import allow_files; allow_files();"
        "print(*resource.getrlimit(resource.RLIMIT_NOFILE)); allow_files(300);"
        "print(*resource.getrlimit(resource.RLIMIT_NOFILE))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["512", "512", "512", "512"]
