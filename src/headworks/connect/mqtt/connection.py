"""One device's MQTT connection."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
from collections import deque
from typing import TYPE_CHECKING, Any, cast

from headworks.base import log
from headworks.connect.codecs import mqtt
from headworks.connect.codecs import mqtt_wire as w
from headworks.connect.codecs.mqtt_wire import MAX_FRAME, V5, ProtocolError, Reason
from headworks.connect.devices import Device
from headworks.connect.ingest import ATTRIBUTES_REQUEST, MAY_SUBSCRIBE
from headworks.connect.receipts import Receipt

if TYPE_CHECKING:
    from headworks.connect.mqtt.server import MqttEndpoint

MOST_UNSTORED = 64
"""Messages of one connection that may be unstored; it is not read beyond (MQTT 5: receive maximum)."""

CONNECT_SECONDS = 10.0
_KEEP_ALIVE_FACTOR = 1.5
_CLOSE_SECONDS = 5.0
_SHORTEST_BURST = 10.0
_UNSENT_BYTES = 256 << 10
_REASON_BYTES = 250
_RESPONSE = "v1/devices/me/attributes/response/"
_WELCOME = {
    "receive_maximum": MOST_UNSTORED,
    "maximum_packet_size": MAX_FRAME,
    "subscription_identifier_available": 0,
    "shared_subscription_available": 0,
}
# 3.1.1 return codes (table 3.1) for the reasons that have one.
_RETURN_CODES = {
    Reason.UNSUPPORTED_VERSION: 1,
    Reason.CLIENT_ID_NOT_VALID: 2,
    Reason.SERVER_BUSY: 3,
    Reason.SERVER_UNAVAILABLE: 3,
    Reason.BAD_CREDENTIALS: 4,
}
_logger = log.get(__name__)


class Connection(asyncio.BufferedProtocol):
    """Reads packets, gives messages to the ingest, answers when they are stored.

    Reading stops while there is a reason to: too much unstored, the log blocked, the rate limit, an unread answer, a
    login being refused. Answers go out in the order the messages came (MQTT 4.6).
    """

    def __init__(self, endpoint: MqttEndpoint) -> None:
        self._endpoint = endpoint
        self._loop = asyncio.get_running_loop()
        self._decoder = mqtt.Decoder()
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._holds: set[str] = set()
        self._reading = True
        self._pumping = False
        self._closing = False
        self._heard = self._loop.time()
        self._keep_alive = 0.0
        self._unstored: deque[Receipt] = deque()
        self._exactly_once: dict[int, bytes] = {}
        self._filters: set[str] = set()
        self._longest_answer = 0
        self._explain = True
        self.version = 0
        self.address = ""
        self.client_id = ""
        self.device: Device | None = None

    # --- transport ------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=_UNSENT_BYTES)
        peer = transport.get_extra_info("peername")
        self.address = str(peer[0]) if isinstance(peer, tuple) else ""
        if (sock := transport.get_extra_info("socket")) is not None:
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._timer = self._loop.call_later(CONNECT_SECONDS, self._no_connect)
        self._endpoint.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._closing = True
        if self._timer:
            self._timer.cancel()
        if self.device is not None:
            self._endpoint.ingest.log_of(self.device).forget(self._log_relieved)
        self._endpoint.closed(self)

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._decoder.space()

    def buffer_updated(self, nbytes: int) -> None:
        self._decoder.filled(nbytes)
        self._heard = self._loop.time()
        self._pump()

    def eof_received(self) -> bool:
        return False

    def pause_writing(self) -> None:
        self._hold("unread")

    def resume_writing(self) -> None:
        self._release("unread")

    def _write(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    # --- reading --------------------------------------------------------------------------------------------------

    def _pump(self) -> None:
        if self._pumping:
            return
        self._pumping = True
        try:
            while not self._holds and not self._closing:
                packet = self._decoder.next()
                if packet is None:
                    break
                self._handle(packet)
        except ProtocolError as e:
            self._protocol_error(e)
        finally:
            self._pumping = False
        self._set_reading()

    def _set_reading(self) -> None:
        if self._closing or self._transport is None or self._transport.is_closing():
            return
        if self._holds and self._reading:
            self._reading = False
            self._transport.pause_reading()
        elif not self._holds and not self._reading:
            self._reading = True
            self._heard = self._loop.time()
            self._transport.resume_reading()

    def _hold(self, why: str) -> None:
        self._holds.add(why)
        if not self._pumping:
            self._set_reading()

    def _release(self, why: str) -> None:
        if why in self._holds:
            self._holds.discard(why)
            if not self._holds:
                self._pump()

    def _log_relieved(self) -> None:
        self._release("log")

    def _rate_relieved(self) -> None:
        self._release("rate")

    # --- packets --------------------------------------------------------------------------------------------------

    def _handle(self, packet: mqtt.Packet) -> None:
        match packet:
            case mqtt.Publish():
                self._publish(packet)
            case mqtt.Ack(kind=w.PUBREL):
                known = self._exactly_once.pop(packet.pid, None) is not None
                reason = 0 if known or self.version != V5 else Reason.PACKET_ID_NOT_FOUND
                self._write(mqtt.ack(self.version, w.PUBCOMP, packet.pid, reason))
            case mqtt.PingRequest():
                self._write(mqtt.PINGRESP)
            case mqtt.Subscribe():
                self._subscribe(packet)
            case mqtt.Unsubscribe():
                reasons = tuple(0 if f in self._filters else Reason.NO_SUBSCRIPTION_EXISTED for f in packet.filters)
                self._filters.difference_update(packet.filters)
                self._write(mqtt.unsuback(self.version, packet.pid, reasons))
            case mqtt.Connect():
                self._connect(packet)
            case mqtt.Disconnect():
                self.close()
            case mqtt.Auth():
                raise ProtocolError("no extended authentication was agreed", Reason.PROTOCOL_ERROR)
            case mqtt.Ack():
                raise ProtocolError("an answer to a message that was not sent", Reason.PROTOCOL_ERROR)

    def _connect(self, packet: mqtt.Connect) -> None:
        self.version = packet.version
        self._explain = packet.properties.get("request_problem_information", 1) == 1
        self._longest_answer = packet.properties.get("maximum_packet_size", 0)
        if "authentication_method" in packet.properties:
            self._turn_away(Reason.BAD_AUTHENTICATION_METHOD)
            return
        if self._endpoint.crowded:
            self._turn_away(Reason.SERVER_BUSY)
            return
        device = self._endpoint.registry.authenticate(packet.username, packet.password)
        if device is None:
            self._bad_login(packet)
            return
        if not packet.client_id and not packet.clean and self.version != V5:
            self._turn_away(Reason.CLIENT_ID_NOT_VALID)
            return
        properties: dict[str, Any] = dict(_WELCOME)
        self.client_id = packet.client_id
        if not packet.client_id:
            self.client_id = properties["assigned_client_identifier"] = f"hw-{secrets.token_hex(8)}"
        if packet.properties.get("session_expiry_interval"):
            properties["session_expiry_interval"] = 0
        self.device = device
        self._endpoint.admitted(self)
        self._write(mqtt.connack(self.version, 0, properties=properties))
        self._keep_alive = packet.keep_alive * _KEEP_ALIVE_FACTOR
        self._watch()

    def _bad_login(self, packet: mqtt.Connect) -> None:
        """Refuse, the later the more often this address was wrong; a device with the right token never waits."""
        none_given = not packet.username
        reason = Reason.NOT_AUTHORIZED if none_given else Reason.BAD_CREDENTIALS
        pause = self._endpoint.bad_login(self, packet.username or "")
        if pause is None:
            self.abort()
            return
        self._hold("login")
        if self._timer:
            self._timer.cancel()
        self._loop.call_later(pause, self._turn_away, reason)

    def _turn_away(self, reason: int) -> None:
        code = reason if self.version == V5 else _RETURN_CODES.get(reason, 5)
        self._write(mqtt.connack(self.version, code))
        self.close()

    def _subscribe(self, packet: mqtt.Subscribe) -> None:
        if "subscription_identifier" in packet.properties:
            raise ProtocolError("subscription identifiers were not offered", Reason.SUBSCRIPTION_IDS_NOT_SUPPORTED)
        refusal = Reason.NOT_AUTHORIZED if self.version == V5 else 0x80
        reasons = []
        for pattern, qos in packet.filters:
            if pattern in MAY_SUBSCRIBE:
                self._filters.add(pattern)
                reasons.append(min(qos, 1))
            else:
                reasons.append(refusal)
                assert self.device is not None
                self._endpoint.refused_subscription(self.device, pattern)
        self._write(mqtt.suback(self.version, packet.pid, tuple(reasons)))

    def _publish(self, packet: mqtt.Publish) -> None:
        device = self.device
        assert device is not None
        if packet.qos == 2 and (answered := self._exactly_once.get(packet.pid)) is not None:
            # The same message again: told again if the first copy is stored, else its answer is still on its way.
            self._write(answered)
            return
        receipt = Receipt(self, packet.pid if packet.qos == 2 else 0)
        can_refuse = packet.qos > 0 and self.version == V5
        answer = self._endpoint.ingest.take(device, packet.topic, packet.payload, receipt, can_refuse=can_refuse)
        if answer.refused and not can_refuse:
            # 3.1.1 has no word for it, and silence would be taken for success: the connection ends (3.3.5).
            self.settle()
            self._leave(answer.reason, answer.text)
            return
        if packet.qos:
            receipt.answer = self._answer(packet, answer.reason if can_refuse else 0, answer.text)
            if packet.qos == 2 and (answer.reason < 0x80 or not can_refuse):
                self._exactly_once[packet.pid] = b""
            elif packet.qos == 2:
                receipt.exactly_once = 0
        self._unstored.append(receipt)
        if receipt.waiting == 0:
            self.settle()
        if packet.topic.startswith(ATTRIBUTES_REQUEST) and _RESPONSE + "+" in self._filters:
            # No attributes are kept for devices: an empty object is the true answer.
            self._write(mqtt.publish(self.version, _RESPONSE + packet.topic[len(ATTRIBUTES_REQUEST) :], b"{}"))
        if len(self._unstored) >= MOST_UNSTORED:
            self._hold("unstored")
        log_ = self._endpoint.ingest.log_of(device)
        if log_.blocked:
            self._hold("log")
            log_.when_relieved(self._log_relieved)
        self._spend(device)

    def _answer(self, packet: mqtt.Publish, reason: int, text: str) -> bytes:
        kind = w.PUBACK if packet.qos == 1 else w.PUBREC
        if self.version == V5 and text and self._explain:
            short = text.encode()[:_REASON_BYTES].decode(errors="ignore").replace("\0", "")
            long = mqtt.ack(V5, kind, packet.pid, reason, {"reason_string": short})
            if not self._longest_answer or len(long) <= self._longest_answer:
                return long
        return mqtt.ack(self.version, kind, packet.pid, reason)

    def _spend(self, device: Device) -> None:
        """Take one token of the device's bucket; beyond it the connection is not read until there is one again."""
        rate, now = device.max_messages_per_s, self._loop.time()
        burst = max(rate, _SHORTEST_BURST)
        device.tokens = min(burst, device.tokens + (now - device.refilled) * rate) - 1
        device.refilled = now
        if device.tokens < 0:
            self._hold("rate")
            self._loop.call_later(-device.tokens / rate, self._rate_relieved)

    # --- answers --------------------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Answer every message up to the first that is not stored yet, in one write."""
        waiting, out = self._unstored, []
        while waiting and waiting[0].waiting == 0:
            receipt = waiting.popleft()
            if receipt.answer:
                out.append(receipt.answer)
                if receipt.exactly_once:
                    self._exactly_once[receipt.exactly_once] = receipt.answer
        if out:
            self._write(out[0] if len(out) == 1 else b"".join(out))
        if len(waiting) < MOST_UNSTORED:
            self._release("unstored")

    @property
    def settled(self) -> bool:
        return not self._unstored

    # --- end ------------------------------------------------------------------------------------------------------

    def _no_connect(self) -> None:
        _logger.info("no CONNECT in time", address=self.address)
        self.abort()

    def _watch(self) -> None:
        """End the connection when nothing came for one and a half keep-alives; time it was not read does not count."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if not self._keep_alive or self._closing:
            return
        now = self._loop.time()
        due = (self._heard if self._reading else now) + self._keep_alive
        if due <= now:
            self._leave(Reason.KEEP_ALIVE_TIMEOUT, "nothing came for one and a half keep-alives")
            return
        self._timer = self._loop.call_later(due - now, self._watch)

    def _protocol_error(self, e: ProtocolError) -> None:
        self._endpoint.protocol_error(self, e)
        if self.version == 0 and e.reason == Reason.UNSUPPORTED_VERSION:
            # 3.1.1 (3.1.2.2) asks for this answer, and it is the oldest form there is.
            self._write(mqtt.connack(w.V311, 1))
        self._leave(e.reason, e.detail)

    def _leave(self, reason: int, text: str) -> None:
        """Say why (5 only) and close."""
        if self.version == V5 and self.device is not None:
            self._write(mqtt.disconnect(V5, reason, {"reason_string": text[:_REASON_BYTES]} if self._explain else {}))
        self.close()

    def dismiss(self, reason: int, text: str) -> None:
        """Send the device away: its plan changed, its client id is used again, the endpoint stops."""
        self._leave(reason, text)

    def stop_reading(self) -> None:
        """Take nothing more in; what was taken in is still answered."""
        self._hold("stopping")

    def close(self) -> None:
        """Close after what was written is sent."""
        self._closing = True
        if self._transport is not None and not self._transport.is_closing():
            self._transport.close()
            # A peer that reads nothing keeps a closing connection open.
            self._loop.call_later(_CLOSE_SECONDS, self._transport.abort)

    def abort(self) -> None:
        self._closing = True
        if self._transport is not None:
            self._transport.abort()
