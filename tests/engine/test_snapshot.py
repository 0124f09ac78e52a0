"""A snapshot is whole or refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from headworks.base.errors import SetupFailed
from headworks.engine import snapshot
from headworks.engine.snapshot import Snapshot, read_snapshot, write_snapshot

pytestmark = pytest.mark.feature("N-03")

ONE = Snapshot(digest="ab" * 32, seq=2**40, grid=b"\x00grid", state=b"\xffstate", extras={"pending": {"first_tick": 5}})


def test_what_was_written_is_read(tmp_path: Path) -> None:
    file = tmp_path / "u1.snapshot"
    write_snapshot(file, ONE)
    write_snapshot(file, Snapshot(digest="x", seq=1, grid=b"", state=b""))
    write_snapshot(file, ONE)
    assert read_snapshot(file) == ONE
    assert [f.name for f in tmp_path.iterdir()] == ["u1.snapshot"]
    assert file.stat().st_mode & 0o777 == 0o600


def test_no_file_is_no_snapshot(tmp_path: Path) -> None:
    assert read_snapshot(tmp_path / "no") is None


@pytest.mark.parametrize("place", range(0, len(ONE.encode()), 7))
def test_a_damaged_byte_is_noticed(tmp_path: Path, place: int) -> None:
    data = bytearray(ONE.encode())
    data[place] ^= 0x10
    file = tmp_path / "s"
    file.write_bytes(data)
    with pytest.raises(SetupFailed) as e:
        read_snapshot(file)
    assert e.value.error_code == "engine.snapshot_unreadable"
    assert e.value.params["file"] == "s"


@pytest.mark.parametrize("size", [0, 3, 20, 37, 60])
def test_a_cut_file_is_noticed(tmp_path: Path, size: int) -> None:
    file = tmp_path / "s"
    file.write_bytes(ONE.encode()[:size])
    with pytest.raises(SetupFailed, match="snapshot_unreadable"):
        read_snapshot(file)


def test_another_version_says_so(tmp_path: Path) -> None:
    data = bytearray(ONE.encode())
    data[4] = 9
    (tmp_path / "s").write_bytes(data)
    with pytest.raises(SetupFailed, match="version 9, this program reads 1"):
        read_snapshot(tmp_path / "s")


def test_a_crash_while_writing_leaves_the_last_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "s"
    write_snapshot(file, ONE)

    def power_cut(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", power_cut)
    with pytest.raises(KeyboardInterrupt):
        snapshot.write_snapshot(file, Snapshot(digest="new", seq=5, grid=b"", state=b""))
    assert read_snapshot(file) == ONE
