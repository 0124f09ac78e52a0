"""Blocks that smooth a signal."""

from __future__ import annotations

from headworks.blocks.spec import LARGEST, NAN, Float, Input, Param, block


@block(family="filter", zh="指数滑动平均", en="EWMA")
class Ewma:
    """Exponentially weighted mean: a first-order lag that smooths a signal.

    Parameters
    ----------
    tau : float [s]
        Time constant, 0.01 <= tau <= 86400. Default 60.

    Inputs
    ------
    x : value [any], NaN = bad: the output is NaN; the mean is kept, and counts the less the longer x has been bad.

    Returns
    -------
    value [unit(x)]

    Notes
    -----
    m(t) = x + (m(t-1) - x) · k with k = tau / (tau + tick), the lag discretised backwards; the first good value is the
    mean at first. After n bad ticks k^(n+1) takes the place of k. O(1) per tick.

    References
    ----------
    .. [1] NIST/SEMATECH e-Handbook of Statistical Methods, 6.3.2.4 (EWMA control charts).
    .. [2] K. J. Åström, B. Wittenmark, Computer-Controlled Systems, 3rd edition (1997), chapter 8 (backward difference).
    """

    inputs = (Input("x"),)
    params = (Param("tau", unit="s", low=0.01, high=86_400.0, default=60.0),)
    states = (Float("mean", NAN), Float("keep", 1.0))
    output = "value"
    unit = "unit(x)"
    bad = "propagate"
    memory = (("tau", 30.0),)  # 1e-11 of it or less is left then

    @staticmethod
    def step(x: float, tau: float, tick_s: float, mean: float, keep: float) -> tuple[float, float, float]:
        keep *= tau / (tau + tick_s)
        if x != x:
            return NAN, mean, keep
        mean = x + (mean - x) * keep
        # The first good value; or two values so far apart that their difference is not a number.
        if not (-LARGEST <= mean <= LARGEST):
            mean = x
        return mean, mean, 1.0
