"""Keeps the compiled kernels: makes their source, compiles it once, finds the machine code again.

``python -m headworks.engine.kernels`` makes and compiles all of them (part of ``make setup``). A process that finds none
makes what it needs itself. The files are named by the hash of their source, so a change of a block can never meet old
machine code; they lie in ``_kernels`` beside this file, or in the user's cache folder when the package cannot be written to.

A block is kept as an object file, which is loaded in well under a millisecond; only the drivers and the grid are modules of
Numba. What is on disk is what runs also in the process that compiled it, so no two processes can compute differently.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import hashlib
import importlib.util
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from headworks.base.errors import SetupFailed
from headworks.blocks import catalogue
from headworks.engine import codegen, gridsteps

PACKAGE_FOLDER = Path(__file__).parent / "_kernels"
_loading = threading.RLock()


class _Machine(msgspec.Struct, frozen=True, array_like=True):
    """A function as it is kept: the name of its symbol and the object file that holds it."""

    symbol: str
    code: bytes


@functools.cache
def ops() -> tuple[str, ...]:
    """Return the op of each op number."""
    return tuple(spec.op for spec in catalogue.every())


@functools.cache
def _table() -> NDArray[np.int64]:
    return np.zeros((len(ops()), 2), np.int64)


def addresses(used: Iterable[str]) -> NDArray[np.int64]:
    """Return i64[ops, 2]: where the code of `live` and `history` of each op is; of those in `used` at least."""
    table, number = _table(), {op: i for i, op in enumerate(ops())}
    for op in sorted(set(used)):
        if not table[number[op], 0]:
            with _loading:
                table[number[op]] = [_address(m) for m in _machine_code(op)]
    return table


@functools.cache
def drivers() -> ModuleType:
    """Return the compiled functions `live` and `history`."""
    return load("drivers", codegen.driver_source())


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
            _write(file, source.encode())
        loaded = _import(module, file)
        done.touch()
        return loaded


# --- blocks ---------------------------------------------------------------------------------------------------------


@functools.cache
def machine() -> str:
    """Return what names the machine that code is made for: processor, its features, and the compiler."""
    import llvmlite.binding as llvm

    features = llvm.get_host_cpu_features().flatten()
    said = f"{llvm.get_host_cpu_name()} {features} {version('numba')} {version('llvmlite')}"
    return hashlib.sha256(said.encode()).hexdigest()[:8]


def block_file(op: str) -> Path:
    return writable_folder() / f"headworks_block_{op}_{op_digest(op)}.{machine()}.code"


def _machine_code(op: str) -> tuple[_Machine, _Machine]:
    """Return the code of `live` and `history` of a block; compile it if this installation has not done so yet."""
    file = block_file(op)
    with contextlib.suppress(OSError, msgspec.DecodeError):
        return _read_code(file)
    with _alone(file.parent):
        with contextlib.suppress(OSError, msgspec.DecodeError):
            return _read_code(file)  # somebody else has made it meanwhile
        _write(file, msgspec.msgpack.encode(_compiled(op)))
    return _read_code(file)


def _read_code(file: Path) -> tuple[_Machine, _Machine]:
    return msgspec.msgpack.decode(file.read_bytes(), type=tuple[_Machine, _Machine])


def _compiled(op: str) -> tuple[_Machine, _Machine]:
    from numba import cfunc

    source = codegen.block_source(catalogue.get(op))
    name = f"headworks_block_{op}_{codegen.digest(source)}"
    module: dict[str, Any] = {"__name__": name}
    exec(compile(source, f"<{name}>", "exec"), module)  # noqa: S102 - it is ours
    live = cfunc(module["LIVE"], error_model="numpy")(module["live"])
    history = cfunc(module["HISTORY"], error_model="numpy")(module["history"])
    return _object(live), _object(history)


def _object(function: Any) -> _Machine:
    import llvmlite.binding as llvm

    return _Machine(function.native_name, _target().emit_object(llvm.parse_assembly(function.inspect_llvm())))


@functools.cache
def _target() -> Any:
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    features = llvm.get_host_cpu_features().flatten()
    return llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=features, opt=3, reloc="default", codemodel="jitdefault", jit=True
    )


@functools.cache
def _engine() -> Any:
    import llvmlite.binding as llvm

    drivers()  # with them Numba makes known to the loader what code calls that cannot go on
    return llvm.create_mcjit_compiler(llvm.parse_assembly(""), _target())


def _address(code: _Machine) -> int:
    import llvmlite.binding as llvm

    engine = _engine()
    engine.add_object_file(llvm.ObjectFileRef.from_data(code.code))
    engine.finalize_object()
    address = int(engine.get_function_address(code.symbol))
    if not address:
        raise SetupFailed("engine.no_kernel_folder", folder=code.symbol)
    return address


# --- modules ----------------------------------------------------------------------------------------------------------


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


def _write(file: Path, data: bytes) -> None:
    part = file.with_name(f".{file.name}.{os.getpid()}")
    part.write_bytes(data)
    part.replace(file)


def _make(op: str) -> str:
    """Compile one block unless that is done (in a process of its own)."""
    file = block_file(op)
    if not file.exists():
        _write(file, msgspec.msgpack.encode(_compiled(op)))
    return file.name


def main() -> None:
    begun = time.perf_counter()
    missing = [op for op in ops() if not block_file(op).exists()]
    workers = min(len(missing) // 4, len(os.sched_getaffinity(0)))
    if workers > 1:
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            list(pool.map(_make, missing, chunksize=2))
    else:
        for op in missing:
            _make(op)
    keep = tuple(m.__name__ for m in (grid(), drivers()))
    keep += tuple(block_file(op).name for op in ops())
    for file in (*PACKAGE_FOLDER.rglob("headworks_kernels_*"), *PACKAGE_FOLDER.glob("headworks_block_*")):
        if not file.name.startswith(keep):
            file.unlink()  # of blocks as they were once
    sys.stdout.write(f"kernels ready in {time.perf_counter() - begun:.1f} s\n")


if __name__ == "__main__":
    main()
