"""The comb of a rotor in a recording: the fundamental of equally spaced lines, and the lines themselves.

Averaged power spectrum, whitened by a running median, so that a line counts by how far it stands above its
surroundings; the fundamental is the spacing whose first harmonics stand out most, less what lies half way between
them (which a spacing of half the true one would also call lines).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage, signal

from messages.frames import F64

SPACING_HZ = 1.0  # of the spectrum; a rotor in flight wanders by more
WHITE_HZ = 60.0  # width of the running median: wider than a line, narrower than the fundamental
SEARCH_STEP_HZ = 0.25
HARMONICS = 6
LINE_WIDTH = 0.012  # of its frequency: where a harmonic is looked for


@dataclass(frozen=True)
class Comb:
    """``fundamental_hz``; ``lines_hz`` (HARMONICS,) the strongest line near each multiple; ``height_db`` their mean
    height over the surroundings, less that between them; ``heights_db`` (HARMONICS,) how far each line stands above."""

    fundamental_hz: float
    lines_hz: F64
    height_db: float
    heights_db: F64


def find_comb(sound: F64, rate_hz: float, lowest_hz: float = 80.0, highest_hz: float = 400.0) -> Comb:
    """Return the strongest comb of a recording (n,), at least a second long.

    Raises
    ------
    ValueError
        The recording is shorter than a second, or too slow for the harmonics of ``highest_hz``.
    """
    if len(sound) < round(rate_hz / SPACING_HZ) or rate_hz < 2.0 * HARMONICS * highest_hz:
        raise ValueError(
            f"{len(sound)} samples at {rate_hz:g} Hz: needed are one second and {2 * HARMONICS * highest_hz:g} Hz"
        )
    frequency, above = _whitened(sound, rate_hz, HARMONICS * highest_hz * (1.0 + LINE_WIDTH) + WHITE_HZ)
    candidates = np.arange(lowest_hz, highest_hz, SEARCH_STEP_HZ)
    scores = _heights(frequency, above, candidates)
    f0 = float(candidates[int(np.argmax(scores))])
    lines = np.array([_line(frequency, above, k * f0) for k in range(1, HARMONICS + 1)])
    return Comb(f0, lines[:, 0], float(scores.max()), lines[:, 1])


def _whitened(sound: F64, rate_hz: float, highest_hz: float) -> tuple[F64, F64]:
    """Return frequencies up to a highest and the level of each over the running median [dB]."""
    frequency, power = signal.welch(sound, rate_hz, nperseg=round(rate_hz / SPACING_HZ))
    n = int(np.searchsorted(frequency, highest_hz, side="right"))
    frequency, level = frequency[:n], 10.0 * np.log10(power[:n] + 1e-20)
    return frequency, level - ndimage.median_filter(level, round(WHITE_HZ / SPACING_HZ) | 1)


def _heights(frequency: F64, above: F64, fundamentals: F64) -> F64:
    multiples = fundamentals[:, None] * np.arange(1, HARMONICS + 1)
    on = np.interp(multiples, frequency, above)
    between = np.interp(multiples - 0.5 * fundamentals[:, None], frequency, above)
    return np.asarray(np.mean(on, axis=1) - np.mean(between, axis=1))


def _line(frequency: F64, above: F64, near_hz: float) -> tuple[float, float]:
    """Return frequency and height of the highest line within LINE_WIDTH of a frequency."""
    reach = max(LINE_WIDTH * near_hz, 2.0 * SPACING_HZ)
    inside = np.flatnonzero(np.abs(frequency - near_hz) <= reach)
    best = inside[int(np.argmax(above[inside]))]
    return float(frequency[best]), float(above[best])
