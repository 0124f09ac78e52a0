"""Water and steam by the industrial formulation IAPWS-IF97: the functions that kernels use.

Everything is scalar; p in MPa, T in K, h in kJ/kg, s in kJ/(kg·K), v in m³/kg. What is out of range is NaN.

The forward equations follow R7-97; v(p,T) of region 3 is the backward equation of SR5-05 (without iteration, deviating by up
to 1e-5 from the basic equation), T and v of (p,h) and (p,s) those of R7-97 and SR3-03. So do other implementations of the
formulation.

References
----------
.. [1] IAPWS R7-97(2012), Revised Release on the IAPWS Industrial Formulation 1997.
.. [2] IAPWS SR3-03(2014), Backward Equations for T(p,h), v(p,h) and T(p,s), v(p,s) for Region 3.
.. [3] IAPWS SR5-05(2016), Backward Equations for v(p,T) for Region 3.
"""

from __future__ import annotations

import math

from headworks.blocks.if97_tables import (
    B23,
    D_CRITICAL,
    GAS,
    HEAD,
    IDEAL_2,
    IDEAL_5,
    LOG_3,
    P_CRITICAL,
    P_HIGHEST,
    P_HIGHEST_5,
    P_LOWEST_SATURATION,
    REGION_1,
    REGION_2,
    REGION_3,
    REGION_5,
    SATURATION,
    T_1,
    T_2,
    T_5,
    T_23,
    T_CRITICAL,
    T_LOWEST,
    WIDTH,
)
from headworks.blocks.if97_volumes import (
    HEAD_3,
    LOG_AB,
    LOG_OP,
    LOG_WX,
    P_643,
    P_CD,
    P_UV,
    P_WX,
    SLOPE_EF,
    T_CD,
    T_GH,
    T_IJ,
    T_JK,
    T_MN,
    T_QU,
    T_RX,
    T_UV,
    V_3,
    V_3A,
    V_3B,
    V_3C,
    V_3D,
    V_3E,
    V_3F,
    V_3G,
    V_3H,
    V_3I,
    V_3J,
    V_3K,
    V_3L,
    V_3M,
    V_3N,
    V_3O,
    V_3P,
    V_3Q,
    V_3R,
    V_3S,
    V_3T,
    V_3U,
    V_3V,
    V_3W,
    V_3X,
    V_3Y,
    V_3Z,
)
from headworks.blocks.spec import NAN

Numbers = tuple[float, ...]


# --- sums of powers ---------------------------------------------------------------------------------------------------


def power(x: float, n: int) -> float:
    """Return x to the whole number n."""
    if n < 0:
        x, n = 1.0 / x, -n
    y = 1.0
    while n > 0:
        if n & 1:
            y *= x
        x *= x
        n >>= 1
    return y


def power_sums(rows: Numbers, at: int, x: float, y: float) -> tuple[float, float, float]:
    """Return S = Σ n x^I y^J over the table at place `at` of `rows`, x · ∂S/∂x and y · ∂S/∂y."""
    total, by_x, by_y, px, py = 0.0, 0.0, 0.0, 1.0, 1.0
    first = at + HEAD
    for k in range(first, first + WIDTH * int(rows[at]), WIDTH):
        if rows[k + 3] > 0.0:
            px *= power(x, int(rows[k + 3]))
            py = 1.0
        py *= power(y, int(rows[k + 4]))
        term = rows[k] * px * py
        total += term
        by_x += rows[k + 1] * term
        by_y += rows[k + 2] * term
    least = power(x, int(rows[at + 1])) * power(y, int(rows[at + 2]))
    return total * least, by_x * least, by_y * least


def power_sum(rows: Numbers, at: int, x: float, y: float) -> float:
    """Return Σ n x^I y^J over the table at place `at` of `rows`."""
    total, px, py = 0.0, 1.0, 1.0
    first = at + HEAD
    for k in range(first, first + WIDTH * int(rows[at]), WIDTH):
        if rows[k + 3] > 0.0:
            px *= power(x, int(rows[k + 3]))
            py = 1.0
        py *= power(y, int(rows[k + 4]))
        total += rows[k] * px * py
    return total * power(x, int(rows[at + 1])) * power(y, int(rows[at + 2]))


# --- the regions ------------------------------------------------------------------------------------------------------


def water(p: float, t: float) -> tuple[float, float, float]:
    """Return h, s and v of region 1 (R7-97, Eq. 7)."""
    x, tau = 7.1 - p / 16.53, 1386.0 / t
    g, by_x, by_y = power_sums(REGION_1, 0, x, tau - 1.222)
    by_tau = by_y * tau / (tau - 1.222)
    return GAS * t * by_tau, GAS * (by_tau - g), -GAS * t * by_x / x / 16530.0


def steam(p: float, t: float) -> tuple[float, float, float]:
    """Return h, s and v of region 2 (R7-97, Eq. 15 to 17)."""
    tau = 540.0 / t
    ideal, _, ideal_by_tau = power_sums(IDEAL_2, 0, 1.0, tau)
    rest, by_pi, by_y = power_sums(REGION_2, 0, p, tau - 0.5)
    by_tau = ideal_by_tau + by_y * tau / (tau - 0.5)
    return GAS * t * by_tau, GAS * (by_tau - ideal - math.log(p) - rest), GAS * t * (1.0 + by_pi) / (1000.0 * p)


def dense(v: float, t: float) -> tuple[float, float, float]:
    """Return p, h and s of region 3 (R7-97, Eq. 28)."""
    delta, tau = 1.0 / (v * D_CRITICAL), T_CRITICAL / t
    rest, by_delta, by_tau = power_sums(REGION_3, 0, delta, tau)
    by_delta += LOG_3
    rest += LOG_3 * math.log(delta)
    return GAS * t * by_delta / (1000.0 * v), GAS * t * (by_tau + by_delta), GAS * (by_tau - rest)


def hot(p: float, t: float) -> tuple[float, float, float]:
    """Return h, s and v of region 5 (R7-97, Eq. 32 to 34)."""
    tau = 1000.0 / t
    ideal, _, ideal_by_tau = power_sums(IDEAL_5, 0, 1.0, tau)
    rest, by_pi, by_tau = power_sums(REGION_5, 0, p, tau)
    by_tau += ideal_by_tau
    return GAS * t * by_tau, GAS * (by_tau - ideal - math.log(p) - rest), GAS * t * (1.0 + by_pi) / (1000.0 * p)


def saturation_p(t: float) -> float:
    """Return the saturation pressure at T (R7-97, Eq. 30)."""
    if not (T_LOWEST <= t <= T_CRITICAL):
        return NAN
    n = SATURATION
    y = t + n[8] / (t - n[9])
    a = (y + n[0]) * y + n[1]
    b = (n[2] * y + n[3]) * y + n[4]
    c = (n[5] * y + n[6]) * y + n[7]
    root = 2.0 * c / (math.sqrt(b * b - 4.0 * a * c) - b)
    return root * root * root * root


def saturation_t(p: float) -> float:
    """Return the saturation temperature at p (R7-97, Eq. 31)."""
    if not (P_LOWEST_SATURATION <= p <= P_CRITICAL):
        return NAN
    n = SATURATION
    y = math.sqrt(math.sqrt(p))
    e = (y + n[2]) * y + n[5]
    f = (n[0] * y + n[3]) * y + n[6]
    g = (n[1] * y + n[4]) * y + n[7]
    d = n[9] - 2.0 * g / (f + math.sqrt(f * f - 4.0 * e * g))
    return 0.5 * (d - math.sqrt(d * d - 4.0 * (n[8] + n[9] * (d - n[9]))))


def border_p(t: float) -> float:
    """Return the pressure of the border between regions 2 and 3 (R7-97, Eq. 5)."""
    return B23[0] + (B23[1] + B23[2] * t) * t


def border_t(p: float) -> float:
    """Return the temperature of the border between regions 2 and 3 (R7-97, Eq. 6)."""
    return B23[3] + math.sqrt((p - B23[4]) / B23[2])


def region_pt(p: float, t: float) -> int:
    """Return the region of p and T: 1, 2, 3 or 5; the saturation line belongs to region 1. 0: out of range."""
    if not (p > 0.0 and T_LOWEST <= t <= T_5 and p <= P_HIGHEST):
        return 0
    if t > T_2:
        return 5 if p <= P_HIGHEST_5 else 0
    if t > T_23 or p < P_LOWEST_SATURATION:
        return 2
    if t > T_1:
        return 3 if p > border_p(t) else 2
    return 1 if p >= saturation_p(t) else 2


# --- v(p,T) of region 3 -----------------------------------------------------------------------------------------------


def border(n: Numbers, p: float) -> float:
    """Return T of a border that is a polynomial of p (SR5-05, Eq. 2)."""
    return n[0] + p * (n[1] + p * (n[2] + p * (n[3] + p * n[4])))


def border_log(n: Numbers, p: float) -> float:
    """Return T of a border that is a sum of powers of ln p (SR5-05, Eq. 1)."""
    x = math.log(p)
    return n[0] + x * (n[1] + x * n[2]) + (n[3] + n[4] / x) / x


def border_ef(p: float) -> float:
    """Return T of the border that touches the saturation line in the critical point (SR5-05, Eq. 3)."""
    return SLOPE_EF * (p - P_CRITICAL) + T_CRITICAL


def volume_3(p: float, t: float) -> float:
    """Return v of region 3 (SR5-05, Eq. 4 and 5)."""
    return subregion_volume(subregion(p, t), p, t)


def subregion_volume(at: int, p: float, t: float) -> float:
    """Return v of the subregion whose coefficients begin at `at` of V_3."""
    x, y = p / V_3[at + 1] - V_3[at + 3], t / V_3[at + 2] - V_3[at + 4]
    for _ in range(int(V_3[at + 5])):
        x = math.sqrt(x)
    for _ in range(int(V_3[at + 6])):
        y = math.sqrt(y)
    total = power_sum(V_3, at + HEAD_3, x, y)
    if V_3[at + 7] == 1.0:
        total *= total
        total *= total
    elif V_3[at + 7] == 2.0:
        total = math.exp(total)
    return V_3[at] * total


def subregion(p: float, t: float) -> int:
    """Return where in V_3 the subregion of p and T is (SR5-05, Table 2)."""
    if p > 40.0:
        return V_3A if t <= border_log(LOG_AB, p) else V_3B
    if t <= border(T_CD, p) and (p > P_CD or t <= saturation_t(p)):
        return V_3C
    if p > 25.0:
        if t <= border_log(LOG_AB, p):
            return V_3D
        return V_3E if t <= border_ef(p) else V_3F
    if p > 22.5:
        return subregion_above(p, t)
    if p > P_643:
        if t <= border(T_QU, p):
            return V_3Q
        if t > border(T_RX, p):
            return V_3R if t <= border(T_JK, p) else V_3K
        return subregion_critical(p, t)
    if t <= saturation_t(p):
        return V_3S if p > P_CD else V_3C
    if p > 20.5:
        return V_3R if t <= border(T_JK, p) else V_3K
    return V_3T


def subregion_above(p: float, t: float) -> int:
    """Return the subregion for 22.5 < p <= 25 MPa, beyond 3c."""
    if t > border(T_JK, p):
        return V_3K
    if t > border(T_IJ, p):
        return V_3J
    if t <= border(T_GH, p):
        return V_3G if p > 23.5 else V_3L
    if p > 23.0:
        return V_3H if t <= border_ef(p) else V_3I
    if t <= border_ef(p):
        return V_3M if t <= border(T_MN, p) else V_3N
    return V_3O if t <= border_log(LOG_OP, p) else V_3P


def subregion_critical(p: float, t: float) -> int:
    """Return the subregion next to the critical point, 21.0434 < p <= 22.5 MPa (SR5-05, Table 10)."""
    if p > 22.11:
        if t <= border_ef(p):
            return V_3U if t <= border(T_UV, p) else V_3V
        return V_3W if t <= border_log(LOG_WX, p) else V_3X
    if p > P_CRITICAL:
        if t <= border_ef(p):
            return V_3U if t <= border(T_UV, p) else V_3Y
        return V_3Z if t <= border_log(LOG_WX, p) else V_3X
    if t <= saturation_t(p):
        return V_3Y if p > P_UV and t > border(T_UV, p) else V_3U
    return V_3Z if p > P_WX and t <= border_log(LOG_WX, p) else V_3X


# --- anywhere ---------------------------------------------------------------------------------------------------------


def properties_pt(p: float, t: float) -> tuple[int, float, float, float]:
    """Return region, h, s and v at p and T."""
    region = region_pt(p, t)
    if region == 1:
        h, s, v = water(p, t)
    elif region == 2:
        h, s, v = steam(p, t)
    elif region == 3:
        v = volume_3(p, t)
        _, h, s = dense(v, t)
    elif region == 5:
        h, s, v = hot(p, t)
    else:
        h, s, v = NAN, NAN, NAN
    return region, h, s, v


def saturated_water(p: float, t: float) -> tuple[float, float, float]:
    """Return h, s and v of boiling water at p and its saturation temperature T."""
    if t <= T_1:
        return water(p, t)
    at = V_3C if p <= P_CD else V_3S if p <= P_643 else V_3U if p <= P_UV else V_3Y
    v = subregion_volume(at, p, t) if p < P_CRITICAL else 1.0 / D_CRITICAL
    _, h, s = dense(v, t)
    return h, s, v


def saturated_steam(p: float, t: float) -> tuple[float, float, float]:
    """Return h, s and v of dry saturated steam at p and its saturation temperature T."""
    if t <= T_1:
        return steam(p, t)
    at = V_3T if p <= 20.5 else V_3R if p <= P_643 else V_3X if p <= P_WX else V_3Z
    v = subregion_volume(at, p, t) if p < P_CRITICAL else 1.0 / D_CRITICAL
    _, h, s = dense(v, t)
    return h, s, v
