"""The world: where every target and platform really is at any time, what a platform believes, and what is hidden.

Trajectories are computed once, at 50 Hz, from (scenario, rng); every question afterwards is a look-up.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from messages.frames import F64, wrap_2pi
from messages.types import PlatformPose
from scenarios.fit import catalogue_of
from scenarios.schema import Scenario
from scenarios.types import TargetType
from sim.flight import Trajectory, fly
from sim.flight.fleet import Fleet
from sim.march import March
from sim.nav import NavigationError
from sim.own_drone import OwnDrone
from sim.platforms import PlatformState, PlatoonMotion, attitude_of, boxes_clear, turret_state
from sim.terrain import Terrain


@dataclass(frozen=True)
class TargetStates:
    """All targets at one instant, in the order of ``World.target_ids``."""

    position_m: F64  # (n, 3)
    velocity_mps: F64  # (n, 3)
    airborne: NDArray[np.bool_]  # (n,) False before the start and after impact or landing
    emitting: NDArray[np.bool_]  # (n,) False once a target has switched its radio off, and while it is not airborne


class World:
    """Truth of one engagement, deterministic from (scenario, rng)."""

    def __init__(self, scenario: Scenario, rng: np.random.Generator) -> None:
        """Compute terrain, platoon and flights; every target and platform draws from a generator of its own."""
        catalogue = catalogue_of(scenario)
        self.scenario = scenario
        self.duration_s = scenario.duration_s
        self.platform_type = catalogue.platforms[scenario.platoon.platform_type]
        hulls = scenario.platoon.platform_ids()
        self.hull_ids: tuple[str, ...] = hulls
        own = scenario.own_drones()
        self.own_ids: tuple[str, ...] = tuple(own)
        self.platform_ids: tuple[str, ...] = (*(p for hull in hulls for p in (hull, f"{hull}/turret")), *own)
        self._place = {hull: i for i, hull in enumerate(hulls)}
        ride, navigation, flight = rng.spawn(3)
        march = March(scenario.platoon, self.platform_type, self.duration_s)
        self.terrain = Terrain(scenario.environment.terrain, march.ground_track_m())
        self._platoon = PlatoonMotion(march, self.terrain, ride)
        self._ring = np.array(self.platform_type.turret_position_m)
        self._errors = tuple(
            NavigationError(scenario.platoon.navigation, self.duration_s, r) for r in navigation.spawn(len(hulls))
        )
        self._flights: tuple[Trajectory, ...] = fly(scenario, catalogue, self.terrain, self._hull_point, flight)
        self._instant_s = math.nan
        self._states: dict[str, PlatformState] = {}
        flown = {flight.target_id: flight for flight in self._flights}
        self._own = {name: OwnDrone(flown[name]) for name in own}
        self._own_errors = {  # spawned after those of the hulls, whose errors they leave as they are
            name: NavigationError(drone.navigation, self.duration_s, r)
            for (name, drone), r in zip(own.items(), navigation.spawn(len(own)), strict=True)
        }
        self._fleet = Fleet(self._flights)
        self.target_ids: tuple[str, ...] = tuple(f.target_id for f in self._flights)
        self.target_types: tuple[TargetType, ...] = tuple(f.type for f in self._flights)
        self.threats: tuple[bool, ...] = tuple(f.threat for f in self._flights)

    def targets(self, t_s: float) -> TargetStates:
        """Return the truth of all targets at one time."""
        return TargetStates(*self._fleet.at(t_s))

    def target_track(self, i: int, t_s: F64) -> tuple[F64, F64, NDArray[np.bool_]]:
        """Return positions (k, 3), velocities (k, 3) and airborne (k,) of one target at any times (k,)."""
        f, t = self._flights[i], np.asarray(t_s, dtype=np.float64)
        position, velocity = f.track(t)
        return position, velocity, (t >= f.start_s) & (t < f.end_s)

    def wing_beat_hz(self, i: int, t_s: F64) -> F64:
        """Return how often a second one target beats its wings at times (k,); 0 for gliding birds and for drones."""
        return self._flights[i].wing_beat_hz(np.asarray(t_s, dtype=np.float64))

    def platform(self, platform_id: str, t_s: float) -> PlatformState:
        """Return the truth of a hull or a turret at one time; the last instant asked for is remembered."""
        if t_s != self._instant_s:
            self._instant_s = t_s
            self._states.clear()
        state = self._states.get(platform_id)
        if state is None:
            state = self._states[platform_id] = self._platform_state(platform_id, t_s)
        return state

    def _platform_state(self, platform_id: str, t_s: float) -> PlatformState:
        if platform_id in self._own:
            return self._own[platform_id].state(t_s)
        hull, is_turret = _split(platform_id)
        i = self._place[hull]
        position, velocity, angles, turret = self._platoon.hull(i, t_s)
        engine = self._platoon.engine(i, velocity)
        noise = self.platform_type.engine_noise
        noise_dba = {"off": noise.off_dba, "idle": noise.idle_dba, "moving": noise.moving_dba}[engine]
        if is_turret:
            velocity = self._platoon.turret_velocity(i, t_s)
            position, rotation, attitude = turret_state(position, angles, turret, self._ring)
        else:
            _, rotation, _ = turret_state(position, angles, 0.0, self._ring)
            attitude = attitude_of(rotation)
        return PlatformState(platform_id, position, velocity, *attitude, rotation, engine, noise_dba)

    def believed_pose(self, platform_id: str, t_ns: int) -> PlatformPose:
        """Return what a platform believes and says of itself: truth plus navigation errors, with their true sigmas."""
        if platform_id in self._own:
            return self._reported(platform_id, t_ns)
        hull, is_turret = _split(platform_id)
        i, t_s = self._place[hull], t_ns / 1e9
        truth = self.platform(platform_id, t_s)
        position, _, angles, turret = self._platoon.hull(i, t_s)
        d_position, d_velocity, d_angles, d_turret = self._errors[i].at(t_s)
        plan = self.scenario.platoon.navigation
        yaw_sigma = math.radians(plan.heading_sigma_deg)
        if is_turret:
            yaw_sigma = math.hypot(yaw_sigma, math.radians(plan.turret_sigma_deg))
            place, _, attitude = turret_state(position + d_position, angles + d_angles, turret + d_turret, self._ring)
        else:
            place, attitude = position + d_position, (angles + d_angles).tolist()
        east, north, up = place.tolist()
        v_east, v_north, v_up = (truth.velocity_mps + d_velocity).tolist()
        return PlatformPose(
            platform_id=platform_id,
            t_ns=t_ns,
            position_m=(east, north, up),
            velocity_mps=(v_east, v_north, v_up),
            yaw_rad=float(wrap_2pi(attitude[0])),
            pitch_rad=float(attitude[1]),
            roll_rad=float(attitude[2]),
            position_sigma_m=plan.position_sigma_m,
            yaw_sigma_rad=yaw_sigma,
            defended=not is_turret,
        )

    def _reported(self, drone_id: str, t_ns: int) -> PlatformPose:
        """Return what an own drone says of itself."""
        t_s, drone = t_ns / 1e9, self._own[drone_id]
        truth, plan = self.platform(drone_id, t_s), self.scenario.own_drones()[drone_id].navigation
        d_position, d_velocity, d_angles, _ = self._own_errors[drone_id].at(t_s)
        east, north, up = (truth.position_m + d_position).tolist()
        v_east, v_north, v_up = (truth.velocity_mps + d_velocity).tolist()
        yaw, pitch, roll = (drone.angles(t_s) + d_angles).tolist()
        return PlatformPose(
            platform_id=drone_id,
            t_ns=t_ns,
            position_m=(east, north, up),
            velocity_mps=(v_east, v_north, v_up),
            yaw_rad=float(wrap_2pi(yaw)),
            pitch_rad=pitch,
            roll_rad=roll,
            position_sigma_m=plan.position_sigma_m,
            yaw_sigma_rad=math.radians(plan.heading_sigma_deg),
            airborne=drone.airborne(t_s),
        )

    def visible(self, origin_m: F64, points_m: F64) -> NDArray[np.bool_]:
        """Say which points (n, 3) are in line of sight from ``origin_m``, over terrain and vegetation."""
        return self.terrain.line_of_sight(origin_m, points_m)

    def own_vehicle_clear(self, platform_id: str, t_s: float, origin_m: F64, points_m: F64) -> NDArray[np.bool_]:
        """Say which points (n, 3) a sensor at ``origin_m`` (ENU) sees past the hull and turret that carry it."""
        if platform_id in self._own:  # its sensors hang below everything else
            return np.ones(np.asarray(points_m).reshape(-1, 3).shape[0], dtype=np.bool_)
        hull, _ = _split(platform_id)
        offset = np.asarray(points_m, dtype=np.float64).reshape(-1, 3) - origin_m
        clear = np.ones(len(offset), dtype=np.bool_)
        bodies = ((hull, self.platform_type.hull_boxes), (f"{hull}/turret", self.platform_type.turret_boxes))
        for body_id, boxes in bodies:
            body = self.platform(body_id, t_s)
            origin_body = body.enu_from_body.T @ (origin_m - body.position_m)
            clear &= boxes_clear(boxes, origin_body, offset @ body.enu_from_body)
        return clear

    def _hull_point(self, hull_id: str, t_s: float) -> tuple[float, float, float, float, float]:
        """Return where an attacker aims: position (east, north, up) and level velocity of a hull's aim point."""
        position, velocity, _, _ = self._platoon.hull(self._place[hull_id], t_s)
        x, y, z = position.tolist()
        return x, y, z + self.platform_type.aim_height_m, float(velocity[0]), float(velocity[1])


def _split(platform_id: str) -> tuple[str, bool]:
    hull, _, part = platform_id.partition("/")
    return hull, part == "turret"
