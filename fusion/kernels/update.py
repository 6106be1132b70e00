"""Update of IMM tracks with association probabilities: exact mixture over hypotheses, moment matched per model."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fusion.kernels import jit, jit_lane
from fusion.kernels.gating import innovation
from fusion.kernels.matrix import cholesky, joseph, solve_columns
from fusion.kernels.motion import PLAIN, width
from messages.frames import F64

I64 = NDArray[np.int64]
NEGLIGIBLE = 1e-6  # a hypothesis lighter than this moves no state by a millionth of its innovation
MODEL_FLOOR = 1e-6  # no model's probability falls below: it must be able to come back within a few scans


@jit
def update_tracks(
    x: F64,
    P: F64,
    mu: F64,
    n: int,
    h: F64,
    H: F64,
    PHt: F64,
    S: F64,
    R: F64,
    z: F64,
    var: F64,
    used: I64,
    start: I64,
    det: I64,
    like: F64,
    beta: F64,
    miss: F64,
) -> int:
    """Update the first n tracks in place; return how many were left alone because a number was not finite.

    The probability of (detection j, model m) is ``beta_ij mu_m L_ijm / sum_m mu_m L_ijm``; a missed
    detection says nothing about the model. Every hypothesis is updated in Joseph form with its own
    missing components, then each model's hypotheses are merged by their moments.
    """
    models = mu.shape[1]
    joint = np.empty((models, max(len(det), 1) + 1))
    size = x.shape[2]
    new_x, new_P, new_mu = np.zeros((models, size)), np.zeros((models, size, size)), np.empty(models)
    k = len(used)
    y, which, moves = np.empty(k), np.empty(k, np.int64), np.empty((max(len(det), 1) + 1, size))
    small, wide, square, row = np.empty((3, k, k)), np.empty((3, k, size)), np.empty((size, size)), np.empty(size)
    failed = 0
    for i in range(n):
        first, count = start[i], start[i + 1] - start[i]
        if count == 0:
            continue
        joint_probabilities(mu[i], like[first : first + count], beta[first : first + count], miss[i], joint, new_mu)
        fine = True
        for m in range(models):
            rows = det[first : first + count]
            fine &= _mix_hypotheses(
                x[i, m], P[i, m], h[i, m], H[i, m], PHt[i, m], S[i, m], R[i, m], z, var, used,
                rows, joint[m], new_mu[m], y, which, small, wide, square, row, moves, new_x[m], new_P[m],
            )  # fmt: skip
        if fine and _finite(new_x, new_P):
            _store(new_x, new_P, new_mu, x[i], P[i], mu[i])
        else:
            failed += 1
    return failed


@jit
def _mix_hypotheses(
    x: F64, P: F64, h: F64, H: F64, PHt: F64, S: F64, R: F64, z: F64, var: F64, used: I64,
    rows: I64, joint: F64, total: float, y: F64, which: I64, small: F64, wide: F64, square: F64, row: F64,
    moves: F64, new_x: F64, new_P: F64,
) -> bool:  # fmt: skip
    """Write one model's mean and covariance over its hypotheses; return False where an S is not positive definite.

    ``joint`` (count + 1,): probabilities of the detections ``rows`` and, last, of none; they sum to ``total``.
    Detections with the same components and variances, nearly all of a scan, share one gain.
    With n states: small (3, k, k), wide (3, k, n), square (n, n), row (n,) and moves (count + 1, n) are scratch.
    The spread is summed about the mean: a certain jump of 100 km would otherwise leave the rounding of its square in P.
    """
    count, size = len(rows), width(P)
    gain, mean = wide[1], moves[count]
    for a in range(size):
        mean[a] = 0.0
    _add_scaled(P, joint[count] / total, size, new_P, 0.0)
    last = -1
    for p in range(count):
        part, move = joint[p] / total, moves[p]
        if part < NEGLIGIBLE:
            _add_scaled(P, part, size, new_P, 1.0)
            continue
        j = rows[p]
        c = innovation(z[j], h, used, y, which)
        if last < 0 or not alike(z, var, last, j):
            if not gain_of(size, PHt, S, R, var[j], which, c, small, wide):
                return False
            spread_of(P, size, H, which, c, small, wide, row, square)
            last = j
        for a in range(size):
            move[a] = 0.0
            for b in range(c):
                move[a] += gain[b, a] * y[b]
            mean[a] += part * move[a]
        _add_scaled(square, part, size, new_P, 1.0)
    stayed = joint[count] / total
    for p in range(count):
        part, move = joint[p] / total, moves[p]
        if part < NEGLIGIBLE:
            stayed += part
            continue
        for a in range(size):
            for b in range(size):
                new_P[a, b] += part * (move[a] - mean[a]) * (move[b] - mean[b])
    for a in range(size):
        new_x[a] = x[a] + mean[a]
        for b in range(size):
            new_P[a, b] += stayed * mean[a] * mean[b]
    return True


@jit
def alike(z: F64, var: F64, i: int, j: int) -> bool:
    """Say whether two detections measure the same components with the same variances."""
    for a in range(z.shape[1]):
        if np.isnan(z[i, a]) != np.isnan(z[j, a]) or (var[i, a] != var[j, a] and not np.isnan(z[i, a])):
            return False
    return True


@jit
def gain_of(n: int, PHt: F64, S: F64, R: F64, var: F64, which: I64, c: int, small: F64, wide: F64) -> bool:
    """Write the gain (c, n) of n states to wide[1], for c measured components ``which`` of variances var.

    Leaves S of these, their noise and the factor of S in small (3, k, k), ``H P`` in wide[0]. Returns False where S is
    not positive definite.
    """
    sub, noise, low = small[0], small[1], small[2]
    for a in range(c):
        for b in range(c):
            sub[a, b] = S[which[a], which[b]]
            noise[a, b] = R[which[a], which[b]]
        sub[a, a] += var[which[a]]
        noise[a, a] += var[which[a]]
        for b in range(n):
            wide[0, a, b] = PHt[b, which[a]]
    if not cholesky(sub, c, low):
        return False
    solve_columns(low, c, wide[0], n, wide[1])
    return True


@jit
def spread_of(P: F64, n: int, H: F64, which: I64, c: int, small: F64, wide: F64, row: F64, out: F64) -> None:
    """Write the covariance (n, n) after the update, in Joseph form, with what ``gain_of`` left in small and wide."""
    for a in range(c):
        for b in range(n):
            wide[2, a, b] = H[which[a], b]
    joseph(P, wide[0], wide[1], wide[2], small[1], n, c, row, out)


@jit
def joint_probabilities(mu: F64, like: F64, beta: F64, miss: float, joint: F64, new_mu: F64) -> None:
    """Write P(hypothesis, model); the last column of the count is the missed one; new_mu is the sum over hypotheses."""
    models, count = len(mu), len(beta)
    for m in range(models):
        joint[m, count] = miss * mu[m]
    for p in range(count):
        total = 0.0
        for m in range(models):
            total += mu[m] * like[p, m]
        for m in range(models):
            joint[m, p] = beta[p] * (mu[m] * like[p, m] / total if total > 0.0 else mu[m])
    for m in range(models):
        new_mu[m] = 1e-300
        for p in range(count + 1):
            new_mu[m] += joint[m, p]


@jit
def _add_scaled(a: F64, s: float, n: int, out: F64, keep: float) -> None:
    """Write ``out = keep out + s a`` of n rows and columns (keep is 0 to start, whatever was there, else 1)."""
    if n == PLAIN:
        _add_scaled_lane(a, s, 6, out, keep)
    else:
        _add_scaled_lane(a, s, n, out, keep)


@jit_lane
def _add_scaled_lane(a: F64, s: float, n: int, out: F64, keep: float) -> None:
    for i in range(n):
        for j in range(n):
            out[i, j] = s * a[i, j] + (out[i, j] if keep > 0.0 else 0.0)


@jit
def _finite(x: F64, P: F64) -> bool:
    for m in range(x.shape[0]):
        for a in range(x.shape[1]):
            if not np.isfinite(x[m, a]) or not (P[m, a, a] > 0.0 or (a >= PLAIN and P[m, a, a] == 0.0)):
                return False
            for b in range(x.shape[1]):
                if not np.isfinite(P[m, a, b]):
                    return False
    return True


@jit
def _store(new_x: F64, new_P: F64, new_mu: F64, x: F64, P: F64, mu: F64) -> None:
    """Copy the result into the table, symmetric, with the floor under the model probabilities."""
    total = 0.0
    for m in range(len(mu)):
        mu[m] = max(new_mu[m], MODEL_FLOOR)
        total += mu[m]
        for a in range(x.shape[1]):
            x[m, a] = new_x[m, a]
            for b in range(x.shape[1]):
                P[m, a, b] = 0.5 * (new_P[m, a, b] + new_P[m, b, a])
    for m in range(len(mu)):
        mu[m] /= total
