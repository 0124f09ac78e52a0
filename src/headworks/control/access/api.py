"""The session: who is asking, signing in and out, the own password and language."""

from __future__ import annotations

from typing import Annotated, Any

from django.conf import settings
from django.http import HttpRequest
from django.middleware.csrf import get_token
from ninja import Router, Schema
from pydantic import StringConstraints

from headworks import __version__
from headworks.control.access import services
from headworks.control.access.admin_api import router as admin
from headworks.control.access.authority import permissions_of, roles_of
from headworks.control.access.models import User
from headworks.control.project.guards import SignedInAnyhow, require_csrf
from headworks.control.project.language import language_of
from headworks.control.project.schemas import TitleOut

router = Router()
router.add_router("", admin)

Secret = Annotated[str, StringConstraints(min_length=1, max_length=512)]


class Credentials(Schema):
    username: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]
    password: Secret


class NewPassword(Schema):
    password: Secret
    new_password: Secret


class Language(Schema):
    language: str


class UserOut(Schema):
    name: str
    display: str
    roles: list[str]
    permissions: list[str]
    must_change_password: bool


class SessionOut(Schema):
    authenticated: bool
    user: UserOut | None
    csrf: str
    site: TitleOut
    language: str
    timezone: str
    version: str


def describe(request: HttpRequest) -> dict[str, Any]:
    """Return what the page has to know before it draws anything."""
    user = request.user
    site = settings.HEADWORKS
    known = isinstance(user, User)
    return {
        "authenticated": known,
        "user": {
            "name": user.username,
            "display": user.display or user.username,
            "roles": list(roles_of(user)),
            "permissions": list(permissions_of(user)),
            "must_change_password": user.must_change_password,
        }
        if isinstance(user, User)
        else None,
        "csrf": get_token(request),
        "site": {"zh": site.site_zh, "en": site.site_en},
        "language": (user.language if isinstance(user, User) else "") or language_of(request),
        "timezone": site.timezone,
        "version": __version__,
    }


@router.get("session", auth=None, response=SessionOut)
def session(request: HttpRequest) -> Any:
    """Return who is signed in, and what the page needs to write: the CSRF token."""
    return describe(request)


@router.post("session", auth=None, response=SessionOut)
def sign_in(request: HttpRequest, credentials: Credentials) -> Any:
    """Sign in."""
    require_csrf(request)
    request.user = services.sign_in(request, credentials.username, credentials.password)
    return describe(request)


@router.delete("session", auth=SignedInAnyhow(), response=SessionOut)
def sign_out(request: HttpRequest) -> Any:
    """Sign out."""
    services.sign_out(request)
    return describe(request)


@router.post("session/password", auth=SignedInAnyhow(), response=SessionOut)
def change_password(request: HttpRequest, change: NewPassword) -> Any:
    """Change the own password."""
    assert isinstance(request.user, User)
    services.change_password(request, request.user, change.password, change.new_password)
    return describe(request)


@router.put("session/language", auth=SignedInAnyhow(), response=SessionOut)
def set_language(request: HttpRequest, chosen: Language) -> Any:
    """Keep the language the person reads."""
    assert isinstance(request.user, User)
    services.set_language(request.user, chosen.language)
    return describe(request)
