"""The HTTP API: every installed app of the control plane that has an ``api.py`` brings a ``router`` with full paths."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

import msgspec
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI, Router
from ninja.renderers import BaseRenderer

from headworks import __version__
from headworks.base import i18n
from headworks.base.errors import NotFound
from headworks.control.project import pages, problems
from headworks.control.project.guards import Bearer, SignedIn


class Json(BaseRenderer):
    """Answers as JSON; NaN, which JSON does not know, becomes null."""

    media_type = "application/json"
    charset = "utf-8"

    def render(self, request: HttpRequest, data: Any, *, response_status: int) -> bytes:
        return msgspec.json.encode(data, enc_hook=str)


def build() -> NinjaAPI:
    """Return the API with the routers of all installed apps."""
    api = NinjaAPI(
        title="Headworks",
        version=__version__,
        urls_namespace="v1",
        auth=[Bearer(), SignedIn()],
        renderer=Json(),
        docs_url=None,
        openapi_url="openapi.json",
    )
    problems.install(api)
    api.add_router("", project)
    for app in settings.PRESENT_APPS:
        module = f"headworks.control.{app}.api"
        if find_spec(module):
            api.add_router("", import_module(module).router, tags=[app])
    return api


project = Router(tags=["project"])


@project.get("manifest")
def manifest(request: HttpRequest) -> dict[str, Any]:
    """Return the pages this person may open, and the apps that bring more."""
    return {"pages": pages.visible(request.user), "apps": []}


@project.get("locale/{language}", auth=None)
def locale(request: HttpRequest, language: str, response: HttpResponse) -> dict[str, str]:
    """Return every text of the platform in one language."""
    if language not in i18n.LANGUAGES:
        raise NotFound("locale.unknown", language=language, known=i18n.LANGUAGES)
    response["Cache-Control"] = "no-cache"
    return dict(i18n.catalogue(language))
