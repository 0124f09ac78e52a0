"""What an import would do: what was found wrong, and what the good rows make of the records."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import msgspec

from headworks.base.errors import Fault
from headworks.control.twin.imports.table import Cell, Found, Notice, Table
from headworks.control.twin.models import Plant
from headworks.control.twin.plant.records import Kind, State, Values, link_of
from headworks.control.twin.plant.source import Key, Place, Reader
from headworks.control.twin.plant.state import recorded

_AT = re.compile(r"row (\d+) ?(.*)")


class FieldChange(msgspec.Struct, frozen=True):
    """A field of a record before and after. `by` says how a value was found that the row does not give (``kks``)."""

    name: str
    old: Any
    new: Any
    by: str = ""


class Item(msgspec.Struct, frozen=True):
    """What becomes of the record of one row."""

    row: int
    action: Literal["create", "change"]
    code: str
    fields: list[FieldChange]


class Outcome(msgspec.Struct, kw_only=True):
    """`records` are the new values of the good rows: kind -> code -> values, None for a point that goes."""

    items: list[Item] = []
    unchanged: int = 0
    found: list[Found] = []
    notices: list[Notice] = []
    records: dict[Kind, dict[str, Values | None]] = {}

    def count(self, action: str) -> int:
        return sum(i.action == action for i in self.items)

    @property
    def bad_rows(self) -> int:
        return len({f.row for f in self.found})


class Basis(msgspec.Struct, frozen=True):
    """The records of a plant that a table is checked against."""

    plant: Plant
    state: State
    digest: str


def basis(plant: Plant) -> Basis:
    """Return the records as they are now. The digest tells later whether they still are."""
    state = recorded(plant)
    return Basis(plant, state, hashlib.sha256(msgspec.json.encode(state, order="sorted")).hexdigest())


class CellPlace(Place):
    """The place of a record that is a row of a table; fields are named as the columns are."""

    __slots__ = ()

    def __init__(self, row: int) -> None:
        super().__init__(str(row), row, (), {})

    def at(self, *path: Key) -> str:
        return f"row {self.file} {path[0] if path else ''}".rstrip()


class PointPlace(CellPlace):
    """The place of a point that a row of tags gives."""

    __slots__ = ()

    def at(self, *path: Key) -> str:
        name = str(path[0]) if path else "tag"
        return f"row {self.file} { {'unit': 'source_unit', 'tag': 'source'}.get(name, name) }"


class Checks:
    """Runs the checks of plant folders over rows of a table, and turns what they find into rows and columns."""

    def __init__(self) -> None:
        self.reader = Reader(Path())

    def found(self, table: Table, renamed: dict[str, str]) -> list[Found]:
        """Return what was found; `renamed` maps codes of plant folders to those that speak of tables.

        What is at a record and at no row was so before, and is none of the table's business.
        """
        found = []
        for p in self.reader.problems:
            match = _AT.fullmatch(p.field)
            if match is None:
                if not p.field.startswith("records:"):
                    raise Fault("internal", field=p.field, code=p.code)
                continue
            row, name = int(match[1]), match[2]
            params = {k: _readable(v, table) for k, v in p.params.items()}
            found.append(Found(row=row, name=name, value=p.value, code=renamed.get(p.code, p.code), params=params))
        return found


def subset(state: State, **chosen: Iterable[str]) -> State:
    """Return `state` with only the chosen codes of the kinds that are named."""
    kept: dict[str, set[str]] = {kind: set(codes) for kind, codes in chosen.items()}
    out: State = {}
    for kind, records in state.items():
        out[kind] = {c: v for c, v in records.items() if c in kept[kind]} if kind in kept else records
    return out


def with_inner(state: State, templates: Iterable[str]) -> set[str]:
    """Return templates (codes) with those that stand in them as blocks, and in those."""
    found, left = set[str](), list(templates)
    while left:
        if (code := left.pop()) not in found and code in state["template"]:
            found.add(code)
            left += [b["graph"] for b in state["template"][code]["body"]["blocks"] if b.get("graph")]
    return found


def linked(models: Iterable[tuple[str, Values]]) -> set[str]:
    """Return the models (codes) that read others, and those others."""
    pairs = [(code, link[0]) for code, v in models for read in v["inputs"].values() if (link := link_of(read))]
    return {code for pair in pairs for code in pair}


def _readable(value: Any, table: Table) -> Any:
    """Return a parameter of a message with the place of a cell as people name it: ``row 12 outputs`` -> ``D12``."""
    if isinstance(value, str) and (match := _AT.fullmatch(value)):
        return f"{table.letter(match[2])}{match[1]}"
    return value


def short(value: Cell) -> Cell:
    """Return a cell short enough to be shown."""
    return f"{value[:117]}..." if isinstance(value, str) and len(value) > 120 else value


def in_order(found: Iterable[Found]) -> list[Found]:
    """Return what was found by row and column, each thing once."""
    once = {(f.row, f.name, f.code, str(f.value)): f for f in found}
    return [once[key] for key in sorted(once)]
