"""What the blocks of the families math and curve promise beyond the contract of all blocks."""

from __future__ import annotations

import math

import numpy as np
import pytest

from headworks.blocks.template import Rows

from .worked import NAN, only, problems, unit

pytestmark = pytest.mark.feature("PLT-08")

EIGHT = [f"x{i}" for i in range(1, 9)]


def test_a_balance_of_three_flows() -> None:
    flows = {"x1": [100.0, 100.0], "x2": [60.0, 60.0], "x3": [38.5, NAN]}
    assert only("add", flows) == [198.5, None]
    assert only("subtract", flows) == [1.5, None]


@pytest.mark.parametrize("op", ["add", "subtract"])
def test_to_a_temperature_only_a_difference_is_added(op: str) -> None:
    assert not problems(op, ["x1", "x2"], units={"x1": "℃", "x2": "K"})
    assert unit(op, {"x1": "℃", "x2": "K"}) == "℃"
    assert [p.code for p in problems(op, ["x1", "x2"], units={"x1": "℃", "x2": "℃"})] == ["engine.unit_clash"]
    assert not problems(op, ["x1", "x2", "x3"], units={"x1": "t/h", "x2": "t/h", "x3": "t/h"})
    assert unit("deviation", {"x": "℃", "reference": "℃"}) == "K"


def test_one_summand_is_too_few() -> None:
    assert [p.code for p in problems("add", ["x1"])] == ["engine.missing_input"]


def test_a_product_of_what_is_wired() -> None:
    assert only("multiply", {"x1": [3.0], "x5": [-0.5]}) == [-1.5]


def test_nothing_is_divided_by_what_is_too_small() -> None:
    found = only("divide", {"x": [1.0] * 5, "divisor": [4.0, 0.5, -0.5, 0.6, 0.0]}, {"min_divisor": 0.5})
    assert found == [0.25, None, None, pytest.approx(1 / 0.6), None]
    assert only("divide", {"x": [1.0, 0.0], "divisor": [0.0, -0.0]}) == [None, None]


def test_a_flow_from_its_differential_pressure() -> None:
    dp = [25.0, 100.0, 0.4, -0.4, -0.6, 0.0]
    assert only("square_root", {"x": dp}, {"gain": 40.0, "cutoff": 0.5}) == [200.0, 400.0, 0.0, 0.0, None, 0.0]
    assert only("square_root", {"x": [0.0, 4.0, -1.0]}) == [0.0, 2.0, None]


def test_powers_that_are_no_real_number_are_bad() -> None:
    x = [-8.0, 0.0, 4.0]
    assert only("power", {"x": x}, {"exponent": 3}) == [-512.0, 0.0, 64.0]
    assert only("power", {"x": x}, {"exponent": 0.5}) == [None, 0.0, 2.0]
    assert only("power", {"x": x}, {"exponent": -1, "gain": 2}) == [-0.25, None, 0.5]
    assert only("power", {"x": [NAN, 0.0, 5.0]}, {"exponent": 0}) == [None, 1.0, 1.0]


def test_logarithms_and_their_opposite() -> None:
    assert only("logarithm", {"x": [1000.0, 1.0, 0.0, -1.0]}, {"gain": 20}) == [60.0, 0.0, None, None]
    assert only("logarithm", {"x": [math.e**2]}, {"base": math.e}) == [pytest.approx(2.0, rel=1e-15)]
    assert only("logarithm", {"x": [1024.0]}, {"base": 2}) == [10.0]
    found = only("exponential", {"x": [0.0, 2.0, 800.0]}, {"rate": 0.5, "gain": 3})
    assert found == [3.0, pytest.approx(3 * math.e, rel=1e-15), pytest.approx(3 * math.exp(400))]
    assert only("exponential", {"x": [800.0]}) == [None]


def test_a_unit_is_said_where_it_does_not_follow() -> None:
    assert only("convert", {"x": [100.0, -40.0]}, {"gain": 1.8, "offset": 32}) == [212.0, -40.0]
    assert unit("convert", {"x": "℃"}, gain=1.8) == "m"
    assert unit("gain_offset", {"x": "℃"}) == "℃"


def test_what_is_chosen_decides_and_the_other_may_be_bad() -> None:
    signals = {"choose": [1.0, 0.0, NAN, 1.0, 0.0], "a": [1.0, NAN, 1.0, NAN, 1.0], "b": [2.0, 2.0, 2.0, 2.0, NAN]}
    assert only("select", signals) == [1.0, 2.0, None, None, None]


def test_a_clamp_with_limits_crossed_ends_at_the_high_one() -> None:
    assert only("clamp", {"x": [-3.0, 0.5, 3.0, NAN]}, {"low": -1, "high": 2}) == [-1.0, 0.5, 2.0, None]
    assert only("clamp", {"x": [-3.0, 3.0]}, {"low": 2, "high": 1}) == [1.0, 1.0]


def test_of_several_values_the_good_ones_count() -> None:
    signals = {"x1": [5.0, NAN, NAN], "x3": [1.0, 1.0, NAN], "x8": [-4.0, 7.0, 7.0]}
    expected = {
        "minimum_of": [-4.0, 1.0, 7.0],
        "maximum_of": [5.0, 7.0, 7.0],
        "median_of": [1.0, 4.0, 7.0],
        "mean_of": [2 / 3, 4.0, 7.0],
    }
    for op, outputs in expected.items():
        assert only(op, signals) == outputs
        assert only(op, signals, {"least": 2}) == [*outputs[:2], None]


def test_the_median_of_any_eight_in_any_order() -> None:
    rng = np.random.default_rng(1)
    values = rng.integers(-4, 5, (500, 8)) * 0.5
    values[rng.random(values.shape) < 0.3] = NAN
    values = values[~np.isnan(values).all(axis=1)]
    found = only("median_of", dict(zip(EIGHT, values.T.tolist(), strict=True)))
    np.testing.assert_array_equal(np.array(found, float), np.nanmedian(values, axis=1))


# --- curves ------------------------------------------------------------------------------------------------------------

POINTS = ((0.0, 10.0), (2.0, 14.0), (3.0, 0.1), (7.0, -4.0))


def test_a_curve_goes_through_its_points_and_ends_level() -> None:
    x = [-9.0, 0.0, 0.5, 2.0, 2.5, 3.0, 5.0, 7.0, 99.0, NAN]
    y = [10.0, 10.0, 11.0, 14.0, pytest.approx(7.05), 0.1, pytest.approx(-1.95), -4.0, -4.0, None]
    assert only("piecewise_linear", {"x": x}, table=POINTS) == y


def test_a_level_piece_of_a_curve_is_level_to_the_last_bit() -> None:
    x = np.linspace(0.0, 1.0, 99).tolist()
    assert set(only("piecewise_linear", {"x": x}, table=((0.0, 0.1), (0.7, 0.1), (1.0, 0.1)))) == {0.1}


def test_a_polynomial_begins_with_its_constant() -> None:
    assert only("polynomial", {"x": [0.0, 2.0, -1.0, NAN]}, table=((1.0,), (-3.0,), (0.5,))) == [1.0, -3.0, 4.5, None]
    assert only("polynomial", {"x": [3.0]}, table=((7.0,),)) == [7.0]


def test_a_step_begins_where_it_says() -> None:
    assert only("lookup_steps", {"x": [-1.0, 0.0, 1.9, 2.0, 99.0]}, table=POINTS) == [10.0, 10.0, 10.0, 14.0, -4.0]
    assert only("lookup_steps", {"x": [-1.0, 1.0]}, table=((0.0, 5.0),)) == [5.0, 5.0]


MAP = ((0.0, 10.0, 20.0), (1.0, 100.0, 200.0), (2.0, 300.0, 600.0), (4.0, 0.0, 0.0))


@pytest.mark.parametrize(
    ("x", "y", "found"),
    [
        (10.0, 1.0, 100.0),
        (20.0, 2.0, 600.0),
        (15.0, 1.0, 150.0),
        (10.0, 1.5, 200.0),
        (15.0, 1.5, 300.0),
        (15.0, 3.0, 225.0),
        (0.0, 0.0, 100.0),
        (99.0, 1.5, 400.0),
        (15.0, 99.0, 0.0),
        (NAN, 1.0, None),
        (10.0, NAN, None),
    ],
)
def test_a_map_is_linear_both_ways_and_level_outside(x: float, y: float, found: float | None) -> None:
    assert only("lookup_map", {"x": [x], "y": [y]}, table=MAP) == [found]


def test_a_map_with_one_row_or_column_is_a_curve() -> None:
    assert only("lookup_map", {"x": [15.0], "y": [9.0]}, table=MAP[:2]) == [150.0]
    narrow = tuple(row[:2] for row in MAP)
    assert only("lookup_map", {"x": [99.0], "y": [1.5]}, table=narrow) == [200.0]


@pytest.mark.parametrize(
    ("op", "table", "code", "said"),
    [
        ("piecewise_linear", ((0.0, 1.0), (2.0, 1.0), (2.0, 3.0)), "not_rising", {"row": 3, "column": 1, "found": 2.0}),
        ("piecewise_linear", ((0.0, 1.0),), "rows", {"least": 2}),
        ("piecewise_linear", ((0.0, 1.0), (2.0,)), "columns", {"row": 2, "columns": 2}),
        ("lookup_steps", ((3.0, 1.0), (2.0, 1.0)), "not_rising", {"row": 2, "found": 2.0, "before": 3.0}),
        ("lookup_map", ((0.0, 2.0, 1.0), (1.0, 0.0, 0.0)), "not_rising", {"row": 1, "column": 3}),
        ("lookup_map", ((0.0, 1.0), (1.0, 0.0), (0.5, 0.0)), "not_rising", {"row": 3, "column": 1}),
        ("lookup_map", ((0.0,), (1.0,)), "narrow", {"columns": 2}),
        ("polynomial", (), "rows", {"least": 1}),
    ],
)
def test_a_table_that_cannot_be_read_is_refused(op: str, table: Rows, code: str, said: dict[str, float]) -> None:
    (problem,) = problems(op, ["x", "y"] if op == "lookup_map" else ["x"], table=table)
    assert (problem.field, problem.code) == ("templates.t.blocks.it.table", f"engine.table_{code}")
    assert said.items() <= problem.params.items()


def test_an_axis_may_fall_below_the_corner_that_says_nothing() -> None:
    assert not problems("lookup_map", ["x", "y"], table=((5.0, 1.0, 2.0), (1.0, 0.0, 0.0)))
