"""``headworks demo``: everything on one machine, with two simulated units.

Unit 1 is connected from the start. Unit 2 stands as its frame: its control system runs as an OPC UA server beside the
platform, and is connected by the person who tries it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from headworks.base import log
from headworks.base.settings import Home
from headworks.roles.context import Endpoints
from headworks.roles.feed import control_system_login, control_system_port
from headworks.roles.installation import demo_login, device_token, initialise
from headworks.roles.supervisor import ORDER, Supervisor

_SIMULATED, _SERVED = "u1", "u2"


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
    log.configure("WARNING", "console", role="supervisor")

    def ready(endpoints: Endpoints) -> None:
        host, port = endpoints.web
        click.echo(f"log       {log_file}")
        click.secho(f"address   http://{host}:{port}", bold=True)
        click.secho(f"username  {username}", bold=True)
        click.secho(f"password  {password}", bold=True)
        if dcs:
            click.echo(f"opcua     opc.tcp://127.0.0.1:{dcs[0]}  user {dcs[1]}  password {dcs[2]}")
        click.echo("stop      Ctrl-C")

    with log_file.open("ab") as output:
        return Supervisor(home, ORDER, output, companions).run(ready)
