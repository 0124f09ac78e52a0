"""What the blocks of the family quality mean."""

from __future__ import annotations

import numpy as np

from headworks.base.status import BAD_OUT_OF_RANGE, BAD_SENSOR_FAILURE
from headworks.engine.oracles.spec import F8, I8, Past, oracle


def not_moving(x: F8, band: float) -> F8:
    """Return for each tick how many good ticks x has stayed within `band` of where its quiet spell began."""
    good = np.flatnonzero(~np.isnan(x))
    lasted: list[int] = []
    reference = float("nan")
    for v in x[good].tolist():
        still = abs(v - reference) <= band
        reference = reference if still else v
        lasted.append(lasted[-1] + 1 if still else 0)
    quiet = np.zeros(len(x))
    quiet[good] = lasted
    return quiet


@oracle("quality_check")
def quality_check(past: Past) -> tuple[F8, I8]:
    x, (low, high, band, frozen_ticks) = past.inputs[0], past.params
    outside = (x < low) | (x > high)
    frozen = (not_moving(x, band) >= frozen_ticks) & (frozen_ticks > 0) & ~np.isnan(x)
    code = np.where(outside, BAD_OUT_OF_RANGE, np.where(frozen, BAD_SENSOR_FAILURE, 0))
    return np.where(code == 0, x, np.nan), code


@oracle("quality_bad")
def quality_bad(past: Past) -> tuple[F8, int]:
    return np.where(np.isnan(past.inputs[0]), np.nan, quality_check(past)[1] != 0), 0
