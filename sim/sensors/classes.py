"""Class scores: calibrated for one look, with errors that stay for a while on the same target.

A look gives a Gaussian feature for each class name: ``quality * separation`` on the true one, plus
unit noise on all. The scores are ``softmax(quality * separation * feature)``, which is exactly the
posterior of that model with equal priors: over many targets, of the looks that say 0.8, eight in
ten are right. The separation is set so that the best score names the right class with the profile's
confidence at full quality. A false alarm has no true class: its features are noise alone.

The noise of one target is mostly slow (``PERSISTENT_SHARE`` of its variance is a first-order
Gauss-Markov process with ``PERSISTENCE_S``, one for each sensor and target), because aspect and
background change slowly: whoever multiplies the scores of successive looks as if they were
independent becomes too sure. The number of independent looks grows with time, not with the rate.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from messages.frames import F64
from scenarios.types import DRONE_CLASSES

PERSISTENCE_S = 3.0  # correlation time of aspect and background (estimate)
PERSISTENT_SHARE = 0.7  # of the noise variance (estimate); the rest is new in every look


def separation_for(confidence: float, classes: int) -> float:
    """Return the feature's strength with which the best of ``classes`` scores is right with ``confidence``.

    ``P(right) = integral phi(y - s) Phi(y)^(K-1) dy``: the true feature beats the other K-1.
    """
    y = np.linspace(-8.0, 16.0, 2401)

    def right(s: float) -> float:
        density = np.exp(-0.5 * (y - s) ** 2) / np.sqrt(2.0 * np.pi)
        return float(np.sum(density * special.ndtr(y) ** (classes - 1)) * (y[1] - y[0]))

    if confidence <= 1.0 / classes + 1e-6:
        return 0.0
    return float(optimize.brentq(lambda s: right(s) - min(confidence, 0.9999), 0.0, 8.0))


def column_of(target_class: str, names: tuple[str, ...]) -> int:
    """Return the column that is right for a target's class, or -1 where the sensor has no word for it."""
    if target_class in names:
        return names.index(target_class)
    if target_class in DRONE_CLASSES and "drone" in names:
        return names.index("drone")
    return -1


class ClassModel:
    """Draws the class scores of one sensor's detections."""

    def __init__(self, names: tuple[str, ...], confidence: float, target_classes: tuple[str, ...]) -> None:
        """Prepare for n targets; one lone name is scored against an unnamed rest."""
        self.names = names
        self._width = max(len(names), 2) if names else 0
        self._separation = separation_for(confidence, self._width) if names else 0.0
        rest = 1 if len(names) == 1 else -1
        columns = (column_of(c, names) for c in target_classes)
        self._column = np.array([rest if c < 0 else c for c in columns], dtype=np.int64)
        self._slow: F64 | None = None
        self._t_s = 0.0

    def advance(self, t_s: float, rng: np.random.Generator) -> None:
        """Move the slow part of every target's noise to the time of this look; the same draws at every look."""
        if not self._width:
            return
        fresh = rng.standard_normal((len(self._column), self._width))
        if self._slow is None:
            self._slow = fresh
        else:
            keep = float(np.exp(-max(t_s - self._t_s, 0.0) / PERSISTENCE_S))
            self._slow = keep * self._slow + float(np.sqrt(1.0 - keep * keep)) * fresh
        self._t_s = t_s

    def scores(self, cause: NDArray[np.int64], quality: F64, rng: np.random.Generator) -> F64:
        """Return scores (m, names) of detections with a cause (target, or -1) and a quality in 0..1."""
        m = len(cause)
        if not self._width or not m:
            return np.empty((m, len(self.names)))
        noise = rng.standard_normal((m, self._width))
        strength = (quality * self._separation)[:, None]
        feature = noise.copy()
        hit = np.flatnonzero(cause >= 0)
        if len(hit) and self._slow is not None:
            slow = self._slow[cause[hit]]
            feature[hit] = np.sqrt(PERSISTENT_SHARE) * slow + np.sqrt(1.0 - PERSISTENT_SHARE) * noise[hit]
            column = self._column[cause[hit]]
            known = hit[column >= 0]
            feature[known, column[column >= 0]] += strength[known, 0]
        power = strength * feature
        power -= power.max(axis=1, keepdims=True)
        scores = np.exp(power)
        scores /= scores.sum(axis=1, keepdims=True)
        return np.asarray(scores[:, : len(self.names)])
