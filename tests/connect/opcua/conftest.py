"""A plant with an OPC UA server, and a connect service that reads it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from .plant import Plant, Wire


@pytest.fixture(scope="session")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    """Return a running server that tests share: they write values and leave it running."""
    found = Plant(tmp_path_factory.mktemp("plant"))
    yield found
    found.close()


@pytest_asyncio.fixture
async def wire(plant: Plant) -> AsyncIterator[Wire]:
    """Return a connection to the shared server that the test may freeze or cut."""
    async with Wire(plant.port) as w:
        yield w
