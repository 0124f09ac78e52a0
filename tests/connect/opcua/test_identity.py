"""The certificate of an installation."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from headworks.base.clock import SystemClock
from headworks.base.errors import SetupFailed
from headworks.base.settings import Home
from headworks.connect.opcua import identity

pytestmark = pytest.mark.feature("PLT-03")


def test_it_is_made_once_and_names_the_application(home: Home) -> None:
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: identity.load(home, SystemClock()), range(4)))
    assert len({m.certificate for m in made}) == 1
    found = x509.load_der_x509_certificate(made[0].certificate)
    key = serialization.load_der_private_key(made[0].key, None)
    assert key.public_key() == found.public_key()
    names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == [made[0].uri]
    secrets = home.path / "secrets"
    assert (secrets / "opcua-client.der").read_bytes() == made[0].certificate
    assert {f.name for f in secrets.iterdir() if f.name.startswith((".", "opcua"))} == {
        "opcua-client.pem",
        "opcua-client.der",
    }
    assert (secrets / "opcua-client.pem").stat().st_mode & 0o777 == 0o600


def test_a_damaged_one_is_said(home: Home) -> None:
    identity.load(home, SystemClock())
    (home.path / "secrets" / "opcua-client.pem").write_text("not a certificate")
    with pytest.raises(SetupFailed) as e:
        identity.load(home, SystemClock())
    assert e.value.error_code == "opcua.identity_unreadable"
