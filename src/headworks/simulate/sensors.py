"""What goes wrong with the measuring itself: a sensor that freezes, drifts, fails or is no longer sure of its value."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from headworks.base.status import BAD_SENSOR_FAILURE, UNCERTAIN_SENSOR_NOT_ACCURATE
from headworks.simulate.faults import Fault, FaultScript

SENSOR_KINDS = ("sensor_freeze", "sensor_drift", "sensor_failure", "sensor_uncertain")
"""Faults whose target is the code of a tag; every simulated unit knows them."""

DRIFT_SHARE = 0.04
"""What a sensor that drifts is off by at severity 1, as a share of its range."""

_STATUS = {"sensor_failure": BAD_SENSOR_FAILURE, "sensor_uncertain": UNCERTAIN_SENSOR_NOT_ACCURATE}
_HELD = ("sensor_freeze", "sensor_failure")


class SensorFaults:
    """The sensor faults of a script. `columns` maps codes of tags to their place in a row, `spans` f64[n] are their ranges."""

    def __init__(self, script: FaultScript, columns: Mapping[str, int], spans: NDArray[np.float64]) -> None:
        self._script = script
        self._faults: list[tuple[int, Fault, int]] = [
            (i, f, columns[f.target]) for i, f in enumerate(script.faults) if f.kind in SENSOR_KINDS
        ]
        self._spans = spans
        self._held: dict[int, float] = {}
        self._last: NDArray[np.float64] | None = None

    def drift(self, first: int, raw: NDArray[np.float64]) -> None:
        """Add the bias of drifting sensors to `raw` f64[k, n], whose first row is second `first` of the unit."""
        for i, fault, column in self._faults:
            if fault.kind == "sensor_drift":
                for row in range(len(raw)):
                    raw[row, column] += DRIFT_SHARE * self._spans[column] * self._effect(i, first + row)

    def measure(self, first: int, values: NDArray[np.float64], status: NDArray[np.uint32]) -> None:
        """Let frozen and failed sensors repeat the last value they gave, and say in `status` u32[k, n] what is not good."""
        for i, fault, column in self._faults:
            for row in range(len(values)):
                if not self._effect(i, first + row, flat=True):
                    self._held.pop(i, None)
                    continue
                if fault.kind in _HELD:
                    if i not in self._held:
                        before = values[row - 1] if row else self._last
                        self._held[i] = float(values[row, column] if before is None else before[column])
                    values[row, column] = self._held[i]
                if fault.kind in _STATUS:
                    status[row, column] = _STATUS[fault.kind]
        if len(values):
            self._last = values[-1].copy()

    def _effect(self, place: int, second: int, flat: bool = False) -> float:
        for i, fault, elapsed in self._script.active(second):
            if i == place:
                return 1.0 if flat else fault.effect(elapsed)
        return 0.0
