"""Why a server cannot be used, in words people understand: no text of a library or the system among them."""

from __future__ import annotations

import asyncio
import errno
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from asyncua import ua

from headworks.base import i18n
from headworks.base.errors import HeadworksError
from headworks.connect.opcua import errors, session

pytestmark = pytest.mark.feature("PLT-03")

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
TWO_ADDRESSES = "Multiple exceptions: [Errno 111] Connect call failed ('::1', 1, 0, 0), [Errno 111] Connect call failed"


def in_words(error: HeadworksError) -> str:
    """Return the Chinese text, which names nothing but what it was given and words of its own."""
    for language in ("zh-CN", "en"):
        said = i18n.text(f"errors.{error.error_code}", language, **error.params)
        assert "Errno" not in said
        assert "Connect call" not in said
    return i18n.text(f"errors.{error.error_code}", "zh-CN", **error.params)


@pytest.mark.parametrize(
    ("failure", "secured", "code"),
    [
        (ConnectionRefusedError(errno.ECONNREFUSED, "Connect call failed ('10.0.0.1', 1)"), False, "port_closed"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "Connect call failed ('10.0.0.1', 1)"), True, "port_closed"),
        (OSError(TWO_ADDRESSES), True, "port_closed"),
        (OSError(errno.EHOSTUNREACH, "No route to host"), False, "no_route"),
        (OSError(errno.ENETUNREACH, "Network is unreachable"), False, "no_route"),
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), False, "host_unknown"),
        (TimeoutError(), False, "silent"),
        (TimeoutError(errno.ETIMEDOUT, "Connect call failed"), False, "silent"),
        (ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"), False, "closed"),
        (ConnectionError("connection lost"), False, "closed"),
        (ConnectionError("Connection is closed"), True, "client_not_trusted"),
        (OSError(errno.EMFILE, "Too many open files"), False, "unreachable"),
        (ua.UaStatusCodeError(ua.StatusCodes.BadTooManySessions), False, "refused"),
        (ua.UaError("No request found for request id: 7"), False, "unreadable"),
        (struct.error("unpack requires a buffer of 4 bytes"), False, "unreadable"),
        (AttributeError("'NoneType' object has no attribute 'x'"), False, "failed"),
    ],
)
def test_every_failure_of_a_connection_has_its_own_words(failure: Exception, secured: bool, code: str) -> None:
    said = errors.of(failure, endpoint="opc.tcp://10.0.0.1:1", secured=secured)
    assert said.error_code == f"opcua.{code}"
    text = in_words(said)
    assert "opc.tcp://10.0.0.1:1" in text
    assert (str(failure) or "TimeoutError") not in text


@pytest.mark.parametrize(
    "failure", [ConnectionError("Connection is closed"), TimeoutError(), OSError(errno.ECONNRESET, "reset by peer")]
)
def test_a_connection_that_ends_while_a_node_is_read_is_lost(failure: Exception) -> None:
    said = errors.of(failure, endpoint="opc.tcp://a:1", node="ns=2;s=P")
    assert (said.error_code, said.params) == ("opcua.lost", {"endpoint": "opc.tcp://a:1", "node": "ns=2;s=P"})
    assert in_words(said) == (
        "读取 opc.tcp://a:1 的节点 ns=2;s=P 时连接中断。没有保留任何不完整的结果，请在服务器恢复后重试。"
    )


@asynccontextmanager
async def peer(serve: Serve) -> AsyncIterator[str]:
    """Give the endpoint of something that listens and is no OPC UA server."""
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"opc.tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(8)
    writer.close()


async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()


@pytest.mark.integration
@pytest.mark.parametrize(("serve", "code"), [(hang_up, "opcua.closed"), (say_nothing, "opcua.silent")])
async def test_a_look_at_what_is_no_server_says_what_it_does(
    serve: Serve, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "ANSWER_SECONDS", 0.5)
    async with peer(serve) as endpoint:
        with pytest.raises(HeadworksError) as e:
            await session.look(endpoint)
    assert e.value.error_code == code
    assert endpoint in in_words(e.value)


@pytest.mark.integration
async def test_a_look_where_nothing_listens_or_nobody_is_called_so() -> None:
    for endpoint, code in (
        ("opc.tcp://127.0.0.1:1", "opcua.port_closed"),
        ("opc.tcp://no-such-host.invalid:4840", "opcua.host_unknown"),
    ):
        with pytest.raises(HeadworksError) as e:
            await session.look(endpoint)
        assert e.value.error_code == code
        assert endpoint in in_words(e.value)


async def test_a_bug_is_not_told_as_a_fault_of_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(_: object) -> None:
        raise AttributeError("ours")

    monkeypatch.setattr(session.Client, "connect_and_get_server_endpoints", broken)
    with pytest.raises(AttributeError):
        await session.look("opc.tcp://127.0.0.1:1")
