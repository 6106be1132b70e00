"""Class scores: calibrated in one look, persistent over a few seconds, right as often as the profile says."""

from __future__ import annotations

import numpy as np
import pytest

from sim.sensors.classes import ClassModel, column_of, separation_for
from sim.sensors.resolution import merge

NAMES = ("fpv", "quadcopter", "fixed_wing", "loitering_munition", "bird")


def draw(names, confidence, classes, quality, looks, step_s=100.0, seed=4):
    model, rng = ClassModel(names, confidence, classes), np.random.default_rng(seed)
    n, out = len(classes), []
    for k in range(looks):
        model.advance(step_s * k, rng)
        out.append(model.scores(np.arange(n), np.full(n, quality), rng))
    return np.array(out)


@pytest.mark.parametrize(("names", "confidence"), [(NAMES, 0.8), (("drone", "bird"), 0.85), (("drone", "bird"), 0.95)])
def test_the_best_score_is_right_with_the_stated_confidence(names, confidence):
    classes = ("fpv", "bird", "quadcopter", "fixed_wing")
    scores = draw(names, confidence, classes, 1.0, 2000)
    truth = np.array([column_of(c, names) for c in classes])
    right = float(np.mean(np.argmax(scores, axis=2) == truth))
    assert abs(right - confidence) <= 4.0 * np.sqrt(confidence * (1 - confidence) / 8000)


@pytest.mark.parametrize("quality", [0.3, 0.7, 1.0])
def test_scores_are_calibrated(quality):
    classes = NAMES * 20  # equal priors
    scores = draw(NAMES, 0.8, classes, quality, 100)
    truth = np.eye(len(NAMES), dtype=bool)[[column_of(c, NAMES) for c in classes]]
    said, was = scores.reshape(-1, len(NAMES)).ravel(), np.tile(truth, (100, 1, 1)).ravel()
    for low in np.arange(0.0, 1.0, 0.1):
        inside = (said >= low) & (said < low + 0.1)
        if inside.sum() > 300:
            p = said[inside].mean()
            # Scores of one look are dependent (they sum to 1) and so are neighbouring looks: half the effective number.
            assert abs(was[inside].mean() - p) <= 4.0 * np.sqrt(2.0 * p * (1.0 - p) / inside.sum())


def test_no_signal_no_word():
    scores = draw(NAMES, 0.8, ("fpv",), 0.0, 20)
    assert np.max(np.abs(scores - 0.2)) <= 1e-12


def test_errors_stay_on_a_target_for_seconds():
    scores = draw(("drone", "bird"), 0.85, ("fpv",) * 3000, 1.0, 3, step_s=0.2)
    logit = np.log(scores[..., 0] / scores[..., 1])
    close = float(np.corrcoef(logit[0], logit[1])[0, 1])
    assert abs(close - 0.7 * np.exp(-0.2 / 3.0)) <= 4.0 / np.sqrt(3000)
    apart = draw(("drone", "bird"), 0.85, ("fpv",) * 3000, 1.0, 2, step_s=60.0)
    logit = np.log(apart[..., 0] / apart[..., 1])
    assert abs(float(np.corrcoef(logit[0], logit[1])[0, 1])) <= 4.0 / np.sqrt(3000)


def test_one_lone_name_is_scored_against_the_rest():
    scores = draw(("drone",), 0.9, ("fpv", "bird") * 500, 1.0, 1)[0]
    assert scores.shape == (1000, 1)
    right = np.where(np.arange(1000) % 2 == 0, scores[:, 0] > 0.5, scores[:, 0] < 0.5)
    assert abs(right.mean() - 0.9) <= 4.0 * np.sqrt(0.09 / 1000)


def test_separation_of_two_classes_is_the_textbook_one():
    from scipy import stats

    # Two unit Gaussians at s and 0 on their own axes: P(right) = Phi(s / sqrt(2))
    assert abs(separation_for(0.9, 2) - np.sqrt(2.0) * stats.norm.ppf(0.9)) <= 1e-3
    assert separation_for(0.5, 2) == 0.0


def test_merging_takes_the_strongest_first():
    place = np.array([[3.1, 0.0], [-3.1, 0.0], [0.0, 0.0]])
    got = merge(place, np.array([3.0, 1.0, 2.0]), np.array([0.2, 0.2]))
    assert got.keep.tolist() == [0, 2]
    assert got.power.tolist() == [4.0, 2.0]
    # across the back: 3.1 and -3.1 are 0.083 apart; a quarter of the way from the stronger
    assert got.coordinates[0, 0] == pytest.approx(3.1 + 0.25 * (2 * np.pi - 6.2))
    assert got.spread[0, 0] == pytest.approx((2 * np.pi - 6.2) * np.sqrt(3.0) / 4.0)
    assert got.spread[1].tolist() == [0.0, 0.0]
