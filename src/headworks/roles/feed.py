"""What sends data into a running installation from outside its roles: the simulated unit, and recorded files."""

from __future__ import annotations

import asyncio
import signal
import time
from pathlib import Path

from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from headworks.base.settings import Home
from headworks.connect import replay
from headworks.connect.client import DeviceClient, LoginRefused
from headworks.roles.context import read_endpoints
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
