"""A device: publishes with QoS 1 and does not forget a message before it is acknowledged.

Used by the simulators, the replay and the benchmarks. What a good gateway does, no more: a bounded window in flight, and
after a lost connection everything unacknowledged again, in order.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec

from headworks.base import log, tasks
from headworks.base.errors import AuthFailed, NotReady
from headworks.connect.codecs import mqtt_client as codec
from headworks.connect.codecs.mqtt import Ack, Disconnect
from headworks.connect.codecs.mqtt_client import ClientDecoder, ConnAck, Pong
from headworks.connect.codecs.mqtt_wire import V311, ProtocolError

_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 2.0
_CONNECT_SECONDS = 15.0
_LOOK_SECONDS = 0.5
# Wrong user name or password, not authorised: 3.1.1 return codes and 5 reason codes.
_BAD_LOGIN = {4, 5, 0x86, 0x87}
_logger = log.get(__name__)
T = TypeVar("T")

TELEMETRY = "v1/devices/me/telemetry"
GATEWAY_TELEMETRY = "v1/gateway/telemetry"
CLOCK = "v1/devices/me/clock"


class Unreachable(NotReady):
    """The endpoint did not answer in time. -> docs/errors/connect.unreachable.md"""

    code = "connect.unreachable"


class LoginRefused(AuthFailed):
    """The endpoint does not know this device or its token. -> docs/errors/connect.login_refused.md"""

    code = "connect.login_refused"


@dataclass(eq=False, slots=True)
class Sent:
    """One message on its way. `answer` becomes the reason code of its acknowledgement (0: stored)."""

    topic: str
    payload: bytes
    answer: asyncio.Future[int]
    text: str = ""


@dataclass
class Counters:
    """What happened since the client was made. `sent` counts messages, not repeats."""

    sent: int = 0
    acked: int = 0
    refused: int = 0
    repeated: int = 0
    connects: int = 0
    texts: deque[str] = field(default_factory=lambda: deque(maxlen=20))


class DeviceClient:
    """One device's connection.

    Parameters
    ----------
    token : its access token
    code : its device code; then the token is the password, else it is the user name (ThingsBoard's way)
    version : 4 (MQTT 3.1.1) or 5
    name : MQTT client id; an empty one is chosen by the server
    window : messages in flight; the server's receive maximum, if it names one, bounds it
    """

    def __init__(
        self,
        host: str,
        port: int,
        token: str,
        *,
        code: str = "",
        version: int = V311,
        name: str = "",
        window: int = 32,
        keep_alive: int = 30,
    ) -> None:
        self._address = (host, port)
        self._login = (code, token.encode()) if code else (token, None)
        self._version = version
        self._client_id = name
        self._most = self._window = window
        self._keep_alive = keep_alive
        self._waiting: dict[int, Sent] = {}
        self._turn = asyncio.Lock()
        self._room = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()
        self._up = asyncio.Event()
        self._failure: Exception | None = None
        self._retry_refused = False
        self._refused = 0
        self._next_pid = 0
        self._protocol: _Protocol | None = None
        self._task: asyncio.Task[None] | None = None
        self._lost = asyncio.Event()
        self.counters = Counters()

    # --- life -----------------------------------------------------------------------------------------------------

    async def connect(self, timeout: float = 10.0, *, retry_refused: bool = False) -> None:
        """Connect, trying for up to `timeout` s; from then on the client reconnects by itself.

        `retry_refused`: a refused login is tried again within `timeout` too (the plan with this device may be on its way).

        Raises
        ------
        Unreachable
            No welcome in time.
        LoginRefused
            The token is wrong.
        """
        self._retry_refused = retry_refused
        self._task = asyncio.create_task(self._run())
        up = asyncio.create_task(self._up.wait())
        done, _ = await asyncio.wait({up, self._task}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        up.cancel()
        if self._task in done:
            self._task.result()
        if not self._up.is_set():
            await self.close()
            if self._refused:
                raise LoginRefused(reason=self._refused)
            raise Unreachable(host=self._address[0], port=self._address[1])

    async def close(self) -> None:
        """Say goodbye; what is not acknowledged is given up (see :meth:`drain`)."""
        if self._protocol is not None:
            self._protocol.leave()
        if self._task is not None:
            await tasks.end((self._task,))
        for sent in self._waiting.values():
            sent.answer.cancel()
        self._waiting.clear()

    async def __aenter__(self) -> DeviceClient:
        await self.connect()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    # --- work -----------------------------------------------------------------------------------------------------

    async def send(self, topic: str, payload: bytes | Any) -> Sent:
        """Send one message (anything but bytes is made JSON), waiting for room in the window; first come, first sent.

        Returns
        -------
        Sent
            ``await sent.answer`` is the reason code once the platform has stored (or refused) it.
        """
        data = payload if isinstance(payload, bytes) else msgspec.json.encode(payload)
        async with self._turn:
            while len(self._waiting) >= self._window or not self._up.is_set():
                self._check()
                await (self._room.wait() if self._up.is_set() else self._wait_up())
            sent = Sent(topic, data, asyncio.get_running_loop().create_future())
            self.counters.sent += 1
            self._send(sent)
        return sent

    async def publish(self, topic: str, payload: bytes | Any) -> int:
        """Send one message and return its reason code: 0 once it is stored, 0x80 and above if it was refused (5 only)."""
        return await (await self.send(topic, payload)).answer

    async def publish_telemetry(self, payload: bytes | Any) -> int:
        """Publish on this device's telemetry topic; see :meth:`publish`."""
        return await self.publish(TELEMETRY, payload)

    async def publish_clock(self, milliseconds: int) -> int:
        """Say the time of a replay [ms since 1970 UTC]; answered once the mark is in the log."""
        return await self.publish(CLOCK, {"ts": milliseconds})

    async def drain(self) -> None:
        """Wait until everything sent is acknowledged."""
        while self._waiting:
            self._check()
            self._empty.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_SECONDS):
                    await self._empty.wait()

    @property
    def in_flight(self) -> int:
        return len(self._waiting)

    def _check(self) -> None:
        if self._failure is not None:
            raise self._failure

    async def _wait_up(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LOOK_SECONDS):
                await self._up.wait()

    def _send(self, sent: Sent) -> None:
        while True:
            self._next_pid = self._next_pid % 65535 + 1
            if self._next_pid not in self._waiting:
                break
        self._waiting[self._next_pid] = sent
        if len(self._waiting) >= self._window:
            self._room.clear()
        if self._protocol is not None and self._up.is_set():
            self._protocol.write(codec.publish(self._version, sent.topic, sent.payload, qos=1, pid=self._next_pid))

    # --- connection -----------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        """Keep connected. Ends only with a refused login before the first welcome."""
        loop, pause = asyncio.get_running_loop(), _FIRST_PAUSE
        while True:
            self._lost.clear()
            transport = None
            try:
                async with asyncio.timeout(_CONNECT_SECONDS):
                    transport, _ = await loop.create_connection(lambda: _Protocol(self), *self._address)
                    await self._lost_or_up()
            except (OSError, TimeoutError) as e:
                _logger.debug("device not connected", error=repr(e))
                if transport is not None:
                    transport.abort()
            if self._up.is_set():
                pause = _FIRST_PAUSE
                await self._lost.wait()
            self._up.clear()
            if self._failure is not None:
                raise self._failure
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _lost_or_up(self) -> None:
        waits = [asyncio.create_task(e.wait()) for e in (self._lost, self._up)]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for w in waits:
                w.cancel()

    def hello(self) -> bytes:
        username, password = self._login
        return codec.connect(
            self._version,
            self._client_id,
            username=username,
            password=password,
            keep_alive=self._keep_alive,
        )

    def welcomed(self, packet: ConnAck, protocol: _Protocol) -> None:
        if packet.reason:
            # Once welcomed, a refusal may be a restart that does not know its plans yet: try again.
            if packet.reason in _BAD_LOGIN and not self.counters.connects:
                self._refused = packet.reason
                if not self._retry_refused:
                    self._failure = LoginRefused(reason=packet.reason)
            protocol.leave()
            return
        self._protocol = protocol
        self._window = min(self._most, packet.properties.get("receive_maximum", self._most))
        self.counters.connects += 1
        self._up.set()
        # The session is not kept: what is unacknowledged is sent as new, in the same order.
        again, self._waiting = list(self._waiting.values()), {}
        self.counters.repeated += len(again)
        for sent in again:
            self._send(sent)

    def answered(self, packet: Ack) -> None:
        sent = self._waiting.pop(packet.pid, None)
        if sent is None:
            return
        text = packet.properties.get("reason_string", "")
        if text:
            sent.text = text
            self.counters.texts.append(text)
        if packet.reason >= 0x80:
            self.counters.refused += 1
        else:
            self.counters.acked += 1
        if not sent.answer.done():
            sent.answer.set_result(packet.reason)
        if len(self._waiting) < self._window:
            self._room.set()
        if not self._waiting:
            self._empty.set()

    def disconnected(self, protocol: _Protocol) -> None:
        if self._protocol is protocol:
            self._protocol = None
        self._up.clear()
        self._lost.set()
        self._room.set()

    @property
    def version(self) -> int:
        return self._version

    @property
    def keep_alive(self) -> int:
        return self._keep_alive


class _Protocol(asyncio.Protocol):
    """The transport side of a DeviceClient."""

    def __init__(self, client: DeviceClient) -> None:
        self._client = client
        self._decoder = ClientDecoder(client.version)
        self._transport: Any = None
        self._timer: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()
        self._heard = self._spoke = self._loop.time()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self.write(self._client.hello())
        self._ping()

    def write(self, data: bytes) -> None:
        self._spoke = self._loop.time()
        self._transport.write(data)

    def _ping(self) -> None:
        """Ping when quiet; give up on a peer that has not answered for two keep-alives."""
        every, now = self._client.keep_alive, self._loop.time()
        if not every:
            return
        if now - self._heard > 2 * every:
            self._transport.abort()
            return
        if now - min(self._spoke, self._heard) >= every / 2:
            self.write(codec.PINGREQ)
        self._timer = self._loop.call_later(every / 4, self._ping)

    def data_received(self, data: bytes) -> None:
        self._heard = self._loop.time()
        self._decoder.feed(data)
        try:
            while (packet := self._decoder.next()) is not None:
                match packet:
                    case Ack():
                        self._client.answered(packet)
                    case ConnAck():
                        self._client.welcomed(packet, self)
                    case Disconnect():
                        _logger.info("sent away", reason=packet.reason, text=packet.properties.get("reason_string"))
                        self.leave()
                    case Pong():
                        pass
        except ProtocolError as e:
            _logger.warning("the endpoint broke the protocol", detail=e.detail)
            self._transport.abort()

    def leave(self) -> None:
        if not self._transport.is_closing():
            self._transport.write(codec.disconnect(self._client.version))
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer:
            self._timer.cancel()
        self._client.disconnected(self)


class BlockingDevice:
    """A DeviceClient for code without a loop: it runs in a thread of its own."""

    def __init__(self, host: str, port: int, token: str, **options: Any) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="device", daemon=True)
        self._thread.start()
        self._client = self._call(self._make(host, port, token, options))

    @staticmethod
    async def _make(host: str, port: int, token: str, options: dict[str, Any]) -> DeviceClient:
        client = DeviceClient(host, port, token, **options)
        await client.connect()
        return client

    def _call(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    @property
    def counters(self) -> Counters:
        return self._client.counters

    def send(self, topic: str, payload: bytes | Any) -> None:
        """Send one message, waiting for room in the window."""
        self._call(self._client.send(topic, payload))

    def drain(self) -> None:
        """Wait until everything sent is acknowledged."""
        self._call(self._client.drain())

    def close(self) -> None:
        self._call(self._client.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def __enter__(self) -> BlockingDevice:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
