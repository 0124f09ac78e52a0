"""Learns the tables of the blocks of the family learned from healthy history; NumPy only.

A history is f64[n, inputs], a row for each moment; rows with a missing value do not count. `rate` is the share of it that
shall be inside what was learned: limits are quantiles, shared out so that all of them together keep at least that share (of
a memory, of the half of the rows that it was not chosen from). Healthy operation that comes later stays inside at about this
rate as long as it is like the history. Everything random takes a `seed`: the same history gives the same table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from headworks.base.errors import Invalid
from headworks.blocks.learned import MOST_INPUTS
from headworks.blocks.learned_density import MOST_REMEMBERED

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]
Table = tuple[tuple[float, ...], ...]

LEAST_ROWS = 50
MOST_ROWS = 20_000  # a memory is chosen from so many rows at most
FLOOR = 1e-12


@dataclass(frozen=True, slots=True)
class Learned:
    """What was learned: the block it is for, its table and parameters; `rows` that were used, and `spread`, the standard
    deviation of what the model leaves of the judged value in good health (regression, aakr)."""

    op: str
    table: Table
    params: Mapping[str, float] = field(default_factory=dict)
    rows: int = 0
    spread: float = float("nan")


def fit_regression(x: F8, y: F8, rate: float = 0.99) -> Learned:
    """Learn what y is from inputs x f64[n, 1 … 8]: block `regression`.

    Ordinary least squares over standardised inputs, of the smallest norm where inputs are collinear. The range of an input, and
    of the expectation, is that between equal tails.

    Source: NIST/SEMATECH e-Handbook of Statistical Methods, 4.4.3 (least squares), 4.4.4 (residuals).
    """
    data, mean, std = _healthy(np.column_stack([np.asarray(y, float), np.asarray(x, float)]), rate, 2, 9)
    z, target = (data[:, 1:] - mean[1:]) / std[1:], data[:, 0] - mean[0]
    coefficient = np.linalg.lstsq(z, target, rcond=1e-9)[0]
    expected = mean[0] + z @ coefficient
    rows, inputs = z.shape
    spread = max(float(np.sqrt(np.sum((data[:, 0] - expected) ** 2) / (rows - inputs - 1))), 1e-9 * float(std[0]))
    tail = (1 - rate) / (2 * (inputs + 1))
    low, high = np.quantile(np.column_stack([expected, data[:, 1:]]), [tail, 1 - tail], axis=0)
    if not low[0] < high[0]:  # no input says anything of y
        low[0], high[0] = mean[0] - spread, mean[0] + spread
    columns = (
        np.r_[mean[0], mean[1:]],
        np.r_[spread, std[1:]],
        np.r_[0.0, coefficient],
        low,
        high,
    )
    return Learned("regression", _table(np.column_stack(columns)), rows=rows, spread=spread)


def fit_pca(x: F8, rate: float = 0.99, variance: float = 0.9, components: int = 0) -> Learned:
    """Learn the principal components of inputs x f64[n, 2 … 12]: block `pca_score`.

    Of the correlation matrix, as many as explain the share `variance` (or `components` of them), fewer than inputs. The limits
    of T² and Q are quantiles, which assumes no distribution.

    Source: Jackson and Mudholkar, Technometrics 21 (1979), 341-349; MacGregor and Kourti, Control Engineering Practice 3 (1995),
    403-414.
    """
    data, mean, std = _healthy(x, rate, 2, MOST_INPUTS)
    z = (data - mean) / std
    values, vectors = np.linalg.eigh(z.T @ z / (len(z) - 1))
    values, vectors = np.maximum(values[::-1], FLOOR), vectors[:, ::-1]
    number = components or int(np.searchsorted(np.cumsum(values) / values.sum(), variance) + 1)
    number = min(number, len(values) - 1) if not components else number
    if not 1 <= number < len(values):
        raise Invalid("engine.learned_rate", param="components", value=number)
    # An eigenvector may point either way: its greatest loading is positive, so that equal histories give equal tables.
    loadings = vectors[:, :number].T
    loadings = loadings * np.sign(loadings[np.arange(number), np.abs(loadings).argmax(axis=1)])[:, None]
    scores = z @ loadings.T
    t2 = np.sum(scores**2 / values[:number], axis=1)
    q = np.sum((z - scores @ loadings) ** 2, axis=1)
    limits = np.maximum(np.quantile([t2, q], 1 - (1 - rate) / 2, axis=1), FLOOR)
    head = np.column_stack([limits, np.array([mean, std])])
    return Learned("pca_score", _table(np.vstack([head, np.column_stack([values[:number], loadings])])), rows=len(z))


# --- mixtures ----------------------------------------------------------------------------------------------------------


def fit_gmm(
    x: F8, rate: float = 0.99, components: int = 3, seed: int = 0, starts: int = 3, turns: int = 200
) -> Learned:
    """Learn a mixture of Gaussian densities of inputs x f64[n, 1 … 12]: block `gmm_score`.

    Expectation-maximisation of full covariances from the best of `starts` beginnings, until the mean log-likelihood grows by
    less than 1e-6; 1e-6 is added to every variance (of standardised inputs), so that no density collapses onto a point.

    Source: C. M. Bishop, Pattern Recognition and Machine Learning, Springer 2006, 9.2.2.
    """
    data, mean, std = _healthy(x, rate, 1, MOST_INPUTS)
    if not 1 <= components <= len(data) // (10 * data.shape[1]):
        raise Invalid("engine.learned_rate", param="components", value=components)
    z = (data - mean) / std
    rng = np.random.default_rng(seed)
    fits = [_mixture(z, _spread_out(z, components, rng), turns) for _ in range(starts)]
    weights, centres, whitening, _ = max(fits, key=lambda fit: fit[3])
    parts, squares = _log_parts(z, weights, centres, whitening)
    tail = (1 - rate) / 2
    least = float(np.quantile(np.logaddexp.reduce(parts, axis=1), tail))
    farthest = float(np.quantile(np.sqrt(squares.min(axis=1)), 1 - tail))
    table = [np.r_[least, mean], np.r_[max(farthest, FLOOR), std]]
    for weight, centre, matrix in zip(weights, centres, whitening, strict=True):
        table += [np.r_[weight, centre], *(np.r_[0.0, row] for row in matrix)]
    return Learned("gmm_score", _table(np.array(table)), rows=len(z))


def _mixture(z: F8, centres: F8, turns: int) -> tuple[F8, F8, F8, float]:
    """Return weights, means, inverse Cholesky factors of the covariances, and the mean log-likelihood, from given means."""
    share = np.zeros((len(z), len(centres)))
    share[np.arange(len(z)), _squares(z, centres).argmin(axis=1)] = 1.0
    before = -np.inf
    for _ in range(turns):
        weights, centres, whitening = _maximise(z, share + 1e-12)
        parts, _ = _log_parts(z, weights, centres, whitening)
        each = np.logaddexp.reduce(parts, axis=1)
        share = np.exp(parts - each[:, None])
        now = float(each.mean())
        if now - before < 1e-6:
            break
        before = now
    return weights, centres, whitening, now


def _maximise(z: F8, share: F8) -> tuple[F8, F8, F8]:
    inputs = z.shape[1]
    amount = share.sum(axis=0)
    centres = share.T @ z / amount[:, None]
    whitening = np.empty((len(amount), inputs, inputs))
    for k, centre in enumerate(centres):
        away = z - centre
        covariance = (share[:, k, None] * away).T @ away / amount[k] + 1e-6 * np.eye(inputs)
        whitening[k] = np.tril(np.linalg.inv(np.linalg.cholesky(covariance)))
    return amount / amount.sum(), centres, whitening


def _log_parts(z: F8, weights: F8, centres: F8, whitening: F8) -> tuple[F8, F8]:
    """Return of each row and density the logarithm of its part of the density, and the squared Mahalanobis distance."""
    parts, squares = np.empty((len(z), len(weights))), np.empty((len(z), len(weights)))
    for k, matrix in enumerate(whitening):
        squares[:, k] = np.sum(((z - centres[k]) @ matrix.T) ** 2, axis=1)
        volume = np.log(weights[k]) + np.log(np.diag(matrix)).sum() - 0.5 * z.shape[1] * np.log(2 * np.pi)
        parts[:, k] = volume - 0.5 * squares[:, k]
    return parts, squares


# --- memories ----------------------------------------------------------------------------------------------------------


def fit_aakr(x: F8, rate: float = 0.99, size: int = 200, seed: int = 0, bandwidth: float = 0.0) -> Learned:
    """Learn a memory of states of inputs x f64[n, 2 … 12], of which the first is to be judged: block `aakr`.

    The memory holds the rows with the extremes of every input, and the rows nearest to the centres of as many clusters as are
    left of `size`, each weighted by the rows it stands for. They are chosen from one half of the history; the other half gives
    the limit, the quantile of its distance in the other inputs, and the bandwidth if none is given: that with which these others
    alone tell the first input best, so that it is not chosen to follow the first input itself.

    Source: Hines, Garvey, Seibert and Usynin, NUREG/CR-6895 vol. 2 (2008) (memory by min-max and vector ordering, bandwidth).
    """
    data, mean, std = _healthy(x, rate, 2, MOST_INPUTS)
    memory, weights, rest = _memory(data, mean, std, size, seed)
    z, states = rest / std, memory / std
    others = _squares(z[:, 1:], states[:, 1:])
    limit, usual = np.quantile(np.sqrt(others.min(axis=1)), [rate, 0.5])
    if not bandwidth:
        tried = np.clip(max(usual, FLOOR) * 2.0 ** np.arange(-2, 4.1, 0.5), 1e-3, 1e3)
        errors = [np.mean((rest[:, 0] - _recalled(others, weights, memory[:, 0], h)) ** 2) for h in tried]
        bandwidth = float(tried[int(np.argmin(errors))])
    left = rest[:, 0] - _recalled(_squares(z, states), weights, memory[:, 0], bandwidth)
    table = np.vstack([np.r_[max(float(limit), FLOOR), std], np.column_stack([weights, memory])])
    return Learned("aakr", _table(table), {"bandwidth": bandwidth}, len(data), float(np.sqrt(np.mean(left**2))))


def fit_knn(x: F8, rate: float = 0.99, neighbours: int = 3, size: int = 200, seed: int = 0) -> Learned:
    """Learn a memory of states of inputs x f64[n, 1 … 12]: block `knn_distance`.

    The memory is chosen as that of `fit_aakr`; the limit is the quantile of the distance of the other half of the history.

    Source: He and Wang, IEEE Transactions on Semiconductor Manufacturing 20 (2007), 345-354.
    """
    if not 1 <= neighbours <= 5:
        raise Invalid("engine.learned_rate", param="neighbours", value=neighbours)
    data, mean, std = _healthy(x, rate, 1, MOST_INPUTS)
    memory, weights, rest = _memory(data, mean, std, size, seed)
    distance = np.sqrt(np.partition(_squares(rest / std, memory / std), neighbours - 1, axis=1)[:, neighbours - 1])
    limit = max(float(np.quantile(distance, rate)), FLOOR)
    table = np.vstack([np.r_[limit, std], np.column_stack([weights, memory])])
    return Learned("knn_distance", _table(table), {"neighbours": float(neighbours)}, len(data))


def _memory(data: F8, mean: F8, std: F8, size: int, seed: int) -> tuple[F8, F8, F8]:
    """Return rows to remember, how many rows each stands for, and rows that had no part in choosing them."""
    if not 5 <= size <= MOST_REMEMBERED:
        raise Invalid("engine.learned_rate", param="size", value=size)
    rng = np.random.default_rng(seed)
    z = (data - mean) / std
    extremes = np.unique(np.r_[z.argmin(axis=0), z.argmax(axis=0)])[:size]
    shuffled = rng.permutation(np.setdiff1d(np.arange(len(z)), extremes))[:MOST_ROWS]
    half = shuffled[: len(shuffled) // 2]
    centres = _clusters(z[half], _spread_out(z[half], size - len(extremes), rng)) if size > len(extremes) else z[:0]
    chosen = np.union1d(extremes, half[_squares(z[half], centres).argmin(axis=0)])
    stands_for = np.bincount(_squares(z[np.union1d(chosen, shuffled)], z[chosen]).argmin(axis=1), minlength=len(chosen))
    return data[chosen], stands_for.astype(float), data[shuffled[len(half) :]]


def _clusters(z: F8, centres: F8, turns: int = 25) -> F8:
    """Return the centres of clusters (Lloyd's algorithm) from given ones; a cluster that lost all its rows keeps its centre."""
    for _ in range(turns):
        member = _squares(z, centres).argmin(axis=1)
        number = np.bincount(member, minlength=len(centres))
        sums = np.column_stack([np.bincount(member, column, len(centres)) for column in z.T])
        moved = np.where(number[:, None] > 0, sums / np.maximum(number, 1)[:, None], centres)
        if np.abs(moved - centres).max() < 1e-3:
            return moved
        centres = moved
    return centres


def _spread_out(z: F8, number: int, rng: np.random.Generator) -> F8:
    """Return `number` rows far from each other: each drawn with a chance that grows with the square of its distance from those
    before it (k-means++; Arthur and Vassilvitskii, SODA 2007)."""
    chosen = [int(rng.integers(len(z)))]
    square = np.sum((z - z[chosen[0]]) ** 2, axis=1)
    while len(chosen) < number and square.sum() > 0.0:
        chosen.append(int(rng.choice(len(z), p=square / square.sum())))
        square = np.minimum(square, np.sum((z - z[chosen[-1]]) ** 2, axis=1))
    return z[chosen]


def _recalled(squares: F8, weights: F8, values: F8, bandwidth: float) -> F8:
    likeness = weights * np.exp((squares.min(axis=1)[:, None] - squares) / (2 * bandwidth**2))
    mean: F8 = likeness @ values / likeness.sum(axis=1)
    return mean


def _squares(a: F8, b: F8) -> F8:
    """Return the squared distance of every row of `a` from every row of `b`."""
    found = np.zeros((len(a), len(b)))
    for column in range(a.shape[1]):
        found += (a[:, column, None] - b[None, :, column]) ** 2
    return found


# --- what is common ----------------------------------------------------------------------------------------------------


def _healthy(x: F8, rate: float, fewest: int, most: int) -> tuple[F8, F8, F8]:
    """Return the whole rows of a history, their means and standard deviations.

    Raises
    ------
    Invalid
        ``engine.learned_rate``, ``engine.learned_history`` or ``engine.learned_still``.
    """
    if not 0.5 <= rate < 1.0:
        raise Invalid("engine.learned_rate", param="rate", value=rate)
    data = np.asarray(x, float)
    data = data[:, None] if data.ndim == 1 else data
    data = data[np.isfinite(data).all(axis=1)]
    rows, inputs = data.shape
    least = max(LEAST_ROWS, 10 * inputs)
    if not (fewest <= inputs <= most) or rows < least:
        raise Invalid("engine.learned_history", rows=rows, inputs=inputs, least=least, fewest=fewest, most=most)
    mean = data.mean(axis=0)
    std = data.std(axis=0, ddof=1)
    if still := np.flatnonzero(std <= 1e-9 * np.abs(mean) + 1e-300).tolist():
        raise Invalid("engine.learned_still", input=still[0] + 1)
    return data, mean, std


def _table(rows: F8) -> Table:
    return tuple(tuple(map(float, row)) for row in rows)
