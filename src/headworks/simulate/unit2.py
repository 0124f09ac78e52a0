"""Unit 2: a coal-fired unit of the 660 MW class with a drum boiler and six mills, 500 tags at 1 Hz. Not a design tool.

Beyond what unit 1 does it can trip and start again (:mod:`~headworks.simulate.unit2_trip`), its mills plug and its heaters
leak. Flows add up: coal is the sum of the feeders, feedwater the sum of the pumps, and what a heater leaks is missing at
the economiser. Condenser and generator are computed from each other as in unit 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from headworks.simulate import unit2_boiler, unit2_electrical, unit2_turbine
from headworks.simulate.faults import Fault, FaultScript
from headworks.simulate.process import SimulatedUnit
from headworks.simulate.tags import DISTURBANCES, Tag
from headworks.simulate.thermal_unit import saturation_pressure
from headworks.simulate.unit2_parts import Part
from headworks.simulate.unit2_trip import CAUSES, GENERATOR, PLACE, STEAM, TURBINE, swing
from headworks.simulate.unit2_trip import Sequence as TripSequence

ROOT = (
    Part("DEMO2", None, "plant", "", "示范电厂二期", "Demonstration power plant, phase 2"),
    Part("U2", "DEMO2", "unit", "2", "2号机组", "Unit 2"),
)
_ISLANDS = (unit2_boiler, unit2_turbine, unit2_electrical)
PARTS: tuple[Part, ...] = (*ROOT, *(s for m in _ISLANDS for s in m.SYSTEMS), *(p for m in _ISLANDS for p in m.PARTS))
"""The asset tree from the root down: site, unit, systems, equipment."""

TAGS: tuple[Tag, ...] = tuple(t for p in PARTS for t in p.tags)
RATED_MW = 660.0
COOLING_MW_PER_K = 83.0
"""Circulating water 71,500 m3/h times its heat capacity."""
BYPASS_STEAM = 0.18
"""Share of rated steam that goes to the condenser through the bypasses while the turbine stands."""
REVERSE_MW = -8.0
"""What the generator takes from the grid between the trip of the turbine and the opening of its breaker."""
CRITICAL_RPM, CRITICAL_WIDTH, CRITICAL_UM = 1650.0, 280.0, 110.0
"""Shaft vibration grows where the rotor passes its critical speed."""

# Mill plugging at severity 1: differential pressure [kPa], outlet temperature [K], air [t/h], coal [t/h] of the mill; coal of
# each other mill [t/h]; steam pressure [MPa]. The motor first works harder [A], then the table chokes and it is relieved.
PLUG_DP, PLUG_TEMPERATURE, PLUG_AIR, PLUG_COAL, PLUG_OTHERS, PLUG_PRESSURE = 3.6, -20.0, -26.0, -7.0, 1.3, -0.25
PLUG_CURRENT, CHOKED_CURRENT, CHOKED_AFTER = 13.0, -9.0, 0.6

# Heater leak at severity 1: level [mm], normal and emergency drain valve [%], outlet water, drain, terminal difference [K],
# feedwater that does not reach the economiser [t/h].
LEAK_LEVEL, LEAK_DRAIN, LEAK_EMERGENCY, LEAK_WATER, LEAK_DRAIN_K, LEAK_TTD, LEAK_FLOW = 170.0, 42, 55, -7, -14, 7, 75.0


class Unit2(SimulatedUnit):
    """Unit 2, started at `start_us` [µs since 1970 UTC] in a steady state.

    Raises
    ------
    Invalid
        As :class:`~headworks.simulate.process.SimulatedUnit`.
    """

    RATED_MW = RATED_MW
    FAULTS: ClassVar = {
        "mill_plugging": unit2_boiler.MILLS,
        "heater_leak": (*unit2_turbine.HP_HEATERS, *unit2_turbine.LP_HEATERS),
        "unit_trip": tuple(CAUSES),
    }

    def __init__(
        self, seed: int = 1, start_us: int = 0, script: FaultScript | None = None, extra: Sequence[Tag] = ()
    ) -> None:
        super().__init__(TAGS, extra, seed, start_us, script)
        self._vectors = [self._vector(f) for f in self.script.faults]

    def _settle(self) -> None:
        self.trip = TripSequence()
        self._sag = self._missing = 0.0
        self._flowing = 1.0
        self._off = np.array([t.off for t in self.tags])
        self._fall = 1.0 - np.exp(-1.0 / np.maximum([t.off_tau for t in self.tags], 1e-3))
        self._section = np.array([PLACE[t.section] for t in self.tags])
        at = self._column
        self._feeders = [at[f"2HFB{n}0CF001"] for n in range(1, 7)]
        self._pumps = [at[c] for c in unit2_turbine.PUMP_FLOWS]
        self._shafts = [i for i, c in enumerate(self.codes) if c.startswith("2MAD") and c[6:8] == "CY"]
        super()._settle()

    def _advance(self, place: int, out: NDArray[np.float64]) -> None:
        self._stir(place)
        wanted = self._load.step(self.time)
        self._boiler += (wanted - self._boiler) / 75.0
        steady = self._target(wanted / RATED_MW, (wanted - self._boiler) / RATED_MW)
        missing, difference = 0.0, 0.0
        cause, begun = None, 0
        swayed: list[tuple[str, float]] = []
        for i, fault, elapsed in self.script.active(self.second):
            if fault.kind == "unit_trip":
                cause, begun = CAUSES[fault.target], elapsed
                swayed += [(code, cause.sway(elapsed)) for code in cause.tags]
                difference += 0.0 if cause.tags else cause.sway(elapsed)
            elif fault.kind in self.FAULTS:
                steady = steady + self._vectors[i] * fault.effect(elapsed)
                if fault.kind == "heater_leak":
                    missing += LEAK_FLOW * fault.effect(elapsed)
                else:
                    choked = elapsed > CHOKED_AFTER * fault.duration_s
                    amps = CHOKED_CURRENT if choked else PLUG_CURRENT
                    steady[self._column[self._key(fault.target) + "CE001"]] += amps * fault.effect(elapsed)
        self._missing += (missing - self._missing) / 10.0
        self.trip.step(self.second, cause, begun)
        activity = self.trip.activity[self._section]
        target = self._off + activity * (steady - self._off)
        pace = np.where(self.trip.falling[self._section], self._fall, self._follow)
        self._state = self._state + pace * (target - self._state)
        np.add(self._state, self._wander * (0.1 + 0.9 * activity), out=out)
        for code, size in swayed:
            out[self._column[code]] += size
        self._swing(out)
        self._balance(out)
        self._electricity(wanted, out)
        self._condense(difference, out)

    def _swing(self, out: NDArray[np.float64]) -> None:
        """What overshoots after a trip: furnace draught, steam pressure, speed, the shaft at its critical speed, the 6 kV bus."""
        since = self.trip.since_trip(self.second)
        if since == math.inf:
            return
        at = self._column
        for code in unit2_boiler.FURNACE_PRESSURES:
            out[at[code]] -= 2050.0 * swing(since - 1, 4.0)
        for code in ("2LBA10CP001", "2LBA10CP002", "2LBA10CP003", "2LBA20CP001", "2HAD10CP001", "2HAD10CP002"):
            out[at[code]] += 0.9 * swing(since - 1, 6.0)
        for code in unit2_turbine.SPEED:
            out[at[code]] += 22.0 * swing(since - 3, 3.0)
        if self.trip.activity[TURBINE] == 0.0:
            speed = out[at[unit2_turbine.SPEED[0]]]
            grown = CRITICAL_UM * math.exp(-(((speed - CRITICAL_RPM) / CRITICAL_WIDTH) ** 2))
            out[self._shafts] += grown
        if 3 <= since < 5:
            for code in ("2BBA10CE001", "2BBA20CE001"):
                out[at[code]] -= 1.3

    def _balance(self, out: NDArray[np.float64]) -> None:
        """Flows add up: coal of the feeders, feedwater of the pumps, less what a leaking heater takes."""
        at = self._column
        out[at[unit2_boiler.TOTAL_COAL]] = out[self._feeders].sum()
        feed = 0.985 * out[self._pumps].sum()
        out[at[unit2_turbine.FEED_FLOW]] = feed
        out[at[unit2_boiler.ECO_FLOW]] = max(0.0, feed - 12.0 - self._missing)

    def _electricity(self, wanted: float, out: NDArray[np.float64]) -> None:
        at = self._column
        connected = self.trip.activity[GENERATOR]
        power = (wanted - self._sag) * connected
        if connected and self.trip.activity[TURBINE] == 0.0:
            power = REVERSE_MW
        reactive = out[at[unit2_electrical.REACTIVE]]
        voltage = out[at[unit2_electrical.VOLTAGE]]
        apparent = math.hypot(power, reactive)
        out[at[unit2_electrical.POWER]] = power
        out[at[unit2_electrical.POWER_FACTOR]] = power / apparent if connected and apparent > 1.0 else 0.0
        for code, skew in zip(unit2_electrical.CURRENTS, (1.0, 1.002, 0.998), strict=True):
            out[at[code]] = skew * apparent / (math.sqrt(3.0) * voltage) if connected and voltage > 1.0 else 0.0

    def _condense(self, extra_difference: float, out: NDArray[np.float64]) -> None:
        """Heat to the condenser, circulating water, terminal temperature difference, back pressure, lost power."""
        at = self._column
        self._flowing += (self.trip.activity[STEAM] - self._flowing) / 12.0
        flowing = self._flowing
        steam = (self._boiler * 0.4 + self._load.now * 0.6) / RATED_MW * flowing + BYPASS_STEAM * (1.0 - flowing)
        day = 2.0 * math.pi * (self.time % 86_400_000_000) / 86_400_000_000
        inlet = 20.0 + 1.0 * math.sin(day) + 0.4 * self._shared[DISTURBANCES.index("ambient")]
        rise = (755.0 * steam + 15.0) / COOLING_MW_PER_K
        difference = 1.4 + 2.8 * steam + extra_difference
        saturation = inlet + rise + difference
        pressure = saturation_pressure(saturation)
        self._sag += (2.6 * max(0.0, pressure - 5.5) * steam - self._sag) / 20.0
        for i, skew in enumerate((-0.1, 0.1)):
            out[at[unit2_turbine.CW_IN[i]]] = inlet + skew
            out[at[unit2_turbine.CW_OUT[i]]] = inlet + rise + skew
            out[at[unit2_turbine.EXHAUST[i]]] = saturation + 0.4 + skew
        for i, skew in enumerate((-0.04, 0.04, 0.0)):
            out[at[unit2_turbine.BACK_PRESSURE[i]]] = pressure + skew
        out[at[unit2_turbine.VACUUM]] = pressure - 101.3
        out[at[unit2_turbine.TTD]] = difference
        out[at[unit2_turbine.HOTWELL]] = saturation - 0.6

    @staticmethod
    def _key(asset: str) -> str:
        return next(p.kks for p in PARTS if p.code == asset)

    def _vector(self, fault: Fault) -> NDArray[np.float64]:
        """Return what a fault of the process adds to the steady value of every tag at effect 1."""
        vector = np.zeros(len(self.tags))
        if fault.kind not in ("mill_plugging", "heater_leak"):
            return vector
        key = self._key(fault.target)
        if fault.kind == "mill_plugging":
            felt = {"CP001": PLUG_DP, "CT001": PLUG_TEMPERATURE, "CT002": PLUG_TEMPERATURE, "CF001": PLUG_AIR}
            own = key.replace("HFC", "HFB") + "CF001"
            for column in self._feeders:
                vector[column] = PLUG_COAL if self.codes[column] == own else PLUG_OTHERS
            for code in ("2LBA10CP001", "2LBA10CP002", "2LBA10CP003", "2LBA20CP001", "2HAD10CP001", "2HAD10CP002"):
                vector[self._column[code]] = PLUG_PRESSURE
        else:
            felt = {
                "CL001": LEAK_LEVEL,
                "CL002": LEAK_LEVEL,
                "CG001": LEAK_DRAIN,
                "CG002": LEAK_EMERGENCY,
                "CT001": LEAK_WATER,
                "CT002": LEAK_DRAIN_K,
                "CT003": LEAK_TTD,
            }
        for suffix, size in felt.items():
            if (code := key + suffix) in self._column:
                vector[self._column[code]] = size
        return vector


def demo_script() -> FaultScript:
    """Return the faults of the demonstration: a trip every twelve minutes, the first after three and a half."""
    return FaultScript(
        (
            Fault(kind="mill_plugging", target="U2-MILL-C", start_s=30, duration_s=120),
            Fault(kind="unit_trip", target="furnace_pressure", start_s=210, duration_s=190),
            Fault(kind="sensor_drift", target="2HAD10CL002", start_s=240, duration_s=300),
            Fault(kind="heater_leak", target="U2-HPH-2", start_s=640, duration_s=200),
            Fault(kind="unit_trip", target="drum_level", start_s=930, duration_s=190),
            Fault(kind="sensor_uncertain", target="2HNA10CQ001", start_s=1130, duration_s=60),
            Fault(kind="sensor_failure", target="2LBA10CT001", start_s=1150, duration_s=60),
        ),
        repeat_s=1440,
    )
