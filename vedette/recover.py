"""``vedette recover``: the recording and the tables of a run that was cut off."""

from __future__ import annotations

from pathlib import Path

from edge_node.recover import recover
from vedette.products import write_tables
from vedette.run_folder import existing


def main(run_folder: Path) -> None:
    """Make what can be made and say what was lost."""
    paths = existing(run_folder)
    report = recover(paths.root)
    write_tables(paths, paths.root)
    for sentence in report.journals:
        print(sentence)
    print(f"{paths.mcap} and the tables hold what could be read{'' if report.complete else '; some was lost (above)'}")
