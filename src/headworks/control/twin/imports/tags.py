"""What a table of tags would do: row by row, then all rows together, then against what uses the tags."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from headworks.base import kks, units
from headworks.control.twin.imports import values
from headworks.control.twin.imports.outcome import (
    Basis,
    CellPlace,
    Checks,
    FieldChange,
    Item,
    Outcome,
    PointPlace,
    in_order,
    short,
    subset,
    with_inner,
)
from headworks.control.twin.imports.points import Claim, Claims
from headworks.control.twin.imports.table import Cell, Found, Progress, Table
from headworks.control.twin.models import CODE, KEY, TITLE, UNIT, Tag
from headworks.control.twin.near import Near
from headworks.control.twin.plant.check import check
from headworks.control.twin.plant.diff import changed
from headworks.control.twin.plant.records import PointRow, TagRow, Values, point_code
from headworks.control.twin.plant.rest import RecordPlace, from_records
from headworks.control.twin.plant.source import Key, Row

_CODE = re.compile(r"[^\s/,;\"'\x00-\x1f]{1,120}")
_KIND = {
    "": "",
    "measured": "measured",
    "calculated": "calculated",
    "测量": "measured",
    "测量值": "measured",
    "测点": "measured",
    "计算": "calculated",
    "计算值": "calculated",
}
_LIMITS = {"title_zh": TITLE, "title_en": TITLE, "unit": UNIT, "key": KEY, "child": CODE, "source_unit": UNIT}
_FIELDS = ("asset", "title_zh", "title_en", "unit", "low", "high", "kind")
_RENAMED = {"plant.unknown_asset": "import.unknown_asset"}
_FEW = 6
"""So few sources are all named where none is near."""
_FELT = {"asset", "unit", "kind"}
"""Fields of a tag that what uses it depends on."""


class _Row(msgspec.Struct):
    """A row that can be read: the tag it describes, and where its samples come from (None: the row does not say)."""

    number: int
    code: str
    values: Values
    by: dict[str, str]
    claim: Claim | None


def check_tags(basis: Basis, table: Table, progress: Progress) -> Outcome:
    """Return what a table of tags would make of the records."""
    return _Import(basis, table, progress).run()


class _Import:
    def __init__(self, basis: Basis, table: Table, progress: Progress) -> None:
        self.basis, self.table, self.progress = basis, table, progress
        self.state = basis.state
        self.found: list[Found] = list(table.found)
        self.assets = Near(self.state["asset"])
        self.devices = Near(self.state["device"])
        self.units = Near(units.spellings())
        self.by_kks = {v["kks"]: c for c, v in self.state["asset"].items() if v["kks"]}
        self.rows: dict[int, _Row] = {}

    def run(self) -> Outcome:
        total = len(self.table.rows)
        for done, (number, cells) in enumerate(self.table.rows):
            if done % 1000 == 0:
                self.progress("check", done, total)
            self._read(number, cells)
        self._twice()
        self._elsewhere()
        claims = Claims(self.state["point"])
        settled: set[int] | None = None
        while settled != (bad := {f.row for f in self.found}):
            settled = bad
            good = [r for r in self.rows.values() if r.number not in bad]
            self.found += claims.conflicts([(r.number, r.claim) for r in good if r.claim is not None])
            bad = {f.row for f in self.found}
            self._together([r for r in good if r.number not in bad], claims)
        self.progress("check", total, total)
        return self._outcome([r for r in self.rows.values() if r.number not in bad], claims)

    # --- one row

    def _problem(self, row: int, name: str, value: Cell, code: str, /, **params: Any) -> None:
        self.found.append(Found(row=row, name=name, value=short(value), code=code, params=params))

    def _read(self, number: int, cells: list[Cell]) -> None:
        """Read one row by itself."""
        given: dict[str, Any] = {}
        before = len(self.found)
        for name, at in self.table.columns.items():
            cell = cells[at] if at < len(cells) else None
            try:
                if name in ("low", "high"):
                    given[name] = values.number(cell)
                else:
                    given[name] = values.code(cell) if name in ("code", "asset", "source") else values.text(cell)
            except values.Unfit as e:
                self._problem(number, name, cell, e.code, **e.params)
            if (limit := _LIMITS.get(name)) and len(given.get(name, "")) > limit:
                self._problem(number, name, cell, "plant.too_long", length=len(given[name]), limit=limit)
        code = given.get("code", "")
        if "code" in given and not code:
            self._problem(number, "code", None, "plant.missing_value", name=self.table.header("code"))
        elif code and not _CODE.fullmatch(code):
            self._problem(number, "code", code, "plant.bad_code")
            return
        if not code:
            return
        row = self._values(number, code, given)
        if len(self.found) == before and row is not None:
            self.rows[number] = row

    def _values(self, number: int, code: str, given: dict[str, Any]) -> _Row | None:
        known = self.state["tag"].get(code)
        new: Values = dict(known) if known else {"unit": "", "low": None, "high": None, "kind": "measured"}
        by: dict[str, str] = {}
        for name in ("low", "high", "unit"):
            if name in given:
                new[name] = given[name]
        self._titles(number, given, known, new)
        self._unit(number, "unit", new["unit"])
        kind = given.get("kind", "")
        if kind.casefold() not in _KIND:
            self._problem(number, "kind", kind, "import.unknown_kind", known="measured, calculated")
        else:
            new["kind"] = _KIND[kind.casefold()] or new["kind"]
        low, high = new["low"], new["high"]
        if low is not None and high is not None and not low < high:
            self._problem(number, "low" if "low" in given else "high", low, "plant.range_reversed", low=low, high=high)
        asset = given.get("asset", "")
        if asset:
            new["asset"] = asset
            if asset not in self.state["asset"]:
                near = self.assets.text(asset)
                self._problem(number, "asset", asset, "import.unknown_asset", name=asset, near=near)
        elif known is None:
            found = self._by_kks(code)
            if found is None:
                self._problem(number, "asset", None, "import.no_asset", tag=code)
                return None
            new["asset"] = found
            by["asset"] = "kks"
        return _Row(number, code, new, by, self._claim(number, code, given, new))

    def _titles(self, number: int, given: dict[str, Any], known: Values | None, new: Values) -> None:
        if given.get("title_zh"):
            new["title_zh"] = given["title_zh"]
        elif known is None and ("title_zh" in given or "title_zh" not in self.table.columns):
            self._problem(number, "title_zh", None, "plant.missing_value", name=self.table.header("title_zh"))
        told = known is not None and known["title_en"] != known["title_zh"]
        new["title_en"] = given.get("title_en") or (new["title_en"] if told else new.get("title_zh", ""))

    def _unit(self, number: int, name: str, unit: str) -> None:
        if not units.known(unit):
            self._problem(number, name, unit, "import.unknown_unit", unit=unit, near=self.units.text(unit))

    def _by_kks(self, code: str) -> str | None:
        """Return the asset whose KKS code is the longest that contains the tag's."""
        for length in range(min(len(code), kks.LONGEST), 0, -1):
            asset = self.by_kks.get(code[:length])
            if asset is not None and kks.covers(code[:length], code):
                return asset
        return None

    def _claim(self, number: int, code: str, given: dict[str, Any], new: Values) -> Claim | None:
        source, key, child = (given.get(n, "") for n in ("source", "key", "child"))
        unit = given.get("source_unit", "")
        if not source:
            if key and "source" in given:
                self._problem(number, "source", None, "import.no_source", key=key)
            return None
        if source not in self.state["device"]:
            near = self.devices.text(source)
            if not self.devices(source) and 0 < len(self.state["device"]) <= _FEW:
                near = ", ".join(sorted(self.state["device"]))
            self._problem(number, "source", source, "import.unknown_source", name=source, near=near)
            return None
        if not key:
            self._problem(number, "key", None, "plant.missing_value", name=self.table.header("key"))
            return None
        self._unit(number, "source_unit", unit)
        own = new["unit"]
        before = self.state["point"].get(point_code(source, child, key))
        if before is not None and before["tag"] == code and (before["unit"] or own) == (unit or own):
            return Claim(code, source, child, key, before["unit"])
        # The tag's own unit is written as nothing, so that it stays that of the tag.
        return Claim(code, source, child, key, "" if unit == own else unit)

    # --- all rows

    def _twice(self) -> None:
        """Note codes that the file gives more than once, at each of the rows: which is meant only a person knows."""
        at = self.table.columns["code"]
        rows: dict[str, list[int]] = {}
        for number, cells in self.table.rows:
            try:
                code = values.code(cells[at] if at < len(cells) else None)
            except values.Unfit:
                continue
            if code:
                rows.setdefault(code, []).append(number)
        for code, numbers in rows.items():
            for number in numbers if len(numbers) > 1 else ():
                listed = ", ".join(str(n) for n in numbers[:10])
                self._problem(number, "code", code, "import.code_twice", name=code, rows=listed)

    def _elsewhere(self) -> None:
        """Note codes of tags of another plant."""
        new = {r.code: r.number for r in self.rows.values() if r.code not in self.state["tag"]}
        codes = sorted(new)
        for start in range(0, len(codes), 500):
            others = Tag.objects.filter(code__in=codes[start : start + 500]).exclude(asset__plant=self.basis.plant)
            for code, plant in others.values_list("code", "asset__plant__code"):
                self._problem(new[code], "code", code, "plant.code_taken", name=code, plant=plant)

    def _together(self, rows: list[_Row], claims: Claims) -> None:
        """Check the tags and points with what uses them, as a plant folder is checked."""
        by_tag = {r.code: r for r in rows}
        points = claims.after([r.claim for r in rows if r.claim is not None])
        mine = {c: v for c, v in points.items() if v["tag"] in by_tag}
        felt = {r.code for r in rows if self._felt(r)}
        models = self._models(felt)
        used = {t for m in models.values() for t in (*m["inputs"].values(), *m["outputs"].values())}
        state = subset(
            self.state,
            tag=used - by_tag.keys(),
            point=(),
            instance=models,
            template=with_inner(self.state, {m["template"] for m in models.values()}),
            alarm_group=(),
        )
        folder = from_records(self.basis.plant.code, state)
        folder.tags += [Row(TagRow(code=r.code, **r.values), CellPlace(r.number)) for r in rows]
        for v in mine.values():
            point = PointRow(key=v["key"], tag=v["tag"], unit=v["unit"], child=v["child"])
            place = PointPlace(by_tag[v["tag"]].number)
            folder.points.setdefault(v["device"], []).append(Row(point, place))
        folder.instances = [Row(r.value, _UsedBy(r.value.code, by_tag, models[r.value.code])) for r in folder.instances]
        checks = Checks()
        check(folder, checks.reader)
        self.found += checks.found(self.table, _RENAMED)

    def _felt(self, row: _Row) -> bool:
        known = self.state["tag"].get(row.code)
        return known is not None and any(known[f] != row.values[f] for f in _FELT)

    def _models(self, tags: set[str]) -> dict[str, Values]:
        """Return the models that read or write one of `tags`."""
        if not tags:
            return {}
        return {
            c: m
            for c, m in self.state["instance"].items()
            if not tags.isdisjoint(m["inputs"].values()) or not tags.isdisjoint(m["outputs"].values())
        }

    # --- the result

    def _outcome(self, rows: list[_Row], claims: Claims) -> Outcome:
        out = Outcome(found=in_order(self.found), notices=list(self.table.warnings))
        tags: dict[str, Values | None] = {}
        points_before = claims.by_tag()
        points = claims.after([r.claim for r in rows if r.claim is not None])
        for row in rows:
            known = self.state["tag"].get(row.code)
            pairs = changed(known or {}, row.values)
            fields = [FieldChange(n, *pairs[n], row.by.get(n, "")) for n in _FIELDS if n in pairs]
            old = points_before.get(row.code, {})
            if row.claim is not None:
                fields += row.claim.fields(old)
            if known is None:
                fields = [f for f in fields if f.new not in (None, "")]
            elif not fields:
                out.unchanged += 1
                continue
            if pairs:
                tags[row.code] = row.values
            out.items.append(Item(row.number, "change" if known else "create", row.code, fields))
        moved: dict[str, Values | None] = {c: v for c, v in points.items() if self.state["point"].get(c) != v}
        moved |= {c: None for c in self.state["point"] if c not in points}
        out.records = {"tag": tags, "point": moved}
        return out


class _UsedBy(RecordPlace):
    """The place of a model that uses tags of the table: what is wrong is the tag's row."""

    __slots__ = ("model", "rows")

    def __init__(self, code: str, rows: dict[str, _Row], model: Values) -> None:
        super().__init__(f"instance {code}", 0, (), {})
        object.__setattr__(self, "rows", rows)
        object.__setattr__(self, "model", model)

    def at(self, *path: Key) -> str:
        group, name = (str(p) for p in (*path, "", "")[:2])
        tag = self.model.get(group, {}).get(name) if group in ("inputs", "outputs") else None
        if tag in self.rows:
            return f"row {self.rows[tag].number} unit"
        return super().at(*path)
