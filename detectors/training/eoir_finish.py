"""From a trained state to files: float32 and int8 models, threshold, temperature, card."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import numpy as np
import yaml
from scipy import optimize

from detectors.eoir.cells import CLASSES, Boxes, decode, overlap
from detectors.eoir.detector import FAINTEST, INPUT, OUTPUT
from detectors.manifest import checked_model
from detectors.session import Session
from detectors.training.eoir import Budget, Plan, State, fit, spread, weights_of
from detectors.training.eoir_augment import whole
from detectors.training.eoir_card import card
from detectors.training.eoir_data import I64, Progress, Samples, prepare, twins
from detectors.training.eoir_export import float_bytes, int8_bytes
from detectors.training.eoir_judge import MATCH_IOU, best_threshold, f1_at
from detectors.training.files import write_whole
from messages.frames import F64

CALIBRATION_SAMPLES = 150
JUDGED_AT_END = 1000
LOG_TEMPERATURE_LIMIT = 3.0


def train(plan: Plan, budget: Budget, progress: Progress | None = None) -> dict[str, Any]:
    """Train, judge and write ``model.onnx``, ``int8.onnx`` and ``card.yaml`` to ``plan.out``; return the card.

    Raises MediaError where the clips or an interrupted training cannot be used.
    """
    samples = prepare(plan.data, plan.kind, plan.cache, progress)
    state = fit(plan, samples, budget, progress)
    return finish(plan, samples, state)


def finish(plan: Plan, samples: Samples, state: State) -> dict[str, Any]:
    """Write the models of a state and their card; return the card."""
    single = float_bytes(weights_of(state.average))
    examples = spread(samples.rows(held_out=False), CALIBRATION_SAMPLES)
    int8 = int8_bytes(single, (whole(samples, int(row)) for row in examples))
    rows = spread(samples.rows(held_out=True), JUDGED_AT_END)
    boxes, label = samples.boxes_px[rows], samples.label[rows]
    of_single, of_int8 = (_claims(data, plan, samples, rows) for data in (single, int8))
    threshold, _ = best_threshold(of_single, boxes, label)
    table = {
        "samples": len(rows),
        "float32": _rounded(f1_at(of_single, boxes, label, threshold)),
        "int8": _rounded(f1_at(of_int8, boxes, label, threshold)),
        "curve": state.curve,
        "note": "F1 at IoU 0.5 of single frames without the memory of classes; see docs/detectors.md for whole clips",
    }
    written = card(
        kind=plan.kind,
        models=(single, int8),
        plan={"seed": plan.seed, "steps": state.steps, "settings": json.loads(json.dumps(asdict(plan.settings)))},
        samples=samples,
        twins=twins(samples),
        threshold=round(threshold, 3),
        temperature=round(temperature(of_single, boxes, label), 4),
        table=table,
    )
    write_whole(plan.out / "model.onnx", single)
    write_whole(plan.out / "int8.onnx", int8)
    write_whole(plan.out / "card.yaml", yaml.safe_dump(written, sort_keys=False, width=100).encode())
    return written


def temperature(found: Iterable[Boxes], boxes_px: F64, label: I64) -> float:
    """Return what class logits are divided by, so that the probabilities of boxes that hit are the likeliest."""
    logits, true = [], []
    for boxes, box, k in zip(found, boxes_px, label, strict=True):
        if np.isfinite(box[0]) and len(boxes.score):
            hit = overlap(boxes.boxes_px, box[None])[:, 0] >= MATCH_IOU
            logits += list(boxes.logits[hit])
            true += [int(k)] * int(hit.sum())
    if not logits:
        return 1.0
    z, t = np.array(logits), np.array(true)
    never = [k for k in range(len(CLASSES)) if k not in np.unique(label)]
    z[:, never] = -np.inf

    def loss(log_temperature: float) -> float:
        scaled = z / np.exp(log_temperature)
        top = scaled.max(axis=1)
        log_sum = top + np.log(np.exp(scaled - top[:, None]).sum(axis=1))
        return float(np.mean(log_sum - scaled[np.arange(len(t)), t]))

    limit = LOG_TEMPERATURE_LIMIT
    return float(np.exp(optimize.minimize_scalar(loss, bounds=(-limit, limit), method="bounded").x))


def _claims(model: bytes, plan: Plan, samples: Samples, rows: I64) -> list[Boxes]:
    session = Session(checked_model("eo-ir", plan.out, model, ""), plan.threads)
    cells = (session.run({INPUT: whole(samples, int(row))[None]})[OUTPUT][0] for row in rows)
    return [decode(c, FAINTEST) for c in cells]


def _rounded(f1: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in f1.items()}
