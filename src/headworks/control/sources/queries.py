"""What is read of sources: the records, and what the connect role says of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import Count

from headworks.base import i18n
from headworks.base.clock import SystemClock
from headworks.base.errors import NotReady
from headworks.control.live import hub
from headworks.control.sources.taglist import Known
from headworks.control.twin.models import Device, Point, Tag

_SILENT_US = 15_000_000
Said = Mapping[str, Mapping[str, Any]]


def said_by_connect() -> Said:
    """Return what the connect role said of each device in its last health message; nothing if it is silent."""

    async def look() -> Said:
        now = SystemClock().now()
        found: dict[str, Mapping[str, Any]] = {}
        for health in hub.current().system.roles.values():
            if health.role == "connect" and now - health.at < _SILENT_US:
                found.update(health.detail.get("devices", {}))
        return found

    try:
        known: Said = hub.current().ask(look)
    except NotReady:
        # A source without its state is still worth showing.
        return {}
    return known


def rows(said: Said, language: str, code: str | None = None) -> list[dict[str, Any]]:
    """Return the sources in use (or only `code`) as the API says them, by code."""
    found = Device.objects.filter(retired_at=None).select_related("partition").order_by("code")
    if code is not None:
        found = found.filter(code=code)
    return [_row(d, said.get(d.code), language) for d in found.annotate(point_count=Count("points"))]


def _row(d: Device, said: Mapping[str, Any] | None, language: str) -> dict[str, Any]:
    return {
        "code": d.code,
        "protocol": d.protocol,
        "kind": d.kind,
        "partition": d.partition.code,
        "points": d.point_count,  # type: ignore[attr-defined]
        "connection": _connection(d.connection) if d.protocol == "opcua" and d.connection else None,
        "link": _link(d, said or {}, language),
    }


def _connection(c: Mapping[str, Any]) -> dict[str, Any]:
    names = ("endpoint", "policy", "mode", "username", "server_certificate", "publishing_s", "sampling_s", "queue")
    return {**{n: c.get(n) for n in names}, "has_password": bool(c.get("password"))}


def _link(d: Device, said: Mapping[str, Any], language: str) -> dict[str, Any]:
    if d.protocol == "opcua":
        state = said.get("state", "unknown")
    elif not d.token_sha256:
        state = "off"  # without a token it may not connect
    else:
        state = ("connected" if said["connected"] else "down") if said else "unknown"
    error = said.get("error")
    if error:
        error = {**error, "text": i18n.error_text(error["code"], language, **error["params"])}
    return {
        "state": state,
        "since_ms": said.get("since_ms"),
        "last_seen_ms": said.get("last_seen_ms"),
        "samples": said.get("samples", 0),
        "samples_per_s": said.get("samples_per_s", 0.0),
        "error": error or None,
        "bad_points": said.get("bad_points", []),
        "bad_point_count": said.get("bad_point_count", 0),
        "gaps": said.get("gaps", 0),
        "gap_s": said.get("gap_s", 0.0),
        "delay_s": said.get("delay_s"),
        "dropped": said.get("dropped", 0),
        "quarantined": said.get("quarantined", 0),
        "overflows": said.get("overflows", 0),
        "missed": said.get("missed", 0),
    }


def known_tags(device: Device) -> dict[str, tuple[str, Known]]:
    """Return address -> code and tag of what is read from a source, for its tag list."""
    points = Point.objects.filter(device=device, child="", tag__retired_at=None).select_related("tag__asset")
    return {
        p.key: (
            p.tag.code,
            Known(
                asset=p.tag.asset.code,
                title_zh=p.tag.title_zh,
                title_en=p.tag.title_en,
                unit=p.tag.unit,
                low=p.tag.low,
                high=p.tag.high,
                source_unit=p.unit,
            ),
        )
        for p in points
    }


def codes_taken() -> set[str]:
    """Return the codes of all tags, in use or retired: a list must not propose one that is another tag's."""
    return set(Tag.objects.values_list("code", flat=True))


def tags_of(device: Device) -> dict[str, str]:
    """Return address -> code of the tag that is read from it."""
    return dict(Point.objects.filter(device=device, child="").values_list("key", "tag__code"))
