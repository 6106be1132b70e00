"""Labelled recordings through the acoustic detector: precision, recall, F1 on seconds, calibration, time a window."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from detectors.acoustic.classifier import THRESHOLD, AcousticClassifier
from detectors.acoustic.folder import CLASSES, Clip, read_clips
from detectors.acoustic.scans import Heard, listen
from detectors.scores import BOOL, expected_calibration_error, score
from messages.frames import F64

Progress = Callable[[int, int, str], None]
PERCENTILE = 95.0


def evaluate(data: Path, classifier: AcousticClassifier, progress: Progress | None = None) -> dict[str, Any]:
    """Return the figures of a classifier on every clip of a folder, as one object for JSON.

    Seconds in which the microphone was silent are counted and left out. MediaError where no clip can be used.
    """
    clips, refused = read_clips(data)
    heard: list[tuple[Clip, Heard]] = []
    times_ms: list[float] = []
    for done, clip in enumerate(clips):
        windows = listen(clip.recording, classifier, None)
        while True:
            started = perf_counter()
            window = next(windows, None)
            if window is None:
                break
            times_ms.append(1e3 * (perf_counter() - started))
            heard.append((clip, window))
        if progress is not None:
            progress(done + 1, len(clips), clip.name)
    return _figures(clips, heard) | {"refused": refused} | _how(classifier, times_ms)


def _how(classifier: AcousticClassifier, times_ms: list[float]) -> dict[str, Any]:
    session = classifier.session
    return {
        "ms_window_median": round(float(np.median(times_ms)), 3),
        "ms_window_p95": round(float(np.percentile(times_ms, PERCENTILE)), 3),
        "threads": session.threads,
        "provider": session.provider,
        "passed_over": [p._asdict() for p in session.passed_over],
        "model_sha256": session.model.sha256,
    }


def _figures(clips: list[Clip], heard: list[tuple[Clip, Heard]]) -> dict[str, Any]:
    judged = [(clip, h) for clip, h in heard if h.condition != "silent"]
    true = np.array([clip.label == CLASSES[1] for clip, _ in judged], dtype=np.bool_)
    remembered = np.array([h.claim.drone for _, h in judged])
    alone = np.array([h.claim.drone_alone for _, h in judged])
    names = np.array([clip.name for clip, _ in judged])
    claimed = remembered >= THRESHOLD
    by_class = {"background": score(~claimed, ~true)._asdict(), "drone": score(claimed, true)._asdict()}
    right = [float(np.mean((claimed == true)[names == clip.name])) for clip in clips]
    return {
        "detector": "acoustic",
        "clips": len(clips),
        "windows": len(judged),
        "silent_windows": len(heard) - len(judged),
        "clipped_windows": sum(h.condition == "clipped" for _, h in judged),
        **{key: value for key, value in by_class["drone"].items() if key != "support"},
        "by_class": by_class,
        "ece": expected_calibration_error(remembered, true),
        "window_alone": _alone(alone, true),
        "clip_accuracy": float(np.mean(np.array(right) > 0.5)),
        "clips_mostly_wrong": [clip.name for clip, share in zip(clips, right, strict=True) if share <= 0.5],
    }


def _alone(probability: F64, true: BOOL) -> dict[str, float]:
    """Return the figures of seconds judged by themselves, without the memory."""
    found = score(probability >= THRESHOLD, true)
    return {
        "precision": found.precision,
        "recall": found.recall,
        "f1": found.f1,
        "ece": expected_calibration_error(probability, true),
    }
