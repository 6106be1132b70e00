"""``vedette train rf``: simulated emitters -> model.onnx and card.yaml, with the confusion on emitters held out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from rich.progress import Progress as Bar

from benchmarks.rf_examples import RATES_HZ, examples
from detectors.rf.scores import as_text
from vedette.errors import InputError


def main(out: Path, seed: int, emitters: int, held_out: int, epochs: int | None, *, quiet: bool) -> None:
    """Simulate, train, judge, write and say what came of it."""
    try:
        from detectors.training.rf import Plan, train
    except ImportError as error:
        raise InputError(f"vedette train needs {error.name}, which is not installed: make train") from None
    out.mkdir(parents=True, exist_ok=True)
    plan = Plan(out=out, seed=seed, made={"seed": seed, "rates_hz": sorted(set(RATES_HZ))})
    if epochs is not None:
        plan = replace(plan, settings=replace(plan.settings, epochs=epochs))
    with Bar(disable=quiet, transient=True) as bar:
        task = bar.add_task("training", total=None)

        def show(done: int, total: int, what: str) -> None:
            bar.update(task, completed=done, total=total, description=what)

        card = train(plan, examples("training", emitters, seed, show), examples("held_out", held_out, seed, show), show)
    print("on emitters held out, by SNR in their bandwidth at one antenna:")
    print(as_text(card["metrics_held_out"]))
    print(f"{out / 'model.onnx'}: {card['bytes']} bytes; {out / 'card.yaml'}: its card")
    print(f"next: vedette evaluate-detector {out / 'model.onnx'} --data RECORDINGS")
