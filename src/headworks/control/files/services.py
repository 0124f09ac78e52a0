"""What changes files of assets."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from functools import cache
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from headworks.base.errors import Invalid, NotFound, Problem
from headworks.control.access.authority import authorize
from headworks.control.access.services import audit
from headworks.control.files import kinds
from headworks.control.files.models import AssetFile
from headworks.control.files.store import Store
from headworks.control.twin.queries import asset_in_use

MAX_BYTES = 50 << 20
_NAME = 200


@cache
def store() -> Store:
    return Store(settings.HOME.path / "files", MAX_BYTES)


def add(user: Any, asset_id: int, name: str, title: str, chunks: Iterable[bytes], address: str = "") -> AssetFile:
    """Keep a file of an asset.

    Raises
    ------
    Forbidden
        Without ``files.edit``.
    NotFound
        ``asset.not_found``
    Invalid
        ``file.bad_name``, ``file.kind_unknown``, ``file.kind_differs``, ``file.too_large``, ``file.empty``
    """
    authorize(user, "files.edit")
    asset = asset_in_use(asset_id)
    name = name.replace("\\", "/").rpartition("/")[2].strip()
    if not 1 <= len(name) <= _NAME or any(ord(c) < 32 for c in name):
        raise Invalid(problems=[Problem(field="file", value=name[:80], code="file.bad_name", params={"limit": _NAME})])
    kind = kinds.of_name(name)
    if kind is None:
        params = {"known": ", ".join(kinds.KINDS)}
        raise Invalid(problems=[Problem(field="file", value=name, code="file.kind_unknown", params=params)])
    parts = iter(chunks)
    head = next(parts, b"")
    if head and not kinds.fits(kind, head):
        params = {"media_type": kind.media_type}
        raise Invalid(problems=[Problem(field="file", value=name, code="file.kind_differs", params=params)])
    sha256, size = store().put(itertools.chain((head,), parts))
    with transaction.atomic():
        kept = AssetFile.objects.create(
            asset=asset,
            title=(title.strip() or name)[:_NAME],
            name=name,
            media_type=kind.media_type,
            size=size,
            sha256=sha256,
            by=user.get_username(),
        )
        audit(user, "file.added", "asset", asset.code, address, file=str(kept.id), name=name, sha256=sha256)
    return kept


def remove(user: Any, file_id: UUID, address: str = "") -> None:
    """Remove a file; its bytes go when no other record has the same.

    Raises
    ------
    Forbidden
        Without ``files.edit``.
    NotFound
        ``file.not_found``
    """
    authorize(user, "files.edit")
    with transaction.atomic():
        found = AssetFile.objects.select_for_update().select_related("asset").filter(id=file_id).first()
        if found is None:
            raise NotFound("file.not_found", id=str(file_id))
        sha256 = found.sha256
        audit(
            user, "file.removed", "asset", found.asset.code, address, file=str(file_id), name=found.name, sha256=sha256
        )
        found.delete()
        if not AssetFile.objects.filter(sha256=sha256).exists():
            transaction.on_commit(lambda: store().remove(sha256))
