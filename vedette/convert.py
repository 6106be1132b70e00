"""``vedette convert``: the tables of a recording again, as CSV or Parquet."""

from __future__ import annotations

from pathlib import Path

from vedette.products import Format, write_tables
from vedette.run_folder import existing


def main(run_folder: Path, to: Format, out: Path | None) -> None:
    """Write the tables and say where."""
    paths = existing(run_folder)
    target = paths.root if out is None else out
    target.mkdir(parents=True, exist_ok=True)
    write_tables(paths, target, to)
    print(f"{target}: sensors.yaml and {to} tables of detections, poses, tracks, alerts and truth")
