from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from headworks.checks import system
from headworks.checks.system import Missing, Need, missing_system


def test_only_what_is_absent_is_listed_with_its_packages():
    needs = [Need("A", "tests", ("a",), lambda: True), Need("B", "documents", ("b", "c"), lambda: False)]

    assert missing_system(needs) == [Missing("B", "documents", ("b", "c"))]
    assert str(missing_system(needs)[0]) == "B (needed for documents; apt install b c)"


def test_a_browser_named_in_the_environment_comes_first(monkeypatch, tmp_path):
    program = tmp_path / "my-chromium"
    program.write_text("")
    monkeypatch.setenv("HEADWORKS_CHROMIUM", str(program))
    assert system.browser() is None

    program.chmod(0o755)
    assert system.browser() == str(program)


def test_the_newest_postgresql_is_taken(monkeypatch, tmp_path):
    for version in ("9.6", "15", "13"):
        folder = tmp_path / version / "bin"
        folder.mkdir(parents=True)
        for program in ("initdb", "postgres"):
            (folder / program).write_text("")
    monkeypatch.setattr(system, "POSTGRES_FOLDERS", [f"{str(tmp_path).lstrip(os.sep)}/*/bin"])
    monkeypatch.setenv("PATH", "")

    assert system.postgres_folder() == tmp_path / "15" / "bin"


@pytest.mark.parametrize(("names", "there"), [(["libc.so.6"], True), (["libc.so.6", "libnowhere.so.0"], False)])
def test_a_library_counts_when_it_can_be_loaded(names, there):
    assert system.has_libraries(names) is there


def test_the_module_runs_alone_on_a_bare_python():
    done = subprocess.run(
        [sys.executable, "-I", "-S", Path(system.__file__)], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == [package for gap in missing_system() for package in gap.apt]
