"""Labelled recordings: a folder of ``DRONE_001.wav``, ``BACKGROUND_001.wav`` and so on, as in the public data set."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from detectors.acoustic.features import F32
from detectors.acoustic.sound import Recording, read_recording
from detectors.media import MediaError

CLASSES = ("background", "drone")
"""In the order of the model's output."""
NAME = re.compile(r"([A-Za-z]+)_(\d+)")


@dataclass(frozen=True)
class Clip:
    """A labelled recording: the number orders clips that may come from one recording."""

    name: str
    label: str
    number: int
    recording: Recording

    @property
    def mono(self) -> F32:
        """Return the first channel (n,)."""
        return np.asarray(self.recording.sound[:, 0], dtype=np.float32)


def audio_folder(data: Path) -> Path:
    """Return the folder with the WAV files: ``data`` itself or its ``audio``."""
    for folder in (data / "audio", data):
        if folder.is_dir() and any(folder.glob("*.wav")):
            return folder
    if not data.is_dir():
        raise MediaError(f"{data}: no such folder: give the folder of the recordings")
    raise MediaError(f"{data}: no WAV file in it or in its folder audio: give the folder of the recordings")


def read_clips(data: Path) -> tuple[list[Clip], list[str]]:
    """Return the clips of a folder, ordered by class and number, and a sentence for each that could not be used.

    Raises MediaError where no clip can be used or a class has none.
    """
    clips, refused = [], []
    for path in sorted(audio_folder(data).glob("*.wav")):
        match = NAME.fullmatch(path.stem)
        if match is None or match[1].lower() not in CLASSES:
            refused.append(f"{path}: name: must be CLASS_NUMBER.wav with CLASS of {', '.join(CLASSES).upper()}")
            continue
        try:
            clips.append(Clip(path.stem, match[1].lower(), int(match[2]), read_recording(path)))
        except MediaError as error:
            refused.append(str(error))
    missing = [name for name in CLASSES if not any(clip.label == name for clip in clips)]
    if missing:
        raise MediaError(f"{data}: no usable clip of class {', '.join(missing)}" + "".join(f"\n{r}" for r in refused))
    return clips, refused


def digest(clips: list[Clip]) -> str:
    """Return a hash of every sample and name: what a model was trained on."""
    found = hashlib.sha256()
    for clip in clips:
        found.update(clip.name.encode() + b"\0" + np.ascontiguousarray(clip.recording.sound, dtype="<f4").tobytes())
    return found.hexdigest()
