"""The evidence of tuning: densities against a textbook filter, noise against what was put in, rates against counts."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from fusion.config import MotionConfig
from fusion.foresight import BLOCK, SETTLE, STRAY, WIDER, foresee
from fusion.kernels.measurement import EAST, ELEVATION, G_AXES, G_SIZE, RANGE, RANGE_RATE, UP
from fusion.noise import noise
from fusion.rates import clutter, detection_probability
from fusion.tuning import rounded_shares
from fusion.witness import Look, Seen

NS = 1_000_000_000
PERIOD_S = 0.1
SIGMA_M = 3.0
DENSITY = 1e-9


def seen_at(t_s: float, used: list[int], z: np.ndarray, var: np.ndarray, track_id: int = 1) -> Seen:
    g = np.zeros(G_SIZE)
    g[G_AXES : G_AXES + 9] = np.eye(3).ravel()
    P = np.diag([100.0] * 3 + [25.0] * 3)
    one = np.array([z]), np.array([var]), np.array([DENSITY]), np.array([track_id], dtype=np.int64)
    return Seen(0, round(t_s * NS), False, g, np.array(used), *one, np.zeros((1, 6)), P[None], np.ones((2, 1)))


def claims(rng: np.random.Generator, n: int) -> list[Seen]:
    """A target that claims its position, 3 m off on each axis, every 0.1 s but for one gap."""
    t_s = np.delete(np.arange(n + 3) * PERIOD_S, [7, 8, 9])
    truth = np.array([4.0, -7.0, 1.0]) * t_s[:, None] + rng.normal(size=3) * 5.0
    z = truth + SIGMA_M * rng.normal(size=(n, 3))
    return [seen_at(t, [EAST, EAST + 1, UP], row, np.full(3, SIGMA_M**2)) for t, row in zip(t_s, z, strict=True)]


def textbook(seen: list[Seen], q: float, factor: float = 1.0) -> list[float]:
    """Log predictive densities of a Kalman filter with full matrices, written down as in the books."""
    x, P, out, last = seen[0].x[0], WIDER * seen[0].P[0], [], seen[0].t_ns
    H = np.hstack([np.eye(3), np.zeros((3, 3))])
    for s in seen:
        dt = (s.t_ns - last) / NS
        F = np.eye(6) + dt * np.eye(6, k=3)
        Q = q * np.kron(np.array([[dt**3 / 3, dt**2 / 2], [dt**2 / 2, dt]]), np.eye(3))
        x, P, last = F @ x, F @ P @ F.T + Q, s.t_ns
        S = H @ P @ H.T + factor * np.diag(s.var[0])
        own = multivariate_normal(H @ x, S).pdf(s.z[0])
        out.append(math.log((1.0 - STRAY) * own + STRAY * DENSITY))
        K = P @ H.T @ np.linalg.inv(S)
        x, P = x + K @ (s.z[0] - H @ x), (np.eye(6) - K @ H) @ P
    return out[SETTLE:]


@pytest.mark.parametrize("factor", [1.0, 4.0])
def test_log_predictive_density_is_that_of_a_textbook_filter(factor):
    seen = claims(np.random.default_rng(1), SETTLE + BLOCK + 5)
    found = foresee(seen, MotionConfig((2.0,), (1.0,), correlation_s=()), {0: np.full(8, factor)})
    expected = textbook(seen, 2.0, factor)
    assert found.detections == len(expected) == BLOCK + 5
    assert found.log_density == pytest.approx([sum(expected[:BLOCK]), sum(expected[BLOCK:])], rel=1e-9)


def test_two_equal_models_foresee_as_one():
    seen = claims(np.random.default_rng(2), 40)
    one = foresee(seen, MotionConfig((2.0,), (1.0,), correlation_s=()))
    two = foresee(seen, MotionConfig((2.0, 2.0), (0.3, 0.7), correlation_s=()))
    assert two.log_density == pytest.approx(one.log_density, rel=1e-9)
    assert two.shares == pytest.approx([0.3, 0.7], rel=1e-6)


def test_one_stray_detection_costs_no_more_than_clutter_would():
    seen = claims(np.random.default_rng(3), 40)
    stray = seen[20]._replace(z=seen[20].z + 500.0)
    clean, spoilt = (
        foresee(s, MotionConfig((2.0,), (1.0,), correlation_s=())) for s in (seen, [*seen[:20], stray, *seen[21:]])
    )
    assert spoilt.detections == clean.detections
    # the stray itself, and at most the few detections after which the new start is as good as the old
    assert 0.0 < (clean.log_density - spoilt.log_density).sum() < -2.0 * math.log(STRAY * DENSITY)


def looks_of(rng: np.random.Generator, acceleration_mps2: float, bias: float, n: int = 900) -> list[Seen]:
    """Range and elevation of targets whose true range is a parabola in each second; every tenth look is missed."""
    used, sigma = [RANGE, ELEVATION], np.array([SIGMA_M, 0.01])
    t_s = np.sort(rng.choice(np.arange(int(n / 0.9)), n, replace=False)) * PERIOD_S
    range_m = 800.0 + 5.0 * t_s + 0.5 * acceleration_mps2 * (t_s % 1.0 - 0.5) ** 2
    z = np.column_stack([range_m + bias, np.full(n, 0.1)]) + sigma * rng.normal(size=(n, 2))
    return [seen_at(t, used, row, sigma**2) for t, row in zip(t_s, z, strict=True)]


@pytest.mark.parametrize(("acceleration_mps2", "bias"), [(0.0, 0.0), (10.0, 0.0), (0.0, 40.0)])
def test_noise_is_found_whatever_the_target_flies_and_however_wrong_the_sensor_stands(acceleration_mps2, bias):
    found = noise(looks_of(np.random.default_rng(4), acceleration_mps2, bias), {0}, PERIOD_S)
    assert set(found) == {RANGE, ELEVATION}
    for n in found.values():
        assert n.trouble == ""
        assert abs(n.scale - 1.0) < 3.0 * n.sigma < 0.2


def test_sigma_of_the_estimate_is_what_it_scatters():
    runs = [noise(looks_of(np.random.default_rng(s), 0.0, 0.0, 300), {0}, PERIOD_S)[RANGE] for s in range(60)]
    stated, found = np.mean([n.sigma for n in runs]), np.std([n.scale for n in runs])
    # 60 runs know a standard deviation to 9 per cent; neighbours' shared looks are counted roughly
    assert 0.6 < found / stated < 1.3


def test_errors_that_last_are_not_taken_for_a_small_noise():
    rng = np.random.default_rng(6)
    seen, error = looks_of(rng, 0.0, 0.0), 0.0
    for i, s in enumerate(seen):  # a plot smoothed by its radar: 3 m that forget themselves in 0.5 s
        error = math.exp(-0.2) * error + SIGMA_M * math.sqrt(1.0 - math.exp(-0.4)) * rng.normal()
        seen[i] = s._replace(z=np.array([[800.0 + error, s.z[0, 1]]]))
    assert "errors that last" in noise(seen, {0}, PERIOD_S)[RANGE].trouble


def test_too_few_looks_say_nothing():
    found = noise(looks_of(np.random.default_rng(7), 0.0, 0.0, 40), {0}, PERIOD_S)
    assert "are needed" in found[RANGE].trouble
    assert noise([], {0}, PERIOD_S) == {}
    assert RANGE_RATE not in found


def look(k: int, unexplained: float, ids: list[int], seen: list[float], visible: list[float]) -> Look:
    numbers = np.array(ids, dtype=np.int64), np.array(seen, dtype=np.float64), np.array(visible, dtype=np.float64)
    return Look(0, k * NS, 3, unexplained, *numbers)


def test_rates_are_counts():
    hits = [1, 1, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 1, 0, 0]  # seven misses in a row are no chance
    looks = [look(k, 5.0 if k < 3 else 2.0, [4, 9], [hit, 1.0], [1.0, 0.2]) for k, hit in enumerate(hits)]
    found = detection_probability(looks, 0)
    assert (found.value, found.looks) == (pytest.approx(6 / 8), 8)  # first to last hit: 15 looks less 7, 7 hits less 1
    assert clutter(looks, 0).value == 2.0
    assert math.isnan(clutter(looks, 1).value)
    assert detection_probability([], 0).looks == 0


def test_rounded_shares_sum_to_one():
    shares = rounded_shares(np.array([0.33333, 0.33333, 0.28334, 0.05]))
    assert math.fsum(shares) == 1.0
    assert shares == pytest.approx([0.33333, 0.33333, 0.28334, 0.05], abs=1e-3)
