"""Near codes: the same for few and for many, and quickly."""

from __future__ import annotations

import time

import pytest

from headworks.control.twin.near import Near

pytestmark = pytest.mark.feature("PLT-06")

MANY = [
    f"{unit}{system}{number}CT{n:03d}"
    for unit in "12"
    for system in ("LAC", "HFC")
    for number in (10, 20)
    for n in range(400)
]


def test_a_slip_finds_what_was_meant_among_many() -> None:
    near = Near(MANY)

    assert near("2LAC10CT01")[0] in ("2LAC10CT001", "2LAC10CT010", "2LAC10CT011")
    assert near("2lac10ct005")[0] == "2LAC10CT005", "letters of the other case are nearest"
    assert near("1HFC20CTO17")[0] == "1HFC20CT017"
    assert near.text("something else") == "–"


def test_few_names_are_all_compared() -> None:
    assert Near(["P1", "P2", "U1"])("p1") == ["P1"]
    assert Near([])("x") == []


def test_a_list_that_is_wrong_everywhere_ends() -> None:
    near = Near(MANY, most=5)

    found = [near(f"2LAC10CT9{n:02d}") for n in range(20)]

    assert all(found[:5])
    assert found[5:] == [[]] * 15
    assert near("2LAC10CT900") == found[0], "what was looked for once is known"


def test_it_is_quick_among_tens_of_thousands() -> None:
    near = Near([f"2LAC{n}" for n in range(30_000)])
    near("2LAC1x")

    start = time.perf_counter()
    for n in range(50):
        near(f"3LAC{n}x")
    assert time.perf_counter() - start < 5
