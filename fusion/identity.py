"""Identity: a class posterior from detector scores, from what a sensor can hear at all, and from motion.

Class probabilities are kept as logarithms and combined by Bayes' rule, tempered: a detector that
mistakes one bird for a drone does so in the next frame too. One score therefore counts in full only
after ``SCORE_MEMORY_S`` since the last one of the same sensor, and in proportion to the time before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from messages.detections import N_COLUMNS
from messages.frames import F64

if TYPE_CHECKING:
    from fusion.step import Hits, Scan
    from fusion.table import TrackTable

I64 = NDArray[np.int64]

CLASSES = ("fpv", "quadcopter", "fixed_wing", "loitering_munition", "bird", "unknown")
N_CLASSES = len(CLASSES)
DRONES = slice(0, 4)  # the classes that are drones
BIRD, UNKNOWN = 4, 5
CLASS_PRIOR: F64 = np.log(np.array([0.2, 0.15, 0.1, 0.1, 0.3, 0.15]))
"""Before any evidence: over a platoon in the field birds are as common as any drone kind."""

SCORE_MEMORY_S = 1.0  # a detector's mistake on one target lasts about a second of changing aspect
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
    mean of the given scores (the detector cannot tell), never below SCORE_FLOOR.
    """
    m = len(scores)
    out = np.full((m, N_CLASSES), np.nan)
    for column, name in enumerate(class_names):
        for k in SPEAKS_FOR.get(name, ()):
            out[:, k] = np.fmax(out[:, k], scores[:, column])
    given = ~np.isnan(scores)
    mean = np.where(given, scores, 0.0).sum(axis=1) / np.maximum(given.sum(axis=1), 1)
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


def motion_likelihoods(speed_mps: F64, speed_sigma_mps: F64) -> F64:
    """Return likelihoods (n, K) of the speeds (n,), softened by their own sigma (n,)."""
    soft = np.sqrt(SPEED_SOFT**2 + speed_sigma_mps[:, None] ** 2)
    below = np.minimum((speed_mps[:, None] - SPEED_LOW) / soft, 0.0)
    above = np.maximum((speed_mps[:, None] - SPEED_HIGH) / soft, 0.0)
    width = np.minimum(np.maximum(SPEED_HIGH - SPEED_LOW, 5.0), 60.0)
    inside = np.exp(-0.5 * (below**2 + above**2)) * (25.0 / width)
    return np.asarray(np.maximum(inside, MOTION_FLOOR), dtype=np.float64)


def probabilities(log_class: F64) -> F64:
    """Return normalised class probabilities (n, K)."""
    p = np.exp(log_class - log_class.max(axis=-1, keepdims=True))
    return np.asarray(p / p.sum(axis=-1, keepdims=True), dtype=np.float64)


def bounded(log_class: F64) -> F64:
    """Return the log posterior shifted to a maximum of zero and kept within MAX_LOG_RATIO."""
    return np.asarray(np.maximum(log_class - log_class.max(axis=-1, keepdims=True), -MAX_LOG_RATIO), dtype=np.float64)


class Identity:
    """Keep the class posterior of the track table up to date."""

    def __init__(self) -> None:
        self._likelihoods: F64 = np.ones((0, N_CLASSES))
        self._informative = False

    def weigh(self, table: TrackTable, scan: Scan, track: I64, det: I64, like: F64) -> None:
        """Multiply the likelihoods of the pairs (pairs, M) by how well class scores fit the track's identity.

        The ratio to an average target is tempered by a square root and bounded, because identity must
        never outweigh position: a wrong class score may cost a factor 3, a gate away costs thousands.
        """
        scores = scan.rows[:, N_COLUMNS:]
        self._informative = scores.shape[1] > 0 and not bool(np.isnan(scores).all())
        if not self._informative:
            return
        self._likelihoods = score_likelihoods(scores, scan.class_names)
        if len(track) == 0:
            return
        p = probabilities(table.columns.log_class[: table.n])
        average = self._likelihoods @ np.exp(CLASS_PRIOR)
        ratio = np.sum(p[track] * self._likelihoods[det], axis=1) / average[det]
        like *= np.clip(np.sqrt(ratio), 1.0 / 3.0, 3.0)[:, None]

    def update(self, table: TrackTable, scan: Scan, hits: Hits, dt: float, xm: F64, Pm: F64) -> None:
        """Take the scan's scores, its kind of evidence and the motion since the last step into the posterior."""
        n, c = table.n, table.columns
        if n == 0:
            return
        moved = motion_log_likelihoods(xm[:n], Pm[:n])
        c.log_class[:n] += min(dt / MOTION_MEMORY_S, 1.0) * moved
        emission = EMISSION_LIKELIHOOD.get(scan.sensor.description.kind)
        if len(hits.track) and (self._informative or emission is not None):
            self._take_scores(table, scan, hits, emission)
        c.log_class[:n] = bounded(c.log_class[:n])

    def _take_scores(self, table: TrackTable, scan: Scan, hits: Hits, emission: F64 | None) -> None:
        n, c, slot = table.n, table.columns, scan.sensor.slot
        last = c.class_ns[:n, slot]
        weight = np.where(last < 0, 1.0, np.minimum((scan.t_ns - last) / 1e9 / SCORE_MEMORY_S, 1.0))
        log_like = np.log(self._likelihoods) if self._informative else np.zeros((len(scan.z), N_CLASSES))
        if emission is not None:
            log_like = log_like + np.log(emission)
        gain = np.zeros((n, N_CLASSES))
        np.add.at(gain, hits.track, hits.beta[:, None] * log_like[hits.det])
        c.log_class[:n] += weight[:, None] * gain
        known = len(hits.hit)  # tracks born of this scan come after those that it was associated with
        c.class_ns[:known, slot] = np.where(hits.hit > 0.5, scan.t_ns, last[:known])


def motion_log_likelihoods(xm: F64, Pm: F64) -> F64:
    """Return log likelihoods (n, K) of moment-matched states (n, 6) with covariances (n, 6, 6)."""
    v = xm[:, 3:6]
    sigma = np.sqrt(np.maximum(np.trace(Pm[:, 3:6, 3:6], axis1=1, axis2=2) / 3.0, 0.0))
    return np.asarray(np.log(motion_likelihoods(np.sqrt(np.sum(v * v, axis=1)), sigma)), dtype=np.float64)
