"""The same models in other tools: a Python loop, pandas, Polars, DuckDB, River, bytewax, Node-RED.

    python benchmarks/engine_peers.py [--quick] [--peers-venv FOLDER]

1,089 models of three measurements each: three times (mean of 60 s > limit, for 10 s), two of three, latched until none holds.
Samples are multiples of 1/256, so that every order of summing gives the same mean. Each system runs in a process of its own,
one after the other, and must give the alarm sum (models in alarm, added up over all ticks) that the engine gives for the same
ticks; the engine is measured first and last, and the mean counts. Rates are model evaluations per CPU-second of all threads,
without start, imports and loading.

*Live*: sample by sample, with state: engine (one row a call), Python loop, River (its Rolling(Mean), the rest Python), bytewax
(the Python model as state of a stateful_map), Node-RED (one chain for all models, which is kinder than one each). *History*:
a whole batch in memory; what pandas, Polars and DuckDB do has no state to go on from.

The peers are installed into FOLDER (default: the user's cache), in the versions named here, and belong to nothing else. One that
cannot be installed or does not run is reported as such, with a ratio of null. The last line is one flat JSON object.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
MODELS, WINDOW, DELAY, LIMIT = 1_089, 60, 10, 50.00012345
PYTHON_PEERS = {
    "python": (),
    "pandas": ("pandas==3.1.1",),
    "polars": ("polars==2.1.0",),
    "duckdb": ("duckdb==2.0.0",),
    "river": ("river==0.26.1",),
    "bytewax": ("bytewax==0.21.1",),
}
NODE_PEER = ("node-red@4.1.15", "node-red-node-smooth@0.1.2")
LIVE, HISTORY = ("python", "river", "bytewax", "nodered"), ("python", "pandas", "polars", "duckdb")
TICKS = {"python": 1_200, "pandas": 3_600, "polars": 3_600, "duckdb": 600, "river": 120, "bytewax": 120, "nodered": 60}
QUICK_TICKS = {"python": 240, "pandas": 900, "polars": 900, "duckdb": 180, "river": 40, "bytewax": 40, "nodered": 20}
Said = dict[str, Any]


def samples(ticks: int) -> np.ndarray[Any, Any]:
    """Return f64[ticks, 3 · MODELS]."""
    rng = np.random.default_rng(1)
    n = 3 * MODELS
    period, phase = np.repeat(rng.uniform(120, 600, MODELS), 3), np.repeat(rng.uniform(0, 6.28, MODELS), 3)
    value = 50 + 4 * np.sin(np.arange(ticks)[:, None] * (6.283 / period) + phase) + rng.normal(0, 1.5, (ticks, n))
    return np.round(value * 256) / 256


# --- the peers; each returns (CPU-seconds, wall seconds, alarm sum) -----------------------------------------------------


class Model:
    """One model in plain Python."""

    __slots__ = ("above", "at", "count", "held", "rings", "totals")

    def __init__(self) -> None:
        self.rings = [[0.0] * WINDOW for _ in range(3)]
        self.totals, self.above = [0.0] * 3, [0] * 3
        self.at = self.count = self.held = 0

    def step(self, three: tuple[float, float, float]) -> int:
        at = self.at
        if self.count < WINDOW:
            self.count += 1
        votes = 0
        totals, above = self.totals, self.above
        for i in range(3):
            ring, x = self.rings[i], three[i]
            totals[i] += x - ring[at]
            ring[at] = x
            if totals[i] / self.count > LIMIT:
                above[i] += 1
                votes += above[i] > DELAY
            else:
                above[i] = 0
        self.at = at + 1 if at + 1 < WINDOW else 0
        if votes >= 2:
            self.held = 1
        elif votes == 0:
            self.held = 0
        return self.held


def timed(work: Callable[[], int]) -> tuple[float, float, int]:
    cpu, wall = time.process_time(), time.perf_counter()
    alarms = int(work())
    return time.process_time() - cpu, time.perf_counter() - wall, alarms


def rows_of(x: np.ndarray[Any, Any]) -> list[list[tuple[float, float, float]]]:
    return [[tuple(three) for three in row] for row in x.reshape(len(x), MODELS, 3).tolist()]


def python_peer(x: np.ndarray[Any, Any]) -> tuple[float, float, int]:
    rows, models = rows_of(x), [Model() for _ in range(MODELS)]

    def work() -> int:
        alarms = 0
        for row in rows:
            for model, three in zip(models, row, strict=True):
                alarms += model.step(three)
        return alarms

    return timed(work)


def river_peer(x: np.ndarray[Any, Any]) -> tuple[float, float, int]:
    from river import stats, utils

    rows = rows_of(x)
    means = [[utils.Rolling(stats.Mean(), window_size=WINDOW) for _ in range(3)] for _ in range(MODELS)]
    above, held = [[0] * 3 for _ in range(MODELS)], [0] * MODELS

    def work() -> int:
        alarms = 0
        for row in rows:
            for m, three in enumerate(row):
                votes = 0
                for i in range(3):
                    mean = means[m][i]
                    mean.update(three[i])
                    if mean.get() > LIMIT:
                        above[m][i] += 1
                        votes += above[m][i] > DELAY
                    else:
                        above[m][i] = 0
                if votes >= 2:
                    held[m] = 1
                elif votes == 0:
                    held[m] = 0
                alarms += held[m]
        return alarms

    return timed(work)


def bytewax_peer(x: np.ndarray[Any, Any]) -> tuple[float, float, int]:
    import bytewax.operators as op
    from bytewax.dataflow import Dataflow
    from bytewax.testing import TestingSink, TestingSource, run_main

    keys = [str(m) for m in range(MODELS)]
    items = [(key, three) for row in rows_of(x) for key, three in zip(keys, row, strict=True)]
    found: list[tuple[str, int]] = []

    def step(model: Model | None, three: tuple[float, float, float]) -> tuple[Model, int]:
        model = model or Model()
        return model, model.step(three)

    flow = Dataflow("models")
    stream = op.input("samples", flow, TestingSource(items, batch_size=MODELS))
    op.output("alarms", op.stateful_map("model", stream, step), TestingSink(found))

    def work() -> int:
        run_main(flow)
        return sum(alarm for _, alarm in found)

    return timed(work)


def pandas_peer(x: np.ndarray[Any, Any]) -> tuple[float, float, int]:
    import pandas as pd

    frame = pd.DataFrame(x)

    def work() -> int:
        above = frame.rolling(WINDOW, min_periods=1).mean() > LIMIT
        delayed = above.astype(float).rolling(DELAY + 1).min().fillna(0.0)
        votes = pd.DataFrame(delayed.to_numpy().reshape(len(x), MODELS, 3).sum(axis=2))
        told = (votes >= 2).astype(float).where((votes >= 2) | (votes == 0))
        return int(told.ffill().fillna(0.0).to_numpy().sum())

    return timed(work)


def polars_peer(x: np.ndarray[Any, Any]) -> tuple[float, float, int]:
    import polars as pl

    frame = pl.DataFrame({str(i): x[:, i] for i in range(x.shape[1])})

    def work() -> int:
        # Stage by stage: one lazy plan of it all takes many times as long to make.
        above = frame.select((pl.all().rolling_mean(WINDOW, min_samples=1) > LIMIT).cast(pl.Int8))
        delayed = above.select(pl.all().rolling_min(DELAY + 1).fill_null(0))
        votes = delayed.select([sum(pl.col(str(3 * m + i)) for i in range(3)).alias(str(m)) for m in range(MODELS)])
        told = votes.select(pl.when(pl.all() >= 2).then(1).when(pl.all() == 0).then(0).name.keep())
        return int(told.select(pl.all().forward_fill().fill_null(0).sum()).sum_horizontal()[0])

    return timed(work)


DUCKDB = f"""
WITH means AS (
  SELECT model, t, avg(a) OVER w > {LIMIT} AS a, avg(b) OVER w > {LIMIT} AS b, avg(c) OVER w > {LIMIT} AS c FROM samples
  WINDOW w AS (PARTITION BY model ORDER BY t ROWS {WINDOW - 1} PRECEDING)
), delayed AS (
  SELECT model, t, CASE WHEN count(*) OVER v > {DELAY}
    THEN min(a::INT) OVER v + min(b::INT) OVER v + min(c::INT) OVER v ELSE 0 END AS votes FROM means
  WINDOW v AS (PARTITION BY model ORDER BY t ROWS {DELAY} PRECEDING)
), latched AS (
  SELECT last_value(CASE WHEN votes >= 2 THEN 1 WHEN votes = 0 THEN 0 END IGNORE NULLS)
    OVER (PARTITION BY model ORDER BY t ROWS UNBOUNDED PRECEDING) AS y FROM delayed
)
SELECT sum(coalesce(y, 0)) FROM latched
"""


def duckdb_peer(x: np.ndarray[Any, Any]) -> tuple[float, float, int]:
    import duckdb

    three = x.reshape(len(x), MODELS, 3)
    columns = {
        "t": np.repeat(np.arange(len(x)), MODELS),
        "model": np.tile(np.arange(MODELS), len(x)),
        **{name: np.ascontiguousarray(three[:, :, i]).reshape(-1) for i, name in enumerate("abc")},
    }
    db = duckdb.connect()
    db.execute("CREATE TABLE samples AS SELECT * FROM columns")
    assert columns

    def work() -> int:
        found = db.execute(DUCKDB).fetchone()
        assert found is not None
        return int(found[0])

    return timed(work)


def be_peer(name: str, folder: Path, ticks: int) -> None:
    """Run in the environment of the peers: do the work, print one line of JSON."""
    about = json.loads((folder / "about.json").read_text())
    x = np.fromfile(folder / "samples.f64").reshape(about["ticks"], 3 * MODELS)[:ticks]
    peers = {
        "python": python_peer,
        "river": river_peer,
        "bytewax": bytewax_peer,
        "pandas": pandas_peer,
        "polars": polars_peer,
        "duckdb": duckdb_peer,
    }
    cpu_s, wall_s, alarms = peers[name](x)
    version = ".".join(map(str, sys.version_info[:3])) if name == "python" else importlib.metadata.version(name)
    said = {"cpu_s": cpu_s, "wall_s": wall_s, "ticks": ticks, "alarm_sum": alarms, "version": version}
    print(json.dumps(said))


# --- the engine -------------------------------------------------------------------------------------------------------


def program() -> Any:
    sys.path[:0] = [str(ROOT / "src")]
    from headworks.blocks.template import Binding, BlockNode, GraphTemplate, Instance, Output, Port, Text
    from headworks.engine.program import compile_program

    text, blocks = Text(zh="比较", en="Peers"), []
    for i in "abc":
        blocks += [
            BlockNode(id=f"mean_{i}", op="rolling_mean", inputs={"x": f"in.{i}"}, params={"window": WINDOW}),
            BlockNode(id=f"high_{i}", op="above", inputs={"x": f"mean_{i}"}, params={"limit": LIMIT}),
            BlockNode(id=f"long_{i}", op="delay", inputs={"x": f"high_{i}"}, params={"on_s": DELAY}),
        ]
    three = {f"in{n + 1}": f"long_{i}" for n, i in enumerate("abc")}
    blocks += [
        BlockNode(id="vote", op="m_of_n", inputs=three, params={"m": 2}),
        BlockNode(id="any", op="or", inputs=three),
        BlockNode(id="none", op="not", inputs={"x": "any"}),
        BlockNode(id="alarm", op="latch_rs", inputs={"set": "vote", "reset": "none"}),
    ]
    template = GraphTemplate(
        code="peers",
        title=text,
        ports=tuple(Port(name=i) for i in "abc"),
        blocks=tuple(blocks),
        outputs=(Output(name="alarm", source="alarm"),),
    )
    instances = [
        Instance(
            id=m + 1,
            code=f"m{m}",
            template="peers",
            inputs={i: Binding(tag=3 * m + n) for n, i in enumerate("abc")},
            outputs={"alarm": 1_000_000 + m},
        )
        for m in range(MODELS)
    ]
    return compile_program({"peers": template}, instances, np.arange(3 * MODELS, dtype=np.uint32), 1_000_000)


def engine_rates(x: np.ndarray[Any, Any], live_ticks: int) -> tuple[float, float, np.ndarray[Any, Any]]:
    """Return model evaluations per CPU-second live and over history, and the alarm sum up to each tick."""
    compiled = program()
    at = 1_700_006_400_000_000 + np.arange(len(x)) * 1_000_000
    status = np.zeros(x.shape, np.uint32)
    lanes, lane_status = np.asfortranarray(x), np.asfortranarray(status)  # as history hands them out
    compiled.run(compiled.new_state(), at[:16], x[:16], status[:16])
    compiled.step(compiled.new_state(), at[:1], x[:1], status[:1])
    state, alarms, spent = compiled.new_state(), 0.0, 0.0
    for t in range(live_ticks):
        row = at[t : t + 1], x[t : t + 1], status[t : t + 1]
        begun = time.process_time()
        out = compiled.step(state, *row)
        spent += time.process_time() - begun
        alarms += float(out.calc_value.sum())
    begun = time.process_time()
    history = compiled.run(compiled.new_state(), at, lanes, lane_status)
    history_s = time.process_time() - begun
    sums = np.cumsum(history.calc_value.sum(axis=1))
    assert alarms == sums[live_ticks - 1], "live and history differ"
    return MODELS * live_ticks / spent, MODELS * len(x) / history_s, sums


# --- installing and running the peers ---------------------------------------------------------------------------------


def default_folder() -> Path:
    cache = os.environ.get("HEADWORKS_CACHE") or os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(cache) / "headworks" / "peers"


def quietly(*command: str | Path, timeout: float = 600) -> str:
    """Run a command; return what went wrong, nothing if all is well."""
    try:
        done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=timeout)
    except (OSError, subprocess.TimeoutExpired) as e:
        return str(e)[:200]
    return "" if done.returncode == 0 else done.stderr.strip()[-200:] or f"exit {done.returncode}"


def install(folder: Path) -> dict[str, str]:
    """Install what is missing; return what is wrong with each peer that cannot be had."""
    python, wrong = folder / "bin" / "python", {}
    if not python.exists() and (said := quietly(sys.executable, "-m", "venv", folder)):
        return dict.fromkeys((*PYTHON_PEERS, "nodered"), said)
    numpy = f"numpy=={np.__version__}"
    for name, packages in PYTHON_PEERS.items():
        wanted = [numpy, *packages]
        there = "; ".join(f"assert v({p.split('==')[0]!r}) == {p.split('==')[1]!r}" for p in wanted)
        check = "from importlib.metadata import version as v; " + there
        if quietly(python, "-c", check) and (
            said := quietly(python, "-m", "pip", "install", "-q", "--only-binary", ":all:", *wanted)
        ):
            wrong[name] = said
    if not (folder / "node" / "node_modules" / "node-red-node-smooth").exists():
        if shutil.which("npm") is None:
            wrong["nodered"] = "there is no npm"
        else:
            (folder / "node").mkdir(exist_ok=True)
            npm = ("npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", folder / "node")
            if said := quietly(*npm, *NODE_PEER, timeout=300):
                wrong["nodered"] = said
    return wrong


def run_peer(name: str, folder: Path, data: Path, ticks: int) -> Said:
    """Run a peer; return what it said, or {"error": …}."""
    if name == "nodered":
        script = Path(__file__).with_name("peers_node_red.js")
        command = ["node", script, data, folder / "node" / "node_modules", ticks]
    else:
        command = [folder / "bin" / "python", __file__, "--be", name, "--data", data, "--ticks", ticks]
    try:
        done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=600)
        said: Said = json.loads(done.stdout.strip().splitlines()[-1])
    except (OSError, subprocess.TimeoutExpired, IndexError, json.JSONDecodeError) as e:
        return {"error": f"{e!r}"[:200]}
    return said


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="less than a minute once the peers are installed")
    parser.add_argument("--peers-venv", type=Path, default=default_folder(), help="where the peers are installed")
    parser.add_argument("--be", help=argparse.SUPPRESS)
    parser.add_argument("--data", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--ticks", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.be:
        be_peer(args.be, args.data, args.ticks)
        return
    ticks = QUICK_TICKS if args.quick else TICKS
    folder = args.peers_venv.absolute()
    wrong, peers = install(folder), {}
    load = [os.getloadavg()[0]]
    longest = max(ticks.values())
    x = samples(longest)
    live, history, sums = engine_rates(x, ticks["python"])
    with tempfile.TemporaryDirectory(prefix="headworks-peers-") as name:
        data = Path(name)
        x.tofile(data / "samples.f64")
        about = {"models": MODELS, "ticks": longest, "window": WINDOW, "delay": DELAY, "limit": LIMIT}
        (data / "about.json").write_text(json.dumps(about))
        for peer, its_ticks in ticks.items():
            peers[peer] = {"error": wrong[peer]} if peer in wrong else run_peer(peer, folder, data, its_ticks)
    again = engine_rates(x, ticks["python"])
    live, history = (live + again[0]) / 2, (history + again[1]) / 2
    load.append(os.getloadavg()[0])
    report(args.quick, peers, live, history, sums, load)


def report(
    quick: bool, peers: dict[str, Said], live: float, history: float, sums: np.ndarray[Any, Any], load: list[float]
) -> None:
    """Print the table and the line of JSON."""
    print(
        f"{'system':10} {'version':>10} {'ticks':>6} {'model-evals/CPU-s':>18} {'engine live':>12} {'history':>9}  alarm sum"
    )
    print(f"{'engine':10} {'live':>10} {'':6} {live:18,.0f}\n{'engine':10} {'history':>10} {'':6} {history:18,.0f}")
    result: dict[str, Any] = {"quick": int(quick), "engine_live_per_cpu_s": live, "engine_history_per_cpu_s": history}
    result |= {f"ratio_live_{peer}": None for peer in LIVE} | {f"ratio_hist_{peer}": None for peer in HISTORY}
    unequal = []
    for peer, said in peers.items():
        if "error" in said:
            print(f"{peer:10} not run: {said['error']}")
            continue
        rate, same = MODELS * said["ticks"] / said["cpu_s"], said["alarm_sum"] == sums[said["ticks"] - 1]
        if not same:
            unequal.append(peer)
        result[f"{peer}_per_cpu_s"] = rate
        shown = []
        for mode, which, own in (("live", LIVE, live), ("hist", HISTORY, history)):
            shown.append(f"{own / rate:,.1f}x" if peer in which else "")
            if peer in which:
                result[f"ratio_{mode}_{peer}"] = own / rate
        equal = "equal" if same else f"{said['alarm_sum']}, not {sums[said['ticks'] - 1]:.0f}"
        print(f"{peer:10} {said['version']:>10} {said['ticks']:6} {rate:18,.0f} {shown[0]:>12} {shown[1]:>9}  {equal}")
    result |= {"alarm_sums_equal": int(not unequal), "load_before": load[0], "load_after": load[1]}
    print(json.dumps({k: round(v, 3) if isinstance(v, float) else v for k, v in result.items()}))
    if unequal:
        raise SystemExit(f"alarm sums differ: {', '.join(unequal)}")


if __name__ == "__main__":
    main()
