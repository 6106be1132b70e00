"""The pinhole camera: pixels to azimuth and elevation in the camera's own axes, and back.

Pixel ``i`` covers ``[i, i + 1)``, so the centre of the image is ``(width / 2, height / 2)``; x grows
to the right, y downwards. Pixels are square. Camera axes are forward, left, up; azimuth is
``atan2(right, forward)`` and elevation ``asin(up / range)``, as in ``messages.frames``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from detectors.media import MediaError
from messages.frames import F64, body_azimuth_elevation_range, body_direction

MAX_HFOV_DEG = 120.0
"""Wider lenses are fisheyes, for which a pinhole is wrong by more than a target's size at the edge."""
MIN_FORWARD = 1e-6
"""Directions less than this (cosine) in front of the camera have no place in the image."""


@dataclass(frozen=True)
class Pinhole:
    """A camera with square pixels and no distortion: image size and horizontal field of view."""

    width_px: int
    height_px: int
    hfov_deg: float

    def __post_init__(self) -> None:
        if not 0.0 < self.hfov_deg <= MAX_HFOV_DEG:
            raise MediaError(
                f"hfov_deg = {self.hfov_deg:g}: must be > 0 and <= {MAX_HFOV_DEG:g} (horizontal field of view)"
            )
        if self.width_px <= 0 or self.height_px <= 0:
            raise MediaError(f"image size = {self.width_px} x {self.height_px} px: must be > 0")

    @property
    def focal_px(self) -> float:
        """Focal length in pixels: half the width over the tangent of half the field of view."""
        return 0.5 * self.width_px / float(np.tan(0.5 * np.deg2rad(self.hfov_deg)))

    @property
    def half_fov_rad(self) -> tuple[float, float]:
        """Half the horizontal and half the vertical field of view, on the image's axes [rad]."""
        f = self.focal_px
        return float(np.arctan(0.5 * self.width_px / f)), float(np.arctan(0.5 * self.height_px / f))

    def angles(self, points_px: ArrayLike) -> F64:
        """Return azimuth and elevation [rad], shape (..., 2), of image points (..., 2) = x, y [px]."""
        p = np.asarray(points_px, dtype=np.float64)
        right = p[..., 0] - 0.5 * self.width_px
        down = p[..., 1] - 0.5 * self.height_px
        forward = np.full_like(right, self.focal_px)
        azimuth, elevation, _ = body_azimuth_elevation_range(np.stack([forward, -right, -down], axis=-1))
        return np.stack([azimuth, elevation], axis=-1)

    def pixels(self, angles_rad: ArrayLike) -> F64:
        """Return image points (..., 2) of azimuth and elevation (..., 2) [rad]; NaN behind the camera.

        A point may lie outside the image: the caller decides what that means.
        """
        a = np.asarray(angles_rad, dtype=np.float64)
        return self.project(body_direction(a[..., 0], a[..., 1]))

    def project(self, offsets_body_m: ArrayLike) -> F64:
        """Return image points (..., 2) of offsets (..., 3) in the camera's forward-left-up axes; NaN behind it."""
        d = np.asarray(offsets_body_m, dtype=np.float64)
        length = np.sqrt(np.sum(d * d, axis=-1))
        seen = d[..., 0] > MIN_FORWARD * length
        forward = np.where(seen, d[..., 0], np.nan)
        x = 0.5 * self.width_px - self.focal_px * d[..., 1] / forward
        y = 0.5 * self.height_px - self.focal_px * d[..., 2] / forward
        return np.stack([x, y], axis=-1)

    def pixel_angle_rad(self) -> float:
        """Angle of one pixel at the image's centre [rad]; at the edge it is up to cos(half fov)^2 of it."""
        return float(np.arctan(1.0 / self.focal_px))
