"""What a camera looks at behind the targets: sky, clouds, and the scenario's own terrain with its woods.

A canvas over azimuth and elevation, made once a clip: thermal in kelvin against the air, visible in
luminance with the sky at the horizon 1. Terrain comes from the scenario, ray by ray; what is far
fades into the air by the camera's extinction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import ndimage

from messages.frames import F64
from sim.terrain import EARTH_RADIUS_M

RAY_SAMPLES = 240
NEAREST_M, FARTHEST_M = 8.0, 5000.0
CLOUD_SLOPE = 1.6  # amplitude of clouds goes with 1/k^1.6 (measured sky images: about 1.5 to 1.8 in amplitude)
CLOUD_COVER = 0.45  # share of the canvas with cloud in it (estimate)
CLOUD_DEPTH = 0.9
CLOUD_RAD = float(np.radians(6.0))  # largest structures
ZENITH_K = -45.0  # apparent clear sky straight up against the air, 8 to 14 um (textbook: 40 to 60 K below it)
CLOUD_K = -6.0  # cloud base against the air near the ground
FIELD_K = {"day": 4.0, "dusk": 0.5, "night": -2.0}  # bare ground against the air (estimate)
WOOD_K = {"day": 0.5, "dusk": 0.0, "night": -0.3}
TEXTURE_K = {"day": 1.2, "dusk": 0.5, "night": 0.4}
FIELD_LUMINANCE, WOOD_LUMINANCE, TEXTURE_LUMINANCE = 0.45, 0.22, 0.06
ZENITH_LUMINANCE, CLOUD_LUMINANCE = 0.55, 1.05


@dataclass(frozen=True)
class Canvas:
    """``value`` and ``ground`` (rows, columns): azimuth grows with the column, elevation with the row."""

    value: F64
    azimuth_rad: float  # of column 0
    elevation_rad: float  # of row 0
    step_rad: float

    def index(self, azimuth_rad: F64, elevation_rad: F64) -> F64:
        """Return row and column (2, ...) of directions; azimuth within half a turn of the middle column's."""
        middle = self.azimuth_rad + 0.5 * self.step_rad * (self.value.shape[1] - 1)
        across = (azimuth_rad - middle + np.pi) % (2.0 * np.pi) - np.pi
        column = across / self.step_rad + 0.5 * (self.value.shape[1] - 1)
        return np.stack([(elevation_rad - self.elevation_rad) / self.step_rad, column])


def fractal(rng: np.random.Generator, shape: tuple[int, int], largest_px: float, slope: float) -> F64:
    """Return self-similar noise of zero mean and unit variance: amplitude ``1 / k^slope`` above the largest scale."""
    ky, kx = np.fft.fftfreq(shape[0])[:, None], np.fft.rfftfreq(shape[1])[None, :]
    k = np.maximum(np.hypot(kx, ky), 1.0 / largest_px)
    spectrum = np.fft.rfft2(rng.standard_normal(shape)) * k**-slope
    spectrum[0, 0] = 0.0
    out = np.fft.irfft2(spectrum, shape)
    return np.asarray(out / out.std())


def horizon(terrain: Any, origin_m: F64, azimuth_rad: F64, elevation_rad: F64) -> tuple[F64, F64]:
    """Return range [m] (rows, columns) of what each direction meets (inf: sky), and whether it is wood there.

    The elevation of ground plus canopy along each azimuth, its running maximum, and the first sample
    at which that reaches the row's elevation.
    """
    r = np.geomspace(NEAREST_M, FARTHEST_M, RAY_SAMPLES)
    east = origin_m[0] + r[:, None] * np.sin(azimuth_rad)
    north = origin_m[1] + r[:, None] * np.cos(azimuth_rad)
    top = terrain.surface(east, north)
    wooded = top - terrain.height(east, north) > 1.0
    rise = np.arctan2(top - origin_m[2] - (r**2 / (2.0 * EARTH_RADIUS_M))[:, None], r[:, None])
    rise = np.maximum.accumulate(rise, axis=0)
    met = np.full((len(elevation_rad), len(azimuth_rad)), np.inf)
    wood = np.zeros(met.shape)
    for j in range(len(azimuth_rad)):
        first = np.searchsorted(rise[:, j], elevation_rad)
        on = first < RAY_SAMPLES
        met[on, j] = r[first[on]]
        wood[on, j] = wooded[first[on], j]
    return met, wood


def canvas(
    terrain: Any,
    origin_m: F64,
    azimuth_rad: tuple[float, float],
    elevation_rad: tuple[float, float],
    step_rad: float,
    *,
    thermal: bool,
    light: str,
    extinction_per_m: float,
    rng: np.random.Generator,
) -> Canvas:
    """Return the background seen from a point over intervals of azimuth (which may pass 2 pi) and elevation."""
    azimuth = np.arange(azimuth_rad[0], azimuth_rad[1] + step_rad, step_rad)
    elevation = np.arange(elevation_rad[0], elevation_rad[1] + step_rad, step_rad)
    shape = (len(elevation), len(azimuth))
    clouds = fractal(rng, shape, CLOUD_RAD / step_rad, CLOUD_SLOPE)
    texture = fractal(rng, shape, 40.0, 0.8)
    met, wood = horizon(terrain, origin_m, azimuth, elevation)
    # Opacity of a cloud grows with its depth and never quite ends: no flat discs, no hard rims.
    cover = 1.0 - np.exp(-CLOUD_DEPTH * np.maximum(clouds - np.quantile(clouds, 1.0 - CLOUD_COVER), 0.0))
    up = np.sqrt(np.clip(np.sin(np.maximum(elevation, 0.0)), 0.0, 1.0))[:, None]
    far = np.exp(-extinction_per_m * np.where(np.isfinite(met), met, 0.0))
    if thermal:
        sky = ZENITH_K * up + cover * (CLOUD_K - ZENITH_K * up).clip(0.0)
        ground = np.where(wood > 0.0, WOOD_K[light], FIELD_K[light]) + TEXTURE_K[light] * texture
        value = np.where(np.isfinite(met), ground * far, sky)
    else:
        sky = 1.0 + (ZENITH_LUMINANCE - 1.0) * up
        sky = sky + cover * (CLOUD_LUMINANCE - sky)
        ground = np.where(wood > 0.0, WOOD_LUMINANCE, FIELD_LUMINANCE) + TEXTURE_LUMINANCE * texture
        value = np.where(np.isfinite(met), ground * far + 1.0 * (1.0 - far), sky)
    # Half a pixel of the optics: edges of trees are no sharper than the lens.
    return Canvas(ndimage.gaussian_filter(value, 0.5), float(azimuth[0]), float(elevation[0]), step_rad)
