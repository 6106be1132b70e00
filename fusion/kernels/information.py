"""Gaussian information: a likelihood of constant parameters kept apart from their prior.

Loops run along rows and add multiples of them, so that they compile to vector instructions: with 150 parameters
a solution takes a few milliseconds.
"""

from __future__ import annotations

import numpy as np

from fusion.kernels import jit
from messages.frames import F64


@jit
def _unit_factor(info: F64, sigma: F64, low: F64) -> bool:
    """Write the lower factor of ``I + diag(sigma) info diag(sigma)`` (n, n); return False where it has none.

    Scaled to unit priors, so that radians and metres condition alike.
    """
    n = len(sigma)
    for i in range(n):
        for j in range(n):
            low[i, j] = sigma[i] * info[i, j] * sigma[j]
        low[i, i] += 1.0
    for k in range(n):
        if not low[k, k] > 0.0:  # catches NaN too
            return False
        root = np.sqrt(low[k, k])
        for j in range(k, n):
            low[k, j] /= root  # row k of the upper factor
        for i in range(k + 1, n):
            part = low[k, i]
            for j in range(i, n):
                low[i, j] -= part * low[k, j]
    for i in range(n):
        for j in range(i):
            low[i, j] = low[j, i]
    for i in range(n):
        for j in range(i + 1, n):
            low[i, j] = 0.0
    return True


@jit
def _solve_lower(low: F64, rows: F64) -> None:
    """Replace rows (n, m) by ``low^-1 rows``."""
    n, m = rows.shape
    for i in range(n):
        for k in range(i):
            part = low[i, k]
            if part != 0.0:
                for j in range(m):
                    rows[i, j] -= part * rows[k, j]
        for j in range(m):
            rows[i, j] /= low[i, i]


@jit
def _add_squares(rows: F64, sign: float, out: F64) -> None:
    """Add ``sign rows^T rows`` to out (m, m), symmetric to the bit."""
    n, m = rows.shape
    for k in range(n):
        for i in range(m):
            part = sign * rows[k, i]
            if part != 0.0:
                for j in range(i, m):
                    out[i, j] += part * rows[k, j]
    for i in range(m):
        for j in range(i):
            out[i, j] = out[j, i]


@jit
def posterior(info: F64, eta: F64, prior_var: F64, mean: F64, P: F64) -> bool:
    """Write mean (B,) and P (B, B) of ``N(0, prior_var)`` times the likelihood ``exp(eta b - b info b / 2)``.

    ``P = (info + diag(1 / prior_var))^-1``, ``mean = P eta``. Returns False, and writes nothing, where the sum is
    not positive definite.
    """
    n = len(eta)
    sigma, low, inverse = np.sqrt(prior_var), np.empty((n, n)), np.zeros((n, n))
    if not _unit_factor(info, sigma, low):
        return False
    for i in range(n):
        inverse[i, i] = 1.0
    _solve_lower(low, inverse)
    P[:, :] = 0.0
    _add_squares(inverse, 1.0, P)
    for i in range(n):
        mean[i] = 0.0
        for j in range(n):
            P[i, j] *= sigma[i] * sigma[j]
            mean[i] += P[i, j] * eta[j]
    return True


@jit
def walk(info: F64, eta: F64, step_var: F64) -> bool:
    """Let the parameters walk at random by variances ``step_var`` (B,), in place: ``info' = (info^-1 + Q)^-1``.

    Written for a singular info, ``info - info (info + Q^-1)^-1 info``, and eta with it; scaled by Q, so that a
    step of zero changes nothing. Returns False, and changes nothing, where a factor fails.
    """
    n = len(eta)
    sigma, low, W = np.sqrt(step_var), np.empty((n, n)), np.empty((n, n + 1))
    if not _unit_factor(info, sigma, low):
        return False
    for i in range(n):
        for j in range(n):
            W[i, j] = sigma[i] * info[i, j]
        W[i, n] = sigma[i] * eta[i]
    _solve_lower(low, W)
    for k in range(n):
        for i in range(n):
            eta[i] -= W[k, i] * W[k, n]
    _add_squares(np.ascontiguousarray(W[:, :n]), -1.0, info)
    return True
