"""What the properties of water and steam mean."""

from __future__ import annotations

import numpy as np

from headworks.engine.oracles import if97
from headworks.engine.oracles.spec import F8, Past, oracle


def at_pt(past: Past) -> tuple[F8, F8, F8, F8]:
    with np.errstate(all="ignore"):
        return if97.properties(past.inputs[0], past.inputs[1] + 273.15)


@oracle("steam_properties")
def steam_properties(past: Past) -> tuple[tuple[F8, ...], int]:
    return at_pt(past), 0


@oracle("steam_enthalpy")
def steam_enthalpy(past: Past) -> tuple[F8, int]:
    return at_pt(past)[0], 0


@oracle("steam_entropy")
def steam_entropy(past: Past) -> tuple[F8, int]:
    return at_pt(past)[1], 0


@oracle("steam_volume")
def steam_volume(past: Past) -> tuple[F8, int]:
    return at_pt(past)[2], 0


@oracle("steam_temperature_ph")
def steam_temperature_ph(past: Past) -> tuple[F8, int]:
    return if97.backward(past.inputs[0], past.inputs[1], 0)[0] - 273.15, 0


@oracle("steam_temperature_ps")
def steam_temperature_ps(past: Past) -> tuple[F8, int]:
    return if97.backward(past.inputs[0], past.inputs[1], 1)[0] - 273.15, 0


@oracle("steam_volume_ph")
def steam_volume_ph(past: Past) -> tuple[F8, int]:
    return if97.backward(past.inputs[0], past.inputs[1], 0)[2], 0


@oracle("steam_enthalpy_ps")
def steam_enthalpy_ps(past: Past) -> tuple[F8, int]:
    return if97.backward(past.inputs[0], past.inputs[1], 1)[1], 0


def boiling(p: F8) -> F8:
    """Return the saturation temperature [℃] at p [MPa]."""
    with np.errstate(all="ignore"):
        return if97.saturation_t(p) - 273.15


@oracle("saturation_temperature")
def saturation_temperature(past: Past) -> tuple[F8, int]:
    return boiling(past.inputs[0]), 0


@oracle("saturation_pressure")
def saturation_pressure(past: Past) -> tuple[F8, int]:
    with np.errstate(all="ignore"):
        return if97.saturation_p(past.inputs[0] + 273.15), 0


@oracle("superheat")
def superheat(past: Past) -> tuple[F8, int]:
    return past.inputs[1] - boiling(past.inputs[0]), 0


@oracle("subcooling")
def subcooling(past: Past) -> tuple[F8, int]:
    return boiling(past.inputs[0]) - past.inputs[1], 0


@oracle("steam_quality")
def steam_quality(past: Past) -> tuple[F8, int]:
    p, h = past.inputs
    with np.errstate(all="ignore"):
        (h_water, _, _), (h_steam, _, _) = if97.saturated(np.where(p < 22.064, p, np.nan))
    return np.clip((h - h_water) / (h_steam - h_water), 0, 1), 0
