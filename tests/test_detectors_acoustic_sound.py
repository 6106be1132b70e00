"""Recordings: what is read, what is refused, and how a microphone's faults are named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.io import wavfile

from detectors.acoustic.sound import SAMPLE_RATE_HZ, condition, read_recording
from detectors.media import MediaError

N = SAMPLE_RATE_HZ


def noise(seconds: float, level: float = 0.1, channels: int = 1) -> np.ndarray:
    return np.random.default_rng(2).normal(0.0, level, (round(seconds * N), channels))


def write(path: Path, sound: np.ndarray, rate: int = SAMPLE_RATE_HZ) -> Path:
    wavfile.write(path, rate, sound)
    return path


def test_windows_are_whole_seconds_valid_at_their_middle(tmp_path: Path) -> None:
    recording = read_recording(write(tmp_path / "a.wav", (noise(3.4) * 32767).astype(np.int16)))
    windows = list(recording.windows())
    assert [w.number for w in windows] == [0, 1, 2]
    assert [w.t_ns for w in windows] == [500_000_000, 1_500_000_000, 2_500_000_000]
    assert all(w.sound.shape == (N, 1) and w.condition == "good" for w in windows)


@pytest.mark.parametrize(
    ("kind", "scale", "offset"), [(np.int16, 2**15, 0), (np.int32, 2**31, 0), (np.uint8, 2**7, 128), (np.float32, 1, 0)]
)
def test_every_sample_format_comes_out_in_units_of_full_scale(
    tmp_path: Path, kind: type, scale: float, offset: float
) -> None:
    wave = np.tile([-0.5, 0.25], N // 2)
    recording = read_recording(write(tmp_path / "a.wav", (wave * scale + offset).astype(kind)))
    assert np.allclose(recording.sound[:, 0], wave, atol=1e-6)


@pytest.mark.parametrize("rate", [8000, 22_000, 44_100, 48_000])
def test_another_sample_rate_is_named(tmp_path: Path, rate: int) -> None:
    path = write(tmp_path / "fast.wav", noise(4.0).astype(np.float32), rate)
    with pytest.raises(MediaError, match=rf"fast\.wav: sample rate = {rate} Hz: must be 22050"):
        read_recording(path)


def test_a_silent_microphone_is_named(tmp_path: Path) -> None:
    """A constant offset is silence too: the converter lives, the microphone does not."""
    for value in (0, 1200):
        with pytest.raises(MediaError, match=r"dead\.wav: silent microphone"):
            read_recording(write(tmp_path / "dead.wav", np.full(3 * N, value, dtype=np.int16)))


def test_a_microphone_that_falls_silent_is_seen_second_by_second(tmp_path: Path) -> None:
    sound = noise(3.0)
    sound[N : 2 * N] = 0.0
    windows = read_recording(write(tmp_path / "a.wav", sound.astype(np.float32))).windows()
    assert [w.condition for w in windows] == ["good", "silent", "good"]


def test_clipping_is_seen_and_a_loud_sound_is_not_called_clipped() -> None:
    t = np.arange(N)[:, None] / N
    tone = np.sin(2.0 * np.pi * 171.0 * t).astype(np.float32)
    assert condition(0.99 * tone) == "good"
    assert condition(np.clip(2.0 * tone, -1.0, 1.0)) == "clipped"


def test_a_quiet_place_is_not_a_silent_microphone() -> None:
    """The quietest second of the real recordings is 72 dB under full scale."""
    assert condition(noise(1.0, 10.0 ** (-75.0 / 20.0)).astype(np.float32)) == "good"


@pytest.mark.parametrize(
    ("data", "said"),
    [(b"", "size = 0"), (b"noise" * 999, "not a WAV file"), (b"RIFF\x10\x00\x00\x00WAVEfmt ", "not a WAV file")],
)
def test_a_damaged_file_is_named(tmp_path: Path, data: bytes, said: str) -> None:
    path = tmp_path / "bad.wav"
    path.write_bytes(data)
    with pytest.raises(MediaError, match=rf"bad\.wav: {said}"):
        read_recording(path)


def test_every_cut_and_flip_of_a_file_is_a_named_error_or_a_recording(tmp_path: Path) -> None:
    rng = np.random.default_rng(8)
    whole = write(tmp_path / "whole.wav", (noise(1.5) * 32767).astype(np.int16)).read_bytes()
    path, refused = tmp_path / "x.wav", 0
    for k in range(300):
        damaged = bytearray(whole[: int(rng.integers(0, len(whole)))] if k % 2 else whole)
        if damaged:
            damaged[int(rng.integers(0, min(60, len(damaged))))] ^= 1 << int(rng.integers(0, 8))
        path.write_bytes(damaged)
        try:
            read_recording(path)
        except MediaError as error:
            refused += "x.wav" in str(error)
    assert refused >= 150


def test_what_is_missing_short_or_not_finite_is_named(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="no such file"):
        read_recording(tmp_path / "nowhere.wav")
    with pytest.raises(MediaError, match=r"duration = 0\.500 s"):
        read_recording(write(tmp_path / "short.wav", noise(0.5).astype(np.float32)))
    with pytest.raises(MediaError, match="not finite"):
        read_recording(write(tmp_path / "nan.wav", np.full(2 * N, np.nan, dtype=np.float32)))
