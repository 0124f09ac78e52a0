"""A real OPC UA server of a small plant, in a thread of its own, and a wire to it that a test may cut or freeze."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Coroutine
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from asyncua import Server, ua
from asyncua.crypto.cert_gen import setup_self_signed_certificate
from asyncua.crypto.permission_rules import User, UserRole
from cryptography.x509.oid import ExtendedKeyUsageOID

T = TypeVar("T")
USER, PASSWORD = "operator", "right password"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
VARIABLES = 250
NAMESPACE = "urn:test:plant"


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


class _Users:
    """Anonymous sessions and one user."""

    def get_user(
        self, iserver: Any, username: Any = None, password: Any = None, certificate: Any = None
    ) -> User | None:
        if username is None or (username, password) == (USER, PASSWORD):
            return User(role=UserRole.User)
        return None


class Plant:
    """The server. What it serves below Objects, namespace 2::

    Unit (folder) / P (℃, 0…100), T0 … T249 (Double), Run (Boolean), Count (Int32), Bad (status), Name (String),
                    List (Double[]), Loop / Inner (an object that refers back to Unit)
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.server: Any = None
        self.do(self._certificate())
        self.do(self.start())

    @property
    def endpoint(self) -> str:
        return f"opc.tcp://127.0.0.1:{self.port}"

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something in the server's thread."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def _certificate(self) -> None:
        await setup_self_signed_certificate(
            self.folder / "key.pem",
            self.folder / "cert.der",
            "urn:test:server",
            "localhost",
            [ExtendedKeyUsageOID.SERVER_AUTH],
            {},
        )

    async def start(self) -> None:
        server = self.server = Server(user_manager=_Users())  # type: ignore[arg-type]
        await server.init()
        server.set_endpoint(self.endpoint)
        await server.set_application_uri("urn:test:server")
        await server.load_certificate(self.folder / "cert.der")
        await server.load_private_key(self.folder / "key.pem")
        policies = ua.SecurityPolicyType
        server.set_security_policy(
            [
                policies.NoSecurity,
                policies.Basic256Sha256_Sign,
                policies.Basic256Sha256_SignAndEncrypt,
                policies.Aes256Sha256RsaPss_SignAndEncrypt,
            ]
        )
        index = await server.register_namespace(NAMESPACE)
        assert index == 2
        unit = await server.nodes.objects.add_folder(ua.NodeId("Unit", 2), "2:Unit")
        p = await unit.add_variable(ua.NodeId("P", 2), "2:P", 20.0)
        celsius = ua.EUInformation(UnitId=4408652, DisplayName=ua.LocalizedText("°C"), NamespaceUri="http://unece")
        await p.add_property(0, "EngineeringUnits", celsius)
        await p.add_property(0, "EURange", ua.Range(Low=0.0, High=100.0))
        for i in range(VARIABLES):
            await unit.add_variable(ua.NodeId(f"T{i}", 2), f"2:T{i}", float(i))
        await unit.add_variable(ua.NodeId("Run", 2), "2:Run", True)
        await unit.add_variable(ua.NodeId("Count", 2), "2:Count", 7, ua.VariantType.Int32)
        await unit.add_variable(ua.NodeId("Bad", 2), "2:Bad", 1.0)
        await unit.add_variable(ua.NodeId("Name", 2), "2:Name", "pump")
        await unit.add_variable(ua.NodeId("List", 2), "2:List", [1.0, 2.0])
        loop = await unit.add_object(ua.NodeId("Loop", 2), "2:Loop")
        inner = await loop.add_object(ua.NodeId("Inner", 2), "2:Inner")
        await inner.add_reference(unit, ua.ObjectIds.Organizes)
        await server.start()
        await self._write("Bad", 1.0, None, 0x808C0000)

    async def stop(self) -> None:
        await self.server.stop()

    async def _write(self, name: str, value: Any, at: datetime | None, status: int, server_at: Any = None) -> None:
        variant = value if isinstance(value, ua.Variant) else ua.Variant(value)
        data = ua.DataValue(variant, StatusCode=ua.StatusCode(status), SourceTimestamp=at, ServerTimestamp=server_at)
        await self.server.write_attribute_value(ua.NodeId(name, 2), data)

    def write(
        self, name: str, value: Any, at: int | None = None, status: int = 0, server_at: int | None = None
    ) -> None:
        """Write a variable with a source time [µs] (None: without one) and a status."""
        moments = [None if t is None else EPOCH + timedelta(microseconds=t) for t in (at, server_at)]
        self.do(self._write(name, value, moments[0], status, moments[1]))

    def write_all(self, names: list[str], value: float, at: int) -> None:
        async def work() -> None:
            for n in names:
                await self._write(n, value, EPOCH + timedelta(microseconds=at), 0)

        self.do(work())

    async def _end(self) -> None:
        """Stop, and end what the library leaves running of sessions that were cut."""
        with suppress(Exception):
            await self.stop()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def close(self) -> None:
        self.do(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)


class Wire:
    """A TCP connection to the server that may be frozen (nothing passes, nothing closes) or cut."""

    def __init__(self, to: int) -> None:
        self._to = to
        self.port = 0
        self.frozen = asyncio.Event()
        self.cut_after: int | None = None
        self.answers = 0
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    @property
    def endpoint(self) -> str:
        return f"opc.tcp://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Wire:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()
        for t in self._tasks:
            t.cancel()

    def cut(self) -> None:
        """Close every connection; new ones are taken."""
        for w in self._writers:
            w.transport.abort()
        self._writers.clear()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._to)
        self._writers |= {writer, back}
        for source, sink, counted in ((reader, back, False), (there, writer, True)):
            task = asyncio.create_task(self._pass_on(source, sink, counted))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pass_on(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, counted: bool) -> None:
        while data := await source.read(65536):
            while self.frozen.is_set():  # noqa: ASYNC110
                await asyncio.sleep(0.02)
            if counted:
                self.answers += 1
                if self.cut_after is not None and self.answers > self.cut_after:
                    self.cut()
                    return
            sink.write(data)
            await sink.drain()
        sink.close()
