"""Spectrograms that were never recorded: other rotor speeds, other noises beside, other microphones, wind.

All of it happens in band power, where a second sound adds (its phase against the first is random), a microphone or
distance multiplies bands, and on a logarithmic scale a rotor's speed shifts them. So a batch costs 3 ms.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detectors.acoustic.features import BANDS, F32, FRAMES, HIGHEST_HZ, LOWEST_HZ, levels, statistics_of_levels
from detectors.training.acoustic_data import I64, TrainingData, crop

FILTER_POINTS = 6  # of the random frequency response, from the lowest band to the highest


@dataclass(frozen=True)
class Augmentation:
    """How far the made windows go from the recorded ones; ``*_share`` is the share of windows that get it."""

    shift_bands: int = 4
    """Rotor speed by up to 23 % either way: hover to full thrust of one drone, or the next size of propeller."""
    mix_share: float = 0.6
    """A background beside the sound, drones and backgrounds alike."""
    drone_over_background_db: tuple[float, float] = (-3.0, 20.0)
    """Fainter than the background by more than 3 dB is not to be learned: it could not be told by ear."""
    background_over_background_db: tuple[float, float] = (-10.0, 10.0)
    wind_share: float = 0.4
    wind_db: tuple[float, float] = (-25.0, 5.0)
    """Against the sound: gusts of noise that falls by up to 9 dB an octave."""
    filter_share: float = 0.7
    filter_db: float = 6.0
    """Standard deviation at FILTER_POINTS: the difference between two outdoor microphones and two distances."""
    mask_share: float = 0.5
    mask_bands: int = 12
    blend: float = 0.3
    """Beta parameter by which two windows and their labels are blended (mixup, Zhang 2018)."""


def made_batch(
    data: TrainingData, clips: I64, backgrounds: I64, how: Augmentation, rng: np.random.Generator
) -> tuple[F32, F32]:
    """Return the statistics (n, STATISTICS, BANDS) and soft labels (n,) of one made window of each clip.

    ``backgrounds`` are the clips that may be mixed in.
    """
    level = levels(np.stack([_made(data, int(i), backgrounds, how, rng) for i in clips]))
    label = data.drone[clips].astype(np.float32)
    share = rng.beta(how.blend, how.blend, len(clips)).astype(np.float32)
    other = rng.permutation(len(clips))
    # Levels are blended, not their statistics: a blend then moves as two sounds that are heard in part.
    x = statistics_of_levels(level * share[:, None, None] + level[other] * (1.0 - share)[:, None, None])
    if rng.random() < how.mask_share:
        start = int(rng.integers(0, BANDS - how.mask_bands))
        x[:, :, start : start + int(rng.integers(1, how.mask_bands))] = 0.0
    return x, label * share + label[other] * (1.0 - share)


def _made(data: TrainingData, clip: int, backgrounds: I64, how: Augmentation, rng: np.random.Generator) -> F32:
    power = _shifted(data.powers[clip], how, rng)
    if rng.random() < how.mix_share:
        limits = how.drone_over_background_db if data.drone[clip] else how.background_over_background_db
        beside = _shifted(data.powers[int(rng.choice(backgrounds))], how, rng)
        power = power + beside * _ratio(-rng.uniform(*limits))
    if rng.random() < how.wind_share:
        power = power + power.mean() * _wind(rng) * _ratio(rng.uniform(*how.wind_db))
    if rng.random() < how.filter_share:
        power = power * _response(how.filter_db, rng)[:, None]
    return np.asarray(power, dtype=np.float32)


def _ratio(db: float) -> float:
    return float(10.0 ** (db / 10.0))


def _shifted(power: F32, how: Augmentation, rng: np.random.Generator) -> F32:
    """Return a random second at another rotor speed, of mean power 1; the outermost band is repeated beyond the end."""
    by = int(rng.integers(-how.shift_bands, how.shift_bands + 1))
    second = crop(power, rng)[np.clip(np.arange(BANDS) - by, 0, BANDS - 1)]
    return np.asarray(second / max(float(second.mean()), 1e-30), dtype=np.float32)


def _wind(rng: np.random.Generator) -> F32:
    """Return gusts of noise with a falling spectrum, of mean power 1."""
    gusts = np.exp(rng.normal(0.0, 0.8) * np.convolve(rng.standard_normal(FRAMES + 4), np.ones(5) / 2.2, "valid"))
    noise = rng.exponential(1.0, (BANDS, FRAMES))
    noise = 0.5 * (noise + np.roll(noise, 1, axis=1))  # neighbouring frames share three quarters of their samples
    falling = np.geomspace(1.0, (HIGHEST_HZ / LOWEST_HZ) ** -rng.uniform(0.0, 3.0), BANDS)
    power = noise * falling[:, None] * gusts
    return np.asarray(power / power.mean(), dtype=np.float32)


def _response(sigma_db: float, rng: np.random.Generator) -> F32:
    """Return a random smooth gain of the bands."""
    points = rng.normal(0.0, sigma_db, FILTER_POINTS)
    gain_db = np.interp(np.linspace(0.0, 1.0, BANDS), np.linspace(0.0, 1.0, FILTER_POINTS), points)
    return np.asarray(10.0 ** (gain_db / 10.0), dtype=np.float32)
