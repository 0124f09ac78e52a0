"""How fast the engine is: a live tick, history, two processes, a start, and a backtest of stored history.

    python benchmarks/engine.py [--quick]

The models are those of `unit.py`: 1,089 random graphs of mixed blocks on 3,000 tags, and 10 and 100 replicas with tags of
their own. A block that several models share counts once. Ticks are wall time of `Program.step` for one row (all blocks,
calculated values, edges); rates are per CPU-second, so a busy machine disturbs them less. Cycles are at the rate of a counted
loop in the same run. Live and history must agree bit for bit at every size.

The backtest stores the grid of the unit in a history of its own, serves it from another process and runs the job's own code
over it, reading and computing beside each other; *cold* after all pages of the store were dropped and the server started anew.
``memory_bound_mb`` is what the job may take beyond the imports, however long the span, but for 2 KiB an alarm found.
``*_x_realtime`` are of the time stored (``backtest_stored_s``): longer spans are more of the same chunks. Extrapolated:
``unit_year_core_min`` (computing alone, from the rate over the ticks run) and nothing else.

The last line is one flat JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import queue
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "benchmarks")]

import unit
from headworks.bus.plan import PartitionPlan, TagPlan
from headworks.engine.grid import Grid
from headworks.engine.program import Program, StepResult, compile_program
from headworks.engine.state import CHUNK
from headworks.history.client import HistoryClient
from headworks.roles import backtest

SECRET = "benchmark" * 5
YEAR_S = 365 * 86_400
MB = 1 << 20


def cpu(work: Callable[[], object]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def clock_hz() -> float:
    """Return cycles per CPU-second now, from a chain of additions of one cycle each."""
    from numba import njit

    @njit("i8(i8)")  # type: ignore[untyped-decorator]
    def chain(n: int) -> int:
        a = 1
        for i in range(n):
            a = (a + i) ^ i
        return a

    # Two dependent operations a turn. The best of a few: what disturbs only ever slows.
    turns = 30_000_000
    return 2 * turns / min(cpu(lambda: chain(turns)) for _ in range(5))


def compiled(models: int, replicas: int) -> tuple[Program, float]:
    templates, instances = unit.unit(models, replicas)
    tags = np.arange(unit.TAGS * replicas, dtype=np.uint32)
    programs: list[Program] = []
    spent = cpu(lambda: programs.append(compile_program(templates, instances, tags, unit.SECOND)))
    return programs[0], spent


def equal(live: StepResult, history: StepResult) -> bool:
    """Return whether two results are the same bit for bit."""
    pairs = (live.calc_value, history.calc_value), (live.calc_status, history.calc_status)
    same = all(np.ascontiguousarray(a).tobytes() == np.ascontiguousarray(b).tobytes() for a, b in pairs)
    return same and repr(live.edges) == repr(history.edges)


def measure_size(replicas: int, ticks: int, models: int) -> dict[str, Any]:
    """Measure live ticks of a plant of `replicas` units, and that history gives the same."""
    program, compile_s = compiled(models, replicas)
    at, value, status = unit.rows(ticks)
    value, status = np.tile(value, replicas), np.tile(status, replicas)
    state, spent = program.new_state(), []
    results = []
    for t in range(ticks):
        row = at[t : t + 1], value[t : t + 1], status[t : t + 1]
        begun = time.perf_counter()
        out = program.step(state, *row)
        spent.append(time.perf_counter() - begun)
        results.append(out)
    warm = np.array(spent[min(50, ticks // 4) :])
    live = StepResult(
        program.calc_tags,
        np.concatenate([r.calc_value for r in results]),
        np.concatenate([r.calc_status for r in results]),
        [e for r in results for e in r.edges],
    )
    same = equal(live, program.run(program.new_state(), at, value, status))
    number = models * replicas
    name, factor = (f"us_{number}", 1e6) if replicas == 1 else (f"ms_{number}", 1e3)
    return {
        f"models_{number}_blocks": program.blocks,
        f"program_compile_cpu_s_{number}": compile_s,
        f"tick_min_{name}": float(warm.min()) * factor,
        f"tick_p50_{name}": float(np.median(warm)) * factor,
        f"tick_p99_{name}": float(np.quantile(warm, 0.99)) * factor,
        f"equal_{number}": int(same),
        f"peak_rss_mb_{number}": peak_mb(),
    }


def measure_history(models: int, ticks: int) -> dict[str, Any]:
    """Measure computing over history: the ticks lie in memory as history hands them out."""
    program, _ = compiled(models, 1)
    at, value, status = unit.rows(ticks)
    value, status = np.asfortranarray(value), np.asfortranarray(status)
    program.run(program.new_state(), at[:64], value[:64], status[:64])
    rates = []
    for _ in range(3):
        state = program.new_state()
        seconds = cpu(lambda state=state: program.run(state, at, value, status))  # type: ignore[misc]
        rates.append(program.blocks * ticks / seconds)
    rate, hz = float(np.median(rates)), clock_hz()
    few, _ = compiled(max(models // 50, 5), 1)
    numpy_s = cpu(lambda: few.oracle(few.new_oracle(), at[:1024], value[:1024], status[:1024]))
    return {
        "backtest_ticks": ticks,
        "backtest_mevals_per_s_core": rate / 1e6,
        "clock_ghz": hz / 1e9,
        "cycles_per_eval": hz / rate,
        "unit_year_core_min": program.blocks * YEAR_S / rate / 60,
        "numpy_mevals_per_s_core": few.blocks * 1024 / numpy_s / 1e6,
        "history_over_numpy": rate / (few.blocks * 1024 / numpy_s),
    }


def _half(models: int, share: tuple[int, int], ticks: int, ready: Any, results: Any) -> None:
    templates, instances = unit.unit(models)
    instances = instances[share[0] :: share[1]]
    program = compile_program(templates, instances, np.arange(unit.TAGS, dtype=np.uint32), unit.SECOND)
    at, value, status = unit.rows(ticks)
    program.run(program.new_state(), at[:64], value[:64], status[:64])
    ready.wait()
    begun = time.perf_counter()
    program.run(program.new_state(), at, value, status)
    results.put(time.perf_counter() - begun)


def measure_processes(models: int, ticks: int) -> dict[str, Any]:
    """Measure how much sooner two processes are done with half of the models each than one with all."""
    context, wall = get_context("spawn"), {}
    for number in (1, 2):
        ready, results = context.Barrier(number), context.Queue()
        workers = [
            context.Process(target=_half, args=(models, (i, number), ticks, ready, results)) for i in range(number)
        ]
        for worker in workers:
            worker.start()
        wall[number] = max(results.get(timeout=300) for _ in workers)
        for worker in workers:
            worker.join()
    return {"two_process_speedup": wall[1] / wall[2]}


# --- a start ----------------------------------------------------------------------------------------------------------


def measure_start(models: int, folder: Path, repeats: int) -> dict[str, Any]:
    """Measure a fresh process from its start until the first tick, its kernels and bytecode on disk."""
    templates, instances = unit.unit(models)
    file = folder / "start"
    file.write_bytes(pickle.dumps((templates, instances)))
    env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    env["PYTHONPYCACHEPREFIX"] = str(folder / "bytecode")
    spent, own = [], []
    for _ in range(1 + repeats):
        begun = time.perf_counter()
        with subprocess.Popen(
            [sys.executable, __file__, "--start", str(file)], env=env, stdout=subprocess.PIPE, text=True
        ) as fresh:
            assert fresh.stdout is not None
            own.append(float(fresh.stdout.readline()))
            spent.append(time.perf_counter() - begun)
    # The first one wrote the bytecode.
    return {"warm_start_s": float(np.median(spent[1:])), "warm_start_compile_s": float(np.median(own[1:]))}


def start(file: Path) -> None:
    """Be a fresh process: compile the program, take samples, evaluate the first tick; say what compiling took."""
    templates, instances = pickle.loads(file.read_bytes())
    tags = np.arange(unit.TAGS, dtype=np.uint32)
    begun = time.perf_counter()
    program = compile_program(templates, instances, tags, unit.SECOND)
    spent = time.perf_counter() - begun
    grid = Grid(tags, unit.SECOND, 30 * unit.SECOND)
    value, status = np.full(unit.TAGS, 300.0), np.zeros(unit.TAGS, np.uint32)
    grid.add(tags, np.full(unit.TAGS, unit.START), value, status, 1)
    for rows in grid.advance(unit.START):
        program.step(program.new_state(), rows.ticks, rows.value, rows.status)
    print(spent, flush=True)


# --- stored history ---------------------------------------------------------------------------------------------------


def store_unit(folder: Path, seconds: int) -> dict[str, Any]:
    """Store the grid of the unit as the historian does, an hour at a time."""
    from headworks.history.follow import Alignment
    from headworks.history.segments import HOUR, Stretch, to_batch
    from headworks.history.store import Store

    alignment = Alignment(np.arange(unit.TAGS, dtype="<u4").tobytes(), unit.SECOND, 30 * unit.SECOND)
    spent = 0.0
    with Store(folder) as store:
        db = store.open_tenant("main")
        for first in range(0, seconds, 3_600):
            at, value, status = unit.rows(min(3_600, seconds - first), first=first)
            hour = int(at[0]) - int(at[0]) % HOUR
            begun = time.perf_counter()
            store.insert(f"{db}.seg", to_batch("p", Stretch(alignment, hour, int(at[0]), value, status)), f"s-{first}")
            spent += time.perf_counter() - begun
        size = store.bytes_on_disk()["seg"][1]
    values = seconds * unit.TAGS
    return {"store_values_per_s": values / spent, "stored_bytes_per_value": size / values}


def serve(folder: Path, stop: Any, answering: Any, said: Any) -> None:
    """Be the historian: answer questions until told to stop."""
    from headworks.history.flight import HistoryService, RunningService
    from headworks.history.store import Store
    from headworks.history.wire import socket_for

    with Store(folder) as store:
        store.open_tenant("main")
        service = RunningService(HistoryService(store, socket_for(folder / "history.sock"), SECRET))
        assert service.wait_until_answering()
        answering.set()
        stop.wait()
        service.stop()
    said.put((peak_mb(), time.process_time()))


def drop_pages(folder: Path) -> None:
    """Drop what the system keeps of the files of a folder in memory."""
    for file in folder.rglob("*"):
        if file.is_file() and not file.is_symlink():
            handle = os.open(file, os.O_RDONLY)
            try:
                os.fsync(handle)
                os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(handle)


def run_job(folder: Path, models: int, seconds: int) -> dict[str, Any]:
    """Be the job: the models over the span, then once more what is now in memory."""
    from headworks.history.wire import socket_for

    templates, instances = unit.unit(models)
    plan = PartitionPlan(
        tenant="main",
        partition="p",
        revision=1,
        system_instance=0,
        tags=tuple(TagPlan(id=i, code=str(i)) for i in range(unit.TAGS)),
        templates=templates,
        instances=tuple(instances),
    )
    span = unit.START, unit.START + seconds * unit.SECOND
    compile_program(templates, instances[:1], np.arange(unit.TAGS, dtype=np.uint32), unit.SECOND)
    before, found = peak_mb(), {}
    with HistoryClient(socket_for(folder / "history.sock"), SECRET) as client:
        for run in ("cold", "warm"):
            out = backtest.Found()
            wall, spent = time.perf_counter(), time.process_time()
            backtest.run_partition(client, plan, plan.instances, span, out, (0.0, 1.0), {"cancel": False})
            wall, spent = time.perf_counter() - wall, time.process_time() - spent
            assert out.ticks == seconds, (out.ticks, seconds)
            found[f"backtest_x_realtime_{run}"] = seconds / wall
            found[f"backtest_{run}_s"], found[f"backtest_{run}_job_cpu_s"] = wall, spent
    program = compile_program(templates, instances, np.arange(unit.TAGS, dtype=np.uint32), unit.SECOND)
    plan_of = program.parts[0].layout
    # Three chunks of an hour and half a million cells more (one computed, one waiting, one arriving, each also as it came),
    # room for one chunk of ticks, what was calculated in a chunk, states and tables of the program; and the alarms found.
    chunk = unit.TAGS * min(3_600, seconds) * 12
    scratch = plan_of.history_slots * CHUNK * 12
    calculated = len(program.calc_tags) * 3_600 * 12
    tables = plan_of.tab.nbytes + plan_of.lin.nbytes + plan_of.ring_size * 8
    alarms = 2_048 * len(out.alarms)
    bound = (3 * chunk + scratch + 2 * calculated + 3 * tables + alarms) / MB + 100
    found |= {
        "peak_rss_mb": peak_mb(),
        "job_rss_before_mb": before,
        "memory_bound_mb": bound,
        "memory_bound_kept": int(peak_mb() - before <= bound),
        "backtest_alarms": len(out.alarms),
    }
    return found


def measure_backtest(models: int, seconds: int, folder: Path) -> dict[str, Any]:
    context = get_context("spawn")
    found: dict[str, Any] = {"backtest_stored_s": seconds, "backtest_tags": unit.TAGS}
    found |= in_process(store_unit, folder, seconds)
    drop_pages(folder)
    stop, answering, told = context.Event(), context.Event(), context.Queue()
    server = context.Process(target=serve, args=(folder, stop, answering, told))
    server.start()
    assert answering.wait(60)
    try:
        found |= in_process(run_job, folder, models, seconds)
    finally:
        stop.set()
    found["historian_peak_rss_mb"], found["historian_cpu_s"] = told.get(timeout=60)
    server.join()
    return found


# --- all of it --------------------------------------------------------------------------------------------------------


def _told(work: Callable[..., dict[str, Any]], args: tuple[Any, ...], said: Any) -> None:
    said.put(work(*args))


def in_process(work: Callable[..., dict[str, Any]], *args: Any) -> dict[str, Any]:
    """Return what `work` finds in a process of its own, so that no measurement inherits the memory of another."""
    context = get_context("spawn")
    said = context.Queue()
    process = context.Process(target=_told, args=(work, args, said))
    process.start()
    while True:
        try:
            found: dict[str, Any] = said.get(timeout=1)
            break
        except queue.Empty:
            if not process.is_alive():
                raise RuntimeError(f"{work.__name__} failed") from None
    process.join()
    return found


def load_watch(loads: list[float]) -> threading.Event:
    """Note the load of the machine every five seconds until the event is set."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(5):
            loads.append(os.getloadavg()[0])

    threading.Thread(target=watch, daemon=True).start()
    return over


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="less than a minute: fewer ticks, 10 minutes of history")
    parser.add_argument("--hours", type=float, default=24.0, help="stored history of the backtest")
    parser.add_argument("--start", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.start:
        start(args.start)
        return
    quick = args.quick
    loads = [os.getloadavg()[0]]
    over = load_watch(loads)
    result: dict[str, Any] = {"quick": int(quick), "cores": os.cpu_count()}
    for replicas, ticks in ((1, 400), (10, 40), (100, 8)) if quick else ((1, 3_000), (10, 400), (100, 60)):
        result |= in_process(measure_size, replicas, ticks, unit.MODELS)
    result |= in_process(measure_history, unit.MODELS, 1_024 if quick else 14_400)
    result |= measure_processes(unit.MODELS, 1_024 if quick else 14_400)
    with tempfile.TemporaryDirectory(prefix="headworks-bench-") as name:
        result |= measure_start(unit.MODELS, Path(name), 2 if quick else 7)
        seconds = 600 if quick else round(args.hours * 3_600)
        result |= measure_backtest(unit.MODELS, seconds, Path(name) / "history")
    over.set()
    result |= {"load_min": min(loads), "load_max": max(loads)}
    assert all(v for k, v in result.items() if k.startswith("equal_")), "live and history differ"
    for key, value in result.items():
        print(f"{key:36} {value:>16,.3f}" if isinstance(value, float) else f"{key:36} {value:>16,}")
    print(json.dumps({k: round(v, 4) if isinstance(v, float) else v for k, v in result.items()}))


if __name__ == "__main__":
    main()
