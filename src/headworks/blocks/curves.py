"""Blocks that read a value from a curve or a table."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from headworks.blocks.spec import NAN, Input, Rows, Table, block

Wrong = tuple[str, dict[str, float | str]]


def wrong(code: str, **params: float | str) -> Wrong:
    return code, params


def check_points(rows: Rows) -> Wrong | None:
    """Say where the first column does not rise."""
    for number in range(1, len(rows)):
        if rows[number][0] <= rows[number - 1][0]:
            found, before = rows[number][0], rows[number - 1][0]
            return wrong("engine.table_not_rising", row=number + 1, column=1, found=found, before=before)
    return None


def check_map(rows: Rows) -> Wrong | None:
    """Say where one of the axes, the first row and the first column, does not rise, or that there is nothing but an axis."""
    if len(rows[0]) < 2:
        return wrong("engine.table_narrow", columns=2)
    for number in range(2, len(rows[0])):
        if rows[0][number] <= rows[0][number - 1]:
            found, before = rows[0][number], rows[0][number - 1]
            return wrong("engine.table_not_rising", row=1, column=number + 1, found=found, before=before)
    for number in range(2, len(rows)):
        if rows[number][0] <= rows[number - 1][0]:
            found, before = rows[number][0], rows[number - 1][0]
            return wrong("engine.table_not_rising", row=number + 1, column=1, found=found, before=before)
    return None


def find_place(table: NDArray[np.float64], at: int, stride: int, count: int, x: float) -> int:
    """Return how many of the `count` rising values at places `at`, `at` + `stride` … are <= x."""
    low, high = 0, count
    while low < high:
        between = (low + high) // 2
        if table[at + between * stride] <= x:
            low = between + 1
        else:
            high = between
    return low


def place_between(table: NDArray[np.float64], at: int, stride: int, count: int, x: float) -> tuple[int, int, float]:
    """Return the numbers of the two values that x lies between, and what share of the way from the first to the second it is;
    outside, the nearest value twice."""
    after = find_place(table, at, stride, count, x)
    if after == 0:
        return 0, 0, 0.0
    if after == count:
        return count - 1, count - 1, 0.0
    before = table[at + (after - 1) * stride]
    return after - 1, after, (x - before) / (table[at + after * stride] - before)


@block(family="curve", zh="折线函数")
class PiecewiseLinear:
    """A curve through points with straight lines between them: a pump curve, the volume of a tank by its level.

    Parameters
    ----------
    points : table [unit(x), given]
        The points of the curve: a row each, x and y, by rising x; two or more.

    Inputs
    ------
    x : value [any], NaN = bad: the output is NaN.

    Returns
    -------
    value [given]

    Notes
    -----
    y0 + (y1 - y0) · (x - x0) / (x1 - x0) between the points (x0, y0) and (x1, y1); before the first point its y, beyond the
    last one its y. At a point it is that y exactly. A search by halves: O(log points) per tick.

    References
    ----------
    .. [1] C. de Boor, A Practical Guide to Splines, revised edition (2001), chapter III (piecewise linear approximation).
    """

    inputs = (Input("x"),)
    table = Table("points", columns=2, least=2, check=check_points)
    output = "value"
    unit = "given"
    bad = "propagate"
    uses = (find_place, place_between)

    @staticmethod
    def step(x: float, table: NDArray[np.float64], at: int, rows: int) -> tuple[float]:
        if x != x:
            return (NAN,)
        low, high, share = place_between(table, at, 2, rows, x)
        y = table[at + 2 * low + 1]
        return (y + (table[at + 2 * high + 1] - y) * share,)


@block(family="curve", zh="多项式")
class Polynomial:
    """A polynomial of a value: a correction, the curve of a valve.

    Parameters
    ----------
    coefficients : table [given]
        The coefficients: a row each, the constant first, then those of x, x² and so on.

    Inputs
    ------
    x : value [any], NaN = bad: the output is NaN.

    Returns
    -------
    value [given]

    Notes
    -----
    a0 + a1·x + a2·x² + … by Horner's rule. O(coefficients) per tick.

    References
    ----------
    .. [1] D. E. Knuth, The Art of Computer Programming, volume 2, 3rd edition (1997), 4.6.4 (evaluation of polynomials).
    """

    inputs = (Input("x"),)
    table = Table("coefficients", columns=1)
    output = "value"
    unit = "given"
    bad = "propagate"

    @staticmethod
    def step(x: float, table: NDArray[np.float64], at: int, rows: int) -> tuple[float]:
        if x != x:
            return (NAN,)
        y = 0.0
        for place in range(at + rows - 1, at - 1, -1):
            y = y * x + table[place]
        return (y,)


@block(family="curve", zh="分段查表")
class LookupSteps:
    """A table of steps: the value that belongs to the class x is in, as the limit that a load range has.

    Parameters
    ----------
    steps : table [unit(x), given]
        The steps: a row each, where it begins and its value, by rising beginning.

    Inputs
    ------
    x : value [any], NaN = bad: the output is NaN.

    Returns
    -------
    value [given]

    Notes
    -----
    The value of the last step that begins at or below x; before the first step its value. A search by halves: O(log steps)
    per tick.

    References
    ----------
    .. [1] W. H. Press et al., Numerical Recipes, 3rd edition (2007), 3.1 (searching an ordered table).
    """

    inputs = (Input("x"),)
    table = Table("steps", columns=2, check=check_points)
    output = "value"
    unit = "given"
    bad = "propagate"
    uses = (find_place,)

    @staticmethod
    def step(x: float, table: NDArray[np.float64], at: int, rows: int) -> tuple[float]:
        if x != x:
            return (NAN,)
        found = find_place(table, at, 2, rows, x)
        return (table[at + 2 * max(found - 1, 0) + 1],)


@block(family="curve", zh="二维查表", en="Map of two values")
class LookupMap:
    """A table over two values with straight lines between its points: a characteristic map, a correction by load and season.

    Parameters
    ----------
    map : table [unit(x), unit(y), given]
        The first row is the axis of x, the first column that of y, both rising; their common place says nothing. The others
        are the values: each in the row of its y and the column of its x.

    Inputs
    ------
    x : value [any], NaN = bad: the output is NaN.
    y : value [any], NaN = bad: the output is NaN.

    Returns
    -------
    value [given]

    Notes
    -----
    Bilinear between the four points around (x, y): linear in x in both rows, then linear in y. Outside an axis as at its end.
    At a point it is that value exactly. Two searches by halves: O(log rows + log columns) per tick.

    References
    ----------
    .. [1] W. H. Press et al., Numerical Recipes, 3rd edition (2007), 3.6 (bilinear interpolation on a grid).
    """

    inputs = (Input("x"), Input("y"))
    table = Table("map", least=2, check=check_map)
    output = "value"
    unit = "given"
    bad = "propagate"
    uses = (find_place, place_between)

    @staticmethod
    def step(x: float, y: float, table: NDArray[np.float64], at: int, rows: int, columns: int) -> tuple[float]:
        if x != x or y != y:
            return (NAN,)
        left, right, along = place_between(table, at + 1, 1, columns - 1, x)
        upper, lower, down = place_between(table, at + columns, columns, rows - 1, y)
        first = at + (upper + 1) * columns + 1
        second = at + (lower + 1) * columns + 1
        above = table[first + left] + (table[first + right] - table[first + left]) * along
        below = table[second + left] + (table[second + right] - table[second + left]) * along
        return (above + (below - above) * down,)
