"""How fast the engine is: one live tick, history, the grid; with the NumPy oracle as peer in the same run.

    python benchmarks/engine.py [--quick]

Rates are per CPU-second of this process, so a busy machine disturbs them less; latencies are wall time. The last line is one
flat JSON object.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable

import numpy as np

from headworks.base.status import BAD_NO_DATA
from headworks.blocks.template import Binding, BlockNode, Condition, GraphTemplate, Instance, Output, Port, Text
from headworks.engine.grid import Grid
from headworks.engine.program import Program, compile_program

SECOND = 1_000_000
START = 1_700_000_000 * SECOND
TEXT = Text(zh="轴承温度高", en="Bearing temperature high")
MODELS, TAGS = 1089, 3000


def vote_model() -> GraphTemplate:
    """Return a model of the usual kind: three measurements checked, smoothed, compared, delayed, voted."""
    blocks: list[BlockNode] = []
    for i in "abc":
        limits: dict[str, float | str] = {"low": 0, "high": 1000, "frozen_s": 600}
        blocks += [
            BlockNode(id=f"check_{i}", op="quality_check", inputs={"x": f"in.{i}"}, params=limits),
            BlockNode(id=f"mean_{i}", op="rolling_mean", inputs={"x": f"check_{i}"}, params={"window": 60}),
            BlockNode(
                id=f"high_{i}",
                op="above",
                inputs={"x": f"mean_{i}"},
                params={"limit": 300.2, "hysteresis": 0.1},
            ),
        ]
    vote = {f"in{n + 1}": f"high_{i}" for n, i in enumerate("abc")}
    blocks += [
        BlockNode(id="vote", op="m_of_n", inputs=vote, params={"m": 2}),
        BlockNode(id="alarm", op="delay", inputs={"x": "vote"}, params={"on_s": 10, "off_s": 5}),
        BlockNode(
            id="sensor", op="quality_bad", inputs={"x": "in.a"}, params={"low": 0, "high": 1000, "frozen_s": 600}
        ),
        BlockNode(id="low", op="below", inputs={"x": "mean_a"}, params={"limit": 299.8}),
    ]
    return GraphTemplate(
        code="vote",
        title=TEXT,
        ports=tuple(Port(name=i) for i in "abc"),
        blocks=tuple(blocks),
        conditions=(
            Condition(name="high", source="alarm", value="mean_a", title=TEXT),
            Condition(name="sensor", source="sensor", value="in.a", title=TEXT),
        ),
        outputs=(Output(name="mean", source="mean_a"),),
    )


def plant(models: int, tags: int) -> tuple[dict[str, GraphTemplate], list[Instance]]:
    rng = np.random.default_rng(0)
    instances = [
        Instance(
            id=i + 1,
            code=f"m{i}",
            template="vote",
            inputs={p: Binding(tag=int(t)) for p, t in zip("abc", rng.choice(tags, 3, replace=False), strict=True)},
            outputs={"mean": 1_000_000 + i},
        )
        for i in range(models)
    ]
    return {"vote": vote_model()}, instances


def data(ticks: int, tags: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    value = 300 + rng.standard_normal((ticks, tags))
    value += np.sin(np.arange(ticks) / 200)[:, None] * 0.5
    status = np.zeros((ticks, tags), np.uint32)
    bad = rng.random((ticks, tags)) < 0.0005
    value[bad], status[bad] = np.nan, BAD_NO_DATA
    return START + np.arange(ticks) * SECOND, value, status


def spread(seconds: list[float]) -> tuple[float, float, float]:
    """Return least, median and 99th percentile in µs."""
    us = np.array(seconds) * 1e6
    return float(us.min()), float(np.median(us)), float(np.percentile(us, 99))


def cpu(work: Callable[[], object]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun


def measure_ticks(program: Program, rows: tuple[np.ndarray, np.ndarray, np.ndarray], ticks: int) -> dict[str, float]:
    state, spent = program.new_state(), []
    for t in range(ticks):
        part = [c[t : t + 1] for c in rows]
        begun = time.perf_counter()
        program.step(state, *part)
        spent.append(time.perf_counter() - begun)
    least, p50, p99 = spread(spent[10:])
    return {"tick_min_us": least, "tick_p50_us": p50, "tick_p99_us": p99}


def measure_grid(tags: int, ticks: int) -> dict[str, float]:
    ids = np.arange(tags, dtype=np.uint32) * 7
    grid = Grid(ids, SECOND, 30 * SECOND)
    list(grid.advance(START))
    rng = np.random.default_rng(2)
    adds: dict[int, list[float]] = {1000: [], 4000: []}
    advances = []
    for t in range(1, ticks):
        size = 1000 if t % 2 else 4000
        tag = rng.choice(ids, size)
        when = START + t * SECOND + rng.integers(0, 2 * SECOND, size)
        value, status = rng.standard_normal(size), np.zeros(size, np.uint32)
        begun = time.perf_counter()
        grid.add(tag, when, value, status, t)
        adds[size].append(time.perf_counter() - begun)
        begun = time.perf_counter()
        list(grid.advance(START + t * SECOND))
        advances.append(time.perf_counter() - begun)
    return {
        "grid_add_1000_p50_us": spread(adds[1000])[1],
        "grid_add_4000_p50_us": spread(adds[4000])[1],
        "grid_advance_p50_us": spread(advances)[1],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the plant, a few seconds")
    quick = parser.parse_args().quick
    models, tags, ticks = (MODELS // 10, TAGS // 10, 1024) if quick else (MODELS, TAGS, 4096)
    templates, instances = plant(models, tags)
    compiling: list[Program] = []
    compile_s = cpu(lambda: compiling.append(compile_program({}, [], np.arange(tags, dtype=np.uint32), SECOND)))
    program_s = cpu(
        lambda: compiling.append(compile_program(templates, instances, np.arange(tags, dtype=np.uint32), SECOND))
    )
    program = compiling[1]
    rows = data(ticks, tags)
    blocks = program.blocks
    result: dict[str, float] = {"models": models, "blocks": blocks, "tags": tags, "ticks": ticks}
    result |= {"kernels_load_cpu_s": compile_s, "program_compile_cpu_s": program_s}
    result |= measure_ticks(program, rows, 200 if quick else 1000)
    result |= measure_grid(tags, 100 if quick else 400)

    program.run(program.new_state(), *(c[:32] for c in rows))
    history = program.run(program.new_state(), *rows)
    result["history_evals_per_cpu_s"] = blocks * ticks / cpu(lambda: program.run(program.new_state(), *rows))
    result["live_evals_per_cpu_s"] = blocks * ticks / cpu(lambda: program.step(program.new_state(), *rows))
    few = compile_program(templates, instances[: max(models // 20, 5)], np.arange(tags, dtype=np.uint32), SECOND)
    numpy_s = cpu(lambda: few.oracle(few.new_oracle(), *rows))
    result["numpy_evals_per_cpu_s"] = few.blocks * ticks / numpy_s
    result["history_over_numpy"] = result["history_evals_per_cpu_s"] / result["numpy_evals_per_cpu_s"]

    live = program.step(program.new_state(), *rows)
    equal = np.array_equal(np.ascontiguousarray(history.calc_value).view(np.uint64), live.calc_value.view(np.uint64))
    result |= {"edges": len(live.edges), "equal": int(equal and repr(history.edges) == repr(live.edges))}
    for name, value in result.items():
        print(f"{name:28} {value:,.3f}" if isinstance(value, float) else f"{name:28} {value:,}")
    print(json.dumps({k: round(v, 4) for k, v in result.items()}))


if __name__ == "__main__":
    main()
