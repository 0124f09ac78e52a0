"""What several oracles need."""

from __future__ import annotations

import numpy as np

from headworks.engine.oracles.spec import F8


def filled(events: F8, start: float) -> F8:
    """Return the last event at or before each tick; NaN is no event."""
    at = np.maximum.accumulate(np.where(np.isnan(events), -1, np.arange(len(events))))
    return np.where(at < 0, start, events[at])


def windows(x: F8, length: int) -> F8:
    """Return for each tick the last `length` values, those before the first NaN."""
    return np.lib.stride_tricks.sliding_window_view(np.r_[np.full(length - 1, np.nan), x], length)
