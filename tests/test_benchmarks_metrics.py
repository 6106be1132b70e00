"""GOSPA, OSPA, NEES and identity metrics against enumeration, hand-computed cases and statistics."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from oracles import gospa_enumerated
from scipy.stats import chi2

from benchmarks.metrics.consistency import INSIDE_95, mean_per_degree, nees, share_inside_95
from benchmarks.metrics.gospa import distances, gospa, ospa
from benchmarks.metrics.identity import (
    completeness,
    false_tracks,
    first_assigned_ns,
    id_switches,
    main_owner,
    owner_at,
    per_hour,
)
from benchmarks.metrics.instants import counted_rows, evaluate
from benchmarks.metrics.latency import percentiles
from benchmarks.truth_table import TruthTable
from edge_node.tables.tracks_file import TrackTable
from messages.types import LatencyLedger

NS = 1_000_000_000


def points(*rows: tuple[float, float, float]) -> np.ndarray:
    return np.array(rows, dtype=np.float64).reshape(-1, 3)


@pytest.mark.parametrize("n", range(6))
@pytest.mark.parametrize("m", range(6))
def test_gospa_and_ospa_equal_enumeration(n, m):
    rng = np.random.default_rng(10 * n + m)
    for spread in (3.0, 10.0, 40.0):
        truth, tracks = rng.normal(size=(n, 3)) * spread, rng.normal(size=(m, 3)) * spread
        distance = distances(truth, tracks)
        listed = [tuple(p) for p in truth.tolist()], [tuple(p) for p in tracks.tolist()]
        assert gospa(distance, 15.0).distance_m == pytest.approx(gospa_enumerated.gospa(*listed, 15.0), rel=1e-12)
        assert ospa(distance, 15.0) == pytest.approx(gospa_enumerated.ospa(*listed, 15.0), rel=1e-12)


def test_gospa_by_hand_two_found_and_one_false():
    truth = points((0, 0, 0), (100, 0, 0))
    tracks = points((3, 0, 0), (100, 4, 0), (50, 50, 0))
    result = gospa(distances(truth, tracks), 10.0)
    assert result.distance_m == pytest.approx(math.sqrt(9 + 16 + 50))
    assert result.localisation_m == pytest.approx(5.0)
    assert (result.missed_m, result.false_m) == (0.0, pytest.approx(math.sqrt(50)))
    assert result.truth_index.tolist() == [0, 1]
    assert result.track_index.tolist() == [0, 1]


def test_gospa_by_hand_a_pair_at_the_cutoff_is_missed_and_false():
    result = gospa(distances(points((0, 0, 0)), points((10, 0, 0))), 10.0)
    assert result.distance_m == pytest.approx(10.0)
    assert (result.localisation_m, len(result.truth_index)) == (0.0, 0)
    assert result.missed_m == result.false_m == pytest.approx(math.sqrt(50))


def test_gospa_adds_for_each_false_track_where_ospa_does_not():
    """The argument of Rahmathullah 2017, section II: one target missed and ever more false tracks."""
    truth = points((0, 0, 0))
    values = []
    for m in (1, 4, 9):
        far = points(*[(1000.0 * (k + 1), 0.0, 0.0) for k in range(m)])
        values.append(gospa(distances(truth, far), 8.0).distance_m)
        assert ospa(distances(truth, far), 8.0) == pytest.approx(8.0)
    assert values == pytest.approx([8.0 * math.sqrt((1 + m) / 2) for m in (1, 4, 9)])


def test_ospa_by_hand():
    """Schuhmacher 2008, equation 3 with p = 2: sqrt((3^2 + c^2) / 2) for one found at 3 and one missing."""
    distance = distances(points((0, 0, 0), (100, 0, 0)), points((3, 0, 0)))
    assert ospa(distance, 10.0) == pytest.approx(math.sqrt((9 + 100) / 2))
    assert ospa(distances(points(), points()), 10.0) == 0.0


def test_gospa_is_symmetric_and_obeys_the_triangle_inequality():
    rng = np.random.default_rng(5)
    for _ in range(200):
        a, b, c = (rng.normal(size=(int(rng.integers(0, 5)), 3)) * 10.0 for _ in range(3))
        ab, bc, ac = (gospa(distances(x, y), 12.0).distance_m for x, y in ((a, b), (b, c), (a, c)))
        assert ac <= ab + bc + 1e-9
        assert ab == pytest.approx(gospa(distances(b, a), 12.0).distance_m)


def test_nees_of_errors_drawn_from_their_covariance_is_chi_square():
    rng = np.random.default_rng(11)
    n = 4000
    root = np.array([[4.0, 0, 0], [1.0, 3.0, 0], [-2.0, 0.5, 1.0]])
    covariance = root @ root.T
    error = rng.normal(size=(n, 3)) @ root.T
    upper = np.tile(covariance[np.triu_indices(3)], (n, 1))
    values = nees(error, upper)
    mean, share = mean_per_degree(values), share_inside_95(values)
    assert mean is not None
    assert share is not None
    assert abs(mean - 1.0) < 5.0 * math.sqrt(2.0 / (3.0 * n))  # the variance of chi-square(3) / 3 is 2/3
    assert abs(share - 0.95) < 5.0 * math.sqrt(0.95 * 0.05 / n)
    one = error[0] @ np.linalg.inv(covariance) @ error[0]
    assert values[0] == pytest.approx(one)


def test_nees_without_a_usable_covariance_is_missing():
    upper = np.array([[np.nan] * 6, [1.0, 0, 0, -1.0, 0, 1.0], [1.0, 0, 0, 1.0, 0, 1.0]])
    values = nees(np.ones((3, 3)), upper)
    assert np.isnan(values[:2]).all()
    assert values[2] == pytest.approx(3.0)
    assert mean_per_degree(values[:2]) is None
    assert share_inside_95(np.empty(0)) is None


def test_the_limit_of_the_ellipsoid_is_the_quantile():
    assert pytest.approx(chi2.ppf(0.95, 3)) == INSIDE_95


def track_rows(rows: list[tuple[float, int, float]], speed_mps: float = 0.0) -> TrackTable:
    """Tracks on the east axis from (time, id, east)."""
    time_s, ids, east = (np.array(column) for column in zip(*rows, strict=True)) if rows else (np.empty(0),) * 3
    n = len(rows)
    return TrackTable(
        t_ns=np.rint(time_s * NS).astype(np.int64),
        track_id=ids.astype(np.int64),
        status=["confirmed"] * n,
        existence=np.ones(n),
        position_m=np.stack([east, np.zeros(n), np.zeros(n)], axis=1),
        velocity_mps=np.tile([speed_mps, 0.0, 0.0], (n, 1)),
        covariance_m2=np.tile([1.0, 0, 0, 1.0, 0, 1.0], (n, 1)),
        classes={},
    )


def truth_rows(rows: list[tuple[float, int, float]], scored: list[bool] | None = None) -> TruthTable:
    time_s, target, east = (np.array(column) for column in zip(*rows, strict=True))
    n = len(rows)
    return TruthTable(
        t_ns=np.rint(time_s * NS).astype(np.int64),
        target=target.astype(np.int64),
        target_ids=tuple(f"t{i}" for i in range(int(target.max()) + 1)),
        position_m=np.stack([east, np.zeros(n), np.zeros(n)], axis=1),
        velocity_mps=np.full((n, 3), np.nan),
        target_class=[""] * n,
        threat=np.zeros(n, dtype=np.bool_),
        airborne=np.ones(n, dtype=np.bool_),
        scored=np.array(scored if scored is not None else [True] * n, dtype=np.bool_),
        pd={},
    )


def test_a_track_counts_with_its_last_row_moved_by_its_velocity():
    truth = truth_rows([(1.0, 0, 10.0), (1.5, 0, 15.0)])
    tracks = track_rows([(0.9, 4, 9.0), (0.2, 4, 0.0), (1.6, 4, 99.0)], speed_mps=10.0)
    evaluation = evaluate(tracks, truth, 50.0)
    np.testing.assert_allclose(evaluation.pair_error_m[:, 0], [0.0, 0.0], atol=1e-12)
    assert evaluation.pair_row.tolist() == [0, 0]


def test_a_row_older_than_a_second_does_not_count_and_one_second_does():
    tracks = track_rows([(1.0, 1, 0.0)])
    instants = np.array([0.999, 1.0, 2.0, 2.001]) * NS
    instant, _ = counted_rows(tracks, np.rint(instants).astype(np.int64))
    assert instant.tolist() == [1, 2]


def test_of_two_rows_at_one_time_the_later_in_the_file_counts():
    instant, row = counted_rows(track_rows([(1.0, 1, 0.0), (1.0, 1, 5.0)]), np.array([NS]))
    assert (instant.tolist(), row.tolist()) == ([0], [1])


def test_counted_rows_equal_the_rule_read_aloud():
    rng = np.random.default_rng(8)
    rows = [(round(rng.uniform(0, 10), 2), int(rng.integers(1, 5)), float(k)) for k in range(200)]
    tracks, instants = track_rows(rows), np.arange(0, 11 * NS, NS // 4)
    got = set(zip(*(part.tolist() for part in counted_rows(tracks, instants)), strict=True))
    expected = set()
    for k, t in enumerate(instants.tolist()):
        for track_id in range(1, 5):
            mine = [(tracks.t_ns[i], i) for i in range(len(rows)) if rows[i][1] == track_id and tracks.t_ns[i] <= t]
            if mine and t - max(mine)[0] <= NS:
                expected.add((k, max(mine)[1]))
    assert got == expected


def test_switches_completeness_and_false_tracks_of_a_story():
    """Target 0 is followed by track 1, lost, followed by track 2; track 9 follows nothing."""
    truth = truth_rows([(t, 0, 0.0) for t in range(10)])
    tracks = track_rows(
        [(t, 1, 1.0) for t in range(4)] + [(t, 2, 2.0) for t in range(6, 10)] + [(t, 9, 500.0) for t in range(10)]
    )
    evaluation = evaluate(tracks, truth, 50.0)
    assert evaluation.pair_track.tolist() == [1] * 5 + [2] * 4  # track 1 counts for one second more
    assert id_switches(evaluation) == 1
    assert completeness(evaluation) == pytest.approx(0.9)
    assert false_tracks(evaluation) == [9]
    assert first_assigned_ns(evaluation, 0) == 0
    assert main_owner(evaluation, 9) is None
    assert per_hour(2, 1800.0) == 4.0
    assert per_hour(2, 0.0) is None


def test_an_alert_belongs_to_the_target_of_its_track_at_that_time():
    truth = truth_rows([(t, i, 200.0 * i) for t in range(4) for i in range(2)])
    tracks = track_rows([(0, 1, 0.0), (1, 1, 0.0), (2, 1, 200.0), (3, 1, 900.0)])
    evaluation = evaluate(tracks, truth, 50.0)
    assert [owner_at(evaluation, 1, round(t * NS)) for t in (0.0, 0.5, 1.5, 2.0, 2.5, 99.0)] == [0, 0, 1, 1, None, None]
    assert owner_at(evaluation, 7, NS) is None


def test_a_track_that_follows_a_hidden_target_is_not_false():
    """Hidden from t = 2 on: out of the truth set, so nothing is assigned, but the track is still its own."""
    truth = truth_rows([(t, 0, 0.0) for t in range(10)], scored=[t < 2 for t in range(10)])
    evaluation = evaluate(track_rows([(t, 1, 1.0) for t in range(10)]), truth, 50.0)
    assert completeness(evaluation) == 1.0
    assert false_tracks(evaluation) == []
    assert owner_at(evaluation, 1, 5 * NS) == 0
    assert evaluation.gospa_m[5, 3] == pytest.approx(math.sqrt(50.0**2 / 2))  # GOSPA itself counts it as false


def test_nothing_against_nothing_is_no_error():
    evaluation = evaluate(track_rows([]), truth_rows([(0, 0, 0.0)], scored=[False]), 50.0)
    assert evaluation.gospa_m[0].tolist() == [0.0] * 4
    assert completeness(evaluation) is None
    assert id_switches(evaluation) == 0


def test_latency_percentiles_by_stage():
    ledgers = [
        LatencyLedger(t_ns=k, sensor_id="r", scan=k, stages_ms={"fuse": float(k), "total": 2.0 * k}) for k in range(101)
    ]
    assert percentiles(ledgers) == {
        "fuse": {"p50": 50.0, "p99": 99.0, "max": 100.0},
        "total": {"p50": 100.0, "p99": 198.0, "max": 200.0},
    }
    assert percentiles([]) == {}


def test_a_long_run_is_evaluated_within_seconds():
    """120 s of truth at 10 Hz with eight targets, 100,000 rows of tracks."""
    truth = truth_rows([(t / 10, i, 100.0 * i) for t in range(1200) for i in range(8)])
    tracks = track_rows([(k / 8 * 0.0096, k % 8, 100.0 * (k % 8) + 1.0) for k in range(100_000)])
    start = time.perf_counter()
    evaluation = evaluate(tracks, truth, 50.0)
    assert time.perf_counter() - start < 5.0  # measured 0.2 s
    assert completeness(evaluation) == pytest.approx(1.0 - 7 / 9600)  # at t = 0 only the first track has a row
    np.testing.assert_allclose(evaluation.gospa_m[1:, 0], math.sqrt(8.0))
