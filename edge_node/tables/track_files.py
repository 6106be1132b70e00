"""Track files: feed recorded scans to the tracker as a live node would hear them, and write the tracks.

The poses are known up front, so a scan always finds the poses on both sides of its time of validity.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from edge_node.tables.biases_file import write_biases
from edge_node.tables.detections_file import HeardScan, Order, read_detections
from edge_node.tables.errors import TableError
from edge_node.tables.feeding import LIVE, PROGRESS_EVERY, PoseFeed, Progress, released
from edge_node.tables.poses_file import read_poses
from edge_node.tables.sensors_file import read_sensors_yaml
from edge_node.tables.tracks_file import TrackRows, TrackTable, write_tracks
from edge_node.tables.tuned import tuned_config, tuned_scans, tuned_sensors
from edge_node.tables.tuning import tuning_of
from edge_node.tables.tuning_file import TuningEntry, changes, read_tuning, write_tuning
from fusion.biases import BiasEstimate
from fusion.config import TrackerConfig
from fusion.fixed_lag import FixedLag
from fusion.tracker import Tracker
from messages.detections import N_COLUMNS
from messages.types import PlatformPose, SensorDescription

Backend = Literal["numba", "filterpy"]


@dataclass(frozen=True)
class TrackingCounts:
    """What was done: scans fused and refused (older than the fixed lag), detections, rows and ids of tracks.

    ``faults``: constant errors of platforms and sensors that the data show beyond doubt.
    ``tuned``: a sentence for each parameter that the data chose otherwise than its default.
    """

    scans: int
    refused_scans: int
    detections: int
    track_rows: int
    track_ids: int
    faults: tuple[BiasEstimate, ...] = ()
    tuned: tuple[str, ...] = ()


@dataclass(frozen=True)
class Tracking:
    """The tracks of a recording, and the counts."""

    tracks: TrackTable
    counts: TrackingCounts
    biases: tuple[BiasEstimate, ...] = ()


def track_files(
    detections: Path,
    sensors: Path,
    poses: Path | None,
    out: Path,
    *,
    order: Order = "arrival",
    backend: Backend = "numba",
    kinds: Collection[str] | None = None,
    registration: Path | None = None,
    config: Path | None = None,
    tune: Path | None = None,
    progress: Progress | None = None,
) -> TrackingCounts:
    """Track a detection file and write the tracks; ``kinds`` leaves only sensors of these kinds.

    ``registration``: where to write the estimated errors of platforms and sensors. ``config``: parameters to track
    with (``tuning_file``); ``tune``: choose them from the detections first, and where to write them. Raises TableError
    where the input is wrong; then nothing is written.
    """
    if config is not None and tune is not None:
        raise TableError(
            f"--config {config} and --tune {tune}: must not be given together: tune, or use what was tuned"
        )
    require_places({"--out": out, "--registration": registration, "--tune": tune}, (detections, sensors, poses, config))
    described = read_sensors_yaml(sensors).sensors
    tuning = TuningEntry() if config is None else read_tuning(config, described)
    known = read_poses(poses) if poses is not None else []
    require_poses(sensors, described, poses, {pose.platform_id for pose in known})
    heard = read_detections(detections, described, order)
    chosen = [sensor for sensor in described if kinds is None or sensor.kind in kinds]
    if tune is not None:
        tuning = tuning_of(heard, chosen, known, detections.name, progress)
    args = tuned_scans(heard, tuning), tuned_sensors(chosen, tuning), known
    tracking = track_scans(*args, config=tuned_config(tuning), backend=backend, order=order, progress=progress)
    if tune is not None:
        write_tuning(tune, tuning)  # first: tracks without the parameters that made them cannot be made again
    if registration is not None:
        write_biases(registration, tracking.biases)
    write_tracks(out, tracking.tracks)
    return tracking.counts if tune is None else replace(tracking.counts, tuned=tuple(changes(tuning)))


def require_places(written: Mapping[str, Path | None], read: Iterable[Path | None]) -> None:
    """Raise where a file cannot be written, or would replace one that is read or another one that is written."""
    taken = {path.resolve(): "is read" for path in read if path is not None}
    for option, path in written.items():
        if path is None:
            continue
        if not path.parent.is_dir():
            raise TableError(f"{path}: folder {path.parent} does not exist: make it first")
        if path.is_dir():
            raise TableError(f"{option} {path}: is a folder: name a file")
        if path.resolve() in taken:
            raise TableError(f"{option} {path}: {taken[path.resolve()]} by this command: name another file")
        taken[path.resolve()] = f"is written as {option}"


def require_poses(
    sensors_path: Path, sensors: Sequence[SensorDescription], poses_path: Path | None, platforms: Collection[str]
) -> None:
    """Raise where a sensor stands on a platform whose pose nobody gives."""
    for i, sensor in enumerate(sensors):
        if sensor.platform_id is not None and sensor.platform_id not in platforms:
            what = "no poses file was given" if poses_path is None else f"{poses_path} has no row of it"
            raise TableError(
                f"{sensors_path}: sensors[{i}].platform = {sensor.platform_id}: {what}; "
                f"give its poses, or remove the platform of sensor {sensor.sensor_id} and place it in ENU"
            )


def track_scans(
    heard: Iterable[HeardScan],
    sensors: Sequence[SensorDescription],
    poses: Iterable[PlatformPose] = (),
    *,
    config: TrackerConfig | None = None,
    backend: Backend = "numba",
    order: Order = "arrival",
    progress: Progress | None = None,
) -> Tracking:
    """Track the scans of the given sensors, in the order given; scans of other sensors are left out."""
    ids = {sensor.sensor_id for sensor in sensors}
    mine = [item for item in heard if item.scan.sensor_id in ids]
    tracker = FixedLag(Tracker(config or TrackerConfig(), backend=backend), LIVE.lag_ns)
    for sensor in sensors:
        tracker.add_sensor(sensor)
    platforms = {sensor.platform_id for sensor in sensors}
    feed = PoseFeed(pose for pose in poses if pose.platform_id in platforms)
    rows, refused = TrackRows(), 0
    for done, scan in enumerate(released(mine, order)):
        for pose in feed.until(scan.t_ns):
            tracker.set_pose(pose)
        result = tracker.step(scan)
        refused += result is None
        rows.add(() if result is None else result.tracks)
        if progress is not None and (done + 1 == len(mine) or done % PROGRESS_EVERY == 0):
            progress(done + 1, len(mine))
    tracks = rows.table()
    detections = sum(len(i.scan.detections) // (8 * (N_COLUMNS + len(i.scan.class_names))) for i in mine)
    ids_seen = len(set(tracks.track_id.tolist()))
    biases = tuple(tracker.tracker.registration.report())
    faults = tuple(bias for bias in biases if bias.significant)
    return Tracking(tracks, TrackingCounts(len(mine), refused, detections, len(tracks), ids_seen, faults), biases)
