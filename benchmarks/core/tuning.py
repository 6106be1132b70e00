"""What tuning is worth: scenes whose sensors are described rightly and wrongly, tracked as stated and tuned.

The tuning sees the detections and the description; the truth only scores. One row a scene, description and seed:
GOSPA as stated, tuned, and with the right description and the default motion; and the scales of the stated sigmas.

Run it: ``python -m benchmarks.core.tuning --seeds 31 32 33 --scene spread``
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from msgspec.structs import asdict, replace

from benchmarks.core.scenes import Scene, make_scene
from benchmarks.metrics.instants import evaluate
from benchmarks.score import CUTOFF_M
from edge_node.tables.track_files import track_scans
from edge_node.tables.tuned import FIELDS, tuned_config, tuned_scans, tuned_sensors
from edge_node.tables.tuning import tuning_of
from edge_node.tables.tuning_file import TuningEntry
from messages.types import SensorDescription

Misdescribe = Callable[[SensorDescription], SensorDescription]
RIGHT = "right"


def sigmas(times: float) -> Misdescribe:
    """Return what states all standard deviations that many times too large."""

    def change(sensor: SensorDescription) -> SensorDescription:
        stated = {name: times * value for name, value in asdict(sensor.sigma).items() if value is not None}
        return replace(sensor, sigma=replace(sensor.sigma, **stated))

    return change


DESCRIPTIONS: dict[str, Misdescribe] = {
    RIGHT: lambda sensor: sensor,
    "sigma x 2": sigmas(2.0),
    "sigma x 0.5": sigmas(0.5),
    "sigma x 3": sigmas(3.0),
    "clutter 0": lambda sensor: replace(sensor, clutter_per_scan=0.0),
    "Pd 0.5": lambda sensor: replace(sensor, detection_probability=0.5),
}
SPREAD = {"targets": 10, "clutter_per_scan": 10.0, "scans": 150}
SCENES: dict[str, tuple[str, dict[str, Any], tuple[str, ...]]] = {
    "spread": ("spread_50_50", SPREAD, tuple(DESCRIPTIONS)),
    "calm": ("spread_50_50", SPREAD | {"acceleration_intensity_m2ps3": 0.0}, (RIGHT,)),
    "manoeuvring": ("manoeuvring", {"scans": 200}, (RIGHT, "sigma x 2", "sigma x 0.5", "clutter 0")),
    "swarm": ("swarm_10", {"scans": 150}, (RIGHT, "sigma x 2", "sigma x 0.5")),
    "column": ("column", {"duration_s": 30}, (RIGHT, "sigma x 2", "sigma x 0.5")),
}
"""Committed scene, what is changed in it, and the descriptions it is tried with; ``calm`` flies straight."""


class Row(NamedTuple):
    """One scene, description and seed."""

    scene: str
    described: str
    seed: int
    stated_m: float  # GOSPA
    tuned_m: float
    right_m: float
    tuning: TuningEntry


def gospa_m(scene: Scene, sensors: Sequence[SensorDescription], tuning: TuningEntry) -> float:
    """Return the mean GOSPA of a scene tracked with these descriptions and parameters."""
    inputs = tuned_scans(scene.heard, tuning), tuned_sensors(sensors, tuning), scene.poses
    tracks = track_scans(*inputs, config=tuned_config(tuning)).tracks
    return float(evaluate(tracks, scene.truth, CUTOFF_M).gospa_m[:, 0].mean())


def rows(names: Sequence[str], seeds: Sequence[int]) -> Iterator[Row]:
    """Yield a row for each scene, seed and description."""
    for name in names:
        base, changes, descriptions = SCENES[name]
        for seed in seeds:
            scene = make_scene(base, seed, **changes)
            right_m = gospa_m(scene, scene.sensors, TuningEntry())
            for described in descriptions:
                sensors = [DESCRIPTIONS[described](sensor) for sensor in scene.sensors]
                tuning = tuning_of(scene.heard, sensors, scene.poses, name)
                stated_m, tuned_m = gospa_m(scene, sensors, TuningEntry()), gospa_m(scene, sensors, tuning)
                yield Row(name, described, seed, stated_m, tuned_m, right_m, tuning)


def chosen(tuning: TuningEntry) -> str:
    """Return the scales of the sigmas of the first sensor, and the motion models where they were chosen."""
    scales = [getattr(tuning.sensors[0].sigma_scale, name) for name in FIELDS]
    text = " ".join("-" if scale is None else f"{scale.value:.3g}" for scale in scales)
    intensity = tuning.motion.acceleration_intensity_m2ps3 if tuning.motion is not None else None
    return text if intensity is None or intensity.value == intensity.default else f"{text}; q {intensity.value}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table, then the means over the seeds."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.core.tuning", description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[31, 32, 33])
    parser.add_argument("--scene", choices=SCENES, nargs="+", default=list(SCENES))
    given = parser.parse_args(arguments)
    found: dict[tuple[str, str], list[tuple[float, float, float]]] = {}
    print("scene         described     seed  stated   tuned   right  scales of range, azimuth, elevation, range rate")
    for row in rows(given.scene, given.seeds):
        figures = row.stated_m, row.tuned_m, row.right_m
        shown = "".join(f"{value:8.2f}" for value in figures)
        print(f"{row.scene:13} {row.described:12} {row.seed:5}{shown}  {chosen(row.tuning)}", flush=True)
        found.setdefault((row.scene, row.described), []).append(figures)
    for (name, described), values in found.items():
        shown = "".join(f"{value:8.2f}" for value in np.mean(values, axis=0))
        print(f"{name:13} {described:12}  mean{shown}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
