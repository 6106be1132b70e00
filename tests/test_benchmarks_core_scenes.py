"""The benchmark scenes are what their parameters say: counts, detection probability, noise, clutter, motion, delays."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from benchmarks.core.reported_poses import ReportedPoses
from benchmarks.core.scenes import Scene, load_scene, make_scene, scene_names, write_scene
from benchmarks.core.scenes.column import ColumnFile
from benchmarks.core.scenes.convoy import poses_of, rides
from benchmarks.core.scenes.hearing import emission_look
from benchmarks.core.scenes.model import Paths
from benchmarks.core.scenes.sensing import in_view, look_at
from benchmarks.truth_table import read_truth
from edge_node.tables.detections_file import read_detections
from edge_node.tables.errors import TableError
from edge_node.tables.poses_file import read_poses
from edge_node.tables.sensors_file import read_sensors_yaml
from messages.detections import block
from messages.frames import F64, parent_from_body

SIGMAS = 6.0  # a false alarm of a test in 1e9 draws


@pytest.fixture(scope="module")
def spread() -> Scene:
    return make_scene("spread_50_50", scans=60)


@pytest.fixture(scope="module")
def column() -> Scene:
    return make_scene("column", duration_s=12.0)


def states(scene: Scene) -> tuple[F64, F64]:
    """Return the true positions and velocities (k, n, 3)."""
    n = len(scene.truth.target_ids)
    return scene.truth.position_m.reshape(-1, n, 3), scene.truth.velocity_mps.reshape(-1, n, 3)


def test_every_committed_scene_is_named_like_its_file_and_makes_sense() -> None:
    assert len(scene_names()) >= 12
    assert {name: load_scene(name).name for name in scene_names()} == {name: name for name in scene_names()}


def test_an_unknown_key_is_named(tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text("name: wrong\nkind: swarm\nsensors: radar\ntargets: 3\nspeeed: 4\n", encoding="utf-8")
    with pytest.raises(TableError, match="speeed"):
        load_scene(str(path))


@pytest.mark.parametrize("name", ["spread_50_50", "swarm_10", "manoeuvring", "column"])
def test_the_seed_decides_everything(name: str) -> None:
    short = {"duration_s": 2.0} if name == "column" else {"scans": 5}
    one, same, other = make_scene(name, 3, **short), make_scene(name, 3, **short), make_scene(name, 4, **short)
    assert one.heard == same.heard
    assert one.heard != other.heard


def test_noise_misses_and_clutter_have_the_described_sizes(spread: Scene) -> None:
    """Each true look is compared with the nearest detection: in a spread scene that is its own or far away."""
    (radar,) = spread.sensors
    sigma = np.array([5.0, math.radians(0.5), math.radians(0.8), 0.5])
    errors, found, counts = [], 0, []
    position, velocity = states(spread)
    for k, item in enumerate(spread.heard):
        rows = block(item.scan)[:, :4]
        counts.append(len(rows))
        offset = (rows[None, :, :] - look_at(position[k], velocity[k], np.zeros(3))[:, None, :]) / sigma
        offset[..., 1] = (offset[..., 1] * sigma[1] + math.pi) % (2.0 * math.pi) / sigma[1] - math.pi / sigma[1]
        nearest = offset[np.arange(50), np.argmin((offset**2).sum(axis=2), axis=1)]
        mine = nearest[(nearest**2).sum(axis=1) < 25.0]  # chi-square, 4 dof: one in 20 000 is farther
        errors.append(mine)
        found += len(mine)
    looks = 50 * len(spread.heard)
    assert abs(found / looks - 0.9) <= SIGMAS * math.sqrt(0.09 / looks)
    error = np.concatenate(errors)
    assert np.abs(error.mean(axis=0)).max() <= SIGMAS / math.sqrt(found)
    assert np.abs(error.std(axis=0) - 1.0).max() <= SIGMAS / math.sqrt(2.0 * found)
    mean, variance = 0.9 * 50 + radar.clutter_per_scan, 50 * 0.09 + radar.clutter_per_scan
    assert abs(np.mean(counts) - mean) <= SIGMAS * math.sqrt(variance / len(counts))


def test_spread_targets_stay_in_view_and_fly_nearly_straight(spread: Scene) -> None:
    position, velocity = states(spread)
    view = spread.sensors[0].field_of_view
    assert all(in_view(look_at(p, v, np.zeros(3)), view).all() for p, v in zip(position, velocity, strict=True))
    speed = np.linalg.norm(velocity, axis=2)
    assert speed.min() > 3.0
    assert speed.max() < 35.0
    steps = (np.diff(position, axis=0) - 0.05 * (velocity[1:] + velocity[:-1])).reshape(-1)
    assert abs(steps.std() / math.sqrt(0.3 * 0.1**3 / 12.0) - 1.0) <= SIGMAS / math.sqrt(2.0 * len(steps))


def test_swarm_stays_in_its_ball_and_range() -> None:
    scene = make_scene("swarm_20")
    position, velocity = states(scene)
    distance = np.linalg.norm(position[:, :, None] - position[:, None, :], axis=3)
    assert distance.max() <= 60.0 + 1e-9
    assert distance[0][~np.eye(20, dtype=np.bool_)].min() >= 3.0
    middle = position.mean(axis=1)
    assert np.linalg.norm(middle, axis=1).min() > 370.0
    assert np.linalg.norm(middle, axis=1).max() < 1030.0
    own = velocity - velocity.mean(axis=1, keepdims=True)
    assert 0.7 < own.std() < 2.5
    moved = np.diff(position, axis=0) / 0.1
    assert np.abs(moved - velocity[1:]).max() < 2.0


def test_manoeuvring_drones_keep_their_limits_and_turn_hard() -> None:
    scene = make_scene("manoeuvring", scans=150)
    position, velocity = states(scene)
    speed, distance = np.linalg.norm(velocity, axis=2), np.linalg.norm(position, axis=2)
    assert speed.min() > 5.0
    assert speed.max() < 50.0
    assert distance.min() > 100.0
    assert distance.max() < 1500.0
    acceleration = np.linalg.norm(np.diff(velocity, axis=0) / 0.1, axis=2)
    assert acceleration.max() <= 10.0 + 1e-6
    assert 4.0 < np.median(acceleration) < 8.5


def test_half_the_clutter_of_the_manoeuvring_scene_is_crowded() -> None:
    scene = make_scene("manoeuvring", scans=150)
    position, _ = states(scene)
    near, everything = 0, 0
    for k, item in enumerate(scene.heard):
        rows = block(item.scan)
        azimuth, elevation = rows[:, 1], rows[:, 2]
        unit = np.stack(
            [np.sin(azimuth) * np.cos(elevation), np.cos(azimuth) * np.cos(elevation), np.sin(elevation)], 1
        )
        gap = np.linalg.norm(rows[:, :1, None][:, 0] * unit - position[k][:, None], axis=2).min(axis=0)
        near += int((gap <= 60.0).sum())
        everything += len(rows)
    drones = 0.9 * 8 * 150
    assert abs(near - drones - 20.0 * 150) <= SIGMAS * math.sqrt(20.0 * 150) + 0.02 * everything
    assert abs(everything - drones - 40.0 * 150) <= SIGMAS * math.sqrt(40.0 * 150)


def test_column_scans_come_late_and_out_of_order(column: Scene) -> None:
    late_s = np.array([(item.t_arrival_ns - item.scan.t_ns) / 1e9 for item in column.heard])
    assert late_s.min() >= 0.02
    assert late_s.max() <= 0.25
    assert [item.t_arrival_ns for item in column.heard] == sorted(item.t_arrival_ns for item in column.heard)
    assert np.count_nonzero(np.diff([item.scan.t_ns for item in column.heard]) < 0) > 50
    per_sensor = {s.sensor_id: sum(h.scan.sensor_id == s.sensor_id for h in column.heard) for s in column.sensors}
    for sensor in column.sensors:
        assert abs(per_sensor[sensor.sensor_id] - 12.0 / sensor.scan_period_s) <= 1.0


def test_column_radar_sees_nothing_low_or_in_its_notch(column: Scene) -> None:
    """Clutter fills the field of view; what lies below it came from noise at its edge."""
    rows = np.concatenate([block(h.scan) for h in column.heard if h.scan.sensor_id == "v1_radar"])
    assert np.degrees(rows[:, 2]).min() > 3.0 - SIGMAS * 0.9
    given = load_scene("column")
    assert isinstance(given, ColumnFile)
    assert sum(drone.height_m[1] <= 20.0 for drone in given.drones) >= 2


def test_errors_are_in_what_is_reported_and_not_in_the_truth() -> None:
    plain, biased = make_scene("column", duration_s=4.0), make_scene("column_biased", duration_s=4.0)
    assert np.array_equal(plain.truth.position_m, biased.truth.position_m)
    turned = {p.platform_id: q.yaw_rad - p.yaw_rad for p, q in zip(plain.poses, biased.poses, strict=True)}
    assert turned["v1"] == pytest.approx(math.radians(0.6))
    assert turned["v2"] == turned["v3"] == turned["v4"] == 0.0
    shift = {
        p.scan.sensor_id: q.scan.t_ns - p.scan.t_ns
        for p, q in zip(plain.heard, biased.heard, strict=True)
        if p.scan.sensor_id == q.scan.sensor_id
    }
    assert {name: value for name, value in shift.items() if value} == {"v2_camera": 30_000_000}
    assert [p.scan.detections for p in plain.heard] == [q.scan.detections for q in biased.heard]


def test_a_crossing_drone_is_heard_where_it_was() -> None:
    """At speed v across the line of sight, the sound points ``asin(v / c)`` behind, whatever the distance."""
    t_s = np.arange(-3.0, 3.0, 0.02)
    path = np.stack([50.0 * t_s, np.full_like(t_s, 300.0), np.zeros_like(t_s)], axis=1)[:, None]
    paths = Paths(t_s, path, np.broadcast_to(np.array([50.0, 0.0, 0.0]), path.shape))
    heard_at = 300.0 / 340.3 / math.sqrt(1.0 - (50.0 / 340.3) ** 2)
    level = np.eye(3)[:, [1, 0, 2]] * np.array([1.0, -1.0, 1.0])  # looks north: forward is north, left is west
    look = emission_look(paths, heard_at, np.zeros(3), level, 340.3)
    lag_m = 50.0 * heard_at - look[0, 0] * math.sin(look[0, 1])
    assert lag_m == pytest.approx(50.0 * look[0, 0] / 340.3, abs=1e-2)


@pytest.mark.parametrize("name", ["swarm_10", "column_biased"])
def test_the_files_read_back(name: str, tmp_path: Path) -> None:
    scene = make_scene(name, **({"duration_s": 3.0} if name == "column_biased" else {"scans": 10}))
    write_scene(scene, tmp_path)
    sensors = read_sensors_yaml(tmp_path / "SENSORS.yaml").sensors
    assert [s.sensor_id for s in sensors] == [s.sensor_id for s in scene.sensors]
    heard = read_detections(tmp_path / "DETECTIONS.csv", sensors)
    assert [(h.t_arrival_ns, h.scan.scan) for h in heard] == [(h.t_arrival_ns, h.scan.scan) for h in scene.heard]
    for read, made in zip(heard, scene.heard, strict=True):
        assert np.allclose(block(read.scan), block(made.scan), rtol=0.0, atol=1e-9, equal_nan=True)
    truth = read_truth(tmp_path / "TRUTH.csv")
    assert np.allclose(truth.position_m, scene.truth.position_m)
    if scene.poses:
        assert len(read_poses(tmp_path / "POSES.csv")) == len(scene.poses)


def test_reported_poses_lead_back_to_the_true_look() -> None:
    """The sensor's place and axes from the poses of the file, against those that the scene was made with."""
    given = load_scene("column")
    assert isinstance(given, ColumnFile)
    ridden = rides(given.convoy, np.random.default_rng(1))
    poses = ReportedPoses(poses_of(given.convoy, ridden, 3.0, 0.1, {}))
    camera = next(s for s in make_scene("column", duration_s=1.0).sensors if s.sensor_id == "v2_camera")
    t_s = 1.234
    place, enu_from_platform, _ = ridden["v2"](t_s)
    origin, enu_from_sensor = poses.sensor_pose(camera, int(1e9 * t_s))
    mount = parent_from_body(camera.yaw_rad, camera.pitch_rad, camera.roll_rad)
    # Linear between samples 0.1 s apart: a sway of 0.8 deg and 3.5 s is off by amplitude (w dt)^2 / 8 = 0.003 deg.
    assert np.abs(origin - place - enu_from_platform @ np.array(camera.position_m)).max() < 1e-2
    assert np.abs(enu_from_sensor - enu_from_platform @ mount).max() < 2.0 * math.radians(0.003)
