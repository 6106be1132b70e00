"""``vedette detect audio``: recordings -> DETECTIONS.csv, its SENSORS.yaml, and a table with one row a second."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import Progress as Bar

from detectors.acoustic.bearing import MicrophoneArray
from detectors.acoustic.classifier import AcousticClassifier, open_classifier
from detectors.acoustic.folder import CLASSES, audio_folder
from detectors.acoustic.microphones import read_microphones
from detectors.acoustic.scans import Heard, description, listen, scan_message
from detectors.acoustic.sound import WINDOW_S, read_recording
from detectors.media import MediaError
from edge_node.tables.detections_file import HeardScan
from edge_node.tables.detections_writing import write_detections
from edge_node.tables.sensors_file import write_sensors_yaml
from edge_node.tables.writing import write_table
from messages.types import SensorDescription
from vedette.errors import InputError, RunFailed

NOT_A_NAME = re.compile(r"[^A-Za-z0-9_.:-]")


@dataclass
class Found:
    """What was heard so far, over all files."""

    scans: list[HeardScan] = field(default_factory=list)
    sensors: list[SensorDescription] = field(default_factory=list)
    rows: list[tuple[str, Heard]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def main(
    source: Path, out: Path, boxes: Path | None, microphones: Path | None, model: str, threads: int, *, quiet: bool
) -> None:
    """Listen to a file or a folder and say what was heard; a file that cannot be used does not stop the others."""
    for option, path in (("--out", out), ("--boxes", boxes)):
        if path is not None and not path.parent.is_dir():
            raise InputError(f"{option} = {path}: folder {path.parent} does not exist: make it first")
    paths = sorted(audio_folder(source).glob("*.wav")) if source.is_dir() else [source]
    array = read_microphones(microphones) if microphones is not None else None
    classifier = open_classifier(model, threads)
    found, refused = Found(), []
    with Bar(disable=quiet, transient=True) as bar:
        for path in bar.track(paths, description="listening"):
            try:
                _listen(path, classifier, array, found)
            except MediaError as error:
                if not source.is_dir():
                    raise
                refused.append(str(error))
    if not found.sensors:
        raise InputError("\n".join([f"{source}: no file could be used", *refused]))
    _write(out, boxes, found)
    for line in [*refused, *found.faults]:
        print(f"vedette: {line}", file=sys.stderr)
    if not quiet:
        _tell(out, found, classifier)
    if refused:
        raise RunFailed(f"{len(refused)} of {len(paths)} files could not be used (named above); the others are written")


def _listen(path: Path, classifier: AcousticClassifier, array: MicrophoneArray | None, found: Found) -> None:
    recording = read_recording(path)
    channels = recording.sound.shape[1]
    if array is not None and channels != len(array.positions_m):
        raise MediaError(f"{path}: channels = {channels}: must be {len(array.positions_m)}, as --microphones says")
    sensor_id = NOT_A_NAME.sub("_", path.stem)[:64] or "microphone"
    heard = list(listen(recording, classifier, array))
    found.sensors.append(description(sensor_id, array))
    found.rows += [(path.stem, h) for h in heard]
    messages = [scan_message(h, sensor_id) for h in heard]
    found.scans += [HeardScan(m.t_ns, m) for m in messages if m is not None]
    for condition in ("silent", "clipped"):
        at = [h.window * WINDOW_S for h in heard if h.condition == condition]
        if at:
            found.faults.append(f"{path}: microphone {condition} in {len(at)} of {len(heard)} s, first at {at[0]} s")


def _write(out: Path, boxes: Path | None, found: Found) -> None:
    write_sensors_yaml(out.with_name("sensors.yaml"), found.sensors)
    write_detections(out, found.scans)
    if boxes is None:
        return
    rows = [h for _, h in found.rows]
    bearings = [np.nan if h.bearing is None else np.degrees(h.bearing.azimuth_rad) for h in rows]
    scores = [h.claim.drone if h.claim.label == CLASSES[1] else 1.0 - h.claim.drone for h in rows]
    silent = np.array([h.condition == "silent" for h in rows], dtype=np.bool_)
    columns: dict[str, Any] = {
        "clip": [clip for clip, _ in found.rows],
        "time_s": np.array([h.window * WINDOW_S for h in rows], dtype=np.int64),
        "class": [h.claim.label for h in rows],
        "score": np.where(silent, np.nan, scores),
        "azimuth_deg": np.array(bearings),
    }
    write_table(boxes, columns)


def _tell(out: Path, found: Found, classifier: AcousticClassifier) -> None:
    drones = [h for _, h in found.rows if h.rotor is not None]
    print(f"{classifier.session.describe()}")
    print(f"{out}: a drone in {len(drones)} of {len(found.rows)} s, {len(found.sensors)} recordings")
    if drones and len(found.sensors) == 1:
        fundamental = float(np.median([h.rotor.fundamental_hz for h in drones if h.rotor is not None]))
        blades = float(np.median([h.rotor.blade_pass_hz for h in drones if h.rotor is not None]))
        print(f"rotor: lines every {fundamental:.1f} Hz, blades pass at {blades:.1f} Hz (medians)")
