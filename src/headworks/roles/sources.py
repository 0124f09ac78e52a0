"""``headworks source …``: OPC UA sources from the command line, for who sits at the machine itself.

The command line imports this module for every command, so what is heavy is imported where it is used.
"""

from __future__ import annotations

import asyncio
from typing import Any

import click

from headworks.base.errors import Invalid

_BUS_S = 10.0


@click.group()
def source() -> None:
    """OPC UA servers that samples are read from."""
    import django

    django.setup()


@source.command("list")
def list_sources() -> None:
    """List everything samples come from."""
    from headworks.control.sources import queries

    for row in queries.rows({}, "en"):
        where = row["connection"]["endpoint"] if row["connection"] else "-"
        click.echo(f"{row['code']:20}  {row['protocol']:6}  {row['partition']:12}  {row['points']:6}  {where}")


@source.command()
@click.argument("endpoint")
def look(endpoint: str) -> None:
    """Show what a server offers: policies, certificate, ways to sign in. Asks the running platform."""
    from headworks.control.sources import services

    if not services.is_endpoint(endpoint):
        raise Invalid(problems=[services.bad_endpoint(endpoint)])
    said = _ask({"do": "look", "endpoint": endpoint})
    click.echo(f"{said['server']['name']}  {said['server']['uri']}")
    for e in said["endpoints"]:
        click.echo(f"{e['policy']}/{e['mode']}  {','.join(e['identities'])}")
        if e["certificate"]:
            click.echo(f"    {e['subject']}\n    sha256 {e['certificate']}")


@source.command()
@click.argument("code")
@click.argument("endpoint")
@click.option("--partition", required=True)
@click.option("--policy", default="Basic256Sha256", show_default=True)
@click.option("--mode", default=None, help="Sign or SignAndEncrypt (default); None with policy None.")
@click.option("--certificate", default="", help="SHA-256 of the server's certificate that you accept (source look).")
@click.option("--username", default="", help="Anonymous without one. The password is asked for.")
@click.option("--password-file", type=click.File(), help="Read the password from here (- is standard input).")
def add(
    code: str,
    endpoint: str,
    partition: str,
    policy: str,
    mode: str | None,
    certificate: str,
    username: str,
    password_file: Any,
) -> None:
    """Add a server as a source of a partition."""
    from headworks.control.sources import services

    given = {"endpoint": endpoint, "policy": policy, "server_certificate": certificate, "username": username}
    if mode is not None:
        given["mode"] = mode
    if username:
        password = password_file.read().rstrip("\r\n") if password_file else click.prompt("Password", hide_input=True)
        given["password"] = password
    services.create("cli", code, partition, given)
    click.echo(code)


@source.command()
@click.argument("code")
@click.argument("node", required=False)
def browse(code: str, node: str | None) -> None:
    """List what lies directly below a node of a source (without one: the folder Objects)."""
    from headworks.control.sources import services

    services.find_opcua(code)
    cursor = None
    while True:
        said = _ask({"do": "browse", "source": code, "node": node, "cursor": cursor})
        for n in said["items"]:
            value = "" if n["kind"] != "variable" else f"{n['type']}  {n['value']} {n['unit']}"
            click.echo(f"{n['kind']:8}  {n['node']:40}  {n['title']}  {value}".rstrip())
        if (cursor := said["next"]) is None:
            return


@source.command()
@click.argument("code")
def remove(code: str) -> None:
    """Remove a source; the history of its tags stays."""
    from headworks.control.sources import services

    services.remove("cli", code)
    click.echo(code)


def _ask(question: dict[str, Any]) -> dict[str, Any]:
    """Ask the connect role of the running installation."""
    return asyncio.run(_asked(question))


async def _asked(question: dict[str, Any]) -> dict[str, Any]:
    from headworks.base.settings import Home
    from headworks.bus.client import Bus
    from headworks.control.sources.asking import ask_connect
    from headworks.roles.context import read_endpoints

    home = Home()
    url = home.settings.bus_url or read_endpoints(home).bus_url
    bus = await Bus.connect(url, home.secret("bus"), "source-command", _BUS_S)
    try:
        return await ask_connect(bus, question)
    finally:
        await bus.close()
