"""Identity: a class posterior from detector scores, from what a sensor can hear at all, and from motion.

Class probabilities are kept as logarithms and combined by Bayes' rule, tempered: a detector that
mistakes one bird for a drone does so in the next frame too. One score therefore counts in full only
after ``SCORE_MEMORY_S`` since the last one of the same sensor, and in proportion to the time before.
"""

from __future__ import annotations

import numpy as np

from fusion.kernels.bundles import ClassRules
from messages.frames import F64

CLASSES = ("fpv", "quadcopter", "fixed_wing", "loitering_munition", "bird", "unknown")
N_CLASSES = len(CLASSES)
DRONES = slice(0, 4)  # the classes that are drones
BIRD, UNKNOWN = 4, 5
CLASS_PRIOR: F64 = np.log(np.array([0.15, 0.12, 0.08, 0.1, 0.4, 0.15]))
"""Before any evidence: over a platoon in the field birds are as common as all drones together."""

SCORE_MEMORY_S = 4.0
"""A detector's mistake on one target lasts while aspect and background stay: about 3 s, most of its variance. The mean
of looks over a time T then knows as much as T / (2 x 0.7 x 3 s) independent ones."""
MOST_OF_A_LOOK = 0.3  # of its own likelihood that one look may contribute: three looks in a row say it in full
SCORE_FLOOR = 0.05  # no detector is surer than 20 to 1 (published thermal and visible F1 scores: 0.76-0.78)
MAX_LOG_RATIO = 8.0  # evidence never closes the case: 3000 to 1

# Which classes a detector's word speaks for. An aircraft is "unknown" to this table: no threat kind, no bird.
SPEAKS_FOR: dict[str, tuple[int, ...]] = {
    "drone": (0, 1, 2, 3),
    "fpv": (0,),
    "quadcopter": (1,),
    "fixed_wing": (2,),
    "loitering_munition": (3,),
    "bird": (4,),
    "airplane": (5,),
    "helicopter": (5,),
    "unknown": (5,),
}


def score_likelihoods(scores: F64, class_names: tuple[str, ...]) -> F64:
    """Return likelihoods (m, K) of detector scores (m, len(class_names)); rows without a score are all 1.

    A class gets the best score of the names that speak for it, classes that no name speaks for the
    mean of the given scores (the detector cannot tell), never below SCORE_FLOOR. A lone name is scored against
    an unnamed rest, which then has one minus its score.
    """
    m = len(scores)
    out: F64 = np.full((m, N_CLASSES), np.nan)
    for column, name in enumerate(class_names):
        for k in SPEAKS_FOR.get(name, ()):
            out[:, k] = np.fmax(out[:, k], scores[:, column])
    given = ~np.isnan(scores)
    mean = np.where(given, scores, 0.0).sum(axis=1) / np.maximum(given.sum(axis=1), 1)
    if len(class_names) == 1:
        mean = 1.0 - mean
    out = np.where(np.isnan(out), mean[:, None], out)
    out = np.maximum(out, SCORE_FLOOR)
    out[~given.any(axis=1)] = 1.0
    return np.asarray(out, dtype=np.float64)


# Sound of rotors and radio emission are evidence of a drone by themselves: birds neither hum nor transmit.
EMISSION_LIKELIHOOD: dict[str, F64] = {
    "rf": np.array([1.0, 1.0, 0.6, 0.5, 0.02, 0.3]),
    "acoustic": np.array([1.0, 0.8, 0.6, 0.8, 0.05, 0.4]),
}

# Speed [m/s] over ground: mean and spread of a class (physics section 6), as soft upper and lower limits.
SPEED_LOW: F64 = np.array([10.0, 0.0, 15.0, 22.0, 0.0, 0.0])
SPEED_HIGH: F64 = np.array([50.0, 20.0, 42.0, 55.0, 20.0, 90.0])
SPEED_SOFT: F64 = np.array([6.0, 3.0, 5.0, 5.0, 4.0, 20.0])
MOTION_MEMORY_S = 2.0  # motion is one long piece of evidence: it counts once every two seconds
MOTION_FLOOR = 0.05  # a class may fly outside its usual speeds one time in twenty
SPEED_HEIGHT: F64 = 25.0 / np.clip(SPEED_HIGH - SPEED_LOW, 5.0, 60.0)  # density: a class of narrow speeds gains more
MOST_CLASS_FACTOR = 3.0  # identity must never outweigh position: a gate away costs thousands


def probabilities(log_class: F64) -> F64:
    """Return normalised class probabilities (n, K)."""
    p = np.exp(log_class - log_class.max(axis=-1, keepdims=True))
    return np.asarray(p / p.sum(axis=-1, keepdims=True), dtype=np.float64)


def scan_evidence(kind: str, scores: F64, class_names: tuple[str, ...]) -> tuple[F64, F64]:
    """Return what a scan's rows say of the class: score ratios to an average target, and log likelihoods (m, K).

    Either has no rows where the scan has no scores, and where neither scores nor the kind of sensor say anything.
    """
    nothing = np.empty((0, N_CLASSES))
    informative = scores.shape[0] > 0 and scores.shape[1] > 0 and not bool(np.isnan(scores).all())
    emission = EMISSION_LIKELIHOOD.get(kind)
    if not informative:
        if emission is None or len(scores) == 0:
            return nothing, nothing
        return nothing, np.tile(np.log(emission), (len(scores), 1))
    likelihood = score_likelihoods(scores, class_names)
    ratio = likelihood / (likelihood @ np.exp(CLASS_PRIOR))[:, None]
    evidence = np.log(likelihood)
    return ratio, evidence if emission is None else evidence + np.log(emission)


CLASS_RULES = ClassRules(
    low_mps=SPEED_LOW,
    high_mps=SPEED_HIGH,
    soft_mps=SPEED_SOFT,
    height=SPEED_HEIGHT,
    motion_floor=MOTION_FLOOR,
    motion_memory_s=MOTION_MEMORY_S,
    score_memory_s=SCORE_MEMORY_S,
    most_of_a_look=MOST_OF_A_LOOK,
    max_log_ratio=MAX_LOG_RATIO,
)
