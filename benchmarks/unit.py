"""A unit to measure with: 3,000 measurements, 1,089 random models of about ten mixed blocks, and replicas of both.

Every model is a graph of its own: measurements checked, one to three of them looked at by a feature (mean, rate, z-score, …),
often two or three together (regression residual, steam enthalpy, Gaussian mixture), compared, combined, delayed, latched. All
of it follows from fixed seeds. Limits are such that alarms come and go.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from headworks.base.status import BAD_NO_DATA
from headworks.blocks.template import Binding, BlockNode, Condition, GraphTemplate, Instance, Output, Port, Text

SECOND = 1_000_000
START = 1_700_006_400 * SECOND
MODELS, TAGS, PRESSURES = 1_089, 3_000, 600
FIRST_CALCULATED = 100_000_000
TEXT = Text(zh="测量模型", en="Measuring model")
MIXTURE = (
    (-12.0, 300.0, 300.0, 300.0),
    (6.0, 1.0, 1.0, 1.0),
    *((0.5, -0.5, -0.5, -0.5), (0.0, 1.6, 0.0, 0.0), (0.0, 0.2, 1.5, 0.0), (0.0, 0.1, 0.3, 1.4)),
    *((0.3, 0.5, 0.5, 0.5), (0.0, 1.4, 0.0, 0.0), (0.0, -0.1, 1.5, 0.0), (0.0, 0.2, 0.1, 1.6)),
    *((0.2, 0.0, 0.8, -0.8), (0.0, 1.2, 0.0, 0.0), (0.0, 0.3, 1.3, 0.0), (0.0, 0.0, 0.2, 1.2)),
)
Rows = tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.uint32]]


@dataclasses.dataclass
class _Graph:
    """A template as it grows."""

    rng: np.random.Generator
    blocks: list[BlockNode] = dataclasses.field(default_factory=list)

    def add(self, op: str, *reads: str, params: dict[str, float] | None = None, table: tuple = ()) -> str:  # type: ignore[type-arg]
        names = {
            "m_of_n": ("in1", "in2", "in3", "in4"),
            "and": ("in1", "in2", "in3", "in4"),
            "or": ("in1", "in2", "in3", "in4"),
            "gmm_score": ("x1", "x2", "x3"),
            "regression_residual": ("y", "x1", "x2"),
            "steam_enthalpy": ("p", "t"),
            "latch_rs": ("set", "reset"),
        }.get(op, ("x",))
        name = f"{op}_{len(self.blocks)}"
        inputs = dict(zip(names, reads, strict=False))
        self.blocks.append(BlockNode(id=name, op=op, inputs=inputs, params=dict(params or {}), table=table))
        return name

    def feature(self, x: str, level: float) -> str:
        """Look at a measurement in one of seven ways; return whether that is beyond its limit."""
        rng, window = self.rng, float(rng_window(self.rng))
        band = 1.0 if level > 100 else 0.05
        kinds = {
            "rate_of_change": ({"window": window}, 0.0, 0.004 * band),
            "first_last_difference": ({"window": window}, 0.0, 0.4 * band),
            "rolling_mean": ({"window": window}, level, 0.3 * band),
            "period_mean": ({"period": 3600.0}, level, 0.05 * band),
            "shake": ({"band": 0.4 * band, "window": window}, 0.9 * band, 0.2 * band),
            "ewma": ({"tau": window / 4}, level, 0.4 * band),
            "rolling_z": ({"window": window}, 0.0, 2.0),
        }
        op = str(rng.choice(list(kinds), p=[0.12, 0.12, 0.26, 0.1, 0.1, 0.16, 0.14]))
        params, middle, width = kinds[op]
        return self.limit(self.add(op, x, params=params), middle, width)

    def limit(self, x: str, middle: float, width: float) -> str:
        far = width * self.rng.uniform(0.6, 1.4)
        if self.rng.random() < 0.7:
            return self.add("above", x, params={"limit": middle + far, "hysteresis": 0.5 * width})
        return self.add("below", x, params={"limit": middle - far, "hysteresis": 0.5 * width})

    def together(self, checked: list[str], steam: bool) -> str:
        if steam:
            return self.limit(self.add("steam_enthalpy", *checked[:2]), 1339.0, 4.0)
        if len(checked) > 2 and self.rng.random() < 0.5:
            return self.limit(self.add("gmm_score", *checked, table=MIXTURE), -4.5, 1.5)
        params = {"b0": 60.0, "b1": 0.5, "b2": 0.3, "sigma": 1.0}
        return self.limit(self.add("regression_residual", *(checked + checked)[:3], params=params), 0.0, 0.8)

    def alarm(self, flags: list[str]) -> str:
        rng = self.rng
        if len(flags) > 2:
            alarm = self.add("m_of_n", *flags, params={"m": 2.0})
        else:
            alarm = self.add(str(rng.choice(["and", "or"])), *flags)
        if rng.random() < 0.8:
            alarm = self.add("delay", alarm, params={"on_s": float(rng.integers(5, 30)), "off_s": 5.0})
        if rng.random() < 0.4:
            alarm = self.add("latch_rs", alarm, self.add("not", flags[0]))
        return alarm


def rng_window(rng: np.random.Generator) -> int:
    return int(rng.choice([30, 60, 120, 300, 600, 900, 1800]))


def template(number: int) -> tuple[GraphTemplate, list[bool]]:
    """Return random model `number`, and of each of its ports whether it is a pressure."""
    graph = _Graph(np.random.default_rng([7, number]))
    rng = graph.rng
    ports, both = int(rng.integers(2, 4)), float(rng.random())
    steam = both < 0.15
    pressure = [steam and i == 0 for i in range(ports)]
    checked = []
    for i, p in enumerate(pressure):
        # As the measurement has it, so that all models that read it share the block.
        limits = {"low": 0.0, "high": 40.0 if p else 700.0, "frozen_band": 1e-6, "frozen_s": 600.0}
        checked.append(graph.add("quality_check", f"in.p{i}", params=limits))
    flags = [graph.feature(x, 15.0 if p else 300.0) for x, p in zip(checked, pressure, strict=True)]
    if both < 0.6:
        flags.append(graph.together(checked, steam))
    alarm = graph.alarm(flags)
    score = next(b.inputs["x"] for b in graph.blocks if b.id == flags[-1])
    return (
        GraphTemplate(
            code=f"random{number}",
            title=TEXT,
            ports=tuple(Port(name=f"p{i}") for i in range(ports)),
            blocks=tuple(graph.blocks),
            conditions=(Condition(name="alarm", source=alarm, value=score, title=TEXT),),
            outputs=(Output(name="score", source=score),),
        ),
        pressure,
    )


def unit(models: int = MODELS, replicas: int = 1, tags: int = TAGS) -> tuple[dict[str, GraphTemplate], list[Instance]]:
    """Return `models` random models on the measurements 0 … `tags` - 1, and `replicas` - 1 copies, each with its own."""
    made = [template(n) for n in range(models)]
    rng = np.random.default_rng(3)
    pressures = tags * PRESSURES // TAGS
    # One after the other in a shuffled order, so that every measurement is used before any is used again.
    orders = {True: rng.permutation(pressures), False: rng.permutation(np.arange(pressures, tags))}
    used, wired = {True: 0, False: 0}, []
    for _, pressure in made:
        mine = []
        for p in pressure:
            mine.append(int(orders[p][used[p] % len(orders[p])]))
            used[p] += 1
        wired.append(mine)
    instances = []
    for r in range(replicas):
        for n, (graph, _) in enumerate(made):
            number = r * models + n + 1
            inputs = {f"p{i}": Binding(tag=r * tags + tag) for i, tag in enumerate(wired[n])}
            instances.append(
                Instance(
                    id=number,
                    code=f"m{number}",
                    template=graph.code,
                    inputs=inputs,
                    outputs={"score": FIRST_CALCULATED + number},
                )
            )
    return {graph.code: graph for graph, _ in made}, instances


def rows(ticks: int, tags: int = TAGS, first: int = 0, decimals: int = 3) -> Rows:
    """Return `ticks` rows from tick `first` on: slow waves, noise, one bad value in 2,000."""
    rng = np.random.default_rng([11, first])
    fixed = np.random.default_rng(5)
    pressures = tags * PRESSURES // TAGS
    period, phase = fixed.uniform(600, 3600, tags), fixed.uniform(0, 2 * np.pi, tags)
    at = np.arange(first, first + ticks)[:, None]
    value = np.sin(at * (2 * np.pi / period) + phase)
    value += 0.1 * rng.standard_normal((ticks, tags), dtype=np.float32)
    value[:, :pressures] = value[:, :pressures] * 0.05 + 15.0
    value[:, pressures:] += 300.0
    value = np.round(value, decimals)
    status = np.zeros((ticks, tags), np.uint32)
    bad = rng.random((ticks, tags), dtype=np.float32) < 0.0005
    value[bad], status[bad] = np.nan, BAD_NO_DATA
    return START + np.arange(first, first + ticks) * SECOND, value, status
