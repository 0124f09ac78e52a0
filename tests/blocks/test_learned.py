"""What the blocks of the family learned promise beyond the contract."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from headworks.base.errors import Invalid
from headworks.blocks.spec import REGISTRY
from headworks.blocks.template import Rows

from .lively import Lively
from .lively_learned import LIVELY
from .test_contract import SECOND, START, one_block

pytestmark = pytest.mark.feature("PLT-08")

NAN = float("nan")


def evaluate(op: str, table: Rows, *columns: list[float], params: Mapping[str, float] | None = None) -> np.ndarray:
    """Return the outputs f64[output, t] of a block whose inputs are `columns`."""
    program = one_block(REGISTRY[op], Lively(params or {}, table, wired=len(columns)))
    value = np.array(columns, float).T
    ticks = START + np.arange(len(value)) * SECOND
    return program.step(program.new_state(), ticks, value, np.zeros(value.shape, np.uint32)).calc_value.T


# --- what they say -----------------------------------------------------------------------------------------------------


def test_regression_judges_only_inside_what_was_learned() -> None:
    table = ((100.0, 2.0, 0.0, 90.0, 112.0), (50.0, 10.0, 5.0, 30.0, 80.0), (20.0, 4.0, -3.0, 10.0, 30.0))
    y, load, water = [100.0, 110, 102, 102, 50], [50.0, 70, 81, 80, 50], [20.0, 24, 20, 20, NAN]
    expected, score, inside = evaluate("regression", table, y, load, water)
    np.testing.assert_array_equal(expected, [100, 107, 115.5, 115, NAN])
    np.testing.assert_array_equal(score, [0, 1.5, NAN, NAN, NAN])
    np.testing.assert_array_equal(inside, [1, 1, 0, 0, NAN])


def test_pca_tells_far_from_unlike() -> None:
    half = 0.5**0.5
    table = ((9.0, 10.0, 20.0), (1.0, 1.0, 2.0), (1.8, half, half))
    t2, q, inside = evaluate("pca_score", table, [10.0, 13, 15, 11], [20.0, 26, 30, 18])
    np.testing.assert_allclose(t2, [0, 18 / 1.8, 50 / 1.8, 0], atol=1e-12)
    np.testing.assert_allclose(q, [0, 0, 0, 2], atol=1e-12)
    assert inside.tolist() == [1, 0, 0, 0]


def test_pca_tells_a_small_rest_beside_a_great_score() -> None:
    half = 0.5**0.5
    table = ((1e30, 0.0, 0.0), (1e-9, 1.0, 1.0), (1.0, half, half))
    _, q, inside = evaluate("pca_score", table, [1e6], [1e6 + 1e-3])
    assert q[0] == pytest.approx(0.5e-6, rel=1e-3)
    assert inside[0] == 0


def test_the_likelihood_of_one_density_is_that_of_the_normal_distribution() -> None:
    table = ((-4.0, 10.0, 0.0), (3.0, 2.0, 1.0), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 2.0))
    likelihood, distance, inside = evaluate("gmm_score", table, [10.0, 14, 1e9], [0.0, 0.5, 0])
    peak = -np.log(2 * np.pi) + np.log(2)
    np.testing.assert_allclose(likelihood, [peak, peak - (4 + 1) / 2, peak - (5e8 - 5) ** 2 / 2], rtol=1e-12)
    np.testing.assert_allclose(distance, [0, 5**0.5, 5e8 - 5], rtol=1e-12)
    assert inside.tolist() == [1, 1, 0]


def test_a_mixture_takes_the_nearer_density() -> None:
    table = ((-9.0, 0.0), (2.5, 1.0), (0.25, -3.0), (0.0, 1.0), (0.75, 5.0), (0.0, 2.0))
    likelihood, distance, inside = evaluate("gmm_score", table, [-3.0, 5.0, 1.0])
    normal = -0.5 * np.log(2 * np.pi)
    np.testing.assert_allclose(likelihood[:2], [normal + np.log(0.25), normal + np.log(1.5)], rtol=1e-7)
    np.testing.assert_allclose(distance, [0, 0, 4], atol=1e-12)
    assert inside.tolist() == [1, 1, 0]


MEMORY = ((1.5, 1.0, 2.0), (1.0, 10.0, 0.0), (1.0, 14.0, 4.0), (3.0, 20.0, 10.0), (1.0, 21.0, 11.0), (1.0, 22.0, 12.0))


def test_aakr_recalls_what_was_seen_and_judges_the_first_input_only() -> None:
    expected, residual, similarity, inside = evaluate(
        "aakr", MEMORY, [10.0, 14.0, 17.0, 10.0, 1e12], [0.0, 4.0, 4.0, -9.0, 0.0], params={"bandwidth": 0.3}
    )
    np.testing.assert_allclose(expected[:4], [10, 14, 14, 10], rtol=1e-9)
    np.testing.assert_allclose(residual[:3], [0, 0, 3], atol=1e-9)
    assert similarity[:2].tolist() == [1, 1]
    assert inside.tolist() == [1, 1, 1, 0, 1]
    assert np.isnan(residual[3])
    assert 20 <= expected[4] <= 22
    assert residual[4] == pytest.approx(1e12)


def test_aakr_weighs_states_by_likeness_and_by_what_they_stand_for() -> None:
    table = ((1.0, 1.0, 1.0), (1.0, 0.0, 0.0), (3.0, 1.0, 0.0))
    assert evaluate("aakr", table, [0.5], [0.0], params={"bandwidth": 1.0})[0, 0] == pytest.approx(0.75)
    near = np.exp(-0.02)
    far = 3 * np.exp(-0.32)
    found = evaluate("aakr", table, [0.2], [0.0], params={"bandwidth": 1.0})[0, 0]
    assert found == pytest.approx(far / (near + far))


@pytest.mark.parametrize("neighbours", [1, 2, 3, 4, 5])
def test_knn_takes_the_neighbour_it_is_told(neighbours: int) -> None:
    rng = np.random.default_rng(3)
    states = rng.normal(0, 3, (40, 2))
    table = ((1.2, 1.0, 2.0), *((1.0, *map(float, s)) for s in states))
    x = rng.normal(0, 4, (200, 2))
    distance, ratio, inside = evaluate("knn_distance", table, x[:, 0], x[:, 1], params={"neighbours": neighbours})
    expected = np.sort(np.hypot(x[:, :1] - states[:, 0], (x[:, 1:] - states[:, 1]) / 2), axis=1)[:, neighbours - 1]
    np.testing.assert_allclose(distance, expected, rtol=1e-12)
    np.testing.assert_allclose(ratio, expected / 1.2, rtol=1e-12)
    np.testing.assert_array_equal(inside, expected <= 1.2)


@pytest.mark.parametrize("op", LIVELY)
def test_a_model_for_more_or_fewer_inputs_than_are_wired_says_nothing(op: str) -> None:
    lively = LIVELY[op]
    right = evaluate(op, lively.table, *[[1.0]] * 3, params=lively.params)
    assert not np.isnan(right[-1])
    for wired in (2, 4):
        assert np.isnan(evaluate(op, lively.table, *[[1.0]] * wired, params=lively.params)).all()


# --- tables that are refused -------------------------------------------------------------------------------------------

REGRESSION = ((1.0, 0.8, 0.0, -5.0, 6.0), (0.5, 2.0, 1.3, -5.0, 6.0))
PCA = ((4.0, 0.5, -0.5, 1.0), (2.5, 3.0, 2.0, 4.0), (1.9, 0.6, 0.8, 0.0))
GMM = ((-6.0, 0.5, 1.0), (2.2, 3.0, 2.0), (1.0, 0.5, 0.2), (0.0, 1.2, 0.0), (0.0, -0.4, 0.9))
SIX = (MEMORY[0], *MEMORY[1:], MEMORY[1])


def changed(table: Rows, row: int, column: int, value: float) -> Rows:
    rows = [list(r) for r in table]
    rows[row][column] = value
    return tuple(tuple(r) for r in rows)


@pytest.mark.parametrize(
    ("op", "table", "code"),
    [
        ("regression", changed(REGRESSION, 0, 1, 0.0), "learned_positive"),
        ("regression", changed(REGRESSION, 1, 1, -1.0), "learned_positive"),
        ("regression", changed(REGRESSION, 1, 3, 6.0), "learned_range"),
        ("regression", REGRESSION[:1] + REGRESSION[1:] * 9, "learned_rows"),
        ("regression", REGRESSION[:1], "table_rows"),
        ("regression", tuple(r[:4] for r in REGRESSION), "table_columns"),
        ("pca_score", changed(PCA, 1, 2, 0.0), "learned_positive"),
        ("pca_score", changed(PCA, 0, 0, 0.0), "learned_positive"),
        ("pca_score", changed(PCA, 2, 0, -1.0), "learned_positive"),
        ("pca_score", changed(PCA, 2, 3, 0.5), "learned_loadings"),
        ("pca_score", (*PCA, PCA[2]), "learned_loadings"),
        ("pca_score", (*PCA, (1.0, 0.8, -0.6, 0.0), (1.0, 0.0, 0.0, 1.0)), "learned_rows"),
        ("pca_score", tuple(r[:2] for r in PCA), "learned_columns"),
        ("pca_score", tuple((1.0,) * 14 for _ in range(3)), "learned_columns"),
        ("gmm_score", changed(GMM, 2, 0, 0.9), "learned_weights"),
        ("gmm_score", changed(GMM, 2, 0, 0.0), "learned_positive"),
        ("gmm_score", changed(GMM, 1, 0, 0.0), "learned_positive"),
        ("gmm_score", changed(GMM, 4, 2, 0.0), "learned_positive"),
        ("gmm_score", changed(GMM, 3, 2, 0.1), "learned_triangle"),
        ("gmm_score", changed(GMM, 3, 0, 0.1), "learned_triangle"),
        ("gmm_score", GMM[:4], "learned_rows"),
        ("aakr", changed(MEMORY, 0, 2, 0.0), "learned_positive"),
        ("aakr", changed(MEMORY, 3, 0, 0.0), "learned_positive"),
        ("aakr", tuple(r[:2] for r in MEMORY), "learned_columns"),
        ("aakr", MEMORY[:1] + MEMORY[1:2] * 2001, "learned_rows"),
        ("knn_distance", changed(SIX, 0, 0, 0.0), "learned_positive"),
        ("knn_distance", MEMORY[:5], "table_rows"),
        ("knn_distance", MEMORY[:1] + MEMORY[1:2] * 2001, "learned_rows"),
    ],
)
def test_a_table_that_cannot_be_a_model_is_refused(op: str, table: Rows, code: str) -> None:
    with pytest.raises(Invalid) as e:
        one_block(REGISTRY[op], Lively(table=table, wired=2))
    assert [p.code for p in e.value.problems] == [f"engine.{code}"]
