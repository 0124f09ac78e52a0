"""What goes wrong with an OPC UA server, as people are told it."""

from __future__ import annotations

import errno
import re
import socket
import struct
from typing import Any

from asyncua import ua
from cryptography.exceptions import InvalidSignature

from headworks.base.errors import AuthFailed, Fault, HeadworksError, Invalid, NotReady

LIBRARY_ERRORS = (ua.UaError, OSError, EOFError, ValueError, struct.error, InvalidSignature)
"""What the library raises when a server is away, refuses, or answers with what cannot be decoded or verified. Anything else
is a bug, and not to be told as a fault of the server."""


class Unreachable(NotReady):
    """The endpoint's address cannot be connected to; `reason` is the system's name of the error.
    -> docs/errors/opcua.unreachable.md"""

    code = "opcua.unreachable"


class PortClosed(Unreachable):
    """The host is there and nothing listens at the port. -> docs/errors/opcua.port_closed.md"""

    code = "opcua.port_closed"


class NoRoute(Unreachable):
    """No way leads to the host. -> docs/errors/opcua.no_route.md"""

    code = "opcua.no_route"


class HostUnknown(Unreachable):
    """The name of the host cannot be resolved. -> docs/errors/opcua.host_unknown.md"""

    code = "opcua.host_unknown"


class Closed(NotReady):
    """The server took the connection and closed it again. -> docs/errors/opcua.closed.md"""

    code = "opcua.closed"


class Silent(NotReady):
    """The server does not answer, or not even its host. -> docs/errors/opcua.silent.md"""

    code = "opcua.silent"


class Lost(NotReady):
    """The connection ended in the middle of a question. -> docs/errors/opcua.lost.md"""

    code = "opcua.lost"


class Refused(NotReady):
    """The server answered with a status we have no better word for. -> docs/errors/opcua.refused.md"""

    code = "opcua.refused"


class Unreadable(NotReady):
    """The server's answer cannot be decoded or verified. -> docs/errors/opcua.unreadable.md"""

    code = "opcua.unreadable"


class Failed(Fault):
    """We failed, not the server. -> docs/errors/opcua.failed.md"""

    code = "opcua.failed"


class NotConnected(NotReady):
    """The source has no session now; `reason` is the code of its last error. -> docs/errors/opcua.not_connected.md"""

    code = "opcua.not_connected"


class NoEndpoint(Invalid):
    """The server does not offer this security. -> docs/errors/opcua.no_endpoint.md"""

    code = "opcua.no_endpoint"


class CertificateChanged(AuthFailed):
    """The server shows another certificate than the accepted one. -> docs/errors/opcua.certificate_changed.md"""

    code = "opcua.certificate_changed"


class CertificateNotAccepted(AuthFailed):
    """Nobody has accepted the server's certificate yet. -> docs/errors/opcua.certificate_not_accepted.md"""

    code = "opcua.certificate_not_accepted"


class ClientNotTrusted(AuthFailed):
    """The server does not trust our certificate. -> docs/errors/opcua.client_not_trusted.md"""

    code = "opcua.client_not_trusted"


class SignInRefused(AuthFailed):
    """The server refuses this user, or anonymous sessions. -> docs/errors/opcua.login_refused.md"""

    code = "opcua.login_refused"


class PasswordInClear(AuthFailed):
    """The server wants the password unprotected. -> docs/errors/opcua.password_in_clear.md"""

    code = "opcua.password_in_clear"


class NodeInvalid(Invalid):
    """A text is no node id. -> docs/errors/opcua.node_invalid.md"""

    code = "opcua.node_invalid"


class NodeUnknown(Invalid):
    """The server has no such node. -> docs/errors/opcua.node_unknown.md"""

    code = "opcua.node_unknown"


_LOGIN = {
    ua.StatusCodes.BadUserAccessDenied,
    ua.StatusCodes.BadIdentityTokenInvalid,
    ua.StatusCodes.BadIdentityTokenRejected,
}
_NOT_TRUSTED = {
    ua.StatusCodes.BadSecurityChecksFailed,
    ua.StatusCodes.BadCertificateUntrusted,
    ua.StatusCodes.BadCertificateInvalid,
    ua.StatusCodes.BadCertificateUseNotAllowed,
    ua.StatusCodes.BadCertificateUriInvalid,
    ua.StatusCodes.BadCertificateTimeInvalid,
}
_NO_ROUTE = {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN}
# A host with several addresses fails with the texts of all attempts in one error without a number.
_NUMBER = re.compile(r"\[Errno (-?\d+)\]")


def status_name(code: int) -> str:
    """Return the name of a status as the specification writes it (``BadNodeIdUnknown``), whatever its info bits."""
    return str(ua.status_codes.get_name_and_doc(code & 0xFFFF_0000)[0])


def of(
    error: BaseException, *, endpoint: str, username: str = "", secured: bool = False, node: str = ""
) -> HeadworksError:
    """Return what a failure of the library means. No text of the library or the system is part of it: those are for the log.

    Parameters
    ----------
    endpoint : whom we talked to
    username : "" for an anonymous session
    secured : the channel carries certificates, so a connection the server just closes may mean that it distrusts ours
    node : the node that was asked about; then a connection that ends is :class:`Lost`
    """
    about: dict[str, Any] = {"endpoint": endpoint}
    if isinstance(error, HeadworksError):
        return error
    if isinstance(error, ua.UaStatusCodeError):
        code = int(error.code or 0)
        name = status_name(code)
        if code in _LOGIN:
            return SignInRefused(username=username or "anonymous", status=name, **about)
        if code in _NOT_TRUSTED:
            return ClientNotTrusted(status=name, **about)
        if code in (ua.StatusCodes.BadNodeIdUnknown, ua.StatusCodes.BadNodeIdInvalid):
            return NodeUnknown(node=node, status=name, **about)
        if code in (ua.StatusCodes.BadSecureChannelClosed, ua.StatusCodes.BadConnectionClosed) and node:
            return Lost(node=node, **about)
        return Refused(status=name, **about)
    if isinstance(error, OSError | EOFError):
        return Lost(node=node, **about) if node else _of_connection(error, secured, about)
    if isinstance(error, LIBRARY_ERRORS):
        return Unreadable(kind=type(error).__name__, **about)
    return Failed(kind=type(error).__name__, **about)


def _of_connection(error: OSError | EOFError, secured: bool, about: dict[str, Any]) -> HeadworksError:
    """Return what a connection means that was not made, or ended before there was a session."""
    number = _number(error)
    if isinstance(error, TimeoutError) or number == errno.ETIMEDOUT:
        return Silent(**about)
    if isinstance(error, socket.gaierror):
        return HostUnknown(**about)
    if number == errno.ECONNREFUSED:
        return PortClosed(**about)
    if number in _NO_ROUTE:
        return NoRoute(**about)
    if isinstance(error, ConnectionError | EOFError):
        # Who distrusts a certificate often closes without a word.
        return ClientNotTrusted(status="BadConnectionClosed", **about) if secured else Closed(**about)
    return Unreachable(reason=errno.errorcode.get(number, type(error).__name__), **about)


def _number(error: BaseException) -> int:
    """Return the system's number of an error, 0 if there is none."""
    if isinstance(error, OSError) and error.errno:
        return error.errno
    found = _NUMBER.search(str(error))
    return int(found[1]) if found else 0
