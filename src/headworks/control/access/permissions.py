"""The table of who may do what.

Roles are ordered sets of permissions. An app of the control plane adds permissions by a module ``permissions.py`` with
the same ``GRANTS``: permission -> the roles that have it.
"""

from __future__ import annotations

from collections.abc import Mapping

ADMINISTRATOR, ENGINEER, OPERATOR, VIEWER = ROLES = ("administrator", "engineer", "operator", "viewer")
_EVERYONE = ROLES

GRANTS: Mapping[str, tuple[str, ...]] = {
    "plant.view": _EVERYONE,
    "plant.edit": (ADMINISTRATOR, ENGINEER),
    "history.view": _EVERYONE,
    "models.view": _EVERYONE,
    "models.edit": (ADMINISTRATOR, ENGINEER),
    "alarms.view": _EVERYONE,
    "alarms.acknowledge": (ADMINISTRATOR, ENGINEER, OPERATOR),
    "system.view": _EVERYONE,
    "users.edit": (ADMINISTRATOR,),
    "devices.edit": (ADMINISTRATOR, ENGINEER),
    "audit.view": (ADMINISTRATOR,),
}
