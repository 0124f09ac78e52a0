"""The endpoint against an independent client: paho-mqtt, both versions, every quality of service."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import Any

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from .rig import Rig, token

pytestmark = [pytest.mark.feature("PLT-03"), pytest.mark.integration]

VERSIONS = [MQTTProtocolVersion.MQTTv311, MQTTProtocolVersion.MQTTv5]


class Paho:
    """A paho client in its own thread."""

    def __init__(self, version: MQTTProtocolVersion, username: str, password: str | None = None) -> None:
        self.client = paho.Client(CallbackAPIVersion.VERSION2, client_id=f"paho-{version}", protocol=version)
        self.client.username_pw_set(username, password)
        self.connected, self.gone = threading.Event(), threading.Event()
        self.reason: Any = None
        self.acks: dict[int, Any] = {}
        self.granted: list[Any] = []
        self.messages: list[Any] = []
        self.client.on_connect = self._on_connect
        self.client.on_disconnect = lambda *a: self.gone.set()
        self.client.on_publish = lambda c, u, mid, rc, props: self.acks.__setitem__(mid, (rc, props))
        self.client.on_subscribe = lambda c, u, mid, rcs, props: self.granted.extend(rcs)
        self.client.on_message = lambda c, u, m: self.messages.append((m.topic, m.payload))

    def _on_connect(self, client: Any, userdata: Any, flags: Any, reason: Any, properties: Any) -> None:
        self.reason = reason
        self.connected.set()

    def start(self, port: int) -> None:
        self.client.connect("127.0.0.1", port, keepalive=30)
        self.client.loop_start()
        assert self.connected.wait(5)

    def stop(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.mark.parametrize("qos", [0, 1, 2])
@pytest.mark.parametrize("version", VERSIONS)
async def test_every_message_is_stored_once_and_in_order(rig: Rig, version: MQTTProtocolVersion, qos: int) -> None:
    def run() -> None:
        client = Paho(version, token("d1"))
        client.start(rig.port)
        assert not client.reason.is_failure
        infos = [
            client.client.publish(
                "v1/devices/me/telemetry", json.dumps({"ts": 1_700_000_000_000 + i, "values": {"T": i}}), qos
            )
            for i in range(200)
        ]
        for info in infos:
            info.wait_for_publish(10)
            assert info.is_published()
        client.stop()

    await asyncio.to_thread(run)
    if qos == 0:
        await asyncio.sleep(0.3)
    assert await rig.samples() == [(2, (1_700_000_000_000 + i) * 1000, float(i), 0) for i in range(200)]
