"""Vehicles in column: where each is, how it leans, and what it reports of itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from benchmarks.core.scenes.model import NonNegative, Part, Positive, nanoseconds
from messages.frames import F64, enu_from_body
from messages.types import PlatformPose

Ride = Callable[[float], tuple[F64, F64, tuple[float, float, float]]]
"""Time [s] -> position (3,), enu_from_platform (3, 3), attitude (yaw, pitch, roll) [rad]."""


class ConvoyFile(Part):
    """Vehicles that follow one gently winding road at one speed."""

    platforms: tuple[str, ...]
    """Names from the head of the column to its tail."""
    speed_mps: Positive = 5.0
    gap_m: Positive = 40.0
    course_deg: float = 30.0
    winding_m: NonNegative = 15.0
    """Sideways amplitude of the road, a sine of ``winding_length_m``."""
    winding_length_m: Positive = 250.0
    sway_deg: NonNegative = 0.8
    """Amplitude of pitch and roll over the ground, period ``sway_s``."""
    sway_s: Positive = 3.5
    position_sigma_m: NonNegative = 0.05
    """What the poses say of themselves: satellite navigation with corrections."""
    yaw_sigma_deg: NonNegative = 0.1


def road(convoy: ConvoyFile, along_m: float) -> tuple[F64, float]:
    """Return place and heading [rad, clockwise from north] of the road at a distance from its datum."""
    course, k = np.radians(convoy.course_deg), 2.0 * np.pi / convoy.winding_length_m
    ahead = np.array([np.sin(course), np.cos(course), 0.0])
    right = np.array([np.cos(course), -np.sin(course), 0.0])
    side = convoy.winding_m * np.sin(k * along_m)
    slope = convoy.winding_m * k * np.cos(k * along_m)
    return along_m * ahead + side * right, float(course + np.arctan(slope))


def middle(convoy: ConvoyFile, t_s: float) -> F64:
    """Return the middle of the column on the road."""
    return road(convoy, convoy.speed_mps * t_s - 0.5 * convoy.gap_m * (len(convoy.platforms) - 1))[0]


def rides(convoy: ConvoyFile, rng: np.random.Generator) -> dict[str, Ride]:
    """Return how each vehicle moves."""
    return {name: ride(convoy, i, rng.uniform(0.0, 2.0 * np.pi, 2)) for i, name in enumerate(convoy.platforms)}


def ride(convoy: ConvoyFile, place_in_column: int, phase: F64) -> Ride:
    """Return the motion of one vehicle; the speed is along the road's axis."""

    def at(t_s: float) -> tuple[F64, F64, tuple[float, float, float]]:
        position, yaw = road(convoy, convoy.speed_mps * t_s - place_in_column * convoy.gap_m)
        swing = 2.0 * np.pi * t_s / convoy.sway_s
        pitch, roll = np.radians(convoy.sway_deg) * np.sin(swing + phase)
        return position, enu_from_body(yaw, float(pitch), float(roll)), (yaw, float(pitch), float(roll))

    return at


def poses_of(
    convoy: ConvoyFile,
    ridden: Mapping[str, Ride],
    duration_s: float,
    period_s: float,
    heading_error_deg: Mapping[str, float],
) -> tuple[PlatformPose, ...]:
    """Return the reported poses: the true ones but for the constant heading errors."""
    out = []
    for t_s in (np.arange(round(duration_s / period_s) + 2) * period_s).tolist():
        for name, at in ridden.items():
            position, _, (yaw, pitch, roll) = at(t_s)
            before, after = at(t_s - 0.01)[0], at(t_s + 0.01)[0]
            velocity = (after - before) / 0.02
            out.append(
                PlatformPose(
                    platform_id=name,
                    t_ns=int(nanoseconds(np.array(t_s))),
                    position_m=(float(position[0]), float(position[1]), float(position[2])),
                    velocity_mps=(float(velocity[0]), float(velocity[1]), float(velocity[2])),
                    yaw_rad=yaw + float(np.radians(heading_error_deg.get(name, 0.0))),
                    pitch_rad=pitch,
                    roll_rad=roll,
                    position_sigma_m=convoy.position_sigma_m,
                    yaw_sigma_rad=float(np.radians(convoy.yaw_sigma_deg)),
                )
            )
    return tuple(out)
