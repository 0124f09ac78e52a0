"""The MQTT endpoint: who is connected, who may, and what changes when a plan does."""

from __future__ import annotations

import asyncio

from headworks.base import log
from headworks.base.clock import Clock
from headworks.base.errors import SetupFailed
from headworks.connect.codecs.mqtt_wire import ProtocolError, Reason
from headworks.connect.devices import Device, Registry
from headworks.connect.ingest import Ingest
from headworks.connect.mqtt.connection import Connection
from headworks.connect.notices import NOWHERE, Events

MOST_CONNECTIONS = 20_000
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 10.0
_FORGIVEN_AFTER = 60.0
_MOST_PENDING = 64
_MOST_ADDRESSES = 10_000
_STEP_SECONDS = 0.02
_logger = log.get(__name__)


class BackOff:
    """How long addresses that keep failing to log in wait for their answer: 0.1 s, doubled up to 10 s."""

    def __init__(self) -> None:
        self._failures: dict[str, tuple[int, float]] = {}
        self._pending: dict[str, int] = {}

    def failed(self, address: str, now: float) -> float | None:
        """Count a failure and return the pause [s]; None if too many of this address already wait."""
        count, at = self._failures.get(address, (0, now))
        if now - at > _FORGIVEN_AFTER:
            count = 0
        if len(self._failures) >= _MOST_ADDRESSES:
            self._failures.clear()
        self._failures[address] = (count + 1, now)
        if self._pending.get(address, 0) >= _MOST_PENDING:
            return None
        self._pending[address] = self._pending.get(address, 0) + 1
        return float(min(_FIRST_PAUSE * 2 ** min(count, 16), _LONGEST_PAUSE))

    def answered(self, address: str) -> None:
        """One that waited has gone."""
        left = self._pending.get(address, 0) - 1
        if left > 0:
            self._pending[address] = left
        else:
            self._pending.pop(address, None)


class MqttEndpoint:
    """Listens for devices."""

    def __init__(self, registry: Registry, ingest: Ingest, events: Events, clock: Clock) -> None:
        self.registry = registry
        self.ingest = ingest
        self._events = events
        self._clock = clock
        self._connections: set[Connection] = set()
        self._sessions: dict[tuple[str, str, str], Connection] = {}
        self._waiting_logins: set[Connection] = set()
        self._back_off = BackOff()
        self._server: asyncio.Server | None = None
        self.failed_logins = 0
        self.protocol_errors = 0

    async def start(self, host: str, port: int) -> int:
        """Listen; return the port (that was chosen, if `port` is 0).

        Raises
        ------
        SetupFailed
            ``setup.port_taken``
        """
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(lambda: Connection(self), host, port, backlog=1024)
        except OSError as e:
            raise SetupFailed("setup.port_taken", role="connect", host=host, port=port) from e
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self, within: float) -> None:
        """Take nothing more in, answer what is stored within `within` s, then close every connection."""
        if self._server is not None:
            self._server.close()
        for connection in self._connections:
            connection.stop_reading()
        end = asyncio.get_running_loop().time() + within
        while not all(c.settled for c in self._connections) and asyncio.get_running_loop().time() < end:  # noqa: ASYNC110
            await asyncio.sleep(_STEP_SECONDS)
        for connection in list(self._connections):
            connection.dismiss(Reason.SERVER_SHUTTING_DOWN, "the endpoint stops")
        await asyncio.sleep(0)

    @property
    def connected(self) -> int:
        """Devices that are logged in."""
        return len(self._sessions)

    @property
    def crowded(self) -> bool:
        return len(self._connections) > MOST_CONNECTIONS

    def devices(self) -> set[str]:
        """Codes of the devices that are connected."""
        return {code for _, code, _ in self._sessions}

    def plans_changed(self) -> None:
        """Give every connection its device as the plans now say; send away those that are in none, or whose token is not."""
        for connection in list(self._sessions.values()):
            assert connection.device is not None
            device = self.registry.current(connection.device)
            if device is None:
                connection.dismiss(Reason.ADMINISTRATIVE_ACTION, "the device or its token is no longer in the plan")
            else:
                connection.device = device

    # --- what connections report ----------------------------------------------------------------------------------

    def opened(self, connection: Connection) -> None:
        self._connections.add(connection)

    def closed(self, connection: Connection) -> None:
        self._connections.discard(connection)
        if connection in self._waiting_logins:
            self._waiting_logins.discard(connection)
            self._back_off.answered(connection.address)
        device = connection.device
        if device is None:
            return
        key = (device.partition, device.code, connection.client_id)
        if self._sessions.get(key) is connection:
            del self._sessions[key]
            self._events.say("device.disconnected", device.partition, device=device.code, address=connection.address)

    def admitted(self, connection: Connection) -> None:
        """Take a connection in. The same device with the same client id takes over from its older connection."""
        device = connection.device
        assert device is not None
        key = (device.partition, device.code, connection.client_id)
        older = self._sessions.get(key)
        self._sessions[key] = connection
        device.tally.last_seen = self._clock.now()
        if older is not None:
            older.dismiss(Reason.SESSION_TAKEN_OVER, "the same client id connected again")
        else:
            self._events.say("device.connected", device.partition, device=device.code, address=connection.address)

    def bad_login(self, connection: Connection, username: str) -> float | None:
        """Count a failed login; return the pause before its answer [s], None to drop it without one."""
        self.failed_logins += 1
        # The user name may be somebody's mistyped token: it is not told.
        self._events.say(
            "device.login_failed", NOWHERE, device="", about=connection.address, address=connection.address
        )
        pause = self._back_off.failed(connection.address, asyncio.get_running_loop().time())
        if pause is not None:
            self._waiting_logins.add(connection)
        return pause

    def refused_subscription(self, device: Device, pattern: str) -> None:
        self.ingest.refused += 1
        device.tally.refused += 1
        shown = pattern[:120]
        self._events.say(
            "device.refused",
            device.partition,
            device=device.code,
            about=shown,
            topic=shown,
            reason="a device hears only what is meant for it",
        )

    def protocol_error(self, connection: Connection, error: ProtocolError) -> None:
        self.protocol_errors += 1
        device = connection.device
        _logger.info(
            "protocol error",
            address=connection.address,
            device=device.code if device else None,
            detail=error.detail,
        )
        self._events.say(
            "device.protocol_error",
            device.partition if device else NOWHERE,
            device=device.code if device else "",
            about=connection.address,
            address=connection.address,
            reason=error.detail,
        )
