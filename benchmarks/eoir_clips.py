"""Labelled clips through a video detector: precision, recall, F1 and AP at IoU 0.5, by class and size, time a frame.

Every frame is judged. A claim hits where its box overlaps the label by half and its class is the label's; a clip's
class is the one with the most score over its frames. The classical detector knows no classes: it is judged on whether a
target is there, and as if each of its claims were a drone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from benchmarks.eoir_scores import Claims, Verdict
from detectors.eoir.cells import CLASSES
from detectors.eoir.detector import FAINTEST, EoirDetector, Seen, detect_clip
from detectors.eoir.folder import Kind, LabelledClip, read_labelled
from detectors.media import MediaError
from detectors.thermal import FrameDetections
from detectors.thermal import detect_clip as detect_classical

Progress = Callable[[int, int, str], None]
NO_THRESHOLD = 0.0


class Choice(NamedTuple):
    """Which clips of a folder are judged, and how much of each."""

    held_out: bool = False
    """Only the clips that training holds out."""
    frames: int | None = None
    """At most so many frames a clip, from its start; None: all."""
    baseline: bool = False
    """The classical detector as well, in the same table."""


def evaluate(
    data: Path, kind: Kind, detector: EoirDetector, choice: Choice, progress: Progress | None = None
) -> dict[str, Any]:
    """Return the figures of a detector on the clips of a folder, for JSON; MediaError where none can be used."""
    clips = [clip for clip in read_labelled(data, kind) if clip.held_out or not choice.held_out]
    if not clips:
        raise MediaError(f"{data}: no held-out clip: leave out --held-out")
    verdict, classical = Verdict(detector.threshold), Verdict(NO_THRESHOLD, classes=False)
    refused: list[str] = []
    for done, clip in enumerate(clips):
        try:
            _judge(clip, detector, verdict, choice)
            if choice.baseline:
                _judge(clip, None, classical, choice)
        except MediaError as error:
            refused.append(str(error))
        if progress is not None:
            progress(done + 1, len(clips), clip.name)
    if not verdict.frames:
        raise MediaError("\n".join([f"{data}: no clip could be used", *refused]))
    figures = {"detector": f"eo-ir {kind}", "clips": len(clips), "held_out_only": choice.held_out, **verdict.figures()}
    if choice.baseline:
        figures["classical"] = classical.figures()
    return figures | {"refused": refused} | _how(detector)


def _how(detector: EoirDetector) -> dict[str, Any]:
    session = detector.session
    return {
        "threshold": detector.threshold,
        "threads": session.threads,
        "provider": session.provider,
        "passed_over": [p._asdict() for p in session.passed_over],
        "model_sha256": session.model.sha256,
    }


def _judge(clip: LabelledClip, detector: EoirDetector | None, verdict: Verdict, choice: Choice) -> None:
    """Add one clip to a verdict; without a detector the classical one is judged."""
    truth = CLASSES.index(clip.label)
    frames: Iterator[Claims] = _classical(clip) if detector is None else _network(clip, detector)
    frames = islice(frames, choice.frames)
    while True:
        started = perf_counter()
        claims = next(frames, None)
        if claims is None:
            break
        verdict.add(clip.name, truth, clip.boxes.get(claims.frame), claims, 1e3 * (perf_counter() - started))


def _network(clip: LabelledClip, detector: EoirDetector) -> Iterator[Claims]:
    told, detector.threshold = detector.threshold, FAINTEST  # the average precision needs the faint ones too
    try:
        for seen in detect_clip(clip.path, detector):
            yield _of_network(seen)
    finally:
        detector.threshold = told


def _of_network(seen: Seen) -> Claims:
    return Claims(seen.frame, seen.boxes_px, seen.score, seen.classes)


def _classical(clip: LabelledClip) -> Iterator[Claims]:
    for found in detect_classical(clip.path):
        yield _of_classical(found)


def _of_classical(found: FrameDetections) -> Claims:
    classes = np.tile(np.eye(len(CLASSES))[0], (len(found.snr_db), 1))
    return Claims(found.frame, found.boxes_px, found.snr_db, classes)
