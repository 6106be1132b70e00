"""Registration: what the tracks say of constant errors of platforms and sensors, each detection counted once.

A *bias* is what is stated minus what is true. Every well supported track has a filter of its own here
that is fed as if no sensor had a bias, together with the sensitivity V of its state to all biases b:
the true state is ``x + V b`` plus an error of covariance P that knows nothing of b. Its innovation is

``y = T b + e``, ``T = H V + C``, ``C = dh/db``, ``e ~ N(0, S)`` white, ``S = H P H^T + R``,

so ``T^T S^-1 T`` adds up to the information on b that the joint least-squares solution over all
trajectories has (Friedland 1969, separate-bias estimation). Nothing of a common error of a track is
counted twice, and a track that one platform sees alone adds nothing: its V takes the bias up whole.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fusion.kernels import jit
from fusion.kernels.boresight import N_LOCAL, bias_jacobian
from fusion.kernels.gating import innovation
from fusion.kernels.linearising import model_noise
from fusion.kernels.matrix import cholesky, joseph, solve_columns, whiten
from fusion.kernels.measurement import measure
from fusion.kernels.motion import predict_one
from messages.frames import F64

I64 = NDArray[np.int64]

USED, OUTSIDE, FAILED = 1, 0, -1
MAX_OUTSIDE = 5  # innovations outside the gate in a row: the filter follows something else than the track


@jit
def move(x: F64, P: F64, V: F64, q: float, dt: float) -> None:
    """Predict a filter x (6,), P (6, 6), V (6, B) by dt [s] with intensity q [m^2/s^3] in place."""
    predict_one(x, P, q, dt)
    for a in range(3):
        for c in range(V.shape[1]):
            V[a, c] += dt * V[3 + a, c]


@jit
def look(
    x: F64, P: F64, V: F64, b: F64, g: F64, columns: I64, turns: F64, own_mps: F64, used: I64,
    h: F64, H: F64, R: F64, T: F64,
) -> I64:  # fmt: skip
    """Write what a sensor should measure of a filter's target: h (k,), H (k, 6), R (k, k) without the detection's own
    noise, and T (k, B), the sensitivity of the innovation to the biases; return the columns of T that are not zero.

    b (B,) is the estimate that g is corrected with, ``columns`` (N_LOCAL,) the places of the sensor's biases in b,
    -1 where it has none.
    """
    size, k = len(b), len(used)
    h8, H8, d, D = np.empty(8), np.empty((8, 6)), np.empty(3), np.empty((3, 6))
    shift, C = np.empty((3, 3)), np.empty((8, N_LOCAL))
    best, active = x.copy(), np.zeros(size, np.bool_)
    for c in range(size):
        for a in range(6):
            best[a] += V[a, c] * b[c]
            active[c] |= V[a, c] != 0.0
    tau = measure(best, g, h8, H8, d, D)
    model_noise(P, g, H8, d, tau, 0.0, 0.0, used, shift, R)
    bias_jacobian(best, g, H8, d, turns, own_mps, C)
    for i in range(k):
        h[i], H[i] = h8[used[i]], H8[used[i]]
        for c in range(size):
            T[i, c] = 0.0
            if active[c]:
                for a in range(6):
                    T[i, c] += H[i, a] * V[a, c]
        for j in range(N_LOCAL):
            if columns[j] >= 0:
                T[i, columns[j]] += C[used[i], j]
    for j in range(N_LOCAL):
        if columns[j] >= 0:
            active[columns[j]] = True
    return np.flatnonzero(active)


@jit
def absorb(
    x: F64, P: F64, V: F64, b: F64, reach: F64, g: F64, columns: I64, turns: F64, own_mps: F64,
    z: F64, var: F64, used: I64, gate_d2: F64, info: F64, eta: F64,
) -> int:  # fmt: skip
    """Update a track's filter x (6,), P (6, 6), V (6, B) with a detection z, var (k,); return USED, OUTSIDE or FAILED.

    ``reach`` (B, B) is the covariance of the biases that the gate allows for. Adds to info (B, B), eta (B,).
    """
    size, k = len(b), len(used)
    h, H_all, R_all, T_all = np.empty(k), np.empty((k, 6)), np.empty((k, k)), np.empty((k, size))
    places = look(x, P, V, b, g, columns, turns, own_mps, used, h, H_all, R_all, T_all)
    y, which = np.empty(k), np.empty(k, np.int64)
    count = innovation(z, h, used, y, which)
    H, R, T = np.empty((k, 6)), np.empty((k, k)), np.empty((k, size))
    for i in range(count):
        H[i], T[i] = H_all[which[i]], T_all[which[i]]
        for j in range(count):
            R[i, j] = R_all[which[i], which[j]]
        R[i, i] += var[which[i]]
    return _filter(x, P, V, b, reach, y, H, R, T, count, places, gate_d2[count], info, eta)


@jit
def _filter(
    x: F64, P: F64, V: F64, b: F64, reach: F64, y: F64, H: F64, R: F64, T: F64, n: int,
    places: I64, limit: float, info: F64, eta: F64,
) -> int:  # fmt: skip
    """Gate with the reach of the biases, add the innovation's information on b, and update x, P, V."""
    if n == 0:
        return OUTSIDE
    HP, S, wide = np.empty((n, 6)), np.empty((n, n)), np.empty((n, n))
    for i in range(n):
        for a in range(6):
            HP[i, a] = 0.0
            for c in range(6):
                HP[i, a] += H[i, c] * P[c, a]
    for i in range(n):
        for j in range(n):
            S[i, j] = R[i, j]
            for c in range(6):
                S[i, j] += HP[i, c] * H[j, c]
    spread(reach, T, n, places, S, wide)
    low, w = np.zeros((n, n)), np.empty(n)
    if not cholesky(wide, n, low):
        return FAILED
    if not whiten(low, n, y, w) < limit:
        return OUTSIDE
    if not cholesky(S, n, low):
        return FAILED
    add_information(low, n, y, T, b, places, info, eta)
    gain, row, new = np.empty((n, 6)), np.empty(6), np.empty((6, 6))
    solve_columns(low, n, HP, 6, gain)
    joseph(P, HP, gain, H, R, 6, n, row, new)
    for a in range(6):
        for c in range(6):
            P[a, c] = 0.5 * (new[a, c] + new[c, a])
    for i in range(n):
        whole = y[i]
        for c in places:
            whole += T[i, c] * b[c]
        for a in range(6):
            x[a] += gain[i, a] * whole
            for c in places:
                V[a, c] -= gain[i, a] * T[i, c]
    return USED


@jit
def spread(reach: F64, T: F64, n: int, places: I64, S: F64, out: F64) -> None:
    """Write ``S + T reach T^T`` (n, n) over the columns that are not zero."""
    for i in range(n):
        for j in range(n):
            out[i, j] = S[i, j]
    row = np.empty(len(places))
    for i in range(n):
        for q in range(len(places)):
            row[q] = 0.0
            for p in places:
                row[q] += T[i, p] * reach[p, places[q]]
        for j in range(n):
            for q in range(len(places)):
                out[i, j] += row[q] * T[j, places[q]]


@jit
def add_information(low: F64, n: int, y: F64, T: F64, b: F64, places: I64, info: F64, eta: F64) -> None:
    """Add ``T^T S^-1 T`` to info (B, B) and ``T^T S^-1 (y + T b)`` to eta (B,); ``S = low low^T``."""
    W, column, solved = np.empty((n, len(places))), np.empty(n), np.empty(n)
    whole = y[:n].copy()
    for q in range(len(places)):
        for i in range(n):
            column[i] = T[i, places[q]]
            whole[i] += column[i] * b[places[q]]
        whiten(low, n, column, solved)
        W[:, q] = solved
    whiten(low, n, whole, solved)
    for q in range(len(places)):
        for i in range(n):
            eta[places[q]] += W[i, q] * solved[i]
        for p in range(len(places)):
            for i in range(n):
                info[places[q], places[p]] += W[i, q] * W[i, p]


@jit
def learn(
    pair_id: I64, pair_x: F64, pair_q: F64, pair_det: I64, t_ns: int, start_var: F64, g: F64, columns: I64,
    turns: F64, own_mps: F64, z: F64, var: F64, used: I64, gate_d2: F64, b: F64, reach: F64,
    ids: I64, times_ns: I64, outside: I64, x: F64, P: F64, V: F64, info: F64, eta: F64,
) -> int:  # fmt: skip
    """Feed the filters of this scan's clear pairs (their track's id, predicted state, intensity q); return how many.

    The filters: ids (N,) of their tracks, 0 where free, times (N,), innovations outside the gate in a row (N,),
    x (N, 6), P (N, 6, 6), V (N, 6, B). A new one starts at the track's place with ``start_var`` (6,): so wide
    that the place, which already knows of the biases, says nothing.
    """
    done = 0
    for p in range(len(pair_id)):
        slot, free = -1, -1
        for i in range(len(ids)):
            if ids[i] == pair_id[p]:
                slot = i
            elif ids[i] == 0 and free < 0:
                free = i
        if slot < 0:
            if free < 0:
                continue
            slot = free
            ids[slot], times_ns[slot], outside[slot] = pair_id[p], t_ns, 0
            x[slot], V[slot], P[slot] = pair_x[p], 0.0, 0.0
            for a in range(6):
                P[slot, a, a] = start_var[a]
        dt = (t_ns - times_ns[slot]) / 1e9
        move(x[slot], P[slot], V[slot], pair_q[p], dt)
        times_ns[slot] = t_ns
        j = pair_det[p]
        result = absorb(
            x[slot], P[slot], V[slot], b, reach, g, columns, turns, own_mps, z[j], var[j], used, gate_d2, info, eta
        )
        done += 1 if result == USED else 0
        outside[slot] = 0 if result == USED else outside[slot] + 1
        if outside[slot] >= MAX_OUTSIDE or result == FAILED:
            ids[slot] = 0
    return done
