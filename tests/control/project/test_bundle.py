"""The web bundle: one page with its own nonce and a policy that fits it, files that are cached for ever."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path
from typing import Any

import pytest
from django.test import AsyncClient, Client

pytestmark = [pytest.mark.django_db, pytest.mark.feature("PWR-06")]


def test_the_policy_allows_the_import_map_of_this_page_and_no_other_inline_script(bundle: Path) -> None:
    answer = Client().get("/")
    html, policy = answer.content.decode(), answer.headers["Content-Security-Policy"]
    inline = re.search(r'<script type="importmap">(.*?)</script>', html)
    assert inline
    digest = base64.b64encode(hashlib.sha256(inline[1].encode()).digest()).decode()

    assert f"script-src 'self' 'sha256-{digest}';" in policy
    assert "'unsafe-inline'" not in policy
    assert "default-src 'none'" in policy
    nonce = re.search(r'<meta name="csp-nonce" content="([^"]{20,})">', html)
    assert nonce
    assert f"style-src 'self' 'nonce-{nonce[1]}'" in policy
    assert answer.headers["Cache-Control"] == "no-store"
    assert Client().get("/").headers["Content-Security-Policy"] != policy, "a nonce is used once"


@pytest.mark.parametrize("path", ["/", "/alarms", "/assets/5?tab=files", "/trends/1?from=2", "/index.html"])
def test_every_address_that_is_no_file_is_the_page(bundle: Path, path: str) -> None:
    answer = Client().get(path)

    assert answer.status_code == 200
    assert "Content-Security-Policy" in answer.headers


def test_files_with_a_hash_are_kept_for_ever_and_sent_compressed(bundle: Path) -> None:
    plain = Client().get("/assets/app-1.js")
    assert (plain.status_code, plain.content) == (200, b"console.log(1)")
    assert plain.headers["Cache-Control"] == "max-age=315360000, public, immutable"
    assert plain.headers["X-Content-Type-Options"] == "nosniff"
    assert plain.headers["Content-Type"].startswith("text/javascript")
    assert plain.headers.get("Access-Control-Allow-Origin") is None

    small = Client().get("/assets/app-1.js", headers={"accept-encoding": "gzip, br"})
    assert (small.headers["Content-Encoding"], small.content) == ("br", b"br")
    assert Client().get("/assets/app-1.js", headers={"accept-encoding": "gzip"}).content == b"gzip"
    assert "immutable" not in Client().get("/favicon.svg").headers["Cache-Control"]


@pytest.mark.parametrize("path", ["/assets/gone.js", "/vendor/gone.js", "/assets/../index.html"])
def test_a_missing_file_is_not_the_page(bundle: Path, path: str) -> None:
    assert Client().get(path).status_code == 404


def test_without_a_bundle_the_page_says_what_to_do(settings: Any, tmp_path: Path) -> None:
    settings.WEB_BUNDLE = tmp_path / "none"

    answer = Client().get("/", headers={"accept-language": "en"})

    assert answer.status_code == 503
    assert "make setup" in answer.content.decode()


def test_the_page_is_only_read(bundle: Path) -> None:
    assert Client().post("/").status_code == 405


@pytest.mark.django_db(transaction=True)
async def test_all_of_it_works_asynchronously_too(bundle: Path) -> None:
    client = AsyncClient()

    assert (await client.get("/assets/app-1.js")).content == b"console.log(1)"
    assert (await client.get("/")).status_code == 200
    assert (await client.get("/api/v1/session")).json()["authenticated"] is False
    assert (await client.get("/api/v1/assets")).status_code == 401
