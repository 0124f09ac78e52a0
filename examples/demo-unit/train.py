"""Learn the models of this unit that are learned from healthy days, and write instances/learned.yaml.

    python examples/demo-unit/train.py

Two simulated days without a fault (each with its own seed, hence its own loads and weather) give the history. The blocks of
the template that stand before the learned one prepare it, as they do at work. Limits of the principal components are
`MARGIN` times those that all but 0.1 % of the healthy rows keep: rows follow each other closely, so that rare ones come together.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import yaml
from msgspec.structs import replace
from numpy.typing import NDArray

from headworks.base.clock import MICROS
from headworks.blocks.library import read_library
from headworks.blocks.template import Binding, BlockNode, GraphTemplate, Instance, Output
from headworks.engine.learning import Learned, fit_pca, fit_regression
from headworks.engine.program import compile_program
from headworks.simulate.thermal_unit import ThermalUnit

HERE = Path(__file__).resolve().parent
START = 1_700_006_400 * MICROS
SEEDS = (101, 102)
SECONDS = 86_400
SETTLED, EVERY = 600, 10
RATE = 0.999
MARGIN = 3.0
SIDES = (("A", 10), ("B", 20))

F8 = NDArray[np.float64]
Written = dict[str, object]


def wanted() -> list[Written]:
    """Return the instances that are to be learned, without what is learned."""
    temperatures = [(f"FWP-{s}", f"1LAC{n}CT001", f"1LAC{n}CS001") for s, n in SIDES]
    fans = (("FDF", "HLB"), ("PAF", "HFE"), ("IDF", "HNC"))
    temperatures += [(f"{fan}-{s}", f"1{kks}{n}CT001", f"1{kks}{n}CE001") for fan, kks in fans for s, n in SIDES]
    found: list[Written] = [
        {
            "code": f"{machine}-TEMP-LEARNED",
            "template": "learned_temperature",
            "asset": f"U1-{machine}",
            "inputs": {"temperature": temperature, "drive": drive, "ambient": "1PAD10CT001"},
        }
        for machine, temperature, drive in temperatures
    ]
    states = {
        # current, pressure, blades, bearing temperature and vibration, winding temperature
        **{f"IDF-{s}": [f"1HNC{n}{k}" for k in ("CE001", "CP001", "CG001", "CT001", "CY001", "CT004")] for s, n in SIDES},
        # speed, pressures, flow, bearing temperature and vibration
        **{f"FWP-{s}": [f"1LAC{n}{k}" for k in ("CS001", "CP001", "CP002", "CF001", "CT001", "CY001")] for s, n in SIDES},
        # load, back pressure, cooling water in and out, exhaust and hotwell temperature
        "COND": ["1MKA10CE001", "1MAG10CP001", "1PAB10CT001", "1PAB10CT002", "1MAG10CT001", "1MAG10CT002"],
    }  # fmt: skip
    return found + [
        {
            "code": f"{machine}-STATE",
            "template": "learned_state",
            "asset": f"U1-{machine}",
            "inputs": {f"x{i}": tag for i, tag in enumerate(tags, 1)},
        }
        for machine, tags in states.items()
    ]


def days() -> tuple[list[tuple[NDArray[np.int64], F8]], list[str]]:
    """Return times i64[k] [µs] and values f64[k, n] of the healthy days, and the codes of the columns."""
    found = []
    for seed in SEEDS:
        unit = ThermalUnit(seed, START)
        times, values, _ = unit.run(SECONDS)
        found.append((times, values))
    return found, list(unit.codes)


def prepared(
    template: GraphTemplate, inputs: dict[str, str], day: tuple[NDArray[np.int64], F8], codes: list[str]
) -> F8:
    """Return what reaches the inputs of the learned block, f64[rows, inputs]."""
    learned = _learned(template)
    before = template.blocks[: template.blocks.index(learned)]
    signals = [Output(name=name, source=source) for name, source in learned.inputs.items()]
    filters = replace(template, tables=(), blocks=before, conditions=(), outputs=tuple(signals), params=())
    own = sorted(set(inputs.values()))
    instance = Instance(
        id=1,
        code="history",
        template=template.code,
        inputs={port: Binding(tag=own.index(code) + 1) for port, code in inputs.items()},
        outputs={s.name: len(own) + 1 + i for i, s in enumerate(signals)},
    )
    tags = np.arange(1, len(own) + 1, dtype=np.uint32)
    program = compile_program({template.code: filters}, [instance], tags, MICROS)
    times, values = day
    columns = np.ascontiguousarray(values[:, [codes.index(code) for code in own]])
    result = program.run(program.new_state(), times, columns, np.zeros(columns.shape, np.uint32))
    return result.calc_value[SETTLED::EVERY]


def _learned(template: GraphTemplate) -> BlockNode:
    return next(b for b in template.blocks if isinstance(b.table, str) and b.table)


def train(only: tuple[str, ...] = ()) -> list[Written]:
    """Return the instances (those named `only`, if any) with their tables and parameters."""
    library = read_library(HERE.parent / "thermal-templates")
    history, codes = days()
    trained = []
    for instance in wanted():
        if only and instance["code"] not in only:
            continue
        template, inputs = library[str(instance["template"])], instance["inputs"]
        assert isinstance(inputs, dict)
        rows = np.vstack([prepared(template, inputs, day, codes) for day in history])
        table = _learned(template).table
        assert isinstance(table, str)
        learned, params = _fit(_learned(template).op, rows)
        written = {**instance, "params": params} if params else instance
        trained.append({**written, "tables": {table[1:]: [[_short(v) for v in row] for row in learned.table]}})
    return trained


def _fit(op: str, rows: F8) -> tuple[Learned, dict[str, float]]:
    if op == "regression":
        return fit_regression(rows[:, 1:], rows[:, 0], RATE), {}
    learned = fit_pca(rows, RATE)
    limits = {"t2_limit": MARGIN * learned.table[0][0], "q_limit": MARGIN * learned.table[1][0]}
    return learned, {name: float(f"{limit:.3g}") for name, limit in limits.items()}


def _short(value: float) -> float:
    return float(f"{value:.9g}")


def main() -> None:
    """Write the instances anew."""
    text = yaml.safe_dump(train(), allow_unicode=True, sort_keys=False, default_flow_style=None, width=140)
    head = "# Written by train.py from two simulated days without a fault; do not edit.\n"
    (HERE / "instances/learned.yaml").write_text(head + text, "utf-8")


if __name__ == "__main__":
    main()
