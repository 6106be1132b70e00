"""Prediction: motion models with white or with correlated acceleration, and exact IMM mixing.

State ``[e n u ve vn vu]`` [m, m/s], and where any model has a correlation time ``[.. ae an au]`` [m/s^2] besides.
A model of intensity q [m^2/s^3] and correlation time tau [s] is driven by

- tau = 0: continuous white acceleration, ``Q = q [[dt^3/3, dt^2/2], [dt^2/2, dt]]`` an axis (nearly constant velocity;
  Bar-Shalom, Li and Kirubarajan 2001, section 6.2.2). In a state that has an acceleration this model's is zero.
- tau > 0: acceleration that forgets, ``da/dt = -a/tau + w`` of variance ``q / (2 tau)`` (Singer 1970; the same,
  section 8.2.2). For dt far above tau it moves as the first kind of the same q.

Predictions of both kinds compose: F(a)F(b) = F(a+b), and Q with them.
"""

from __future__ import annotations

import numpy as np

from fusion.kernels import jit
from messages.frames import F64

PLAIN, WHOLE = 6, 9  # states without and with acceleration
STEPS = 10  # numbers that ``steps`` says of one model
CLOSED = 0.7  # dt / tau from which the closed form of Q loses less than it would to cancellation below
NODES, WEIGHTS = np.polynomial.legendre.leggauss(8)  # exact to rounding for the powers of dt / tau below CLOSED


@jit
def width(P: F64) -> int:
    """Return how many states a model moves: a covariance without acceleration has zeros in its place (NaN is none)."""
    return PLAIN if P.shape[0] == PLAIN or P[WHOLE - 1, WHOLE - 1] == 0.0 else WHOLE


@jit
def _ramp(s: float) -> float:
    """Return ``s - 1 + exp(-s)`` for s below CLOSED without cancellation."""
    total, term = 0.0, s * s / 2.0
    for k in range(3, 16):
        total += term
        term *= -s / k
    return total


@jit
def steps(q: F64, tau_s: F64, dt: float, out: F64) -> None:
    """Write what each model does in dt [s]: out (M, STEPS).

    Shares of acceleration that go to place, velocity and acceleration; then Q of an axis: place, place and velocity,
    place and acceleration, velocity, velocity and acceleration, acceleration; last 1 for a correlated model.
    """
    for m in range(len(q)):
        if tau_s[m] <= 0.0:
            out[m, :] = 0.0
            out[m, 3], out[m, 4], out[m, 6] = q[m] * dt**3 / 3.0, q[m] * dt**2 / 2.0, q[m] * dt
            continue
        tau, s = tau_s[m], dt / tau_s[m]
        kept, lost = np.exp(-s), -np.expm1(-s)
        twice = -np.expm1(-2.0 * s)
        if s > CLOSED:
            ramp = s - lost
            place = (twice + 2.0 * s + 2.0 * s**3 / 3.0 - 2.0 * s**2 - 4.0 * s * kept) / 2.0
            pull, speed = (twice - 2.0 * s * kept) / 2.0, s - 2.0 * lost + twice / 2.0
        else:
            ramp, place, pull, speed = _ramp(s), 0.0, 0.0, 0.0
            for i in range(len(NODES)):
                u, w = s * (1.0 + NODES[i]) / 2.0, s * WEIGHTS[i] / 2.0
                r, v = _ramp(u), -np.expm1(-u)
                place += w * r * r
                pull += w * r * np.exp(-u)
                speed += w * v * v
        drive = q[m] / tau**2  # of the white noise that drives the acceleration
        out[m, 0], out[m, 1], out[m, 2] = tau**2 * ramp, tau * lost, kept
        out[m, 3], out[m, 4], out[m, 5] = drive * tau**5 * place, drive * tau**4 * ramp**2 / 2.0, drive * tau**3 * pull
        out[m, 6], out[m, 7], out[m, 8] = (
            drive * tau**3 * speed,
            drive * tau**2 * lost**2 / 2.0,
            drive * tau * twice / 2,
        )
        out[m, 9] = 1.0


@jit
def predict_one(x: F64, P: F64, q: float, dt: float) -> None:
    """Move one state (6, ..) and covariance under white acceleration by dt [s] in place, by the block form of F."""
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
def shift(column: F64, step: F64, dt: float) -> None:
    """Move a column over the states, or a state itself, (6 or 9,) by dt [s] in place; step (STEPS,) of its model."""
    for i in range(3):
        column[i] += dt * column[3 + i]
    if len(column) == PLAIN:
        return
    for i in range(3):
        column[i] += step[0] * column[6 + i]
        column[3 + i] += step[1] * column[6 + i]
        column[6 + i] *= step[2]


@jit
def predict_state(x: F64, P: F64, q: float, step: F64, dt: float) -> None:
    """Move one state (6,) or (9,) and its covariance by dt [s] in place; step (STEPS,) of its model."""
    if step[9] == 0.0:
        predict_one(x, P, q, dt)
        x[PLAIN:] = 0.0
        P[PLAIN:, :] = 0.0
        P[:, PLAIN:] = 0.0
        return
    shift(x, step, dt)
    for j in range(WHOLE):
        shift(P[:, j], step, dt)
    for i in range(WHOLE):
        shift(P[i], step, dt)
    for i in range(3):
        P[i, i] += step[3]
        P[i, 3 + i] += step[4]
        P[i, 6 + i] += step[5]
        P[3 + i, 3 + i] += step[6]
        P[3 + i, 6 + i] += step[7]
        P[6 + i, 6 + i] += step[8]
    for i in range(WHOLE):
        for j in range(i):
            P[i, j] = P[j, i]


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
    """Write mean and covariance of a mixture: x (M, n), P (M, n, n), weights w (M,) that sum to 1.

    ``out_x`` may be shorter than n: then of the first states alone.
    """
    models, size = len(w), len(out_x)
    for a in range(size):
        s = 0.0
        for m in range(models):
            s += w[m] * x[m, a]
        out_x[a] = s
    for a in range(size):
        for b in range(a, size):
            s = 0.0
            for m in range(models):
                s += w[m] * (P[m, a, b] + (x[m, a] - out_x[a]) * (x[m, b] - out_x[b]))
            out_P[a, b] = s
            out_P[b, a] = s


@jit
def predict_tracks(
    x: F64, P: F64, mu: F64, n: int, q: F64, tau_s: F64, stationary: F64, sojourn_s: float, dt: float
) -> None:
    """Mix and predict the first n tracks in place: x (C, M, 6 or 9), P (C, M, ..), mu (C, M)."""
    models, size = len(q), x.shape[2]
    step = np.empty((models, STEPS))
    steps(q, tau_s, dt, step)
    if models == 1:
        for i in range(n):
            predict_state(x[i, 0], P[i, 0], q[0], step[0], dt)
        return
    jump = np.empty((models, models))
    transition(stationary, sojourn_s, dt, jump)
    w = np.empty((models, models))
    mixed_x = np.empty((models, size))
    mixed_P = np.empty((models, size, size))
    for i in range(n):
        _mix(x[i], P[i], mu[i], jump, w, mixed_x, mixed_P)
        for m in range(models):
            predict_state(mixed_x[m], mixed_P[m], q[m], step[m], dt)
            for a in range(size):
                x[i, m, a] = mixed_x[m, a]
                for b in range(size):
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
    """Write place and velocity of the first n tracks, moment-matched: out_x (C, 6), out_P (C, 6, 6)."""
    for i in range(n):
        moment_match(x[i], P[i], mu[i], out_x[i], out_P[i])
