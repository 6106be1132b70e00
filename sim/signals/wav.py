"""WAV files of 16 bits, as the public recordings are; the manifest says how many pascals full scale is."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np

from messages.frames import F64

FULL_SCALE = 32767
HEADROOM = 1.05  # full scale over the largest pressure of the record


def write_wav(path: Path, pressure_pa: F64, rate_hz: float) -> float:
    """Write records (channels, n) as one WAV and return the pressure [Pa] of full scale."""
    full_scale_pa = HEADROOM * max(float(np.max(np.abs(pressure_pa))), 1e-6)
    samples = np.round(pressure_pa.T / full_scale_pa * FULL_SCALE).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(len(pressure_pa))
        file.setsampwidth(2)
        file.setframerate(round(rate_hz))
        file.writeframes(samples.tobytes())
    return full_scale_pa
