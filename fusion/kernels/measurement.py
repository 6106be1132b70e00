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
    P: F64, g: F64, H: F64, d: F64, tau: float, pose_scale: float, own_scale: float, shift: F64, R: F64
) -> None:
    """Write the part of R (8, 8) that does not come from the detection itself.

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
    for a in range(3):
        for b in range(3):
            shift[a, b] = turn_covariance(d, yaw, tilt, a, b) + (moved if a == b else 0.0)
    for a in range(8):
        relative_a = 0.0 if EAST <= a <= UP else 1.0
        for b in range(8):
            relative = 0.0 if EAST <= b <= UP else relative_a
            R[a, b] = relative * _form(shift, H, a, b)
    _second_order(P, g, d, R)


@jit
def clock_noise(x: F64, g: F64, H: F64, own_scale: float, R: F64) -> None:
    """Add to R (8, 8) what the sensor's uncertain clock is worth: ``H v var v^T H^T``, v the target's own velocity."""
    var = g[G_CLOCK_VAR] * own_scale
    if var <= 0.0:
        return
    moved = np.empty(8)
    for a in range(8):
        moved[a] = 0.0
        for c in range(3):
            moved[a] += H[a, c] * x[3 + c]
    for a in range(8):
        for b in range(8):
            R[a, b] += moved[a] * moved[b] * var


@jit
def _second_order(P: F64, g: F64, d: F64, R: F64) -> None:
    """Add the second-order variances of range, azimuth, elevation and range rate to the diagonal of R."""
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
    R[RANGE, RANGE] += (ee * ee + nn * nn + 2.0 * en * en) / (2.0 * r2) + bias * bias
    r4 = r2 * r2
    R[AZIMUTH, AZIMUTH] += (rr * ee + re * re) / (r4 * rho**4)
    R[ELEVATION, ELEVATION] += (rr * nn + rn * rn + 0.5 * (f2 / rho * ee) ** 2) / r4
    R[RANGE_RATE, RANGE_RATE] += (ee * vee + nn * vnn + 2.0 * en * ven) / r2


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
def linearise(
    x: F64, P: F64, n: int, used: I64, g: F64, pose_scale: F64, own_scale: F64, h: F64, H: F64, PHt: F64, S: F64, R: F64
) -> None:
    """Linearise the measurement for n tracks and M models, keeping only the k components named in ``used``.

    Writes h (n, M, k), H (n, M, k, 6), PHt (n, M, 6, k), R (n, M, k, k), the noise that does not
    come from the detection, and S = H P H^T + R (n, M, k, k).
    """
    k = len(used)
    h8, H8 = np.empty(8), np.empty((8, 6))
    R8, shift, d, D = np.empty((8, 8)), np.empty((3, 3)), np.empty(3), np.empty((3, 6))
    for i in range(n):
        for m in range(x.shape[1]):
            tau = measure(x[i, m], g, h8, H8, d, D)
            model_noise(P[i, m], g, H8, d, tau, pose_scale[i], own_scale[i], shift, R8)
            clock_noise(x[i, m], g, H8, own_scale[i], R8)
            for a in range(k):
                ca = used[a]
                h[i, m, a] = h8[ca]
                for b in range(6):
                    H[i, m, a, b] = H8[ca, b]
                for b in range(k):
                    R[i, m, a, b] = R8[ca, used[b]]
            for a in range(6):
                for b in range(k):
                    s = 0.0
                    for c in range(6):
                        s += P[i, m, a, c] * H[i, m, b, c]
                    PHt[i, m, a, b] = s
            for a in range(k):
                for b in range(k):
                    s = R[i, m, a, b]
                    for c in range(6):
                        s += H[i, m, a, c] * PHt[i, m, c, b]
                    S[i, m, a, b] = s
