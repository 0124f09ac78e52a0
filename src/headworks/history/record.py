"""What a writer must know after a crash: a small file, replaced as a whole and synced before every insert."""

from __future__ import annotations

import os
import zlib
from pathlib import Path

import msgspec

from headworks.history.errors import RecordDamaged

_VERSION = 1


class Record(msgspec.Struct, frozen=True, array_like=True):
    """The batch that is being inserted, and what the writer knew before its first message.

    `first`..`last` are sequences in `stream`; `last` < `first` means that nothing is under way. `state` is the intake's
    state before `first`. `epoch` counts how often the stream began anew: it is part of the token.
    """

    stream: str
    epoch: int
    first: int
    last: int
    state: bytes

    @property
    def token(self) -> str:
        name = f"{self.stream}.{self.epoch}" if self.epoch else self.stream
        return f"{name}-{self.first}-{self.last}"


class RecordFile:
    """The record of one writer."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def read(self) -> Record | None:
        """Return the record, or None if there never was one.

        Raises
        ------
        RecordDamaged
        """
        try:
            data = self.file.read_bytes()
        except FileNotFoundError:
            return None
        body = data[5:]
        if len(data) < 5 or data[0] != _VERSION or int.from_bytes(data[1:5], "little") != zlib.crc32(body):
            raise RecordDamaged(file=str(self.file))
        try:
            return msgspec.msgpack.decode(body, type=Record)
        except msgspec.DecodeError as e:
            raise RecordDamaged(file=str(self.file)) from e

    def write(self, record: Record) -> None:
        """Replace the record; on return it is on disk."""
        body = msgspec.msgpack.encode(record)
        temporary = self.file.with_name(f"{self.file.name}.tmp")
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(fd, "wb") as f:
            f.write(bytes((_VERSION,)) + zlib.crc32(body).to_bytes(4, "little") + body)
            f.flush()
            os.fsync(f.fileno())
        temporary.replace(self.file)
        folder = os.open(self.file.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
