"""Alarm groups as the records define them, made ready for `headworks.alarming.causes`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from headworks.alarming.causes import Active, Group, Key
from headworks.base.clock import MICROS
from headworks.control.alarms.models import AlarmGroupState
from headworks.control.modelling.models import AlarmGroup, ModelInstance
from headworks.control.twin.models import Asset


class Place(msgspec.Struct, frozen=True):
    """Where a model instance is: path of its asset, and code of its template (None: the platform's own conditions)."""

    path: str
    template: str | None


class Places:
    """Looks up instances once, when first needed."""

    def __init__(self) -> None:
        self._known: dict[int, Place | None] = {}

    def ensure(self, instances: Iterable[int]) -> None:
        """Look up those that are not known yet, with one query."""
        missing = set(instances) - self._known.keys()
        if missing:
            self._known |= dict.fromkeys(missing)
            rows = ModelInstance.objects.filter(id__in=missing).values_list("id", "asset__path", "template__code")
            self._known |= {i: Place(path, template) for i, path, template in rows}

    def of(self, instance: int) -> Place | None:
        self.ensure([instance])
        return self._known[instance]


class Definitions:
    """The groups of a partition: those in use whose trigger is a model in use of it.

    Attributes
    ----------
    groups : code -> group
    digests : code -> what the group is now; a group that was edited has another one
    """

    def __init__(self, partition: str, places: Places) -> None:
        rows = list(AlarmGroup.objects.filter(retired_at=None).order_by("code"))
        self.groups: dict[str, Group] = {}
        self.digests: dict[str, str] = {}
        if not rows:
            return
        codes = {ref["instance"] for row in rows for ref in _references(row.body)}
        models = {
            code: (number, where)
            for code, number, where in ModelInstance.objects.filter(
                code__in=codes, retired_at=None, partition__retired_at=None
            ).values_list("code", "id", "partition__code")
        }
        mine = [r for r in rows if models.get(r.body["trigger"]["instance"], (0, ""))[1] == partition]
        assets = {(r.body.get("consequences") or {}).get("asset") for r in mine} - {None}
        paths = dict(Asset.objects.filter(code__in=assets, retired_at=None).values_list("code", "path"))
        for row in mine:
            numbers = {code: number for code, (number, _) in models.items()}
            self.groups[row.code] = _group(row.code, row.body, numbers, paths, places)
            trigger = self.groups[row.code].trigger
            text = msgspec.json.encode([row.body, trigger], order="sorted")
            self.digests[row.code] = hashlib.sha256(text).hexdigest()

    def is_stale(self, state: AlarmGroupState) -> bool:
        """Return whether a group that is active is no longer what it was when it began."""
        return self.digests.get(state.group) != state.digest


def active_of(state: AlarmGroupState) -> Active:
    return Active(
        group=state.group,
        trigger_at=state.trigger_at,
        cause=state.cause,
        cause_key=(state.cause_instance, state.cause_condition),
        since=state.since,
    )


def save_active(
    partition: str, before: Mapping[str, AlarmGroupState], now: Mapping[str, Active], digests: Mapping[str, str]
) -> None:
    """Make the records of active groups what the board says; part of the caller's transaction."""
    if gone := [s.id for code, s in before.items() if code not in now]:
        AlarmGroupState.objects.filter(id__in=gone).delete()
    rows = [
        AlarmGroupState(
            partition=partition,
            group=code,
            digest=digests[code],
            trigger_at=a.trigger_at,
            cause=a.cause,
            cause_instance=a.cause_key[0],
            cause_condition=a.cause_key[1],
            since=a.since,
        )
        for code, a in now.items()
        if code not in before or active_of(before[code]) != a
    ]
    if rows:
        AlarmGroupState.objects.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["partition", "group"],
            update_fields=["digest", "trigger_at", "cause", "cause_instance", "cause_condition", "since"],
        )


def _references(body: Mapping[str, Any]) -> Iterable[Mapping[str, str]]:
    yield body["trigger"]
    yield from body.get("first_out", ())
    yield from (n for n in body.get("never", ()) if n.get("instance"))


def _group(
    code: str, body: Mapping[str, Any], numbers: Mapping[str, int], paths: Mapping[str, str], places: Places
) -> Group:
    def key(ref: Mapping[str, str]) -> Key:
        return numbers[ref["instance"]], ref["condition"]

    trigger = key(body["trigger"])
    # A candidate that is no longer in use raises nothing.
    first_out = tuple(key(ref) for ref in body.get("first_out", ()) if ref["instance"] in numbers)
    members = {trigger, *first_out}
    below = paths.get((body.get("consequences") or {}).get("asset", ""))
    never = {
        (numbers.get(n["instance"]) if n.get("instance") else n.get("template"), n.get("condition"))
        for n in body.get("never", ())
    }

    def may_hide(key: Key) -> bool:
        place = places.of(key[0])
        # What the platform says of itself (a lost link, a full log) is nobody's consequence.
        if place is None or place.template is None:
            return False
        names = ((who, what) for who in (key[0], place.template) for what in (None, key[1]))
        if not never.isdisjoint(names):
            return False
        return key in members or (below is not None and place.path.startswith(below))

    return Group(
        code=code,
        trigger=trigger,
        first_out=first_out,
        look_back=round(body.get("look_back_s", 30.0) * MICROS),
        may_hide=may_hide,
    )
