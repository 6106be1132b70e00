"""Formations: tracks that want the same plots, and whether one more may be among them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fusion.kernels import jit
from fusion.kernels.association import label_clusters
from fusion.kernels.bundles import Columns
from fusion.kernels.judging import CONFIRMED
from fusion.kernels.motion import moment_match
from messages.frames import F64

I64 = NDArray[np.int64]


@jit
def spare_members(
    c: Columns, n: int, start: I64, det: I64, m: int, fewest: int, doubt: float, room: F64, x: F64, P: F64
) -> int:
    """Write one more state x (n, 6), P (n, 6, 6) for each formation that has none to spare; return how many.

    A formation is a cluster of the gate graph (pairs of track i: ``det[start[i] : start[i + 1]]``) of ``fewest``
    confirmed tracks or more. The state is the mean of its members, as wide as they are spread and, by ``room`` (2,),
    sigmas of place and velocity, wider. A tentative track in it likelier than ``doubt`` is a spare one already.
    """
    label = np.empty(n, np.int64)
    clusters = label_clusters(start, det, np.ones(len(det), np.bool_), np.ones(n, np.bool_), n, m, label)
    members, taken = np.zeros(clusters, np.int64), np.zeros(clusters, np.bool_)
    for i in range(n):
        if label[i] >= 0 and c.state[i] == CONFIRMED:
            members[label[i]] += 1
        elif label[i] >= 0 and c.r[i] > doubt:
            taken[label[i]] = True
    count, mean, cov = 0, np.empty((n, 6)), np.empty((n, 6, 6))
    for k in range(clusters):
        if taken[k] or members[k] < fewest:
            continue
        q = 0
        for i in range(n):
            if label[i] == k and c.state[i] == CONFIRMED:
                moment_match(c.x[i], c.P[i], c.mu[i], mean[q], cov[q])
                q += 1
        moment_match(mean[:q], cov[:q], np.full(q, 1.0 / q), x[count], P[count])
        for a in range(6):
            P[count, a, a] += room[a // 3] ** 2
        count += 1
    return count
