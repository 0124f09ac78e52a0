"""Sources over HTTP."""

from __future__ import annotations

from typing import Annotated, Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema, Status
from pydantic import ConfigDict, Field

from headworks.base.errors import Invalid
from headworks.control.access.authority import authorize
from headworks.control.access.models import User
from headworks.control.access.services import address_of, audit
from headworks.control.jobs.api import JobOut
from headworks.control.jobs.asking import body as body_of
from headworks.control.project.language import language_of
from headworks.control.sources import asking, queries, services, taglist

router = Router()

Name = Annotated[str, Field(max_length=200)]
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class SourceConnectionOut(Schema):
    endpoint: str
    policy: str
    mode: str
    username: str
    has_password: bool
    server_certificate: str
    publishing_s: float
    sampling_s: float
    queue: int


class LinkErrorOut(Schema):
    code: str
    params: dict[str, Any]
    text: str


class SourceBadPointOut(Schema):
    key: str
    tag: str
    reason: str


class SourceLinkOut(Schema):
    state: str
    since_ms: int | None
    last_seen_ms: int | None
    samples: int
    samples_per_s: float
    error: LinkErrorOut | None
    bad_points: list[SourceBadPointOut]
    bad_point_count: int
    gaps: int
    gap_s: float
    delay_s: float | None
    dropped: int
    quarantined: int
    overflows: int
    missed: int


class SourceOut(Schema):
    code: str
    protocol: str
    kind: str
    partition: str
    points: int
    connection: SourceConnectionOut | None
    link: SourceLinkOut


class SourcesOut(Schema):
    items: list[SourceOut]


class _Strict(Schema):
    model_config = ConfigDict(extra="forbid")


class SourceConnectionIn(_Strict):
    """Fields of a connection; one that is left out keeps what it is (a new source: its default)."""

    endpoint: Annotated[str, Field(max_length=500)] | None = None
    policy: Name | None = None
    mode: Name | None = None
    username: Name | None = None
    password: Annotated[str, Field(max_length=500)] | None = None
    server_certificate: Name | None = None
    publishing_s: float | None = None
    sampling_s: float | None = None
    queue: int | None = None


class SourceIn(SourceConnectionIn):
    code: Name
    partition: Name
    endpoint: Annotated[str, Field(max_length=500)]


class OpcUaLookIn(_Strict):
    endpoint: Annotated[str, Field(max_length=500)]


class OpcUaEndpointOut(Schema):
    policy: str
    mode: str
    supported: bool
    url: str
    certificate: str
    subject: str
    expires_ms: int | None
    identities: list[str]


class OpcUaServerOut(Schema):
    name: str
    uri: str


class OpcUaLookOut(Schema):
    endpoints: list[OpcUaEndpointOut]
    server: OpcUaServerOut


class OpcUaBrowseIn(_Strict):
    node: Annotated[str, Field(max_length=400)] | None = None
    cursor: Name | None = None


class OpcUaNodeOut(Schema):
    node: str
    name: str
    title: str
    kind: str
    type: str
    unit: str
    low: float | None
    high: float | None
    description: str
    value: float | int | bool | str | None
    status: int
    children: bool
    tag: str | None


class OpcUaBrowseOut(Schema):
    items: list[OpcUaNodeOut]
    next: str | None


class OpcUaCollectIn(_Strict):
    node: Annotated[str, Field(max_length=400)] | None = None


@router.get("sources", response=SourcesOut)
def sources(request: HttpRequest) -> Any:
    """Return everything samples come from, and how its link is."""
    authorize(request.user, "plant.view")
    return {"items": queries.rows(queries.said_by_connect(), language_of(request))}


@router.post("sources/look", response=OpcUaLookOut)
def look(request: HttpRequest, body: OpcUaLookIn) -> Any:
    """Return what an OPC UA server offers: policies, certificates, ways to sign in. Opens no session."""
    authorize(request.user, "devices.edit")
    if not services.is_endpoint(body.endpoint):
        raise Invalid(problems=[services.bad_endpoint(body.endpoint)])
    return asking.from_web({"do": "look", "endpoint": body.endpoint})


@router.post("sources", response={201: SourceOut})
def create(request: HttpRequest, body: SourceIn) -> Any:
    """Make an OPC UA source. The platform connects to it within a few seconds."""
    assert isinstance(request.user, User)
    device = services.create(request.user, body.code, body.partition, _given(body), address_of(request))
    return Status(201, _one(request, device.code))


@router.get("sources/{code}", response=SourceOut)
def source(request: HttpRequest, code: str) -> Any:
    """Return one source."""
    authorize(request.user, "plant.view")
    services.find(code)
    return _one(request, code)


@router.patch("sources/{code}", response=SourceOut)
def change(request: HttpRequest, code: str, body: SourceConnectionIn) -> Any:
    """Change the connection of an OPC UA source; a password that is not given stays."""
    assert isinstance(request.user, User)
    services.change(request.user, code, _given(body), address_of(request))
    return _one(request, code)


@router.delete("sources/{code}", response={204: None})
def remove(request: HttpRequest, code: str) -> Any:
    """Remove an OPC UA source; the history of its tags stays."""
    assert isinstance(request.user, User)
    services.remove(request.user, code, address_of(request))
    return Status(204, None)


@router.post("sources/{code}/browse", response=OpcUaBrowseOut)
def browse(request: HttpRequest, code: str, body: OpcUaBrowseIn) -> Any:
    """Return what lies directly below a node of the server (none given: the folder Objects), a page at a time."""
    authorize(request.user, "devices.edit")
    device = services.find_opcua(code)
    said = asking.from_web({"do": "browse", "source": code, "node": body.node, "cursor": body.cursor})
    tags = queries.tags_of(device)
    return {"items": [{**n, "tag": tags.get(n["node"])} for n in said["items"]], "next": said["next"]}


@router.post("sources/{code}/collect", response={202: JobOut})
def collect(request: HttpRequest, code: str, body: OpcUaCollectIn) -> Any:
    """Begin to collect every variable below a node, as a job."""
    authorize(request.user, "devices.edit")
    services.find_opcua(code)
    assert isinstance(request.user, User)
    with transaction.atomic():
        job = asking.collect(code, body.node, str(request.user))
        audit(request.user, "source.collect", "device", code, address_of(request), node=body.node or "", job=job.id)
    return Status(202, body_of(job, language_of(request)))


@router.get("sources/{code}/taglist.xlsx")
def tag_list(request: HttpRequest, code: str, job: str) -> HttpResponse:
    """Return what a finished job has collected as a tag list, ready for import."""
    authorize(request.user, "devices.edit")
    device = services.find_opcua(code)
    known = queries.known_tags(device)
    taken = queries.codes_taken()
    lines = taglist.entries(code, asking.collected(code, job), known, taken)
    answer = HttpResponse(taglist.workbook(lines), content_type=_XLSX)
    answer["Content-Disposition"] = 'attachment; filename="tags.xlsx"'
    answer["Cache-Control"] = "no-store"
    return answer


def _one(request: HttpRequest, code: str) -> dict[str, Any]:
    (row,) = queries.rows(queries.said_by_connect(), language_of(request), code)
    return row


def _given(body: SourceConnectionIn) -> dict[str, Any]:
    """Return the fields of a connection that were given."""
    given = body.model_dump(exclude_none=True)
    return {k: v for k, v in given.items() if k in services.FIELDS}
