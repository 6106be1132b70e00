"""Pairing the unexplained detections of a scan with *seeds*: earlier plots that no track explained.

Most plots are clutter. Kept as a seed, a plot costs nothing until a later detection lies where a
target of its kind could have gone; only the pair becomes a track. Seeds and detections are then
associated jointly, so that a formation gives as many births as it has members.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fusion.kernels import jit
from fusion.kernels.gating import FAR, LOG_2PI, innovation, sort_key, sort_scan, window
from fusion.kernels.matrix import cholesky, log_det, whiten
from fusion.kernels.measurement import linearise_one
from fusion.kernels.motion import predict_one
from fusion.kernels.update import gain_of
from messages.frames import F64

I64 = NDArray[np.int64]


@jit
def pair_seeds(
    x0: F64, P0: F64, age_s: F64, q: float, max_speed_mps: float, g: F64, used: I64, z: F64, var: F64, gate_d2: F64,
    seed: I64, det: I64, like: F64, x: F64, P: F64,
) -> int:  # fmt: skip
    """List the pairs of seed and detection that may be one target, by seed.

    x0 (s, 6), P0 (s, 6, 6): states of the seeds ``age_s`` (s,) ago; z, var (m, k) as in
    ``gating.pair_likelihoods``. A pair has the state x (cap, 6), P (cap, 6, 6) of the seed updated
    with the detection, and like (cap,), the density of its innovation. A pair that is faster than
    max_speed_mps is left out. Returns the number of pairs; nothing is written beyond cap.
    """
    k, cap, pairs = len(used), len(seed), 0
    h8, H8, d, D, shift = np.empty(8), np.empty((8, 6)), np.empty(3), np.empty((3, 6)), np.empty((3, 3))
    h, H, PHt, S, R = np.empty(k), np.empty((k, 6)), np.empty((6, k)), np.empty((k, k)), np.empty((k, k))
    xs, Ps, new = np.empty(6), np.empty((6, 6)), np.empty(6)
    y, w, which = np.empty(k), np.empty(k), np.empty(k, np.int64)
    small, tall, square = np.empty((3, k, k)), np.empty((2, 6, k)), np.empty((2, 6, 6))
    wide, scratch_t = np.empty((k, 6)), np.empty((6, 8))
    key = sort_key(used)
    order, value, known, spread = sort_scan(z, var, key)
    for s in range(len(x0)):
        for a in range(6):
            xs[a] = x0[s, a]
            for b in range(6):
                Ps[a, b] = P0[s, a, b]
        predict_one(xs, Ps, q, age_s[s])
        linearise_one(xs, Ps, used, g, 1.0, 1.0, h8, H8, d, D, shift, h, H, PHt, S, R)
        first, last = 0, 0
        if key >= 0:
            reach = np.sqrt(FAR * gate_d2[1] * (S[key, key] + spread))
            first, last = window(value, known, h[key] - reach, h[key] + reach)
        inside = last - first
        for e in range(inside + z.shape[0] - known):
            j = order[first + e if e < inside else known + e - inside]
            c = innovation(z[j], h, used, y, which)
            if c == 0 or _one_is_far(y, which, c, S, var[j], gate_d2[1]):
                continue
            if not gain_of(Ps, H, PHt, S, R, var[j], which, c, small, tall, wide, square, scratch_t):
                continue
            cholesky(small[0], c, small[2])
            d2 = whiten(small[2], c, y, w)
            if not d2 < gate_d2[c]:
                continue
            speed2 = 0.0
            for a in range(6):
                new[a] = xs[a]
                for b in range(c):
                    new[a] += tall[1, a, b] * y[b]
                speed2 += new[a] * new[a] if a > 2 else 0.0
            if speed2 > max_speed_mps * max_speed_mps:
                continue
            if pairs < cap:
                seed[pairs] = s
                det[pairs] = j
                like[pairs] = np.exp(-0.5 * (d2 + log_det(small[2], c) + c * LOG_2PI))
                for a in range(6):
                    x[pairs, a] = new[a]
                    for b in range(6):
                        P[pairs, a, b] = 0.5 * (square[1, a, b] + square[1, b, a])
            pairs += 1
    return pairs


@jit
def _one_is_far(y: F64, which: I64, count: int, S: F64, var: F64, limit: float) -> bool:
    """Say whether one component alone already rules the pair out."""
    for a in range(count):
        c = which[a]
        if y[a] * y[a] > FAR * limit * (S[c, c] + var[c]):
            return True
    return False
