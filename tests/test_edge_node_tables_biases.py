"""The estimated errors of platforms and sensors, from detection files to a file and a sentence."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import pytest
from registration_scene import Traffic

from edge_node.tables import HeardScan, TableError, write_detections, write_poses, write_sensors_yaml
from edge_node.tables.biases_file import sentence, write_biases
from edge_node.tables.track_files import track_files
from fusion.biases import BiasEstimate
from messages.types import PlatformPose


def test_a_wrong_heading_in_files_is_named_and_written(tmp_path: Path) -> None:
    traffic = Traffic({"tank_2": math.radians(0.5)}, seconds=15.0)
    items = traffic.items()
    write_sensors_yaml(tmp_path / "s.yaml", traffic.sensors())
    write_poses(tmp_path / "p.csv", [item for item in items if isinstance(item, PlatformPose)])
    scans = [item for item in items if not isinstance(item, PlatformPose)]
    write_detections(tmp_path / "d.csv", [HeardScan(scan.t_ns, scan) for scan in scans])
    paths = tmp_path / "d.csv", tmp_path / "s.yaml", tmp_path / "p.csv", tmp_path / "t.csv"
    counts = track_files(*paths, registration=tmp_path / "b.json")
    assert [(fault.owner, fault.name) for fault in counts.faults] == [("tank_2", "yaw")]
    rows = json.loads((tmp_path / "b.json").read_text())
    assert len(rows) == 4 * 6 + 6 * 5
    (row,) = [row for row in rows if row["significant"]]
    assert (row["kind"], row["owner"], row["bias"], row["unit"]) == ("platform", "tank_2", "yaw", "deg")
    assert abs(row["value"] - 0.5) < 3.0 * row["sigma"]
    with pytest.raises(TableError, match="does not exist"):
        track_files(*paths, registration=tmp_path / "no" / "b.json")


def test_a_sentence_says_what_is_wrong_and_by_how_much(tmp_path: Path) -> None:
    bias = BiasEstimate("eo_3", "sensor", "clock", "s", -0.031, 0.0025, 0.05, True, True)
    assert sentence(bias) == (
        "sensor eo_3: clock is stated 0.031 s too small (sigma 0.0025 s); the tracks are corrected for it"
    )
    write_biases(tmp_path / "b.csv", [bias])
    with (tmp_path / "b.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert row["bias"] == "clock"
    assert (float(row["value"]), row["significant"]) == (-0.031, "1")
