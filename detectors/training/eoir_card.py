"""The card of an EO/IR detector: what it is, what it was made from, how good it is, and where it ends."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from detectors.eoir.cells import CELL_PX, CHANNELS, CLASSES, COLUMNS, ROWS
from detectors.eoir.detector import INPUT, MEMORY, OUTPUT
from detectors.eoir.folder import HELD_OUT, PERIOD
from detectors.eoir.stack import BACK, HEIGHT_PX, PLANES, WIDTH_PX
from detectors.training.eoir_data import EVERY, Samples
from detectors.training.eoir_export import OPSET

LIMITS = (
    "One set of cameras, drones and places, one target a clip, mostly against sky: others are not in the data.",
    "Held-out clips have neighbours in training that were filmed in the same hour: expect less at another place.",
    "Threshold and temperature were chosen on the held-out clips; no weight was.",
    "Three frames a third of a second apart are compared: cameras far from 30 frames/s show another motion.",
)


def card(
    *,
    kind: str,
    models: tuple[bytes, bytes],
    plan: dict[str, Any],
    samples: Samples,
    twins: list[tuple[str, str]],
    threshold: float,
    temperature: float,
    table: dict[str, Any],
) -> dict[str, Any]:
    """Return the card as plain values, ready for YAML; ``models`` are the float32 and the int8 one."""
    single, int8 = models
    return {
        "name": f"eo-ir-{kind}",
        "task": f"drones, birds, airplanes and helicopters in {kind} video, frame by frame",
        "licence": "Apache-2.0 (weights); trained on recordings under CC0-1.0",
        "sha256": hashlib.sha256(single).hexdigest(),
        "bytes": len(single),
        "format": f"ONNX, opset {OPSET}, float32",
        "int8": {"file": "int8.onnx", "sha256": hashlib.sha256(int8).hexdigest(), "bytes": len(int8)},
        "classes": list(CLASSES),
        "classes_trained": [CLASSES[k] for k in np.unique(samples.label)],
        "input": {
            "name": INPUT,
            "type": "float32",
            "shape": [1, PLANES, HEIGHT_PX, WIDTH_PX],
            "planes": ["grey", *(f"change since {back} frames before, camera motion removed" for back in BACK)],
        },
        "output": {"name": OUTPUT, "type": "float32", "shape": [1, CHANNELS, ROWS, COLUMNS], "cell_px": CELL_PX},
        "threshold": threshold,
        "temperature": temperature,
        "class_memory": MEMORY,
        "data": {
            "source": f"Svanstroem, Englund and Alonso-Fernandez 2021, multi-sensor drone data set, {kind} (CC0-1.0)",
            "clips": len(samples.names),
            "samples": len(samples.label),
            "every_frames": EVERY,
            "sha256": samples.sha256,
        },
        "split": {
            "rule": f"held out: clip number modulo {PERIOD} in {HELD_OUT.start}..{HELD_OUT.stop - 1}, in every class",
            "held_out": [n for n, out in zip(samples.names, samples.held_out_clips, strict=True) if out],
            "twins_across_the_split": [list(pair) for pair in twins],
        },
        "training": plan,
        "metrics_held_out": table,
        "limits": list(LIMITS),
    }
