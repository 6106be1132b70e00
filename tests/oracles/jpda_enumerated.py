"""Joint association by listing every event: the slow, obvious twin of ``fusion.kernels.association``."""

from __future__ import annotations

import itertools

import numpy as np


def marginals(weight: np.ndarray, missed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return beta (n, m) and miss (n,) from weights (n, m), zero outside the gate, and miss weights (n,)."""
    n, m = weight.shape
    beta, miss, total = np.zeros((n, m)), np.zeros(n), 0.0
    for event in itertools.product(range(-1, m), repeat=n):
        taken = [j for j in event if j >= 0]
        if len(set(taken)) < len(taken):
            continue
        p = 1.0
        for i, j in enumerate(event):
            p *= missed[i] if j < 0 else weight[i, j]
        total += p
        for i, j in enumerate(event):
            if j < 0:
                miss[i] += p
            else:
                beta[i, j] += p
    return beta / total, miss / total
