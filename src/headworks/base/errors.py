"""The exception tree.

::

    HeadworksError
    ├── RequestError            the caller can act (HTTP 4xx)
    │   ├── Invalid             a field has a value that cannot be accepted (422)
    │   ├── NotFound            (404)
    │   ├── Conflict            the state of the thing forbids it (409)
    │   ├── Unauthenticated     (401)
    │   └── Forbidden           (403)
    ├── LifecycleError          the part is not in a state to work
    │   ├── NotReady            retry later (503)
    │   ├── AuthFailed          a credential is wrong: ask, do not retry
    │   └── SetupFailed         stop: the installation is wrong
    └── Fault                   a bug

Every error has a `code`; its text in both languages lives in ``locale/*/errors.json`` under that code and its page in
``docs/errors/<code>.md``. `params` fill the placeholders of the text. Bad *data* is never an exception: it is a status.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import msgspec


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong with one field: where, what was found, and what to do about it.

    `code` selects the text, `params` fills it. `field` is a path in the caller's own terms
    (``assets.yaml:12 parent``, ``values.P101``).
    """

    field: str
    value: Any
    code: str
    params: dict[str, Any] = {}


class HeadworksError(Exception):
    """Base of every error that is raised on purpose."""

    code: ClassVar[str] = "internal"
    http_status: ClassVar[int] = 500

    def __init__(self, code: str | None = None, /, *, problems: Sequence[Problem] = (), **params: Any) -> None:
        self.error_code = code or self.code
        self.params = params
        self.problems = tuple(problems)
        super().__init__(self._log_text())

    def _log_text(self) -> str:
        parts = [f"{k}={v!r}" for k, v in self.params.items()]
        parts += [f"[{p.field}={p.value!r}: {p.code} {p.params or ''}]" for p in self.problems[:5]]
        return f"{self.error_code} " + " ".join(parts) if parts else self.error_code


class RequestError(HeadworksError):
    """The caller sent something that cannot be done and can correct it."""

    code = "request.bad"
    http_status = 400


class Invalid(RequestError):
    """One or more fields hold values that cannot be accepted; `problems` names each."""

    code = "request.invalid"
    http_status = 422


class NotFound(RequestError):
    code = "request.not_found"
    http_status = 404


class Conflict(RequestError):
    code = "request.conflict"
    http_status = 409


class Unauthenticated(RequestError):
    code = "auth.required"
    http_status = 401


class Forbidden(RequestError):
    code = "auth.forbidden"
    http_status = 403


class LifecycleError(HeadworksError):
    """A part of the platform is not in a state to do this."""

    http_status = 503


class NotReady(LifecycleError):
    """Try again: the part is starting, reconnecting or busy."""

    code = "lifecycle.not_ready"


class AuthFailed(LifecycleError):
    """A credential was refused; retrying with the same one is useless."""

    code = "lifecycle.auth_failed"


class SetupFailed(LifecycleError):
    """The installation is wrong (missing secret, unusable folder, wrong version): stop and say so."""

    code = "lifecycle.setup_failed"


class Fault(HeadworksError):
    """A broken promise inside the program: a bug."""

    code = "internal"
