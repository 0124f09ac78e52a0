"""Files of assets: kept under their digest, of the kind they claim, shown without danger."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from headworks.control.access.models import AuditEntry
from headworks.control.access.services import create_user
from headworks.control.files import services
from headworks.control.files.models import AssetFile
from headworks.control.files.store import Store

pytestmark = [pytest.mark.django_db, pytest.mark.feature("EAM-01")]

PDF = b"%PDF-1.7\n" + b"x" * 1000


@pytest.fixture
def pump(plant_folder: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    from headworks.control.twin.models import Asset

    plant_folder.apply()
    monkeypatch.setattr(services, "store", lambda: Store(tmp_path / "files", 4096))
    return int(Asset.objects.get(code="P1").id)


def browser(role: str = "engineer") -> Client:
    client = Client(headers={"accept-language": "en"})
    client.force_login(create_user(f"{role}-1", "correct-horse-battery", (role,), must_change_password=False))
    return client


def upload(client: Client, asset: int, name: str, content: bytes, title: str = "") -> Any:
    return client.post(f"/api/v1/assets/{asset}/files", {"file": SimpleUploadedFile(name, content), "title": title})


def test_a_file_is_kept_listed_read_and_removed(pump: int, django_capture_on_commit_callbacks: Any) -> None:
    client = browser()
    made = upload(client, pump, "说明书.pdf", PDF, "给水泵说明书").json()

    assert (made["title"], made["name"], made["size"]) == ("给水泵说明书", "说明书.pdf", len(PDF))
    assert made["sha256"] == hashlib.sha256(PDF).hexdigest()
    answer = client.get(f"/api/v1/files/{made['id']}")
    assert b"".join(answer.streaming_content) == PDF
    assert answer["Content-Type"] == "application/pdf"
    assert answer["Content-Disposition"].startswith("inline; filename*=UTF-8''%E8%AF%B4")
    assert "sandbox" in answer["Content-Security-Policy"]
    assert client.get(f"/api/v1/assets/{pump}/files").json()["items"] == [made]

    again = upload(client, pump, "copy.pdf", PDF).json()
    with django_capture_on_commit_callbacks(execute=True):
        assert [f["id"] for f in client.delete(f"/api/v1/files/{made['id']}").json()["items"]] == [again["id"]]
    assert client.get(f"/api/v1/files/{again['id']}").status_code == 200
    with django_capture_on_commit_callbacks(execute=True):
        client.delete(f"/api/v1/files/{again['id']}")
    assert not AssetFile.objects.exists()
    assert [p for p in services.store()._folder.rglob("*") if p.is_file()] == []
    assert AuditEntry.objects.filter(action="file.removed").count() == 2


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("page.html", b"<script>", "file.kind_unknown"),
        ("noending", b"x", "file.kind_unknown"),
        ("drawing.pdf", b"<html>", "file.kind_differs"),
        ("notes.txt", b"a\x00b", "file.kind_differs"),
        ("big.pdf", PDF * 5, "file.too_large"),
        ("empty.pdf", b"", "file.empty"),
    ],
)
def test_what_is_not_what_it_claims_is_refused_and_nothing_is_kept(
    pump: int, name: str, content: bytes, code: str
) -> None:
    answer = upload(browser(), pump, name, content)

    assert answer.status_code == 422
    problems = answer.json()["problems"]
    assert problems[0]["field"] == "file"
    assert problems[0]["code"] in (code, "field.invalid")
    assert not AssetFile.objects.exists()
    folder = services.store()._folder
    assert not folder.exists() or not [p for p in folder.rglob("*") if p.is_file()]


def test_only_who_may_changes_files_and_missing_things_are_named(pump: int) -> None:
    made = upload(browser(), pump, "a.pdf", PDF).json()
    viewer = browser("viewer")

    assert viewer.get(f"/api/v1/assets/{pump}/files").status_code == 200
    assert upload(viewer, pump, "a.pdf", PDF).json()["params"] == {"permission": "files.edit"}
    assert viewer.delete(f"/api/v1/files/{made['id']}").status_code == 403
    assert viewer.get("/api/v1/assets/4000/files").json()["code"] == "asset.not_found"
    services.store().remove(made["sha256"])
    assert viewer.get(f"/api/v1/files/{made['id']}").json()["code"] == "file.bytes_missing"
