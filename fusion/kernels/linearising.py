"""The measurement about a state: expected components, their Jacobian, and the noise that the sensor does not state.

To second order (Bar-Shalom, Li and Kirubarajan 2001, section 10.3.2) a place known to P bends what is seen of it. Of an
arrival-time difference the mean is moved and the spread added; of range and angles both are counted as noise.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fusion.kernels import jit
from fusion.kernels.measurement import (
    AZIMUTH,
    EAST,
    ELEVATION,
    G_ALIGN_VAR,
    G_CLOCK,
    G_CLOCK_VAR,
    G_LAG_ACCELERATION,
    G_PAIRED,
    G_POSITION,
    G_POSITION_VAR,
    G_RANGE_OFFSET,
    G_SPEED,
    G_TDOA_SPEED,
    G_TILT_VAR,
    G_YAW_VAR,
    RANGE,
    RANGE_RATE,
    SMALL_M,
    TDOA,
    UP,
    measure,
    measure_direct,
)
from messages.frames import F64

I64 = NDArray[np.int64]


@jit
def turn_covariance(d: F64, yaw_var: float, tilt_var: float, a: int, b: int) -> float:
    """Return element (a, b) of the covariance of an offset d that heading, pitch and roll errors turn.

    A turn about axis k moves d by ``k x d``: heading about up, pitch and roll about the horizontal axes.
    """
    square = d[0] * d[0] + d[1] * d[1] + d[2] * d[2]
    tilt = tilt_var * ((square if a == b else 0.0) - d[a] * d[b])  # sum over three axes ...
    if a == 2 or b == 2:
        return float(tilt)
    sign = 1.0 if a == b else -1.0
    return float(tilt + (yaw_var - tilt_var) * sign * d[1 - a] * d[1 - b])  # ... with heading instead of the third


@jit
def _form(m: F64, H: F64, a: int, b: int) -> float:
    """Return ``H[a, :3] m H[b, :3]^T``."""
    s = 0.0
    for r in range(3):
        s += H[a, r] * (m[r, 0] * H[b, 0] + m[r, 1] * H[b, 1] + m[r, 2] * H[b, 2])
    return s


@jit
def model_noise(
    P: F64, g: F64, H: F64, d: F64, tau: float, pose_scale: float, own_scale: float, used: I64, shift: F64, R: F64
) -> None:
    """Write the part of R (k, k) of the ``used`` components that does not come from the detection itself.

    Own position and heading errors, acceleration during the sound's way, and the second-order
    terms of h that an EKF would otherwise leave out (``tr(Hess P Hess P) / 2``: a poorly known
    position makes range and range rate worth less than their own sigma says). The scales turn the variances of
    constant errors into those of white noise with the same effect (``kernels.existence.bias_scales``).
    shift (3, 3) is scratch.
    """
    lag = g[G_LAG_ACCELERATION] * tau * tau / 2.0
    moved = g[G_POSITION_VAR] * pose_scale + lag * lag
    align = g[G_ALIGN_VAR] * own_scale
    yaw, tilt = g[G_YAW_VAR] * pose_scale + align, g[G_TILT_VAR] * pose_scale + align
    k = len(used)
    for a in range(k):
        for b in range(k):
            R[a, b] = 0.0
    if moved > 0.0 or yaw > 0.0 or tilt > 0.0:
        for a in range(3):
            for b in range(3):
                shift[a, b] = turn_covariance(d, yaw, tilt, a, b) + (moved if a == b else 0.0)
        for a in range(k):
            for b in range(a, k):
                if not (EAST <= used[a] <= UP or EAST <= used[b] <= UP):
                    R[a, b] = R[b, a] = _form(shift, H, used[a], used[b])
    _second_order(P, g, d, used, R)


@jit
def clock_noise(x: F64, g: F64, H: F64, own_scale: float, used: I64, moved: F64, R: F64) -> None:
    """Add to R (k, k) what the sensor's uncertain clock is worth: ``H v var v^T H^T``; moved (8,) is scratch."""
    var = g[G_CLOCK_VAR] * own_scale
    if var <= 0.0:
        return
    k = len(used)
    for a in range(k):
        moved[a] = 0.0
        for c in range(3):
            moved[a] += H[used[a], c] * x[3 + c]
    for a in range(k):
        for b in range(k):
            R[a, b] += moved[a] * moved[b] * var


@jit
def _second_order(P: F64, g: F64, d: F64, used: I64, R: F64) -> None:
    """Add the second-order variances of range, azimuth, elevation and range rate to the diagonal of R."""
    if used[0] > RANGE_RATE:
        return
    r = max(np.sqrt(d[0] * d[0] + d[1] * d[1] + d[2] * d[2]), SMALL_M)
    u0, u1, u2 = d[0] / r, d[1] / r, d[2] / r
    f0 = g[6] * u0 + g[7] * u1 + g[8] * u2
    f1 = g[9] * u0 + g[10] * u1 + g[11] * u2
    f2 = g[12] * u0 + g[13] * u1 + g[14] * u2
    rho = max(np.sqrt(f0 * f0 + f1 * f1), SMALL_M)
    # Unit vectors across the line of sight, in ENU: e along growing azimuth, n along growing elevation.
    e0 = (f1 * g[6] - f0 * g[9]) / rho
    e1 = (f1 * g[7] - f0 * g[10]) / rho
    e2 = (f1 * g[8] - f0 * g[11]) / rho
    n0, n1, n2 = u1 * e2 - u2 * e1, u2 * e0 - u0 * e2, u0 * e1 - u1 * e0
    rr = _block_form(P, 0, 0, u0, u1, u2, u0, u1, u2)
    ee = _block_form(P, 0, 0, e0, e1, e2, e0, e1, e2)
    nn = _block_form(P, 0, 0, n0, n1, n2, n0, n1, n2)
    en = _block_form(P, 0, 0, e0, e1, e2, n0, n1, n2)
    re = _block_form(P, 0, 0, u0, u1, u2, e0, e1, e2)
    rn = _block_form(P, 0, 0, u0, u1, u2, n0, n1, n2)
    vee = _block_form(P, 3, 3, e0, e1, e2, e0, e1, e2)
    vnn = _block_form(P, 3, 3, n0, n1, n2, n0, n1, n2)
    ven = _block_form(P, 3, 3, e0, e1, e2, n0, n1, n2)
    r2 = r * r
    bias = (ee + nn) / (2.0 * r)
    r4 = r2 * r2
    for a in range(len(used)):
        if used[a] == RANGE:
            R[a, a] += (ee * ee + nn * nn + 2.0 * en * en) / (2.0 * r2) + bias * bias
        elif used[a] == AZIMUTH:
            R[a, a] += (rr * ee + re * re) / (r4 * rho**4)
        elif used[a] == ELEVATION:
            R[a, a] += (rr * nn + rn * rn + 0.5 * (f2 / rho * ee) ** 2) / r4
        elif used[a] == RANGE_RATE:
            R[a, a] += (ee * vee + nn * vnn + 2.0 * en * ven) / r2


@jit
def _bent_difference(P: F64, g: F64, d: F64) -> tuple[float, float]:
    """Return how far P moves the mean of an arrival-time difference [s], ``tr(A P) / 2``, and spreads it [s^2].

    The variance is ``tr(A P A P) / 2`` with ``A = ((I - u u^T) / r - (I - w w^T) / q) / c``, which bends it: u, r to
    the one sensor and w, q to the other.
    """
    AP, far = np.empty((3, 3)), np.empty(3)
    r, q = 0.0, 0.0
    for a in range(3):
        far[a] = d[a] - (g[G_PAIRED + a] - g[G_POSITION + a])
        r += d[a] * d[a]
        q += far[a] * far[a]
    r, q = max(np.sqrt(r), SMALL_M), max(np.sqrt(q), SMALL_M)
    for a in range(3):
        for b in range(3):
            s = 0.0
            for e in range(3):
                near_bend = ((1.0 if a == e else 0.0) - d[a] * d[e] / (r * r)) / r
                far_bend = ((1.0 if a == e else 0.0) - far[a] * far[e] / (q * q)) / q
                s += (near_bend - far_bend) * P[e, b]
            AP[a, b] = s
    trace, square = 0.0, 0.0
    for a in range(3):
        trace += AP[a, a]
        for b in range(3):
            square += AP[a, b] * AP[b, a]
    c = max(g[G_TDOA_SPEED], 1.0)
    return float(trace / (2.0 * c)), float(square / (2.0 * c * c))


@jit
def _block_form(
    P: F64, row: int, column: int, a0: float, a1: float, a2: float, b0: float, b1: float, b2: float
) -> float:
    """Return ``a^T P[row:row+3, column:column+3] b``."""
    return float(
        a0 * (P[row, column] * b0 + P[row, column + 1] * b1 + P[row, column + 2] * b2)
        + a1 * (P[row + 1, column] * b0 + P[row + 1, column + 1] * b1 + P[row + 1, column + 2] * b2)
        + a2 * (P[row + 2, column] * b0 + P[row + 2, column + 1] * b1 + P[row + 2, column + 2] * b2)
    )


@jit
def linearise_one(
    x: F64, P: F64, used: I64, g: F64, pose_scale: float, own_scale: float, h8: F64, H8: F64, d: F64, D: F64,
    shift: F64, moved: F64, h: F64, H: F64, PHt: F64, S: F64, R: F64,
) -> None:  # fmt: skip
    """Linearise the measurement at one state, keeping only the k components named in ``used`` (rising).

    With n states, of which the last three, where there are nine, are not seen.
    Writes h (k,), H (k, n), PHt (n, k), R (k, k), the noise that does not come from the detection,
    and S = H P H^T + R (k, k). h8 (8,), H8 (8, 6), d (3,), D (3, 6), shift (3, 3), moved (8,) are scratch.
    """
    k, size = len(used), len(x)
    tau, late = 0.0, g[G_CLOCK] != 0.0
    if g[G_SPEED] > 0.0 or late or g[G_RANGE_OFFSET] != 0.0 or used[k - 1] > RANGE_RATE:
        tau = measure(x, g, h8, H8, d, D)
    else:
        measure_direct(x, g, h8, H8, d)
    model_noise(P, g, H8, d, tau, pose_scale, own_scale, used, shift, R)
    clock_noise(x, g, H8, own_scale, used, moved, R)
    if used[k - 1] == TDOA:
        mean, var = _bent_difference(P, g, d)
        h8[TDOA] += mean
        R[k - 1, k - 1] += var
    for a in range(k):
        c = used[a]
        h[a] = h8[c]
        width = 3 if c < RANGE_RATE and tau == 0.0 and not late else 6  # else on position alone
        for b in range(size):
            H[a, b] = H8[c, b] if b < 6 else 0.0
            s = 0.0
            for e in range(width):
                s += P[b, e] * H8[c, e]
            PHt[b, a] = s
    for a in range(k):
        for b in range(a, k):
            s = R[a, b]
            for e in range(6):
                s += H[a, e] * PHt[e, b]
            S[a, b] = S[b, a] = s


@jit
def linearise(
    x: F64, P: F64, n: int, used: I64, g: F64, pose_scale: F64, own_scale: F64, h: F64, H: F64, PHt: F64, S: F64, R: F64
) -> None:
    """Linearise the measurement for n tracks and M models: h (n, M, k), H (n, M, k, 6 or 9), PHt, S and R."""
    h8, H8 = np.empty(8), np.empty((8, 6))
    shift, d, D, moved = np.empty((3, 3)), np.empty(3), np.empty((3, 6)), np.empty(8)
    for i in range(n):
        for m in range(x.shape[1]):
            linearise_one(
                x[i, m], P[i, m], used, g, pose_scale[i], own_scale[i], h8, H8, d, D, shift, moved,
                h[i, m], H[i, m], PHt[i, m], S[i, m], R[i, m],
            )  # fmt: skip
