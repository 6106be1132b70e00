"""Frames of a camera, thermal or visible, from the truth: background, targets, blur, shimmer, noise, eight bits.

One window of a camera set at its own resolution, pointed once and then held by the vehicle. Size,
extinction, light, contrast and noise are those of the plot-level ``Camera``: the sum of a target over
its pixels is area times contrast behind the air, whatever its size.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from messages.frames import F64, azimuth_elevation_range
from scenarios.types import TargetType
from sim.propagation import optics
from sim.sensors.base import Pose
from sim.sensors.camera import Camera
from sim.signals.motion import track_of
from sim.signals.scenery import Canvas, canvas
from sim.signals.silhouettes import paint, parts, smear

MARGIN_PX = 48  # of background around the window, for jitter and for a vehicle that turns
JITTER_TAU_S = 0.1  # of the stabilised line of sight (estimate)
CN2 = {"day": 1e-13, "dusk": 1e-15, "night": 3e-14}  # m^(-2/3), 2 m over ground (textbook order)
APERTURE_M = 0.03
SHIMMER_PATH_M = 1000.0
SHIMMER_PX = 6.0  # over which neighbouring pixels shift alike (estimate)
STRIPES = 0.3  # column pattern of an uncooled sensor over its NETD (estimate)
FULL_WELL = 10_000.0  # electrons at luminance 1: shot noise is 1 %
WHITE = 215.0  # grey of luminance 1
THERMAL_SPAN_K = 12.0  # automatic gain spreads no less than this over the greys
DARK, BRIGHT = 25.0, 220.0


@dataclass(frozen=True)
class Window:
    """A pinhole inside a camera set: size, focal length [px], and the rotation (3, 3) from its axes to the set's."""

    width_px: int
    height_px: int
    focal_px: float
    sensor_from_window: F64

    @property
    def hfov_deg(self) -> float:
        """Horizontal field of view."""
        return float(np.degrees(2.0 * np.arctan(0.5 * self.width_px / self.focal_px)))

    def directions(self) -> F64:
        """Return unit vectors (height, width, 3) of pixel centres in the set's axes."""
        column, row = np.meshgrid(np.arange(self.width_px) + 0.5, np.arange(self.height_px) + 0.5)
        pixels = np.stack([column, row], axis=-1)
        centre = (0.5 * self.width_px, 0.5 * self.height_px)
        return np.asarray(optics.pinhole_direction(pixels, self.focal_px, centre) @ self.sensor_from_window.T)

    def pixels(self, offset_sensor_m: F64) -> F64:
        """Return column and row (..., 2), edges at whole numbers, of offsets in the set's axes; NaN behind."""
        centre = (0.5 * self.width_px, 0.5 * self.height_px)
        return optics.pinhole_pixels(offset_sensor_m @ self.sensor_from_window, self.focal_px, centre)


def window_towards(sensor: Camera, direction: F64, width_px: int, height_px: int) -> Window:
    """Return a window of the set with its resolution, centred on a direction (3,) in the set's axes."""
    p = sensor.profile
    focal = p.pixels_horizontal / (2.0 * float(np.tan(np.radians(p.hfov_deg) / 2.0)))
    forward = direction / np.sqrt(direction @ direction)
    left = np.cross([0.0, 0.0, 1.0], forward)
    left /= np.sqrt(left @ left)
    return Window(width_px, height_px, focal, np.column_stack([forward, left, np.cross(forward, left)]))


@dataclass(frozen=True)
class Box:
    """Where a target is in a frame: left, top, width, height [px]."""

    target: int
    x_px: float
    y_px: float
    width_px: float
    height_px: float


@dataclass(frozen=True)
class SyntheticFrame:
    """``grey`` (height, width), the boxes of the targets in view, and its time (middle of the exposure)."""

    t_s: float
    grey: NDArray[np.uint8]
    boxes: tuple[Box, ...]


class FrameMaker:
    """Makes the frames of one window over one interval, in order."""

    def __init__(
        self,
        sensor: Camera,
        world: Any,
        kinds: Sequence[TargetType],
        window: Window,
        start_s: float,
        seconds: float,
        rng: np.random.Generator,
    ) -> None:
        """Lay out the background as far as the window can see during the interval."""
        self.sensor, self.world, self.kinds, self.window = sensor, world, tuple(kinds), window
        self.frame_rate_hz = sensor.profile.frame_rate_hz
        count = max(round(seconds * self.frame_rate_hz), 1)
        self.t_s: F64 = np.asarray(start_s + (np.arange(count) + 0.5) / self.frame_rate_hz, dtype=np.float64)
        self._thermal = sensor.profile.kind == "ir"
        self._scene_rng, self._noise_rng, self._jitter_rng, shimmer, beat = rng.spawn(5)
        self._shimmer_rng = shimmer
        self._beat0 = beat.random(len(self.kinds))
        self._directions = window.directions()
        self._canvas = self._background()
        self._spline = ndimage.spline_filter(self._canvas.value, order=3)
        self._shimmer_mix = (_linear(window.height_px), _linear(window.width_px))
        self._jitter_rad: F64 = np.zeros(2)
        spread = self._noise_rng.standard_normal(window.width_px)
        self._stripes = STRIPES * sensor.profile.netd_k * spread if self._thermal else np.zeros(window.width_px)
        self.grey_per_unit, self.grey_offset = self._gain()

    def frames(self) -> Iterator[SyntheticFrame]:
        """Yield the frames in order."""
        for t_s in self.t_s:
            yield self._frame(float(t_s))

    def _background(self) -> Canvas:
        w, step = self.window, 1.0 / self.window.focal_px
        held = [self.sensor.pose(self.world, float(t)) for t in np.linspace(self.t_s[0], self.t_s[-1], 9)]
        edge = self._directions[[0, 0, -1, -1], [0, -1, 0, -1]]
        edge = np.concatenate([edge, self._directions[[0, -1], w.width_px // 2]])
        ends = np.concatenate([edge @ pose.enu_from_sensor.T for pose in held])
        azimuth, elevation, _ = azimuth_elevation_range(ends)
        first = float(azimuth[0])
        across = (azimuth - first + np.pi) % (2.0 * np.pi) - np.pi
        margin = MARGIN_PX * step
        return canvas(
            self.world.terrain,
            held[len(held) // 2].origin_m,
            (first + float(across.min()) - margin, first + float(across.max()) + margin),
            (float(elevation.min()) - margin, float(elevation.max()) + margin),
            step,
            thermal=self._thermal,
            light=self.sensor.environment.time_of_day,
            extinction_per_m=self.sensor.extinction_per_m,
            rng=self._scene_rng,
        )

    def _gain(self) -> tuple[float, float]:
        """Return grey a kelvin (or a unit of luminance) and the grey of 0; fixed for the clip."""
        if not self._thermal:
            return WHITE, 0.0
        low, high = np.quantile(self._canvas.value, [0.01, 0.99])
        middle, span = 0.5 * (low + high), max(float(high - low), THERMAL_SPAN_K)
        gain = (BRIGHT - DARK) / span
        return gain, 0.5 * (DARK + BRIGHT) - gain * float(middle)

    def _frame(self, t_s: float) -> SyntheticFrame:
        pose = self._jittered(self.sensor.pose(self.world, t_s))
        scene = self._seen_background(pose)
        boxes = self._targets(t_s, pose, scene)
        grey = self.grey_offset + self.grey_per_unit * self._noisy(scene)
        return SyntheticFrame(t_s, np.clip(np.rint(grey), 0.0, 255.0).astype(np.uint8), boxes)

    def _jittered(self, pose: Pose) -> Pose:
        """Return the pose with the jitter of the line of sight, a first-order process from frame to frame."""
        keep = float(np.exp(-1.0 / (self.frame_rate_hz * JITTER_TAU_S)))
        fresh = self._jitter_rng.standard_normal(2) * np.radians(self.sensor.profile.stabilisation_sigma_deg)
        self._jitter_rad = np.asarray(keep * self._jitter_rad + np.sqrt(1.0 - keep * keep) * fresh)
        across, up = self._jitter_rad
        frame = self.window.sensor_from_window
        turn = np.array([[1.0, -across, -up], [across, 1.0, 0.0], [up, 0.0, 1.0]])  # small angles in the window's axes
        return Pose(pose.origin_m, pose.velocity_mps, pose.enu_from_sensor @ frame @ turn @ frame.T, pose.noise_dba)

    def _seen_background(self, pose: Pose) -> F64:
        azimuth, elevation, _ = azimuth_elevation_range(self._directions @ pose.enu_from_sensor.T)
        index = self._canvas.index(azimuth, elevation)
        for axis in index:
            axis += self._shimmer_px()
        return np.asarray(ndimage.map_coordinates(self._spline, index, order=3, prefilter=False, mode="nearest"))

    def _shimmer_px(self) -> F64:
        """Return shifts (height, width) by turbulence, alike over a few pixels: ``2.91 Cn2 L D^(-1/3)`` [rad^2]."""
        cn2 = CN2[self.sensor.environment.time_of_day]
        sigma_px = np.sqrt(2.91 * cn2 * SHIMMER_PATH_M * APERTURE_M ** (-1.0 / 3.0)) * self.window.focal_px
        (row, down), (column, right) = self._shimmer_mix
        coarse = sigma_px * self._shimmer_rng.standard_normal((int(row[-1]) + 2, int(column[-1]) + 2))
        high = coarse[row] + down[:, None] * (coarse[row + 1] - coarse[row])
        return np.asarray(high[:, column] + right * (high[:, column + 1] - high[:, column]))

    def _targets(self, t_s: float, pose: Pose, scene: F64) -> tuple[Box, ...]:
        boxes = []
        half_s = 0.5 * self.sensor.profile.exposure_s
        for i, kind in enumerate(self.kinds):
            place, _, airborne = track_of(self.world, i)(np.array([t_s - half_s, t_s, t_s + half_s]))
            offset = (place - pose.origin_m) @ pose.enu_from_sensor
            at = self.window.pixels(offset)
            inside = bool(airborne[1]) and _inside(at[1], self.window)
            if not inside or not self._clear(t_s, pose, place[1]):
                continue
            distance = float(np.sqrt(np.sum(offset[1] ** 2)))
            size = self.window.focal_px * np.array([kind.size_m, kind.height_m]) / distance
            self._put(kind, scene, (at[1], at[2] - at[0]), size, distance, self._beat(i, kind, t_s))
            boxes.append(self._box(i, at[1], size))
        return tuple(boxes)

    def _box(self, i: int, centre_px: F64, size_px: F64) -> Box:
        """Return a target's box, cut to the image; a label is never smaller than the pixel that it lights."""
        half = 0.5 * np.maximum(size_px, 1.0)
        limit = np.array([self.window.width_px, self.window.height_px], dtype=np.float64)
        low, high = np.maximum(centre_px - half, 0.0), np.minimum(centre_px + half, limit)
        return Box(i, *low.tolist(), *(high - low).tolist())

    def _beat(self, i: int, kind: TargetType, t_s: float) -> float:
        return float(self._beat0[i] + t_s * kind.rotor.revolutions_per_minute / 60.0)

    def _put(
        self, kind: TargetType, scene: F64, motion: tuple[F64, F64], size: F64, distance_m: float, beat: float
    ) -> None:
        """Add a target: thermal by its excess temperature, visible darker than what is behind it; air between."""
        at, moved = motion
        cover = np.zeros_like(scene)
        paint(cover, parts(kind, beat), (at[0], at[1]), (size[0], size[1]), smear((moved[0], moved[1])))
        through = float(np.exp(-self.sensor.extinction_per_m * distance_m))
        if self._thermal:
            scene += kind.thermal_delta_k * through * cover
        else:
            scene *= 1.0 - np.minimum(kind.visible_contrast * through * cover, 1.0)

    def _clear(self, t_s: float, pose: Pose, point: F64) -> bool:
        seen = self.world.visible(pose.origin_m, point[None])
        past = self.world.own_vehicle_clear(self.sensor.mount.platform_id, t_s, pose.origin_m, point[None])
        return bool(seen[0] and past[0])

    def _noisy(self, scene: F64) -> F64:
        fresh = self._noise_rng.standard_normal(scene.shape)
        if self._thermal:
            return np.asarray(scene + self.sensor.profile.netd_k * fresh + self._stripes)
        dimmed = scene * self.sensor.light
        # The exposure stays: at night the noise stays with the few electrons that there are.
        return np.asarray(dimmed + np.sqrt(np.maximum(dimmed, 1e-6) / FULL_WELL) * fresh)


def _inside(at: F64, window: Window) -> bool:
    return bool(np.all(np.isfinite(at)) and 0.0 <= at[0] < window.width_px and 0.0 <= at[1] < window.height_px)


def _linear(pixels: int) -> tuple[NDArray[np.int64], F64]:
    """Return for every pixel the knot before it, of those SHIMMER_PX apart, and how far it is to the next (0 to 1)."""
    place = np.arange(pixels) / SHIMMER_PX
    knot = place.astype(np.int64)
    return knot, place - knot
