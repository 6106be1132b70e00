"""``vedette synth-emitters``: labelled SigMF recordings of single emitters at a direction finder."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from rich.progress import Progress as Bar

from benchmarks.rf_recordings import write_emitters
from sim.signals.emitters import Family
from vedette.errors import InputError


def main(out: Path, count: int, seed: int, family: str, *, quiet: bool) -> None:
    """Write the recordings into a new folder."""
    if family not in ("training", "held_out"):
        raise InputError(f"--family = {family}: must be training or held_out")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"--out = {out}: is not an empty folder: name another")
    out.mkdir(parents=True, exist_ok=True)
    with Bar(disable=quiet, transient=True) as bar:
        task = bar.add_task("emitters", total=count)
        write_emitters(
            out,
            count,
            seed,
            cast(Family, family),
            lambda done, _, name: bar.update(task, completed=done, description=name),
        )
    print(f"{out}: {count} recordings of {family} emitters")
    print(f"next: vedette evaluate-detector rf --data {out}")
