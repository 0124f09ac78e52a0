"""Addresses for machines that watch the platform: alive, ready, numbers."""

from __future__ import annotations

import prometheus_client
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.utils import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from headworks.base import log


def _text(body: str, status: int = 200) -> HttpResponse:
    return HttpResponse(
        body, status=status, content_type="text/plain; charset=utf-8", headers={"Cache-Control": "no-store"}
    )


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return _text("ok\n")


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """The records can be read and their tables are those of this version."""
    try:
        executor = MigrationExecutor(connection)
        waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError as e:
        log.get(__name__).warning("not ready", reason=str(e))
        return _text("database not ready\n", 503)
    return _text("database not migrated: run `headworks init`\n", 503) if waiting else _text("ready\n")


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """The numbers of this process for Prometheus."""
    return HttpResponse(prometheus_client.generate_latest(), content_type=prometheus_client.CONTENT_TYPE_LATEST)
