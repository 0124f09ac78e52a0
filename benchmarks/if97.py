"""How exact and how fast the properties of water and steam are.

    python benchmarks/if97.py [--quick]

First the printed values of the releases, function by function. Then over 10^6 points per region (--quick: 10^4) the largest
relative difference from two other programs, seuif97 and CoolProp's IF97 backend, which need to be installed: where they agree
with each other to 1e-9 or only one has a value; and where they do not, from the nearer one, with some of these points.
Differences of h, s and x are relative to at least 1 kJ/kg, 0.01 kJ/(kg·K) and 0.01. The functions are compiled from the same
source as in the engine; times are CPU time of this thread per call, at random points. The last line is one flat JSON object.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numba import njit

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests" / "blocks")]

import if97_values as printed

from headworks.blocks import catalogue, if97, if97_tables, if97_volumes
from headworks.blocks import if97_backward as backward
from headworks.engine import codegen
from headworks.engine.oracles import if97 as arrays

F8 = np.ndarray
Result = dict[str, float]
GOAL = 1e-9
SEARCHED = tuple(f"{name}_5" for name in ("T_temperature_ph", "v_volume_ph", "T_temperature_ps", "h_enthalpy_ps"))
FLOOR = {"h": 1.0, "s": 0.01, "v": 0.0, "T": 0.0, "p": 0.0, "x": 0.01}


# --- printed values ---------------------------------------------------------------------------------------------------


def printed_values() -> Iterator[tuple[str, float, float, int]]:
    """Yield what is printed: function, value found, value printed, digits."""
    for region, p, t, *expected in printed.FORWARD:
        for name, found, value in zip("hsv", if97.properties_pt(p, t)[1:], expected, strict=True):
            yield f"{name}_pt_{region}", found, value, 9
    for t, density, *expected in printed.REGION_3:
        for name, found, value in zip("phs", if97.dense(1 / density, t), expected, strict=True):
            yield f"{name}_vt_3", found, value, 9
    for t, p in printed.SATURATION_P:
        yield "saturation_p", if97.saturation_p(t), p, 9
    for p, t in printed.SATURATION_T:
        yield "saturation_t", if97.saturation_t(p), t, 9
    for t, p in printed.BORDER_23:
        yield "border_23", if97.border_p(t), p, 9
        yield "border_23", if97.border_t(p), t, 9
    for region, p, h, t in printed.T_PH:
        yield f"t_ph_{region}", backward.temperature_ph(p, h), t, 9
    for region, p, s, t in printed.T_PS:
        yield f"t_ps_{region}", backward.temperature_ps(p, s), t, 9
    for p, h, t, v in printed.TV_PH_3:
        yield "t_ph_3", backward.temperature_ph(p, h), t, 10
        yield "v_ph_3", backward.volume_ph(p, h), v, 10
    for p, s, t, v in printed.TV_PS_3:
        yield "t_ps_3", backward.temperature_ps(p, s), t, 10
        yield "v_ps_3", backward.dense_v_ps(p, s), v, 10
    for h, p in printed.SATURATION_H:
        yield "saturation_p_h", backward.saturation_p_h(h), p, 10
    for s, p in printed.SATURATION_S:
        yield "saturation_p_s", backward.saturation_p_s(s), p, 10
    for name, p, t in printed.BORDERS:
        upper = name.upper()
        if name == "ef":
            found = if97.border_ef(p)
        elif hasattr(if97_volumes, f"LOG_{upper}"):
            found = if97.border_log(getattr(if97_volumes, f"LOG_{upper}"), p)
        else:
            found = if97.border(getattr(if97_volumes, f"T_{upper}"), p)
        yield "borders_3", found, t, 10
    for _, p, t, v in printed.V_PT_3:
        yield "v_pt_3", if97.volume_3(p, t), v, 10


def check_printed_values(result: Result) -> None:
    """Print for each function its largest deviation; a value printed with d digits is rounded by up to half a unit."""
    worst: dict[str, tuple[int, float, float]] = {}
    result["printed_values"] = result["printed_values_other_digits"] = 0
    for name, found, value, digits in printed_values():
        unit = 10.0 ** (int(np.floor(np.log10(abs(value)))) - digits + 1)
        count, relative, units = worst.get(name, (0, 0.0, 0.0))
        worst[name] = (count + 1, max(relative, abs(found / value - 1)), max(units, abs(found - value) / unit))
        result["printed_values"] += 1
        if float(f"{found:.{digits - 1}e}") != value:
            result["printed_values_other_digits"] += 1
            print(f"  {name}: {found:.12e}, printed {value:.{digits - 1}e}")
    print(f"{'function':<16}{'values':>7}{'largest deviation':>19}{'in last digits':>16}")
    for name, (count, relative, units) in worst.items():
        print(f"{name:<16}{count:>7}{relative:>19.2e}{units:>16.2f}")
    result["printed_values_max_rel"] = max(relative for _, relative, _ in worst.values())


# --- other programs ---------------------------------------------------------------------------------------------------


class Others:
    """seuif97 and CoolProp: each returns the quantities asked for, a row each, NaN where it has none."""

    def __init__(self) -> None:
        self.seuif97: Any = importlib.import_module("seuif97")
        self.coolprop: Any = importlib.import_module("CoolProp.CoolProp")
        self.state = self.coolprop.AbstractState("IF97", "Water")

    def by_seuif97(self, pair: str, names: str, a: F8, b: F8) -> F8:
        function = getattr(self.seuif97, pair)
        numbers = [{"p": 0, "T": 1, "v": 3, "h": 4, "s": 5, "x": 15}[name] for name in names]
        a = a - 273.15 if pair == "tx" else a
        b = b - 273.15 if pair == "pt" else b
        found = np.array([[function(x, y, k) for x, y in zip(a.tolist(), b.tolist(), strict=True)] for k in numbers])
        found[[name == "T" for name in names]] += 273.15
        return np.where(found <= -999, np.nan, found)

    def by_coolprop(self, pair: str, names: str, a: F8, b: F8) -> F8:
        state, known = self.state, self.coolprop
        pairs = {
            "pt": (known.PT_INPUTS, 1e6 * a, b),
            "ph": (known.HmassP_INPUTS, 1e3 * b, 1e6 * a),
            "ps": (known.PSmass_INPUTS, 1e6 * a, 1e3 * b),
            "px": (known.PQ_INPUTS, 1e6 * a, b),
            "tx": (known.QT_INPUTS, b, a),
        }
        which, first, second = pairs[pair]
        getters = {
            "p": lambda: state.p() / 1e6,
            "T": state.T,
            "v": lambda: 1 / state.rhomass(),
            "h": lambda: state.hmass() / 1e3,
            "s": lambda: state.smass() / 1e3,
            "x": state.Q,
        }
        rows = np.full((len(names), len(a)), np.nan)
        for n, (x, y) in enumerate(zip(first.tolist(), second.tolist(), strict=True)):
            try:
                state.update(which, x, y)
                rows[:, n] = [getters[name]() for name in names]
            except (ValueError, IndexError):
                continue
        return rows


Loop = Callable[[F8, F8, F8], None]


def one(of: Any) -> Loop:
    def loop(a, b, out):
        for n in range(a.size):
            out[0, n] = of(a[n], b[n])

    return loop


def of_the_first(of: Any) -> Loop:
    def loop(a, b, out):
        for n in range(a.size):
            out[0, n] = of(a[n])

    return loop


def three(of: Any) -> Loop:
    def loop(a, b, out):
        for n in range(a.size):
            out[0, n], out[1, n], out[2, n] = of(a[n], b[n])

    return loop


def three_and_region(of: Any) -> Loop:
    def loop(a, b, out):
        for n in range(a.size):
            _, out[0, n], out[1, n], out[2, n] = of(a[n], b[n])

    return loop


@dataclass(frozen=True)
class Function:
    """A function to compare: its name, the block it is a part of, its inputs and outputs, and how it is called."""

    name: str
    op: str
    pair: str
    names: str
    loop: Callable[[Any], Loop]


FUNCTIONS = (
    Function("properties_pt", "steam_properties", "pt", "hsv", three_and_region),
    Function("temperature_ph", "steam_temperature_ph", "ph", "T", one),
    Function("volume_ph", "steam_volume_ph", "ph", "v", one),
    Function("temperature_ps", "steam_temperature_ps", "ps", "T", one),
    Function("enthalpy_ps", "steam_enthalpy_ps", "ps", "h", one),
)
SATURATED = (
    Function("saturation_t", "saturation_temperature", "px", "T", of_the_first),
    Function("saturation_p", "saturation_pressure", "tx", "p", of_the_first),
    Function("saturated_water", "steam_quality", "px", "hsv", three),
    Function("saturated_steam", "steam_quality", "px", "hsv", three),
)


def compiled(function: Function) -> Loop:
    """Return a loop that fills the rows of its last argument by the function as the engine compiles it."""
    source = codegen.block_source(catalogue.get(function.op))
    module: dict[str, Any] = {"__name__": function.op}
    exec(compile(source, function.op, "exec"), module)
    found: Loop = njit(error_model="numpy")(function.loop(module[function.name]))
    return found


# --- points -----------------------------------------------------------------------------------------------------------


def points(region: int, n: int) -> tuple[F8, F8]:
    """Return p and T of points of a region; half of those of region 3 near the critical point."""
    rng = np.random.default_rng(region)
    low, high = {1: (273.15, 623.15), 2: (273.15, 1073.15), 3: (623.15, 863.15), 5: (1073.15, 2273.15)}[region]
    found: list[F8] = []
    while sum(part.shape[1] for part in found) < n:
        p, t = rng.uniform(0.001, 100, n), rng.uniform(low, high, n)
        if region in (2, 5):
            p = np.exp(rng.uniform(np.log(0.001), np.log(100), n))
        if region == 3:
            p[::2], t[::2] = rng.uniform(16.5, 26, len(p[::2])), rng.uniform(623.15, 680, len(p[::2]))
        with np.errstate(all="ignore"):
            here = arrays.regions(p, t) == region
        found.append(np.array([p[here], t[here]]))
    p, t = np.concatenate(found, axis=1)[:, :n]
    return p, t


def inputs(pair: str, region: int, p: F8, t: F8) -> tuple[F8, F8]:
    """Return p and the second input of `pair` for the points; only those that lie in this region again."""
    if pair == "pt":
        return p, t
    which = "hs".index(pair[1])
    if region == 4:
        water, steam = arrays.saturated(p)
        y = water[which] + t * (steam[which] - water[which])
    else:
        y = arrays.properties(p, t)[which]
    here = arrays.regions_of(p, y, which) == region
    if region == 5:  # seuif97 ends the process a little below 800 ℃, where regions 2 and 5 do not quite meet
        here &= (t > 1073.5) & (t < 2273.0)
    return p[here], y[here]


# --- comparing --------------------------------------------------------------------------------------------------------


def relative(a: F8, b: F8, floor: float) -> F8:
    return np.abs(a - b) / np.maximum(np.abs(b), floor)


def compare(function: Function, loop: Loop, region: int, at: tuple[F8, F8], others: Others, result: Result) -> None:
    """Compare one function over points of a region and print what is found."""
    a, b = at
    out = np.empty((len(function.names), len(a)))
    loop(a[:2].copy(), b[:2].copy(), np.empty((len(out), 2)))
    begun = time.thread_time()
    loop(a, b, out)
    ns = (time.thread_time() - begun) / len(a) * 1e9
    assert not np.isnan(out).any(), "a point of the region has no value"
    result[f"ns_{function.name}_{region}"] = round(ns, 1)
    print(f"{function.name}, region {region}: {len(a)} points, {ns:.0f} ns a call")
    one = others.by_seuif97(function.pair, function.names, a, b)
    two = others.by_coolprop(function.pair, function.names, a, b)
    for name, own, x, y in zip(function.names, out, one, two, strict=True):
        key = f"{name}_{function.name}_{region}"
        compare_values(key, FLOOR[name], own, x, y, at, result)


def compare_values(key: str, floor: float, own: F8, x: F8, y: F8, at: tuple[F8, F8], result: Result) -> None:
    """Print and keep how far our values are from those of seuif97, `x`, and of CoolProp, `y`."""
    from_x, from_y, apart = relative(own, x, floor), relative(own, y, floor), relative(x, y, floor)
    same = ~(apart > GOAL)
    odd = np.flatnonzero(~same)
    largest = [float(np.max(d[same], where=~np.isnan(d[same]), initial=0.0)) for d in (from_x, from_y)]
    nearer = float(np.fmin(from_x, from_y)[odd].max(initial=0.0))
    result |= {f"{key}_seuif97": largest[0], f"{key}_coolprop": largest[1]}
    result |= {f"{key}_apart": len(odd), f"{key}_apart_nearer": nearer}
    without = [int(np.isnan(d).sum()) for d in (x, y)]
    none = [f", {n} without a value of {name}" for n, name in zip(without, ("seuif97", "CoolProp"), strict=True) if n]
    print(f"  {key[0]}: seuif97 {largest[0]:.1e}, CoolProp {largest[1]:.1e}{''.join(none)}")
    if len(odd):
        print(
            f"    at {len(odd)} more points these two differ, by up to {np.nanmax(apart):.1e}; from the nearer {nearer:.1e}"
        )
        nearest = [int((d[odd] <= GOAL).sum()) for d in (from_x, from_y)]
        print(f"    at {nearest[0]} of them equal to seuif97, at {nearest[1]} to CoolProp; the widest apart:")
        for n in odd[np.argsort(-apart[odd])][:3].tolist():
            print(f"    {at[0][n]:.9g}, {at[1][n]:.9g}: {own[n]:.12g}, seuif97 {x[n]:.12g}, CoolProp {y[n]:.12g}")


def compare_all(n: int, result: Result) -> None:
    others = Others()
    rng = np.random.default_rng(4)
    states = {region: points(region, n) for region in (1, 2, 3, 5)}
    p = np.exp(rng.uniform(np.log(if97_tables.P_LOWEST_SATURATION * 1.001), np.log(21.9), n))
    states[4] = p, rng.uniform(0, 1, n)
    for function in FUNCTIONS:
        loop = compiled(function)
        for region in (1, 2, 3, 5) if function.pair == "pt" else (1, 2, 3, 4, 5):
            compare(function, loop, region, inputs(function.pair, region, *states[region]), others, result)
    t = arrays.saturation_t(p)
    for function in SATURATED:
        x = np.full(n, 1.0 if function.name == "saturated_steam" else 0.0)
        loop = compiled(function)
        if function.loop is three:  # called with p and its saturation temperature
            loop = with_temperature(loop, t)
        compare(function, loop, 4, (t if function.pair == "tx" else p, x), others, result)
    # Region 5: the way back to the temperature, which the others search to 1e-6 kJ/kg or do not offer.
    p, t = states[5]
    p, t = p[:1000], t[:1000]
    h, s, _, _ = arrays.properties(p, t)
    for name, function, y in (("ph", backward.temperature_ph, h), ("ps", backward.temperature_ps, s)):
        back = np.array([function(a, b) for a, b in zip(p.tolist(), y.tolist(), strict=True)])
        key = f"T_{name}_5_from_the_state_itself"
        result[key] = float(np.abs(back / t - 1)[(t > 1073.5) & (t < 2273.0)].max())
        print(f"{key}: {result[key]:.1e}")


def with_temperature(loop: Loop, t: F8) -> Loop:
    return lambda a, _, out: loop(a, t[: len(a)], out)


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--quick", action="store_true")
    quick = arguments.parse_args().quick
    result: Result = {}
    check_printed_values(result)
    n = 10_000 if quick else 1_000_000
    with np.errstate(all="ignore"):
        compare_all(n, result)
    compared = {k: v for k, v in result.items() if not k.startswith(SEARCHED)}
    result["points_per_region"] = n
    for program in ("seuif97", "coolprop"):
        result[f"max_rel_{program}"] = max(v for k, v in compared.items() if k.endswith(f"_{program}"))
    result["max_rel_nearer"] = max(v for k, v in compared.items() if k.endswith("_nearer"))
    print(
        f"largest difference, but for what seuif97 searches in region 5: {result['max_rel_seuif97']:.1e} from seuif97,"
    )
    print(
        f"{result['max_rel_coolprop']:.1e} from CoolProp, {result['max_rel_nearer']:.1e} where these differ; goal {GOAL:.0e}"
    )
    print(json.dumps(result))


if __name__ == "__main__":
    main()
