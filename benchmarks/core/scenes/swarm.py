"""A swarm: drones that jostle inside a ball which flies past the radar."""

from __future__ import annotations

from typing import Literal

import numpy as np

from benchmarks.core.scenes.model import Count, NonNegative, Paths, Positive, SceneFile, Span, truth_of
from benchmarks.core.scenes.model import Scene as SceneData
from benchmarks.core.scenes.radar import radar_scans, scan_times, with_clutter
from messages.frames import F64, enu_direction
from messages.types import SensorDescription

SUBSTEPS = 5  # of one scan period, for the motion inside the ball
SOFT_EDGE = 0.8  # of the radius: from here on a member is pushed back
PUSH_PER_S2 = 2.0  # m/s^2 for each metre beyond the soft edge
ROUNDS = 10_000


class SwarmFile(SceneFile):
    """``targets`` drones in a ball of ``ball_radius_m`` around a centre that flies nearly straight."""

    kind: Literal["swarm"]
    targets: Count
    clutter_per_scan: NonNegative = 10.0
    scans: Count = 200
    ball_radius_m: Positive = 30.0
    separation_m: NonNegative = 3.0
    """Least distance between two members at the start: rotors do not overlap."""
    centre_speed_mps: Span = (15.0, 20.0)
    centre_range_m: Span = (400.0, 1000.0)
    centre_height_m: Span = (60.0, 140.0)
    centre_acceleration_mps2: NonNegative = 0.5
    """Sigma of the centre's acceleration, which forgets itself within ``memory_s``."""
    jostle_mps: NonNegative = 1.5
    """Sigma of each component of a member's own velocity, which forgets itself within ``memory_s``."""
    memory_s: Positive = 3.0


def make_swarm(given: SwarmFile, sensors: tuple[SensorDescription, ...], rng: np.random.Generator) -> SceneData:
    """Return the scene."""
    (radar,) = sensors
    motion, sensing = rng.spawn(2)
    radar = with_clutter(radar, given.clutter_per_scan)
    t_s = scan_times(radar, given.scans)
    centre, own = centre_path(given, t_s, motion), member_paths(given, t_s, motion)
    paths = Paths(t_s, centre.position_m + own.position_m, centre.velocity_mps + own.velocity_mps)
    heard = radar_scans(radar, paths, given.clutter_per_scan, sensing)
    return SceneData(given.name, given.kind, given.seed, (radar,), heard, (), truth_of(paths))


def centre_path(given: SwarmFile, t_s: F64, rng: np.random.Generator) -> Paths:
    """Draw the path of the centre (k, 1, 3) until one keeps its distance from the radar."""
    for _ in range(ROUNDS):
        start = rng.uniform(*given.centre_range_m) * enu_direction(rng.uniform(0.0, 2.0 * np.pi), 0.0)
        start[2] = rng.uniform(*given.centre_height_m)
        speed = rng.uniform(*given.centre_speed_mps)
        velocity = speed * enu_direction(rng.uniform(0.0, 2.0 * np.pi), 0.0)
        path = drift(start[None], velocity[None], given.centre_acceleration_mps2, given.memory_s, t_s, rng)
        distance = np.linalg.norm(path.position_m, axis=2)
        low, high = given.centre_range_m
        if distance.min() >= low and distance.max() <= high and path.position_m[..., 2].min() >= given.ball_radius_m:
            return path
    raise ValueError(f"{given.name}: centre_range_m = {given.centre_range_m}: too narrow for the speed")


def drift(
    start_m: F64, velocity_mps: F64, sigma_mps2: float, memory_s: float, t_s: F64, rng: np.random.Generator
) -> Paths:
    """Return a path whose acceleration is an Ornstein-Uhlenbeck process in east and north (Singer 1970)."""
    position, velocity = [start_m], [velocity_mps]
    acceleration = sigma_mps2 * rng.standard_normal(start_m.shape)
    for dt in np.diff(t_s).tolist():
        keep = np.exp(-dt / memory_s)
        acceleration = keep * acceleration + sigma_mps2 * np.sqrt(1.0 - keep**2) * rng.standard_normal(start_m.shape)
        acceleration[:, 2] = 0.0
        position.append(position[-1] + dt * velocity[-1] + 0.5 * dt**2 * acceleration)
        velocity.append(velocity[-1] + dt * acceleration)
    return Paths(t_s, np.stack(position), np.stack(velocity))


def places_in_ball(given: SwarmFile, rng: np.random.Generator) -> F64:
    """Return (n, 3) offsets, uniform in the ball, none closer to another than the separation."""
    places: list[F64] = []
    for _ in range(ROUNDS * given.targets):
        place = rng.uniform(-given.ball_radius_m, given.ball_radius_m, 3)
        apart = all(np.linalg.norm(place - other) >= given.separation_m for other in places)
        if np.linalg.norm(place) <= SOFT_EDGE * given.ball_radius_m and apart:
            places.append(place)
        if len(places) == given.targets:
            return np.stack(places)
    raise ValueError(f"{given.name}: separation_m = {given.separation_m:g}: the ball has no room for so many drones")


def member_paths(given: SwarmFile, t_s: F64, rng: np.random.Generator) -> Paths:
    """Return the members (k, n, 3) relative to the centre: wandering velocities, pushed back at the edge."""
    place = places_in_ball(given, rng)
    own = given.jostle_mps * rng.standard_normal(place.shape)
    dt = float(t_s[1] - t_s[0]) / SUBSTEPS
    keep = np.exp(-dt / given.memory_s)
    position, velocity = [place], [own]
    for _ in range(1, len(t_s)):
        for _ in range(SUBSTEPS):
            radius = np.maximum(np.linalg.norm(place, axis=1, keepdims=True), 1e-9)
            push = -PUSH_PER_S2 * np.maximum(radius - SOFT_EDGE * given.ball_radius_m, 0.0) * place / radius
            kick = given.jostle_mps * np.sqrt(1.0 - keep**2) * rng.standard_normal(place.shape)
            own = keep * own + kick + dt * push
            place = place + dt * own
            radius = np.maximum(np.linalg.norm(place, axis=1, keepdims=True), 1e-9)
            place = place * np.minimum(1.0, given.ball_radius_m / radius)
        position.append(place)
        velocity.append(own)
    return Paths(t_s, np.stack(position), np.stack(velocity))
