"""The WebSocket ``/ws/live`` as an ASGI application.

A connection is let in with the session cookie of a logged-in user and an Origin of this site. It stays for as long as
that session and the rights of the user stay what they were; then it is closed with 4401 and the page logs in again.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any
from urllib.parse import urlsplit

import msgspec

from headworks import __version__
from headworks.base import log
from headworks.control.live import records
from headworks.control.live.client import BAD_REQUEST, FORBIDDEN, TOO_SLOW, UNAUTHORISED, Client
from headworks.control.live.hub import Hub, encode
from headworks.control.live.identity import Topic

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

MAX_TAGS = 5000
MAX_CLIENTS = 2000
ABORT_AFTER_S = 1.0
_logger = log.get(__name__)


class Tags(msgspec.Struct, tag_field="op", tag="tags"):
    """Follow these tags, and no others."""

    ids: Annotated[list[Annotated[int, msgspec.Meta(ge=0, lt=1 << 32)]], msgspec.Meta(max_length=MAX_TAGS)]


class Alarms(msgspec.Struct, tag_field="op", tag="alarms"):
    """Follow alarms, their summary and the health of the assets (or stop)."""

    on: bool = True


class System(msgspec.Struct, tag_field="op", tag="system"):
    """Follow the state of the platform itself (or stop)."""

    on: bool = True


class Health(msgspec.Struct, tag_field="op", tag="health"):
    """Follow only the health of the assets (or stop)."""

    on: bool = True


_requests = msgspec.json.Decoder(Tags | Alarms | System | Health)
_TOPICS: dict[type, Topic] = {Tags: "tags", Alarms: "alarms", Health: "health", System: "system"}


class LiveSocket:
    """The ASGI application; `origins` are allowed besides the host that was asked."""

    def __init__(self, hub: Hub, origins: Sequence[str] = ()) -> None:
        self._hub = hub
        self._origins = {o.rstrip("/").lower() for o in origins}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (await receive())["type"] != "websocket.connect":
            return
        headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in scope["headers"]}
        if not self._origin_allowed(scope, headers):
            _logger.warning("live connection refused: origin", origin=headers.get("origin"), host=headers.get("host"))
            await send({"type": "websocket.close", "code": 1008})
            return
        identity = await self._hub.call(records.identify, headers.get("cookie", ""))
        await send({"type": "websocket.accept"})
        if identity is None:
            await self._bye(send, UNAUTHORISED)
            return
        if len(self._hub.clients) >= MAX_CLIENTS:
            await self._bye(send, 1013)
            return
        client = Client(identity)
        self._hub.clients.add(client)
        try:
            client.offer(encode({"type": "hello", "version": __version__}))
            await self._serve(client, scope, receive, send)
        finally:
            self._hub.clients.discard(client)

    async def _serve(self, client: Client, scope: Scope, receive: Receive, send: Send) -> None:
        """Write and read until the browser leaves or the client has to go."""
        writing = asyncio.create_task(self._write(client, send))
        reading = asyncio.create_task(self._read(client, receive))
        closing = asyncio.create_task(client.closing.wait())
        tasks = {writing, reading, closing}
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
        for result in results:  # OSError: the browser is gone, which is no failure
            if isinstance(result, Exception) and not isinstance(result, OSError):
                raise result
        if client.close_code is not None:
            if client.close_code == TOO_SLOW:
                _logger.warning("live client too slow, closed", user=client.identity.username)
            try:
                await asyncio.wait_for(self._bye(send, client.close_code), ABORT_AFTER_S)
            except TimeoutError:
                # It does not even take the goodbye: its buffer would stay in memory for as long as it likes.
                if (abort := scope.get("extensions", {}).get("headworks.abort")) is not None:
                    abort["now"]()

    @staticmethod
    async def _write(client: Client, send: Send) -> None:
        while True:
            await send({"type": "websocket.send", "text": await client.next_frame()})

    async def _read(self, client: Client, receive: Receive) -> None:
        while True:
            message = await receive()
            if message["type"] == "websocket.disconnect":
                return
            try:
                request = _requests.decode(message.get("text") or message.get("bytes") or b"")
            except msgspec.DecodeError as e:
                _logger.info("live request refused", user=client.identity.username, error=str(e))
                client.close(BAD_REQUEST)
                return
            await self._handle(client, request)

    async def _handle(self, client: Client, request: Tags | Alarms | System | Health) -> None:
        if not client.identity.may(_TOPICS[type(request)]):
            client.close(FORBIDDEN)
            return
        match request:
            case Tags(ids):
                self._hub.subscribe_tags(client, ids)
            case Alarms(True):
                await self._hub.subscribe_alarms(client)
            case Alarms(False):
                client.alarms = False
            case System(True):
                await self._hub.subscribe_system(client)
            case System(False):
                client.system = False
            case Health(on):
                client.health = on
                if on:
                    client.offer(encode({"type": "health", "items": self._hub.asset_health()}))

    @staticmethod
    async def _bye(send: Send, code: int) -> None:
        """Say why, then close with `code`. The frame is for pages, which do not always get to see the code."""
        with contextlib.suppress(OSError, RuntimeError):  # the other side may have left meanwhile: it is closed then
            await send({"type": "websocket.send", "text": encode({"type": "bye", "code": code})})
            await send({"type": "websocket.close", "code": code})

    def _origin_allowed(self, scope: Scope, headers: dict[str, str]) -> bool:
        """Browsers send the Origin of the page; another site's page must not ride on the cookie."""
        origin = headers.get("origin", "").rstrip("/").lower()
        if not origin:
            return False
        return origin in self._origins or urlsplit(origin).netloc == headers.get("host", "").lower()
