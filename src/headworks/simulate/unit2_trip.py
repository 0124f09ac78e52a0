"""How unit 2 trips and comes back: what stops when, what comes first, and what swings on the way.

A trip has a first cause that grows for `Cause.lead_s` until the protection acts. Then the sections of the plant stop one
after another, each after its delay; the readings fall at the pace of their process. When the fault is repaired the unit is
started again, pressed into minutes: a real hot start takes an hour and more.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headworks.simulate.unit2_boiler import DRUM_LEVELS, FURNACE_PRESSURES
from headworks.simulate.unit2_turbine import LUBE_OIL


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the plant that stops as one: seconds after the protection acted, and how it rises after the start order."""

    name: str
    drop_s: int
    rise_s: int
    ramp_s: int


SECTIONS = (
    Section("", 0, 0, 1),
    Section("fuel", 0, 20, 50),
    *(Section(f"mill_{m}", i // 3, 25 + 8 * i, 20) for i, m in enumerate("abcdef")),
    Section("paf", 1, 8, 15),
    Section("turbine", 1, 45, 15),
    Section("draft", 2, 5, 40),
    Section("steam", 2, 40, 50),
    Section("hph", 2, 85, 30),
    Section("boiler", 3, 30, 60),
    Section("gen", 3, 75, 45),
    Section("aux", 3, 80, 3),
    Section("exc", 4, 70, 5),
    Section("lph", 4, 70, 30),
    Section("fwp_a", 5, 50, 25),
    Section("feed", 5, 50, 30),
    Section("fwp_b", 7, 60, 25),
    Section("fwp_c", 8, 90, 10),
)
PLACE = {s.name: i for i, s in enumerate(SECTIONS)}
FUEL, TURBINE, GENERATOR, STEAM = (PLACE[n] for n in ("fuel", "turbine", "gen", "steam"))
_DROP = np.array([s.drop_s for s in SECTIONS])
_RISE = np.array([s.rise_s for s in SECTIONS])
_RAMP = np.array([s.ramp_s for s in SECTIONS], np.float64)


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a unit trips: `sway(t)` is added to `tags`, t in s since its begin; `turbine_first`: the turbine trips the boiler."""

    lead_s: int
    tags: tuple[str, ...]
    sway: Callable[[float], float]
    turbine_first: bool = False


def _rumble(t: float) -> float:
    return 25.0 * min(t, 6.0) + 2750.0 * min(max(t - 6.0, 0.0), 1.0)


CAUSES = {
    # The draught rumbles for some seconds, then a collapse of slag drives the pressure up at once.
    "furnace_pressure": Cause(9, FURNACE_PRESSURES, lambda t: _rumble(t) * math.exp(-max(0.0, t - 9.0))),
    "drum_level": Cause(26, DRUM_LEVELS, lambda t: -340.0 * min(t, 16.0) / 16.0 * math.exp(-max(0.0, t - 60.0) / 60.0)),
    "lube_oil": Cause(8, LUBE_OIL, lambda t: -0.096 * min(t, 4.0) / 4.0 * math.exp(-max(0.0, t - 20.0) / 6.0), True),
    "vacuum": Cause(45, (), lambda t: 46.0 * min(t, 42.0) / 42.0 * math.exp(-max(0.0, t - 60.0) / 60.0), True),
}
"""By name, the targets of the fault ``unit_trip``. The sway of `vacuum` [K] widens the terminal difference of the condenser."""


def swing(elapsed: float, peak_s: float) -> float:
    """Return a pulse that begins at 0, is 1 at `peak_s` and dies away."""
    x = max(0.0, elapsed) / peak_s
    return x * math.exp(1.0 - x)


class Sequence:
    """Where the unit stands between running, tripped and starting. `activity` f64[len(SECTIONS)]: 1 runs, 0 stopped."""

    def __init__(self) -> None:
        self.activity: NDArray[np.float64] = np.ones(len(SECTIONS))
        self.falling: NDArray[np.bool_] = np.zeros(len(SECTIONS), np.bool_)
        self.tripped_at: int | None = None
        self._restart: int | None = None
        self._drop = _DROP

    @property
    def running(self) -> bool:
        return self.tripped_at is None

    def since_trip(self, second: int) -> float:
        """Return the seconds since the protection acted; infinite if the unit runs."""
        return math.inf if self.tripped_at is None else float(second - self.tripped_at)

    def step(self, second: int, cause: Cause | None, elapsed: int) -> None:
        """Move to `second`; `cause` is the fault that is active, `elapsed` [s] since it began."""
        if cause is not None and elapsed >= cause.lead_s and (self.tripped_at is None or self._restart is not None):
            self.tripped_at, self._restart = second, None
            self._drop = _DROP.copy()
            if cause.turbine_first:
                self._drop[TURBINE], self._drop[FUEL] = 0, 1
        elif cause is None and self.tripped_at is not None and self._restart is None:
            self._restart = second
        if self.tripped_at is None:
            return
        if self._restart is None:
            self.falling = second - self.tripped_at >= self._drop
            self.falling[0] = False
            self.activity = np.where(self.falling, 0.0, self.activity)
            return
        risen = np.clip((second - self._restart - _RISE) / _RAMP, 0.0, 1.0)
        self.activity = np.maximum(self.activity, risen)
        self.falling &= risen <= 0.0
        if self.activity.min() >= 1.0:
            self.tripped_at = self._restart = None
