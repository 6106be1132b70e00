"""First state of a track: from one plot with range, or from one bearing with a range to assume."""

from __future__ import annotations

import numpy as np

from fusion.kernels import jit
from fusion.kernels.linearising import turn_covariance
from fusion.kernels.measurement import G_POSITION_VAR, G_TILT_VAR, G_YAW_VAR
from messages.frames import F64


@jit
def birth_polar(z: F64, var: F64, g: F64, across_mps: F64, x: F64, P: F64) -> None:
    """Write states (m, 6) and covariances (m, 6, 6) from complete rows range, azimuth, elevation, range rate.

    ``z, var`` (m, 4) must not be NaN: the caller fills what is missing with a prior. The radial
    velocity comes from the range rate; across the line of sight the velocity is zero with the
    sigmas ``across_mps`` (m, 2): sideways and upwards [m/s].
    """
    J = np.empty((3, 3))
    u, d = np.empty(3), np.empty(3)
    for j in range(z.shape[0]):
        r, ca, sa = z[j, 0], np.cos(z[j, 1]), np.sin(z[j, 1])
        ce, se = np.cos(z[j, 2]), np.sin(z[j, 2])
        for a in range(3):
            # Columns: unit vectors along range, azimuth (to the right) and elevation, in ENU.
            J[a, 0] = g[6 + a] * ca * ce - g[9 + a] * sa * ce + g[12 + a] * se
            J[a, 1] = -g[6 + a] * sa - g[9 + a] * ca
            J[a, 2] = -g[6 + a] * ca * se + g[9 + a] * sa * se + g[12 + a] * ce
            u[a] = J[a, 0]
            d[a] = r * u[a]
            x[j, a] = g[a] + d[a]
        own = 0.0
        for a in range(3):
            own += g[3 + a] * u[a]
        across = r * ce
        for a in range(3):
            x[j, 3 + a] = (z[j, 3] + own) * u[a]
            for b in range(3):
                P[j, a, b] = (
                    J[a, 0] * var[j, 0] * J[b, 0]
                    + J[a, 1] * var[j, 1] * across * across * J[b, 1]
                    + J[a, 2] * var[j, 2] * r * r * J[b, 2]
                    + (g[G_POSITION_VAR] if a == b else 0.0)
                    + turn_covariance(d, g[G_YAW_VAR], g[G_TILT_VAR], a, b)
                )
                P[j, a, 3 + b] = 0.0
                P[j, 3 + a, b] = 0.0
                P[j, 3 + a, 3 + b] = (
                    u[a] * var[j, 3] * u[b]
                    + J[a, 1] * across_mps[j, 0] ** 2 * J[b, 1]
                    + J[a, 2] * across_mps[j, 1] ** 2 * J[b, 2]
                )
