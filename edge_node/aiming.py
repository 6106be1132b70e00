"""Where a sensor has to look to see tracks: directions, their rates, and how uncertain they are."""

from __future__ import annotations

import math
from collections.abc import Sequence
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

_POSITION = np.array([[0, 1, 2], [1, 6, 7], [2, 7, 11]])  # of the (6, 6) covariance's upper triangle, row by row
_LEAST_ACROSS_M = 1.0  # nearer to straight overhead an azimuth has no rate worth the name


class Aim(NamedTuple):
    """A track as one sensor would have to look at it, at the time of the update."""

    azimuth_rad: float  # ENU
    elevation_rad: float
    azimuth_rate_radps: float
    elevation_rate_radps: float
    range_m: float
    sigma_rad: float  # the larger one of the two directions across the line of sight
    own_azimuth_rad: float  # in the frame of the sensor's angles
    own_elevation_rad: float


class States(NamedTuple):
    """The states of n tracks at one time, in ENU."""

    position_m: F64  # (n, 3)
    velocity_mps: F64  # (n, 3)
    covariance_m2: F64  # (n, 3, 3) of the position


class Place(NamedTuple):
    """A sensor's place, its velocity, and the rotation (3, 3) from ENU to the axes of its angles."""

    position_m: F64
    velocity_mps: F64
    axes_from_enu: F64


def states_at(tracks: Sequence[Track], t_ns: int) -> States:
    """Return the tracks' states, moved by their velocities to ``t_ns``."""
    state = np.array([track.state for track in tracks]).reshape(-1, 6)
    covariance = np.array([track.covariance for track in tracks]).reshape(-1, 21)
    ahead_s = np.array([(t_ns - track.t_ns) / 1e9 for track in tracks]).reshape(-1, 1)
    return States(state[:, :3] + ahead_s * state[:, 3:], state[:, 3:], covariance[:, _POSITION])


def place_of(description: SensorDescription, pose: PlatformPose | None, t_ns: int) -> Place:
    """Return where a sensor is at ``t_ns``, given the last pose of its platform (None for a fixed sensor)."""
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
    return Place(position, velocity, np.asarray(axes.T, dtype=np.float64))


def aims_from(place: Place, states: States) -> list[Aim]:
    """Return how a sensor at a place has to look at each track."""
    offset, relative = states.position_m - place.position_m, states.velocity_mps - place.velocity_mps
    azimuth, elevation, distance = azimuth_elevation_range(offset)
    own_azimuth, own_elevation, _ = body_azimuth_elevation_range(offset @ place.axes_from_enu.T)
    across_m = np.maximum(np.hypot(offset[:, 0], offset[:, 1]), _LEAST_ACROSS_M)
    range_m = np.maximum(distance, _LEAST_ACROSS_M)
    sideways = np.column_stack([offset[:, 1], -offset[:, 0], np.zeros(len(offset))]) / across_m[:, None]
    upwards = np.cross(sideways, offset / range_m[:, None])
    level_m2ps = np.sum(offset[:, :2] * relative[:, :2], axis=1)
    rising = (relative[:, 2] * across_m**2 - offset[:, 2] * level_m2ps) / (range_m**2 * across_m)
    variance = [np.einsum("ni,nij,nj->n", axis, states.covariance_m2, axis) for axis in (sideways, upwards)]
    columns = (
        azimuth,
        elevation,
        np.sum(sideways * relative, axis=1) / across_m,
        rising,
        range_m,
        np.sqrt(np.maximum(np.maximum(*variance), 0.0)) / range_m,
        own_azimuth,
        own_elevation,
    )
    return [Aim(*row) for row in np.column_stack(columns).tolist()]


def turn_rad(from_rad: float, to_rad: float) -> float:
    """Return the shorter turn between two azimuths, without its sign."""
    return abs(math.remainder(to_rad - from_rad, math.tau))


def inside(azimuth_rad: float, interval: tuple[float, float]) -> bool:
    """Say whether an azimuth lies in the sector from low clockwise to high."""
    width = interval[1] - interval[0]
    return width >= math.tau - 1e-9 or (azimuth_rad - interval[0]) % math.tau <= width % math.tau
