"""GOSPA and OSPA of two sets of points, and the assignment behind them.

GOSPA: Rahmathullah, Garcia-Fernandez, Svensson, "Generalized optimal sub-pattern assignment metric",
FUSION 2017, with p = 2 and alpha = 2, the only alpha for which the cost splits into localisation,
missed and false::

    gospa^p = sum over assigned pairs of d^p  +  c^p / 2 * (missed + false)

A pair at the cut-off distance or beyond is no pair: it is one missed and one false. OSPA: Schuhmacher,
Vo, Vo, IEEE Trans. Signal Processing 56(8), 2008, same p and c; two empty sets are at distance 0.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from messages.frames import F64

P = 2.0


class Gospa(NamedTuple):
    """One instant: ``distance_m`` and its parts (roots of the parts of its square), and the pairs."""

    distance_m: float
    localisation_m: float
    missed_m: float
    false_m: float
    truth_index: NDArray[np.intp]  # (k,) assigned pairs
    track_index: NDArray[np.intp]  # (k,)
    pair_distance_m: F64  # (k,)


def distances(truth_m: F64, tracks_m: F64) -> F64:
    """Return the (n, m) Euclidean distances of (n, 3) and (m, 3) points."""
    offset = truth_m[:, None, :] - tracks_m[None, :, :]
    return np.asarray(np.sqrt(np.einsum("ijk,ijk->ij", offset, offset)))


def gospa(distance_m: F64, cutoff_m: float) -> Gospa:
    """Return GOSPA (p = 2, alpha = 2) for the (n, m) distances between n targets and m tracks."""
    n, m = distance_m.shape
    truth_index, track_index = linear_sum_assignment(np.minimum(distance_m, cutoff_m) ** P)
    pair = distance_m[truth_index, track_index]
    near = pair < cutoff_m
    truth_index, track_index, pair = truth_index[near], track_index[near], pair[near]
    localisation = float(np.sum(pair**P))
    missed = cutoff_m**P / 2.0 * (n - len(pair))
    false = cutoff_m**P / 2.0 * (m - len(pair))
    root = 1.0 / P
    total = (localisation + missed + false) ** root
    return Gospa(total, localisation**root, missed**root, false**root, truth_index, track_index, pair)


def ospa(distance_m: F64, cutoff_m: float) -> float:
    """Return OSPA (p = 2) for the (n, m) distances between n targets and m tracks."""
    n, m = distance_m.shape
    if not max(n, m):
        return 0.0
    cost = np.minimum(distance_m, cutoff_m) ** P
    assigned = float(cost[linear_sum_assignment(cost)].sum())
    return float(((assigned + cutoff_m**P * abs(n - m)) / max(n, m)) ** (1.0 / P))
