"""Prediction: nearly-constant-velocity models with exact IMM mixing.

State ``[e n u ve vn vu]`` [m, m/s]. Each model is driven by continuous white acceleration of
intensity q [m^2/s^3]: ``Q = q [[dt^3/3, dt^2/2], [dt^2/2, dt]]`` an axis (Bar-Shalom, Li and
Kirubarajan 2001, section 6.2.2), so that predictions compose: F(a)F(b) = F(a+b), and Q with them.
"""

from __future__ import annotations

import numpy as np

from fusion.kernels import jit
from messages.frames import F64


@jit
def predict_one(x: F64, P: F64, q: float, dt: float) -> None:
    """Move one state (6,) and covariance (6, 6) by dt [s] in place, using the block form of F."""
    q11 = q * dt * dt * dt / 3.0
    q12 = q * dt * dt / 2.0
    for i in range(3):
        x[i] += dt * x[i + 3]
    for i in range(3):
        for j in range(3):
            P[i, j] += dt * (P[i + 3, j] + P[i, j + 3]) + dt * dt * P[i + 3, j + 3]
    for i in range(3):
        for j in range(3):
            P[i, j + 3] += dt * P[i + 3, j + 3]
            P[j + 3, i] = P[i, j + 3]
        P[i, i] += q11
        P[i, i + 3] += q12
        P[i + 3, i] = P[i, i + 3]
        P[i + 3, i + 3] += q * dt


@jit
def transition(stationary: F64, sojourn_s: float, dt: float, out: F64) -> None:
    """Write the (M, M) model transition matrix over dt.

    Jumps come at rate 1/sojourn and land on the stationary distribution:
    ``p_ij = pi_j + (delta_ij - pi_j) exp(-dt / sojourn)``, a semigroup in dt, so that many short
    steps equal one long one whatever the mix of sensor rates.
    """
    stay = np.exp(-dt / sojourn_s)
    for i in range(len(stationary)):
        for j in range(len(stationary)):
            out[i, j] = stationary[j] * (1.0 - stay)
        out[i, i] += stay


@jit
def moment_match(x: F64, P: F64, w: F64, out_x: F64, out_P: F64) -> None:
    """Write mean and covariance of a mixture: x (M, 6), P (M, 6, 6), weights w (M,) that sum to 1."""
    models = len(w)
    for a in range(6):
        s = 0.0
        for m in range(models):
            s += w[m] * x[m, a]
        out_x[a] = s
    for a in range(6):
        for b in range(a, 6):
            s = 0.0
            for m in range(models):
                s += w[m] * (P[m, a, b] + (x[m, a] - out_x[a]) * (x[m, b] - out_x[b]))
            out_P[a, b] = s
            out_P[b, a] = s


@jit
def predict_tracks(x: F64, P: F64, mu: F64, n: int, q: F64, stationary: F64, sojourn_s: float, dt: float) -> None:
    """Mix and predict the first n tracks in place: x (C, M, 6), P (C, M, 6, 6), mu (C, M)."""
    models = len(q)
    if models == 1:
        for i in range(n):
            predict_one(x[i, 0], P[i, 0], q[0], dt)
        return
    jump = np.empty((models, models))
    transition(stationary, sojourn_s, dt, jump)
    w = np.empty((models, models))
    mixed_x = np.empty((models, 6))
    mixed_P = np.empty((models, 6, 6))
    for i in range(n):
        _mix(x[i], P[i], mu[i], jump, w, mixed_x, mixed_P)
        for m in range(models):
            predict_one(mixed_x[m], mixed_P[m], q[m], dt)
            for a in range(6):
                x[i, m, a] = mixed_x[m, a]
                for b in range(6):
                    P[i, m, a, b] = mixed_P[m, a, b]


@jit
def _mix(x: F64, P: F64, mu: F64, jump: F64, w: F64, mixed_x: F64, mixed_P: F64) -> None:
    """Write each model's mixed start and replace mu by its prediction (Blom and Bar-Shalom 1988)."""
    models = len(mu)
    for j in range(models):
        total = 0.0
        for i in range(models):
            w[j, i] = jump[i, j] * mu[i]
            total += w[j, i]
        for i in range(models):
            w[j, i] /= total
        moment_match(x, P, w[j], mixed_x[j], mixed_P[j])
    for j in range(models):
        total = 0.0
        for i in range(models):
            total += jump[i, j] * mu[i]
        w[0, j] = total  # row 0 is free again
    for j in range(models):
        mu[j] = w[0, j]


@jit
def outputs(x: F64, P: F64, mu: F64, n: int, out_x: F64, out_P: F64) -> None:
    """Write the moment-matched output of the first n tracks: out_x (C, 6), out_P (C, 6, 6)."""
    for i in range(n):
        moment_match(x[i], P[i], mu[i], out_x[i], out_P[i])
