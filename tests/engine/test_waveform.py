"""Features of waveforms against signals whose features are known."""

from __future__ import annotations

import numpy as np
import pytest

from headworks.base.errors import Invalid
from headworks.engine.waveform import (
    Bearing,
    DefectFrequencies,
    Order,
    band_energies,
    crest_factor,
    defect_frequencies,
    envelope,
    envelope_spectrum,
    integrate,
    kurtosis,
    orders,
    peak,
    rms,
    shaft_angle,
    tacho_pulses,
    velocity_rms,
)

pytestmark = pytest.mark.feature("PLT-08")

RATE = 25_600.0
TIME = np.arange(51_200) / RATE


def tone(amplitude: float, frequency: float, phase: float = 0.0) -> np.ndarray:
    return amplitude * np.cos(2 * np.pi * frequency * TIME - phase)


# --- amplitude ---------------------------------------------------------------------------------------------------------


def test_a_sine_on_an_offset() -> None:
    x = 100 + tone(3, 50)
    assert rms(x) == pytest.approx(3 / 2**0.5, rel=1e-12)
    assert peak(x) == pytest.approx(3, rel=1e-12)
    assert crest_factor(x) == pytest.approx(2**0.5, rel=1e-12)
    assert kurtosis(x) == pytest.approx(1.5, rel=1e-12)


def test_noise_shocks_and_stillness() -> None:
    noise = np.random.default_rng(1).normal(0, 2, 200_000)
    assert kurtosis(noise) == pytest.approx(3, abs=0.05)
    assert kurtosis(np.where(np.arange(1000) % 100 == 0, 1.0, 0.0)) == pytest.approx((1 - 0.0297) / 0.0099)
    assert np.isnan(kurtosis(np.full(9, 0.1)))
    assert np.isnan(crest_factor(np.full(9, 0.1)))


@pytest.mark.parametrize("x", [[1.0], [1.0, np.nan], [[1.0, 2.0]]])
def test_what_is_no_waveform_is_refused(x: list[float]) -> None:
    with pytest.raises(Invalid, match=r"engine\.waveform_unfit"):
        rms(np.array(x))


# --- velocity ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("frequency", [12.0, 24.87, 50.0, 333.3, 980.0])
def test_the_velocity_of_a_tone_of_acceleration(frequency: float) -> None:
    expected = 1000 * 10 / (2 * np.pi * frequency) / 2**0.5
    assert velocity_rms(tone(10, frequency, 0.7), RATE) == pytest.approx(expected, rel=0.01)


def test_velocity_holds_only_what_is_in_the_band() -> None:
    both = tone(10, 50) + tone(4, 120, 1.0)
    expected = 1000 * np.hypot(10 / 50, 4 / 120) / (2 * np.pi) / 2**0.5
    assert velocity_rms(both, RATE) == pytest.approx(expected, rel=0.005)
    disturbed = 9.81 + both + tone(1.0, 2.3) + tone(500, 3000)
    assert velocity_rms(disturbed, RATE) == pytest.approx(expected, rel=0.005)
    assert velocity_rms(tone(500, 3000), RATE) < 0.01
    with pytest.raises(Invalid, match=r"engine\.waveform_unfit"):
        velocity_rms(both[:4000], RATE)


def test_the_velocity_waveform_lags_a_quarter_of_a_period() -> None:
    found = integrate(9.81 + tone(10, 50) + tone(100, 3000), RATE)
    np.testing.assert_allclose(found, 1000 * tone(10, 50, np.pi / 2) / (2 * np.pi * 50), atol=1e-9)
    assert rms(found) == pytest.approx(velocity_rms(tone(10, 50), RATE), rel=1e-3)


# --- orders ------------------------------------------------------------------------------------------------------------


def turning(start: float, end: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the angle of a shaft [turns] whose speed goes from start to end [Hz], and the times of its pulses."""
    growth = (end - start) / TIME[-1]
    turns = start * TIME + growth / 2 * TIME**2
    wanted = np.arange(1, int(turns[-1]))
    at = wanted / start if growth == 0 else (np.sqrt(start**2 + 2 * growth * wanted) - start) / growth
    return turns, at


@pytest.mark.parametrize("speeds", [(24.87, 24.87), (20.0, 45.0), (50.0, 12.0)])
def test_order_vectors_at_any_speed_and_beside_other_orders(speeds: tuple[float, float]) -> None:
    turns, pulses = turning(*speeds)
    angle = 2 * np.pi * turns
    x = 5 + 30 * np.cos(angle - np.deg2rad(40)) + 8 * np.cos(2 * angle - np.deg2rad(250)) + 4 * np.cos(3 * angle)
    one, two = orders(x, RATE, pulses)
    assert (one.number, two.number) == (1, 2)
    assert (one.amplitude, one.phase) == (pytest.approx(30, rel=2e-3), pytest.approx(40, abs=0.2))
    assert (two.amplitude, two.phase) == (pytest.approx(8, rel=5e-3), pytest.approx(250, abs=0.5))
    x += np.random.default_rng(2).normal(0, 5, len(x))
    noisy = orders(x, RATE, pulses, [1])[0]
    assert noisy.amplitude == pytest.approx(30, abs=0.2)


def test_angle_is_exact_while_the_speed_changes_steadily() -> None:
    turns, pulses = turning(20.0, 45.0)
    angle = shaft_angle(pulses, TIME)
    inside = np.isfinite(angle)
    assert inside.mean() > 0.9
    np.testing.assert_allclose(angle[inside], 2 * np.pi * (turns[inside] - 1), atol=2e-4)


def test_pulses_are_found_where_the_signal_rises_and_not_twice_for_noise() -> None:
    turns, expected = turning(24.87, 24.87)
    signal = (
        -10 + 8 * np.exp(-(((turns + 0.5) % 1 - 0.5) ** 2) / 2e-4) + np.random.default_rng(3).normal(0, 0.2, len(TIME))
    )
    found = tacho_pulses(signal, RATE)
    assert len(found) == len(expected) + 1 or len(found) == len(expected)
    np.testing.assert_allclose(np.diff(found), 1 / 24.87, atol=2e-4)
    direct = orders(tone(3, 24.87, 1.0), RATE, expected, [1])[0]
    assert direct == Order(1, pytest.approx(3, rel=1e-3), pytest.approx(np.rad2deg(1), abs=0.1))


def test_pulses_that_cannot_be_are_refused() -> None:
    for pulses in ([0.1, 0.2], [0.1, 0.3, 0.2]):
        with pytest.raises(Invalid, match=r"engine\.pulses_unfit"):
            orders(tone(1, 25), RATE, np.array(pulses))
    with pytest.raises(Invalid, match=r"engine\.waveform_unfit"):
        orders(tone(1, 25)[:100], 100.0, np.array([0.0, 0.04, 0.08, 0.12]))


# --- bearings ----------------------------------------------------------------------------------------------------------

DEEP_GROOVE = Bearing(elements=9, element_diameter=0.3126, pitch_diameter=1.537)


def test_defect_frequencies_of_a_6205() -> None:
    """The multiples of the shaft speed that the bearing data centre of Case Western Reserve University gives for its drive-end
    bearing 6205-2RS JEM SKF; for the balls it gives twice the spin frequency."""
    found = defect_frequencies(DEEP_GROOVE, 60.0)
    assert found.bpfi == pytest.approx(5.4152, abs=2e-4)
    assert found.bpfo == pytest.approx(3.5848, abs=2e-4)
    assert found.ftf == pytest.approx(0.39828, abs=1e-4)
    assert 2 * found.bsf == pytest.approx(4.7135, abs=1e-3)
    assert found.bpfi + found.bpfo == pytest.approx(9)
    for wrong in (Bearing(9, 2.0, 1.5), Bearing(0, 0.3, 1.5)):
        with pytest.raises(Invalid, match=r"engine\.bearing_unfit"):
            defect_frequencies(wrong, 1500.0)


def test_the_envelope_of_a_modulated_tone_is_what_modulates_it() -> None:
    modulation = 2 + np.cos(2 * np.pi * 30 * TIME)
    x = modulation * np.cos(2 * np.pi * 4000 * TIME) + tone(50, 25)
    np.testing.assert_allclose(envelope(x, RATE, 3000, 5000), modulation, rtol=1e-9)
    frequency, power = envelope_spectrum(x, RATE, 3000, 5000)
    assert frequency[power.argmax()] == 30
    assert power.sum() == pytest.approx(0.5, rel=1e-6)
    with pytest.raises(Invalid, match=r"engine\.band_unfit"):
        envelope(x, RATE, 5000, 3000)


@pytest.mark.parametrize("defect", ["bpfo", "bpfi", "bsf", "ftf"])
def test_the_defect_whose_shocks_are_there_holds_the_energy(defect: str) -> None:
    speed = 1772.0
    known = defect_frequencies(DEEP_GROOVE, speed)
    rng = np.random.default_rng(4)
    wanted = getattr(known, defect)
    times = np.cumsum(rng.normal(1 / wanted, 0.003 / wanted, int(2 * wanted)))
    x = rng.normal(0, 0.05, len(TIME)) + tone(5, speed / 60)
    for at in times[times < TIME[-1]]:
        after = np.maximum(TIME - at, 0)
        x += np.where(at <= TIME, np.exp(-600 * after) * np.sin(2 * np.pi * 3500 * after), 0)
    names = list(DefectFrequencies.__dataclass_fields__)
    total, found = band_energies(x, RATE, [getattr(known, n) for n in names], (2500, 4500), harmonics=3)
    shares = dict(zip(names, np.array(found) / total, strict=True))
    assert max(shares, key=shares.__getitem__) == defect
    assert sum(found) <= total


def test_without_a_defect_no_band_stands_out() -> None:
    known = defect_frequencies(DEEP_GROOVE, 1772.0)
    noise = np.random.default_rng(5).normal(0, 1, len(TIME))
    total, found = band_energies(noise, RATE, [known.bpfo, known.bpfi, known.bsf, known.ftf], (2500, 4500))
    assert max(found) < 0.1 * total
