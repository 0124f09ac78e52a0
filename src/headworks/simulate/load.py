"""What the grid asks of the unit: a programme of loads with ramps, and the wobble of automatic generation control."""

from __future__ import annotations

import math

import numpy as np

from headworks.base.clock import MICROS

RATED_MW = 600.0
"""The rated load that levels and ramp are written for; another unit runs the same shares of its own."""
LEVELS_MW = (330.0, 390.0, 450.0, 480.0, 510.0, 540.0, 570.0, 595.0)
RAMP_MW_PER_S = 0.15
"""1.5 % of rated load a minute, what coal-fired units of this class are held to."""
SHORTEST_S, LONGEST_S = 900, 2400


class LoadProgramme:
    """A repeatable programme: a new level every 15 to 40 minutes, reached by a ramp."""

    def __init__(self, seed: int, rated_mw: float = RATED_MW) -> None:
        self._scale = rated_mw / RATED_MW
        self._draws = np.random.Generator(np.random.Philox(key=[seed, 0xA6C]))
        self._level = self._ordered = float(self._draws.choice(LEVELS_MW[3:6]))
        self._left = int(self._draws.integers(SHORTEST_S, LONGEST_S))
        self._phase = float(self._draws.uniform(0, 2 * math.pi))
        self.now = self._level * self._scale

    def step(self, time: int) -> float:
        """Return the load [MW] that the unit is to give in the second at `time` [µs since 1970 UTC]."""
        self._left -= 1
        if self._left <= 0:
            self._ordered = float(self._draws.choice(LEVELS_MW))
            self._left = int(self._draws.integers(SHORTEST_S, LONGEST_S))
        self._level += max(-RAMP_MW_PER_S, min(RAMP_MW_PER_S, self._ordered - self._level))
        second = time / MICROS
        wobble = 2.2 * math.sin(second / 38.0 + self._phase) + 1.3 * math.sin(second / 13.7)
        self.now += ((self._level + wobble) * self._scale - self.now) / 6.0
        return self.now
