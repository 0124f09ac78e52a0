"""Properties of water and steam, by the industrial formulation IAPWS-IF97. All pressures are absolute."""

from __future__ import annotations

from headworks.blocks.if97 import (
    properties_pt,
    saturated_steam,
    saturated_water,
    saturation_p,
    saturation_t,
)
from headworks.blocks.if97_backward import enthalpy_ps, temperature_ph, temperature_ps, volume_ph
from headworks.blocks.spec import NAN, Input, Output, block

ZERO = 273.15
PRESSURE, TEMPERATURE = Input("p", unit="MPa"), Input("t", unit="℃")
ENTHALPY, ENTROPY = Input("h", unit="kJ/kg"), Input("s", unit="kJ/(kg*K)")


@block(family="steam", zh="水蒸气物性")
class SteamProperties:
    """Enthalpy, entropy and specific volume of water or steam at a pressure and a temperature.

    Inputs
    ------
    p : value [MPa], absolute, 0 < p <= 100, NaN = bad: the outputs are NaN.
    t : value [℃], 0 <= t <= 800, up to 2000 where p <= 50, NaN = bad: the outputs are NaN.

    Returns
    -------
    h : value [kJ/kg]
    s : value [kJ/(kg*K)]
    v : value [m3/kg]
    region : value [1]

    Notes
    -----
    `region` is that of the formulation: 1 water, 2 steam, 3 around and above the critical point, 5 above 800 ℃. A state on the
    saturation line is water. h and s are zero for the saturated liquid at the triple point. Out of range all are NaN. In region
    3 the volume is that of the backward equation v(p,T), which deviates from the basic equation by less than 0.001 % (near the
    critical point 0.1 %). O(1) per tick.

    References
    ----------
    .. [1] IAPWS R7-97(2012), IAPWS Industrial Formulation 1997, sections 4 to 9.
    .. [2] IAPWS SR5-05(2016), Backward Equations for v(p,T) for Region 3.
    """

    inputs = (PRESSURE, TEMPERATURE)
    outputs = (
        Output("h", unit="kJ/kg"),
        Output("s", unit="kJ/(kg*K)"),
        Output("v", unit="m3/kg"),
        Output("region"),
    )
    bad = "propagate"
    uses = (properties_pt,)

    @staticmethod
    def step(p: float, t: float) -> tuple[float, float, float, float]:
        region, h, s, v = properties_pt(p, t + ZERO)
        return h, s, v, float(region) if region > 0 else NAN


@block(family="steam", zh="焓(压力、温度)", en="Enthalpy of p and T")
class SteamEnthalpy:
    """Enthalpy of water or steam at a pressure and a temperature.

    Inputs
    ------
    p : value [MPa], absolute, 0 < p <= 100, NaN = bad: the output is NaN.
    t : value [℃], 0 <= t <= 800, up to 2000 where p <= 50, NaN = bad: the output is NaN.

    Returns
    -------
    value [kJ/kg]

    Notes
    -----
    That of `steam_properties`; out of range NaN. O(1) per tick.

    References
    ----------
    .. [1] IAPWS R7-97(2012), IAPWS Industrial Formulation 1997, sections 5 to 9.
    """

    inputs = (PRESSURE, TEMPERATURE)
    output = "value"
    unit = "kJ/kg"
    bad = "propagate"
    uses = (properties_pt,)

    @staticmethod
    def step(p: float, t: float) -> tuple[float]:
        _, h, _, _ = properties_pt(p, t + ZERO)
        return (h,)


@block(family="steam", zh="熵(压力、温度)", en="Entropy of p and T")
class SteamEntropy:
    """Entropy of water or steam at a pressure and a temperature.

    Inputs
    ------
    p : value [MPa], absolute, 0 < p <= 100, NaN = bad: the output is NaN.
    t : value [℃], 0 <= t <= 800, up to 2000 where p <= 50, NaN = bad: the output is NaN.

    Returns
    -------
    value [kJ/(kg*K)]

    Notes
    -----
    That of `steam_properties`; out of range NaN. O(1) per tick.

    References
    ----------
    .. [1] IAPWS R7-97(2012), IAPWS Industrial Formulation 1997, sections 5 to 9.
    """

    inputs = (PRESSURE, TEMPERATURE)
    output = "value"
    unit = "kJ/(kg*K)"
    bad = "propagate"
    uses = (properties_pt,)

    @staticmethod
    def step(p: float, t: float) -> tuple[float]:
        _, _, s, _ = properties_pt(p, t + ZERO)
        return (s,)


@block(family="steam", zh="比容(压力、温度)", en="Specific volume of p and T")
class SteamVolume:
    """Specific volume of water or steam at a pressure and a temperature.

    Inputs
    ------
    p : value [MPa], absolute, 0 < p <= 100, NaN = bad: the output is NaN.
    t : value [℃], 0 <= t <= 800, up to 2000 where p <= 50, NaN = bad: the output is NaN.

    Returns
    -------
    value [m3/kg]

    Notes
    -----
    That of `steam_properties`; out of range NaN. O(1) per tick.

    References
    ----------
    .. [1] IAPWS R7-97(2012), IAPWS Industrial Formulation 1997, sections 5 to 9.
    .. [2] IAPWS SR5-05(2016), Backward Equations for v(p,T) for Region 3.
    """

    inputs = (PRESSURE, TEMPERATURE)
    output = "value"
    unit = "m3/kg"
    bad = "propagate"
    uses = (properties_pt,)

    @staticmethod
    def step(p: float, t: float) -> tuple[float]:
        _, _, _, v = properties_pt(p, t + ZERO)
        return (v,)


@block(family="steam", zh="温度(压力、焓)", en="Temperature of p and h")
class SteamTemperaturePh:
    """Temperature of water or steam at a pressure and an enthalpy.

    Inputs
    ------
    p : value [MPa], absolute, 0.000611213 <= p <= 100, NaN = bad: the output is NaN.
    h : value [kJ/kg], NaN = bad: the output is NaN.

    Returns
    -------
    value [℃]

    Notes
    -----
    By the backward equations as released, which agree with the enthalpy of p and T within 25 mK; of wet steam the saturation
    temperature. NaN where the enthalpy at this pressure belongs to less than 0 ℃ or more than 800 ℃ (2000 ℃ where p <= 50 MPa).
    O(1) per tick.

    References
    ----------
    .. [1] IAPWS R7-97(2012), IAPWS Industrial Formulation 1997, Eq. 11 and 21 to 24.
    .. [2] IAPWS SR3-03(2014), Backward Equations for T(p,h), v(p,h) and T(p,s), v(p,s) for Region 3, Eq. 1 to 3 and 10.
    """

    inputs = (PRESSURE, ENTHALPY)
    output = "value"
    unit = "℃"
    bad = "propagate"
    uses = (temperature_ph,)

    @staticmethod
    def step(p: float, h: float) -> tuple[float]:
        return (temperature_ph(p, h) - ZERO,)


@block(family="steam", zh="温度(压力、熵)", en="Temperature of p and s")
class SteamTemperaturePs:
    """Temperature of water or steam at a pressure and an entropy.

    Inputs
    ------
    p : value [MPa], absolute, 0.000611213 <= p <= 100, NaN = bad: the output is NaN.
    s : value [kJ/(kg*K)], NaN = bad: the output is NaN.

    Returns
    -------
    value [℃]

    Notes
    -----
    By the backward equations as released, which agree with the entropy of p and T within 25 mK; of wet steam the saturation
    temperature. NaN where the entropy at this pressure belongs to less than 0 ℃ or more than 800 ℃ (2000 ℃ where p <= 50 MPa).
    O(1) per tick.

    References
    ----------
    .. [1] IAPWS R7-97(2012), IAPWS Industrial Formulation 1997, Eq. 13 and 25 to 27.
    .. [2] IAPWS SR3-03(2014), Backward Equations for T(p,h), v(p,h) and T(p,s), v(p,s) for Region 3, Eq. 6, 7 and 11.
    """

    inputs = (PRESSURE, ENTROPY)
    output = "value"
    unit = "℃"
    bad = "propagate"
    uses = (temperature_ps,)

    @staticmethod
    def step(p: float, s: float) -> tuple[float]:
        return (temperature_ps(p, s) - ZERO,)


@block(family="steam", zh="比容(压力、焓)", en="Specific volume of p and h")
class SteamVolumePh:
    """Specific volume of water, steam or wet steam at a pressure and an enthalpy.

    Inputs
    ------
    p : value [MPa], absolute, 0.000611213 <= p <= 100, NaN = bad: the output is NaN.
    h : value [kJ/kg], NaN = bad: the output is NaN.

    Returns
    -------
    value [m3/kg]

    Notes
    -----
    At the temperature of `steam_temperature_ph`, in region 3 by the equation v(p,h); of wet steam between that of boiling water
    and that of dry steam by its quality. NaN as `steam_temperature_ph`. O(1) per tick.

    References
    ----------
    .. [1] IAPWS R7-97(2012), IAPWS Industrial Formulation 1997, sections 5 to 9.
    .. [2] IAPWS SR3-03(2014), Backward Equations for T(p,h), v(p,h) and T(p,s), v(p,s) for Region 3, Eq. 4 and 5.
    """

    inputs = (PRESSURE, ENTHALPY)
    output = "value"
    unit = "m3/kg"
    bad = "propagate"
    uses = (volume_ph,)

    @staticmethod
    def step(p: float, h: float) -> tuple[float]:
        return (volume_ph(p, h),)


@block(family="steam", zh="焓(压力、熵)", en="Enthalpy of p and s")
class SteamEnthalpyPs:
    """Enthalpy of water, steam or wet steam at a pressure and an entropy: the end of an isentropic expansion.

    Inputs
    ------
    p : value [MPa], absolute, 0.000611213 <= p <= 100, NaN = bad: the output is NaN.
    s : value [kJ/(kg*K)], NaN = bad: the output is NaN.

    Returns
    -------
    value [kJ/kg]

    Notes
    -----
    At the temperature of `steam_temperature_ps`, in region 3 with the volume of the equation v(p,s); of wet steam between that
    of boiling water and that of dry steam by its quality. NaN as `steam_temperature_ps`. O(1) per tick.

    References
    ----------
    .. [1] IAPWS R7-97(2012), IAPWS Industrial Formulation 1997, sections 5 to 9.
    .. [2] IAPWS SR3-03(2014), Backward Equations for T(p,h), v(p,h) and T(p,s), v(p,s) for Region 3, Eq. 6 to 9.
    """

    inputs = (PRESSURE, ENTROPY)
    output = "value"
    unit = "kJ/kg"
    bad = "propagate"
    uses = (enthalpy_ps,)

    @staticmethod
    def step(p: float, s: float) -> tuple[float]:
        return (enthalpy_ps(p, s),)


@block(family="steam", zh="饱和温度")
class SaturationTemperature:
    """Saturation temperature at a pressure.

    Inputs
    ------
    p : value [MPa], absolute, 0.000611213 <= p <= 22.064, NaN = bad: the output is NaN.

    Returns
    -------
    value [℃]

    Notes
    -----
    Out of range NaN. O(1) per tick.

    References
    ----------
    .. [1] IAPWS R7-97(2012), IAPWS Industrial Formulation 1997, Eq. 31.
    """

    inputs = (PRESSURE,)
    output = "value"
    unit = "℃"
    bad = "propagate"
    uses = (saturation_t,)

    @staticmethod
    def step(p: float) -> tuple[float]:
        return (saturation_t(p) - ZERO,)


@block(family="steam", zh="饱和压力")
class SaturationPressure:
    """Saturation pressure at a temperature.

    Inputs
    ------
    t : value [℃], 0 <= t <= 373.946, NaN = bad: the output is NaN.

    Returns
    -------
    value [MPa]

    Notes
    -----
    Absolute; out of range NaN. O(1) per tick.

    References
    ----------
    .. [1] IAPWS R7-97(2012), IAPWS Industrial Formulation 1997, Eq. 30.
    """

    inputs = (TEMPERATURE,)
    output = "value"
    unit = "MPa"
    bad = "propagate"
    uses = (saturation_p,)

    @staticmethod
    def step(t: float) -> tuple[float]:
        return (saturation_p(t + ZERO),)


@block(family="steam", zh="过热度")
class Superheat:
    """By how much steam is above its saturation temperature.

    Inputs
    ------
    p : value [MPa], absolute, 0.000611213 <= p <= 22.064, NaN = bad: the output is NaN.
    t : value [℃], NaN = bad: the output is NaN.

    Returns
    -------
    value [K]

    Notes
    -----
    t less the saturation temperature at p, negative for subcooled water. NaN above the critical pressure. O(1) per tick.

    References
    ----------
    .. [1] IAPWS R7-97(2012), IAPWS Industrial Formulation 1997, Eq. 31.
    """

    inputs = (PRESSURE, TEMPERATURE)
    output = "value"
    unit = "K"
    bad = "propagate"
    uses = (saturation_t,)

    @staticmethod
    def step(p: float, t: float) -> tuple[float]:
        return (t - (saturation_t(p) - ZERO),)


@block(family="steam", zh="过冷度")
class Subcooling:
    """By how much water is below its saturation temperature.

    Inputs
    ------
    p : value [MPa], absolute, 0.000611213 <= p <= 22.064, NaN = bad: the output is NaN.
    t : value [℃], NaN = bad: the output is NaN.

    Returns
    -------
    value [K]

    Notes
    -----
    The saturation temperature at p less t, negative for superheated steam. NaN above the critical pressure. O(1) per tick.

    References
    ----------
    .. [1] IAPWS R7-97(2012), IAPWS Industrial Formulation 1997, Eq. 31.
    """

    inputs = (PRESSURE, TEMPERATURE)
    output = "value"
    unit = "K"
    bad = "propagate"
    uses = (saturation_t,)

    @staticmethod
    def step(p: float, t: float) -> tuple[float]:
        return (saturation_t(p) - ZERO - t,)


@block(family="steam", zh="蒸汽干度")
class SteamQuality:
    """Which share of the mass of wet steam is steam.

    Inputs
    ------
    p : value [MPa], absolute, 0.000611213 <= p <= 22.064, NaN = bad: the output is NaN.
    h : value [kJ/kg], NaN = bad: the output is NaN.

    Returns
    -------
    value [1]

    Notes
    -----
    (h - h') / (h'' - h') of boiling water h' and dry steam h'' at p, 0 for water below its boiling point and 1 for superheated
    steam. NaN from the critical pressure on, where there is no such thing. O(1) per tick.

    References
    ----------
    .. [1] IAPWS R7-97(2012), IAPWS Industrial Formulation 1997, sections 5 to 8.
    """

    inputs = (PRESSURE, ENTHALPY)
    output = "value"
    bad = "propagate"
    uses = (saturated_water, saturated_steam, saturation_t)

    @staticmethod
    def step(p: float, h: float) -> tuple[float]:
        t = saturation_t(p)
        if not (t == t and p < 22.064 and h == h):
            return (NAN,)
        h_water, _, _ = saturated_water(p, t)
        h_steam, _, _ = saturated_steam(p, t)
        return (min(max((h - h_water) / (h_steam - h_water), 0.0), 1.0),)
