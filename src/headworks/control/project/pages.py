"""Which pages of the web exist, and who may see them: Python owns this, the web asks."""

from __future__ import annotations

from typing import Any

import msgspec

from headworks.base import i18n
from headworks.control.access.authority import allowed


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """One page of the host's web bundle.

    `permission` is what a person needs to see it, `group` the part of the menu it stands in: operate, know, data, admin.
    """

    id: str
    path: str
    permission: str
    group: str = "operate"


PAGES = (
    Page(id="monitor", path="/monitor", permission="plant.view"),
    Page(id="trends", path="/trends", permission="history.view"),
    Page(id="alarms", path="/alarms", permission="alarms.view"),
    Page(id="orders", path="/orders", permission="orders.view"),
    Page(id="models", path="/models", permission="models.view", group="know"),
    Page(id="jobs", path="/jobs", permission="models.view", group="know"),
    Page(id="knowledge", path="/knowledge", permission="models.view", group="know"),
    Page(id="sources", path="/sources", permission="plant.view", group="data"),
    Page(id="imports", path="/imports", permission="plant.edit", group="data"),
    Page(id="system", path="/system", permission="system.view", group="admin"),
    Page(id="users", path="/users", permission="users.edit", group="admin"),
    Page(id="audit", path="/audit", permission="audit.view", group="admin"),
    Page(id="tokens", path="/account", permission="plant.view", group="admin"),
)

GROUPS = ("operate", "know", "data", "admin")


def visible(user: Any) -> list[dict[str, Any]]:
    """Return the pages `user` may see, in order of the menu."""
    return [
        {
            "id": p.id,
            "path": p.path,
            "group": p.group,
            "title": {short: i18n.text(f"page.{p.id}.title", lang) for short, lang in (("zh", "zh-CN"), ("en", "en"))},
        }
        for p in sorted(PAGES, key=lambda p: GROUPS.index(p.group))
        if allowed(user, p.permission)
    ]
