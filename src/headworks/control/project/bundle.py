"""The web bundle: its files, and the one page that loads them.

Files under ``/assets`` and ``/vendor`` carry a hash in their name and are cached for ever; brotli and gzip twins made by
the build are sent where the browser takes them. The page is made for each answer: the nonce of its styles is new each
time, and the inline import map is allowed by its hash, computed from what is served.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Callable
from functools import cache
from inspect import iscoroutinefunction
from pathlib import Path
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import sync_and_async_middleware
from django.views.decorators.http import require_safe
from whitenoise.base import WhiteNoise

from headworks.base import i18n
from headworks.control.project.language import language_of

IMMUTABLE = ("/assets/", "/vendor/")
_INLINE = re.compile(r"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.S)
_NONCE_META = '<meta name="csp-nonce" content="">'


class Files(WhiteNoise):
    """The files of a bundle, found once; the page itself is not one of them."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            application=None,
            max_age=3600,
            allow_all_origins=False,
            immutable_file_test=lambda _, url: url.startswith(IMMUTABLE),
        )
        if folder.is_dir():
            self.add_files(str(folder))
        for name in ("/index.html", "/index.html.br", "/index.html.gz", "/"):
            self.files.pop(name, None)


@cache
def _files(folder: Path) -> Files:
    return Files(folder)


def _answer(request: HttpRequest) -> HttpResponse | None:
    """Return the file a request names. Files are small (≤ 2 MB) and are read whole, so no thread is held for sending."""
    if request.method not in ("GET", "HEAD"):
        return None
    found = _files(settings.WEB_BUNDLE).files.get(request.path_info)
    if found is None:
        return None
    served = found.get_response(request.method, request.META)
    body = b""
    if served.file is not None:
        with served.file as file:
            body = file.read()
    answer = HttpResponse(body, status=int(served.status))
    del answer.headers["Content-Type"]
    for name, value in served.headers:
        answer.headers[name] = value
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer


@sync_and_async_middleware
def files(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Serve the files of the bundle before anything else looks at the request."""
    if iscoroutinefunction(get_response):

        async def asynchronous(request: HttpRequest) -> Any:
            return _answer(request) or await get_response(request)

        return asynchronous

    def synchronous(request: HttpRequest) -> Any:
        return _answer(request) or get_response(request)

    return synchronous


@require_safe
def page(request: HttpRequest, path: str = "") -> HttpResponse:
    """Return the single page for every address that is not a file and not the API."""
    # Pages of assets have their addresses below /assets too; only what has an ending was a file.
    if request.path_info.startswith(IMMUTABLE) and "." in request.path_info:
        return HttpResponse("not found", status=404, content_type="text/plain")
    index = settings.WEB_BUNDLE / "index.html"
    try:
        html = index.read_text("utf-8")
    except OSError:
        return _missing(request)
    nonce = secrets.token_urlsafe(18)
    answer = HttpResponse(html.replace(_NONCE_META, _NONCE_META.replace('""', f'"{nonce}"')))
    answer["Content-Security-Policy"] = policy(html, nonce)
    answer["Cache-Control"] = "no-store"  # it carries a nonce
    answer["X-Frame-Options"] = "DENY"
    return answer


def policy(html: str, nonce: str) -> str:
    """Return the Content-Security-Policy of a page whose inline scripts are those in `html`."""
    hashes = "".join(
        f" 'sha256-{base64.b64encode(hashlib.sha256(s.encode()).digest()).decode()}'" for s in _INLINE.findall(html)
    )
    return (
        f"default-src 'none'; script-src 'self'{hashes}; style-src 'self' 'nonce-{nonce}'; img-src 'self' data:; "
        "font-src 'self'; connect-src 'self'; media-src 'self'; manifest-src 'self'; worker-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
    )


def _missing(request: HttpRequest) -> HttpResponse:
    language = language_of(request)
    title, what = (i18n.text(f"page.bundle_missing.{k}", language) for k in ("title", "text"))
    answer = HttpResponse(
        f'<!doctype html><html lang="{language}"><meta charset="utf-8"><title>{title}</title><h1>{title}</h1><p>{what}</p>',
        status=503,
    )
    answer["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'none'"
    answer["Cache-Control"] = "no-store"
    return answer
