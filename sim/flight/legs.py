"""The legs of a flight plan as guidance: what velocity each asks for, and when it is done."""

from __future__ import annotations

import functools
import math

from scenarios import flightplan as plan
from sim.flight.dynamics import Body, Command
from sim.flight.guidance import GROUND_CLEARANCE_M, HEIGHT_GAIN, Floor, Leg, Sky

TERMINAL_RESPONSE_S = 0.22  # a pilot, or a seeker, corrects faster when the target fills the picture (E)
CALM_RANGE_M = 120.0  # manoeuvre noise fades out from here to the impact: the pilot only aims now (E)
COMMIT_RANGE_M = 90.0  # nearer than this an attacker heeds no obstacle
APPROACH_MARGIN_M = 2.5  # farther away an attacker keeps this above the least clearance: gusts must not ground it (E)
IMPACT_M = 1.0  # counts as a hit
MISS_RANGE_M = 25.0  # farther away from here on after having come this near: it has gone by, and crashes


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
        self.glides = isinstance(leg, plan.Soar)
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
