"""Waveforms of radio links at complex baseband, of unit power while on the air, and when and where they are.

FHSS control is a chirp spread spectrum (LoRa, as ExpressLRS flies it), digital video, LTE and Wi-Fi
are OFDM of random QPSK, analogue video is FM by a picture of lines. Hop channels and bursts follow
from the scenario's seed and absolute time, so that every receiver hears the same link.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from messages.frames import F64
from scenarios.types import Emission
from sim.randomness import generator

C128 = NDArray[np.complex128]

SPREADING = 6  # LoRa SF6: 64 chirps' starts a symbol, the shortest of the ELRS modes
PACKETS_PER_HOP = 4  # ExpressLRS hops every fourth packet (B)
VIDEO_FRAME_S = 0.005  # burst period of a digital video downlink (estimate)
BEACON_S = 0.001  # a Wi-Fi beacon with a Remote ID message at the lowest rate: about 1 ms
SUBCARRIER_HZ = {"digital_video": 15e3, "lte": 15e3, "remote_id": 312.5e3}  # LTE numerology; Wi-Fi
GUARD_SHARE = {"digital_video": 0.07, "lte": 0.07, "remote_id": 0.25}  # cyclic prefix over the symbol
LINE_HZ = 15_625.0  # of PAL
VIDEO_TOP_HZ = 5.0e6  # of the picture; Carson: bandwidth = 2 (deviation + top)
SYNC_SHARE = 4.7 / 64.0
LINE_LEVELS = 48  # brightness changes along a line of the picture


@dataclass(frozen=True)
class OnAir:
    """One stay on a frequency: middle frequency, and which of the samples it is on the air."""

    frequency_hz: float
    on: NDArray[np.bool_]


def on_air(emission: Emission, name: str, seed: int, t_s: float, samples: int, rate_hz: float) -> OnAir:
    """Return where an emission is and when during a snapshot of ``samples`` from ``t_s`` on.

    ``name`` tells links apart. A snapshot is shorter than a stay; a hop inside it takes effect at its begin.
    """
    offset = float(generator(seed, f"radio/{name}").random())
    frequency = emission.frequency_hz
    if emission.hop_band_hz is not None:
        stay_s = emission.hop_period_s or 0.02
        hop = int(np.floor(t_s / stay_s + offset))
        channels = max(int(emission.hop_band_hz / emission.bandwidth_hz), 1)
        channel = int(generator(seed, f"radio/{name}/{hop}").integers(channels))
        frequency += emission.bandwidth_hz * (channel - 0.5 * (channels - 1))
    period_s, on_s = _burst(emission)
    phase = (t_s + np.arange(samples) / rate_hz) / period_s + offset
    return OnAir(frequency, (phase - np.floor(phase)) * period_s < on_s)


def _burst(emission: Emission) -> tuple[float, float]:
    """Return the period of the bursts and how long each is."""
    if emission.kind == "remote_id" or emission.period_s is not None:
        return emission.period_s or 1.0, BEACON_S
    if emission.kind == "fhss":
        period_s = (emission.hop_period_s or 0.02) / PACKETS_PER_HOP
        return period_s, emission.duty * period_s
    return VIDEO_FRAME_S, emission.duty * VIDEO_FRAME_S


def waveform(emission: Emission, samples: int, rate_hz: float, rng: np.random.Generator) -> C128:
    """Return baseband samples (n,) of unit mean power."""
    if emission.kind == "fhss":
        return chirps(emission.bandwidth_hz, samples, rate_hz, rng)
    if emission.kind == "analogue_video":
        return frequency_modulated(emission.bandwidth_hz, samples, rate_hz, rng)
    kind = emission.kind
    return ofdm(emission.bandwidth_hz, SUBCARRIER_HZ[kind], GUARD_SHARE[kind], samples, rate_hz, rng)


def chirps(
    bandwidth_hz: float, samples: int, rate_hz: float, rng: np.random.Generator, spreading: int = SPREADING
) -> C128:
    """Return LoRa symbols: up-chirps over the bandwidth, each begun at a random of ``2^SF`` frequencies."""
    symbol_s = 2.0**spreading / bandwidth_hz
    t = np.arange(samples) / rate_hz
    number = (t / symbol_s).astype(np.int64)
    start = rng.integers(2**spreading, size=int(number[-1]) + 1)[number] / 2.0**spreading
    place = (t / symbol_s - number + start) % 1.0
    return np.asarray(np.exp(2j * np.pi * np.cumsum(bandwidth_hz * (place - 0.5)) / rate_hz))


def ofdm(
    bandwidth_hz: float, spacing_hz: float, guard: float, samples: int, rate_hz: float, rng: np.random.Generator
) -> C128:
    """Return OFDM symbols with a cyclic prefix: random QPSK on every subcarrier but the middle, 90 % of the band."""
    useful = max(round(rate_hz / spacing_hz), 8)
    prefix = round(guard * useful)
    half = min(int(0.45 * bandwidth_hz / spacing_hz), useful // 2 - 1)
    symbols = samples // (useful + prefix) + 2
    carriers = np.concatenate([np.arange(1, half + 1), useful - np.arange(1, half + 1)])
    grid = np.zeros((symbols, useful), dtype=np.complex128)
    grid[:, carriers] = np.exp(0.5j * np.pi * (rng.integers(4, size=(symbols, len(carriers))) + 0.5))
    time = np.fft.ifft(grid, axis=1) * useful / np.sqrt(len(carriers))
    whole = np.concatenate([time[:, useful - prefix :], time], axis=1).ravel()
    first = int(rng.integers(useful))  # a snapshot begins anywhere in a symbol
    return np.asarray(whole[first : first + samples])


def frequency_modulated(bandwidth_hz: float, samples: int, rate_hz: float, rng: np.random.Generator) -> C128:
    """Return FM by a picture: lines of 64 us that are alike, with a sync pulse at the begin of each."""
    deviation_hz = max(0.5 * bandwidth_hz - VIDEO_TOP_HZ, 0.25 * bandwidth_hz)
    t = np.arange(samples) / rate_hz
    line, place = np.divmod(t * LINE_HZ + rng.random(), 1.0)
    common = rng.uniform(-0.4, 1.0, LINE_LEVELS)
    fresh = rng.uniform(-0.3, 0.3, (int(line[-1]) + 1, LINE_LEVELS))
    picture = np.clip(common[None, :] + fresh, -0.4, 1.0)[line.astype(np.int64), (place * LINE_LEVELS).astype(np.int64)]
    video: F64 = np.where(place < SYNC_SHARE, -1.0, picture)
    return np.asarray(np.exp(2j * np.pi * np.cumsum(deviation_hz * video) / rate_hz))
