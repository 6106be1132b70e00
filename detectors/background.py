"""What a nearly fixed camera has seen lately: a stabilised running mean and variance of the image.

The shift of the camera is found by phase correlation of each frame with the mean itself (not with
the frame before), so that it does not drift. The frame is resampled into the mean's coordinates
once; the mean is never resampled, only moved by whole pixels, so that it stays sharp.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]

NOISE_FLOOR_GREY = 1.5
"""Noise of an 8-bit image even where compression shows none: rounding (0.3) and coding blocks of about one level."""


@dataclass(frozen=True)
class BackgroundConfig:
    """How the background is learnt; grey levels are those of an 8-bit image."""

    memory_frames: int = 90
    """Time constant of the mean, 3 s at 30 Hz: long enough that a hovering drone is not learnt within a
    clip, short enough that drifting clouds are."""
    max_shift_px: float = 24.0
    """A larger shift from one frame to the next is taken for a failed correlation (22 deg/s at 30 Hz and 24 deg)."""
    min_response: float = 0.05
    """Phase correlation peaks below this are noise (textured scenes of the recordings gave 0.6-0.9)."""
    recentre_px: float = 4.0
    """Beyond this offset the mean is moved by whole pixels, so that pans keep an overlap."""
    initial_sigma_grey: float = 10.0
    """Assumed change of places never seen before: high, so that the edge of a pan raises no alarm."""
    change_clip_grey: float = 8.0
    """One frame's change counts at most this much in the variance: a slow target does not mask itself."""
    scene_cut_fraction: float = 0.25
    """When more of the image than this changed beyond 5 sigma, it is a new scene: start again. A cut between two
    clips with the same sky changes only the ground; the nearest target that matters fills a twentieth."""


class Change(NamedTuple):
    """What changed against the background, both (height, width) in the frame's own pixels.

    ``grey`` is the difference in grey levels; ``significance`` is the same in standard deviations of
    what that place usually does.
    """

    grey: F32
    significance: F32


@dataclass
class Background:
    """Running mean and variance of a stabilised image; feed it every frame in order."""

    config: BackgroundConfig = field(default_factory=BackgroundConfig)
    mean: F32 | None = None
    variance: F32 | None = None
    frames: int = 0
    offset_px: tuple[float, float] = (0.0, 0.0)
    resets: int = 0

    def step(self, grey: F32) -> Change:
        """Take the next frame (height, width) and return its change; zero for the first frame of a scene."""
        if self.mean is None or self.mean.shape != grey.shape:
            return self._start(grey)
        self.offset_px = self._recentre(self._shift(grey))
        aligned = _moved(grey, -self.offset_px[0], -self.offset_px[1])
        change = np.asarray(aligned - self.mean, dtype=np.float32)
        change -= np.float32(np.median(change[::8, ::8]))  # automatic gain moves the level of the whole image
        if self._is_scene_cut(change):
            self.resets += 1
            return self._start(grey)
        significance = np.asarray(change / np.sqrt(self._variance() + NOISE_FLOOR_GREY**2), dtype=np.float32)
        self._learn(aligned, change)
        return Change(_moved(change, *self.offset_px), _moved(significance, *self.offset_px))

    def _start(self, grey: F32) -> Change:
        self.mean = grey.copy()
        self.variance = np.full_like(grey, self.config.initial_sigma_grey**2)
        self.frames, self.offset_px = 1, (0.0, 0.0)
        return Change(np.zeros_like(grey), np.zeros_like(grey))

    def _shift(self, grey: F32) -> tuple[float, float]:
        """Return the offset (x, y) [px] of the frame against the mean, or the last one where correlation fails."""
        small, reference = _half(grey), _half(self._mean())
        window = cv2.createHanningWindow(small.shape[::-1], cv2.CV_32F)
        (dx, dy), response = cv2.phaseCorrelate(reference, small, window)
        shift = (2.0 * float(dx), 2.0 * float(dy))
        jump = np.hypot(shift[0] - self.offset_px[0], shift[1] - self.offset_px[1])
        # The negated form also refuses NaN, which phase correlation gives for an image without any texture.
        if not (response >= self.config.min_response and jump <= self.config.max_shift_px):
            return self.offset_px
        return shift

    def _recentre(self, shift: tuple[float, float]) -> tuple[float, float]:
        if max(abs(shift[0]), abs(shift[1])) <= self.config.recentre_px:
            return shift
        dx, dy = round(shift[0]), round(shift[1])
        self.mean = _moved(self._mean(), dx, dy)
        unknown = self.config.initial_sigma_grey**2
        self.variance = _moved(self._variance(), dx, dy, outside=unknown)
        return shift[0] - dx, shift[1] - dy

    def _is_scene_cut(self, change: F32) -> bool:
        sampled, variance = change[::4, ::4], self._variance()[::4, ::4]
        return bool(
            np.mean(sampled * sampled > 25.0 * (variance + NOISE_FLOOR_GREY**2)) > self.config.scene_cut_fraction
        )

    def _learn(self, aligned: F32, change: F32) -> None:
        self.frames += 1
        gain = np.float32(max(1.0 / self.frames, 1.0 / self.config.memory_frames))
        self.mean = np.asarray(self._mean() + gain * (aligned - self._mean()), dtype=np.float32)
        squared = np.minimum(change * change, np.float32(self.config.change_clip_grey**2))
        self.variance = np.asarray(self._variance() + gain * (squared - self._variance()), dtype=np.float32)

    def _mean(self) -> F32:
        assert self.mean is not None  # step() starts a scene first
        return self.mean

    def _variance(self) -> F32:
        assert self.variance is not None  # step() starts a scene first
        return self.variance


def _half(image: F32) -> F32:
    return np.asarray(cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), dtype=np.float32)


def _moved(image: F32, dx_px: float, dy_px: float, outside: float | None = None) -> F32:
    """Return the image moved by (dx, dy): what was at (x, y) is then at (x + dx, y + dy)."""
    matrix = np.array([[1.0, 0.0, dx_px], [0.0, 1.0, dy_px]])
    size = (image.shape[1], image.shape[0])
    if outside is None:
        return np.asarray(cv2.warpAffine(image, matrix, size, borderMode=cv2.BORDER_REPLICATE), dtype=np.float32)
    return np.asarray(
        cv2.warpAffine(image, matrix, size, borderMode=cv2.BORDER_CONSTANT, borderValue=outside), dtype=np.float32
    )
