"""Tracks of several nodes: no double counting, equal to the centralised filter where that is possible."""

import itertools
import math

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.stats import chi2

from fusion.kernels import motion, track_fusion
from fusion.track_fusion import FusedTrack, Report, TrackPicture
from messages.types import Track

UPPER = np.triu_indices(6)
H = np.hstack([np.eye(3), np.zeros((3, 3))])
SECOND_NS = 10**9


def covariance(rng: np.random.Generator, scale: float = 3.0) -> np.ndarray:
    A = rng.normal(size=(6, 6)) * scale
    return A @ A.T + 0.5 * np.eye(6)


def updated(x: np.ndarray, P: np.ndarray, z: np.ndarray, R: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The textbook Kalman update, in information form."""
    P_new = np.linalg.inv(np.linalg.inv(P) + H.T @ np.linalg.inv(R) @ H)
    return x + P_new @ H.T @ np.linalg.solve(R, z - H @ x), P_new


def predicted(x: np.ndarray, P: np.ndarray, q: float, dt: float) -> tuple[np.ndarray, np.ndarray]:
    x, P = x.copy(), P.copy()
    motion.predict_one(x, P, q, dt)
    return x, P


def intersection(a: tuple[np.ndarray, np.ndarray], b: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, ...]:
    x, P = np.empty(6), np.empty((6, 6))
    omega = track_fusion.intersect(*a, *b, x, P)
    assert 0.0 <= omega <= 1.0
    return x, P


@pytest.mark.parametrize("seed", range(8))
def test_the_weight_is_that_of_the_smallest_determinant(seed: int) -> None:
    """Against a minimiser without derivatives: near a flat minimum its argument is good to the root of 1e-16, so the
    determinants are compared: ours is not larger than its by more than rounding, 36 products of condition 1e4."""
    rng = np.random.default_rng(seed)
    Pa, Pb, xa, xb = covariance(rng), covariance(rng), rng.normal(size=6), rng.normal(size=6)
    A, B = np.linalg.inv(Pa), np.linalg.inv(Pb)

    def log_det(omega: float) -> float:
        return -float(np.linalg.slogdet(omega * A + (1.0 - omega) * B)[1])

    best = minimize_scalar(log_det, bounds=(0.0, 1.0), method="bounded", options={"xatol": 1e-10})
    x, P = np.empty(6), np.empty((6, 6))
    omega = track_fusion.intersect(xa, Pa, xb, Pb, x, P)
    assert np.linalg.slogdet(P)[1] <= best.fun + 1e-11
    M = np.linalg.inv(omega * A + (1.0 - omega) * B)
    np.testing.assert_allclose(P, M, rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(x, M @ (omega * A @ xa + (1.0 - omega) * B @ xb), rtol=1e-9, atol=1e-9)


def test_a_better_estimate_of_everything_stands_alone() -> None:
    rng = np.random.default_rng(3)
    P, x = covariance(rng), rng.normal(size=6)
    out = intersection((x, P), (x + 1.0, 4.0 * P))
    np.testing.assert_allclose(out[1], P, rtol=1e-12)
    np.testing.assert_allclose(out[0], x, rtol=1e-12)


def test_a_track_fused_with_itself_is_itself() -> None:
    rng = np.random.default_rng(4)
    x, P = rng.normal(size=6) * 500.0, covariance(rng)
    out = intersection((x, P), (x, P))
    np.testing.assert_allclose(out[0], x, rtol=1e-14)
    np.testing.assert_allclose(out[1], P, rtol=1e-10)  # two inversions of condition 1e4


@pytest.mark.jit
def test_rumours_that_go_round_do_not_become_knowledge() -> None:
    """Two nodes hand each other their result a hundred times: nothing gets smaller than the first intersection."""
    rng = np.random.default_rng(5)
    a = rng.normal(size=6), covariance(rng)
    b = rng.normal(size=6), covariance(rng)
    first = intersection(a, b)
    for _ in range(100):
        a = intersection(a, b)
        b = intersection(b, a)
    # Each of 200 fusions inverts three times with condition 1e4: 600 x 1e4 x 2e-16 = 1e-9.
    np.testing.assert_allclose(a[1], first[1], rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(b[1], first[1], rtol=1e-8, atol=1e-8)


def test_a_matrix_that_is_no_covariance_is_refused() -> None:
    x, P = np.full(6, 7.0), np.full((6, 6), 7.0)
    assert math.isnan(track_fusion.intersect(np.zeros(6), -np.eye(6), np.zeros(6), np.eye(6), x, P))
    assert np.all(x == 7.0)
    good = np.eye(6)
    assert not track_fusion.add_news(np.zeros(6), good, np.zeros(6), 2.0 * np.eye(6), np.zeros(6), np.eye(6))
    np.testing.assert_array_equal(good, np.eye(6))  # the sender knows less than it did: no news


@pytest.mark.parametrize(("q", "every"), [(8.0, 1), (0.0, 4)])
def test_the_news_of_two_nodes_equal_the_centralised_filter(q: float, every: int) -> None:
    """Either every measurement is reported, or nothing drives the target: then nothing at all is lost."""
    rng = np.random.default_rng(6)
    start = np.zeros(6), np.diag([400.0] * 3 + [100.0] * 3)
    central, centre, local, said = start, start, [start, start], [start, start]
    for k in range(1, 41):
        central, centre = predicted(*central, q, 0.25), predicted(*centre, q, 0.25)
        for node in range(2):
            local[node], said[node] = predicted(*local[node], q, 0.25), predicted(*said[node], q, 0.25)
            z, R = rng.normal(size=3) * 10.0, np.diag(rng.uniform(0.5, 9.0, 3))
            central, local[node] = updated(*central, z, R), updated(*local[node], z, R)
            if k % every == 0:
                x, P = centre[0].copy(), centre[1].copy()
                assert track_fusion.add_news(x, P, *local[node], *said[node])
                centre, said[node] = (x, P), local[node]
    np.testing.assert_allclose(centre[0], central[0], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(centre[1], central[1], rtol=1e-9, atol=1e-9)


def nees_of_runs(runs: int) -> dict[str, float]:
    """Mean NEES of 200 runs: two nodes whose errors share the target's manoeuvres, fused in three ways at the end."""
    q, dt, R, total = 20.0, 0.5, np.diag([9.0, 9.0, 9.0]), {"intersection": 0.0, "news": 0.0, "naive": 0.0}
    F = np.eye(6)
    F[:3, 3:] = dt * np.eye(3)
    Q = predicted(np.zeros(6), np.zeros((6, 6)), q, dt)[1]
    root = np.linalg.cholesky(Q)
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        P0 = np.diag([100.0] * 3 + [25.0] * 3)
        truth = np.sqrt(P0.diagonal()) * rng.normal(size=6)
        centre, nodes = (np.zeros(6), P0), [(np.zeros(6), P0), (np.zeros(6), P0)]
        for _ in range(20):
            truth = F @ truth + root @ rng.normal(size=6)
            centre = predicted(*centre, q, dt)
            for i in range(2):
                before = predicted(*nodes[i], q, dt)
                nodes[i] = updated(*before, truth[:3] + 3.0 * rng.normal(size=3), R)
                x, P = centre[0].copy(), centre[1].copy()
                assert track_fusion.add_news(x, P, *nodes[i], *before)
                centre = x, P
        A, B = (np.linalg.inv(P) for _, P in nodes)
        naive = np.linalg.inv(A + B)
        fusions = {
            "intersection": intersection(*nodes),
            "news": centre,
            "naive": (naive @ (A @ nodes[0][0] + B @ nodes[1][0]), naive),
        }
        for name, (x, P) in fusions.items():
            total[name] += float((x - truth) @ np.linalg.solve(P, x - truth)) / runs
    return total


@pytest.mark.jit
def test_errors_are_as_large_as_the_fused_covariance_says() -> None:
    """The two-sided 99.9 % band for the news; intersection may only be too careful; adding up is caught."""
    runs = 200
    low, high = chi2.ppf([0.0005, 0.9995], 6 * runs) / runs
    nees = nees_of_runs(runs)
    assert low < nees["news"] < high
    assert 0.5 * low < nees["intersection"] < high  # equal independent parts: half the NEES at most is lost
    assert nees["naive"] > high


def track(number: int, x: np.ndarray, P: np.ndarray, t_ns: int = SECOND_NS, existence: float = 0.97) -> Track:
    return Track(
        track_id=number, t_ns=t_ns, status="confirmed", existence=existence, state=tuple(x.tolist()),
        covariance=tuple(P[UPPER].tolist()), class_probabilities={"fpv": 0.7, "bird": 0.3},
        model_probabilities=(1.0,), sensor_shares={"radar_1": 1.0},
    )  # fmt: skip


def three_nodes(seed: int = 7) -> tuple[np.ndarray, list[Report]]:
    """Four targets 60 m apart; node c hears only the first three, and numbers run differently everywhere."""
    rng = np.random.default_rng(seed)
    truth = np.zeros((4, 6))
    truth[:, 0], truth[:, 1], truth[:, 3] = 60.0 * np.arange(4), 500.0, 12.0
    reports = []
    for name, count in (("a", 4), ("b", 4), ("c", 3)):
        order = rng.permutation(count)
        tracks = []
        for number, i in enumerate(order.tolist(), 1):
            P = covariance(rng, 1.5)
            x = truth[i] + np.linalg.cholesky(P) @ rng.normal(size=6)
            tracks.append(track(number, x, P))
        reports.append(Report(name, tuple(tracks)))
    return truth, reports


def frozen(tracks: tuple[FusedTrack, ...]) -> list[tuple[object, ...]]:
    return [
        (t.picture_id, t.x.tobytes(), t.P.tobytes(), t.existence, tuple(t.class_probabilities.items()), t.members)
        for t in tracks
    ]


def test_three_nodes_make_one_picture_in_any_order() -> None:
    truth, reports = three_nodes()
    pictures = [TrackPicture().update(order, SECOND_NS) for order in itertools.permutations(reports)]
    assert all(frozen(picture) == frozen(pictures[0]) for picture in pictures)
    assert len(pictures[0]) == 4
    for fused in pictures[0]:
        error = fused.x - truth[np.argmin(np.abs(truth[:, 0] - fused.x[0]))]
        assert error @ np.linalg.solve(fused.P, error) < chi2.ppf(0.9999, 6)
    assert sorted(len(fused.members) for fused in pictures[0]) == [2, 3, 3, 3]


def test_the_same_report_again_and_again_changes_nothing() -> None:
    _, reports = three_nodes()
    picture = TrackPicture()
    first = picture.update([reports[0]], SECOND_NS)
    for _ in range(20):
        again = picture.update([reports[0]], SECOND_NS)
    for a, b in zip(first, again, strict=True):
        np.testing.assert_allclose(b.P, a.P, rtol=1e-9, atol=1e-9)
        assert b.existence == pytest.approx(a.existence, abs=1e-12)
        assert b.class_probabilities == pytest.approx(a.class_probabilities, abs=1e-12)


def test_what_was_sent_before_is_taken_out_of_the_next_report() -> None:
    """A node's second report with its first one: the picture is what the node itself has, existence and class too."""
    rng = np.random.default_rng(8)
    P = covariance(rng)
    first = track(1, np.zeros(6), P, existence=0.8)
    x, P_new = updated(np.zeros(6), P, np.array([1.0, -2.0, 0.5]), np.eye(3))
    second = track(1, x, P_new, existence=0.95)
    picture = TrackPicture()
    picture.update([Report("a", (first,))], SECOND_NS)
    (fused,) = picture.update([Report("a", (second,), {1: first})], SECOND_NS)
    np.testing.assert_allclose(fused.x, x, atol=1e-9)
    np.testing.assert_allclose(fused.P, P_new, atol=1e-9)
    assert fused.existence == pytest.approx(0.95, abs=1e-12)
    assert fused.class_probabilities == pytest.approx({"fpv": 0.7, "bird": 0.3}, abs=1e-12)


def test_a_target_that_nobody_reports_leaves_the_picture() -> None:
    _, reports = three_nodes()
    picture = TrackPicture()
    picture.update(reports, SECOND_NS)
    assert len(picture.update([], 3 * SECOND_NS)) == 4
    assert picture.update([], 5 * SECOND_NS) == ()
    with pytest.raises(ValueError, match="newer than the picture"):
        picture.update(reports, SECOND_NS // 2)


def test_two_reports_of_one_node_are_refused() -> None:
    _, reports = three_nodes()
    with pytest.raises(ValueError, match="one a node"):
        TrackPicture().update([reports[0], reports[0]], SECOND_NS)
