"""Imports and exports over HTTP."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from urllib.parse import quote
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import File, Form, Query, Router, Schema
from ninja.files import UploadedFile
from pydantic import Field

from headworks.base.clock import SystemClock, ms
from headworks.base.errors import Invalid
from headworks.control.access.authority import authorize
from headworks.control.access.services import address_of
from headworks.control.project.language import language_of
from headworks.control.twin.imports import book, exports, runs
from headworks.control.twin.imports.columns import Kind
from headworks.control.twin.imports.read import MOST_BYTES
from headworks.control.twin.models import ImportRun

router = Router()
SHOWN = 2000
"""So many changes and problems of a run are told; the numbers say how many there are."""
_VIEW = {"tags": "plant.view", "models": "models.view"}


class ProblemOut(Schema):
    """`column` is the letter of the column, `header` what stands above it in the file, `name` its name here."""

    row: int
    column: str
    header: str
    name: str
    value: Any
    code: str
    params: dict[str, Any]
    text: str


class NoticeOut(Schema):
    column: str
    header: str
    code: str
    text: str


class FieldOut(Schema):
    """`by` is ``kks`` where the row does not give the asset and it was found by the tag's KKS code."""

    name: str
    old: Any
    new: Any
    by: str


class ItemOut(Schema):
    row: int
    action: Literal["create", "change"]
    code: str
    fields: list[FieldOut]


class ImportOut(Schema):
    id: UUID
    kind: Kind
    plant: str
    file_name: str
    encoding: str
    sheet: str
    rows: int
    creates: int
    changes: int
    unchanged: int
    errors: int
    problem_count: int
    state: Literal["checked", "applied", "expired"]
    problems: list[ProblemOut]
    warnings: list[NoticeOut]
    items: list[ItemOut]
    created_ms: int
    created_by: str
    expires_ms: int
    applied_ms: int | None
    applied_by: str


class ApplyIn(Schema):
    skip_bad: bool = False


class ExportFilter(Schema):
    asset: Annotated[int | None, Field(ge=0)] = None


def _body(run: ImportRun, language: str) -> dict[str, Any]:
    outcome = runs.outcome_of(run)
    table = runs.table_of(run) if run.table else None
    return {
        "id": run.id,
        "kind": run.kind,
        "plant": run.plant.code,
        "file_name": run.file_name,
        "encoding": run.encoding,
        "sheet": run.sheet,
        "rows": run.rows,
        "creates": run.creates,
        "changes": run.changes,
        "unchanged": run.unchanged,
        "errors": run.errors,
        "problem_count": len(outcome.found),
        "state": runs.state_of(run, SystemClock().now()),
        "problems": [
            {
                "row": f.row,
                "column": table.letter(f.name) if table else "",
                "header": table.header(f.name) if table else f.name,
                "name": f.name,
                "value": f.value,
                "code": f.code,
                "params": f.params,
                "text": exports.problem_text(f, language),
            }
            for f in outcome.found[:SHOWN]
        ],
        "warnings": [
            {
                "column": n.column,
                "header": n.header,
                "code": n.code,
                "text": exports.notice_text(n, language),
            }
            for n in outcome.notices
        ],
        "items": [
            {
                "row": i.row,
                "action": i.action,
                "code": i.code,
                "fields": [{"name": f.name, "old": f.old, "new": f.new, "by": f.by} for f in i.fields],
            }
            for i in outcome.items[:SHOWN]
        ],
        "created_ms": run.created_at // 1000,
        "created_by": run.created_by,
        "expires_ms": (run.created_at + runs.KEPT_US) // 1000,
        "applied_ms": ms(run.applied_at),
        "applied_by": run.applied_by,
    }


@router.get("imports/blank.xlsx", response={200: bytes})
def blank(request: HttpRequest, kind: Kind = "tags") -> HttpResponse:
    """Return an empty table to fill in, with notes on its columns and lists of units and kinds."""
    authorize(request.user, _VIEW[kind])
    return _file(book.blank(kind, language_of(request)), f"{kind}.xlsx")


@router.post("imports", response=ImportOut)
def check(
    request: HttpRequest, file: File[UploadedFile], kind: Form[Kind], plant: Form[str] = "", sheet: Form[str] = ""
) -> Any:
    """Check a file of tags or models (.xlsx, .csv) and return what it would change; nothing of the plant is changed.

    `sheet` names the sheet of a workbook; without it the first visible one with the header is taken.
    """
    authorize(request.user, runs.PERMISSION[kind])
    if (file.size or 0) > MOST_BYTES:
        raise Invalid("import.too_large", size=(file.size or 0) >> 20, limit=MOST_BYTES >> 20)
    run = runs.check_file(request.user, kind, plant, file.read(), file.name or "", sheet)
    return _body(run, language_of(request))


@router.get("imports/{run_id}", response=ImportOut)
def show(request: HttpRequest, run_id: UUID) -> Any:
    """Return an import: what its file would change, or has changed."""
    return _body(runs.run_of(request.user, run_id), language_of(request))


@router.post("imports/{run_id}/apply", response=ImportOut)
def apply(request: HttpRequest, run_id: UUID, wanted: ApplyIn) -> Any:
    """Make the records what the import said, all of it or nothing; with `skip_bad` without the rows that have problems."""
    run = runs.apply_run(request.user, run_id, wanted.skip_bad, address_of(request))
    return _body(run, language_of(request))


@router.get("imports/{run_id}/file", response={200: bytes})
def corrected(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """Return the rows of an import as a workbook with what is wrong in a last column and in red."""
    run = runs.run_of(request.user, run_id)
    name = f"{run.file_name.rpartition('.')[0] or run.file_name}-problems.xlsx"
    return _file(exports.corrected(run, language_of(request)), name)


@router.get("exports/{kind}.xlsx", response={200: bytes})
def workbook(request: HttpRequest, kind: Kind, wanted: Query[ExportFilter]) -> HttpResponse:
    """Return tags or models as a workbook that the import reads; of one asset and below, or all."""
    authorize(request.user, _VIEW[kind])
    return _file(exports.export(kind, "xlsx", wanted.asset), f"{kind}.xlsx")


@router.get("exports/{kind}.csv", response={200: bytes})
def text(request: HttpRequest, kind: Kind, wanted: Query[ExportFilter]) -> HttpResponse:
    """Return tags or models as CSV that the import reads; of one asset and below, or all."""
    authorize(request.user, _VIEW[kind])
    return _file(exports.export(kind, "csv", wanted.asset), f"{kind}.csv")


def _file(content: bytes, name: str) -> HttpResponse:
    answer = HttpResponse(content, content_type=book.CSV if name.endswith(".csv") else book.XLSX)
    answer["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}"
    answer["Cache-Control"] = "no-store"
    return answer
