"""Guidance: what velocity a leg of a flight plan asks for, and when the leg is done."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from scenarios import flightplan as plan
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
TERMINAL_RESPONSE_S = 0.22  # a pilot, or a seeker, corrects faster when the target fills the picture (E)
CALM_RANGE_M = 120.0  # manoeuvre noise fades out from here to the impact: the pilot only aims now (E)
COMMIT_RANGE_M = 90.0  # nearer than this an attacker heeds no obstacle
APPROACH_MARGIN_M = 2.5  # farther away an attacker keeps this above the least clearance: gusts must not ground it (E)
IMPACT_M = 1.0  # counts as a hit
MISS_RANGE_M = 25.0  # farther away from here on after having come this near: it has gone by, and crashes


class Sky(NamedTuple):
    """What guidance may look at: terrain, the attacked platforms, the type, chance, wind (east, north)."""

    terrain: Terrain
    hull_point: HullPoint
    type: TargetType
    rng: np.random.Generator
    wind_mps: tuple[float, float]


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


class Leg:
    """One leg being flown: asked at every step for a command; ``done`` ends it, ``landed`` ends the flight."""

    def __init__(self, sky: Sky, body: Body, t_s: float, floor: Floor) -> None:
        self.sky, self.floor, self.begin_s = sky, floor, t_s
        self.begin = (body.x, body.y)
        self.done = self.landed = False
        self.response_s = sky.type.kinematics.response_s

    def command(self, body: Body, t_s: float) -> Command:
        """Return what to fly now; sets ``done`` and ``landed``."""
        raise NotImplementedError

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


class TransitLeg(Leg):
    """Fly to a point and on over it."""

    def __init__(self, leg: plan.Transit, sky: Sky, body: Body, t_s: float, floor: Floor) -> None:
        super().__init__(sky, body, t_s, floor)
        self.leg = leg

    def command(self, body: Body, t_s: float) -> Command:
        """Head for the point at full speed; done when near it."""
        dx, dy = self.leg.to_m[0] - body.x, self.leg.to_m[1] - body.y
        distance = math.hypot(dx, dy)
        self.done = distance < self.capture_m(self.leg.speed_mps)
        share = self.leg.speed_mps / max(distance, 1e-6)
        return self.level(body, t_s, self.leg.height_m, dx * share, dy * share)


class CircleLeg(Leg):
    """Circle a point: orbit, or a bird's soaring that drifts with the wind and climbs."""

    def __init__(self, leg: plan.Orbit | plan.Soar, sky: Sky, body: Body, t_s: float, floor: Floor) -> None:
        super().__init__(sky, body, t_s, floor)
        self.leg = leg
        self.sense = -1.0 if isinstance(leg, plan.Orbit) and leg.direction == "anticlockwise" else 1.0
        self.drift, self.climb = (sky.wind_mps, leg.climb_mps) if isinstance(leg, plan.Soar) else ((0.0, 0.0), 0.0)

    def command(self, body: Body, t_s: float) -> Command:
        """Fly along the tangent, turned towards the circle by how far it is off it."""
        leg, age = self.leg, t_s - self.begin_s
        self.done = age >= leg.duration_s
        dx = body.x - leg.centre_m[0] - self.drift[0] * age
        dy = body.y - leg.centre_m[1] - self.drift[1] * age
        r = max(math.hypot(dx, dy), 1e-6)
        lead = math.atan(2.0 * (r - leg.radius_m) / leg.radius_m)  # +: turn inwards
        tangent = math.atan2(dx, dy) + self.sense * (math.pi / 2.0 + lead)
        vx = leg.speed_mps * math.sin(tangent) + self.drift[0]
        vy = leg.speed_mps * math.cos(tangent) + self.drift[1]
        # A level circle needs a steady centripetal acceleration; asking for it ahead keeps the radius.
        ahead = self.response_s * leg.speed_mps / leg.radius_m * self.sense if abs(lead) < 0.5 else 0.0
        c, s = math.cos(ahead), math.sin(ahead)
        return self.level(body, t_s, leg.height_m + self.climb * age, vx * c + vy * s, vy * c - vx * s)


class CourseLeg(Leg):
    """Fly from point to point of an endless list for a time: racetrack, or a bird's wandering."""

    def __init__(self, leg: plan.Loiter | plan.Wander, sky: Sky, body: Body, t_s: float, floor: Floor) -> None:
        super().__init__(sky, body, t_s, floor)
        self.leg = leg
        self._corner = 0
        self._point, self._height_m = self._next()

    def _next(self) -> tuple[tuple[float, float], float]:
        leg, rng = self.leg, self.sky.rng
        if isinstance(leg, plan.Wander):
            r, angle = leg.radius_m * math.sqrt(rng.uniform()), rng.uniform(0.0, 2.0 * math.pi)
            offset = (r * math.sin(angle), r * math.cos(angle))
            height = leg.height_m * rng.uniform(0.6, 1.4)
        else:
            ahead = leg.length_m / 2.0 * (1.0, 1.0, -1.0, -1.0)[self._corner % 4]
            right = leg.width_m / 2.0 * (-1.0, 1.0, 1.0, -1.0)[self._corner % 4]
            h = math.radians(leg.heading_deg)
            offset = (ahead * math.sin(h) + right * math.cos(h), ahead * math.cos(h) - right * math.sin(h))
            height = leg.height_m
        self._corner += 1
        return (leg.centre_m[0] + offset[0], leg.centre_m[1] + offset[1]), height

    def command(self, body: Body, t_s: float) -> Command:
        """Head for the present point; take the next one when near it."""
        self.done = t_s - self.begin_s >= self.leg.duration_s
        dx, dy = self._point[0] - body.x, self._point[1] - body.y
        distance = math.hypot(dx, dy)
        if distance < self.capture_m(self.leg.speed_mps):
            self._point, self._height_m = self._next()
        share = self.leg.speed_mps / max(distance, 1e-6)
        return self.level(body, t_s, self._height_m, dx * share, dy * share)


class HoverLeg(Leg):
    """Go to a point and stay over it; the time counts from the arrival."""

    def __init__(self, leg: plan.Hover, sky: Sky, body: Body, t_s: float, floor: Floor) -> None:
        super().__init__(sky, body, t_s, floor)
        self.leg, self._arrived_s = leg, math.inf
        self._point = leg.at_m or self.begin

    def command(self, body: Body, t_s: float) -> Command:
        """Hold the place."""
        if math.hypot(self._point[0] - body.x, self._point[1] - body.y) < 10.0:
            self._arrived_s = min(self._arrived_s, t_s)
        self.done = t_s - self._arrived_s >= self.leg.duration_s
        return self.level(body, t_s, self.leg.height_m, *self.toward(body, self._point, self.leg.speed_mps))


class PopUpLeg(Leg):
    """Rise on the spot to a height and hold there for a time."""

    def __init__(self, leg: plan.PopUp, sky: Sky, body: Body, t_s: float, floor: Floor) -> None:
        super().__init__(sky, body, t_s, floor)
        self.leg, self._up_s = leg, math.inf

    def command(self, body: Body, t_s: float) -> Command:
        """Climb straight up until the height is reached."""
        hold = self.level(body, t_s, self.leg.height_m, *self.toward(body, self.begin, 5.0))
        if body.z > self.floor.ground_m + self.leg.height_m - 1.0:
            self._up_s = min(self._up_s, t_s)
        self.done = t_s - self._up_s >= self.leg.hold_s
        return hold._replace(vz=min(max(hold.vz, -self.leg.speed_mps), self.leg.speed_mps))


class TerminalLeg(Leg):
    """Attack a platform: level until the dive angle, then lead pursuit to impact."""

    def __init__(self, leg: plan.Terminal, sky: Sky, body: Body, t_s: float, floor: Floor) -> None:
        super().__init__(sky, body, t_s, floor)
        self.leg = leg
        k = sky.type.kinematics
        self._speed = leg.speed_mps or k.terminal_speed_mps or k.speed_max_mps
        self._diving, self._last_m = leg.dive_deg is None, math.inf
        self._height_m = body.z - sky.terrain.ground_at(body.x, body.y)

    def command(self, body: Body, t_s: float) -> Command:
        """Fly at the point where the platform will be; ends with the impact, or with going by."""
        x, y, z, vx, vy = self.sky.hull_point(self.leg.platform, t_s)
        dx, dy, dz = x - body.x, y - body.y, z - body.z
        distance = math.sqrt(dx * dx + dy * dy + dz * dz)
        gone_by = self._last_m < MISS_RANGE_M and distance > self._last_m
        self.done = self.landed = distance < IMPACT_M or gone_by
        self._last_m = distance
        time_to_go = distance / max(self._speed, 1.0)
        dx, dy = dx + vx * time_to_go, dy + vy * time_to_go
        level_m = max(math.hypot(dx, dy), 1e-6)
        if not self._diving:
            self._diving = math.degrees(math.atan2(-dz, level_m)) >= (self.leg.dive_deg or 0.0)
            return self.level(body, t_s, self._height_m, dx / level_m * self._speed, dy / level_m * self._speed)
        share = self._speed / max(math.sqrt(level_m**2 + dz * dz), 1e-6)
        vz = dz * share
        if distance > COMMIT_RANGE_M:
            self.floor.update(body, t_s, horizon_s=0.8 * distance / self._speed)
            vz = max(vz, HEIGHT_GAIN * (self.floor.lowest_m + APPROACH_MARGIN_M - body.z))
        calm = min(1.0, max(0.0, distance - IMPACT_M) / CALM_RANGE_M)
        response = TERMINAL_RESPONSE_S + calm * max(0.0, self.response_s - TERMINAL_RESPONSE_S)
        return Command(dx * share, dy * share, vz, response, calm, pursuit=True)


class LandLeg(Leg):
    """Go to a point, come down there and end."""

    def __init__(self, leg: plan.Land, sky: Sky, body: Body, t_s: float, floor: Floor) -> None:
        super().__init__(sky, body, t_s, floor)
        self.leg = leg

    def command(self, body: Body, t_s: float) -> Command:
        """Descend along a slope of 45 degrees, then straight down."""
        above = body.z - self.sky.terrain.ground_at(body.x, body.y)
        away = math.hypot(self.leg.at_m[0] - body.x, self.leg.at_m[1] - body.y)
        self.done = self.landed = above < GROUND_CLEARANCE_M + 0.5 and away < 15.0
        vx, vy = self.toward(body, self.leg.at_m, self.leg.speed_mps)
        return self.level(body, t_s, min(above, max(away - 10.0, 0.0)), vx, vy)


@functools.singledispatch
def begin(leg: object, sky: Sky, body: Body, t_s: float, floor: Floor) -> Leg:
    """Begin to fly a leg of a plan."""
    raise TypeError(f"no guidance for {type(leg).__name__}")


for _plan, _leg in (
    (plan.Transit, TransitLeg),
    (plan.Orbit, CircleLeg),
    (plan.Soar, CircleLeg),
    (plan.Loiter, CourseLeg),
    (plan.Wander, CourseLeg),
    (plan.Hover, HoverLeg),
    (plan.PopUp, PopUpLeg),
    (plan.Terminal, TerminalLeg),
    (plan.Land, LandLeg),
):
    begin.register(_plan, _leg)
