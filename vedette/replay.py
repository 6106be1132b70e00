"""``vedette replay``: a recording through the node again; are the tracks the same bits?"""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Literal

from edge_node import estimation
from edge_node.config import Backend
from edge_node.replay import Progress as Replayed
from edge_node.replay import replay
from scenarios.loader import load
from vedette.errors import InputError, RunFailed
from vedette.progress import PREFIXES, Progress
from vedette.run_folder import RunPaths, existing


def main(run_folder: Path, *, speed: float | None, backend: Backend | None, quiet: bool) -> None:
    """Replay the folder and print the verdict; other tracks than the recorded ones are a failure."""
    paths = existing(run_folder)
    pace: float | Literal["max"] = "max" if speed is None else speed
    stopped = False

    def stop(*_: object) -> None:
        nonlocal stopped
        stopped = True

    before = signal.signal(signal.SIGINT, stop)
    try:
        with Progress(f"replay of {run_folder}", _duration_s(paths), quiet=quiet) as progress:
            progress.phase("warming up")
            estimation.warm_up()
            progress.phase("replaying")

            def show(event: Replayed) -> None:
                if event.published is not None and event.published.startswith(PREFIXES):
                    progress.take(event.published)

            report = replay(paths.root, speed=pace, backend=backend, on_progress=show, stop=lambda: stopped)
    finally:
        signal.signal(signal.SIGINT, before)
    for sentence in report.lost:
        print(sentence)
    if report.frames == 0 and not report.stopped:
        raise RunFailed(f"{run_folder}: nothing in its inbound journal: there is nothing to replay")
    tracks, alerts = report.track_sets_recorded, report.alerts_recorded
    counts = f"{report.frames} frames, {tracks} track sets, {alerts} alerts"
    if not report.identical:
        raise RunFailed(f"{run_folder}: NOT identical: {report.first_difference} ({counts})")
    if report.stopped:
        raise RunFailed(f"{run_folder}: stopped before the end; bit-identical until then ({counts})")
    print(f"{run_folder}: bit-identical ({counts})")


def _duration_s(paths: RunPaths) -> float:
    """Return the length of the engagement for the progress bar; a live recording has no scenario."""
    if not paths.scenario.is_file():
        return 1.0
    try:
        return load(str(paths.scenario)).duration_s
    except ValueError as error:
        raise InputError(f"{paths.scenario}: {error}") from None
