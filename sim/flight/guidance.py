"""Guidance: what every leg shares: the sky it flies in, the ground ahead, level flight over it, when it is done."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from scenarios.types import TargetType
from sim.flight.dynamics import Body, Command
from sim.terrain import Terrain

HullPoint = Callable[[str, float], tuple[float, float, float, float, float]]

LOOK_AHEAD_S = (0.0, 0.6, 1.2, 1.8, 2.6, 3.8)  # a 14 m treeline at 8 m/s of climb takes 2 s
GROUND_CLEARANCE_M = 1.5  # above open ground (E)
CANOPY_CLEARANCE_M = 4.0  # above trees (E)
CANOPY_MIN_M = 1.0  # lower than this counts as open ground
REFRESH_S = 0.15  # the ground ahead is looked up again after this time: 4 m of way
HEIGHT_GAIN = 1.0  # 1/s, vertical speed asked for per metre of height error
PLACE_GAIN = 0.6  # 1/s, the same over ground when holding a place


class Sky(NamedTuple):
    """What guidance may look at: terrain, the attacked platforms, the type, chance, wind (east, north), gusts."""

    terrain: Terrain
    hull_point: HullPoint
    type: TargetType
    rng: np.random.Generator
    wind_mps: tuple[float, float]
    gust_wind_mps: float = 0.0  # the wind at 20 ft (6 m) whose gusts blow; 0: none


class Floor:
    """The ground and obstacles ahead of a body, refreshed every REFRESH_S."""

    def __init__(self, terrain: Terrain) -> None:
        self._terrain = terrain
        self._due_s = -math.inf
        self.ground_m = 0.0
        self.lowest_m = 0.0

    def update(self, body: Body, t_s: float, horizon_s: float = LOOK_AHEAD_S[-1]) -> None:
        """Look up the mean ground and the lowest safe height along the velocity."""
        if t_s < self._due_s:
            return
        self._due_s = t_s + REFRESH_S
        lowest, sum_m = -1e9, 0.0
        for s in LOOK_AHEAD_S:
            ahead_s = min(s, horizon_s)
            ground, surface = self._terrain.ground_and_surface_at(
                body.x + body.vx * ahead_s, body.y + body.vy * ahead_s
            )
            sum_m += ground
            trees = surface - ground > CANOPY_MIN_M
            lowest = max(lowest, surface + CANOPY_CLEARANCE_M if trees else ground + GROUND_CLEARANCE_M)
        self.ground_m, self.lowest_m = sum_m / len(LOOK_AHEAD_S), lowest


class Leg(ABC):
    """One leg being flown: asked at every step for a command; ``done`` ends it, ``landed`` ends the flight.

    On a leg that ``glides`` a bird holds its wings still.
    """

    def __init__(self, sky: Sky, body: Body, t_s: float, floor: Floor) -> None:
        self.sky, self.floor, self.begin_s = sky, floor, t_s
        self.begin = (body.x, body.y)
        self.done = self.landed = self.glides = False
        self.response_s = sky.type.kinematics.response_s

    @abstractmethod
    def command(self, body: Body, t_s: float) -> Command:
        """Return what to fly now; sets ``done`` and ``landed``."""

    def level(self, body: Body, t_s: float, height_m: float, vx: float, vy: float) -> Command:
        """Return a command at a height above the ground, over every obstacle ahead."""
        self.floor.update(body, t_s)
        k = self.sky.type.kinematics
        up = max(self.floor.ground_m + height_m, self.floor.lowest_m)
        vz = min(max(HEIGHT_GAIN * (up - body.z), -k.descent_max_mps), k.climb_max_mps)
        return Command(vx, vy, vz, self.response_s)

    def toward(self, body: Body, point: tuple[float, float], speed_mps: float) -> tuple[float, float]:
        """Return the level velocity towards a point, slower near it."""
        dx, dy = point[0] - body.x, point[1] - body.y
        distance = max(math.hypot(dx, dy), 1e-6)
        speed = max(min(speed_mps, PLACE_GAIN * distance), self.sky.type.kinematics.speed_min_mps)
        return dx / distance * speed, dy / distance * speed

    def capture_m(self, speed_mps: float) -> float:
        """Return how near to a point counts as there: a wing needs room to turn."""
        return speed_mps * (0.6 if self.sky.type.kinematics.speed_min_mps == 0.0 else 1.5)
