"""Recordings of microphones: read, cut into windows of a second, and judged; clear errors for what is unusable."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.io import wavfile

from detectors.media import NS_PER_S, MediaError

F32 = NDArray[np.float32]

SAMPLE_RATE_HZ = 22_050
"""What the classifier was trained at; another rate shifts every line, so it is refused and never guessed at."""
WINDOW_S = 1
MAX_CHANNELS = 64
MAX_FILE_BYTES = 2**30  # an hour of a seven-microphone array; more is cut into files by every recorder
SILENCE_DBFS = -90.0  # less than one step of 16 bits (the quietest window of the recordings is at -72 dB)
FULL_SCALE = 0.999
CLIPPED_SHARE = 0.005  # 5 ms of a second at the rail: the comb of the clipping itself is heard by then

Condition = Literal["good", "silent", "clipped"]


class Window(NamedTuple):
    """One second of sound (n, channels): its number, the time of validity of its middle, and how the microphone was."""

    number: int
    t_ns: int
    sound: F32
    condition: Condition


@dataclass(frozen=True)
class Recording:
    """A sound file in memory; ``sound`` (n, channels) is in units of full scale."""

    path: Path
    sound: F32

    @property
    def window_count(self) -> int:
        """Return the number of whole seconds; what is left over is not judged."""
        return len(self.sound) // (SAMPLE_RATE_HZ * WINDOW_S)

    def windows(self) -> Iterator[Window]:
        """Yield the windows in order, one a second, without overlap."""
        n = SAMPLE_RATE_HZ * WINDOW_S
        for k in range(self.window_count):
            sound = self.sound[k * n : (k + 1) * n]
            yield Window(k, k * WINDOW_S * NS_PER_S + WINDOW_S * NS_PER_S // 2, sound, condition(sound))


def condition(sound: F32) -> Condition:
    """Judge the microphone by one window: silent (dead, unplugged), clipped, or good."""
    centred = sound - sound.mean(axis=0)
    level_db = 10.0 * np.log10(float(np.mean(centred.astype(np.float64) ** 2)) + 1e-20)
    if level_db < SILENCE_DBFS:
        return "silent"
    return "clipped" if float(np.mean(np.abs(sound) >= FULL_SCALE)) >= CLIPPED_SHARE else "good"


def read_recording(path: Path | str) -> Recording:
    """Read a WAV file (PCM of 8 to 32 bits, or float).

    Raises MediaError where it is missing, damaged, at another sample rate, shorter than a second or silent throughout.
    """
    path = Path(path)
    rate, raw = _read(path)
    if rate != SAMPLE_RATE_HZ:
        raise MediaError(
            f"{path}: sample rate = {rate} Hz: must be {SAMPLE_RATE_HZ}, at which the model was trained;"
            f" convert the file first (sox IN.wav -r {SAMPLE_RATE_HZ} OUT.wav)"
        )
    sound = _full_scale(path, raw)
    if len(sound) < SAMPLE_RATE_HZ * WINDOW_S:
        raise MediaError(f"{path}: duration = {len(sound) / rate:.3f} s: must be at least {WINDOW_S} s")
    recording = Recording(path, sound)
    if all(window.condition == "silent" for window in recording.windows()):
        raise MediaError(
            f"{path}: silent microphone: level < {SILENCE_DBFS:g} dB of full scale throughout; check plug, power, gain"
        )
    return recording


def _read(path: Path) -> tuple[int, NDArray[Any]]:
    if not path.is_file():
        raise MediaError(f"{path}: no such file; give a WAV file or a folder of them")
    size = path.stat().st_size
    if not 0 < size <= MAX_FILE_BYTES:
        raise MediaError(f"{path}: size = {size} bytes: must be > 0 and <= {MAX_FILE_BYTES}; record it again")
    with warnings.catch_warnings():
        warnings.simplefilter("error", wavfile.WavFileWarning)
        try:
            rate, raw = wavfile.read(path)
        # A damaged header sends the reader down any path: what it says is told, and nothing of the file is used.
        except (
            wavfile.WavFileWarning,
            ArithmeticError,
            LookupError,
            MemoryError,
            OSError,
            TypeError,
            ValueError,
        ) as error:
            raise MediaError(f"{path}: not a WAV file that can be read, or cut off ({error})") from None
        except Exception as error:
            raise MediaError(f"{path}: not a WAV file that can be read ({type(error).__name__}: {error})") from None
    return int(rate), raw


def _full_scale(path: Path, raw: NDArray[Any]) -> F32:
    """Return samples (n, channels) in units of full scale."""
    table = raw.reshape(len(raw), -1)
    if not 1 <= table.shape[1] <= MAX_CHANNELS:
        raise MediaError(f"{path}: channels = {table.shape[1]}: must be within 1..{MAX_CHANNELS}")
    if table.dtype == np.uint8:
        return np.asarray((table.astype(np.float32) - 128.0) / 128.0, dtype=np.float32)
    if np.issubdtype(table.dtype, np.integer):
        return np.asarray(table / -float(np.iinfo(table.dtype).min), dtype=np.float32)
    sound = np.asarray(table, dtype=np.float32)
    if not np.isfinite(sound).all():
        raise MediaError(f"{path}: samples that are not finite: must be numbers; record it again")
    return sound
