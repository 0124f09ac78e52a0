"""Water and steam by IAPWS-IF97 from p and h, or p and s: the functions that kernels use.

Units as in :mod:`headworks.blocks.if97`. Regions 1 to 3 use the backward equations as they are released (T deviates from the
forward equations by up to 25 mK in regions 1 and 3, 10 to 25 mK in region 2), region 5 the forward equation, solved.

References
----------
.. [1] IAPWS R7-97(2012), Revised Release on the IAPWS Industrial Formulation 1997.
.. [2] IAPWS SR3-03(2014), Backward Equations for T(p,h), v(p,h) and T(p,s), v(p,s) for Region 3.
"""

from __future__ import annotations

import math

from headworks.blocks.if97 import (
    border_t,
    dense,
    hot,
    power_sum,
    saturated_steam,
    saturated_water,
    saturation_t,
    steam,
    water,
)
from headworks.blocks.if97_tables import (
    H_2BC,
    H_3AB,
    P_CRITICAL,
    P_H_3,
    P_HIGHEST,
    P_HIGHEST_5,
    P_LOWEST_SATURATION,
    P_S_3,
    P_SATURATION_1,
    S_CRITICAL,
    T_1,
    T_2,
    T_5,
    T_LOWEST,
    T_PH_1,
    T_PH_2A,
    T_PH_2B,
    T_PH_2C,
    T_PH_3A,
    T_PH_3B,
    T_PS_1,
    T_PS_2A,
    T_PS_2B,
    T_PS_2C,
    T_PS_3A,
    T_PS_3B,
    V_PH_3A,
    V_PH_3B,
    V_PS_3A,
    V_PS_3B,
)
from headworks.blocks.spec import NAN

ENTHALPY, ENTROPY = 0, 1


# --- the backward equations -------------------------------------------------------------------------------------------


def water_t_ph(p: float, h: float) -> float:
    """Return T of region 1 (R7-97, Eq. 11)."""
    return power_sum(T_PH_1, 0, p, h / 2500.0 + 1.0)


def water_t_ps(p: float, s: float) -> float:
    """Return T of region 1 (R7-97, Eq. 13)."""
    return power_sum(T_PS_1, 0, p, s + 2.0)


def steam_t_ph(p: float, h: float) -> float:
    """Return T of region 2 (R7-97, Eq. 22 to 24)."""
    if p <= 4.0:
        return power_sum(T_PH_2A, 0, p, h / 2000.0 - 2.1)
    if p > H_2BC[2] and h < H_2BC[1] + math.sqrt((p - H_2BC[2]) / H_2BC[0]):
        return power_sum(T_PH_2C, 0, p + 25.0, h / 2000.0 - 1.8)
    return power_sum(T_PH_2B, 0, p - 2.0, h / 2000.0 - 2.6)


def steam_t_ps(p: float, s: float) -> float:
    """Return T of region 2 (R7-97, Eq. 25 to 27)."""
    if p <= 4.0:
        return power_sum(T_PS_2A, 0, math.sqrt(math.sqrt(p)), s / 2.0 - 2.0)
    if s < 5.85:
        return power_sum(T_PS_2C, 0, p, 2.0 - s / 2.9251)
    return power_sum(T_PS_2B, 0, p, 10.0 - s / 0.7853)


def is_3a(p: float, h: float) -> bool:
    """Whether a state of region 3 is in subregion 3a (SR3-03, Eq. 1)."""
    return h <= H_3AB[0] + p * (H_3AB[1] + p * (H_3AB[2] + p * H_3AB[3]))


def dense_t_ph(p: float, h: float) -> float:
    """Return T of region 3 (SR3-03, Eq. 2 and 3)."""
    if is_3a(p, h):
        return 760.0 * power_sum(T_PH_3A, 0, p / 100.0 + 0.24, h / 2300.0 - 0.615)
    return 860.0 * power_sum(T_PH_3B, 0, p / 100.0 + 0.298, h / 2800.0 - 0.72)


def dense_v_ph(p: float, h: float) -> float:
    """Return v of region 3 (SR3-03, Eq. 4 and 5)."""
    if is_3a(p, h):
        return 0.0028 * power_sum(V_PH_3A, 0, p / 100.0 + 0.128, h / 2100.0 - 0.727)
    return 0.0088 * power_sum(V_PH_3B, 0, p / 100.0 + 0.0661, h / 2800.0 - 0.72)


def dense_t_ps(p: float, s: float) -> float:
    """Return T of region 3 (SR3-03, Eq. 6 and 7)."""
    if s <= S_CRITICAL:
        return 760.0 * power_sum(T_PS_3A, 0, p / 100.0 + 0.24, s / 4.4 - 0.703)
    return 860.0 * power_sum(T_PS_3B, 0, p / 100.0 + 0.76, s / 5.3 - 0.818)


def dense_v_ps(p: float, s: float) -> float:
    """Return v of region 3 (SR3-03, Eq. 8 and 9)."""
    if s <= S_CRITICAL:
        return 0.0028 * power_sum(V_PS_3A, 0, p / 100.0 + 0.187, s / 4.4 - 0.755)
    return 0.0088 * power_sum(V_PS_3B, 0, p / 100.0 + 0.298, s / 5.3 - 0.816)


def saturation_p_h(h: float) -> float:
    """Return the saturation pressure of region 3 at h (SR3-03, Eq. 10)."""
    return 22.0 * power_sum(P_H_3, 0, h / 2600.0 - 1.02, h / 2600.0 - 0.608)


def saturation_p_s(s: float) -> float:
    """Return the saturation pressure of region 3 at s (SR3-03, Eq. 11)."""
    return 22.0 * power_sum(P_S_3, 0, s / 5.2 - 1.03, s / 5.2 - 0.699)


def hot_t(p: float, y: float, which: int) -> float:
    """Return T of region 5 where its enthalpy (`which` 0) or entropy (1) is y, by secants to 1e-9 K."""
    before, after = T_2, T_5
    miss_before = value_of(which, hot(p, before)) - y
    for _ in range(30):
        miss = value_of(which, hot(p, after)) - y
        if miss == miss_before:
            return after
        step = miss * (after - before) / (miss - miss_before)
        before, miss_before = after, miss
        after -= step
        if abs(step) < 1e-9:
            break
    return after


# --- regions ----------------------------------------------------------------------------------------------------------


def value_of(which: int, properties: tuple[float, float, float]) -> float:
    """Return h (`which` 0) or s (1) of h, s and v."""
    return properties[0] if which == ENTHALPY else properties[1]


def region_of(p: float, y: float, which: int) -> int:
    """Return the region of p and an enthalpy (`which` 0) or entropy (1): 1 to 5, 4 being wet steam. 0: out of range."""
    if not (P_LOWEST_SATURATION <= p <= P_HIGHEST):
        return 0
    # Between these is no state below 0 ℃ or above 800 ℃ at any pressure.
    inside, upto = (100.0, 3700.0) if which == ENTHALPY else (0.01, 6.0)
    if not (y >= inside or y >= value_of(which, water(p, T_LOWEST))):
        return 0
    if p <= P_SATURATION_1:
        t = saturation_t(p)
        if y <= value_of(which, water(p, t)):
            return 1
        if y < value_of(which, steam(p, t)):
            return 4
    else:
        if y <= value_of(which, water(p, T_1)):
            return 1
        if y < value_of(which, steam(p, border_t(p))):
            wet = saturation_p_h(y) if which == ENTHALPY else saturation_p_s(y)
            return 4 if p < P_CRITICAL and p < wet else 3
    if y <= upto or y <= value_of(which, steam(p, T_2)):
        return 2
    return 5 if p <= P_HIGHEST_5 and y <= value_of(which, hot(p, T_5)) else 0


def region_ph(p: float, h: float) -> int:
    return region_of(p, h, ENTHALPY)


def region_ps(p: float, s: float) -> int:
    return region_of(p, s, ENTROPY)


# --- anywhere ---------------------------------------------------------------------------------------------------------


def temperature_ph(p: float, h: float) -> float:
    """Return T at p and h."""
    region = region_ph(p, h)
    if region == 1:
        return water_t_ph(p, h)
    if region == 2:
        return steam_t_ph(p, h)
    if region == 3:
        return dense_t_ph(p, h)
    if region == 4:
        return saturation_t(p)
    return hot_t(p, h, ENTHALPY) if region == 5 else NAN


def temperature_ps(p: float, s: float) -> float:
    """Return T at p and s."""
    region = region_ps(p, s)
    if region == 1:
        return water_t_ps(p, s)
    if region == 2:
        return steam_t_ps(p, s)
    if region == 3:
        return dense_t_ps(p, s)
    if region == 4:
        return saturation_t(p)
    return hot_t(p, s, ENTROPY) if region == 5 else NAN


def volume_ph(p: float, h: float) -> float:
    """Return v at p and h."""
    region = region_ph(p, h)
    if region == 1:
        return water(p, water_t_ph(p, h))[2]
    if region == 2:
        return steam(p, steam_t_ph(p, h))[2]
    if region == 3:
        return dense_v_ph(p, h)
    if region == 4:
        t = saturation_t(p)
        h_water, _, v_water = saturated_water(p, t)
        h_steam, _, v_steam = saturated_steam(p, t)
        return v_water + (h - h_water) / (h_steam - h_water) * (v_steam - v_water)
    return hot(p, hot_t(p, h, ENTHALPY))[2] if region == 5 else NAN


def enthalpy_ps(p: float, s: float) -> float:
    """Return h at p and s."""
    region = region_ps(p, s)
    if region == 1:
        return water(p, water_t_ps(p, s))[0]
    if region == 2:
        return steam(p, steam_t_ps(p, s))[0]
    if region == 3:
        return dense(dense_v_ps(p, s), dense_t_ps(p, s))[1]
    if region == 4:
        t = saturation_t(p)
        h_water, s_water, _ = saturated_water(p, t)
        h_steam, s_steam, _ = saturated_steam(p, t)
        return h_water + (s - s_water) / (s_steam - s_water) * (h_steam - h_water)
    return hot(p, hot_t(p, s, ENTROPY))[0] if region == 5 else NAN
