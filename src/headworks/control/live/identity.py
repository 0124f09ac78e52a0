"""Who is at the other end of a live connection, and whether they may still be there."""

from __future__ import annotations

from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from importlib import import_module
from typing import Literal

from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest

from headworks.control.access.authority import permissions_of
from headworks.control.access.models import User

_PERMISSIONS = {"tags": "plant.view", "alarms": "alarms.view", "health": "plant.view", "system": "system.view"}
Topic = Literal["tags", "alarms", "health", "system"]


@dataclass(frozen=True, slots=True)
class Identity:
    """A session and what its user was allowed when the connection was made."""

    session: str
    username: str
    permissions: tuple[str, ...]

    def may(self, topic: Topic) -> bool:
        """Return whether the user may follow `topic`."""
        return _PERMISSIONS[topic] in self.permissions


def identify(cookies: str) -> Identity | None:
    """Return who sent the Cookie header, None if nobody is signed in (or must first change the password)."""
    try:
        morsel = SimpleCookie(cookies).get(settings.SESSION_COOKIE_NAME)
    except CookieError:
        return None
    return None if morsel is None else of_session(morsel.value)


def of_session(key: str) -> Identity | None:
    """Return who a session belongs to now; None if it ended, expired, or its user was switched off or changed password."""
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(key)
    user = get_user(request)
    if not isinstance(user, User) or not user.is_active or user.must_change_password:
        return None
    return Identity(key, user.username, permissions_of(user))


def ended(identities: set[Identity]) -> set[Identity]:
    """Return those whose session or rights are no longer what they were."""
    return {i for i in identities if of_session(i.session) != i}
