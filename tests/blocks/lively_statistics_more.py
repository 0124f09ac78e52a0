"""Lively parameters of the blocks of windows, changes, swings and running times."""

from __future__ import annotations

from .lively import Lively

LIVELY = {
    "rolling_std": Lively({"window": 13}, seldom_bad=True),
    "rolling_min": Lively({"window": 13}, seldom_bad=True),
    "rolling_max": Lively({"window": 13}, seldom_bad=True),
    "rolling_range": Lively({"window": 13}, seldom_bad=True),
    "rolling_quantile": Lively({"p": 0.3, "window": 13}, seldom_bad=True),
    "quantile": Lively({"p": 0.3, "window": 40}, seldom_bad=True),
    "correlation": Lively({"window": 13}, seldom_bad=True),
    "cusum": Lively({"target": 0.3, "slack": 2.1, "threshold": 5.3, "cap": 3}),
    "page_hinkley": Lively({"tau": 4, "tolerance": 0.31, "threshold": 0.77, "cap": 3}, fades=True),
    "shake": Lively({"band": 0.6, "window": 40}),
    "periodic_fluctuation": Lively({"band": 0.1, "regularity": 0.3, "window": 40}),
    "best_value": Lively({"lowest": 0, "tau": 4}, ranges={"valid": (-3, 13)}, fades=True),
    "duty": Lively({"window": 13}, seldom_bad=True),
    "starts_per_hour": Lively({"window": 40}, seldom_bad=True),
    "run_time": Lively(ranges={"reset": (-3, 13)}, seldom_bad=True),
    "time_in_state": Lively(),
}
