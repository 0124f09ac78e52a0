"""What the blocks of the family math mean."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from headworks.engine.oracles.spec import F8, Past, oracle


@oracle("add")
def add(past: Past) -> tuple[F8, int]:
    return np.sum(past.inputs, axis=0), 0


@oracle("subtract")
def subtract(past: Past) -> tuple[F8, int]:
    return past.inputs[0] - np.sum(past.inputs[1:], axis=0), 0


@oracle("multiply")
def multiply(past: Past) -> tuple[F8, int]:
    return np.prod(past.inputs, axis=0), 0


@oracle("divide")
def divide(past: Past) -> tuple[F8, int]:
    x, divisor = past.inputs
    with np.errstate(all="ignore"):
        return np.where(np.abs(divisor) <= past.params[0], np.nan, x / divisor), 0


@oracle("absolute")
def absolute(past: Past) -> tuple[F8, int]:
    return np.abs(past.inputs[0]), 0


@oracle("gain_offset")
def gain_offset(past: Past) -> tuple[F8, int]:
    gain, offset = past.params
    return past.inputs[0] * gain + offset, 0


@oracle("convert")
def convert(past: Past) -> tuple[F8, int]:
    return gain_offset(past)


@oracle("square_root")
def square_root(past: Past) -> tuple[F8, int]:
    x, (gain, cutoff) = past.inputs[0], past.params
    with np.errstate(invalid="ignore"):
        return np.where(np.abs(x) <= cutoff, 0.0, gain * np.sqrt(x)), 0


@oracle("power")
def power(past: Past) -> tuple[F8, int]:
    x, (exponent, gain) = past.inputs[0], past.params
    with np.errstate(all="ignore"):
        return np.where(np.isnan(x), np.nan, gain * np.power(x, exponent)), 0


@oracle("logarithm")
def logarithm(past: Past) -> tuple[F8, int]:
    x, (base, gain) = past.inputs[0], past.params
    with np.errstate(all="ignore"):
        return gain * np.log2(x) / np.log2(base), 0


@oracle("exponential")
def exponential(past: Past) -> tuple[F8, int]:
    rate, gain = past.params
    with np.errstate(over="ignore"):
        return gain * np.exp(rate * past.inputs[0]), 0


@oracle("select")
def select(past: Past) -> tuple[F8, int]:
    choose, a, b = past.inputs
    return np.select([choose == 1.0, choose == 0.0], [a, b], np.nan), 0


@oracle("clamp")
def clamp(past: Past) -> tuple[F8, int]:
    low, high = past.params
    return np.minimum(np.maximum(past.inputs[0], low), high), 0


def of_the_good(past: Past, what: Callable[[F8], float]) -> tuple[F8, int]:
    """Return what `what` says of the good inputs at each tick where there are enough."""
    out = np.full(len(past.inputs[0]), np.nan)
    for t, x in enumerate(np.array(past.inputs).T):
        good = x[~np.isnan(x)]
        if len(good) >= past.params[0]:
            out[t] = what(good)
    return out, 0


@oracle("minimum_of")
def minimum_of(past: Past) -> tuple[F8, int]:
    return of_the_good(past, lambda good: float(good.min()))


@oracle("maximum_of")
def maximum_of(past: Past) -> tuple[F8, int]:
    return of_the_good(past, lambda good: float(good.max()))


@oracle("median_of")
def median_of(past: Past) -> tuple[F8, int]:
    return of_the_good(past, lambda good: float(np.median(good)))


@oracle("mean_of")
def mean_of(past: Past) -> tuple[F8, int]:
    return of_the_good(past, lambda good: float(good.mean()))
