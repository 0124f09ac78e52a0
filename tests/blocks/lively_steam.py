"""Lively parameters of the family steam.

The equations for given enthalpies and entropies, and those of region 3, are sums of large terms that nearly cancel: twelve
digits cannot be the same in two ways of adding.
"""

from __future__ import annotations

from .lively import Lively

PT = {"p": (-0.5, 38.0), "t": (-20.0, 900.0)}
COAL = {
    "carbon": 57.5,
    "hydrogen": 3.7,
    "oxygen": 7.6,
    "nitrogen": 0.9,
    "sulfur": 0.6,
    "ash": 20.0,
    "moisture": 9.7,
    "heating": 22_000.0,
    "rated": 2008.0,
}

LIVELY = {
    "steam_properties": Lively(ranges=PT, rtol=1e-10),
    "steam_enthalpy": Lively(ranges=PT, rtol=1e-10),
    "steam_entropy": Lively(ranges=PT, rtol=1e-10),
    "steam_volume": Lively(ranges=PT, rtol=1e-10),
    "steam_temperature_ph": Lively(ranges={"p": (-0.5, 38.0), "h": (-100.0, 4600.0)}, rtol=1e-10),
    "steam_temperature_ps": Lively(ranges={"p": (-0.5, 38.0), "s": (-0.2, 8.2)}, rtol=1e-10),
    "steam_volume_ph": Lively(ranges={"p": (-0.5, 38.0), "h": (-100.0, 4600.0)}, rtol=1e-10),
    "steam_enthalpy_ps": Lively(ranges={"p": (-0.5, 38.0), "s": (-0.2, 8.2)}, rtol=1e-10),
    "saturation_temperature": Lively(ranges={"p": (-0.5, 26.0)}),
    "saturation_pressure": Lively(ranges={"t": (-10.0, 400.0)}),
    "superheat": Lively(ranges={"p": (-0.5, 26.0), "t": (0.0, 600.0)}, rtol=1e-11),
    "subcooling": Lively(ranges={"p": (-0.5, 26.0), "t": (0.0, 600.0)}, rtol=1e-11),
    "steam_quality": Lively(ranges={"p": (-0.5, 26.0), "h": (300.0, 3000.0)}, rtol=1e-10),
    "enthalpy_drop": Lively(
        {"margin": 5.0},
        ranges={"p_in": (3.0, 25.0), "t_in": (380.0, 620.0), "p_out": (0.3, 5.5), "t_out": (100.0, 380.0)},
        rtol=1e-10,
    ),
    "heater_differences": Lively(
        ranges={"p": (0.2, 23.0), "t_in": (100.0, 250.0), "t_out": (110.0, 290.0), "t_drain": (105.0, 260.0)},
        rtol=1e-11,
    ),
    "condenser_differences": Lively(ranges={"p": (0.1, 14.0), "t_in": (4.0, 32.0), "t_out": (12.0, 44.0)}, rtol=1e-11),
    "condenser_cleanliness": Lively(
        {"area": 38_000.0, "passage": 9.2, "base": 2746.0, "material": 0.9, "density": 1023.0, "heat": 3.99},
        ranges={
            "p": (1.0, 14.0),
            "flow": (-500.0, 70_000.0),
            "t_in": (4.0, 26.0),
            "t_out": (12.0, 38.0),
            "factor": (0.5, 1.2),
        },
        # The logarithm of a quotient against the difference of two logarithms.
        rtol=1e-11,
    ),
    "boiler_efficiency": Lively(
        COAL,
        ranges={
            "t_gas": (110.0, 160.0),
            "o2": (-1.0, 8.0),
            "t_air": (-10.0, 40.0),
            "fly_carbon": (0.0, 8.0),
            "slag_carbon": (0.0, 12.0),
            "flow": (-100.0, 2100.0),
            "co": (0.0, 900.0),
        },
    ),
    "turbine_heat_rate": Lively(
        {"least": 30.0},
        ranges={
            "power": (0.0, 660.0),
            "main_flow": (500.0, 2000.0),
            "main_h": (3300.0, 3500.0),
            "feed_h": (1000.0, 1300.0),
            "cold_flow": (400.0, 1700.0),
            "cold_h": (2900.0, 3100.0),
            "hot_h": (3400.0, 3600.0),
            "spray_flow": (0.0, 60.0),
            "spray_h": (600.0, 800.0),
            "reheat_spray_flow": (0.0, 20.0),
            "reheat_spray_h": (600.0, 700.0),
        },
        # Sums of what comes in and goes out against sums of differences.
        rtol=1e-11,
    ),
    "coal_consumption": Lively(
        {"pipe": 98.5}, ranges={"heat_rate": (7500.0, 9000.0), "boiler": (60.0, 103.0), "auxiliary": (2.0, 12.0)}
    ),
}
