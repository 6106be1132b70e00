"""The card of the acoustic classifier: what it is, what it was made from, how good it is, and where it ends."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from detectors.acoustic.classifier import MEMORY, THRESHOLD
from detectors.acoustic.features import BANDS, STATISTICS
from detectors.acoustic.folder import CLASSES
from detectors.acoustic.sound import SAMPLE_RATE_HZ, WINDOW_S
from detectors.scores import Calibration
from detectors.training.acoustic_data import FOLDS, TrainingData
from detectors.training.acoustic_export import INPUT, OPSET, OUTPUT

LIMITS = (
    "One set of recorders, drones and places: others are not in the data, and may be taken for either class.",
    "No vehicle class: the recordings hold no vehicle apart from what is in the backgrounds.",
    "The folds hold out blocks of clip numbers; drones of the same types fly in all of them.",
)


def card(
    *,
    model: bytes,
    plan: dict[str, Any],
    data: TrainingData,
    data_sha256: str,
    refused: list[str],
    calibration: dict[str, Calibration],
    table: dict[str, Any],
) -> dict[str, Any]:
    """Return the card as plain values, ready for YAML."""
    return {
        "name": "acoustic",
        "task": "drone or background in one second of sound",
        "licence": "Apache-2.0 (weights); trained on recordings under CC0-1.0",
        "sha256": hashlib.sha256(model).hexdigest(),
        "bytes": len(model),
        "format": f"ONNX, opset {OPSET}, float32",
        "int8": "not offered: the model takes a tenth of the time of its features, there is nothing to gain",
        "sample_rate_hz": SAMPLE_RATE_HZ,
        "window_s": WINDOW_S,
        "classes": list(CLASSES),
        "input": {"name": INPUT, "type": "float32", "shape": ["n", len(STATISTICS), BANDS], "rows": list(STATISTICS)},
        "output": {"name": OUTPUT, "type": "float32", "shape": ["n", len(CLASSES)]},
        "data": _data(data, data_sha256, refused),
        "split": _split(data),
        "training": plan,
        "calibration": {name: {k: float(v) for k, v in c._asdict().items()} for name, c in calibration.items()},
        "memory": MEMORY,
        "threshold": THRESHOLD,
        "metrics_held_out": table,
        "limits": list(LIMITS),
    }


def _data(data: TrainingData, sha256: str, refused: list[str]) -> dict[str, Any]:
    return {
        "source": "Svanstroem, Englund and Alonso-Fernandez 2021, multi-sensor drone data set, audio (CC0-1.0)",
        "clips": {CLASSES[1]: int(np.count_nonzero(data.drone)), CLASSES[0]: int(np.count_nonzero(~data.drone))},
        "windows": int(sum(len(w) for w in data.windows)),
        "refused": refused,
        "sha256_of_samples": sha256,
    }


def _split(data: TrainingData) -> dict[str, Any]:
    pairs = np.argwhere(np.triu(data.kin, 1))
    return {
        "rule": f"{FOLDS} blocks of clip numbers; what shares sound with a held-out clip is not trained on",
        "folds": [[data.names[i] for i in np.flatnonzero(data.fold == k)] for k in range(FOLDS)],
        "clips_that_share_sound": [[data.names[i], data.names[j]] for i, j in pairs],
    }
