"""Our tracker on a scene: ``Tracker.step`` fed directly for one radar, the node's fixed lag for a column."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any

import numpy as np

from benchmarks.core.scenes import Scene
from benchmarks.core.trial import Row, Trial, collect, timed_steps
from edge_node.tables.feeding import LIVE, PoseFeed, released
from edge_node.tables.tracks_file import POSITION_COVARIANCE, REPORTED
from fusion.config import MotionConfig, TrackerConfig
from fusion.fixed_lag import FixedLag
from fusion.tracker import StepResult, Tracker
from messages.types import SensorScan, Track

NAME = "vedette"
ROOM_FOR_TENTATIVE = 2  # tracks held for each target and each false detection of a scan


def config_for(scene: Scene) -> TrackerConfig:
    """Return the configuration: one constant-velocity model where targets fly straight, else the defaults.

    The table has room for every target and for the tentative tracks of two scans of clutter.
    """
    clutter = sum(sensor.clutter_per_scan for sensor in scene.sensors)
    needed = ROOM_FOR_TENTATIVE * (len(scene.truth.target_ids) + int(clutter))
    default = TrackerConfig()
    config = dataclasses.replace(default, capacity=max(default.capacity, needed))
    if scene.kind not in ("spread", "swarm"):
        return config
    return dataclasses.replace(config, motion=MotionConfig((1.0,), (1.0,), correlation_s=()))


def run_ours(scene: Scene, limit_s: float, kinds: Collection[str] | None = None) -> tuple[Trial, dict[str, Any]]:
    """Return the trial and the largest value of each diagnostic count; ``kinds`` leaves only sensors of those."""
    make = _late_steps if scene.poses else _direct_steps
    sensors = tuple(s for s in scene.sensors if kinds is None or s.kind in kinds)
    ids = {s.sensor_id for s in sensors}
    scene = dataclasses.replace(scene, sensors=sensors, heard=tuple(h for h in scene.heard if h.scan.sensor_id in ids))
    steps, times_ns = make(scene)
    largest: dict[str, Any] = {}
    name = NAME if kinds is None else f"{NAME}, {' and '.join(sorted(kinds))} alone"

    def rows(result: StepResult | None) -> list[Row]:
        if result is None:
            return []
        _keep_largest(largest, result)
        return [_row(track) for track in result.tracks if track.status in REPORTED]

    return collect(name, timed_steps(steps, rows), np.array(times_ns, dtype=np.int64), limit_s), largest


def _row(track: Track) -> Row:
    state, upper = track.state, track.covariance
    covariance = tuple(upper[i] for i in POSITION_COVARIANCE)
    return Row(track.t_ns, track.track_id, state[:3], state[3:], covariance)


def _keep_largest(largest: dict[str, Any], result: StepResult) -> None:
    for field in dataclasses.fields(result.diagnostics):
        value = getattr(result.diagnostics, field.name)
        if isinstance(value, (int, float)):
            largest[field.name] = max(largest.get(field.name, value), value)


def _direct_steps(scene: Scene) -> tuple[Iterable[Callable[[], StepResult | None]], list[int]]:
    """Return one step a scan, in order; nothing but ``Tracker.step`` is inside a step."""
    tracker = Tracker(config_for(scene))
    for sensor in scene.sensors:
        tracker.add_sensor(sensor)
    scans = [item.scan for item in scene.heard]
    return (_bound(tracker.step, scan) for scan in scans), [scan.t_ns for scan in scans]


def _late_steps(scene: Scene) -> tuple[Iterable[Callable[[], StepResult | None]], list[int]]:
    """Return one step a scan in the order in which a node lets them go, late ones re-run; poses come in between."""
    tracker = FixedLag(Tracker(config_for(scene)), LIVE.lag_ns)
    for sensor in scene.sensors:
        tracker.add_sensor(sensor)
    scans = list(released(scene.heard, "arrival"))
    platforms = {sensor.platform_id for sensor in scene.sensors}
    feed = PoseFeed(pose for pose in scene.poses if pose.platform_id in platforms)

    def steps() -> Iterator[Callable[[], StepResult | None]]:
        for scan in scans:
            for pose in feed.until(scan.t_ns):
                tracker.set_pose(pose)
            yield _bound(tracker.step, scan)

    newest = np.maximum.accumulate([scan.t_ns for scan in scans]).tolist()
    return steps(), newest


def _bound(step: Callable[[SensorScan], StepResult | None], scan: SensorScan) -> Callable[[], StepResult | None]:
    return lambda: step(scan)
