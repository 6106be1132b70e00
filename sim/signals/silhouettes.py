"""Small targets in pixels: outlines of a few rectangles, blurred by optics, pixel and motion, exactly.

A rectangle seen through a Gaussian lens by square pixels has a closed form in each axis, so a target
of a third of a pixel is as exact as one of thirty: its sum over the image is its area.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import special

from messages.frames import F64
from scenarios.types import TargetType

PSF_SIGMA_PX = 0.35  # Gaussian part of the optics, besides the pixel itself (estimate: 80 % of a point in one pixel)
BLUR_STEPS = 5  # places during one exposure
FLAP_SHARE = 0.35  # stroke of wing tips over the half span
REACH_SIGMA = 4.0


class Part(NamedTuple):
    """A rectangle in units of the target's width and height, about its centre, and its contrast over the mean."""

    x: float
    y: float
    width: float
    height: float
    contrast: float


def parts(kind: TargetType, beat: float) -> list[Part]:
    """Return the outline of a type; ``beat`` is the phase of a wing's stroke in turns. Area times contrast is one."""
    motion = kind.kinematics.motion
    if motion == "multirotor":  # body, and motors at the ends of the arms, which are the warm parts
        shape = [Part(0.0, 0.05, 0.4, 0.7, 1.0), Part(-0.41, -0.1, 0.18, 0.6, 1.5), Part(0.41, -0.1, 0.18, 0.6, 1.5)]
        shape.append(Part(0.0, -0.05, 0.8, 0.25, 0.6))
    elif motion == "bird":
        tip = FLAP_SHARE * np.sin(2.0 * np.pi * beat) * kind.size_m / (2.0 * kind.height_m)
        shape = [Part(0.0, 0.0, 0.25, 0.6, 1.5)]
        for side in (-1.0, 1.0):
            shape += [Part(side * 0.22, -0.4 * tip, 0.2, 0.3, 1.0), Part(side * 0.41, -tip, 0.18, 0.25, 0.8)]
    else:
        shape = [Part(0.0, 0.0, 1.0, 0.25, 0.8), Part(0.0, 0.0, 0.2, 1.0, 1.5)]
    total = sum(p.width * p.height * p.contrast for p in shape)
    return [p._replace(contrast=p.contrast / total) for p in shape]


def coverage(pixel: F64, centre: float, width: float, sigma: float = PSF_SIGMA_PX) -> F64:
    """Return the share of each pixel [i, i + 1) that an interval fills, seen through a Gaussian of ``sigma`` [px].

    The second difference of ``z Phi(z / s) + s phi(z / s)``, which is box * box * Gaussian; sums to ``width``.
    """

    def ramp(z: F64) -> F64:
        u = z / sigma
        return np.asarray(z * special.ndtr(u) + sigma * np.exp(-0.5 * u * u) / np.sqrt(2.0 * np.pi))

    x, a, b = pixel + 0.5 - centre, 0.5 * (width + 1.0), 0.5 * (width - 1.0)
    return np.asarray(ramp(x + a) - ramp(x + b) - ramp(x - b) + ramp(x - a))


def paint(
    image: F64, shape: list[Part], centre_px: tuple[float, float], size_px: tuple[float, float], path_px: F64
) -> None:
    """Add a target of unit mean contrast to ``image`` (rows, columns), smeared over places ``path_px`` (k, 2)."""
    weight = 1.0 / len(path_px)
    for dx, dy in path_px:
        for part in shape:
            wide, high = part.width * size_px[0], part.height * size_px[1]
            x = centre_px[0] + dx + part.x * size_px[0]
            y = centre_px[1] + dy + part.y * size_px[1]
            columns = _span(x, wide, image.shape[1])
            rows = _span(y, high, image.shape[0])
            if len(columns) and len(rows):
                patch = np.outer(coverage(rows, y, high), coverage(columns, x, wide))
                image[int(rows[0]) : int(rows[-1]) + 1, int(columns[0]) : int(columns[-1]) + 1] += (
                    weight * part.contrast * patch
                )


def smear(speed_px: tuple[float, float]) -> F64:
    """Return places (BLUR_STEPS, 2) about the middle of an exposure during which a target moves by ``speed_px``."""
    share = (np.arange(BLUR_STEPS) + 0.5) / BLUR_STEPS - 0.5
    return np.asarray(share[:, None] * np.array(speed_px))


def _span(centre: float, width: float, limit: int) -> F64:
    reach = 0.5 * width + 1.0 + REACH_SIGMA * PSF_SIGMA_PX
    low, high = max(int(np.floor(centre - reach)), 0), min(int(np.ceil(centre + reach)), limit)
    return np.arange(low, high, dtype=np.float64)
