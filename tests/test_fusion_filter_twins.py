"""The compiled filter, measurement by measurement and as a whole, against filterpy and against joint least squares.

Every kind of measurement runs through prediction, linearisation, likelihood and update for 24 looks at one track.
filterpy's extended filter measures by the definitions of ``matched_scene`` and differentiates them by differences; the
kernel's R, with its second-order terms, it takes over: ``test_fusion_measurement`` holds that against sampling.
"""

import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from filterpy.kalman import ExtendedKalmanFilter, IMMEstimator, KalmanFilter
from matched_scene import KINDS, SOJOURN_S, START, START_SIGMA, Bank, Instrument, claim, fly, with_noise
from motion_models import WHITE

from fusion.config import MotionConfig
from fusion.kernels import gating, motion
from fusion.kernels.measurement import AZIMUTH, TDOA
from fusion.kernels.update import MODEL_FLOOR

sys.path.insert(0, str(Path(__file__).parent / "oracles"))
import joint_least_squares

INTENSITY, LOOKS = 4.0, 24
NO_GATE = np.full(9, 1e9)


@dataclass(frozen=True)
class Step:
    """One look at the one track: what went in, what the kernels made of it. R with the detection's own noise."""

    t_s: float
    dt: float
    sensor: Instrument
    z: np.ndarray
    have: np.ndarray  # the components that this look has, as places in z
    y: np.ndarray
    x_before: np.ndarray
    H: np.ndarray
    R: np.ndarray
    like: np.ndarray
    x: np.ndarray
    P: np.ndarray


def likelihoods(bank: Bank, z: np.ndarray, var: np.ndarray) -> np.ndarray:
    """Return what the gating kernel says of the only track and its only detection, for each model (1, M)."""
    track, det, like = np.empty(1, np.int64), np.empty(1, np.int64), np.empty((1, bank.mu.shape[1]))
    assert gating.pair_likelihoods(bank.mu, 1, bank.h, bank.S, z, var, bank.used, NO_GATE, track, det, like) == 1
    return like


def follow(kind: str) -> list[Step]:
    rng, steps, t = np.random.default_rng(list(KINDS).index(kind)), [], 0.0
    truth = START[None] + rng.normal(size=(1, 6)) * START_SIGMA
    p, v = truth[:, :3], truth[:, 3:]
    bank = Bank(START[None, None].copy(), np.diag(START_SIGMA**2)[None, None].copy())
    for k in range(LOOKS):
        dt, sensor = float(rng.uniform(0.1, 0.9)), KINDS[kind][k % len(KINDS[kind])]
        t += dt
        p, v = fly(p, v, INTENSITY, dt, rng)
        z, var = sensor.measure(p, v, t, rng), np.array([sensor.sigma]) ** 2
        bank.predict(INTENSITY, dt)
        bank.look(sensor.used, sensor.geometry(t))
        have = np.flatnonzero(~np.isnan(z[0]))
        y, R = bank.innovations(z)[0, have], with_noise(bank.R, var)[0][np.ix_(have, have)]
        before, H, like = bank.x[0, 0].copy(), bank.H[0, 0, have], likelihoods(bank, z, var)
        assert bank.correct(z, var) == 0
        after = bank.x[0, 0].copy(), bank.P[0, 0].copy()
        steps.append(Step(t, dt, sensor, z[0], have, y, before, H, R, like[0], *after))
    return steps


def short_way(a: np.ndarray, b: np.ndarray, s: Step) -> np.ndarray:
    """Return a - b (k,) of a step's measured components, azimuths between -pi and pi."""
    angle = np.array(s.sensor.used)[s.have] == AZIMUTH
    return np.where(angle, np.arctan2(np.sin(a - b), np.cos(a - b)), a - b)


def exact(x: np.ndarray, s: Step) -> np.ndarray:
    return s.sensor.exact(x[None, :3], x[None, 3:], s.t_s)[0, s.have]


def jacobian(x: np.ndarray, s: Step) -> np.ndarray:
    """Return dh/dx (k, 6) by central differences of fourth order over s = 0.25 m or m/s.

    ``(8 (h(s) - h(-s)) - (h(2s) - h(-2s))) / 12s``, h(s) a step s away. From 300 m the error, of fourth order in step
    over range, is 1e-13 of the slope; that of rounding, 1e-16 in an angle of slope 1/1000 a metre, as small.
    """
    columns = []
    for e in np.eye(6):
        near, far = (short_way(exact(x + a * e, s), exact(x - a * e, s), s) for a in (0.25, 0.5))
        columns.append((8.0 * near - far) / 3.0)
    return np.stack(columns, axis=1)


def expected(x: np.ndarray, s: Step, P: np.ndarray) -> np.ndarray:
    """Return the mean of h over places spread by P, to second order, of an arrival-time difference; else h itself.

    Along each principal axis of P by central differences of sixth order over 10 m.
    """
    out = exact(x, s)
    bent = np.array(s.sensor.used)[s.have] == TDOA
    if not bent.any():
        return out
    weights = np.array([2.0, -27.0, 270.0, -490.0, 270.0, -27.0, 2.0]) / (180.0 * 10.0**2)
    variances, axes = np.linalg.eigh(P[:3, :3])
    for var, axis in zip(variances, axes.T, strict=True):
        along = np.array([exact(x + 10.0 * a * np.append(axis, np.zeros(3)), s) for a in range(-3, 4)])
        out = out + np.where(bent, 0.5 * var * (weights @ along), 0.0)
    return out


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_measurement_equals_filterpys_extended_filter(kind: str) -> None:
    ekf = ExtendedKalmanFilter(6, 1)
    ekf.x, ekf.P = START.copy(), np.diag(START_SIGMA**2)
    for s in follow(kind):
        ekf.F, ekf.Q = joint_least_squares.motion(s.dt, INTENSITY)
        ekf.predict()
        residual = partial(short_way, s=s)
        ekf.update(
            s.z[s.have], partial(jacobian, s=s), partial(expected, s=s, P=ekf.P.copy()), R=s.R, residual=residual
        )
        np.testing.assert_allclose(s.x, ekf.x, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(s.P, ekf.P, rtol=1e-9, atol=1e-9)
        assert s.like[0] == pytest.approx(ekf.likelihood, rel=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_the_whole_track_equals_the_joint_solution_of_all_its_looks(kind: str) -> None:
    """With ``z = h + H (x - x_before)``, linear where the filter made it so, the filter solves linear equations."""
    steps, none = follow(kind), np.empty((0, 0))
    looks = [joint_least_squares.Look(s.t_s, s.y + s.H @ s.x_before, s.H, none, s.R) for s in steps]
    for n in (1, LOOKS // 2, LOOKS):
        x, P = joint_least_squares.last_state(looks[:n], START, START_SIGMA**2, INTENSITY)
        np.testing.assert_allclose(steps[n - 1].x, x, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(steps[n - 1].P, P, rtol=1e-9, atol=1e-9)


def filterpys_imm(config: MotionConfig) -> IMMEstimator:
    """Return four linear filters of claimed positions at the common start."""
    filters = []
    for _ in config.acceleration_intensity:
        kf = KalmanFilter(6, 3)
        kf.x, kf.P, kf.H = START.copy(), np.diag(START_SIGMA**2), np.eye(3, 6)
        kf.R = np.diag(np.array(claim.sigma) ** 2)
        filters.append(kf)
    return IMMEstimator(filters, np.array(config.stationary), np.eye(len(filters)))


def test_a_chain_of_model_mixing_likelihoods_and_updates_equals_filterpys_imm() -> None:
    """Twenty looks at a target that turns away after ten: mixing, gating's likelihoods, update and output together."""
    config, rng = WHITE, np.random.default_rng(2)
    q, stationary, models = np.array(config.acceleration_intensity), np.array(config.stationary), len(config.stationary)
    bank = Bank(np.tile(START, (1, models, 1)), np.tile(np.diag(START_SIGMA**2), (1, models, 1, 1)), stationary)
    imm, var = filterpys_imm(config), np.array([claim.sigma]) ** 2
    p, v, moved = START[None, :3], START[None, 3:], []
    for k in range(20):
        dt = float(rng.uniform(0.1, 0.9))
        p, v = fly(p, v, 0.1 if k < 10 else 90.0, dt, rng)
        z = claim.measure(p, v, 0.0, rng)
        motion.transition(stationary, SOJOURN_S, dt, imm.M)
        imm._compute_mixing_probabilities()
        for kf, intensity in zip(imm.filters, q, strict=True):
            kf.F, kf.Q = joint_least_squares.motion(dt, intensity)
        imm.predict()
        imm.update(z[0])
        imm.mu = np.maximum(imm.mu, MODEL_FLOOR) / np.maximum(imm.mu, MODEL_FLOOR).sum()
        imm._compute_state_estimate()
        bank.predict(q, dt)
        bank.look(claim.used, claim.geometry(0.0))
        assert bank.correct(z, var, likelihoods(bank, z, var)) == 0
        x, P = np.empty((1, 6)), np.empty((1, 6, 6))
        motion.outputs(bank.x, bank.P, bank.mu, 1, x, P)
        np.testing.assert_allclose(bank.x[0], [kf.x for kf in imm.filters], rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(bank.P[0], [kf.P for kf in imm.filters], rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(bank.mu[0], imm.mu, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(x[0], imm.x, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(P[0], imm.P, rtol=1e-9, atol=1e-9)
        moved.append(imm.mu.argmax())
    assert moved[9] < moved[-1]  # the models did change places
