"""Features of vibration waveforms: what the blocks of the family vibration are fed with.

For jobs and tools that have thousands of samples a second; NumPy only. Waveforms are f64[n], evenly sampled at `rate` [Hz];
what a function returns is in the unit of the waveform unless it says otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headworks.base.errors import Invalid

F8 = NDArray[np.float64]


def _samples(x: F8, least: int = 2) -> F8:
    wave = np.asarray(x, float)
    if wave.ndim != 1 or len(wave) < least or not np.isfinite(wave).all():
        raise Invalid("engine.waveform_unfit", samples=wave.size, least=least)
    return wave


def _lines(size: int, rate: float) -> F8:
    """Return the frequencies of the lines of a one-sided spectrum [Hz]."""
    frequencies: F8 = np.arange(size // 2 + 1, dtype=np.float64) * (rate / size)
    return frequencies


# --- amplitude ---------------------------------------------------------------------------------------------------------


def rms(x: F8) -> float:
    """Return the root mean square of a waveform less its mean.

    Source: ISO 20816-1:2016. Of a sine of amplitude A: A / sqrt(2).
    """
    return float(np.std(_samples(x)))


def peak(x: F8) -> float:
    """Return the greatest distance of a waveform from its mean.

    Source: ISO 20816-1:2016. Of a sine of amplitude A: A.
    """
    wave = _samples(x)
    return float(np.abs(wave - wave.mean()).max())


def crest_factor(x: F8) -> float:
    """Return peak over RMS, NaN for a waveform that is still.

    Source: ISO 13373-2:2016. Of a sine: sqrt(2).
    """
    root = rms(x)
    return peak(x) / root if root > 0.0 else float("nan")


def kurtosis(x: F8) -> float:
    """Return the mean fourth power of a waveform less its mean over the square of its variance, NaN if it is still.

    Source: Dyer and Stewart, Journal of Mechanical Design 100 (1978), 229-235. Of a sine 1.5, of Gaussian noise 3.
    """
    wave = _samples(x)
    root = rms(wave)
    return float(np.mean(((wave - wave.mean()) / root) ** 4)) if root > 0.0 else float("nan")


# --- acceleration to velocity ------------------------------------------------------------------------------------------


def velocity_rms(acceleration: F8, rate: float, low: float = 10.0, high: float = 1000.0) -> float:
    """Return the broad-band velocity RMS [mm/s] of an acceleration [m/s²], integrated in the band low … high [Hz].

    The power spectrum of overlapping Hann windows, divided by the square of the circular frequency, summed over the band: what
    lies below it does not leak in, as it would where a stretch of waveform is integrated whole. Windows last about ten periods
    of `low`, or the whole waveform if that is shorter; three periods are needed.

    Source: ISO 20816-1:2016 (10 Hz to 1000 Hz); ISO 2954:2012 (the band of instruments); P. D. Welch, IEEE Transactions on
    Audio and Electroacoustics 15 (1967), 70-73.
    """
    power, frequency = _welch(acceleration, rate, low)
    inside = (frequency >= low) & (frequency <= high)
    return 1000.0 * float(np.sqrt(np.sum(power[inside] / (2 * np.pi * frequency[inside]) ** 2)))


def _welch(x: F8, rate: float, low: float) -> tuple[F8, F8]:
    """Return the mean square of each line of the spectrum, and the frequencies [Hz]."""
    wave = _samples(x, least=max(8, int(np.ceil(3 * rate / low))))
    size = min(len(wave), int(np.ceil(10 * rate / low)))
    window = np.hanning(size + 1)[:-1]
    starts = range(0, len(wave) - size + 1, max(1, size // 2))
    power = np.zeros(size // 2 + 1)
    for start in starts:
        part = wave[start : start + size]
        power += np.abs(np.fft.rfft((part - part.mean()) * window)) ** 2
    power *= 2.0 / (size * np.sum(window**2) * len(starts))
    power[0] /= 2.0
    if size % 2 == 0:
        power[-1] /= 2.0
    return power, _lines(size, rate)


def integrate(acceleration: F8, rate: float, low: float = 10.0, high: float = 1000.0) -> F8:
    """Return the velocity [mm/s] of an acceleration [m/s²] within the band low … high [Hz], as a waveform.

    Division by j·2·pi·f in the frequency domain, nothing outside the band. The waveform is taken for one period of itself:
    unless it is a whole number of revolutions, its ends (about 2 / low seconds each) are not to be believed.

    Source: A. Brandt, Noise and Vibration Analysis, Wiley 2011 (integration in the frequency domain).
    """
    wave = _samples(acceleration)
    frequency = _lines(len(wave), rate)
    spectrum = np.fft.rfft(wave - wave.mean())
    inside = (frequency >= low) & (frequency <= high)
    spectrum[~inside] = 0.0
    spectrum[inside] /= 2j * np.pi * frequency[inside]
    return 1000.0 * np.fft.irfft(spectrum, len(wave))


# --- orders ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Order:
    """An order of the running speed: amplitude (half of peak to peak), and phase lag [deg, 0 … 360): how far the shaft turns
    from the mark of the key phasor to the next positive peak."""

    number: float
    amplitude: float
    phase: float


def tacho_pulses(x: F8, rate: float, level: float | None = None, hysteresis: float | None = None) -> F8:
    """Return when a key-phasor signal rises through `level` [s since its first sample].

    A pulse counts once the signal has been below level - hysteresis; between two samples by straight line. Not given: the level
    is the middle between the least and the greatest sample, the hysteresis a quarter of their distance.

    Source: API Standard 670, 5th ed. (2014) (phase reference transducer, once-per-turn event).
    """
    wave = _samples(x)
    low, high = float(wave.min()), float(wave.max())
    level = (low + high) / 2 if level is None else level
    hysteresis = (high - low) / 4 if hysteresis is None else hysteresis
    armed_at = np.flatnonzero(wave < level - hysteresis)
    rises = np.flatnonzero((wave[:-1] < level) & (wave[1:] >= level))
    # Of the rises between two times of being armed only the first is a pulse.
    turn = np.searchsorted(armed_at, rises, side="right")
    first = (turn > 0) & np.r_[True, turn[1:] != turn[:-1]][: len(turn)]
    at = rises[first]
    times: F8 = (at + (level - wave[at]) / (wave[at + 1] - wave[at])) / rate
    return times


def shaft_angle(pulses: F8, times: F8) -> F8:
    """Return the angle of the shaft [rad, 0 at the first pulse] at each of `times` [s] from the times of once-per-turn pulses.

    Cubic between the pulses, with the speed at a pulse that of the parabola through it and its neighbours: exact while the
    speed is steady or changes steadily. Times outside the pulses give NaN.

    Source: K. R. Fyfe, E. D. S. Munck, Analysis of computed order tracking, Mechanical Systems and Signal Processing 11 (1997),
    187-205 (angle from the instants of pulses).
    """
    at = np.asarray(pulses, float)
    if len(at) < 3 or not (np.diff(at) > 0).all():
        raise Invalid("engine.pulses_unfit", pulses=len(at))
    step = np.diff(at)
    speed = 1.0 / step
    inner = (speed[:-1] * step[1:] + speed[1:] * step[:-1]) / (step[:-1] + step[1:])
    slope = np.r_[2 * speed[0] - inner[0], inner, 2 * speed[-1] - inner[-1]]
    place = np.clip(np.searchsorted(at, times, side="right") - 1, 0, len(step) - 1)
    h = step[place]
    u = (times - at[place]) / h
    turns = place + u * u * (3 - 2 * u) + h * (u * (1 - u) ** 2 * slope[place] - u * u * (1 - u) * slope[place + 1])
    return np.where((times >= at[0]) & (times <= at[-1]), 2 * np.pi * turns, np.nan)


def orders(x: F8, rate: float, pulses: F8, numbers: Sequence[float] = (1.0, 2.0)) -> list[Order]:
    """Return amplitude and phase of orders of the running speed, from the times of key-phasor pulses [s since the first sample].

    Least squares of mean, cosine and sine of each order over the whole revolutions between the first and the last pulse, each
    sample weighted by the angle it stands for, so that other whole orders do not come in while the speed changes.

    Source: K. R. Fyfe, E. D. S. Munck, Mechanical Systems and Signal Processing 11 (1997), 187-205 (order tracking by the angle);
    ISO 20816-1:2016, annex on vector analysis; API Standard 670, 5th ed. (2014) (vectors, phase lag).
    """
    wave = _samples(x)
    angle = shaft_angle(pulses, np.arange(len(wave)) / rate)
    inside = np.isfinite(angle)
    turn, wave = angle[inside], wave[inside]
    if len(wave) < 4 * (2 * len(numbers) + 1) or len(wave) < 2.5 * max(numbers) * turn[-1] / (2 * np.pi):
        raise Invalid("engine.waveform_unfit", samples=len(wave), least=4 * (2 * len(numbers) + 1))
    weight = np.sqrt(np.gradient(turn))
    parts = [np.ones(len(wave))]
    for number in numbers:
        parts += [np.cos(number * turn), np.sin(number * turn)]
    fit = np.linalg.lstsq(np.array(parts).T * weight[:, None], wave * weight, rcond=None)[0]
    return [
        Order(float(number), float(np.hypot(c, s)), float(np.rad2deg(np.arctan2(s, c)) % 360.0))
        for number, c, s in zip(numbers, fit[1::2], fit[2::2], strict=True)
    ]


# --- rolling element bearings ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Bearing:
    """Geometry of a rolling element bearing: number of elements, their diameter and the pitch diameter (in one unit), contact
    angle [deg]."""

    elements: int
    element_diameter: float
    pitch_diameter: float
    contact_angle: float = 0.0


@dataclass(frozen=True, slots=True)
class DefectFrequencies:
    """Frequencies [Hz] at which elements pass a defect of the outer and of the inner race, at which an element spins, and at
    which the cage turns. A defect of an element strikes both races: twice `bsf`."""

    bpfo: float
    bpfi: float
    bsf: float
    ftf: float


def defect_frequencies(bearing: Bearing, speed: float) -> DefectFrequencies:
    """Return the frequencies of the defects of a bearing whose inner race turns at `speed` [r/min] and whose outer race stands,
    without slip (true ones are 1 % to 2 % off).

    Source: R. B. Randall, J. Antoni, Rolling element bearing diagnostics: a tutorial, Mechanical Systems and Signal Processing 25
    (2011), 485-520 (bearing frequencies).
    """
    ratio = bearing.element_diameter / bearing.pitch_diameter * np.cos(np.deg2rad(bearing.contact_angle))
    if bearing.elements < 1 or not 0.0 < ratio < 1.0:
        raise Invalid("engine.bearing_unfit", elements=bearing.elements, ratio=float(ratio))
    shaft = speed / 60.0
    return DefectFrequencies(
        bpfo=float(bearing.elements * shaft / 2 * (1 - ratio)),
        bpfi=float(bearing.elements * shaft / 2 * (1 + ratio)),
        bsf=float(bearing.pitch_diameter / bearing.element_diameter * shaft / 2 * (1 - ratio**2)),
        ftf=float(shaft / 2 * (1 - ratio)),
    )


def envelope(x: F8, rate: float, low: float, high: float) -> F8:
    """Return the envelope of a waveform within the band low … high [Hz], where shocks excite a resonance: the amount of the
    analytic signal of the band.

    Source: R. B. Randall, J. Antoni, Mechanical Systems and Signal Processing 25 (2011), 485-520 (amplitude demodulation by
    the one-sided spectrum).
    """
    wave = _samples(x)
    if not 0.0 < low < high <= rate / 2:
        raise Invalid("engine.band_unfit", low=low, high=high, rate=rate)
    frequency = np.fft.fftfreq(len(wave), 1.0 / rate)
    spectrum = np.fft.fft(wave)
    spectrum[(frequency < low) | (frequency > high)] = 0.0
    return np.abs(2.0 * np.fft.ifft(spectrum))


def envelope_spectrum(x: F8, rate: float, low: float, high: float) -> tuple[F8, F8]:
    """Return the frequencies [Hz] and the mean square of each line of the spectrum of the envelope in the band
    low … high [Hz], its mean taken off; a Hann window keeps lines from leaking. The sum is the mean square of the envelope.

    Source: R. B. Randall, J. Antoni, Mechanical Systems and Signal Processing 25 (2011), 485-520; F. J. Harris, Proceedings of
    the IEEE 66 (1978), 51-83 (window).
    """
    wave = envelope(x, rate, low, high)
    window = np.hanning(len(wave) + 1)[:-1]
    wave = wave - np.sum(wave * window) / np.sum(window)
    power = np.abs(np.fft.rfft(wave * window)) ** 2 * 2.0 / (len(wave) * np.sum(window**2))
    power[0] /= 2.0
    return _lines(len(wave), rate), power


def band_energies(
    x: F8,
    rate: float,
    frequencies: Sequence[float],
    band: tuple[float, float],
    harmonics: int = 3,
    width: float = 0.02,
    up_to: float = 0.0,
) -> tuple[float, list[float]]:
    """Return the energy of the envelope spectrum, and what of it lies at each defect frequency [Hz]: inputs of envelope_band.

    Parameters
    ----------
    band : where the envelope is taken [Hz]
    harmonics : how many multiples of a frequency count
    width : half width of the band at each, as a share of its frequency; at least two lines of the spectrum
    up_to : end of the envelope spectrum that is added up [Hz]; 0: as far as the bands reach, half as much again

    A line belongs to the first of the frequencies whose bands it lies in, so the energies never add up to more than the total.

    Source: R. B. Randall, J. Antoni, Mechanical Systems and Signal Processing 25 (2011), 485-520; ISO 13373-3:2015, annex on
    rolling element bearings.
    """
    frequency, power = envelope_spectrum(x, rate, *band)
    end = up_to or 1.5 * harmonics * max(frequencies)
    left = frequency <= end
    total = float(power[left].sum())
    lines = 2.0 * rate / len(x)
    found = []
    for defect in frequencies:
        inside = np.zeros(len(frequency), bool)
        for multiple in range(1, harmonics + 1):
            inside |= np.abs(frequency - multiple * defect) <= max(width * multiple * defect, lines)
        found.append(float(power[inside & left].sum()))
        left &= ~inside
    return total, found
