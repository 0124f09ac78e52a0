"""The endpoint on a real bus: who may connect, what is taken, what is refused, and what each is told."""

from __future__ import annotations

import asyncio
import contextlib
import time

import msgspec
import pytest

from headworks.bus.messages import Watermark
from headworks.bus.plan import PartitionPlan
from headworks.connect.codecs import mqtt, mqtt_client
from headworks.connect.codecs import mqtt_wire as w
from headworks.connect.codecs.mqtt import Ack, Disconnect, Publish
from headworks.connect.codecs.mqtt_client import ConnAck, Granted, Pong

from .rig import Rig, device, token
from .wire import Wire

pytestmark = [pytest.mark.feature("PLT-03"), pytest.mark.integration]

ME = "v1/devices/me/telemetry"
T0 = 1_700_000_000_000
ONE = b'{"ts": 1700000000000, "values": {"T": 1}}'
STORED = [(2, T0 * 1000, 1.0, 0)]
both = pytest.mark.parametrize("version", [4, 5])


# --- who may connect ----------------------------------------------------------------------------------------------------


@both
async def test_token_as_user_name_or_as_password_of_the_device(rig: Rig, version: int) -> None:
    for username, password in ((token("d1"), None), (token("d1"), ""), ("d1", token("d1"))):
        wire = await Wire.open(rig.port, version)
        answer = await wire.connect(username, password)
        assert (answer.reason, answer.session_present) == (0, False)
        if version == 5:
            assert answer.properties["receive_maximum"] == 64
        wire.close()
    assert (await rig.event("device.connected")).params["device"] == "d1"


@both
@pytest.mark.parametrize(
    ("username", "password", "reasons"),
    [
        ("wrong", None, (4, 0x86)),
        ("d2", token("d1"), (4, 0x86)),  # the token of another device
        ("d1", "wrong", (4, 0x86)),
        (token("d1"), "x", (4, 0x86)),
        (None, None, (5, 0x87)),
    ],
)
async def test_wrong_credentials(
    rig: Rig, version: int, username: str | None, password: str | None, reasons: tuple[int, int]
) -> None:
    wire = await Wire.open(rig.port, version)
    answer = await wire.connect(username, password)
    assert answer.reason == reasons[version == 5]
    assert await wire.next() is None
    assert rig.service.endpoint.connected == 0
    assert rig.service.endpoint.failed_logins == 1


async def test_an_address_that_keeps_failing_waits_and_a_device_with_its_token_does_not(rig: Rig) -> None:
    begun = time.monotonic()
    for _ in range(4):
        await (await Wire.open(rig.port)).connect("guess")
    assert time.monotonic() - begun > 0.1 + 0.2 + 0.4

    begun = time.monotonic()
    await Wire.login(rig.port, token("d1"))
    assert time.monotonic() - begun < 0.8  # what the next guess would have to wait


async def test_same_client_id_takes_over_but_only_from_the_same_device(rig: Rig) -> None:
    first = await Wire.login(rig.port, token("d1"), name="same")
    other = await Wire.login(rig.port, token("d2"), name="same")
    second = await Wire.login(rig.port, token("d1"), name="same")

    gone = await first.next()
    assert isinstance(gone, Disconnect)
    assert gone.reason == w.Reason.SESSION_TAKEN_OVER
    assert await first.next() is None
    for wire in (other, second):
        wire.send(mqtt_client.PINGREQ)
        assert isinstance(await wire.next(), Pong)
    assert rig.service.endpoint.connected == 2


async def test_client_ids(rig: Rig) -> None:
    answer = await (await Wire.open(rig.port, 5)).connect(token("d1"), name="")
    assert answer.properties["assigned_client_identifier"]
    assert (await (await Wire.open(rig.port, 4)).connect(token("d1"), name="", clean=False)).reason == 2
    assert (await (await Wire.open(rig.port, 4)).connect(token("d1"), name="")).reason == 0


async def test_unknown_protocol_versions_are_told_so(rig: Rig) -> None:
    wire = await Wire.open(rig.port, 4)
    wire.send(w.frame(0x10, w.text("MQIsdp"), b"\3\2\0\0", w.text("x")))
    answer = await wire.next()
    assert isinstance(answer, ConnAck)
    assert answer.reason == 1


@both
async def test_a_broken_packet_ends_the_connection(rig: Rig, version: int) -> None:
    wire = await Wire.login(rig.port, token("d1"), version=version)
    wire.send(b"\x36\x05\x00\x01a\x00\x01")
    packet = await wire.next()
    if version == 5:
        assert packet.reason == w.Reason.MALFORMED_PACKET
        packet = await wire.next()
    assert packet is None


async def test_keep_alive(rig: Rig) -> None:
    quiet = await Wire.login(rig.port, token("d1"), name="q", keep_alive=1)
    lively = await Wire.login(rig.port, token("d1"), name="l", keep_alive=1)
    begun = time.monotonic()
    for _ in range(3):
        await asyncio.sleep(0.6)
        lively.send(mqtt_client.PINGREQ)
        assert isinstance(await lively.next(), Pong)
    gone = await quiet.next()
    assert gone.reason == w.Reason.KEEP_ALIVE_TIMEOUT
    assert time.monotonic() - begun > 1.4
    assert rig.service.endpoint.connected == 1


async def test_no_connect_in_time(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headworks.connect.mqtt.connection.CONNECT_SECONDS", 0.1)
    wire = await Wire.open(rig.port)
    with contextlib.suppress(ConnectionResetError):
        assert await wire.next(2) is None


# --- what a device may say and hear -------------------------------------------------------------------------------------


@both
@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("v1/devices/d2/telemetry", ONE),
        ("v1/devices/me/telemetry/x", ONE),
        ("v1/gateway/telemetry", b'{"d2": [{"T": 1}]}'),
        ("v1/gateway/connect", b'{"device": "d2"}'),
        ("v1/devices/me/clock", b'{"ts": 1700000000000}'),
        ("elsewhere", ONE),
        ("$SYS/x", ONE),
    ],
)
async def test_a_device_cannot_say_anything_else(rig: Rig, version: int, topic: str, payload: bytes) -> None:
    wire = await Wire.login(rig.port, token("d1"), version=version)
    wire.publish(topic, payload)
    answer = await wire.next()
    if version == 5:
        assert isinstance(answer, Ack)
        assert answer.reason == (0x87 if topic.startswith("v1/") else 0x90)
        wire.publish(ME, ONE)  # and goes on
        assert await wire.next() == Ack(w.PUBACK, 2)
        assert await rig.samples() == STORED
    else:
        assert answer is None
        assert await rig.samples() == []
    assert not [m for m in await rig.log() if isinstance(m, Watermark) and m.time == T0 * 1000 - 2_000_000]
    event = await rig.event("device.refused")
    assert (event.params["device"], event.params["topic"]) == ("d1", topic)


@both
async def test_a_gateway_cannot_speak_for_a_device_that_is_not_its_child(rig: Rig, version: int) -> None:
    wire = await Wire.login(rig.port, token("gw"), version=version)
    wire.publish("v1/gateway/telemetry", b'{"A": [{"P": 1}], "d1": [{"T": 2}]}')
    answer = await wire.next()
    assert answer.reason == 0x87 if version == 5 else answer is None
    assert await rig.samples() == []


async def test_a_gateway_speaks_for_its_children(rig: Rig) -> None:
    wire = await Wire.login(rig.port, token("gw"))
    wire.publish("v1/gateway/connect", b'{"device": "A"}')
    wire.publish(
        "v1/gateway/telemetry", b'{"A": [{"ts": 1, "values": {"P": 2}}], "B": [{"ts": 2, "values": {"T": 3}}]}'
    )
    wire.publish("v1/gateway/attributes", b'{"A": {"serial": 5}}')
    wire.publish("v1/gateway/disconnect", b'{"device": "A"}')
    assert [(await wire.next()).reason for _ in range(4)] == [0, 0, 0, 0]
    assert await rig.samples() == [(1, 1000, 2.0, 0), (2, 2000, 3.0, 0)]
    assert (await rig.event("device.child_connected")).params == {"device": "gw", "child": "A"}


@both
async def test_a_device_hears_only_what_is_meant_for_it(rig: Rig, version: int) -> None:
    wire = await Wire.login(rig.port, token("d1"), version=version)
    own = ["v1/devices/me/attributes", "v1/devices/me/rpc/request/+", "v1/devices/me/attributes/response/+"]
    others = [
        "#",
        "v1/#",
        "v1/devices/+/attributes",
        "v1/devices/d2/attributes",
        "v1/devices/me/telemetry",
        "$share/g/#",
    ]
    wire.send(mqtt_client.subscribe(version, 1, dict.fromkeys(own + others, 2)))
    refused = 0x87 if version == 5 else 0x80
    answer = await wire.next()
    assert isinstance(answer, Granted)
    assert answer.reasons == (1, 1, 1, *[refused] * len(others))

    speaker = await Wire.login(rig.port, token("d2"), version=version, name="speaker")
    speaker.publish(ME, ONE)
    speaker.publish("v1/devices/me/attributes", b'{"a": 1}')
    assert await speaker.next()
    assert await wire.silent()

    wire.send(mqtt_client.unsubscribe(version, 2, [own[0], "never"]))
    answer = await wire.next()
    assert answer.reasons == ((0, 0x11) if version == 5 else ())


async def test_an_attribute_request_is_answered_with_the_none_there_are(rig: Rig) -> None:
    wire = await Wire.login(rig.port, token("d1"))
    wire.send(mqtt_client.subscribe(5, 1, {"v1/devices/me/attributes/response/+": 1}))
    await wire.next()
    wire.publish("v1/devices/me/attributes/request/7", b'{"clientKeys": "a"}')
    assert isinstance(await wire.next(), Ack)
    answer = await wire.next()
    assert isinstance(answer, Publish)
    assert (answer.topic, bytes(answer.payload)) == ("v1/devices/me/attributes/response/7", b"{}")


# --- bad input ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("payload", "said"),
    [(b"not json", "byte"), (b'{"T": NaN}', "NaN"), (b'{"ts": "2024-01-01", "values": {"T": 1}}', "ts: 2024-01-01")],
)
async def test_a_malformed_payload_is_refused_and_named(rig: Rig, payload: bytes, said: str) -> None:
    wire = await Wire.login(rig.port, token("d1"))
    wire.publish(ME, payload)
    answer = await wire.next()
    assert answer.reason == 0x99
    assert said in answer.properties["reason_string"]
    wire.publish(ME, ONE)
    assert (await wire.next()).reason == 0
    assert await rig.samples() == STORED
    assert await rig.quarantined() == []
    assert (await rig.event("device.malformed")).params["device"] == "d1"


@pytest.mark.parametrize(("version", "qos"), [(4, 0), (4, 1), (4, 2), (5, 0)])
async def test_a_malformed_payload_that_cannot_be_refused_is_kept(rig: Rig, version: int, qos: int) -> None:
    import base64

    wire = await Wire.login(rig.port, token("d1"), version=version)
    wire.publish(ME, b'{"T": NaN}', qos=qos)
    if qos:
        assert (await wire.next()).kind == (w.PUBACK if qos == 1 else w.PUBREC)
    await rig.event("device.malformed")
    await rig.service.quarantine.close(5)
    (kept,) = await rig.quarantined()
    assert (kept["device"], kept["samples"], base64.b64decode(kept["payload"])) == ("d1", [], b'{"T": NaN}')
    assert "malformed" in kept["reason"]
    assert await rig.samples() == []


@both
async def test_a_time_in_2099_goes_to_the_quarantine_and_the_rest_is_stored(rig: Rig, version: int) -> None:
    wire = await Wire.login(rig.port, token("d1"), version=version)
    wire.publish(ME, b'[{"ts": 4070908800000, "values": {"T": 9}}, ' + ONE + b"]")
    answer = await wire.next()
    assert answer.reason == 0
    if version == 5:
        assert "4070908800000" in answer.properties["reason_string"]
    assert await rig.samples() == STORED
    (kept,) = await rig.quarantined()
    assert (kept["device"], kept["reason"], kept["samples"]) == ("d1", "future", [[2, 4070908800000000, 9.0]])

    wire.publish(ME, b'{"ts": 4070908800000, "values": {"T": 9}}')
    assert (await wire.next()).reason == (0x99 if version == 5 else 0)
    assert await rig.samples() == STORED
    assert len(await rig.quarantined()) == 2


async def test_unknown_keys_are_told_once(rig: Rig) -> None:
    wire = await Wire.login(rig.port, token("d1"))
    for _ in range(3):
        wire.publish(ME, b'{"ts": 1700000000000, "values": {"T": 1, "zz": 2}}')
        assert "zz" in (await wire.next()).properties["reason_string"]
    assert (await rig.samples()) == STORED * 3
    assert (await rig.event("device.unknown_key")).params["key"] == "zz"
    await asyncio.sleep(0.1)
    assert len([e for e in rig.events if e.name == "device.unknown_key"]) == 1
    assert rig.service.report()["devices"]["d1"]["unknown"] == 3


async def test_a_client_may_forbid_explanations(rig: Rig) -> None:
    for n, properties in enumerate(({"request_problem_information": 0}, {"maximum_packet_size": 20})):
        wire = await Wire.login(rig.port, token("d1"), name=f"n{n}", properties=properties)
        wire.publish(ME, b"x")
        assert await wire.next() == Ack(w.PUBACK, 1, 0x99)


# --- answers ------------------------------------------------------------------------------------------------------------


async def test_exactly_once(rig: Rig) -> None:
    wire = await Wire.login(rig.port, token("d1"), version=4)
    wire.publish(ME, ONE, qos=2, pid=9)
    wire.publish(ME, ONE, qos=2, pid=9, duplicate=True)  # before the first is stored: one answer, one copy
    assert await wire.next() == Ack(w.PUBREC, 9)
    assert await wire.silent()
    wire.publish(ME, ONE, qos=2, pid=9, duplicate=True)  # after it is stored: told again, not stored again
    assert await wire.next() == Ack(w.PUBREC, 9)
    wire.send(mqtt.ack(4, w.PUBREL, 9))
    assert await wire.next() == Ack(w.PUBCOMP, 9)
    assert await rig.samples() == STORED
    wire.publish(ME, ONE, qos=2, pid=9)  # released: a new message
    assert await wire.next() == Ack(w.PUBREC, 9)
    assert await rig.samples() == STORED * 2


async def test_release_of_an_unknown_message(rig: Rig) -> None:
    wire = await Wire.login(rig.port, token("d1"))
    wire.send(mqtt.ack(5, w.PUBREL, 5))
    assert await wire.next() == Ack(w.PUBCOMP, 5, w.Reason.PACKET_ID_NOT_FOUND)


async def test_answers_come_in_the_order_of_the_messages(rig: Rig) -> None:
    wire = await Wire.login(rig.port, token("d1"))
    payloads = [ONE, b"bad", ONE, b'{"zz": 1}', b'{"ts": 4070908800000, "values": {"T": 9}}', ONE]
    for payload in payloads:
        wire.publish(ME, payload)
    answers = [await wire.next() for _ in payloads]
    assert [(a.pid, a.reason) for a in answers] == [(1, 0), (2, 0x99), (3, 0), (4, 0), (5, 0x99), (6, 0)]


async def test_a_connection_is_not_read_beyond_64_unstored_messages(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    log = rig.service.logs["u1"]
    gate = asyncio.Event()
    publish = rig.bus.publish

    async def held(*args: object, **more: object) -> int:
        await gate.wait()
        return await publish(*args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(rig.bus, "publish", held)
    wire = await Wire.login(rig.port, token("d1"), version=4)
    for i in range(500):
        wire.publish(ME, b'{"ts": %d, "values": {"T": %d}}' % (T0 + i, i))
    await asyncio.sleep(0.2)
    assert log.backlog == 64
    gate.set()
    assert [(await wire.next()).pid for _ in range(500)] == list(range(1, 501))
    assert [v for _, _, v, _ in await rig.samples()] == [float(i) for i in range(500)]


async def test_a_message_larger_than_a_batch(rig: Rig) -> None:
    entries = [{"ts": T0 + i, "values": {"T": i, "run": True}} for i in range(5000)]
    wire = await Wire.login(rig.port, token("d1"))
    wire.publish(ME, msgspec.json.encode(entries))
    assert (await wire.next()).reason == 0
    batches = [m for m in await rig.log() if not isinstance(m, Watermark)]
    assert [len(b) for b in batches] == [4000, 4000, 2000]
    assert [v for t, _, v, _ in await rig.samples() if t == 2] == [float(i) for i in range(5000)]


async def test_rate_limit_slows_down_and_loses_nothing(rig: Rig) -> None:
    await rig.use(
        msgspec.structs.replace(rig.plan, revision=2, devices=(device("d1", max_messages_per_s=50.0), device("d2")))
    )
    wire, free = await Wire.login(rig.port, token("d1")), await Wire.login(rig.port, token("d2"))
    begun = time.monotonic()
    for _ in range(100):
        wire.publish(ME, ONE)
        free.publish(ME, ONE)
    for _ in range(100):
        assert (await free.next()).reason == 0
    free_done = time.monotonic()
    for _ in range(100):
        assert (await wire.next()).reason == 0
    # a bucket of 50 messages, then 50 a second
    assert time.monotonic() - begun > 0.8
    assert free_done < time.monotonic()
    assert len(await rig.samples()) == 200


# --- plans --------------------------------------------------------------------------------------------------------------


async def test_a_new_plan_keeps_connections_and_sends_away_who_is_gone(rig: Rig) -> None:
    stays = await Wire.login(rig.port, token("d1"))
    gone = await Wire.login(rig.port, token("d2"))
    changed = await Wire.login(rig.port, token("gw"))
    new_token = msgspec.structs.replace(device("gw"), token_sha256="0" * 64)
    only_t = device("d1", points=tuple(p for p in device("d1").points if p.key == "T"))
    await rig.use(msgspec.structs.replace(rig.plan, revision=2, devices=(only_t, new_token)))

    for wire in (gone, changed):
        packet = await wire.next()
        assert packet.reason == w.Reason.ADMINISTRATIVE_ACTION
        assert await wire.next() is None
    stays.publish(ME, b'{"ts": 1700000000000, "values": {"T": 1, "P": 5}}')
    assert "P" in (await stays.next()).properties["reason_string"]
    assert await rig.samples() == STORED
    assert (await (await Wire.open(rig.port)).connect(token("d2"))).reason == 0x86


async def test_plans_are_followed(rig: Rig, plan: PartitionPlan) -> None:
    other = msgspec.structs.replace(plan, partition="u2", devices=(device("d9"),), system_instance=901)
    name = await rig.bus.put_plan(other.encode())
    await rig.bus.set_current_plan(plan.tenant, "u2", name)
    async with asyncio.timeout(5):
        while "u2" not in rig.service.logs:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    wire = await Wire.login(rig.port, token("d9"))
    wire.publish(ME, ONE)
    assert (await wire.next()).reason == 0
    assert await rig.samples() == []  # it is the other partition's


# --- end ----------------------------------------------------------------------------------------------------------------


async def test_stopping_answers_what_was_taken(rig: Rig) -> None:
    wire = await Wire.login(rig.port, token("d1"))
    for _ in range(20):
        wire.publish(ME, ONE)
    await asyncio.sleep(0.01)
    await rig.service.stop()
    acks, last = 0, None
    while (packet := await wire.next()) is not None:
        last, acks = packet, acks + isinstance(packet, Ack)
    assert isinstance(last, Disconnect)
    assert last.reason == w.Reason.SERVER_SHUTTING_DOWN
    assert len(await rig.samples()) == acks == 20
