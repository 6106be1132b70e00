"""Read back a run folder: the plain files that ``vedette run`` wrote."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from benchmarks.metrics.instants import Evaluation, evaluate
from benchmarks.score import CUTOFF_M
from benchmarks.sightings import Sighting, sightings
from benchmarks.truth_table import TruthTable, read_truth, true_poses, truth_table, write_truth
from edge_node.tables.alerts_file import AlertTable, read_alerts
from edge_node.tables.detections_file import HeardScan, read_detections
from edge_node.tables.poses_file import read_poses, write_poses
from edge_node.tables.sensors_file import SensorsFile, read_sensors_yaml
from edge_node.tables.table import NS_PER_S
from edge_node.tables.tracks_file import TrackTable, read_tracks
from messages.truth import TruthSet
from messages.types import PlatformPose

TRUE_PLATFORMS = "truth_platforms.csv"


@dataclass(frozen=True)
class RunFolder:
    """The files of a run, each read when it is first asked for."""

    path: Path
    cutoff_m: float = CUTOFF_M

    @cached_property
    def sensors(self) -> SensorsFile:
        """The sensors."""
        return read_sensors_yaml(self.path / "sensors.yaml")

    @cached_property
    def heard(self) -> list[HeardScan]:
        """The scans in order of arrival."""
        return read_detections(self.path / "detections.csv", self.sensors.sensors)

    @cached_property
    def poses(self) -> list[PlatformPose]:
        """What the platforms believed."""
        return read_poses(self.path / "poses.csv")

    @cached_property
    def platforms(self) -> list[PlatformPose]:
        """Where the platforms really were, or what they believed where nobody wrote the truth."""
        true = self.path / TRUE_PLATFORMS
        return read_poses(true) if true.is_file() else self.poses

    @cached_property
    def truth(self) -> TruthTable:
        """The truth."""
        return read_truth(self.path / "truth.csv")

    @cached_property
    def tracks(self) -> TrackTable:
        """The tracks as the node published them."""
        return read_tracks(self.path / "tracks.csv")

    @cached_property
    def alerts(self) -> AlertTable:
        """The alerts in order of time."""
        return read_alerts(self.path / "alerts.csv")

    @cached_property
    def evaluation(self) -> Evaluation:
        """The fused tracks against the truth."""
        return evaluate(self.tracks, self.truth, self.cutoff_m)

    @cached_property
    def sightings(self) -> dict[str, Sighting]:
        """Which sensor saw which target when."""
        return sightings(self.heard, self.sensors.sensors, self.poses, self.truth)

    @cached_property
    def duration_s(self) -> float:
        """The time from the start of the engagement to the last instant of truth."""
        instants = self.truth.instants_ns
        return float(instants[-1]) / NS_PER_S if len(instants) else 0.0

    def kinds(self) -> list[str]:
        """Return the kinds of sensors of the run, in the order of the format."""
        own = {sensor.kind for sensor in self.sensors.sensors}
        return [kind for kind in ("radar", "eo", "ir", "acoustic", "rf") if kind in own]

    def tracks_sha256(self) -> str:
        """Return the SHA-256 of the bytes of ``tracks.csv``."""
        return hashlib.sha256((self.path / "tracks.csv").read_bytes()).hexdigest()

    def detection_counts(self) -> dict[str, int]:
        """Return sensor -> number of detections, sensors without one included."""
        counts = {sensor.sensor_id: len(self.sightings[sensor.sensor_id].t_ns) for sensor in self.sensors.sensors}
        return dict(sorted(counts.items()))


def write_truth_files(
    run: Path, truth_sets: Iterable[TruthSet], defended: Iterable[str], suffix: Literal["csv", "parquet"] = "csv"
) -> TruthTable:
    """Write the truth and the true places of the platforms from the simulator's journal."""
    sets = list(truth_sets)
    table = truth_table(sets)
    write_truth(run / f"truth.{suffix}", table)
    write_poses((run / TRUE_PLATFORMS).with_suffix(f".{suffix}"), true_poses(sets, defended))
    return table
