"""Which unexplained detections each seed may have become: gated pairs, found without a linearisation for most."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fusion.kernels import jit
from fusion.kernels.gating import FAR, LOG_2PI, TWO_PI, innovation, wrap
from fusion.kernels.linearising import linearise_one
from fusion.kernels.matrix import log_det, whiten
from fusion.kernels.measurement import AZIMUTH, G_CLOCK, G_RANGE_OFFSET, G_SPEED, RANGE
from fusion.kernels.motion import predict_one
from fusion.kernels.update import gain_of, spread_of
from messages.frames import F64

I64 = NDArray[np.int64]


@jit
def pair_seeds(
    x0: F64, P0: F64, age_s: F64, q: float, max_speed_mps: float, g: F64, used: I64, z: F64, var: F64, gate_d2: F64,
    seed: I64, det: I64, like: F64, x: F64, P: F64,
) -> int:  # fmt: skip
    """List the pairs of seed and detection that may be one target, by seed.

    x0 (s, 6), P0 (s, 6, 6): states of the seeds ``age_s`` (s,) ago (NaN: no more); z, var (m, k) as in
    ``gating.pair_likelihoods``. A pair has the state x (cap, 6), P (cap, 6, 6) of the seed updated
    with the detection, and like (cap,), the density of its innovation. A pair that is faster than
    max_speed_mps is left out. Returns the number of pairs; nothing is written beyond cap.
    """
    k, cap, pairs = len(used), len(seed), 0
    h8, H8, d, D = np.empty(8), np.empty((8, 6)), np.empty(3), np.empty((3, 6))
    shift, moved = np.empty((3, 3)), np.empty(8)
    h, H, PHt, S, R = np.empty(k), np.empty((k, 6)), np.empty((6, k)), np.empty((k, k)), np.empty((k, k))
    xs, Ps, new = np.empty(6), np.empty((6, 6)), np.empty(6)
    y, w, which = np.empty(k), np.empty(k), np.empty(k, np.int64)
    small, wide, square, row = np.empty((3, k, k)), np.empty((3, k, 6)), np.empty((6, 6)), np.empty(6)
    near, around = np.empty(z.shape[0], np.int64), _sort_around(z, var, used)
    for s in range(len(x0)):
        if np.isnan(age_s[s]):
            continue
        candidates = _near(x0[s], P0[s], age_s[s], q, g, used, z, var, gate_d2[1], around, near)
        if candidates == 0:
            continue
        for a in range(6):
            xs[a] = x0[s, a]
            for b in range(6):
                Ps[a, b] = P0[s, a, b]
        predict_one(xs, Ps, q, age_s[s])
        linearise_one(xs, Ps, used, g, 1.0, 1.0, h8, H8, d, D, shift, moved, h, H, PHt, S, R)
        for e in range(candidates):
            j = near[e]
            c = innovation(z[j], h, used, y, which)
            if c == 0 or _one_is_far(y, which, c, S, var[j], gate_d2[1]):
                continue
            if not gain_of(6, PHt, S, R, var[j], which, c, small, wide):
                continue
            d2 = whiten(small[2], c, y, w)
            if not d2 < gate_d2[c]:
                continue
            speed2 = 0.0
            for a in range(6):
                new[a] = xs[a]
                for b in range(c):
                    new[a] += wide[1, b, a] * y[b]
                speed2 += new[a] * new[a] if a > 2 else 0.0
            if speed2 > max_speed_mps * max_speed_mps:
                continue
            if pairs < cap:
                spread_of(Ps, 6, H, which, c, small, wide, row, square)
                seed[pairs] = s
                det[pairs] = j
                like[pairs] = np.exp(-0.5 * (d2 + log_det(small[2], c) + c * LOG_2PI))
                for a in range(6):
                    x[pairs, a] = new[a]
                    for b in range(6):
                        P[pairs, a, b] = 0.5 * (square[a, b] + square[b, a])
            pairs += 1
    return pairs


@jit
def _sort_around(z: F64, var: F64, used: I64) -> tuple[int, int, I64, F64, int, float, float]:
    """Return where azimuth and range stand in ``used`` (-1: nowhere) and the detections sorted by azimuth.

    Order (m,), their azimuths in [-pi, pi], how many have one, and the largest variances of azimuth and range.
    """
    m, azimuth, distance = z.shape[0], -1, -1
    for a in range(len(used)):
        azimuth = a if used[a] == AZIMUTH else azimuth
        distance = a if used[a] == RANGE else distance
    value, around, away = np.full(m, np.nan), 0.0, 0.0
    if azimuth < 0:
        return azimuth, distance, np.arange(m), value, 0, around, away
    known = 0
    for j in range(m):
        value[j] = wrap(z[j, azimuth])
        if not np.isnan(value[j]):
            known += 1
            around = max(around, var[j, azimuth])
        if distance >= 0 and not np.isnan(z[j, distance]):
            away = max(away, var[j, distance])
    order = np.argsort(value)  # a missing value comes last
    return azimuth, distance, order, value[order], known, around, away


@jit
def _near(
    x: F64, P: F64, dt: float, q: float, g: F64, used: I64, z: F64, var: F64, limit: float,
    sorted_: tuple[int, int, I64, F64, int, float, float], near: I64,
) -> int:  # fmt: skip
    """Write the detections that azimuth and range alone do not rule out; return how many.

    Costs no linearisation: the position of the seed, its covariance, and two directions. A finite speed of
    propagation is left to the full test.
    """
    azimuth, distance, order, value, known, around, away = sorted_
    m = len(order)
    if azimuth < 0 or g[G_SPEED] > 0.0 or g[G_CLOCK] != 0.0:
        for j in range(m):
            near[j] = j
        return m
    d0, d1, d2 = x[0] + dt * x[3] - g[0], x[1] + dt * x[4] - g[1], x[2] + dt * x[5] - g[2]
    r2 = max(d0 * d0 + d1 * d1 + d2 * d2, 1.0)
    r = np.sqrt(r2)
    f0, f1 = g[6] * d0 + g[7] * d1 + g[8] * d2, g[9] * d0 + g[10] * d1 + g[11] * d2
    rho2 = max(f0 * f0 + f1 * f1, 1.0)
    rho = np.sqrt(rho2)
    e0, e1, e2 = (f1 * g[6] - f0 * g[9]) / rho, (f1 * g[7] - f0 * g[10]) / rho, (f1 * g[8] - f0 * g[11]) / rho
    sideways, along = 0.0, 0.0
    u0, u1, u2 = d0 / r, d1 / r, d2 / r
    for a in range(3):
        ea, ua = (e0, e1, e2)[a], (u0, u1, u2)[a]
        for b in range(3):
            p = P[a, b] + dt * (P[a + 3, b] + P[a, b + 3]) + dt * dt * P[a + 3, b + 3]
            sideways += ea * p * (e0, e1, e2)[b]
            along += ua * p * (u0, u1, u2)[b]
    moved = q * dt * dt * dt / 3.0
    # The angle that its spread subtends: close to the sensor all round.
    reach = np.sqrt(FAR * limit * ((sideways + moved) / rho2 + around))
    reach_m = np.sqrt(FAR * limit * (along + moved + away + (sideways + moved) ** 2 / r2))
    h, count = np.arctan2(-f1, f0), 0
    for turn in range(-1, 2):
        if reach >= np.pi and turn != 0:
            continue
        low, high = h - reach + turn * TWO_PI, h + reach + turn * TWO_PI
        if reach >= np.pi:
            low, high = -4.0, 4.0
        first = np.searchsorted(value[:known], low)
        for e in range(first, known):
            if value[e] > high:
                break
            j = order[e]
            if distance >= 0 and abs(z[j, distance] - r - g[G_RANGE_OFFSET]) > reach_m:
                continue
            near[count] = j
            count += 1
    for e in range(known, m):
        near[count] = order[e]
        count += 1
    return count


@jit
def _one_is_far(y: F64, which: I64, count: int, S: F64, var: F64, limit: float) -> bool:
    """Say whether one component alone already rules the pair out."""
    for a in range(count):
        c = which[a]
        if y[a] * y[a] > FAR * limit * (S[c, c] + var[c]):
            return True
    return False
