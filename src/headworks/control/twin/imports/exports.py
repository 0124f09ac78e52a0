"""Tags and models as the tables that the import reads: what was written out and read in again is unchanged."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from headworks.base import i18n
from headworks.control.modelling.models import ModelInstance
from headworks.control.twin.imports import book, values
from headworks.control.twin.imports.columns import Kind
from headworks.control.twin.imports.runs import outcome_of, table_of
from headworks.control.twin.imports.table import Found, Notice
from headworks.control.twin.models import ImportRun, Point, Tag
from headworks.control.twin.queries import asset_in_use


def export(kind: Kind, form: str, asset: int | None = None) -> bytes:
    """Return the tags or models of an asset and everything below it (of all plants without one) as ``xlsx`` or ``csv``.

    Raises
    ------
    NotFound
        ``asset.not_found``
    """
    below = ""
    if asset is not None:
        below = asset_in_use(asset).path
    rows = _tags(below) if kind == "tags" else _models(below)
    return book.filled(kind, rows) if form == "xlsx" else book.as_csv(kind, rows)


def _tags(below: str) -> Iterator[dict[str, Any]]:
    points: dict[int, tuple[str, str, str, str]] = {}
    found = Point.objects.filter(device__retired_at=None).order_by("-device__code", "-child", "-key")
    for tag, *where in found.values_list("tag", "device__code", "child", "key", "unit"):
        points[tag] = (where[0], where[1], where[2], where[3])  # the first in order is what stays
    tags = Tag.objects.filter(retired_at=None, asset__path__startswith=below).order_by("code")
    names = ("id", "code", "asset__code", "title_zh", "title_en", "unit", "low", "high", "kind")
    for id_, code, asset, zh, en, unit, low, high, kind in tags.values_list(*names):
        source, child, key, source_unit = points.get(id_, ("", "", "", ""))
        yield {
            "code": code,
            "asset": asset,
            "title_zh": zh,
            "title_en": en,
            "unit": unit,
            "low": low,
            "high": high,
            "kind": kind,
            "source": source,
            "key": key,
            "source_unit": source_unit,
            "child": child,
        }


def _models(below: str) -> Iterator[dict[str, Any]]:
    codes = dict(Tag.objects.values_list("id", "code"))
    numbers = dict(ModelInstance.objects.values_list("id", "code"))
    found = ModelInstance.objects.filter(retired_at=None, template__isnull=False, asset__path__startswith=below)
    for m in found.select_related("template", "asset").order_by("code"):
        assert m.template is not None
        yield {
            "code": m.code,
            "template": m.template.code,
            "asset": m.asset.code,
            "inputs": _pairs(
                {p: codes[t] for p, t in m.read_tags.items()}
                | {p: f"{numbers[i]}/{signal}" for p, (i, signal) in m.read_models.items()}
            ),
            "params": _pairs(m.params),
            "outputs": _pairs({o: codes[t] for o, t in m.outputs.items()}),
            "tables": _tables(m.tables),
        }


def _tables(tables: dict[str, list[list[float]]]) -> str:
    """Return the tables of a model; nothing if no cell holds them: they stay as they are when the list comes back."""
    text = _pairs({name: values.rows_text(rows) for name, rows in tables.items()})
    return text if len(text) <= values.LONGEST_CELL else ""


def _pairs(pairs: dict[str, Any]) -> str:
    return "; ".join(f"{k}={v if isinstance(v, str) else values.number_text(v)}" for k, v in sorted(pairs.items()))


def problem_text(found: Found, language: str) -> str:
    """Return a problem as people read it."""
    return i18n.error_text(found.code, language, **{"value": found.value, "row": found.row, **found.params})


def notice_text(notice: Notice, language: str) -> str:
    """Return a warning as people read it."""
    return i18n.error_text(notice.code, language, **notice.params)


def corrected(run: ImportRun, language: str) -> bytes:
    """Return the rows of a run as a workbook to correct: a last column says what is wrong, the cells are red.

    Raises
    ------
    Conflict
        ``import.expired``
    """
    table = table_of(run)
    by_row: dict[int, list[Found]] = {}
    for f in outcome_of(run).found:
        by_row.setdefault(f.row, []).append(f)

    def lines() -> Iterator[tuple[list[Any], dict[int, str], str]]:
        for number, cells in table.rows:
            found = by_row.get(number, [])
            bad = {table.columns[f.name]: f.code for f in found if f.name in table.columns}
            texts = [_named(table.header(f.name), problem_text(f, language)) for f in found]
            yield cells, bad, "\n".join(texts)

    headers = list(table.headers)
    keep = [i for i, h in enumerate(headers) if h != book.PROBLEMS_HEADER]
    if len(keep) == len(headers):
        return book.with_problems(headers, lines(), run.kind)
    # The file was such a workbook itself: its old column of problems is left out.
    moved = {old: new for new, old in enumerate(keep)}
    rows = (
        ([c[i] if i < len(c) else None for i in keep], {moved[i]: code for i, code in bad.items() if i in moved}, text)
        for c, bad, text in lines()
    )
    return book.with_problems([headers[i] for i in keep], rows, run.kind)


def _named(header: str, text: str) -> str:
    return f"{header}: {text}" if header else text
