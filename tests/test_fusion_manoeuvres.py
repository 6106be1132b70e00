"""Hard-flown drones: motion models whose acceleration lasts, in the whole tracker."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.core.scenes import make_scene, write_scene
from benchmarks.score import score
from edge_node.tables.track_files import track_files
from fusion.tracker import Tracker

WHITE_FILE = """
motion:
  acceleration_intensity_m2ps3: [0.1, 1.0, 10.0, 40.0]
  stationary: [0.25, 0.3, 0.3, 0.15]
  sojourn_s: 1.5
"""


def test_a_lasting_acceleration_follows_hard_flown_drones_better(tmp_path: Path) -> None:
    """Eight of them turn with 3-10 m/s^2 about every second, half of the clutter crowds round them."""
    gospa = {"default": 0.0, "white": 0.0}
    (tmp_path / "white.yaml").write_text(WHITE_FILE)
    for seed in (11, 13, 14):
        folder = tmp_path / str(seed)
        folder.mkdir()
        write_scene(make_scene("manoeuvring", seed, scans=150), folder)
        for name, config in (("default", None), ("white", tmp_path / "white.yaml")):
            out = folder / f"{name}.csv"
            track_files(folder / "DETECTIONS.csv", folder / "SENSORS.yaml", None, out, config=config)
            gospa[name] += score(out, folder / "TRUTH.csv")["gospa_m"] / 3.0
    assert gospa["default"] < 0.95 * gospa["white"]


@pytest.mark.parametrize("backend", ["numba", "filterpy"])
def test_states_of_nine_numbers_are_snapshot_and_restored(backend: str) -> None:
    scene = make_scene("manoeuvring", 12, scans=24, targets=3, clutter_per_scan=6.0)
    (radar,), scans = scene.sensors, [heard.scan for heard in scene.heard]
    tracker = Tracker(backend=backend)
    tracker.add_sensor(radar)
    for scan in scans[:10]:
        tracker.step(scan)
    saved = tracker.snapshot()
    first = [tracker.step(scan) for scan in scans[10:]]
    tracker.restore(saved)
    assert [tracker.step(scan) for scan in scans[10:]] == first
    assert first[-1].tracks


def test_filterpy_follows_hard_flown_drones_with_the_same_numbers() -> None:
    scene = make_scene("manoeuvring", 12, scans=20, targets=3, clutter_per_scan=6.0)
    results = []
    for backend in ("numba", "filterpy"):
        tracker = Tracker(backend=backend)
        tracker.add_sensor(scene.sensors[0])
        results.append([tracker.step(heard.scan) for heard in scene.heard])
    assert results[0][-1].tracks
    for a, b in zip(*results, strict=True):
        assert [t.track_id for t in a.tracks] == [t.track_id for t in b.tracks]
        for one, other in zip(a.tracks, b.tracks, strict=True):
            np.testing.assert_allclose(one.state, other.state, rtol=1e-8, atol=1e-6)
            np.testing.assert_allclose(one.covariance, other.covariance, rtol=1e-6, atol=1e-6)
