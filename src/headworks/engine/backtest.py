"""The models of a partition over rows of history.

A backtest of [start, end) begins a *lead* before `start`, so that its blocks know at `start` what a live engine knew:
:func:`lead` follows each path from a port and adds up how far back its blocks look (``memory`` of a block: two windows, on-
and off-delay twice, ...). A block that may hold on to something for ever (a hysteresis, a latch) adds :data:`LASTING`; more
than :data:`LONGEST_LEAD` it never is. Where the grid is complete over lead and span, the edges of the span are those of the
live engine, unless something was held for longer than that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headworks.blocks.template import GraphTemplate, Instance
from headworks.engine import graph
from headworks.engine.grid import Rows
from headworks.engine.program import Edge, Program, State, StepResult

LASTING = 3600 * 1_000_000
LONGEST_LEAD = 24 * 3600 * 1_000_000


def lead(templates: Mapping[str, GraphTemplate], instances: Sequence[Instance], tick: int) -> int:
    """Return how long before a span its models have to begin [µs], a multiple of `tick` (valid models, tick in µs)."""
    longest: dict[int, int] = {}
    reads = {i.id: {b.instance for b in i.inputs.values() if b.signal} for i in instances}
    levels, _ = graph.levels_of(reads)
    for instance in sorted(instances, key=lambda i: levels[i.id]):
        template = templates[instance.template]
        before = max((longest[other] for other in reads[instance.id]), default=0)
        back: dict[str, int] = {}
        own_tick = graph.tick_of(template, tick)
        for block in graph.flatten(template, templates).blocks:
            values = graph.resolve(template, instance, block)
            own = sum(round(values[name] * times * 1e6) + own_tick for name, times in block.spec.memory)
            own += LASTING if block.spec.lasting else 0
            back[block.id] = own + max((back.get(graph.block_of(source), before) for source in block.reads), default=0)
        longest[instance.id] = max(before, *back.values())
    return -(-min(max(longest.values(), default=0), LONGEST_LEAD) // tick) * tick


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
