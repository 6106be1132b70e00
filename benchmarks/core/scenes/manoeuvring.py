"""Hard-flown FPVs with half of the clutter crowded around them."""

from __future__ import annotations

from typing import Literal

import numpy as np

from benchmarks.core.scenes.model import Count, NonNegative, Paths, Positive, SceneFile, Span, sampled, truth_of
from benchmarks.core.scenes.model import Scene as SceneData
from benchmarks.core.scenes.radar import radar_scans, scan_times, with_clutter
from benchmarks.core.scenes.sensing import RANGE_RATE, look_at
from messages.frames import F64, enu_direction
from messages.types import SensorDescription

STEP_S = 0.02  # integration step: 0.9 m at 45 m/s
TRIES = 200  # accelerations drawn before the drone is steered home
LOOK_AHEAD_S = 2.5  # an acceleration must be survivable this long: it holds for 1.5 s at most, and then one can turn


class ManoeuvringFile(SceneFile):
    """``targets`` FPVs; the acceleration of each is redrawn about every second."""

    kind: Literal["manoeuvring"]
    targets: Count = 8
    scans: Count = 250
    clutter_per_scan: NonNegative = 40.0
    crowded_share: NonNegative = 0.5
    """Part of the clutter that lies around the drones instead of anywhere."""
    crowded_within_m: Positive = 60.0
    speed_mps: Span = (10.0, 45.0)
    acceleration_mps2: Span = (3.0, 10.0)
    redraw_s: Span = (0.5, 1.5)
    range_m: Span = (100.0, 1500.0)
    height_m: Span = (20.0, 160.0)
    vertical_share: NonNegative = 0.35
    """Vertical over horizontal size of the acceleration directions: FPVs turn more than they climb."""


def make_manoeuvring(
    given: ManoeuvringFile, sensors: tuple[SensorDescription, ...], rng: np.random.Generator
) -> SceneData:
    """Return the scene; the described clutter is the whole mean, as a user would give it."""
    (radar,) = sensors
    motion, sensing, crowd = rng.spawn(3)
    radar = with_clutter(radar, given.clutter_per_scan)
    t_s = scan_times(radar, given.scans)
    flown = [fly(given, float(t_s[-1]), one) for one in motion.spawn(given.targets)]
    fine = Paths(flown[0].t_s, *(np.concatenate([p[i] for p in flown], axis=1) for i in (1, 2)))
    paths = sampled(fine, t_s)
    near = given.crowded_share * given.clutter_per_scan

    def more(position: F64, velocity: F64) -> F64:
        return crowded_clutter(given, radar, position, near, crowd)

    heard = radar_scans(radar, paths, given.clutter_per_scan - near, sensing, more)
    return SceneData(given.name, given.kind, given.seed, (radar,), heard, (), truth_of(paths))


def fly(given: ManoeuvringFile, duration_s: float, rng: np.random.Generator) -> Paths:
    """Return the path of one FPV (k, 1, 3), sampled every ``STEP_S``."""
    low, high = given.range_m
    place = rng.uniform(2.0 * low, 0.8 * high) * enu_direction(rng.uniform(0.0, 2.0 * np.pi), 0.0)
    place[2] = rng.uniform(*given.height_m)
    velocity = rng.uniform(*given.speed_mps) * enu_direction(rng.uniform(0.0, 2.0 * np.pi), 0.0)
    position, velocities = [place], [velocity]
    steps = int(np.ceil(duration_s / STEP_S)) + 1
    acceleration, hold = np.zeros(3), 0
    for _ in range(steps):
        if hold == 0:
            acceleration = next_acceleration(given, position[-1], velocities[-1], rng)
            hold = max(1, round(rng.uniform(*given.redraw_s) / STEP_S))
        hold -= 1
        position.append(position[-1] + STEP_S * velocities[-1] + 0.5 * STEP_S**2 * acceleration)
        velocities.append(velocities[-1] + STEP_S * acceleration)
    t_s = np.asarray(STEP_S * np.arange(steps + 1), dtype=np.float64)
    return Paths(t_s, np.stack(position)[:, None], np.stack(velocities)[:, None])


def next_acceleration(given: ManoeuvringFile, place: F64, velocity: F64, rng: np.random.Generator) -> F64:
    """Return the first drawn acceleration that keeps speed, range and height inside their limits."""
    held = np.linspace(0.0, given.redraw_s[1], 6)[1:]
    for _ in range(TRIES):
        direction = rng.standard_normal(3) * np.array([1.0, 1.0, given.vertical_share])
        drawn = rng.uniform(*given.acceleration_mps2) * direction / np.linalg.norm(direction)
        speed = np.linalg.norm(velocity + held[:, None] * drawn, axis=1)
        end, last = place + held[-1] * velocity + 0.5 * held[-1] ** 2 * drawn, velocity + held[-1] * drawn
        ahead = end + (LOOK_AHEAD_S - held[-1]) * last
        fast = speed.min() >= given.speed_mps[0] and speed.max() <= given.speed_mps[1]
        if fast and inside(given, end) and inside(given, ahead):
            return np.asarray(drawn, dtype=np.float64)
    return homeward(given, place, velocity)


def inside(given: ManoeuvringFile, place: F64) -> bool:
    """Say whether a place is inside the limits of range and height."""
    distance = float(np.linalg.norm(place))
    return given.range_m[0] <= distance <= given.range_m[1] and given.height_m[0] <= place[2] <= given.height_m[1]


def homeward(given: ManoeuvringFile, place: F64, velocity: F64) -> F64:
    """Return the hardest allowed turn towards the middle of the allowed ring and height, at a middling speed."""
    flat = place * np.array([1.0, 1.0, 0.0])
    middle = flat / max(float(np.linalg.norm(flat)), 1.0) * float(np.mean(given.range_m))
    middle[2] = float(np.mean(given.height_m))
    # Sideways from the radius: a drone that must turn near the radar flies around it, not through it.
    wanted = (
        middle
        - place
        + 0.5
        * np.linalg.norm(middle - place)
        * np.array([-flat[1], flat[0], 0.0])
        / max(float(np.linalg.norm(flat)), 1.0)
    )
    wanted *= float(np.mean(given.speed_mps)) / max(float(np.linalg.norm(wanted)), 1e-9)
    change = wanted - velocity
    size = max(float(np.linalg.norm(change)), 1e-9)
    return np.asarray(change / size * np.clip(size, *given.acceleration_mps2), dtype=np.float64)


def crowded_clutter(
    given: ManoeuvringFile, radar: SensorDescription, position: F64, mean: float, rng: np.random.Generator
) -> F64:
    """Return a Poisson number of false looks, uniform in balls around the drones, of any range rate."""
    n = int(rng.poisson(mean))
    direction = rng.standard_normal((n, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    radius = given.crowded_within_m * np.cbrt(rng.random((n, 1)))
    place = position[rng.integers(0, len(position), n)] + radius * direction
    looks = look_at(place, np.zeros((n, 3)), np.array(radar.position_m))
    looks[:, RANGE_RATE] = rng.uniform(*(radar.field_of_view.range_rate_mps or (0.0, 0.0)), n)
    return looks
