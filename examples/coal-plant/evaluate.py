"""How good are the residual models? Drifts are injected into the part of the recording that was not trained on.

    python examples/coal-plant/evaluate.py [DATA] [--quick]

Every watched tag drifts by plus or minus three sigma (sigma of its model, see train.py), one tag at a time: a ramp of 6
hours, then held, 48 hours in all, from seeded starts. It counts as found if the tag's own model raises the condition of
that direction before the 48 hours are over, and did not do so in the same stretch of the untouched recording. The
untouched recording gives the false alarms. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import recording
import yaml
from numpy.typing import NDArray

from headworks.base.clock import MICROS
from headworks.simulate.models import Alarm, PlantModels

HOUR = 3600 * MICROS
DRIFT_SIGMAS = 3.0
RAMP, LENGTH = 6 * HOUR, 48 * HOUR
MONTH = 30 * 24 * HOUR

F8 = NDArray[np.float64]


class Evaluation:
    """The models of this plant over the part of the recording they were not trained on."""

    def __init__(self, r: recording.Recording) -> None:
        self.models = PlantModels(recording.HERE, recording.TICK)
        self.codes = r.codes
        ticks, values = recording.on_grid(r)
        self.first = int(r.time[r.training])
        later = ticks >= self.first
        self.ticks, self.values = ticks[later], values[later]
        self.with_data = int(np.isfinite(self.values[:, 0]).sum())
        self.untouched = self.alarms(self.values)
        self.watched: list[dict[str, Any]] = yaml.safe_load(
            (recording.HERE / "instances/residuals.yaml").read_text("utf-8")
        )

    def alarms(self, values: F8) -> list[Alarm]:
        return self.models.run(self.ticks, values, self.codes)

    def drifted(self, column: int, start: int, size: float) -> F8:
        """Return the values with one tag drifting by `size` from `start` [µs]."""
        since = self.ticks - start
        share = np.clip(since / RAMP, 0.0, 1.0) * (since < LENGTH)
        values = self.values.copy()
        values[:, column] += share * size
        return values


def standing(alarms: list[Alarm], instance: str, condition: str, start: int, end: int) -> int | None:
    """Return when an alarm of the instance and condition is first seen in [start, end) [µs], None if it is not."""
    seen = [
        max(a.raised, start)
        for a in alarms
        if (a.instance, a.condition) == (instance, condition) and a.raised < end and (a.cleared or end) > start
    ]
    return min(seen, default=None)


def evaluate(e: Evaluation, starts_per_tag: int, seed: int = 1) -> dict[str, float]:
    """Inject the drifts and return what was found."""
    rng = random.Random(seed)
    # A drift that begins in a stretch without data shows nothing for as long; starts are where there is data.
    data = e.ticks[np.isfinite(e.values[:, 0]) & (e.ticks < e.ticks[-1] - LENGTH)]
    injected = found = hidden = 0
    delays: list[float] = []
    own = all_ = 0
    place = {code: i for i, code in enumerate(e.codes)}
    for watched in e.watched:
        code, tag, sigma = watched["code"], watched["inputs"]["y"], watched["params"]["sigma"]
        for _ in range(starts_per_tag):
            start, sign = int(rng.choice(data)), rng.choice((-1, 1))
            condition = "reads_high" if sign > 0 else "reads_low"
            if standing(e.untouched, code, condition, start, start + LENGTH) is not None:
                hidden += 1
                continue
            injected += 1
            alarms = e.alarms(e.drifted(place[tag], start, sign * DRIFT_SIGMAS * sigma))
            at = standing(alarms, code, condition, start, start + LENGTH)
            if at is not None:
                found += 1
                delays.append((at - start) / HOUR)
            raised = [a for a in alarms if start <= a.raised < start + LENGTH]
            own += sum((a.instance, a.condition) == (code, condition) for a in raised)
            all_ += len(raised)
    months = (int(e.ticks[-1]) - e.first) / MONTH
    running_months = e.with_data * recording.TICK / MONTH
    count = len(e.watched)
    false = len(e.untouched)
    return {
        "models_count": count,
        "drifts_injected_count": injected,
        "drifts_found_count": found,
        "recall_share": round(found / max(injected, 1), 3),
        "drifts_left_out_count": hidden,
        "found_after_p50_h": round(float(np.median(delays)), 1) if delays else float("nan"),
        "precision_share": round(own / max(all_, 1), 3),
        "other_alarms_per_drift_count": round((all_ - own) / max(injected, 1), 2),
        "untouched_span_days": round(months * 30, 1),
        "untouched_with_data_days": round(running_months * 30, 1),
        "false_alarms_count": false,
        "false_alarms_per_calendar_month_count": round(false / months, 1),
        "false_alarms_per_running_month_count": round(false / running_months, 1),
        "false_alarms_per_model_and_running_month_count": round(false / running_months / count, 2),
        "models_with_false_alarm_count": len({a.instance for a in e.untouched}),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", type=Path, default=recording.DATA)
    parser.add_argument("--quick", action="store_true", help="one start a tag instead of four")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    e = Evaluation(recording.read(args.data))
    result = evaluate(e, 1 if args.quick else 4, args.seed)
    for name, value in result.items():
        print(f"{name:50} {value}")
    by_model = Counter(f"{a.instance} {a.condition}" for a in e.untouched)
    for name, n in by_model.most_common(10):
        print(f"untouched: {n} x {name}")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
