"""Golden cases: what a template must say about a course of its inputs, as data beside the template.

A file ``golden/<template>.yaml`` is a list of cases::

    - name: fires
      duration_s: 400
      tick_s: 1                # default 1
      noise: 0.02              # default 0
      params: {high: 4.5}      # as an instance would set them, and
      tables: {curve: [[0, 1], [10, 2.5]]}
      inputs: {vibration: [[0, 2.0], [60, 2.0], [90, 9.0]]}
      expect: {high: [95, 140]}
      clear: {high: [200, 300]}
      never: [very_high]

*inputs*: for every port points ``[second, value]`` in the port's unit, in order of time. Between two points the value moves
in a straight line, after the last it stays; two points at one time are a step. From a point with the value ``null`` to the
next there is no data, nor before the first point. *expect*: the condition is raised for the first time between these
seconds, both included. *clear*: it is cleared for the first time between these. *never*: it is not raised at all. What a
case does not name may do as it likes.

*noise* is the standard deviation of a Gaussian noise on every input, as a share of the greatest magnitude among the input's
points; or, by port, a standard deviation in the port's unit. It is drawn from `seed`, by default made of the case's name:
the same case has the same noise for ever.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from headworks.base.errors import Invalid, Problem
from headworks.base.status import BAD_NO_DATA
from headworks.blocks.template import Binding, GraphTemplate, Instance, Rows
from headworks.engine.program import Edge, compile_program

F8 = NDArray[np.float64]
Points = tuple[tuple[float, float | None], ...]
Span = tuple[float, float]

_SECOND = 1_000_000
_START = 1_700_006_400 * _SECOND  # a day's beginning: a multiple of every tick that divides the day
_MOST_TICKS = 1_000_000


class GoldenCase(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One case; what its fields mean is said above."""

    name: str
    duration_s: float
    inputs: dict[str, Points]
    tick_s: float = 1.0
    noise: float | dict[str, float] = 0.0
    seed: int | None = None
    params: dict[str, float] = {}
    tables: dict[str, Rows] = {}
    expect: dict[str, Span] = {}
    clear: dict[str, Span] = {}
    never: tuple[str, ...] = ()


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """A condition did not do what the case says: what was wanted, and the seconds at which it was raised and cleared."""

    case: str
    condition: str
    wanted: str
    raised_s: tuple[float, ...]
    cleared_s: tuple[float, ...]

    def __str__(self) -> str:
        return (
            f"{self.case}: {self.condition} should {self.wanted}; "
            f"raised at {_listed(self.raised_s)}, cleared at {_listed(self.cleared_s)}"
        )


def read_golden(file: Path) -> list[GoldenCase]:
    """Return the cases of a file.

    Raises
    ------
    Invalid
        ``golden.unreadable`` names the file, and the place in it where something else was expected.
    """
    try:
        return msgspec.yaml.decode(file.read_bytes(), type=list[GoldenCase])
    except (msgspec.MsgspecError, OSError, UnicodeDecodeError) as e:
        raise Invalid("golden.unreadable", file=file.name, reason=str(e)) from e


def run_golden(template: GraphTemplate, case: GoldenCase) -> list[Failure]:
    """Run a template over a case; return what it did not do.

    Raises
    ------
    Invalid
        ``golden.case_invalid``: the case does not fit the template; ``engine.graph_invalid``: the template cannot run.
    """
    if problems := list(_problems(template, case)):
        raise Invalid("golden.case_invalid", problems=problems, case=case.name, count=len(problems))
    edges = golden_edges(template, case)
    up = [(e.condition, _seconds(e)) for e in edges if e.transition == "raise"]
    down = [(e.condition, _seconds(e)) for e in edges if e.transition == "clear"]
    wanted: list[tuple[str, str, list[tuple[str, float]], Span | None]] = [
        (name, f"be raised within {a:g} … {b:g} s", up, (a, b)) for name, (a, b) in case.expect.items()
    ]
    wanted += [(name, f"be cleared within {a:g} … {b:g} s", down, (a, b)) for name, (a, b) in case.clear.items()]
    wanted += [(name, "never be raised", up, None) for name in case.never]
    failures = []
    for name, said, found, span in wanted:
        first = next((s for n, s in found if n == name), None)
        if first is not None if span is None else first is None or not span[0] <= first <= span[1]:
            times = [tuple(s for n, s in side if n == name) for side in (up, down)]
            failures.append(Failure(case=case.name, condition=name, wanted=said, raised_s=times[0], cleared_s=times[1]))
    return failures


def golden_edges(template: GraphTemplate, case: GoldenCase) -> list[Edge]:
    """Return everything the conditions of a template do in a case, by tick; second 0 is the instant of the first tick."""
    ports = [p.name for p in template.ports]
    tick = round(case.tick_s * _SECOND)
    instance = Instance(
        id=1,
        code=case.name,
        template=template.code,
        inputs={name: Binding(tag=i) for i, name in enumerate(ports)},
        params=case.params,
        tables=case.tables,
    )
    tags = np.arange(len(ports), dtype=np.uint32)
    program = compile_program({template.code: template}, [instance], tags, tick)
    ticks = np.arange(math.floor(case.duration_s * _SECOND / tick) + 1, dtype=np.int64) * tick
    random = np.random.default_rng(zlib.crc32(case.name.encode()) if case.seed is None else case.seed)
    columns = [course(case.inputs[name], ticks / _SECOND) for name in ports]
    for name, column in zip(ports, columns, strict=True):
        column += random.standard_normal(len(ticks)) * _sigma(case, name)
    value = np.array(columns).T
    status = np.where(np.isnan(value), BAD_NO_DATA, 0).astype(np.uint32)
    return program.run(program.new_state(), _START + ticks, value, status).edges


def course(points: Points, seconds: F8) -> F8:
    """Return the value of an input at `seconds` [s] (f64[k], NaN where there is no data)."""
    times = np.array([t for t, _ in points])
    values = np.array([math.nan if v is None else v for _, v in points])
    last = np.searchsorted(times, seconds, side="right") - 1
    after = np.minimum(last + 1, len(times) - 1)
    here, there = values[last], values[after]
    span = times[after] - times[last]
    moving = (span > 0) & ~np.isnan(there)
    share = np.where(moving, (seconds - times[last]) / np.where(span > 0, span, 1.0), 0.0)
    return np.where(last < 0, np.nan, here + share * np.where(moving, there - here, 0.0))


def _sigma(case: GoldenCase, port: str) -> float:
    if isinstance(case.noise, dict):
        return case.noise.get(port, 0.0)
    return case.noise * max((abs(v) for _, v in case.inputs[port] if v is not None), default=0.0)


def _seconds(edge: Edge) -> float:
    return (edge.tick - _START) / _SECOND


def _listed(seconds: Sequence[float]) -> str:
    return ", ".join(f"{s:g} s" for s in seconds[:5]) + (" …" if len(seconds) > 5 else "") if seconds else "no time"


def _problems(template: GraphTemplate, case: GoldenCase) -> Iterator[Problem]:
    ports, conditions = [p.name for p in template.ports], [c.name for c in template.conditions]
    for field, value in (("tick_s", case.tick_s), ("duration_s", case.duration_s)):
        if not (math.isfinite(value) and value >= 0.001):
            yield _problem(case, field, value, "engine.param_range", low=0.001, high=1e9, unit="s")
            return
    if case.duration_s / case.tick_s > _MOST_TICKS:
        most = _MOST_TICKS * case.tick_s
        yield _problem(case, "duration_s", case.duration_s, "engine.param_range", low=0.001, high=most, unit="s")
    for name in ports:
        if name not in case.inputs:
            yield _problem(case, f"inputs.{name}", None, "engine.unbound_port", port=name)
    noise = case.noise if isinstance(case.noise, dict) else {}
    for field, name in [("inputs", n) for n in case.inputs] + [("noise", n) for n in noise]:
        if name not in ports:
            yield _problem(
                case, f"{field}.{name}", name, "engine.unknown_port", port=name, known=", ".join(ports) or "–"
            )
    for name, points in case.inputs.items():
        times = [t for t, _ in points]
        numbers = [x for point in points for x in point if x is not None]
        if not points or times != sorted(times) or not all(map(math.isfinite, numbers)):
            yield _problem(case, f"inputs.{name}", times[:20], "golden.bad_points")
    for field, names in (("expect", case.expect), ("clear", case.clear), ("never", dict.fromkeys(case.never, None))):
        for name, span in names.items():
            if name not in conditions:
                known = ", ".join(conditions) or "–"
                yield _problem(case, f"{field}.{name}", name, "golden.unknown_condition", known=known)
            elif span is not None and not 0 <= span[0] <= span[1] <= case.duration_s:
                yield _problem(case, f"{field}.{name}", list(span), "golden.bad_span", duration=case.duration_s)
    if not case.expect and not case.clear and not case.never:
        yield _problem(case, "expect", None, "golden.expects_nothing")


def _problem(case: GoldenCase, field: str, value: object, code: str, **params: object) -> Problem:
    return Problem(field=f"{case.name}.{field}", value=value, code=code, params=params)
