"""Formations: a member without a track is found, one too many ends; and tracks that live on others' bearings end."""

import numpy as np
import pytest
from fusion_scene import RADAR_SIGMA, polar, radar, scan_of

from fusion.config import AssociationConfig, TrackerConfig
from fusion.judgement import CONTESTED_LOOKS, MERGE
from fusion.kernels import association, existence, formations, judging, merging
from fusion.lifecycle import State
from fusion.sensing import SensorBook
from fusion.table import TrackTable
from fusion.tracker import Tracker

PERIOD_NS = 100_000_000
NO_FORMATIONS = TrackerConfig(association=AssociationConfig(formation=10**6))


def table_of(places: list[tuple[float, float, float]], states: list[State]) -> TrackTable:
    table = TrackTable(16, np.zeros(2), 4)
    x = np.array([[*place, 10.0, -5.0, 0.0] for place in places])
    P = np.tile(np.diag([4.0, 4.0, 9.0, 1.0, 1.0, 1.0]), (len(places), 1, 1))
    table.append(x, P, np.full(len(places), 0.9), np.array([0.5, 0.5]), 0, np.array([[0.1, 0.1, 0.2, 0.6]]))
    table.columns.state[: len(places)] = states
    return table


def spare(table: TrackTable, pairs: list[tuple[int, int]], detections: int) -> tuple[np.ndarray, np.ndarray]:
    """Spare members of a table whose gated pairs are (track, detection)."""
    track, det = (np.array(column, dtype=np.int64) for column in zip(*pairs, strict=True))
    n = table.n
    x, P = np.empty((n, 6)), np.empty((n, 6, 6))
    start = np.searchsorted(track, np.arange(n + 1))
    count = formations.spare_members(table.columns, n, start, det, detections, 3, 0.01, np.array([10.0, 3.0]), x, P)
    return x[:count], P[:count]


THREE = [(0.0, 0.0, 50.0), (10.0, 0.0, 50.0), (5.0, 9.0, 56.0)]
CHAIN = [(0, 0), (1, 0), (1, 1), (2, 1)]


@pytest.mark.kernels
def test_a_formation_has_one_member_to_spare_as_wide_as_it_is() -> None:
    table = table_of(THREE, [State.CONFIRMED] * 3)
    x, P = spare(table, CHAIN, 2)
    places = np.array(THREE)
    np.testing.assert_allclose(x, [[*places.mean(axis=0), 10.0, -5.0, 0.0]])
    expected = np.cov(places.T, bias=True) + np.diag([4.0, 4.0, 9.0]) + 100.0 * np.eye(3)
    np.testing.assert_allclose(P[0, :3, :3], expected, atol=1e-12)
    np.testing.assert_allclose(P[0, 3:, 3:], np.eye(3) + 9.0 * np.eye(3), atol=1e-12)


@pytest.mark.kernels
@pytest.mark.parametrize(
    ("states", "pairs"),
    [
        ([State.CONFIRMED, State.CONFIRMED, State.TENTATIVE], CHAIN),
        ([State.CONFIRMED] * 3, [(0, 0), (1, 0), (2, 1)]),
    ],
    ids=["one of the three is on trial already", "the third is on its own"],
)
def test_two_are_no_formation(states: list[State], pairs: list[tuple[int, int]]) -> None:
    x, _ = spare(table_of(THREE, states), pairs, 2)
    assert len(x) == 0


@pytest.mark.kernels
def test_only_one_member_at_a_time_is_on_trial() -> None:
    table = table_of([*THREE, (5.0, 3.0, 50.0)], [State.CONFIRMED] * 3 + [State.TENTATIVE])
    pairs = [(0, 0), (1, 0), (1, 1), (2, 1), (3, 1)]
    assert len(spare(table, pairs, 2)[0]) == 0
    table.columns.r[3] = 0.001  # it has been answered
    assert len(spare(table, pairs, 2)[0]) == 1


@pytest.mark.kernels
def test_no_member_of_a_formation_is_taken_for_hard_to_see() -> None:
    book = SensorBook(TrackerConfig())
    book.add(radar(period_s=0.1))
    look = book.prepare(scan_of("radar_1", 0, 0, [[800.0, 0.5, 0.1, -20.0], [900.0, 0.5, 0.1, -20.0]])).look
    levels = np.tile([0.4, 0.3, 0.2, 0.1], (5, 1))
    before, visible, pd = levels.copy(), np.full(5, 0.5), np.zeros(5)
    track, det = np.array([0, 1, 2, 3, 4]), np.array([0, 0, 0, 1, 1])
    existence.stand_firm(levels, 5, track, det, 3, look, visible, pd)
    np.testing.assert_array_equal(levels[:3], [[0.0, 0.0, 0.0, 1.0]] * 3)
    np.testing.assert_allclose(pd[:3], 0.5 * look.level_pd[-1])
    np.testing.assert_array_equal(levels[3:], before[3:])
    assert not pd[3:].any()


def formation(members: int, hidden: int, scans: int, seed: int, config: TrackerConfig) -> list[int]:
    """Reported tracks after each look at a formation whose last members a hill hides from the first looks."""
    rng = np.random.default_rng(seed)
    offset = rng.uniform(-14.0, 14.0, (members, 3)) * np.array([1.0, 1.0, 0.6])
    drift = rng.normal(0.0, 1.0, (members, 3)) * np.array([1.0, 1.0, 0.3])
    tracker = Tracker(config)
    tracker.add_sensor(radar(period_s=0.1, clutter=2.0))
    counts = []
    for k in range(scans):
        p = np.array([300.0, 600.0, 80.0]) + offset + (np.array([-8.0, -14.0, 0.0]) + drift) * 0.1 * k
        seen = members - hidden if k < 15 else members
        rows = []
        for i in range(seen):
            if rng.random() < 0.9:
                z = np.array(polar(p[i], np.array([-8.0, -14.0, 0.0]) + drift[i])) + rng.normal(size=4) * RADAR_SIGMA
                rows.append(z.tolist())
        counts.append(len(tracker.step(scan_of("radar_1", k, k * PERIOD_NS, rows)).tracks))
    return counts


@pytest.mark.jit  # minutes without compiled code; the next test takes the same way without it
def test_members_that_come_late_are_found_although_the_others_explain_their_plots() -> None:
    """Ten formations of twelve, of which two were hidden at first: complete at the end, and sooner."""
    early, complete = {}, {}
    for name, config in (("formations", TrackerConfig()), ("none", NO_FORMATIONS)):
        counts = [formation(12, 2, 60, seed, config) for seed in range(10)]
        early[name] = float(np.mean([count[20:30] for count in counts]))
        complete[name] = sum(abs(float(np.mean(count[-10:])) - 12.0) < 0.5 for count in counts)
    assert complete["formations"] == 10
    assert complete["none"] < 10
    assert early["formations"] > early["none"] + 0.3


def unresolved(seed: int, config: TrackerConfig) -> list[int]:
    """Reported tracks after each look at four drones, two of which the radar cannot tell apart from look 30 to 41."""
    rng = np.random.default_rng(seed)
    offset = np.array([[-3.0, 0.0, 0.0], [3.0, 0.0, 0.0], [-16.0, 4.0, 3.0], [16.0, -4.0, -3.0]])
    velocity = np.array([-8.0, -14.0, 0.0])
    tracker = Tracker(config)
    tracker.add_sensor(radar(period_s=0.1, clutter=2.0))
    counts = []
    for k in range(42):
        p = np.array([300.0, 600.0, 80.0]) + offset + velocity * 0.1 * k
        there = p if k < 30 else np.vstack([p[:2].mean(axis=0), p[2:]])
        seen = there[rng.random(len(there)) < 0.9]
        rows = [(np.array(polar(q, velocity)) + rng.normal(size=4) * RADAR_SIGMA).tolist() for q in seen]
        counts.append(len(tracker.step(scan_of("radar_1", k, k * PERIOD_NS, rows)).tracks))
    return counts


def test_two_of_a_few_that_share_one_plot_for_a_while_both_live() -> None:
    """Thirty groups of four: after 1.2 s unresolved both are still there, where a crowd's rule would have ended one."""
    left = {}
    for crowd in (TrackerConfig().association.crowd, 3):
        config = TrackerConfig(association=AssociationConfig(crowd=crowd))
        counts = np.array([unresolved(seed, config) for seed in range(30)])
        assert (counts[:, 29] == 4).mean() > 0.8
        left[crowd] = float((counts[:, -1] == 4).mean())
    assert left[TrackerConfig().association.crowd] > left[3] + 0.5


@pytest.mark.kernels
def test_a_track_whose_pairs_are_all_too_weak_for_the_exact_sum_is_still_heard() -> None:
    """Sixteen sharp tracks beyond the work limit, and one that wants each of their detections a little."""
    rng = np.random.default_rng(4)
    n, m = 17, 16
    weight = rng.uniform(20.0, 60.0, (n, m))
    weight[16] = 1.0
    track, det = (part.ravel() for part in np.indices((n, m)))
    start = np.arange(n + 1, dtype=np.int64) * m
    beta, miss, room = np.empty(n * m), np.empty(n), np.empty(1 << 12)
    association.marginals(weight.ravel(), np.full(n, 0.5), start, det, n, m, 1e5, room, beta, miss)
    own = beta[track == 16]
    assert 0.0 < own.max() < 0.1
    assert miss[16] + own.sum() == pytest.approx(1.0)


SHARED = [(0, 0, 0.6), (1, 0, 0.4)]
BOTH = [(0, 0, 0.9), (1, 0, 0.1), (1, 1, 0.8)]
OWN = [(0, 0, 0.9), (1, 1, 0.9)]


def looks_until_the_end(looks: list[list[tuple[int, int, float]]], ranged_hits: float = 0.0) -> int | None:
    """Feed a track without a range beside one with; return after how many looks (track, detection, beta) it ends."""
    table = table_of(THREE[:2], [State.CONFIRMED] * 2)
    c = table.columns
    c.ranged_hits[:2] = 5.0, ranged_hits
    for k, pairs in enumerate(looks):
        track, det = (np.array([p[a] for p in pairs]) for a in range(2))
        beta, seen = np.array([p[2] for p in pairs]), np.zeros(2)
        np.add.at(seen, track, beta)
        event = np.full(2, judging.NO_EVENT, np.int8)
        merging.end_shadows(c, 2, track, det, beta, 2, seen, MERGE, event)
        assert event[0] == judging.NO_EVENT
        if event[1] == merging.MERGED:
            return k + 1
    return None


@pytest.mark.kernels
def test_a_track_that_lives_on_the_bearings_of_a_ranged_one_ends_after_twenty_looks() -> None:
    assert looks_until_the_end([SHARED] * 30) == CONTESTED_LOOKS


@pytest.mark.kernels
@pytest.mark.parametrize("clearing", [BOTH, OWN], ids=["two detections", "a detection of its own"])
def test_a_look_that_two_targets_explain_better_clears_it(clearing: list[tuple[int, int, float]]) -> None:
    assert looks_until_the_end([*[SHARED] * 15, clearing, *[SHARED] * 30]) == 16 + CONTESTED_LOOKS


@pytest.mark.kernels
def test_a_track_with_a_range_of_its_own_is_no_shadow() -> None:
    assert looks_until_the_end([SHARED] * 60, ranged_hits=1.0) is None
