"""Where the microphones of an array are: a small CSV file, checked."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from detectors.acoustic.bearing import ArrayError, MicrophoneArray
from detectors.acoustic.sound import MAX_CHANNELS
from detectors.media import MediaError

COLUMNS = ("forward_m", "left_m", "up_m")


def read_microphones(path: Path) -> MicrophoneArray:
    """Return the array of a CSV file with one row a channel, in order: ``forward_m, left_m, up_m``.

    Raises MediaError where the file is missing, a cell is no number, or the places cannot tell a direction.
    """
    with path.open(newline="", encoding="utf-8", errors="replace") as file:
        rows = csv.DictReader(file)
        if tuple(rows.fieldnames or ()) != COLUMNS:
            raise MediaError(f"{path}: columns = {rows.fieldnames}: must be {', '.join(COLUMNS)}")
        places = []
        for line, row in enumerate(rows, start=2):
            try:
                places.append([float(row[name]) for name in COLUMNS])
            except (TypeError, ValueError):
                raise MediaError(f"{path}:{line}: must be {len(COLUMNS)} numbers in metres") from None
            if len(places) > MAX_CHANNELS:
                raise MediaError(f"{path}: more than {MAX_CHANNELS} microphones")
    try:
        return MicrophoneArray(np.array(places).reshape(-1, len(COLUMNS)))
    except ArrayError as error:
        raise MediaError(f"{path}: {error}") from None
