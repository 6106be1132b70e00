"""What a platform believes of its own pose: truth plus slowly varying GNSS and inertial errors."""

from __future__ import annotations

import math

import numpy as np

from messages.frames import F64
from scenarios.own import Navigation

KNOT_S = 1.0  # errors are drawn once a second and interpolated; against 80 s the loss of variance is below 0.3 %


class NavigationError:
    """First-order Gauss-Markov errors of one hull: position, velocity, attitude, and turret angle.

    ``e[k+1] = exp(-dt/tau) e[k] + sigma sqrt(1 - exp(-2 dt/tau)) w[k]``, begun in its stationary state, so the
    sigmas that the pose message states are true at every instant.
    """

    def __init__(self, plan: Navigation, duration_s: float, rng: np.random.Generator) -> None:
        self._sigma = np.array(
            [plan.position_sigma_m] * 3
            + [plan.velocity_sigma_mps] * 3
            + [math.radians(plan.heading_sigma_deg)]
            + [math.radians(plan.level_sigma_deg)] * 2
            + [math.radians(plan.turret_sigma_deg)]
        )
        n = math.ceil(duration_s / KNOT_S) + 2
        keep = math.exp(-KNOT_S / plan.time_constant_s)
        noise = rng.standard_normal((n, len(self._sigma)))
        self._knots: F64 = np.empty_like(noise)
        self._knots[0] = noise[0]
        for k in range(1, n):
            self._knots[k] = keep * self._knots[k - 1] + math.sqrt(1.0 - keep * keep) * noise[k]
        self._knots *= self._sigma

    def at(self, t_s: float) -> tuple[F64, F64, F64, float]:
        """Return the errors of position (3,), velocity (3,), (yaw, pitch, roll) and turret angle."""
        k = min(max(t_s / KNOT_S, 0.0), len(self._knots) - 1.000001)
        j = int(k)
        e = self._knots[j] * (1.0 - (k - j)) + self._knots[j + 1] * (k - j)
        return e[0:3], e[3:6], e[6:9], float(e[9])
