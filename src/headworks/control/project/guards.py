"""Who gets in at all: the session cookie and the CSRF token of a request."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from ninja.security.base import AuthBase
from ninja.utils import check_csrf

from headworks.base.errors import Forbidden, Unauthenticated
from headworks.control.access import tokens


def require_csrf(request: HttpRequest) -> None:
    """Refuse a writing request of another site's page.

    Raises
    ------
    Forbidden
        ``auth.csrf``
    """
    if check_csrf(request):
        raise Forbidden("auth.csrf")


class Bearer(AuthBase):
    """A program with an API token in the Authorization header. No cookie is sent, so no CSRF token is needed."""

    openapi_type = "http"
    openapi_scheme = "bearer"

    def __call__(self, request: HttpRequest) -> Any:
        scheme, _, text = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None  # not by token: the session decides
        token = tokens.check(text.strip())
        if token.read_only and request.method not in ("GET", "HEAD", "OPTIONS"):
            raise Forbidden("auth.token_read_only")
        request.user = token.user
        return token.user


class SignedIn(AuthBase):
    """A signed-in person with a session cookie; writing needs the CSRF token too. The rule of every address by default."""

    openapi_type = "apiKey"
    openapi_in = "cookie"
    openapi_name = settings.SESSION_COOKIE_NAME

    def __call__(self, request: HttpRequest) -> Any:
        require_csrf(request)
        user = request.user
        if not user.is_authenticated:
            raise Unauthenticated()
        if user.must_change_password:
            raise Forbidden("auth.password_change_required")
        return user


class SignedInAnyhow(SignedIn):
    """As :class:`SignedIn`, but also while the password still has to be changed."""

    def __call__(self, request: HttpRequest) -> Any:
        require_csrf(request)
        if not request.user.is_authenticated:
            raise Unauthenticated()
        return request.user
