"""Who may ask for work, and see what others asked for."""

from __future__ import annotations

from headworks.control.access.permissions import ADMINISTRATOR, ENGINEER, OPERATOR, ROLES

GRANTS = {
    "jobs.view": ROLES,
    "jobs.cancel_any": (ADMINISTRATOR, ENGINEER),
    "backtests.run": (ADMINISTRATOR, ENGINEER, OPERATOR),
}
