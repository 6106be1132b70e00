"""Fusion of two estimates of one target: covariance intersection, and information without what is known already."""

from __future__ import annotations

import numpy as np

from fusion.kernels import jit
from fusion.kernels.matrix import cholesky, solve_rows, whiten
from messages.frames import F64

STEPS = 60  # bisections of [0, 1]: below the resolution of a double
SEMIDEFINITE = 1e-9  # of the sender's information: what rounding may take from a tracklet that says nothing
TIE = 1e-12  # of the number of states: estimates whose trade is flatter than this are equal, and weigh the same


@jit
def invert(P: F64, out: F64) -> bool:
    """Write the inverse of a symmetric positive definite matrix (n, n); return False where it is not."""
    n = P.shape[0]
    low, unit = np.zeros((n, n)), np.zeros((n, n))
    for i in range(n):
        unit[i, i] = 1.0
    if not cholesky(P, n, low):
        return False
    solve_rows(low, n, unit, n, out)
    for i in range(n):
        for j in range(i):
            out[i, j] = 0.5 * (out[i, j] + out[j, i])
            out[j, i] = out[i, j]
    return True


@jit
def _slope(A: F64, B: F64, omega: float, low: F64, scratch: F64, sum_: F64) -> float:
    """Return ``d log det(omega A + (1 - omega) B) / d omega = tr(M^-1 (A - B))``; NaN where M has no factor."""
    n = A.shape[0]
    for i in range(n):
        for j in range(n):
            sum_[i, j] = omega * A[i, j] + (1.0 - omega) * B[i, j]
    if not cholesky(sum_, n, low):
        return np.nan
    for i in range(n):
        for j in range(n):
            sum_[i, j] = A[i, j] - B[i, j]
    solve_rows(low, n, sum_, n, scratch)
    trace = 0.0
    for i in range(n):
        trace += scratch[i, i]
    return trace


@jit
def best_weight(A: F64, B: F64) -> float:
    """Return the omega in [0, 1] that maximises ``det(omega A + (1 - omega) B)`` for informations A, B (n, n).

    The logarithm of the determinant is concave in omega, so that its slope falls and has one zero at most:
    bisection finds it to the last bit. Equal estimates weigh the same. NaN where a matrix has no factor.
    """
    n = A.shape[0]
    low, scratch, sum_ = np.zeros((n, n)), np.empty((n, n)), np.empty((n, n))
    first, last = _slope(A, B, 0.0, low, scratch, sum_), _slope(A, B, 1.0, low, scratch, sum_)
    if np.isnan(first) or np.isnan(last):
        return np.nan
    if abs(first) < n * TIE and abs(last) < n * TIE:
        return 0.5
    if first <= 0.0:
        return 0.0
    if last >= 0.0:
        return 1.0
    below, above = 0.0, 1.0
    for _ in range(STEPS):
        omega = 0.5 * (below + above)
        if _slope(A, B, omega, low, scratch, sum_) > 0.0:
            below = omega
        else:
            above = omega
    return 0.5 * (below + above)


@jit
def intersect(xa: F64, Pa: F64, xb: F64, Pb: F64, x: F64, P: F64) -> float:
    """Write the covariance intersection of two estimates and return the weight of the first; NaN and nothing written
    where a covariance is not positive definite.

    ``P^-1 = omega Pa^-1 + (1 - omega) Pb^-1``, ``P^-1 x`` alike: consistent whatever the correlation of the two
    errors (Julier and Uhlmann 1997), omega for the smallest determinant of P.
    """
    n = len(xa)
    A, B, M = np.empty((n, n)), np.empty((n, n)), np.empty((n, n))
    if not invert(Pa, A) or not invert(Pb, B):
        return np.nan
    omega = best_weight(A, B)
    for i in range(n):
        for j in range(n):
            M[i, j] = omega * A[i, j] + (1.0 - omega) * B[i, j]
    if np.isnan(omega) or not invert(M, A):
        return np.nan
    # x = xa + (1 - omega) P Pb^-1 (xb - xa): no large positions cancel
    P[:, :] = A
    for i in range(n):
        x[i] = xa[i]
        for j in range(n):
            for k in range(n):
                x[i] += (1.0 - omega) * A[i, j] * B[j, k] * (xb[k] - xa[k])
    return omega


@jit
def add_news(x: F64, P: F64, new_x: F64, new_P: F64, old_x: F64, old_P: F64) -> bool:
    """Add to an estimate x (n,), P (n, n) in place what a sender learnt since it last spoke; return whether it could.

    ``P'^-1 = P^-1 + new_P^-1 - old_P^-1`` and the information vectors alike: ``old`` is what the sender said last,
    predicted to the time of ``new`` (tracklet by inverse covariances, Drummond 1997). Exact where nothing drives the
    target between two reports, or where a report follows each measurement. False, and nothing changes, where the
    sender knows less than it did (its target manoeuvred): there covariance intersection has to do.
    """
    n = len(x)
    mine, now, before = np.empty((n, n)), np.empty((n, n)), np.empty((n, n))
    if not invert(P, mine) or not invert(new_P, now) or not invert(old_P, before):
        return False
    news, low, out = np.empty((n, n)), np.zeros((n, n)), np.empty((n, n))
    for i in range(n):
        for j in range(n):
            news[i, j] = now[i, j] - before[i, j]
        news[i, i] += SEMIDEFINITE * now[i, i]
    if not cholesky(news, n, low):
        return False
    for i in range(n):
        news[i, i] -= SEMIDEFINITE * now[i, i]
        for j in range(n):
            mine[i, j] += news[i, j]
    if not invert(mine, out):
        return False
    # information vector of the news about x: (now - before)(new_x - x) + before (new_x - old_x)
    shift = np.zeros(n)
    for i in range(n):
        for j in range(n):
            shift[i] += news[i, j] * (new_x[j] - x[j]) + before[i, j] * (new_x[j] - old_x[j])
    for i in range(n):
        for j in range(n):
            x[i] += out[i, j] * shift[j]
            P[i, j] = out[i, j]
    return True


@jit
def distances(xa: F64, Pa: F64, xb: F64, Pb: F64, out: F64) -> None:
    """Write ``(xa - xb)^T (Pa + Pb)^-1 (xa - xb)`` for a (n, 6) and b (m, 6) into out (n, m); infinite where singular.

    A common part of the two errors makes the difference smaller than this sum says, never larger.
    """
    n, m, k = xa.shape[0], xb.shape[0], xa.shape[1]
    total, low, y, w = np.empty((k, k)), np.zeros((k, k)), np.empty(k), np.empty(k)
    for i in range(n):
        for j in range(m):
            for a in range(k):
                y[a] = xa[i, a] - xb[j, a]
                for b in range(k):
                    total[a, b] = Pa[i, a, b] + Pb[j, a, b]
            out[i, j] = whiten(low, k, y, w) if cholesky(total, k, low) else np.inf
