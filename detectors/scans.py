"""From pixels to messages: a camera's description and one scan a frame.

The camera is fixed, level and faces north at the origin unless a platform carries it; its angles are
in its own axes (``angles: sensor``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from detectors.media import VideoClip
from detectors.pinhole import Pinhole
from detectors.thermal import FrameDetections, Progress, ThermalConfig, detect_clip
from messages.detections import INDEX, empty_rows, pack
from messages.frames import F64
from messages.types import FieldOfView, MeasurementSigma, SensorDescription, SensorScan

CENTROID_SIGMA_PX = 0.5
"""Centroid of a small spot: 0.1-0.4 px against the labels of the recordings, and 0.1-0.3 px of camera shake."""
CENTROID_SIGMA_PER_EXTENT = 0.03
"""A larger target's hot parts come and go: 0.9 px was measured on one 35-58 px across."""
SIZE_SIGMA_PX = 2.0
"""Extent of the outline, frame to frame, at the recordings' blur and coding."""
DETECTION_PROBABILITY = 0.96
CLUTTER_PER_SCAN = 0.15
"""Share of labelled frames with the target detected, and other detections a frame, over the 67 drone clips of the
recordings on which no threshold was chosen (``benchmarks.thermal_clips``); most of the others are birds, people
and cars that do move."""
RANGE_LIMITS_M = (5.0, 3000.0)
"""Nearer a drone fills the picture; farther even a large one is less than a pixel in a 24 deg camera of 320 px."""


@dataclass(frozen=True)
class CameraClip:
    """One clip as a sensor: its camera, its description and the way to its scans."""

    path: Path
    camera: Pinhole
    description: SensorDescription
    frame_count: int
    """What the header promises; 0 where it does not say."""

    def scans(self, config: ThermalConfig | None = None, progress: Progress | None = None) -> Iterator[SensorScan]:
        """Detect through the clip and yield one scan a frame, empty ones too."""
        for found in detect_clip(self.path, config, progress):
            yield scan_message(found, self.camera, self.description.sensor_id)


def open_thermal_clip(path: Path | str, hfov_deg: float, sensor_id: str = "camera_1") -> CameraClip:
    """Read a clip's header and describe its camera; MediaError where either is unusable."""
    with VideoClip(path) as clip:
        info = clip.info
    camera = Pinhole(info.width_px, info.height_px, hfov_deg)
    return CameraClip(Path(path), camera, camera_description(camera, info.frame_rate_hz, sensor_id), info.frame_count)


def camera_description(camera: Pinhole, frame_rate_hz: float, sensor_id: str = "camera_1") -> SensorDescription:
    """Return the description of a fixed thermal camera that faces north from the origin."""
    half_width, half_height = camera.half_fov_rad
    pixel = camera.pixel_angle_rad()
    return SensorDescription(
        sensor_id=sensor_id,
        kind="ir",
        angles="sensor",
        sigma=MeasurementSigma(
            azimuth_rad=CENTROID_SIGMA_PX * pixel,
            elevation_rad=CENTROID_SIGMA_PX * pixel,
            angular_size_rad=SIZE_SIGMA_PX * pixel,
        ),
        detection_probability=DETECTION_PROBABILITY,
        clutter_per_scan=CLUTTER_PER_SCAN,
        field_of_view=FieldOfView(
            range_m=RANGE_LIMITS_M,
            azimuth_rad=(-half_width, half_width),
            elevation_rad=(-half_height, half_height),
        ),
        scan_period_s=1.0 / frame_rate_hz,
    )


def scan_message(found: FrameDetections, camera: Pinhole, sensor_id: str = "camera_1") -> SensorScan:
    """Return one frame's detections as a scan; the scan number is the frame number."""
    return SensorScan(sensor_id=sensor_id, scan=found.frame, t_ns=found.t_ns, detections=pack(rows(found, camera)))


def rows(found: FrameDetections, camera: Pinhole) -> F64:
    """Return the detection block (n, N_COLUMNS) of one frame: angles, their sigmas, size and SNR."""
    block = empty_rows(len(found.snr_db))
    pixel = camera.pixel_angle_rad()
    angles = camera.angles(found.centres_px)
    extent_px = found.boxes_px[:, 2:]
    sigma_rad = pixel * np.hypot(CENTROID_SIGMA_PX, CENTROID_SIGMA_PER_EXTENT * extent_px)
    block[:, INDEX["azimuth_rad"]] = angles[:, 0]
    block[:, INDEX["elevation_rad"]] = angles[:, 1]
    block[:, INDEX["azimuth_sigma_rad"]] = sigma_rad[:, 0]
    block[:, INDEX["elevation_sigma_rad"]] = sigma_rad[:, 1]
    block[:, INDEX["angular_size_rad"]] = pixel * extent_px.max(axis=1, initial=0.0)
    block[:, INDEX["snr_db"]] = found.snr_db
    return block
