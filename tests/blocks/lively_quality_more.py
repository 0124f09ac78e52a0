"""Lively parameters of the blocks that judge, choose among and replace measurements."""

from __future__ import annotations

from .lively import Lively

LIVELY = {
    "quality_judgement": Lively(
        {"low": -6.1, "high": 6.1, "frozen_band": 0.1, "frozen_s": 3, "max_rate": 61, "jump_s": 2, "max_std": 0.72}
        | {"window": 7}
    ),
    "quality_vote": Lively({"tolerance": 3.1, "needed": 2}, wired=3, seldom_bad=True),
    "substitute": Lively(),
}
