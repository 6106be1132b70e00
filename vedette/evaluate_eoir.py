"""``vedette evaluate-detector`` for the EO/IR models: a table by class and size, or one JSON object."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress as Bar

from benchmarks.eoir_clips import Choice, evaluate
from detectors.eoir.detector import open_detector


def main(model: str, data: Path, threads: int, choice: Choice, *, as_json: bool, quiet: bool) -> None:
    """Judge and print."""
    detector = open_detector(model, threads)
    with Bar(console=Console(stderr=True), disable=quiet, transient=True) as bar:
        task = bar.add_task("looking", total=None)

        def show(done: int, total: int, clip: str) -> None:
            bar.update(task, completed=done, total=total, description=clip)

        result = evaluate(data, detector.card.kind, detector, choice, show)
    for line in result["refused"]:
        print(f"vedette: not used: {line}", file=sys.stderr)
    if as_json:
        print(json.dumps(result, indent=2))
        return
    print(detector.session.describe())
    print(as_text(result))


def as_text(result: dict[str, Any]) -> str:
    """Return the figures for people, the classical detector's beside the model's where it was judged."""
    lines = [f"{result['frames']} frames of {result['clips']} clips; F1, precision, recall at IoU 0.5"]
    lines += _rows("", result)
    if "classical" in result:
        lines += _rows("classical, ", result["classical"])
    wrong = ", ".join(f"{clip} ({said})" for clip, said in result["clips_mostly_wrong"].items()) or "none"
    lines.append(
        f"clips of the right class {result['clip_accuracy']:.3f}, drone or not "
        f"{result['clip_accuracy_drone_or_not']:.3f}; wrong: {wrong}"
    )
    lines.append(f"calibration error {result['ece']:.3f}; {result['ms_frame_median']:.1f} ms a frame (median)")
    return "\n".join(lines)


def _rows(who: str, figures: dict[str, Any]) -> list[str]:
    rows = [("any target", figures["target"]), *figures["by_class"].items()]
    for size, row in figures["by_size"].items():
        rows += [(f"target {size} px", row["target"]), (f"drone {size} px", row["drone"])]
    return [
        f"{who + name.replace('_', ' '):32s} {row['f1']:6.3f} {row['precision']:6.3f} {row['recall']:6.3f}"
        + (f"  AP50 {row['ap50']:.3f}" if "ap50" in row else "")
        for name, row in rows
        if row["labels"]
    ]
