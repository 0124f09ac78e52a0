"""The device's side of MQTT 3.1.1 and 5 without I/O, as far as a device of this platform needs it."""

from __future__ import annotations

from typing import Any

import msgspec

from headworks.connect.codecs import mqtt_wire as w
from headworks.connect.codecs.mqtt import (
    Ack,
    Disconnect,
    FrameBuffer,
    Publish,
    Will,
    ack,
    publish,
)
from headworks.connect.codecs.mqtt_wire import V5, Fields, Properties, ProtocolError

__all__ = [
    "PINGREQ",
    "ClientDecoder",
    "ConnAck",
    "Granted",
    "Pong",
    "ack",
    "connect",
    "disconnect",
    "publish",
    "subscribe",
]

PINGREQ = b"\xc0\x00"
_EMPTY: dict[str, Any] = {}


class ConnAck(msgspec.Struct, frozen=True):
    """The server's answer to CONNECT; `reason` is 0 for welcome."""

    reason: int
    session_present: bool
    properties: dict[str, Any] = _EMPTY


class Granted(msgspec.Struct, frozen=True):
    """SUBACK (`kind` 9) or UNSUBACK (11)."""

    kind: int
    pid: int
    reasons: tuple[int, ...]
    properties: dict[str, Any] = _EMPTY


class Pong(msgspec.Struct, frozen=True):
    pass


class ClientDecoder:
    """The bytes a server sent, as packets."""

    def __init__(self, version: int) -> None:
        self.version = version
        self._buffer = FrameBuffer()
        self.feed = self._buffer.feed

    def next(self) -> ConnAck | Ack | Granted | Pong | Publish | Disconnect | None:
        """Return the next complete packet, None if more bytes are needed; ProtocolError ends the connection."""
        found = self._buffer.frame(self.version == V5)
        if found is None:
            return None
        first, fields = found
        kind = first >> 4
        if kind == w.PUBLISH:
            topic = fields.text()
            qos = first >> 1 & 3
            pid = fields.packet_id() if qos else 0
            properties = self._properties(fields, w.PUBLISH)
            return Publish(topic, fields.rest(), qos, pid, bool(first & 1), bool(first & 8), properties)
        if kind == w.CONNACK:
            present, reason = fields.u8(), fields.u8()
            return ConnAck(reason, bool(present), self._properties(fields, kind))
        if kind in (w.PUBACK, w.PUBREC, w.PUBREL, w.PUBCOMP):
            pid = fields.packet_id()
            reason = fields.u8() if fields.pos < fields.end else 0
            return Ack(kind, pid, reason, self._properties(fields, kind))
        if kind in (w.SUBACK, w.UNSUBACK):
            pid = fields.packet_id()
            properties = self._properties(fields, kind)
            return Granted(kind, pid, tuple(fields.rest()), properties)
        if kind == w.PINGRESP:
            return Pong()
        if kind == w.DISCONNECT:
            reason = fields.u8() if fields.pos < fields.end else 0
            return Disconnect(reason, self._properties(fields, kind))
        raise ProtocolError(f"a server cannot send a packet that begins with 0x{first:02X}")

    def _properties(self, fields: Fields, packet: int) -> dict[str, Any]:
        return w.read_properties(fields, packet) if self.version == V5 and fields.pos < fields.end else _EMPTY


def connect(
    version: int,
    client_id: str,
    *,
    username: str | None = None,
    password: bytes | None = None,
    keep_alive: int = 60,
    clean: bool = True,
    will: Will | None = None,
    properties: Properties = _EMPTY,
) -> bytes:
    """Return CONNECT."""
    flags = 2 * clean | (0x80 if username is not None else 0) | (0x40 if password is not None else 0)
    parts = []
    if will:
        flags |= 4 | will.qos << 3 | will.retain << 5
        parts += [w.write_properties(will.properties)] if version == V5 else []
        parts += [w.text(will.topic), w.binary(will.payload)]
    if username is not None:
        parts.append(w.text(username))
    if password is not None:
        parts.append(w.binary(password))
    head = w.text("MQTT") + bytes((version, flags, keep_alive >> 8, keep_alive & 0xFF))
    return w.frame(0x10, head, w.write_properties(properties) if version == V5 else b"", w.text(client_id), *parts)


def subscribe(version: int, pid: int, filters: dict[str, int], properties: Properties = _EMPTY) -> bytes:
    """Return SUBSCRIBE: the greatest QoS wanted for each filter."""
    body = b"".join(w.text(f) + bytes((qos,)) for f, qos in filters.items())
    return w.frame(0x82, bytes((pid >> 8, pid & 0xFF)), w.write_properties(properties) if version == V5 else b"", body)


def unsubscribe(version: int, pid: int, filters: list[str], properties: Properties = _EMPTY) -> bytes:
    """Return UNSUBSCRIBE."""
    body = b"".join(w.text(f) for f in filters)
    return w.frame(0xA2, bytes((pid >> 8, pid & 0xFF)), w.write_properties(properties) if version == V5 else b"", body)


def disconnect(version: int, reason: int = 0, properties: Properties = _EMPTY) -> bytes:
    """Return DISCONNECT."""
    if version != V5 or (reason == 0 and not properties):
        return b"\xe0\x00"
    return w.frame(0xE0, bytes((reason,)), w.write_properties(properties))
