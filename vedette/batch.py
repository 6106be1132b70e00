"""``vedette batch``: many scenarios and seeds, judged against the promises."""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from shutil import rmtree

from benchmarks.batch import RunFigures, run_batch, write_batch
from scenarios.loader import library, load
from vedette.errors import InputError, RunFailed
from vedette.run import RunOptions, run

# What figures need is kept of a run; journals and tables are most of its size.
KEPT = ("summary.json", "scenario.yaml")


def main(names: Sequence[str], seeds: str, out: Path, jobs: int, *, keep: bool) -> None:
    """Run the table, print it, and fail where a promise does not hold."""
    scenarios = tuple(names) or tuple(name for name, _ in library())
    for name in scenarios:
        load(name)
    numbers = parse_seeds(seeds)
    out.mkdir(parents=True, exist_ok=True)
    total = len(scenarios) * len(numbers)
    done = 0

    def progress(figures: RunFigures) -> None:
        nonlocal done
        done += 1
        print(f"{done} of {total}: {figures.scenario} seed {figures.seed}", file=sys.stderr, flush=True)
        if not keep:
            _forget(out / f"{Path(figures.scenario).stem}-seed{figures.seed}")

    # Spawned, not forked: a forked child of a process with threads may hang in a lock.
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        batch = run_batch(
            scenarios,
            numbers,
            lambda scenario, seed: pool.submit(one_run, scenario, seed, out).result(),
            jobs=jobs,
            progress=progress,
        )
    write_batch(out, batch)
    print(batch.as_text())
    if not batch.passed:
        raise RunFailed(f"{out}: a promise does not hold (marked FAILED above)")


def one_run(scenario: str, seed: int, out: Path) -> Path:
    """Make one run in this process and return its folder."""
    folder = out / f"{Path(scenario).stem}-seed{seed}"
    if folder.exists():
        rmtree(folder)
    options = RunOptions(scenario, seed, folder, in_process=True, quiet=True, recording=False, report=False)
    return run(options)[0].root


def parse_seeds(text: str) -> tuple[int, ...]:
    """Return the seeds of ``1-20`` or ``1,5,9``. Raises InputError."""
    seeds: list[int] = []
    for part in text.split(","):
        low, dash, high = part.partition("-")
        high = high if dash else low
        if not low.isdigit() or not high.isdigit() or int(high) < int(low):
            raise InputError(f"--seeds = {text}: must be numbers and ranges, for example 1-20 or 1,5,9")
        seeds += range(int(low), int(high) + 1)
    return tuple(dict.fromkeys(seeds))


def _forget(folder: Path) -> None:
    if folder.is_dir():
        for path in folder.iterdir():
            if path.is_file() and path.name not in KEPT:  # folders hold the files that the kept scenario names
                path.unlink()
