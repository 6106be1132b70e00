"""Run a small made-up scene through every kernel, so that none has to be compiled during an engagement."""

from __future__ import annotations

import numpy as np
from msgspec.structs import replace

from fusion.config import AssociationConfig, TrackerConfig
from fusion.kernels import boresight
from fusion.track_fusion import Report, TrackPicture
from fusion.tracker import StepResult, Tracker
from messages.detections import INDEX, N_COLUMNS, empty_rows, pack
from messages.types import FieldOfView, MeasurementSigma, PlatformPose, SensorDescription, SensorScan

RADAR = SensorDescription(
    sensor_id="warm_radar",
    kind="radar",
    sigma=MeasurementSigma(range_m=5.0, azimuth_rad=0.01, elevation_rad=0.01, range_rate_mps=0.5),
    clutter_per_scan=1.0,
    field_of_view=FieldOfView(range_m=(10.0, 3000.0)),
    scan_period_s=0.25,
)
CAMERAS = tuple(
    SensorDescription(
        sensor_id=f"warm_camera_{i}",
        kind="eo",
        position_m=(100.0 * i, 0.0, 2.0),
        sigma=MeasurementSigma(azimuth_rad=0.001, elevation_rad=0.001),
        field_of_view=FieldOfView(elevation_rad=(-0.5, 1.5)),
        scan_period_s=0.1,
    )
    for i in range(2)
)


CLASS_NAMES = ("drone", "bird")


def _scan(sensor_id: str, number: int, rows: list[tuple[float, float, float, float]]) -> SensorScan:
    block = empty_rows(len(rows), len(CLASS_NAMES))
    block[:, N_COLUMNS:] = (0.8, 0.2)
    for row, values in zip(block, rows, strict=True):
        row[[INDEX[c] for c in ("range_m", "azimuth_rad", "elevation_rad", "range_rate_mps")]] = values
    t_ns = number * 100_000_000
    return SensorScan(sensor_id=sensor_id, scan=number, t_ns=t_ns, class_names=CLASS_NAMES, detections=pack(block))


def _warm_registration() -> StepResult:
    """Track one target by a radar and a camera on two vehicles; the camera's heading is 3 deg off."""
    tracker = Tracker()
    described = replace(RADAR, platform_id="warm_1"), replace(CAMERAS[0], platform_id="warm_2")
    for i, sensor in enumerate(described):
        tracker.add_sensor(sensor)
        tracker.set_pose(
            PlatformPose(platform_id=f"warm_{i + 1}", t_ns=0, position_m=(50.0 * i, 0.0, 0.0), yaw_rad=0.0)
        )
    for k in range(12):
        tracker.step(_scan("warm_radar", 2 * k, [(1000.0, 0.0, 0.1, 0.0)]))
        result = tracker.step(_scan("warm_camera_0", 2 * k + 1, [(np.nan, 0.0, 0.1, np.nan)]))
    return result


def _warm_correction() -> None:
    """Turn the axes of a sensor, as no scene of a few looks makes anybody do."""
    boresight.turned_axes(np.zeros((6, 3)), np.zeros(boresight.N_LOCAL), np.eye(3), np.empty((3, 3)))


def _warm_track_fusion(result: StepResult) -> None:
    """Fuse the tracks of two nodes, then what one of them says next."""
    picture, sent = TrackPicture(), {track.track_id: track for track in result.tracks}
    picture.update([Report("warm_a", result.tracks), Report("warm_b", result.tracks)], result.t_ns)
    picture.update([Report("warm_a", result.tracks, sent)], result.t_ns + 100_000_000)


def warm_up() -> None:
    """Track close targets by radar and cameras: with exact association, with belief propagation, and short of room."""
    _warm_track_fusion(_warm_registration())
    _warm_correction()
    exact, none = AssociationConfig(), AssociationConfig(work_limit=0.0)
    for association, capacity, targets in ((exact, 64, 2), (none, 64, 2), (exact, 2, 4)):
        tracker = Tracker(TrackerConfig(association=association, capacity=capacity))
        for sensor in (RADAR, *CAMERAS):
            tracker.add_sensor(sensor)
        for k in range(4):
            close = [(1000.0 + i, 0.5 + 0.005 * i, 0.1, -5.0) for i in range(targets)]
            tracker.step(_scan("warm_radar", 3 * k, close))
            for i in range(2):
                bearing = (np.nan, 1.5 - 0.1 * i, 0.1, np.nan)
                tracker.step(_scan(f"warm_camera_{i}", 3 * k + 1 + i, [bearing]))
