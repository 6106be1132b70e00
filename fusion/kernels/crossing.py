"""Crossing bearings: where two lines of sight from different places meet, and how well."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fusion.kernels import jit
from messages.frames import F64

I64 = NDArray[np.int64]
B_PLACE = 0  # place of the sensor [m], 3 numbers
B_DIRECTION = 3  # unit vector, ENU, 3 numbers
B_SIGMA = 6  # standard deviation across the line of sight [rad]
B_OWN = 7  # standard deviation of the sensor's own place [m]
B_HEADING = 8  # standard deviation of its heading [rad]
B_SLOWNESS = 9  # 1 / propagation speed [s/m]: what is heard left its place earlier; 0 for light
B_TIME = 10  # seconds relative to the newer bearing, <= 0
B_MIN_RANGE = 11
B_MAX_RANGE = 12
B_SIZE = 13


@jit
def cross(
    new: F64,
    old: F64,
    speed_mps: float,
    baseline_m: float,
    max_d2: float,
    max_rms_m: float,
    rms_share: float,
    best: I64,
    d2: F64,
    p: F64,
    P: F64,
    ground: F64,
) -> None:
    """For each new bearing (a, B_SIZE) find the old one (b, B_SIZE) that it meets best.

    Writes best (a,), the row of the old bearing or -1; d2 (a,), its squared miss (1 degree of
    freedom); p (a, 3) and P (a, 3, 3), the least-squares point: each bearing weighs
    ``(I - u u^T) / var``, var from its own sigmas at that range and from the target's motion since. No sigma may exceed
    max_rms_m, nor rms_share of the shorter range. ground (a,): the area that a piece of both angles stands for there,
    ``r1 r2 / sin`` of the angle between them [m^2 / rad^2].
    """
    q, Q, ranges = np.empty(3), np.empty((3, 3)), np.empty(2)
    for i in range(new.shape[0]):
        best[i] = -1
        d2[i] = max_d2
        for j in range(old.shape[0]):
            miss = _meet(new[i], old[j], speed_mps, baseline_m, q, Q, ranges)
            most = min(max_rms_m, rms_share * min(ranges[0], ranges[1]))
            if miss < d2[i] and Q[0, 0] + Q[1, 1] + Q[2, 2] < most * most:
                d2[i] = miss
                best[i] = j
                cosine = new[i, 3] * old[j, 3] + new[i, 4] * old[j, 4] + new[i, 5] * old[j, 5]
                ground[i] = ranges[0] * ranges[1] / np.sqrt(1.0 - cosine * cosine)
                for a in range(3):
                    p[i, a] = q[a]
                    for b in range(3):
                        P[i, a, b] = Q[a, b]


@jit
def _meet(a: F64, b: F64, speed_mps: float, baseline_m: float, q: F64, Q: F64, ranges: F64) -> float:
    """Write where two bearings meet, its covariance and ranges; return the squared miss, inf where they do not."""
    w0, w1, w2 = a[0] - b[0], a[1] - b[1], a[2] - b[2]
    if w0 * w0 + w1 * w1 + w2 * w2 < baseline_m * baseline_m:
        return np.inf
    cosine = a[3] * b[3] + a[4] * b[4] + a[5] * b[5]
    sine2 = 1.0 - cosine * cosine
    if sine2 < 1e-6:
        return np.inf
    along_a = a[3] * w0 + a[4] * w1 + a[5] * w2
    along_b = b[3] * w0 + b[4] * w1 + b[5] * w2
    range_a = (cosine * along_b - along_a) / sine2
    range_b = (along_b - cosine * along_a) / sine2
    if range_a < a[B_MIN_RANGE] or range_a > a[B_MAX_RANGE] or range_b < b[B_MIN_RANGE] or range_b > b[B_MAX_RANGE]:
        return np.inf
    ranges[0], ranges[1] = range_a, range_b
    var_a, var_b = _across(a, range_a, speed_mps), _across(b, range_b, speed_mps)
    I, y = np.empty((3, 3)), np.zeros(3)
    for r in range(3):
        for c in range(3):
            unit = 1.0 if r == c else 0.0
            ia, ib = (unit - a[3 + r] * a[3 + c]) / var_a, (unit - b[3 + r] * b[3 + c]) / var_b
            I[r, c] = ia + ib
            y[r] += ia * a[c] + ib * b[c]
    if not _invert(I, Q):
        return np.inf
    for r in range(3):
        q[r] = Q[r, 0] * y[0] + Q[r, 1] * y[1] + Q[r, 2] * y[2]
    return float(_off_line(a, q) / var_a + _off_line(b, q) / var_b)


@jit
def _across(b: F64, range_m: float, speed_mps: float) -> float:
    """Return the variance across a line of sight at a range [m^2], with the target's motion since it was true."""
    age = -b[B_TIME] + range_m * b[B_SLOWNESS]
    angular = (b[B_SIGMA] ** 2 + b[B_HEADING] ** 2) * range_m**2
    return float(angular + b[B_OWN] ** 2 + (speed_mps * age) ** 2 + 1e-6)


@jit
def _off_line(b: F64, q: F64) -> float:
    d0, d1, d2 = q[0] - b[0], q[1] - b[1], q[2] - b[2]
    along = d0 * b[3] + d1 * b[4] + d2 * b[5]
    return float(d0 * d0 + d1 * d1 + d2 * d2 - along * along)


@jit
def _invert(m: F64, out: F64) -> bool:
    """Invert a symmetric (3, 3) matrix by cofactors; return False where it is singular."""
    c00 = m[1, 1] * m[2, 2] - m[1, 2] * m[1, 2]
    c01 = m[0, 2] * m[1, 2] - m[0, 1] * m[2, 2]
    c02 = m[0, 1] * m[1, 2] - m[0, 2] * m[1, 1]
    det = m[0, 0] * c00 + m[0, 1] * c01 + m[0, 2] * c02
    if not det > 0.0:
        return False
    out[0, 0], out[0, 1], out[0, 2] = c00 / det, c01 / det, c02 / det
    out[1, 1] = (m[0, 0] * m[2, 2] - m[0, 2] * m[0, 2]) / det
    out[1, 2] = (m[0, 1] * m[0, 2] - m[0, 0] * m[1, 2]) / det
    out[2, 2] = (m[0, 0] * m[1, 1] - m[0, 1] * m[0, 1]) / det
    out[1, 0], out[2, 0], out[2, 1] = out[0, 1], out[0, 2], out[1, 2]
    return True
