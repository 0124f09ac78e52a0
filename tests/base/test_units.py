from __future__ import annotations

import pytest

from headworks.base.errors import Invalid
from headworks.base.units import conversion, known


@pytest.mark.parametrize(
    ("source", "target", "gain", "offset"),
    [
        ("kPa", "MPa", 0.001, 0.0),
        ("bar", "kPa", 100.0, 0.0),
        ("℃", "K", 1.0, 273.15),
        ("℉", "℃", 5 / 9, -160 / 9),
        ("t/h", "kg/s", 1 / 3.6, 0.0),
        ("r/min", "rpm", 1.0, 0.0),
        ("%", "1", 0.01, 0.0),
        ("mm/s", "mm/s", 1.0, 0.0),
        ("MVar", "", 1.0, 0.0),
    ],
)
@pytest.mark.feature("PLT-06")
def test_conversion(source: str, target: str, gain: float, offset: float) -> None:
    assert conversion(source, target) == pytest.approx((gain, offset), rel=1e-12)


def test_decimal_factors_are_exact() -> None:
    assert conversion("kPa", "MPa") == (0.001, 0.0)
    assert conversion("℃", "K") == (1.0, 273.15)


@pytest.mark.parametrize(("source", "target", "code"), [("MPa", "℃", "unit.clash"), ("MPa", "quatsch", "unit.unknown")])
def test_units_that_do_not_fit_are_named(source: str, target: str, code: str) -> None:
    with pytest.raises(Invalid) as e:
        conversion(source, target)
    assert e.value.problems[0].code == code
    assert e.value.problems[0].value in (source, target)


@pytest.mark.parametrize(
    "unit",
    ["MPa", "kPa", "Pa", "bar", "℃", "°C", "K", "t/h", "kg/s", "m3/h", "L/min", "r/min", "mm/s", "mm", "μm", "A", "V", "kV",
     "kW", "MW", "MVar", "%", "Hz", "1", "", "mg/m3", "kJ/kg", "g/kWh", "gn", "pH", "ppm", "s", "min", "h"],
)  # fmt: skip
def test_units_of_practice_are_known(unit: str) -> None:
    assert known(unit)


@pytest.mark.parametrize("unit", ["quatsch", "MPa/", "((", "12abc"])
def test_other_words_are_not(unit: str) -> None:
    assert not known(unit)


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "text",
    ["9**9**9**9", "m^9^9^9", "(((9**99)**99)**99)**99", "9⁹⁹⁹⁹⁹⁹⁹⁹", "m/0", "9" * 5000, "m**1.5e9", "2**99999999*m"],
)
def test_a_unit_that_cannot_be_worked_out_is_unknown_at_once(text: str) -> None:
    assert not known(text)


@pytest.mark.parametrize("text", ["m**2", "m^-1", "W/(m**2*K)", "m²", "kg·m²", "m/s²"])
def test_powers_people_write_are_known(text: str) -> None:
    assert known(text)


def test_every_spelling_of_ours_is_known() -> None:
    from headworks.base.units import _SPELLINGS

    assert [u for u in _SPELLINGS if not known(u)] == []
    assert conversion("km3/h", "m3/h") == (1000.0, 0.0)


def test_units_to_choose_from_are_known_and_named_once() -> None:
    from headworks.base.units import spellings

    assert [u for u in spellings() if not known(u)] == []
    assert len(set(spellings())) == len(spellings())
