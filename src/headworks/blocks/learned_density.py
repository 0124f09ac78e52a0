"""Blocks that apply what was learned from healthy operation: densities, and memories of what was seen.

What they do outside what was learned: see `headworks.blocks.learned`.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from headworks.blocks.learned import Wrong, not_positive, wrong, wrong_rows, wrong_width
from headworks.blocks.spec import LARGEST, NAN, Input, Output, Param, Rows, Table, block

MOST_REMEMBERED = 2000


# --- mixtures ----------------------------------------------------------------------------------------------------------


def check_mixture(rows: Rows) -> Wrong:
    inputs = len(rows[0]) - 1
    if fault := wrong_width(rows, least=1):
        return fault
    if len(rows) <= 2 or (len(rows) - 2) % (inputs + 1):
        return wrong_rows(rows, f"2 + n · {inputs + 1}")
    if fault := not_positive(rows, 1):
        return fault
    weights = []
    for first in range(2, len(rows), inputs + 1):
        if not rows[first][0] > 0.0:
            return wrong("engine.learned_positive", row=first + 1, column=1, found=rows[first][0])
        weights.append(rows[first][0])
        for i in range(inputs):
            number = first + 1 + i
            for column, value in enumerate(rows[number]):
                if column == i + 1 and not 1e-12 < value < 1e12:
                    return wrong("engine.learned_positive", row=number + 1, column=column + 1, found=value)
                if value != 0.0 and (column == 0 or column > i + 1):
                    return wrong("engine.learned_triangle", row=number + 1, column=column + 1, found=value)
    if abs(math.fsum(weights) - 1.0) > 1e-6:
        return wrong("engine.learned_weights", sum=math.fsum(weights))
    return None


@block(family="learned", zh="高斯混合得分", en="GMM score")
class GmmScore:
    """How likely an operating point is by what was learned: a mixture of Gaussian densities, one for each way of operating.

    Parameters
    ----------
    model : table [one column more than inputs; 2 rows, then inputs + 1 for each density]
        Row 1: least log-likelihood, then the means of the inputs. Row 2: greatest distance, then their standard deviations. Of
        each density, of the inputs less their mean over their standard deviation: a row of its weight and its mean, then the
        rows of the inverse of the Cholesky factor of its covariance (lower triangle), each after a 0. Weights add up to 1. Must
        be given.

    Inputs
    ------
    x1 … x12 : value [any], NaN = bad: the outputs are NaN. Wire as many as the table has columns for.

    Returns
    -------
    log_likelihood : value [1]
    distance : value [1]
    inside : bool

    Notes
    -----
    z = (x - mean) / std. `log_likelihood` is the natural logarithm of the density of the mixture at z, `distance` the smallest
    Mahalanobis distance of z from a density. `inside` is true while neither is beyond its limit. Both are numbers outside as
    well: they are the distance. The exponentials are taken relative to the greatest, so that none of them vanishes. O(densities
    · inputs²) per tick.

    References
    ----------
    .. [1] C. M. Bishop, Pattern Recognition and Machine Learning, Springer 2006, 9.2 (mixtures of Gaussians).
    .. [2] J. Yu, S. J. Qin, Multimode process monitoring with Bayesian inference-based finite Gaussian mixture models, AIChE
       Journal 54 (2008), 1811-1829.
    """

    inputs = (Input("x", many=12, unwired="nothing"),)
    table = Table("model", least=4, check=check_mixture)
    outputs = (Output("log_likelihood"), Output("distance"), Output("inside", "bool"))
    bad = "propagate"

    @staticmethod
    def step(
        x1: float, x2: float, x3: float, x4: float, x5: float, x6: float,
        x7: float, x8: float, x9: float, x10: float, x11: float, x12: float,
        table: NDArray[np.float64], at: int, rows: int, columns: int,
    ) -> tuple[float, float, float]:  # fmt: skip
        x = (x1, x2, x3, x4, x5, x6, x7, x8, x9, x10, x11, x12)
        for i in range(12):
            if (x[i] == x[i]) != (i + 1 < columns):
                return NAN, NAN, NAN
        nearest, greatest, total = LARGEST, -LARGEST, 0.0
        for first in range(2, rows, columns):
            mean = at + first * columns
            squares, volume = 0.0, table[mean]
            for i in range(1, columns):
                row, product = mean + i * columns, 0.0
                for j in range(1, i + 1):
                    z = (x[j - 1] - table[at + j]) / table[at + columns + j]
                    product += table[row + j] * (z - table[mean + j])
                squares += product * product
                volume *= table[row + i]
            nearest = min(nearest, squares)
            part = math.log(volume) - 0.5 * squares
            if part > greatest:
                total = total * math.exp(greatest - part) + 1.0
                greatest = part
            else:
                total += math.exp(part - greatest)
        likelihood = greatest + math.log(total) - 0.9189385332046727 * (columns - 1)  # half of log(2·pi)
        distance = math.sqrt(nearest)
        return likelihood, distance, 1.0 if likelihood >= table[at] and distance <= table[at + columns] else 0.0


# --- memories ----------------------------------------------------------------------------------------------------------


def _check_memory(rows: Rows, least: int, inputs: int) -> Wrong:
    if fault := wrong_width(rows, least=inputs):
        return fault
    if not least <= len(rows) <= MOST_REMEMBERED + 1:
        return wrong_rows(rows, f"{least} … {MOST_REMEMBERED + 1}")
    if fault := not_positive(rows, 0):
        return fault
    for number, row in enumerate(rows[1:], 2):
        if not row[0] > 0.0:
            return wrong("engine.learned_positive", row=number, column=1, found=row[0])
    return None


def check_aakr(rows: Rows) -> Wrong:
    return _check_memory(rows, least=3, inputs=2)


def check_neighbours(rows: Rows) -> Wrong:
    return _check_memory(rows, least=6, inputs=1)


@block(family="learned", zh="自联想核回归", en="AAKR")
class Aakr:
    """What all inputs lead to expect of the first one: the mean of remembered healthy states, weighted by their likeness.

    Parameters
    ----------
    bandwidth : float [1]
        Distance at which likeness has fallen to 0.61, in standard deviations, 0.001 <= bandwidth <= 1000. Default 0.5.
    memory : table [one column more than inputs; 3 … 2001 rows]
        Row 1: greatest distance of the other inputs from the memory, then the standard deviations of the inputs. Each further row
        is a healthy state: its weight (how many it stands for), then its values in the units of the inputs. Must be given.

    Inputs
    ------
    x1 … x12 : value [any], NaN = bad: the outputs are NaN. x1 is the one that is judged. Wire as many as the table has columns
        for, at least two.

    Returns
    -------
    expected : value [unit(x1)]
    residual : value [delta(x1)]
    similarity : value [1]
    inside : bool

    Notes
    -----
    d is the Euclidean distance of the inputs from a remembered state, in standard deviations; its likeness is weight · exp(-d²
    / (2 · bandwidth²)). `expected` is the mean of the first values of the states, weighted by likeness; `residual` is x1 -
    expected. `similarity` is exp(-d² / (2 · bandwidth²)) of the nearest state: 1 where it was seen exactly. `inside` is true
    while the others, x2 and up, are not farther from the nearest state than row 1 says; while it is false `residual` is NaN. A
    fault of x1 alone leaves `inside` true. Likeness is taken relative to the nearest state, so it never vanishes everywhere.
    O(rows · inputs) per tick: some nanoseconds for each number of the memory.

    References
    ----------
    .. [1] J. W. Hines, D. R. Garvey, R. Seibert, A. Usynin, Technical Review of On-Line Monitoring Techniques for Performance
       Assessment, NUREG/CR-6895 vol. 2, US NRC 2008 (auto-associative kernel regression).
    .. [2] R. M. Singer, K. C. Gross, J. P. Herzog, R. W. King, S. Wegerich, Model-based nuclear power plant monitoring and fault
       detection: theoretical foundations, ISAP 1997 (MSET).
    """

    inputs = (Input("x", many=12, unwired="nothing"),)
    params = (Param("bandwidth", low=1e-3, high=1e3, default=0.5),)
    table = Table("memory", least=3, check=check_aakr)
    outputs = (
        Output("expected", unit="unit(x1)"),
        Output("residual", unit="delta(x1)"),
        Output("similarity"),
        Output("inside", "bool"),
    )
    bad = "propagate"

    @staticmethod
    def step(
        x1: float, x2: float, x3: float, x4: float, x5: float, x6: float,
        x7: float, x8: float, x9: float, x10: float, x11: float, x12: float,
        bandwidth: float, table: NDArray[np.float64], at: int, rows: int, columns: int,
    ) -> tuple[float, float, float, float]:  # fmt: skip
        x = (x1, x2, x3, x4, x5, x6, x7, x8, x9, x10, x11, x12)
        for i in range(12):
            if (x[i] == x[i]) != (i + 1 < columns):
                return NAN, NAN, NAN, NAN
        nearest, nearest_others = LARGEST, LARGEST
        likeness, product = 0.0, 0.0
        for state in range(1, rows):
            row, others = at + state * columns, 0.0
            for j in range(2, columns):
                z = (x[j - 1] - table[row + j]) / table[at + j]
                others += z * z
            first = (x1 - table[row + 1]) / table[at + 1]
            square = (others + first * first) / (2.0 * bandwidth * bandwidth)
            nearest_others = min(nearest_others, others)
            if square < nearest:
                fade = math.exp(square - nearest)
                likeness *= fade
                product *= fade
                nearest = square
            weight = table[row] * math.exp(nearest - square)
            likeness += weight
            product += weight * (table[row + 1] - x1)
        shift = product / likeness
        if nearest_others <= table[at] * table[at]:
            return x1 + shift, -shift, math.exp(-nearest), 1.0
        return x1 + shift, NAN, math.exp(-nearest), 0.0


@block(family="learned", zh="近邻距离", en="KNN distance")
class KnnDistance:
    """How far an operating point is from all that was seen: its distance from the nearest remembered healthy states.

    Parameters
    ----------
    neighbours : float [1]
        Which of the nearest states counts, whole, 1 <= neighbours <= 5. Default 3.
    memory : table [one column more than inputs; 6 … 2001 rows]
        Row 1: greatest distance in good health, then the standard deviations of the inputs. Each further row is a healthy
        state: its weight (not used here: a memory of aakr does), then its values in the units of the inputs. Must be given.

    Inputs
    ------
    x1 … x12 : value [any], NaN = bad: the outputs are NaN. Wire as many as the table has columns for.

    Returns
    -------
    distance : value [1]
    ratio : value [1]
    inside : bool

    Notes
    -----
    `distance` is the Euclidean distance, in standard deviations, from the nearest, second nearest … fifth nearest state, as
    `neighbours` says: a state that was seen once only does not make a point healthy where it is more than one. `ratio` is
    distance over the greatest in good health; `inside` is true while it is not above 1. Both are numbers outside as well: they
    are the distance. O(rows · inputs) per tick.

    References
    ----------
    .. [1] S. Ramaswamy, R. Rastogi, K. Shim, Efficient algorithms for mining outliers from large data sets, ACM SIGMOD 2000,
       427-438.
    .. [2] Q. P. He, J. Wang, Fault detection using the k-nearest neighbor rule for semiconductor manufacturing processes, IEEE
       Transactions on Semiconductor Manufacturing 20 (2007), 345-354.
    """

    inputs = (Input("x", many=12, unwired="nothing"),)
    params = (Param("neighbours", low=1.0, high=5.0, default=3.0, form="whole"),)
    table = Table("memory", least=6, check=check_neighbours)
    outputs = (Output("distance"), Output("ratio"), Output("inside", "bool"))
    bad = "propagate"

    @staticmethod
    def step(
        x1: float, x2: float, x3: float, x4: float, x5: float, x6: float,
        x7: float, x8: float, x9: float, x10: float, x11: float, x12: float,
        neighbours: float, table: NDArray[np.float64], at: int, rows: int, columns: int,
    ) -> tuple[float, float, float]:  # fmt: skip
        x = (x1, x2, x3, x4, x5, x6, x7, x8, x9, x10, x11, x12)
        for i in range(12):
            if (x[i] == x[i]) != (i + 1 < columns):
                return NAN, NAN, NAN
        a, b, c, d, e = LARGEST, LARGEST, LARGEST, LARGEST, LARGEST
        for state in range(1, rows):
            row, square = at + state * columns, 0.0
            for j in range(1, columns):
                z = (x[j - 1] - table[row + j]) / table[at + j]
                square += z * z
            if square < e:
                # Into its place among the nearest five, the others moving on.
                e = max(d, square)
                d = max(c, min(d, square))
                c = max(b, min(c, square))
                b = max(a, min(b, square))
                a = min(a, square)
        nearest = (a, b, c, d, e)
        distance = math.sqrt(nearest[int(neighbours) - 1])
        return distance, distance / table[at], 1.0 if distance <= table[at] else 0.0
