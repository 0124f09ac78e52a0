"""Plans and positions are read exactly, however often they are asked for."""

from __future__ import annotations

import pytest

from headworks.bus.client import Bus
from headworks.bus.server import BusServer


@pytest.mark.integration
@pytest.mark.feature("N-03")
async def test_current_plans_are_all_there_every_time_and_cost_the_server_nothing(own_bus_server: BusServer) -> None:
    bus = await Bus.connect(own_bus_server.url, own_bus_server.token, "test")
    assert await bus.current_plans("t") == {}
    await bus.set_current_plan("t", "u1", "abc")
    await bus.set_current_plan("t", "u2", "def")
    await bus.set_current_plan("other", "u1", "ghi")
    for _ in range(300):
        assert await bus.current_plans("t") == {"u1": "abc", "u2": "def"}

    info = await bus.jetstream.stream_info("KV_CURRENT_PLANS")
    assert info.state.consumer_count == 0
    await bus.close()
