"""Where a sensor has to look to see a track: direction, its rates, and how uncertain it is."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from messages.frames import (
    ENU_FROM_NORTH_BODY,
    F64,
    azimuth_elevation_range,
    body_azimuth_elevation_range,
    enu_from_body,
    parent_from_body,
)
from messages.types import PlatformPose, SensorDescription, Track

_POSITION = ((0, 1, 2), (1, 6, 7), (2, 7, 11))  # of the (6, 6) covariance's upper triangle, row by row
_LEAST_ACROSS_M = 1.0  # nearer to straight overhead an azimuth has no rate worth the name


class Aim(NamedTuple):
    """A track as one sensor would have to look at it, at the time of the update."""

    azimuth_rad: float  # ENU
    elevation_rad: float
    azimuth_rate_radps: float
    elevation_rate_radps: float
    range_m: float
    sigma_rad: float
    own: tuple[float, float]  # azimuth, elevation in the frame of the sensor's angles


def place_of(description: SensorDescription, pose: PlatformPose | None, t_ns: int) -> tuple[F64, F64, F64]:
    """Return a sensor's place [m], its velocity [m/s] and the rotation (3, 3) from ENU to the axes of its angles."""
    mount = np.array(description.position_m)
    attitude = description.yaw_rad, description.pitch_rad, description.roll_rad
    if pose is None:
        own = enu_from_body(*attitude)
        position, velocity = mount, np.zeros(3)
    else:
        body = enu_from_body(pose.yaw_rad, pose.pitch_rad, pose.roll_rad)
        own, velocity = body @ parent_from_body(*attitude), np.array(pose.velocity_mps)
        position = np.array(pose.position_m) + (t_ns - pose.t_ns) / 1e9 * velocity + body @ mount
    axes = ENU_FROM_NORTH_BODY if description.angles == "enu" else own
    return position, velocity, np.asarray(axes.T, dtype=np.float64)


def aim_at(track: Track, position_m: F64, velocity_mps: F64, axes_from_enu: F64, t_ns: int) -> Aim:
    """Return how a sensor at a place, with a velocity (3,) and axes (3, 3), has to look at a track at ``t_ns``."""
    state = np.array(track.state)
    relative = state[3:] - velocity_mps
    offset = state[:3] + (t_ns - track.t_ns) / 1e9 * state[3:] - position_m
    azimuth, elevation, distance = (float(v) for v in azimuth_elevation_range(offset))
    own_azimuth, own_elevation, _ = body_azimuth_elevation_range(axes_from_enu @ offset)
    across_m = max(math.hypot(offset[0], offset[1]), _LEAST_ACROSS_M)
    range_m = max(distance, _LEAST_ACROSS_M)
    sideways = np.array([offset[1], -offset[0], 0.0]) / across_m
    level_mps = float(offset[:2] @ relative[:2])
    rising = (relative[2] * across_m**2 - offset[2] * level_mps) / (range_m**2 * across_m)
    return Aim(
        azimuth,
        elevation,
        float(sideways @ relative) / across_m,
        float(rising),
        range_m,
        _sigma_across_m(track, offset / range_m, sideways) / range_m,
        (float(own_azimuth), float(own_elevation)),
    )


def _sigma_across_m(track: Track, along: F64, sideways: F64) -> float:
    """Return the larger sigma of the position in the two directions across the line of sight."""
    covariance = np.array([[track.covariance[k] for k in row] for row in _POSITION])
    upwards = np.cross(sideways, along)
    variance = max(float(axis @ covariance @ axis) for axis in (sideways, upwards))
    return math.sqrt(max(variance, 0.0))
