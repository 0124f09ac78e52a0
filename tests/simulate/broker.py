"""The smallest server that MQTT 3.1.1 publishers with QoS 1 are content with; it can lose connections and refuse tokens."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from typing import Any


class Broker:
    """Takes publishes on a loopback port; `received` holds (token, topic, payload) of every one it acknowledged,
    `arrived` the second [s since 1970] it came."""

    def __init__(self, refuse: frozenset[str] = frozenset()) -> None:
        self.received: list[tuple[str, str, dict[str, Any]]] = []
        self.arrived: list[float] = []
        self.seen_unacknowledged: list[tuple[str, dict[str, Any]]] = []
        self.refuse = refuse
        self.acknowledge = True
        self._writers: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> Broker:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.endpoint = self._server.sockets[0].getsockname()[:2]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.drop()

    def drop(self) -> None:
        """Close every connection without a word."""
        for writer in list(self._writers):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        token = ""
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                kind, body = await _packet(reader)
                if kind >> 4 == 1:
                    token = _token(body)
                    code = 5 if token in self.refuse else 0
                    writer.write(bytes((0x20, 2, 0, code)))
                    if code:
                        await writer.drain()
                        break
                elif kind >> 4 == 3:
                    writer.write(self._publish(token, body))
                elif kind >> 4 == 12:
                    writer.write(bytes((0xD0, 0)))
                elif kind >> 4 == 14:
                    break
        self._writers.discard(writer)
        writer.close()

    def _publish(self, token: str, body: bytes) -> bytes:
        length = int.from_bytes(body[:2], "big")
        topic, mid, payload = body[2 : 2 + length].decode(), body[2 + length : 4 + length], body[4 + length :]
        if not self.acknowledge:
            self.seen_unacknowledged.append((token, json.loads(payload)))
            return b""
        self.arrived.append(time.time())
        self.received.append((token, topic, json.loads(payload)))
        return bytes((0x40, 2)) + mid


async def _packet(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    kind = (await reader.readexactly(1))[0]
    length = shift = 0
    while True:
        byte = (await reader.readexactly(1))[0]
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return kind, await reader.readexactly(length)


def _token(connect: bytes) -> str:
    """Return the user name of a CONNECT without will: protocol name, level, flags, keep-alive, client id, user name."""
    at = 2 + int.from_bytes(connect[:2], "big") + 4
    at += 2 + int.from_bytes(connect[at : at + 2], "big")
    length = int.from_bytes(connect[at : at + 2], "big")
    return connect[at + 2 : at + 2 + length].decode()
