"""Finding tracks that are one target: statistically equal in position and velocity."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fusion.kernels import jit
from fusion.kernels.matrix import cholesky, whiten
from messages.frames import F64


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
