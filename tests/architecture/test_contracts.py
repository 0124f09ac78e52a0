"""The shape of the code base: who imports whom, and that what the documents name exists."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from headworks.checks import run_checks

ROOT = Path(__file__).resolve().parents[2]
LINTER = Path(sys.executable).with_name("lint-imports")
SHELL = re.compile(r"^```(?:sh|bash|console|shell)\n(.*?)^```", re.MULTILINE | re.DOTALL)
DOCUMENTS = sorted(p.relative_to(ROOT).as_posix() for p in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [LINTER, "--config", folder / ".importlinter", "--no-cache"]
    return subprocess.run(
        command, cwd=folder / "src", capture_output=True, text=True, check=False, env={"PYTHONPATH": "."}
    )


def shell_commands(path: str) -> list[list[str]]:
    """Return the commands a document shows, word by word, without comments."""
    shown = "\n".join(SHELL.findall((ROOT / path).read_text("utf-8")))
    lines = shown.replace("\\\n", " ").splitlines()
    return [words for line in lines if (words := line.removeprefix("$ ").split("#")[0].split())]


def test_the_repository_keeps_its_own_rules():
    assert [str(f) for f in run_checks(ROOT)] == []


def test_every_import_follows_the_layers():
    done = lint(ROOT)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("path", "line", "contract"),
    [
        ("base/clock.py", "import headworks.bus.batch", "Layers"),
        ("alarming/machine.py", "import headworks.history", "Layers"),
        ("engine/grid.py", "import django.db", "The data plane never imports Django"),
        ("connect/__init__.py", "import headworks.control.twin.models", "The data plane never imports Django"),
        ("history/__init__.py", "import nats", "Only bus speaks NATS"),
        ("control/__init__.py", "import chdb", "Only history holds the history engine"),
        ("alarming/machine.py", "import numba", "Only engine and blocks compile"),
        ("roles/__init__.py", "import paho.mqtt.client", "The MQTT client is for what plays a device"),
        ("bus/batch.py", "import pint", "Units are converted in base"),
        ("roles/__init__.py", "import headworks.checks", "Checks of the repository are for the command line"),
    ],
)
def test_an_import_against_the_layers_is_refused(tmp_path, path, line, contract):
    shutil.copy(ROOT / ".importlinter", tmp_path)
    source = tmp_path / "src/headworks"
    ignore = shutil.ignore_patterns("__pycache__", "dist", "_kernels", "locale")
    shutil.copytree(ROOT / "src/headworks", source, ignore=ignore)
    with (source / path).open("a") as file:
        file.write(f"\n{line}\n")

    done = lint(tmp_path)

    assert done.returncode != 0
    assert f"{contract} BROKEN" in done.stdout


def test_every_package_has_a_layer_and_a_plane():
    contracts = configparser.ConfigParser()
    contracts.read(ROOT / ".importlinter")
    packages = {p.parent.name for p in (ROOT / "src/headworks").glob("*/__init__.py")}
    data_plane = set(contracts["importlinter:contract:planes"]["source_modules"].split())

    assert {f"headworks.{p}" for p in packages - {"control", "roles", "sdk"}} == data_plane


@pytest.mark.parametrize(("contract", "owners"), [("numba", {"engine", "blocks"}), ("paho", {"simulate", "connect"})])
def test_a_library_with_owners_is_forbidden_to_all_others(contract, owners):
    contracts = configparser.ConfigParser()
    contracts.read(ROOT / ".importlinter")
    packages = {p.parent.name for p in (ROOT / "src/headworks").glob("*/__init__.py")} | {"cli"}

    assert set(contracts[f"importlinter:contract:{contract}"]["source_modules"].split()) == {
        f"headworks.{p}" for p in packages - owners
    }


@pytest.mark.parametrize("document", DOCUMENTS)
def test_the_commands_a_document_shows_exist(document):
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for words in shell_commands(document):
        program, arguments = Path(words[0]).name, [w for w in words[1:] if "=" not in w]
        if program == "make":
            assert set(arguments) <= targets, words
        elif program == "headworks":
            assert exists(arguments), words
        else:
            assert shutil.which(program) or (ROOT / words[0]).exists(), words
            assert all((ROOT / w).exists() for w in arguments if w.endswith((".py", ".sh"))), words


def exists(arguments: list[str]) -> bool:
    """Return whether ``headworks <arguments>`` names a command, its subcommands and options that exist."""
    from headworks.cli import main

    command: click.Command = main
    for word in arguments:
        if word.startswith("--"):
            if word != "--help" and word not in {o for p in command.params for o in p.opts}:
                return False
        elif isinstance(command, click.Group):
            if word not in command.commands:
                return False
            command = command.commands[word]
    return True


@pytest.mark.parametrize(
    ("line", "there"),
    [
        ("user create amy --role operator", True),
        ("check features --write", True),
        ("user destroy amy", False),
        ("apply --wet-run plant", False),
        ("", True),
    ],
)
def test_a_command_that_does_not_exist_is_noticed(line, there):
    assert exists(line.split()) is there
