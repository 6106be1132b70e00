"""Filter kernels against filterpy, and the laws that every covariance obeys."""

from typing import Any

import numpy as np
import pytest
from filterpy.kalman import IMMEstimator, KalmanFilter
from filterpy.kalman import update as filterpy_update
from motion_models import LASTING, WHITE

from fusion.config import MotionConfig, TrackerConfig
from fusion.filterpy_backend import motion_matrices
from fusion.filters import Filter, acceleration_variances, make_foreign_filter, rules_of
from fusion.kernels import motion, update

MODELS = len(WHITE.acceleration_intensity)
both = pytest.mark.parametrize("config", [WHITE, LASTING], ids=["white", "lasting"])


class KernelFilter:
    """The compiled kernels in the shape that a foreign filter has."""

    def __init__(self, config: MotionConfig) -> None:
        self.rules = rules_of(TrackerConfig(motion=config))

    def predict(self, x: np.ndarray, P: np.ndarray, mu: np.ndarray, n: int, dt: float) -> None:
        r = self.rules
        motion.predict_tracks(x, P, mu, n, r.q, r.tau_s, r.stationary, r.sojourn_s, dt)

    def update(self, *args: Any) -> int:
        return int(update.update_tracks(*args))


def f_and_q(q: float, dt: float) -> tuple[np.ndarray, np.ndarray]:
    F = np.eye(6)
    F[:3, 3:] = dt * np.eye(3)
    Q = np.zeros((6, 6))
    Q[:3, :3], Q[3:, 3:] = np.eye(3) * q * dt**3 / 3, np.eye(3) * q * dt
    Q[:3, 3:] = Q[3:, :3] = np.eye(3) * q * dt**2 / 2
    return F, Q


def random_table(
    rng: np.random.Generator, n: int = 4, config: MotionConfig = WHITE
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    lasting = acceleration_variances(config) > 0.0
    size = 9 if lasting.any() else 6
    x = rng.normal(0, 1, (n, MODELS, size)) * [300, 300, 50, 15, 15, 3, 4, 4, 2][:size]
    A = rng.normal(0, 1, (n, MODELS, size, size)) * 3.0
    P = A @ A.transpose(0, 1, 3, 2) + np.eye(size)
    for m in np.flatnonzero(~lasting):
        x[:, m, 6:] = P[:, m, 6:, :] = P[:, m, :, 6:] = 0.0
    return x, P, rng.dirichlet(np.ones(MODELS), n)


def test_prediction_equals_the_matrix_form() -> None:
    rng = np.random.default_rng(0)
    x, P, _ = random_table(rng)
    F, Q = f_and_q(7.0, 0.3)
    ex, eP = F @ x[0, 0], F @ P[0, 0] @ F.T + Q
    motion.predict_one(x[0, 0], P[0, 0], 7.0, 0.3)
    np.testing.assert_allclose(x[0, 0], ex, rtol=1e-13)
    np.testing.assert_allclose(P[0, 0], eP, rtol=1e-12)


@pytest.mark.parametrize(("a", "b"), [(0.1, 0.25), (0.01, 2.0)])
def test_predictions_and_model_jumps_compose(a: float, b: float) -> None:
    rng = np.random.default_rng(1)
    x, P, _ = random_table(rng)
    x2, P2 = x[0, 0].copy(), P[0, 0].copy()
    motion.predict_one(x[0, 0], P[0, 0], 5.0, a)
    motion.predict_one(x[0, 0], P[0, 0], 5.0, b)
    motion.predict_one(x2, P2, 5.0, a + b)
    np.testing.assert_allclose(P[0, 0], P2, rtol=1e-10)
    pi, jumps = np.array(WHITE.stationary), [np.empty((MODELS, MODELS)) for _ in range(3)]
    for out, dt in zip(jumps, (a, b, a + b), strict=True):
        motion.transition(pi, WHITE.sojourn_s, dt, out)
        np.testing.assert_allclose(out.sum(axis=1), 1.0, rtol=1e-14)
    np.testing.assert_allclose(jumps[0] @ jumps[1], jumps[2], rtol=1e-12)
    np.testing.assert_allclose(pi @ jumps[0], pi, rtol=1e-12)


@pytest.mark.parametrize("dt", [1e-4, 0.01, 0.1, 0.419, 0.421, 2.0, 20.0])
def test_a_lasting_acceleration_moves_as_the_matrix_exponential_says(dt: float) -> None:
    """On both sides of the change from the series to the closed form, at 0.7 of the correlation time of 0.6 s."""
    rng = np.random.default_rng(5)
    x, P, _ = random_table(rng, 1, LASTING)
    F, Q = motion_matrices(24.0, 0.6, dt, 9)
    ex, eP = F @ x[0, 2], F @ P[0, 2] @ F.T + Q
    step = np.empty((1, motion.STEPS))
    motion.steps(np.array([24.0]), np.array([0.6]), dt, step)
    blocks = [Q[0, 0], Q[0, 3], Q[0, 6], Q[3, 3], Q[3, 6], Q[6, 6]]
    np.testing.assert_allclose(step[0, 3:9], blocks, rtol=1e-6, atol=1e-13)  # the exponential itself loses digits
    motion.predict_state(x[0, 2], P[0, 2], 24.0, step[0], dt)
    np.testing.assert_allclose(x[0, 2], ex, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(P[0, 2], eP, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(("a", "b"), [(0.1, 0.25), (0.01, 2.0), (0.3, 0.3)])
def test_steps_of_a_lasting_acceleration_compose(a: float, b: float) -> None:
    P, step = np.zeros((2, 9, 9)), np.empty((1, motion.STEPS))
    for which, parts in ((0, (a, b)), (1, (a + b,))):
        for dt in parts:
            motion.steps(np.array([24.0]), np.array([0.6]), dt, step)
            motion.predict_state(np.zeros(9), P[which], 24.0, step[0], dt)
    np.testing.assert_allclose(P[0], P[1], rtol=1e-11)


def test_an_acceleration_that_lasts_far_less_than_a_step_is_white() -> None:
    step = np.empty((2, motion.STEPS))
    motion.steps(np.array([5.0, 5.0]), np.array([0.0, 1e-5]), 0.5, step)
    np.testing.assert_allclose(step[1, [3, 4, 6]], step[0, [3, 4, 6]], rtol=1e-4)


def linear_scene(rng: np.random.Generator, n: int, m: int, config: MotionConfig = WHITE) -> dict[str, np.ndarray]:
    """Position measurements: h = H x exactly linear, so that filterpy's own filters apply."""
    x, P, mu = random_table(rng, n, config)
    size = x.shape[2]
    H1 = np.eye(3, size)
    R1 = np.diag([4.0, 9.0, 1.0])
    H = np.broadcast_to(H1, (n, MODELS, 3, size)).copy()
    h = np.einsum("nmab,nmb->nma", H, x)
    PHt = np.einsum("nmab,nmcb->nmac", P, H)
    R = np.broadcast_to(0.1 * np.eye(3), (n, MODELS, 3, 3)).copy()
    S = np.einsum("nmab,nmbc->nmac", H, PHt) + R
    z = rng.normal(0, 100, (m, 3))
    return {"x": x, "P": P, "mu": mu, "h": h, "H": H, "PHt": PHt, "R": R, "S": S, "z": z, "R1": R1, "H1": H1}


def likelihoods(s: dict[str, np.ndarray], i: int, j: int) -> np.ndarray:
    out = []
    for m in range(MODELS):
        S = s["S"][i, m] + s["R1"]
        y = s["z"][j] - s["h"][i, m]
        out.append(np.exp(-0.5 * y @ np.linalg.solve(S, y)) / np.sqrt(np.linalg.det(2 * np.pi * S)))
    return np.array(out) + 1e-30


@both
def test_one_certain_detection_equals_filterpys_imm(config: MotionConfig) -> None:
    rng = np.random.default_rng(4)
    s = linear_scene(rng, 1, 1, config)
    size = s["x"].shape[2]
    filters = []
    for m in range(MODELS):
        kf = KalmanFilter(size, 3)
        kf.x, kf.P, kf.H = s["x"][0, m].copy(), s["P"][0, m].copy(), s["H1"]
        kf.R = s["R1"] + s["R"][0, m]
        kf.F, kf.Q = motion_matrices(config.acceleration_intensity[m], config.correlations_s[m], 0.4, size)
        filters.append(kf)
    jump = np.empty((MODELS, MODELS))
    motion.transition(np.array(config.stationary), config.sojourn_s, 0.4, jump)
    imm = IMMEstimator(filters, s["mu"][0].copy(), jump)
    imm.predict()
    x, P, mu = s["x"].copy(), s["P"].copy(), s["mu"].copy()
    KernelFilter(config).predict(x, P, mu, 1, 0.4)
    for m in range(MODELS):
        np.testing.assert_allclose(x[0, m], filters[m].x, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(P[0, m], filters[m].P, rtol=1e-9, atol=1e-9)
    z = s["H1"] @ imm.x + [1.0, -2.0, 0.5]
    imm.update(z)
    s["x"], s["P"], s["mu"], s["z"] = x, P, mu, z[None]
    s["h"] = np.einsum("nmab,nmb->nma", s["H"], x)
    s["PHt"] = np.einsum("nmab,nmcb->nmac", P, s["H"])
    s["S"] = np.einsum("nmab,nmbc->nmac", s["H"], s["PHt"]) + s["R"]
    like = likelihoods(s, 0, 0)[None]
    call(s, np.array([0, 1]), np.array([0]), like, np.array([1.0]), np.array([0.0]), KernelFilter(config))
    np.testing.assert_allclose(s["mu"][0], imm.mu, rtol=1e-6, atol=2e-6)  # the kernel's floor is 1e-6
    for m in range(MODELS):
        np.testing.assert_allclose(s["x"][0, m], filters[m].x, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(s["P"][0, m], filters[m].P, rtol=1e-8, atol=1e-9)


def call(s, start, det, like, beta, miss, which) -> int:
    var = np.broadcast_to(np.diag(s["R1"]), s["z"].shape).copy()
    used = np.array([4, 5, 6])
    return which.update(
        s["x"], s["P"], s["mu"], len(s["x"]), s["h"], s["H"], s["PHt"], s["S"], s["R"], s["z"], var, used,
        start.astype(np.int64), det.astype(np.int64), like, beta, miss,
    )  # fmt: skip


def ambiguous(
    rng: np.random.Generator, config: MotionConfig = WHITE
) -> tuple[dict[str, np.ndarray], tuple[np.ndarray, ...]]:
    s = linear_scene(rng, 3, 4, config)
    s["z"] = s["h"][[0, 0, 1, 2], 0] + rng.normal(0, 3, (4, 3))
    s["z"][1, 2] = np.nan  # one component missing
    start, det = np.array([0, 2, 3, 3]), np.array([0, 1, 2])
    like = rng.uniform(0.1, 1.0, (3, MODELS))
    return s, (start, det, like, np.array([0.5, 0.3, 0.8]), np.array([0.2, 0.2, 1.0]))


@both
def test_weighted_update_equals_a_mixture_of_filterpy_updates(config: MotionConfig) -> None:
    rng = np.random.default_rng(9)
    s, args = ambiguous(rng, config)
    before = {k: v.copy() for k, v in s.items()}
    assert call(s, *args, KernelFilter(config)) == 0
    _, det, like, beta, miss = args
    for m in range(MODELS):
        parts, weights = [(before["x"][0, m], before["P"][0, m])], [miss[0] * before["mu"][0, m]]
        for p in (0, 1):
            z, have = before["z"][det[p]], ~np.isnan(before["z"][det[p]])
            R = (before["R"][0, m] + before["R1"])[np.ix_(have, have)]
            parts.append(filterpy_update(before["x"][0, m], before["P"][0, m], z[have], R, before["H1"][have]))
            lm = before["mu"][0] * like[p]
            weights.append(beta[p] * lm[m] / lm.sum())
        w = np.array(weights) / sum(weights)
        mean = sum(wi * xi for wi, (xi, _) in zip(w, parts, strict=True))
        cov = sum(wi * (Pi + np.outer(xi - mean, xi - mean)) for wi, (xi, Pi) in zip(w, parts, strict=True))
        np.testing.assert_allclose(s["x"][0, m], mean, rtol=1e-10, atol=1e-10)
        np.testing.assert_allclose(s["P"][0, m], cov, rtol=1e-9, atol=1e-9)
    np.testing.assert_array_equal(s["x"][2], before["x"][2])  # no pair: left alone


@both
def test_both_backends_give_the_same_numbers(config: MotionConfig) -> None:
    rng = np.random.default_rng(12)
    (a, args), rng = ambiguous(rng, config), np.random.default_rng(12)
    b, _ = ambiguous(rng, config)
    foreign = make_foreign_filter("filterpy", config)
    assert foreign is not None
    backends: list[tuple[dict[str, np.ndarray], Filter]] = [(a, KernelFilter(config)), (b, foreign)]
    for s, backend in backends:
        backend.predict(s["x"], s["P"], s["mu"], 3, 0.2)
        s["h"] = np.einsum("nmab,nmb->nma", s["H"], s["x"])
        s["PHt"] = np.einsum("nmab,nmcb->nmac", s["P"], s["H"])
        s["S"] = np.einsum("nmab,nmbc->nmac", s["H"], s["PHt"]) + s["R"]
        call(s, *args, backend)
    for key in ("x", "P", "mu"):
        np.testing.assert_allclose(a[key], b[key], rtol=1e-9, atol=1e-9)


def test_an_unknown_backend_is_named() -> None:
    with pytest.raises(ValueError, match="'matlab'"):
        make_foreign_filter("matlab", WHITE)


@pytest.mark.parametrize(
    "config", [WHITE, pytest.param(LASTING, marks=pytest.mark.jit)], ids=["white", "lasting"]
)  # without compiled code nine states take minutes
def test_covariances_stay_symmetric_and_positive_through_extreme_steps(config: MotionConfig) -> None:
    rng = np.random.default_rng(21)
    s = linear_scene(rng, 4, 4, config)
    f, lasting = KernelFilter(config), acceleration_variances(config) > 0.0
    for _ in range(400):
        f.predict(s["x"], s["P"], s["mu"], 4, float(10.0 ** rng.uniform(-4, 1)))
        s["h"] = np.einsum("nmab,nmb->nma", s["H"], s["x"])
        s["R"][:] = np.eye(3) * 10.0 ** rng.uniform(-4, 6)
        s["PHt"] = np.einsum("nmab,nmcb->nmac", s["P"], s["H"])
        s["S"] = np.einsum("nmab,nmbc->nmac", s["H"], s["PHt"]) + s["R"]
        s["z"] = s["h"][:, 0] + rng.normal(0, 10.0 ** rng.uniform(-2, 3), (4, 3))
        like = 10.0 ** rng.uniform(-20, 0, (4, MODELS))
        beta = rng.uniform(0, 1, 4)
        call(s, np.arange(5), np.arange(4), like, beta, 1.0 - beta, f)
        assert np.array_equal(s["P"], s["P"].transpose(0, 1, 3, 2))
        assert np.all(np.linalg.eigvalsh(s["P"][:, :, :6, :6]) > 0.0)
        assert np.all(np.linalg.eigvalsh(s["P"][:, lasting]) > 0.0)
        assert np.all(s["P"][:, ~lasting, 6:] == 0.0)
        np.testing.assert_allclose(s["mu"].sum(axis=1), 1.0, rtol=1e-12)


@pytest.mark.parametrize(("config", "model", "place"), [(WHITE, 1, 0), (LASTING, 1, 0), (LASTING, 2, 8)])
def test_a_number_that_is_not_finite_stays_in_its_own_track(config: MotionConfig, model: int, place: int) -> None:
    rng = np.random.default_rng(30)
    s, args = ambiguous(rng, config)
    s["P"][0, model, place, place] = np.nan
    if place == 0:
        s["S"][0, model, 0, 0] = np.nan
    before = {k: v.copy() for k, v in s.items()}
    assert call(s, *args, KernelFilter(config)) == 1
    np.testing.assert_array_equal(s["x"][0], before["x"][0])
    assert np.all(np.isfinite(s["x"]))
    assert np.all(np.isfinite(s["P"][1:]))
    assert not np.array_equal(s["x"][1], before["x"][1])


def test_the_floor_under_model_probabilities_holds() -> None:
    assert 0.0 < update.MODEL_FLOOR < 1e-3
