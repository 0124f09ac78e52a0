"""``headworks apply``: make the records equal to a plant folder, all of it or nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from django.db import transaction

from headworks.blocks.template import GraphTemplate
from headworks.control.access.models import User
from headworks.control.access.services import audit, authorize
from headworks.control.modelling import services as modelling
from headworks.control.modelling.models import TemplateVersion
from headworks.control.twin.models import Partition, Plant
from headworks.control.twin.plant.check import check
from headworks.control.twin.plant.diff import Diff, compare
from headworks.control.twin.plant.load import invalid, load
from headworks.control.twin.plant.records import GROUPS, Folder, Kind, State, Values, template_body, wanted
from headworks.control.twin.plant.rest import complete, keep
from headworks.control.twin.plant.source import Place, Reader
from headworks.control.twin.plant.state import recorded, retired, taken
from headworks.control.twin.plant.write import write
from headworks.control.twin.services import one_at_a_time


def apply_plant(folder: Path, dry_run: bool, actor: User | str) -> Diff:
    """Make the records of a plant equal to its folder and plan what has changed; with `dry_run` only say what would be.

    Applying the same folder again changes nothing. What is no longer in the folder is retired: its number and history
    stay. What the folder does not own (`owns` in plant.yaml) stays as it is, and may be referred to. New plan revisions
    are written in the same transaction and published by the dispatch role.

    Parameters
    ----------
    actor : a user is checked for ``plant.edit``; a name is of somebody at the machine itself

    Raises
    ------
    NotFound
        ``plant.no_folder``
    Invalid
        ``plant.invalid`` with every problem of the folder, each with file, line, value and remedy. Nothing is changed.
    """
    if isinstance(actor, User):
        authorize(actor, "plant.edit")
    content, reader = load(folder)
    code = content.plant.value.code
    alone = frozenset(content.plant.value.owns) >= frozenset(GROUPS)
    if alone:  # needs no records: nobody has to wait for it
        check(content, reader)
        if reader.problems:
            raise invalid(reader)
    with transaction.atomic():
        if not dry_run:
            one_at_a_time("plant")
        plant = Plant.objects.filter(code=code).first()
        before = recorded(plant)
        whole = complete(content, before)
        if not alone:
            check(whole, reader)
            if reader.problems:
                raise invalid(reader)
        state = keep(content, wanted(whole), before)
        _check_records(whole, state, before, reader)
        if reader.problems:
            raise invalid(reader)
        diff = compare(code, before, state, retired(plant))
        if dry_run or diff.empty:
            return diff
        plant = write(diff, state)
        plans = modelling.revise(Partition.objects.filter(plant=plant))
        counts: dict[str, Any] = {a: diff.count(a) for a in ("create", "change", "retire", "restore") if diff.count(a)}
        audit(actor, "plant.applied", "plant", code, **counts)
    return msgspec.structs.replace(diff, plans={p.partition.code: p.revision for p in plans})


def _check_records(folder: Folder, state: State, before: State, reader: Reader) -> None:
    """Note what the folder says that the records do not allow."""
    code = folder.plant.value.code
    for (kind, name), other in taken(state, code).items():
        reader.problem(_place(folder, kind, name), name, "plant.code_taken", name=name, plant=other)
    newest = _newest_versions(code)
    for row in folder.templates:
        t, at = row.value, row.place.at("version")
        if t.code not in newest:
            continue
        version, body = newest[t.code]
        if t.version < version:
            reader.problem(at, t.version, "plant.version_back", template=t.code, version=version)
        elif t.version == version and _graph(body) != _graph(state["template"][t.code]["body"]):
            reader.problem(at, t.version, "plant.version_reused", template=t.code, version=version, next=version + 1)
    for kind_row in folder.types:
        known = before["type"].get(kind_row.value.code)
        if known and kind_row.value.version < known["version"]:
            at, version = kind_row.place.at("version"), known["version"]
            reader.problem(
                at, kind_row.value.version, "plant.version_back", template=kind_row.value.code, version=version
            )


def _newest_versions(plant: str) -> dict[str, tuple[int, Values]]:
    rows = TemplateVersion.objects.filter(template__plant__code=plant).select_related("template").order_by("version")
    return {r.template.code: (r.version, template_body(msgspec.convert(r.body, GraphTemplate))) for r in rows}


def _graph(body: Values) -> Values:
    """Return what a template computes, without what it says: words may be corrected within a version."""
    return {
        "every": body["every"],
        "ports": {p["name"]: (p["unit"], p["kind"]) for p in body["ports"]},
        "params": {p["name"]: (p["default"], p["unit"], p["low"], p["high"]) for p in body["params"]},
        "tables": {t["name"]: t["default"] for t in body["tables"]},
        "blocks": {b["id"]: {k: v for k, v in b.items() if k != "id"} for b in body["blocks"]},
        "conditions": {c["name"]: (c["source"], c["value"]) for c in body["conditions"]},
        "outputs": {o["name"]: (o["source"], o["unit"]) for o in body["outputs"]},
    }


def _place(folder: Folder, kind: Kind, code: str) -> str:
    """Return where a record is written."""
    if kind == "partition":
        numbers = [n for n, p in enumerate(folder.plant.value.partitions) if p.code == code]
        return folder.plant.place.at("partitions", numbers[0], "code")
    rows = {"asset": folder.assets, "tag": folder.tags, "device": folder.devices, "instance": folder.instances}
    place: Place = next(r.place for r in rows[kind] if r.value.code == code)  # type: ignore[attr-defined]
    return place.at("code")
