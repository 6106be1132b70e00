"""Joint association against enumeration, and belief propagation against the exact sum."""

import sys
from pathlib import Path

import numpy as np
import pytest

from fusion.kernels import association

sys.path.insert(0, str(Path(__file__).parent / "oracles"))
import jpda_enumerated


def run(
    weight: np.ndarray, missed: np.ndarray, max_frontier: int = 10
) -> tuple[np.ndarray, np.ndarray, tuple[int, ...]]:
    n, m = weight.shape
    track, det = np.nonzero(weight > 0.0)
    start = np.searchsorted(track, np.arange(n + 1)).astype(np.int64)
    beta, miss = np.empty(len(det)), np.empty(n)
    counts = association.marginals(
        weight[track, det], missed, start, det.astype(np.int64), n, m, max_frontier, beta, miss
    )
    full = np.zeros_like(weight)
    full[track, det] = beta
    return full, miss, counts


def random_case(rng: np.random.Generator, n: int, m: int) -> tuple[np.ndarray, np.ndarray]:
    gate = rng.random((n, m)) < rng.uniform(0.2, 1.0)
    return gate * 10.0 ** rng.uniform(-3, 6, (n, m)), rng.uniform(0.01, 1.0, n)


@pytest.mark.parametrize("n", [1, 2, 3, 4])
@pytest.mark.parametrize("m", [1, 2, 3, 4])
def test_equal_to_the_enumeration_of_all_joint_events(n: int, m: int) -> None:
    rng = np.random.default_rng(100 * n + m)
    for _ in range(30):
        weight, missed = random_case(rng, n, m)
        beta, miss, _ = run(weight, missed)
        expected_beta, expected_miss = jpda_enumerated.marginals(weight, missed)
        np.testing.assert_allclose(beta, expected_beta, rtol=1e-9, atol=1e-14)
        np.testing.assert_allclose(miss, expected_miss, rtol=1e-9, atol=1e-14)


def test_probabilities_sum_to_one_over_tracks_and_never_above_one_over_detections() -> None:
    rng = np.random.default_rng(5)
    for _ in range(50):
        weight, missed = random_case(rng, 9, 8)
        beta, miss, _ = run(weight, missed)
        np.testing.assert_allclose(beta.sum(axis=1) + miss, 1.0, rtol=1e-12)
        assert np.all(beta.sum(axis=0) <= 1.0 + 1e-9)


def test_a_long_chain_needs_one_open_detection_and_stays_exact() -> None:
    n = 12
    weight = np.zeros((n, n - 1))
    for j in range(n - 1):
        weight[j, j], weight[j + 1, j] = 3.0, 2.0
    missed = np.full(n, 0.3)
    beta, miss, (clusters, frontier, loopy) = run(weight, missed)
    assert (clusters, loopy) == (1, 0)
    assert frontier <= 2
    np.testing.assert_allclose(beta.sum(axis=1) + miss, 1.0, rtol=1e-12)
    expected, _ = jpda_enumerated.marginals(weight[:4, :3], missed[:4])
    alone, _, _ = run(weight[:4, :3].copy(), missed[:4])
    np.testing.assert_allclose(alone, expected, rtol=1e-9)


def test_separate_clusters_do_not_know_each_other() -> None:
    a, b = np.array([[4.0, 1.0], [2.0, 5.0]]), np.array([[7.0]])
    both = np.zeros((3, 3))
    both[:2, :2], both[2, 2] = a, b[0, 0]
    missed = np.array([0.2, 0.4, 0.1])
    beta, miss, (clusters, _, _) = run(both, missed)
    assert clusters == 2
    beta_a, miss_a, _ = run(a, missed[:2])
    np.testing.assert_array_equal(beta[:2, :2], beta_a)
    np.testing.assert_array_equal(miss[:2], miss_a)
    assert miss[2] == pytest.approx(0.1 / 7.1)


def test_belief_propagation_stays_near_the_exact_sum_and_is_reported() -> None:
    rng = np.random.default_rng(8)
    deviations = []
    for _ in range(60):
        weight, missed = rng.uniform(0.5, 20.0, (4, 4)) * (rng.random((4, 4)) < 0.6), rng.uniform(0.05, 0.5, 4)
        loose, loose_miss, (clusters, frontier, loopy) = run(weight, missed, max_frontier=-1)
        exact, exact_miss, _ = run(weight, missed)
        assert loopy == clusters
        assert frontier >= 0
        np.testing.assert_allclose(loose.sum(axis=1) + loose_miss, 1.0, rtol=1e-9)
        deviations.append(np.abs(loose - exact).max())
        np.testing.assert_allclose(loose_miss, exact_miss, atol=0.2)
    # The Bethe approximation is exact on trees and has no bound on cycles; that it is worth falling back to means
    # that even the worst pair of a dense ambiguous cluster is typically right within a tenth.
    assert np.median(deviations) < 0.1


def test_belief_propagation_is_exact_without_cycles() -> None:
    weight = np.array([[3.0, 0.0], [2.0, 1.5], [0.0, 4.0]])
    missed = np.array([0.3, 0.6, 0.2])
    loose, loose_miss, _ = run(weight, missed, max_frontier=-1)
    expected, expected_miss = jpda_enumerated.marginals(weight, missed)
    np.testing.assert_allclose(loose, expected, atol=1e-7)
    np.testing.assert_allclose(loose_miss, expected_miss, atol=1e-7)


def test_a_wide_cluster_falls_back_above_the_limit() -> None:
    rng = np.random.default_rng(2)
    weight, missed = rng.uniform(0.5, 2.0, (14, 14)), np.full(14, 0.3)
    _, _, (_, frontier, loopy) = run(weight, missed, max_frontier=10)
    assert frontier > 10
    assert loopy == 1
