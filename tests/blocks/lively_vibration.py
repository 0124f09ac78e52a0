"""Lively parameters of the family vibration."""

from __future__ import annotations

from .lively import Lively

LIVELY = {
    "vibration_features": Lively({"window": 13}),
    "iso_zone": Lively(ranges={"v": (0, 12)}),
    "iso_shaft_zone": Lively({"group": 2, "speed": 5500}, ranges={"s": (0, 300)}),
    "order_features": Lively(
        {
            "reference_1x": 3.2,
            "reference_phase_1x": 40,
            "reference_2x": 0.7,
            "reference_phase_2x": -20,
            "least": 0.5,
        },
        ranges={
            "amplitude_1x": (0, 8),
            "phase_1x": (0, 350),
            "amplitude_2x": (0, 4),
            "phase_2x": (-170, 170),
            "overall": (2, 16),
        },
    ),
    "envelope_band": Lively(
        {"limit": 0.2, "least": 9},
        wired=4,
        ranges={"total": (0, 40), "b1": (0, 8), "b2": (0, 8), "b3": (0, 8)},
    ),
}
