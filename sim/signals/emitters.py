"""Snapshots of single emitters with parameters drawn at random, for teaching and judging a radio classifier.

Two families share no emitter: every free parameter's range is cut into SLICES on a logarithmic scale, ``training``
draws from the even ones and ``held_out`` from the odd ones. What a standard fixes (LTE's and Wi-Fi's symbols, the lines
of PAL) is the same in both.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from messages.frames import F64, body_direction
from sim.propagation.radar import SPEED_OF_LIGHT_MPS
from sim.signals.waveforms import C128, GUARD_SHARE, SUBCARRIER_HZ, chirps, frequency_modulated, ofdm

Family = Literal["training", "held_out"]

CLASSES = ("fhss_control", "ofdm_video", "analogue_video", "wifi", "other")
SLICES = 8
SNAPSHOT_S = 0.0005
WIFI_WIDTHS_HZ = (20e6, 40e6)
HELD_OUT_TAPS = (3, 4)
TRAINING_TAPS = (1, 2)
TAP_DELAY_S = (20e-9, 1.5e-6)  # paths 6 to 450 m longer: houses, tree lines, hillsides
TAP_DB = (-20.0, -6.0)
WHOLE_SHARE = 0.6  # of snapshots lie inside a burst
SHORTEST_S = 0.00015


@dataclass(frozen=True)
class Emitter:
    """What is on the air: its class, what it is in detail, bandwidth, and a function that makes unit-power samples."""

    label: str
    what: str
    bandwidth_hz: float
    make: Callable[[int, float, np.random.Generator], C128]


@dataclass(frozen=True)
class EmitterSnapshot:
    """``samples`` (antennas, n) over noise of unit power, and the truth; SNR in the emitter's bandwidth."""

    samples: NDArray[np.complex64]
    rate_hz: float
    tuned_hz: float
    emitter: Emitter
    frequency_hz: float
    first: int
    count: int
    snr_db: float
    azimuth_rad: float
    elevation_rad: float


class Draw:
    """Draws parameters of one family."""

    def __init__(self, family: Family, rng: np.random.Generator) -> None:
        self.family, self.rng = family, rng

    def between(self, low: float, high: float) -> float:
        """Return a number from the family's slices of a range, uniform on the logarithm."""
        slice_ = 2 * int(self.rng.integers(SLICES // 2)) + (self.family == "held_out")
        share = (slice_ + float(self.rng.random())) / SLICES
        return float(low * (high / low) ** share)


def emitter(label: str, draw: Draw) -> Emitter:
    """Draw an emitter of a class."""
    return {
        "fhss_control": _control,
        "ofdm_video": _video,
        "analogue_video": _analogue,
        "wifi": _wifi,
        "other": _other,
    }[label](draw)


def _control(draw: Draw) -> Emitter:
    """A hop of a chirp spread spectrum: 0.4 to 1.7 MHz wide, 32 to 128 chips a symbol."""
    width = draw.between(0.4e6, 1.7e6)
    spreading = int(draw.rng.integers(5, 8))
    return Emitter("fhss_control", f"SF{spreading}", width, lambda n, f, r: chirps(width, n, f, r, spreading))


def _video(draw: Draw) -> Emitter:
    width, guard = draw.between(8e6, 36e6), draw.between(0.055, 0.085)
    spacing = SUBCARRIER_HZ["digital_video"] * (1 + int(draw.rng.integers(2)))
    return Emitter("ofdm_video", f"{spacing:g} Hz", width, lambda n, f, r: ofdm(width, spacing, guard, n, f, r))


def _analogue(draw: Draw) -> Emitter:
    width = draw.between(8e6, 28e6)
    return Emitter("analogue_video", "PAL", width, lambda n, f, r: frequency_modulated(width, n, f, r))


def _wifi(draw: Draw) -> Emitter:
    width = float(draw.rng.choice(WIFI_WIDTHS_HZ))
    guard = GUARD_SHARE["remote_id"] / (1 + int(draw.rng.integers(2)))  # 0.8 us, or 0.4 us of 802.11n
    spacing = SUBCARRIER_HZ["remote_id"]
    return Emitter("wifi", f"{width / 1e6:g} MHz", width, lambda n, f, r: ofdm(width, spacing, guard, n, f, r))


def _other(draw: Draw) -> Emitter:
    """Noise, tones, sweeps, keyed carriers and the long chirps of telemetry for meters and farms."""
    kind = int(draw.rng.integers(5))
    if kind == 0:
        width = draw.between(1e6, 30e6)
        return Emitter("other", "noise", width, lambda n, f, r: band_noise(width, n, f, r))
    if kind == 1:
        tone_hz = draw.between(0.5e3, 30e3)
        return Emitter("other", "tone", 0.5e6, lambda n, f, r: warbled(tone_hz, n, f, r))
    if kind == 2:
        width, period_s = draw.between(3e6, 30e6), draw.between(20e-6, 400e-6)
        return Emitter("other", "sweep", width, lambda n, f, r: sweep(width, period_s, n, f, r))
    if kind == 3:
        symbols_hz = draw.between(0.25e6, 2e6)
        return Emitter("other", "keyed", 1.2 * symbols_hz, lambda n, f, r: keyed(symbols_hz, n, f, r))
    spreading = int(draw.rng.integers(9, 13))
    width = float(draw.rng.choice([125e3, 250e3]))
    return Emitter("other", "long chirps", width, lambda n, f, r: chirps(width, n, f, r, spreading))


def band_noise(width_hz: float, samples: int, rate_hz: float, rng: np.random.Generator) -> C128:
    """Return Gaussian noise of unit power in a band."""
    spectrum = rng.standard_normal(samples) + 1j * rng.standard_normal(samples)
    spectrum[np.abs(np.fft.fftfreq(samples, 1.0 / rate_hz)) > 0.5 * width_hz] = 0.0
    out = np.fft.ifft(spectrum)
    return np.asarray(out / np.sqrt(np.mean(np.abs(out) ** 2)))


def warbled(tone_hz: float, samples: int, rate_hz: float, rng: np.random.Generator) -> C128:
    """Return a carrier with a little of a tone in its phase: an oscillator that leaks, or a beacon."""
    t = np.arange(samples) / rate_hz
    depth = rng.uniform(0.0, 1.0)
    return np.asarray(np.exp(1j * depth * np.sin(2.0 * np.pi * (tone_hz * t + rng.random()))))


def sweep(width_hz: float, period_s: float, samples: int, rate_hz: float, rng: np.random.Generator) -> C128:
    """Return a sawtooth of frequency over a band, up or down: a jammer or a continuous-wave radar."""
    place = (np.arange(samples) / rate_hz / period_s + rng.random()) % 1.0
    place = place if rng.random() < 0.5 else 1.0 - place
    return np.asarray(np.exp(2j * np.pi * np.cumsum(width_hz * (place - 0.5)) / rate_hz))


def keyed(symbols_hz: float, samples: int, rate_hz: float, rng: np.random.Generator) -> C128:
    """Return Gaussian frequency-shift keying of modulation index 0.5, bandwidth-time product 0.5 (as Bluetooth)."""
    per_symbol = rate_hz / symbols_hz
    number = (np.arange(samples) / per_symbol + rng.random()).astype(np.int64)
    bits = rng.choice([-1.0, 1.0], int(number[-1]) + 1)[number]
    frequency_hz = np.fft.fftfreq(samples, 1.0 / rate_hz)
    smooth = np.exp(-0.5 * np.log(2.0) * (frequency_hz / (0.5 * symbols_hz)) ** 2)
    turn = np.fft.ifft(np.fft.fft(bits) * smooth).real * 0.25 * symbols_hz
    return np.asarray(np.exp(2j * np.pi * np.cumsum(turn) / rate_hz))


def snapshot(
    label: str,
    family: Family,
    snr_db: float,
    rng: np.random.Generator,
    rate_hz: float,
    antennas_m: F64 | None = None,
) -> EmitterSnapshot:
    """Return one emitter of a class, somewhere in the band, with echoes, over noise; one antenna without places."""
    draw = Draw(family, rng)
    e = emitter(label, draw)
    n = round(SNAPSHOT_S * rate_hz)
    tuned_hz = float(rng.choice([2.44e9, 5.8e9]))
    offset_hz = float(rng.uniform(-0.5, 0.5)) * max(0.95 * rate_hz - e.bandwidth_hz, 0.0)
    first, count = _stay(n, rng, rate_hz)
    base = np.zeros(n, dtype=np.complex128)
    base[first : first + count] = e.make(count, rate_hz, rng)
    base *= np.exp(2j * np.pi * offset_hz / rate_hz * np.arange(n))
    amplitude = np.sqrt(10.0 ** (snr_db / 10.0) * min(e.bandwidth_hz / rate_hz, 1.0))
    azimuth, elevation = float(rng.uniform(-np.pi, np.pi)), float(rng.uniform(0.0, 0.35))
    frequency: F64 = np.asarray(np.fft.fftfreq(n, 1.0 / rate_hz), dtype=np.float64)
    spectrum = np.fft.fft(base) * amplitude * _echoes(frequency, draw)
    places = np.zeros((1, 3)) if antennas_m is None else antennas_m
    lead_s = places @ body_direction(azimuth, elevation) / SPEED_OF_LIGHT_MPS
    x = np.fft.ifft(spectrum * np.exp(2j * np.pi * np.outer(lead_s, tuned_hz + frequency)), axis=1)
    x += np.sqrt(0.5) * (rng.standard_normal(x.shape) + 1j * rng.standard_normal(x.shape))
    where = (tuned_hz + offset_hz, first, count, snr_db, azimuth, elevation)
    return EmitterSnapshot(x.astype(np.complex64), rate_hz, tuned_hz, e, *where)


def _stay(n: int, rng: np.random.Generator, rate_hz: float) -> tuple[int, int]:
    """Return first sample and count of the burst in a snapshot."""
    if rng.random() < WHOLE_SHARE:
        return 0, n
    count = int(rng.uniform(SHORTEST_S * rate_hz, n))
    return int(rng.integers(0, n - count + 1)), count


def _echoes(frequency_hz: F64, draw: Draw) -> C128:
    """Return the channel's gain at frequencies (n,), of unit mean power: a direct ray and a few later ones."""
    rng = draw.rng
    taps = int(rng.choice(TRAINING_TAPS if draw.family == "training" else HELD_OUT_TAPS))
    gain = np.ones(len(frequency_hz), dtype=np.complex128)
    total = 1.0
    for _ in range(taps):
        delay_s, level = draw.between(*TAP_DELAY_S), 10.0 ** (float(rng.uniform(*TAP_DB)) / 20.0)
        gain += level * np.exp(2j * np.pi * (rng.random() - frequency_hz * delay_s))
        total += level**2
    return np.asarray(gain / np.sqrt(total))
