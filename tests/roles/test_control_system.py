"""Where the simulated control system listens, and who is let in."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import msgspec
import pytest

from headworks.base.settings import Home
from headworks.bus.server import free_port
from headworks.roles.feed import ControlSystem, control_system_login, control_system_port

pytestmark = pytest.mark.feature("PLT-03")


def home(path: Path, port: int) -> Home:
    (path / "headworks.toml").write_text(f"opcua_port = {port}\n")
    return Home(path)


def last_used(of: Home, port: int, wanted: int) -> None:
    record = ControlSystem(endpoint=f"opc.tcp://127.0.0.1:{port}", username="dcs", port=port, wanted=wanted)
    (of.folder("run") / "opcua-u2.json").write_bytes(msgspec.json.encode(record))


def test_the_password_is_made_once_for_this_installation_and_nobody_else_reads_it(tmp_path: Path) -> None:
    username, password = control_system_login(Home(tmp_path / "a"))

    assert username == "dcs"
    assert len(password) >= 16
    assert control_system_login(Home(tmp_path / "a")) == (username, password)
    assert control_system_login(Home(tmp_path / "b"))[1] != password
    assert (tmp_path / "a" / "secrets" / "opcua-u2").stat().st_mode & 0o777 == 0o600


def test_the_port_is_that_of_the_settings_or_a_free_one(tmp_path: Path) -> None:
    wanted = free_port()
    assert control_system_port(home(tmp_path, wanted)) == wanted
    with socket.socket() as s:
        s.bind(("127.0.0.1", wanted))
        s.listen()
        other = control_system_port(home(tmp_path, wanted))
    assert other not in (0, wanted)
    assert control_system_port(home(tmp_path, 0)) > 1024


def test_the_port_of_the_last_start_is_kept_so_that_who_is_connected_stays_so(tmp_path: Path) -> None:
    wanted, used = free_port(), free_port()
    of = home(tmp_path, wanted)
    last_used(of, used, wanted)

    assert control_system_port(of) == used
    last_used(of, used, wanted + 1)
    assert control_system_port(of) == wanted, "the settings have changed since"
    (tmp_path / "run" / "opcua-u2.json").write_text(json.dumps({"port": "x"}))
    assert control_system_port(of) == wanted
