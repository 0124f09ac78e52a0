"""What changes users and sessions, and what is written down about it."""

from __future__ import annotations

import hashlib
import secrets
from typing import Any

import msgspec
from django.contrib.auth import authenticate, login, logout, password_validation
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest

from headworks.base import i18n, log
from headworks.base.errors import Invalid, NotFound, Problem, RequestError, Unauthenticated
from headworks.control.access import models
from headworks.control.access.authority import allowed, authorize, permissions_of, roles_of
from headworks.control.access.models import AuditEntry, LoginFailures, RoleAssignment, User
from headworks.control.access.permissions import ADMINISTRATOR, ROLES

__all__ = [
    "allowed",
    "audit",
    "authorize",
    "change_password",
    "create_first_administrator",
    "create_user",
    "permissions_of",
    "roles_of",
    "set_language",
    "sign_in",
    "sign_out",
    "unlock",
]

LOCK_AFTER = 6
"""Wrong passwords in a row of one username."""
LOCK_S = 15 * 60
FREE_FAILURES_OF_ADDRESS = 20
LONGEST_DELAY_S = 300
FORGET_AFTER_S = 3600
FIRST_ADMINISTRATOR = "admin"
_logger = log.get(__name__)
# Django's password validators -> our codes.
_WEAK = {
    "password_too_short": Problem(field="", value="***", code="password.too_short", params={"min_length": 12}),
    "password_too_similar": Problem(field="", value="***", code="password.too_similar"),
    "password_too_common": Problem(field="", value="***", code="password.too_common"),
    "password_entirely_numeric": Problem(field="", value="***", code="password.numeric"),
}


class Throttled(RequestError):
    """Too many failed logins in a row: wait."""

    code = "auth.throttled"
    http_status = 429


class Locked(Throttled):
    """The account is locked for a while."""

    code = "auth.locked"


def audit(
    actor: User | str | None, action: str, kind: str = "", object_id: object = "", address: str = "", **detail: Any
) -> AuditEntry:
    """Write down that `actor` did `action`; part of the caller's transaction."""
    return AuditEntry.objects.create(
        actor=str(actor or "")[:64], action=action, kind=kind, object_id=str(object_id), address=address, detail=detail
    )


def address_of(request: HttpRequest) -> str:
    """Return where a request comes from."""
    return str(request.META.get("REMOTE_ADDR") or "")


def sign_in(request: HttpRequest, username: str, password: str) -> User:
    """Start a session.

    Six wrong passwords in a row lock a username for 15 minutes, wherever they came from and whether or not there is such
    a user (GB/T 22239-2019, 8.1.4.1 b). After 20 failures in a row from one address each further attempt from there has
    to wait, twice as long each time, 5 minutes at most. An attempt is counted before the password is looked at, so
    attempts at the same time gain nothing.

    Raises
    ------
    Locked, Throttled
        ``auth.locked``, ``auth.throttled`` with `retry_s`.
    Unauthenticated
        ``auth.wrong_credentials``, whether the name or the password is wrong.
    """
    address = address_of(request)
    keys = _keys(username, address)
    count = _count_attempt(keys, username)
    user = authenticate(request, username=username, password=password)
    if not isinstance(user, User):
        audit(username, "session.refused", "user", address=address, attempt=count)
        if count == LOCK_AFTER:
            audit(username, "user.locked", "user", address=address, minutes=LOCK_S // 60)
            _logger.warning("account locked", username=username, address=address)
        raise Unauthenticated("auth.wrong_credentials")
    with transaction.atomic():
        LoginFailures.objects.filter(key__in=keys).delete()
        login(request, user)
        audit(user, "session.opened", "user", user.id, address)
    return user


def _keys(username: str, address: str) -> tuple[str, str]:
    """Return the names of what is counted: the username, and the address."""
    counted = (f"user|{username.lower()}", f"address|{address}")
    return hashlib.sha256(counted[0].encode()).hexdigest(), hashlib.sha256(counted[1].encode()).hexdigest()


def _count_attempt(keys: tuple[str, str], username: str) -> int:
    """Count an attempt before it is made, and return the how manieth in a row of the username it is."""
    now = models.now()
    with transaction.atomic():
        LoginFailures.objects.filter(last_at__lt=now - FORGET_AFTER_S * 1_000_000).delete()
        LoginFailures.objects.filter(locked_until__lte=now).delete()
        named = username.lower()[:64]
        LoginFailures.objects.bulk_create(
            [LoginFailures(key=keys[0], username=named, last_at=now), LoginFailures(key=keys[1], last_at=now)],
            ignore_conflicts=True,
        )
        found = {f.key: f for f in LoginFailures.objects.select_for_update().filter(key__in=keys).order_by("key")}
        of_user, of_address = (found[k] for k in keys)
        if of_user.locked_until is not None:
            raise Locked(retry_s=max(1, round((of_user.locked_until - now) / 1e6)))
        wait = delay_after(of_address.count) - (now - of_address.last_at) / 1e6
        if wait > 0:
            raise Throttled(retry_s=max(1, round(wait)))
        for row in found.values():
            row.count, row.last_at = row.count + 1, now
        if of_user.count >= LOCK_AFTER:
            of_user.locked_until = now + LOCK_S * 1_000_000
        LoginFailures.objects.bulk_update(found.values(), ["count", "last_at", "locked_until"])
    return of_user.count


def delay_after(failures: int) -> float:
    """Return how long [s] the next attempt from an address has to wait after so many failures in a row."""
    over = failures - FREE_FAILURES_OF_ADDRESS
    return 0.0 if over < 0 else float(min(LONGEST_DELAY_S, 2 ** (over + 1)))


def unlock(actor: User | str, username: str, address: str = "") -> None:
    """Let a locked user try again at once.

    Raises
    ------
    Forbidden
        The actor may not edit users.
    NotFound
        ``user.not_found``
    """
    if isinstance(actor, User):
        authorize(actor, "users.edit")
    user = User.objects.filter(username=username).first()
    if user is None:
        raise NotFound("user.not_found", username=username)
    with transaction.atomic():
        LoginFailures.objects.filter(username=username.lower()).delete()
        audit(actor, "user.unlocked", "user", user.id, address, username=username)


def sign_out(request: HttpRequest) -> None:
    """End the session of a request; nothing happens without one."""
    user = request.user
    if isinstance(user, User):
        audit(user, "session.closed", "user", user.id, address_of(request))
    logout(request)


def change_password(request: HttpRequest, user: User, old: str, new: str) -> None:
    """Give `user` a new password; every other session of the user ends.

    Raises
    ------
    Invalid
        The old password is wrong, or the new one is weak or the same.
    """
    if not user.check_password(old):
        raise Invalid(problems=[Problem(field="password", value="***", code="password.wrong")])
    if old == new:
        raise Invalid(problems=[Problem(field="new_password", value="***", code="password.unchanged")])
    _check_strength(new, user, "new_password")
    with transaction.atomic():
        user.set_password(new)
        user.must_change_password = False
        user.save(update_fields=["password", "must_change_password"])
        login(request, user)  # the session hash holds the password: this session goes on, others end
        audit(user, "password.changed", "user", user.id, address_of(request))


def _check_strength(password: str, user: User, field: str) -> None:
    try:
        password_validation.validate_password(password, user)
    except ValidationError as e:
        problems = [msgspec.structs.replace(_WEAK[found.code or ""], field=field) for found in e.error_list]
        raise Invalid(problems=problems) from None


def set_language(user: User, language: str) -> None:
    """Keep the language a user reads.

    Raises
    ------
    Invalid
        ``locale.unknown``
    """
    if language not in i18n.LANGUAGES:
        params = {"language": language, "known": list(i18n.LANGUAGES)}
        raise Invalid(problems=[Problem(field="language", value=language, code="locale.unknown", params=params)])
    user.language = language
    user.save(update_fields=["language"])


def create_user(
    username: str,
    password: str,
    roles: tuple[str, ...],
    *,
    display: str = "",
    actor: User | str = "",
    must_change_password: bool = True,
) -> User:
    """Make a user with roles.

    Raises
    ------
    Invalid
        The name is taken, the password is weak, a role does not exist.
    """
    user = User(username=username, display=display or username, must_change_password=must_change_password)
    if unknown := [r for r in roles if r not in ROLES]:
        params = {"roles": unknown, "known": list(ROLES)}
        raise Invalid(problems=[Problem(field="roles", value=unknown, code="user.unknown_role", params=params)])
    _check_strength(password, user, "password")
    user.set_password(password)
    with transaction.atomic():
        if User.objects.filter(username=username).exists():
            raise Invalid(problems=[Problem(field="username", value=username, code="user.name_taken")])
        user.save(force_insert=True)
        RoleAssignment.objects.bulk_create([RoleAssignment(user=user, role=r) for r in roles])
        audit(actor or user, "user.created", "user", user.id, username=username, roles=list(roles))
    return user


def create_first_administrator() -> str | None:
    """Make the first administrator, ``admin``, and return the one-time password; None if there are users already."""
    with transaction.atomic():
        if User.objects.exists():
            return None
        password = secrets.token_urlsafe(15)
        create_user(FIRST_ADMINISTRATOR, password, (ADMINISTRATOR,), display="管理员", actor="init")
    return password
