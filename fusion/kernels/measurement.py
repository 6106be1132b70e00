"""One measurement model of eight components, any of which may be missing.

Components: range [m], azimuth [rad], elevation [rad], range rate [m/s], east, north, up [m]
(cooperative position), arrival-time difference [s]. Angles are taken in axes reached by one
rotation A from ENU: forward, left, up, azimuth positive to the right. ``geometry`` carries the
sensor: see the offsets below. A finite propagation speed (sound) makes the direction that of the
place where the target was when it emitted: ``|p - v tau - s| = c tau`` is solved in closed form. A late stamp
does the same with a constant instead of tau.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fusion.kernels import jit
from messages.frames import F64

I64 = NDArray[np.int64]

RANGE, AZIMUTH, ELEVATION, RANGE_RATE, EAST, NORTH, UP, TDOA = range(8)
N_COMPONENTS = 8

G_POSITION = 0  # sensor position, ENU [m], 3 numbers
G_VELOCITY = 3  # velocity that range rate is relative to [m/s], 3 numbers; zero for range rate over ground
G_AXES = 6  # rotation from ENU to the axes of the angles, row by row, 9 numbers
G_SPEED = 15  # propagation speed of what the sensor hears [m/s]; 0 means instantaneous
G_PAIRED = 16  # position of the paired sensor [m], 3 numbers
G_TDOA_SPEED = 19  # propagation speed for arrival-time differences [m/s]
G_POSITION_VAR = 20  # variance of the sensor's own position [m^2]
G_YAW_VAR = 21  # variance of the sensor's own heading [rad^2]
G_LAG_ACCELERATION = 22  # standard deviation of the target's acceleration during the sound's way [m/s^2]
G_TILT_VAR = 23  # variance of its pitch and of its roll [rad^2]
G_ALIGN_VAR = 24  # variance of the sensor's alignment on its platform, about any axis [rad^2]
G_CLOCK = 25  # stamp minus true time of validity [s]: the detection shows the target where it was so long before
G_CLOCK_VAR = 26  # its variance [s^2]
G_RANGE_OFFSET = 27  # what the sensor's ranges are too long by [m]
G_SIZE = 28

SMALL_M = 1e-3  # a target inside the sensor: keeps angles finite, far below any sensor's resolution


@jit
def retarded_lag(dx: float, dy: float, dz: float, vx: float, vy: float, vz: float, c: float) -> float:
    """Return tau [s] with ``|d - v tau| = c tau`` (d to the target now); 0 for c = 0 or a supersonic target."""
    a = c * c - (vx * vx + vy * vy + vz * vz)
    if c <= 0.0 or a <= 0.0:
        return 0.0
    b = dx * vx + dy * vy + dz * vz
    return float((-b + np.sqrt(b * b + a * (dx * dx + dy * dy + dz * dz))) / a)


@jit
def offset(x: F64, g: F64, d: F64, D: F64) -> float:
    """Write the offset d (3,) from sensor to (emission) place and its Jacobian D (3, 6); return the lag [s].

    With u = d/|d|: ``D = [W, -tau W]``, ``W = I - v u^T / (c + u . v)``: tau moves with the state too.
    """
    late = g[G_CLOCK]
    for a in range(3):
        d[a] = x[a] - late * x[3 + a] - g[G_POSITION + a]
        for b in range(6):
            D[a, b] = 1.0 if a == b else 0.0
        D[a, a + 3] = -late
    c = g[G_SPEED]
    tau = retarded_lag(d[0], d[1], d[2], x[3], x[4], x[5], c)
    if tau > 0.0:
        for a in range(3):
            d[a] -= x[3 + a] * tau
        r = max(np.sqrt(d[0] * d[0] + d[1] * d[1] + d[2] * d[2]), SMALL_M)
        closing = c + (d[0] * x[3] + d[1] * x[4] + d[2] * x[5]) / r
        for a in range(3):
            for b in range(3):
                w = (1.0 if a == b else 0.0) - x[3 + a] * d[b] / (r * closing)
                D[a, b] = w
                D[a, b + 3] = -(tau + late) * w
    return tau


@jit
def measure(x: F64, g: F64, h: F64, H: F64, d: F64, D: F64) -> float:
    """Write all eight components h (8,) and the Jacobian H (8, 6) at state x; return the lag [s]."""
    tau = offset(x, g, d, D)
    r = max(np.sqrt(d[0] * d[0] + d[1] * d[1] + d[2] * d[2]), SMALL_M)
    f0 = g[6] * d[0] + g[7] * d[1] + g[8] * d[2]
    f1 = g[9] * d[0] + g[10] * d[1] + g[11] * d[2]
    f2 = g[12] * d[0] + g[13] * d[1] + g[14] * d[2]
    rho2 = max(f0 * f0 + f1 * f1, SMALL_M * SMALL_M)
    rho = np.sqrt(rho2)
    w0, w1, w2 = x[3] - g[3], x[4] - g[4], x[5] - g[5]
    rate = (d[0] * w0 + d[1] * w1 + d[2] * w2) / r
    h[RANGE] = r + g[G_RANGE_OFFSET]
    h[AZIMUTH] = np.arctan2(-f1, f0)
    h[ELEVATION] = np.arctan2(f2, rho)
    h[RANGE_RATE] = rate
    b0 = g[G_PAIRED] - g[0]
    b1 = g[G_PAIRED + 1] - g[1]
    b2 = g[G_PAIRED + 2] - g[2]
    rb = max(np.sqrt((d[0] - b0) ** 2 + (d[1] - b1) ** 2 + (d[2] - b2) ** 2), SMALL_M)
    c = max(g[G_TDOA_SPEED], 1.0)
    h[TDOA] = (r - rb) / c
    for b in range(6):
        dx, dy, dz = D[0, b], D[1, b], D[2, b]
        along = (d[0] * dx + d[1] * dy + d[2] * dz) / r
        q0 = g[6] * dx + g[7] * dy + g[8] * dz
        q1 = g[9] * dx + g[10] * dy + g[11] * dz
        q2 = g[12] * dx + g[13] * dy + g[14] * dz
        H[RANGE, b] = along
        H[AZIMUTH, b] = (f1 * q0 - f0 * q1) / rho2
        H[ELEVATION, b] = (rho * q2 - f2 * (f0 * q0 + f1 * q1) / rho) / (r * r)
        H[RANGE_RATE, b] = (w0 * dx + w1 * dy + w2 * dz) / r - rate * along / r
        along_b = ((d[0] - b0) * dx + (d[1] - b1) * dy + (d[2] - b2) * dz) / rb
        H[TDOA, b] = (along - along_b) / c
        for a in range(3):
            H[EAST + a, b] = 1.0 if a == b else 0.0
    for a in range(3):
        h[EAST + a] = x[a] - g[G_CLOCK] * x[3 + a]
        H[EAST + a, 3 + a] = -g[G_CLOCK]
        H[RANGE_RATE, 3 + a] += d[a] / r
    return tau


@jit
def measure_direct(x: F64, g: F64, h: F64, H: F64, d: F64) -> None:
    """Write range, azimuth, elevation and range rate, h (4..,) and H (4.., 6), of what is seen without delay; d (3,).

    The first four rows of ``measure``, which tests hold it against, without the other four.
    """
    for a in range(3):
        d[a] = x[a] - g[G_POSITION + a]
    r = max(np.sqrt(d[0] * d[0] + d[1] * d[1] + d[2] * d[2]), SMALL_M)
    f0 = g[6] * d[0] + g[7] * d[1] + g[8] * d[2]
    f1 = g[9] * d[0] + g[10] * d[1] + g[11] * d[2]
    f2 = g[12] * d[0] + g[13] * d[1] + g[14] * d[2]
    rho2 = max(f0 * f0 + f1 * f1, SMALL_M * SMALL_M)
    rho = np.sqrt(rho2)
    rate = (d[0] * (x[3] - g[3]) + d[1] * (x[4] - g[4]) + d[2] * (x[5] - g[5])) / r
    h[RANGE] = r
    h[AZIMUTH] = np.arctan2(-f1, f0)
    h[ELEVATION] = np.arctan2(f2, rho)
    h[RANGE_RATE] = rate
    for b in range(3):
        u = d[b] / r
        q0, q1, q2 = g[6 + b], g[9 + b], g[12 + b]
        H[RANGE, b] = u
        H[AZIMUTH, b] = (f1 * q0 - f0 * q1) / rho2
        H[ELEVATION, b] = (rho * q2 - f2 * (f0 * q0 + f1 * q1) / rho) / (r * r)
        H[RANGE_RATE, b] = (x[3 + b] - g[3 + b] - rate * u) / r
        H[RANGE, 3 + b] = H[AZIMUTH, 3 + b] = H[ELEVATION, 3 + b] = 0.0
        H[RANGE_RATE, 3 + b] = u


@jit
def form(row: F64, P: F64, width: int) -> float:
    """Return ``row P row^T`` of the first ``width`` states."""
    s = 0.0
    for a in range(width):
        t = 0.0
        for b in range(width):
            t += P[a, b] * row[b]
        s += row[a] * t
    return s


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
