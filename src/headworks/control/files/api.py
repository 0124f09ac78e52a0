"""Files of assets over HTTP."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote
from uuid import UUID

from django.http import FileResponse, HttpRequest
from ninja import File, Form, Router, Schema
from ninja.files import UploadedFile

from headworks.base.errors import NotFound
from headworks.control.access.authority import authorize
from headworks.control.access.services import address_of
from headworks.control.files import kinds, services
from headworks.control.files.models import AssetFile
from headworks.control.twin.models import Asset

router = Router()


class FileOut(Schema):
    id: UUID
    title: str
    name: str
    media_type: str
    size: int
    sha256: str
    by: str
    at_ms: int


class FilesOut(Schema):
    items: list[FileOut]


def _body(f: AssetFile) -> dict[str, Any]:
    return {
        "id": f.id,
        "title": f.title,
        "name": f.name,
        "media_type": f.media_type,
        "size": f.size,
        "sha256": f.sha256,
        "by": f.by,
        "at_ms": f.at // 1000,
    }


@router.get("assets/{asset_id}/files", response=FilesOut)
def files(request: HttpRequest, asset_id: int) -> Any:
    """Return the files of an asset, newest first."""
    authorize(request.user, "files.view")
    if not Asset.objects.filter(id=asset_id).exists():
        raise NotFound("asset.not_found", asset=asset_id)
    return {"items": [_body(f) for f in AssetFile.objects.filter(asset=asset_id)]}


@router.post("assets/{asset_id}/files", response=FileOut)
def add(request: HttpRequest, asset_id: int, file: File[UploadedFile], title: Form[str] = "") -> Any:
    """Keep a file of an asset."""
    return _body(services.add(request.user, asset_id, file.name or "", title, file.chunks(), address_of(request)))


@router.get("files/{file_id}", response={200: bytes})
def content(request: HttpRequest, file_id: UUID) -> Any:
    """Return the bytes of a file."""
    authorize(request.user, "files.view")
    found = AssetFile.objects.filter(id=file_id).first()
    if found is None:
        raise NotFound("file.not_found", id=str(file_id))
    kind = kinds.of_name(found.name)
    answer = FileResponse(services.store().path(found.sha256).open("rb"), content_type=found.media_type)
    how = "inline" if kind is not None and kind.shown else "attachment"
    answer["Content-Disposition"] = f"{how}; filename*=UTF-8''{quote(found.name)}"
    # What somebody uploaded must never act in the name of who looks at it.
    answer["Content-Security-Policy"] = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:"
    answer["ETag"] = f'"{found.sha256}"'
    return answer


@router.delete("files/{file_id}", response=FilesOut)
def remove(request: HttpRequest, file_id: UUID) -> Any:
    """Remove a file; return those the asset has left."""
    asset = AssetFile.objects.filter(id=file_id).values_list("asset", flat=True).first()
    services.remove(request.user, file_id, address_of(request))
    return {"items": [_body(f) for f in AssetFile.objects.filter(asset=asset)]}
