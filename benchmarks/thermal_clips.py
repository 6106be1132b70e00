"""Thermal clips from pixels to tracks: detect, track, project the track back into the image, compare with labels.

A clip passes where the confirmed track lies within one box diagonal of the label's centre on 70 % of
the labelled frames after the first second. Where several tracks are confirmed at a frame, *the*
confirmed track is the one with the most support so far: the sum of its existence over the frames in
which it was confirmed. Labels have no part in that choice; what any confirmed track would have
reached is reported beside it. A coasting track does not count.

Run it: ``python -m benchmarks.thermal_clips DATA/thermal --class drone --out scores.json``
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from detectors.media import MediaError
from detectors.pinhole import Pinhole
from detectors.scans import open_thermal_clip, scan_message
from detectors.thermal import FrameDetections, detect_clip
from edge_node.tables.detections_file import HeardScan
from edge_node.tables.track_files import track_scans
from edge_node.tables.tracks_file import TrackTable
from messages.frames import ENU_FROM_NORTH_BODY, F64

HFOV_DEG = 24.0
"""Of the camera that recorded the public clips."""
SETTLING_NS = 1_000_000_000
"""The first second is not scored: a track needs time to be confirmed."""
PASS_FRACTION = 0.7
CLIP_PATTERN = "*.mp4"

Labels = dict[int, F64]
"""Frame number to box (4,): left, top, width, height [px]; a frame without the target has no entry."""
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class ClipScore:
    """One clip's result; fractions are of the labelled frames after the first second."""

    clip: str
    frames: int
    recall: float
    """Frames with a detection within one box diagonal."""
    clutter_per_frame: float
    on_target: float
    """Frames with *the* confirmed track within one box diagonal."""
    on_target_any: float
    """Frames with any confirmed track within one box diagonal."""
    track_ids: int
    passed: bool
    detect_ms: float
    """Wall-clock time a frame, decoding included."""
    track_ms: float


def read_labels(path: Path) -> dict[str, tuple[str, Labels]]:
    """Return clip name -> (class, labels) of a ``boxes.csv``; MediaError where a cell is no number."""
    clips: dict[str, tuple[str, Labels]] = {}
    with path.open(newline="", encoding="utf-8") as file:
        for line, row in enumerate(csv.DictReader(file), start=2):
            _, labels = clips.setdefault(row["clip"], (row["class"], {}))
            cells = [row[name] for name in ("x_px", "y_px", "width_px", "height_px")]
            if all(cells):
                try:
                    labels[int(row["frame"])] = np.array([float(cell) for cell in cells])
                except ValueError as error:
                    raise MediaError(f"{path}:{line}: {error}; a box is four numbers or four empty cells") from None
    return clips


def score_clip(path: Path, labels: Labels, hfov_deg: float = HFOV_DEG) -> ClipScore:
    """Detect and track one clip and compare with its labels."""
    clip = open_thermal_clip(path, hfov_deg)
    started = perf_counter()
    found = list(detect_clip(path))
    detected = perf_counter()
    scans = (scan_message(f, clip.camera, clip.description.sensor_id) for f in found)
    tracks = track_scans([HeardScan(scan.t_ns, scan) for scan in scans], [clip.description]).tracks
    tracked = perf_counter()
    recall, clutter = detection_score(found, labels)
    times = {f.frame: f.t_ns for f in found if f.t_ns > SETTLING_NS}
    on_target, on_target_any = track_score(tracks, clip.camera, times, labels)
    n = max(1, len(found))
    return ClipScore(
        clip=path.stem,
        frames=len([f for f in times if f in labels]),
        recall=recall,
        clutter_per_frame=clutter,
        on_target=on_target,
        on_target_any=on_target_any,
        track_ids=len(set(tracks.track_id.tolist())),
        passed=on_target >= PASS_FRACTION,
        detect_ms=1e3 * (detected - started) / n,
        track_ms=1e3 * (tracked - detected) / n,
    )


def detection_score(found: Sequence[FrameDetections], labels: Labels) -> tuple[float, float]:
    """Return recall over labelled frames and other detections a frame, both after the first second."""
    hits, labelled, others, frames = 0, 0, 0, 0
    for f in found:
        if f.t_ns <= SETTLING_NS:
            continue
        near = _near(f.centres_px, labels[f.frame]) if f.frame in labels else np.zeros(len(f.snr_db), np.bool_)
        frames += 1
        labelled += f.frame in labels
        hits += bool(near.any())
        others += int(np.count_nonzero(~near))
    return hits / max(1, labelled), others / max(1, frames)


def track_score(tracks: TrackTable, camera: Pinhole, times_ns: dict[int, int], labels: Labels) -> tuple[float, float]:
    """Return the fractions of labelled frames on which *the*, and any, confirmed track is on the target.

    ``times_ns`` are the scored frames and their times of validity.
    """
    confirmed = np.array([status == "confirmed" for status in tracks.status], dtype=np.bool_)
    pixels = camera.project(tracks.position_m @ ENU_FROM_NORTH_BODY)
    frame_of = {t_ns: frame for frame, t_ns in times_ns.items()}
    support: dict[int, float] = {}
    of_primary, of_any = set(), set()
    for t_ns in np.unique(tracks.t_ns[confirmed]).tolist():
        rows = np.flatnonzero(confirmed & (tracks.t_ns == t_ns))
        for row in rows:
            track_id = int(tracks.track_id[row])
            support[track_id] = support.get(track_id, 0.0) + float(tracks.existence[row])
        frame = frame_of.get(t_ns)
        if frame is None or frame not in labels:
            continue
        near = _near(pixels[rows], labels[frame])
        ids = tracks.track_id[rows].tolist()
        primary = min(range(len(rows)), key=lambda i: (-support[ids[i]], ids[i]))
        if near[primary]:
            of_primary.add(frame)
        if near.any():
            of_any.add(frame)
    n = max(1, sum(frame in labels for frame in times_ns))
    return len(of_primary) / n, len(of_any) / n


def evaluate(
    folder: Path, target_class: str = "drone", hfov_deg: float = HFOV_DEG, progress: Progress | None = None
) -> dict[str, Any]:
    """Score every clip of one class in ``folder/clips`` by ``folder/boxes.csv``; clips without a label are named."""
    labels = read_labels(folder / "boxes.csv")
    paths = [
        p for p in sorted((folder / "clips").glob(CLIP_PATTERN)) if labels.get(p.stem, ("", {}))[0] == target_class
    ]
    if not paths:
        raise MediaError(f"{folder / 'clips'}: no clip of class {target_class} that boxes.csv names")
    scores, unlabelled = [], []
    for done, path in enumerate(paths):
        boxes = labels[path.stem][1]
        if boxes:
            scores.append(score_clip(path, boxes, hfov_deg))
        else:
            unlabelled.append(path.stem)
        if progress is not None:
            progress(done + 1, len(paths), path.stem)
    return summary(scores) | {"unlabelled": unlabelled, "clips": [asdict(score) for score in scores]}


def summary(scores: Sequence[ClipScore]) -> dict[str, Any]:
    """Return the means over clips and the fraction of clips that pass."""

    def mean(values: Iterable[float]) -> float:
        return float(np.mean(list(values)))

    return {
        "scored": len(scores),
        "passed_fraction": mean(s.passed for s in scores),
        "passed_fraction_any": mean(s.on_target_any >= PASS_FRACTION for s in scores),
        "recall": mean(s.recall for s in scores),
        "clutter_per_frame": mean(s.clutter_per_frame for s in scores),
        "on_target": mean(s.on_target for s in scores),
        "on_target_any": mean(s.on_target_any for s in scores),
        "tracks_per_clip": mean(s.track_ids for s in scores),
        "detect_ms": mean(s.detect_ms for s in scores),
        "track_ms": mean(s.track_ms for s in scores),
    }


def _near(points_px: F64, box: F64) -> np.typing.NDArray[np.bool_]:
    """Say which points (n, 2) lie within one diagonal of the box's centre; NaN (behind the camera) does not."""
    centre = box[:2] + 0.5 * box[2:]
    away = np.hypot(points_px[:, 0] - centre[0], points_px[:, 1] - centre[1])
    return np.asarray(away <= np.hypot(box[2], box[3]), dtype=np.bool_)


def main() -> None:
    """Score a folder of clips from the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, help="folder with clips/ and boxes.csv")
    parser.add_argument("--class", dest="target_class", default="drone", help="class of the clips to score")
    parser.add_argument("--hfov-deg", type=float, default=HFOV_DEG, help="horizontal field of view")
    parser.add_argument("--out", type=Path, help="JSON file to write; default: standard output")
    options = parser.parse_args()

    def show(done: int, total: int, clip: str) -> None:
        print(f"\r{done}/{total} {clip}   ", end="", file=sys.stderr, flush=True)

    result = evaluate(options.folder, options.target_class, options.hfov_deg, show)
    print(file=sys.stderr)
    text = json.dumps(result, indent=2)
    if options.out is None:
        print(text)
    else:
        options.out.write_text(text + "\n", encoding="utf-8")
        print(json.dumps({k: v for k, v in result.items() if k != "clips"}, indent=2))


if __name__ == "__main__":
    main()
