"""``vedette evaluate-detector``: a model on labelled recordings, as a table or one JSON object."""

from __future__ import annotations

from pathlib import Path

import yaml

from benchmarks.acoustic_clips import evaluate
from benchmarks.eoir_clips import Choice
from detectors.acoustic.classifier import AcousticClassifier
from detectors.eoir.detector import NAMES
from detectors.manifest import Model, ModelError, open_model
from vedette import evaluate_rf
from vedette.judged import judged


def main(model: str, data: Path, threads: int, choice: Choice, *, as_json: bool, quiet: bool) -> None:
    """Judge and print; the model's card says which detector it is of."""
    opened = open_model(model)
    detector = detector_of(opened)
    if detector == "rf":
        evaluate_rf.main(opened, data, threads, as_json=as_json, quiet=quiet)
        return
    if detector.startswith(NAMES):
        from vedette import evaluate_eoir

        evaluate_eoir.main(model, data, threads, choice, as_json=as_json, quiet=quiet)
        return
    classifier = AcousticClassifier(opened, threads)
    result = judged(lambda show: evaluate(data, classifier, show), as_json=as_json, quiet=quiet)
    if result is None:
        return
    print(classifier.session.describe())
    wrong = ", ".join(result["clips_mostly_wrong"]) or "none"
    print(f"{result['windows']} seconds of {result['clips']} clips; mostly wrong: {wrong}")
    for name, row in result["by_class"].items():
        print(f"{name:12s} precision {row['precision']:.3f}  recall {row['recall']:.3f}  F1 {row['f1']:.3f}")
    print(f"calibration error {result['ece']:.3f}; {result['ms_window_median']:.2f} ms a window (median)")


def detector_of(model: Model) -> str:
    """Return the name of the detector on a model's card; ModelError where it says none."""
    try:
        return str(yaml.safe_load(model.card)["name"])
    except (yaml.YAMLError, KeyError, TypeError) as error:
        raise ModelError(f"{model.source}: its card cannot be read ({error!r})") from None
