"""What every role says of itself."""

from __future__ import annotations

import asyncio
import errno
import os
from pathlib import Path

import pytest

from headworks.base.clock import SystemClock
from headworks.base.settings import Home
from headworks.bus.client import Bus
from headworks.bus.server import BusServer
from headworks.roles import context
from headworks.roles.context import Endpoints, RoleContext

pytestmark = pytest.mark.integration


@pytest.mark.feature("N-03")
async def test_role_on_a_full_disk_goes_on_and_is_not_taken_for_hung(
    home: Home, bus_server: BusServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    bus = await Bus.connect(bus_server.url, bus_server.token, "test")
    role = RoleContext("dispatch", home, bus, SystemClock(), Endpoints())
    file = home.path / "run" / "dispatch.json"
    file.write_bytes(b"{}")
    os.utime(file, (1, 1))

    def full(file: Path, data: bytes) -> None:
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(context, "write_atomic", full)
    beating = asyncio.create_task(role.keep_beating())
    await asyncio.sleep(0.2)
    assert not beating.done()
    assert file.stat().st_mtime > 1
    beating.cancel()
    await bus.close()
