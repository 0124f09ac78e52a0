"""What server and client of the Flight service agree on beside tickets; needs neither the store nor the engine."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

from headworks.base.errors import SetupFailed

# One row per lane; the ticks (i64) are the metadata of the batch.
MATRIX_SCHEMA = pa.schema([("value", pa.list_(pa.float64())), ("status", pa.list_(pa.uint32()))])
# sun_path holds 108 bytes with the closing zero.
_MAX_SOCKET_PATH = 107


class Failure(msgspec.Struct, frozen=True, array_like=True):
    """An error on its way to the client; `family`: refused, invalid, request, not_ready, other."""

    family: str
    code: str
    params: dict[str, Any] = {}
    problems: list[dict[str, Any]] = []


def socket_for(path: Path) -> Path:
    """Return where the service listens that is meant to listen at `path`: there, or at a shorter place.

    A socket's path is limited to 107 bytes. A longer one is replaced by a path in a private folder, and the file
    ``history.endpoint`` beside the wanted path says so.

    Raises
    ------
    SetupFailed
        ``history.socket_unsafe``: the private folder belongs to somebody else.
    """
    note = path.with_suffix(".endpoint")
    if len(os.fsencode(path)) <= _MAX_SOCKET_PATH:
        note.unlink(missing_ok=True)
        return path
    key = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / f"headworks-{os.getuid()}-{key}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise SetupFailed("history.socket_unsafe", folder=str(folder))
    short = folder / "history.sock"
    note.write_text(str(short))
    return short


def find_socket(path: Path) -> Path:
    """Return where the service that is meant to listen at `path` listens."""
    try:
        return Path(path.with_suffix(".endpoint").read_text().strip())
    except FileNotFoundError:
        return path
