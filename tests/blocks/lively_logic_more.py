"""Lively parameters of what was added to the families compare and logic."""

from __future__ import annotations

from .lively import Lively

LIVELY = {
    "inside": Lively({"low": -2.1, "high": 3.1, "hysteresis": 0.7}),
    "outside": Lively({"low": -2.1, "high": 3.1, "hysteresis": 0.7}),
    "sister_comparison": Lively({"limit": 2.1, "hysteresis": 0.7, "least": 2}, wired=5),
    "setpoint_tracking": Lively({"tolerance": 2.1, "after_s": 2, "tau": 1.5}, fades=True),
    "state_is": Lively({"state": -5.0, "tolerance": 1.1}),
    "xor": Lively(wired=2),
    "latch_sr": Lively(),
    "pulse": Lively({"pulse_s": 3}),
    "one_shot": Lively(),
    # Shifted walks: so that reset comes often, and two at once.
    "counter": Lively({"preset": 2}, ranges={"reset": (-5.0, 11.0)}, seldom_bad=True),
    "toggle": Lively(ranges={"reset": (-5.0, 11.0)}, seldom_bad=True),
    "sequence_check": Lively(
        {"steps": 3, "within2_s": 9, "within3_s": 12, "within4_s": 1, "within5_s": 1, "within6_s": 1},
        wired=3,
        seldom_bad=True,  # one of three is nearly always known
    ),
    "first_up": Lively(wired=2, ranges={"in1": (-6.0, 10.0), "in2": (-6.0, 10.0)}),
}
