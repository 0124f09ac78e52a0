"""The recording as the platform sees it: rows in order of time, converted to the units of the plant, on its 10-minute grid."""

from __future__ import annotations

import csv
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT / "src")]

from headworks.base.clock import MICROS
from headworks.base.units import conversion
from headworks.connect.replay import Table, load_map
from headworks.engine.grid import Grid

DATA = ROOT.parent / "shared/data/coal_plant_dcs_idaes/eslick_et_al_applied_energy_2022/model/data/data_small.csv"
TICK = 600 * MICROS
STALENESS = 1500 * MICROS
TRAINING_SHARE = 0.6


@dataclass(frozen=True)
class Recording:
    """`codes` of the tags; `time` i64[n] [µs] ascending; `value` f64[n, tags] in the plant's units."""

    codes: tuple[str, ...]
    time: NDArray[np.int64]
    value: NDArray[np.float64]

    @property
    def training(self) -> int:
        """Return how many of the rows, the first ones, are for training."""
        return int(len(self.time) * TRAINING_SHARE)


def read(file: Path = DATA) -> Recording:
    """Read the recording by the map and the points of this plant."""
    with (HERE / "tags/unit.csv").open(encoding="utf-8", newline="") as f:
        units = {row["code"]: row["unit"] for row in csv.DictReader(f)}
    with (HERE / "points/dcs.csv").open(encoding="utf-8", newline="") as f:
        points = list(csv.DictReader(f))
    rows = list(Table(file, load_map(HERE / "replay.yaml")).rows())
    raw = np.array([[r.values[p["key"]] for p in points] for r in rows], np.float64)
    scale = np.array([conversion(p["unit"], units[p["tag"]]) for p in points])
    codes = tuple(p["tag"] for p in points)
    return Recording(codes, np.array([r.time for r in rows], np.int64), raw * scale[:, 0] + scale[:, 1])


def on_grid(r: Recording) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return ticks i64[k] [µs] and values f64[k, tags] as the engine gets them: held for 25 minutes, then no data."""
    tags = np.arange(1, len(r.codes) + 1, dtype=np.uint32)
    grid = Grid(tags, TICK, STALENESS)
    ticks, values = [], []
    good = np.zeros(len(tags), np.uint32)
    for row, time in enumerate(r.time):
        # The watermark before the row releases the ticks that lie between: silence becomes no data.
        for part in grid.advance(int(time) - TICK):
            ticks.append(part.ticks)
            values.append(part.value)
        grid.add(tags, np.full(len(tags), time), r.value[row], good, row + 1)
    for part in grid.advance(int(r.time[-1])):
        ticks.append(part.ticks)
        values.append(part.value)
    return np.concatenate(ticks), np.concatenate(values)
