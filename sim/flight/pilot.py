"""Fly a list of legs from a start to an end: the loop of guidance, dynamics and the ground."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from messages.frames import F64
from scenarios import flightplan as plan
from sim.flight.dynamics import Body, Command, Singer, step_body
from sim.flight.guidance import Floor, Leg, Sky
from sim.flight.gusts import Gusts
from sim.flight.legs import begin

DRONE_STEP_S = 0.02  # 50 Hz: 1 m at 50 m/s
BIRD_STEP_S = 0.1  # birds accelerate at most 5 m/s2: between two steps the cubic is within a millimetre
ON_GROUND_M = 0.3  # height of a body that stands on the ground
FOREVER_S = 1e9
WAIT_BANK = 0.35  # share of the acceleration limit with which a wing circles when its plan has ended
FOLLOWER_NOISE = 0.5  # a follower repeats the leader's manoeuvres and adds this share of its own (E)
FOLLOW_GAIN = 0.5  # 1/s, how firmly a follower holds its place beside the leader


@dataclass(frozen=True)
class Flown:
    """What was flown: positions and velocities (k, 3) every step, when each leg began, when it ended (or infinity)."""

    start_s: float
    step_s: float
    position_m: F64
    velocity_mps: F64
    leg_begin_s: tuple[float, ...]
    end_s: float
    gliding: NDArray[np.bool_]  # (k,) on a leg that is soared


@dataclass(frozen=True)
class Station:
    """A follower's place: an offset (forward, right, up) from a leader's flight, kept until ``until_s``."""

    leader: Flown
    offset_m: tuple[float, float, float]
    until_s: float


class FollowLeg(Leg):
    """Hold a place beside the leader."""

    def __init__(self, station: Station, sky: Sky, body: Body, t_s: float, floor: Floor) -> None:
        super().__init__(sky, body, t_s, floor)
        self._station = station
        flown = station.leader
        self._rows = np.column_stack([flown.position_m, flown.velocity_mps]).tolist()

    def command(self, body: Body, t_s: float) -> Command:
        """Fly with the leader's velocity, corrected towards the place."""
        flown, (forward, right, up) = self._station.leader, self._station.offset_m
        self.done = t_s >= self._station.until_s
        row = self._rows[min(round((t_s - flown.start_s) / flown.step_s), len(self._rows) - 1)]
        x, y, z, vx, vy, vz = row
        speed = max(math.hypot(vx, vy), 1e-6)
        s, c = vx / speed, vy / speed
        x, y = x + forward * s + right * c, y + forward * c - right * s
        self.floor.update(body, t_s)
        vz += FOLLOW_GAIN * 2.0 * (max(z + up, self.floor.lowest_m) - body.z)
        return Command(
            vx + FOLLOW_GAIN * (x - body.x), vy + FOLLOW_GAIN * (y - body.y), vz, self.response_s, FOLLOWER_NOISE
        )


def fly_legs(
    sky: Sky, legs: Sequence[plan.Leg], body: Body, start_s: float, until_s: float, station: Station | None = None
) -> Flown:
    """Fly a station (a follower's) and then the legs, to ``until_s``, impact or landing."""
    kinematics = sky.type.kinematics
    step_s = BIRD_STEP_S if kinematics.motion == "bird" else DRONE_STEP_S
    noise, floor = Singer(kinematics, step_s, sky.rng), Floor(sky.terrain)
    gusts = _gusts(sky, step_s)
    rows, begins, waiting, gliding = [], [], list(legs), []
    leg: Leg | None = FollowLeg(station, sky, body, start_s, floor) if station else None
    t_s, end_s = start_s, math.inf
    for k in range(max(2, math.ceil((until_s - start_s) / step_s) + 2)):
        t_s = start_s + k * step_s
        rows.append((body.x, body.y, body.z, body.vx, body.vy, body.vz))
        if leg is None or leg.done:
            if leg is not None and leg.landed:
                end_s = t_s
                break
            leg = begin(waiting.pop(0) if waiting else _wait(sky, body), sky, body, t_s, floor)
            begins.append(t_s)
        gliding.append(leg.glides)
        command = leg.command(body, t_s)
        if gusts is not None:
            _shake(sky, body, gusts, step_s)
        step_body(body, command, noise.step(), kinematics, step_s)
        _stay_above_ground(sky, body)
    table = np.array(rows if len(rows) > 1 else rows * 2)
    soared = np.zeros(len(table), dtype=np.bool_)
    soared[: len(gliding)] = gliding
    return Flown(start_s, step_s, table[:, :3], table[:, 3:], tuple(begins[: len(legs)]), end_s, soared)


def _gusts(sky: Sky, step_s: float) -> Gusts | None:
    """Return the gusts of a flight, None in a calm; their generator takes nothing from that of the flight."""
    if sky.gust_wind_mps <= 0.0:
        return None
    return Gusts(sky.gust_wind_mps, sky.wind_mps, step_s, sky.rng.spawn(1)[0])


def _shake(sky: Sky, body: Body, gusts: Gusts, step_s: float) -> None:
    """Let the gusts drag on a body; guidance flies against what they do, not against them.

    The mean wind is trimmed out: speeds of a plan are over ground.
    """
    height_m = body.z - sky.terrain.ground_at(body.x, body.y)
    airspeed = math.sqrt((body.vx - sky.wind_mps[0]) ** 2 + (body.vy - sky.wind_mps[1]) ** 2 + body.vz**2)
    east, north, up = gusts.step(height_m, airspeed)
    share = step_s / sky.type.kinematics.gust_response_s
    body.vx += share * east
    body.vy += share * north
    body.vz += share * up


def _stay_above_ground(sky: Sky, body: Body) -> None:
    lowest = sky.terrain.ground_at(body.x, body.y) + ON_GROUND_M
    if body.z < lowest:
        body.z, body.vz, body.az = lowest, max(body.vz, 0.0), max(body.az, 0.0)


def _wait(sky: Sky, body: Body) -> plan.Hover | plan.Orbit:
    """Return what to do when the plan has ended: hover, or circle where a wing cannot stop."""
    k = sky.type.kinematics
    height = max(body.z - sky.terrain.ground_at(body.x, body.y), 2.0)
    if k.motion == "multirotor":
        return plan.Hover(kind="hover", height_m=height, duration_s=FOREVER_S)
    speed = max(body.speed_over_ground(), k.speed_min_mps, 1.0)
    radius = speed * speed / (WAIT_BANK * k.acceleration_max_mps2)
    centre = (body.x + radius * body.vy / speed, body.y - radius * body.vx / speed)
    return plan.Orbit(
        kind="orbit", centre_m=centre, radius_m=radius, height_m=height, speed_mps=speed, duration_s=FOREVER_S
    )
