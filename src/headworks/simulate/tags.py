"""How one tag of a simulated unit behaves, and the shared words of the tag tables."""

from __future__ import annotations

from dataclasses import dataclass

DISTURBANCES = ("coal", "ambient", "grid", "furnace", "drum", "water")
"""Slow random inputs that several tags feel at once: coal quality, weather, grid voltage, furnace, drum, feedwater."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """One measured tag: what a plant folder says about it, and how the simulator moves it.

    The steady value is a line through `at50` and `at100` (values at 50 % and 100 % load, in `unit`). Around it:
    `shared` disturbances (name, gain per unit of disturbance), `ramp` (gain per unit of boiler-follows-turbine
    imbalance while the load moves), a lag `tau` [s], a slow random walk of its own (`wander`, standard deviation, returning in
    `wander_tau` s), then measurement `noise` (standard deviation) and rounding to `resolution`, as a DCS card does.

    A unit that can trip adds: the `section` of the plant that the tag stops with ("": never), the value `off` it then has, and
    how fast it goes there (`off_tau` [s]). `status`: 0 or 1, no number. `source_unit`: what the control system reports it in,
    if not in `unit`.
    """

    code: str
    asset: str
    zh: str
    en: str
    unit: str
    low: float
    high: float
    at50: float
    at100: float
    tau: float
    noise: float
    resolution: float
    wander: float
    wander_tau: float = 180.0
    ramp: float = 0.0
    shared: tuple[tuple[str, float], ...] = ()
    section: str = ""
    off: float = 0.0
    off_tau: float = 1.0
    status: bool = False
    source_unit: str = ""


@dataclass(frozen=True, slots=True)
class Machine:
    """A rotating machine whose bearing can wear: the tags that show it (drive end first)."""

    name: str
    vibration: tuple[str, str]
    temperature: tuple[str, str]
    current: str | None = None


def tag(
    code: str,
    asset: str,
    zh: str,
    en: str,
    unit: str,
    span: tuple[float, float],
    steady: tuple[float, float],
    *,
    tau: float,
    noise: float,
    res: float,
    wander: float | None = None,
    wander_tau: float = 180.0,
    ramp: float = 0.0,
    **shared: float,
) -> Tag:
    """Return one row of a tag table; keyword arguments that are left over name disturbances and their gains."""
    unknown = set(shared) - set(DISTURBANCES)
    if unknown:
        raise ValueError(f"{code}: no such disturbance: {', '.join(sorted(unknown))}")
    return Tag(
        code=code,
        asset=asset,
        zh=zh,
        en=en,
        unit=unit,
        low=span[0],
        high=span[1],
        at50=steady[0],
        at100=steady[1],
        tau=tau,
        noise=noise,
        resolution=res,
        wander=noise if wander is None else wander,
        wander_tau=wander_tau,
        ramp=ramp,
        shared=tuple(sorted(shared.items())),
    )
