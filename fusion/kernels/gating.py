"""Gating and likelihoods: which detection may belong to which track, under which motion model."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fusion.kernels import jit
from fusion.kernels.matrix import cholesky, log_det, normal_cdf, whiten
from fusion.kernels.measurement import AZIMUTH, ELEVATION, RANGE, form, measure_direct
from messages.frames import F64

I64 = NDArray[np.int64]
LOG_2PI = 1.8378770664093453
TWO_PI = 6.283185307179586
SURELY = 6.0  # sigmas: what is so far inside a limit is inside but once in 10^9
FAR = 4.0  # times the gate of one component: beyond, no model's innovation can be inside
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
def sort_key(used: I64) -> int:
    """Return the column of ``used`` to sort detections by before gating: range, else the last angle; -1 for none."""
    if len(used) and used[0] == RANGE:
        return 0
    for a in range(len(used)):
        if used[a] == ELEVATION:
            return a
    return -1


@jit
def window(z_sorted: F64, known: int, low: float, high: float) -> tuple[int, int]:
    """Return the part of the first ``known`` sorted values that lies between low and high."""
    values = z_sorted[:known]
    return int(np.searchsorted(values, low)), int(np.searchsorted(values, high, side="right"))


@jit
def pair_likelihoods(
    mu: F64, n: int, h: F64, S: F64, z: F64, var: F64, used: I64, gate_d2: F64, track: I64, det: I64, like: F64
) -> int:
    """List the gated (track, detection) pairs, by track, with each model's likelihood.

    ``z, var`` (m, k): components and their own variances, NaN where missing. ``gate_d2`` (9,): limit by
    number of components. Writes track, det (cap,) and like (cap, M) = N(y; 0, S). Returns the number
    of pairs, which exceeds cap where the room was too small (nothing is written beyond it).
    Detections are sorted by one component, so that a track looks only at those near it.
    """
    k, models, cap, count_z = len(used), h.shape[1], len(track), z.shape[0]
    y, w, which = np.empty(k), np.empty(k), np.empty(k, np.int64)
    sub, low, widest = np.empty((k, k)), np.zeros((k, k)), np.empty(k)
    logs = np.empty(models)
    key = sort_key(used)
    order, value, known, spread = sort_scan(z, var, key)
    pairs = 0
    for i in range(n):
        for a in range(k):
            widest[a] = 0.0
            for m in range(models):
                widest[a] = max(widest[a], S[i, m, a, a] + (h[i, m, a] - h[i, 0, a]) ** 2)
        first, last = 0, 0  # without a key all are looked at, as those without a value are
        if key >= 0:
            reach = np.sqrt(FAR * gate_d2[k] * (widest[key] + spread))
            first, last = window(value, known, h[i, 0, key] - reach, h[i, 0, key] + reach)
        inside = last - first
        for q in range(inside + count_z - known):
            j = order[first + q if q < inside else known + q - inside]
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
def sort_scan(z: F64, var: F64, key: int) -> tuple[I64, F64, int, float]:
    """Return the order of the detections, their sorted values, how many have one, and the largest variance."""
    m = z.shape[0]
    if key < 0:
        return np.arange(m), np.empty(m), 0, 0.0
    order = np.argsort(z[:, key])  # a missing value comes last
    value, known, spread = np.empty(m), 0, 0.0
    for q in range(m):
        value[q] = z[order[q], key]
        if not np.isnan(value[q]):
            known = q + 1
            spread = max(spread, var[order[q], key])
    return order, value, known, spread


@jit
def _far(y: F64, which: I64, count: int, var: F64, widest: F64, limit: float) -> bool:
    """Say whether one component alone already rules the pair out (four times the gate, for the spread of models)."""
    if count == 0:
        return True
    for a in range(count):
        c = which[a]
        if y[a] * y[a] > FAR * limit * (widest[c] + var[c]):
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
    h, H, d = np.empty(4), np.empty((4, 6)), np.empty(3)
    half = fov[3]
    for i in range(n):
        measure_direct(xm[i], g, h, H, d)
        P = Pm[i]
        p = _between(h[0], _sigma(H[0], P, 3), fov[0], fov[1])
        if not np.isnan(half):
            p *= _between(wrap(h[1] - fov[2]), _sigma(H[1], P, 3), -half, half)
        p *= _between(h[2], _sigma(H[2], P, 3), fov[4], fov[5])
        if not (np.isnan(fov[6]) and np.isnan(fov[7])):
            p *= _between(h[3], _sigma(H[3], P, 6), fov[6], fov[7])
        if notch_mps > 0.0:
            own = 0.0
            for a in range(3):
                own += g[3 + a] * H[RANGE, a]
            p *= 1.0 - _between(h[3] + own, _sigma(H[3], P, 6), -notch_mps, notch_mps)
        out[i] = max(p, LEAST_VISIBLE)


@jit
def _sigma(row: F64, P: F64, width: int) -> float:
    return float(np.sqrt(max(form(row, P, width), 1e-18)))


@jit
def _between(value: float, sigma: float, low: float, high: float) -> float:
    if value - low > SURELY * sigma and high - value > SURELY * sigma:
        return 1.0
    above = normal_cdf((value - low) / sigma)
    below = normal_cdf((high - value) / sigma)
    return max(above + below - 1.0, 0.0)
