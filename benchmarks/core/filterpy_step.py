"""The same filter step by filterpy, a track at a time, as its own documentation does it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from filterpy.kalman import ExtendedKalmanFilter

from benchmarks.core.scenes.sensing import AZIMUTH, look_at
from messages.frames import F64, wrap_pi

if TYPE_CHECKING:
    from benchmarks.core.filter_step import Problem, Run


def filterpy_step(problem: Problem) -> Run:
    """Prepare a filter a track: each predicts and updates."""
    dt, q = problem.dt_s, problem.intensity_m2ps3
    F = np.eye(6) + np.diag([dt] * 3, 3)
    Q = q * np.kron(np.array([[dt**3 / 3.0, dt**2 / 2.0], [dt**2 / 2.0, dt]]), np.eye(3))
    filters = []
    for x, P in zip(problem.x, problem.P, strict=True):
        one = ExtendedKalmanFilter(dim_x=6, dim_z=4)
        one.x, one.P, one.F, one.Q, one.R = x.copy(), P.copy(), F, Q, np.diag(problem.sigma**2)
        filters.append(one)

    def step() -> None:
        for one, z in zip(filters, problem.z, strict=True):
            one.predict()
            one.update(z, jacobian, measured, residual=difference)

    return step, lambda: (np.stack([one.x for one in filters]), np.stack([one.P for one in filters]))


def measured(x: F64) -> F64:
    """Return range, azimuth, elevation and range rate (4,) of a state (6,) seen from the origin."""
    return look_at(x[:3], x[3:], np.zeros(3))


def difference(a: F64, b: F64) -> F64:
    """Return a - b with the azimuth wrapped."""
    d = a - b
    d[AZIMUTH] = wrap_pi(d[AZIMUTH])
    return d


def jacobian(state: F64) -> F64:
    """Return the derivative (4, 6) of ``measured``."""
    (x, y, z), v = state[:3], state[3:]
    ground2 = x * x + y * y
    ground, range_m = np.sqrt(ground2), np.sqrt(ground2 + z * z)
    unit = state[:3] / range_m
    H = np.zeros((4, 6))
    H[0, :3] = unit
    H[1, :2] = y / ground2, -x / ground2
    H[2, :3] = -x * z / (ground * range_m**2), -y * z / (ground * range_m**2), ground / range_m**2
    H[3, :3] = (v - unit * (unit @ v)) / range_m
    H[3, 3:] = unit
    return H
