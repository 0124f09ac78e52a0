"""Lively parameters of the blocks of filters_more."""

from __future__ import annotations

from .lively import Lively

LIVELY = {
    "median_filter": Lively({"window": 9}, seldom_bad=True),
    "spike_filter": Lively({"window": 9, "threshold": 1.2, "min_band": 0.3}),
    "dead_band": Lively({"band": 0.3}),
    "rate_limiter": Lively({"rise": 22, "fall": 31}),
    "low_pass": Lively({"period": 17.3}, fades=True),
}
