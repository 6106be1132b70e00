"""Drones that come for a column: straight in, low, or circling with almost no radial speed."""

from __future__ import annotations

from typing import Literal

import numpy as np

from benchmarks.core.scenes.convoy import ConvoyFile, middle
from benchmarks.core.scenes.model import Part, Paths, Positive, Span
from messages.frames import F64, enu_direction

STEP_S = 0.02
LEAD_S = 3.0  # before the first scan: the sound heard at the start was made earlier
TURN_S = 1.0  # the velocity follows the wanted one with this time constant
HARDEST_MPS2 = 6.0
REACHED_M = 60.0  # from the aim: then the drone flies on to the next one
BEYOND_M = 350.0  # how far it flies out again after it was over the column, before it comes back
SECTOR_RAD = np.radians(50.0)  # it flies out into the sector that it came from, so far to either side
GUST_MPS2 = np.array([1.0, 1.0, 0.5])  # sigma of a disturbing acceleration that forgets itself within GUST_S
GUST_S = 1.5


class DroneFile(Part):
    """One drone; spans are drawn from uniformly."""

    approach: Literal["direct", "circle"]
    """``direct`` flies over the column and comes back; ``circle`` flies around its middle."""
    start_range_m: Span
    height_m: Span
    speed_mps: Span
    circle_radius_m: Positive = 350.0
    bearing_deg: Span = (0.0, 360.0)
    silent: bool = False
    """Sends nothing: direction finders are blind to it."""


def fly_drones(drones: tuple[DroneFile, ...], convoy: ConvoyFile, duration_s: float, rng: np.random.Generator) -> Paths:
    """Return the drones (k, n, 3), every ``STEP_S`` from ``LEAD_S`` before the start."""
    flown = [fly(drone, convoy, duration_s, own) for drone, own in zip(drones, rng.spawn(len(drones)), strict=True)]
    return Paths(flown[0].t_s, *(np.concatenate([path[i] for path in flown], axis=1) for i in (1, 2)))


def fly(drone: DroneFile, convoy: ConvoyFile, duration_s: float, rng: np.random.Generator) -> Paths:
    """Return one drone (k, 1, 3): it steers for its aim, its acceleration limited, in gusts."""
    t_s = np.arange(-LEAD_S, duration_s + 0.5, STEP_S)
    bearing, height, speed = (
        np.radians(rng.uniform(*drone.bearing_deg)),
        rng.uniform(*drone.height_m),
        rng.uniform(*drone.speed_mps),
    )
    place = middle(convoy, 0.0) + rng.uniform(*drone.start_range_m) * enu_direction(bearing, 0.0)
    place[2] = height
    velocity = speed * unit(middle(convoy, 0.0) - place)
    aim = Aim(drone, convoy, float(bearing), rng)
    position, velocities = np.empty((len(t_s), 1, 3)), np.empty((len(t_s), 1, 3))
    gust, keep = np.zeros(3), np.exp(-STEP_S / GUST_S)
    for i, now in enumerate(t_s.tolist()):
        position[i, 0], velocities[i, 0] = place, velocity
        wanted = speed * unit(aim.direction(place, now))
        wanted[2] = 0.5 * (height - place[2])
        pull = (wanted - velocity) / TURN_S
        pull *= min(1.0, HARDEST_MPS2 / max(float(np.linalg.norm(pull)), 1e-9))
        gust = keep * gust + np.sqrt(1.0 - keep**2) * GUST_MPS2 * rng.standard_normal(3)
        acceleration = pull + gust
        place = place + STEP_S * velocity + 0.5 * STEP_S**2 * acceleration
        velocity = velocity + STEP_S * acceleration
    return Paths(t_s, position, velocities)


class Aim:
    """Where a drone wants to go, from step to step."""

    def __init__(self, drone: DroneFile, convoy: ConvoyFile, bearing_rad: float, rng: np.random.Generator) -> None:
        self._drone, self._convoy, self._bearing, self._rng = drone, convoy, bearing_rad, rng
        self._offset = np.zeros(3)  # of the aim from the middle of the column
        self._turn = float(rng.choice([-1.0, 1.0]))

    def direction(self, place_m: F64, t_s: float) -> F64:
        """Return the horizontal direction to fly in, not normalised."""
        from_middle = (place_m - middle(self._convoy, t_s)) * np.array([1.0, 1.0, 0.0])
        if self._drone.approach == "circle":
            return self._around(from_middle)
        if np.linalg.norm(from_middle - self._offset) < REACHED_M:
            over = not self._offset.any()
            out = enu_direction(self._bearing + self._rng.uniform(-SECTOR_RAD, SECTOR_RAD), 0.0)
            self._offset = BEYOND_M * np.asarray(out) if over else np.zeros(3)
        return np.asarray(self._offset - from_middle)

    def _around(self, from_middle: F64) -> F64:
        """Return the tangent of the circle, turned in or out where the drone is off it."""
        outward = unit(from_middle)
        tangent = self._turn * np.array([outward[1], -outward[0], 0.0])
        off = float(np.linalg.norm(from_middle)) / self._drone.circle_radius_m - 1.0
        return np.asarray(tangent - np.clip(3.0 * off, -2.0, 2.0) * outward)


def unit(vector: F64) -> F64:
    """Return the horizontal unit vector."""
    flat = vector * np.array([1.0, 1.0, 0.0])
    return np.asarray(flat / max(float(np.linalg.norm(flat)), 1e-9), dtype=np.float64)
