"""From a scenario's targets to trajectories: single flights, and groups of a leader and followers that may split."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from messages.frames import F64
from scenarios import flightplan as plan
from scenarios.catalogue import Catalogue
from scenarios.flightplan import Target, member_ids
from scenarios.schema import Environment, Scenario
from scenarios.types import TargetType
from sim.flight.dynamics import Body
from sim.flight.guidance import HullPoint, Sky
from sim.flight.pilot import ON_GROUND_M, Flown, Station, fly_legs
from sim.flight.recorded import recorded
from sim.flight.trajectory import Trajectory
from sim.propagation.turbulence import gust_wind_mps
from sim.terrain import Terrain

LATTICE_JITTER = 0.2  # of the spacing: nobody flies on a perfect lattice (E)


def fly(
    scenario: Scenario, catalogue: Catalogue, terrain: Terrain, hull_point: HullPoint, rng: np.random.Generator
) -> tuple[Trajectory, ...]:
    """Fly every target of a scenario; each has a generator of its own, so that one more changes no other's flight.

    Recorded flights come after them.
    """
    out: list[Trajectory] = []
    wind, gusts = _wind(scenario.environment), gust_wind_mps(scenario.environment)
    for target, own_rng in zip(scenario.targets, rng.spawn(len(scenario.targets)), strict=True):
        kind = catalogue.targets[target.type]
        members = target.group.count if target.group else 1
        skies = [Sky(terrain, hull_point, kind, r, wind, gusts) for r in own_rng.spawn(members)]
        out.extend(_trajectories(target, kind, skies, scenario.duration_s))
    out.extend(recorded(flight, catalogue.targets[flight.type], terrain) for flight in scenario.flights)
    return tuple(out)


def _wind(environment: Environment) -> tuple[float, float]:
    toward = math.radians(environment.wind_from_deg) + math.pi
    return environment.wind_mps * math.sin(toward), environment.wind_mps * math.cos(toward)


def _trajectories(target: Target, kind: TargetType, skies: list[Sky], until_s: float) -> Iterator[Trajectory]:
    start = _first_heading(target)
    leader = fly_legs(skies[0], _dealt(target, 0), _body(target, skies[0], start, 0.0, 0.0), target.start_s, until_s)
    split = split_leg(target)
    split_s = leader.leg_begin_s[split] if split < len(leader.leg_begin_s) else math.inf
    for i, (name, sky) in enumerate(zip(member_ids(target), skies, strict=True)):
        flown, begins = leader, leader.leg_begin_s
        if i > 0 and target.group is not None:
            offset = _place(i, target.group, sky.rng)
            station = Station(leader, offset, split_s)
            body = _body(target, sky, start, offset[0], offset[1])
            flown = fly_legs(sky, _dealt(target, i)[split:], body, target.start_s, until_s, station)
            begins = leader.leg_begin_s[:split] + flown.leg_begin_s
        silent = target.radio_silent_from_leg
        silent_s = begins[silent] if silent is not None and silent < len(begins) else math.inf
        threat = (kind.threat if target.threat is None else target.threat) and target.own is None
        yield _trajectory(name, kind, threat, flown, silent_s)


def _trajectory(name: str, kind: TargetType, threat: bool, flown: Flown, silent_s: float) -> Trajectory:
    return Trajectory(
        name,
        kind,
        threat,
        flown.start_s,
        flown.end_s,
        silent_s,
        flown.step_s,
        flown.position_m,
        flown.velocity_mps,
        flown.gliding,
    )


def split_leg(target: Target) -> int:
    """Return the leg from which on the members of a group fly on their own: as planned, else the first terminal one."""
    if target.group is None or target.group.split_leg is None:
        attacks = [i for i, leg in enumerate(target.legs) if isinstance(leg, plan.Terminal)]
        return attacks[0] if attacks else len(target.legs)
    return target.group.split_leg


def _dealt(target: Target, member: int) -> list[plan.Leg]:
    """Return the legs of one member: its terminal legs go to the platform that the group's list deals it."""
    platforms = target.group.split_platforms if target.group else ()
    if not platforms:
        return list(target.legs)
    mine = platforms[member % len(platforms)]
    return [leg.model_copy(update={"platform": mine}) if isinstance(leg, plan.Terminal) else leg for leg in target.legs]


def _place(member: int, group: plan.Group, rng: np.random.Generator) -> tuple[float, float, float]:
    """Return a follower's offset (forward, right, up): rows behind the leader, as wide as they are many."""
    width = math.ceil(math.sqrt(group.count))
    row, column = divmod(member, width)
    column = (column + 1) // 2 * (1 if column % 2 else -1)
    jitter: F64 = LATTICE_JITTER * rng.uniform(-1.0, 1.0, 3)
    forward, right = group.spacing_m * (jitter[0] - row), group.spacing_m * (jitter[1] + column)
    return float(forward), float(right), float(group.spacing_m * jitter[2])


def _first_heading(target: Target) -> float:
    """Return the heading at the start [rad]: as planned, else towards the first leg's point, else north."""
    if target.start.heading_deg is not None:
        return math.radians(target.start.heading_deg)
    leg = target.legs[0]
    point = leg.to_m if isinstance(leg, plan.Transit) else getattr(leg, "centre_m", None) or getattr(leg, "at_m", None)
    if point is None:
        return 0.0
    return math.atan2(point[0] - target.start.position_m[0], point[1] - target.start.position_m[1])


def _body(target: Target, sky: Sky, heading_rad: float, forward_m: float, right_m: float) -> Body:
    s, c = math.sin(heading_rad), math.cos(heading_rad)
    east = target.start.position_m[0] + forward_m * s + right_m * c
    north = target.start.position_m[1] + forward_m * c - right_m * s
    speed = target.start.speed_mps
    if speed is None:
        speed = 0.0 if target.start.height_m == 0.0 else float(getattr(target.legs[0], "speed_mps", None) or 0.0)
    speed = max(speed, sky.type.kinematics.speed_min_mps)
    up = sky.terrain.ground_at(east, north) + max(target.start.height_m, ON_GROUND_M)
    return Body(east, north, up, speed * s, speed * c, 0.0)
