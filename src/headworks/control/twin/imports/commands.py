"""``headworks import tags|models FILE``: check a file, show what it would change, apply it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from headworks.base import i18n
from headworks.base.errors import Conflict
from headworks.control.twin.imports import exports, runs
from headworks.control.twin.imports.columns import Kind
from headworks.control.twin.imports.outcome import Outcome
from headworks.control.twin.imports.table import Table

_SHOWN = 40
_LARGE = 2000
"""From so many lines on a bar shows how far it is."""


class _Bar:
    """A line that shows progress, once there is enough of it."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.step = ""
        self.bar: Any = None

    def __call__(self, step: str, done: int, total: int) -> None:
        if step != self.step:
            self.close()
            self.step = step
            if total >= _LARGE:
                label = i18n.text(f"import.step.{step}", self.language)
                self.bar = click.progressbar(length=total, label=label, width=40, file=sys.stderr)
                self.bar.__enter__()
        if self.bar is not None:
            self.bar.update(min(done, total) - self.bar.pos)

    def close(self) -> None:
        if self.bar is not None:
            self.bar.update(self.bar.length - self.bar.pos)
            self.bar.__exit__(None, None, None)
            self.bar = None


def import_command(
    kind: Kind,
    file: Path,
    *,
    plant: str,
    sheet: str = "",
    dry_run: bool = False,
    yes: bool = False,
    skip_bad: bool = False,
    problems_file: Path | None = None,
    language: str = "en",
) -> int:
    """Check `file`, print what it would change and what is wrong, apply it unless `dry_run`; return the exit code.

    `problems_file` is where a workbook with the problems is written, if there are any.
    """
    bar = _Bar(language)
    try:
        run = runs.check_file("cli", kind, plant, file.read_bytes(), file.name, sheet, bar)
    finally:
        bar.close()
    outcome, table = runs.outcome_of(run), runs.table_of(run)
    _show(outcome, table, language)
    counts = {
        "rows": run.rows,
        "creates": run.creates,
        "changes": run.changes,
        "unchanged": run.unchanged,
        "errors": run.errors,
    }
    click.echo(i18n.text("import.summary", language, file=file.name, encoding=run.encoding, **counts))
    if run.errors and problems_file is not None:
        problems_file.write_bytes(exports.corrected(run, language))
        click.echo(str(problems_file))
    if dry_run:
        return 2 if run.errors else 0
    if run.errors and not skip_bad:
        raise Conflict("import.has_problems", errors=run.errors)
    if not (run.creates or run.changes):
        return 0
    if not yes:
        click.confirm(i18n.text("import.confirm", language), abort=True)
    runs.apply_run("cli", run.id, skip_bad)
    click.echo(i18n.text("import.applied", language, creates=run.creates, changes=run.changes))
    return 0


def _show(outcome: Outcome, table: Table, language: str) -> None:
    for item in outcome.items[:_SHOWN]:
        sign = "+" if item.action == "create" else "~"
        fields = "; ".join(
            f"{f.name}: {_value(f.old)} → {_value(f.new)}{' (KKS)' if f.by else ''}" for f in item.fields
        )
        click.echo(
            f"  {sign} {item.code}  ({fields})" if item.action == "change" else f"  {sign} {item.code}{_by(item)}"
        )
    if len(outcome.items) > _SHOWN:
        click.echo("  " + i18n.text("plant.diff.more", language, count=len(outcome.items) - _SHOWN))
    for notice in outcome.notices:
        click.secho(f"  {notice.column}1: {exports.notice_text(notice, language)}", fg="yellow", err=True)
    for found in outcome.found[: 2 * _SHOWN]:
        place = f"{table.letter(found.name)}{found.row}"
        click.secho(
            f"  {place} {table.header(found.name)}: {exports.problem_text(found, language)}", fg="red", err=True
        )
    if len(outcome.found) > 2 * _SHOWN:
        more = i18n.text("plant.diff.more", language, count=len(outcome.found) - 2 * _SHOWN)
        click.secho(f"  {more}", fg="red", err=True)


def _by(item: Any) -> str:
    return "".join(f"  (KKS → {f.new})" for f in item.fields if f.by)


def _value(value: Any) -> str:
    return "–" if value is None or value == "" else str(value)
