"""How good a detector's probabilities are: precision, recall, F1, and whether 0.8 means four in five."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from messages.frames import F64

BOOL = NDArray[np.bool_]
BINS = 10
LOG_SCALE_LIMIT = 5.0  # temperatures from 1/150 to 150


class Score(NamedTuple):
    """Precision, recall and F1 of one class, and how many samples of it there were."""

    precision: float
    recall: float
    f1: float
    support: int


def score(claimed: BOOL, true: BOOL) -> Score:
    """Return the score of claims (n,); what cannot be told (nothing claimed, nothing there) counts as nought."""
    hits = int(np.count_nonzero(claimed & true))
    claims, there = int(np.count_nonzero(claimed)), int(np.count_nonzero(true))
    f1 = 2.0 * hits / (claims + there) if claims + there else 0.0
    return Score(hits / claims if claims else 0.0, hits / there if there else 0.0, f1, there)


def expected_calibration_error(probability: F64, true: BOOL, bins: int = BINS) -> float:
    """Return the mean gap between the stated and the found rate of (n,) samples, in bins of equal width."""
    index = np.minimum((probability * bins).astype(np.int64), bins - 1)
    gap = 0.0
    for k in range(bins):
        inside = index == k
        if inside.any():
            gap += abs(float(np.sum(probability[inside]) - np.count_nonzero(true[inside])))
    return gap / max(1, len(probability))


class Calibration(NamedTuple):
    """Turns a network's logit into one that can be believed: ``scale * logit + offset``."""

    scale: float
    offset: float

    def probability(self, logit: F64) -> F64:
        """Return the calibrated probability."""
        return np.asarray(1.0 / (1.0 + np.exp(-np.clip(self.scale * logit + self.offset, -60.0, 60.0))))


def calibrate(logit: F64, true: BOOL) -> Calibration:
    """Return the temperature of greatest likelihood on (n,) logits that no training has seen (Guo 2017).

    One number and no offset: networks trained on as many samples of either class have their even odds at nought, and an
    offset learned on a few clips would move decisions by chance. Platt's targets ``(n+ + 1) / (n+ + 2)`` and
    ``1 / (n- + 2)`` keep perfect separation from claiming certainty.
    """
    positives, negatives = int(np.count_nonzero(true)), int(np.count_nonzero(~true))
    target = np.where(true, (positives + 1.0) / (positives + 2.0), 1.0 / (negatives + 2.0))

    def loss(log_scale: float) -> float:
        z = np.exp(log_scale) * logit
        return float(np.sum(np.logaddexp(0.0, z) - target * z))

    found = optimize.minimize_scalar(loss, bounds=(-LOG_SCALE_LIMIT, LOG_SCALE_LIMIT), method="bounded")
    return Calibration(float(np.exp(found.x)), 0.0)
