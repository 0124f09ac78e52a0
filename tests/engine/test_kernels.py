"""Kernels are compiled once, by whoever comes first, also where the package cannot be written to."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from headworks.blocks.catalogue import every, get
from headworks.engine import codegen, kernels

pytestmark = pytest.mark.feature("PLT-08")

SMALL = """
import pathlib, sys
from headworks.engine import codegen, kernels
kernels.PACKAGE_FOLDER = pathlib.Path(sys.argv[1])
module = kernels.load("small", codegen.HEADER.format(constants="") + '''
@njit((i8,), cache=True, **JIT)
def twice(n):
    return 2 * n
''')
print(module.__file__, module.twice(21), sum(module.twice.stats.cache_misses.values()))
"""


def start(folder: Path, cache: Path) -> subprocess.Popen[str]:
    environment = os.environ | {"HEADWORKS_CACHE": str(cache)}
    return subprocess.Popen(
        [sys.executable, "-c", SMALL, str(folder)], stdout=subprocess.PIPE, env=environment, text=True
    )


def result(process: subprocess.Popen[str]) -> list[str]:
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    return out.split()


def test_processes_that_start_together_compile_once(tmp_path: Path) -> None:
    together = [start(tmp_path / "k", tmp_path / "cache") for _ in range(3)]
    answers = [result(p) for p in together]
    assert [a[1] for a in answers] == ["42"] * 3
    assert sorted(a[2] for a in answers) == ["0", "0", "1"]
    assert len(list((tmp_path / "k").glob("*.py"))) == 1
    assert not (tmp_path / "cache").exists()


def test_a_package_that_cannot_be_written_to_is_no_hindrance(tmp_path: Path) -> None:
    not_a_folder = tmp_path / "file"
    not_a_folder.write_text("")
    file, answer, _ = result(start(not_a_folder / "k", tmp_path / "cache"))
    assert answer == "42"
    assert Path(file).parent == tmp_path / "cache" / "headworks" / "kernels"


def test_the_name_of_a_block_file_follows_its_source_and_the_machine() -> None:
    source = codegen.block_source(get("ewma"))
    name = kernels.block_file("ewma").name
    assert name == f"headworks_block_ewma_{codegen.digest(source)}.{kernels.machine()}.code"
    assert codegen.digest(source + "\n") != codegen.digest(source)
    assert kernels.ops() == tuple(spec.op for spec in every())


def test_code_that_was_kept_is_run_and_not_made_again(tmp_path: Path) -> None:
    """One process compiles, the next finds what it made; a file that is damaged is made anew."""
    script = """
import sys, pathlib
from headworks.engine import kernels
kernels.PACKAGE_FOLDER = pathlib.Path(sys.argv[1])
made = []
compiled = kernels._compiled
kernels._compiled = lambda op: (made.append(op), compiled(op))[1]
table = kernels.addresses(["not", "above"])
print(made, [kernels.ops()[i] for i in range(len(table)) if table[i].all()])
"""
    for expected in ("['above', 'not']", "[]", "['above']"):
        done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == f"{expected} ['above', 'not']"
        if expected == "[]":
            next(tmp_path.glob("headworks_block_above_*")).write_bytes(b"")


def test_threads_that_ask_together_get_the_whole_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "PACKAGE_FOLDER", tmp_path)
    source = "import time\ntime.sleep(0.2)\nVALUE = 1\n"
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: kernels.load("together", source).VALUE, range(8)))
    assert found == [1] * 8
