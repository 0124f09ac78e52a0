"""What the blocks for boiler, turbine, heaters and condenser mean."""

from __future__ import annotations

import numpy as np

from headworks.engine.oracles import if97
from headworks.engine.oracles.spec import F8, Past, oracle
from headworks.engine.oracles.steam import boiling


@oracle("enthalpy_drop")
def enthalpy_drop(past: Past) -> tuple[tuple[F8, ...], int]:
    p_in, t_in, p_out, t_out = past.inputs
    with np.errstate(all="ignore"):
        h_in, s_in, _, _ = if97.properties(p_in, t_in + 273.15)
        _, h_ideal, _, _ = if97.backward(p_out, s_in, 1)
        h_out, _, _, _ = if97.properties(p_out, t_out + 273.15)
    could = np.where(h_in > h_ideal, h_in - h_ideal, np.nan)
    did = np.where(t_out - past.params[0] < boiling(p_out), np.nan, h_in - h_out) + 0.0 * could
    return (could, did, did / could * 100), 0


@oracle("heater_differences")
def heater_differences(past: Past) -> tuple[tuple[F8, ...], int]:
    p, t_in, t_out, t_drain = past.inputs
    t = boiling(p)
    return (t - t_out, t_drain - t_in + 0.0 * t, t_out - t_in + 0.0 * t), 0


@oracle("condenser_differences")
def condenser_differences(past: Past) -> tuple[tuple[F8, ...], int]:
    p, t_in, t_out = past.inputs
    t = boiling(p / 1000)
    return (t, t - t_out, t - t_in, t_out - t_in + 0.0 * t), 0


@oracle("condenser_cleanliness")
def condenser_cleanliness(past: Past) -> tuple[tuple[F8, ...], int]:
    p, flow, t_in, t_out, factor = past.inputs
    area, passage, base, material, density, heat = past.params
    t = boiling(p / 1000)
    with np.errstate(all="ignore"):
        lmtd = ((t - t_in) - (t - t_out)) / (np.log(t - t_in) - np.log(t - t_out))
        watt = flow * 1000 / 3600 * heat * 1000 * (t_out - t_in)
        actual = np.where((t_in < t_out) & (t_out < t) & (flow > 0), watt / (area * lmtd), np.nan)
        clean = base * np.sqrt(flow * 1000 / 3600 / density / passage) * factor * material
        clean = np.where((clean > 0) & ~np.isnan(actual), clean, np.nan)
        return (actual, clean, actual / clean * 100), 0


@oracle("boiler_efficiency")
def boiler_efficiency(past: Past) -> tuple[tuple[F8, ...], int]:
    t_gas, o2, t_air, fly_carbon, slag_carbon, flow, co = past.inputs
    c, h, o, n, s, a, m, q, fly_share, t_slag, fly_heat, slag_heat, rated, radiation = past.params
    inside = (o2 >= 0) & (o2 <= 20) & (np.minimum(fly_carbon, slag_carbon) >= 0) & (flow > 0)
    inside &= np.maximum(fly_carbon, slag_carbon) <= 90
    with np.errstate(all="ignore"):
        ash_fly, ash_slag = a / 100 * fly_share / 100, a / 100 * (1 - fly_share / 100)  # kg per kg of coal
        residue_fly, residue_slag = ash_fly / (1 - fly_carbon / 100), ash_slag / (1 - slag_carbon / 100)
        lost = residue_fly * fly_carbon / 100 + residue_slag * slag_carbon / 100
        sulfur_and_carbon = np.maximum(c - 100 * lost, 0) + 0.375 * s
        v0 = 0.0889 * sulfur_and_carbon + 0.265 * h - 0.0333 * o
        alpha = 21 / (21 - o2)
        dry = 1.866 * sulfur_and_carbon / 100 + 0.79 * v0 + 0.8 * n / 100 + (alpha - 1) * v0
        wet = 1.24 * (9 * h + m) / 100 + 1.61 * alpha * v0 * 0.01
        q2 = (dry * 1.38 + wet * 1.51) * (t_gas - t_air) / q * 100
        q3 = dry * 126.36 * (co / 10_000) / q * 100
        q4 = 33_727 * lost / q * 100
        q5 = (radiation or 5.82 * rated**-0.38) * (rated / flow)
        warm = residue_fly * fly_heat * (t_gas - t_air) + residue_slag * slag_heat * (t_slag - t_air)
        q6 = warm / q * 100
    losses = np.where(inside & ~np.isnan(t_gas + t_air + co), [q2, q3, q4, q5, q6], np.nan)
    return (100 - losses.sum(axis=0), *losses), 0


@oracle("turbine_heat_rate")
def turbine_heat_rate(past: Past) -> tuple[F8, int]:
    power, main, h_main, h_feed, cold, h_cold, h_hot, spray, h_spray, reheat_spray, h_reheat_spray = past.inputs
    with np.errstate(all="ignore"):
        taken = main * h_main + (cold + reheat_spray) * h_hot
        brought = (main - spray) * h_feed + spray * h_spray + cold * h_cold + reheat_spray * h_reheat_spray
        return np.where(power >= past.params[0], (taken - brought) / power, np.nan), 0


@oracle("coal_consumption")
def coal_consumption(past: Past) -> tuple[tuple[F8, ...], int]:
    heat_rate, boiler, auxiliary = past.inputs
    with np.errstate(all="ignore"):
        used = np.where((boiler > 0) & (boiler <= 100), heat_rate / (boiler * past.params[0] / 1e4), np.nan)
        generation = used / 29.3076
        return (generation, np.where(auxiliary < 100, generation / (1 - auxiliary / 100), np.nan)), 0
