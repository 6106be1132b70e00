"""The march of a platoon over level ground: formation, route with rounded corners, speed along it."""

from __future__ import annotations

import math

import numpy as np
from scipy import ndimage

from messages.frames import F64
from scenarios.schema import FormationName, Platoon
from scenarios.types import PlatformType

RATE_HZ = 50.0  # of the precomputed poses; a turret at 30 deg/s turns 0.6 deg between two of them
ROUTE_STEP_M = 1.0
CORNER_M = 25.0  # a tracked vehicle rounds the corners of its route over about this distance
TAIL_M = 1500.0  # straight run-up behind the route's begin, on which the followers stand

# Places in units of the spacing (forward, right of the leader) and headings against the platoon's.
_DISPERSED: tuple[tuple[float, float, float], ...] = (
    (0.0, 0.0, 0.0),
    (-0.35, 0.95, 40.0),
    (-0.8, -0.6, -55.0),
    (-1.25, 0.45, 150.0),
    (0.75, -0.8, -20.0),
    (0.6, 1.7, 60.0),
    (-1.6, -1.3, -120.0),
    (-1.9, 1.5, 120.0),
)


def formation_places(formation: FormationName, count: int, spacing_m: float) -> F64:
    """Return (count, 3): metres forward and right of the leader, and heading against the platoon's [rad]."""
    if formation == "dispersed_halt":
        places = np.array(_DISPERSED[:count])
        return np.column_stack([places[:, :2] * spacing_m, np.radians(places[:, 2])])
    index: F64 = np.arange(count, dtype=np.float64)
    side = np.where(index % 2 == 1, 1.0, -1.0) * np.floor((index + 1) / 2)  # 0, right 1, left 1, right 2 ...
    none = np.zeros(count)
    # A wedge opens by 45 degrees to either side; neighbours stay one spacing apart.
    forward = {"column": -index, "line": none, "wedge": -np.abs(side) / math.sqrt(2.0)}[formation]
    right = {"column": none, "line": side, "wedge": side / math.sqrt(2.0)}[formation]
    return np.column_stack([forward * spacing_m, right * spacing_m, np.zeros(count)])


class March:
    """Where every vehicle is in plan, for the whole engagement: level positions (k, 2) and unwrapped yaw (k,)."""

    def __init__(self, platoon: Platoon, vehicle: PlatformType, duration_s: float) -> None:
        """Move the leader along its route; the others keep their places in the formation beside the same route."""
        self.platoon, self.vehicle = platoon, vehicle
        self.t_s: F64 = np.arange(round(duration_s * RATE_HZ) + 2) / RATE_HZ
        route = _Route(platoon)
        way_m, self.speed_mps = _advance(platoon, route, vehicle.acceleration_mps2, self.t_s)
        places = formation_places(platoon.formation, platoon.count, platoon.spacing_m)
        for place, own in zip(places, platoon.vehicles, strict=False):
            if own.offset_m is not None:
                place[:2] = own.offset_m
        self.tracks: tuple[tuple[F64, F64], ...] = tuple(route.at(way_m + p[0], p[1], p[2]) for p in places)

    def ground_track_m(self) -> F64:
        """Return points (k, 2), one every 5 s of every hull: the ground that the platoon stands on or passes."""
        return np.concatenate([level[:: int(5 * RATE_HZ)] for level, _ in self.tracks])


class _Route:
    """The leader's rounded route, parameterised by the way from its begin; straight before its begin."""

    def __init__(self, platoon: Platoon) -> None:
        heading = math.radians(platoon.heading_deg)
        start = np.array(platoon.position_m)
        ahead = np.array([math.sin(heading), math.cos(heading)])
        points = [start - TAIL_M * ahead, start, *(np.array(w.position_m) for w in platoon.route)]
        points.append(points[-1] + TAIL_M * _unit(points[-1] - points[-2]))
        corners = np.array(points)
        way = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(corners, axis=0).T))])
        self.corner_way_m: F64 = way[1:-1] - TAIL_M
        self._way = np.arange(0.0, way[-1], ROUTE_STEP_M)
        level = np.column_stack([np.interp(self._way, way, corners[:, j]) for j in (0, 1)])
        self._level = ndimage.gaussian_filter1d(level, CORNER_M / 3.0 / ROUTE_STEP_M, axis=0, mode="nearest")
        tangent = np.gradient(self._level, axis=0)
        self._yaw = np.unwrap(np.arctan2(tangent[:, 0], tangent[:, 1]))

    def at(self, way_m: F64, right_m: float, turned_rad: float) -> tuple[F64, F64]:
        """Return positions (k, 2), a distance to the right of the route, and unwrapped yaw (k,), turned against it."""
        w = np.clip(way_m + TAIL_M, self._way[0], self._way[-1])
        yaw = np.interp(w, self._way, self._yaw)
        level = np.column_stack([np.interp(w, self._way, self._level[:, j]) for j in (0, 1)])
        return level + right_m * np.column_stack([np.cos(yaw), -np.sin(yaw)]), yaw + turned_rad


def _unit(v: F64) -> F64:
    return np.asarray(v / max(float(np.hypot(v[0], v[1])), 1e-9))


def _advance(platoon: Platoon, route: _Route, acceleration_mps2: float, t_s: F64) -> tuple[F64, F64]:
    """Return the leader's way [m] and speed [m/s] over time: each waypoint's speed until it, a stop at the last one."""
    way, speed = np.zeros(len(t_s)), np.zeros(len(t_s))
    if not platoon.route:
        return way, speed
    corners, speeds = route.corner_way_m[1:], np.array([w.speed_mps for w in platoon.route])
    v = float(speeds[0])  # the engagement begins on the march
    s, dt = 0.0, 1.0 / RATE_HZ
    for k in range(len(t_s)):
        way[k], speed[k] = s, v
        leg = int(np.searchsorted(corners, s, side="right"))
        left_m = max(float(corners[-1]) - s, 0.0)
        wanted = 0.0 if leg >= len(speeds) else min(float(speeds[leg]), math.sqrt(2.0 * acceleration_mps2 * left_m))
        v += min(max(wanted - v, -1.5 * acceleration_mps2 * dt), acceleration_mps2 * dt)
        s += v * dt
    return way, speed
