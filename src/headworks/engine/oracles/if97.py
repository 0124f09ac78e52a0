"""IAPWS-IF97 in NumPy, for whole arrays: p [MPa], T [K], h [kJ/kg], s [kJ/(kg·K)], v [m³/kg]; NaN out of range.

It shares the coefficients with the kernels, no code: sums of powers are written out as they are printed.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from headworks.blocks import if97_tables as c
from headworks.blocks import if97_volumes as c3
from headworks.engine.oracles.spec import F8

HSV = tuple[F8, F8, F8]
R = 0.461526
TERMS_AT_ONCE = 20_000


def terms(packed: tuple[float, ...]) -> F8:
    """Return n, I and J of a table."""
    return np.array(packed[3:]).reshape(-1, 5)[:, :3].T


def total(packed: tuple[float, ...], x: F8, y: F8, dx: int = 0, dy: int = 0) -> F8:
    """Return Σ n x^I y^J, or its first derivative by x or y."""
    n, i, j = terms(packed)
    factor = n * np.where(dx, i, 1.0) * np.where(dy, j, 1.0)
    used = factor != 0.0
    parts = [
        (factor[used] * a[:, None] ** (i - dx)[used] * b[:, None] ** (j - dy)[used]).sum(axis=1)
        for a, b in zip(_pieces(x), _pieces(y), strict=True)
    ]
    return np.concatenate(parts)


def _pieces(x: F8) -> list[F8]:
    return np.split(x, range(TERMS_AT_ONCE, len(x), TERMS_AT_ONCE))


def _from_gibbs(p: F8, t: F8, p_star: float, t_star: float, g: F8, g_pi: F8, g_tau: F8) -> HSV:
    pi, tau = p / p_star, t_star / t
    return R * t * tau * g_tau, R * (tau * g_tau - g), R * t * pi * g_pi / (1000 * p)


def region_1(p: F8, t: F8) -> HSV:
    x, y = 7.1 - p / 16.53, 1386 / t - 1.222
    g, g_x, g_y = total(c.REGION_1, x, y), total(c.REGION_1, x, y, dx=1), total(c.REGION_1, x, y, dy=1)
    return _from_gibbs(p, t, 16.53, 1386, g, -g_x, g_y)


def _from_ideal_and_rest(
    p: F8, t: F8, t_star: float, ideal: tuple[float, ...], rest: tuple[float, ...], b: float
) -> HSV:
    one, tau = np.ones_like(p), t_star / t
    g = np.log(p) + total(ideal, one, tau) + total(rest, p, tau - b)
    g_pi = 1 / p + total(rest, p, tau - b, dx=1)
    g_tau = total(ideal, one, tau, dy=1) + total(rest, p, tau - b, dy=1)
    return _from_gibbs(p, t, 1.0, t_star, g, g_pi, g_tau)


def region_2(p: F8, t: F8) -> HSV:
    return _from_ideal_and_rest(p, t, 540, c.IDEAL_2, c.REGION_2, 0.5)


def region_5(p: F8, t: F8) -> HSV:
    return _from_ideal_and_rest(p, t, 1000, c.IDEAL_5, c.REGION_5, 0.0)


def region_3(v: F8, t: F8) -> HSV:
    """Return h and s, and p in the place of v."""
    delta, tau = 1 / v / 322, 647.096 / t
    f = c.LOG_3 * np.log(delta) + total(c.REGION_3, delta, tau)
    f_delta = c.LOG_3 / delta + total(c.REGION_3, delta, tau, dx=1)
    f_tau = total(c.REGION_3, delta, tau, dy=1)
    return (
        R * t * (tau * f_tau + delta * f_delta),
        R * (tau * f_tau - f),
        delta * f_delta * R * t / v / 1000,
    )


def saturation_p(t: F8) -> F8:
    n = (0.0, *c.SATURATION)
    y = t + n[9] / (t - n[10])
    a, b, d = y**2 + n[1] * y + n[2], n[3] * y**2 + n[4] * y + n[5], n[6] * y**2 + n[7] * y + n[8]
    p = (2 * d / (-b + np.sqrt(b**2 - 4 * a * d))) ** 4
    return np.where((t >= 273.15) & (t <= 647.096), p, np.nan)


def saturation_t(p: F8) -> F8:
    n = (0.0, *c.SATURATION)
    y = p**0.25
    e, f, g = y**2 + n[3] * y + n[6], n[1] * y**2 + n[4] * y + n[7], n[2] * y**2 + n[5] * y + n[8]
    d = 2 * g / (-f - np.sqrt(f**2 - 4 * e * g))
    t = (n[10] + d - np.sqrt((n[10] + d) ** 2 - 4 * (n[9] + n[10] * d))) / 2
    return np.where((p >= c.P_LOWEST_SATURATION) & (p <= 22.064), t, np.nan)


def b23_p(t: F8) -> F8:
    return c.B23[0] + c.B23[1] * t + c.B23[2] * t**2


def b23_t(p: F8) -> F8:
    return c.B23[3] + np.sqrt((p - c.B23[4]) / c.B23[2])


# --- region 3, v(p,T) -------------------------------------------------------------------------------------------------


def volume_of(letter: str, p: F8, t: F8) -> F8:
    (v_star, p_star, t_star, a, b, roots_x, roots_y, form), text = c3.SUBREGIONS[letter]
    x = (p / p_star - a) ** (0.5**roots_x)
    y = (t / t_star - b) ** (0.5**roots_y)
    s = total(c.pack(text), x, y)
    return v_star * (np.exp(s) if form == 2 else s**4 if form == 1 else s)


def subregions(p: F8, t: F8) -> NDArray[np.str_]:
    """Return the letters of the subregions."""

    def line(n: tuple[float, ...]) -> F8:
        return sum((n[k] * p**k for k in range(5)), np.zeros_like(p))

    def line_log(n: tuple[float, ...]) -> F8:
        return n[0] + n[1] * np.log(p) + n[2] * np.log(p) ** 2 + n[3] / np.log(p) + n[4] / np.log(p) ** 2

    ab, op, wx = line_log(c3.LOG_AB), line_log(c3.LOG_OP), line_log(c3.LOG_WX)
    cd, gh, ij, jk = line(c3.T_CD), line(c3.T_GH), line(c3.T_IJ), line(c3.T_JK)
    mn, qu, rx, uv = line(c3.T_MN), line(c3.T_QU), line(c3.T_RX), line(c3.T_UV)
    ef = 3.727888004 * (p - 22.064) + 647.096
    ts = saturation_t(p)
    # By rising temperature, each up to its border; from the highest pressure down.
    rows: list[tuple[float, list[tuple[str, F8]]]] = [
        (40.0, [("a", ab), ("b", ab)]),
        (25.0, [("c", cd), ("d", ab), ("e", ef), ("f", ef)]),
        (23.5, [("c", cd), ("g", gh), ("h", ef), ("i", ij), ("j", jk), ("k", jk)]),
        (23.0, [("c", cd), ("l", gh), ("h", ef), ("i", ij), ("j", jk), ("k", jk)]),
        (
            22.5,
            [("c", cd), ("l", gh), ("m", mn), ("n", ef), ("o", op), ("p", ij), ("j", jk), ("k", jk)],
        ),
        (22.11, [("c", cd), ("q", qu), ("u", uv), ("v", ef), ("w", wx), ("x", rx), ("r", jk), ("k", jk)]),
        (22.064, [("c", cd), ("q", qu), ("u", uv), ("y", ef), ("z", wx), ("x", rx), ("r", jk), ("k", jk)]),
        (c3.P_UV, [("c", cd), ("q", qu), ("u", uv), ("y", ts), ("z", wx), ("x", rx), ("r", jk), ("k", jk)]),
        (c3.P_WX, [("c", cd), ("q", qu), ("u", ts), ("z", wx), ("x", rx), ("r", jk), ("k", jk)]),
        (c3.P_643, [("c", cd), ("q", qu), ("u", ts), ("x", rx), ("r", jk), ("k", jk)]),
        (20.5, [("c", cd), ("s", ts), ("r", jk), ("k", jk)]),
        (c3.P_CD, [("c", cd), ("s", ts), ("t", ts)]),
        (0.0, [("c", ts), ("t", ts)]),
    ]
    found = np.full(p.shape, "", dtype="U1")
    for above, row in rows:
        here = (found == "") & (p > above)
        inside = [here & (t <= border) for _, border in row[:-1]]
        found = np.where(here, np.select(inside, [letter for letter, _ in row[:-1]], row[-1][0]), found)
    return found


def volume_3(p: F8, t: F8) -> F8:
    letters = subregions(p, t)
    v = np.full(p.shape, np.nan)
    for letter in np.unique(letters).tolist():
        here = letters == letter
        v[here] = volume_of(letter, p[here], t[here])
    return v


# --- anywhere ---------------------------------------------------------------------------------------------------------


def regions(p: F8, t: F8) -> F8:
    """Return the regions of p and T, NaN out of range."""
    below = (p > 0) & (p <= 100) & (t >= 273.15)
    return np.select(
        [
            ~below,
            (t <= 623.15) & (p >= saturation_p(t)),
            t <= 623.15,
            (t <= 863.15) & (p > b23_p(t)),
            t <= 1073.15,
            (t <= 2273.15) & (p <= 50),
        ],
        [np.nan, 1.0, 2.0, 3.0, 2.0, 5.0],
        np.nan,
    )


def properties(p: F8, t: F8) -> tuple[F8, F8, F8, F8]:
    """Return h, s, v and region of p and T."""
    region = regions(p, t)
    h, s, v = (np.full(p.shape, np.nan) for _ in range(3))
    for number, function in ((1, region_1), (2, region_2), (5, region_5)):
        here = region == number
        h[here], s[here], v[here] = function(p[here], t[here])
    here = region == 3
    v[here] = volume_3(p[here], t[here])
    h[here], s[here], _ = region_3(v[here], t[here])
    return h, s, v, region


def saturated(p: F8) -> tuple[HSV, HSV]:
    """Return h, s and v of boiling water and of dry saturated steam."""
    t = saturation_t(p)
    low = p <= c.P_SATURATION_1
    liquid, vapour = ([np.full(p.shape, np.nan) for _ in range(3)] for _ in range(2))
    for out, function in ((liquid, region_1), (vapour, region_2)):
        for column, found in zip(out, function(p[low], t[low]), strict=True):
            column[low] = found
    for out, borders in (
        (liquid, [(c3.P_CD, "c"), (c3.P_643, "s"), (c3.P_UV, "u"), (22.064, "y")]),
        (vapour, [(20.5, "t"), (c3.P_643, "r"), (c3.P_WX, "x"), (22.064, "z")]),
    ):
        before = c.P_SATURATION_1
        for upto, letter in borders:
            here = (p > before) & (p <= upto)
            v = volume_of(letter, p[here], t[here])
            v[p[here] == 22.064] = 1 / 322
            out[2][here] = v
            out[0][here], out[1][here], _ = region_3(v, t[here])
            before = upto
    return (liquid[0], liquid[1], liquid[2]), (vapour[0], vapour[1], vapour[2])


def regions_of(p: F8, y: F8, which: int) -> F8:
    """Return the regions of p and enthalpies (0) or entropies (1), 4 being wet steam, NaN out of range."""

    def at(function: Callable[[F8, F8], HSV], t: F8 | float) -> F8:
        return function(p, np.broadcast_to(t, p.shape))[which]

    x = (y / 2600, y / 5.2)[which]
    a, b = ((1.02, 0.608), (1.03, 0.699))[which]
    wet = 22 * total((c.P_H_3, c.P_S_3)[which], x - a, x - b)
    low = p <= c.P_SATURATION_1
    ts = saturation_t(p)
    end_1 = np.where(low, at(region_1, ts), at(region_1, 623.15))
    start_2 = np.where(low, at(region_2, ts), at(region_2, b23_t(np.maximum(p, c.P_SATURATION_1))))
    found: F8 = np.select(
        [
            ~((p >= c.P_LOWEST_SATURATION) & (p <= 100) & (y >= at(region_1, 273.15))),
            y <= end_1,
            (y < start_2) & (low | ((p < wet) & (p < 22.064))),
            y < start_2,
            y <= at(region_2, 1073.15),
            (y <= at(region_5, 2273.15)) & (p <= 50),
        ],
        [np.nan, 1.0, 4.0, 3.0, 2.0, 5.0],
        np.nan,
    )
    return found


def _solved_5(p: F8, y: F8, which: int) -> F8:
    low: F8 = np.full(p.shape, 1000.0)  # regions 2 and 5 do not meet exactly at 1073.15 K
    high: F8 = np.full(p.shape, 2273.15)
    for _ in range(60):
        middle = (low + high) / 2
        above = region_5(p, middle)[which] > y
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    return (low + high) / 2


def _t_2(p: F8, y: F8, which: int) -> F8:
    if which == 0:
        border = c.H_2BC[1] + np.sqrt(np.maximum(p - c.H_2BC[2], 0) / c.H_2BC[0])
        a = total(c.T_PH_2A, p, y / 2000 - 2.1)
        b = total(c.T_PH_2B, p - 2, y / 2000 - 2.6)
        return np.where(
            p <= 4, a, np.where((p > c.H_2BC[2]) & (y < border), total(c.T_PH_2C, p + 25, y / 2000 - 1.8), b)
        )
    a = total(c.T_PS_2A, p**0.25, y / 2 - 2)
    return np.where(
        p <= 4, a, np.where(y < 5.85, total(c.T_PS_2C, p, 2 - y / 2.9251), total(c.T_PS_2B, p, 10 - y / 0.7853))
    )


def _tv_3(p: F8, y: F8, which: int) -> tuple[F8, F8]:
    x = p / 100
    if which == 0:
        first = y <= c.H_3AB[0] + c.H_3AB[1] * p + c.H_3AB[2] * p**2 + c.H_3AB[3] * p**3
        t_a, t_b = total(c.T_PH_3A, x + 0.24, y / 2300 - 0.615), total(c.T_PH_3B, x + 0.298, y / 2800 - 0.72)
        v_a, v_b = total(c.V_PH_3A, x + 0.128, y / 2100 - 0.727), total(c.V_PH_3B, x + 0.0661, y / 2800 - 0.72)
    else:
        first = y <= 4.41202148223476
        t_a, t_b = total(c.T_PS_3A, x + 0.24, y / 4.4 - 0.703), total(c.T_PS_3B, x + 0.76, y / 5.3 - 0.818)
        v_a, v_b = total(c.V_PS_3A, x + 0.187, y / 4.4 - 0.755), total(c.V_PS_3B, x + 0.298, y / 5.3 - 0.816)
    return np.where(first, 760 * t_a, 860 * t_b), np.where(first, 0.0028 * v_a, 0.0088 * v_b)


def backward(p: F8, y: F8, which: int) -> tuple[F8, F8, F8, F8]:
    """Return T, h, v and region of p and enthalpies (0) or entropies (1)."""
    with np.errstate(all="ignore"):
        region = regions_of(p, y, which)
        t, h, v = (np.full(p.shape, np.nan) for _ in range(3))
        one, two, three, wet, five = (region == k for k in (1, 2, 3, 4, 5))
        if which == 0:
            t[one] = total(c.T_PH_1, p[one], y[one] / 2500 + 1)
        else:
            t[one] = total(c.T_PS_1, p[one], y[one] + 2)
        t[two] = _t_2(p[two], y[two], which)
        t[five] = _solved_5(p[five], y[five], which)
        for here, function in ((one, region_1), (two, region_2), (five, region_5)):
            h[here], _, v[here] = function(p[here], t[here])
        t[three], v[three] = _tv_3(p[three], y[three], which)
        h[three] = region_3(v[three], t[three])[0]
        t[wet] = saturation_t(p[wet])
        liquid, vapour = saturated(p[wet])
        x = (y[wet] - liquid[which]) / (vapour[which] - liquid[which])
        h[wet], v[wet] = ((1 - x) * liquid[k] + x * vapour[k] for k in (0, 2))
        return t, h, v, region
