"""Platforms: hulls on the ground, turrets with a heading of their own, masking by the own vehicle."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from messages.frames import F64, TWO_PI, enu_from_body, parent_from_body
from scenarios.schema import Turret
from scenarios.types import Box
from sim.march import RATE_HZ, March
from sim.terrain import Terrain

EngineState = Literal["off", "idle", "moving"]
MOVING_MPS = 0.2  # slower than this a platform counts as halted
HALF_STEP_S = 0.01  # a turret's velocity is the difference of its positions over twice this
VIBRATION_TAU_S = 0.15  # correlation time of the ride of a tracked hull (E)


@dataclass(frozen=True)
class PlatformState:
    """A platform as it really is at one instant; radians, ENU."""

    platform_id: str
    position_m: F64  # (3,)
    velocity_mps: F64  # (3,)
    yaw_rad: float
    pitch_rad: float
    roll_rad: float
    enu_from_body: F64  # (3, 3)
    engine: EngineState
    noise_dba: float  # at the vehicle's own microphones, of its own engine and tracks


@dataclass(frozen=True)
class HullMotion:
    """One hull's motion at RATE_HZ: position and velocity (k, 3), unwrapped yaw, pitch, roll, turret angle (k,)."""

    position_m: F64
    velocity_mps: F64
    yaw_rad: F64
    pitch_rad: F64
    roll_rad: F64
    turret_rad: F64


class PlatoonMotion:
    """Where every hull of a platoon is, and where its turret points, for the whole engagement."""

    def __init__(self, march: March, terrain: Terrain, rng: np.random.Generator) -> None:
        """Lay a march over level ground onto the terrain."""
        self._march, self._vehicle, self._terrain = march, march.vehicle, terrain
        self.hulls: tuple[HullMotion, ...] = tuple(
            self._hull(i, level, yaw, rng) for i, (level, yaw) in enumerate(march.tracks)
        )
        # Position, velocity, yaw, pitch, roll, turret angle side by side: one look-up gives all ten.
        self._samples: tuple[F64, ...] = tuple(
            np.column_stack([m.position_m, m.velocity_mps, m.yaw_rad, m.pitch_rad, m.roll_rad, m.turret_rad])
            for m in self.hulls
        )
        self._ring_m = np.array(self._vehicle.turret_position_m)

    def _hull(self, i: int, level: F64, yaw: F64, rng: np.random.Generator) -> HullMotion:
        position = np.column_stack([level, self._terrain.height(level[:, 0], level[:, 1])])
        velocity = np.gradient(position, 1.0 / RATE_HZ, axis=0)
        pitch, roll = self._lie(level, yaw)
        moving = self._march.speed_mps > MOVING_MPS
        for angle in (pitch, roll):
            angle += moving * _vibration(rng, len(moving), math.radians(self._vehicle.vibration_sigma_deg))
        return HullMotion(position, velocity, yaw, pitch, roll, _turret_angle(self._turret(i), self._march.t_s))

    def _lie(self, level: F64, yaw: F64) -> tuple[F64, F64]:
        """Return pitch and roll of a hull that rests on the ground at both ends and both tracks."""
        ahead = np.column_stack([np.sin(yaw), np.cos(yaw)])
        right = np.column_stack([np.cos(yaw), -np.sin(yaw)])

        def rise(direction: F64, length_m: float) -> F64:
            high, low = level + direction * length_m / 2.0, level - direction * length_m / 2.0
            up = self._terrain.height(high[:, 0], high[:, 1]) - self._terrain.height(low[:, 0], low[:, 1])
            return np.asarray(np.arctan2(up, length_m))

        return rise(ahead, self._vehicle.length_m), -rise(right, self._vehicle.width_m)

    def _turret(self, i: int) -> Turret:
        platoon = self._march.platoon
        own = platoon.vehicles[i].turret if i < len(platoon.vehicles) else None
        return own or platoon.turret

    def hull(self, i: int, t_s: float) -> tuple[F64, F64, F64, float]:
        """Return position, velocity, (yaw, pitch, roll) and turret angle of hull ``i``; times outside are clamped."""
        k = min(max(t_s * RATE_HZ, 0.0), len(self._march.t_s) - 1.000001)
        j = int(k)
        f = k - j
        two = self._samples[i][j : j + 2]
        now = two[0] * (1.0 - f) + two[1] * f
        return now[0:3], now[3:6], now[6:9], float(now[9])

    def turret_velocity(self, i: int, t_s: float) -> F64:
        """Return the velocity (3,) of the turret ring of hull ``i``: the hull's, and what its turning adds."""
        (before, _, was, _), (after, _, becomes, _) = (self.hull(i, t_s + s) for s in (-HALF_STEP_S, HALF_STEP_S))
        swept = (enu_from_body(*becomes) - enu_from_body(*was)) @ self._ring_m
        return np.asarray((after - before + swept) / (2.0 * HALF_STEP_S))

    def engine(self, i: int, velocity_mps: F64) -> EngineState:
        """Return the engine's state of hull ``i`` at a velocity."""
        if float(np.hypot(velocity_mps[0], velocity_mps[1])) > MOVING_MPS:
            return "moving"
        platoon = self._march.platoon
        own = platoon.vehicles[i].engine if i < len(platoon.vehicles) else None
        halted = own or platoon.engine
        return "idle" if halted == "moving" else halted


def _turret_angle(turret: Turret, t_s: F64) -> F64:
    """Return the turret's angle against its hull [rad]: fixed, or a sweep as a sine about its heading."""
    centre = math.radians(turret.heading_deg)
    if turret.behaviour == "fixed":
        return np.full(len(t_s), centre)
    sweep = math.radians(turret.scan_width_deg) / 2.0 * np.sin(2.0 * np.pi * t_s / turret.scan_period_s)
    return np.asarray(centre + sweep)


def _vibration(rng: np.random.Generator, n: int, sigma_rad: float) -> F64:
    """Return a first-order Gauss-Markov ride of a hull at RATE_HZ."""
    keep = math.exp(-1.0 / (RATE_HZ * VIBRATION_TAU_S))
    noise = rng.standard_normal(n) * sigma_rad * math.sqrt(1.0 - keep * keep)
    out = np.empty(n)
    value = 0.0
    for k in range(n):
        value = keep * value + noise[k]
        out[k] = value
    return out


def turret_state(
    hull_position_m: F64, hull_angles_rad: F64, turret_rad: float, ring_m: F64
) -> tuple[F64, F64, tuple[float, float, float]]:
    """Return a turret's position, its enu_from_body (3, 3) and its yaw, pitch, roll from those of its hull."""
    hull = enu_from_body(*hull_angles_rad)
    rotation = hull @ parent_from_body(turret_rad, 0.0, 0.0)
    return hull_position_m + hull @ ring_m, rotation, attitude_of(rotation)


def attitude_of(enu_from_body_3x3: F64) -> tuple[float, float, float]:
    """Return yaw in [0, 2 pi), pitch and roll of a rotation: the inverse of ``messages.frames.enu_from_body``."""
    east, north, up = enu_from_body_3x3.tolist()  # the first column is the nose, the last row which way is up
    yaw = math.atan2(east[0], north[0]) % TWO_PI
    # The remainder of a tiny negative number rounds up to 2 pi itself, which is outside the interval.
    return (0.0 if yaw >= TWO_PI else yaw), math.asin(max(-1.0, min(1.0, up[0]))), math.atan2(up[1], up[2])


def boxes_clear(boxes: tuple[Box, ...], origin_body_m: F64, directions_body: F64) -> NDArray[np.bool_]:
    """Say which rays (n, 3) from a point, all in a body's axes, hit none of its boxes (slab method).

    A box that contains the origin is not counted: a sensor sits on, or slightly inside, what carries it.
    """
    clear = np.ones(len(directions_body), dtype=np.bool_)
    level_or_up = bool((directions_body[:, 2] >= 0.0).all())
    with np.errstate(divide="ignore", invalid="ignore"):
        for box in boxes:
            if level_or_up and origin_body_m[2] >= box.up_m[1]:
                continue  # from above its roof only a ray that goes down can hit a box
            low, high = np.array([box.forward_m, box.left_m, box.up_m]).T
            if np.all((origin_body_m >= low) & (origin_body_m <= high)):
                continue
            a, b = (low - origin_body_m) / directions_body, (high - origin_body_m) / directions_body
            enter = np.nanmax(np.minimum(a, b), axis=1)
            leave = np.nanmin(np.maximum(a, b), axis=1)
            clear &= ~((enter <= leave) & (leave > 0.0))
    return clear
