"""Units of measurement as they are written in Chinese practice, converted by pint.

A conversion between two units of the same dimension is a gain and an offset: ``b = a * gain + offset``. They are found
once, when a tag is bound to a port, never per sample.
"""

from __future__ import annotations

import re
import tokenize
from fractions import Fraction
from functools import cache
from typing import Any

from headworks.base.errors import Invalid, Problem

# What people write -> what pint reads. A unit that is not here is given to pint as it is.
_SPELLINGS = {
    "": "dimensionless",
    "1": "dimensionless",
    "%": "percent",
    "‰": "permille",
    "℃": "degC",
    "°C": "degC",
    "℉": "degF",
    "°F": "degF",
    "degF": "degF",
    "K": "kelvin",
    "Ω": "ohm",
    "t": "tonne",
    "t/h": "tonne/hour",
    "km3/h": "thousand_cubic_meter/hour",
    "m2": "meter**2",
    "m²": "meter**2",
    "m3": "meter**3",
    "m³": "meter**3",
    "Nm3/h": "meter**3/hour",
    "m3/h": "meter**3/hour",
    "m³/h": "meter**3/hour",
    "mg/m3": "milligram/meter**3",
    "mg/Nm3": "milligram/meter**3",
    "L/min": "liter/minute",
    "kg/s": "kilogram/second",
    "kg/m3": "kilogram/meter**3",
    "m3/kg": "meter**3/kilogram",
    "r/min": "revolution/minute",
    "rpm": "revolution/minute",
    "μm": "micrometer",
    "µm": "micrometer",
    "um": "micrometer",
    "mm/s": "millimeter/second",
    "m/s2": "meter/second**2",
    "m/s²": "meter/second**2",
    "g": "gram",
    "gn": "standard_gravity",
    "MVar": "megavar",
    "Mvar": "megavar",
    "kVar": "kilovar",
    "kvar": "kilovar",
    "MVA": "megavolt*ampere",
    "kV": "kilovolt",
    "kA": "kiloampere",
    "kWh": "kilowatt*hour",
    "MWh": "megawatt*hour",
    "kJ/kg": "kilojoule/kilogram",
    "kJ/(kg*K)": "kilojoule/(kilogram*kelvin)",
    "W/(m2*K)": "watt/(meter**2*kelvin)",
    "kJ/kWh": "kilojoule/(kilowatt*hour)",
    "g/kWh": "gram/(kilowatt*hour)",
    "mmHg": "millimeter_Hg",
    "psi": "psi",
    "lb/h": "pound/hour",
    "uS/cm": "microsiemens/centimeter",
    "μS/cm": "microsiemens/centimeter",
    "pH": "dimensionless",
    "ppm": "ppm",
    "dB": "dimensionless",
}


@cache
def _registry() -> Any:
    import pint  # a third of a second: only where units are converted

    registry: Any = pint.UnitRegistry(autoconvert_offset_to_baseunit=True)
    registry.define("megavar = 1e6 * volt * ampere")
    registry.define("kilovar = 1e3 * volt * ampere")
    registry.define("thousand_cubic_meter = 1000 * meter ** 3")
    if "permille" not in registry:
        registry.define("permille = 0.001")
    return registry


def known(unit: str) -> bool:
    """Whether `unit` can be converted."""
    return _parse(unit) is not None


def spellings() -> tuple[str, ...]:
    """Return units as people write them, to choose from; any other that pint knows is known too."""
    common = (
        "Pa",
        "kPa",
        "MPa",
        "bar",
        "mbar",
        "s",
        "min",
        "h",
        "d",
        "mm",
        "m",
        "kg",
        "kg/h",
        "A",
        "V",
        "W",
        "kW",
        "MW",
        "Hz",
    )
    more = ("GJ", "GJ/h", "kJ", "N", "N*m", "L", "m/s", "deg", "mV", "mA", "ohm", "Mvar", "kg/m3")
    return tuple(dict.fromkeys((*common, *more, *(s for s in _SPELLINGS if s))))


_LONGEST = 64
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
_POWER = re.compile(r"\*\*|\^|(?<![⁰¹²³⁴⁵⁶⁷⁸⁹⁻])(?=[⁰¹²³⁴⁵⁶⁷⁸⁹⁻])")
_EXPONENT = re.compile(r"\s*[-+]?\d{1,2}(?![\d.])(?!\s*(?:\*\*|\^))")


def _cheap(unit: str) -> bool:
    """Whether the expression is worked out at once: powers of powers (``9**9**9``) would take for ever, and files name units."""
    if len(unit) > _LONGEST:
        return False
    for power in _POWER.finditer(unit):
        before = unit[: power.start()].rstrip()
        if not before[-1:].isalnum() or not _EXPONENT.match(unit[power.end() :].translate(_SUPERSCRIPTS)):
            return False
    return True


@cache
def _parse(unit: str) -> Any | None:
    import pint

    if unit not in _SPELLINGS and not _cheap(unit):
        return None
    try:
        return _registry().Unit(_SPELLINGS.get(unit, unit))
    except (
        pint.PintError,
        ValueError,
        ArithmeticError,
        AttributeError,
        TypeError,
        tokenize.TokenError,
        AssertionError,
    ):
        return None


@cache
def conversion(source: str, target: str) -> tuple[float, float]:
    """Return (gain, offset) so that a value in `target` is ``value in source * gain + offset``.

    Equal units, and a target of ``""`` (any unit), convert by (1, 0) exactly.

    Raises
    ------
    Invalid
        ``unit.unknown`` or ``unit.clash``, naming both units.
    """
    if source == target or target == "":
        return 1.0, 0.0
    a, b = _parse(source), _parse(target)
    for unit, found in ((source, a), (target, b)):
        if found is None:
            raise Invalid(problems=[Problem(field="unit", value=unit, code="unit.unknown", params={"unit": unit})])
    assert a is not None
    assert b is not None
    if a.dimensionality != b.dimensionality:
        params = {"source": source, "target": target}
        raise Invalid(problems=[Problem(field="unit", value=source, code="unit.clash", params=params)])
    zero = _decimal(_registry().Quantity(0.0, a).to(b).magnitude)
    one = _decimal(_registry().Quantity(1.0, a).to(b).magnitude)
    return float(one - zero), float(zero)


# Of two temperatures that differ nobody says where zero is.
_DIFFERENCES = {"℃": "K", "°C": "K", "degC": "K", "℉": "delta_degF", "°F": "delta_degF", "degF": "delta_degF"}
_PARTS = re.compile(r"[^\s/*^()]+")


def difference(unit: str) -> str:
    """Return the unit of a difference of two values in `unit`: K for ℃, else the unit itself."""
    return _DIFFERENCES.get(unit, unit)


def same(a: str, b: str) -> bool:
    """Whether two units are one, however they are written (``℃`` and ``degC``, ``""`` and ``1``, ``K/min`` and ``℃/min``)."""
    if a == b or {a, b} <= {"", "1"}:
        return True
    a, b = (_PARTS.sub(lambda part: difference(part[0]), u) if "/" in u or "*" in u else u for u in (a, b))
    try:
        return a == b or conversion(a, b or "1") == (1.0, 0.0)
    except Invalid:
        return False


def _decimal(x: float) -> Fraction:
    """Return the short decimal a conversion factor was meant to be: 1e-3, not 0.0010000000000000000208."""
    return Fraction(f"{x:.15g}")
