"""Cameras: pinhole, pixels on target, contrast through haze, thermal SNR, probability of detection.

A bearing only: no camera here measures range. Angles in radians, distances in metres; visibility is
the meteorological range at which contrast falls to 2 % (Koschmieder).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from messages.frames import F64

KOSCHMIEDER = 3.912  # -ln(0.02): contrast falls to 2 % at the visibility
PIXEL_SLOPE = 6.0
"""Exponent of the pixel criterion: with 50 % at 6 px, 2.9 px give 1.3 %, between the field anchors
(0.0-0.5 % at 2.9 px by day, classical detector; smallest labelled drones 4 px)."""
CONTRAST_SLOPE = 4.0  # exponent of the contrast criterion (estimate): 10 dB of contrast from 0.76 to 0.03
JOHNSON_CYCLES: dict[str, float] = {"detection": 1.0, "orientation": 1.4, "recognition": 4.0, "identification": 6.4}
"""Line pairs across a target at which half of the observers succeed; Johnson 1958."""


def ifov_rad(horizontal_fov_rad: float, columns: int) -> float:
    """Return the angle of one pixel at the image centre of a pinhole camera: ``2 atan(tan(HFOV/2) / Nx)``."""
    return float(2.0 * np.arctan(np.tan(horizontal_fov_rad / 2.0) / columns))


def pixels_on_target(size_m: ArrayLike, range_m: ArrayLike, ifov: float) -> F64:
    """Return how many pixels a size spans at a range."""
    return np.asarray(np.asarray(size_m) / (np.asarray(range_m) * ifov), dtype=np.float64)


def pinhole_pixels(direction: ArrayLike, focal_px: float, centre_px: tuple[float, float]) -> F64:
    """Return column and row (..., 2) of directions (..., 3) in forward-left-up axes; behind the camera gives NaN."""
    d = np.asarray(direction, dtype=np.float64)
    forward = np.where(d[..., 0] > 0.0, d[..., 0], np.nan)
    column = centre_px[0] - focal_px * d[..., 1] / forward
    row = centre_px[1] - focal_px * d[..., 2] / forward
    return np.stack([column, row], axis=-1)


def pinhole_direction(pixels: ArrayLike, focal_px: float, centre_px: tuple[float, float]) -> F64:
    """Return unit vectors (..., 3) in forward-left-up axes of columns and rows (..., 2)."""
    p = np.asarray(pixels, dtype=np.float64)
    left, up = (centre_px[0] - p[..., 0]) / focal_px, (centre_px[1] - p[..., 1]) / focal_px
    d = np.stack([np.ones_like(left), left, up], axis=-1)
    return np.asarray(d / np.sqrt(np.sum(d * d, axis=-1, keepdims=True)))


def contrast_transmission(range_m: ArrayLike, visibility_m: float) -> F64:
    """Return the factor on visible contrast along a path: ``exp(-3.912 R / V)``."""
    return np.asarray(np.exp(-KOSCHMIEDER / visibility_m * np.asarray(range_m, dtype=np.float64)))


def extinction_per_m(wavelength_m: float, visibility_m: float) -> float:
    """Return the extinction of haze and fog at a wavelength, from the visibility at 0.55 um (Kim's exponents).

    ``3.912 / V (lambda / 0.55 um)^-q``: q = 1.6 above 50 km, 1.3 above 6 km, 0.16 V + 0.34 above 1 km,
    V - 0.5 above 0.5 km, else 0 (V in km): thin haze is transparent in the long-wave infrared, fog is not.
    """
    v = visibility_m / 1000.0
    if v > 6.0:
        q = 1.6 if v > 50.0 else 1.3
    elif v > 1.0:
        q = 0.16 * v + 0.34
    else:
        q = max(v - 0.5, 0.0)
    return float(KOSCHMIEDER / visibility_m * (wavelength_m / 0.55e-6) ** -q)


def ttpf(cycles_ratio: ArrayLike) -> F64:
    """Return the target transfer probability ``x^E / (1 + x^E)``, ``E = 2.7 + 0.7 x``, ``x = N / N50``."""
    x = np.asarray(cycles_ratio, dtype=np.float64)
    power = x ** (2.7 + 0.7 * x)
    return np.asarray(power / (1.0 + power))


def pixel_probability(pixels: ArrayLike, pixels_at_half: ArrayLike, slope: float = PIXEL_SLOPE) -> F64:
    """Return a detector's Pd from pixels on target: ``1 / (1 + (p50 / p)^k)``, logistic in the logarithm.

    A logistic in the pixels themselves would still see a target of no pixels now and then.
    """
    ratio = np.maximum(np.asarray(pixels, dtype=np.float64) / np.asarray(pixels_at_half), 1e-6)
    return np.asarray(1.0 / (1.0 + ratio**-slope))


def contrast_probability(contrast: ArrayLike, contrast_at_half: float) -> F64:
    """Return the share of targets that stand out of their background: ``1 / (1 + (C50 / C)^4)``."""
    return pixel_probability(contrast, contrast_at_half, CONTRAST_SLOPE)


def thermal_snr(excess_k: ArrayLike, area_px: ArrayLike, range_m: ArrayLike, netd_k: float, extinction: float) -> F64:
    """Return the contrast of a target in a long-wave image over its noise: ``dT fill tau / NETD``.

    ``fill`` is the area of the target in pixels, at most 1: a target smaller than a pixel dilutes.
    ``extinction`` in 1/m.
    """
    fill = np.minimum(np.asarray(area_px, dtype=np.float64), 1.0)
    tau = np.exp(-extinction * np.asarray(range_m, dtype=np.float64))
    return np.asarray(np.asarray(excess_k) * fill * tau / np.asarray(netd_k))


def thermal_probability(snr: ArrayLike, threshold: float) -> F64:
    """Return the probability that a pixel with unit Gaussian noise exceeds ``threshold`` sigma."""
    return np.asarray(special.ndtr(np.asarray(snr) - threshold))


def bearing_sigma_rad(ifov: float, centroid_px: ArrayLike, jitter_rad: float) -> F64:
    """Return the accuracy of a bearing: centroid error in pixels and line-of-sight jitter in quadrature."""
    return np.asarray(np.sqrt((np.asarray(centroid_px, dtype=np.float64) * ifov) ** 2 + jitter_rad**2))
