"""Sound pressure with a stated A-weighted level: IEC 61672-1 weighting, noise of a given spectrum, levels."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from messages.frames import F64

REFERENCE_PA = 20e-6
_POLES_HZ = (20.598997, 107.65265, 737.86223, 12194.217)  # f1 to f4 of IEC 61672-1, annex E
_GAIN_1KHZ_DB = 1.9997  # makes 1 kHz 0 dB
Shape = Callable[[F64], F64]
"""Amplitude spectrum of a noise at frequencies [Hz], in any unit."""


def a_weighting(frequency_hz: ArrayLike) -> F64:
    """Return the amplitude factor of A-weighting at frequencies of any shape; 1 at 1 kHz."""
    f2 = np.asarray(frequency_hz, dtype=np.float64) ** 2
    p1, p2, p3, p4 = (p * p for p in _POLES_HZ)
    ratio = p4 * f2**2 / ((f2 + p1) * np.sqrt((f2 + p2) * (f2 + p3)) * (f2 + p4))
    return np.asarray(ratio * 10.0 ** (_GAIN_1KHZ_DB / 20.0))


def pascals(level_dba: ArrayLike) -> F64:
    """Return the A-weighted rms pressure of a level."""
    return np.asarray(REFERENCE_PA * 10.0 ** (np.asarray(level_dba, dtype=np.float64) / 20.0))


def level_dba(pressure_pa: F64, rate_hz: float) -> float:
    """Return the A-weighted level of a record (n,) by its spectrum (periodogram, no window: noise and long records)."""
    spectrum = np.fft.rfft(pressure_pa) * a_weighting(np.fft.rfftfreq(len(pressure_pa), 1.0 / rate_hz))
    mean_square = 2.0 * np.sum(np.abs(spectrum) ** 2) / len(pressure_pa) ** 2
    return float(10.0 * np.log10(max(mean_square, 1e-30) / REFERENCE_PA**2))


def noise(rng: np.random.Generator, channels: int, samples: int, rate_hz: float, shape: Shape, dba: float) -> F64:
    """Return Gaussian noise (channels, samples) [Pa] with an amplitude spectrum and an expected A-weighted level."""
    frequency = np.fft.rfftfreq(samples, 1.0 / rate_hz)
    amplitude = shape(np.asarray(frequency, dtype=np.float64))
    amplitude[0] = 0.0
    # White noise of unit variance has the same expected power in each of n / 2 lines: 2 / n of the mean square.
    weighted = np.sqrt(2.0 / samples * np.sum((amplitude * a_weighting(frequency)) ** 2))
    spectrum = np.fft.rfft(rng.standard_normal((channels, samples)), axis=1) * (amplitude * pascals(dba) / weighted)
    return np.asarray(np.fft.irfft(spectrum, samples, axis=1))


def white(frequency_hz: F64) -> F64:
    """Microphone's own noise."""
    return np.ones_like(frequency_hz)


def surroundings(frequency_hz: F64) -> F64:
    """Outdoor background: pink, -3 dB an octave."""
    return np.asarray(1.0 / np.sqrt(np.maximum(frequency_hz, 20.0)))


def wind(frequency_hz: F64) -> F64:
    """Turbulence at a screened microphone: power falls with f^(-5/3), Kolmogorov's inertial range."""
    return np.asarray(np.maximum(frequency_hz, 5.0) ** (-5.0 / 6.0))
