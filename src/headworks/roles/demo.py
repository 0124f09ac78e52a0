"""``headworks demo``: everything on one machine, with two simulated units.

Unit 1 is connected from the start. Unit 2 stands as its frame: its control system runs as an OPC UA server beside the
platform, and is connected by the person who tries it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from pathlib import Path

import click
import msgspec

from headworks.base import log
from headworks.base.settings import Home
from headworks.roles.context import Endpoints
from headworks.roles.feed import CONTROL_SYSTEM, ControlSystem, control_system_login, control_system_port
from headworks.roles.installation import demo_login, device_token, initialise
from headworks.roles.supervisor import ORDER, Supervisor

_SIMULATED, _SERVED = "u1", "u2"
_SERVER_SECONDS = 120.0


def run_demo(home: Home, plants: Sequence[Path]) -> int:
    """Initialise if needed, apply the plants, start every role and the simulated unit; return the exit code."""
    click.echo(f"home      {home.path}")
    initialise(home)
    username, password = demo_login(home)
    from headworks.control.twin.models import Device, Partition
    from headworks.control.twin.plant import apply_plant

    for folder in plants:
        diff = apply_plant(folder, dry_run=False, actor="demo")
        click.echo(f"plant     {folder.name}: {len(diff.changes)} changes")
    for code in Device.objects.filter(partition__code=_SIMULATED, retired_at=None).values_list("code", flat=True):
        device_token(home, code)
    companions = {"simulate": ("simulate", "--plant", str(plants[0]))}
    dcs: tuple[int, str, str] | None = None
    if Partition.objects.filter(code=_SERVED, retired_at=None).exists():
        dcs = (control_system_port(home), *control_system_login(home))
        companions["simulate-opcua"] = ("simulate-opcua", "--port", str(dcs[0]))
    log_file = home.folder("log") / "headworks.log"
    begun = time.time()
    log.configure("WARNING", "console", role="supervisor")

    def ready(endpoints: Endpoints) -> None:
        host, port = endpoints.web
        click.echo(f"log       {log_file}")
        click.secho(f"address   http://{host}:{port}", bold=True)
        click.secho(f"username  {username}", bold=True)
        click.secho(f"password  {password}", bold=True)
        click.echo("stop      Ctrl-C")
        if dcs:
            threading.Thread(
                target=_tell_control_system, args=(home, begun, dcs[1], dcs[2], log_file), daemon=True
            ).start()

    with log_file.open("ab") as output:
        return Supervisor(home, ORDER, output, companions).run(ready)


def _tell_control_system(home: Home, begun: float, username: str, password: str, log_file: Path) -> None:
    """Print where the control system listens, once it does: the file of this start is younger than `begun` [s since 1970]."""
    file = home.path / "run" / CONTROL_SYSTEM
    until = time.monotonic() + _SERVER_SECONDS
    while not (file.exists() and file.stat().st_mtime >= begun):
        if time.monotonic() > until:
            click.echo(f"opcua     not up after {_SERVER_SECONDS:.0f} s, see {log_file}", err=True)
            return
        time.sleep(0.2)
    found = msgspec.json.decode(file.read_bytes(), type=ControlSystem)
    click.echo(f"opcua     {found.endpoint}  user {username}  password {password}")
