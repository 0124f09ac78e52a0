"""A session with an OPC UA server: which security, whose certificate, which user. And what a server offers at all."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from asyncua import Client, ua
from asyncua.crypto import security_policies, uacrypto
from cryptography import x509

from headworks.base import log
from headworks.base.clock import Clock, micros
from headworks.base.sealing import unseal
from headworks.base.settings import Home
from headworks.bus.plan import OpcUaSource
from headworks.connect.opcua import errors, identity

ANSWER_SECONDS = 4.0
CLOSE_SECONDS = 1.0
_SESSION_MS = 60_000
_PROBE_SECONDS = 5.0
_logger = log.get(__name__)
# What the library logs we say ourselves, in the words of the platform; a wrong password is no traceback.
logging.getLogger("asyncua").setLevel(logging.CRITICAL + 1)

POLICIES: dict[str, type[security_policies.SecurityPolicy]] = {
    "None": security_policies.SecurityPolicyNone,
    "Basic256Sha256": security_policies.SecurityPolicyBasic256Sha256,
    "Aes128_Sha256_RsaOaep": security_policies.SecurityPolicyAes128Sha256RsaOaep,
    "Aes256_Sha256_RsaPss": security_policies.SecurityPolicyAes256Sha256RsaPss,
}
_NAMES = {policy.URI: name for name, policy in POLICIES.items()}
_IDENTITIES = {
    ua.UserTokenType.Anonymous: "anonymous",
    ua.UserTokenType.UserName: "username",
    ua.UserTokenType.Certificate: "certificate",
    ua.UserTokenType.IssuedToken: "token",
}


@dataclass(frozen=True, slots=True)
class Login:
    """An opened plan entry: as :class:`OpcUaSource`, with the password as the server needs it and who we are."""

    source: OpcUaSource
    password: str
    me: identity.Identity

    @property
    def secured(self) -> bool:
        return self.source.policy != "None"


def login(source: OpcUaSource, home: Home, clock: Clock) -> Login:
    """Return `source` with what this installation keeps secret.

    Raises
    ------
    SetupFailed
        ``setup.unsealable``, ``opcua.identity_unreadable``
    """
    return Login(source, unseal(home, source.password), identity.load(home, clock))


def sha256(certificate: bytes) -> str:
    return hashlib.sha256(certificate).hexdigest()


def first_certificate(der: bytes | None) -> bytes:
    """Return the server's own certificate of what may be a chain; b"" for none."""
    found = uacrypto.x509_from_der(der) if der else None
    return bytes(uacrypto.der_from_x509(found)) if found else b""


def _client(endpoint: str) -> Client:
    client = Client(endpoint, timeout=ANSWER_SECONDS, watchdog_intervall=_PROBE_SECONDS)
    client.name = client.description = "Headworks"
    client.product_uri = "urn:headworks"
    client.session_timeout = _SESSION_MS
    client.set_locale(["zh-CN", "en"])
    return client


@asynccontextmanager
async def opened(login: Login) -> AsyncIterator[Client]:
    """Give a client with an active session; the session is closed, and the socket whatever happens.

    Raises
    ------
    HeadworksError
        One of ``opcua.*`` that says why there is no session.
    """
    client, secured = _client(login.source.endpoint), False
    try:
        offered = await client.connect_and_get_server_endpoints()
        await _secure(client, login, _choose(offered, login))
        secured = login.secured
        await client.connect()
    except errors.LIBRARY_ERRORS as e:
        client.disconnect_socket()
        raise errors.of(e, endpoint=login.source.endpoint, username=login.source.username, secured=secured) from e
    except BaseException:
        client.disconnect_socket()
        raise
    try:
        yield client
    finally:
        await close(client)


async def close(client: Client) -> None:
    """End a session; a server that does not answer does not keep us."""
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            await client.disconnect()
    except Exception:
        # Whatever it is, the socket is closed below: what was done in the session is not undone by how it ends.
        _logger.info("session not closed in order", exc_info=True)
    finally:
        client.disconnect_socket()


def _choose(offered: Sequence[ua.EndpointDescription], login: Login) -> ua.EndpointDescription:
    source = login.source
    policy, mode = POLICIES[source.policy].URI, ua.MessageSecurityMode[_mode(source.mode)]
    for e in offered:
        if e.SecurityPolicyUri == policy and e.SecurityMode == mode and str(e.EndpointUrl).startswith("opc.tcp://"):
            break
    else:
        shown = sorted({f"{_NAMES.get(e.SecurityPolicyUri, e.SecurityPolicyUri)}/{_mode_name(e)}" for e in offered})
        raise errors.NoEndpoint(
            endpoint=source.endpoint, policy=source.policy, mode=source.mode, offered=", ".join(shown)
        )
    if source.username and not _protected(e, source):
        raise errors.PasswordInClear(endpoint=source.endpoint, username=source.username)
    return e


def _mode(mode: str) -> str:
    return {"None": "None_"}.get(mode, mode)


def _mode_name(e: ua.EndpointDescription) -> str:
    return "None" if e.SecurityMode == ua.MessageSecurityMode.None_ else e.SecurityMode.name


def _protected(e: ua.EndpointDescription, source: OpcUaSource) -> bool:
    """Whether a password sent to this endpoint is encrypted: by the channel, or by the token's own policy."""
    if source.mode == "SignAndEncrypt":
        return True
    for token in e.UserIdentityTokens or ():
        if token.TokenType == ua.UserTokenType.UserName:
            return (token.SecurityPolicyUri or e.SecurityPolicyUri) != POLICIES["None"].URI
    return True  # it takes no user name at all: the server will say so


async def _secure(client: Client, login: Login, chosen: ua.EndpointDescription) -> None:
    """Set up channel, identity and user; refuse a certificate that nobody has accepted."""
    source = login.source
    shown = first_certificate(chosen.ServerCertificate)
    if login.secured or (source.username and source.mode != "SignAndEncrypt"):
        _check_pin(shown, source)
    if login.secured:
        client.application_uri = login.me.uri
        await client.set_security(
            POLICIES[source.policy],
            certificate=login.me.certificate,
            private_key=login.me.key,
            server_certificate=shown,
            mode=ua.MessageSecurityMode[source.mode],
        )
    if source.username:
        client.set_user(source.username)
        client.set_password(login.password)

        async def check(found: x509.Certificate, _: ua.ApplicationDescription) -> None:
            # The password is encrypted for the certificate of the session's answer, which need not be the one above.
            _check_pin(bytes(uacrypto.der_from_x509(found)), source)

        client.certificate_validator = check


def _check_pin(shown: bytes, source: OpcUaSource) -> None:
    found = sha256(shown) if shown else ""
    if not source.server_certificate:
        raise errors.CertificateNotAccepted(endpoint=source.endpoint, found=found)
    if found != source.server_certificate.lower():
        raise errors.CertificateChanged(endpoint=source.endpoint, expected=source.server_certificate, found=found)


# --- what a server offers -------------------------------------------------------------------------------------------


async def look(endpoint: str) -> dict[str, Any]:
    """Return the endpoints a server offers: policies, modes, certificates, ways to sign in. Opens no session.

    Raises
    ------
    HeadworksError
        One of ``opcua.*`` that says why nothing was learnt.
    """
    client = _client(endpoint)
    try:
        offered = await client.connect_and_get_server_endpoints()
    except errors.LIBRARY_ERRORS as e:
        raise errors.of(e, endpoint=endpoint) from e
    finally:
        client.disconnect_socket()
    found = [e for e in offered if str(e.EndpointUrl).startswith("opc.tcp://")]
    application = found[0].Server if found else ua.ApplicationDescription()
    return {
        "endpoints": [_described(e) for e in sorted(found, key=lambda e: -int(e.SecurityLevel or 0))],
        "server": {"name": application.ApplicationName.Text or "", "uri": application.ApplicationUri or ""},
    }


def _described(e: ua.EndpointDescription) -> dict[str, Any]:
    certificate = first_certificate(e.ServerCertificate)
    subject, expires = "", None
    if certificate:
        with contextlib.suppress(ValueError):
            read = x509.load_der_x509_certificate(certificate)
            subject, expires = read.subject.rfc4514_string(), micros(read.not_valid_after_utc) // 1000
    return {
        "policy": _NAMES.get(e.SecurityPolicyUri, str(e.SecurityPolicyUri).rpartition("#")[2]),
        "mode": _mode_name(e),
        "supported": e.SecurityPolicyUri in _NAMES,
        "url": str(e.EndpointUrl),
        "certificate": sha256(certificate) if certificate else "",
        "subject": subject,
        "expires_ms": expires,
        "identities": sorted({_IDENTITIES[t.TokenType] for t in e.UserIdentityTokens or ()}),
    }
