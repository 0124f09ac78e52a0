"""The chaos measurement, small: every role is killed once while a recorded run is replayed, and nothing differs."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from .platform import ROOT

pytestmark = pytest.mark.integration


@pytest.mark.timeout(400)
@pytest.mark.feature("N-03", "PLT-05", "PLT-08")
def test_killing_every_role_changes_nothing() -> None:
    size = ["--samples", "60000", "--kills-per-role", "1", "--speed", "8", "--snapshot-s", "3"]
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "chaos.py"), *size], capture_output=True, text=True, timeout=380
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["kills_least_per_role"] == 1
    assert result["sent"] == result["acked"] == result["stored"] >= 60_000
    assert result["alarms_expected"] == result["alarms_found"] > 0
    exact = (
        "lost",
        "values_different",
        "calculated_different",
        "alarms_missing",
        "alarms_unexpected",
        "alarms_duplicate",
    )
    assert {k: result[k] for k in exact} == dict.fromkeys(exact, 0)
