"""Joint association probabilities: exact by clusters within a work limit, exact on a pruned graph beyond it.

Weights: pair (i, j) has ``w = r Pd L / lambda``, a missed track ``w0 = 1 - r Pd`` (JIPDA: existence r
inside the association, Musicki and Evans 2004). Pairs come sorted by track: the pairs of track i
are ``start[i] .. start[i + 1]``. At most one detection a track and one track a detection.

The rule beyond the limit: belief propagation gives each pair of the cluster a probability; pairs below a
rung of ``LADDER`` are left out and the cluster falls apart into smaller ones, until the exact sum of each fits.
Leaving pairs out is conditioning on the event that none of them is true, so that no probability
changes by more than the sum of theirs: that sum, bounded to first order from the pruned result, is the error returned.
Where even the last rung does not fit, belief propagation itself is the answer, as it is for a track that lost
all its pairs.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fusion.kernels import jit
from fusion.kernels.belief import propagate
from fusion.kernels.joint_events import cost, plan, sum_events
from messages.frames import F64

I64 = NDArray[np.int64]
LADDER = (1e-7, 1e-5, 1e-4, 1e-3, 0.01, 0.03, 0.1)
LOOPY_ERROR = 0.5
"""What is said of belief propagation's error: 0.41 at worst on the clusters of a swarm of ten, 0.11 in the median."""


@jit
def marginals(
    w: F64, w0: F64, start: I64, det: I64, n: int, m: int, work_limit: float, room: F64, beta: F64, miss: F64
) -> tuple[int, int, int, int, float]:
    """Write beta (pairs,) and miss (n,).

    ``work_limit`` bounds the multiplications of all exact sums of this call, ``len(room)`` the
    memory of each. Returns the number of clusters, the widest frontier (open detections), how many
    clusters were pruned and how many were left to belief propagation, and the largest error bound.
    """
    pairs = len(w)
    alive, unsolved = np.ones(pairs, np.bool_), np.ones(n, np.bool_)
    label, tracks, begin = np.empty(n, np.int64), np.empty(n, np.int64), np.empty(n + 1, np.int64)
    shared, left, slot = np.empty(m, np.int64), np.empty(m, np.int64), np.empty(m, np.int64)
    first, bits, closing = np.empty(n + 1, np.int64), np.empty(n + 1, np.int64), np.empty(n + 1, np.int64)
    pair, bit = np.empty(pairs, np.int64), np.empty(pairs, np.int64)
    home = np.empty(n, np.int64)
    claim, belief, belief_miss = np.empty(m), np.empty(0), np.empty(0)
    all_clusters, widest, pruned, loopy, error = 0, 0, 0, 0, 0.0
    for level in range(len(LADDER) + 1):
        clusters = label_clusters(start, det, alive, unsolved, n, m, label)
        _sort_by_label(label, n, clusters, tracks, begin)
        again = False
        for c in range(clusters):
            order = tracks[begin[c] : begin[c + 1]]
            if len(order) == 1:
                _alone(w, w0, start, alive, order[0], beta, miss)
                unsolved[order[0]] = False
                continue
            frontier = plan(start, det, alive, order, shared, left, slot, first, pair, bit, bits, closing)
            cells, work = cost(first, bits, len(order), frontier)
            if level == 0:
                widest = max(widest, frontier)
            if cells <= len(room) and work <= work_limit:
                work_limit -= work
                _drop_pruned(start, alive, order, beta)
                sum_events(w, w0, order, first, pair, bit, bits, closing, frontier, room, beta, miss)
                unsolved[order] = False
                continue
            if level == 0:
                pruned += 1
                if len(belief) == 0:
                    belief, belief_miss = np.empty(pairs), np.empty(n)
                propagate(w, w0, start, det, order, claim, belief, belief_miss)
            if level == len(LADDER):
                _believe(start, order, belief, belief_miss, beta, miss)
                unsolved[order] = False
                loopy += 1
                error = LOOPY_ERROR
                continue
            _prune(start, alive, order, belief, LADDER[level])
            again = True
        if level == 0:
            all_clusters = clusters
            home[:] = label
        if not again:
            break
    for i in range(n):
        if not unsolved[i]:
            continue
        if start[i] < start[i + 1]:  # lost all its pairs: many weak ones are no silence, and belief propagation is
            _believe(start, np.full(1, i), belief, belief_miss, beta, miss)  # good where none is strong
        else:
            miss[i] = 1.0
    if pruned:
        error = max(error, _left_out(w, w0, start, det, alive, home, all_clusters, n, beta, miss, claim))
    return all_clusters, widest, pruned - min(loopy, pruned), loopy, min(error, 1.0)


@jit
def label_clusters(
    start: I64, det: I64, alive: NDArray[np.bool_], unsolved: NDArray[np.bool_], n: int, m: int, label: I64
) -> int:
    """Write each track's cluster (n,), a connected component of the gate graph, or -1; return their number."""
    parent = np.arange(n)
    owner = np.full(m, -1)
    for i in range(n):
        label[i] = -1
        if not unsolved[i]:
            continue
        for p in range(start[i], start[i + 1]):
            if not alive[p]:
                continue
            label[i] = 0
            j = det[p]
            if owner[j] < 0:
                owner[j] = i
            a, b = _root(parent, owner[j]), _root(parent, i)
            parent[max(a, b)] = min(a, b)
    clusters = 0
    for i in range(n):
        if label[i] < 0:
            continue
        root = _root(parent, i)
        if root == i:
            label[i] = clusters
            clusters += 1
        else:
            label[i] = label[root]
    return clusters


@jit
def _root(parent: I64, i: int) -> int:
    while parent[i] != i:
        parent[i] = parent[parent[i]]  # halves the way for the next who asks
        i = parent[i]
    return i


@jit
def _sort_by_label(label: I64, n: int, clusters: int, tracks: I64, begin: I64) -> None:
    """Write the tracks of cluster c, in their order, to ``tracks[begin[c] .. begin[c + 1]]``."""
    for c in range(clusters + 1):
        begin[c] = 0
    for i in range(n):
        if label[i] >= 0:
            begin[label[i] + 1] += 1
    for c in range(clusters):
        begin[c + 1] += begin[c]
    place = begin[: clusters + 1].copy()
    for i in range(n):
        if label[i] >= 0:
            tracks[place[label[i]]] = i
            place[label[i]] += 1


@jit
def _alone(w: F64, w0: F64, start: I64, alive: NDArray[np.bool_], i: int, beta: F64, miss: F64) -> None:
    """Write the probabilities of a track that shares no detection: PDA."""
    total = w0[i]
    for p in range(start[i], start[i + 1]):
        if alive[p]:
            total += w[p]
    miss[i] = w0[i] / total
    for p in range(start[i], start[i + 1]):
        beta[p] = w[p] / total if alive[p] else 0.0


@jit
def _prune(start: I64, alive: NDArray[np.bool_], order: I64, belief: F64, floor: float) -> None:
    """Leave out the pairs below the floor."""
    for i in order:
        for p in range(start[i], start[i + 1]):
            if belief[p] < floor:
                alive[p] = False


@jit
def _left_out(
    w: F64, w0: F64, start: I64, det: I64, alive: NDArray[np.bool_], home: I64, clusters: int, n: int, beta: F64,
    miss: F64, used: F64,
) -> float:  # fmt: skip
    """Return the probability of all pairs left out of a cluster, for the worst cluster.

    ``P(i, j) = w_ij / w0_i P(i missed and j unused)``, and the last factor is at most the smaller of
    the two: taken from the pruned sum, a bound to first order. used (m,) is scratch.
    """
    for p in range(len(w)):
        used[det[p]] = 0.0
    for p in range(len(w)):
        used[det[p]] += beta[p]
    total, worst = np.zeros(clusters), 0.0
    for i in range(n):
        for p in range(start[i], start[i + 1]):
            if not alive[p]:
                both = min(miss[i], max(1.0 - used[det[p]], 0.0))
                total[home[i]] += w[p] / w0[i] * both
    for c in range(clusters):
        worst = max(worst, total[c])
    return worst


@jit
def _drop_pruned(start: I64, alive: NDArray[np.bool_], order: I64, beta: F64) -> None:
    for i in order:
        for p in range(start[i], start[i + 1]):
            if not alive[p]:
                beta[p] = 0.0


@jit
def _believe(start: I64, order: I64, belief: F64, belief_miss: F64, beta: F64, miss: F64) -> None:
    for i in order:
        miss[i] = belief_miss[i]
        for p in range(start[i], start[i + 1]):
            beta[p] = belief[p]
