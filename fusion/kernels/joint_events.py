"""The exact sum over joint events of one cluster: tracks are eliminated one by one, the open detections are a mask.

A detection is *open* from the first track that gates it to the last; only open detections that several tracks
share need a bit. The sum over all joint events (Bar-Shalom, Willett and Tian 2011, section 6.2) is then a forward and a
backward pass over vectors indexed by the mask of used, still open detections: cost grows with the
number of open detections, not with the size of the cluster. Loops run over contiguous blocks of masks.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fusion.kernels import jit, jit_sum
from messages.frames import F64

I64 = NDArray[np.int64]
SHORT_RUNS = 3  # bits below this one make runs shorter than a block of lanes
MOST_BITS = 50  # no vector of this size fits anywhere, and the plan stops before its masks overflow
LANES = 1 << SHORT_RUNS
"""Vectors are whole blocks of so many masks, with a block of zeros beside them: eight doubles fill two registers."""


@jit
def plan(
    start: I64, det: I64, alive: NDArray[np.bool_], order: I64, shared: I64, left: I64, slot: I64,
    first: I64, pair: I64, bit: I64, bits: I64, closing: I64,
) -> int:  # fmt: skip
    """Choose the order of the tracks and give each shared detection a bit; return the bits needed.

    Greedy: next comes the track that leaves the fewest detections open; a bit is free again after
    the last track that gates its detection. ``order`` (count,) is permuted. Writes for step t the
    pairs ``pair[first[t] .. first[t + 1]]`` with their bit, or -1 for a detection of this track alone;
    ``bits[t]``, the bits of the vectors of this step, and ``closing[t]``, the mask of bits freed after it.
    shared, left, slot (m,) are scratch.
    """
    count = len(order)
    for i in order:
        for p in range(start[i], start[i + 1]):
            shared[det[p]] = 0
    for i in order:
        for p in range(start[i], start[i + 1]):
            if alive[p]:
                shared[det[p]] += 1
                left[det[p]] = shared[det[p]]
                slot[det[p]] = -1
    busy, widest = 0, 0
    first[0] = 0
    for t in range(count):
        _bring_forward(start, det, alive, order, t, shared, left, slot)
        i = order[t]
        q = first[t]
        for p in range(start[i], start[i + 1]):
            if not alive[p]:
                continue
            j = det[p]
            if shared[j] > 1 and slot[j] < 0:
                s = 0
                while busy >> s & 1:
                    s += 1
                busy |= 1 << s
                slot[j] = s
                widest = max(widest, s + 1)
                if widest > MOST_BITS:
                    return widest
            pair[q] = p
            bit[q] = slot[j]
            q += 1
        first[t + 1] = q
        high = SHORT_RUNS
        while busy >> high:
            high += 1
        bits[t] = high
        closing[t] = 0
        for a in range(first[t], q):
            j = det[pair[a]]
            left[j] -= 1
            if left[j] == 0 and bit[a] >= 0:
                closing[t] |= 1 << bit[a]
        busy &= ~closing[t]
    return widest


@jit
def _bring_forward(
    start: I64, det: I64, alive: NDArray[np.bool_], order: I64, t: int, shared: I64, left: I64, slot: I64
) -> None:
    """Swap the track that opens the fewest detections, less those that it closes, to place t of the order."""
    best, best_cost = t, 1 << 30
    for u in range(t, len(order)):
        cost = 0
        for p in range(start[order[u]], start[order[u] + 1]):
            j = det[p]
            if alive[p] and shared[j] > 1:
                cost += (1 if slot[j] < 0 else 0) - (1 if left[j] == 1 else 0)
        if cost < best_cost:
            best, best_cost = u, cost
    order[t], order[best] = order[best], order[t]


@jit
def cost(first: I64, bits: I64, count: int, widest: int) -> tuple[float, float]:
    """Return the cells that the forward vectors take and the multiplications of both passes, as floats."""
    if widest > MOST_BITS:
        return np.inf, np.inf
    cells, work = 2.0 * LANES + 2.0 ** bits[count - 1], 0.0
    for t in range(count):
        size = 2.0 ** bits[t]
        cells += size + LANES
        work += size * (first[t + 1] - first[t] + 2)
    return cells, 2.0 * work


@jit
def sum_events(
    w: F64, w0: F64, order: I64, first: I64, pair: I64, bit: I64, bits: I64, closing: I64, widest: int,
    ahead: F64, beta: F64, miss: F64,
) -> None:  # fmt: skip
    """Write beta (pairs,) and miss (n,) of one planned cluster; ``ahead`` has room for ``cost`` cells.

    w (pairs,) and w0 (n,) are the weights of a pair and of a missed track.
    """
    count = len(order)
    largest = 1 << max(widest, SHORT_RUNS)
    work, back = np.zeros(largest), np.zeros(largest + LANES)
    offset = np.empty(count + 1, np.int64)
    offset[0] = LANES
    _clear(ahead[: LANES + (1 << bits[0])])
    ahead[LANES] = 1.0
    for t in range(count):
        size, after = 1 << bits[t], 1 << bits[min(t + 1, count - 1)]
        _forward(w, w0[order[t]], first[t], first[t + 1], pair, bit, ahead, offset[t], work[:size])
        _fold(work[:size], closing[t])
        offset[t + 1] = offset[t] + size + LANES
        _hand_over(
            work[:size], ahead[offset[t + 1] - LANES : offset[t + 1]], ahead[offset[t + 1] : offset[t + 1] + after]
        )
    back[0] = 1.0
    valid = LANES
    for t in range(count - 1, -1, -1):
        size = 1 << bits[t]
        _clear(back[min(valid, size) : size + LANES])
        _unfold(back[:size], closing[t])
        now = ahead[offset[t] : offset[t] + size]
        i = order[t]
        seen = _dot(now, back[:size])
        miss[i] = w0[i] * seen
        total = miss[i]
        _clear(work[:size])
        alone = w0[i]
        for q in range(first[t], first[t + 1]):
            p = pair[q]
            if bit[q] < 0:
                beta[p] = w[p] * seen
                alone += w[p]
            elif bit[q] < SHORT_RUNS:
                beta[p] = w[p] * _pull_short(now, back, work[:size], w[p], 1 << bit[q])
            else:
                beta[p] = w[p] * _pull(now, back[:size], work[:size], w[p], 1 << bit[q])
            total += beta[p]
        miss[i] /= total
        for q in range(first[t], first[t + 1]):
            beta[pair[q]] /= total
        _merge(work[:size], back[:size], alone)
        valid = size


@jit
def _forward(w: F64, w0: float, low: int, high: int, pair: I64, bit: I64, ahead: F64, offset: int, after: F64) -> None:
    """Carry the weight of each mask over one track: missed, seen alone, or using one more bit."""
    alone = w0
    for q in range(low, high):
        if bit[q] < 0:
            alone += w[pair[q]]
    now = ahead[offset : offset + len(after)]
    for a in range(len(now)):
        after[a] = alone * now[a]
    for q in range(low, high):
        if bit[q] < 0:
            continue
        run = 1 << bit[q]
        if bit[q] < SHORT_RUNS:
            _spread_short(ahead[offset - run : offset - run + len(after)], after, w[pair[q]], run)
        else:
            _spread(now, after, w[pair[q]], run)


@jit
def _spread(now: F64, after: F64, weight: float, run: int) -> None:
    """Add ``weight now[mask]`` to ``after[mask | bit]`` for masks without the bit, in runs of ``run`` masks."""
    for base in range(0, len(now), 2 * run):
        source, sink = now[base : base + run], after[base + run : base + 2 * run]
        for a in range(run):
            sink[a] += weight * source[a]


@jit
def _spread_short(shifted: F64, after: F64, weight: float, run: int) -> None:
    """Do the same for runs shorter than a block of lanes; ``shifted[mask | bit]`` is now[mask]."""
    pattern = np.empty(LANES)
    for k in range(LANES):
        pattern[k] = weight if k & run else 0.0
    source, sink = shifted.reshape(-1, LANES), after.reshape(-1, LANES)
    for b in range(len(sink)):
        for k in range(LANES):
            sink[b, k] += pattern[k] * source[b, k]


@jit
def _fold(values: F64, closing: int) -> None:
    """Add the masks that differ in freed bits only."""
    run = 1
    while run <= closing:
        if closing & run:
            for base in range(0, len(values), 2 * run):
                low, high = values[base : base + run], values[base + run : base + 2 * run]
                for a in range(run):
                    low[a] += high[a]
                    high[a] = 0.0
        run *= 2


@jit
def _unfold(values: F64, closing: int) -> None:
    """Give the masks that differ in freed bits only the same value."""
    run = 1
    while run <= closing:
        if closing & run:
            for base in range(0, len(values), 2 * run):
                low, high = values[base : base + run], values[base + run : base + 2 * run]
                for a in range(run):
                    high[a] = low[a]
        run *= 2


@jit_sum
def _pull(now: F64, back: F64, out: F64, weight: float, run: int) -> float:
    """Add ``weight back[mask | bit]`` to out[mask], and return the sum of ``now[mask] back[mask | bit]``."""
    total = 0.0
    for base in range(0, len(now), 2 * run):
        ahead, source, sink = now[base : base + run], back[base + run : base + 2 * run], out[base : base + run]
        for a in range(run):
            sink[a] += weight * source[a]
            total += ahead[a] * source[a]
    return total


@jit_sum
def _pull_short(now: F64, back: F64, out: F64, weight: float, run: int) -> float:
    """Do the same for runs shorter than a block of lanes; back has a block of zeros at its end."""
    pattern, sums = np.empty(LANES), np.zeros(LANES)
    for k in range(LANES):
        pattern[k] = 0.0 if k & run else 1.0
    ahead, sink = now.reshape(-1, LANES), out.reshape(-1, LANES)
    source = back[run : run + len(now)].reshape(-1, LANES)
    for b in range(len(ahead)):
        for k in range(LANES):
            value = pattern[k] * source[b, k]
            sink[b, k] += weight * value
            sums[k] += ahead[b, k] * value
    return _sum(sums)


@jit_sum
def _dot(a: F64, b: F64) -> float:
    total = 0.0
    for k in range(len(a)):
        total += a[k] * b[k]
    return total


@jit_sum
def _sum(values: F64) -> float:
    total = 0.0
    for k in range(len(values)):
        total += values[k]
    return total


@jit
def _clear(values: F64) -> None:
    for a in range(len(values)):
        values[a] = 0.0


@jit
def _hand_over(after: F64, margin: F64, ahead: F64) -> None:
    """Copy the vector to the next step's place, scaled to a sum of one; its new bits are unused yet."""
    _clear(margin)
    total = _sum(after)
    scale = 1.0 / total if total > 0.0 else 1.0
    both = min(len(after), len(ahead))
    for a in range(both):
        ahead[a] = after[a] * scale
    for a in range(both, len(ahead)):
        ahead[a] = 0.0


@jit
def _merge(pulled: F64, back: F64, alone: float) -> None:
    """Replace back by ``alone back + pulled``, scaled to a sum of one."""
    for a in range(len(back)):
        back[a] = alone * back[a] + pulled[a]
    total = _sum(back)
    scale = 1.0 / total if total > 0.0 else 1.0
    for a in range(len(back)):
        back[a] *= scale
