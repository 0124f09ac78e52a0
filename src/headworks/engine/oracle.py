"""What each block means, said a second time in NumPy, for tests and as the peer of the benchmark.

Each function takes the whole history of a block's inputs since it was fresh and returns the whole history of its output (and
the status codes it found): no state, no ring, no code shared with the kernels. Written to be plainly right, not fast. The
functions are in :mod:`headworks.engine.oracles`, a module for each family of blocks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headworks.base.status import BAD, BAD_NO_DATA, UNCERTAIN_SUB_NORMAL
from headworks.blocks import catalogue
from headworks.engine import codegen
from headworks.engine.codegen import CONSTANT_SLOTS, FALSE_SLOT, FIRST_SLOT, IN, NOTHING_SLOT, TRUE_SLOT
from headworks.engine.layout import Layout
from headworks.engine.oracles import ORACLES, Past

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]
U4 = NDArray[np.uint32]


@dataclass(slots=True, eq=False)
class OracleState:
    """All inputs of every block so far (by its number in `program`), their instants, and which conditions are up."""

    program: Any = None
    inputs: dict[int, list[F8]] = field(default_factory=dict)
    instants: dict[int, I8] = field(default_factory=dict)
    last_tick: int | None = None
    edges: dict[tuple[int, str], bool] = field(default_factory=dict)

    def become(self, program: Any, survivors: Mapping[int, int]) -> None:
        """Go on with another program, whose block k goes on as block `survivors[k]` of the one before."""
        self.inputs = {k: self.inputs[was] for k, was in survivors.items() if was in self.inputs}
        self.instants = {k: self.instants[was] for k, was in survivors.items() if was in self.instants}
        self.program = program


def evaluate(
    plan: Layout, tick: int, state: OracleState, ticks: I8, value: F8, status: U4, own: int
) -> tuple[dict[int, F8], dict[int, I8]]:
    """Return values and statuses of every slot (live) at these ticks; the first `own` columns are tags."""
    cuts = np.flatnonzero(np.diff(ticks) != tick) + 1
    if len(cuts):
        parts = [
            evaluate(plan, tick, state, t, v, q, own)
            for t, v, q in zip(*(np.split(a, cuts) for a in (ticks, value, status)), strict=True)
        ]
        values = {slot: np.concatenate([p[0][slot] for p in parts]) for slot in parts[0][0]}
        return values, {slot: np.concatenate([p[1][slot] for p in parts]) for slot in parts[0][1]}
    if len(ticks) == 0:
        slots = range(plan.live_slots)
        return dict.fromkeys(slots, np.empty(0)), dict.fromkeys(slots, np.empty(0, np.int64))
    if state.last_tick is not None and int(ticks[0]) != state.last_tick + tick:
        state.inputs.clear()
        state.instants.clear()
    values, statuses = _read(ticks, value, status, own)
    for k, key in enumerate(plan.lanes):
        spec = catalogue.get(key[2])
        slots = plan.tab[IN : IN + len(spec.input_names), k].tolist()
        before = state.inputs.get(k, [np.zeros(0)] * len(slots))
        columns = state.inputs[k] = [np.r_[a, values[slot]] for a, slot in zip(before, slots, strict=True)]
        instants = state.instants[k] = np.r_[state.instants.get(k, np.zeros(0, np.int64)), ticks]
        at, rows, width = plan.tab[[codegen.D, codegen.ROWS, codegen.WIDTH], k]
        table = plan.tables[at : at + rows * width].reshape(rows, width)
        found, code = ORACLES[spec.op](Past(columns, key[3], instants, table))
        new = slice(len(instants) - len(ticks), None)
        said = np.broadcast_to(code, instants.shape)[new]
        worst = np.maximum(np.max([statuses[slot] for slot in slots], axis=0), said)
        if spec.mends:
            read = np.array([statuses[slot] for slot in slots])
            least = said if spec.reports else np.where((read >= BAD).any(axis=0), UNCERTAIN_SUB_NORMAL, 0)
            sound = np.maximum(np.where(read >= BAD, 0, read).max(axis=0), least)
        for n, y in enumerate(found if isinstance(found, tuple) else (found,)):
            slot = int(plan.tab[codegen.S, k]) + n
            values[slot] = np.where(np.isfinite(y), y, np.nan)[new]
            lost = np.where(worst < BAD, BAD_NO_DATA, worst)
            statuses[slot] = np.where(np.isnan(values[slot]), lost, sound if spec.mends else worst)
    state.last_tick = int(ticks[-1])
    return values, statuses


def _read(ticks: I8, value: F8, status: U4, own: int) -> tuple[dict[int, F8], dict[int, I8]]:
    """Return the signals that are there before any block: constants and tags."""
    constants = {FALSE_SLOT: 0.0, TRUE_SLOT: 1.0, NOTHING_SLOT: np.nan}
    values = {slot: np.full(len(ticks), constants[slot]) for slot in CONSTANT_SLOTS.values()}
    statuses = {slot: np.zeros(len(ticks), np.int64) for slot in CONSTANT_SLOTS.values()}
    for c in range(value.shape[1]):
        q = status[:, c].astype(np.int64)
        good = (q < BAD) & np.isfinite(value[:, c]) if c < own else np.ones(len(ticks), bool)
        values[FIRST_SLOT + c] = np.where(good, value[:, c], np.nan)
        statuses[FIRST_SLOT + c] = np.where(good | (q >= BAD), q, BAD_NO_DATA)
    return values, statuses
