"""The models of a partition over rows of history."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headworks.engine.grid import Rows
from headworks.engine.program import Edge, Program, State, StepResult


@dataclass(frozen=True, slots=True, eq=False)
class BacktestResult:
    """What a backtest found.

    Attributes
    ----------
    edges : by tick, then instance and condition
    ticks : i64[k] [µs]; calc_tags : u32[m]; calc_value : f64[k, m]; calc_status : u32[k, m]. Empty (k = 0) if `sink` took them
    rows : number of ticks evaluated
    state : after the last row; a live engine may go on from it
    finished : False if it was cancelled
    """

    edges: list[Edge]
    ticks: NDArray[np.int64]
    calc_tags: NDArray[np.uint32]
    calc_value: NDArray[np.float64]
    calc_status: NDArray[np.uint32]
    rows: int
    state: State
    finished: bool


def backtest(
    program: Program,
    rows: Iterable[Rows],
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    *,
    state: State | None = None,
    sink: Callable[[Rows, StepResult], None] | None = None,
) -> BacktestResult:
    """Run a program over history.

    Parameters
    ----------
    rows : in order of time; columns as the program's tags
    progress : called after each chunk with the number of ticks done and the last tick [µs]
    cancelled : asked before each chunk
    state : to go on from; a new one by default
    sink : takes each chunk of calculated values, which are then not kept here
    """
    state = state or program.new_state()
    edges: list[Edge] = []
    ticks: list[NDArray[np.int64]] = []
    kept: list[StepResult] = []
    done, finished = 0, True
    for chunk in rows:
        if cancelled is not None and cancelled():
            finished = False
            break
        out = program.run(state, chunk.ticks, chunk.value, chunk.status)
        edges += out.edges
        done += len(chunk.ticks)
        if sink is not None:
            sink(chunk, out)
        else:
            ticks.append(chunk.ticks)
            kept.append(out)
        if progress is not None and len(chunk.ticks):
            progress(done, int(chunk.ticks[-1]))
    none = np.empty((0, len(program.calc_tags)))
    return BacktestResult(
        edges=edges,
        ticks=np.concatenate([np.empty(0, np.int64), *ticks]),
        calc_tags=program.calc_tags,
        calc_value=np.concatenate([none, *(k.calc_value for k in kept)]),
        calc_status=np.concatenate([none.astype(np.uint32), *(k.calc_status for k in kept)]),
        rows=done,
        state=state,
        finished=finished,
    )
