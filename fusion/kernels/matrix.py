"""Small-matrix helpers with explicit loops: shapes are at most 9 x 9, so BLAS calls would cost more than they save."""

from __future__ import annotations

import numpy as np

from fusion.kernels import jit, jit_lane
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
def solve_columns(low: F64, n: int, b: F64, columns: int, x: F64) -> None:
    """Solve ``(low low^T) x = b`` for x of shape (n, columns): the transposed Kalman gain from ``b = H P``."""
    if columns == 6:
        _solve_columns(low, n, b, 6, x)
    elif columns == 9:
        _solve_columns(low, n, b, 9, x)
    else:
        _solve_columns(low, n, b, columns, x)


@jit_lane
def _solve_columns(low: F64, n: int, b: F64, columns: int, x: F64) -> None:
    for i in range(n):
        for j in range(columns):
            x[i, j] = b[i, j]
        for k in range(i):
            for j in range(columns):
                x[i, j] -= low[i, k] * x[k, j]
        for j in range(columns):
            x[i, j] /= low[i, i]
    for i in range(n - 1, -1, -1):
        for k in range(i + 1, n):
            for j in range(columns):
                x[i, j] -= low[k, i] * x[k, j]
        for j in range(columns):
            x[i, j] /= low[i, i]


@jit
def joseph(P: F64, HP: F64, Kt: F64, H: F64, R: F64, n: int, k: int, row: F64, out: F64) -> None:
    """Write ``(I - K H) P (I - K H)^T + K R K^T`` (n, n) for a gain Kt (k, n), with HP (k, n); row (n,): scratch.

    With ``T = (I - K H) P = P - K HP`` this is ``T + (K R - T H^T) K^T``, row by row. Sizes that the compiler knows
    are unrolled: half of the time.
    """
    if n == 6:
        _joseph(P, HP, Kt, H, R, 6, k, row, out)
    elif n == 9:
        _joseph(P, HP, Kt, H, R, 9, k, row, out)
    else:
        _joseph(P, HP, Kt, H, R, n, k, row, out)


@jit_lane
def _joseph(P: F64, HP: F64, Kt: F64, H: F64, R: F64, n: int, k: int, row: F64, out: F64) -> None:
    for i in range(n):
        for j in range(n):
            row[j] = P[i, j]
        for c in range(k):
            for j in range(n):
                row[j] -= Kt[c, i] * HP[c, j]
        for j in range(n):
            out[i, j] = row[j]
        for c in range(k):
            s = 0.0
            for d in range(k):
                s += Kt[d, i] * R[d, c]
            for j in range(n):
                s -= row[j] * H[c, j]
            for j in range(n):
                out[i, j] += s * Kt[c, j]


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
