"""API tokens: a program acts as a user, for a limited time, and may be limited to reading.

A token is ``hw_`` and 256 random bits; a digest of it is kept, so a copy of the records lets nobody in.
"""

from __future__ import annotations

import hashlib
import secrets
from uuid import UUID

from django.db import transaction

from headworks.base.errors import Conflict, Invalid, NotFound, Problem, Unauthenticated
from headworks.control.access import models
from headworks.control.access.models import ApiToken, User
from headworks.control.access.services import audit

PREFIX = "hw_"
MAX_DAYS = 366
MAX_TOKENS = 50
_DAY = 86_400_000_000
_USED_EVERY = 60_000_000


def issue(user: User, name: str, days: int, *, read_only: bool, address: str = "") -> tuple[str, ApiToken]:
    """Return a new token of `user` (shown once) and its record; it ends after `days`.

    Raises
    ------
    Invalid
        ``token.bad_name``, ``token.bad_days``
    Conflict
        ``token.too_many``: the user has 50 already.
    """
    name = name.strip()
    problems = []
    if not 1 <= len(name) <= 100:
        problems.append(Problem(field="name", value=name[:100], code="token.bad_name", params={"limit": 100}))
    if not 1 <= days <= MAX_DAYS:
        problems.append(Problem(field="days", value=days, code="token.bad_days", params={"limit": MAX_DAYS}))
    if problems:
        raise Invalid(problems=problems)
    text = PREFIX + secrets.token_urlsafe(32)
    now = models.now()
    with transaction.atomic():
        if ApiToken.objects.filter(user=user, revoked_at=None, expires_at__gt=now).count() >= MAX_TOKENS:
            raise Conflict("token.too_many", limit=MAX_TOKENS)
        token = ApiToken.objects.create(
            user=user,
            name=name,
            prefix=text[: len(PREFIX) + 6],
            sha256=_digest(text),
            read_only=read_only,
            created_at=now,
            expires_at=now + days * _DAY,
        )
        audit(user, "token.issued", "token", token.id, address, name=name, days=days, read_only=read_only)
    return text, token


def revoke(user: User, token_id: UUID, address: str = "") -> None:
    """End a token of `user` at once; one that has ended stays as it is.

    Raises
    ------
    NotFound
        ``token.not_found``, also for the token of somebody else.
    """
    with transaction.atomic():
        token = ApiToken.objects.select_for_update().filter(id=token_id, user=user).first()
        if token is None:
            raise NotFound("token.not_found", id=str(token_id))
        if token.revoked_at is None:
            token.revoked_at = models.now()
            token.save(update_fields=["revoked_at"])
            audit(user, "token.revoked", "token", token.id, address, name=token.name)


def check(text: str) -> ApiToken:
    """Return the record of a token that is good now.

    Raises
    ------
    Unauthenticated
        ``auth.token_invalid``: unknown, ended, revoked, or its user may not sign in any more.
    """
    token = ApiToken.objects.select_related("user").filter(sha256=_digest(text)).first()
    now = models.now()
    if token is None or token.revoked_at is not None or token.expires_at <= now or not token.user.is_active:
        raise Unauthenticated("auth.token_invalid")
    if token.last_used_at is None or now - token.last_used_at >= _USED_EVERY:
        ApiToken.objects.filter(id=token.id).update(last_used_at=now)
    return token


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
