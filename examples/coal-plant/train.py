"""Train one residual model per tag on the first part of the recording, and write instances/residuals.yaml.

    python examples/coal-plant/train.py [DATA]

A model says a tag by four others: ridge regression, predictors chosen one after the other by the worst error of forecasts
(fit on what was before, judge on the block that follows), so that what holds for one week only is not chosen. `sigma` is
the RMS of the forecast errors of the worst block. Then the gate: fitted without the last quarter of the training rows
(they were recorded a month later than the rest), a model must forecast that quarter. A tag that its relatives cannot say
(sigma above a fifth of its own spread), or whose model does not pass the gate, gets no model.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Collection
from pathlib import Path

import numpy as np
import recording
import yaml
from numpy.typing import NDArray

PREDICTORS = 4
BLOCKS = 6
RIDGE = 1e-3
MOST_UNEXPLAINED = 0.2
GATE_SHARE = 0.75
MOST_SHIFT = 0.5
"""Mean error in the gate, in standard deviations of the errors before it."""
# A count, a flow that is zero most of the time, and the copy of a signal say nothing of a sensor.
LEFT_OUT = frozenset(("CP1.num_mills", "CP1.5C0002FLOW", "CP1.FW463", "CP1.1LDC-GROSS-MW"))

F8 = NDArray[np.float64]


def fit(x: F8, y: F8) -> F8:
    """Return constant and coefficients f64[1 + m] of the ridge regression of y f64[n] on x f64[n, m]."""
    mean, spread = x.mean(0), x.std(0) + 1e-12
    z = (x - mean) / spread
    scaled = np.linalg.solve(z.T @ z + RIDGE * len(y) * np.eye(z.shape[1]), z.T @ (y - y.mean()))
    slope = scaled / spread
    return np.concatenate([[y.mean() - slope @ mean], slope])


def forecast_error(x: F8, y: F8) -> float:
    """Return the RMS error of the worst forecast: each block of rows, from the third on, by what was before it."""
    blocks = np.array_split(np.arange(len(y)), BLOCKS)
    errors = []
    for k in range(2, BLOCKS):
        before, block = np.concatenate(blocks[:k]), blocks[k]
        b = fit(x[before], y[before])
        errors.append(float(np.sqrt(np.mean((y[block] - b[0] - x[block] @ b[1:]) ** 2))))
    return max(errors)


def passes(x: F8, y: F8) -> bool:
    """Return whether a model of the first rows holds for the last ones."""
    cut = int(len(y) * GATE_SHARE)
    b = fit(x[:cut], y[:cut])
    shift = np.mean(y[cut:] - b[0] - x[cut:] @ b[1:])
    return bool(abs(shift) <= MOST_SHIFT * forecast_error(x[:cut], y[:cut]))


def train(r: recording.Recording, only: Collection[str] = ()) -> list[dict[str, object]]:
    """Return the instances (of the tags `only`, if named), in order of the tags."""
    value = r.value[: r.training]
    usable = [i for i, code in enumerate(r.codes) if code not in LEFT_OUT]
    instances: list[dict[str, object]] = []
    for target in (i for i in usable if not only or r.codes[i] in only):
        y, chosen = value[:, target], []
        for _ in range(PREDICTORS):
            left = (i for i in usable if i != target and i not in chosen)
            chosen.append(min(left, key=lambda i: forecast_error(value[:, [*chosen, i]], y)))
        x = value[:, chosen]
        sigma = forecast_error(x, y)
        if sigma > MOST_UNEXPLAINED * y.std() or not passes(x, y):
            continue
        b = fit(x, y)
        names = ["b0", *(f"b{k + 1}" for k in range(PREDICTORS)), "sigma"]
        code = r.codes[target]
        instances.append(
            {
                "code": f"DRIFT.{code}",
                "template": "drift_residual",
                "asset": "",
                "inputs": {"y": code, **{f"x{k + 1}": r.codes[i] for k, i in enumerate(chosen)}},
                "params": {n: float(f"{v:.9g}") for n, v in zip(names, [*b, sigma], strict=True)},
            }
        )
    return instances


def main() -> None:
    r = recording.read(Path(sys.argv[1]) if len(sys.argv) > 1 else recording.DATA)
    with (recording.HERE / "tags/unit.csv").open(encoding="utf-8", newline="") as f:
        assets = {row["code"]: row["asset"] for row in csv.DictReader(f)}
    instances = [{**i, "asset": assets[i["inputs"]["y"]]} for i in train(r)]  # type: ignore[index]
    text = yaml.safe_dump(instances, allow_unicode=True, sort_keys=False, default_flow_style=None, width=200)
    head = "# Written by train.py from the first 60 % of the recording; do not edit.\n"
    (recording.HERE / "instances/residuals.yaml").write_text(head + text, "utf-8")
    print(f"{len(instances)} models of {len(r.codes)} tags, trained on {r.training} of {len(r.time)} rows")


if __name__ == "__main__":
    main()
