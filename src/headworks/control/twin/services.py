"""What changes records of the plant outside plant folders: numbers and device tokens."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.dispatch import Signal

from headworks.base.errors import NotFound
from headworks.control.access.models import User
from headworks.control.access.services import audit, authorize
from headworks.control.twin.models import Counter, Device, Partition

plan_affected = Signal()
"""Sent inside the transaction with `partitions` (list of Partition) when something a plan holds has changed."""

U32_END = 1 << 32


def allocate(name: str, count: int) -> range:
    """Return `count` new numbers of one kind (``tag``, ``instance``, ``asset``), from 1 on, never given out before.

    Part of the caller's transaction: the row is locked until it ends, so two writers cannot get one number.
    """
    with transaction.atomic():
        Counter.objects.bulk_create([Counter(name=name)], ignore_conflicts=True)
        counter = Counter.objects.select_for_update().get(name=name)
        first = counter.value + 1
        if first + count > U32_END:
            raise OverflowError(f"no u32 numbers left for {name}")
        counter.value += count
        counter.save(update_fields=["value"])
    return range(first, first + count)


def one_at_a_time(name: str) -> None:
    """Wait until no other transaction that said the same name is under way."""
    Counter.objects.bulk_create([Counter(name=name)], ignore_conflicts=True)
    Counter.objects.select_for_update().get(name=name)


def issue_device_token(device: Device | str, actor: User | str = "cli") -> str:
    """Make a new access token for a device and return it; only its digest is kept, the token before stops working.

    Parameters
    ----------
    device : the record or its code
    actor : a user is checked for ``devices.edit``; a name is of somebody at the machine itself

    Raises
    ------
    NotFound
        ``device.not_found``
    """
    if isinstance(actor, User):
        authorize(actor, "devices.edit", device)
    code = device if isinstance(device, str) else device.code
    token = secrets.token_urlsafe(32)
    with transaction.atomic():
        found = Device.objects.select_related("partition").filter(code=code, retired_at=None).first()
        if found is None:
            raise NotFound("device.not_found", device=code)
        found.token_sha256 = token_digest(token)
        found.save(update_fields=["token_sha256"])
        audit(actor, "device.token_issued", "device", code)
        affect([found.partition])
    return token


def token_digest(token: str) -> str:
    """Return what is kept of a device token: the hex SHA-256 (the token itself is 256 random bits)."""
    return hashlib.sha256(token.encode()).hexdigest()


def affect(partitions: Sequence[Partition], **extra: Any) -> None:
    """Say that something the plans of `partitions` hold has changed; part of the caller's transaction."""
    plan_affected.send(sender=None, partitions=list(partitions), **extra)
