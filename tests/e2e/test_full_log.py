"""A log that is full refuses: the device keeps its data, and people are told."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from headworks.connect.client import DeviceClient

from .platform import ROOT, Platform, wait_for

pytestmark = pytest.mark.integration


@pytest.fixture
def tight(tmp_path: Path) -> Iterator[Platform]:
    """Return a platform whose logs hold 1 MB and are not purged while the test looks."""
    plant = [ROOT / "examples" / "demo-unit"]
    platform = Platform(
        tmp_path / "home", plant, "stream_max_bytes = 1000000\nhistory_grid_seconds = 15\n", snapshot_seconds=15
    )
    try:
        platform.up()
        yield platform
    finally:
        platform.down()


@pytest.mark.feature("PLT-03", "N-03")
def test_refused_write_gives_no_puback_and_an_alarm_until_there_is_room(tight: Platform) -> None:
    token = tight.run("device", "token", "u1-electrical").stdout.strip()

    async def fill() -> tuple[int, int]:
        """Send until an acknowledgement stays away for two seconds; then see it come once there is room again."""
        host, port = tight.endpoints.mqtt
        client = DeviceClient(host, port, token, name="u1-electrical", window=1)
        await client.connect(timeout=20.0, retry_refused=True)
        sent = 0
        body = {f"k{i}": i for i in range(2)} | {"1MKA10CE001": 500_000.0}
        while True:
            many = [{"ts": 1_790_000_000_000 + sent * 1000 + i, "values": body} for i in range(500)]
            publishing = asyncio.create_task(client.publish_telemetry(many))
            sent += 1
            done, _ = await asyncio.wait({publishing}, timeout=2.0)
            if not done:
                break
            assert sent < 400, "1 MB of log took more than it can hold"
        unacked = client.in_flight
        assert wait_for(lambda: alarms(tight), 10) == [("log_full", True)]
        await asyncio.wait_for(publishing, 60)
        await client.close()
        return sent, unacked

    sent, unacked = asyncio.run(fill())
    assert sent > 1
    assert unacked == 1
    # Readers moved on and the log was purged: the message that waited is stored, and the alarm is over.
    wait_for(lambda: alarms(tight) == [("log_full", False)], 20)


def alarms(platform: Platform) -> list[tuple[str, bool]]:
    """Return (condition, still active) of the alarms in the records."""
    import sqlite3

    with sqlite3.connect(f"file:{platform.home.path / 'db.sqlite3'}?mode=ro", uri=True) as db:
        rows = db.execute("SELECT condition, state FROM alarms_alarm").fetchall()
    return [(c, s.endswith("_active")) for c, s in rows]
