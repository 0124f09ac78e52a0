"""Runs the models of a plant folder over rows of values, without database and bus: for thresholds proven by simulation.

It reads only what the models need (tags, templates, instances) and leaves every check to the engine.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import yaml
from numpy.typing import NDArray

from headworks.base.clock import MICROS
from headworks.base.units import conversion
from headworks.blocks.template import Binding, GraphTemplate, Instance
from headworks.engine.program import Edge, Program, State, compile_program


@dataclass(frozen=True, slots=True)
class Alarm:
    """A condition of an instance from its raise to its clear (None: it still stands). Times are ticks [µs]."""

    instance: str
    condition: str
    raised: int
    cleared: int | None


class PlantModels:
    """The compiled models of the plant folder at `folder`; columns of its rows are the measured tags, by `codes`.

    Raises
    ------
    Invalid
        As :func:`headworks.engine.program.compile_program`.
    """

    def __init__(self, folder: Path, tick: int = MICROS) -> None:
        rows = [row for file in sorted((folder / "tags").glob("*.csv")) for row in _rows(file)]
        units = {row["code"]: row["unit"] for row in rows}
        self.codes = tuple(row["code"] for row in rows if row.get("kind", "measured") in {"measured", ""})
        self._ids = {code: i + 1 for i, code in enumerate([*self.codes, *(set(units) - set(self.codes))])}
        written = [w for file in sorted((folder / "instances").glob("*.yaml")) for w in _yaml(file)]
        self.templates = _templates(folder, {w["template"] for w in written})
        self.instances = {i + 1: w["code"] for i, w in enumerate(written)}
        program_instances = [self._instance(i + 1, w, units) for i, w in enumerate(written)]
        columns = np.arange(1, len(self.codes) + 1, dtype=np.uint32)
        self.program: Program = compile_program(self.templates, program_instances, columns, tick)

    def _instance(self, number: int, written: dict[str, Any], units: dict[str, str]) -> Instance:
        wanted = {p.name: p.unit for p in self.templates[written["template"]].ports}
        inputs = {}
        for port, code in written["inputs"].items():
            gain, offset = conversion(units[code], wanted[port])
            inputs[port] = Binding(tag=self._ids[code], gain=gain, offset=offset)
        return Instance(
            id=number,
            code=written["code"],
            template=written["template"],
            inputs=inputs,
            params=written.get("params", {}),
            outputs={name: self._ids[code] for name, code in written.get("outputs", {}).items()},
            tables={name: tuple(map(tuple, rows)) for name, rows in written.get("tables", {}).items()},
        )

    def run(
        self, ticks: NDArray[np.int64], values: NDArray[np.float64], codes: Sequence[str], state: State | None = None
    ) -> list[Alarm]:
        """Return the alarms in rows `ticks` i64[k] [µs], `values` f64[k, n] of the tags `codes`, by time of their raise."""
        place = {code: i for i, code in enumerate(codes)}
        ordered = np.ascontiguousarray(values[:, [place[code] for code in self.codes]])
        status = np.zeros(ordered.shape, np.uint32)
        result = self.program.run(state or self.program.new_state(), ticks, ordered, status)
        return self._alarms(result.edges)

    def _alarms(self, edges: Sequence[Edge]) -> list[Alarm]:
        standing: dict[tuple[int, str], int] = {}
        alarms = []
        for e in edges:
            key = (e.instance, e.condition)
            if e.transition == "raise":
                standing[key] = e.tick
            elif key in standing:
                alarms.append(Alarm(self.instances[e.instance], e.condition, standing.pop(key), e.tick))
        alarms += [Alarm(self.instances[i], name, tick, None) for (i, name), tick in standing.items()]
        return sorted(alarms, key=lambda a: (a.raised, a.instance, a.condition))


def _templates(folder: Path, used: Set[str]) -> dict[str, GraphTemplate]:
    """Return the templates of a plant folder and, of those in its `template_folders`, the ones in use."""
    found = {t.code: t for file in sorted((folder / "templates").glob("*.yaml")) for t in [_template(file)]}
    for library in _yaml(folder / "plant.yaml").get("template_folders", ()):
        files = sorted((folder / library).glob("*.yaml"))
        found |= {file.stem: _template(file) for file in files if file.stem in used}
    return found


def _template(file: Path) -> GraphTemplate:
    return msgspec.convert(_yaml(file), GraphTemplate)


def _rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as f:
        return list(csv.DictReader(f))


def _yaml(file: Path) -> Any:
    return yaml.safe_load(file.read_text("utf-8"))
