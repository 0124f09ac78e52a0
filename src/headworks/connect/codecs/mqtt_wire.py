"""What MQTT packets are made of: integers, strings, properties, reason codes.

Source: MQTT 3.1.1 (OASIS 2014) and MQTT 5.0 (OASIS 2019), clauses 1.5, 2.1-2.4.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from typing import Any, Final

from headworks.base.errors import RequestError

V311: Final = 4
V5: Final = 5
MAX_FRAME: Final = 1 << 20
"""Longest frame that is accepted [byte], header included."""

Properties = Mapping[str, Any]
"""Properties by name; `user_property` is a list of pairs, `subscription_identifier` a list of numbers."""


class Reason:
    """Reason codes of MQTT 5 (2.4) that this platform says or looks at."""

    SUCCESS = 0x00
    NO_SUBSCRIPTION_EXISTED = 0x11
    UNSPECIFIED = 0x80
    MALFORMED_PACKET = 0x81
    PROTOCOL_ERROR = 0x82
    UNSUPPORTED_VERSION = 0x84
    CLIENT_ID_NOT_VALID = 0x85
    BAD_CREDENTIALS = 0x86
    NOT_AUTHORIZED = 0x87
    SERVER_UNAVAILABLE = 0x88
    SERVER_BUSY = 0x89
    SERVER_SHUTTING_DOWN = 0x8B
    BAD_AUTHENTICATION_METHOD = 0x8C
    KEEP_ALIVE_TIMEOUT = 0x8D
    SESSION_TAKEN_OVER = 0x8E
    TOPIC_INVALID = 0x90
    PACKET_ID_NOT_FOUND = 0x92
    TOPIC_ALIAS_INVALID = 0x94
    PACKET_TOO_LARGE = 0x95
    ADMINISTRATIVE_ACTION = 0x98
    PAYLOAD_INVALID = 0x99
    SUBSCRIPTION_IDS_NOT_SUPPORTED = 0xA1


class ProtocolError(RequestError):
    """The bytes are not what the protocol allows; the connection cannot go on. -> docs/errors/connect.mqtt_protocol.md

    `reason` is the MQTT 5 reason code to say goodbye with.
    """

    code = "connect.mqtt_protocol"

    def __init__(self, detail: str, reason: int = Reason.MALFORMED_PACKET) -> None:
        super().__init__(detail=detail, reason=reason)
        self.detail = detail
        self.reason = reason


_U16 = struct.Struct(">H")
_U32 = struct.Struct(">I")


class Fields:
    """Reads the fields of one packet body in order; never past its end."""

    __slots__ = ("data", "end", "pos")

    def __init__(self, data: memoryview, pos: int, end: int) -> None:
        self.data = data
        self.pos = pos
        self.end = end

    def _take(self, size: int) -> int:
        start = self.pos
        if start + size > self.end:
            raise ProtocolError("the packet ends in the middle of a field")
        self.pos = start + size
        return start

    def u8(self) -> int:
        return self.data[self._take(1)]

    def u16(self) -> int:
        return int(_U16.unpack_from(self.data, self._take(2))[0])

    def u32(self) -> int:
        return int(_U32.unpack_from(self.data, self._take(4))[0])

    def varint(self) -> int:
        """Read a variable byte integer (1.5.5): at most 4 bytes, and no more than needed."""
        value = 0
        for shift in (0, 7, 14, 21):
            byte = self.u8()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                if byte == 0 and shift:
                    raise ProtocolError("a variable byte integer is longer than needed")
                return value
        raise ProtocolError("a variable byte integer is longer than 4 bytes")

    def binary(self) -> bytes:
        size = self.u16()
        start = self._take(size)
        return bytes(self.data[start : start + size])

    def text(self) -> str:
        """Read a UTF-8 string (1.5.4): well-formed, no surrogates, no U+0000."""
        try:
            text = str(self.binary(), "utf-8")
        except UnicodeDecodeError as e:
            raise ProtocolError("a string is not well-formed UTF-8") from e
        if "\0" in text:
            raise ProtocolError("a string holds U+0000")
        return text

    def packet_id(self) -> int:
        pid = self.u16()
        if pid == 0:
            raise ProtocolError("packet identifier 0", Reason.PROTOCOL_ERROR)
        return pid

    def rest(self) -> memoryview:
        start, self.pos = self.pos, self.end
        return self.data[start : self.end]

    def done(self) -> None:
        if self.pos != self.end:
            raise ProtocolError(f"{self.end - self.pos} bytes after the end of the packet")


def varint(value: int) -> bytes:
    """Return `value` (0 <= value < 2**28) as a variable byte integer."""
    out = bytearray()
    while True:
        value, byte = value >> 7, value & 0x7F
        if not value:
            out.append(byte)
            return bytes(out)
        out.append(byte | 0x80)


def binary(value: bytes) -> bytes:
    return _U16.pack(len(value)) + value


def text(value: str) -> bytes:
    return binary(value.encode())


def frame(first: int, *parts: bytes | memoryview) -> bytes:
    """Return a packet: first byte, remaining length, parts."""
    return b"".join((bytes((first,)), varint(sum(len(p) for p in parts)), *parts))


# --- properties (2.2.2) -------------------------------------------------------------------------------------------------

# packet types, and the will as a place of its own
CONNECT, CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP = 1, 2, 3, 4, 5, 6, 7
SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK, PINGREQ, PINGRESP, DISCONNECT, AUTH = 8, 9, 10, 11, 12, 13, 14, 15
WILL = 16

_ACKS = {PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK, UNSUBACK}
_EVERYWHERE = {CONNECT, CONNACK, PUBLISH, WILL, *_ACKS, SUBSCRIBE, UNSUBSCRIBE, DISCONNECT, AUTH}

# id: (name, kind, packets it may be in)
_TABLE: dict[int, tuple[str, str, set[int]]] = {
    0x01: ("payload_format_indicator", "flag", {PUBLISH, WILL}),
    0x02: ("message_expiry_interval", "u32", {PUBLISH, WILL}),
    0x03: ("content_type", "text", {PUBLISH, WILL}),
    0x08: ("response_topic", "text", {PUBLISH, WILL}),
    0x09: ("correlation_data", "binary", {PUBLISH, WILL}),
    0x0B: ("subscription_identifier", "varint", {PUBLISH, SUBSCRIBE}),
    0x11: ("session_expiry_interval", "u32", {CONNECT, CONNACK, DISCONNECT}),
    0x12: ("assigned_client_identifier", "text", {CONNACK}),
    0x13: ("server_keep_alive", "u16", {CONNACK}),
    0x15: ("authentication_method", "text", {CONNECT, CONNACK, AUTH}),
    0x16: ("authentication_data", "binary", {CONNECT, CONNACK, AUTH}),
    0x17: ("request_problem_information", "flag", {CONNECT}),
    0x18: ("will_delay_interval", "u32", {WILL}),
    0x19: ("request_response_information", "flag", {CONNECT}),
    0x1A: ("response_information", "text", {CONNACK}),
    0x1C: ("server_reference", "text", {CONNACK, DISCONNECT}),
    0x1F: ("reason_string", "text", {CONNACK, *_ACKS, DISCONNECT, AUTH}),
    0x21: ("receive_maximum", "u16+", {CONNECT, CONNACK}),
    0x22: ("topic_alias_maximum", "u16", {CONNECT, CONNACK}),
    0x23: ("topic_alias", "u16", {PUBLISH}),
    0x24: ("maximum_qos", "flag", {CONNACK}),
    0x25: ("retain_available", "flag", {CONNACK}),
    0x26: ("user_property", "pair", _EVERYWHERE),
    0x27: ("maximum_packet_size", "u32+", {CONNECT, CONNACK}),
    0x28: ("wildcard_subscription_available", "flag", {CONNACK}),
    0x29: ("subscription_identifier_available", "flag", {CONNACK}),
    0x2A: ("shared_subscription_available", "flag", {CONNACK}),
}
PROPERTY_TABLE: Mapping[int, tuple[str, str, set[int]]] = _TABLE
_IDS = {name: (number, kind) for number, (name, kind, _) in _TABLE.items()}
_LISTS = ("user_property", "subscription_identifier")
_NONE: dict[str, Any] = {}

_READ: dict[str, Callable[[Fields], Any]] = {
    "flag": Fields.u8,
    "u16": Fields.u16,
    "u16+": Fields.u16,
    "u32": Fields.u32,
    "u32+": Fields.u32,
    "varint": Fields.varint,
    "text": Fields.text,
    "binary": Fields.binary,
    "pair": lambda f: (f.text(), f.text()),
}
_WRITE: dict[str, Callable[[Any], bytes]] = {
    "flag": lambda v: bytes((v,)),
    "u16": _U16.pack,
    "u16+": _U16.pack,
    "u32": _U32.pack,
    "u32+": _U32.pack,
    "varint": varint,
    "text": text,
    "binary": binary,
    "pair": lambda v: text(v[0]) + text(v[1]),
}


def read_properties(fields: Fields, packet: int) -> dict[str, Any]:
    """Read the property section of a packet of type `packet`.

    Raises
    ------
    ProtocolError
        Unknown property, one that this packet cannot carry, one said twice, or a value outside its range.
    """
    size = fields.varint()
    if size == 0:
        return _NONE
    end = fields.pos + size
    if end > fields.end:
        raise ProtocolError("the properties are longer than the packet")
    section = Fields(fields.data, fields.pos, end)
    fields.pos = end
    found: dict[str, Any] = {}
    while section.pos < end:
        number = section.varint()
        name, kind, allowed = _TABLE.get(number, ("", "", set()))
        if packet not in allowed:
            raise ProtocolError(f"property 0x{number:02X} has no place in this packet")
        value = _READ[kind](section)
        if kind == "flag" and value > 1:
            raise ProtocolError(f"{name} is {value}, not 0 or 1", Reason.PROTOCOL_ERROR)
        if kind in ("u16+", "u32+", "varint") and value == 0:
            raise ProtocolError(f"{name} is 0", Reason.PROTOCOL_ERROR)
        if name in _LISTS and not (name == "subscription_identifier" and packet == SUBSCRIBE):
            found.setdefault(name, []).append(value)
        elif name in found:
            raise ProtocolError(f"{name} is there twice", Reason.PROTOCOL_ERROR)
        else:
            found[name] = [value] if name in _LISTS else value
    return found


def write_properties(properties: Properties) -> bytes:
    """Return the property section with its length."""
    if not properties:
        return b"\0"
    parts = []
    for name, value in properties.items():
        number, kind = _IDS[name]
        for one in value if name in _LISTS else (value,):
            parts.append(bytes((number,)) + _WRITE[kind](one))
    body = b"".join(parts)
    return varint(len(body)) + body
