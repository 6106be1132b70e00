"""What tracks share with the errors of platforms: against filterpy's Kalman filter of state and errors together."""

import numpy as np
import pytest
from filterpy.kalman import update as filterpy_update
from motion_models import LASTING, WHITE

from fusion.config import MotionConfig, TrackerConfig
from fusion.filterpy_backend import motion_matrices
from fusion.filters import acceleration_variances, rules_of
from fusion.kernels import consider, linearising, measurement, motion, update
from fusion.kernels.consider import N_BLOCK
from fusion.kernels.measurement import AZIMUTH, G_POSITION_VAR, G_TILT_VAR, G_YAW_VAR, RANGE_RATE, UP
from fusion.table import begin

MODELS, TRACKS, PLATFORMS = len(WHITE.stationary), 3, 2
USED = np.array([0, 1, 2, 3])
F64 = np.ndarray


def turned(angles: F64) -> F64:
    """Rotation (3, 3) by small angles about east, north and up, to second order."""
    x, y, z = angles
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    return np.eye(3) + cross + cross @ cross / 2.0


def geometry(rng: np.random.Generator, place_m: F64) -> F64:
    g = np.zeros(measurement.G_SIZE)
    g[0:3] = place_m
    axes, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    g[6:15] = (axes * np.linalg.det(axes)).ravel()
    g[G_YAW_VAR], g[G_TILT_VAR], g[G_POSITION_VAR] = 0.004**2, 0.002**2, 0.8**2
    return g


def measured(x: F64, g: F64) -> tuple[F64, F64]:
    h, H = np.empty(8), np.empty((8, 6))
    measurement.measure(x, g, h, H, np.empty(3), np.empty((3, 6)))
    return h, H


def numeric_sensitivity(x: F64, g: F64) -> F64:
    """Innovation (8, N_BLOCK) by errors of stated minus true: a step of each, in the geometry itself."""
    T = np.empty((8, N_BLOCK))
    for j in range(N_BLOCK):
        ends = []
        step = 1e-5 if j < 3 else 1e-2
        for sign in (-1.0, 1.0):
            stated = g.copy()
            if j < 3:
                axes = g[6:15].reshape(3, 3) @ turned(sign * step * np.eye(3)[j]).T
                stated[6:15] = axes.ravel()
            else:
                stated[j - 3] += sign * step
            ends.append(measured(x, stated)[0])
        T[:, j] = -(ends[1] - ends[0]) / (2.0 * step)
    return T


def test_the_innovation_moves_with_the_errors_as_the_geometry_says() -> None:
    rng = np.random.default_rng(1)
    for _ in range(20):
        x, g = rng.normal(size=6) * [400, 400, 80, 20, 20, 5], geometry(rng, rng.normal(size=3) * 30.0)
        used = np.arange(UP + 1)
        T = np.empty((len(used), N_BLOCK))
        consider.sensitivity(x, g, measured(x, g)[1], used, T)
        expected = numeric_sensitivity(x, g)[: UP + 1]
        scale = np.abs(expected).max(axis=1, keepdims=True) + 1e-9
        np.testing.assert_allclose(T / scale, expected / scale, atol=1e-4)
        assert np.all(T[RANGE_RATE, :3] == 0.0)


class Together:
    """States and errors in one Kalman filter each, 6 + B numbers; the errors are never corrected (Schmidt)."""

    def __init__(self, x: F64, P: F64, mu: F64, config: MotionConfig) -> None:
        self.x, self.mu, self.config, self.n = x.copy(), mu.copy(), config, x.shape[2]
        self.P = np.zeros((TRACKS, MODELS, self.n + N_BLOCK * PLATFORMS, self.n + N_BLOCK * PLATFORMS))
        self.P[:, :, : self.n, : self.n] = P

    def know(self, platform: int, g: F64) -> None:
        rows = self.n + N_BLOCK * platform + np.arange(N_BLOCK)
        var = [g[G_TILT_VAR], g[G_TILT_VAR], g[G_YAW_VAR], *[g[G_POSITION_VAR]] * 3]
        self.P[:, :, rows, rows] = var

    def predict(self, dt: float) -> None:
        stay, n, config = np.exp(-dt / self.config.sojourn_s), self.n, self.config
        jump = stay * np.eye(MODELS) + (1.0 - stay) * np.array(config.stationary)
        size = self.P.shape[-1]
        for i in range(TRACKS):
            predicted = self.mu[i] @ jump
            starts = [mixture(self.x[i], self.P[i], jump[:, j] * self.mu[i] / predicted[j]) for j in range(MODELS)]
            for j, (x, P) in enumerate(starts):
                F, noise = np.eye(size), np.zeros((size, size))
                model = config.acceleration_intensity[j], config.correlations_s[j]
                F[:n, :n], noise[:n, :n] = motion_matrices(*model, dt, n)
                self.x[i, j], self.P[i, j] = F[:n, :n] @ x, F @ P @ F.T + noise
            self.mu[i] = predicted

    def update(self, platform: int, g: F64, z: F64, var: F64, own: F64, like: F64, beta: F64, miss: F64) -> None:
        """Every track may own each detection: like (n, d, M), beta (n, d), miss (n,); own (n, M, k, k): other noise."""
        n = self.n
        block = slice(n + N_BLOCK * platform, n + N_BLOCK * (platform + 1))
        for i in range(TRACKS):
            weight = like[i] * self.mu[i]
            joint = np.vstack([beta[i][:, None] * weight / weight.sum(axis=1, keepdims=True), miss[i] * self.mu[i]])
            for m in range(MODELS):
                x, P = self.x[i, m], self.P[i, m]
                h, H = measured(x[:6], g)
                wide = np.zeros((len(USED), P.shape[0]))
                wide[:, :6], wide[:, block] = H[USED], numeric_sensitivity(x[:6], g)[USED]
                ends = [(x, P)]
                for j in range(len(z)):
                    y = z[j] - h[USED]
                    y[USED == AZIMUTH] = (y[USED == AZIMUTH] + np.pi) % (2.0 * np.pi) - np.pi
                    new, new_P = filterpy_update(np.zeros(P.shape[0]), P, y, own[i, m] + np.diag(var[j]), wide)
                    new_P[n:, n:] = P[n:, n:]
                    ends.append((x + new[:n], new_P))
                w = np.append(joint[-1:, m], joint[:-1, m]) / joint[:, m].sum()
                self.x[i, m], self.P[i, m] = mixture(np.array([e[0] for e in ends]), np.array([e[1] for e in ends]), w)
            self.mu[i] = np.maximum(joint.sum(axis=0), update.MODEL_FLOOR)
            self.mu[i] /= self.mu[i].sum()


def mixture(x: F64, P: F64, w: F64) -> tuple[F64, F64]:
    """Moments of states (M, n) whose errors have the mean zero under each hypothesis."""
    mean, out = w @ x, np.einsum("m,mab->ab", w, P)
    n = len(mean)
    out[:n, :n] += np.einsum("m,ma,mb->ab", w, x - mean, x - mean)
    return mean, out


@pytest.mark.parametrize("config", [WHITE, LASTING], ids=["white", "lasting"])
def test_ten_looks_of_two_platforms_equal_one_filter_of_states_and_errors(config: MotionConfig) -> None:
    """Numeric Jacobians of the errors are good to 1e-7; ten looks later all is still equal to 1e-5 of its size."""
    rng = np.random.default_rng(2)
    rules, lasting = rules_of(TrackerConfig(motion=config)), acceleration_variances(config)
    n = 9 if lasting.any() else 6
    start = rng.normal(size=(TRACKS, 6)) * [300, 300, 40, 15, 15, 3] + [500, 800, 90, 0, 0, 0]
    A = rng.normal(size=(TRACKS, 6, 6)) * 2.0
    x, P, mu = np.empty((TRACKS, MODELS, n)), np.empty((TRACKS, MODELS, n, n)), rng.dirichlet(np.ones(MODELS), TRACKS)
    begin(x, P, slice(0, TRACKS), start, A @ A.transpose(0, 2, 1) + 4.0 * np.eye(6), lasting)
    C, known = np.zeros((TRACKS, MODELS, n, N_BLOCK * PLATFORMS)), np.zeros(N_BLOCK * PLATFORMS)
    twin = Together(x, P, mu, config)
    places = [geometry(rng, np.array([60.0 * k, -40.0 * k, 3.0])) for k in range(PLATFORMS)]
    for step in range(10):
        dt, p = float(rng.uniform(0.05, 0.4)), step % PLATFORMS
        g = places[p]
        consider.predict(C, mu, TRACKS, rules, dt, 1.0)
        motion.predict_tracks(x, P, mu, TRACKS, rules.q, rules.tau_s, rules.stationary, rules.sojourn_s, dt)
        consider.know(C, TRACKS, N_BLOCK * p, known, g)
        twin.predict(dt)
        twin.know(p, g)
        h, H = np.empty((TRACKS, MODELS, 4)), np.empty((TRACKS, MODELS, 4, n))
        PHt, S, R = np.empty((TRACKS, MODELS, n, 4)), *(np.empty((TRACKS, MODELS, 4, 4)) for _ in range(2))
        none, Y = np.zeros(TRACKS), np.empty((TRACKS, MODELS, 4, N_BLOCK * PLATFORMS))
        linearising.linearise(x, P, TRACKS, USED, g, none, none, h, H, PHt, S, R)
        own = R.copy()
        consider.look(C, x, P, TRACKS, g, USED, N_BLOCK * p, H, PHt, S, R, Y)
        sigma = np.array([2.0, 0.003, 0.004, 0.4])
        z = h[:2, 0] + rng.normal(size=(2, 4)) * sigma * 2.0
        var = np.tile(sigma**2, (2, 1))
        like, split = rng.uniform(0.1, 1.0, (TRACKS, 2, MODELS)), rng.dirichlet(np.ones(3), TRACKS)
        beta, miss = split[:, :2], split[:, 2].copy()
        pairs = np.arange(0, 2 * TRACKS + 1, 2), np.tile(np.arange(2), TRACKS)
        found = *pairs, like.reshape(-1, MODELS), np.ascontiguousarray(beta).ravel(), miss
        consider.learn(C, mu, TRACKS, PHt, S, Y, z, var, USED, *found)
        assert update.update_tracks(x, P, mu, TRACKS, h, H, PHt, S, R, z, var, USED, *found) == 0
        twin.update(p, g, z, var, own, like, beta, miss)
        for mine, theirs in ((x, twin.x), (P, twin.P[:, :, :n, :n]), (C, twin.P[:, :, :n, n:]), (mu, twin.mu)):
            np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-5 * np.abs(theirs).max())
    assert np.abs(C).max() > 0.1  # they share something by now


def test_state_and_errors_stay_a_covariance_whatever_becomes_known() -> None:
    rng = np.random.default_rng(3)
    g = geometry(rng, np.zeros(3))
    C, known = np.zeros((1, 1, 6, N_BLOCK)), np.zeros(N_BLOCK)
    consider.know(C, 1, 0, known, g)
    C[0, 0] = rng.normal(size=(6, N_BLOCK)) * np.sqrt(known)
    P = C[0, 0] @ np.diag(1.0 / known) @ C[0, 0].T + 1e-6 * np.eye(6)  # nothing but shared errors
    for factor in (0.25, 4.0, 0.0, 1.0):
        now = g.copy()
        now[[G_YAW_VAR, G_TILT_VAR, G_POSITION_VAR]] *= factor
        consider.know(C, 1, 0, known, now)
        joint = np.block([[P, C[0, 0]], [C[0, 0].T, np.diag(known)]])
        assert np.linalg.eigvalsh(joint).min() > -1e-9
    assert np.all(C == 0.0)  # exactly known once: nothing is shared with what came after


def follow(seed: int, louder: float) -> tuple[float, float]:
    """One calm target, ten looks a second for 15 s by one vehicle with drawn errors.

    ``louder``: 0 considers the errors, else they are white noise of so many times their variance. Returns NEES / 6 of
    the whole state and the error of the velocity [m/s].
    """
    rng, considered = np.random.default_rng(seed), louder == 0.0
    g, sigma = geometry(rng, np.zeros(3)), np.array([1.0, 0.0005, 0.0005, 0.3])
    true = np.array([700.0, 500.0, 60.0, -18.0, 6.0, 0.5])
    rules = rules_of(TrackerConfig(motion=MotionConfig((0.05,), (1.0,), correlation_s=())))
    stated_var = np.empty(N_BLOCK)
    consider.variances(g, stated_var)
    errors = rng.normal(size=N_BLOCK) * np.sqrt(stated_var)
    real = g.copy()
    real[6:15] = (g[6:15].reshape(3, 3) @ turned(errors[:3])).ravel()
    real[0:3] -= errors[3:]
    P = np.diag([30.0**2] * 3 + [15.0**2] * 3)[None, None].copy()
    x = (true + rng.normal(size=6) * np.sqrt(np.diag(P[0, 0])))[None, None]
    mu, C, known = np.ones((1, 1)), np.zeros((1, 1, 6, N_BLOCK)), np.zeros(N_BLOCK)
    F, noise = motion_matrices(0.05, 0.0, 0.1, 6)
    root = np.linalg.cholesky(noise)
    consider.know(C, 1, 0, known, g)
    for _ in range(150):
        true = F @ true + root @ rng.normal(size=6)
        consider.predict(C, mu, 1, rules, 0.1, 1.0)
        motion.predict_tracks(x, P, mu, 1, rules.q, rules.tau_s, rules.stationary, rules.sojourn_s, 0.1)
        h, H, PHt = np.empty((1, 1, 4)), np.empty((1, 1, 4, 6)), np.empty((1, 1, 6, 4))
        S, R, Y = np.empty((1, 1, 4, 4)), np.empty((1, 1, 4, 4)), np.empty((1, 1, 4, N_BLOCK))
        scale = np.array([louder])
        linearising.linearise(x, P, 1, USED, g, scale, scale, h, H, PHt, S, R)
        z, var = (measured(true, real)[0][USED] + rng.normal(size=4) * sigma)[None], (sigma**2)[None]
        pairs = np.array([0, 1]), np.array([0]), np.ones((1, 1)), np.ones(1), np.zeros(1)
        if considered:
            consider.look(C, x, P, 1, g, USED, 0, H, PHt, S, R, Y)
            consider.learn(C, mu, 1, PHt, S, Y, z, var, USED, *pairs)
        assert update.update_tracks(x, P, mu, 1, h, H, PHt, S, R, z, var, USED, *pairs) == 0
    off = x[0, 0] - true
    return float(off @ np.linalg.solve(P[0, 0], off)) / 6.0, float(np.linalg.norm(off[3:]))


def test_many_looks_keep_the_heading_error_and_still_give_the_velocity() -> None:
    """Sixty runs of six degrees: the mean of NEES / 6 is 1 with sigma 0.075.

    As white noise the errors would average out; noise loud enough to keep them (40 looks in 4 s) loses the velocity.
    """
    (nees, speed), (naive, _), (_, loud_speed) = (
        np.mean([follow(seed, louder) for seed in range(60)], axis=0) for louder in (0.0, 1.0, 40.0)
    )
    assert abs(nees - 1.0) < 4.0 * 0.075
    assert naive > 2.0
    assert speed < 0.7 * loud_speed
