"""Where tags come from, when a table says so: each key of a source is one tag's, and a tag that is moved leaves its old key."""

from __future__ import annotations

from typing import Any

import msgspec

from headworks.control.twin.imports.outcome import FieldChange
from headworks.control.twin.imports.table import Found
from headworks.control.twin.plant.records import Values, point_code


class Claim(msgspec.Struct, frozen=True):
    """What a row says of a tag's source. An empty unit is the tag's own."""

    tag: str
    source: str
    child: str
    key: str
    unit: str

    @property
    def code(self) -> str:
        return point_code(self.source, self.child, self.key)

    def values(self) -> Values:
        return {"device": self.source, "child": self.child, "key": self.key, "tag": self.tag, "unit": self.unit}

    def fields(self, before: dict[str, Values]) -> list[FieldChange]:
        """Return what changes against the tag's points before (by code)."""
        own = before.get(self.code)
        if own is None:
            own = next((before[c] for c in _left(self, before)), {})
        names = {"source": "device", "key": "key", "source_unit": "unit", "child": "child"}
        new = self.values()
        pairs = ((n, own.get(f, ""), new[f]) for n, f in names.items())
        return [FieldChange(n, a or None, b or None) for n, a, b in pairs if a != b]


def _left(claim: Claim, points: dict[str, Values]) -> list[str]:
    """Return the points (by code) of a tag that a claim takes it away from: those at the same source, or its only one."""
    if claim.code in points:
        return []
    here = [c for c, v in points.items() if v["device"] == claim.source]
    return here if len(here) == 1 else list(points) if len(points) == 1 else []


class Claims:
    """The points of a plant, and what rows make of them."""

    def __init__(self, points: dict[str, Values]) -> None:
        self.points = points
        self._by_tag: dict[str, dict[str, Values]] = {}
        for code, v in points.items():
            self._by_tag.setdefault(v["tag"], {})[code] = v

    def by_tag(self) -> dict[str, dict[str, Values]]:
        """Return tag -> its points (by code) as they are."""
        return self._by_tag

    def conflicts(self, claims: list[tuple[int, Claim]]) -> list[Found]:
        """Return what is wrong with claims (by row): a key that two rows want, or that a tag keeps.

        A row that is wrong does not leave its old key, so that a row that wants that key is wrong too.
        """
        found: list[Found] = []
        wanted: dict[str, list[tuple[int, Claim]]] = {}
        for row, claim in claims:
            wanted.setdefault(claim.code, []).append((row, claim))
        left: dict[str, Claim] = {}
        for _, claim in claims:
            for code in _left(claim, self._by_tag.get(claim.tag, {})):
                left[code] = claim
        waiting: list[tuple[int, Claim]] = []
        bad: set[int] = set()

        def refuse(row: int, claim: Claim, code: str, /, **params: Any) -> None:
            found.append(Found(row=row, name="key", value=claim.key, code=code, params=params))
            bad.add(row)
            waiting.append((row, claim))

        for code, takers in wanted.items():
            rows = ", ".join(str(r) for r, _ in takers[:10])
            for row, claim in takers if len(takers) > 1 else ():
                refuse(row, claim, "import.key_twice", key=claim.key, source=claim.source, rows=rows)
            owner = self.points.get(code)
            row, claim = takers[0]
            if len(takers) == 1 and owner is not None and owner["tag"] != claim.tag and code not in left:
                refuse(row, claim, "import.key_taken", key=claim.key, source=claim.source, tag=owner["tag"])
        while waiting:
            _, stays = waiting.pop()
            for code in _left(stays, self._by_tag.get(stays.tag, {})):
                for row, claim in wanted.get(code, ()):
                    if row not in bad:
                        refuse(row, claim, "import.key_taken", key=claim.key, source=claim.source, tag=stays.tag)
        return found

    def after(self, claims: list[Claim]) -> dict[str, Values]:
        """Return the points (by code) when claims without conflicts have been made true."""
        out = dict(self.points)
        for claim in claims:
            for code in _left(claim, self._by_tag.get(claim.tag, {})):
                out.pop(code, None)
        for claim in claims:
            out[claim.code] = claim.values()
        return out
