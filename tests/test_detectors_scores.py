"""Scores and calibration against counting, and against probabilities that are right by making."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.scores import Calibration, calibrate, expected_calibration_error, score


def test_a_score_is_what_counting_gives() -> None:
    claimed = np.array([1, 1, 1, 0, 0, 0, 1, 0], dtype=bool)
    true = np.array([1, 1, 0, 1, 1, 0, 0, 0], dtype=bool)
    found = score(claimed, true)
    assert found == pytest.approx((2 / 4, 2 / 4, 0.5, 4))


@pytest.mark.parametrize(("claimed", "true"), [([0, 0], [1, 0]), ([1, 0], [0, 0]), ([0, 0], [0, 0])])
def test_what_cannot_be_told_counts_as_nought(claimed: list[int], true: list[int]) -> None:
    assert score(np.array(claimed, dtype=bool), np.array(true, dtype=bool)).f1 == 0.0


def test_the_calibration_error_of_right_probabilities_is_chance_and_of_wrong_ones_their_gap() -> None:
    rng = np.random.default_rng(1)
    p = rng.uniform(0.0, 1.0, 20_000)
    true = rng.random(len(p)) < p
    # Ten bins of 2000: each rate is off by about 0.4 / sqrt(2000) = 0.009.
    assert expected_calibration_error(p, true) < 0.02
    assert expected_calibration_error(np.full(1000, 0.9), np.arange(1000) < 600) == pytest.approx(0.3)
    assert expected_calibration_error(np.array([0.0, 1.0]), np.array([False, True])) == 0.0


def test_calibration_finds_the_temperature_and_moves_no_decision() -> None:
    rng = np.random.default_rng(2)
    z = rng.normal(0.0, 2.0, 30_000)
    true = rng.random(len(z)) < 1.0 / (1.0 + np.exp(-z))
    found = calibrate(3.0 * z, true)
    # Information of 30000 such samples gives 1 % on the scale.
    assert found.scale == pytest.approx(1.0 / 3.0, rel=0.05)
    assert np.array_equal(found.probability(3.0 * z) >= 0.5, z >= 0.0)
    assert expected_calibration_error(found.probability(3.0 * z), true) < 0.02


def test_calibration_claims_no_certainty_where_classes_are_apart() -> None:
    z = np.concatenate([np.full(50, -4.0), np.full(50, 4.0)])
    p = calibrate(z, z > 0).probability(z)
    assert 0.97 < p[-1] < 1.0
    assert 0.0 < p[0] < 0.03


def test_probabilities_of_huge_logits_are_finite() -> None:
    assert np.isfinite(Calibration(1.0, 0.0).probability(np.array([-1e9, 1e9]))).all()
