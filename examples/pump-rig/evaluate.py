"""Scores the models of this folder on the labelled recording: `python examples/pump-rig/evaluate.py [DATA]`.

DATA is the folder with ``valve1/*.csv`` and ``anomaly-free/*.csv``, by default ``../shared/data/skab/data``
beside the repository. The flow limit is trained on the first 400 rows of the even files; the odd files were held out from that.
The last line is JSON.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import yaml
from numpy.typing import NDArray

from headworks.base.clock import MICROS, micros
from headworks.simulate.models import PlantModels

HERE = Path(__file__).resolve().parent
DATA = HERE.parents[2] / "shared" / "data" / "skab" / "data"
STALENESS_S = 30
TRAIN_ROWS = 400
MARGIN = 0.1
EVENT_GAP_S = 120
FILES = range(16)


@dataclass(frozen=True, slots=True)
class Recording:
    """One file on the grid of the engine: ticks [µs], the value of every tag, whether the label says fault."""

    ticks: NDArray[np.int64]
    values: NDArray[np.float64]
    fault: NDArray[np.bool_]
    codes: tuple[str, ...]
    train_end: int

    def events(self) -> list[tuple[int, int]]:
        """Return labelled faults as first and last place; labels that pause less than two minutes are one fault."""
        places = np.flatnonzero(self.fault)
        if not len(places):
            return []
        cuts = np.flatnonzero(np.diff(places) > EVENT_GAP_S)
        first = [places[0], *places[cuts + 1]]
        last = [*places[cuts], places[-1]]
        return [(int(a), int(b)) for a, b in zip(first, last, strict=True)]


@dataclass(frozen=True, slots=True)
class Score:
    """How alarms met labels. An alarm raised inside a labelled fault is right; rows are seconds after the training rows."""

    events: int = 0
    found: int = 0
    alarms: int = 0
    right: int = 0
    rows_fault: int = 0
    rows_fault_alarmed: int = 0
    rows_normal: int = 0
    rows_normal_alarmed: int = 0
    delays_s: tuple[int, ...] = ()

    def __add__(self, other: Score) -> Score:
        return Score(*(getattr(self, f) + getattr(other, f) for f in self.__slots__))

    def summary(self) -> dict[str, float | int | None]:
        """Return recall and precision by fault and alarm, and the row measures used for this recording elsewhere."""
        hit, false = self.rows_fault_alarmed, self.rows_normal_alarmed
        return {
            "events": self.events,
            "events_found": self.found,
            "recall": _ratio(self.found, self.events),
            "alarms": self.alarms,
            "alarms_right": self.right,
            "precision": _ratio(self.right, self.alarms),
            "median_delay_s": int(np.median(self.delays_s)) if self.delays_s else None,
            "row_f1": _ratio(2 * hit, hit + false + self.rows_fault),
            "row_false_alarm_percent": _ratio(100 * false, self.rows_normal),
            "row_missed_percent": _ratio(100 * (self.rows_fault - hit), self.rows_fault),
            "rows_false": false,
        }


def _ratio(a: int, b: int) -> float | None:
    return round(a / b, 3) if b else None


def read(file: Path) -> Recording:
    """Return a file as the engine sees it: every second the newest value not older than the staleness, else NaN."""
    mapping = yaml.safe_load((HERE / "replay.yaml").read_text("utf-8"))
    with (HERE / "points" / "rig.csv").open(encoding="utf-8", newline="") as f:
        tag_of = {row["key"]: row["tag"] for row in csv.DictReader(f)}
    with file.open(encoding="utf-8", newline="") as f:
        rows = list(csv.DictReader(f, delimiter=mapping["delimiter"]))
    form, column = mapping["time"]["format"], mapping["time"]["column"]
    stamps = [datetime.strptime(r[column], form).replace(tzinfo=UTC) for r in rows]
    times = np.array([micros(s) for s in stamps], np.int64)
    values = np.array([[float(r[c]) for c in mapping["columns"]] for r in rows])
    label = np.array([float(r.get("anomaly") or 0) > 0 for r in rows])
    ticks = np.arange(times[0], times[-1] + 1, MICROS, dtype=np.int64)
    newest = np.searchsorted(times, ticks, side="right") - 1
    grid = values[newest]
    grid[ticks - times[newest] >= STALENESS_S * MICROS] = np.nan
    train_end = int((times[min(TRAIN_ROWS, len(times)) - 1] - times[0]) // MICROS) + 1
    return Recording(ticks, grid, label[newest], tuple(tag_of[k] for k in mapping["columns"].values()), train_end)


def trained_limit(data: Path, window: int) -> float:
    """Return the flow limit: below every window mean in the training rows of the even files, by a margin, to 0.1 L/min."""
    lowest = []
    for number in FILES[::2]:
        recording = read(data / "valve1" / f"{number}.csv")
        flow = recording.values[: recording.train_end, recording.codes.index("RIG-FLOW")]
        lowest.append(np.convolve(flow, np.ones(window) / window, "valid").min())
    return round(float(min(lowest)) - MARGIN, 1)


def score(models: PlantModels, recording: Recording) -> Score:
    """Return the score of one file, over what follows its training rows."""
    status_alarms = models.run(recording.ticks, recording.values, recording.codes)
    start, end = int(recording.ticks[0]), int(recording.ticks[-1])
    standing = np.zeros(len(recording.ticks), np.bool_)
    spans = []
    for a in status_alarms:
        first, last = (a.raised - start) // MICROS, ((a.cleared or end + MICROS) - start) // MICROS
        standing[first:last] = True
        spans.append((first, last))
    events = recording.events()
    inside = [[first for first, _ in spans if low <= first <= high] for low, high in events]
    after = slice(recording.train_end, None)
    fault, alarmed = recording.fault[after], standing[after]
    return Score(
        events=len(events),
        found=sum(bool(hits) for hits in inside),
        alarms=len(spans),
        right=sum(len(hits) for hits in inside),
        rows_fault=int(fault.sum()),
        rows_fault_alarmed=int((fault & alarmed).sum()),
        rows_normal=int((~fault).sum()),
        rows_normal_alarmed=int((~fault & alarmed).sum()),
        delays_s=tuple(min(hits) - low for hits, (low, _) in zip(inside, events, strict=True) if hits),
    )


def evaluate(data: Path = DATA) -> dict[str, object]:
    """Return the scores of every file and group, and the limit that training gives."""
    models = PlantModels(HERE)
    window = next(p.default for p in models.templates["inlet_blockage"].params if p.name == "window")
    scores = {n: score(models, read(data / "valve1" / f"{n}.csv")) for n in FILES}
    free = score(models, read(data / "anomaly-free" / "anomaly-free.csv"))
    none = Score()
    return {
        "trained_limit": trained_limit(data, int(window)),
        "files": {n: asdict(s) for n, s in scores.items()},
        "training_files": sum((scores[n] for n in FILES[::2]), none).summary(),
        "held_out_files": sum((scores[n] for n in FILES[1::2]), none).summary(),
        "all_files": sum(scores.values(), none).summary(),
        "anomaly_free_alarms": free.alarms,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, nargs="?", default=DATA)
    data = parser.parse_args().data
    if not (data / "valve1").is_dir():
        sys.exit(f"{data} has no folder valve1: give the folder of the recording")
    result = evaluate(data)
    files = result.pop("files")
    assert isinstance(files, dict)
    write = sys.stdout.write
    write("file  events found alarms right  delay_s  false_rows\n")
    for number, s in files.items():
        delay = ",".join(str(d) for d in s["delays_s"]) or "-"
        write(f"{number:>4}{s['events']:>8}{s['found']:>6}{s['alarms']:>7}{s['right']:>6}{delay:>9}")
        write(f"{s['rows_normal_alarmed']:>12}\n")
    write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
