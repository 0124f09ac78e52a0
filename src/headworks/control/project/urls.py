"""Addresses of the web role."""

from __future__ import annotations

import sys

from django.http import HttpRequest, HttpResponse
from django.urls import path, re_path

from headworks.control.project import bundle, problems, status
from headworks.control.project.api import build


def unknown(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return problems.of_status(request, 404)


def refused(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return problems.of_status(request, 403)


def bad(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return problems.of_status(request, 400)


def broken(request: HttpRequest) -> HttpResponse:
    return problems.of_bug(request, sys.exception())


handler400, handler403, handler404, handler500 = bad, refused, unknown, broken

urlpatterns = [
    path("api/v1/", build().urls),
    re_path(r"^api(/.*)?$", unknown),
    path("healthz", status.healthz),
    path("readyz", status.readyz),
    path("metrics", status.metrics),
    re_path(r"^(?P<path>.*)$", bundle.page),
]
