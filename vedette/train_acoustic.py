"""``vedette train acoustic``: recordings -> model.onnx and card.yaml, with the table of the five folds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.progress import Progress as Bar

from vedette.errors import InputError

ROWS = ("comb_alone", "comb_with_memory", "classifier_alone", "classifier_with_memory")


def main(data: Path, out: Path, seed: int, members: int, steps: int | None, *, resume: bool, quiet: bool) -> None:
    """Train, judge, write and say what came of it."""
    try:
        from detectors.training.acoustic import Plan, train
    except ImportError as error:
        raise InputError(f"vedette train needs {error.name}, which is not installed: make train") from None
    out.mkdir(parents=True, exist_ok=True)
    plan = Plan(data=data, out=out, seed=seed, members=members, resume=resume)
    if steps is not None:
        plan = replace(plan, settings=replace(plan.settings, steps=steps))
    with Bar(disable=quiet, transient=True) as bar:
        task = bar.add_task("training", total=None)

        def show(done: int, total: int, what: str) -> None:
            bar.update(task, completed=done, total=total, description=what)

        card = train(plan, show)
    print(as_text(card["metrics_held_out"]))
    for line in card["data"]["refused"]:
        print(f"not used: {line}")
    print(f"{out / 'model.onnx'}: {card['bytes']} bytes; {out / 'card.yaml'}: its card")
    print(f"next: vedette evaluate-detector {out / 'model.onnx'} --data OTHER_CLIPS")


def as_text(table: dict[str, Any]) -> str:
    """Return the table of the folds for people."""
    lines = [f"{'on clips held out':24s} {'F1':>6s}   {'by fold':34s} {'precision':>9s} {'recall':>7s} {'ECE':>6s}"]
    for name in ROWS:
        row = table[name]
        folds = " ".join(f"{f1:6.3f}" for f1 in row["f1_by_fold"])
        ece = f"{row['ece']:6.3f}" if "ece" in row else f"{'-':>6s}"
        figures = f"{row['f1']:6.3f}   {folds:34s} {row['precision']:9.3f} {row['recall']:7.3f} {ece}"
        lines.append(f"{name.replace('_', ' '):24s} {figures}")
    return "\n".join(lines)
