"""What goes wrong with an OPC UA server, as people are told it."""

from __future__ import annotations

import asyncio
from typing import Any

from asyncua import ua

from headworks.base.errors import AuthFailed, HeadworksError, Invalid, NotReady


class Unreachable(NotReady):
    """Nothing answers at the endpoint's address. -> docs/errors/opcua.unreachable.md"""

    code = "opcua.unreachable"


class Silent(NotReady):
    """The server took the connection and does not answer. -> docs/errors/opcua.silent.md"""

    code = "opcua.silent"


class Lost(NotReady):
    """The connection ended in the middle of a question. -> docs/errors/opcua.lost.md"""

    code = "opcua.lost"


class Refused(NotReady):
    """The server answered with a status we have no better word for. -> docs/errors/opcua.refused.md"""

    code = "opcua.refused"


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
_ENDED = (ConnectionError, EOFError)


def status_name(code: int) -> str:
    """Return the name of a status as the specification writes it (``BadNodeIdUnknown``), whatever its info bits."""
    return str(ua.status_codes.get_name_and_doc(code & 0xFFFF_0000)[0])


def of(
    error: BaseException, *, endpoint: str, username: str = "", secured: bool = False, node: str = ""
) -> HeadworksError:
    """Return what a failure of the library means.

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
            return Lost(node=node, reason=name, **about)
        return Refused(status=name, **about)
    if isinstance(error, TimeoutError | asyncio.CancelledError):
        return Lost(node=node, reason="no answer", **about) if node else Silent(**about)
    if node and isinstance(error, OSError | EOFError | ua.UaError):
        return Lost(node=node, reason=str(error) or type(error).__name__, **about)
    if (
        secured
        and isinstance(error, _ENDED)
        and "refused" not in str(error).lower()
        and "Connect call" not in str(error)
    ):
        return ClientNotTrusted(status=str(error) or "closed", **about)
    if isinstance(error, OSError):
        return Unreachable(reason=str(error) or type(error).__name__, **about)
    return Refused(status=str(error)[:200] or type(error).__name__, **about)
