"""The codec against an independent one (mqtt5, which speaks version 5 only), and against noise."""

from __future__ import annotations

import mqtt5
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headworks.connect.codecs import mqtt, mqtt_client
from headworks.connect.codecs import mqtt_wire as w
from headworks.connect.codecs.mqtt import Decoder, Packet, Will
from headworks.connect.codecs.mqtt_client import ClientDecoder
from headworks.connect.codecs.mqtt_wire import ProtocolError

pytestmark = pytest.mark.feature("PLT-03")

# The oracle's enumerations cannot be iterated.
QOS = [mqtt5.QoS.AT_MOST_ONCE, mqtt5.QoS.AT_LEAST_ONCE, mqtt5.QoS.EXACTLY_ONCE]
REASONS = [0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99]

texts = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=20)
topics = st.text(st.characters(exclude_characters="\0+#", exclude_categories=("Cs",)), min_size=1, max_size=20)
pairs = st.lists(st.tuples(texts, texts), max_size=3)
pids = st.integers(1, 65535)
blobs = st.binary(max_size=40)
maybe = st.none


def ours(data: bytes, version: int = 5) -> Packet:
    d = Decoder()
    if data[0] != 0x10:
        d.feed(mqtt_client.connect(version, "x"))
        d.next()
    d.feed(data)
    packet = d.next()
    assert packet is not None
    return packet


def theirs(data: bytes) -> mqtt5.Packet:
    packet, size = mqtt5.read(memoryview(data))
    assert size == len(data)
    return packet


def present(**properties: object) -> dict[str, object]:
    return {k: v for k, v in properties.items() if v is not None and v != []}


publishes = st.fixed_dictionaries(
    {"topic": topics, "payload": blobs, "qos": st.sampled_from(QOS), "retain": st.booleans()},
    optional={
        "message_expiry_interval": st.integers(0, 2**32 - 1),
        "content_type": texts,
        "response_topic": topics,
        "correlation_data": blobs,
        "user_properties": pairs,
        "payload_format_indicator": st.integers(0, 1),
    },
)


@given(publishes, pids)
def test_publish_of_the_oracle_is_read(fields: dict, pid: int) -> None:
    packet = mqtt5.PublishPacket(**fields, packet_id=pid if int(fields["qos"]) else None)
    found = ours(packet.write())

    assert isinstance(found, mqtt.Publish)
    assert (found.topic, bytes(found.payload), found.qos) == (fields["topic"], fields["payload"], fields["qos"])
    assert (found.pid, found.retain) == (pid if int(fields["qos"]) else 0, fields["retain"])
    names = {"message_expiry_interval", "content_type", "response_topic", "correlation_data"}
    expected = present(**{k: fields[k] for k in names & fields.keys()}, user_property=fields.get("user_properties"))
    if fields.get("payload_format_indicator"):
        expected["payload_format_indicator"] = 1
    assert {k: v for k, v in found.properties.items() if not (k == "payload_format_indicator" and v == 0)} == expected


@given(publishes, pids)
def test_publish_is_read_by_the_oracle(fields: dict, pid: int) -> None:
    qos = int(fields["qos"])
    properties = present(correlation_data=fields.get("correlation_data"), user_property=fields.get("user_properties"))
    data = mqtt.publish(
        5, fields["topic"], fields["payload"], qos=qos, pid=pid, retain=fields["retain"], properties=properties
    )
    found = theirs(data)
    assert (found.topic, found.payload, found.qos) == (fields["topic"], fields["payload"], qos)
    assert (found.packet_id or 0) == (pid if qos else 0)
    assert found.correlation_data == properties.get("correlation_data")
    assert found.user_properties == properties.get("user_property", [])


@given(
    texts,
    maybe() | texts,
    maybe() | blobs,
    st.integers(0, 65535),
    st.integers(1, 65535),
    pairs,
    maybe() | st.tuples(topics, blobs),
)
def test_connect_both_ways(client_id, username, password, keep_alive, receive_max, properties, will) -> None:
    packet = mqtt5.ConnectPacket(
        client_id,
        username=username,
        password=password,
        clean_start=True,
        keep_alive=keep_alive,
        receive_max=receive_max,
        user_properties=properties,
        will=mqtt5.Will(will[0], payload=will[1], qos=mqtt5.QoS.AT_LEAST_ONCE) if will else None,
    )
    found = ours(packet.write())
    assert isinstance(found, mqtt.Connect)
    assert (found.client_id, found.username, found.keep_alive, found.clean) == (client_id, username, keep_alive, True)
    assert found.password == password
    assert found.properties.get("user_property", []) == properties
    assert found.properties.get("receive_maximum", 65535) == receive_max
    assert (found.will is None) == (will is None)
    if will:
        assert found.will is not None
        assert (found.will.topic, found.will.payload, found.will.qos) == (*will, 1)

    again = theirs(
        mqtt_client.connect(
            5,
            client_id,
            username=username,
            password=b"p" if username else None,
            keep_alive=keep_alive,
            will=Will(*will, 1, False) if will else None,
            properties={"receive_maximum": receive_max, "user_property": properties},
        )
    )
    assert (again.client_id, again.username, again.keep_alive) == (client_id, username, keep_alive)
    assert (again.receive_max, again.user_properties) == (receive_max, properties)


@given(pids, st.lists(st.tuples(topics, st.sampled_from(QOS)), min_size=1, max_size=4), pairs)
def test_subscribe_and_unsubscribe_of_the_oracle(pid, filters, properties) -> None:
    packet = mqtt5.SubscribePacket(
        pid, [mqtt5.TopicFilter(t, max_qos=q) for t, q in filters], user_properties=properties, subscription_id=3
    )
    found = ours(packet.write())
    assert isinstance(found, mqtt.Subscribe)
    assert (found.pid, list(found.filters)) == (pid, [(t, int(q)) for t, q in filters])
    assert found.properties["subscription_identifier"] == [3]

    gone = ours(mqtt5.UnsubscribePacket(pid, [t for t, _ in filters]).write())
    assert gone == mqtt.Unsubscribe(pid, tuple(t for t, _ in filters))


@pytest.mark.parametrize("reason", REASONS)
@pytest.mark.parametrize("text", [None, "values.P: 不是数字"])
def test_acks_are_read_by_the_oracle(reason: int, text: str | None) -> None:
    properties = present(reason_string=text)
    for kind, packet, code in (
        (w.PUBACK, mqtt5.PubAckPacket, mqtt5.PubAckReasonCode),
        (w.PUBREC, mqtt5.PubRecPacket, mqtt5.PubRecReasonCode),
    ):
        data = mqtt.ack(5, kind, 77, reason, properties)
        assert theirs(data) == packet(77, reason_code=code(reason), reason_str=text)
        assert ours(data) == mqtt.Ack(kind, 77, reason, properties)


def test_other_answers_are_read_by_the_oracle() -> None:
    offer = {"receive_maximum": 64, "assigned_client_identifier": "x", "shared_subscription_available": 0}
    found = theirs(mqtt.connack(5, 0, properties=offer))
    assert (found.receive_max, found.assigned_client_id, found.shared_subscription_available) == (64, "x", False)
    assert theirs(mqtt.connack(5, 0x86)).reason_code == mqtt5.ConnAckReasonCode.BAD_USER_NAME_OR_PASSWORD
    assert theirs(mqtt.suback(5, 9, (1, 0x87))).reason_codes == [1, 0x87]
    assert theirs(mqtt.unsuback(5, 9, (0, 17))).reason_codes == [0, 17]
    assert theirs(mqtt.disconnect(5, 0x8E)).reason_code == mqtt5.DisconnectReasonCode.SESSION_TAKEN_OVER
    assert isinstance(theirs(mqtt.PINGRESP), mqtt5.PingRespPacket)
    assert theirs(mqtt.ack(5, w.PUBCOMP, 5, 0x92)).reason_code == mqtt5.PubCompReasonCode.PACKET_ID_NOT_FOUND
    assert theirs(mqtt.ack(5, w.PUBREL, 5)).packet_id == 5
    assert ours(mqtt5.PingReqPacket().write()) == mqtt.PingRequest()
    assert ours(mqtt5.DisconnectPacket(reason_str="bye").write()).properties == {"reason_string": "bye"}
    assert ours(mqtt5.AuthPacket(authentication_method="m").write()).properties == {"authentication_method": "m"}


def drain(d: Decoder | ClientDecoder, data: bytes) -> None:
    d.feed(data)
    try:
        while d.next() is not None:
            pass
    except ProtocolError:
        return


@settings(max_examples=500)
@given(st.sampled_from([4, 5]), st.binary(max_size=200))
def test_noise_raises_nothing_but_protocol_errors(version: int, noise: bytes) -> None:
    drain(Decoder(), noise)
    for first in (0x30, 0x32, 0x40, 0x62, 0x82, 0xA2, 0xC0, 0xE0, 0xF0):
        d = Decoder()
        d.feed(mqtt_client.connect(version, "x"))
        d.next()
        drain(d, w.frame(first, noise))
    drain(Decoder(), w.frame(0x10, noise))
    drain(Decoder(), w.frame(0x10, b"\0\4MQTT", bytes((version,)), noise))
    for first in (0x20, 0x30, 0x32, 0x40, 0x90, 0xE0):
        drain(ClientDecoder(version), w.frame(first, noise))


@settings(max_examples=300)
@given(publishes, pids, st.data())
def test_a_changed_byte_raises_nothing_but_protocol_errors(fields: dict, pid: int, data: st.DataObject) -> None:
    frame = bytearray(mqtt5.PublishPacket(**fields, packet_id=pid if int(fields["qos"]) else None).write())
    frame[data.draw(st.integers(0, len(frame) - 1))] = data.draw(st.integers(0, 255))
    d = Decoder()
    d.feed(mqtt_client.connect(5, "x"))
    d.next()
    drain(d, bytes(frame))


@given(st.lists(blobs, max_size=6), st.lists(st.integers(1, 60), min_size=1, max_size=50))
def test_pieces_do_not_matter(payloads: list[bytes], sizes: list[int]) -> None:
    stream = mqtt_client.connect(4, "x") + b"".join(
        mqtt.publish(4, "t", p, qos=1, pid=i + 1) for i, p in enumerate(payloads)
    )
    d, found, at = Decoder(), [], 0
    while at < len(stream):
        size = sizes[at % len(sizes)]
        d.feed(stream[at : at + size])
        at += size
        while (p := d.next()) is not None:
            if isinstance(p, mqtt.Publish):
                found.append(bytes(p.payload))
    assert found == payloads
