"""What a device may say, topic by topic, and where it goes. Knows no protocol beyond topic and payload."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from headworks.base.clock import Clock
from headworks.connect import telemetry
from headworks.connect.devices import Device
from headworks.connect.notices import Events, Quarantine
from headworks.connect.partition_log import PartitionLog
from headworks.connect.receipts import Receipt
from headworks.connect.telemetry import Malformed, NotYours

TELEMETRY = "v1/devices/me/telemetry"
ATTRIBUTES = "v1/devices/me/attributes"
CLOCK = "v1/devices/me/clock"
GATEWAY_TELEMETRY = "v1/gateway/telemetry"
GATEWAY_ATTRIBUTES = "v1/gateway/attributes"
GATEWAY_CONNECT = "v1/gateway/connect"
GATEWAY_DISCONNECT = "v1/gateway/disconnect"
ATTRIBUTES_REQUEST = "v1/devices/me/attributes/request/"

MAY_SUBSCRIBE = frozenset((ATTRIBUTES, "v1/devices/me/rpc/request/+", "v1/devices/me/attributes/response/+"))

_OK, _FORBIDDEN, _NO_TOPIC, _BAD_PAYLOAD = 0x00, 0x87, 0x90, 0x99


class Answer(NamedTuple):
    """What the sender is told: an MQTT 5 reason code and a text. `refused`: nothing of it was taken."""

    reason: int = _OK
    text: str = ""
    refused: bool = False


_TAKEN = Answer()


class Ingest:
    """Takes the messages of authenticated devices.

    Parameters
    ----------
    logs : the log of every partition
    """

    def __init__(self, logs: Mapping[str, PartitionLog], events: Events, quarantine: Quarantine, clock: Clock) -> None:
        self._logs = logs
        self._events = events
        self._quarantine = quarantine
        self._clock = clock
        self.messages = 0
        self.samples = 0
        self.refused = 0
        self.malformed = 0
        self.quarantined = 0

    def log_of(self, device: Device) -> PartitionLog:
        return self._logs[device.partition]

    def take(self, device: Device, topic: str, payload: memoryview, receipt: Receipt, *, can_refuse: bool) -> Answer:
        """Take one message; `receipt` is made to wait for all it becomes.

        `can_refuse`: the sender understands a negative answer (MQTT 5 above QoS 0). One that does not would send a
        malformed message again for ever, so that is kept in the quarantine and acknowledged.
        """
        tally = device.tally
        self.messages += 1
        tally.messages += 1
        tally.last_seen = self._clock.now()
        handle = _TOPICS.get(topic)
        if handle is None:
            if topic.startswith(ATTRIBUTES_REQUEST):
                return _TAKEN
            ours = topic.startswith(("v1/devices/", "v1/gateway/"))
            return self._refuse(
                device, topic, _FORBIDDEN if ours else _NO_TOPIC, "a device speaks only for itself: " + TELEMETRY
            )
        try:
            return handle(self, device, topic, payload, receipt)
        except NotYours as e:
            return self._refuse(device, topic, _FORBIDDEN, f"{e.child[:80]}: not a device of this gateway")
        except Malformed as e:
            return self._malformed(device, e.reason, payload, receipt, can_refuse)

    # --- topics ---------------------------------------------------------------------------------------------------

    def _telemetry(self, device: Device, topic: str, payload: memoryview, receipt: Receipt) -> Answer:
        return self._store(device, telemetry.decode_device(payload, device, device.tally.last_seen), receipt)

    def _gateway_telemetry(self, device: Device, topic: str, payload: memoryview, receipt: Receipt) -> Answer:
        if not device.children:
            return self._refuse(device, topic, _FORBIDDEN, "not a gateway")
        return self._store(device, telemetry.decode_gateway(payload, device, device.tally.last_seen), receipt)

    def _attributes(self, device: Device, topic: str, payload: memoryview, receipt: Receipt) -> Answer:
        if not isinstance(telemetry.parse(payload), dict):
            raise Malformed("", "attributes are an object")
        device.tally.attributes += 1
        return _TAKEN

    def _children(self, device: Device, topic: str, payload: memoryview, receipt: Receipt) -> Answer:
        if not device.children:
            return self._refuse(device, topic, _FORBIDDEN, "not a gateway")
        names = telemetry.children_of(payload, device)
        if topic == GATEWAY_ATTRIBUTES:
            device.tally.attributes += 1
            return _TAKEN
        name = "device.child_connected" if topic == GATEWAY_CONNECT else "device.child_disconnected"
        for child in names:
            self._events.say(name, device.partition, device=device.code, about=child, child=child)
        return _TAKEN

    def _set_clock(self, device: Device, topic: str, payload: memoryview, receipt: Receipt) -> Answer:
        log = self.log_of(device)
        if not device.drives_clock or log.plan.clock != "replay":
            return self._refuse(device, topic, _FORBIDDEN, "this device does not set the clock of its partition")
        log.mark(telemetry.decode_clock(payload, device.tally.last_seen), receipt)
        return _TAKEN

    # --- outcomes -------------------------------------------------------------------------------------------------

    def _store(self, device: Device, decoded: telemetry.Decoded, receipt: Receipt) -> Answer:
        tally = device.tally
        if decoded.samples:
            self.samples += decoded.samples
            tally.samples += decoded.samples
            self.log_of(device).add(decoded.chunks, receipt)
        if not (decoded.unknown or decoded.mistyped or decoded.future):
            return _TAKEN
        tally.mistyped += decoded.mistyped
        notes = []
        for child, keys in decoded.unknown:
            tally.unknown += len(keys)
            notes.append(f"unknown keys ignored: {', '.join(sorted(set(keys))[:5])}"[:120])
            for key in tally.new_unknown(child, set(keys)):
                self._events.say(
                    "device.unknown_key",
                    device.partition,
                    device=device.code,
                    about=f"{child}/{key}",
                    child=child,
                    key=key,
                )
        if decoded.mistyped:
            notes.append(f"{decoded.mistyped} values are not numbers")
        if decoded.future:
            count = len(decoded.future)
            self.quarantined += count
            tally.quarantined += count
            latest = max(t for _, t, _ in decoded.future) // 1000
            text = f"ts {latest} is more than 60 s in the future: {count} samples not stored"
            notes.insert(0, text)
            self._events.say(
                "device.quarantined", device.partition, device=device.code, reason="future", count=count, ts=latest
            )
            self._quarantine.put(device.partition, device.code, "future", receipt, samples=decoded.future)
            if not decoded.samples:
                return Answer(_BAD_PAYLOAD, text)
        return Answer(_OK, "; ".join(notes))

    def _refuse(self, device: Device, topic: str, reason: int, text: str) -> Answer:
        self.refused += 1
        device.tally.refused += 1
        shown = topic[:120]
        self._events.say("device.refused", device.partition, device=device.code, about=shown, topic=shown, reason=text)
        return Answer(reason, text, refused=True)

    def _malformed(self, device: Device, why: str, payload: memoryview, receipt: Receipt, can_refuse: bool) -> Answer:
        self.malformed += 1
        device.tally.malformed += 1
        self._events.say(
            "device.malformed", device.partition, device=device.code, reason=why[:200], kept=not can_refuse
        )
        if not can_refuse:
            self._quarantine.put(
                device.partition, device.code, f"malformed: {why[:200]}", receipt, payload=bytes(payload)
            )
        return Answer(_BAD_PAYLOAD, why)


_Handler = Callable[[Any, Device, str, memoryview, Receipt], Answer]
_TOPICS: dict[str, _Handler] = {
    TELEMETRY: Ingest._telemetry,
    ATTRIBUTES: Ingest._attributes,
    CLOCK: Ingest._set_clock,
    GATEWAY_TELEMETRY: Ingest._gateway_telemetry,
    GATEWAY_ATTRIBUTES: Ingest._children,
    GATEWAY_CONNECT: Ingest._children,
    GATEWAY_DISCONNECT: Ingest._children,
}
