"""Lively parameters of the blocks of trend_more."""

from __future__ import annotations

from .lively import Lively

LIVELY = {
    "lag": Lively({"delay": 7}),
    "first_last_difference": Lively({"window": 13}, seldom_bad=True),
    "local_peak_valley": Lively({"prominence": 0.9}, seldom_bad=True),
    # The oracle solves the normal equations by an orthogonal decomposition, which rounds otherwise.
    "polynomial_trend": Lively({"window": 13}, seldom_bad=True, rtol=1e-10),
    "ramp_detection": Lively({"window": 13, "limit": 4.3, "for_s": 2}, seldom_bad=True),
    "time_to_limit": Lively({"window": 13, "limit": 3.1, "upper": 1, "horizon": 1.7}, seldom_bad=True, rtol=1e-11),
}
