"""Gating and likelihoods: which detection may belong to which track, under which motion model."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fusion.kernels import jit
from fusion.kernels.matrix import cholesky, log_det, normal_cdf, whiten
from fusion.kernels.measurement import AZIMUTH, measure
from messages.frames import F64

I64 = NDArray[np.int64]
LOG_2PI = 1.8378770664093453
TWO_PI = 6.283185307179586
LEAST_VISIBLE = 0.01  # a described field of view holds for a typical target: a large one is seen beyond its edge too


@jit
def wrap(angle_rad: float) -> float:
    """Return the angle in ``[-pi, pi]``."""
    return float(angle_rad - TWO_PI * np.round(angle_rad / TWO_PI))


@jit
def innovation(z: F64, h: F64, used: I64, y: F64, which: I64) -> int:
    """Write the innovation of the measured components and their places in ``used``; return how many."""
    count = 0
    for a in range(len(used)):
        if np.isnan(z[a]):
            continue
        y[count] = wrap(z[a] - h[a]) if used[a] == AZIMUTH else z[a] - h[a]
        which[count] = a
        count += 1
    return count


@jit
def pair_likelihoods(
    mu: F64, n: int, h: F64, S: F64, z: F64, var: F64, used: I64, gate_d2: F64, track: I64, det: I64, like: F64
) -> int:
    """List the gated (track, detection) pairs, by track and then detection, with each model's likelihood.

    ``z, var`` (m, k): components and their own variances, NaN where missing. ``gate_d2`` (9,): limit by
    number of components. Writes track, det (cap,) and like (cap, M) = N(y; 0, S). Returns the number
    of pairs, which exceeds cap where the room was too small (nothing is written beyond it).
    """
    k, models, cap = len(used), h.shape[1], len(track)
    y, w, which = np.empty(k), np.empty(k), np.empty(k, np.int64)
    sub, low, widest = np.empty((k, k)), np.zeros((k, k)), np.empty(k)
    logs = np.empty(models)
    pairs = 0
    for i in range(n):
        for a in range(k):
            widest[a] = 0.0
            for m in range(models):
                widest[a] = max(widest[a], S[i, m, a, a] + (h[i, m, a] - h[i, 0, a]) ** 2)
        for j in range(z.shape[0]):
            count = innovation(z[j], h[i, 0], used, y, which)
            limit = gate_d2[count]
            if _far(y, which, count, var[j], widest, limit):
                continue
            if _model_likelihoods(mu[i], h[i], S[i], z[j], var[j], used, limit, y, w, which, sub, low, logs):
                if pairs < cap:
                    track[pairs] = i
                    det[pairs] = j
                    for m in range(models):
                        like[pairs, m] = np.exp(logs[m])
                pairs += 1
    return pairs


@jit
def _far(y: F64, which: I64, count: int, var: F64, widest: F64, limit: float) -> bool:
    """Say whether one component alone already rules the pair out (four times the gate, for the spread of models)."""
    if count == 0:
        return True
    for a in range(count):
        c = which[a]
        if y[a] * y[a] > 4.0 * limit * (widest[c] + var[c]):
            return True
    return False


@jit
def _model_likelihoods(
    mu: F64,
    h: F64,
    S: F64,
    z: F64,
    var: F64,
    used: I64,
    limit: float,
    y: F64,
    w: F64,
    which: I64,
    sub: F64,
    low: F64,
    logs: F64,
) -> bool:
    """Write each model's log likelihood; say whether any model that has weight finds the pair inside its gate."""
    inside = False
    for m in range(len(mu)):
        count = innovation(z, h[m], used, y, which)
        for a in range(count):
            for b in range(count):
                sub[a, b] = S[m, which[a], which[b]]
            sub[a, a] += var[which[a]]
        logs[m] = -np.inf
        if cholesky(sub, count, low):
            d2 = whiten(low, count, y, w)
            logs[m] = -0.5 * (d2 + log_det(low, count) + count * LOG_2PI)
            if d2 < limit and mu[m] > 1e-4:
                inside = True
    return inside


@jit
def visibility(xm: F64, Pm: F64, n: int, g: F64, fov: F64, notch_mps: float, out: F64) -> None:
    """Write the probability (n,) that each moment-matched track lies in the field of view and moves enough.

    ``fov``: low, high of range; centre, half-width of azimuth; low, high of elevation; low, high of
    range rate (NaN: no limit). The edges are softened by the track's own uncertainty. Inside the
    Doppler notch ``|range rate over ground| < notch`` nothing is seen.
    """
    h, H, d, D = np.empty(8), np.empty((8, 6)), np.empty(3), np.empty((3, 6))
    ground = g.copy()
    ground[3:6] = 0.0
    for i in range(n):
        measure(xm[i], g, h, H, d, D)
        p = _between(h[0], _sigma(H[0], Pm[i]), fov[0], fov[1])
        half = fov[3]
        if not np.isnan(half):
            p *= _between(wrap(h[1] - fov[2]), _sigma(H[1], Pm[i]), -half, half)
        p *= _between(h[2], _sigma(H[2], Pm[i]), fov[4], fov[5])
        p *= _between(h[3], _sigma(H[3], Pm[i]), fov[6], fov[7])
        if notch_mps > 0.0:
            measure(xm[i], ground, h, H, d, D)
            p *= 1.0 - _between(h[3], _sigma(H[3], Pm[i]), -notch_mps, notch_mps)
        out[i] = max(p, LEAST_VISIBLE)


@jit
def _sigma(row: F64, P: F64) -> float:
    s = 0.0
    for a in range(6):
        for b in range(6):
            s += row[a] * P[a, b] * row[b]
    return float(np.sqrt(max(s, 1e-18)))


@jit
def _between(value: float, sigma: float, low: float, high: float) -> float:
    above = normal_cdf((value - low) / sigma)
    below = normal_cdf((high - value) / sigma)
    return max(above + below - 1.0, 0.0)
