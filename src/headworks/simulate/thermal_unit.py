"""A coal-fired unit of the 600 MW class at 1 Hz: seeded, deterministic, plausible. Not a design tool.

Every tag follows the load through a first-order lag, shared disturbances (coal, weather, grid, furnace, drum, feedwater)
and a slow walk of its own. The condenser and the generator are computed from each other: heat and circulating water give
the outlet temperature, the terminal temperature difference gives the saturation temperature and so the back pressure,
and the back pressure costs power.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from headworks.simulate import tags_boiler, tags_bop, tags_electrical, tags_turbine
from headworks.simulate.faults import Fault, FaultScript
from headworks.simulate.process import SimulatedUnit
from headworks.simulate.tags import DISTURBANCES, Machine, Tag

GROUPS: dict[str, tuple[Tag, ...]] = {
    "boiler": tags_boiler.TAGS,
    "turbine": tags_turbine.TAGS,
    "electrical": tags_electrical.TAGS,
    "bop": tags_bop.TAGS,
}
"""The tags by the controller that reports them."""

TAGS: tuple[Tag, ...] = tuple(tag for group in GROUPS.values() for tag in group)
MACHINES: dict[str, Machine] = {m.name: m for m in (*tags_boiler.MACHINES, *tags_turbine.MACHINES)}

RATED_MW = 600.0
# Bearing wear at severity 1: vibration [mm/s] and temperature [K] of the drive end and the other end, current [A].
WEAR_VIBRATION, WEAR_TEMPERATURE, WEAR_CURRENT = (6.8, 2.2), (38.0, 9.0), 3.0
# Air leak at severity 1: terminal temperature difference and subcooling [K], oxygen [μg/L], vacuum pump current [A].
LEAK_TTD, LEAK_SUBCOOLING, LEAK_OXYGEN, LEAK_PUMP = 13.0, 3.6, 60.0, 28.0
LEAK_TAU = 15.0

COOLING_MW_PER_K = 75.5
"""Circulating water 65,000 m3/h times its heat capacity."""


def saturation_pressure(celsius: float) -> float:
    """Return the saturation pressure of water [kPa] at 0 … 100 ℃ within 0.5 %.

    Tetens' formula as in F. W. Murray, J. Appl. Meteorol. 6 (1967) 203-204.
    """
    return 0.61078 * math.exp(17.269 * celsius / (celsius + 237.3))


class ThermalUnit(SimulatedUnit):
    """Unit 1, started at `start_us` [µs since 1970 UTC] in a steady state.

    Raises
    ------
    Invalid
        As :class:`~headworks.simulate.process.SimulatedUnit`.
    """

    RATED_MW = RATED_MW
    FAULTS: ClassVar = {"bearing_wear": tuple(MACHINES), "condenser_air_leak": ("",)}

    def __init__(
        self, seed: int = 1, start_us: int = 0, script: FaultScript | None = None, extra: Sequence[Tag] = ()
    ) -> None:
        super().__init__(TAGS, extra, seed, start_us, script)
        self._worn = [self._wear(f) for f in self.script.faults]

    def _settle(self) -> None:
        self._leak = 0.0
        self._sag = 0.0
        super()._settle()

    def _advance(self, place: int, out: NDArray[np.float64]) -> None:
        self._stir(place)
        wanted = self._load.step(self.time)
        self._boiler += (wanted - self._boiler) / 75.0
        target = self._target(wanted / RATED_MW, (wanted - self._boiler) / RATED_MW)
        leak = 0.0
        for i, fault, elapsed in self.script.active(self.second):
            effect = fault.effect(elapsed)
            if fault.kind == "condenser_air_leak":
                leak += effect
            elif fault.kind == "bearing_wear":
                target = target + self._worn[i] * effect
        self._leak += (leak - self._leak) / LEAK_TAU
        at = self._column
        target[at[tags_bop.OXYGEN]] += LEAK_OXYGEN * self._leak
        for code in tags_bop.VACUUM_PUMPS:
            target[at[code]] += LEAK_PUMP * self._leak
        self._state = self._state + self._follow * (target - self._state)
        np.add(self._state, self._wander, out=out)
        self._electricity(wanted, out)
        self._condense(out)

    def _electricity(self, wanted: float, out: NDArray[np.float64]) -> None:
        at = self._column
        power = wanted - self._sag
        reactive = out[at[tags_electrical.REACTIVE]]
        apparent = math.hypot(power, reactive)
        out[at[tags_electrical.POWER]] = power
        out[at[tags_electrical.POWER_FACTOR]] = power / apparent
        for code, skew in zip(tags_electrical.CURRENTS, (1.0, 1.002, 0.998), strict=True):
            out[at[code]] = skew * apparent / (math.sqrt(3.0) * out[at[tags_electrical.VOLTAGE]])

    def _condense(self, out: NDArray[np.float64]) -> None:
        """Heat to the condenser, circulating water, terminal temperature difference, back pressure, lost power."""
        at = self._column
        steam = (self._boiler * 0.4 + self._load.now * 0.6) / RATED_MW
        day = 2.0 * math.pi * (self.time % 86_400_000_000) / 86_400_000_000
        inlet = 20.0 + 1.0 * math.sin(day) + 0.4 * self._shared[DISTURBANCES.index("ambient")]
        rise = (690.0 * steam + 14.0) / COOLING_MW_PER_K
        difference = 1.4 + 2.8 * steam + LEAK_TTD * self._leak
        saturation = inlet + rise + difference
        subcooling = 0.6 + LEAK_SUBCOOLING * self._leak
        pressure = saturation_pressure(saturation)
        self._sag += (2.4 * max(0.0, pressure - 5.5) * steam - self._sag) / 20.0
        for i, skew in enumerate((-0.1, 0.1)):
            out[at[tags_bop.CW_IN[i]]] = inlet + skew
            out[at[tags_bop.CW_OUT[i]]] = inlet + rise + skew
            out[at[tags_bop.EXHAUST_TEMPERATURE[i]]] = saturation + 0.4 + skew
            out[at[tags_bop.BACK_PRESSURE[i]]] = pressure + 0.4 * skew
        out[at[tags_bop.VACUUM]] = pressure - 101.3
        out[at[tags_bop.TTD]] = difference
        out[at[tags_bop.SUBCOOLING]] = subcooling
        out[at[tags_bop.HOTWELL_TEMPERATURE]] = saturation - subcooling

    def _wear(self, fault: Fault) -> NDArray[np.float64]:
        """Return what a worn bearing adds to the steady value of every tag at effect 1."""
        vector = np.zeros(len(self.tags))
        if fault.kind == "bearing_wear":
            machine = MACHINES[fault.target]
            for code, size in zip(machine.vibration, WEAR_VIBRATION, strict=True):
                vector[self._column[code]] = size
            for code, size in zip(machine.temperature, WEAR_TEMPERATURE, strict=True):
                vector[self._column[code]] = size
            if machine.current:
                vector[self._column[machine.current]] = WEAR_CURRENT
        return vector
