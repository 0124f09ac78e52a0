"""A coal-fired unit of the 600 MW class at 1 Hz: seeded, deterministic, plausible. Not a design tool.

Every tag follows the load through a first-order lag, shared disturbances (coal, weather, grid, furnace, drum, feedwater)
and a slow walk of its own. The condenser and the generator are computed from each other: heat and circulating water give
the outlet temperature, the terminal temperature difference gives the saturation temperature and so the back pressure,
and the back pressure costs power.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from headworks.base.clock import MICROS
from headworks.base.errors import Invalid, Problem
from headworks.simulate import tags_boiler, tags_bop, tags_electrical, tags_turbine
from headworks.simulate.faults import Fault, FaultScript
from headworks.simulate.load import LoadProgramme
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
CHUNK = 256
"""Seconds of noise drawn at once. A fixed number: step by step and in blocks the same noise meets the same second."""

# Bearing wear at severity 1: vibration [mm/s] and temperature [K] of the drive end and the other end, current [A].
WEAR_VIBRATION, WEAR_TEMPERATURE, WEAR_CURRENT = (6.8, 2.2), (38.0, 9.0), 3.0
# Air leak at severity 1: terminal temperature difference and subcooling [K], oxygen [μg/L], vacuum pump current [A].
LEAK_TTD, LEAK_SUBCOOLING, LEAK_OXYGEN, LEAK_PUMP = 13.0, 3.6, 60.0, 28.0
LEAK_TAU = 15.0

COOLING_MW_PER_K = 75.5
"""Circulating water 65,000 m3/h times its heat capacity."""
DISTURBANCE_TAU = np.array([1800.0, 7200.0, 300.0, 15.0, 60.0, 120.0])


def saturation_pressure(celsius: float) -> float:
    """Return the saturation pressure of water [kPa] at 0 … 100 ℃ within 0.5 %.

    Tetens' formula as in F. W. Murray, J. Appl. Meteorol. 6 (1967) 203-204.
    """
    return 0.61078 * math.exp(17.269 * celsius / (celsius + 237.3))


class ThermalUnit:
    """The unit, started at `start_us` [µs since 1970 UTC] in a steady state.

    `codes` names the columns. Equal seed, start and script give equal values, however the seconds are asked for.

    Raises
    ------
    Invalid
        ``simulate.unknown_target`` (its problems): the script names a machine or tag that the unit does not have.
    """

    def __init__(self, seed: int = 1, start_us: int = 0, script: FaultScript | None = None) -> None:
        self.seed = seed
        self.start_us = start_us
        self.script = script or FaultScript()
        self.tags = TAGS
        self.codes = tuple(t.code for t in TAGS)
        self._column = {code: i for i, code in enumerate(self.codes)}
        self.second = 0
        self._tables()
        self._faults = [self._fault_vector(i, f) for i, f in enumerate(self.script.faults)]
        self._held: dict[int, float] = {}
        self._last: NDArray[np.float64] | None = None
        self._load = LoadProgramme(seed)
        self._chunk = -1
        self._settle()

    @property
    def time(self) -> int:
        """The instant of the next row [µs since 1970 UTC]."""
        return self.start_us + self.second * MICROS

    def step(self) -> tuple[NDArray[np.float64], NDArray[np.uint32]]:
        """Return the next second: values f64[n] in the units of the tags, statuses u32[n]."""
        _, values, status = self.run(1)
        return values[0], status[0]

    def run(self, seconds: int) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.uint32]]:
        """Return the next `seconds` rows: times i64[k] [µs], values f64[k, n], statuses u32[k, n].

        Bit-identical to as many steps.
        """
        times = self.time + np.arange(seconds, dtype=np.int64) * MICROS
        raw = np.empty((seconds, len(TAGS)))
        noise = np.empty_like(raw)
        first = self.second
        for row in range(seconds):
            self._draw()
            place = self.second % CHUNK
            noise[row] = self._measuring[place]
            self._advance(place, raw[row])
            self.second += 1
        raw += noise * self._noise
        values = np.clip(np.rint(raw / self._resolution) * self._resolution, self._low, self._high)
        values = np.round(values, 6)
        self._freeze(first, values)
        if seconds:
            self._last = values[-1].copy()
        return times, values, np.zeros(values.shape, np.uint32)

    def _tables(self) -> None:
        def column(name: str) -> NDArray[np.float64]:
            return np.array([getattr(t, name) for t in TAGS], np.float64)

        self._base, self._slope = column("at50"), column("at100") - column("at50")
        self._ramp, self._noise, self._resolution = column("ramp"), column("noise"), column("resolution")
        self._low, self._high = column("low"), column("high")
        self._follow = 1.0 - np.exp(-1.0 / np.maximum(column("tau"), 1e-3))
        decay = np.exp(-1.0 / column("wander_tau"))
        self._decay, self._kick = decay, column("wander") * np.sqrt(1.0 - decay * decay)
        self._gains = np.zeros((len(DISTURBANCES), len(TAGS)))
        for i, t in enumerate(TAGS):
            for name, gain in t.shared:
                self._gains[DISTURBANCES.index(name), i] = gain
        self._shared_decay = np.exp(-1.0 / DISTURBANCE_TAU)
        self._shared_kick = np.sqrt(1.0 - self._shared_decay**2)

    def _settle(self) -> None:
        """Start where the unit would stand after hours at its first load."""
        self._shared = np.zeros(len(DISTURBANCES))
        self._wander = np.zeros(len(TAGS))
        self._leak = 0.0
        self._sag = 0.0
        self._boiler = self._load.now
        self._state = self._target(self._load.now / RATED_MW, 0.0)

    def _draw(self) -> None:
        chunk = self.second // CHUNK
        if chunk != self._chunk:
            rng = np.random.Generator(np.random.Philox(key=[self.seed, chunk]))
            self._walking = rng.standard_normal((CHUNK, len(TAGS)))
            self._measuring = rng.standard_normal((CHUNK, len(TAGS)))
            self._sharing = rng.standard_normal((CHUNK, len(DISTURBANCES)))
            self._chunk = chunk

    def _target(self, load: float, imbalance: float) -> NDArray[np.float64]:
        target = self._base + self._slope * (2.0 * load - 1.0) + self._ramp * imbalance
        for level, gains in zip(self._shared, self._gains, strict=True):
            target = target + gains * level
        return target

    def _advance(self, place: int, out: NDArray[np.float64]) -> None:
        """Move the plant by one second and write what there is to measure into `out`."""
        self._shared = self._shared * self._shared_decay + self._sharing[place] * self._shared_kick
        self._wander = self._wander * self._decay + self._walking[place] * self._kick
        wanted = self._load.step(self.time)
        self._boiler += (wanted - self._boiler) / 75.0
        target = self._target(wanted / RATED_MW, (wanted - self._boiler) / RATED_MW)
        leak = 0.0
        for i, fault, elapsed in self.script.active(self.second):
            effect = fault.effect(elapsed)
            if fault.kind == "condenser_air_leak":
                leak += effect
            elif fault.kind == "bearing_wear":
                target = target + self._faults[i] * effect
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

    def _fault_vector(self, place: int, fault: Fault) -> NDArray[np.float64]:
        """Return what a fault adds to the steady value of every tag at effect 1, or for a frozen tag its mark."""
        vector = np.zeros(len(TAGS))
        places: dict[str, tuple[str, ...]] = {"bearing_wear": tuple(MACHINES), "sensor_freeze": self.codes}
        known = places.get(fault.kind, ("",))
        if fault.target not in known:
            problem = Problem(
                field=f"faults[{place}].target",
                value=fault.target,
                code="simulate.unknown_target",
                params={"kind": fault.kind, "known": ", ".join(known[:12])},
            )
            raise Invalid(problems=[problem])
        if fault.kind == "bearing_wear":
            machine = MACHINES[fault.target]
            for code, size in zip(machine.vibration, WEAR_VIBRATION, strict=True):
                vector[self._column[code]] = size
            for code, size in zip(machine.temperature, WEAR_TEMPERATURE, strict=True):
                vector[self._column[code]] = size
            if machine.current:
                vector[self._column[machine.current]] = WEAR_CURRENT
        return vector

    def _freeze(self, first: int, values: NDArray[np.float64]) -> None:
        """Let frozen sensors repeat the last value they gave before."""
        frozen = [i for i, f in enumerate(self.script.faults) if f.kind == "sensor_freeze"]
        for i in frozen:
            fault = self.script.faults[i]
            column = self._column[fault.target]
            for row in range(len(values)):
                if any(place == i for place, _, _ in self.script.active(first + row)):
                    if i not in self._held:
                        before = values[row - 1] if row else self._last
                        self._held[i] = float(values[row, column] if before is None else before[column])
                    values[row, column] = self._held[i]
                else:
                    self._held.pop(i, None)
