"""Class posteriors of the track table: motion, scores and the kind of evidence, in logarithms."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fusion.kernels import jit
from messages.frames import F64

I64 = NDArray[np.int64]


@jit
def add_motion(log_class: F64, xm: F64, Pm: F64, n: int, low: F64, high: F64, soft: F64, height: F64, floor: float,
               weight: float) -> None:  # fmt: skip
    """Add ``weight`` times the log likelihood of each track's speed to log_class (n, K).

    The likelihood of a class is flat between low and high [m/s], of density ``height``, and falls
    off outside with the width soft, widened by the speed's own sigma; never below ``floor``.
    """
    for i in range(n):
        speed = np.sqrt(xm[i, 3] ** 2 + xm[i, 4] ** 2 + xm[i, 5] ** 2)
        var = max((Pm[i, 3, 3] + Pm[i, 4, 4] + Pm[i, 5, 5]) / 3.0, 0.0)
        for k in range(len(low)):
            out = min(speed - low[k], 0.0) + max(speed - high[k], 0.0)
            like = height[k] * np.exp(-0.5 * out * out / (soft[k] ** 2 + var))
            log_class[i, k] += weight * np.log(max(like, floor))


@jit
def add_evidence(
    log_class: F64, class_ns: I64, n: int, t_ns: int, memory_s: float, most: float, track: I64, det: I64, beta: F64,
    evidence: F64, seen: F64,
) -> None:  # fmt: skip
    """Add the detections' log likelihoods (m, K), weighted by association and by the time since the last ones.

    ``class_ns`` (n,): time of this sensor's last evidence on the track, or -1. Tempering: errors of a
    detector on one target last, so that a look counts in proportion to the time since the one before
    and never more than ``most``: one false alarm that fell onto the track must not decide.
    """
    for p in range(len(beta)):
        i = track[p]
        weight = most if class_ns[i] < 0 else min((t_ns - class_ns[i]) / 1e9 / memory_s, most)
        for k in range(evidence.shape[1]):
            log_class[i, k] += weight * beta[p] * evidence[det[p], k]
    for i in range(n):
        if seen[i] > 0.5:
            class_ns[i] = t_ns


@jit
def bound(log_class: F64, n: int, limit: float) -> None:
    """Shift each row to a maximum of zero and keep it within ``limit`` of it."""
    for i in range(n):
        top = log_class[i, 0]
        for k in range(log_class.shape[1]):
            top = max(top, log_class[i, k])
        for k in range(log_class.shape[1]):
            log_class[i, k] = max(log_class[i, k] - top, -limit)


@jit
def weigh_pairs(like: F64, log_class: F64, track: I64, det: I64, ratio: F64, most: float) -> None:
    """Multiply the likelihoods of pairs (pairs, M) by how well the scores fit the track's identity.

    Factor: ``sqrt(sum_k p_k ratio_k)``, within 1/most .. most.
    """
    for p in range(len(track)):
        i, j = track[p], det[p]
        s, total = 0.0, 0.0
        for k in range(ratio.shape[1]):
            q = np.exp(log_class[i, k])
            s += q * ratio[j, k]
            total += q
        factor = min(max(np.sqrt(s / total), 1.0 / most), most)
        for m in range(like.shape[1]):
            like[p, m] *= factor
