"""``vedette track``: detections that someone else recorded -> tracks."""

from __future__ import annotations

import sys
from pathlib import Path

from rich.progress import Progress as Bar

from edge_node.tables.biases_file import sentence
from edge_node.tables.detections_file import Order
from edge_node.tables.track_files import Backend, track_files


def main(
    detections: Path,
    sensors: Path,
    poses: Path | None,
    out: Path,
    *,
    order: Order,
    backend: Backend,
    registration: Path | None,
    config: Path | None,
    tune: Path | None,
    quiet: bool,
) -> None:
    """Track the files and say what was done, and on stderr which platform or sensor is not where it says it is."""
    with Bar(disable=quiet, transient=True) as bar:
        task = bar.add_task("tracking" if tune is None else "tuning and tracking", total=None)
        counts = track_files(
            detections,
            sensors,
            poses,
            out,
            order=order,
            backend=backend,
            registration=registration,
            config=config,
            tune=tune,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    for changed in counts.tuned:
        print(changed, file=sys.stderr)
    for fault in counts.faults:
        print(sentence(fault), file=sys.stderr)
    if not quiet:
        late = f", {counts.refused_scans} scans older than the lag refused" if counts.refused_scans else ""
        print(
            f"{out}: {counts.track_ids} tracks, {counts.track_rows} rows from {counts.detections} detections "
            f"in {counts.scans} scans{late}"
        )
