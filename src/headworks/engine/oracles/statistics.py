"""What the blocks of the family statistics mean."""

from __future__ import annotations

import numpy as np

from headworks.engine.oracles.shared import windows
from headworks.engine.oracles.spec import F8, Past, oracle


@oracle("rolling_mean")
def rolling_mean(past: Past) -> tuple[F8, int]:
    x, window = past.inputs[0], int(past.params[0])
    views = windows(x, window)
    good = ~np.isnan(views)
    number = good.sum(axis=1)
    with np.errstate(invalid="ignore"):
        return np.where(good, views, 0.0).sum(axis=1) / number, 0


@oracle("rolling_z")
def rolling_z(past: Past) -> tuple[F8, int]:
    x, window, min_std = past.inputs[0], int(past.params[0]), past.params[1]
    z = np.full(len(x), np.nan)
    before = windows(np.r_[np.nan, x], window)
    for t in np.flatnonzero(~np.isnan(x)):
        good = before[t][~np.isnan(before[t])]
        if len(good) < max(2, window / 2):
            continue
        # Of equal values the mean less the first is 0, where the mean itself may be rounded.
        mean = good[0] + (good - good[0]).mean()
        std = max(float(np.std(good - good[0], ddof=1)), min_std)
        if std > 1e-9 * abs(mean):
            z[t] = (x[t] - mean) / std
    return z, 0


@oracle("regression_residual")
def regression_residual(past: Past) -> tuple[F8, int]:
    model = np.array([np.ones(len(past.inputs[0])), *past.inputs[1:]])
    return (past.inputs[0] - (np.array(past.params[:9])[:, None] * model).sum(axis=0)) / past.params[9], 0
