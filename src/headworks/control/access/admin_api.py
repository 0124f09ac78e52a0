"""API tokens of the caller; users and audit trail for administrators."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router, Schema
from pydantic import Field

from headworks.base.clock import ms
from headworks.control.access import services, tokens
from headworks.control.access.authority import authorize, roles_of
from headworks.control.access.models import ApiToken, AuditEntry, LoginFailures, User, now
from headworks.control.project.guards import SignedIn
from headworks.control.project.paging import MAX_LIMIT, newest_first

router = Router()


class TokenOut(Schema):
    id: UUID
    name: str
    prefix: str
    read_only: bool
    created_ms: int
    expires_ms: int
    last_used_ms: int | None


class TokensOut(Schema):
    items: list[TokenOut]


class NewToken(Schema):
    name: str
    days: int = 90
    read_only: bool = True


class IssuedToken(TokenOut):
    """`token` is shown this once."""

    token: str


class UserRow(Schema):
    name: str
    display: str
    roles: list[str]
    is_active: bool
    locked_until_ms: int | None


class UsersOut(Schema):
    items: list[UserRow]


class AuditRow(Schema):
    id: UUID
    at_ms: int
    actor: str
    action: str
    kind: str
    object_id: str
    address: str
    detail: dict[str, Any]


class AuditOut(Schema):
    items: list[AuditRow]
    next: str | None


class AuditFilter(Schema):
    """`action` is matched from its beginning (``session.`` finds every action of sessions)."""

    actor: Annotated[str, Field(max_length=64)] = ""
    action: Annotated[str, Field(max_length=64)] = ""
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = 100
    cursor: Annotated[str, Field(max_length=64)] = ""


def _token(t: ApiToken) -> dict[str, Any]:
    return {
        "id": t.id,
        "name": t.name,
        "prefix": t.prefix,
        "read_only": t.read_only,
        "created_ms": t.created_at // 1000,
        "expires_ms": t.expires_at // 1000,
        "last_used_ms": ms(t.last_used_at),
    }


@router.get("tokens", response=TokensOut)
def own_tokens(request: HttpRequest) -> Any:
    """Return the caller's tokens that are still good, newest first."""
    found = ApiToken.objects.filter(user=request.user, revoked_at=None, expires_at__gt=now())
    return {"items": [_token(t) for t in found]}


# A token that could make tokens would outlive its own end: these two want the person.
@router.post("tokens", auth=SignedIn(), response=IssuedToken)
def issue_token(request: HttpRequest, wanted: NewToken) -> Any:
    """Make a token that acts as the caller."""
    assert isinstance(request.user, User)
    address = services.address_of(request)
    text, token = tokens.issue(request.user, wanted.name, wanted.days, read_only=wanted.read_only, address=address)
    return {"token": text, **_token(token)}


@router.delete("tokens/{token_id}", auth=SignedIn(), response=TokensOut)
def revoke_token(request: HttpRequest, token_id: UUID) -> Any:
    """End a token of the caller; return those that are left."""
    assert isinstance(request.user, User)
    tokens.revoke(request.user, token_id, services.address_of(request))
    return own_tokens(request)


@router.get("users", response=UsersOut)
def users(request: HttpRequest) -> Any:
    """Return everybody who may sign in, and who is locked out."""
    authorize(request.user, "users.edit")
    locks = dict(LoginFailures.objects.filter(locked_until__gt=now()).values_list("username", "locked_until"))
    return {
        "items": [
            {
                "name": u.username,
                "display": u.display,
                "roles": list(roles_of(u)),
                "is_active": u.is_active,
                "locked_until_ms": ms(locks.get(u.username.lower())),
            }
            for u in User.objects.prefetch_related("role_assignments")
        ]
    }


@router.post("users/{name}/unlock", response=UsersOut)
def unlock(request: HttpRequest, name: str) -> Any:
    """Let somebody who is locked out try again at once."""
    assert isinstance(request.user, User)
    services.unlock(request.user, name, services.address_of(request))
    return users(request)


@router.get("audit", response=AuditOut)
def audit(request: HttpRequest, wanted: Query[AuditFilter]) -> Any:
    """Return the audit trail, newest first; `next` is the cursor of the next page."""
    authorize(request.user, "audit.view")
    found = AuditEntry.objects.all()
    if wanted.actor:
        found = found.filter(actor=wanted.actor)
    if wanted.action:
        found = found.filter(action__startswith=wanted.action)
    rows, following = newest_first("at", wanted.limit, wanted.cursor, found)
    return {
        "items": [
            {
                "id": r.id,
                "at_ms": r.at // 1000,
                "actor": r.actor,
                "action": r.action,
                "kind": r.kind,
                "object_id": r.object_id,
                "address": r.address,
                "detail": r.detail,
            }
            for r in rows
        ],
        "next": following,
    }
