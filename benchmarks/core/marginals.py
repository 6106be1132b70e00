"""Exact marginal association probabilities of one fully connected cluster: ours and pyehm's EHM2, time and agreement.

The likelihood matrix is (n, n + 1): column 0 is the weight of a missed track, the others those of its pairs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fusion.kernels import association
from messages.frames import F64

SIZES = (8, 10, 12, 15)
ROOM = np.empty(1 << 20)  # numbers: the forward vectors of a cluster of 15 fit
MATRICES = {8: 20, 10: 10, 12: 3, 15: 1}  # as many as pyehm's time allows: 7 s for one of size 15
Marginals = Callable[[F64], F64]


def random_weights(n: int, rng: np.random.Generator) -> F64:
    """Return positive weights: every track may have made every detection."""
    return rng.uniform(0.1, 1.0, (n, n + 1))


def ours(weights: F64) -> F64:
    """Return the marginals (n, n + 1) by our kernel: the one place that knows its signature."""
    n = len(weights)
    w, w0 = np.ascontiguousarray(weights[:, 1:]).ravel(), np.ascontiguousarray(weights[:, 0])
    start, det = np.arange(n + 1, dtype=np.int64) * n, np.tile(np.arange(n, dtype=np.int64), n)
    beta, miss = np.empty(n * n), np.empty(n)
    association.marginals(w, w0, start, det, n, n, np.inf, ROOM, beta, miss)
    return np.concatenate([miss[:, None], beta.reshape(n, n)], axis=1)


def compare(rng: np.random.Generator, theirs: Marginals | None, sizes: Sequence[int] = SIZES) -> list[dict[str, Any]]:
    """Return a row a size: median milliseconds of each, the ratio, and the largest difference of a probability."""
    ours(random_weights(2, rng))
    out = []
    for n in sizes:
        matrices = [random_weights(n, rng) for _ in range(MATRICES.get(n, 1))]
        mine, mine_ms = _timed(ours, matrices, repeats=5)
        row: dict[str, Any] = {"n": n, "matrices": len(matrices), "vedette_ms": mine_ms}
        if theirs is not None:
            other, other_ms = _timed(theirs, matrices, repeats=1)
            row |= {"pyehm_ms": other_ms, "ratio": other_ms / mine_ms}
            row["largest_difference"] = max(float(np.abs(a - b).max()) for a, b in zip(mine, other, strict=True))
        out.append(row)
    return out


def _timed(run: Marginals, matrices: Sequence[F64], repeats: int) -> tuple[list[F64], float]:
    """Return the results and the median time of one call [ms]."""
    took, results = [], []
    for weights in matrices:
        for _ in range(repeats):
            start = time.perf_counter_ns()
            result = run(weights)
            took.append((time.perf_counter_ns() - start) / 1e6)
        results.append(result)
    return results, float(np.median(took))
