"""What every simulated unit does: tags that follow its load through lags, disturbances they share, walks of their own, noise.

A unit derives from :class:`SimulatedUnit`, gives its tag table and says in `_advance` what one second does to the plant.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from headworks.base.clock import MICROS
from headworks.base.errors import Invalid, Problem
from headworks.simulate.faults import Fault, FaultScript
from headworks.simulate.load import LoadProgramme
from headworks.simulate.sensors import SENSOR_KINDS, SensorFaults
from headworks.simulate.tags import DISTURBANCES, Tag

CHUNK = 256
"""Seconds of noise drawn at once. A fixed number: step by step and in blocks the same noise meets the same second."""

DISTURBANCE_TAU = np.array([1800.0, 7200.0, 300.0, 15.0, 60.0, 120.0])
_EXTRA_KEY = 1 << 48
"""Noise of extra tags is drawn under keys of its own, so that the tags of the unit stay as they are without them."""


class SimulatedUnit:
    """A unit started at `start_us` [µs since 1970 UTC] in a steady state.

    `codes` names the columns. Equal seed, start and script give equal values, however the seconds are asked for. `extra`
    tags follow the load like any other; the values of the tags of the unit are the same with and without them.

    Raises
    ------
    Invalid
        ``simulate.unknown_fault``, ``simulate.unknown_target`` (its problems): the script has a fault that this unit does
        not know, or names a machine or tag that it does not have.
    """

    RATED_MW: ClassVar[float]
    FAULTS: ClassVar[Mapping[str, tuple[str, ...]]]
    """Faults of the process that the unit knows: kind -> its targets (``("",)``: none is named)."""

    def __init__(
        self, tags: Sequence[Tag], extra: Sequence[Tag], seed: int, start_us: int, script: FaultScript | None
    ) -> None:
        self.seed = seed
        self.start_us = start_us
        self.script = script or FaultScript()
        self.own = len(tags)
        self.tags = (*tags, *extra)
        self.codes = tuple(t.code for t in self.tags)
        self._column = {code: i for i, code in enumerate(self.codes)}
        self.second = 0
        self._tables()
        for i, fault in enumerate(self.script.faults):
            self._check(i, fault)
        self._sensors = SensorFaults(self.script, self._column, self._high - self._low)
        self._load = LoadProgramme(seed, self.RATED_MW)
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
        raw = np.empty((seconds, len(self.tags)))
        noise = np.empty_like(raw)
        first = self.second
        for row in range(seconds):
            self._draw()
            place = self.second % CHUNK
            noise[row] = self._measuring[place]
            self._advance(place, raw[row])
            self.second += 1
        raw += noise * self._noise
        self._sensors.drift(first, raw)
        values = np.clip(np.rint(raw / self._resolution) * self._resolution, self._low, self._high)
        values = np.round(values, 6)
        status = np.zeros(values.shape, np.uint32)
        self._sensors.measure(first, values, status)
        return times, values, status

    def _advance(self, place: int, out: NDArray[np.float64]) -> None:
        """Move the plant by one second, with the noise at `place`, and write what there is to measure into `out`."""
        raise NotImplementedError

    def _tables(self) -> None:
        def column(name: str) -> NDArray[np.float64]:
            return np.array([getattr(t, name) for t in self.tags], np.float64)

        self._base, self._slope = column("at50"), column("at100") - column("at50")
        self._ramp, self._noise, self._resolution = column("ramp"), column("noise"), column("resolution")
        self._low, self._high = column("low"), column("high")
        self._follow = 1.0 - np.exp(-1.0 / np.maximum(column("tau"), 1e-3))
        decay = np.exp(-1.0 / column("wander_tau"))
        self._decay, self._kick = decay, column("wander") * np.sqrt(1.0 - decay * decay)
        self._gains = np.zeros((len(DISTURBANCES), len(self.tags)))
        for i, t in enumerate(self.tags):
            for name, gain in t.shared:
                self._gains[DISTURBANCES.index(name), i] = gain
        self._shared_decay = np.exp(-1.0 / DISTURBANCE_TAU)
        self._shared_kick = np.sqrt(1.0 - self._shared_decay**2)

    def _settle(self) -> None:
        """Start where the unit would stand after hours at its first load."""
        self._shared = np.zeros(len(DISTURBANCES))
        self._wander = np.zeros(len(self.tags))
        self._boiler = self._load.now
        self._state = self._target(self._load.now / self.RATED_MW, 0.0)

    def _draw(self) -> None:
        chunk = self.second // CHUNK
        if chunk != self._chunk:
            rng = np.random.Generator(np.random.Philox(key=[self.seed, chunk]))
            self._walking = rng.standard_normal((CHUNK, self.own))
            self._measuring = rng.standard_normal((CHUNK, self.own))
            self._sharing = rng.standard_normal((CHUNK, len(DISTURBANCES)))
            if more := len(self.tags) - self.own:
                rng = np.random.Generator(np.random.Philox(key=[self.seed, _EXTRA_KEY + chunk]))
                self._walking = np.hstack([self._walking, rng.standard_normal((CHUNK, more))])
                self._measuring = np.hstack([self._measuring, rng.standard_normal((CHUNK, more))])
            self._chunk = chunk

    def _stir(self, place: int) -> None:
        """Move the disturbances and the walks by one second."""
        self._shared = self._shared * self._shared_decay + self._sharing[place] * self._shared_kick
        self._wander = self._wander * self._decay + self._walking[place] * self._kick

    def _target(self, load: float, imbalance: float) -> NDArray[np.float64]:
        """Return where every tag is heading at `load` [share of rated] while the boiler is `imbalance` behind it."""
        target = self._base + self._slope * (2.0 * load - 1.0) + self._ramp * imbalance
        for level, gains in zip(self._shared, self._gains, strict=True):
            target = target + gains * level
        return target

    def _check(self, place: int, fault: Fault) -> None:
        known = self.codes if fault.kind in SENSOR_KINDS else self.FAULTS.get(fault.kind)
        if known is None:
            params = {"kind": fault.kind, "known": ", ".join([*self.FAULTS, *SENSOR_KINDS])}
            problem = Problem(
                field=f"faults[{place}].kind", value=fault.kind, code="simulate.unknown_fault", params=params
            )
            raise Invalid(problems=[problem])
        if fault.target not in known:
            params = {"kind": fault.kind, "known": ", ".join(known[:12])}
            problem = Problem(
                field=f"faults[{place}].target", value=fault.target, code="simulate.unknown_target", params=params
            )
            raise Invalid(problems=[problem])
