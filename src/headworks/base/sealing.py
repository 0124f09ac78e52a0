"""Credentials of other systems, kept so that only this installation can read them.

A sealed text is ASCII and safe to keep in records and plans: AES-128-CBC with HMAC-SHA-256 (Fernet) under a key derived from
the installation's secret ``seal``.
"""

from __future__ import annotations

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken

from headworks.base.errors import SetupFailed
from headworks.base.settings import Home


def _fernet(home: Home) -> Fernet:
    key = hashlib.sha256(b"headworks sealing 1\0" + home.secret("seal").encode()).digest()
    return Fernet(base64.urlsafe_b64encode(key))


def seal(home: Home, text: str) -> str:
    """Return `text` sealed; "" stays ""."""
    return _fernet(home).encrypt(text.encode()).decode() if text else ""


def unseal(home: Home, sealed: str) -> str:
    """Return what was sealed; "" stays "".

    Raises
    ------
    SetupFailed
        ``setup.unsealable``: it was sealed by another installation, or changed since.
    """
    if not sealed:
        return ""
    try:
        return _fernet(home).decrypt(sealed.encode()).decode()
    except InvalidToken as e:
        raise SetupFailed("setup.unsealable") from e
