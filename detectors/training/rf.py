"""``vedette train rf``: from simulated emitters to an ONNX model with its card, judged on emitters never trained on."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from scipy import optimize

from detectors.rf import scores
from detectors.rf.classifier import CLASSES, INPUTS, OUTPUT, SHAPES
from detectors.rf.recording import SNAPSHOT_S
from detectors.training.acoustic_export import OPSET
from detectors.training.files import write_whole
from detectors.training.rf_data import I64, Examples
from detectors.training.rf_export import model_bytes
from detectors.training.rf_network import Progress, Settings, logits, train_network
from messages.frames import F64

CALIBRATION_SHARE = 0.1  # of the training examples, which no network sees: they set the temperature
SPLIT = (
    "every free parameter's range in eight slices on a logarithmic scale: even ones are trained on, odd ones held out,"
    " with three or four echoes where training has one or two; what a standard fixes is the same in both"
)
LIMITS = (
    "Emitters are simulated, one a snapshot: no recording of a real link has been judged.",
    "FHSS control is a hop of a chirp spread spectrum (ExpressLRS); hops of other modulations are other.",
    "OFDM video has the subcarrier spacings of LTE, 15 and 30 kHz; noise-like links with others are other.",
    "Signals that overlap in frequency and time are taken for one.",
)


@dataclass(frozen=True)
class Plan:
    """How a model is made, and where it goes; ``made`` says how the emitters were made, for the card."""

    out: Path
    seed: int = 0
    settings: Settings = field(default_factory=Settings)
    made: dict[str, Any] = field(default_factory=dict)


def train(plan: Plan, training: Examples, held_out: Examples, progress: Progress | None = None) -> dict[str, Any]:
    """Train, judge and write ``model.onnx`` and ``card.yaml`` to ``plan.out``; return the card."""
    usable = np.flatnonzero(training.found)
    kept = usable[:: round(1.0 / CALIBRATION_SHARE)]
    weights = train_network(training, np.setdiff1d(usable, kept), plan.settings, plan.seed, progress)
    scale = temperature(logits(weights, training, kept), training.label[kept])
    said = _softmax(scale * logits(weights, held_out, np.arange(len(held_out))))
    model = model_bytes(weights, scale)
    written = _card(plan, model, scale, training, held_out, said)
    write_whole(plan.out / "model.onnx", model)
    write_whole(plan.out / "card.yaml", yaml.safe_dump(written, sort_keys=False, width=100).encode())
    return written


def temperature(z: F64, label: I64) -> float:
    """Return what logits (n, classes) must be multiplied by for the greatest likelihood (Guo 2017)."""

    def loss(log_scale: float) -> float:
        p = _softmax(np.exp(log_scale) * z)[np.arange(len(z)), label]
        return -float(np.mean(np.log(p + 1e-12)))

    return float(np.exp(optimize.minimize_scalar(loss, bounds=(-2.0, 2.0), method="bounded").x))


def _softmax(z: F64) -> F64:
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return np.asarray(e / e.sum(axis=1, keepdims=True))


def _card(plan: Plan, model: bytes, scale: float, training: Examples, held_out: Examples, said: F64) -> dict[str, Any]:
    return {
        "name": "rf",
        "task": "kind of emitter of one signal in a snapshot of IQ samples",
        "licence": "Apache-2.0 (weights); trained on simulated emitters",
        "sha256": hashlib.sha256(model).hexdigest(),
        "bytes": len(model),
        "format": f"ONNX, opset {OPSET}, float32",
        "int8": "not offered: the model takes a twentieth of the time of its features, there is nothing to gain",
        "snapshot_s": SNAPSHOT_S,
        "classes": list(CLASSES),
        "inputs": [{"name": name, "type": "float32", "shape": ["n", *SHAPES[name]]} for name in INPUTS],
        "output": {"name": OUTPUT, "type": "float32", "shape": ["n", len(CLASSES)]},
        "data": {
            "source": "sim.signals.emitters",
            "training": _counts(training),
            "held_out": _counts(held_out),
            **plan.made,
        },
        "split": SPLIT,
        "training": {"seed": plan.seed, "settings": json.loads(json.dumps(asdict(plan.settings)))},
        "calibration": {"scale": scale},
        "metrics_held_out": scores.by_snr(held_out.label, said, held_out.found, held_out.snr_db),
        "limits": list(LIMITS),
    }


def _counts(data: Examples) -> dict[str, Any]:
    return {
        "emitters": len(data),
        "found": int(np.count_nonzero(data.found)),
        "snr_db": [round(float(data.snr_db.min()), 1), round(float(data.snr_db.max()), 1)],
        "sha256": data.digest(),
    }
