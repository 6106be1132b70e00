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
from fusion.kernels.gating import innovation
from fusion.kernels.matrix import cholesky, joseph, solve_rows, whiten
from fusion.kernels.measurement import (
    AZIMUTH,
    EAST,
    ELEVATION,
    RANGE,
    SMALL_M,
    TDOA,
    UP,
    measure,
    model_noise,
)
from fusion.kernels.motion import predict_one
from messages.frames import F64

I64 = NDArray[np.int64]

# What can be wrong with one sensor: 6 biases of its platform, 5 of its own.
YAW, PITCH, ROLL = 0, 1, 2  # attitude of the platform [rad]
PLACE = 3  # its position, east, north, up [m], 3 numbers
ALIGN = 6  # yaw, pitch, roll of the sensor on the platform [rad], 3 numbers
RANGE_OFFSET = 9  # [m]
CLOCK = 10  # stamp minus true time of validity [s]
N_LOCAL = 11

USED, OUTSIDE, FAILED = 1, 0, -1
MAX_OUTSIDE = 5  # innovations outside the gate in a row: the filter follows something else than the track


@jit
def turn_axes(enu_from_platform: F64, enu_from_sensor: F64, out: F64) -> None:
    """Write the ENU axes (6, 3) about which errors of yaw, pitch, roll of platform and mount turn the axes.

    Yaw is clockwise about up, pitch about the right-hand axis after yaw, roll about forward (``messages.frames``).
    """
    p, s = enu_from_platform, enu_from_sensor
    right = np.sqrt(p[0, 0] ** 2 + p[1, 0] ** 2)
    out[0, 0], out[0, 1], out[0, 2] = 0.0, 0.0, -1.0
    out[1, 0], out[1, 1], out[1, 2] = p[1, 0] / right, -p[0, 0] / right, 0.0
    for a in range(3):
        b, c = (a + 1) % 3, (a + 2) % 3
        out[2, a] = p[a, 0]
        out[3, a] = -p[a, 2]
        out[4, a] = s[b, 0] * p[c, 2] - s[c, 0] * p[b, 2]
        out[5, a] = s[a, 0]
    length = max(np.sqrt(out[4, 0] ** 2 + out[4, 1] ** 2 + out[4, 2] ** 2), 1e-9)
    for a in range(3):
        out[4, a] /= length


@jit
def turned_axes(turns: F64, local: F64, axes: F64, out: F64) -> None:
    """Write the axes (3, 3) of the angles as they truly are: ``A exp([theta]x)``, theta = sum of angle x axis.

    ``axes`` are the stated ones; ``local`` (N_LOCAL,) the biases; the exponential is Rodrigues' formula.
    """
    t = np.zeros(3)
    for j in range(3):
        for a in range(3):
            t[a] += local[YAW + j] * turns[j, a] + local[ALIGN + j] * turns[3 + j, a]
    angle = np.sqrt(t[0] * t[0] + t[1] * t[1] + t[2] * t[2])
    first = np.sin(angle) / angle if angle > 1e-9 else 1.0
    second = (1.0 - np.cos(angle)) / (angle * angle) if angle > 1e-9 else 0.5
    for a in range(3):
        # row x [theta]x = row x theta (cross product), twice
        u0 = axes[a, 1] * t[2] - axes[a, 2] * t[1]
        u1 = axes[a, 2] * t[0] - axes[a, 0] * t[2]
        u2 = axes[a, 0] * t[1] - axes[a, 1] * t[0]
        w0, w1, w2 = u1 * t[2] - u2 * t[1], u2 * t[0] - u0 * t[2], u0 * t[1] - u1 * t[0]
        out[a, 0] = axes[a, 0] + first * u0 + second * w0
        out[a, 1] = axes[a, 1] + first * u1 + second * w1
        out[a, 2] = axes[a, 2] + first * u2 + second * w2


@jit
def bias_jacobian(x: F64, g: F64, H: F64, d: F64, turns: F64, own_mps: F64, C: F64) -> None:
    """Write ``C = dh/db`` (8, N_LOCAL) at state x; H (8, 6), d (3,) as ``measure`` left them.

    Turns change angles only; a stated place that is too far east makes the offset too short; a late stamp
    shows the target where it was, relative to where the platform was (``own_mps``). TDOA stays out.
    """
    f0 = g[6] * d[0] + g[7] * d[1] + g[8] * d[2]
    f1 = g[9] * d[0] + g[10] * d[1] + g[11] * d[2]
    f2 = g[12] * d[0] + g[13] * d[1] + g[14] * d[2]
    r2 = max(d[0] * d[0] + d[1] * d[1] + d[2] * d[2], SMALL_M * SMALL_M)
    rho2 = max(f0 * f0 + f1 * f1, SMALL_M * SMALL_M)
    rho = np.sqrt(rho2)
    C[:, :] = 0.0
    for j in range(6):
        t = turns[j]
        m0, m1, m2 = t[1] * d[2] - t[2] * d[1], t[2] * d[0] - t[0] * d[2], t[0] * d[1] - t[1] * d[0]
        q0 = g[6] * m0 + g[7] * m1 + g[8] * m2
        q1 = g[9] * m0 + g[10] * m1 + g[11] * m2
        q2 = g[12] * m0 + g[13] * m1 + g[14] * m2
        column = YAW + j if j < 3 else ALIGN + j - 3
        C[AZIMUTH, column] = (f1 * q0 - f0 * q1) / rho2
        C[ELEVATION, column] = (rho * q2 - f2 * (f0 * q0 + f1 * q1) / rho) / r2
    for c in range(TDOA):
        claimed = EAST <= c <= UP
        for a in range(3):
            C[c, PLACE + a] = 0.0 if claimed else H[c, a]
            C[c, CLOCK] -= H[c, a] * (x[3 + a] - (0.0 if claimed else own_mps[a]))
    C[RANGE, RANGE_OFFSET] = 1.0


@jit
def absorb(
    x: F64, P: F64, V: F64, b: F64, reach: F64, g: F64, columns: I64, turns: F64, own_mps: F64,
    z: F64, var: F64, used: I64, gate_d2: F64, info: F64, eta: F64,
) -> int:  # fmt: skip
    """Update a track's filter x (6,), P (6, 6), V (6, B) with a detection z, var (k,); return USED, OUTSIDE or FAILED.

    b (B,) is the estimate that g is corrected with, ``reach`` (B, B) the covariance that the gate allows for,
    ``columns`` (N_LOCAL,) the places of the sensor's biases in b, -1 where it has none. Adds to info (B, B), eta (B,).
    """
    size, k = len(b), len(used)
    h8, H8, d, D = np.empty(8), np.empty((8, 6)), np.empty(3), np.empty((3, 6))
    R8, shift, C = np.empty((8, 8)), np.empty((3, 3)), np.empty((8, N_LOCAL))
    best = x.copy()
    active = np.zeros(size, np.bool_)
    for c in range(size):
        for a in range(6):
            best[a] += V[a, c] * b[c]
            active[c] |= V[a, c] != 0.0
    tau = measure(best, g, h8, H8, d, D)
    model_noise(P, g, H8, d, tau, 0.0, 0.0, shift, R8)
    bias_jacobian(best, g, H8, d, turns, own_mps, C)
    y, which = np.empty(k), np.empty(k, np.int64)
    count = innovation(z, h8[used], used, y, which)
    H, R, T = np.empty((k, 6)), np.empty((k, k)), np.zeros((k, size))
    for i in range(count):
        H[i] = H8[used[which[i]]]
        for j in range(count):
            R[i, j] = R8[used[which[i]], used[which[j]]]
        R[i, i] += var[which[i]]
        for c in range(size):
            if active[c]:
                for a in range(6):
                    T[i, c] += H[i, a] * V[a, c]
        for j in range(N_LOCAL):
            if columns[j] >= 0:
                T[i, columns[j]] += C[used[which[i]], j]
    for j in range(N_LOCAL):
        if columns[j] >= 0:
            active[columns[j]] = True
    places = np.flatnonzero(active)
    return _filter(x, P, V, b, reach, y, H, R, T, count, places, gate_d2[count], info, eta)


@jit
def _filter(
    x: F64, P: F64, V: F64, b: F64, reach: F64, y: F64, H: F64, R: F64, T: F64, n: int,
    places: I64, limit: float, info: F64, eta: F64,
) -> int:  # fmt: skip
    """Gate with the reach of the biases, add the innovation's information on b, and update x, P, V."""
    if n == 0:
        return OUTSIDE
    PHt, S, wide = np.empty((6, n)), np.empty((n, n)), np.empty((n, n))
    for i in range(n):
        for a in range(6):
            PHt[a, i] = 0.0
            for c in range(6):
                PHt[a, i] += P[a, c] * H[i, c]
    for i in range(n):
        for j in range(n):
            S[i, j] = R[i, j]
            for c in range(6):
                S[i, j] += H[i, c] * PHt[c, j]
    _spread(reach, T, n, places, S, wide)
    low, w = np.zeros((n, n)), np.empty(n)
    if not cholesky(wide, n, low):
        return FAILED
    if not whiten(low, n, y, w) < limit:
        return OUTSIDE
    if not cholesky(S, n, low):
        return FAILED
    add_information(low, n, y, T, b, places, info, eta)
    gain, A, scratch, new = np.empty((6, n)), np.empty((6, 6)), np.empty((6, 8)), np.empty((6, 6))
    solve_rows(low, n, PHt, 6, gain)
    joseph(P, gain, H, R, n, A, scratch, new)
    P[:, :] = new
    for i in range(n):
        whole = y[i]
        for c in places:
            whole += T[i, c] * b[c]
        for a in range(6):
            x[a] += gain[a, i] * whole
            for c in places:
                V[a, c] -= gain[a, i] * T[i, c]
    return USED


@jit
def _spread(reach: F64, T: F64, n: int, places: I64, S: F64, out: F64) -> None:
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
        predict_one(x[slot], P[slot], pair_q[p], dt)
        for a in range(3):
            for c in range(len(b)):
                V[slot, a, c] += dt * V[slot, 3 + a, c]
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
