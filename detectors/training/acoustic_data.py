"""Clips made ready for training: their spectrograms, the five folds, and which clips hold the same sound."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft, signal

from detectors.acoustic.features import F32, FRAMES, band_power
from detectors.acoustic.folder import CLASSES, Clip
from detectors.acoustic.sound import SAMPLE_RATE_HZ, WINDOW_S
from messages.frames import F64

I64 = NDArray[np.int64]

FOLDS = 5
SAME_SOUND = 0.25
"""Normalised cross-correlation above 500 Hz from which two clips count as cut from one recording. In the public set
six pairs exceed it (up to 1.0: one clip is there twice); independent clips stay under 0.21 (two steady rotors)."""
THINNING = 4  # of the samples, for the search of shared sound
HIGH_PASS_HZ = 500.0


@dataclass(frozen=True)
class TrainingData:
    """All clips, ready: ``powers`` one (BANDS, frames) a clip, ``windows`` one (k, BANDS, FRAMES) a clip,
    ``drone`` and ``fold`` (clips,), ``kin`` (clips, clips): the same recording is in both."""

    names: tuple[str, ...]
    powers: tuple[F32, ...]
    windows: tuple[F32, ...]
    drone: NDArray[np.bool_]
    fold: I64
    kin: NDArray[np.bool_]

    def training_clips(self, fold: int) -> I64:
        """Return the clips to train on where ``fold`` is held out: none of it, none that shares sound with it."""
        held_out = self.fold == fold
        return np.flatnonzero(~held_out & ~self.kin[:, held_out].any(axis=1))


def prepare(clips: list[Clip]) -> TrainingData:
    """Return the training data of labelled clips; ValueError where a class has fewer clips than there are folds."""
    drone = np.array([clip.label == CLASSES[1] for clip in clips])
    if min(np.count_nonzero(drone), np.count_nonzero(~drone)) < FOLDS:
        raise ValueError(f"{len(clips)} clips: must be at least {FOLDS} of each class, one a fold")
    return TrainingData(
        names=tuple(clip.name for clip in clips),
        powers=tuple(band_power(clip.mono) for clip in clips),
        windows=tuple(windows(clip) for clip in clips),
        drone=drone,
        fold=folds(np.array([clip.number for clip in clips])),
        kin=shared_sound([clip.mono for clip in clips]),
    )


def windows(clip: Clip) -> F32:
    """Return the powers (k, BANDS, FRAMES) of a clip's whole seconds, as the detector hears them."""
    n, sound = SAMPLE_RATE_HZ * WINDOW_S, clip.mono
    return np.stack([band_power(sound[k * n : (k + 1) * n]) for k in range(clip.recording.window_count)])


def folds(numbers: I64) -> I64:
    """Return the fold of each clip: FOLDS blocks of neighbouring numbers, as equal as may be, for all classes alike."""
    distinct = np.unique(numbers)
    block = {int(n): k for k, part in enumerate(np.array_split(distinct, FOLDS)) for n in part}
    return np.array([block[int(n)] for n in numbers], dtype=np.int64)


def shared_sound(sounds: list[F32]) -> NDArray[np.bool_]:
    """Say which clips hold the same sound at some shift, directly or by way of others (clips, clips)."""
    sos = signal.butter(4, HIGH_PASS_HZ, "high", fs=SAMPLE_RATE_HZ, output="sos")
    n = fft.next_fast_len(2 * max(len(s) for s in sounds) // THINNING)
    spectra = []
    for sound in sounds:
        thin: F64 = signal.decimate(signal.sosfilt(sos, sound.astype(np.float64)), THINNING, ftype="fir")
        spectra.append(fft.rfft(thin / max(float(np.linalg.norm(thin)), 1e-12), n))
    kin = np.eye(len(sounds), dtype=np.bool_)
    for i in range(len(sounds)):
        for j in range(i + 1, len(sounds)):
            peak = float(np.max(np.abs(fft.irfft(spectra[i] * np.conj(spectra[j]), n))))
            kin[i, j] = kin[j, i] = peak > SAME_SOUND
    while True:  # kin of kin
        wider = (kin.astype(np.int64) @ kin) > 0
        if (wider == kin).all():
            return kin
        kin = wider


def crop(power: F32, rng: np.random.Generator) -> F32:
    """Return a random second (BANDS, FRAMES) of a clip's power."""
    start = int(rng.integers(0, power.shape[1] - FRAMES + 1))
    return power[:, start : start + FRAMES]
