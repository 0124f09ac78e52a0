"""What a table of models would do. The checks are those of plant folders; here they are told by row and column."""

from __future__ import annotations

from typing import Any

import msgspec

from headworks.control.modelling.models import ModelInstance
from headworks.control.twin.imports import values
from headworks.control.twin.imports.outcome import (
    Basis,
    CellPlace,
    Checks,
    FieldChange,
    Item,
    Outcome,
    in_order,
    linked,
    short,
    subset,
    with_inner,
)
from headworks.control.twin.imports.table import Cell, Found, Progress, Table
from headworks.control.twin.near import Near
from headworks.control.twin.plant.check import check
from headworks.control.twin.plant.diff import changed
from headworks.control.twin.plant.records import InstanceRow, Values, link_of
from headworks.control.twin.plant.rest import RecordPlace, from_records
from headworks.control.twin.plant.source import Key, Row

_GROUPS = ("inputs", "params", "outputs", "tables")
_RENAMED = {
    "plant.unknown_asset": "import.unknown_asset",
    "plant.unknown_template": "import.unknown_template",
}


def check_models(basis: Basis, table: Table, progress: Progress) -> Outcome:
    """Return what a table of models would make of the records."""
    return _Import(basis, table, progress).run()


class _Import:
    def __init__(self, basis: Basis, table: Table, progress: Progress) -> None:
        self.basis, self.table, self.progress = basis, table, progress
        self.state = basis.state
        self.found: list[Found] = list(table.found)
        self.near = {kind: Near(self.state[kind]) for kind in ("asset", "template")}
        self.rows: dict[int, tuple[str, Values]] = {}

    def run(self) -> Outcome:
        total = len(self.table.rows)
        for done, (number, cells) in enumerate(self.table.rows):
            if done % 1000 == 0:
                self.progress("check", done, total)
            self._read(number, cells)
        self._twice()
        self._elsewhere()
        settled: set[int] | None = None
        while settled != (bad := {f.row for f in self.found}):
            settled = bad
            self._together({n: r for n, r in self.rows.items() if n not in bad})
        self.progress("check", total, total)
        return self._outcome({n: r for n, r in self.rows.items() if n not in bad})

    def _problem(self, row: int, name: str, value: Cell, code: str, /, **params: Any) -> None:
        self.found.append(Found(row=row, name=name, value=short(value), code=code, params=params))

    def _read(self, number: int, cells: list[Cell]) -> None:
        before = len(self.found)
        given: dict[str, Any] = {}
        for name, at in self.table.columns.items():
            cell = cells[at] if at < len(cells) else None
            try:
                given[name] = self._group(name, cell) if name in ("params", "tables") else self._plain(name, cell)
            except values.Unfit as e:
                self._problem(number, name, cell, e.code, **e.params)
        code = given.get("code", "")
        if "code" in given and not code:
            self._problem(number, "code", None, "plant.missing_value", name=self.table.header("code"))
        known = self.state["instance"].get(code)
        new: Values = dict(known) if known else {g: {} for g in _GROUPS}
        for name in ("template", "asset"):
            if given.get(name):
                new[name] = given[name]
                self._known(number, name, given[name])
            elif known is None and (name in given or name not in self.table.columns):
                self._problem(number, name, None, "plant.missing_value", name=self.table.header(name))
        new |= {g: dict(sorted(given[g].items())) for g in _GROUPS if g in given and (given[g] or g != "tables")}
        if len(self.found) == before and code:
            self.rows[number] = (code, new)

    def _known(self, number: int, name: str, code: str) -> None:
        """Note an asset or a template that is not there."""
        if code in (self.state["asset"] if name == "asset" else self.state["template"]):
            return
        near = self.near[name].text(code)
        if name == "asset":
            self._problem(number, name, code, "import.unknown_asset", name=code, near=near)
        else:
            self._problem(number, name, code, "import.unknown_template", name=code, near=near)

    def _plain(self, name: str, cell: Cell) -> Any:
        if name in ("inputs", "outputs"):
            return {port: values.code(tag) for port, tag in values.pairs(values.text(cell)).items()}
        return values.code(cell)

    def _group(self, name: str, cell: Cell) -> dict[str, Any]:
        pairs = values.pairs(values.text(cell))
        if name == "tables":
            return {table: values.rows(rows) for table, rows in pairs.items()}
        read = {param: values.number(v) for param, v in pairs.items()}
        return {param: v for param, v in read.items() if v is not None}

    def _twice(self) -> None:
        rows: dict[str, list[int]] = {}
        for number, (code, _) in self.rows.items():
            rows.setdefault(code, []).append(number)
        for code, numbers in rows.items():
            for number in numbers if len(numbers) > 1 else ():
                listed = ", ".join(str(n) for n in numbers[:10])
                self._problem(number, "code", code, "import.code_twice", name=code, rows=listed)

    def _elsewhere(self) -> None:
        new = {code: n for n, (code, _) in self.rows.items() if code not in self.state["instance"]}
        codes = sorted(new)
        for start in range(0, len(codes), 500):
            others = ModelInstance.objects.filter(code__in=codes[start : start + 500])
            for code, plant in others.exclude(asset__plant=self.basis.plant).values_list("code", "asset__plant__code"):
                self._problem(new[code], "code", code, "plant.code_taken", name=code, plant=plant)

    def _together(self, rows: dict[int, tuple[str, Values]]) -> None:
        """Check the models with their templates, tags, the models that write tags, and those that read each other."""
        mine = {code for code, _ in rows.values()}
        known = self.state["instance"]
        near = linked([*known.items(), *rows.values()])
        others = {c: m for c, m in known.items() if (m["outputs"] or c in near) and c not in mine}
        touched = [v for _, v in rows.values()] + list(others.values())
        templates = with_inner(self.state, {v["template"] for v in touched})
        state = subset(self.state, point=(), instance=others, template=templates, alarm_group=())
        folder = from_records(self.basis.plant.code, state)
        by_code = {code: number for number, (code, _) in rows.items()}
        folder.instances = [Row(r.value, _Reader(others[r.value.code], by_code)) for r in folder.instances]
        for number, (code, v) in rows.items():
            folder.instances.append(Row(msgspec.convert({"code": code, **v}, InstanceRow), CellPlace(number)))
        checks = Checks()
        check(folder, checks.reader)
        self.found += checks.found(self.table, _RENAMED)

    def _outcome(self, rows: dict[int, tuple[str, Values]]) -> Outcome:
        out = Outcome(found=in_order(self.found), notices=list(self.table.warnings))
        records: dict[str, Values | None] = {}
        for number, (code, v) in rows.items():
            known = self.state["instance"].get(code)
            pairs = changed(known or {}, v)
            if known is not None and not pairs:
                out.unchanged += 1
                continue
            records[code] = v
            fields = [FieldChange(n, a, _shown(b)) for n, (a, b) in pairs.items() if known or b not in ({}, None)]
            out.items.append(Item(number, "change" if known else "create", code, fields))
        out.records = {"instance": records}
        return out


class _Reader(RecordPlace):
    """The place of a model that reads one of the table: what is wrong with that is its row."""

    __slots__ = ("model", "rows")

    def __init__(self, model: Values, rows: dict[str, int]) -> None:
        super().__init__("instance", 0, (), {})
        object.__setattr__(self, "rows", rows)
        object.__setattr__(self, "model", model)

    def at(self, *path: Key) -> str:
        group, port = (str(p) for p in (*path, "", "")[:2])
        link = link_of(self.model["inputs"].get(port, "")) if group == "inputs" else None
        if link is not None and link[0] in self.rows:
            return f"row {self.rows[link[0]]} template"
        return super().at(*path)


def _shown(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return "; ".join(f"{k}={values.rows_text(v) if isinstance(v, list) else v}" for k, v in value.items())
