"""How well boiler, turbine, heaters and condenser of a steam power unit do. All pressures are absolute."""

from __future__ import annotations

import math

from headworks.blocks.if97 import properties_pt, saturation_t
from headworks.blocks.if97_backward import enthalpy_ps
from headworks.blocks.spec import NAN, Input, Output, Param, block

ZERO = 273.15


@block(family="steam", zh="焓降与级段效率", en="Enthalpy drop and efficiency of a turbine section")
class EnthalpyDrop:
    """What steam gives off in a turbine section, what it could, and the efficiency of the section.

    Parameters
    ----------
    margin : float [K]
        Outlet steam that is less than this above saturation may be wet, 0 <= margin <= 100. Default 3.

    Inputs
    ------
    p_in : value [MPa], before the section, absolute, NaN = bad: the outputs are NaN.
    t_in : value [℃], before the section, NaN = bad: the outputs are NaN.
    p_out : value [MPa], behind the section, absolute, NaN = bad: the outputs are NaN.
    t_out : value [℃], behind the section, NaN = bad: `actual` and `efficiency` are NaN.

    Returns
    -------
    isentropic : value [kJ/kg]
    actual : value [kJ/kg]
    efficiency : value [%]

    Notes
    -----
    `isentropic` h(p_in, t_in) - h(p_out, s(p_in, t_in)), `actual` h(p_in, t_in) - h(p_out, t_out), `efficiency` their quotient.
    Pressure and temperature do not tell how wet steam is: while the outlet is less than `margin` above its saturation
    temperature, as behind a low-pressure section, `actual` and `efficiency` are NaN. All are NaN out of the range of the steam
    properties and where `isentropic` is not positive. O(1) per tick.

    References
    ----------
    .. [1] ASME PTC 6-2004, Steam Turbines, section 5 (enthalpy-drop efficiency).
    .. [2] IAPWS R7-97(2012), IAPWS Industrial Formulation 1997.
    """

    inputs = (
        Input("p_in", unit="MPa"),
        Input("t_in", unit="℃"),
        Input("p_out", unit="MPa"),
        Input("t_out", unit="℃"),
    )
    params = (Param("margin", unit="K", low=0.0, high=100.0, default=3.0),)
    outputs = (
        Output("isentropic", unit="kJ/kg"),
        Output("actual", unit="kJ/kg"),
        Output("efficiency", unit="%"),
    )
    bad = "propagate"
    uses = (properties_pt, enthalpy_ps, saturation_t)

    @staticmethod
    def step(p_in: float, t_in: float, p_out: float, t_out: float, margin: float) -> tuple[float, float, float]:
        _, h_in, s_in, _ = properties_pt(p_in, t_in + ZERO)
        isentropic = h_in - enthalpy_ps(p_out, s_in)
        if not (isentropic > 0.0):
            return NAN, NAN, NAN
        _, h_out, _, _ = properties_pt(p_out, t_out + ZERO)
        if t_out + ZERO < saturation_t(p_out) + margin:
            h_out = NAN
        actual = h_in - h_out
        return isentropic, actual, 100.0 * actual / isentropic


@block(family="steam", zh="加热器端差", en="Terminal differences of a feedwater heater")
class HeaterDifferences:
    """Terminal temperature differences of a feedwater heater: upper (TTD) and lower (drain cooler approach, DCA).

    Inputs
    ------
    p : value [MPa], steam pressure in the heater, absolute, NaN = bad: the outputs are NaN.
    t_in : value [℃], feedwater before the heater, NaN = bad: `dca` and `rise` are NaN.
    t_out : value [℃], feedwater behind the heater, NaN = bad: `ttd` and `rise` are NaN.
    t_drain : value [℃], drain behind the drain cooler, NaN = bad: `dca` is NaN.

    Returns
    -------
    ttd : value [K]
    dca : value [K]
    rise : value [K]

    Notes
    -----
    `ttd` saturation temperature at p less t_out (negative where superheated steam heats the outlet), `dca` t_drain less t_in,
    `rise` t_out less t_in. All are NaN where p is not between 0.000611213 and 22.064 MPa. O(1) per tick.

    References
    ----------
    .. [1] ASME PTC 12.1-2020, Closed Feedwater Heaters, section 2 (definitions of TTD and DCA).
    .. [2] IAPWS R7-97(2012), IAPWS Industrial Formulation 1997, Eq. 31.
    """

    inputs = (
        Input("p", unit="MPa"),
        Input("t_in", unit="℃"),
        Input("t_out", unit="℃"),
        Input("t_drain", unit="℃"),
    )
    outputs = (Output("ttd", unit="K"), Output("dca", unit="K"), Output("rise", unit="K"))
    bad = "propagate"
    uses = (saturation_t,)

    @staticmethod
    def step(p: float, t_in: float, t_out: float, t_drain: float) -> tuple[float, float, float]:
        t = saturation_t(p) - ZERO
        if t != t:
            return NAN, NAN, NAN
        return t - t_out, t_drain - t_in, t_out - t_in


@block(family="steam", zh="凝汽器端差", en="Terminal difference of a condenser")
class CondenserDifferences:
    """Saturation temperature, terminal difference (TTD), initial difference (ITD) and cooling-water rise of a condenser.

    Inputs
    ------
    p : value [kPa], pressure in the condenser, absolute, NaN = bad: the outputs are NaN.
    t_in : value [℃], cooling water before the condenser, NaN = bad: `itd` and `rise` are NaN.
    t_out : value [℃], cooling water behind the condenser, NaN = bad: `ttd` and `rise` are NaN.

    Returns
    -------
    t_saturation : value [℃]
    ttd : value [K]
    itd : value [K]
    rise : value [K]

    Notes
    -----
    `ttd` is t_saturation less t_out, `itd` t_saturation less t_in, `rise` t_out less t_in. All are NaN where p is not between
    0.611213 and 22064 kPa. O(1) per tick.

    References
    ----------
    .. [1] ASME PTC 12.2-2010, Steam Surface Condensers, section 2 (definitions).
    .. [2] IAPWS R7-97(2012), IAPWS Industrial Formulation 1997, Eq. 31.
    """

    inputs = (Input("p", unit="kPa"), Input("t_in", unit="℃"), Input("t_out", unit="℃"))
    outputs = (
        Output("t_saturation", unit="℃"),
        Output("ttd", unit="K"),
        Output("itd", unit="K"),
        Output("rise", unit="K"),
    )
    bad = "propagate"
    uses = (saturation_t,)

    @staticmethod
    def step(p: float, t_in: float, t_out: float) -> tuple[float, float, float, float]:
        t = saturation_t(p / 1000.0) - ZERO
        if t != t:
            return NAN, NAN, NAN, NAN
        return t, t - t_out, t - t_in, t_out - t_in


@block(family="steam", zh="凝汽器清洁系数", en="Cleanliness of a condenser")
class CondenserCleanliness:
    """How clean the tubes of a condenser are: its heat transfer against that of clean tubes.

    Parameters
    ----------
    area : float [m2]
        Outer surface of the tubes, 1 <= area <= 200000; must be given.
    passage : float [m2]
        Cross-section of the tubes of one water pass, 0.01 <= passage <= 200; must be given.
    base : float [W/(m2*K)]
        Heat transfer at 1 m/s, 1000 <= base <= 5000. Default 2705, for tubes of 22.2 to 25.4 mm outer diameter; 2746 for 15.9
        to 19.1 mm, 2664 for 28.6 to 31.8 mm.
    material : float [1]
        Correction for material and thickness of the tubes, 0.1 <= material <= 1.5. Default 1.
    density : float [kg/m3]
        Density of the cooling water, 900 <= density <= 1100. Default 998; sea water 1023.
    heat : float [kJ/(kg*K)]
        Specific heat of the cooling water, 3 <= heat <= 5. Default 4.186; sea water 3.99.

    Inputs
    ------
    p : value [kPa], pressure in the condenser, absolute, NaN = bad: the outputs are NaN.
    flow : value [t/h], cooling water, NaN = bad: the outputs are NaN.
    t_in : value [℃], cooling water before the condenser, NaN = bad: the outputs are NaN.
    t_out : value [℃], cooling water behind the condenser, NaN = bad: the outputs are NaN.
    factor : value [1], optional, correction for the temperature of the water, NaN = bad: `clean` and `cleanliness` are NaN.

    Returns
    -------
    actual : value [W/(m2*K)]
    clean : value [W/(m2*K)]
    cleanliness : value [%]

    Notes
    -----
    `actual` = Q / (area · LMTD) with Q = flow · heat · (t_out - t_in) and the logarithmic mean temperature difference LMTD,
    which is flow · heat / area · ln((ts - t_in) / (ts - t_out)), ts the saturation temperature. `clean` = base · factor ·
    material · √w with the velocity w = flow / (density · passage), `cleanliness` their quotient. `factor` is a curve of t_in
    (the table of the standard, 1 at 21.1 ℃), which the block "piecewise linear" reads; 1 where it is not wired. All are NaN
    unless t_in < t_out < ts and flow > 0. O(1) per tick.

    References
    ----------
    .. [1] Heat Exchange Institute, Standards for Steam Surface Condensers, section on heat transfer rates.
    .. [2] DL/T 932, guide for operation and maintenance of condensers and vacuum systems (cleanliness coefficient).
    """

    inputs = (
        Input("p", unit="kPa"),
        Input("flow", unit="t/h"),
        Input("t_in", unit="℃"),
        Input("t_out", unit="℃"),
        Input("factor", optional=True, unwired="true"),
    )
    params = (
        Param("area", unit="m2", low=1.0, high=200_000.0),
        Param("passage", unit="m2", low=0.01, high=200.0),
        Param("base", unit="W/(m2*K)", low=1000.0, high=5000.0, default=2705.0),
        Param("material", low=0.1, high=1.5, default=1.0),
        Param("density", unit="kg/m3", low=900.0, high=1100.0, default=998.0),
        Param("heat", unit="kJ/(kg*K)", low=3.0, high=5.0, default=4.186),
    )
    outputs = (
        Output("actual", unit="W/(m2*K)"),
        Output("clean", unit="W/(m2*K)"),
        Output("cleanliness", unit="%"),
    )
    bad = "propagate"
    uses = (saturation_t,)

    @staticmethod
    def step(
        p: float,
        flow: float,
        t_in: float,
        t_out: float,
        factor: float,
        area: float,
        passage: float,
        base: float,
        material: float,
        density: float,
        heat: float,
    ) -> tuple[float, float, float]:
        t = saturation_t(p / 1000.0) - ZERO
        if not (t_in < t_out < t and flow > 0.0):
            return NAN, NAN, NAN
        kg_s = flow / 3.6
        actual = 1000.0 * kg_s * heat / area * math.log((t - t_in) / (t - t_out))
        clean = base * factor * material * math.sqrt(kg_s / (density * passage))
        if not (clean > 0.0):
            return actual, NAN, NAN
        return actual, clean, 100.0 * actual / clean


@block(family="steam", zh="锅炉效率(反平衡)", en="Boiler efficiency by the heat losses")
class BoilerEfficiency:
    """Efficiency of a coal-fired boiler by its heat losses, and the losses q2 to q6.

    Parameters
    ----------
    carbon : float [%]
        Carbon of the coal as received, 0 <= carbon <= 100; must be given.
    hydrogen : float [%]
        Hydrogen as received, 0 <= hydrogen <= 20; must be given.
    oxygen : float [%]
        Oxygen as received, 0 <= oxygen <= 50; must be given.
    nitrogen : float [%]
        Nitrogen as received, 0 <= nitrogen <= 10. Default 1.
    sulfur : float [%]
        Sulfur as received, 0 <= sulfur <= 15. Default 0.5.
    ash : float [%]
        Ash as received, 0 <= ash <= 80; must be given.
    moisture : float [%]
        Total moisture as received, 0 <= moisture <= 70; must be given.
    heating : float [kJ/kg]
        Net heating value as received, 5000 <= heating <= 45000; must be given.
    fly_share : float [%]
        Share of the ash that leaves as fly ash, the rest being slag, 0 <= fly_share <= 100. Default 90.
    t_slag : float [℃]
        Temperature of the slag, 0 <= t_slag <= 1600. Default 800, usual for dry removal from pulverised-coal furnaces.
    fly_heat : float [kJ/(kg*K)]
        Specific heat of the fly ash, 0.5 <= fly_heat <= 1.5. Default 0.82.
    slag_heat : float [kJ/(kg*K)]
        Specific heat of the slag, 0.5 <= slag_heat <= 1.5. Default 0.96.
    rated : float [t/h]
        Rated steam flow, 1 <= rated <= 5000; must be given.
    radiation : float [%]
        Loss by radiation and convection at the rated flow, 0 <= radiation <= 5. Default 0: 5.82 · rated^-0.38.

    Inputs
    ------
    t_gas : value [℃], exhaust gas behind the air heater, NaN = bad: the outputs are NaN.
    o2 : value [%], oxygen in the dry exhaust gas, NaN = bad: the outputs are NaN.
    t_air : value [℃], air at the inlet of the fans, the reference temperature, NaN = bad: the outputs are NaN.
    fly_carbon : value [%], unburned carbon in the fly ash, NaN = bad: the outputs are NaN.
    slag_carbon : value [%], unburned carbon in the slag, NaN = bad: the outputs are NaN.
    flow : value [t/h], steam flow, NaN = bad: the outputs are NaN.
    co : value [ppm], optional, carbon monoxide in the dry exhaust gas, NaN = bad: the outputs are NaN.

    Returns
    -------
    efficiency : value [%]
    exhaust : value [%]
    gases : value [%]
    carbon : value [%]
    radiation : value [%]
    ash : value [%]

    Notes
    -----
    efficiency = 100 - q2 - q3 - q4 - q5 - q6, the outputs after it, of the net heating value Q. With the unburned carbon per ash
    c = Σ share · carbon / (100 - carbon) of fly ash and slag, per kg of coal:

    - burned carbon b = C - A · c; air V0 = 0.0889 (b + 0.375 S) + 0.265 H - 0.0333 O [m³]; excess air a = 21 / (21 - O2);
    - dry gas V = 1.866 (b + 0.375 S) / 100 + 0.79 V0 + 0.8 N / 100 + (a - 1) V0; steam W = 1.24 (9 H + M) / 100 + 0.0161 a V0;
    - q2 `exhaust` = (1.38 V + 1.51 W) (t_gas - t_air) / Q; q3 `gases` = 0.012636 co V / Q;
    - q4 `carbon` = 33727 · A/100 · c / Q; q5 `radiation` as given or by the formula, times rated / flow;
    - q6 `ash` = A/100 · Σ share · heat · (t - t_air) / (1 - carbon / 100) / Q.

    NaN while O2 is not between 0 and 20 %, the carbon in ash not between 0 and 90 %, or flow is not positive. O(1) per tick.

    References
    ----------
    .. [1] GB/T 10184, performance test code for utility boilers (heat-loss method), in its simplified form.
    .. [2] ASME PTC 4-2013, Fired Steam Generators, section 5 (energy balance method).
    """

    inputs = (
        Input("t_gas", unit="℃"),
        Input("o2", unit="%"),
        Input("t_air", unit="℃"),
        Input("fly_carbon", unit="%"),
        Input("slag_carbon", unit="%"),
        Input("flow", unit="t/h"),
        Input("co", unit="ppm", optional=True),
    )
    params = (
        Param("carbon", unit="%", low=0.0, high=100.0),
        Param("hydrogen", unit="%", low=0.0, high=20.0),
        Param("oxygen", unit="%", low=0.0, high=50.0),
        Param("nitrogen", unit="%", low=0.0, high=10.0, default=1.0),
        Param("sulfur", unit="%", low=0.0, high=15.0, default=0.5),
        Param("ash", unit="%", low=0.0, high=80.0),
        Param("moisture", unit="%", low=0.0, high=70.0),
        Param("heating", unit="kJ/kg", low=5000.0, high=45_000.0),
        Param("fly_share", unit="%", low=0.0, high=100.0, default=90.0),
        Param("t_slag", unit="℃", low=0.0, high=1600.0, default=800.0),
        Param("fly_heat", unit="kJ/(kg*K)", low=0.5, high=1.5, default=0.82),
        Param("slag_heat", unit="kJ/(kg*K)", low=0.5, high=1.5, default=0.96),
        Param("rated", unit="t/h", low=1.0, high=5000.0),
        Param("radiation", unit="%", low=0.0, high=5.0, default=0.0),
    )
    outputs = (
        Output("efficiency", unit="%"),
        Output("exhaust", unit="%"),
        Output("gases", unit="%"),
        Output("carbon", unit="%"),
        Output("radiation", unit="%"),
        Output("ash", unit="%"),
    )
    bad = "propagate"

    @staticmethod
    def step(
        t_gas: float,
        o2: float,
        t_air: float,
        fly_carbon: float,
        slag_carbon: float,
        flow: float,
        co: float,
        carbon: float,
        hydrogen: float,
        oxygen: float,
        nitrogen: float,
        sulfur: float,
        ash: float,
        moisture: float,
        heating: float,
        fly_share: float,
        t_slag: float,
        fly_heat: float,
        slag_heat: float,
        rated: float,
        radiation: float,
    ) -> tuple[float, float, float, float, float, float]:
        known = t_gas - t_air + co
        in_range = 0.0 <= o2 <= 20.0 and 0.0 <= fly_carbon <= 90.0 and 0.0 <= slag_carbon <= 90.0
        if not (known == known and in_range and flow > 0.0):
            return NAN, NAN, NAN, NAN, NAN, NAN
        fly, slag = fly_share / 100.0, 1.0 - fly_share / 100.0
        unburned = fly * fly_carbon / (100.0 - fly_carbon) + slag * slag_carbon / (100.0 - slag_carbon)
        burned = max(carbon - ash * unburned, 0.0) + 0.375 * sulfur
        air = 0.0889 * burned + 0.265 * hydrogen - 0.0333 * oxygen
        excess = 21.0 / (21.0 - o2)
        gas = 0.01866 * burned + (excess - 0.21) * air + 0.008 * nitrogen
        steam = 0.0124 * (9.0 * hydrogen + moisture) + 0.0161 * excess * air
        q2 = (1.38 * gas + 1.51 * steam) * (t_gas - t_air) * 100.0 / heating
        q3 = 1.2636 * co * gas / heating
        q4 = 33727.0 * ash * unburned / heating
        q5 = (radiation if radiation > 0.0 else 5.82 * math.exp(-0.38 * math.log(rated))) * rated / flow
        fly_loss = fly * fly_heat * (t_gas - t_air) / (1.0 - fly_carbon / 100.0)
        slag_loss = slag * slag_heat * (t_slag - t_air) / (1.0 - slag_carbon / 100.0)
        q6 = ash * (fly_loss + slag_loss) / heating
        return 100.0 - q2 - q3 - q4 - q5 - q6, q2, q3, q4, q5, q6


@block(family="steam", zh="汽轮机热耗率")
class TurbineHeatRate:
    """Heat that a turbine takes for a kilowatt-hour.

    Parameters
    ----------
    least : float [MW]
        Below this power the output is NaN, 0.001 <= least <= 2000. Default 1.

    Inputs
    ------
    power : value [MW], at the generator terminals, NaN = bad: the output is NaN.
    main_flow : value [t/h], main steam, NaN = bad: the output is NaN.
    main_h : value [kJ/kg], enthalpy of the main steam, NaN = bad: the output is NaN.
    feed_h : value [kJ/kg], enthalpy of the feedwater behind the last heater, NaN = bad: the output is NaN.
    cold_flow : value [t/h], optional, cold reheat steam, NaN = bad: the output is NaN.
    cold_h : value [kJ/kg], optional, its enthalpy, NaN = bad: the output is NaN.
    hot_h : value [kJ/kg], optional, enthalpy of the hot reheat steam, NaN = bad: the output is NaN.
    spray_flow : value [t/h], optional, spray into the main steam from before the heaters, NaN = bad: the output is NaN.
    spray_h : value [kJ/kg], optional, its enthalpy, NaN = bad: the output is NaN.
    reheat_spray_flow : value [t/h], optional, spray into the reheat steam, NaN = bad: the output is NaN.
    reheat_spray_h : value [kJ/kg], optional, its enthalpy, NaN = bad: the output is NaN.

    Returns
    -------
    value [kJ/kWh]

    Notes
    -----
    (main_flow · (main_h - feed_h) + spray_flow · (feed_h - spray_h) + cold_flow · (hot_h - cold_h) + reheat_spray_flow · (hot_h -
    reheat_spray_h)) / power, main_flow including its spray. Inputs that are not wired count as no such flow. Enthalpies come
    from `steam_enthalpy`. Not corrected to reference conditions. O(1) per tick.

    References
    ----------
    .. [1] ASME PTC 6-2004, Steam Turbines, section 5 (heat rate of reheat regenerative cycles).
    .. [2] GB/T 8117, rules for steam turbine thermal acceptance tests.
    """

    inputs = (
        Input("power", unit="MW"),
        Input("main_flow", unit="t/h"),
        Input("main_h", unit="kJ/kg"),
        Input("feed_h", unit="kJ/kg"),
        Input("cold_flow", unit="t/h", optional=True),
        Input("cold_h", unit="kJ/kg", optional=True),
        Input("hot_h", unit="kJ/kg", optional=True),
        Input("spray_flow", unit="t/h", optional=True),
        Input("spray_h", unit="kJ/kg", optional=True),
        Input("reheat_spray_flow", unit="t/h", optional=True),
        Input("reheat_spray_h", unit="kJ/kg", optional=True),
    )
    params = (Param("least", unit="MW", low=0.001, high=2000.0, default=1.0),)
    output = "value"
    unit = "kJ/kWh"
    bad = "propagate"

    @staticmethod
    def step(
        power: float,
        main_flow: float,
        main_h: float,
        feed_h: float,
        cold_flow: float,
        cold_h: float,
        hot_h: float,
        spray_flow: float,
        spray_h: float,
        reheat_spray_flow: float,
        reheat_spray_h: float,
        least: float,
    ) -> tuple[float]:
        if not (power >= least):
            return (NAN,)
        heat = main_flow * (main_h - feed_h) + spray_flow * (feed_h - spray_h)
        heat += cold_flow * (hot_h - cold_h) + reheat_spray_flow * (hot_h - reheat_spray_h)
        return (heat / power,)


@block(family="steam", zh="煤耗")
class CoalConsumption:
    """Standard coal for a kilowatt-hour generated, and for one supplied.

    Parameters
    ----------
    pipe : float [%]
        Efficiency of the pipes between boiler and turbine, 50 <= pipe <= 100. Default 99.

    Inputs
    ------
    heat_rate : value [kJ/kWh], of the turbine, NaN = bad: the outputs are NaN.
    boiler : value [%], efficiency of the boiler, NaN = bad: the outputs are NaN.
    auxiliary : value [%], optional, share of the power that the unit itself uses, NaN = bad: `supply` is NaN.

    Returns
    -------
    generation : value [g/kWh]
    supply : value [g/kWh]

    Notes
    -----
    `generation` = heat_rate / (29.3076 · boiler/100 · pipe/100), of standard coal with 29307.6 kJ/kg; `supply` = generation /
    (1 - auxiliary/100). NaN while boiler is not between 0 and 100 %, or auxiliary not below 100 %. O(1) per tick.

    References
    ----------
    .. [1] DL/T 904, method of calculating technical and economic indices of thermal power plants.
    """

    inputs = (
        Input("heat_rate", unit="kJ/kWh"),
        Input("boiler", unit="%"),
        Input("auxiliary", unit="%", optional=True),
    )
    params = (Param("pipe", unit="%", low=50.0, high=100.0, default=99.0),)
    outputs = (Output("generation", unit="g/kWh"), Output("supply", unit="g/kWh"))
    bad = "propagate"

    @staticmethod
    def step(heat_rate: float, boiler: float, auxiliary: float, pipe: float) -> tuple[float, float]:
        if not (0.0 < boiler <= 100.0):
            return NAN, NAN
        generation = heat_rate / (29.3076 * (boiler / 100.0) * (pipe / 100.0))
        return generation, generation / (1.0 - auxiliary / 100.0) if auxiliary < 100.0 else NAN
