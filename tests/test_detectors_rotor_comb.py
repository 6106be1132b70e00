"""The comb of a rotor: found in noise, not halved or doubled, and in a real recording where there is one."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from scipy.io import wavfile

from detectors.rotor_comb import HARMONICS, find_comb

RATE_HZ = 22_050.0


def comb_sound(f0_hz: float, snr_db: float, seed: int, seconds: float = 5.0) -> np.ndarray:
    """Ten harmonics that fall by 3 dB each, in white noise; ``snr_db`` is their power over the noise's."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    tones = sum(
        10.0 ** (-0.15 * k) * np.sin(2.0 * np.pi * k * f0_hz * t + rng.uniform(0.0, 6.28)) for k in range(1, 11)
    )
    noise = rng.normal(size=len(t))
    return np.asarray(tones / np.std(tones) * 10.0 ** (snr_db / 20.0) + noise)


@pytest.mark.parametrize("f0_hz", [92.0, 131.5, 173.25, 247.0, 391.0])
def test_a_comb_is_found_ten_decibels_under_the_noise(f0_hz: float) -> None:
    comb = find_comb(comb_sound(f0_hz, -10.0, seed=round(f0_hz)), RATE_HZ)
    assert abs(comb.fundamental_hz - f0_hz) <= 0.5
    assert np.max(np.abs(comb.lines_hz - f0_hz * np.arange(1, HARMONICS + 1))[:3]) <= 1.0
    assert comb.height_db > 3.0


def test_noise_has_no_comb_to_speak_of() -> None:
    heights = [find_comb(np.random.default_rng(s).normal(size=110_250), RATE_HZ).height_db for s in range(5)]
    assert max(heights) < 3.0


def test_a_recording_too_short_or_too_slow_is_refused() -> None:
    with pytest.raises(ValueError, match="one second"):
        find_comb(np.zeros(1000), RATE_HZ)
    with pytest.raises(ValueError, match="4800 Hz"):
        find_comb(np.zeros(8000), 4000.0)


DATA = Path(os.environ.get("VEDETTE_DATA", "")) / "audio"


@pytest.mark.skipif(not (DATA / "DRONE_001.wav").is_file(), reason="VEDETTE_DATA does not name the recordings")
def test_the_published_comb_of_a_real_drone() -> None:
    rate, sound = wavfile.read(DATA / "DRONE_001.wav")
    comb = find_comb(sound.astype(np.float64), rate)
    assert abs(comb.fundamental_hz - 172.5) <= 1.0
    assert np.max(np.abs(comb.lines_hz[[0, 1, 2, 4, 5]] - [172, 347, 519, 867, 1039])) <= 3.0
