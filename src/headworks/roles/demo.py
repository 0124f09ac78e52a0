"""``headworks demo``: everything on one machine, with a simulated unit."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from headworks.base import log
from headworks.base.settings import Home
from headworks.roles.context import Endpoints
from headworks.roles.installation import demo_login, device_token, initialise
from headworks.roles.supervisor import ORDER, Supervisor

_SIMULATED = "u1"


def run_demo(home: Home, plants: Sequence[Path]) -> int:
    """Initialise if needed, apply the plants, start every role and the simulated unit; return the exit code."""
    click.echo(f"home      {home.path}")
    initialise(home)
    username, password = demo_login(home)
    from headworks.control.twin.models import Device
    from headworks.control.twin.plant import apply_plant

    for folder in plants:
        diff = apply_plant(folder, dry_run=False, actor="demo")
        click.echo(f"plant     {folder.name}: {len(diff.changes)} changes")
    for code in Device.objects.filter(partition__code=_SIMULATED, retired_at=None).values_list("code", flat=True):
        device_token(home, code)
    log_file = home.folder("log") / "headworks.log"
    log.configure("WARNING", "console", role="supervisor")

    def ready(endpoints: Endpoints) -> None:
        host, port = endpoints.web
        click.echo(f"log       {log_file}")
        click.secho(f"address   http://{host}:{port}", bold=True)
        click.secho(f"username  {username}", bold=True)
        click.secho(f"password  {password}", bold=True)
        click.echo("stop      Ctrl-C")

    with log_file.open("ab") as output:
        simulator = {"simulate": ("simulate", "--plant", str(plants[0]))}
        return Supervisor(home, ORDER, output, simulator).run(ready)
