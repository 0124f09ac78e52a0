"""From healthy history to a table, to a block that tells what is not healthy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from headworks.base.errors import Invalid
from headworks.blocks import catalogue
from headworks.blocks.template import Binding, BlockNode, GraphTemplate, Instance, Output, Port, TableParameter, Text
from headworks.engine.learning import Learned, fit_aakr, fit_gmm, fit_knn, fit_pca, fit_regression
from headworks.engine.program import compile_program

pytestmark = pytest.mark.feature("PLT-08")

SECOND = 1_000_000
START = 1_700_000_000 * SECOND
Fit = Callable[..., Learned]


def plant(rows: int, seed: int) -> np.ndarray:
    """Return bearing temperature [℃], load [MW], oil and cooling water temperature [℃] of a healthy unit that runs at full load
    or at half of it."""
    rng = np.random.default_rng(seed)
    load = np.where(rng.random(rows) < 0.5, 300.0, 600.0) + rng.normal(0, 15, rows)
    water = rng.normal(20, 3, rows)
    oil = 30 + 0.02 * load + 0.5 * (water - 20) + rng.normal(0, 0.4, rows)
    bearing = 25 + 0.9 * oil + 0.01 * load + rng.normal(0, 0.5, rows)
    return np.column_stack([bearing, load, oil, water])


def apply(learned: Learned, x: np.ndarray) -> np.ndarray:
    """Return the outputs f64[output, t] of the block of a model, its table given by the instance."""
    spec = catalogue.get(learned.op)
    names = spec.input_names[: x.shape[1]]
    node = BlockNode(
        id="it", op=learned.op, inputs={n: f"in.{n}" for n in names}, params=dict(learned.params), table="$model"
    )
    template = GraphTemplate(
        code="t",
        title=Text(zh="一", en="One"),
        ports=tuple(Port(name=n) for n in names),
        tables=(TableParameter(name="model"),),
        blocks=(node,),
        outputs=tuple(Output(name=o.name, source=f"it.{o.name}") for o in spec.outputs),
    )
    instance = Instance(
        id=1,
        code="i",
        template="t",
        inputs={n: Binding(tag=i) for i, n in enumerate(names)},
        outputs={o.name: 1000 + i for i, o in enumerate(spec.outputs)},
        tables={"model": learned.table},
    )
    program = compile_program({"t": template}, [instance], np.arange(len(names), dtype=np.uint32), SECOND)
    ticks = START + np.arange(len(x)) * SECOND
    out = program.run(program.new_state(), ticks, np.ascontiguousarray(x), np.zeros(x.shape, np.uint32))
    return out.calc_value.T


def regression(x: np.ndarray, rate: float = 0.99, seed: int = 0) -> Learned:
    return fit_regression(x[:, 1:], x[:, 0], rate)


def pca(x: np.ndarray, rate: float = 0.99, seed: int = 0) -> Learned:
    return fit_pca(x, rate)


FITS: dict[str, Fit] = {
    "regression": regression,
    "pca_score": pca,
    "gmm_score": fit_gmm,
    "aakr": fit_aakr,
    "knn_distance": fit_knn,
}


@pytest.mark.parametrize("op", FITS)
@pytest.mark.parametrize("rate", [0.99, 0.95])
def test_healthy_operation_stays_inside_at_the_stated_rate(op: str, rate: float) -> None:
    learned = FITS[op](plant(8000, 1), rate=rate)
    assert learned.op == op
    *_, inside = apply(learned, plant(8000, 2))
    # Of 8,000 rows the share is known to about 0.003; where two limits overlap more stays inside.
    assert rate - 0.2 * (1 - rate) - 0.005 <= inside.mean() <= rate + 0.6 * (1 - rate) + 0.004


@pytest.mark.parametrize("op", FITS)
def test_a_drift_of_one_measurement_is_told(op: str) -> None:
    learned = FITS[op](plant(5000, 1))
    drifting = plant(1000, 3)
    drifting[500:, 0] += np.linspace(0, 12, 500)
    outputs = apply(learned, drifting)
    *_, inside = outputs
    if op == "regression":
        told = np.abs(outputs[1]) > 4
    elif op == "aakr":
        told = np.abs(outputs[1]) > 4 * learned.spread
    else:
        told = inside == 0
    assert told[:500].mean() < 0.02
    assert told[900:].mean() > 0.9
    if op in {"regression", "aakr"}:
        assert inside[900:].mean() > 0.95, "a fault of the judged value is no unknown operating point"


@pytest.mark.parametrize("op", FITS)
def test_a_load_that_was_never_seen_is_outside(op: str) -> None:
    learned = FITS[op](plant(5000, 1))
    beyond = plant(500, 4)
    beyond[:, 1] += 600
    beyond[:, 2] += 12
    beyond[:, 0] += 17
    outputs = apply(learned, beyond)
    assert outputs[-1].mean() < 0.1
    if op in {"regression", "aakr"}:
        assert np.isnan(outputs[1][outputs[-1] == 0]).all()


def test_a_load_between_two_that_were_seen_is_told_by_what_knows_of_densities() -> None:
    between = plant(500, 5)
    change = 450 - between[:, 1] + np.random.default_rng(6).normal(0, 5, 500)
    between[:, 1] += change
    between[:, 2] += 0.02 * change
    between[:, 0] += 0.028 * change
    inside = {op: apply(fit(plant(5000, 1)), between)[-1].mean() for op, fit in FITS.items()}
    assert inside["regression"] > 0.9
    assert inside["gmm_score"] < 0.05
    assert inside["knn_distance"] < 0.2


# --- what single models find -------------------------------------------------------------------------------------------


def test_regression_finds_the_line_that_made_the_data() -> None:
    rng = np.random.default_rng(7)
    x = rng.normal([5, -2], [2, 0.1], (4000, 2))
    learned = fit_regression(x, 3 + 2 * x[:, 0] - 40 * x[:, 1] + rng.normal(0, 0.25, 4000))
    (mean, spread, *_), first, second = learned.table
    assert spread == learned.spread == pytest.approx(0.25, rel=0.03)
    assert first[2] / first[1] == pytest.approx(2, abs=0.01)
    assert second[2] / second[1] == pytest.approx(-40, abs=0.2)
    assert mean - first[2] / first[1] * first[0] - second[2] / second[1] * second[0] == pytest.approx(3, abs=0.5)


def test_collinear_inputs_share_their_coefficient() -> None:
    rng = np.random.default_rng(8)
    x = rng.normal(0, 1, 1000)
    learned = fit_regression(np.column_stack([x, 2 * x]), 4 * x + rng.normal(0, 0.1, 1000))
    assert learned.table[1][2] == pytest.approx(learned.table[2][2])
    assert learned.table[1][2] + learned.table[2][2] == pytest.approx(4 * learned.table[1][1], rel=0.01)


def test_pca_finds_the_direction_that_varies_and_what_is_beside_it() -> None:
    rng = np.random.default_rng(9)
    common = rng.normal(0, 1, 5000)
    x = np.column_stack([common, -common, common]) + rng.normal(0, 0.1, (5000, 3))
    learned = fit_pca(x)
    assert len(learned.table) == 3
    assert learned.table[2][0] == pytest.approx(2.98, abs=0.02)
    np.testing.assert_allclose(np.abs(learned.table[2][1:]), 3**-0.5, atol=0.01)
    t2, q, inside = apply(learned, np.array([[0.0, 0, 0], [5, -5, 5], [1, 1, 1]]))
    assert inside.tolist() == [1, 0, 0]
    assert t2[1] > 20 > t2[2]
    assert q[2] > 1 > q[1]


def test_a_mixture_finds_the_densities_that_made_the_data() -> None:
    rng = np.random.default_rng(10)
    near = rng.multivariate_normal([0, 0], [[1, 0.8], [0.8, 1]], 6000)
    far = rng.multivariate_normal([9, 3], [[0.25, 0], [0, 4]], 2000)
    learned = fit_gmm(np.vstack([near, far]), components=2)
    mean, std = np.array(learned.table[0][1:]), np.array(learned.table[1][1:])
    parts = np.array(learned.table[2:]).reshape(2, 3, 3)
    parts = parts[np.argsort(-parts[:, 0, 0])]
    np.testing.assert_allclose(parts[:, 0, 0], [0.75, 0.25], atol=0.01)
    np.testing.assert_allclose(parts[:, 0, 1:] * std + mean, [[0, 0], [9, 3]], atol=0.15)
    covariances = [np.linalg.inv(p[1:, 1:].T @ p[1:, 1:]) * np.outer(std, std) for p in parts]
    np.testing.assert_allclose(covariances, [[[1, 0.8], [0.8, 1]], [[0.25, 0], [0, 4]]], atol=0.35)


def test_a_memory_holds_the_extremes_and_stands_for_all_rows() -> None:
    x = plant(3000, 11)
    memory = np.array(fit_aakr(x, size=80).table[1:])
    assert 70 <= len(memory) <= 80
    assert memory[:, 0].sum() == 3000
    np.testing.assert_array_equal(memory[:, 1:].min(axis=0), x.min(axis=0))
    np.testing.assert_array_equal(memory[:, 1:].max(axis=0), x.max(axis=0))
    assert {tuple(row) for row in memory[:, 1:]} <= {tuple(row) for row in x}


@pytest.mark.parametrize("op", FITS)
def test_the_same_history_gives_the_same_table(op: str) -> None:
    x = plant(1000, 12)
    gaps = np.insert(x, [5, 700], np.nan, axis=0)
    assert FITS[op](x, seed=1).table == FITS[op](gaps, seed=1).table


# --- refused -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("op", FITS)
def test_too_little_history_and_still_inputs_are_refused(op: str) -> None:
    x = plant(100, 13)
    with pytest.raises(Invalid, match=r"engine\.learned_history"):
        FITS[op](x[:49])
    with pytest.raises(Invalid, match=r"engine\.learned_history"):
        FITS[op](np.random.default_rng(0).normal(size=(500, 13)))
    still = x.copy()
    still[:, 2] = 0.1
    with pytest.raises(Invalid, match=r"engine\.learned_still") as e:
        FITS[op](still)
    assert e.value.params == {"input": 3}
    for rate in (0.2, 1.0):
        with pytest.raises(Invalid, match=r"engine\.learned_rate"):
            FITS[op](x, rate=rate)


def test_sizes_that_cannot_be_are_refused() -> None:
    x = plant(100, 14)
    for fit, wrong in (
        (fit_pca, {"components": 4}),
        (fit_gmm, {"components": 9}),
        (fit_aakr, {"size": 4}),
        (fit_knn, {"size": 2001}),
        (fit_knn, {"neighbours": 6}),
    ):
        with pytest.raises(Invalid, match=r"engine\.learned_rate"):
            fit(x, **wrong)  # type: ignore[operator]
