"""A scene -> the four plain files that ``vedette track`` and ``vedette score`` read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.core.scenes.model import Scene
from benchmarks.truth_table import POSITION, VELOCITY, TruthTable
from edge_node.tables.detections_writing import write_detections
from edge_node.tables.poses_file import write_poses
from edge_node.tables.sensors_file import write_sensors_yaml
from edge_node.tables.writing import seconds, write_table


def write_scene(scene: Scene, folder: Path) -> None:
    """Write DETECTIONS.csv, SENSORS.yaml, TRUTH.csv and, where something moves, POSES.csv."""
    folder.mkdir(parents=True, exist_ok=True)
    write_detections(folder / "DETECTIONS.csv", scene.heard)
    write_sensors_yaml(folder / "SENSORS.yaml", scene.sensors)
    write_plain_truth(folder / "TRUTH.csv", scene.truth)
    if scene.poses:
        write_poses(folder / "POSES.csv", scene.poses)


def write_plain_truth(path: Path, truth: TruthTable) -> None:
    """Write the columns of the format, and none of those that only a run has."""
    columns: dict[str, Any] = {
        "time_s": seconds(truth.t_ns),
        "target_id": [truth.target_ids[i] for i in truth.target.tolist()],
        **dict(zip(POSITION, truth.position_m.T, strict=True)),
        **dict(zip(VELOCITY, truth.velocity_mps.T, strict=True)),
        "class": truth.target_class,
    }
    write_table(path, columns)
