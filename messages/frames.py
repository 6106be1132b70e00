"""Frames of reference: the one place where angles are defined (NumPy only).

ENU is local east, north, up in metres from the platoon datum. Azimuth is clockwise from north in
``[0, 2 pi)``; elevation is up from the horizontal. A body (platform, turret or sensor) has axes
forward, left, up. Its attitude is intrinsic yaw, pitch, roll in that order: yaw clockwise seen
from above, pitch nose up, roll right side down. A mount turns inside its platform the same way.
In a sensor's own axes azimuth is ``atan2(right, forward)`` and elevation ``asin(up / range)``.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

F64 = NDArray[np.float64]

TWO_PI = 2.0 * np.pi
ENU_FROM_NORTH_BODY: F64 = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
"""Axes of a level body that faces north: forward is north, left is west, up is up."""


def wrap_2pi(angle_rad: ArrayLike) -> F64:
    """Wrap angles to ``[0, 2 pi)``; any shape."""
    wrapped = np.mod(np.asarray(angle_rad, dtype=np.float64), TWO_PI)
    # np.mod of a tiny negative number rounds up to exactly 2 pi, which is outside the interval.
    return np.where(wrapped >= TWO_PI, 0.0, wrapped)


def wrap_pi(angle_rad: ArrayLike) -> F64:
    """Wrap angles to ``[-pi, pi)``; any shape."""
    return wrap_2pi(np.asarray(angle_rad, dtype=np.float64) + np.pi) - np.pi


def parent_from_body(yaw_rad: float, pitch_rad: float, roll_rad: float) -> F64:
    """Return the (3, 3) rotation from a body's forward-left-up axes to its parent's.

    ``Rz(-yaw) Ry(-pitch) Rx(roll)``: the signs turn mathematical rotations about forward, left and
    up into clockwise yaw, nose-up pitch and right-side-down roll.
    """
    cy, sy = math.cos(yaw_rad), math.sin(yaw_rad)
    cp, sp = math.cos(pitch_rad), math.sin(pitch_rad)
    cr, sr = math.cos(roll_rad), math.sin(roll_rad)
    # The product written out: this is called for every pose and look, and three small matrices cost ten times as much.
    return np.array(
        [
            [cy * cp, sy * cr - cy * sp * sr, -sy * sr - cy * sp * cr],
            [-sy * cp, cy * cr + sy * sp * sr, -cy * sr + sy * sp * cr],
            [sp, cp * sr, cp * cr],
        ]
    )


def enu_from_body(yaw_rad: float, pitch_rad: float, roll_rad: float) -> F64:
    """Return the (3, 3) rotation from a body's forward-left-up axes to ENU."""
    return np.asarray(ENU_FROM_NORTH_BODY @ parent_from_body(yaw_rad, pitch_rad, roll_rad), dtype=np.float64)


def azimuth_elevation_range(offset_enu_m: ArrayLike) -> tuple[F64, F64, F64]:
    """Return azimuth [rad], elevation [rad] and range [m] of ENU offsets of shape (..., 3)."""
    d = np.asarray(offset_enu_m, dtype=np.float64)
    range_m = np.sqrt(np.sum(d * d, axis=-1))
    azimuth = wrap_2pi(np.arctan2(d[..., 0], d[..., 1]))
    elevation = np.arctan2(d[..., 2], np.hypot(d[..., 0], d[..., 1]))
    return azimuth, elevation, range_m


def enu_direction(azimuth_rad: ArrayLike, elevation_rad: ArrayLike) -> F64:
    """Return ENU unit vectors of shape (..., 3) for azimuth and elevation."""
    az, el = np.broadcast_arrays(np.asarray(azimuth_rad, dtype=np.float64), np.asarray(elevation_rad, dtype=np.float64))
    return np.stack([np.sin(az) * np.cos(el), np.cos(az) * np.cos(el), np.sin(el)], axis=-1)


def body_azimuth_elevation_range(offset_body_m: ArrayLike) -> tuple[F64, F64, F64]:
    """Return azimuth in ``[-pi, pi)``, elevation and range of offsets (..., 3) in forward-left-up axes."""
    d = np.asarray(offset_body_m, dtype=np.float64)
    range_m = np.sqrt(np.sum(d * d, axis=-1))
    azimuth = wrap_pi(np.arctan2(-d[..., 1], d[..., 0]))
    elevation = np.arctan2(d[..., 2], np.hypot(d[..., 0], d[..., 1]))
    return azimuth, elevation, range_m


def body_direction(azimuth_rad: ArrayLike, elevation_rad: ArrayLike) -> F64:
    """Return unit vectors (..., 3) in forward-left-up axes for a sensor's own azimuth and elevation."""
    az, el = np.broadcast_arrays(np.asarray(azimuth_rad, dtype=np.float64), np.asarray(elevation_rad, dtype=np.float64))
    return np.stack([np.cos(az) * np.cos(el), -np.sin(az) * np.cos(el), np.sin(el)], axis=-1)


def inside_sector(angle_rad: ArrayLike, low_rad: float, high_rad: float) -> NDArray[np.bool_]:
    """Say whether angles lie in the sector from low clockwise to high; the sector may cross north."""
    width = high_rad - low_rad
    if width >= TWO_PI:
        return np.ones(np.shape(angle_rad), dtype=np.bool_)
    return np.asarray(wrap_2pi(np.asarray(angle_rad) - low_rad) <= width, dtype=np.bool_)
