"""Lively parameters of the blocks of periods."""

from __future__ import annotations

from .lively import Lively

LIVELY = {
    "period_mean": Lively({"period": 12, "start": 0.5, "zone": 5.75}, seldom_bad=True),
    # Of a reset that is true half of the time little is seen: test_periods.py.
    "totalizer": Lively({"per": 60, "period": 12}, wired=1, seldom_bad=True),
}
