"""Features of a second of sound: equal to the obvious sums, free of gain, and telling where a line is."""

from __future__ import annotations

import numpy as np
import pytest
import sound_maker

from detectors.acoustic.features import (
    BANDS,
    FRAME,
    FRAMES,
    HIGHEST_HZ,
    HOP,
    LOWEST_HZ,
    NEIGHBOURS,
    STATISTICS,
    band_power,
    statistics,
)
from detectors.acoustic.sound import SAMPLE_RATE_HZ

CENTRES_HZ = np.geomspace(LOWEST_HZ, HIGHEST_HZ, BANDS)


def second(seed: int = 1) -> np.ndarray:
    return sound_maker.rotor(seed, 1.0).astype(np.float32)


def test_band_power_is_the_sum_that_it_says() -> None:
    """Three bands of one frame by a discrete Fourier sum, the triangle written out."""
    sound = second().astype(np.float64)
    frame = (sound - sound.mean())[3 * HOP : 3 * HOP + FRAME] * (
        0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FRAME) / (FRAME - 1))
    )
    ratio = (HIGHEST_HZ / LOWEST_HZ) ** (1 / (BANDS - 1))
    for band in (0, 40, 95):
        width = max(CENTRES_HZ[band] * (ratio - 1.0), SAMPLE_RATE_HZ / FRAME)
        total, weights = 0.0, 0.0
        for k in range(FRAME // 2 + 1):
            hz = k * SAMPLE_RATE_HZ / FRAME
            weight = max(0.0, 1.0 - abs(hz - CENTRES_HZ[band]) / width)
            if weight:
                total += weight * abs(np.sum(frame * np.exp(-2j * np.pi * k * np.arange(FRAME) / FRAME))) ** 2
                weights += weight
        assert band_power(second())[band, 3] == pytest.approx(total / weights, rel=1e-3)


def test_statistics_are_those_that_they_are_called() -> None:
    power = band_power(second())
    found = statistics(power[None])[0]
    level = np.log10(power.astype(np.float64) / power.mean() + 1e-6)
    level -= level.mean()
    half = NEIGHBOURS // 2
    line = np.empty_like(level)
    for b in range(BANDS):
        around = [level[min(max(k, 0), BANDS - 1)] for k in range(b - half, b + half + 1)]
        line[b] = 2.0 * (level[b] - np.mean(around, axis=0))
    expected = [
        level.mean(1), level.std(1, ddof=1), level.max(1), line.mean(1), line.std(1, ddof=1),
        np.abs(level[:, 1:] - level[:, :-1]).mean(1),
    ]  # fmt: skip
    assert found.shape == (len(STATISTICS), BANDS)
    assert np.allclose(found, expected, atol=2e-5)


@pytest.mark.parametrize("gain", [1e-3, 0.1, 30.0])
def test_gain_and_offset_of_the_recorder_do_not_matter(gain: float) -> None:
    one = statistics(band_power(second())[None])
    other = statistics(band_power(np.asarray(gain * second() + 0.01, dtype=np.float32))[None])
    assert np.allclose(one, other, atol=5e-3)


@pytest.mark.parametrize("hz", [150.0, 1000.0, 6000.0])
def test_a_line_stands_out_in_its_band(hz: float) -> None:
    rng = np.random.default_rng(0)
    tone = np.sin(2.0 * np.pi * hz * np.arange(SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ)
    sound = 0.1 * tone + 0.03 * rng.standard_normal(SAMPLE_RATE_HZ)
    lines = statistics(band_power(sound.astype(np.float32))[None])[0, STATISTICS.index("line")]
    assert abs(int(np.argmax(lines)) - int(np.argmin(np.abs(CENTRES_HZ - hz)))) <= 1


def test_windows_of_silence_and_of_one_click_stay_finite() -> None:
    click = np.zeros(SAMPLE_RATE_HZ, dtype=np.float32)
    for sound in (click, np.eye(1, SAMPLE_RATE_HZ, 9000, dtype=np.float32)[0]):
        assert np.isfinite(statistics(band_power(sound)[None])).all()
    assert band_power(click).shape == (BANDS, FRAMES)
