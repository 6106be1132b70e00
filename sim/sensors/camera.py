"""Cameras, visible and thermal: one pinhole model, two kinds of contrast; bearings and angular size, no range.

Pd is a pixel criterion times a contrast criterion. The pixels needed are those for clear sky above
``SKY_RAD`` and those for ground and trees below ``CLUTTER_RAD``, and in between for a mixed
background. A set of cameras side by side is one sensor with the resolution of one of them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from messages.detections import INDEX
from messages.frames import F64
from messages.types import HealthState, MeasurementSigma
from scenarios.fit import MountedSensor
from scenarios.schema import Environment
from scenarios.sensors import CameraProfile
from sim.propagation import optics
from sim.sensors.base import Observation, Pose, Sensor, View, azimuth_sigma, noisy_elevation, put, wrapped_noise
from sim.sensors.resolution import merge
from sim.sensors.targets import TargetTable
from sim.world import World

CLUTTER_RAD = float(np.radians(0.5))  # below this elevation the background is ground and trees (estimate)
SKY_RAD = float(np.radians(4.0))  # above this it is sky (estimate)
RESOLVED_PX = 2.0  # two targets closer than this, or than their own size, are one blob
RECOGNITION_SLOPE = 2.0  # exponent of the class quality in pixels (estimate)
NOMINAL_SIZE_M = 0.35  # the small drone that the description speaks of: an FPV of 7-10 inch propellers
NOMINAL_HEIGHT_M = 0.12
NOMINAL_DELTA_K = 5.0
NOMINAL_CONTRAST = 0.5
FALSE_PIXELS = 3.0  # mean size of a false alarm over the smallest, in pixels: birds' specks, twigs, hot stones


class Camera(Sensor):
    """A visible (``eo``) or thermal (``ir``) camera set."""

    def __init__(
        self, mount: MountedSensor, targets: TargetTable, environment: Environment, rng: np.random.Generator
    ) -> None:
        """Prepare everything that does not change from look to look."""
        super().__init__(mount, targets, environment, rng)
        if not isinstance(mount.profile, CameraProfile):
            raise TypeError(f"{mount.sensor_id}: profile {mount.profile.name} is not a camera's")
        p = self.profile = mount.profile
        self.ifov_rad = optics.ifov_rad(float(np.radians(p.hfov_deg)), p.pixels_horizontal)
        self._jitter_rad = float(np.radians(p.stabilisation_sigma_deg))
        self.light = {"day": 1.0, "dusk": p.dusk_factor, "night": p.night_factor}[environment.time_of_day]
        haze = optics.extinction_per_m(p.wavelength_m, environment.visibility_m)
        self.extinction_per_m = haze + (p.extinction_per_km / 1000.0 if p.kind == "ir" else 0.0)

    def probability(self, pixels: F64, area_px: F64, range_m: F64, contrast: F64, delta_k: F64, sky: F64) -> F64:
        """Return Pd from size, contrast and background; ``sky`` is 1 for clear sky, 0 for ground and trees."""
        p = self.profile
        # Between the two backgrounds the pixels needed change smoothly (in the logarithm).
        needed = p.px_half_clutter * (p.px_half_sky / p.px_half_clutter) ** sky
        shape = optics.pixel_probability(pixels, needed, p.px_slope)
        if p.kind == "eo":
            apparent = contrast * self.light * np.exp(-self.extinction_per_m * range_m)
            return np.asarray(shape * optics.contrast_probability(apparent, p.contrast_threshold))
        snr = optics.thermal_snr(delta_k, area_px, range_m, p.netd_k, self.extinction_per_m)
        return np.asarray(shape * optics.thermal_probability(snr, p.snr_threshold))

    def observe(self, world: World, t_s: float, rng: np.random.Generator) -> Observation:
        """Return bearings with angular size and their sigmas."""
        pose = self.pose(world, t_s)
        view = self.view(world, t_s, pose)
        self.class_model.advance(t_s, rng)
        pixels = self._pixels(view)
        probability = self.unmasked(world, t_s, pose, view, self._look_probability(view, pixels))
        hit = rng.random(len(view.index)) < probability
        rows, cause = self._blobs(view.subset(hit), pose, rng)
        false_rows = self._false_blobs(pose, rng)
        rows = np.concatenate([rows, false_rows])
        cause = np.concatenate([cause, np.full(len(false_rows), -1)])
        quality = self._class_quality(rows[:, INDEX["angular_size_rad"]] / self.ifov_rad)
        return self.finish(rows, cause, quality, self.all_targets(view, probability), rng)

    def _pixels(self, view: View) -> F64:
        return optics.pixels_on_target(self.targets.size_m[view.index], view.range_m, self.ifov_rad)

    def _look_probability(self, view: View, pixels: F64) -> F64:
        t, i = self.targets, view.index
        area_px = pixels * optics.pixels_on_target(t.height_m[i], view.range_m, self.ifov_rad)
        elevation = np.arcsin(np.clip(view.offset_m[:, 2] / np.maximum(view.range_m, 1e-6), -1.0, 1.0))
        sky = np.clip((elevation - CLUTTER_RAD) / (SKY_RAD - CLUTTER_RAD), 0.0, 1.0)
        return self.probability(pixels, area_px, view.range_m, t.visible_contrast[i], t.thermal_delta_k[i], sky)

    def _blobs(self, view: View, pose: Pose, rng: np.random.Generator) -> tuple[F64, NDArray[np.int64]]:
        """Return the rows of detected targets; those that touch in the image are one blob."""
        if not len(view.index):
            return self.empty_rows(0), view.index
        size = self.targets.size_m[view.index] / np.maximum(view.range_m, 1.0)
        cell = np.maximum(size, RESOLVED_PX * self.ifov_rad)
        across = cell / np.maximum(np.cos(view.elevation_rad), 0.05)
        place = np.column_stack([view.azimuth_rad, view.elevation_rad])
        merged = merge(place, size**2, np.column_stack([across, cell]))
        azimuth, elevation = merged.coordinates.T
        sigma = np.hypot(self.sigma_rad(), self._blur_rad(view, pose)[merged.keep])
        sigma_az = np.hypot(azimuth_sigma(sigma, elevation), merged.spread[:, 0])
        sigma_el = np.hypot(sigma, merged.spread[:, 1])
        m = len(merged.keep)
        error = 1.0 + self.profile.size_sigma_fraction * rng.standard_normal(m)
        # A blob is never smaller than half a pixel, whatever the noise says.
        measured_size = np.maximum(np.sqrt(merged.power) * error, 0.5 * self.ifov_rad)
        rows = self.empty_rows(m)
        put(
            rows,
            azimuth_rad=wrapped_noise(azimuth, sigma_az, rng),
            elevation_rad=noisy_elevation(elevation, sigma_el, rng),
            azimuth_sigma_rad=np.hypot(sigma_az, azimuth_sigma(np.full(m, self.boresight_sigma_rad), elevation)),
            elevation_sigma_rad=np.hypot(sigma_el, self.boresight_sigma_rad),
            angular_size_rad=np.minimum(measured_size, 3.0),
        )
        return rows, view.index[merged.keep]

    def sigma_rad(self) -> float:
        """Return the bearing accuracy of a target that stands still in the image: centroid and jitter."""
        return float(optics.bearing_sigma_rad(self.ifov_rad, self.profile.bearing_sigma_px, self._jitter_rad))

    def _blur_rad(self, view: View, pose: Pose) -> F64:
        """Return the error by motion during the exposure: a uniform time within it, ``omega dt / sqrt(12)``."""
        relative = view.velocity_mps - pose.velocity_mps
        along = np.sum(relative * view.offset_m, axis=1) / np.maximum(view.range_m, 1.0)
        across2 = np.maximum(np.sum(relative**2, axis=1) - along**2, 0.0)
        return np.asarray(np.sqrt(across2 / 12.0) / np.maximum(view.range_m, 1.0) * self.profile.exposure_s)

    def _false_blobs(self, pose: Pose, rng: np.random.Generator) -> F64:
        m = int(rng.poisson(self.profile.false_alarms_per_scan))
        if not m:
            return self.empty_rows(0)
        azimuth, elevation, _ = self.false_directions(m, rng, pose)
        sigma = np.full(m, self.sigma_rad())
        pixels = self.profile.px_half_sky * 0.5 + rng.exponential(FALSE_PIXELS, m)
        rows = self.empty_rows(m)
        both = np.hypot(sigma, self.boresight_sigma_rad)
        put(
            rows,
            azimuth_rad=azimuth,
            elevation_rad=elevation,
            azimuth_sigma_rad=azimuth_sigma(both, elevation),
            elevation_sigma_rad=both,
            angular_size_rad=pixels * self.ifov_rad,
        )
        return rows

    def health(self, world: World, t_s: float) -> tuple[HealthState, str]:
        """Say that a visible camera has no light."""
        if self.profile.kind == "eo" and self.environment.time_of_day == "night":
            return "DEGRADED", "no light"
        return "NORMAL", ""

    def _class_quality(self, pixels: F64) -> F64:
        """Return how much of the class can be seen: half of it at the recognition size."""
        return optics.pixel_probability(pixels, self.profile.recognition_px, RECOGNITION_SLOPE)

    def nominal_probability(self, range_m: F64) -> F64:
        """Return Pd of the nominal FPV against a background that is half sky."""
        k = len(range_m)
        pixels = optics.pixels_on_target(NOMINAL_SIZE_M, range_m, self.ifov_rad)
        area_px = pixels * optics.pixels_on_target(NOMINAL_HEIGHT_M, range_m, self.ifov_rad)
        contrast, delta = np.full(k, NOMINAL_CONTRAST), np.full(k, NOMINAL_DELTA_K)
        return self.probability(pixels, area_px, range_m, contrast, delta, np.full(k, 0.5))

    def nominal_sigma(self, range_m: float) -> MeasurementSigma:
        """Return the bearing accuracy, and that of the size of the nominal drone at a range."""
        bearing = float(np.hypot(self.sigma_rad(), self.boresight_sigma_rad))
        size = self.profile.size_sigma_fraction * NOMINAL_SIZE_M / range_m
        return MeasurementSigma(azimuth_rad=bearing, elevation_rad=bearing, angular_size_rad=size)
