"""Who may see and change files."""

from __future__ import annotations

from headworks.control.access.permissions import ADMINISTRATOR, ENGINEER, ROLES

GRANTS = {"files.view": ROLES, "files.edit": (ADMINISTRATOR, ENGINEER)}
