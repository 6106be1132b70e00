"""Track files: feed recorded scans to the tracker as a live node would hear them, and write the tracks.

The poses are known up front, so a scan always finds the poses on both sides of its time of validity.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from edge_node.config import NodeConfig
from edge_node.ordering import Ordering
from edge_node.tables.biases_file import write_biases
from edge_node.tables.detections_file import HeardScan, Order, read_detections
from edge_node.tables.errors import TableError
from edge_node.tables.poses_file import read_poses
from edge_node.tables.sensors_file import read_sensors_yaml
from edge_node.tables.tracks_file import TrackRows, TrackTable, write_tracks
from fusion.biases import BiasEstimate
from fusion.config import TrackerConfig
from fusion.fixed_lag import FixedLag
from fusion.tracker import Tracker
from messages.detections import N_COLUMNS
from messages.types import PlatformPose, SensorDescription, SensorScan

Backend = Literal["numba", "filterpy"]
Progress = Callable[[int, int], None]
LIVE = NodeConfig()  # what a live node does unless told otherwise
PROGRESS_EVERY = 200  # scans between two calls of the progress callback


@dataclass(frozen=True)
class TrackingCounts:
    """What was done: scans fused and refused (older than the fixed lag), detections, rows and ids of tracks.

    ``faults``: constant errors of platforms and sensors that the data show beyond doubt.
    """

    scans: int
    refused_scans: int
    detections: int
    track_rows: int
    track_ids: int
    faults: tuple[BiasEstimate, ...] = ()


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
    progress: Progress | None = None,
) -> TrackingCounts:
    """Track a detection file and write the tracks; ``kinds`` leaves only sensors of these kinds.

    ``registration``: where to write the estimated errors of platforms and sensors. Raises TableError where the input
    is wrong; then nothing is written.
    """
    for written in (out, registration):
        if written is not None and not written.parent.is_dir():
            raise TableError(f"{written}: folder {written.parent} does not exist: make it first")
    described = read_sensors_yaml(sensors).sensors
    known = read_poses(poses) if poses is not None else []
    require_poses(sensors, described, poses, {pose.platform_id for pose in known})
    heard = read_detections(detections, described, order)
    chosen = [sensor for sensor in described if kinds is None or sensor.kind in kinds]
    tracking = track_scans(heard, chosen, known, backend=backend, order=order, progress=progress)
    write_tracks(out, tracking.tracks)
    if registration is not None:
        write_biases(registration, tracking.biases)
    return tracking.counts


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
    backend: Backend = "numba",
    order: Order = "arrival",
    progress: Progress | None = None,
) -> Tracking:
    """Track the scans of the given sensors, in the order given; scans of other sensors are left out."""
    ids = {sensor.sensor_id for sensor in sensors}
    mine = [item for item in heard if item.scan.sensor_id in ids]
    tracker = FixedLag(Tracker(TrackerConfig(), backend=backend), LIVE.lag_ns)
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


def released(heard: Iterable[HeardScan], order: Order) -> Iterator[SensorScan]:
    """Yield scans as the node's waiting room lets them go: held back a little to wait for earlier ones.

    In order of validity, scans of one time go by the names of their sensors, as in the waiting room.
    """
    if order == "validity":
        yield from sorted((item.scan for item in heard), key=lambda scan: (scan.t_ns, scan.sensor_id, scan.scan))
        return
    room = Ordering(LIVE.hold_back_ns)
    for item in heard:
        yield from (held.scan for held in room.advance(item.t_arrival_ns))  # a live node's clock ticked meanwhile
        room.put(item.scan, item.t_arrival_ns)
        yield from (held.scan for held in room.advance(item.t_arrival_ns))
    yield from (held.scan for held in room.flush())


class PoseFeed:
    """Give each platform's poses up to the first one at or after a time, each pose once."""

    def __init__(self, poses: Iterable[PlatformPose]) -> None:
        self._queues: dict[str, deque[PlatformPose]] = {}
        self._given_ns: dict[str, int] = {}
        for pose in sorted(poses, key=lambda pose: pose.t_ns):
            self._queues.setdefault(pose.platform_id, deque()).append(pose)

    def until(self, t_ns: int) -> Iterator[PlatformPose]:
        """Yield what the tracker needs to know before a scan at ``t_ns``."""
        for name, queue in self._queues.items():
            while queue and self._given_ns.get(name, -1) < t_ns:
                pose = queue.popleft()
                self._given_ns[name] = pose.t_ns
                yield pose
