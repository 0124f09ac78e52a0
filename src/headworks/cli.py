"""The command line: ``headworks <command>``. Every command says what went wrong by field, value and remedy."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from headworks import __version__
from headworks.base import log
from headworks.base.errors import HeadworksError
from headworks.base.settings import Home
from headworks.roles.sources import source

ROOT = Path(__file__).resolve().parents[2]


def _language() -> str:
    return "zh-CN" if os.environ.get("LC_ALL", os.environ.get("LANG", "")).startswith("zh") else "en"


def _report(error: HeadworksError) -> None:
    """Print an error as a person reads it: what, where, and what to do."""
    from headworks.base import i18n

    language = _language()
    click.secho(i18n.text(f"errors.{error.error_code}", language, **error.params), fg="red", err=True)
    for p in error.problems:
        text = i18n.text(f"errors.{p.code}", language, **{"value": p.value, **p.params})
        click.echo(f"  {p.field}: {p.value!r}: {text}", err=True)


def command(*args: Any, **kwargs: Any) -> Callable[[Callable[..., None]], click.Command]:
    """Register a command whose :class:`HeadworksError` becomes a readable message and exit code 2."""

    def wrap(function: Callable[..., None]) -> click.Command:
        return main.command(*args, **kwargs)(_readable(function))

    return wrap


def _readable(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def run(*a: Any, **k: Any) -> None:
        try:
            function(*a, **k)
        except HeadworksError as e:
            _report(e)
            sys.exit(2)

    return run


def _attach(group: click.Group) -> None:
    """Make a group of commands that lives elsewhere part of this command line."""
    for one in (group, *group.commands.values()):
        assert one.callback is not None
        one.callback = _readable(one.callback)
    main.add_command(group)


@click.group()
@click.option(
    "--home", type=click.Path(file_okay=False, path_type=Path), help="Folder of the installation (HEADWORKS_HOME)."
)
@click.version_option(__version__)
@click.pass_context
def main(context: click.Context, home: Path | None) -> None:
    """Headworks 枢纽: an open industrial operations platform."""
    if home:
        os.environ["HEADWORKS_HOME"] = str(home.resolve())
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "headworks.control.project.settings")
    context.obj = None


def _home() -> Home:
    return Home()


def _django() -> None:
    import django

    django.setup()


# --- the installation -----------------------------------------------------------------------------------------------


@command()
def init() -> None:
    """Make secrets, database and the first administrator."""
    from headworks.roles.installation import initialise

    made = initialise(_home())
    click.echo(f"home      {made.home}")
    if made.password:
        click.echo(
            f"username  {made.username}\npassword  {made.password}   (shown once; you choose your own at the first login)"
        )
    else:
        click.echo("already initialised; database brought up to date")


@command()
@click.option("--roles", default="all", help="Comma-separated roles, or all.")
def run(roles: str) -> None:
    """Run roles of the platform on this machine until stopped."""
    from headworks.roles.supervisor import ORDER, Supervisor

    home = _home()
    log.configure(home.settings.log_level, home.settings.log_format, role="supervisor")
    wanted = ORDER if roles == "all" else tuple(r.strip() for r in roles.split(",") if r.strip())
    sys.exit(Supervisor(home, wanted).run())


@command(hidden=True)
@click.argument("name")
def role(name: str) -> None:
    """Run one role in this process (the supervisor starts these)."""
    from importlib import import_module

    from headworks.roles.context import run_role
    from headworks.roles.supervisor import ORDER

    if name not in ORDER:
        raise click.BadParameter(f"{name!r} is not a role: {', '.join(ORDER)}")
    if name in ("dispatch", "web"):
        _django()
    module = import_module(f"headworks.roles.{name}")
    run_role(name, module.main, _home().path, getattr(module, "prepare", None))


@command()
@click.option("--plant", "plants", multiple=True, type=click.Path(exists=True, file_okay=False, path_type=Path))
def demo(plants: tuple[Path, ...]) -> None:
    """Run everything on this machine with a simulated unit, and print address and login."""
    from headworks.roles.demo import run_demo

    folders = plants or tuple(ROOT / "examples" / name for name in ("demo-unit", "pump-rig", "demo-unit-2"))
    sys.exit(run_demo(_home(), folders))


# --- plants ---------------------------------------------------------------------------------------------------------


@command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Show what would change, change nothing.")
@click.option("--yes", is_flag=True, help="Apply without asking.")
def apply(folder: Path, dry_run: bool, yes: bool) -> None:
    """Make the records equal to a plant folder: shows the differences and asks, then applies all of them or none."""
    _django()
    from headworks.control.twin.plant import apply_plant

    diff = apply_plant(folder, dry_run=dry_run or not yes, actor="cli")
    click.echo(diff.render(_language()))
    if dry_run or diff.empty:
        return
    if not yes:
        click.confirm("Apply? 应用？", abort=True)
        apply_plant(folder, dry_run=False, actor="cli")
    click.echo("applied 已应用")


@command()
@click.argument("plant")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def export(plant: str, folder: Path) -> None:
    """Write a plant back as a folder, in canonical order."""
    _django()
    from headworks.control.twin.plant import export_plant

    export_plant(folder, plant)
    click.echo(str(folder))


@command("import")
@click.argument("kind", type=click.Choice(["tags", "models"]))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--plant", default="", help="Code of the plant the rows belong to; needed if there are several.")
@click.option("--sheet", default="", help="Sheet of the workbook; default: the first one with the header.")
@click.option("--dry-run", is_flag=True, help="Show what would change, change nothing.")
@click.option("--yes", is_flag=True, help="Apply without asking.")
@click.option("--skip-bad", is_flag=True, help="Leave out the rows that have problems.")
@click.option(
    "--problems", type=click.Path(dir_okay=False, path_type=Path), help="Write a workbook with the problems here."
)
def import_table(
    kind: str, file: Path, plant: str, sheet: str, dry_run: bool, yes: bool, skip_bad: bool, problems: Path | None
) -> None:
    """Import tags or models from an Excel workbook (.xlsx) or CSV: creates and changes, never retires."""
    _django()
    from headworks.control.twin.imports.commands import import_command

    code = import_command(
        "models" if kind == "models" else "tags",
        file,
        plant=plant,
        sheet=sheet,
        dry_run=dry_run,
        yes=yes,
        skip_bad=skip_bad,
        problems_file=problems,
        language=_language(),
    )
    sys.exit(code)


@main.group()
def device() -> None:
    """Devices and their credentials."""


@device.command("token")
@click.argument("codes", metavar="CODE…", nargs=-1, required=True)
@_readable
def device_token(codes: tuple[str, ...]) -> None:
    """Issue a new access token for a device; the old one stops working. Shown once; of several devices a line each."""
    _django()
    from headworks.control.twin.services import issue_device_token

    for code in codes:
        click.echo(issue_device_token(code))


@main.group()
def user() -> None:
    """People who may log in."""


@user.command("create")
@click.argument("username")
@click.option("--role", "roles", multiple=True, required=True, help="administrator, engineer, operator or viewer.")
@click.option("--display", default="", help="Name people see.")
@click.password_option(help="Asked for if not given. The user has to change it at the first login.")
@click.option("--keep-password", is_flag=True, help="The user need not change it (for machines and tests).")
@_readable
def user_create(username: str, roles: tuple[str, ...], display: str, password: str, keep_password: bool) -> None:
    """Make a user with roles."""
    _django()
    from headworks.control.access.services import create_user

    create_user(username, password, roles, display=display, actor="cli", must_change_password=not keep_password)


@user.command("unlock")
@click.argument("username")
@_readable
def user_unlock(username: str) -> None:
    """Let a user who is locked out after wrong passwords try again at once."""
    _django()
    from headworks.control.access.services import unlock

    unlock("cli", username)


_attach(source)

# --- data -----------------------------------------------------------------------------------------------------------


@command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--map", "map_file", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--speed", default=1.0, help="Data seconds per second; 0 is as fast as the platform acknowledges.")
@click.option("--limit", type=int, help="Only the first rows.")
@click.option("--start", help="Instant (ISO 8601) the first row is moved to; default: its own time.")
@click.option("--token-file", type=click.Path(dir_okay=False, path_type=Path), help="Default: a new token is issued.")
def replay(
    file: Path, map_file: Path, speed: float, limit: int | None, start: str | None, token_file: Path | None
) -> None:
    """Send a CSV through the device endpoint as its device would."""
    from headworks.roles.feed import replay_file

    done = replay_file(_home(), file, map_file, speed=speed, limit=limit, start=start, token_file=token_file)
    sent = f"{done.messages} messages and {done.marks} times of its clock"
    click.echo(f"{done.rows} rows, {done.samples} samples in {sent}, {done.acked} acknowledged")


@command()
@click.option("--plant", default=ROOT / "examples" / "demo-unit", type=click.Path(exists=True, path_type=Path))
@click.option("--seed", default=1)
@click.option("--speed", default=1.0)
@click.option(
    "--script", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Faults (JSON); default: the demo's."
)
def simulate(plant: Path, seed: int, speed: float, script: Path | None) -> None:
    """Run the simulated thermal unit as devices of this installation, until stopped."""
    from headworks.roles.feed import simulate_unit

    log.configure(_home().settings.log_level, _home().settings.log_format, role="simulate")
    simulate_unit(_home(), plant, seed=seed, speed=speed, script_file=script)


@command("simulate-opcua")
@click.option("--port", type=int, help="Default: that of the last start or of the settings; 0 takes any free one.")
@click.option("--seed", default=1)
@click.option("--speed", default=1.0)
@click.option(
    "--script", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Faults (JSON); default: the demo's."
)
@click.option("--anonymous", is_flag=True, help="Let in clients that give no name.")
@click.option("--extra", default=0, help="So many tags more than the 500 of the unit.")
def simulate_opcua(port: int | None, seed: int, speed: float, script: Path | None, anonymous: bool, extra: int) -> None:
    """Run simulated unit 2 behind a real OPC UA server on this machine, until stopped. `run/opcua-u2.json` says where."""
    from headworks.roles.feed import serve_control_system

    log.configure(_home().settings.log_level, _home().settings.log_format, role="simulate-opcua")
    serve_control_system(
        _home(), port=port, seed=seed, speed=speed, script_file=script, anonymous=anonymous, extra=extra
    )


@command()
@click.argument("model", required=False)
@click.option("--partition", help="Without MODEL: every model of this partition.")
@click.option("--from", "start", required=True, help="First instant, ISO 8601.")
@click.option("--to", "end", required=True, help="Instant after the last, ISO 8601.")
@click.option("--json", "as_json", is_flag=True)
def backtest(model: str | None, partition: str | None, start: str, end: str, as_json: bool) -> None:
    """Run MODEL over its stored history and list the alarms it would have raised.

    MODEL is the code of a model instance, or of a template: then all its instances.
    """
    from headworks.roles.backtest_command import backtest_command

    if (model is None) == (partition is None):
        raise click.UsageError("Give a MODEL, or --partition.")
    sys.exit(backtest_command(_home(), model, partition, start, end, as_json=as_json, language=_language()))


# --- checks ---------------------------------------------------------------------------------------------------------


@main.group(invoke_without_command=True)
@click.pass_context
def check(context: click.Context) -> None:
    """Check that the repository keeps its own rules."""
    if context.invoked_subcommand:
        return
    from headworks.checks.run import run_checks

    findings = run_checks(ROOT)
    for finding in findings:
        click.echo(str(finding), err=True)
    click.echo(f"{len(findings)} findings")
    sys.exit(1 if findings else 0)


@check.command("system")
def check_system() -> None:
    """List what the tests and the PDF output need from the system and is missing."""
    from headworks.checks.system import missing_system

    missing = missing_system()
    for item in missing:
        click.echo(str(item))
    sys.exit(1 if missing else 0)


@check.command("features")
@click.option("--write", is_flag=True, help="Write docs/features.md.")
def check_features(write: bool) -> None:
    """Show, or write, which promise is kept by which test."""
    from headworks.checks import features

    if write:
        features.write(ROOT)
    else:
        click.echo(features.render_features(ROOT))


if __name__ == "__main__":
    main()
