"""Exact joint association probabilities by track elimination, and loopy belief propagation beyond its reach.

Weights: pair (i, j) has ``w = r Pd L / lambda``, a missed track ``w0 = 1 - r Pd`` (JIPDA: existence r
inside the association, Musicki and Evans 2004). Pairs come sorted by track: the pairs of track i
are ``start[i] .. start[i + 1]``. At most one detection a track and one track a detection.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fusion.kernels import jit
from messages.frames import F64

I64 = NDArray[np.int64]


@jit
def label_clusters(start: I64, det: I64, n: int, m: int, label: I64) -> int:
    """Write each track's cluster (n,), a connected component of the gate graph, or -1; return their number."""
    parent = np.arange(n)
    owner = np.full(m, -1)
    for i in range(n):
        for p in range(start[i], start[i + 1]):
            j = det[p]
            if owner[j] < 0:
                owner[j] = i
            a, b = _root(parent, owner[j]), _root(parent, i)
            parent[max(a, b)] = min(a, b)
    clusters = 0
    for i in range(n):
        if start[i] == start[i + 1]:
            label[i] = -1
        elif _root(parent, i) == i:
            label[i] = clusters
            clusters += 1
        else:
            label[i] = label[_root(parent, i)]
    return clusters


@jit
def _root(parent: I64, i: int) -> int:
    while parent[i] != i:
        i = parent[i]
    return i


@jit
def marginals(
    w: F64, w0: F64, start: I64, det: I64, n: int, m: int, max_frontier: int, beta: F64, miss: F64
) -> tuple[int, int, int]:
    """Write beta (pairs,) and miss (n,); return clusters, the widest frontier, clusters that fell back to loopy BP."""
    label = np.empty(n, np.int64)
    clusters = label_clusters(start, det, n, m, label)
    order, shared = np.empty(n, np.int64), np.empty(m, np.int64)
    slot, last = np.empty(m, np.int64), np.empty(m, np.int64)
    widest, fallbacks = 0, 0
    for i in range(n):
        miss[i] = 1.0
    for c in range(clusters):
        count = 0
        for i in range(n):
            if label[i] == c:
                order[count] = i
                count += 1
        _count_uses(start, det, order[:count], shared)
        frontier = _eliminate(start, det, order[:count], shared, slot, last)
        widest = max(widest, frontier)
        if frontier <= max_frontier:
            _exact(w, w0, start, det, order[:count], shared, slot, last, frontier, beta, miss)
        else:
            _loopy(w, w0, start, det, order[:count], m, beta, miss)
            fallbacks += 1
    return clusters, widest, fallbacks


@jit
def _count_uses(start: I64, det: I64, tracks: I64, shared: I64) -> None:
    """Write for each detection of the cluster how many of its tracks gate it."""
    for i in tracks:
        for p in range(start[i], start[i + 1]):
            shared[det[p]] = 0
    for i in tracks:
        for p in range(start[i], start[i + 1]):
            shared[det[p]] += 1


@jit
def _eliminate(start: I64, det: I64, order: I64, shared: I64, slot: I64, last: I64) -> int:
    """Order the tracks so that few shared detections are open at a time; give each a bit; return the bits needed.

    Greedy: next comes the track that leaves the fewest detections open. A bit is free again after
    the last track that gates its detection.
    """
    count = len(order)
    left = np.empty(len(shared), np.int64)
    for i in order:
        for p in range(start[i], start[i + 1]):
            left[det[p]] = shared[det[p]]
            slot[det[p]] = -1
    busy = np.zeros(len(shared) + 1, np.bool_)
    bits = 0
    for t in range(count):
        best, best_cost = t, 1 << 30
        for u in range(t, count):
            cost = 0
            for p in range(start[order[u]], start[order[u] + 1]):
                j = det[p]
                if shared[j] > 1:
                    cost += (1 if slot[j] < 0 else 0) - (1 if left[j] == 1 else 0)
            if cost < best_cost:
                best, best_cost = u, cost
        order[t], order[best] = order[best], order[t]
        i = order[t]
        for p in range(start[i], start[i + 1]):
            j = det[p]
            if shared[j] > 1 and slot[j] < 0:
                s = 0
                while busy[s]:
                    s += 1
                busy[s] = True
                slot[j] = s
                bits = max(bits, s + 1)
        for p in range(start[i], start[i + 1]):
            j = det[p]
            left[j] -= 1
            last[j] = t
            if shared[j] > 1 and left[j] == 0:
                busy[slot[j]] = False
    return bits


@jit
def _exact(
    w: F64,
    w0: F64,
    start: I64,
    det: I64,
    order: I64,
    shared: I64,
    slot: I64,
    last: I64,
    bits: int,
    beta: F64,
    miss: F64,
) -> None:
    """Sum over all joint events by a forward and a backward pass over masks of used, still open detections."""
    count, size = len(order), 1 << bits
    ahead, back = np.zeros((count + 1, size)), np.zeros((count + 1, size))
    ahead[0, 0] = 1.0
    for t in range(count):
        _forward(w, w0, start, det, order[t], t, shared, slot, last, ahead[t], ahead[t + 1])
        _normalise(ahead[t + 1])
    back[count, 0] = 1.0
    for t in range(count - 1, -1, -1):
        i = order[t]
        closing = _closing(start, det, i, t, shared, slot, last)
        total = 0.0
        miss[i] = 0.0
        for p in range(start[i], start[i + 1]):
            beta[p] = 0.0
        for mask in range(size):
            b0 = w0[i] * back[t + 1, mask & ~closing]
            miss[i] += ahead[t, mask] * b0
            value = b0
            for p in range(start[i], start[i + 1]):
                j = det[p]
                used = mask
                if shared[j] > 1:
                    if mask >> slot[j] & 1:
                        continue
                    used = mask | (1 << slot[j])
                bp = w[p] * back[t + 1, used & ~closing]
                beta[p] += ahead[t, mask] * bp
                value += bp
            back[t, mask] = value
        _normalise(back[t])
        total = miss[i]
        for p in range(start[i], start[i + 1]):
            total += beta[p]
        miss[i] /= total
        for p in range(start[i], start[i + 1]):
            beta[p] /= total


@jit
def _closing(start: I64, det: I64, i: int, t: int, shared: I64, slot: I64, last: I64) -> int:
    """Return the bits of the detections that no later track gates."""
    closing = 0
    for p in range(start[i], start[i + 1]):
        j = det[p]
        if shared[j] > 1 and last[j] == t:
            closing |= 1 << slot[j]
    return closing


@jit
def _forward(
    w: F64, w0: F64, start: I64, det: I64, i: int, t: int, shared: I64, slot: I64, last: I64, now: F64, after: F64
) -> None:
    """Carry the weight of each mask over track i into the next step's masks."""
    closing = _closing(start, det, i, t, shared, slot, last)
    for mask in range(len(now)):
        if now[mask] == 0.0:
            continue
        after[mask & ~closing] += now[mask] * w0[i]
        for p in range(start[i], start[i + 1]):
            j = det[p]
            if shared[j] == 1:
                after[mask & ~closing] += now[mask] * w[p]
            elif not (mask >> slot[j] & 1):
                after[(mask | (1 << slot[j])) & ~closing] += now[mask] * w[p]


@jit
def _normalise(values: F64) -> None:
    total = 0.0
    for v in values:
        total += v
    if total > 0.0:
        for a in range(len(values)):
            values[a] /= total


@jit
def _loopy(w: F64, w0: F64, start: I64, det: I64, tracks: I64, m: int, beta: F64, miss: F64) -> None:
    """Approximate the marginals by belief propagation (Williams and Lau 2014), 200 sweeps at most.

    The sweeps contract; 1e-10 of change is far below what an update could notice.
    """
    claim = np.zeros(m)
    for i in tracks:
        for p in range(start[i], start[i + 1]):
            beta[p] = 1.0  # here: the message from detection to track
    for _ in range(200):
        change = 0.0
        for i in tracks:
            for p in range(start[i], start[i + 1]):
                claim[det[p]] = 0.0
        for i in tracks:
            total = w0[i]
            for p in range(start[i], start[i + 1]):
                total += w[p] * beta[p]
            for p in range(start[i], start[i + 1]):
                claim[det[p]] += w[p] / max(total - w[p] * beta[p], 1e-300)
        for i in tracks:
            total = w0[i]
            for p in range(start[i], start[i + 1]):
                total += w[p] * beta[p]
            miss[i] = total
        for i in tracks:
            for p in range(start[i], start[i + 1]):
                own = w[p] / max(miss[i] - w[p] * beta[p], 1e-300)
                fresh = 1.0 / (1.0 + max(claim[det[p]] - own, 0.0))
                change = max(change, abs(fresh - beta[p]))
                beta[p] = fresh
        if change < 1e-10:
            break
    for i in tracks:
        total = w0[i]
        for p in range(start[i], start[i + 1]):
            beta[p] *= w[p]
            total += beta[p]
        for p in range(start[i], start[i + 1]):
            beta[p] /= total
        miss[i] = w0[i] / total
