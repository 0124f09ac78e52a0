"""Fixtures of the history tests: a store of one's own, plans, and batches on a real bus."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from headworks.history.store import Options, Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Return an empty store with one tenant, `t`."""
    with Store(tmp_path / "history", Options(min_free=0)) as store:
        store.open_tenant("t")
        yield store


@pytest.fixture
def db(store: Store) -> str:
    return store.open_tenant("t")
