"""What models read of each other, and the units it has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import msgspec

from headworks.blocks.template import GraphTemplate
from headworks.engine import graph
from headworks.engine.graph import Library, Signal

K = TypeVar("K", str, int)


def own_unit(unit: str) -> str:
    """Return the unit a port wants of what it reads, "" for any. That of another port (``unit(x)``) is said by a template that is
    made to stand in others."""
    return "" if graph.UNIT_OF.search(unit) else unit


@dataclass(frozen=True, slots=True)
class Reads(Generic[K]):
    """A model: its template, and what its ports read: the unit of a tag, or (model, signal) of another one."""

    template: str
    inputs: Mapping[str, str | tuple[K, str]]


@dataclass(slots=True)
class Offered(Generic[K]):
    """What models offer to others. A port that takes any unit has that of what it reads, and so may what is made of it."""

    library: Library
    models: Mapping[K, Reads[K]]
    _known: dict[K, dict[str, Signal]] = field(default_factory=dict)
    _busy: set[K] = field(default_factory=set)

    def of(self, model: K) -> Mapping[str, Signal]:
        """Return every signal a model offers by its name; nothing of one that is not known or has no valid template."""
        if model not in self._known:
            reads = self.models.get(model)
            template = self.library.get(reads.template) if reads else None
            if reads is None or template is None or model in self._busy:
                return {}
            self._busy.add(model)
            self._known[model] = graph.offered(self.with_units(template, reads), self.library)
            self._busy.discard(model)
        return self._known[model]

    def unit(self, read: str | tuple[K, str]) -> str:
        """Return the unit of what a port reads, "" for none."""
        if isinstance(read, str):
            return read
        signal = self.of(read[0]).get(read[1])
        return (signal.unit if signal else None) or ""

    def with_units(self, template: GraphTemplate, reads: Reads[K]) -> GraphTemplate:
        """Return a template whose ports have units, those of what they read where the template says none."""
        found = {p.name: own_unit(p.unit) or self.unit(reads.inputs.get(p.name, "")) for p in template.ports}
        return msgspec.structs.replace(
            template, ports=tuple(msgspec.structs.replace(p, unit=found[p.name]) for p in template.ports)
        )
