"""Blocks that judge vibration from features: of samples, of orders, of envelope bands.

Waveforms of thousands of samples a second are not for a tick: their features are found at the edge or in jobs
(`headworks.engine.waveform`) and arrive as signals.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from headworks.blocks.spec import LARGEST, NAN, Float, Input, Int, Output, Param, Ring, block


def moment_sums(ring: NDArray[np.float64], base: int, length: int) -> tuple[int, float, float, float, float, float]:
    """Return the number of good samples of a ring, the sums of the first four powers of them less a pivot, and the pivot:
    their mean."""
    count, pivot = 0, 0.0
    for place in range(base, base + 3 * length, 3):
        if ring[place] == ring[place]:
            count += 1
            pivot += (ring[place] - pivot) / count
    s1, s2, s3, s4 = 0.0, 0.0, 0.0, 0.0
    for place in range(base, base + 3 * length, 3):
        v = ring[place] - pivot
        if v == v:
            s1 += v
            s2 += v * v
            s3 += v * v * v
            s4 += v * v * v * v
    return count, s1, s2, s3, s4, pivot


def greater(a: float, b: float) -> float:
    """Return the greater of two values, NaN counting as nothing."""
    return a if b != b or a >= b else b


def keep_extremes(ring: NDArray[np.float64], base: int, length: int) -> int:
    """Put beside each sample of a ring the greatest, and the greatest negative, of it and all behind it."""
    high, low = NAN, NAN
    for place in range(base + 3 * (length - 1), base - 1, -3):
        high, low = greater(high, ring[place]), greater(low, -ring[place])
        ring[place + 1], ring[place + 2] = high, low
    return length


@block(family="vibration", zh="振动特征")
class VibrationFeatures:
    """RMS, peak, crest factor and kurtosis of the vibration within a sliding window of samples.

    Parameters
    ----------
    window : float [s]
        Length of the window, 0.01 <= window <= 3600; rounded up to whole ticks, at least four. Default 60.

    Inputs
    ------
    x : value [any], NaN = bad: it is skipped; the outputs are NaN while fewer than half of the ticks of the window are good.

    Returns
    -------
    rms : value [delta(x)]
    peak : value [delta(x)]
    crest : value [1]
    kurtosis : value [1]

    Notes
    -----
    Of the good samples of the last `window / tick` ticks, this one included, less their mean: `rms` is the root of their
    mean square, `peak` the greatest of their amounts, `crest` is peak / rms (1.414 of a sine), `kurtosis` the mean fourth power
    over the square of the mean square (1.5 of a sine, 3 of Gaussian noise, more where there are shocks). `crest` and `kurtosis`
    are NaN while rms is not greater than 1e-9 · abs(mean). One sample a tick: the tick must be short against what vibrates.
    Sums are of differences from a pivot near the mean; they are made anew whenever the ring wraps (at ticks fixed by absolute
    time), and whenever rounding would be seen. O(1) per tick on average, ring of three values a tick of the window.

    References
    ----------
    .. [1] ISO 20816-1:2016 (root mean square and peak of vibration); ISO 13373-2:2016 (crest factor, kurtosis).
    .. [2] D. Dyer, R. M. Stewart, Detection of rolling element bearing damage by statistical vibration analysis, Journal of
       Mechanical Design 100 (1978), 229-235.
    """

    inputs = (Input("x"),)
    params = (Param("window", unit="s", low=0.01, high=3600.0, default=60.0, form="ticks"),)
    states = (
        Int("count"), Float("s1"), Float("s2"), Float("s3"), Float("s4"), Float("pivot"), Float("scale"),
        Float("high", NAN), Float("low", NAN),
    )  # fmt: skip
    ring = Ring("window", least=4, width=3)
    outputs = (
        Output("rms", unit="delta(x)"),
        Output("peak", unit="delta(x)"),
        Output("crest"),
        Output("kurtosis"),
    )
    bad = "skip"
    uses = (moment_sums, greater, keep_extremes)
    memory = (("window", 2.0),)

    @staticmethod
    def step(
        x: float, count: int, s1: float, s2: float, s3: float, s4: float, pivot: float, scale: float, high: float, low: float,
        ring: NDArray[np.float64], base: int, head: int, length: int,
    ) -> tuple[float, float, float, float, int, float, float, float, float, float, float, float, float]:  # fmt: skip
        old = ring[base + 3 * head]
        ring[base + 3 * head] = x
        if old == old:
            v = old - pivot
            count -= 1
            s1 -= v
            s2 -= v * v
            s3 -= v * v * v
            s4 -= v * v * v * v
        if x == x:
            if count == 0:
                s1, s2, s3, s4, pivot, scale = 0.0, 0.0, 0.0, 0.0, x, 0.0
            v = x - pivot
            count += 1
            s1 += v
            s2 += v * v
            s3 += v * v * v
            s4 += v * v * v * v
        # This turn of the ring until here, and the turn before from the next place on: together the window.
        high, low = greater(high, x), greater(low, -x)
        top, bottom = high, low
        if head + 1 < length:
            top = greater(high, ring[base + 3 * head + 4])
            bottom = greater(low, ring[base + 3 * head + 5])
        else:
            keep_extremes(ring, base, length)
            high, low = NAN, NAN
        # Errors are as great as the sums were: too great once these have become small, or the mean is far from the pivot.
        again = s4 < 1e-3 * scale or s1 * s1 > 4.0 * (s2 * count - s1 * s1)
        if again or head + 1 == length or not (-LARGEST <= s4 <= LARGEST):
            count, s1, s2, s3, s4, pivot = moment_sums(ring, base, length)
            scale = s4
        scale = max(scale, s4)
        if count < 2 or 2 * count < length:
            return NAN, NAN, NAN, NAN, count, s1, s2, s3, s4, pivot, scale, high, low
        mean = s1 / count
        square = max(s2 / count - mean * mean, 0.0)
        fourth = (
            s4 / count - 4.0 * mean * (s3 / count) + 6.0 * mean * mean * (s2 / count) - 3.0 * mean * mean * mean * mean
        )
        rms, crest, kurtosis = math.sqrt(square), NAN, NAN
        mean += pivot
        peak = max(top - mean, bottom + mean)
        if rms > 1e-9 * abs(mean):
            crest = peak / rms
            kurtosis = fourth / square / square
        return rms, peak, crest, kurtosis, count, s1, s2, s3, s4, pivot, scale, high, low


def zone_of(x: float, a_b: float, b_c: float, c_d: float) -> tuple[float, float, float]:
    """Return the zone of a magnitude, whether it is C or D, and whether it is D."""
    if not (x >= 0.0):
        return NAN, NAN, NAN
    if x > c_d:
        return 4.0, 1.0, 1.0
    if x > b_c:
        return 3.0, 1.0, 0.0
    if x > a_b:
        return 2.0, 0.0, 0.0
    return 1.0, 0.0, 0.0


def housing_limits(group: float, foundation: float) -> tuple[float, float, float]:
    """Return the zone boundaries A/B, B/C and C/D of the velocity of a bearing housing [mm/s]."""
    if group == 1.0:
        return (2.3, 4.5, 7.1) if foundation == 1.0 else (3.5, 7.1, 11.0)
    if group == 2.0:
        return (1.4, 2.8, 4.5) if foundation == 1.0 else (2.3, 4.5, 7.1)
    if group == 3.0:
        return 2.8, 5.3, 8.5
    if group == 4.0:
        return 3.8, 7.5, 11.8
    return 4.5, 9.3, 14.7


def shaft_limits(group: float, speed: float) -> tuple[float, float, float]:
    """Return the zone boundaries A/B, B/C and C/D of the relative displacement of a shaft, peak to peak [µm]."""
    if group == 2.0:
        root = math.sqrt(speed)
        return 4800.0 / root, 9000.0 / root, 13200.0 / root
    if speed < 1650.0:
        return 100.0, 200.0, 320.0
    if speed < 2400.0:
        return 95.0, 185.0, 290.0
    if speed < 3300.0:
        return 90.0, 165.0, 240.0
    return 80.0, 150.0, 220.0


@block(family="vibration", zh="轴承座振动区域", en="ISO zone of a housing")
class IsoZone:
    """Evaluation zone A to D of the vibration of a bearing housing, by its broad-band velocity.

    Parameters
    ----------
    group : float [1]
        Kind of machine, whole, 1 <= group <= 5. 1: industrial above 300 kW. 2: industrial of 15 kW to 300 kW. 3: steam turbine or
        generator above 40 MW of 1500 or 1800 r/min. 4: the same of 3000 or 3600 r/min. 5: gas turbine above 40 MW. Default 1.
    foundation : float [1]
        Support of a machine of group 1 or 2, whole, 1 <= foundation <= 2. 1: rigid. 2: flexible. Default 1.
    a_b : float [mm/s]
        Boundary between zones A and B, a_b >= 0. Default 0: that of the standard.
    b_c : float [mm/s]
        Boundary between zones B and C, b_c >= 0. Default 0: that of the standard.
    c_d : float [mm/s]
        Boundary between zones C and D, c_d >= 0. Default 0: that of the standard.

    Inputs
    ------
    v : value [mm/s], root mean square over 10 Hz to 1000 Hz; NaN = bad, or negative: the outputs are NaN.

    Returns
    -------
    zone : value [1]
    warning : bool
    danger : bool

    Notes
    -----
    `zone` is 1 for A, 2 for B, 3 for C, 4 for D; a boundary itself belongs to the better zone. `warning` is true in C and in D,
    `danger` in D. Boundaries A/B, B/C, C/D [mm/s]: group 1 rigid 2.3, 4.5, 7.1, flexible 3.5, 7.1, 11.0; group 2 rigid 1.4, 2.8,
    4.5, flexible 2.3, 4.5, 7.1; group 3 2.8, 5.3, 8.5; group 4 3.8, 7.5, 11.8; group 5 4.5, 9.3, 14.7. They hold for steady
    operation at rated speed: put the alarms behind a delay and a condition on speed. O(1) per tick.

    References
    ----------
    .. [1] ISO 10816-3:2009, Tables A.1 and A.2, taken over by ISO 20816-3:2022: groups 1 and 2.
    .. [2] ISO 10816-2:2009 and ISO 10816-4:2009, zone boundaries of bearing housings, taken over by ISO 20816-2:2017: groups 3
       to 5.
    """

    inputs = (Input("v", unit="mm/s"),)
    params = (
        Param("group", low=1.0, high=5.0, default=1.0, form="whole"),
        Param("foundation", low=1.0, high=2.0, default=1.0, form="whole"),
        Param("a_b", unit="mm/s", low=0.0, default=0.0),
        Param("b_c", unit="mm/s", low=0.0, default=0.0),
        Param("c_d", unit="mm/s", low=0.0, default=0.0),
    )
    outputs = (Output("zone"), Output("warning", "bool"), Output("danger", "bool"))
    bad = "propagate"
    uses = (zone_of, housing_limits)

    @staticmethod
    def step(
        v: float, group: float, foundation: float, a_b: float, b_c: float, c_d: float
    ) -> tuple[float, float, float]:
        first, second, third = housing_limits(group, foundation)
        return zone_of(v, a_b if a_b > 0.0 else first, b_c if b_c > 0.0 else second, c_d if c_d > 0.0 else third)


@block(family="vibration", zh="轴振动区域", en="ISO zone of a shaft")
class IsoShaftZone:
    """Evaluation zone A to D of the vibration of a shaft, by its displacement relative to the bearing.

    Parameters
    ----------
    group : float [1]
        Kind of machine, whole, 1 <= group <= 2. 1: steam turbine, gas turbine or generator above 40 MW. 2: industrial machine
        with fluid-film bearings. Default 1.
    speed : float [r/min]
        Rated speed, 1000 <= speed <= 30000. Of group 1 the nearest of 1500, 1800, 3000 and 3600 counts. Default 3000.
    a_b : float [µm]
        Boundary between zones A and B, a_b >= 0. Default 0: that of the standard.
    b_c : float [µm]
        Boundary between zones B and C, b_c >= 0. Default 0: that of the standard.
    c_d : float [µm]
        Boundary between zones C and D, c_d >= 0. Default 0: that of the standard.

    Inputs
    ------
    s : value [µm], peak to peak; NaN = bad, or negative: the outputs are NaN.

    Returns
    -------
    zone : value [1]
    warning : bool
    danger : bool

    Notes
    -----
    `zone` is 1 for A, 2 for B, 3 for C, 4 for D; a boundary itself belongs to the better zone. `warning` is true in C and in D,
    `danger` in D. Boundaries A/B, B/C, C/D [µm]: group 1 at 1500 r/min 100, 200, 320; at 1800 95, 185, 290; at 3000 90, 165,
    240; at 3600 80, 150, 220; group 2 4800, 9000 and 13200 over the root of the speed in r/min. ISO 20816-2 gives ranges for
    group 1; these are their upper ends, and the values of ISO 7919-2. A boundary must be below the clearance of the bearing.
    They hold for steady operation at rated speed. O(1) per tick.

    References
    ----------
    .. [1] ISO 7919-2:2009 and ISO 20816-2:2017, zone boundaries of relative shaft displacement: group 1.
    .. [2] ISO 7919-3:2009 and ISO 20816-3:2022, zone boundaries of relative shaft displacement: group 2.
    """

    inputs = (Input("s", unit="µm"),)
    params = (
        Param("group", low=1.0, high=2.0, default=1.0, form="whole"),
        Param("speed", unit="r/min", low=1000.0, high=30_000.0, default=3000.0),
        Param("a_b", unit="µm", low=0.0, default=0.0),
        Param("b_c", unit="µm", low=0.0, default=0.0),
        Param("c_d", unit="µm", low=0.0, default=0.0),
    )
    outputs = (Output("zone"), Output("warning", "bool"), Output("danger", "bool"))
    bad = "propagate"
    uses = (zone_of, shaft_limits)

    @staticmethod
    def step(s: float, group: float, speed: float, a_b: float, b_c: float, c_d: float) -> tuple[float, float, float]:
        first, second, third = shaft_limits(group, speed)
        return zone_of(s, a_b if a_b > 0.0 else first, b_c if b_c > 0.0 else second, c_d if c_d > 0.0 else third)


def vector_change(amplitude: float, phase: float, amplitude_0: float, phase_0: float) -> float:
    """Return the length of the difference of two vectors; phases in degrees. Exactly 0 for equal ones."""
    # Not by the law of cosines, which loses half the digits where the vectors are nearly equal.
    half = math.sin((phase - phase_0) * (math.pi / 360.0))
    apart = amplitude - amplitude_0
    return math.sqrt(apart * apart + 4.0 * (amplitude * amplitude_0) * (half * half))


@block(family="vibration", zh="倍频特征")
class OrderFeatures:
    """What the vectors of once and twice the running speed say: how far they moved, and what else there is.

    Parameters
    ----------
    reference_1x : float [unit(amplitude_1x)]
        Amplitude of the reference vector of 1X, reference_1x >= 0. Default 0.
    reference_phase_1x : float [deg]
        Its phase, -360 <= reference_phase_1x <= 360. Default 0.
    reference_2x : float [unit(amplitude_1x)]
        Amplitude of the reference vector of 2X, reference_2x >= 0. Default 0.
    reference_phase_2x : float [deg]
        Its phase, -360 <= reference_phase_2x <= 360. Default 0.
    least : float [unit(amplitude_1x)]
        A smaller amplitude of 1X counts as this in the ratio, least >= 0. Default 0.

    Inputs
    ------
    amplitude_1x : value [any], NaN = bad, or negative: the outputs are NaN.
    phase_1x : value [deg], NaN = bad: the outputs are NaN.
    amplitude_2x : value [unit(amplitude_1x)], NaN = bad, or negative: the outputs are NaN.
    phase_2x : value [deg], NaN = bad: the outputs are NaN. Not wired: 0.
    overall : value [unit(amplitude_1x)], NaN = bad, or negative: the outputs are NaN. Not wired: 0.

    Returns
    -------
    change_1x : value [unit(amplitude_1x)]
    change_2x : value [unit(amplitude_1x)]
    ratio : value [1]
    not_1x : value [1]

    Notes
    -----
    `change_1x` and `change_2x` are the lengths of the differences between a vector and its reference: a vector may move much
    while its amplitude stays. `ratio` is amplitude_2x / max(amplitude_1x, least), NaN where the divisor is 0. `not_1x` is the
    share of the amplitude that is not at 1X, sqrt(total² - amplitude_1x²) / total, where total is the greater of `overall` and
    sqrt(amplitude_1x² + amplitude_2x²), and 0 where total is 0. All amplitudes are in one measure (all RMS, or all peak to
    peak). O(1) per tick.

    References
    ----------
    .. [1] ISO 20816-1:2016, annex on the vector analysis of change in vibration.
    .. [2] API Standard 670, 5th ed. (2014), Machinery Protection Systems (1X and 2X amplitude and phase, not 1X).
    """

    inputs = (
        Input("amplitude_1x"),
        Input("phase_1x", unit="deg"),
        Input("amplitude_2x", unit="unit(amplitude_1x)"),
        Input("phase_2x", unit="deg", optional=True),
        Input("overall", unit="unit(amplitude_1x)", optional=True),
    )
    params = (
        Param("reference_1x", unit="unit(amplitude_1x)", low=0.0, default=0.0),
        Param("reference_phase_1x", unit="deg", low=-360.0, high=360.0, default=0.0),
        Param("reference_2x", unit="unit(amplitude_1x)", low=0.0, default=0.0),
        Param("reference_phase_2x", unit="deg", low=-360.0, high=360.0, default=0.0),
        Param("least", unit="unit(amplitude_1x)", low=0.0, default=0.0),
    )
    outputs = (
        Output("change_1x", unit="unit(amplitude_1x)"),
        Output("change_2x", unit="unit(amplitude_1x)"),
        Output("ratio"),
        Output("not_1x"),
    )
    bad = "propagate"
    uses = (vector_change,)

    @staticmethod
    def step(
        amplitude_1x: float, phase_1x: float, amplitude_2x: float, phase_2x: float, overall: float,
        reference_1x: float, reference_phase_1x: float, reference_2x: float, reference_phase_2x: float, least: float,
    ) -> tuple[float, float, float, float]:  # fmt: skip
        if not (amplitude_1x >= 0.0 and amplitude_2x >= 0.0 and overall >= 0.0):
            return NAN, NAN, NAN, NAN
        if phase_1x != phase_1x or phase_2x != phase_2x:
            return NAN, NAN, NAN, NAN
        change_1x = vector_change(amplitude_1x, phase_1x, reference_1x, reference_phase_1x)
        change_2x = vector_change(amplitude_2x, phase_2x, reference_2x, reference_phase_2x)
        divisor = max(amplitude_1x, least)
        ratio = amplitude_2x / divisor if divisor > 0.0 else NAN
        not_1x, scale = 0.0, max(amplitude_1x, amplitude_2x, overall)
        if scale > 0.0:
            # Scaled, so that nothing overflows; with no overall the rest is 2X, exactly.
            one, two, total = amplitude_1x / scale, amplitude_2x / scale, overall / scale
            rest = max(two * two, (total - one) * (total + one))
            not_1x = math.sqrt(rest / (one * one + rest))
        return change_1x, change_2x, ratio, not_1x


@block(family="vibration", zh="包络频带")
class EnvelopeBand:
    """Whether much of the energy of an envelope spectrum lies in the bands of bearing defects, and in which of them.

    Parameters
    ----------
    limit : float [1]
        A share above it is an alarm, 0 <= limit <= 1. Default 0.3.
    least : float [unit(total)]
        While the total is not above it the machine is quiet: no alarm, least >= 0. Default 0.

    Inputs
    ------
    total : value [any], energy of the whole envelope spectrum; NaN = bad, or negative: the outputs are NaN.
    b1 … b6 : value [unit(total)], energy of a band; NaN = bad, or negative: the outputs are NaN. One that is not wired counts
        as 0.

    Returns
    -------
    share : value [1]
    band : value [1]
    alarm : bool

    Notes
    -----
    `share` is the part of the total that the greatest band holds, `band` the number of this band (the first of equals), `alarm`
    is true while share > limit. While the total is not above `least` share, band and alarm are 0. Wire the bands of BPFO, BPFI,
    BSF and FTF with their harmonics, as `headworks.engine.waveform` finds them; they should not overlap. Energies are mean
    squares: shares of them add up. O(1) per tick.

    References
    ----------
    .. [1] R. B. Randall, J. Antoni, Rolling element bearing diagnostics: a tutorial, Mechanical Systems and Signal Processing 25
       (2011), 485-520.
    .. [2] ISO 13373-3:2015, annex on rolling element bearings (envelope analysis).
    """

    inputs = (Input("total"), Input("b", many=6, unit="unit(total)"))
    params = (
        Param("limit", low=0.0, high=1.0, default=0.3),
        Param("least", unit="unit(total)", low=0.0, default=0.0),
    )
    outputs = (Output("share"), Output("band"), Output("alarm", "bool"))
    bad = "propagate"

    @staticmethod
    def step(
        total: float, b1: float, b2: float, b3: float, b4: float, b5: float, b6: float, limit: float, least: float
    ) -> tuple[float, float, float]:
        bands = (b1, b2, b3, b4, b5, b6)
        greatest, band = -1.0, 0
        for i in range(6):
            if not (bands[i] >= 0.0):
                return NAN, NAN, NAN
            if bands[i] > greatest:
                greatest, band = bands[i], i + 1
        if not (total >= 0.0):
            return NAN, NAN, NAN
        if total <= least:
            return 0.0, 0.0, 0.0
        share = greatest / total
        return share, float(band), 1.0 if share > limit else 0.0
