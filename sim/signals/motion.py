"""Truth along a path at many times: the motion of one target, and when what arrives now was emitted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from messages.frames import F64
from sim.platforms import PlatformState
from sim.sensors.base import Pose, Sensor
from sim.sensors.jamming import Jammer

Track = Callable[[F64], tuple[F64, F64, NDArray[np.bool_]]]
"""Positions (k, 3), velocities (k, 3) and airborne (k,) of one target at times (k,)."""
JammersAt = Callable[[float], tuple[Jammer, ...]]
"""Who radiates noise at a sensor at a time [s]."""
EMISSION_ITERATIONS = 5  # Newton on a smooth subsonic path gains more than two digits a step: 1e-9 s after four


class Truth(Protocol):
    """What a synthesis asks of the world; ``sim.world.World`` is one."""

    terrain: Any
    hull_ids: tuple[str, ...]

    def target_track(self, i: int, t_s: F64) -> tuple[F64, F64, NDArray[np.bool_]]:
        """Return the truth of target ``i`` at times (k,)."""

    def platform(self, platform_id: str, t_s: float) -> PlatformState:
        """Return the truth of a hull or turret."""

    def visible(self, origin_m: F64, points_m: F64) -> NDArray[np.bool_]:
        """Say which points are in line of sight."""

    def own_vehicle_clear(self, platform_id: str, t_s: float, origin_m: F64, points_m: F64) -> NDArray[np.bool_]:
        """Say which points a sensor sees past its own vehicle."""


def no_jammers(t_s: float) -> tuple[Jammer, ...]:
    """Return nobody."""
    return ()


def track_of(world: Truth, i: int) -> Track:
    """Return the motion of target ``i``."""
    return lambda t_s: world.target_track(i, t_s)


def poses(sensor: Sensor, world: Any, t_s: F64) -> list[Pose]:
    """Return the true pose of an instrument at times (k,)."""
    return [sensor.pose(world, float(t)) for t in t_s]


def emission_times(track: Track, receiver_m: F64, arrival_s: F64, speed_mps: float) -> F64:
    """Return when the sound that arrives at ``arrival_s`` (k,) at ``receiver_m`` (k, 3) was emitted (k,).

    ``|p(t_e) - s(t_a)| = c (t_a - t_e)`` by Newton's method for all times at once; a subsonic source has one solution.
    """
    emission = np.array(arrival_s, dtype=np.float64)
    for _ in range(EMISSION_ITERATIONS):
        position, velocity, _ = track(emission)
        offset = position - receiver_m
        distance = np.maximum(np.sqrt(np.sum(offset * offset, axis=1)), 1e-9)
        excess = distance - speed_mps * (arrival_s - emission)
        emission = emission - excess / (speed_mps + np.sum(offset * velocity, axis=1) / distance)
    return emission
