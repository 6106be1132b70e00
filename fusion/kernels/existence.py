"""Existence and detectability: a Bayesian view of hits and misses.

How well a sensor sees a track is a hidden state over a few levels of detection probability (hidden,
poor, fair, as described): a hit makes the high levels likelier, a miss the low ones, and time
relaxes them to the sensor's prior. The existence then falls by what a miss really says: a track
that a sensor cannot resolve is not killed by that sensor's silence.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fusion.kernels import jit
from messages.frames import F64

I64 = NDArray[np.int64]


@jit
def relax_levels(levels: F64, n: int, prior: F64, stay: float) -> None:
    """Relax the level probabilities (n, L) to the prior (L,): ``p = prior + (p - prior) stay``."""
    for i in range(n):
        for a in range(len(prior)):
            levels[i, a] = prior[a] + (levels[i, a] - prior[a]) * stay


@jit
def expected_pd(levels: F64, n: int, level_pd: F64, visible: F64, out: F64) -> None:
    """Write each track's detection probability (n,): mean over its levels times the chance to be in view."""
    for i in range(n):
        s = 0.0
        for a in range(len(level_pd)):
            s += levels[i, a] * level_pd[a]
        out[i] = s * visible[i]


@jit
def update_existence(
    r: F64, levels: F64, n: int, level_pd: F64, visible: F64, pd: F64, miss: F64, missed_weight: F64, hit: F64
) -> None:
    """Update existence r (n,) and levels (n, L) in place after the association; write hit (n,) = P(seen | exists).

    ``P(exists, missed) = miss r (1 - Pd) / (1 - r Pd)``, with ``missed_weight = 1 - r Pd`` as used
    in the association.
    """
    for i in range(n):
        seen = 1.0 - miss[i]
        silent = miss[i] * r[i] * (1.0 - pd[i]) / missed_weight[i]
        exists = seen + silent
        hit[i] = seen / exists if exists > 0.0 else 0.0
        r[i] = min(max(exists, 0.0), 1.0)
        _update_levels(levels[i], level_pd, visible[i], pd[i], hit[i])


@jit
def _update_levels(levels: F64, level_pd: F64, visible: float, pd: float, hit: float) -> None:
    if pd <= 0.0:
        return
    total = 0.0
    for a in range(len(level_pd)):
        p = level_pd[a] * visible
        levels[a] *= hit * p / pd + (1.0 - hit) * (1.0 - p) / max(1.0 - pd, 1e-12)
        total += levels[a]
    for a in range(len(level_pd)):
        levels[a] /= total


@jit
def weights(r: F64, pd: F64, mu: F64, like: F64, track: I64, density: F64, pairs: int, n: int, w: F64, w0: F64) -> None:
    """Write pair weights ``r Pd L / lambda`` (pairs,) and miss weights ``1 - r Pd`` (n,)."""
    for i in range(n):
        w0[i] = max(1.0 - r[i] * pd[i], 1e-12)
    for p in range(pairs):
        i = track[p]
        s = 0.0
        for m in range(mu.shape[1]):
            s += mu[i, m] * like[p, m]
        w[p] = r[i] * pd[i] * s / density[p]


@jit
def start_index(track: I64, pairs: int, n: int, start: I64) -> None:
    """Write the first pair of each track (n + 1,) from the sorted track column of the pairs."""
    p = 0
    for i in range(n + 1):
        while p < pairs and track[p] < i:
            p += 1
        start[i] = p
