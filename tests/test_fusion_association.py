"""Joint association against enumeration, and belief propagation against the exact sum."""

import sys
from pathlib import Path

import numpy as np
import pytest

from fusion.kernels import association, belief

sys.path.insert(0, str(Path(__file__).parent / "oracles"))
import jpda_enumerated

ROOM = np.empty(1 << 20)


def run(
    weight: np.ndarray, missed: np.ndarray, work_limit: float = 1e9
) -> tuple[np.ndarray, np.ndarray, tuple[int, int, int, int, float]]:
    n, m = weight.shape
    track, det = np.nonzero(weight > 0.0)
    start = np.searchsorted(track, np.arange(n + 1)).astype(np.int64)
    beta, miss = np.empty(len(det)), np.empty(n)
    counts = association.marginals(
        weight[track, det], missed, start, det.astype(np.int64), n, m, work_limit, ROOM, beta, miss
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
    beta, miss, (clusters, frontier, pruned, loopy, error) = run(weight, missed)
    assert (clusters, pruned, loopy, error) == (1, 0, 0, 0.0)
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
    beta, miss, (clusters, *_) = run(both, missed)
    assert clusters == 2
    beta_a, miss_a, _ = run(a, missed[:2])
    np.testing.assert_array_equal(beta[:2, :2], beta_a)
    np.testing.assert_array_equal(miss[:2], miss_a)
    assert miss[2] == pytest.approx(0.1 / 7.1)


@pytest.mark.parametrize("n", [5, 6])
def test_equal_to_the_enumeration_in_full_clusters(n: int) -> None:
    rng = np.random.default_rng(n)
    weight, missed = 10.0 ** rng.uniform(-2, 3, (n, n)), rng.uniform(0.01, 1.0, n)
    beta, miss, _ = run(weight, missed)
    expected_beta, expected_miss = jpda_enumerated.marginals(weight, missed)
    np.testing.assert_allclose(beta, expected_beta, rtol=1e-9, atol=1e-14)
    np.testing.assert_allclose(miss, expected_miss, rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize(("n", "m"), [(13, 9), (9, 13), (12, 12)])
def test_equal_to_a_permanent_recursion_in_wide_clusters(n: int, m: int) -> None:
    """The same sum over masks of *all* detections, track after track: obvious, and slower by the size of the masks."""
    rng = np.random.default_rng(31 * n + m)
    weight, missed = rng.uniform(0.0, 5.0, (n, m)) * (rng.random((n, m)) < 0.7), rng.uniform(0.05, 0.9, n)
    beta, miss, _ = run(weight, missed)
    for i in (0, n // 2, n - 1):
        others = [k for k in range(n) if k != i]
        rest = sums_by_used(weight[others], missed[others])
        free = np.array([sum(v for mask, v in rest.items() if not mask >> j & 1) for j in range(m)])
        own = np.append(weight[i] * free, missed[i] * sum(rest.values()))
        np.testing.assert_allclose(np.append(beta[i], miss[i]), own / own.sum(), rtol=1e-9, atol=1e-13)


def sums_by_used(weight: np.ndarray, missed: np.ndarray) -> dict[int, float]:
    """Return the weight of all joint events by the mask of the detections that they use."""
    sums = {0: 1.0}
    for row, none in zip(weight, missed, strict=True):
        after: dict[int, float] = {}
        for mask, value in sums.items():
            after[mask] = after.get(mask, 0.0) + value * none
            for j, w in enumerate(row):
                if w > 0.0 and not mask >> j & 1:
                    after[mask | 1 << j] = after.get(mask | 1 << j, 0.0) + value * w
        sums = after
    return sums


def test_no_probability_moves_by_more_than_the_error_that_pruning_reports() -> None:
    rng = np.random.default_rng(17)
    pruned = 0
    for _ in range(40):
        weight, missed = 10.0 ** rng.normal(0.0, 2.5, (11, 11)), np.full(11, 0.1)
        exact, exact_miss, _ = run(weight, missed)
        near, near_miss, counts = run(weight, missed, work_limit=2e4)
        pruned += counts[2]
        if counts[3]:
            continue
        worst = max(np.abs(near - exact).max(), np.abs(near_miss - exact_miss).max())
        assert worst <= counts[4] + 1e-9
        np.testing.assert_allclose(near.sum(axis=1) + near_miss, 1.0, rtol=1e-9)
    assert pruned > 10


def test_belief_propagation_alone_is_near_the_exact_sum() -> None:
    rng = np.random.default_rng(8)
    deviations = []
    for _ in range(60):
        weight, missed = rng.uniform(0.5, 20.0, (4, 4)) * (rng.random((4, 4)) < 0.6), rng.uniform(0.05, 0.5, 4)
        loose, loose_miss = believe(weight, missed)
        exact, exact_miss, _ = run(weight, missed)
        np.testing.assert_allclose(loose.sum(axis=1) + loose_miss, 1.0, rtol=1e-9)
        deviations.append(np.abs(loose - exact).max())
        np.testing.assert_allclose(loose_miss, exact_miss, atol=0.2)
    # The Bethe approximation is exact on trees and has no bound on cycles; that it can rank pairs for pruning means
    # that even the worst pair of a dense ambiguous cluster is typically right within a tenth.
    assert np.median(deviations) < 0.1


def believe(weight: np.ndarray, missed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    n, m = weight.shape
    track, det = np.nonzero(weight > 0.0)
    start = np.searchsorted(track, np.arange(n + 1)).astype(np.int64)
    beta, miss = np.empty(len(det)), np.empty(n)
    belief.propagate(weight[track, det], missed, start, det.astype(np.int64), np.arange(n), np.empty(m), beta, miss)
    full = np.zeros_like(weight)
    full[track, det] = beta
    return full, miss


def test_belief_propagation_is_exact_without_cycles() -> None:
    weight = np.array([[3.0, 0.0], [2.0, 1.5], [0.0, 4.0]])
    missed = np.array([0.3, 0.6, 0.2])
    loose, loose_miss = believe(weight, missed)
    expected, expected_miss = jpda_enumerated.marginals(weight, missed)
    np.testing.assert_allclose(loose, expected, atol=1e-7)
    np.testing.assert_allclose(loose_miss, expected_miss, atol=1e-7)


def test_without_any_work_allowed_belief_propagation_answers_and_says_so() -> None:
    rng = np.random.default_rng(2)
    weight, missed = rng.uniform(0.5, 2.0, (14, 14)), np.full(14, 0.3)
    beta, miss, (_, frontier, pruned, loopy, error) = run(weight, missed, work_limit=0.0)
    assert (frontier, pruned) == (14, 0)
    assert loopy >= 1
    assert error >= association.LOOPY_ERROR
    np.testing.assert_allclose(beta.sum(axis=1) + miss, 1.0, rtol=1e-9)
    expected, _ = believe(weight, missed)
    # Pruning by the ladder has left some tracks alone, with an exact answer; the first one is still in a cluster.
    np.testing.assert_array_equal(beta[0], expected[0])


def test_a_cluster_too_wide_for_any_mask_ends_and_is_bounded() -> None:
    rng = np.random.default_rng(3)
    weight, missed = 10.0 ** rng.normal(0.0, 1.0, (70, 80)), np.full(70, 0.3)
    beta, miss, counts = run(weight, missed, work_limit=1e5)
    assert counts[1] > 50
    np.testing.assert_allclose(beta.sum(axis=1) + miss, 1.0, rtol=1e-9)
