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
from fusion.kernels.bundles import Look
from messages.frames import F64

I64 = NDArray[np.int64]
RANGED = 1.5  # decaying sum of plots from which a range is taken to be measured (``judgement.RANGED_HITS``)


@jit
def expected_pd(levels: F64, n: int, prior: F64, stay: float, level_pd: F64, visible: F64, out: F64) -> None:
    """Relax the levels (n, L) to the prior, ``p = prior + (p - prior) stay``; write each track's Pd (n,).

    Pd is the mean over the levels times the chance to be in view.
    """
    for i in range(n):
        s = 0.0
        for a in range(len(level_pd)):
            levels[i, a] = prior[a] + (levels[i, a] - prior[a]) * stay
            s += levels[i, a] * level_pd[a]
        out[i] = s * visible[i]


@jit
def bias_scales(
    shares: F64, ranged_hits: F64, n: int, carried: F64, slot: int, looks: F64, pose: F64, own: F64
) -> None:
    """Write by how much a track's looks multiply the variance of a constant error of platform or sensor (n,).

    ``shares`` (n, S) count each sensor's recent detections of the track. All sensors of a platform (``carried`` (S,))
    share its pose error, so that N of their looks must not average it out: with N times the variance in each look the
    result keeps the variance itself. ``looks`` (2,) weighs them: of a track whose place bearings alone make, and of one
    whose range is measured, by ``ranged_hits`` (n,). The tracks themselves consider the pose's errors
    (``kernels.consider``); its scale serves ``fusion.foresight``, which filters single detections again.
    """
    for i in range(n):
        s = 0.0
        for a in range(len(carried)):
            s += carried[a] * shares[i, a]
        weight = looks[0] + (looks[1] - looks[0]) * min(ranged_hits[i] / RANGED, 1.0)
        pose[i] = max(1.0, s * weight)
        own[i] = max(1.0, shares[i, slot] * weight)


@jit
def weights(
    r: F64, pd: F64, mu: F64, like: F64, track: I64, det: I64, density: F64, n: int, w: F64, w0: F64, start: I64
) -> None:
    """Write pair weights ``r Pd L / lambda`` (pairs,), miss weights ``1 - r Pd`` (n,) and each track's first pair."""
    for i in range(n):
        w0[i] = max(1.0 - r[i] * pd[i], 1e-12)
    pairs = len(w)
    for p in range(pairs):
        i = track[p]
        s = 0.0
        for m in range(mu.shape[1]):
            s += mu[i, m] * like[p, m]
        w[p] = r[i] * pd[i] * s / density[det[p]]
    p = 0
    for i in range(n + 1):
        while p < pairs and track[p] < i:
            p += 1
        start[i] = p


@jit
def update_existence(
    r: F64, levels: F64, n: int, level_pd: F64, visible: F64, pd: F64, miss: F64, missed_weight: F64
) -> None:
    """Update existence r (n,) and levels (n, L) in place after the association.

    ``P(exists, missed) = miss r (1 - Pd) / (1 - r Pd)``, with ``missed_weight = 1 - r Pd`` as used
    in the association.
    """
    for i in range(n):
        seen = 1.0 - miss[i]
        silent = miss[i] * r[i] * (1.0 - pd[i]) / missed_weight[i]
        exists = seen + silent
        r[i] = min(max(exists, 0.0), 1.0)
        if exists > 0.0:
            _update_levels(levels[i], level_pd, visible[i], pd[i], seen / exists)


@jit
def _update_levels(levels: F64, level_pd: F64, visible: float, pd: float, hit: float) -> None:
    """Bayes over the levels with a detection of probability ``hit`` (given that the target exists)."""
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
def count_hits(
    n: int, track: I64, det: I64, beta: F64, miss: F64, located: F64, seen: F64, ranged: F64, explained: F64
) -> None:
    """Write seen (n,), its part from rows with range or position (n,), and explained (m,) from the marginals."""
    for i in range(n):
        seen[i] = 1.0 - miss[i]
        ranged[i] = 0.0
    for j in range(len(explained)):
        explained[j] = 0.0
    for p in range(len(beta)):
        explained[det[p]] += beta[p]
        ranged[track[p]] += beta[p] * located[det[p]]


@jit
def seen_share(recent: float, look: Look, born_ns: int, memory_s: float, doubt: float) -> float:
    """Return how often a sensor saw a track as a share of how often it should.

    ``recent``: decaying count of its detections of the track, over ``memory_s``; a target of the described Pd
    makes ``Pd memory_s / period`` of them, fewer while it is young. So many missed looks as ``doubt`` are added. 0
    for a sensor that is described to see nothing.
    """
    filled = 1.0 - np.exp(-((look.t_ns - born_ns) / 1e9 + look.period_s) / memory_s)
    expected = look.level_pd[-1] * filled * memory_s / look.period_s + doubt
    return float(min(recent / expected, 1.0)) if expected > 0.0 else 0.0


@jit
def trust(
    track: I64, det: I64, beta: F64, recent: F64, born_ns: I64, look: Look, memory_s: float, trusted: F64
) -> None:
    """Write the part of each detection (m,) that belongs to tracks which the sensor sees as often as it should.

    A track that lives on a third of the looks may be one that random plots keep alive: its detections count by the
    square of ``seen_share``, from ``recent`` (n,).
    """
    for j in range(len(trusted)):
        trusted[j] = 0.0
    for p in range(len(beta)):
        i = track[p]
        share = seen_share(recent[i], look, born_ns[i], memory_s, 0.0)
        trusted[det[p]] += beta[p] * share * share


@jit
def own_clutter(track: I64, det: I64, beta: F64, trusted: F64, look: Look, memory_s: float, unexplained: F64) -> None:
    """Add to each track's ``unexplained`` (n,) what its own detections add to the sensor's map of clutter."""
    weight = 1.0 - np.exp(-look.period_s / memory_s)
    for p in range(len(beta)):
        unexplained[track[p]] += weight * beta[p] * max(1.0 - trusted[det[p]], 0.0)


@jit
def stand_firm(levels: F64, n: int, track: I64, det: I64, crowd: int, look: Look, visible: F64, pd: F64) -> None:
    """Let no track be hard to see that wants a plot which ``crowd`` tracks want: write levels (n, L) and Pd (n,).

    In a formation the misses of a track too many are shared by all. If each could be taken for one that is a little
    harder to see, thirteen tracks would live on the plots of twelve targets. Among few it is the other way round: two
    that the sensor cannot tell apart for some seconds share one plot, and both are there.
    """
    wanted, shares, full = np.zeros(len(look.located), np.int64), np.zeros(n, np.bool_), len(look.level_pd) - 1
    for j in det:
        wanted[j] += 1
    for p in range(len(det)):
        shares[track[p]] |= wanted[det[p]] >= crowd and look.located[det[p]] > 0.5
    for i in range(n):
        if shares[i]:
            levels[i, :] = 0.0
            levels[i, full] = 1.0
            pd[i] = look.level_pd[full] * visible[i]
