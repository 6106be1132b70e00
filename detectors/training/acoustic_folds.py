"""Five folds: what the classifier, with and without memory, and the classical comb reach on clips held out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.acoustic.baseline import best_threshold_db
from detectors.acoustic.classifier import remembered
from detectors.scores import BOOL, Calibration, calibrate, expected_calibration_error, score
from detectors.training.acoustic_data import FOLDS, TrainingData
from messages.frames import F64

I64 = NDArray[np.int64]


@dataclass(frozen=True)
class HeldOut:
    """Of every window of every clip: what was said of it by the networks that had not heard it.

    ``clip``, ``fold``, ``drone``, ``logit`` (uncalibrated), ``comb_db``, all (windows,), clip by clip in order.
    """

    clip: I64
    fold: I64
    drone: BOOL
    logit: F64
    comb_db: F64


@dataclass(frozen=True)
class Verdict:
    """Probabilities of all windows, each calibrated on the other folds, and the calibration from all of them."""

    probability: F64
    calibration: Calibration


def judge(logit: F64, held_out: HeldOut) -> Verdict:
    """Calibrate logits on the folds that a window is not in, then once on all for the model that is shipped."""
    probability = np.empty(len(logit))
    for fold in range(FOLDS):
        inside = held_out.fold == fold
        probability[inside] = calibrate(logit[~inside], held_out.drone[~inside]).probability(logit[inside])
    return Verdict(probability, calibrate(logit, held_out.drone))


def with_memory(logit: F64, held_out: HeldOut) -> F64:
    """Return the logits as a detector says them that remembers the seconds before, clip by clip."""
    return np.concatenate([remembered(logit[held_out.clip == i]) for i in np.unique(held_out.clip)])


def classical(held_out: HeldOut, heights_db: F64) -> BOOL:
    """Return the claims of the comb alone, its threshold chosen on the other folds."""
    claims = np.empty(len(heights_db), dtype=np.bool_)
    for fold in range(FOLDS):
        inside = held_out.fold == fold
        claims[inside] = heights_db[inside] >= best_threshold_db(heights_db[~inside], held_out.drone[~inside])
    return claims


def metrics(claims: BOOL, held_out: HeldOut, data: TrainingData, probability: F64 | None = None) -> dict[str, Any]:
    """Return F1 over all windows and by fold, precision, recall, calibration error, clips mostly wrong."""
    drone, background = score(claims, held_out.drone), score(~claims, ~held_out.drone)
    by_fold = [score(claims[held_out.fold == k], held_out.drone[held_out.fold == k]).f1 for k in range(FOLDS)]
    wrong = claims != held_out.drone
    bad = [data.names[i] for i in np.unique(held_out.clip) if float(np.mean(wrong[held_out.clip == i])) > 0.5]
    found: dict[str, Any] = {
        "f1": round(drone.f1, 4),
        "f1_by_fold": [round(f1, 4) for f1 in by_fold],
        "precision": round(drone.precision, 4),
        "recall": round(drone.recall, 4),
        "f1_background": round(background.f1, 4),
        "windows": len(claims),
        "wrong_windows": int(np.count_nonzero(wrong)),
        "clips_mostly_wrong": bad,
    }
    if probability is not None:
        found["ece"] = round(expected_calibration_error(probability, held_out.drone), 4)
    return found
