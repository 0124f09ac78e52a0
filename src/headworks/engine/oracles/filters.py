"""What the blocks of the family filters mean."""

from __future__ import annotations

import numpy as np

from headworks.engine.oracles.spec import F8, Past, oracle


@oracle("ewma")
def ewma(past: Past) -> tuple[F8, int]:
    x, (tau, tick_s) = past.inputs[0], past.params
    out = np.full(len(x), np.nan)
    good = np.flatnonzero(~np.isnan(x))
    if len(good) == 0:
        return out, 0
    keep = tau / (tau + tick_s)
    own = np.r_[1.0, 1.0 - keep ** np.diff(good)]
    age = good[:, None] - good[None, :]
    out[good] = (np.where(age >= 0, keep ** np.maximum(age, 0), 0.0) * own) @ x[good]
    return out, 0
