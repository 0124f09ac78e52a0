"""The difference between a plant folder and the records, for people and for programs."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from headworks.base import i18n
from headworks.control.twin.plant.records import KINDS, Kind, State, Values

Action = Literal["create", "change", "retire", "restore"]
_SIGN = {"create": "+", "restore": "+", "change": "~", "retire": "-"}
_SHOWN = 40


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of one record. `fields` of a change: name -> (before, after)."""

    kind: Kind
    action: Action
    code: str
    fields: dict[str, tuple[Any, Any]] = {}


class Diff(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that an apply would change, or has changed.

    `plans` are the partitions whose plan gets a new revision: partition -> revision (known once it is applied).
    """

    plant: str
    changes: tuple[Change, ...] = ()
    plans: dict[str, int] = {}

    @property
    def empty(self) -> bool:
        """Whether there is nothing to change."""
        return not self.changes

    def count(self, action: Action, kind: Kind | None = None) -> int:
        return sum(c.action == action and kind in (None, c.kind) for c in self.changes)

    def to_json(self) -> bytes:
        return msgspec.json.encode(self, order="sorted")

    def render(self, language: str, shown: int = _SHOWN) -> str:
        """Return the difference as people read it: a line per kind, then at most `shown` records of each."""
        if self.empty:
            return i18n.text("plant.diff.none", language, plant=self.plant)
        lines = [i18n.text("plant.diff.title", language, plant=self.plant)]
        for kind in KINDS:
            mine = [c for c in self.changes if c.kind == kind]
            if not mine:
                continue
            counts = ", ".join(
                i18n.text(f"plant.diff.{a}", language, count=n)
                for a in ("create", "restore", "change", "retire")
                if (n := sum(c.action == a for c in mine))
            )
            lines.append(f"{i18n.text(f'plant.kind.{kind}', language)}: {counts}")
            lines += [f"  {_SIGN[c.action]} {c.code}{_fields(c)}" for c in mine[:shown]]
            if len(mine) > shown:
                lines.append("  " + i18n.text("plant.diff.more", language, count=len(mine) - shown))
        return "\n".join(lines)


def _fields(change: Change) -> str:
    parts = [f"{name}: {_short(a)} → {_short(b)}" for name, (a, b) in change.fields.items()]
    return f"  ({'; '.join(parts)})" if parts else ""


def _short(value: Any) -> str:
    text = "–" if value is None or value == "" else str(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def compare(plant: str, before: State, after: State, retired: dict[Kind, set[str]]) -> Diff:
    """Return what turns `before` into `after`, in the order of kinds and codes."""
    changes: list[Change] = []
    for kind in KINDS:
        old, new = before[kind], after[kind]
        for code in sorted(old.keys() | new.keys()):
            if code not in old:
                action: Action = "restore" if code in retired.get(kind, ()) else "create"
                changes.append(Change(kind=kind, action=action, code=code))
            elif code not in new:
                changes.append(Change(kind=kind, action="retire", code=code))
            elif old[code] != new[code]:
                changes.append(Change(kind=kind, action="change", code=code, fields=changed(old[code], new[code])))
    return Diff(plant=plant, changes=tuple(changes))


def changed(before: Values, after: Values) -> dict[str, tuple[Any, Any]]:
    """Return the fields that differ; of a nested value only the innermost differences."""
    out: dict[str, tuple[Any, Any]] = {}
    for name in before.keys() | after.keys():
        a, b = before.get(name), after.get(name)
        if a == b:
            continue
        if isinstance(a, dict) and isinstance(b, dict):
            out |= {f"{name}.{inner}": pair for inner, pair in changed(a, b).items()}
        else:
            out[name] = (a, b)
    return dict(sorted(out.items()))
