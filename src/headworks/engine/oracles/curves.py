"""What the blocks of the family curve mean."""

from __future__ import annotations

import numpy as np

from headworks.engine.oracles.spec import F8, Past, oracle


@oracle("piecewise_linear")
def piecewise_linear(past: Past) -> tuple[F8, int]:
    return np.interp(past.inputs[0], past.table[:, 0], past.table[:, 1]), 0


@oracle("polynomial")
def polynomial(past: Past) -> tuple[F8, int]:
    powers = past.inputs[0][:, None] ** np.arange(len(past.table))
    return np.where(np.isnan(past.inputs[0]), np.nan, powers @ past.table[:, 0]), 0


@oracle("lookup_steps")
def lookup_steps(past: Past) -> tuple[F8, int]:
    x = past.inputs[0]
    begun = np.maximum((x[:, None] >= past.table[:, 0]).sum(axis=1), 1)
    return np.where(np.isnan(x), np.nan, past.table[begun - 1, 1]), 0


@oracle("lookup_map")
def lookup_map(past: Past) -> tuple[F8, int]:
    x, y = past.inputs
    across, down = past.table[0, 1:], past.table[1:, 0]
    in_rows = np.array([np.interp(x, across, row) for row in past.table[1:, 1:]])
    return np.array([np.interp(v, down, column) for v, column in zip(y, in_rows.T, strict=True)]), 0
