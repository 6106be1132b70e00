"""Errors of a platform's pose, considered: what they share with each track, exactly, instead of louder noise.

A heading error is the same in all looks of a platform. A Schmidt-Kalman filter (Schmidt 1966; Bar-Shalom, Li and
Kirubarajan 2001, section 5.5 on bias) does not estimate it here, that is the registration's work, but knows its
covariance ``Sigma`` and carries ``C = E[(x - x^) b^T]`` with each state: precise bearings then give the velocity that
they are worth, and the place keeps the error that no number of looks takes away.

The innovation is ``y = H (x - x^) + T b + noise``. Given the state, b has the mean ``C^T P^-1 (x - x^)``, so that
``H' = H + T C^T P^-1`` and ``R' = R + T (Sigma - C^T P^-1 C) T^T`` make a plain measurement of the same innovation,
``P H'^T = P H^T + C T^T``: every kernel of the update takes them as they are.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fusion.kernels import jit
from fusion.kernels.bundles import Rules
from fusion.kernels.gating import innovation
from fusion.kernels.matrix import cholesky, solve_columns, solve_rows
from fusion.kernels.measurement import (
    AZIMUTH,
    EAST,
    ELEVATION,
    G_POSITION,
    G_POSITION_VAR,
    G_TILT_VAR,
    G_YAW_VAR,
    UP,
)
from fusion.kernels.motion import STEPS, shift, steps, transition, width
from fusion.kernels.update import NEGLIGIBLE, alike, joint_probabilities
from messages.frames import F64

I64 = NDArray[np.int64]
N_BLOCK = 6  # errors of one platform: turns about east, north and up [rad], place east, north, up [m]


@jit
def variances(g: F64, out: F64) -> None:
    """Write the variances (N_BLOCK,) of a platform's errors, of stated minus true."""
    for a in range(3):
        out[a] = g[G_YAW_VAR] if a == 2 else g[G_TILT_VAR]
        out[3 + a] = g[G_POSITION_VAR]


@jit
def know(C: F64, n: int, first: int, known: F64, g: F64) -> None:
    """Take over a platform's variances: ``known`` (B,) and what n tracks share with them, C (n, M, states, B).

    Errors that have become better known are a smaller part of what tracks share with them; a variance that grows
    adds what no track shares yet. Either way the covariance of state and errors stays positive.
    """
    now = np.empty(N_BLOCK)
    variances(g, now)
    for j in range(N_BLOCK):
        b = first + j
        if now[j] < known[b]:
            for i in range(n):
                for m in range(C.shape[1]):
                    for a in range(C.shape[2]):
                        C[i, m, a, b] *= now[j] / known[b]
        known[b] = now[j]


@jit
def predict(C: F64, mu: F64, n: int, rules: Rules, dt: float, keep: float) -> None:
    """Mix and move C (n, M, states, B) by dt [s] before ``motion.predict_tracks`` changes mu; ``keep``: errors walk."""
    models, states, size = C.shape[1:]
    jump, mixed, step = np.empty((models, models)), np.empty((models, states, size)), np.empty((models, STEPS))
    transition(rules.stationary, rules.sojourn_s, dt, jump)
    steps(rules.q, rules.tau_s, dt, step)
    for i in range(n):
        for j in range(models):
            total = 0.0
            for m in range(models):
                total += jump[m, j] * mu[i, m]
            mixed[j] = 0.0
            for m in range(models):
                w = keep * jump[m, j] * mu[i, m] / total
                for a in range(states):
                    for b in range(size):
                        mixed[j, a, b] += w * C[i, m, a, b]
        for m in range(models):
            for b in range(size):
                shift(mixed[m, :, b], step[m], dt)
            C[i, m] = mixed[m]


@jit
def sensitivity(x: F64, g: F64, H: F64, used: I64, T: F64) -> None:
    """Write T (k, N_BLOCK): how the innovation moves with the errors; turns change angles, places what they show."""
    d0, d1, d2 = x[0] - g[G_POSITION], x[1] - g[G_POSITION + 1], x[2] - g[G_POSITION + 2]
    for a in range(len(used)):
        angle, own = used[a] == AZIMUTH or used[a] == ELEVATION, EAST <= used[a] <= UP
        T[a, 0] = H[a, 2] * d1 - H[a, 1] * d2 if angle else 0.0
        T[a, 1] = H[a, 0] * d2 - H[a, 2] * d0 if angle else 0.0
        T[a, 2] = H[a, 1] * d0 - H[a, 0] * d1 if angle else 0.0
        for b in range(3):
            T[a, 3 + b] = 0.0 if own else H[a, b]


@jit
def look(
    C: F64, x: F64, P: F64, n: int, g: F64, used: I64, first: int, H: F64, PHt: F64, S: F64, R: F64, Y: F64
) -> None:
    """Let linearised looks of a platform (its errors from column ``first`` on; -1: none) know what they share.

    H, PHt, S, R as ``linearising.linearise`` left them, without noise for the platform's errors, are changed in place;
    Y (n, M, k, B) becomes ``E[y b^T]``, for ``learn``.
    """
    models, states, size = C.shape[1:]
    k = len(used)
    var, T, N, solved = np.empty(N_BLOCK), np.empty((k, N_BLOCK)), np.empty((states, k)), np.empty((k, states))
    low, rows = np.zeros((states, states)), np.empty((k, states))
    variances(g, var)
    for i in range(n):
        for m in range(models):
            c, Hm, Ym = C[i, m], H[i, m], Y[i, m]
            for a in range(k):
                for b in range(size):
                    s = 0.0
                    for e in range(states):
                        s += Hm[a, e] * c[e, b]
                    Ym[a, b] = s
            if first < 0:
                continue
            sensitivity(x[i, m], g, Hm, used, T)
            _share(c, P[i, m], width(P[i, m]), first, T, N, rows, low, solved)
            for a in range(k):
                for b in range(N_BLOCK):
                    Ym[a, first + b] += T[a, b] * var[b]
            for a in range(k):
                for b in range(k):
                    own, crossed, known = 0.0, 0.0, 0.0
                    for j in range(N_BLOCK):
                        own += T[a, j] * var[j] * T[b, j]
                    for e in range(states):
                        crossed += Hm[a, e] * N[e, b] + N[e, a] * Hm[b, e]
                        known += N[e, a] * solved[b, e]
                    S[i, m, a, b] += own + crossed
                    R[i, m, a, b] += own - known
            for a in range(k):
                for e in range(states):
                    Hm[a, e] += solved[a, e]
                    PHt[i, m, e, a] += N[e, a]


@jit
def _share(c: F64, P: F64, n: int, first: int, T: F64, N: F64, rows: F64, low: F64, solved: F64) -> None:
    """Write ``N = C T^T`` (states, k) and ``solved = N^T P^-1`` (k, states) of the first n states, which are known.

    Nothing where P has no factor.
    """
    k = T.shape[0]
    N[n:] = 0.0
    solved[:, n:] = 0.0
    for a in range(k):
        for e in range(n):
            s = 0.0
            for j in range(N_BLOCK):
                s += c[e, first + j] * T[a, j]
            N[e, a] = rows[a, e] = s
    if cholesky(P, n, low):
        solve_rows(low, n, rows, k, solved)
    else:
        N[:, :] = 0.0
        solved[:, :] = 0.0


@jit
def learn(
    C: F64, mu: F64, n: int, PHt: F64, S: F64, Y: F64, z: F64, var: F64, used: I64,
    start: I64, det: I64, like: F64, beta: F64, miss: F64,
) -> None:  # fmt: skip
    """Update C (n, M, states, B) with the gains that ``update.update_tracks`` will use: ``C - K Y``, averaged."""
    models, states, size = C.shape[1:]
    k = len(used)
    most = max(len(det), 1) + 1
    joint, new_mu = np.empty((models, most)), np.empty(models)
    y, which = np.empty(k), np.empty(k, np.int64)
    sub, low = np.empty((k, k)), np.zeros((k, k))
    HP, gain, mean = np.empty((k, states)), np.empty((k, states)), np.empty((k, states))
    for i in range(n):
        begin, count = start[i], start[i + 1] - start[i]
        if count == 0:
            continue
        joint_probabilities(mu[i], like[begin : begin + count], beta[begin : begin + count], miss[i], joint, new_mu)
        for m in range(models):
            mean[:, :] = 0.0
            last, c = -1, 0
            for p in range(count):
                part, j = joint[m, p] / new_mu[m], det[begin + p]
                if part < NEGLIGIBLE:
                    continue
                if last < 0 or not alike(z, var, last, j):
                    c = innovation(z[j], z[j], used, y, which)
                    last = j
                    for a in range(c):
                        for b in range(c):
                            sub[a, b] = S[i, m, which[a], which[b]]
                        sub[a, a] += var[j, which[a]]
                        for e in range(states):
                            HP[a, e] = PHt[i, m, e, which[a]]
                    if not cholesky(sub, c, low):
                        last, c = -1, 0
                        continue
                    solve_columns(low, c, HP, states, gain)
                for a in range(c):
                    for e in range(states):
                        mean[which[a], e] += part * gain[a, e]
            for e in range(states):
                for a in range(k):
                    for b in range(size):
                        C[i, m, e, b] -= mean[a, e] * Y[i, m, a, b]
