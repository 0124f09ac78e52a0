"""The words of unit 2's tables: a system, an equipment with its KKS key, and its measured tags with the manners of their kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from headworks.simulate.tags import DISTURBANCES, Tag

Row = tuple[Any, ...]
"""(suffix of the KKS key, zh, en, unit, (low, high), (at 50 %, at 100 % load), options)."""


@dataclass(frozen=True, slots=True)
class Part:
    """One node of unit 2's asset tree, and the tags on it. `kks` is its key with the number of the unit ("" if it has none)."""

    code: str
    parent: str | None
    type: str
    kks: str
    zh: str
    en: str
    tags: tuple[Tag, ...] = ()


def equipment(
    code: str, parent: str, type_: str, kks: str, names: tuple[str, str], section: str, rows: Sequence[Row]
) -> Part:
    """Return an equipment; titles of its tags begin with its own. All tags stop with `section` unless a row says otherwise."""
    zh, en = names
    tags = tuple(_tag(f"2{kks}", code, zh, en, section, row) for row in rows)
    return Part(code, parent, type_, f"2{kks}", zh, en, tags)


def status(suffix: str, zh: str, en: str, on: int = 1, off: int = 0, **options: Any) -> Row:
    """Return the row of a 0/1 signal: what it is while the unit runs, and what it becomes when its section stops."""
    return (suffix, zh, en, "", (0, 1), (on, on), {"off": off, "status": True, **options})


def running(zh: str = "运行", en: str = "running", on: int = 1, off: int = 0, **options: Any) -> Row:
    """Return the row that says whether a machine runs."""
    return status("AP001XB01", zh, en, on, off, **options)


def metal(
    count: int, zh: str, en: str, span: tuple[float, float], steady: tuple[float, float], step: float = 1.5
) -> list[Row]:
    """Return rows of metal temperatures, each `step` above the one before."""
    return [
        (f"CT{i:03}", f"{zh}{i}", f"{en} {i}", "℃", span, (steady[0] + step * i, steady[1] + step * i),
         {"tau": 70, "wander": 1.2, "coal": 1.4})
        for i in range(1, count + 1)
    ]  # fmt: skip


def _manners(kind: str, unit: str, span: float, high: float) -> dict[str, float]:
    """Return lag, noise and resolution that are usual for a kind of measurement (letters of its KKS component key)."""
    size = abs(high)
    if kind == "CT":
        return {"tau": 60, "noise": 0.15, "res": 0.1, "wander": 0.35, "off_tau": 200}
    if kind == "CY":
        fine = unit == "mm/s"
        return {
            "tau": 4,
            "noise": 0.08 if fine else 0.9,
            "res": 0.01 if fine else 0.1,
            "wander": 0.1 if fine else 1.5,
            "off_tau": 12,
        }
    if kind == "CL":
        return {"tau": 10, "noise": 2, "res": 1, "wander": 4, "wander_tau": 90, "off_tau": 30}
    if kind == "CS":
        return {
            "tau": 4,
            "noise": 0.0003 * size,
            "res": 0.1 if size < 3500 else 1,
            "wander": 0.0005 * size,
            "off_tau": 60,
        }
    if kind == "CQ":
        return {
            "tau": 60,
            "noise": 0.008 * size,
            "res": 0.01 if span <= 100 else 0.1,
            "wander": 0.012 * size,
            "off_tau": 40,
        }
    if kind == "CG":
        fine = unit == "mm"
        return {
            "tau": 8,
            "noise": 0.004 if fine else 0.08,
            "res": 0.001 if fine else 0.1,
            "wander": 0.006 if fine else 0.25,
            "off_tau": 2,
        }
    share = {"CP": 0.0015, "CF": 0.002, "CE": 0.003}[kind]
    fine = {True: 0.001, False: 0.01}[span <= 8] if span < 40 else {True: 0.1, False: 1.0}[span <= 700]
    return {
        "tau": 8,
        "noise": max(share * size, fine / 2),
        "res": fine,
        "wander": share * size,
        "off_tau": {"CP": 12, "CF": 5, "CE": 1}[kind],
    }


def _stopped(kind: str, unit: str, low: float, at50: float) -> float:
    """Return what a measurement of a stopped section shows."""
    if kind == "CT":
        return at50 - 0.4 * (at50 - 30.0)
    if kind == "CY":
        return 0.15 if unit == "mm/s" else 8.0
    if kind in ("CL", "CQ"):
        return at50
    return max(low, 0.0)


def _tag(kks: str, asset: str, zh: str, en: str, section: str, row: Row) -> Tag:
    suffix, zh_end, en_end, unit, (low, high), (at50, at100) = row[:6]
    options: dict[str, Any] = dict(row[6]) if len(row) > 6 else {}
    kind = suffix[:2]
    is_status = options.pop("status", False)
    if is_status:
        manners: dict[str, float] = {"tau": 0, "noise": 0, "res": 1, "wander": 0, "off_tau": 0}
    else:
        manners = _manners(kind, unit, high - low, at100)
    shared = tuple(sorted((name, options.pop(name)) for name in DISTURBANCES if name in options))
    own = {name: options.pop(name) for name in tuple(options) if name in manners or name in ("wander_tau", "ramp")}
    use = {"wander_tau": 180.0, "ramp": 0.0, **manners, **own}
    off = options.pop("off", None)
    return Tag(
        code=f"{kks}{suffix}",
        asset=asset,
        zh=f"{zh}{zh_end}",
        en=f"{en} {en_end}",
        unit=unit,
        low=low,
        high=high,
        at50=at50,
        at100=at100,
        tau=use["tau"],
        noise=use["noise"],
        resolution=use["res"],
        wander=use["wander"],
        wander_tau=use["wander_tau"],
        ramp=use["ramp"],
        shared=shared,
        section=options.pop("section", section),
        off=_stopped(kind, unit, low, at50) if off is None else off,
        off_tau=use["off_tau"],
        status=is_status,
        source_unit=options.pop("source", ""),
        **options,
    )
