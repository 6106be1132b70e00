"""Platforms: formations, the march, how a hull lies on the ground, turrets, what a vehicle hides."""

from __future__ import annotations

import math

import numpy as np
import pytest

from messages.frames import enu_from_body, wrap_pi
from scenarios.catalogue import shipped
from scenarios.schema import Platoon, TerrainPlan, Turret, Vehicle, Waypoint
from scenarios.types import Box
from sim.march import March, formation_places
from sim.platforms import PlatoonMotion, attitude_of, boxes_clear, turret_state
from sim.terrain import Terrain

TANK = shipped().platforms["main_battle_tank"]
FLAT = Terrain(TerrainPlan(relief_m=0.0, woods_fraction=0.0, size_m=4000.0))


def motion(platoon: Platoon, duration_s: float = 60.0, terrain: Terrain = FLAT) -> PlatoonMotion:
    return PlatoonMotion(March(platoon, TANK, duration_s), terrain, np.random.default_rng(1))


def test_neighbours_of_column_line_and_wedge_are_one_spacing_apart() -> None:
    column, line, wedge = (formation_places(f, 4, 70.0) for f in ("column", "line", "wedge"))
    assert np.allclose(column[:, 0], [0.0, -70.0, -140.0, -210.0])
    assert np.allclose(column[:, 1], 0.0)
    assert np.allclose(np.sort(line[:, 1]), [-70.0, 0.0, 70.0, 140.0])
    assert np.allclose(line[:, 0], 0.0)
    order = np.argsort(wedge[:, 1])
    assert np.allclose(np.linalg.norm(np.diff(wedge[order, :2], axis=0), axis=1), 70.0)
    assert wedge[:, 0].max() == 0.0 == wedge[0, 0]


def test_dispersed_halt_spreads_vehicles_and_headings() -> None:
    places = formation_places("dispersed_halt", 8, 80.0)
    gaps = [np.hypot(*(a - b)[:2]) for i, a in enumerate(places) for b in places[:i]]
    assert min(gaps) > 50.0
    assert len(set(places[:, 2])) == 8


@pytest.mark.parametrize(("heading_deg", "ahead"), [(0.0, (0.0, 1.0)), (90.0, (1.0, 0.0)), (225.0, (-0.7071, -0.7071))])
def test_column_stands_behind_its_leader_and_faces_the_heading(heading_deg: float, ahead: tuple[float, float]) -> None:
    platoon = motion(Platoon(heading_deg=heading_deg, formation="column", spacing_m=50.0))
    leader, _, angles, _ = platoon.hull(0, 10.0)
    third, velocity, _, _ = platoon.hull(2, 10.0)
    assert np.allclose(leader[:2] - third[:2], 100.0 * np.array(ahead), atol=0.02)
    assert abs(wrap_pi(angles[0] - math.radians(heading_deg))) < 1e-6
    assert np.allclose(velocity, 0.0)


def test_march_keeps_speed_on_legs_follows_the_route_and_stops_at_its_end() -> None:
    route = (Waypoint(position_m=(0.0, 200.0), speed_mps=8.0), Waypoint(position_m=(150.0, 200.0), speed_mps=5.0))
    platoon = motion(Platoon(route=route, formation="column", spacing_m=40.0, engine="off"), 90.0)
    speeds = [np.hypot(*platoon.hull(0, t)[1][:2]) for t in (10.0, 35.0, 85.0)]
    assert speeds[0] == pytest.approx(8.0, abs=0.1)
    assert speeds[1] == pytest.approx(5.0, abs=0.2)  # a corner rounded over 25 m shortens the way a little
    assert speeds[2] == pytest.approx(0.0, abs=0.05)
    end, _, angles, _ = platoon.hull(0, 90.0)
    assert np.hypot(*(end[:2] - [150.0, 200.0])) < 6.0
    assert abs(wrap_pi(angles[0] - math.pi / 2.0)) < 0.05
    # The second vehicle drives over the ground that the leader drove over, one spacing behind.
    path = np.array([platoon.hull(0, t)[0][:2] for t in np.arange(0.0, 90.0, 0.1)])
    follower = platoon.hull(1, 40.0)[0][:2]
    assert np.min(np.linalg.norm(path - follower, axis=1)) < 1.0


def test_velocity_is_the_derivative_of_position() -> None:
    route = (Waypoint(position_m=(0.0, 200.0), speed_mps=8.0), Waypoint(position_m=(150.0, 300.0), speed_mps=8.0))
    platoon = motion(Platoon(route=route), 50.0, Terrain(TerrainPlan(seed=3)))
    for t in (5.0, 23.0, 27.3):
        before, after = platoon.hull(1, t - 0.1)[0], platoon.hull(1, t + 0.1)[0]
        assert np.allclose((after - before) / 0.2, platoon.hull(1, t)[1], atol=0.35)  # 1.5 m/s2 of braking, and bumps


def test_engine_is_moving_on_the_march_and_as_planned_at_the_halt() -> None:
    vehicles = (Vehicle(), Vehicle(engine="idle"), Vehicle(engine="moving"))
    platoon = motion(Platoon(engine="off", vehicles=vehicles))
    still = np.zeros(3)
    assert [platoon.engine(i, still) for i in range(4)] == ["off", "idle", "idle", "off"]
    assert platoon.engine(0, np.array([3.0, 0.0, 0.0])) == "moving"


def test_hull_lies_on_the_slope_it_stands_on() -> None:
    """On a plane that rises by 10 % to the north: nose up by atan(0.1) facing north, right side up facing west."""
    slope = Terrain(TerrainPlan(relief_m=0.0, woods_fraction=0.0, size_m=4000.0))
    axis = np.linspace(-2000.0, 2000.0, len(slope.height_grid_m))
    slope.height_grid_m[:] = 0.1 * axis[:, None]
    _, _, north, _ = motion(Platoon(heading_deg=0.0), terrain=slope).hull(0, 1.0)
    _, _, west, _ = motion(Platoon(heading_deg=270.0), terrain=slope).hull(0, 1.0)
    assert north[1] == pytest.approx(math.atan(0.1), abs=1e-6)
    assert north[2] == pytest.approx(0.0, abs=1e-9)
    assert west[1] == pytest.approx(0.0, abs=1e-9)
    assert west[2] == pytest.approx(-math.atan(0.1), abs=1e-6)
    up = enu_from_body(*west)[:, 2]
    assert np.allclose(up, np.array([0.0, -0.1, 1.0]) / math.hypot(0.1, 1.0), atol=1e-6)


def test_attitude_is_the_inverse_of_the_rotation() -> None:
    rng = np.random.default_rng(7)
    for _ in range(50):
        yaw, pitch, roll = rng.uniform([0.0, -1.5, -3.1], [6.28, 1.5, 3.1])
        assert np.allclose(attitude_of(enu_from_body(yaw, pitch, roll)), (yaw, pitch, roll), atol=1e-9)


def test_turret_turns_inside_its_hull() -> None:
    hull = np.array([math.radians(30.0), 0.1, -0.05])
    place, rotation, (yaw, _, _) = turret_state(np.zeros(3), hull, math.radians(90.0), np.array([0.0, 0.0, 2.0]))
    assert np.allclose(rotation[:, 2], enu_from_body(*hull)[:, 2])  # same up
    assert np.allclose(rotation[:, 0], -enu_from_body(*hull)[:, 1])  # its nose is the hull's right
    assert abs(wrap_pi(yaw - math.radians(120.0))) < 0.02
    assert np.allclose(place, 2.0 * enu_from_body(*hull)[:, 2])


def test_turret_sweeps_about_its_heading() -> None:
    turret = Turret(heading_deg=20.0, behaviour="scan", scan_width_deg=60.0, scan_period_s=20.0)
    platoon = motion(Platoon(turret=turret), 40.0)
    angles = np.degrees([platoon.hull(0, t)[3] for t in np.arange(0.0, 40.0, 0.5)])
    assert angles.max() == pytest.approx(50.0, abs=0.5)
    assert angles.min() == pytest.approx(-10.0, abs=0.5)


def test_box_hides_what_is_behind_it_only() -> None:
    box = (Box(forward_m=(1.0, 2.0), left_m=(-0.5, 0.5), up_m=(-1.0, 0.0)),)
    directions = np.array([[1.0, 0.0, -0.1], [1.0, 0.0, 0.1], [-1.0, 0.0, -0.1], [1.0, 2.0, -0.1], [0.0, 0.0, -1.0]])
    assert boxes_clear(box, np.zeros(3), directions).tolist() == [False, True, True, True, True]
    inside = (Box(forward_m=(-1.0, 1.0), left_m=(-1.0, 1.0), up_m=(-1.0, 1.0)),)
    assert boxes_clear(inside, np.zeros(3), directions).all()  # a sensor is never blind from what carries it


@pytest.mark.parametrize("name", ["full", "passive", "radar_only"])
def test_sensors_on_the_roof_see_the_horizon_all_round_and_no_ground_near_the_hull(name: str) -> None:
    azimuth = np.radians(np.arange(0.0, 360.0, 5.0))

    def clear_share(elevation_deg: float, position_m: tuple[float, float, float]) -> float:
        e = math.radians(elevation_deg)
        rays = np.column_stack([np.cos(azimuth) * np.cos(e), np.sin(azimuth) * np.cos(e), np.full(72, np.sin(e))])
        return float(boxes_clear(TANK.turret_boxes, np.array(position_m), rays).mean())

    for mount in shipped().fits[name].sensors:
        assert clear_share(0.5, mount.position_m) > 0.95
        assert clear_share(20.0, mount.position_m) == 1.0
        assert clear_share(-50.0, mount.position_m) < 0.7
