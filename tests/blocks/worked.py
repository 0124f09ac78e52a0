"""Runs one block on short signals that are written out: worked examples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from headworks.base.errors import Problem
from headworks.base.status import BAD_NO_DATA
from headworks.blocks.catalogue import get
from headworks.blocks.template import Binding, BlockNode, GraphTemplate, Instance, Output, Port, Rows, Text
from headworks.engine.check import template_problems
from headworks.engine.graph import signal_units
from headworks.engine.program import compile_program

SECOND = 1_000_000
START = 1_700_000_000 * SECOND
NAN = float("nan")


def one(
    op: str,
    wired: Sequence[str],
    params: Mapping[str, float] | None = None,
    table: Rows = (),
    units: Mapping[str, str] | None = None,
) -> GraphTemplate:
    """Return a template of the block alone; a boolean input is its port > 0.5."""
    spec = get(op)
    bools = [n for n in wired if spec.input_kinds[n] == "bool"]
    several = len(spec.outputs) > 1
    given = "m" if spec.outputs[0].unit == "given" else ""
    node = BlockNode(
        id="it",
        op=op,
        inputs={n: f"is_{n}" if n in bools else f"in.{n}" for n in wired},
        params=dict(params or {}),
        table=table,
        unit=given,
    )
    return GraphTemplate(
        code="t",
        title=Text(zh="一", en="One"),
        ports=tuple(Port(name=n, unit=(units or {}).get(n, "")) for n in wired),
        blocks=(
            *(BlockNode(id=f"is_{n}", op="above", inputs={"x": f"in.{n}"}, params={"limit": 0.5}) for n in bools),
            node,
        ),
        outputs=tuple(Output(name=o.name, source=f"it.{o.name}" if several else "it") for o in spec.outputs),
    )


def problems(op: str, wired: Sequence[str], **more: object) -> list[Problem]:
    return template_problems(one(op, wired, **more))  # type: ignore[arg-type]


def unit(op: str, units: Mapping[str, str], **params: float) -> str:
    """Return the unit of the first output for inputs in these units."""
    return signal_units(one(op, list(units), params, units=units), {})["it"]


def worked(
    op: str,
    signals: Mapping[str, Sequence[float]],
    params: Mapping[str, float] | None = None,
    table: Rows = (),
    tick_s: float = 1.0,
) -> dict[str, list[float | None]]:
    """Return every output of the block; None is bad. What is said live and over history is the same."""
    template = one(op, list(signals), params, table)
    names = [o.name for o in template.outputs]
    instance = Instance(
        id=1,
        code="i",
        template="t",
        inputs={n: Binding(tag=i) for i, n in enumerate(signals)},
        outputs={n: 1000 + i for i, n in enumerate(names)},
    )
    tick = round(tick_s * SECOND)
    program = compile_program({"t": template}, [instance], np.arange(len(signals), dtype=np.uint32), tick)
    value = np.array(list(signals.values()), dtype=float).T.copy()
    ticks = START + np.arange(len(value)) * tick
    status = np.where(np.isnan(value), BAD_NO_DATA, 0).astype(np.uint32)
    live = program.step(program.new_state(), ticks, value, status).calc_value
    np.testing.assert_array_equal(program.run(program.new_state(), ticks, value, status).calc_value, live)
    return {n: [None if np.isnan(y) else y for y in live[:, i].tolist()] for i, n in enumerate(names)}


def only(
    op: str,
    signals: Mapping[str, Sequence[float]],
    params: Mapping[str, float] | None = None,
    table: Rows = (),
    tick_s: float = 1.0,
) -> list[float | None]:
    """Return the one output of a block that has no more."""
    (found,) = worked(op, signals, params, table, tick_s).values()
    return found
