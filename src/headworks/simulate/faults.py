"""What goes wrong in a simulated unit, when, and the truth about it.

A script is a list of faults; it may repeat for ever. The simulator asks it what is active, a test asks it for the labels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

from headworks.base.clock import MICROS
from headworks.base.errors import Invalid, Problem

Kind = Literal[
    "bearing_wear",
    "condenser_air_leak",
    "mill_plugging",
    "heater_leak",
    "unit_trip",
    "sensor_freeze",
    "sensor_drift",
    "sensor_failure",
    "sensor_uncertain",
]
"""Sensor faults are known to every unit; each unit says which others it knows (`SimulatedUnit.FAULTS`)."""
GROWTH = 0.35
"""Share of a fault's duration in which it grows from nothing to its severity. A demonstration presses weeks into minutes."""


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One fault: what, where, from when [s after the start of the unit], for how long [s], how bad (1 = plainly visible).

    `target` is an asset code for bearing wear, mill plugging and heater leak (``U1-FWP-A``), a tag code for a sensor fault,
    the first cause for a unit trip (``furnace_pressure``), and not used for the air leak.
    When the duration is over the fault is repaired; the readings recover at the pace of the process.
    """

    kind: Kind
    start_s: int
    duration_s: int
    target: str = ""
    severity: float = 1.0

    def effect(self, elapsed_s: float) -> float:
        """Return how much of the fault is felt `elapsed_s` after its start."""
        if not 0 <= elapsed_s < self.duration_s:
            return 0.0
        return self.severity * min(1.0, elapsed_s / (GROWTH * self.duration_s))


class Label(msgspec.Struct, frozen=True, kw_only=True):
    """The truth about one fault that happened. Times are µs since 1970 UTC, the end is not part of it."""

    fault: Kind
    target: str
    start_us: int
    end_us: int
    severity: float


class FaultScript:
    """Faults in order, once or repeated every `repeat_s` seconds.

    Raises
    ------
    Invalid
        ``simulate.bad_fault`` (its problems): a duration or severity is not positive, a start is negative, or a
        repeated fault is not over when the script begins anew.
    """

    def __init__(self, faults: Sequence[Fault] = (), repeat_s: int | None = None) -> None:
        self.faults = tuple(sorted(faults, key=lambda f: f.start_s))
        self.repeat_s = repeat_s
        problems = []
        for i, f in enumerate(self.faults):
            found: tuple[tuple[str, object, bool], ...] = (
                ("start_s", f.start_s, f.start_s >= 0),
                ("duration_s", f.duration_s, f.duration_s > 0),
                ("severity", f.severity, f.severity > 0),
                ("duration_s", f.duration_s, repeat_s is None or f.duration_s <= repeat_s),
            )
            problems += [
                Problem(field=f"faults[{i}].{name}", value=value, code="simulate.bad_fault", params={"kind": f.kind})
                for name, value, good in found
                if not good
            ]
        if repeat_s is not None and repeat_s <= 0:
            problems.append(Problem(field="repeat_s", value=repeat_s, code="simulate.bad_fault", params={"kind": ""}))
        if problems:
            raise Invalid(problems=problems)

    @classmethod
    def parse(cls, data: str | bytes) -> FaultScript:
        """Return the script in a JSON object ``{"repeat_s": 600, "faults": [{"kind": …, "start_s": …}, …]}``.

        Raises
        ------
        Invalid
            ``simulate.bad_fault`` says what cannot be read.
        """
        try:
            read = msgspec.json.decode(data, type=_Script)
        except (msgspec.DecodeError, UnicodeDecodeError) as e:
            problem = Problem(field="faults", value=str(e), code="simulate.bad_fault", params={"kind": ""})
            raise Invalid(problems=[problem]) from e
        return cls(read.faults, read.repeat_s)

    def active(self, second: int) -> Iterator[tuple[int, Fault, int]]:
        """Yield (place in the script, fault, seconds since it began) of what is active `second` after the unit's start."""
        for i, f in enumerate(self.faults):
            elapsed = second - f.start_s
            if elapsed >= 0 and self.repeat_s:
                elapsed %= self.repeat_s
            if 0 <= elapsed < f.duration_s:
                yield i, f, elapsed

    def labels(self, start_us: int, first_s: int, last_s: int) -> list[Label]:
        """Return the truth about every fault that begins in [first_s, last_s) of a unit started at `start_us`, by start."""
        found = []
        for f in self.faults:
            begin = f.start_s
            if self.repeat_s and begin < first_s:
                begin += -(-(first_s - begin) // self.repeat_s) * self.repeat_s
            while first_s <= begin < last_s:
                found.append(
                    Label(
                        fault=f.kind,
                        target=f.target,
                        start_us=start_us + begin * MICROS,
                        end_us=start_us + (begin + f.duration_s) * MICROS,
                        severity=f.severity,
                    )
                )
                if not self.repeat_s:
                    break
                begin += self.repeat_s
        return sorted(found, key=lambda label: (label.start_us, label.fault, label.target))


class _Script(msgspec.Struct, forbid_unknown_fields=True):
    faults: tuple[Fault, ...]
    repeat_s: int | None = None


def json_lines(labels: Sequence[Label]) -> bytes:
    """Return labels as JSON lines."""
    return b"".join(msgspec.json.encode(label) + b"\n" for label in labels)


def demo_script() -> FaultScript:
    """Return the faults of the demonstration: the first after 40 s, each kind twice in 32 minutes, recovery between them."""
    return FaultScript(
        (
            Fault(kind="bearing_wear", target="U1-FWP-A", start_s=40, duration_s=240),
            Fault(kind="sensor_freeze", target="1LAC20CT001", start_s=360, duration_s=240),
            Fault(kind="condenser_air_leak", start_s=660, duration_s=300),
            Fault(kind="bearing_wear", target="U1-IDF-B", start_s=1080, duration_s=240),
            Fault(kind="sensor_freeze", target="1LBA10CT001", start_s=1380, duration_s=180),
            Fault(kind="condenser_air_leak", start_s=1600, duration_s=240, severity=1.2),
        ),
        repeat_s=1920,
    )
