"""Loopy belief propagation: approximate marginals of any cluster, exact where the gate graph has no cycle."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fusion.kernels import jit
from messages.frames import F64

I64 = NDArray[np.int64]
SWEEPS = 200  # they contract; most clusters need fewer than 30
ENOUGH = 1e-8  # of change in a message: far below what pruning or an update could notice


@jit
def propagate(w: F64, w0: F64, start: I64, det: I64, tracks: I64, claim: F64, beta: F64, miss: F64) -> None:
    """Write beta (pairs,) and miss (n,) of the given tracks (Williams and Lau 2014); ``claim`` (m,) is scratch."""
    for i in tracks:
        for p in range(start[i], start[i + 1]):
            beta[p] = 1.0  # here: the message from detection to track
    for _ in range(SWEEPS):
        change = 0.0
        for i in tracks:
            for p in range(start[i], start[i + 1]):
                claim[det[p]] = 0.0
        for i in tracks:
            total = w0[i]
            for p in range(start[i], start[i + 1]):
                total += w[p] * beta[p]
            miss[i] = total
            for p in range(start[i], start[i + 1]):
                claim[det[p]] += w[p] / max(total - w[p] * beta[p], 1e-300)
        for i in tracks:
            for p in range(start[i], start[i + 1]):
                own = w[p] / max(miss[i] - w[p] * beta[p], 1e-300)
                fresh = 1.0 / (1.0 + max(claim[det[p]] - own, 0.0))
                change = max(change, abs(fresh - beta[p]))
                beta[p] = fresh
        if change < ENOUGH:
            break
    for i in tracks:
        total = w0[i]
        for p in range(start[i], start[i + 1]):
            beta[p] *= w[p]
            total += beta[p]
        for p in range(start[i], start[i + 1]):
            beta[p] /= total
        miss[i] = w0[i] / total
