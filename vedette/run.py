"""``vedette run``: from a scenario to a recorded, scored and drawn engagement."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from pathlib import Path
from shutil import copyfile, rmtree
from typing import Any

from edge_node.config import Backend
from scenarios.attach import attachments
from scenarios.loader import effective_yaml, load
from scenarios.schema import Scenario
from vedette import engagement
from vedette.errors import InputError, RunFailed
from vedette.products import write_recording, write_results, write_tables
from vedette.progress import Progress
from vedette.run_folder import RunPaths, create
from vedette.summary_table import print_summary


@dataclass(frozen=True)
class RunOptions:
    """The options of the verb, as the user gave them."""

    scenario: str
    seed: int | None = None
    out: Path | None = None
    speed: str = "max"
    overrides: tuple[str, ...] = ()
    in_process: bool = False
    transport: str = "ipc"
    backend: Backend = "numba"
    quiet: bool = False
    recording: bool = True  # batches leave out engagement.mcap
    report: bool = True  # batches leave out report.html


def main(options: RunOptions) -> None:
    """Run the verb and print the summary."""
    paths, summary, interrupted = run(options)
    print_summary(summary)
    print(f"\nrun folder: {paths.root}")
    if paths.report.is_file():
        print(f"report:     {paths.report}")
    if interrupted:
        raise RunFailed("interrupted: the figures above cover what was recorded until then")


def run(options: RunOptions) -> tuple[RunPaths, dict[str, Any], bool]:
    """Run a scenario; return its folder, its summary and whether Ctrl-C cut it short."""
    speed = parse_speed(options.speed)
    if options.in_process and speed is not None:
        raise InputError(f"--speed = {options.speed}: must be max with --in-process (one process runs in lock-step)")
    scenario = load(options.scenario, options.overrides)
    seed = scenario.seed if options.seed is None else options.seed
    if seed < 0:
        raise InputError(f"--seed = {seed}: must be >= 0")
    existed = options.out is not None and options.out.is_dir()
    paths = create(options.out, f"{scenario.name}-seed{seed}")
    _write_scenario(paths, scenario)
    interrupted = False
    with Progress(scenario.name, scenario.duration_s, quiet=options.quiet) as progress:
        try:
            _play(options, speed, paths, scenario, seed, progress)
        except KeyboardInterrupt:
            interrupted = True
        except InputError:
            _undo(paths, existed)
            raise
        summary = _finish(options, paths, scenario, seed, progress, whole=not interrupted)
    return paths, summary, interrupted


def _play(
    options: RunOptions, speed: float | None, paths: RunPaths, scenario: Scenario, seed: int, progress: Progress
) -> None:
    if options.in_process:
        engagement.in_process(paths, scenario, seed, options.backend, progress)
        return
    engagement.processes(paths, scenario, seed, options.backend, progress, transport=options.transport, speed=speed)


def _finish(
    options: RunOptions, paths: RunPaths, scenario: Scenario, seed: int, progress: Progress, *, whole: bool
) -> dict[str, Any]:
    if not paths.inbound.is_file():
        raise RunFailed(f"{paths.root}: interrupted before anything was recorded")
    progress.phase("writing the tables")
    write_tables(paths, paths.root)
    if options.recording:
        progress.phase("writing engagement.mcap")
        write_recording(paths)
    return write_results(paths, scenario, seed, progress.phase, report=options.report, whole=whole)


def parse_speed(text: str) -> float | None:
    """Return the factor to real time, or None for lock-step. Raises InputError."""
    if text == "max":
        return None
    try:
        speed = float(text)
    except ValueError:
        speed = math.nan
    if not 0.0 < speed <= 1000.0:
        raise InputError(f"--speed = {text}: must be max, or a number above 0 and up to 1000")
    return speed


def _write_scenario(paths: RunPaths, scenario: Scenario) -> None:
    """Write the effective scenario, and copy the files that it names beside it: the folder repeats the run alone."""
    paths.scenario.write_text(effective_yaml(scenario), encoding="utf-8")
    for file in attachments(scenario):
        if file.source is not None:
            copy = paths.root / file.path
            copy.parent.mkdir(parents=True, exist_ok=True)
            copyfile(file.source, copy)


def _undo(paths: RunPaths, existed: bool) -> None:
    """Leave nothing half-written behind: a run that could not start leaves no folder."""
    rmtree(paths.root)
    if existed:
        paths.root.mkdir()
    print(f"nothing was written to {paths.root}", file=sys.stderr)
