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
