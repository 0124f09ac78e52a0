"""What the blocks of the family learned mean."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from headworks.engine.oracles.spec import F8, Past, oracle


def _wired(inputs: list[F8], number: int) -> tuple[F8, NDArray[np.bool_]]:
    """Return the inputs f64[t, number] a model is for, and at which ticks they cannot be used."""
    x, more = np.array(inputs[:number]).T, np.array(inputs[number:]).reshape(-1, len(inputs[0])).T
    return x, np.asarray(np.isnan(x).any(axis=1) | ~np.isnan(more).all(axis=1))


def _without(bad: NDArray[np.bool_], *outputs: F8) -> tuple[tuple[F8, ...], int]:
    return tuple(np.where(bad, np.nan, y) for y in outputs), 0


@oracle("regression")
def regression(past: Past) -> tuple[tuple[F8, ...], int]:
    y, (of_y, *of_x) = past.inputs[0], past.table
    mean, std, coefficient, low, high = np.array(of_x).T
    x, bad = _wired(past.inputs[1:], len(of_x))
    expected = of_y[0] + ((x - mean) / std * coefficient).sum(axis=1)
    inside = ((x >= low) & (x <= high)).all(axis=1) & (expected >= of_y[3]) & (expected <= of_y[4])
    return _without(bad | np.isnan(y), expected, np.where(inside, (y - expected) / of_y[1], np.nan), inside * 1.0)


@oracle("pca_score")
def pca_score(past: Past) -> tuple[tuple[F8, ...], int]:
    table = past.table
    x, bad = _wired(past.inputs, table.shape[1] - 1)
    z = (x - table[0, 1:]) / table[1, 1:]
    loadings = table[2:, 1:]
    scores = z @ loadings.T
    t2 = (scores**2 / table[2:, 0]).sum(axis=1)
    q = ((z - scores @ loadings) ** 2).sum(axis=1)
    return _without(bad, t2, q, 1.0 * ((t2 <= table[0, 0]) & (q <= table[1, 0])))


@oracle("gmm_score")
def gmm_score(past: Past) -> tuple[tuple[F8, ...], int]:
    table, k = past.table, past.table.shape[1] - 1
    x, bad = _wired(past.inputs, k)
    z = (x - table[0, 1:]) / table[1, 1:]
    parts, distances = [], []
    for component in table[2:].reshape(-1, k + 1, k + 1):
        precision = component[1:, 1:].T @ component[1:, 1:]
        away = z - component[0, 1:]
        squared = np.einsum("ti,ij,tj->t", away, precision, away)
        log_det = np.linalg.slogdet(precision)[1]
        parts.append(np.log(component[0, 0]) + 0.5 * (log_det - squared - k * np.log(2 * np.pi)))
        distances.append(np.sqrt(squared))
    likelihood = np.logaddexp.reduce(np.where(bad, 0.0, parts))
    distance = np.min(distances, axis=0)
    return _without(bad, likelihood, distance, 1.0 * ((likelihood >= table[0, 0]) & (distance <= table[1, 0])))


def _distances(x: F8, table: F8, first: int) -> F8:
    """Return the squared distances [t, state] of the inputs from `first` on."""
    apart = (x[:, None, first:] - table[None, 1:, 1 + first :]) / table[0, 1 + first :]
    return np.asarray((apart**2).sum(axis=2))


@oracle("aakr")
def aakr(past: Past) -> tuple[tuple[F8, ...], int]:
    table, bandwidth = past.table, past.params[0]
    x, bad = _wired(past.inputs, table.shape[1] - 1)
    squared = _distances(x, table, 0) / (2 * bandwidth**2)
    least = squared.min(axis=1)
    weight = table[1:, 0] * np.exp(least[:, None] - squared)
    expected = (weight * table[1:, 1]).sum(axis=1) / weight.sum(axis=1)
    inside = np.sqrt(_distances(x, table, 1).min(axis=1)) <= table[0, 0]
    residual = np.where(inside, x[:, 0] - expected, np.nan)
    return _without(bad, expected, residual, np.exp(-least), inside * 1.0)


@oracle("knn_distance")
def knn_distance(past: Past) -> tuple[tuple[F8, ...], int]:
    x, bad = _wired(past.inputs, past.table.shape[1] - 1)
    distance = np.sqrt(np.sort(_distances(x, past.table, 0), axis=1)[:, int(past.params[0]) - 1])
    ratio = distance / past.table[0, 0]
    return _without(bad, distance, ratio, 1.0 * (ratio <= 1))
