"""Navigation errors: the sigmas that a platform states are the ones it has, and the errors vary slowly."""

from __future__ import annotations

import math

import numpy as np
import pytest

from scenarios.own import Navigation
from sim.nav import NavigationError

PLAN = Navigation(position_sigma_m=0.4, heading_sigma_deg=0.12, time_constant_s=80.0)
RUNS = 1500


def row(error: NavigationError, t_s: float) -> list[float]:
    position, velocity, angles, turret = error.at(t_s)
    return [*position, *velocity, *angles, turret]


@pytest.fixture(scope="module")
def early_and_late() -> tuple[np.ndarray, np.ndarray]:
    """Return (RUNS, 10) at 0 s and 80 s: position, velocity, yaw, pitch, roll, turret of independent platforms."""
    all_errors = [NavigationError(PLAN, 100.0, np.random.default_rng(seed)) for seed in range(RUNS)]
    return np.array([row(e, 0.0) for e in all_errors]), np.array([row(e, 80.0) for e in all_errors])


def test_errors_have_the_stated_sigma_from_the_first_instant_on(early_and_late: tuple[np.ndarray, np.ndarray]) -> None:
    sigma = np.array(
        [PLAN.position_sigma_m] * 3
        + [PLAN.velocity_sigma_mps] * 3
        + [math.radians(s) for s in (PLAN.heading_sigma_deg, PLAN.level_sigma_deg, PLAN.level_sigma_deg)]
        + [math.radians(PLAN.turret_sigma_deg)]
    )
    # The relative error of a sample deviation is 1/sqrt(2N); 4.5 of them for twenty numbers at once.
    limit = 4.5 / math.sqrt(2.0 * RUNS)
    for sample in early_and_late:
        assert np.all(np.abs(sample.std(axis=0) / sigma - 1.0) < limit)
        assert np.all(np.abs(sample.mean(axis=0)) < 4.5 * sigma / math.sqrt(RUNS))


def test_errors_are_correlated_over_the_time_constant(early_and_late: tuple[np.ndarray, np.ndarray]) -> None:
    """After one time constant the correlation is 1/e; its own error is (1 - r^2)/sqrt(N)."""
    early, late = early_and_late
    for a, b in zip(early.T, late.T, strict=True):
        r = float(np.corrcoef(a, b)[0, 1])
        assert abs(r - math.exp(-1.0)) < 4.5 * (1.0 - math.exp(-2.0)) / math.sqrt(RUNS)


def test_errors_are_smooth_within_a_second_and_the_same_for_the_same_generator() -> None:
    one, two = (NavigationError(PLAN, 100.0, np.random.default_rng(3)) for _ in range(2))
    assert np.array_equal(one.at(12.3)[0], two.at(12.3)[0])
    # One second of an 80 s process moves by sigma sqrt(2/80) = 0.06 m; a fifth of it is a straight fifth of that.
    assert np.all(np.abs(one.at(12.5)[0] - one.at(12.3)[0]) < 0.1)
    assert np.allclose(one.at(12.5)[0], (one.at(12.0)[0] + one.at(13.0)[0]) / 2.0)
    assert np.array_equal(one.at(-5.0)[0], one.at(0.0)[0])


def test_perfect_navigation_has_no_error() -> None:
    plan = Navigation(
        position_sigma_m=0, velocity_sigma_mps=0, heading_sigma_deg=0, level_sigma_deg=0, turret_sigma_deg=0
    )
    position, velocity, angles, turret = NavigationError(plan, 10.0, np.random.default_rng(0)).at(4.0)
    assert not position.any()
    assert not velocity.any()
    assert not angles.any()
    assert turret == 0.0
