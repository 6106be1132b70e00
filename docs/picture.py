"""Draw the picture of the README from a run folder: python docs/picture.py RUN OUT.png."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.plot_map import draw_map
from benchmarks.plot_style import style
from benchmarks.run_folder import RunFolder
from scenarios.loader import load
from sim.randomness import generator
from sim.world import World


def main(run: Path, out: Path) -> None:
    """Draw the map of the run: ground, truth, tracks with their uncertainty, coverage."""
    scenario = load(run / "scenario.yaml")
    terrain = World(scenario, generator(scenario.seed, "world")).terrain
    with style():
        draw_map(RunFolder(run), terrain).savefig(out, dpi=110)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
