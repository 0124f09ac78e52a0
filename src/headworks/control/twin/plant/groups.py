"""What must be true of alarm groups: every model, condition, template and asset they name is there."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import TYPE_CHECKING

from headworks.blocks.template import GraphTemplate
from headworks.control.twin.plant.records import AlarmGroupRow, ConditionRef
from headworks.control.twin.plant.source import Key, Place

if TYPE_CHECKING:
    from headworks.control.twin.plant.check import Checker

LONGEST_LOOK_BACK_S = 3600.0


def check_groups(checker: Checker, good: Mapping[str, GraphTemplate]) -> None:
    """Note what is wrong with alarm groups. `good` are the templates without problems, by code."""
    for row in checker.groups.values():
        _Group(checker, good, row.value, row.place).run()


class _Group:
    def __init__(self, checker: Checker, good: Mapping[str, GraphTemplate], group: AlarmGroupRow, place: Place) -> None:
        self.checker, self.good, self.group, self.place = checker, good, group, place

    def run(self) -> None:
        g, place = self.group, self.place
        self.checker.title(place, g.title)
        if not 0 <= g.look_back_s <= LONGEST_LOOK_BACK_S:
            at = place.at("look_back_s")
            self.checker.problem(at, g.look_back_s, "plant.out_of_range", low=0, high=LONGEST_LOOK_BACK_S)
        self._condition(g.trigger, "trigger")
        seen: dict[ConditionRef, str] = {}
        for number, ref in enumerate(g.first_out):
            at = place.at("first_out", number)
            self._condition(ref, "first_out", number)
            if ref in seen:
                name = f"{ref.instance}.{ref.condition}"
                self.checker.problem(at, name, "plant.duplicate_code", name=name, first=seen[ref])
            seen.setdefault(ref, at)
        if g.consequences is not None:
            at = place.at("consequences", "asset")
            self.checker.known(g.consequences.asset, self.checker.assets, at, "plant.unknown_asset")
        self._never()

    def _condition(self, ref: ConditionRef, *path: Key) -> None:
        checker = self.checker
        if ref.instance not in checker.instances and "instances" not in checker.folder.plant.value.owns:
            return  # the models of such a plant come later, by import: until then nothing can raise it
        at = self.place.at(*path, "instance")
        if not checker.known(ref.instance, checker.instances, at, "plant.unknown_instance"):
            return
        template = checker.instances[ref.instance].value.template
        self._named(template, ref.condition, ref.instance, *path)

    def _named(self, template: str, condition: str, of: str, *path: Key) -> None:
        """Note a condition that a template does not have; silent about templates that have problems of their own."""
        if template not in self.good:
            return
        names = [c.name for c in self.good[template].conditions]
        if condition not in names:
            near = difflib.get_close_matches(condition, names, 3, 0.0)
            at = self.place.at(*path, "condition")
            self.checker.problem(
                at, condition, "plant.unknown_condition", name=condition, of=of, near=", ".join(near) or "–"
            )

    def _never(self) -> None:
        checker = self.checker
        for number, n in enumerate(self.group.never):
            path: tuple[Key, ...] = ("never", number)
            if (n.template is None) == (n.instance is None):
                checker.problem(self.place.at(*path), n.condition, "plant.never_unclear")
            elif n.instance is not None:
                at = self.place.at(*path, "instance")
                if checker.known(n.instance, checker.instances, at, "plant.unknown_instance") and n.condition:
                    self._named(checker.instances[n.instance].value.template, n.condition, n.instance, *path)
            elif n.template is not None:
                at = self.place.at(*path, "template")
                if checker.known(n.template, checker.templates, at, "plant.unknown_template") and n.condition:
                    self._named(n.template, n.condition, n.template, *path)
