"""Gaussian information: a likelihood of constant parameters kept apart from their prior."""

from __future__ import annotations

import numpy as np

from fusion.kernels import jit
from fusion.kernels.matrix import cholesky
from messages.frames import F64


@jit
def _invert(low: F64, n: int, out: F64) -> None:
    """Write ``(low low^T)^-1`` (n, n): columns of the inverse of the factor, then their products."""
    inverse = np.zeros((n, n))
    for j in range(n):
        inverse[j, j] = 1.0 / low[j, j]
        for i in range(j + 1, n):
            s = 0.0
            for k in range(j, i):
                s -= low[i, k] * inverse[k, j]
            inverse[i, j] = s / low[i, i]
    for i in range(n):
        for j in range(i + 1):
            s = 0.0
            for k in range(i, n):
                s += inverse[k, i] * inverse[k, j]
            out[i, j] = s
            out[j, i] = s


@jit
def posterior(info: F64, eta: F64, prior_var: F64, mean: F64, P: F64) -> bool:
    """Write mean (B,) and P (B, B) of ``N(0, prior_var)`` times the likelihood ``exp(eta b - b info b / 2)``.

    ``P = (info + diag(1 / prior_var))^-1``, ``mean = P eta``, for unit priors, so that radians and metres condition
    alike. Returns False, and writes nothing, where the sum is not positive definite.
    """
    n = len(eta)
    sigma = np.sqrt(prior_var)
    scaled, low = np.empty((n, n)), np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            scaled[i, j] = sigma[i] * info[i, j] * sigma[j] + (1.0 if i == j else 0.0)
    if not cholesky(scaled, n, low):
        return False
    _invert(low, n, scaled)
    for i in range(n):
        mean[i] = 0.0
        for j in range(n):
            P[i, j] = sigma[i] * scaled[i, j] * sigma[j]
            mean[i] += P[i, j] * eta[j]
    return True


@jit
def walk(info: F64, eta: F64, step_var: F64) -> bool:
    """Let the parameters walk at random by variances ``step_var`` (B,), in place: ``info' = (info^-1 + Q)^-1``.

    Written for a singular info, ``info - info (info + Q^-1)^-1 info``, and eta with it; scaled by Q, so that a
    step of zero changes nothing. Returns False, and changes nothing, where a factor fails.
    """
    n = len(eta)
    sigma = np.sqrt(step_var)
    scaled, low = np.empty((n, n)), np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            scaled[i, j] = sigma[i] * info[i, j] * sigma[j] + (1.0 if i == j else 0.0)
    if not cholesky(scaled, n, low):
        return False
    W, w = np.empty((n, n)), np.empty(n)  # low W = sqrt(Q) info, low w = sqrt(Q) eta
    for i in range(n):
        w[i] = sigma[i] * eta[i]
        for k in range(i):
            w[i] -= low[i, k] * w[k]
        w[i] /= low[i, i]
        for j in range(n):
            s = sigma[i] * info[i, j]
            for k in range(i):
                s -= low[i, k] * W[k, j]
            W[i, j] = s / low[i, i]
    for i in range(n):
        for k in range(n):
            eta[i] -= W[k, i] * w[k]
    for i in range(n):
        for j in range(i + 1):
            s = info[i, j]
            for k in range(n):
                s -= W[k, i] * W[k, j]
            info[i, j] = s
            info[j, i] = s
    return True
