"""What changes OPC UA sources: made, changed, removed; each with the plan of its partition and an audit entry."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, get_args, get_type_hints

import msgspec
from django.conf import settings
from django.db import transaction

from headworks.base.clock import SystemClock
from headworks.base.errors import Conflict, Invalid, NotFound, Problem
from headworks.base.sealing import seal
from headworks.bus.plan import OpcUaSource
from headworks.control.access.models import User
from headworks.control.access.services import audit, authorize
from headworks.control.twin.models import Device, Partition
from headworks.control.twin.services import affect

POLICIES: tuple[str, ...] = get_args(get_type_hints(OpcUaSource)["policy"])
MODES: tuple[str, ...] = get_args(get_type_hints(OpcUaSource)["mode"])
FIELDS = tuple(f.name for f in msgspec.structs.fields(OpcUaSource))
_CODE = re.compile(r"[^\s/,;\"'\x00-\x1f]{1,120}")
_ENDPOINT = re.compile(r"opc\.tcp://(?P<host>\[[0-9A-Fa-f:.]+\]|[^\s/:\[\]@]+):(?P<port>\d{1,5})(/\S*)?")
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")
# Field -> what a value may be [s or count].
_RANGES = {"publishing_s": (0.05, 60.0), "sampling_s": (0.0, 60.0), "queue": (1, 10_000)}


def is_endpoint(text: str) -> bool:
    """Whether `text` has the form ``opc.tcp://host:port[/path]``."""
    found = _ENDPOINT.fullmatch(text)
    return found is not None and 0 < int(found["port"]) < 1 << 16 and len(text) <= 500


def bad_endpoint(text: str) -> Problem:
    return Problem(field="endpoint", value=text, code="source.endpoint_invalid")


def create(actor: User | str, code: str, partition: str, given: dict[str, Any], address: str = "") -> Device:
    """Make an OPC UA source; `given` holds the fields of its connection that are not left at their defaults.

    Raises
    ------
    Invalid
        with a problem by field: ``source.code_invalid``, ``source.code_taken``, ``source.partition_unknown`` and those of
        the connection
    """
    _may(actor)
    with transaction.atomic():
        problems = []
        if not _CODE.fullmatch(code):
            problems.append(Problem(field="code", value=code, code="source.code_invalid"))
        device = Device.objects.select_for_update().filter(code=code).first()
        if device is not None and not device.retired:
            problems.append(Problem(field="code", value=code, code="source.code_taken"))
        where = Partition.objects.filter(code=partition, retired_at=None).first()
        if where is None:
            known = ", ".join(Partition.objects.filter(retired_at=None).values_list("code", flat=True)[:20])
            problems.append(
                Problem(
                    field="partition", value=partition, code="source.partition_unknown", params={"known": known or "-"}
                )
            )
        connection, more = _connection({}, given)
        if problems or more:
            raise Invalid(problems=[*problems, *more])
        assert where is not None
        # A code that was retired comes back under its number, like everything of the plant; its old points do not.
        device = device or Device(code=code)
        device.protocol, device.kind, device.partition, device.connection = "opcua", "device", where, connection
        device.token_sha256, device.retired_at, device.drives_clock = "", None, False
        device.save()
        device.points.all().delete()
        audit(actor, "source.created", "device", code, address, partition=partition, **_told(connection))
        affect([where])
    return device


def change(actor: User | str, code: str, given: dict[str, Any], address: str = "") -> Device:
    """Change fields of a source's connection. A password that is not given stays, unless there is no user any more.

    Raises
    ------
    NotFound, Conflict, Invalid
        ``source.not_found``, ``source.not_opcua``, problems by field
    """
    _may(actor)
    with transaction.atomic():
        device = _opcua(code)
        connection, problems = _connection(device.connection or {}, given)
        if problems:
            raise Invalid(problems=problems)
        device.connection = connection
        device.save(update_fields=["connection"])
        audit(actor, "source.changed", "device", code, address, fields=sorted(given), **_told(connection))
        affect([device.partition])
    return device


def remove(actor: User | str, code: str, address: str = "") -> None:
    """Retire a source: nothing is read from it any more; the history of its tags stays."""
    _may(actor)
    with transaction.atomic():
        device = _opcua(code)
        device.retired_at = SystemClock().now()
        device.save(update_fields=["retired_at"])
        audit(actor, "source.removed", "device", code, address)
        affect([device.partition])


def find(code: str) -> Device:
    """Return a source in use, whatever its protocol.

    Raises
    ------
    NotFound
        ``source.not_found``
    """
    device = Device.objects.select_related("partition").filter(code=code, retired_at=None).first()
    if device is None:
        raise NotFound("source.not_found", source=code)
    return device


def find_opcua(code: str) -> Device:
    """Return an OPC UA source in use.

    Raises
    ------
    NotFound, Conflict
        ``source.not_found``, ``source.not_opcua``
    """
    device = find(code)
    if device.protocol != "opcua":
        raise Conflict("source.not_opcua", source=code, protocol=device.protocol)
    return device


def _opcua(code: str) -> Device:
    find_opcua(code)
    return Device.objects.select_for_update().select_related("partition").get(code=code)


def _may(actor: User | str) -> None:
    if isinstance(actor, User):
        authorize(actor, "devices.edit")


def _told(connection: dict[str, Any]) -> dict[str, Any]:
    """Return what the audit trail keeps of a connection: never the password, not even sealed."""
    return {k: connection[k] for k in ("endpoint", "policy", "mode", "username", "server_certificate")}


def _connection(before: dict[str, Any], given: dict[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    """Return the connection with `given` in it and the password sealed, and what is wrong with it."""
    found = {**msgspec.to_builtins(OpcUaSource(endpoint="")), **before, **given}
    if found["policy"] == "None" and "mode" not in given and "policy" in given:
        found["mode"] = "None"
    found["server_certificate"] = str(found["server_certificate"]).replace(":", "").strip().lower()
    problems = list(_problems(found))
    if "password" in given:
        if given["password"] and not found["username"]:
            problems.append(Problem(field="password", value="***", code="source.password_without_user"))
        found["password"] = seal(settings.HOME, given["password"])
    if not found["username"]:
        found["password"] = ""
    return {k: found[k] for k in FIELDS}, problems


def _problems(found: dict[str, Any]) -> Iterator[Problem]:
    if not is_endpoint(found["endpoint"]):
        yield bad_endpoint(found["endpoint"])
    for field, known in (("policy", POLICIES), ("mode", MODES)):
        if found[field] not in known:
            params = {"known": ", ".join(known)}
            yield Problem(field=field, value=found[field], code="source.choice_unknown", params=params)
    plain = found["policy"] == "None"
    if plain != (found["mode"] == "None"):
        yield Problem(field="mode", value=found["mode"], code="source.policy_clash", params={"policy": found["policy"]})
    pin = found["server_certificate"]
    if pin and not _SHA256.fullmatch(pin):
        yield Problem(field="server_certificate", value=pin[:100], code="source.certificate_invalid")
    elif not pin and not plain:
        yield Problem(field="server_certificate", value="", code="source.certificate_missing")
    for field, (low, high) in _RANGES.items():
        if not low <= found[field] <= high:
            params = {"low": low, "high": high}
            yield Problem(field=field, value=found[field], code="source.out_of_range", params=params)
