"""Finding tracks that are one target: statistically equal in position and velocity."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fusion.kernels import jit
from fusion.kernels.bundles import Columns
from fusion.kernels.judging import NO_EVENT
from fusion.kernels.matrix import cholesky, whiten
from messages.frames import F64

I64 = NDArray[np.int64]
MERGED = 4  # as fusion.lifecycle.Event
(
    M_MIN_EXISTENCE,
    M_DISTANCE_M,
    M_D2,
    M_TENTATIVE_LOOKS,
    M_CONFIRMED_LOOKS,
    M_COASTING_LOOKS,
    M_RANGED,
    M_UNRANGED,
    M_CONTESTED_LOOKS,
) = range(9)
WANTED, OWN = 0.05, 0.5  # probability that a track with a range is the source; that a detection is the track's own
BOTH_FED, ONE_FED = 1.3, 0.5  # sums of the probabilities that a scan saw each of two tracks


@jit
def closest_elder(
    xm: F64,
    Pm: F64,
    r: F64,
    n: int,
    min_existence: float,
    max_distance_m: float,
    max_d2: float,
    twin: NDArray[np.int64],
    elder: NDArray[np.int64],
) -> int:
    """Write for each track (n,) the nearest earlier row that is statistically equal to it, or -1.

    Equal: closer than max_distance_m, and ``(xi - xj)^T (Pi + Pj)^-1 (xi - xj) < max_d2`` over six states.
    Returns how many rows have an elder now or had a twin before.
    """
    total, low = np.empty((6, 6)), np.zeros((6, 6))
    y, w = np.empty(6), np.empty(6)
    count = 0
    for j in range(n):
        elder[j] = -1
        count += 1 if twin[j] > 0 else 0
        best = max_d2
        if r[j] < min_existence:
            continue
        for i in range(j):
            if r[i] < min_existence:
                continue
            d2 = 0.0
            for a in range(3):
                d2 += (xm[i, a] - xm[j, a]) ** 2
            if d2 > max_distance_m * max_distance_m:
                continue
            for a in range(6):
                y[a] = xm[i, a] - xm[j, a]
                for b in range(6):
                    total[a, b] = Pm[i, a, b] + Pm[j, a, b]
            if cholesky(total, 6, low):
                d2 = whiten(low, 6, y, w)
                if d2 < best:
                    best = d2
                    elder[j] = i
        count += 1 if elder[j] >= 0 else 0
    return count


@jit
def merge_twins(
    c: Columns, xm: F64, Pm: F64, old: int, n: int, seen: F64, merge: F64, elder: NDArray[np.int64],
    event: NDArray[np.int8],
) -> int:  # fmt: skip
    """Mark the rows that turned out to be the same target as an elder one; return how many.

    Two tracks of one target share one detection a look; two targets give two. A look in which both were
    fed clears the suspicion. ``merge`` (9,): limits and numbers of looks, see the offsets; elder (n,) is scratch.
    """
    limits = merge[M_MIN_EXISTENCE], merge[M_DISTANCE_M], merge[M_D2]
    if closest_elder(xm, Pm, c.r, n, limits[0], limits[1], limits[2], c.twin, elder) == 0:
        return 0
    merged = 0
    for j in range(n):
        i = elder[j]
        if i < 0 or j >= old:
            c.twin[j] = c.twin_count[j] = 0
            continue
        if c.twin[j] != c.track_id[i]:
            c.twin[j], c.twin_count[j] = c.track_id[i], 0
        together = seen[i] + seen[j]
        if together > BOTH_FED:
            c.twin_count[j] = 0
        elif together > ONE_FED:
            c.twin_count[j] += 1
        if c.twin_count[j] >= merge[M_TENTATIVE_LOOKS + c.state[j]]:
            event[j] = MERGED
            merged += 1
    return merged


@jit
def end_shadows(
    c: Columns, n: int, track: I64, det: I64, beta: F64, m: int, seen: F64, merge: F64, event: NDArray[np.int8]
) -> int:  # fmt: skip
    """Mark tracks that live on the bearings of others; return how many. For looks of a precise bearing sensor.

    A false crossing of bearings that drifts into the line of sight of a target takes a part of that target's
    bearings, and follows it at a wrong range: the cameras cannot tell, and a camera's silence about either of the two
    costs little. So a track without a measured range ends when, so many looks in a row, the one detection that fed it
    was wanted by a track that has one. A second detection, or one that is its own, clears it.
    """
    best, share = np.full(n, -1), np.zeros(n)
    rival, top = np.full(m, -1), np.zeros(m)
    for p in range(len(beta)):
        i, j = track[p], det[p]
        if c.ranged_hits[i] >= merge[M_RANGED] and beta[p] > top[j]:
            top[j], rival[j] = beta[p], i
        if beta[p] > share[i]:
            share[i], best[i] = beta[p], j
    ended = 0
    for i in range(n):
        if c.ranged_hits[i] >= merge[M_UNRANGED]:
            c.contested[i] = 0
            continue
        j = best[i]
        if j < 0:
            continue
        k = rival[j]
        if k >= 0 and top[j] > WANTED:
            together = seen[i] + seen[k]
            if together > BOTH_FED:
                c.contested[i] = 0
            elif together > ONE_FED:
                c.contested[i] += 1
        elif share[i] > OWN:
            c.contested[i] = 0
        if c.contested[i] >= merge[M_CONTESTED_LOOKS] and event[i] == NO_EVENT:
            event[i] = MERGED
            ended += 1
    return ended
