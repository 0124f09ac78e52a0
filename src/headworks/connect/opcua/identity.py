"""Who we are to OPC UA servers: one key and self-signed certificate per installation."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import socket
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from headworks.base.clock import Clock, to_datetime
from headworks.base.errors import SetupFailed
from headworks.base.settings import Home

BUNDLE, CERTIFICATE = "opcua-client.pem", "opcua-client.der"
"""Key and certificate together, so that they always fit each other; and the certificate alone, to give to servers."""

_DAYS = 3650
_EARLIER = timedelta(days=1)
"""How long before now the certificate begins to be valid: plant servers with a slow clock exist."""


@dataclass(frozen=True, slots=True)
class Identity:
    """`certificate` is DER, `key` PKCS8 DER; `uri` is the ApplicationUri that the certificate names."""

    certificate: bytes
    key: bytes
    uri: str
    file: Path

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.certificate).hexdigest()


def load(home: Home, clock: Clock) -> Identity:
    """Return the identity of this installation, made the first time it is needed.

    Raises
    ------
    SetupFailed
        ``opcua.identity_unreadable``: the file under ``secrets/`` is there and cannot be used.
    """
    folder = home.folder("secrets")
    bundle, certificate = folder / BUNDLE, folder / CERTIFICATE
    if not bundle.exists():
        _keep_first(bundle, _made(clock))
    try:
        pem = bundle.read_bytes()
        found = x509.load_pem_x509_certificate(pem)
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        (uri,) = names.value.get_values_for_type(x509.UniformResourceIdentifier)
        key = _private(serialization.load_pem_private_key(pem, None), serialization.Encoding.DER)
        der = found.public_bytes(serialization.Encoding.DER)
        if not certificate.exists():
            _keep_first(certificate, der)
    except (OSError, ValueError, x509.ExtensionNotFound) as e:
        raise SetupFailed("opcua.identity_unreadable", file=str(bundle), reason=str(e)) from e
    return Identity(der, key, uri, certificate)


def _made(clock: Clock) -> bytes:
    """Return a new key and its certificate (OPC 10000-6, 6.2.2: ApplicationUri and host as alternative names) as PEM."""
    host = socket.gethostname()
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, "Headworks connect"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Headworks"),
        ]
    )
    now = to_datetime(clock.now())
    uri = f"urn:headworks:connect:{secrets.token_hex(8)}"
    public = key.public_key()
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _EARLIER)
        .not_valid_after(now + timedelta(days=_DAYS))
        .add_extension(
            x509.SubjectAlternativeName([x509.UniformResourceIdentifier(uri), x509.DNSName(host)]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(
                digital_signature=True,
                content_commitment=True,
                key_encipherment=True,
                data_encipherment=True,
                key_agreement=False,
                key_cert_sign=True,
                crl_sign=False,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(public), critical=False)
        .sign(key, hashes.SHA256())
    )
    return _private(key, serialization.Encoding.PEM) + made.public_bytes(serialization.Encoding.PEM)


def _private(key: Any, encoding: serialization.Encoding) -> bytes:
    return bytes(key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))


def _keep_first(file: Path, data: bytes) -> None:
    """Write a file as a whole unless there is one: of two processes that make it at once, the first has made it."""
    temporary = file.with_name(f".{file.name}.{os.getpid()}.{secrets.token_hex(4)}")
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as f:
        f.write(data)
    try:
        with contextlib.suppress(FileExistsError):
            os.link(temporary, file)
    finally:
        temporary.unlink()
