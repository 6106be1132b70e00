"""Own drones in a scenario: a platform that flies, reports with errors, carries sensors, and is checked at the door."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from messages.frames import enu_from_body, wrap_pi
from messages.types import PlatformPose, SensorScan
from scenarios.fit import mounted_sensors, struck_nodes
from scenarios.loader import ScenarioError, load
from sim.randomness import generator
from sim.simulation import Simulation
from sim.world import World
from vedette.engagement import expected_senders

SCENARIO = "own_eyes"


@pytest.fixture(scope="module")
def world() -> World:
    return World(load(SCENARIO), generator(3, "world"))


def test_an_own_drone_is_target_and_platform(world: World) -> None:
    i = world.target_ids.index("uav_1")
    assert not world.threats[i]
    assert world.platform_ids[-1] == "uav_1"
    assert "uav_1" not in world.hull_ids
    for t_s in (0.0, 7.3, 31.0, 80.0):
        state = world.platform("uav_1", t_s)
        assert np.allclose(state.position_m, world.targets(t_s).position_m[i], atol=1e-6)
        assert np.allclose(state.enu_from_body, enu_from_body(state.yaw_rad, state.pitch_rad, state.roll_rad))
        assert state.pitch_rad == state.roll_rad == 0.0


def test_its_heading_is_its_course_where_it_moves_and_stays_where_it_hovers(world: World) -> None:
    t = np.arange(25.0, 45.0, 0.5)
    states = [world.platform("uav_1", x) for x in t]
    speed = np.array([math.hypot(*s.velocity_mps[:2]) for s in states])
    course = np.array([math.atan2(*s.velocity_mps[:2]) for s in states])
    off = np.abs(wrap_pi(np.array([s.yaw_rad for s in states]) - course))
    assert (speed > 8.0).sum() > 10
    assert off[speed > 8.0].max() < math.radians(12.0)  # 0.4 s of a turn of 30 degrees a second
    late = np.array([world.platform("uav_1", x).yaw_rad for x in np.arange(65.0, 89.0, 1.0)])
    assert np.abs(wrap_pi(late - late[0])).max() < math.radians(20.0)


def test_its_reports_have_the_errors_that_they_state() -> None:
    """60 worlds: a standard deviation of 60 x 3 (60) values is good to 5 (9) per cent; 4 sigma."""
    scenario = load(SCENARIO, ["duration_s=5", "targets[0].start_s=0"])
    position, yaw = [], []
    for seed in range(60):
        w = World(scenario, generator(seed, "world"))
        truth, said = w.platform("uav_1", 4.0), w.believed_pose("uav_1", 4_000_000_000)
        assert said.airborne
        assert not said.defended
        assert said.position_sigma_m == 1.5
        position.append(np.array(said.position_m) - truth.position_m)
        yaw.append(wrap_pi(np.array(said.yaw_rad - truth.yaw_rad)))
    assert np.std(position) == pytest.approx(1.5, rel=0.21)
    assert np.std(yaw) == pytest.approx(math.radians(1.0), rel=0.37)


def test_its_sensors_ride_on_it_and_do_not_see_it(world: World) -> None:
    mounts = {m.sensor_id: m for m in mounted_sensors(world.scenario)}
    assert mounts["uav_1_eo"].platform_id == mounts["uav_1_eo"].hull_id == "uav_1"
    simulation = Simulation(load(SCENARIO, ["duration_s=40"]), 3)
    camera = next(s for s in simulation.sensors if s.sensor_id == "uav_1_eo")
    i = simulation.world.target_ids.index("uav_1")
    seen = np.zeros(len(simulation.world.target_ids))
    rng = np.random.default_rng(1)
    for t_s in np.arange(26.0, 40.0, 0.5):
        pose = camera.pose(simulation.world, t_s)
        truth = simulation.world.platform("uav_1", t_s)
        assert np.linalg.norm(pose.origin_m - truth.position_m) == pytest.approx(0.1)
        seen = np.maximum(seen, camera.observe(simulation.world, t_s, rng).detection_probability)
    assert seen[i] == 0.0
    assert seen.max() > 0.5  # the gull crosses its picture


def test_before_its_start_it_lies_on_the_ground_and_says_so() -> None:
    w = World(load(SCENARIO, ["targets[0].start_s=20"]), generator(3, "world"))
    assert not w.believed_pose("uav_1", 10_000_000_000).airborne
    assert w.believed_pose("uav_1", 21_000_000_000).airborne
    assert w.platform("uav_1", 10.0).noise_dba == 0.0
    assert w.platform("uav_1", 21.0).noise_dba == 84.0


def test_it_reports_over_the_network_and_leaves_the_others_as_they_were() -> None:
    """With and without its sensors and reports, everybody else says the same."""
    mine = load(SCENARIO, ["duration_s=6"])
    bare = load(SCENARIO, ["duration_s=6", "targets[0].own=null"])
    with_own = [(e.node, e.t_ns, e.message) for e in Simulation(mine, 5).events() if e.node != "truth"]
    without = [(e.node, e.t_ns, e.message) for e in Simulation(bare, 5).events() if e.node != "truth"]
    reports = [m for node, _, m in with_own if node == "uav_1" and isinstance(m, PlatformPose)]
    assert len(reports) == 61
    assert sum(node == "uav_1_eo" and isinstance(m, SensorScan) for node, _, m in with_own) > 20
    assert [e for e in with_own if not e[0].startswith("uav_1")] == without
    assert set(expected_senders(mine)) - set(expected_senders(bare)) == {"uav_1", "uav_1_eo", "uav_1_rf"}


def test_events_strike_it_by_its_name() -> None:
    scenario = load(SCENARIO, ["events=[{kind: vehicle_loss, from_s: 30, vehicles: [uav_1]}]"])
    ((_, nodes),) = struck_nodes(scenario)
    assert nodes == ("uav_1", "uav_1_eo", "uav_1_rf")


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("targets[0].own.sensors[0].profile=uav_camra", "must be a known sensor profile; did you mean uav_camera?"),
        ("targets[0].own.sensors[0].id=tank_1_radar", "must be unique (tank_1_radar is taken)"),
        ("targets[0].threat=true", "must not be true with own"),
        ("targets[0].group={count: 2, spacing_m: 10}", "must not be given with own"),
        ("targets[0].type=bird_flapping", "must be a drone with own; bird_flapping is a bird"),
        ("targets[0].own.navigation.position_sigma_m=-1", "must be >= 0"),
        ("targets[0].own.sensor=[]", "unknown key; did you mean sensors?"),
        ("events=[{kind: vehicle_loss, from_s: 1, vehicles: [uav_2]}]", "known: tank_1, tank_2, tank_3, uav_1"),
    ],
)
def test_a_wrong_own_drone_is_named(override: str, says: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        load(SCENARIO, [override])
    assert says in str(caught.value)


def test_its_reports_survive_the_tables(tmp_path: Path, world: World) -> None:
    from edge_node.tables.poses_file import read_poses, write_poses

    poses = [world.believed_pose(name, 5_000_000_000) for name in ("tank_1", "uav_1")]
    write_poses(tmp_path / "poses.csv", poses)
    assert [(p.platform_id, p.airborne) for p in read_poses(tmp_path / "poses.csv")] == [
        ("tank_1", False),
        ("uav_1", True),
    ]
    write_poses(tmp_path / "tank.csv", poses[:1])
    assert "airborne" not in (tmp_path / "tank.csv").read_text()
