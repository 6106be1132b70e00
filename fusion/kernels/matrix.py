"""Small-matrix helpers with explicit loops: shapes are at most 9 x 9, so BLAS calls would cost more than they save."""

from __future__ import annotations

import numpy as np

from fusion.kernels import jit
from messages.frames import F64


@jit
def cholesky(a: F64, n: int, low: F64) -> bool:
    """Factor the leading (n, n) block, ``a = low low^T``; return False where it is not positive definite."""
    for i in range(n):
        for j in range(i + 1):
            s = a[i, j]
            for k in range(j):
                s -= low[i, k] * low[j, k]
            if i == j:
                if not s > 0.0:  # catches NaN too
                    return False
                low[i, i] = np.sqrt(s)
            else:
                low[i, j] = s / low[j, j]
    return True


@jit
def whiten(low: F64, n: int, y: F64, w: F64) -> float:
    """Solve ``low w = y`` and return ``w . w``, the squared Mahalanobis distance of y."""
    d2 = 0.0
    for i in range(n):
        s = y[i]
        for k in range(i):
            s -= low[i, k] * w[k]
        w[i] = s / low[i, i]
        d2 += w[i] * w[i]
    return d2


@jit
def log_det(low: F64, n: int) -> float:
    """Return ``log det(low low^T)``."""
    s = 0.0
    for i in range(n):
        s += np.log(low[i, i])
    return float(2.0 * s)


@jit
def solve_rows(low: F64, n: int, b: F64, rows: int, x: F64) -> None:
    """Solve ``x (low low^T) = b`` for x of shape (rows, n): the Kalman gain from ``b = P H^T``."""
    for r in range(rows):
        for i in range(n):
            s = b[r, i]
            for k in range(i):
                s -= low[i, k] * x[r, k]
            x[r, i] = s / low[i, i]
        for i in range(n - 1, -1, -1):
            s = x[r, i]
            for k in range(i + 1, n):
                s -= low[k, i] * x[r, k]
            x[r, i] = s / low[i, i]


@jit
def joseph(P: F64, K: F64, H: F64, R: F64, n: int, k: int, A: F64, T: F64, out: F64) -> None:
    """Write ``(I - K H) P (I - K H)^T + K R K^T`` for n states, k components; A (n, n), T (n, max(n, 8)): scratch."""
    for i in range(n):
        for j in range(n):
            s = 1.0 if i == j else 0.0
            for c in range(k):
                s -= K[i, c] * H[c, j]
            A[i, j] = s
    for i in range(n):
        for j in range(n):
            s = 0.0
            for c in range(n):
                s += A[i, c] * P[c, j]
            T[i, j] = s
    for i in range(n):
        for j in range(i, n):
            s = 0.0
            for c in range(n):
                s += T[i, c] * A[j, c]
            out[i, j] = s
    for i in range(n):
        for c in range(k):
            s = 0.0
            for d in range(k):
                s += K[i, d] * R[d, c]
            T[i, c] = s
    for i in range(n):
        for j in range(i, n):
            s = out[i, j]
            for c in range(k):
                s += T[i, c] * K[j, c]
            out[i, j] = s
            out[j, i] = s


@jit
def normal_cdf(x: float) -> float:
    """Return the standard normal distribution function by the complementary error function."""
    if np.isnan(x):
        return 1.0  # an absent limit does not limit
    return 0.5 * _erfc(-x * 0.7071067811865476)


@jit
def _erfc(x: float) -> float:
    """Complementary error function, Abramowitz and Stegun 7.1.26 (absolute error below 1.5e-7)."""
    z = abs(x)
    t = 1.0 / (1.0 + 0.3275911 * z)
    poly = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    value = poly * np.exp(-z * z)
    return float(value if x >= 0.0 else 2.0 - value)
