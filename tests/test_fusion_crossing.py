"""Crossing bearings: where two lines of sight mark a place, and where they only seem to."""

import math

import numpy as np
import pytest
from fusion_scene import bearing_scan, camera, radar, scan_of

from fusion.kernels import crossing
from fusion.kernels.judging import too_fast
from fusion.tracker import Tracker

FRONT, REAR = (0.0, 0.0, 2.0), (0.0, -40.0, 2.0)


def bearing(place: tuple[float, ...], target: tuple[float, ...], sigma_rad: float = 1e-3) -> np.ndarray:
    row = np.zeros(crossing.B_SIZE)
    way = np.subtract(target, place)
    row[crossing.B_PLACE : crossing.B_PLACE + 3] = place
    row[crossing.B_DIRECTION : crossing.B_DIRECTION + 3] = way / np.linalg.norm(way)
    row[crossing.B_SIGMA], row[crossing.B_MIN_RANGE], row[crossing.B_MAX_RANGE] = sigma_rad, 1.0, 2000.0
    return row


def crossed(
    a: np.ndarray, b: np.ndarray, most_m: float = 500.0, share: float = np.inf
) -> tuple[int, np.ndarray, float]:
    best, d2, p, P = np.empty(1, np.int64), np.empty(1), np.zeros((1, 3)), np.zeros((1, 3, 3))
    ground = np.zeros(1)
    crossing.cross(a[None], b[None], 0.0, 15.0, 9.0, most_m, share, best, d2, p, P, ground)
    return int(best[0]), p[0], float(ground[0])


@pytest.mark.parametrize("target", [(200.0, 150.0, 20.0), (-90.0, 300.0, 40.0)])
def test_a_crossing_is_where_the_target_is_and_stands_for_its_ground(target: tuple[float, float, float]) -> None:
    """The ground is how far the crossing moves with both angles, by differences: its determinant, on the level."""
    best, p, _ = crossed(bearing(FRONT, target), bearing(REAR, target))
    assert best == 0
    np.testing.assert_allclose(p, target, atol=1e-6)
    flat = (*target[:2], 2.0)

    def turned(row: np.ndarray, by_rad: float) -> np.ndarray:
        out, (c, s) = row.copy(), (math.cos(by_rad), math.sin(by_rad))
        out[3:5] = c * row[3] - s * row[4], s * row[3] + c * row[4]
        return out

    a, b, step = bearing(FRONT, flat), bearing(REAR, flat), 1e-6
    columns = [
        (crossed(turned(a, step * i), turned(b, step * j))[1] - crossed(turned(a, -step * i), turned(b, -step * j))[1])[
            :2
        ]
        for i, j in ((1, 0), (0, 1))
    ]
    area = abs(np.linalg.det(np.stack(columns) / (2.0 * step)))
    assert crossed(a, b)[2] == pytest.approx(area, rel=1e-3)


def test_a_crossing_less_certain_than_its_range_is_none() -> None:
    """30 m beside a line of sight and 600 m away: 4 m of parallax for bearings of 6 mrad."""
    a, b = (bearing(place, (30.0, 600.0, 2.0), 6e-3) for place in (FRONT, REAR))
    assert crossed(a, b, most_m=5000.0)[0] == 0
    assert crossed(a, b, most_m=5000.0, share=0.5)[0] == -1


def births_of(targets: tuple[tuple[float, ...], ...]) -> np.ndarray:
    """Existences of the tracks after the rear and then the front camera showed one target each, without noise."""
    tracker, none = Tracker(), np.random.default_rng(1)
    cameras = [camera("eo_rear", REAR), camera("eo_front", FRONT)]
    for c in cameras:
        tracker.add_sensor(c)
    for k, (c, target) in enumerate(zip(cameras, targets, strict=True)):
        tracker.step(bearing_scan(c, k, k * 10**7, np.array([target]), none, 1.0, 0.0))
    return tracker.table.columns.r[: tracker.table.n].copy()


def test_a_crossing_is_as_likely_a_target_as_there_is_ground_for_one() -> None:
    """The two bearings meet 150 m ahead and aside, 30 m ahead, and 4 m ahead of the front vehicle."""
    birth = Tracker().config.birth
    far, near = (150.0, 150.0, 20.0), (10.0, 30.0, 6.0)
    assert births_of((far, far)) == pytest.approx([birth.crossing_existence], rel=0.01)
    _, _, ground = crossed(bearing(FRONT, near), bearing(REAR, near))
    expected = birth.crossing_existence * ground / birth.crossing_reach_m**2
    assert expected < 0.6 * birth.crossing_existence
    assert births_of((near, near)) == pytest.approx([expected], rel=0.05)
    assert len(births_of(((1.0, 4.0, 3.0), (1.0, 4.0, 3.0)))) == 0


def test_two_drones_ahead_of_vehicles_in_line_are_found_where_they_are() -> None:
    """Each line of sight of the rear vehicle passes the front one and meets there whatever that one sees.

    The two see a range to 40 per cent at first; with a limit of 40 m no track would begin.
    """
    cameras = [camera("eo_front", FRONT), camera("eo_rear", REAR)]
    start, v = np.array([[60.0, 350.0, 12.0], [-45.0, 280.0, 15.0]]), np.array([[-5.0, -14.0, 0.0], [3.0, -10.0, 0.0]])
    found = 0
    for seed in range(4):
        tracker, rng = Tracker(), np.random.default_rng(seed)
        for c in cameras:
            tracker.add_sensor(c)
        for k in range(100):
            at = start + v * k * 0.1
            result = tracker.step(bearing_scan(cameras[k % 2], k, k * 10**8, at, rng))
            for track in result.tracks:
                assert np.linalg.norm(at - track.state[:3], axis=1).min() < 60.0
        found += len(result.tracks)
    assert found == 8


def test_a_state_surely_flies_too_fast_or_may_not() -> None:
    P = np.diag([9.0] * 3 + [25.0] * 3)
    assert too_fast(np.array([0.0, 0.0, 0.0, 80.0, 80.0, 0.0]), P, 90.0)
    assert not too_fast(np.array([0.0, 0.0, 0.0, 80.0, 80.0, 0.0]), 40.0 * P, 90.0)
    assert not too_fast(np.array([0.0, 0.0, 0.0, 60.0, 60.0, 0.0]), P, 90.0)
    assert not too_fast(np.full(6, np.nan), P, 90.0)  # what is no number is doubted for its place


@pytest.mark.parametrize(("ranged", "left"), [(False, 1), (True, 2)])
def test_only_what_no_radar_measures_ends_for_its_speed(ranged: bool, left: int) -> None:
    tracker, sensor = Tracker(), radar()
    tracker.add_sensor(sensor)
    tracker.step(scan_of(sensor.sensor_id, 0, 0, []))
    P, shares = np.diag([9.0] * 3 + [25.0] * 3), np.array(tracker.config.motion.stationary)
    state = np.array([[0.0, 800.0, 60.0, 150.0, 0.0, 0.0], [0.0, 500.0, 60.0, 40.0, 0.0, 0.0]])
    tracker.table.append(state, np.stack([P, P]), np.full(2, 0.9), shares, 0, tracker.book.level_priors)
    if ranged:
        tracker.table.columns.ranged_ns[:2] = 0
    tracker.step(scan_of(sensor.sensor_id, 1, 10**7, []))
    assert tracker.table.n == left
    assert tracker.table.columns.x[left - 1, 0, 1] == pytest.approx(500.0, abs=5.0)
