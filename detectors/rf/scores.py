"""How well emitters are told: confusion by SNR, F1 of every class and their mean; not found is missed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.rf.classifier import CLASSES
from detectors.scores import BOOL, expected_calibration_error, score
from messages.frames import F64

I64 = NDArray[np.int64]

MISSED = len(CLASSES)
"""Column of the confusion for emitters that were not found."""


def figures(label: I64, probabilities: F64, found: BOOL) -> dict[str, Any]:
    """Return the figures of (n,) true classes and (n, classes) probabilities, as plain values.

    ``confusion`` has a row a true class, a column a claimed one and a last column for what was not found.
    """
    claimed = np.where(found, np.argmax(probabilities, axis=1), MISSED)
    confusion = np.zeros((len(CLASSES), len(CLASSES) + 1), dtype=np.int64)
    np.add.at(confusion, (label, claimed), 1)
    by_class = {name: score(claimed == k, label == k)._asdict() for k, name in enumerate(CLASSES)}
    present = [name for name in CLASSES if by_class[name]["support"]]
    best, right = probabilities.max(axis=1)[found], (claimed == label)[found]
    return {
        "emitters": len(label),
        "found": float(np.mean(found)),
        "macro_f1": float(np.mean([by_class[name]["f1"] for name in present])),
        "ece": expected_calibration_error(best, right) if found.any() else 0.0,
        "by_class": by_class,
        "confusion": confusion.tolist(),
    }


def by_snr(label: I64, probabilities: F64, found: BOOL, snr_db: F64) -> dict[str, Any]:
    """Return the figures of each SNR, rounded to 5 dB."""
    level = (5 * np.round(snr_db / 5.0)).astype(np.int64)
    return {
        f"{k} dB": figures(label[level == k], probabilities[level == k], found[level == k]) for k in np.unique(level)
    }


def as_text(table: dict[str, Any]) -> str:
    """Return figures by SNR, with their confusion, for people."""
    lines = []
    for level, row in table.items():
        told = f"macro-F1 {row['macro_f1']:.3f}, {row['found']:.1%} of {row['emitters']} found, ECE {row['ece']:.3f}"
        lines.append(f"{level}: {told}")
        lines.append(f"  {'true':15s}" + "".join(f"{name:>15s}" for name in (*CLASSES, "not found")))
        lines += [
            f"  {name:15s}" + "".join(f"{n:15d}" for n in counts)
            for name, counts in zip(CLASSES, row["confusion"], strict=True)
        ]
    return "\n".join(lines)
