"""The one place that decides who may do what. Every write path asks :func:`authorize`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from django.conf import settings

from headworks.base.errors import Fault, Forbidden, Unauthenticated
from headworks.control.access.models import User
from headworks.control.access.permissions import ROLES


@cache
def grants() -> Mapping[str, frozenset[str]]:
    """Return permission -> roles that have it, of all installed apps.

    Raises
    ------
    Fault
        Two apps define one permission, or a role that does not exist is named.
    """
    table: dict[str, frozenset[str]] = {}
    for app in settings.PRESENT_APPS:
        name = f"headworks.control.{app}.permissions"
        if not find_spec(name):
            continue
        for permission, roles in getattr(import_module(name), "GRANTS", {}).items():
            if permission in table or not set(roles) <= set(ROLES):
                raise Fault("access.bad_grant", permission=permission, app=app)
            table[permission] = frozenset(roles)
    return table


def roles_of(user: Any) -> tuple[str, ...]:
    """Return the roles of a user, in the order of :data:`ROLES`; none for somebody who is not signed in or switched off."""
    if not isinstance(user, User) or not user.is_active:
        return ()
    held = {a.role for a in user.role_assignments.all()}
    return tuple(r for r in ROLES if r in held)


def permissions_of(user: Any) -> tuple[str, ...]:
    """Return everything a user may do, sorted."""
    held = set(roles_of(user))
    return tuple(sorted(p for p, roles in grants().items() if roles & held))


def allowed(user: Any, permission: str, obj: Any = None) -> bool:
    """Return whether `user` may do `permission` (to `obj`)."""
    if permission not in grants():
        raise Fault("access.unknown_permission", permission=permission)
    return bool(grants()[permission] & set(roles_of(user)))


def authorize(user: Any, permission: str, obj: Any = None) -> None:
    """Refuse unless `user` may do `permission` (to `obj`).

    Raises
    ------
    Unauthenticated
        Nobody is signed in.
    Forbidden
        ``auth.forbidden`` names the permission.
    """
    if not getattr(user, "is_authenticated", False):
        raise Unauthenticated()
    if not allowed(user, permission, obj):
        raise Forbidden("auth.permission_missing", permission=permission)
