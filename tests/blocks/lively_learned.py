"""Lively parameters of the family learned: three inputs each, so that few are bad at a time."""

from __future__ import annotations

from .lively import Lively

_MEMORY = (
    (3.1, 2.0, 3.0, 2.5),
    (1.0, 2.5, 2.5, 2.5),
    (4.0, -3.0, 2.0, 1.0),
    (2.0, 1.0, -4.0, 0.5),
    (1.0, -2.0, -3.0, -4.0),
    (3.0, 5.0, 4.0, 1.5),
    (1.0, -6.0, 0.5, -1.0),
)

LIVELY = {
    "regression": Lively(
        table=((1.0, 0.8, 0.0, -5.0, 6.0), (0.5, 2.0, 1.3, -5.0, 6.0), (-0.4, 3.0, -0.7, -6.0, 5.0)), wired=3
    ),
    "pca_score": Lively(
        table=(
            (4.0, 0.5, -0.5, 1.0),
            (2.5, 3.0, 2.0, 4.0),
            (1.9, 2 / 3, 2 / 3, 1 / 3),
            (0.7, 1 / 3, -2 / 3, 2 / 3),
        ),
        wired=3,
    ),
    "gmm_score": Lively(
        table=(
            (-6.0, 0.5, -0.5, 1.0),
            (2.2, 3.0, 2.0, 4.0),
            (0.7, 0.5, 0.2, 0.1),
            (0.0, 1.2, 0.0, 0.0),
            (0.0, -0.4, 0.9, 0.0),
            (0.0, 0.3, 0.2, 1.5),
            (0.3, -1.0, -0.7, 0.4),
            (0.0, 0.8, 0.0, 0.0),
            (0.0, 0.1, 1.1, 0.0),
            (0.0, 0.2, -0.5, 0.7),
        ),
        wired=3,
    ),
    "aakr": Lively({"bandwidth": 0.7}, table=_MEMORY, wired=3),
    "knn_distance": Lively({"neighbours": 2}, table=_MEMORY, wired=3),
}
