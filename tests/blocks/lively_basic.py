"""Lively parameters of the blocks that nearly every model has."""

from __future__ import annotations

from .lively import Lively

LIVELY = {
    "quality_check": Lively({"low": -6.1, "high": 6.1, "frozen_band": 0.1, "frozen_s": 3}),
    "quality_bad": Lively({"low": -6.1, "high": 6.1, "frozen_band": 0.1, "frozen_s": 3}),
    "rolling_mean": Lively({"window": 13}, seldom_bad=True),
    "above": Lively({"limit": 1.1, "hysteresis": 1.7}),
    "below": Lively({"limit": 1.1, "hysteresis": 1.7}),
    "delay": Lively({"on_s": 2, "off_s": 1}),
    "m_of_n": Lively({"m": 2}),
    "ewma": Lively({"tau": 4.2}, fades=True),
    "rolling_z": Lively({"window": 13, "min_std": 0.3}),
    "regression_residual": Lively({"b0": 0.7, "b1": 0.9, "b2": -0.4, "b8": 0.1, "sigma": 1.3}),
    "rate_of_change": Lively({"window": 13}, seldom_bad=True),
    "deviation": Lively(),
    "hold": Lively({"hold_s": 5}),
    "latch_rs": Lively(),
    # Of eight inputs nearly always one decides.
    "and": Lively(wired=2),
    "or": Lively(wired=2),
    "not": Lively(),
}
