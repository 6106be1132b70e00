"""``vedette detect thermal|visible`` with a model: clips -> DETECTIONS.csv, its SENSORS.yaml, and a table of boxes."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from rich.progress import Progress as Bar

from detectors.eoir.detector import EoirDetector, Seen, detect_clip, open_detector
from detectors.eoir.scans import scan_message
from detectors.media import MediaError
from detectors.scans import open_thermal_clip
from edge_node.tables.detections_file import HeardScan
from edge_node.tables.detections_writing import write_detections
from edge_node.tables.sensors_file import write_sensors_yaml
from edge_node.tables.writing import write_table
from messages.types import SensorDescription, SensorKind
from vedette.detect_audio import NOT_A_NAME
from vedette.errors import InputError, RunFailed

KINDS: dict[str, SensorKind] = {"thermal": "ir", "visible": "eo"}


@dataclass
class Found:
    """What was seen so far, over all clips."""

    scans: list[HeardScan] = field(default_factory=list)
    sensors: list[SensorDescription] = field(default_factory=list)
    rows: list[tuple[str, Seen]] = field(default_factory=list)


def main(
    source: Path, out: Path, boxes: Path | None, hfov_deg: float, model: str, threads: int, kind: str, *, quiet: bool
) -> None:
    """Look through a clip or a folder and say what was seen; a clip that cannot be used does not stop the others."""
    for option, path in (("--out", out), ("--boxes", boxes)):
        if path is not None and not path.parent.is_dir():
            raise InputError(f"{option} = {path}: folder {path.parent} does not exist: make it first")
    paths = sorted(source.glob("*.mp4")) if source.is_dir() else [source]
    detector = open_detector(model, threads)
    if detector.card.kind != kind:
        raise InputError(
            f"--model = {model}: was trained on {detector.card.kind} clips: must be a model for {kind} ones"
        )
    found, refused = Found(), []
    with Bar(disable=quiet, transient=True) as bar:
        for path in bar.track(paths, description="looking"):
            try:
                _look(path, hfov_deg, kind, detector, found)
            except MediaError as error:
                if not source.is_dir():
                    raise
                refused.append(str(error))
    if not found.sensors:
        raise InputError("\n".join([f"{source}: no clip could be used", *refused]))
    write_sensors_yaml(out.with_name("sensors.yaml"), found.sensors)
    write_detections(out, found.scans)
    if boxes is not None:
        write_table(boxes, table(found.rows))
    for line in refused:
        print(f"vedette: {line}", file=sys.stderr)
    if not quiet:
        _tell(out, found, detector)
    if refused:
        raise RunFailed(f"{len(refused)} of {len(paths)} clips could not be used (named above); the others are written")


def _look(path: Path, hfov_deg: float, kind: str, detector: EoirDetector, found: Found) -> None:
    sensor_id = NOT_A_NAME.sub("_", path.stem)[:64] or "camera"
    clip = open_thermal_clip(path, hfov_deg, sensor_id)
    seen = list(detect_clip(path, detector))
    found.sensors.append(msgspec.structs.replace(clip.description, kind=KINDS[kind]))
    found.rows += [(path.stem, s) for s in seen]
    found.scans += [HeardScan(s.t_ns, scan_message(s, clip.camera, sensor_id)) for s in seen]


def table(rows: list[tuple[str, Seen]]) -> dict[str, Any]:
    """Return the columns of ``boxes.csv``: one row a box, with its likeliest class and the score of that."""
    each = [(clip, s, k) for clip, s in rows for k in range(len(s.score))]
    boxes = np.array([s.boxes_px[k] for _, s, k in each], dtype=np.float64).reshape(-1, 4).round(2)
    return {
        "clip": [clip for clip, _, _ in each],
        "frame": np.array([s.frame for _, s, _ in each], dtype=np.int64),
        **{name: boxes[:, k] for k, name in enumerate(("x_px", "y_px", "width_px", "height_px"))},
        "class": [s.labels[k] for _, s, k in each],
        "score": np.array([s.score[k] * s.classes[k].max() for _, s, k in each], dtype=np.float64).round(4),
    }


def _tell(out: Path, found: Found, detector: EoirDetector) -> None:
    boxes = sum(len(s.score) for _, s in found.rows)
    drones = sum("drone" in s.labels for _, s in found.rows)
    print(detector.session.describe())
    print(f"{out}: {boxes} detections in {len(found.rows)} frames of {len(found.sensors)} clips")
    print(f"a drone in {drones} frames; next: vedette track {out} --sensors {out.with_name('sensors.yaml')}")
