"""The engine's memory on disk: one file that holds the sequence it was taken at and everything known by then.

``HWSN`` · version u8 · SHA-256 of the rest · MessagePack. A reader starts the log after `seq` and is where the writer was.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import msgspec

from headworks.base.errors import SetupFailed

MAGIC = b"HWSN"
VERSION = 1
_HEAD = len(MAGIC) + 1 + 32


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """What an engine knew when it had handled message `seq` of its log.

    `digest` names the plan in force, `grid` and `state` are the exports of grid and program, `extras` what else the role
    wants to find again (plain values).
    """

    digest: str
    seq: int
    grid: bytes
    state: bytes
    extras: dict[str, Any] = {}

    def encode(self) -> bytes:
        body = msgspec.msgpack.encode(self)
        return MAGIC + bytes((VERSION,)) + hashlib.sha256(body).digest() + body


def write_snapshot(file: Path, snapshot: Snapshot) -> None:
    """Put the snapshot in the place of the last one; after a crash at any moment the file is one or the other, whole."""
    part = file.with_name(f"{file.name}.part")
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as f:
        f.write(snapshot.encode())
        f.flush()
        os.fsync(f.fileno())
    part.replace(file)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def read_snapshot(file: Path) -> Snapshot | None:
    """Return the snapshot in `file`, None if there is none.

    Raises
    ------
    SetupFailed
        ``engine.snapshot_unreadable`` names the file and what is wrong: not a snapshot, another version, damaged.
    """
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        return None
    reason = ""
    if data[: len(MAGIC)] != MAGIC or len(data) < _HEAD:
        reason = "not a snapshot"
    elif data[len(MAGIC)] != VERSION:
        reason = f"version {data[len(MAGIC)]}, this program reads {VERSION}"
    elif hashlib.sha256(data[_HEAD:]).digest() != data[len(MAGIC) + 1 : _HEAD]:
        reason = "damaged: its checksum does not fit"
    if reason:
        raise SetupFailed("engine.snapshot_unreadable", file=file.name, reason=reason)
    try:
        return msgspec.msgpack.decode(memoryview(data)[_HEAD:], type=Snapshot)
    except msgspec.DecodeError as e:
        raise SetupFailed("engine.snapshot_unreadable", file=file.name, reason=str(e)) from e
