"""Sounds made by arithmetic: the comb of a rotor, noise without one, and folders of them, named as recordings are."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import numpy as np
import pytest
from scipy.io import wavfile

RATE_HZ = 22_050


def rotor(seed: int, seconds: float = 4.0, f0_hz: float = 0.0) -> np.ndarray:
    """Four rotors of nearly one speed, twelve harmonics each, that wander, in some noise."""
    rng = np.random.default_rng(seed)
    n = round(seconds * RATE_HZ)
    f0 = f0_hz or rng.uniform(130.0, 240.0)
    sound = 0.05 * rng.standard_normal(n)
    for _ in range(4):
        wander = 1.0 + 0.01 * np.interp(np.arange(n), np.linspace(0, n, 9), rng.standard_normal(9))
        phase = 2.0 * np.pi * np.cumsum(f0 * (1.0 + 0.01 * rng.standard_normal()) * wander) / RATE_HZ
        sound += sum(0.8**k / 4.0 * np.sin(k * phase + rng.uniform(0.0, 6.28)) for k in range(1, 13))
    return np.asarray(0.2 * sound)


def noise(seed: int, seconds: float = 4.0) -> np.ndarray:
    """Noise that falls with frequency, in gusts."""
    rng = np.random.default_rng(seed)
    n = round(seconds * RATE_HZ)
    spectrum = np.fft.rfft(rng.standard_normal(n)) * np.arange(1, n // 2 + 2) ** -rng.uniform(0.3, 0.9)
    sound = np.fft.irfft(spectrum, n)
    gusts = np.exp(0.5 * np.interp(np.arange(n), np.linspace(0, n, 12), rng.standard_normal(12)))
    return np.asarray(0.1 * sound / sound.std() * gusts)


def write(path: Path, sound: np.ndarray, rate_hz: int = RATE_HZ) -> Path:
    """Write sound in units of full scale as 16 bit WAV."""
    wavfile.write(path, rate_hz, np.clip(np.round(sound * 32767.0), -32768, 32767).astype(np.int16))
    return path


def write_data_set(folder: Path, clips: int, seconds: float = 4.0) -> Path:
    """Write so many clips of either class; return the folder."""
    (folder / "audio").mkdir(parents=True)
    for k in range(1, clips + 1):
        write(folder / "audio" / f"DRONE_{k:03d}.wav", rotor(k, seconds))
        write(folder / "audio" / f"BACKGROUND_{k:03d}.wav", noise(100 + k, seconds))
    return folder


def recordings_or_made(root: Path, folder: Path) -> tuple[Path, bool]:
    """Return the recordings in $VEDETTE_DATA or ../shared/data (and True); without them made clips, said in a warning.

    Under CI=true missing recordings are a failure.
    """
    places = [Path(os.environ["VEDETTE_DATA"])] if os.environ.get("VEDETTE_DATA") else []
    places.append(root.parent / "shared" / "data")
    for place in places:
        if (place / "audio" / "DRONE_001.wav").is_file():
            return place, True
    message = f"no audio recordings in {' or '.join(map(str, places))}: set VEDETTE_DATA to their folder"
    if os.environ.get("CI") == "true":
        pytest.fail(message, pytrace=False)
    warnings.warn(f"{message}; running on made clips", stacklevel=2)
    return write_data_set(folder / "made", 5), False
