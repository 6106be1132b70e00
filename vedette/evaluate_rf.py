"""``vedette evaluate-detector`` of a radio model: who was told by SNR, and how well bearings fit."""

from __future__ import annotations

from pathlib import Path

from benchmarks.rf_recordings import evaluate
from detectors.manifest import Model
from detectors.rf.classifier import EmitterClassifier
from detectors.rf.scores import as_text
from vedette.judged import judged


def main(model: Model, data: Path, threads: int, *, as_json: bool, quiet: bool) -> None:
    """Judge and print."""
    classifier = EmitterClassifier(model, threads)
    result = judged(lambda show: evaluate(data, classifier, show), as_json=as_json, quiet=quiet)
    if result is None:
        return
    print(classifier.session.describe())
    print(f"{result['emitters']} signals in {result['snapshots']} snapshots of {result['recordings']} recordings")
    print(as_text(result["by_snr"]))
    for level, row in result["bearings"].items():
        figures = (
            f"RMSE {row['rmse_deg']:.2f} deg, median {row['median_deg']:.2f}, claimed sigma {row['sigma_deg']:.2f}"
        )
        print(f"bearings at {level}: {figures} ({row['bearings']})")
    print(f"macro-F1 {result['macro_f1']:.3f}; {result['extra_signals']} signals beside the labelled ones;", end=" ")
    print(f"{result['ms_snapshot_median']:.2f} ms a snapshot, {result['cpu_ms_snapshot_median']:.2f} of the processor")
