"""Who may see, make, carry out and close work orders."""

from __future__ import annotations

from headworks.control.access.permissions import ADMINISTRATOR, ENGINEER, OPERATOR, ROLES

GRANTS = {
    "orders.view": ROLES,
    "orders.create": (ADMINISTRATOR, ENGINEER, OPERATOR),
    "orders.execute": (ADMINISTRATOR, ENGINEER, OPERATOR),
    "orders.close": (ADMINISTRATOR, ENGINEER),
}
