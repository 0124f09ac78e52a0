"""What sends data into a running installation from outside its roles: the simulated unit, and recorded files."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

from headworks.base.settings import Home
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
