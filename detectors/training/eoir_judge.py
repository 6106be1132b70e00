"""How good a network is on samples held out: matches at IoU 0.5, and F1 of a target, of a drone, and by class."""

from __future__ import annotations

from typing import Any

import numpy as np

from detectors.eoir.cells import CLASSES, Boxes, overlap
from detectors.training.eoir_data import I64
from messages.frames import F64

MATCH_IOU = 0.5
THRESHOLDS = np.arange(0.1, 0.71, 0.05)


def best_threshold(found: list[Boxes], boxes_px: F64, label: I64) -> tuple[float, float]:
    """Return the score threshold with the greatest F1 of drones (of targets where there are none), and that F1."""
    drones = bool((label == 0).any())
    scores = [(f1_at(found, boxes_px, label, t)["drone" if drones else "target"], -abs(t - 0.3), t) for t in THRESHOLDS]
    best = max(scores)
    return float(best[2]), best[0]


def f1_at(found: list[Boxes], boxes_px: F64, label: I64, threshold: float) -> dict[str, Any]:
    """Return F1 at IoU 0.5 of ``target`` (any class) and of each class that occurs, one box wanted a sample at most."""
    counts = {name: [0, 0, 0] for name in ("target", *CLASSES)}  # hits, claims, there
    for boxes, box, true in zip(found, boxes_px, label, strict=True):
        kept = boxes.score >= threshold
        there = bool(np.isfinite(box[0]))
        hit = overlap(boxes.boxes_px[kept], box[None])[:, 0] >= MATCH_IOU if there else np.zeros(int(kept.sum()), bool)
        classes = boxes.logits[kept].argmax(axis=1)
        for name, claimed in [("target", hit | True), *((c, classes == k) for k, c in enumerate(CLASSES))]:
            wanted = there and (name in ("target", CLASSES[true]))
            counts[name][0] += int(wanted and bool((hit & claimed).any()))
            counts[name][1] += int(claimed.sum())
            counts[name][2] += int(wanted)
    return {name: 2.0 * h / (c + t) for name, (h, c, t) in counts.items() if t}
