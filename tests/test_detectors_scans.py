"""From pixel detections to the messages of a camera."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import thermal_scene as scene

from detectors.media import MediaError
from detectors.pinhole import Pinhole
from detectors.scans import camera_description, open_thermal_clip, scan_message
from detectors.thermal import FrameDetections
from messages.detections import INDEX, block

CAMERA = Pinhole(320, 256, 24.0)


def _found(n: int) -> FrameDetections:
    boxes = np.tile([100.0, 50.0, 12.0, 6.0], (n, 1))
    return FrameDetections(7, 233_333_333, boxes, np.tile([106.2, 53.1], (n, 1)), np.full(n, 20.0))


def test_a_scan_carries_angles_sigmas_size_and_snr() -> None:
    scan = scan_message(_found(1), CAMERA)
    assert (scan.sensor_id, scan.scan, scan.t_ns) == ("camera_1", 7, 233_333_333)
    row = block(scan)[0]
    assert row[[INDEX["azimuth_rad"], INDEX["elevation_rad"]]] == pytest.approx(CAMERA.angles([106.2, 53.1]))
    assert row[INDEX["angular_size_rad"]] == pytest.approx(12.0 * CAMERA.pixel_angle_rad())
    assert row[INDEX["snr_db"]] == 20.0
    assert row[INDEX["azimuth_sigma_rad"]] > row[INDEX["elevation_sigma_rad"]] > 0.0
    assert np.isnan(row[[INDEX["range_m"], INDEX["range_rate_mps"], INDEX["tdoa_s"], INDEX["east_m"]]]).all()


def test_an_empty_look_is_a_scan_without_rows() -> None:
    assert len(block(scan_message(_found(0), CAMERA))) == 0


def test_the_description_is_of_a_level_camera_that_measures_in_its_own_axes() -> None:
    description = camera_description(CAMERA, 30.0)
    assert (description.kind, description.angles, description.platform_id) == ("ir", "sensor", None)
    assert description.scan_period_s == pytest.approx(1.0 / 30.0)
    view = description.field_of_view
    assert view.azimuth_rad == pytest.approx((-np.deg2rad(12.0), np.deg2rad(12.0)))
    assert view.elevation_rad is not None
    assert view.elevation_rad[1] == pytest.approx(np.arctan(0.8 * np.tan(np.deg2rad(12.0))))
    assert description.sigma.range_m is None


def test_a_clip_is_opened_with_its_own_size_and_rate(tmp_path: Path) -> None:
    rng, still = np.random.default_rng(0), scene.scenery(0)
    path = scene.write_clip(tmp_path / "clip.avi", [scene.frame(still, rng) for _ in range(4)])
    clip = open_thermal_clip(path, 24.0, "mast")
    assert (clip.camera.width_px, clip.camera.height_px, clip.frame_count) == (320, 256, 4)
    seen: list[tuple[int, int]] = []
    scans = list(clip.scans(progress=lambda done, total: seen.append((done, total))))
    assert [s.scan for s in scans] == [0, 1, 2, 3]
    assert {s.sensor_id for s in scans} == {"mast"}
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]
    with pytest.raises(MediaError, match="hfov_deg = 200"):
        open_thermal_clip(path, 200.0)
