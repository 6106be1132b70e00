"""``vedette detect rf``: SigMF recordings -> DETECTIONS.csv, SENSORS.yaml, a table of signals, SigMF annotations."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import Progress as Bar

from detectors.media import NS_PER_S, MediaError
from detectors.rf.annotating import write_annotated
from detectors.rf.classifier import CLASSES, Claim, EmitterClassifier, open_classifier
from detectors.rf.recording import META, Recording, meta_files, read_recording
from detectors.rf.scans import Heard, azimuth_sigma_rad, description, listen, scan_message
from edge_node.tables.detections_file import HeardScan
from edge_node.tables.detections_writing import write_detections
from edge_node.tables.sensors_file import write_sensors_yaml
from edge_node.tables.writing import write_table
from messages.types import SensorDescription
from vedette.errors import InputError, RunFailed

NOT_A_NAME = re.compile(r"[^A-Za-z0-9_.:-]")


@dataclass
class Found:
    """What was heard so far, over all recordings."""

    scans: list[HeardScan] = field(default_factory=list)
    sensors: list[SensorDescription] = field(default_factory=list)
    rows: list[tuple[str, Heard, Claim]] = field(default_factory=list)
    notes: list[tuple[Path, Recording, list[Heard]]] = field(default_factory=list)
    snapshots: int = 0
    faults: list[str] = field(default_factory=list)


def main(
    source: Path, out: Path, boxes: Path | None, sigmf: Path | None, model: str, threads: int, *, quiet: bool
) -> None:
    """Listen to a recording or a folder and say what was heard; one that cannot be used does not stop the others."""
    for option, path in (("--out", out), ("--boxes", boxes)):
        if path is not None and not path.parent.is_dir():
            raise InputError(f"{option} = {path}: folder {path.parent} does not exist: make it first")
    if sigmf is not None and not sigmf.is_dir():
        raise InputError(f"--sigmf = {sigmf}: no such folder: make it first")
    paths = meta_files(source)
    if sigmf is not None and sigmf.resolve() == paths[0].parent.resolve():
        raise InputError(f"--sigmf = {sigmf}: holds the recordings, whose metadata would be lost: name another folder")
    classifier = open_classifier(model, threads)
    found, refused = Found(), []
    with Bar(disable=quiet, transient=True) as bar:
        for path in bar.track(paths, description="listening"):
            try:
                _listen(path, classifier, found)
            except MediaError as error:
                if not source.is_dir():
                    raise
                refused.append(str(error))
    if not found.sensors:
        raise InputError("\n".join([f"{source}: no recording could be used", *refused]))
    _write(out, boxes, sigmf, found)
    for line in [*refused, *found.faults]:
        print(f"vedette: {line}", file=sys.stderr)
    if not quiet:
        _tell(out, found, classifier)
    if refused:
        raise RunFailed(
            f"{len(refused)} of {len(paths)} recordings could not be used (named above); the others are written"
        )


def _listen(path: Path, classifier: EmitterClassifier, found: Found) -> None:
    recording = read_recording(path)
    heard = [_light(h) for h in listen(recording, classifier)]
    if not heard:
        raise MediaError(f"{path}: no capture is long enough to be judged")
    silent = [h for h in heard if h.snapshot.condition == "silent"]
    if len(silent) == len(heard):
        raise MediaError(
            f"{path}: silent receiver: an antenna gave nothing but noughts throughout; check cables and gain"
        )
    sensor_id = NOT_A_NAME.sub("_", path.name.removesuffix(META))[:64] or "receiver"
    found.sensors.append(description(sensor_id, recording))
    messages = [scan_message(h, sensor_id) for h in heard]
    found.scans += [HeardScan(m.t_ns, m) for m in messages if m is not None]
    found.rows += [(sensor_id, h, claim) for h in heard for claim in h.claims]
    found.notes.append((path, recording, heard))
    found.snapshots += len(heard)
    for condition in ("silent", "clipped"):
        at = [h.snapshot.t_ns / NS_PER_S for h in heard if h.snapshot.condition == condition]
        if at:
            found.faults.append(
                f"{path}: receiver {condition} in {len(at)} of {len(heard)} snapshots, first at {at[0]:g} s"
            )


def _light(heard: Heard) -> Heard:
    """Let go of the samples, which a folder of recordings has gigabytes of."""
    return Heard(heard.snapshot._replace(samples=np.empty((0, 0), dtype=np.complex64)), heard.claims)


def _write(out: Path, boxes: Path | None, sigmf: Path | None, found: Found) -> None:
    write_sensors_yaml(out.with_name("sensors.yaml"), found.sensors)
    write_detections(out, sorted(found.scans, key=lambda s: s.t_arrival_ns))
    if boxes is not None:
        write_table(boxes, _table(found))
    if sigmf is not None:
        for path, recording, heard in found.notes:
            write_annotated(sigmf / path.name, recording, heard)


def _table(found: Found) -> dict[str, Any]:
    rows = found.rows
    bearings = [np.nan if c.bearing is None else np.degrees(c.bearing.azimuth_rad) for _, _, c in rows]
    sigmas = [np.nan if c.bearing is None else np.degrees(azimuth_sigma_rad(c)) for _, _, c in rows]
    return {
        "clip": [clip for clip, _, _ in rows],
        "time_s": np.array([h.snapshot.t_ns / NS_PER_S for _, h, _ in rows]),
        "class": [c.label for _, _, c in rows],
        "score": np.array([float(c.probabilities.max()) for _, _, c in rows]),
        "azimuth_deg": np.array(bearings),
        "azimuth_sigma_deg": np.array(sigmas),
        "frequency_mhz": np.array([(h.snapshot.frequency_hz + c.signal.middle_hz) / 1e6 for _, h, c in rows]),
        "bandwidth_mhz": np.array([c.signal.bandwidth_hz / 1e6 for _, _, c in rows]),
        "snr_db": np.array([c.signal.snr_db for _, _, c in rows]),
    }


def _tell(out: Path, found: Found, classifier: EmitterClassifier) -> None:
    print(classifier.session.describe())
    print(f"{out}: {len(found.rows)} signals in {found.snapshots} snapshots, {len(found.sensors)} recordings")
    for name in CLASSES:
        count = sum(c.label == name for _, _, c in found.rows)
        if count:
            print(f"{name:15s} {count}")
