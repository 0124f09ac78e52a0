"""The codec: playbooks of frames taken from the specification, and what must be refused."""

from __future__ import annotations

import pytest

from headworks.connect.codecs import mqtt, mqtt_client
from headworks.connect.codecs import mqtt_wire as w
from headworks.connect.codecs.mqtt import Ack, Connect, Decoder, Disconnect, PingRequest, Subscribe, Unsubscribe, Will
from headworks.connect.codecs.mqtt_wire import ProtocolError, Reason

pytestmark = pytest.mark.feature("PLT-03")

CONNECT_311 = bytes.fromhex("101000044d5154540402003c000474657374")
CONNECT_V5 = bytes.fromhex("101400044d5154540502003c03210014000474657374")


def decoder(version: int = 4) -> Decoder:
    d = Decoder()
    d.feed(CONNECT_311 if version == 4 else CONNECT_V5)
    assert isinstance(d.next(), Connect)
    return d


def feed(data: str | bytes, version: int = 4) -> object:
    d = decoder(version)
    d.feed(bytes.fromhex(data) if isinstance(data, str) else data)
    return d.next()


def refused(data: str | bytes, version: int | None = 4) -> int:
    d = Decoder() if version is None else decoder(version)
    d.feed(bytes.fromhex(data) if isinstance(data, str) else data)
    with pytest.raises(ProtocolError) as e:
        d.next()
    return e.value.reason


def test_connect_of_both_versions() -> None:
    d = Decoder()
    d.feed(CONNECT_311)
    assert d.next() == Connect(4, "test", True, 60)
    assert d.version == 4

    d = Decoder()
    d.feed(CONNECT_V5)
    assert d.next() == Connect(5, "test", True, 60, properties={"receive_maximum": 20})


def test_connect_with_will_user_and_password() -> None:
    will = Will("a/b", b"gone", 1, True, {"will_delay_interval": 5, "user_property": [("k", "v")]})
    for version, expected in ((4, Will("a/b", b"gone", 1, True)), (5, will)):
        d = Decoder()
        d.feed(mqtt_client.connect(version, "id", username="u", password=b"\0p", keep_alive=9, will=will))
        assert d.next() == Connect(version, "id", True, 9, "u", b"\0p", expected)


def test_frames_may_come_in_any_pieces() -> None:
    stream = CONNECT_311 + mqtt.publish(4, "a", b"x" * 300, qos=1, pid=7) + bytes.fromhex("c000") + b"\xe0\x00"
    d = Decoder()
    found = []
    for i in range(len(stream)):
        d.feed(stream[i : i + 1])
        while (p := d.next()) is not None:
            found.append((p.topic, bytes(p.payload), p.qos, p.pid) if isinstance(p, mqtt.Publish) else p)

    assert found == [Connect(4, "test", True, 60), ("a", b"x" * 300, 1, 7), PingRequest(), Disconnect()]


def test_payload_is_a_view_of_the_buffer() -> None:
    d = decoder()
    d.feed(mqtt.publish(4, "t", b"0123456789" * 1000))
    p = d.next()
    assert isinstance(p, mqtt.Publish)
    assert isinstance(p.payload, memoryview)
    assert bytes(p.payload) == b"0123456789" * 1000


def test_subscribe_and_unsubscribe() -> None:
    assert feed("820e000a0003612f6201 0003632f23 02".replace(" ", "")) == Subscribe(10, (("a/b", 1), ("c/#", 2)))
    assert feed("a207000c0003612f62") == Unsubscribe(12, ("a/b",))
    # 5: property length before the filters
    assert feed("820900 0a00 0003612f6201".replace(" ", ""), 5) == Subscribe(10, (("a/b", 1),))


def test_acks_of_the_client() -> None:
    assert feed("40020001") == Ack(w.PUBACK, 1)
    assert feed("62020001") == Ack(w.PUBREL, 1)
    assert feed("6203000192", 5) == Ack(w.PUBREL, 1, Reason.PACKET_ID_NOT_FOUND)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ("c100", "flags of PINGREQ"),
        ("60020001", "flags of PUBREL"),
        ("8006 0001 000161 00", "flags of SUBSCRIBE"),
        ("36050001610001", "QoS 3"),
        ("3803000161", "DUP at QoS 0"),
        ("32050001610000", "packet id 0"),
        ("30030005 61", "topic runs past the end"),
        ("30020000", "empty topic"),
        ("30040002612b", "wildcard in a topic"),
        ("30050003 61c080", "overlong UTF-8"),
        ("3005 0003eda080", "surrogate"),
        ("30030001 00", "U+0000"),
        ("82020001", "SUBSCRIBE without filters"),
        ("8206 0001 000161 03", "QoS 3 wanted"),
        ("8207 0001 0002612b 01", "wildcard inside a level"),
        ("8205 0001 0000 01", "empty filter"),
        ("a2020001", "UNSUBSCRIBE without filters"),
        ("4003000100", "reason in 3.1.1"),
        ("c00100", "body of PINGREQ"),
        ("20020000", "a packet only servers send"),
        ("0000", "type 0"),
        ("f000", "AUTH in 3.1.1"),
        ("30ffffffffff", "remaining length of five bytes"),
    ],
)
def test_malformed_packets_are_refused(data: str, why: str) -> None:
    assert refused(data.replace(" ", "")) in (Reason.MALFORMED_PACKET, Reason.PROTOCOL_ERROR, Reason.TOPIC_INVALID), why


def test_first_packet_is_connect_and_only_the_first() -> None:
    assert refused("c000", None) == Reason.PROTOCOL_ERROR
    assert refused(CONNECT_311) == Reason.PROTOCOL_ERROR


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({8: 3}, Reason.UNSUPPORTED_VERSION),
        ({4: ord("Q")}, Reason.UNSUPPORTED_VERSION),
        ({9: 0x03}, Reason.MALFORMED_PACKET),  # reserved flag
        ({9: 0x0A}, Reason.MALFORMED_PACKET),  # will QoS without a will
        ({9: 0x42}, Reason.MALFORMED_PACKET),  # password without user name
        ({1: 0x0F}, Reason.MALFORMED_PACKET),  # one byte short
    ],
)
def test_wrong_connects_are_refused(change: dict[int, int], reason: int) -> None:
    data = bytearray(CONNECT_311)
    for at, value in change.items():
        data[at] = value
    assert refused(bytes(data), None) == reason


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ("0221 00".replace(" ", ""), Reason.MALFORMED_PACKET),  # cut off
        ("03210000", Reason.PROTOCOL_ERROR),  # receive maximum 0
        ("0621000521 0005".replace(" ", ""), Reason.PROTOCOL_ERROR),  # twice
        ("021702", Reason.PROTOCOL_ERROR),  # a flag that is 2
        ("020105", Reason.MALFORMED_PACKET),  # payload format has no place in CONNECT
        ("027f00", Reason.MALFORMED_PACKET),  # unknown
        ("0416000161", Reason.PROTOCOL_ERROR),  # data without method
        ("8000", Reason.MALFORMED_PACKET),  # length longer than needed
    ],
)
def test_wrong_properties_are_refused(properties: str, reason: int) -> None:
    body = CONNECT_V5[2:12] + bytes.fromhex(properties) + b"\0\4test"
    assert refused(bytes((0x10, len(body))) + body, None) == reason


def test_publish_properties_of_version_5() -> None:
    properties = {
        "payload_format_indicator": 1,
        "message_expiry_interval": 70_000,
        "content_type": "application/json",
        "response_topic": "r",
        "correlation_data": b"\0\1",
        "user_property": [("a", "1"), ("a", "2")],
    }
    d = decoder(5)
    d.feed(mqtt.publish(5, "t", b"{}", qos=2, pid=65535, retain=True, duplicate=True, properties=properties))
    p = d.next()
    assert isinstance(p, mqtt.Publish)
    assert (p.topic, bytes(p.payload), p.qos, p.pid, p.retain, p.duplicate) == ("t", b"{}", 2, 65535, True, True)
    assert p.properties == properties


def test_a_client_cannot_use_an_alias_or_a_subscription_identifier() -> None:
    assert refused(mqtt.publish(5, "", b"", properties={"topic_alias": 1}), 5) == Reason.TOPIC_ALIAS_INVALID
    assert refused(mqtt.publish(5, "t", b"", properties={"subscription_identifier": [1]}), 5) == Reason.PROTOCOL_ERROR


def test_frames_are_limited_and_less_so_before_connect() -> None:
    assert refused(bytes.fromhex("10ffff7f"), None) == Reason.PACKET_TOO_LARGE
    assert refused(bytes.fromhex("30ffffff01")) == Reason.PACKET_TOO_LARGE
    largest = mqtt.publish(4, "t", b"x" * (w.MAX_FRAME - 7))
    assert len(largest) == w.MAX_FRAME
    p = feed(largest)
    assert isinstance(p, mqtt.Publish)
    assert len(p.payload) == w.MAX_FRAME - 7
    assert refused(mqtt.publish(4, "t", b"x" * (w.MAX_FRAME - 6))) == Reason.PACKET_TOO_LARGE


def test_remaining_length_longer_than_needed() -> None:
    # Some 3.1.1 devices reserve two bytes for it; 5 forbids it.
    assert feed("c08000") == PingRequest()
    assert refused("c08000", 5) == Reason.MALFORMED_PACKET


def test_answers_of_version_311() -> None:
    assert mqtt.connack(4, 5) == bytes.fromhex("20020005")
    assert mqtt.ack(4, w.PUBACK, 258) == bytes.fromhex("40020102")
    assert mqtt.ack(4, w.PUBREL, 1) == bytes.fromhex("62020001")
    assert mqtt.suback(4, 3, (1, 0x80)) == bytes.fromhex("900400030180")
    assert mqtt.unsuback(4, 3, (0,)) == bytes.fromhex("b0020003")
    assert bytes.fromhex("d000") == mqtt.PINGRESP
    assert mqtt.disconnect(4, 0x8B) == b""


def test_connack_of_version_5_offers_64_in_flight() -> None:
    assert mqtt.connack(5, 0, properties={"receive_maximum": 64}) == bytes.fromhex("200600000321 0040".replace(" ", ""))
