"""What must be true of models that read others: the model and its signal are there, of the right kind and unit, in time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from headworks.blocks.template import Binding, GraphTemplate, Instance
from headworks.control.modelling.links import Offered, Reads, own_unit
from headworks.control.twin.plant.records import InstanceRow, link_of
from headworks.control.twin.plant.rest import RecordPlace
from headworks.control.twin.plant.source import Place, Row
from headworks.engine.check import circle_problems, link_problems

if TYPE_CHECKING:
    from headworks.control.twin.plant.check import Checker


def check_links(checker: Checker, good: Mapping[str, GraphTemplate]) -> None:
    """Note what is wrong with inputs that read other models. `good` are the templates without problems, by code."""
    if any(link_of(read) for row in checker.instances.values() for read in row.value.inputs.values()):
        _Links(checker, good).run()


class _Links:
    def __init__(self, checker: Checker, good: Mapping[str, GraphTemplate]) -> None:
        self.checker, self.good = checker, good
        self.numbers = {code: number for number, code in enumerate(checker.instances, 1)}
        self.offered = Offered(good, {code: self._reads(row.value) for code, row in checker.instances.items()})

    def run(self) -> None:
        whole = {}
        for row in self.checker.instances.values():
            inputs = {}
            for port, read in row.value.inputs.items():
                link = link_of(read)
                if link is not None and self._there(row.value, port, link[0], row.place):
                    inputs[port] = Binding(instance=self.numbers[link[0]], signal=link[1])
            number = self.numbers[row.value.code]
            whole[number] = Instance(id=number, code=row.value.code, template=row.value.template, inputs=inputs)
        for row in self.checker.instances.values():
            self._signals(row, whole)
        for p in circle_problems(list(whole.values())):
            # Of records and what is read, what is read is to blame.
            places = [self.checker.instances[code].place for code in p.params["instances"].split(" → ")]
            at = next((place for place in places if not isinstance(place, RecordPlace)), places[0])
            self.checker.problem(at.at("inputs"), p.value, p.code, **p.params)

    def _reads(self, i: InstanceRow) -> Reads[str]:
        tags = self.checker.tags
        found: dict[str, str | tuple[str, str]] = {}
        for port, read in i.inputs.items():
            found[port] = link_of(read) or (tags[read].value.unit if read in tags else "")
        return Reads(i.template, found)

    def _there(self, i: InstanceRow, port: str, model: str, place: Place) -> bool:
        """Whether the model that a port reads is there, in the same partition; if not, that is noted."""
        checker, at = self.checker, self.checker.cell(place, "inputs", port)
        if not checker.known(model, checker.instances, at, "plant.unknown_instance"):
            return False
        own, other = (checker.partition_of.get(a) for a in (i.asset, checker.instances[model].value.asset))
        if own is not None and other is not None and own != other:
            checker.problem(at, model, "plant.link_partition", model=model, other=other, partition=own)
            return False
        return True

    def _signals(self, row: Row[InstanceRow], whole: Mapping[int, Instance]) -> None:
        """Note signals that are not there, or do not fit the port."""
        i, instance = row.value, whole[self.numbers[row.value.code]]
        template = self.good.get(i.template)
        if template is None:
            return
        ports = {p.name: p for p in template.ports}
        inputs = {p: b for p, b in instance.inputs.items() if p in ports and whole[b.instance].template in self.good}
        mine = Instance(id=instance.id, code=i.code, template=i.template, inputs=inputs)
        bad = set()
        for p in link_problems(template, mine, self.good, whole):
            port = p.field.removeprefix(f"instances.{i.code}.inputs.")
            bad.add(port)
            at = self.checker.cell(row.place, "inputs", port)
            self.checker.problem(at, i.inputs[port], p.code, **p.params)
        for port in inputs.keys() - bad:
            if ports[port].kind == "value":
                found = self.offered.unit(link_of(i.inputs[port]) or "")
                at = self.checker.cell(row.place, "inputs", port)
                self.checker.convertible(found or "1", own_unit(ports[port].unit), at, of=f"{i.template}.{port}")
