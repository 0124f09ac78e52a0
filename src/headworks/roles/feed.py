"""What gives data to a running installation from outside its roles: the simulated units, and recorded files."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
import socket
import time
from pathlib import Path

import msgspec
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from headworks.base.settings import Home
from headworks.bus.server import free_port
from headworks.connect import replay
from headworks.connect.client import DeviceClient, LoginRefused
from headworks.roles.context import read_endpoints, write_atomic
from headworks.roles.installation import device_token
from headworks.simulate.device import run_unit
from headworks.simulate.faults import FaultScript
from headworks.simulate.thermal_unit import GROUPS


def simulate_unit(home: Home, folder: Path, *, seed: int, speed: float, script_file: Path | None) -> None:
    """Run the simulated unit as the devices of the plant in `folder` until SIGTERM or SIGINT.

    The truth about each fault goes to ``run/faults.jsonl``.
    """
    import django

    django.setup()
    endpoint = read_endpoints(home).mqtt
    codes = [f"u1-{group}" for group in GROUPS]
    tokens = {code: device_token(home, code) for code in codes}
    script = FaultScript.parse(script_file.read_bytes()) if script_file else None
    labels = home.folder("run") / "faults.jsonl"

    async def work() -> None:
        stopping = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stopping.set)
        await run_unit(
            endpoint, tokens, folder, seed=seed, speed=speed, script=script, labels=labels, stopping=stopping
        )

    asyncio.run(work())


CONTROL_SYSTEM = "opcua-u2.json"


class ControlSystem(msgspec.Struct, kw_only=True):
    """Where the simulated control system of unit 2 listens (``run/opcua-u2.json``), and the port it was asked to take."""

    endpoint: str = ""
    username: str = ""
    port: int = 0
    wanted: int = 0


def control_system_login(home: Home) -> tuple[str, str]:
    """Return user and password of the simulated control system; the password is made once and kept with the secrets (0600)."""
    from headworks.simulate.opcua_server import USERNAME

    file = home.folder("secrets") / "opcua-u2"
    with (
        contextlib.suppress(FileExistsError),
        open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as f,
    ):
        f.write(secrets.token_urlsafe(12))
    return USERNAME, file.read_text().strip()


def control_system_port(home: Home) -> int:
    """Return a port that is free: the one of the last start, so that who is connected stays so, or that of the settings."""
    wanted = home.settings.opcua_port
    with contextlib.suppress(OSError, msgspec.DecodeError):
        last = msgspec.json.decode((home.path / "run" / CONTROL_SYSTEM).read_bytes(), type=ControlSystem)
        if last.wanted == wanted and _free(last.port):
            return last.port
    return wanted if wanted and _free(wanted) else free_port()


def _free(port: int) -> bool:
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def serve_control_system(
    home: Home,
    *,
    port: int | None,
    seed: int,
    speed: float,
    script_file: Path | None,
    anonymous: bool = False,
    extra: int = 0,
) -> None:
    """Run unit 2 behind an OPC UA server of this machine until SIGTERM or SIGINT.

    `port`: None takes that of the last start or of the settings. The truth about each fault goes to ``run/faults-u2.jsonl``,
    where the server listens to ``run/opcua-u2.json``. `extra`: how many tags more than its 500 the unit has.
    """
    from headworks.simulate.extra import extra_tags
    from headworks.simulate.opcua_server import UnitServer, serve_unit

    username, password = control_system_login(home)
    script = FaultScript.parse(script_file.read_bytes()) if script_file else None
    chosen = control_system_port(home) if port is None else port
    run = home.folder("run")

    def ready(server: UnitServer) -> None:
        found = ControlSystem(
            endpoint=server.endpoint, username=username, port=server.port, wanted=home.settings.opcua_port
        )
        write_atomic(run / CONTROL_SYSTEM, msgspec.json.encode(found))

    async def work() -> None:
        stopping = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stopping.set)
        await serve_unit(
            home.folder("secrets") / "opcua-u2-certificate",
            password,
            username=username,
            port=chosen,
            anonymous=anonymous,
            seed=seed,
            speed=speed,
            script=script,
            extra=extra_tags(2, extra),
            labels=run / "faults-u2.jsonl",
            stopping=stopping,
            ready=ready,
        )

    asyncio.run(work())


_NEW_TOKEN_SECONDS = 20.0


def replay_file(
    home: Home,
    file: Path,
    map_file: Path,
    *,
    speed: float,
    limit: int | None,
    start: str | None,
    token_file: Path | None,
) -> replay.Progress:
    """Send a recorded file as its device would, with a progress bar; return what was sent.

    Without `token_file` the token this installation keeps for the device is used (one is issued the first time).
    """
    mapping = replay.load_map(map_file)
    if token_file is not None:
        token = token_file.read_text().strip()
    else:
        import django

        django.setup()
        token = device_token(home, mapping.device)
    begin = None if start is None else replay.parse_instant(start, home.settings.timezone)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())

    async def work() -> replay.Progress:
        client = await _connected(*read_endpoints(home).mqtt, token, mapping.device)
        stopping = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, stopping.set)
        with Progress(*columns) as bar:
            task = bar.add_task(file.name, total=1.0)
            try:
                return await replay.replay(
                    file,
                    mapping,
                    client,
                    speed=speed,
                    limit=limit,
                    start=begin,
                    stopping=stopping,
                    on_progress=lambda p: bar.update(task, completed=p.done),
                )
            finally:
                await client.close()

    return asyncio.run(work())


async def _connected(host: str, port: int, token: str, name: str) -> DeviceClient:
    """Connect; a token that was issued a moment ago is known to the endpoint only with the next plan."""
    until = time.monotonic() + _NEW_TOKEN_SECONDS
    while True:
        client = DeviceClient(host, port, token, version=5, name=name)
        try:
            await client.connect()
        except LoginRefused:
            await client.close()
            if time.monotonic() > until:
                raise
            await asyncio.sleep(1.0)
        else:
            return client
