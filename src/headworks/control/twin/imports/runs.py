"""Imports as people make them: a file is checked and kept for a day, then exactly what was checked is applied."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from uuid import UUID

import msgspec
from django.db import transaction

from headworks.base import log
from headworks.base.clock import SystemClock
from headworks.base.errors import Conflict, Fault, NotFound
from headworks.control.access.models import User
from headworks.control.access.services import audit, authorize
from headworks.control.modelling.models import ModelInstance
from headworks.control.twin.imports.columns import Kind
from headworks.control.twin.imports.instances import check_models
from headworks.control.twin.imports.outcome import Outcome, basis
from headworks.control.twin.imports.read import read_table
from headworks.control.twin.imports.table import Progress, Table, silent
from headworks.control.twin.imports.tags import check_tags
from headworks.control.twin.models import ImportRun, Partition, Plant, Tag
from headworks.control.twin.plant.diff import Diff, compare
from headworks.control.twin.plant.records import State
from headworks.control.twin.plant.state import retired
from headworks.control.twin.plant.write import write
from headworks.control.twin.services import affect, one_at_a_time

KEPT_US = 24 * 3600 * 1_000_000
FORGOTTEN_US = 30 * 24 * 3600 * 1_000_000
PERMISSION: dict[str, str] = {"tags": "plant.edit", "models": "models.edit"}
_CHECKS = {"tags": check_tags, "models": check_models}
_logger = log.get(__name__)


def check_file(
    actor: User | str,
    kind: Kind,
    plant: str,
    data: bytes,
    file_name: str,
    sheet: str = "",
    progress: Progress = silent,
) -> ImportRun:
    """Read and check a file; return the run that says what it would change. Nothing of the plant is changed.

    Parameters
    ----------
    actor : a user is checked for ``plant.edit`` (tags) or ``models.edit``; a name is of somebody at the machine itself
    plant : code of the plant the rows belong to; "" for the only one there is

    Raises
    ------
    NotFound
        ``plant.unknown``
    Invalid
        ``import.*``: the file cannot be used as a whole. What is wrong with single rows is in the run.
    """
    if isinstance(actor, User):
        authorize(actor, PERMISSION[kind])
    found = _plant(plant)
    table = read_table(kind, data, file_name, sheet, progress)
    seen = basis(found)
    outcome = _CHECKS[kind](seen, table, progress)
    now = SystemClock().now()
    with transaction.atomic():
        _forget(now)
        return ImportRun.objects.create(
            kind=kind,
            plant=found,
            file_name=file_name[-200:],
            encoding=table.encoding,
            sheet=table.sheet,
            rows=len(table.rows),
            creates=outcome.count("create"),
            changes=outcome.count("change"),
            unchanged=outcome.unchanged,
            errors=outcome.bad_rows,
            digest=seen.digest,
            table=_pack(table),
            outcome=_pack(outcome),
            created_at=now,
            created_by=str(actor)[:64],
        )


def run_of(actor: User | str, run_id: UUID) -> ImportRun:
    """Return a run.

    Raises
    ------
    NotFound
        ``import.not_found``
    """
    found = ImportRun.objects.select_related("plant").filter(id=run_id).first()
    if found is None:
        raise NotFound("import.not_found", id=str(run_id))
    if isinstance(actor, User):
        authorize(actor, PERMISSION[found.kind])
    return found


def state_of(run: ImportRun, now: int) -> str:
    """Return ``applied``, ``expired`` or ``checked``."""
    if run.applied_at is not None:
        return "applied"
    return "expired" if now - run.created_at > KEPT_US or not run.outcome else "checked"


def outcome_of(run: ImportRun) -> Outcome:
    """Return what was found; empty once the run has expired."""
    return msgspec.json.decode(zlib.decompress(run.outcome), type=Outcome) if run.outcome else Outcome()


def table_of(run: ImportRun) -> Table:
    """Return the rows of the file.

    Raises
    ------
    Conflict
        ``import.expired``
    """
    if not run.table:
        raise Conflict("import.expired")
    return msgspec.json.decode(zlib.decompress(run.table), type=Table)


def apply_run(actor: User | str, run_id: UUID, skip_bad: bool = False, address: str = "") -> ImportRun:
    """Make the records what the run said, in one transaction with the plans made of them; return the run.

    With `skip_bad` rows with problems are left out; without it a run that has any is refused.

    Raises
    ------
    NotFound
        ``import.not_found``
    Conflict
        ``import.applied``, ``import.expired``, ``import.has_problems``, or ``import.stale``: the records are no longer
        those that were checked. Nothing is changed.
    """
    run_of(actor, run_id)
    with transaction.atomic():
        one_at_a_time("plant")
        run = ImportRun.objects.select_for_update().select_related("plant").get(id=run_id)
        now = SystemClock().now()
        if run.applied_at is not None:
            raise Conflict("import.applied")
        if state_of(run, now) == "expired":
            raise Conflict("import.expired")
        if run.errors and not skip_bad:
            raise Conflict("import.has_problems", errors=run.errors)
        seen = basis(run.plant)
        if seen.digest != run.digest:
            raise Conflict("import.stale")
        outcome = outcome_of(run)
        after = _after(seen.state, outcome)
        diff = compare(run.plant.code, seen.state, after, retired(run.plant))
        if _taken(run, diff):
            raise Conflict("import.stale")
        if diff.changes:
            write(diff, after)
            affect(Partition.objects.filter(plant=run.plant, retired_at=None))
        run.applied_at, run.applied_by = now, str(actor)[:64]
        run.save(update_fields=["applied_at", "applied_by"])
        audit(
            actor,
            "import.applied",
            "import",
            run.id,
            address,
            table=run.kind,
            plant=run.plant.code,
            file=run.file_name,
            creates=run.creates,
            changes=run.changes,
            skipped=run.errors,
        )
    _logger.info("import applied", kind=run.kind, plant=run.plant.code, creates=run.creates, changes=run.changes)
    return run


def _after(before: State, outcome: Outcome) -> State:
    after: State = dict(before)
    for kind, records in outcome.records.items():
        if kind not in after:
            raise Fault("internal", kind=kind)
        changed = dict(after[kind])
        for code, values in records.items():
            if values is None:
                changed.pop(code, None)
            else:
                changed[code] = values
        after[kind] = changed
    return after


def _taken(run: ImportRun, diff: Diff) -> bool:
    """Whether another plant has taken one of the new codes since."""
    new = [c.code for c in diff.changes if c.action == "create" and c.kind in ("tag", "instance")]
    model: type[Tag] | type[ModelInstance] = Tag if run.kind == "tags" else ModelInstance
    return any(_exists(model, new[i : i + 500]) for i in range(0, len(new), 500))


def _exists(model: type[Tag] | type[ModelInstance], codes: Sequence[str]) -> bool:
    return model._default_manager.filter(code__in=codes).exists()


def _plant(code: str) -> Plant:
    known = list(Plant.objects.order_by("code"))
    chosen = [p for p in known if code in ("", p.code)]
    if len(chosen) != 1:
        raise NotFound("plant.unknown", plant=code or "–", known=", ".join(p.code for p in known) or "–")
    return chosen[0]


def _forget(now: int) -> None:
    """Drop the contents of runs that have expired, and runs that nobody looks at any more."""
    old = ImportRun.objects.filter(created_at__lt=now - KEPT_US)
    old.exclude(table=b"").update(table=b"", outcome=b"")
    ImportRun.objects.filter(created_at__lt=now - FORGOTTEN_US, applied_at=None).delete()


def _pack(value: Table | Outcome) -> bytes:
    return zlib.compress(msgspec.json.encode(value), 6)
