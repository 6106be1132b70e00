"""The same filter arithmetic through filterpy: slow, written by others, selectable for comparison."""

from __future__ import annotations

import numpy as np
from filterpy.common import kinematic_kf
from filterpy.kalman import predict as filterpy_predict
from filterpy.kalman import update as filterpy_update
from numpy.typing import NDArray
from scipy.linalg import expm

from fusion.config import MotionConfig
from fusion.kernels.measurement import AZIMUTH
from fusion.kernels.update import MODEL_FLOOR
from messages.frames import F64, wrap_pi

I64 = NDArray[np.int64]


def motion_matrices(q: float, tau_s: float, dt: float, states: int) -> tuple[F64, F64]:
    """Return F and Q (states, states) of ``fusion.kernels.motion``: white acceleration, or one correlated over tau [s].

    Q of a correlated one by Van Loan's matrix exponential (1978) of a step short of tau, which is then doubled.
    """
    if tau_s > 0.0:
        drift = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, -1.0 / tau_s]])
        joint = np.zeros((6, 6))
        joint[:3, :3], joint[3:, 3:], joint[2, 5] = -drift, drift.T, q / tau_s**2
        doublings = max(0, int(np.ceil(np.log2(dt / tau_s)))) if dt > 0.0 else 0
        flow = expm(joint * (dt / 2**doublings))
        one, axis = flow[3:, 3:].T, flow[3:, 3:].T @ flow[:3, 3:]
        for _ in range(doublings):
            one, axis = one @ one, one @ axis @ one.T + axis
    else:
        one, axis = np.zeros((2, states // 3, states // 3))
        one[:2, :2] = kinematic_kf(dim=1, order=1, dt=dt).F
        axis[:2, :2] = q * np.array([[dt**3 / 3.0, dt**2 / 2.0], [dt**2 / 2.0, dt]])
    return np.asarray(np.kron(one, np.eye(3))), np.asarray(np.kron(axis, np.eye(3)))


class FilterpyFilter:
    """IMM prediction and association-weighted update, one filterpy call a track, model and hypothesis."""

    def __init__(self, config: MotionConfig) -> None:
        self._models = tuple(zip(config.acceleration_intensity, config.correlations_s, strict=True))
        self._stationary = np.array(config.stationary)
        self._sojourn_s = config.sojourn_s

    def predict(self, x: F64, P: F64, mu: F64, n: int, dt: float) -> None:
        """Mix the models and move the first n tracks by dt [s]."""
        stay = np.exp(-dt / self._sojourn_s)
        jump = stay * np.eye(len(self._models)) + (1.0 - stay) * self._stationary
        matrices = [motion_matrices(q, tau_s, dt, x.shape[2]) for q, tau_s in self._models]
        for i in range(n):
            predicted = mu[i] @ jump
            mixed = [_merge(x[i], P[i], jump[:, j] * mu[i] / predicted[j]) for j in range(len(self._models))]
            for j, (F, Q) in enumerate(matrices):
                x[i, j], P[i, j] = filterpy_predict(mixed[j][0], mixed[j][1], F, Q)
            mu[i] = predicted

    def update(
        self, x: F64, P: F64, mu: F64, n: int, h: F64, H: F64, PHt: F64, S: F64, R: F64, z: F64, var: F64, used: I64,
        start: I64, det: I64, like: F64, beta: F64, miss: F64,
    ) -> int:  # fmt: skip
        """Update the first n tracks with association probabilities; filterpy forms its own S and gain."""
        for i in range(n):
            pairs = range(start[i], start[i + 1])
            if not len(pairs):
                continue
            weight = like[pairs] * mu[i]
            joint = np.vstack([beta[pairs, None] * weight / weight.sum(axis=1, keepdims=True), miss[i] * mu[i]])
            for m in range(mu.shape[1]):
                states = [
                    _single(x[i, m], P[i, m], h[i, m], H[i, m], R[i, m], z[det[p]], var[det[p]], used) for p in pairs
                ]
                states.append((x[i, m], P[i, m]))
                means, covariances = np.array([s[0] for s in states]), np.array([s[1] for s in states])
                x[i, m], P[i, m] = _merge(means, covariances, joint[:, m] / joint[:, m].sum())
            mu[i] = np.maximum(joint.sum(axis=0), MODEL_FLOOR)
            mu[i] /= mu[i].sum()
        return 0


def _single(x: F64, P: F64, h: F64, H: F64, R: F64, z: F64, var: F64, used: I64) -> tuple[F64, F64]:
    """Update one state with one detection's measured components."""
    have = np.flatnonzero(~np.isnan(z))
    y = z[have] - h[have]
    y = np.where(used[have] == AZIMUTH, wrap_pi(y), y)
    noise = R[np.ix_(have, have)] + np.diag(var[have])
    # filterpy's innovation is z - H x: the linearised measurement of the same innovation is y + H x.
    new_x, new_P = filterpy_update(x, P, y + H[have] @ x, noise, H[have])
    return new_x, new_P


def _merge(x: F64, P: F64, w: F64) -> tuple[F64, F64]:
    """Return mean and covariance of a mixture."""
    mean = w @ x
    d = x - mean
    return mean, np.einsum("m,mab->ab", w, P) + np.einsum("m,ma,mb->ab", w, d, d)
