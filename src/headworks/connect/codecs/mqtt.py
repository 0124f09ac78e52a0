"""The server's side of MQTT 3.1.1 and 5 without I/O: bytes of one connection in, packets out; answers as bytes.

Not a broker: there are no sessions, subscriptions or retained messages here, only the language.
Source: MQTT 3.1.1 (OASIS 2014) and MQTT 5.0 (OASIS 2019), clause 3.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final

import msgspec

from headworks.connect.codecs import mqtt_wire as w
from headworks.connect.codecs.mqtt_wire import MAX_FRAME, V5, V311, Fields, Properties, ProtocolError, Reason

_EMPTY: dict[str, Any] = {}
_FIRST_FRAME: Final = 128 << 10
"""Longest CONNECT that is accepted [byte]: nobody is known yet, so nobody gets a megabyte."""


class Will(msgspec.Struct, frozen=True):
    """What the device wants said when it vanishes."""

    topic: str
    payload: bytes
    qos: int
    retain: bool
    properties: dict[str, Any] = _EMPTY


class Connect(msgspec.Struct, frozen=True):
    """The first packet. `version` is 4 (3.1.1) or 5, `keep_alive` in s, 0 = none."""

    version: int
    client_id: str
    clean: bool
    keep_alive: int
    username: str | None = None
    password: bytes | None = None
    will: Will | None = None
    properties: dict[str, Any] = _EMPTY


class Publish(msgspec.Struct, frozen=True):
    """A message. `payload` is a view of the receive buffer: valid until the next bytes are taken in. `pid` is 0 at QoS 0."""

    topic: str
    payload: memoryview
    qos: int = 0
    pid: int = 0
    retain: bool = False
    duplicate: bool = False
    properties: dict[str, Any] = _EMPTY


class Ack(msgspec.Struct, frozen=True):
    """PUBACK, PUBREC, PUBREL or PUBCOMP (`kind`: 4, 5, 6, 7)."""

    kind: int
    pid: int
    reason: int = 0
    properties: dict[str, Any] = _EMPTY


class Subscribe(msgspec.Struct, frozen=True):
    """Filters with the greatest QoS wanted."""

    pid: int
    filters: tuple[tuple[str, int], ...]
    properties: dict[str, Any] = _EMPTY


class Unsubscribe(msgspec.Struct, frozen=True):
    pid: int
    filters: tuple[str, ...]
    properties: dict[str, Any] = _EMPTY


class PingRequest(msgspec.Struct, frozen=True):
    pass


class Disconnect(msgspec.Struct, frozen=True):
    reason: int = 0
    properties: dict[str, Any] = _EMPTY


class Auth(msgspec.Struct, frozen=True):
    """A step of an extended authentication (5 only)."""

    reason: int = 0
    properties: dict[str, Any] = _EMPTY


Packet = Connect | Publish | Ack | Subscribe | Unsubscribe | PingRequest | Disconnect | Auth

_PING = PingRequest()


class FrameBuffer:
    """One growing buffer that a BufferedProtocol writes into and frames are cut from."""

    def __init__(self, size: int = 8 << 10) -> None:
        self._data = bytearray(size)
        self._view = memoryview(self._data)
        self._start = 0
        self._end = 0
        self.limit = MAX_FRAME

    def space(self) -> memoryview:
        """Return where the next bytes go (never empty); views handed out before are not valid any more."""
        size, held = len(self._data), self._end - self._start
        if self._start == self._end:
            self._start = self._end = 0
        elif size - self._end < size // 4:
            # A fresh array rather than a resize: a view of the old one may still be held.
            if held > size // 2:
                size *= 2
            fresh = bytearray(size)
            fresh[:held] = self._view[self._start : self._end]
            self._data, self._view = fresh, memoryview(fresh)
            self._start, self._end = 0, held
        return self._view[self._end :]

    def filled(self, count: int) -> None:
        """Take in the first `count` bytes of the space."""
        self._end += count

    def feed(self, data: bytes) -> None:
        """Take in bytes that came another way."""
        rest = memoryview(data)
        while len(rest):
            space = self.space()
            count = min(len(space), len(rest))
            space[:count] = rest[:count]
            self.filled(count)
            rest = rest[count:]

    def frame(self, strict: bool) -> tuple[int, Fields] | None:
        """Return the first byte and the body of the next complete frame, None if it is not there yet.

        `strict`: refuse a remaining length that is written longer than needed (5 forbids it, 3.1.1 does not).
        """
        data, start = self._view, self._start
        held = self._end - start
        if held < 2:
            return None
        size, at = 0, 1
        while True:
            if at == held:
                return None
            byte = data[start + at]
            size |= (byte & 0x7F) << (7 * (at - 1))
            at += 1
            if byte < 0x80:
                break
            if at == 5:
                raise ProtocolError("the remaining length is longer than 4 bytes")
        if strict and byte == 0 and at > 2:
            raise ProtocolError("the remaining length is longer than needed")
        if at + size > self.limit:
            raise ProtocolError(
                f"a frame of {at + size} bytes; at most {self.limit} are accepted", Reason.PACKET_TOO_LARGE
            )
        if held < at + size:
            return None
        self._start = start + at + size
        return data[start], Fields(data, start + at, self._start)


class Decoder:
    """The bytes a client sent, as packets.

    ``space() -> filled(n) -> next() until None``, or ``feed(bytes)``. After a ProtocolError the connection is over.

    Attributes
    ----------
    version : 4 or 5 once CONNECT has come, 0 before.
    """

    def __init__(self, limit: int = MAX_FRAME) -> None:
        self.version = 0
        self._limit = limit
        self._buffer = FrameBuffer()
        self._buffer.limit = min(limit, _FIRST_FRAME)
        self.space = self._buffer.space
        self.filled = self._buffer.filled
        self.feed = self._buffer.feed

    def next(self) -> Packet | None:
        """Return the next complete packet, None if more bytes are needed.

        Raises
        ------
        ProtocolError
            The bytes are not what the protocol allows.
        """
        found = self._buffer.frame(self.version == V5)
        if found is None:
            return None
        first, fields = found
        if self.version == 0 and first >> 4 != w.CONNECT:
            raise ProtocolError("the first packet is not CONNECT", Reason.PROTOCOL_ERROR)
        if first & 0xF0 == 0x30:
            return self._publish(first, fields)
        read = self._READERS.get(first)
        if read is None:
            raise ProtocolError(f"a client cannot send a packet that begins with 0x{first:02X}")
        packet: Packet = read(self, fields)
        fields.done()
        return packet

    def _properties(self, fields: Fields, packet: int) -> dict[str, Any]:
        return w.read_properties(fields, packet) if self.version == V5 else _EMPTY

    def _publish(self, first: int, fields: Fields) -> Publish:
        qos = first >> 1 & 3
        if qos == 3 or (qos == 0 and first & 8):
            raise ProtocolError("PUBLISH with impossible flags")
        topic = fields.text()
        pid = fields.packet_id() if qos else 0
        properties = self._properties(fields, w.PUBLISH)
        if "+" in topic or "#" in topic:
            raise ProtocolError("a topic name with a wildcard", Reason.TOPIC_INVALID)
        if not topic and "topic_alias" not in properties:
            raise ProtocolError("an empty topic name", Reason.PROTOCOL_ERROR)
        if "topic_alias" in properties:
            raise ProtocolError("topic aliases were not offered", Reason.TOPIC_ALIAS_INVALID)
        if "subscription_identifier" in properties:
            raise ProtocolError("a client cannot send a subscription identifier", Reason.PROTOCOL_ERROR)
        return Publish(topic, fields.rest(), qos, pid, bool(first & 1), bool(first & 8), properties)

    def _connect(self, fields: Fields) -> Connect:
        if self.version:
            raise ProtocolError("a second CONNECT", Reason.PROTOCOL_ERROR)
        name, level = fields.text(), fields.u8()
        if (name, level) not in (("MQTT", V311), ("MQTT", V5)):
            raise ProtocolError(f"protocol {name} level {level} is not spoken here", Reason.UNSUPPORTED_VERSION)
        flags, keep_alive = fields.u8(), fields.u16()
        if flags & 1:
            raise ProtocolError("the reserved flag of CONNECT is set")
        has_will, qos = bool(flags & 4), flags >> 3 & 3
        if qos == 3 or (not has_will and flags & 0b0011_1000):
            raise ProtocolError("CONNECT with impossible will flags")
        if level == V311 and flags & 0x40 and not flags & 0x80:
            raise ProtocolError("CONNECT with a password but no user name")
        self.version = level
        self._buffer.limit = self._limit
        properties = self._properties(fields, w.CONNECT)
        if "authentication_data" in properties and "authentication_method" not in properties:
            raise ProtocolError("authentication data without a method", Reason.PROTOCOL_ERROR)
        client_id = fields.text()
        will = None
        if has_will:
            will_properties = self._properties(fields, w.WILL)
            topic = fields.text()
            if not topic or "+" in topic or "#" in topic:
                raise ProtocolError("the topic of the will is not a topic name", Reason.TOPIC_INVALID)
            will = Will(topic, fields.binary(), qos, bool(flags & 0x20), will_properties)
        username = fields.text() if flags & 0x80 else None
        password = fields.binary() if flags & 0x40 else None
        return Connect(level, client_id, bool(flags & 2), keep_alive, username, password, will, properties)

    def _ack(self, kind: int, fields: Fields) -> Ack:
        pid = fields.packet_id()
        if self.version == V311 or fields.pos == fields.end:
            return Ack(kind, pid)
        reason = fields.u8()
        if fields.pos == fields.end:
            return Ack(kind, pid, reason)
        return Ack(kind, pid, reason, self._properties(fields, kind))

    def _puback(self, fields: Fields) -> Ack:
        return self._ack(w.PUBACK, fields)

    def _pubrec(self, fields: Fields) -> Ack:
        return self._ack(w.PUBREC, fields)

    def _pubrel(self, fields: Fields) -> Ack:
        return self._ack(w.PUBREL, fields)

    def _pubcomp(self, fields: Fields) -> Ack:
        return self._ack(w.PUBCOMP, fields)

    def _subscribe(self, fields: Fields) -> Subscribe:
        pid = fields.packet_id()
        properties = self._properties(fields, w.SUBSCRIBE)
        filters = []
        while fields.pos < fields.end:
            pattern, options = self._filter(fields), fields.u8()
            reserved = 0b1100_0000 if self.version == V5 else 0b1111_1100
            if options & reserved or options & 3 == 3 or options & 0x30 == 0x30:
                raise ProtocolError("SUBSCRIBE with impossible options", Reason.PROTOCOL_ERROR)
            if options & 4 and pattern.startswith("$share/"):
                raise ProtocolError("no-local on a shared subscription", Reason.PROTOCOL_ERROR)
            filters.append((pattern, options & 3))
        if not filters:
            raise ProtocolError("SUBSCRIBE without a filter", Reason.PROTOCOL_ERROR)
        return Subscribe(pid, tuple(filters), properties)

    def _unsubscribe(self, fields: Fields) -> Unsubscribe:
        pid = fields.packet_id()
        properties = self._properties(fields, w.UNSUBSCRIBE)
        filters = []
        while fields.pos < fields.end:
            filters.append(self._filter(fields))
        if not filters:
            raise ProtocolError("UNSUBSCRIBE without a filter", Reason.PROTOCOL_ERROR)
        return Unsubscribe(pid, tuple(filters), properties)

    def _filter(self, fields: Fields) -> str:
        pattern = fields.text()
        levels = pattern.split("/")
        wrong = any(("+" in level and level != "+") or ("#" in level and level != "#") for level in levels)
        if not pattern or wrong or "#" in levels[:-1]:
            raise ProtocolError("a topic filter with a wildcard in the wrong place, or empty")
        return pattern

    def _ping(self, fields: Fields) -> PingRequest:
        return _PING

    def _disconnect(self, fields: Fields) -> Disconnect:
        if self.version == V311 or fields.pos == fields.end:
            return Disconnect()
        reason = fields.u8()
        if fields.pos == fields.end:
            return Disconnect(reason)
        return Disconnect(reason, self._properties(fields, w.DISCONNECT))

    def _auth(self, fields: Fields) -> Auth:
        if self.version != V5:
            raise ProtocolError("AUTH is not part of MQTT 3.1.1")
        if fields.pos == fields.end:
            return Auth()
        reason = fields.u8()
        return Auth(reason, self._properties(fields, w.AUTH)) if fields.pos < fields.end else Auth(reason)

    # The first byte with its fixed flags (2.1.3): any other flag is malformed.
    _READERS: ClassVar[dict[int, Any]] = {
        0x10: _connect,
        0x40: _puback,
        0x50: _pubrec,
        0x62: _pubrel,
        0x70: _pubcomp,
        0x82: _subscribe,
        0xA2: _unsubscribe,
        0xC0: _ping,
        0xE0: _disconnect,
        0xF0: _auth,
    }


# --- answers ------------------------------------------------------------------------------------------------------------

PINGRESP: Final = b"\xd0\x00"
_ACK_FIRST = {w.PUBACK: 0x40, w.PUBREC: 0x50, w.PUBREL: 0x62, w.PUBCOMP: 0x70}


def connack(version: int, reason: int, session_present: bool = False, properties: Properties = _EMPTY) -> bytes:
    """Return CONNACK; in 3.1.1 `reason` is the return code 0-5."""
    head = bytes((session_present, reason))
    return w.frame(0x20, head, w.write_properties(properties)) if version == V5 else w.frame(0x20, head)


def ack(version: int, kind: int, pid: int, reason: int = 0, properties: Properties = _EMPTY) -> bytes:
    """Return PUBACK, PUBREC, PUBREL or PUBCOMP (`kind`: 4, 5, 6, 7)."""
    first = _ACK_FIRST[kind]
    if version != V5 or (reason == 0 and not properties):
        return bytes((first, 2, pid >> 8, pid & 0xFF))
    head = bytes((pid >> 8, pid & 0xFF, reason))
    return w.frame(first, head, w.write_properties(properties)) if properties else w.frame(first, head)


def suback(version: int, pid: int, reasons: tuple[int, ...], properties: Properties = _EMPTY) -> bytes:
    """Return SUBACK: for each filter the granted QoS or a refusal (0x80 in 3.1.1)."""
    return _many(0x90, version, pid, reasons, properties)


def unsuback(version: int, pid: int, reasons: tuple[int, ...], properties: Properties = _EMPTY) -> bytes:
    """Return UNSUBACK; 3.1.1 carries no reasons."""
    return _many(0xB0, version, pid, reasons if version == V5 else (), properties)


def _many(first: int, version: int, pid: int, reasons: tuple[int, ...], properties: Properties) -> bytes:
    head = bytes((pid >> 8, pid & 0xFF))
    return w.frame(first, head, w.write_properties(properties) if version == V5 else b"", bytes(reasons))


def disconnect(version: int, reason: int, properties: Properties = _EMPTY) -> bytes:
    """Return DISCONNECT; nothing in 3.1.1, where a server only closes."""
    return w.frame(0xE0, bytes((reason,)), w.write_properties(properties)) if version == V5 else b""


def publish(
    version: int,
    topic: str,
    payload: bytes | memoryview,
    *,
    qos: int = 0,
    pid: int = 0,
    retain: bool = False,
    duplicate: bool = False,
    properties: Properties = _EMPTY,
) -> bytes:
    """Return PUBLISH."""
    first = 0x30 | duplicate << 3 | qos << 1 | retain
    head = w.text(topic) + (bytes((pid >> 8, pid & 0xFF)) if qos else b"")
    return w.frame(first, head, w.write_properties(properties) if version == V5 else b"", payload)
