"""Gusts along a flight: Dryden turbulence of the wind's own axes, met at the speed through the air.

MIL-F-8785C, one-sided spectra in angular frequency, T = L / V:

``Phi_u = sigma_u^2 (2 T / pi) / (1 + (T w)^2)``, ``Phi_v,w = sigma^2 (T / pi) (1 + 3 (T w)^2) / (1 + (T w)^2)^2``.

The filters run in units of T with unit variance and are stepped exactly, so that height and speed may change from
step to step and the intensity is right at every one.
"""

from __future__ import annotations

import math

import numpy as np

from sim.propagation.turbulence import dryden

LEAST_AIRSPEED_MPS = 2.0  # hovering in a calm, a gust field still passes by at about this speed (E)
DRAW_BLOCK = 1024  # steps whose random numbers are drawn together
ROOT_3 = math.sqrt(3.0)


class Gusts:
    """One body's gusts: ``step`` returns what the air adds to the mean wind, east, north, up [m/s]."""

    def __init__(
        self, wind_20ft_mps: float, wind_mps: tuple[float, float], step_s: float, rng: np.random.Generator
    ) -> None:
        """Begin in the stationary state; ``wind_mps`` (east, north) is the mean wind, whose axes the gusts have."""
        self._w20, self._step_s, self._rng = wind_20ft_mps, step_s, rng
        speed = math.hypot(*wind_mps)
        self._along = (wind_mps[0] / speed, wind_mps[1] / speed) if speed > 0.0 else (0.0, 1.0)
        self._draws: list[list[float]] = []
        self._next = 0
        w = rng.standard_normal(5).tolist()
        self._u = w[0]
        # The stationary covariance of the two states of v and w is [[1, 1/2], [1/2, 1/2]].
        self._v = [w[1], 0.5 * w[1] + 0.5 * w[2]]
        self._w = [w[3], 0.5 * w[3] + 0.5 * w[4]]

    def step(self, height_m: float, airspeed_mps: float) -> tuple[float, float, float]:
        """Advance by one step at a height above the ground and a speed through the air."""
        d = dryden(height_m, self._w20)
        way_m = max(airspeed_mps, LEAST_AIRSPEED_MPS) * self._step_s
        n = self._normals()
        keep = math.exp(-way_m / d.length_u_m)
        self._u = keep * self._u + math.sqrt(1.0 - keep * keep) * n[0]
        along = d.sigma_u_mps * self._u
        across = d.sigma_v_mps * _second_order(self._v, way_m / d.length_v_m, n[1], n[2])
        up = d.sigma_w_mps * _second_order(self._w, way_m / d.length_w_m, n[3], n[4])
        a, b = self._along
        return a * along + b * across, b * along - a * across, up

    def _normals(self) -> list[float]:
        if self._next >= len(self._draws):
            self._draws, self._next = self._rng.standard_normal((DRAW_BLOCK, 5)).tolist(), 0
        self._next += 1
        return self._draws[self._next - 1]


def _second_order(state: list[float], h: float, n1: float, n2: float) -> float:
    """Step ``(1 + sqrt(3) s) / (1 + s)^2`` by ``h`` (in units of T) and return its output, of unit variance.

    ``y1' = -y1 + noise``, ``y2' = y1 - y2``; the noise of a step has the covariance that keeps the stationary one.
    """
    keep = math.exp(-h)
    e = keep * keep
    q11, q12, q22 = 1.0 - e, 0.5 - e * (h + 0.5), 0.5 - e * (h * h + h + 0.5)
    l11 = math.sqrt(q11)
    l21 = q12 / l11
    l22 = math.sqrt(max(q22 - l21 * l21, 0.0))
    y1, y2 = state
    state[1] = keep * (h * y1 + y2) + l21 * n1 + l22 * n2
    state[0] = keep * y1 + l11 * n1
    return (ROOT_3 * state[0] + (1.0 - ROOT_3) * state[1]) / math.sqrt(2.0)
