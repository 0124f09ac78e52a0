"""What blocks share that look at a window without ever taking anything off a sum.

A window is the tail of the last turn of the ring and the beginning of this turn. Whenever the ring wraps, each of its places
is given what sums up all places from there to the end: its tail. The beginning of the turn is summed up in states. Nothing is
subtracted, so nothing cancels, an outlier leaves no trace once it has left the window, and what a window says does not depend
on when a run began. O(1) per tick on average, and at most one pass over the ring.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from headworks.blocks.spec import NAN


def least_tails(ring: NDArray[np.float64], base: int, length: int, width: int) -> None:
    """Put the least good value of each tail of a ring in place of the values at `base`; NaN where none is good."""
    least = NAN
    for place in range(base + (length - 1) * width, base - 1, -width):
        v = ring[place]
        if v == v and not (least <= v):
            least = v
        ring[place] = least


def greatest_tails(ring: NDArray[np.float64], base: int, length: int, width: int) -> None:
    """Put the greatest good value of each tail of a ring in place of the values at `base`; NaN where none is good."""
    greatest = NAN
    for place in range(base + (length - 1) * width, base - 1, -width):
        v = ring[place]
        if v == v and not (greatest >= v):
            greatest = v
        ring[place] = greatest


def sum_tails(ring: NDArray[np.float64], base: int, length: int, width: int) -> None:
    """Put the sum of the good values of each tail of a ring in place of the values at `base`."""
    total = 0.0
    for place in range(base + (length - 1) * width, base - 1, -width):
        v = ring[place]
        if v == v:
            total += v
        ring[place] = total


def joined(
    n: float, mean: float, squares: float, other_n: float, other_mean: float, other_squares: float
) -> tuple[float, float, float]:
    """Return the number, the mean and the sum of the squared distances from it of two sets of values together."""
    if not (other_n > 0.0):
        return n, mean, squares
    if not (n > 0.0):
        return other_n, other_mean, other_squares
    share = other_n / (n + other_n)
    apart = other_mean - mean
    return n + other_n, mean + apart * share, squares + other_squares + apart * apart * (n * share)


def spread_tails(ring: NDArray[np.float64], base: int, length: int) -> None:
    """Put number, mean and sum of squared distances of the good values of each tail in place of the three values of each place,
    of which the first is the value."""
    n, mean, squares = 0.0, 0.0, 0.0
    for place in range(base + (length - 1) * 3, base - 1, -3):
        if ring[place] == ring[place]:
            n, mean, squares = joined(1.0, ring[place], 0.0, n, mean, squares)
        ring[place] = n
        ring[place + 1] = mean
        ring[place + 2] = squares
