"""What the classifier hears of one second: how the sound's spectrum on a musical scale looks and how it moves.

The same two functions serve training and use. ``band_power`` gives a spectrogram on logarithmic bands; a change of
rotor speed shifts it, a second sound adds to it, a filter multiplies it. ``statistics`` makes of it, for each band, how
loud it is, how much that changes, and how far it stands above its neighbours (lines), free of the recording's gain.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detectors.acoustic.sound import SAMPLE_RATE_HZ, WINDOW_S

F32 = NDArray[np.float32]

FRAME = 4096  # 186 ms: resolves 5.4 Hz, the lines of a comb from 70 Hz on
HOP = 1024
BANDS = 96  # of 5.4 % from 70 Hz to 10 kHz: a semitone each, nearly
LOWEST_HZ, HIGHEST_HZ = 70.0, 10_000.0  # wind below; the recorders end above
FRAMES = (SAMPLE_RATE_HZ * WINDOW_S - FRAME) // HOP + 1
FLOOR = 1e-6  # 60 dB under the window's mean power: what is quieter counts as equally quiet
NEIGHBOURS = 17  # bands (an octave and a quarter) over which the height of a line is taken
LINE_SCALE = 2.0  # heights of lines are half as large as the levels of bands
STATISTICS = ("level", "level_deviation", "level_maximum", "line", "line_deviation", "change")


def _filters() -> F32:
    """Return the triangular bands (BANDS, FRAME // 2 + 1), each of sum 1 and at least a bin wide."""
    hz = np.fft.rfftfreq(FRAME, 1.0 / SAMPLE_RATE_HZ)
    centres = np.geomspace(LOWEST_HZ, HIGHEST_HZ, BANDS)
    ratio = (HIGHEST_HZ / LOWEST_HZ) ** (1.0 / (BANDS - 1))
    widths = np.maximum(centres * (ratio - 1.0), SAMPLE_RATE_HZ / FRAME)
    weights = np.maximum(0.0, 1.0 - np.abs(hz - centres[:, None]) / widths[:, None])
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), dtype=np.float32)


FILTERS = _filters()
_WINDOW = np.hanning(FRAME).astype(np.float32)


def band_power(sound: F32) -> F32:
    """Return the power (BANDS, frames) of a sound (n,) of at least FRAME samples, in whatever unit it has."""
    frames = np.lib.stride_tricks.sliding_window_view(sound - sound.mean(), FRAME)[::HOP] * _WINDOW
    power = np.abs(np.fft.rfft(frames)) ** 2
    return np.asarray(FILTERS @ power.T, dtype=np.float32)


def statistics(power: F32) -> F32:
    """Return (n, len(STATISTICS), BANDS) of the powers (n, BANDS, FRAMES) of n windows."""
    return statistics_of_levels(levels(power))


def levels(power: F32) -> F32:
    """Return the levels (n, BANDS, FRAMES) of n windows [log10], against the mean level of each."""
    power = np.asarray(power, dtype=np.float32)
    whole = power.mean(axis=(1, 2), keepdims=True) + np.float32(1e-30)
    level = np.log10(power / whole + np.float32(FLOOR))
    return np.asarray(level - level.mean(axis=(1, 2), keepdims=True), dtype=np.float32)


def statistics_of_levels(level: F32) -> F32:
    """Return the statistics (n, len(STATISTICS), BANDS) of levels (n, BANDS, FRAMES)."""
    line = np.float32(LINE_SCALE) * (level - _smoothed(level))
    deviation = level.std(axis=2, ddof=1), line.std(axis=2, ddof=1)
    change = np.abs(np.diff(level, axis=2)).mean(axis=2)
    parts = level.mean(axis=2), deviation[0], level.max(axis=2), line.mean(axis=2), deviation[1], change
    return np.stack(parts, axis=1)


def _smoothed(level: F32) -> F32:
    """Return the running mean over NEIGHBOURS bands; the outermost bands are repeated beyond the ends."""
    half = NEIGHBOURS // 2
    padded = np.pad(level, ((0, 0), (half + 1, half), (0, 0)), mode="edge")
    total = np.cumsum(padded, axis=1, dtype=np.float64)
    return np.asarray((total[:, NEIGHBOURS:] - total[:, :-NEIGHBOURS]) / NEIGHBOURS, dtype=np.float32)
