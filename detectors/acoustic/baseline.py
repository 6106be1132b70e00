"""The classical path that the classifier has to beat: a rotor is there where its comb stands high enough."""

from __future__ import annotations

import numpy as np

from detectors.acoustic.sound import F32, SAMPLE_RATE_HZ
from detectors.rotor_comb import find_comb
from detectors.scores import BOOL, score
from messages.frames import F64


def comb_heights_db(sounds: F32) -> F64:
    """Return the height of the strongest comb in each window (k, n) of at least a second."""
    return np.array([find_comb(sound.astype(np.float64), SAMPLE_RATE_HZ).height_db for sound in sounds])


def best_threshold_db(heights_db: F64, drone: BOOL) -> float:
    """Return the height that tells drones best, by F1 on these windows; the first of equals."""
    candidates = np.unique(heights_db)
    found = [score(heights_db >= c, drone).f1 for c in candidates]
    return float(candidates[int(np.argmax(found))])
