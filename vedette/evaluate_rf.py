"""``vedette evaluate-detector`` of a radio model: who was told by SNR, and how well bearings fit."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from rich.console import Console
from rich.progress import Progress as Bar

from benchmarks.rf_recordings import evaluate
from detectors.manifest import Model
from detectors.rf.classifier import EmitterClassifier
from detectors.rf.scores import as_text


def main(model: Model, data: Path, threads: int, *, as_json: bool, quiet: bool) -> None:
    """Judge and print."""
    classifier = EmitterClassifier(model, threads)
    with Bar(console=Console(stderr=True), disable=quiet, transient=True) as bar:
        task = bar.add_task("listening", total=None)

        def show(done: int, total: int, clip: str) -> None:
            bar.update(task, completed=done, total=total, description=clip)

        result = evaluate(data, classifier, show)
    for line in result["refused"]:
        print(f"vedette: not used: {line}", file=sys.stderr)
    if as_json:
        print(json.dumps(result, indent=2))
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
