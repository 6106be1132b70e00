"""``vedette train eo-ir``: labelled clips -> model.onnx, int8.onnx and card.yaml, with the F1 after each epoch."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Literal

from rich.progress import Progress as Bar

from vedette.errors import InputError


def main(
    data: Path,
    out: Path,
    cache: Path | None,
    kind: Literal["thermal", "visible"],
    minutes: float,
    steps: int | None,
    seed: int,
    threads: int,
    *,
    resume: bool,
    quiet: bool,
) -> None:
    """Train, judge, write and say what came of it."""
    try:
        from detectors.training.eoir import Plan
        from detectors.training.eoir_finish import train
    except ImportError as error:
        raise InputError(f"vedette train needs {error.name}, which is not installed: make train") from None
    out.mkdir(parents=True, exist_ok=True)
    place = out / "cache" if cache is None else cache
    plan = Plan(data=data, out=out, cache=place, kind=kind, seed=seed, resume=resume, threads=threads)
    started: list[float] = []

    def budget(done: int) -> float:
        if steps is not None:
            return done / steps
        if not started:  # decoding the clips is not training
            started.append(time.monotonic())
        return (time.monotonic() - started[0]) / (60.0 * minutes)

    with Bar(disable=quiet, transient=True) as bar:
        task = bar.add_task("training", total=None)

        def show(done: int, total: int, what: str) -> None:
            bar.update(task, completed=done, total=total, description=what)

        card = train(plan, budget, show)
    print(as_text(card["metrics_held_out"]))
    print(f"{out / 'model.onnx'}: {card['bytes']} bytes; int8.onnx: {card['int8']['bytes']}; card.yaml: their card")
    print(f"next: vedette evaluate-detector {out / 'int8.onnx'} --kind {kind} --data DATA --held-out")


def as_text(table: dict[str, Any]) -> str:
    """Return F1 on held-out samples after each epoch, and of the models at the end, for people."""
    names = list(table["float32"])
    lines = ["F1 at IoU 0.5 on single held-out frames", f"{'steps':>8s} " + " ".join(f"{n:>10s}" for n in names)]
    rows = [(f"{epoch['steps']}", epoch["f1"]) for epoch in table["curve"]]
    for label, row in [*rows, ("float32", table["float32"]), ("int8", table["int8"])]:
        lines.append(f"{label:>8s} " + " ".join(f"{row.get(n, 0.0):10.3f}" for n in names))
    return "\n".join(lines)
