"""Finding tracks that are one target: statistically equal in position and velocity."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fusion.kernels import jit
from fusion.kernels.bundles import Columns
from fusion.kernels.matrix import cholesky, whiten
from messages.frames import F64

MERGED = 4  # as fusion.lifecycle.Event
(M_MIN_EXISTENCE, M_DISTANCE_M, M_D2, M_TENTATIVE_LOOKS, M_CONFIRMED_LOOKS, M_COASTING_LOOKS) = range(6)
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
    fed clears the suspicion. ``merge`` (6,): limits and numbers of looks, see the offsets; elder (n,) is scratch.
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
