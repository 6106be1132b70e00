"""From the journals of a run to everything else in its folder: tables, recording, summary, report."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from messages.truth import TruthSet
from messages.types import Alert, LatencyLedger, PlatformPose, SensorCue, SensorDescription, SensorScan, TrackSet
from vedette.errors import RunFailed
from vedette.run_folder import RunPaths, frames

if TYPE_CHECKING:
    from edge_node.tables.detections_file import HeardScan
    from scenarios.schema import Scenario
    from sim.terrain import Terrain

Format = Literal["csv", "parquet"]
Progress = Callable[[str], None]


def write_tables(paths: RunPaths, out: Path, suffix: Format = "csv") -> None:
    """Write the tables of a recording: sensors, poses, detections, tracks, alerts and (where known) truth."""
    from benchmarks.run_folder import write_truth_files
    from edge_node.tables.alerts_file import write_alerts
    from edge_node.tables.detections_writing import write_detections
    from edge_node.tables.poses_file import write_poses
    from edge_node.tables.sensors_file import write_sensors_yaml
    from edge_node.tables.tracks_file import track_table, write_tracks

    sensors, poses, heard = _inbound(paths)
    if not sensors:
        raise RunFailed(f"{paths.root}: the recording ends before the first sensor introduced itself: nothing to write")
    write_sensors_yaml(out / "sensors.yaml", list(sensors.values()))
    write_poses(out / f"poses.{suffix}", poses)
    write_detections(out / f"detections.{suffix}", heard)
    said = [frame.message for _, frame in frames(paths.outbound)]
    write_tracks(out / f"tracks.{suffix}", track_table(m for m in said if isinstance(m, TrackSet)))
    write_alerts(out / f"alerts.{suffix}", (m for m in said if isinstance(m, Alert)))
    if paths.truth.is_file():
        defended = {pose.platform_id for pose in poses if pose.defended}
        sets = (frame.message for _, frame in frames(paths.truth))
        write_truth_files(out, (m for m in sets if isinstance(m, TruthSet)), sorted(defended), suffix)


def _inbound(paths: RunPaths) -> tuple[dict[str, SensorDescription], list[PlatformPose], list[HeardScan]]:
    from edge_node.tables.detections_file import HeardScan

    sensors: dict[str, SensorDescription] = {}
    poses: list[PlatformPose] = []
    heard: list[HeardScan] = []
    for t_arrival_ns, frame in frames(paths.inbound):
        message = frame.message
        if isinstance(message, SensorDescription):
            sensors[message.sensor_id] = message
        elif isinstance(message, PlatformPose):
            poses.append(message)
        elif isinstance(message, SensorScan):
            heard.append(HeardScan(t_arrival_ns, message))
    return sensors, poses, heard


def write_recording(paths: RunPaths) -> None:
    """Write engagement.mcap from the journals."""
    from edge_node.recording import write_mcap

    write_mcap(paths.root)


def write_results(
    paths: RunPaths, scenario: Scenario, seed: int, progress: Progress, *, report: bool, whole: bool
) -> dict[str, Any]:
    """Write summary.json and (where asked) report.html of a folder that has its tables; return the summary.

    A run that was cut short (``whole`` is false) lasts as long as its truth, not as its scenario.
    """
    from benchmarks.report import write_report
    from benchmarks.run_folder import RunFolder
    from benchmarks.run_summary import evaluate_alone, summarise, write_summary
    from scenarios.fit import struck_nodes
    from scenarios.protection import protection_layers

    folder = RunFolder(paths.root)
    alone = evaluate_alone(folder, progress=lambda kind: progress(f"tracking with {kind} alone"))
    ledgers = (frame.message for _, frame in frames(paths.outbound))
    said = (frame.message for _, frame in frames(paths.outbound))
    summary = summarise(
        folder,
        scenario=scenario.name,
        seed=seed,
        duration_s=scenario.duration_s if whole else None,
        ledgers=(m for m in ledgers if isinstance(m, LatencyLedger)),
        alone=alone,
        layers=protection_layers(scenario),
        events=struck_nodes(scenario),
        cues=(m for m in said if isinstance(m, SensorCue)),
    )
    write_summary(paths.summary, summary)
    if report:
        progress("drawing the report")
        write_report(paths.report, folder, summary, alone, _ground(scenario, seed))
    return summary


def _ground(scenario: Scenario, seed: int) -> Terrain:
    """Return the terrain of the run, for the map of the report."""
    from sim.randomness import generator
    from sim.world import World

    return World(scenario, generator(seed, "world")).terrain
