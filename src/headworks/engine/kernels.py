"""Keeps the compiled kernels: makes their source files, compiles them once, finds them again.

``python -m headworks.engine.kernels`` makes and compiles all of them (part of ``make setup``). A process that finds none
makes them itself. The files are named by the hash of their source, so a change of a block can never meet old machine code;
they lie in ``_kernels`` beside this file, or in the user's cache folder when the package cannot be written to.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import importlib.util
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

from headworks.base.errors import SetupFailed
from headworks.blocks import catalogue
from headworks.engine import codegen, gridsteps

PACKAGE_FOLDER = Path(__file__).parent / "_kernels"
_loading = threading.Lock()


@functools.cache
def blocks() -> ModuleType:
    """Return the kernels of all blocks: functions `live` and `history`, and `OPS`, the op of each number."""
    return load("blocks", codegen.block_kernels(catalogue.every()))


@functools.cache
def op_digest(op: str) -> str:
    """Return what names the behaviour and the memory of a block: it changes only when the block itself does."""
    return codegen.digest(codegen.block_source(catalogue.get(op)))


@functools.cache
def grid() -> ModuleType:
    """Return the kernels of the grid."""
    return load("grid", codegen.jitted(gridsteps.KERNELS))


def load(name: str, source: str) -> ModuleType:
    """Return the module of `source`, compiled; write and compile it if this installation has not done so yet."""
    # Threads compile plans side by side: a module that another one is still reading is not there yet.
    with _loading:
        return _load(name, source)


def _load(name: str, source: str) -> ModuleType:
    module = f"headworks_kernels_{name}_{codegen.digest(source)}"
    if module in sys.modules:
        return sys.modules[module]
    folder = writable_folder()
    file, done = folder / f"{module}.py", folder / f"{module}.{version('numba')}.done"
    if done.exists() and file.exists():
        return _import(module, file)
    with _alone(folder):
        if not file.exists() or file.read_text("utf-8") != source:
            part = folder / f".{module}.{os.getpid()}"
            part.write_text(source, "utf-8")
            part.replace(file)
        loaded = _import(module, file)
        done.touch()
        return loaded


def writable_folder() -> Path:
    """Return the folder for kernels: of the package, else ``HEADWORKS_CACHE`` or the user's cache, else a private one.

    Raises
    ------
    SetupFailed
        ``engine.no_kernel_folder``: nowhere can a file be written.
    """
    cache = os.environ.get("HEADWORKS_CACHE") or os.environ.get("XDG_CACHE_HOME")
    user = [Path(cache)] if cache else []
    with contextlib.suppress(RuntimeError):
        user.append(Path.home() / ".cache")
    for folder in (PACKAGE_FOLDER, *(u / "headworks" / "kernels" for u in user)):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                return folder
        except OSError:
            continue
    return _private_folder()


@functools.cache
def _private_folder() -> Path:
    # Shared temporary folders are guessable by other users, so this one lasts only as long as the process.
    try:
        return Path(tempfile.mkdtemp(prefix="headworks-kernels-"))
    except OSError as e:
        raise SetupFailed("engine.no_kernel_folder", folder=str(PACKAGE_FOLDER)) from e


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    with open(folder / ".lock", "w") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        yield


def _import(name: str, file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def main() -> None:
    begun = time.perf_counter()
    modules = (grid(), blocks())
    for file in PACKAGE_FOLDER.rglob("headworks_kernels_*"):
        if not file.name.startswith(tuple(m.__name__ for m in modules)):
            file.unlink()  # of blocks as they were once
    sys.stdout.write(f"kernels ready in {time.perf_counter() - begun:.1f} s\n")


if __name__ == "__main__":
    main()
