"""Constant errors of a sensor's pose and clock: how they turn its axes, and what they do to its measurements.

A *bias* is what is stated minus what is true.
"""

from __future__ import annotations

import numpy as np

from fusion.kernels import jit
from fusion.kernels.measurement import AZIMUTH, EAST, ELEVATION, RANGE, SMALL_M, TDOA, UP
from messages.frames import F64

# What can be wrong with one sensor: 6 biases of its platform, 5 of its own.
YAW, PITCH, ROLL = 0, 1, 2  # attitude of the platform [rad]
PLACE = 3  # its position, east, north, up [m], 3 numbers
ALIGN = 6  # yaw, pitch, roll of the sensor on the platform [rad], 3 numbers
RANGE_OFFSET = 9  # [m]
CLOCK = 10  # stamp minus true time of validity [s]
N_LOCAL = 11


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
