"""Blocks that apply what was learned from healthy operation: linear models. Density and memory models: `learned_density`.

The model of an instance is its table (`headworks.engine.learning` makes them). As many inputs as the table is for must be wired;
an output is NaN while one of these is not wired, or one more is.

Outside what was learned nothing can be said of one quantity by the others: the residual of ``regression`` and ``aakr`` is NaN
there, and `inside` is false. Where the score itself is the distance from what was learned (``pca_score``, ``gmm_score``,
``knn_distance``), it is a number everywhere.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from headworks.blocks.spec import NAN, Input, Output, Rows, Table, block

Wrong = tuple[str, dict[str, float | str]] | None

MOST_INPUTS = 12


def wrong(code: str, **params: float | str) -> Wrong:
    return code, params


def wrong_width(rows: Rows, least: int) -> Wrong:
    """Return what is wrong with the number of inputs a table is for: a value less than a row has."""
    inputs = len(rows[0]) - 1
    if least <= inputs <= MOST_INPUTS:
        return None
    return wrong("engine.learned_columns", columns=len(rows[0]), least=least + 1, most=MOST_INPUTS + 1)


def wrong_rows(rows: Rows, wanted: str) -> Wrong:
    return wrong("engine.learned_rows", rows=len(rows), wanted=wanted)


def not_positive(rows: Rows, row: int, first: int = 0) -> Wrong:
    """Return the first value of a row, from the column `first` on, that is not greater than 0."""
    for column, value in enumerate(rows[row][first:], first + 1):
        if not value > 0.0:
            return wrong("engine.learned_positive", row=row + 1, column=column, found=value)
    return None


# --- regression --------------------------------------------------------------------------------------------------------


def check_regression(rows: Rows) -> Wrong:
    if len(rows) > 9:
        return wrong_rows(rows, "2 … 9")
    for number, (_, std, _, low, high) in enumerate(rows, 1):
        if not std > 0.0:
            return wrong("engine.learned_positive", row=number, column=2, found=std)
        if not low < high:
            return wrong("engine.learned_range", row=number, low=low, high=high)
    return None


@block(family="learned", zh="回归预测")
class Regression:
    """What others lead to expect of a value, and how far it is from that: a linear model with the range it was learned in.

    Parameters
    ----------
    model : table [5 columns; one row for y, then one for each of x1 … x8]
        Of an input: mean, standard deviation, coefficient in unit(y) per standard deviation, lowest and highest value learned.
        Of y: what is expected where all inputs are at their means, standard deviation of the residual in good health, a value
        that is not used, lowest and highest expectation learned. Must be given.

    Inputs
    ------
    y : value [any], NaN = bad: the outputs are NaN.
    x1 … x8 : value [any], NaN = bad: the outputs are NaN. Wire as many as the table has rows for.

    Returns
    -------
    expected : value [unit(y)]
    score : value [1]
    inside : bool

    Notes
    -----
    `expected` is mean(y) + the sum of coefficient · (x - mean) / std, `score` (y - expected) / std(y). `inside` is true while
    every input and the expectation are within what was learned; while it is false `score` is NaN: the line goes on there, but
    nobody has seen whether the machine does. `inside` does not look at y, and at every input by itself: values that never came
    together are told by ``gmm_score`` or ``knn_distance``. O(inputs) per tick.

    References
    ----------
    .. [1] NIST/SEMATECH e-Handbook of Statistical Methods, 4.4.4 (residuals of a regression).
    .. [2] D. C. Montgomery, E. A. Peck, G. G. Vining, Introduction to Linear Regression Analysis, Wiley 2012, 3.8 (hidden
       extrapolation).
    """

    inputs = (Input("y"), Input("x", many=8, unwired="nothing"))
    table = Table("model", columns=5, least=2, check=check_regression)
    outputs = (Output("expected", unit="unit(y)"), Output("score"), Output("inside", "bool"))
    bad = "propagate"

    @staticmethod
    def step(
        y: float, x1: float, x2: float, x3: float, x4: float, x5: float, x6: float, x7: float, x8: float,
        table: NDArray[np.float64], at: int, rows: int,
    ) -> tuple[float, float, float]:  # fmt: skip
        x = (x1, x2, x3, x4, x5, x6, x7, x8)
        expected, inside = table[at], 1.0
        for i in range(8):
            if (x[i] == x[i]) != (i + 1 < rows):
                return NAN, NAN, NAN
            if i + 1 < rows:
                row = at + 5 * (i + 1)
                expected += table[row + 2] * ((x[i] - table[row]) / table[row + 1])
                if not (table[row + 3] <= x[i] <= table[row + 4]):
                    inside = 0.0
        if y != y:
            return NAN, NAN, NAN
        if not (table[at + 3] <= expected <= table[at + 4]):
            inside = 0.0
        return expected, (y - expected) / table[at + 1] if inside == 1.0 else NAN, inside


# --- principal components ----------------------------------------------------------------------------------------------


def check_pca(rows: Rows) -> Wrong:
    inputs, components = len(rows[0]) - 1, len(rows) - 2
    if fault := wrong_width(rows, least=2):
        return fault
    if not 1 <= components < inputs:
        return wrong_rows(rows, f"3 … {inputs + 1}")
    for value, row in ((rows[0][0], 1), *((r[0], n) for n, r in enumerate(rows[2:], 3))):
        if not value > 0.0:
            return wrong("engine.learned_positive", row=row, column=1, found=value)
    if fault := not_positive(rows, 1):
        return fault
    for a in range(components):
        for b in range(a + 1):
            product = math.fsum(p * q for p, q in zip(rows[a + 2][1:], rows[b + 2][1:], strict=True))
            if abs(product - (a == b)) > 1e-6:
                return wrong("engine.learned_loadings", one=b + 1, other=a + 1, product=product)
    return None


@block(family="learned", zh="主元分析得分", en="PCA score")
class PcaScore:
    """How far an operating point is from what was learned: Hotelling's T² within the principal components, Q beside them.

    Parameters
    ----------
    model : table [one column more than inputs; 3 rows or more]
        Row 1: limit of T², then the means of the inputs. Row 2: limit of Q, then their standard deviations. Each further row is
        a component: its eigenvalue, then its loadings; components are orthonormal, and fewer than inputs. Must be given.

    Inputs
    ------
    x1 … x12 : value [any], NaN = bad: the outputs are NaN. Wire as many as the table has columns for.

    Returns
    -------
    t2 : value [1]
    q : value [1]
    inside : bool

    Notes
    -----
    z = (x - mean) / std, scores t = loadings · z. `t2` is the sum of t² / eigenvalue: far along what varies in good health,
    another load or season. `q` is the squared length of what of z the components do not explain: the inputs do not go together
    as they did, a fault of one of them or of the machine. `inside` is true while neither is above its limit. t2 and q are numbers
    outside as well: they are the distance. O(components · inputs²) per tick.

    References
    ----------
    .. [1] J. E. Jackson, G. S. Mudholkar, Control procedures for residuals associated with principal component analysis,
       Technometrics 21 (1979), 341-349.
    .. [2] J. F. MacGregor, T. Kourti, Statistical process control of multivariate processes, Control Engineering Practice 3
       (1995), 403-414.
    """

    inputs = (Input("x", many=12, unwired="nothing"),)
    table = Table("model", least=3, check=check_pca)
    outputs = (Output("t2"), Output("q"), Output("inside", "bool"))
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
        t2, q = 0.0, 0.0
        for component in range(2, rows):
            row, score = at + component * columns, 0.0
            for j in range(1, columns):
                score += table[row + j] * ((x[j - 1] - table[at + j]) / table[at + columns + j])
            t2 += score * score / table[row]
        # What is left of each input by itself: from sums of squares a small rest could not be told.
        for i in range(1, columns):
            left = (x[i - 1] - table[at + i]) / table[at + columns + i]
            for component in range(2, rows):
                row, score = at + component * columns, 0.0
                for j in range(1, columns):
                    score += table[row + j] * ((x[j - 1] - table[at + j]) / table[at + columns + j])
                left -= score * table[row + i]
            q += left * left
        return t2, q, 1.0 if t2 <= table[at] and q <= table[at + columns] else 0.0
