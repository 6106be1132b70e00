"""From boxes to messages: one scan a frame, with angles, their sigmas, angular size and class scores."""

from __future__ import annotations

import numpy as np

from detectors.eoir.cells import CLASSES
from detectors.eoir.detector import Seen
from detectors.pinhole import Pinhole
from messages.detections import INDEX, N_COLUMNS, empty_rows, pack
from messages.types import SensorScan

BOX_SIGMA_PX = 1.0
"""Of a small box's centre: an assumption until ``vedette evaluate-detector`` has measured a trained model."""
BOX_SIGMA_PER_EXTENT = 0.06
"""Of a larger box's side. An assumption too: its edges are less sure."""


def scan_message(seen: Seen, camera: Pinhole, sensor_id: str) -> SensorScan:
    """Return one frame's boxes as a scan; the scan number is the frame number, the class scores are probabilities."""
    rows = empty_rows(len(seen.score), len(CLASSES))
    pixel, extent_px = camera.pixel_angle_rad(), seen.boxes_px[:, 2:]
    angles = camera.angles(seen.boxes_px[:, :2] + 0.5 * extent_px)
    sigma_rad = pixel * np.hypot(BOX_SIGMA_PX, BOX_SIGMA_PER_EXTENT * extent_px)
    rows[:, INDEX["azimuth_rad"]] = angles[:, 0]
    rows[:, INDEX["elevation_rad"]] = angles[:, 1]
    rows[:, INDEX["azimuth_sigma_rad"]] = sigma_rad[:, 0]
    rows[:, INDEX["elevation_sigma_rad"]] = sigma_rad[:, 1]
    rows[:, INDEX["angular_size_rad"]] = pixel * extent_px.max(axis=1, initial=0.0)
    rows[:, N_COLUMNS:] = seen.classes
    return SensorScan(sensor_id=sensor_id, scan=seen.frame, t_ns=seen.t_ns, class_names=CLASSES, detections=pack(rows))
