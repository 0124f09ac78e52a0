"""What the hub asks of the records. Everything here blocks and runs in the hub's threads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, ParamSpec, Protocol, TypeVar
from uuid import UUID

from django.contrib.auth.signals import user_logged_out
from django.db import close_old_connections, connection, connections, transaction
from django.db.models.signals import post_delete, post_save

from headworks.control.access.models import RoleAssignment, User
from headworks.control.alarms import queries, services
from headworks.control.live.health import PartitionInfo, Tree
from headworks.control.live.identity import ended, identify
from headworks.control.twin.models import Asset, Partition, Tag

__all__ = [
    "COUNTS",
    "alarms",
    "close_connections",
    "connect_signals",
    "counts_by_asset",
    "database_answers",
    "disconnect_signals",
    "ended",
    "fresh",
    "identify",
    "summary",
    "tree",
]

P = ParamSpec("P")
T = TypeVar("T")

COUNTS = queries.COUNTS
summary = queries.summary
counts_by_asset = queries.counts_by_asset


class Listener(Protocol):
    """What hears of changes made in this process; called from any thread."""

    def people_changed_alarms(self, ids: Sequence[UUID]) -> None: ...

    def session_ended(self, session: str) -> None: ...

    def rights_changed(self) -> None: ...


def fresh(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call with a database connection that has not died of age."""
    close_old_connections()
    try:
        return function(*args, **kwargs)
    finally:
        close_old_connections()


def close_connections() -> None:
    connections.close_all()


def database_answers() -> None:
    """Raise unless the database answers."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def alarms(ids: Iterable[UUID]) -> list[dict[str, Any]]:
    return queries.bodies(queries.by_ids(ids))


def tree() -> Tree:
    """Return the asset tree and the tags in use, with three queries."""
    partitions = list(Partition.objects.filter(retired_at=None).order_by("code"))
    index = {p.id: i for i, p in enumerate(partitions)}
    rows = list(Asset.objects.filter(retired_at=None).values_list("id", "parent_id", "partition_id"))
    known = {a for a, _, _ in rows}
    partition_of = {a: index.get(p, -1) for a, _, p in rows}
    return Tree(
        [(a, parent if parent in known else None) for a, parent, _ in rows],
        [
            (t, a, partition_of[a])
            for t, a in Tag.objects.filter(retired_at=None).values_list("id", "asset_id")
            if a in known
        ],
        [PartitionInfo(p.code, p.clock, p.staleness, p.tick) for p in partitions],
    )


def _signals(listener: Listener) -> list[tuple[Any, Any, Callable[..., None]]]:
    def alarms_changed(ids: Sequence[UUID], **_: Any) -> None:
        listener.people_changed_alarms(ids)

    def logged_out(request: Any, **_: Any) -> None:
        # The session itself is deleted only after this signal, so looking it up now would still find it.
        if key := getattr(getattr(request, "session", None), "session_key", None):
            listener.session_ended(key)

    def rights_changed(**_: Any) -> None:
        transaction.on_commit(listener.rights_changed)

    return [
        (services.changed, None, alarms_changed),
        (user_logged_out, None, logged_out),
        (post_save, User, rights_changed),
        (post_save, RoleAssignment, rights_changed),
        (post_delete, RoleAssignment, rights_changed),
    ]


def connect_signals(listener: Listener) -> None:
    """Let `listener` hear of acknowledgements, logouts and changed users of this process at once."""
    for number, (signal, sender, heard) in enumerate(_signals(listener)):
        signal.connect(heard, sender=sender, weak=False, dispatch_uid=(id(listener), number))


def disconnect_signals(listener: Listener) -> None:
    for number, (signal, sender, _) in enumerate(_signals(listener)):
        signal.disconnect(sender=sender, dispatch_uid=(id(listener), number))
