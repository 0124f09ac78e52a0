"""What the blocks of the family trend mean."""

from __future__ import annotations

import numpy as np

from headworks.engine.oracles.shared import windows
from headworks.engine.oracles.spec import F8, Past, oracle


@oracle("rate_of_change")
def rate_of_change(past: Past) -> tuple[F8, int]:
    x, length, tick_s = past.inputs[0], int(past.params[0]), past.params[1]
    slope = np.full(len(x), np.nan)
    minutes = np.arange(length) * tick_s / 60
    for t, window in enumerate(windows(x, length)):
        good = ~np.isnan(window)
        if good.sum() > 1:
            at = minutes[good] - minutes[good].mean()
            y = window[good] - window[good][0]
            slope[t] = (at * (y - y.mean())).sum() / (at * at).sum()
    return slope, 0
