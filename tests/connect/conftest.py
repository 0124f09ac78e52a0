"""A running connect service for the tests of this folder."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from headworks.bus.plan import PartitionPlan
from headworks.bus.server import BusServer

from .rig import Rig, new_plan, running


@pytest.fixture
def plan() -> PartitionPlan:
    """Return a plan of a tenant of its own: devices d1 and d2, gateway gw (children A and B)."""
    return new_plan()


@pytest_asyncio.fixture
async def rig(bus_server: BusServer, plan: PartitionPlan) -> AsyncIterator[Rig]:
    """Return a running service on the shared bus."""
    async with running(bus_server, plan) as r:
        yield r
