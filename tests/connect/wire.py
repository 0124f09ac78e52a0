"""A bare MQTT connection that sends any bytes and reads packets: for what no client library would do."""

from __future__ import annotations

import asyncio
from typing import Any

from headworks.connect.codecs import mqtt, mqtt_client
from headworks.connect.codecs.mqtt_client import ClientDecoder, ConnAck


class Wire:
    def __init__(self, version: int) -> None:
        self.version = version
        self.decoder = ClientDecoder(version)
        self.pid = 0
        self.reader: asyncio.StreamReader
        self.writer: asyncio.StreamWriter

    @classmethod
    async def open(cls, port: int, version: int = 5) -> Wire:
        wire = cls(version)
        wire.reader, wire.writer = await asyncio.open_connection("127.0.0.1", port)
        return wire

    @classmethod
    async def login(cls, port: int, username: str, password: str | None = None, version: int = 5, **more: Any) -> Wire:
        wire = await cls.open(port, version)
        answer = await wire.connect(username, password, **more)
        assert answer.reason == 0, answer
        return wire

    async def connect(self, username: str | None, password: str | None = None, name: str = "w", **more: Any) -> ConnAck:
        self.send(
            mqtt_client.connect(
                self.version,
                name,
                username=username,
                password=password.encode() if password is not None else None,
                **more,
            )
        )
        answer = await self.next()
        assert isinstance(answer, ConnAck)
        return answer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    def publish(self, topic: str, payload: bytes, qos: int = 1, pid: int = 0, **more: Any) -> int:
        self.pid = pid or self.pid + 1
        self.send(mqtt.publish(self.version, topic, payload, qos=qos, pid=self.pid, **more))
        return self.pid

    async def next(self, timeout: float = 5.0) -> Any:
        """Return the next packet; None when the server closed."""
        async with asyncio.timeout(timeout):
            while (packet := self.decoder.next()) is None:
                data = await self.reader.read(65536)
                if not data:
                    return None
                self.decoder.feed(data)
            return packet

    async def silent(self, seconds: float = 0.15) -> bool:
        """Return whether nothing comes for so long."""
        try:
            return await self.next(seconds) is None and False
        except TimeoutError:
            return True

    def close(self) -> None:
        self.writer.close()
