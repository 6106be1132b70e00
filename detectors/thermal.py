"""Small moving targets in thermal video, by classical image processing (OpenCV).

A target must stand out twice: in space (a closed spot of either polarity, ``detectors.contrast``) and
in time (that place does not usually look so, ``detectors.background``). Trees, poles, roofs and clouds
fail the second test, coding noise and moving grass the first. An object that is perfectly still for
longer than the background's memory becomes background; real hovering drones are not that still.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from detectors.background import NOISE_FLOOR_GREY, Background, BackgroundConfig, Change
from detectors.contrast import F32, Outline, Peak, outline, peaks
from detectors.media import U8, VideoClip
from messages.frames import F64

Progress = Callable[[int, int], None]
"""Called with the frames done and the frames that the header promises (0: unknown)."""


@dataclass(frozen=True)
class ThermalConfig:
    """Thresholds of the detector; contrasts are in standard deviations of the ring around the spot."""

    min_contrast: float = 4.0
    """Spatial contrast of a spot that has changed; 4 keeps faint targets, the time test removes what 4 lets in."""
    min_change_contrast: float = 3.5
    """Contrast in the change image, for targets that are too faint or too near to clutter for the first test."""
    min_change_fraction: float = 0.2
    """Change over the spot's own contrast: static clutter stays below 0.2, hovering drones above 0.4 (recordings)."""
    min_change_grey: float = 6.0
    """Change in grey levels: four times the noise floor."""
    scale_levels: int = 4
    """Inner squares of 3, 6, 12 and 24 px: targets from 2 to about 60 px across."""
    max_candidates: int = 48
    """Strongest peaks that are looked at in a frame: bounds the time spent on a cluttered one."""
    max_detections: int = 8
    """Strongest detections kept in a frame: a swarm fits, a waving tree does not flood the tracker."""
    background: BackgroundConfig = field(default_factory=BackgroundConfig)


@dataclass(frozen=True)
class FrameDetections:
    """What was found in one frame, strongest first.

    ``boxes_px`` (n, 4): left, top, width, height; ``centres_px`` (n, 2): contrast-weighted centroid; the
    image's edges are whole numbers. ``snr_db`` (n,): 20 log10 of contrast over the noise around it.
    """

    frame: int
    t_ns: int
    boxes_px: F64
    centres_px: F64
    snr_db: F64


class ThermalDetector:
    """Stateful detector of one camera's stream; feed it every frame in order."""

    def __init__(self, config: ThermalConfig | None = None) -> None:
        self.config = config or ThermalConfig()
        self.background = Background(self.config.background)

    def step(self, frame: int, t_ns: int, grey: U8) -> FrameDetections:
        """Return the detections of the next frame; ``grey`` is (height, width), 8 bit."""
        image = np.asarray(grey, dtype=np.float32)
        change = self.background.step(image)
        found = self._separate(self._in_space(image, change) + self._in_time(image, change))
        boxes = np.array([o[:4] for o, _ in found], dtype=np.float64).reshape(-1, 4)
        centres = np.array([(o.centre_x, o.centre_y) for o, _ in found], dtype=np.float64).reshape(-1, 2)
        snr_db = 20.0 * np.log10(np.array([contrast for _, contrast in found], dtype=np.float64))
        return FrameDetections(frame, t_ns, boxes, centres, snr_db)

    def _in_space(self, image: F32, change: Change) -> list[tuple[Outline, float]]:
        """Spots of the image itself that are new at their place."""
        config = self.config
        found = []
        for peak in peaks(image, config.min_contrast, config.scale_levels, NOISE_FLOOR_GREY)[: config.max_candidates]:
            if not self._has_changed(image, change.grey, peak):
                continue
            spot = outline(image, peak)
            if spot is not None:
                found.append((spot, peak.contrast))
        return found

    def _in_time(self, image: F32, change: Change) -> list[tuple[Outline, float]]:
        """Spots of the change image that are spots of the image too (what a target left behind is not)."""
        config = self.config
        found = []
        # The change is in sigmas already: a floor of half a sigma only guards against dividing by zero.
        strongest = peaks(change.significance, config.min_change_contrast, 3, 0.5)[: config.max_candidates]
        for peak in strongest:
            if not self._has_changed(image, change.grey, peak):
                continue
            spot = outline(image, peak)
            if spot is not None and spot.peak_grey >= config.min_change_grey:
                found.append((spot, peak.contrast))
        return found

    def _has_changed(self, image: F32, change_grey: F32, peak: Peak) -> bool:
        """Say whether the change at a peak is large, absolutely and against the local range of grey."""
        changed = float(np.max(np.abs(_square(change_grey, peak, max(1, peak.inner_px // 2)))))
        local_range = float(np.ptp(_square(image, peak, peak.inner_px)))
        return changed >= self.config.min_change_grey and changed >= self.config.min_change_fraction * local_range

    def _separate(self, found: list[tuple[Outline, float]]) -> list[tuple[Outline, float]]:
        """Keep the strongest of those that outline the same object, and at most ``max_detections``."""
        kept: list[tuple[Outline, float]] = []
        for spot, contrast in sorted(found, key=lambda f: (-f[1], f[0])):
            if not any(_same_object(spot, other) for other, _ in kept):
                kept.append((spot, contrast))
                if len(kept) == self.config.max_detections:
                    break
        return kept


def detect_clip(
    path: Path | str, config: ThermalConfig | None = None, progress: Progress | None = None
) -> Iterator[FrameDetections]:
    """Yield the detections of every frame of a clip in order, those without any too.

    Raises MediaError (detectors.media) where the file is missing or cannot be decoded.
    """
    with VideoClip(path) as clip:
        detector = ThermalDetector(config)
        for frame in clip.frames():
            yield detector.step(frame.number, frame.t_ns, frame.grey)
            if progress is not None:
                progress(frame.number + 1, clip.info.frame_count)


def _square(image: F32, peak: Peak, half: int) -> F32:
    x = min(max(int(np.floor(peak.x + 0.5)), 0), image.shape[1] - 1)
    y = min(max(int(np.floor(peak.y + 0.5)), 0), image.shape[0] - 1)
    return image[max(0, y - half) : y + half + 1, max(0, x - half) : x + half + 1]


def _same_object(a: Outline, b: Outline) -> bool:
    """Say whether either centre lies in the other's box, widened by 2 px (parts of one body are that near)."""
    return _inside(a.centre_x, a.centre_y, b) or _inside(b.centre_x, b.centre_y, a)


def _inside(x: float, y: float, box: Outline) -> bool:
    return box.x - 2.0 <= x <= box.x + box.width + 2.0 and box.y - 2.0 <= y <= box.y + box.height + 2.0
