"""A backtest reads the next chunk while it works on the last one."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from headworks.roles.backtest import read_ahead

pytestmark = pytest.mark.feature("PLT-08")


def test_chunks_come_in_order_and_are_read_meanwhile() -> None:
    read = threading.Event()

    def chunks() -> Iterator[int]:
        yield 1
        read.set()
        yield from (2, 3, 4)

    ready = read_ahead(chunks())
    assert next(ready) == 1
    assert read.wait(5)  # though nobody has asked for the second yet
    assert list(ready) == [2, 3, 4]


def test_what_goes_wrong_while_reading_is_raised_where_the_chunk_is_wanted() -> None:
    def chunks() -> Iterator[int]:
        yield 1
        raise OSError("gone")

    ready = read_ahead(chunks())
    assert next(ready) == 1
    with pytest.raises(OSError, match="gone"):
        next(ready)


def test_who_stops_early_stops_the_reader() -> None:
    taken = []

    def chunks() -> Iterator[int]:
        for n in range(1_000_000):
            taken.append(n)
            yield n

    ready = read_ahead(chunks())
    assert next(ready) == 0
    ready.close()
    seen = len(taken)
    assert seen < 10
    assert not [t for t in threading.enumerate() if t.name == "backtest-reader"]
    assert len(taken) == seen
