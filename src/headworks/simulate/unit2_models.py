"""The monitoring models of unit 2: which template watches which tags with which limits, and its alarm group.

Limits of the generic templates come from the tag tables: well below the value at half load, above what a stopped section
shows. The templates are those of ``examples/thermal-templates``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from headworks.base.units import conversion
from headworks.simulate.tags import Tag
from headworks.simulate.unit2 import PARTS, TAGS
from headworks.simulate.unit2_boiler import DRUM_LEVELS, FURNACE_PRESSURES, MILLS
from headworks.simulate.unit2_turbine import BACK_PRESSURE, HP_HEATERS, LUBE_OIL

_TAG: dict[str, Tag] = {t.code: t for t in TAGS}
_KKS = {p.code: p.kks for p in PARTS}
_PORT_UNIT = {"flow_low": "t/h", "pressure_low": "MPa", "temperature_low": "℃"}
LOOK_BACK_S = 30


@dataclass(frozen=True, slots=True)
class Model:
    """One instance: codes of template, asset and tags, and the parameters that are not the template's defaults."""

    code: str
    template: str
    asset: str
    inputs: dict[str, str]
    params: dict[str, float] = field(default_factory=dict)


def _name(asset: str) -> str:
    return asset.replace("U2-", "U2.", 1)


def _status(template: str, port: str, ends: str, codes: tuple[str, ...]) -> Iterator[Model]:
    for code in codes:
        yield Model(f"{_name(_TAG[code].asset)}.{ends}", template, _TAG[code].asset, {port: code})


def _round(x: float) -> float:
    return float(f"{x:.2g}")


def _low(template: str, port: str, share: float, codes: tuple[str, ...]) -> Iterator[Model]:
    """Watch tags for falling below `share` of their value at half load."""
    many = {c: sum(_TAG[o].asset == _TAG[c].asset for o in codes) > 1 for c in codes}
    ends = port.upper()
    for code in codes:
        t = _TAG[code]
        limit = _round(conversion(t.unit, _PORT_UNIT[template])[0] * t.at50 * share)
        number = code[-1] if many[code] else ""
        yield Model(
            f"{_name(t.asset)}.{ends}{number}",
            template,
            t.asset,
            {port: code},
            {"low": limit, "hysteresis": 2.0 if t.unit == "℃" else _round(0.03 * limit)},
        )


def _protection() -> Iterator[Model]:
    yield Model(
        "U2.TRIP",
        "unit_trip",
        "U2",
        {"mft": "2CJF10EZ001XB01", "turbine": "2MAY10EZ001XB01", "breaker": "2BAC10GS001XB01"},
    )
    yield from _status("protection_trip", "trip", "TRIP", ("2CJF10EZ001XB01", "2MAY10EZ001XB01", "2CHA10EZ001XB01"))
    yield from _status(
        "breaker_open",
        "closed",
        "BREAKER",
        ("2BAC10GS001XB01", "2MKC10GS001XB01", "2BBA10GS001XB01", "2BBA20GS001XB01"),
    )
    yield Model(
        "U2.FURNACE.PRESSURE",
        "furnace_pressure_vote",
        "U2-FURN",
        dict(zip(("p1", "p2", "p3"), FURNACE_PRESSURES, strict=True)),
    )
    yield Model("U2.DRUM.LEVEL", "drum_level_vote", "U2-DRUM", dict(zip(("l1", "l2", "l3"), DRUM_LEVELS, strict=True)))
    yield Model("U2.LUBE.PRESSURE", "lube_oil_pressure", "U2-LUBE", {"pressure": LUBE_OIL[0]})
    yield Model("U2.COND.VACUUM", "condenser_back_pressure", "U2-COND", {"back_pressure": BACK_PRESSURE[0]})


def _boiler() -> Iterator[Model]:
    for asset in MILLS:
        key, name = _KKS[asset], _name(asset)
        yield from _status("machine_stopped", "running", "STOPPED", (f"{key}AP001XB01",))
        yield from _status("flame_lost", "flame", "FLAME", (f"{key}EN001XB01",))
        yield from _low("flow_low", "flow", 0.55, (f"{key}CF001", f"{key.replace('HFC', 'HFB')}CF001"))
        yield Model(f"{name}.OUTLET", "mill_outlet_temperature", asset, {"temperature": f"{key}CT001"}, {"low": 54.0})
        inputs = {
            "dp": f"{key}CP001",
            "current": f"{key}CE001",
            "air_flow": f"{key}CF001",
            "temperature": f"{key}CT001",
        }
        yield Model(f"{name}.PLUGGING", "mill_plugging", asset, inputs)
    yield from _status("machine_stopped", "running", "STOPPED", ("2HFE10AP001XB01", "2HFE20AP001XB01"))
    yield from _low("flow_low", "flow", 0.6, ("2HHE10CF001", "2HLA10CF001", "2LBA30CF001", "2HAC10CF001"))
    yield from _low("pressure_low", "pressure", 0.8, ("2LBA10CP001", "2LBA20CP001", "2HAC10CP001"))
    yield from _low("pressure_low", "pressure", 0.6, ("2HFE30CP001", "2LBB10CP001", "2LBB20CP001", "2LBC10CP001"))
    for side, key in (("MS-A", "2LBA10"), ("MS-B", "2LBA20"), ("HRH-A", "2LBB10"), ("HRH-B", "2LBB20")):
        yield Model(
            f"U2.{side}.TEMPERATURE", "steam_temperature", f"U2-{side}", {"temperature": f"{key}CT001"}, {"low": 505.0}
        )
    yield from _low("temperature_low", "temperature", 0.8, ("2HNA10CT001", "2HNA20CT001", "2HAC10CT001"))


def _turbine() -> Iterator[Model]:
    yield from _status("valve_closed", "open", "CLOSED", tuple(f"{_KKS[f'U2-EXT-{i}']}GS001XB01" for i in range(1, 7)))
    for i, name in enumerate(("STOP-L", "STOP-R", "REHEAT-L", "REHEAT-R"), 1):
        yield Model(f"U2.MSV.{name}", "valve_closed", "U2-MSV", {"open": f"2MAA30GS00{i}XB01"})
    yield from _low("pressure_low", "pressure", 0.5, ("2MAA20CP001", "2MAB10CP001", "2MAX10CP002"))
    yield from _low("pressure_low", "pressure", 0.5, tuple(f"{_KKS[f'U2-EXT-{i}']}CP001" for i in range(1, 7)))
    for i in range(1, 9):
        yield Model(
            f"U2.BRG-{i}.SHAFT", "shaft_vibration", f"U2-BRG-{i}", {"x": f"2MAD{i:02}CY001", "y": f"2MAD{i:02}CY002"}
        )
    for asset in HP_HEATERS:
        key, name = _KKS[asset], _name(asset)
        yield Model(f"{name}.LEVEL", "heater_level", asset, {"level": f"{key}CL001"})
        inputs = {"level": f"{key}CL001", "drain": f"{key}CT002", "outlet": f"{key}CT001"}
        yield Model(f"{name}.LEAK", "heater_tube_leak", asset, inputs)
        yield from _low("temperature_low", "temperature", 0.88, (f"{key}CT001",))
    yield from _status("machine_stopped", "running", "STOPPED", ("2LAC10AP001XB01", "2LAC20AP001XB01"))
    yield from _low("flow_low", "flow", 0.6, ("2LAC10CF001", "2LAC20CF001", "2LAB10CF001", "2LCA10CF001"))
    yield from _low("pressure_low", "pressure", 0.6, ("2LAC10CP002", "2LAC20CP002"))


def _sensors() -> Iterator[Model]:
    rows: tuple[tuple[str, str, tuple[str, ...], float], ...] = (
        ("DRUM.LEVEL-DRIFT", "U2-DRUM", DRUM_LEVELS, 19.0),
        ("FURN.PRESSURE-DRIFT", "U2-FURN", FURNACE_PRESSURES, 90.0),
        ("MS-A.PRESSURE-DRIFT", "U2-MS-A", tuple(f"2LBA10CP00{i}" for i in (1, 2, 3)), 0.25),
        ("LUBE.PRESSURE-DRIFT", "U2-LUBE", LUBE_OIL, 0.009),
        ("COND.VACUUM-DRIFT", "U2-COND", BACK_PRESSURE, 0.4),
    )
    for name, asset, codes, limit in rows:
        inputs = dict(zip("abc", codes, strict=True))
        yield Model(f"U2.{name}", "sensor_drift", asset, inputs, {"limit": limit, "limit_low": -limit})


MODELS: tuple[Model, ...] = (*_protection(), *_boiler(), *_turbine(), *_sensors())

FIRST_OUT = (
    ("U2.FURNACE.PRESSURE", "trip_level"),
    ("U2.DRUM.LEVEL", "trip_level"),
    ("U2.LUBE.PRESSURE", "very_low"),
    ("U2.COND.VACUUM", "very_high"),
)

ALARM_GROUPS: list[dict[str, Any]] = [
    {
        "code": "u2-trip",
        "title": {"zh": "2号机组跳闸", "en": "Unit 2 trip"},
        "trigger": {"instance": "U2.TRIP", "condition": "tripped"},
        "first_out": [{"instance": i, "condition": c} for i, c in FIRST_OUT],
        "look_back_s": LOOK_BACK_S,
        "consequences": {"asset": "U2"},
        "never": [{"template": "sensor_drift"}],
    }
]
"""What is raised on the unit while it stands tripped is the consequence of the first-out; a sensor that drifts is not."""
