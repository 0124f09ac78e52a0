from __future__ import annotations

import json

import pytest

from headworks.base.errors import Invalid
from headworks.simulate.faults import Fault, FaultScript, json_lines

LEAK = {"kind": "condenser_air_leak", "start_s": 10, "duration_s": 20}


def test_a_fault_grows_to_its_severity_and_ends() -> None:
    fault = Fault(kind="condenser_air_leak", start_s=0, duration_s=100, severity=2.0)

    assert [fault.effect(s) for s in (-1, 0, 35, 99, 100)] == [0.0, 0.0, 2.0, 2.0, 0.0]
    assert fault.effect(17.5) == pytest.approx(1.0)


@pytest.mark.parametrize("repeat", [None, 50])
def test_labels_say_exactly_when_faults_are_active(repeat: int | None) -> None:
    script = FaultScript(
        [
            Fault(kind="condenser_air_leak", start_s=10, duration_s=20),
            Fault(kind="bearing_wear", start_s=25, duration_s=30),
        ],
        repeat,
    )
    active = {(f.kind, s) for s in range(300) for _, f, _ in script.active(s)}
    labelled = {
        (label.fault, s)
        for label in script.labels(0, 0, 300)
        for s in range(label.start_us // 1_000_000, min(300, label.end_us // 1_000_000))
    }

    assert active == labelled
    assert active
    pieces = [label for s in range(0, 300, 7) for label in script.labels(0, s, min(300, s + 7))]
    assert pieces == script.labels(0, 0, 300)


def test_a_script_is_read_from_json_and_labels_are_written_as_lines() -> None:
    script = FaultScript.parse(json.dumps({"repeat_s": 100, "faults": [LEAK]}))

    lines = json_lines(script.labels(1_000_000, 0, 200)).splitlines()
    assert [json.loads(line)["start_us"] for line in lines] == [11_000_000, 111_000_000]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"start_s": -1}, "faults[0].start_s"),
        ({"duration_s": 0}, "faults[0].duration_s"),
        ({"severity": 0}, "faults[0].severity"),
        ({"duration_s": 101}, "faults[0].duration_s"),
        ({"kind": "flood"}, "faults"),
    ],
)
def test_a_script_that_cannot_happen_is_refused(change: dict[str, object], field: str) -> None:
    with pytest.raises(Invalid) as e:
        FaultScript.parse(json.dumps({"repeat_s": 100, "faults": [LEAK | change]}))
    assert [(p.field, p.code) for p in e.value.problems] == [(field, "simulate.bad_fault")]
