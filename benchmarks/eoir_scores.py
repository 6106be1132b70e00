"""Counting hits of boxes at IoU 0.5: one target a frame at most, as the public clips are labelled."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from detectors.eoir.cells import CLASSES, overlap
from detectors.scores import expected_calibration_error
from messages.frames import F64

MATCH_IOU = 0.5
SIZE_BINS_PX = {"under_16": (0.0, 16.0), "16_to_32": (16.0, 32.0), "over_32": (32.0, np.inf)}
"""By the longer side of the box, in pixels of the clip."""
PERCENTILE = 95.0


class Claims(NamedTuple):
    """What is claimed in one frame: ``boxes_px`` (n, 4), ``score`` (n,), ``classes`` (n, len(CLASSES))."""

    frame: int
    boxes_px: F64
    score: F64
    classes: F64


class Claim(NamedTuple):
    """One claim against the label of its frame."""

    score: float
    label: int
    confidence: float
    iou: float
    error_px: float
    side_px: float
    truth: int
    """Class of the frame's target; -1 where none is in view."""
    best: bool
    """It hits and no stronger claim of the frame does; others on the same target are false alarms."""


class Target(NamedTuple):
    """One labelled frame with a target in view."""

    label: int
    side_px: float


@dataclass
class Verdict:
    """Collects the frames of all clips; ``threshold`` is the score from which a claim counts outside of AP."""

    threshold: float
    classes: bool = True
    """Whether the detector tells classes apart."""
    claims: list[Claim] = field(default_factory=list)
    targets: list[Target] = field(default_factory=list)
    frames: int = 0
    times_ms: list[float] = field(default_factory=list)
    _clips: dict[str, tuple[int, F64]] = field(default_factory=dict)

    def add(self, clip: str, truth: int, box: F64 | None, claims: Claims, time_ms: float) -> None:
        """Add one frame; ``box`` is its label, None where no target is in view."""
        self.frames += 1
        self.times_ms.append(time_ms)
        _, total = self._clips.setdefault(clip, (truth, np.zeros(len(CLASSES))))
        told = claims.score >= self.threshold
        total += (claims.score[told, None] * claims.classes[told]).sum(axis=0)
        if box is not None:
            self.targets.append(Target(truth, float(max(box[2:]))))
        taken = False
        for k in np.argsort(-claims.score, kind="stable"):
            claim = _against(box, truth, claims, int(k))
            best = claim.iou >= MATCH_IOU and not taken
            taken = taken or best
            self.claims.append(claim._replace(best=best))

    def figures(self) -> dict[str, Any]:
        """Return all figures, ready for JSON."""
        told = [c for c in self.claims if c.score >= self.threshold]
        drone = self._of(told, 0)
        return {
            "frames": self.frames,
            **{key: drone[key] for key in ("precision", "recall", "f1", "ap50") if key in drone},
            "centre_error_px": self._centre_error(told),
            "target": _score([c.best for c in told], len(self.targets)),
            "by_class": {CLASSES[k]: self._of(told, k) for k in sorted({t.label for t in self.targets})},
            "by_size": {name: self._of_size(told, *limits) for name, limits in SIZE_BINS_PX.items()},
            "false_alarms_a_frame": round(sum(not c.best for c in told) / max(1, self.frames), 4),
            **(self._class_figures(told) if self.classes else {}),
            "ms_frame_median": round(float(np.median(self.times_ms)), 2),
            "ms_frame_p95": round(float(np.percentile(self.times_ms, PERCENTILE)), 2),
        }

    def _of(self, told: Sequence[Claim], label: int) -> dict[str, Any]:
        """Return the score of one class, its average precision and its confusion."""
        there = sum(t.label == label for t in self.targets)
        hits = [_hits(c, label) for c in told if c.label == label]
        taken_for: dict[str, int] = defaultdict(int)
        for c in told:
            if c.truth == label and c.iou >= MATCH_IOU:
                taken_for[CLASSES[c.label]] += 1
        listed = sorted((c for c in self.claims if c.label == label), key=lambda c: -c.confidence)
        ap = average_precision([_hits(c, label) for c in listed], there)
        return _score(hits, there) | {"ap50": round(ap, 4), "taken_for": dict(taken_for)}

    def _of_size(self, told: Sequence[Claim], low: float, high: float) -> dict[str, Any]:
        """Return the scores of targets of one size, of any class and of drones; a claim has the size of its own box."""
        inside = [c for c in told if low <= c.side_px < high]
        drones = [t for t in self.targets if t.label == 0 and low <= t.side_px < high]
        return {
            "target": _score([c.best for c in inside], sum(low <= t.side_px < high for t in self.targets)),
            "drone": _score([_hits(c, 0) for c in inside if c.label == 0], len(drones)),
        }

    def _centre_error(self, told: Sequence[Claim]) -> dict[str, float]:
        errors = [c.error_px for c in told if c.best]
        if not errors:
            return {}
        return {"median": round(float(np.median(errors)), 3), "p95": round(float(np.percentile(errors, PERCENTILE)), 3)}

    def _class_figures(self, told: Sequence[Claim]) -> dict[str, Any]:
        confidence = np.array([c.confidence for c in told])
        right = np.array([c.label == c.truth and c.best for c in told], dtype=np.bool_)
        said = {clip: int(total.argmax()) if total.any() else -1 for clip, (_, total) in self._clips.items()}
        wrong = {clip: said[clip] for clip, (truth, _) in self._clips.items() if said[clip] != truth}
        as_drone = [(said[clip] == 0) == (truth == 0) for clip, (truth, _) in self._clips.items()]
        return {
            "clip_accuracy": round(1.0 - len(wrong) / max(1, len(said)), 4),
            "clip_accuracy_drone_or_not": round(float(np.mean(as_drone)), 4),
            "clips_mostly_wrong": {clip: CLASSES[k] if k >= 0 else "nothing" for clip, k in sorted(wrong.items())},
            "ece": round(expected_calibration_error(confidence, right), 4),
        }


def _hits(claim: Claim, label: int) -> bool:
    return claim.best and claim.truth == label


def _against(box: F64 | None, truth: int, claims: Claims, k: int) -> Claim:
    mine, label = claims.boxes_px[k], int(claims.classes[k].argmax())
    confidence = float(claims.score[k] * claims.classes[k, label])
    iou, away = 0.0, float("nan")
    if box is not None:
        iou = float(overlap(mine[None], box[None])[0, 0])
        away = float(np.hypot(*(mine[:2] + 0.5 * mine[2:] - box[:2] - 0.5 * box[2:])))
    known = -1 if box is None else truth
    return Claim(float(claims.score[k]), label, confidence, iou, away, float(max(mine[2:])), known, False)


def _score(hits: Sequence[bool], there: int) -> dict[str, Any]:
    """Return precision, recall and F1 of claims that hit or not, with ``there`` to be found."""
    found = sum(hits)
    total = len(hits) + there
    return {
        "precision": round(found / len(hits), 4) if hits else 0.0,
        "recall": round(found / there, 4) if there else 0.0,
        "f1": round(2.0 * found / total, 4) if total else 0.0,
        "labels": there,
        "claims": len(hits),
    }


def average_precision(hits: Sequence[bool], there: int) -> float:
    """Return the area under precision over recall of claims, strongest first (all points, precision monotonous)."""
    if not there or not hits:
        return 0.0
    found = np.cumsum(hits)
    precision = found / np.arange(1, len(hits) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(envelope[np.asarray(hits, dtype=np.bool_)]) / there)
