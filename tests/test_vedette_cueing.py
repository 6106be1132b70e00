"""Slew to cue, the whole loop: the node's cues reach the head, the head's looks reach the tracker, replay is exact."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge_node.replay import replay
from messages.codec import decode
from messages.frames import azimuth_elevation_range
from messages.journal import JournalReader, Kind
from messages.truth import TruthSet
from messages.types import Message, SensorCue, SensorHead, SensorScan
from vedette.run import RunOptions, run

EXAMPLE = "docs/examples/cued_camera.yaml"
ZOOM = "tank_1_zoom"
SHOWN = 18  # of 20 seeds


def play(root: Path, out: Path, seed: int, *overrides: str, in_process: bool = True) -> dict[str, Any]:
    how = {"in_process": in_process, "quiet": True, "recording": False, "report": False}
    return run(RunOptions(str(root / EXAMPLE), seed, out, overrides=overrides, **how))[1]  # type: ignore[arg-type]


def messages(journal: Path) -> list[Message]:
    return [decode(r.frame).message for r in JournalReader(journal) if r.kind == Kind.FRAME]


def looks(folder: Path) -> list[SensorScan]:
    return [m for m in messages(folder / "inbound.journal") if isinstance(m, SensorScan) and m.sensor_id == ZOOM]


@pytest.fixture(scope="module")
def runs(root: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, dict[str, Any]]]:
    """Twelve seconds of the example, with cues and without."""
    out = tmp_path_factory.mktemp("cueing")
    both = {"cued": (), "alone": ("cueing=false",)}
    return {name: (out / name, play(root, out / name, 101, "duration_s=12", *extra)) for name, extra in both.items()}


def test_a_cued_camera_sees_what_one_that_searches_does_not(runs: dict[str, tuple[Path, dict[str, Any]]]) -> None:
    seen = {name: sum(bool(scan.detections) for scan in looks(folder)) for name, (folder, _) in runs.items()}
    assert len(looks(runs["cued"][0])) == len(looks(runs["alone"][0])) == 120
    assert seen["cued"] >= 60  # of 120 looks, a good fifth of which are slews
    assert seen["alone"] <= 20  # the search passes over a target now and then


def test_the_other_sensors_see_the_same_with_cues_and_without(runs: dict[str, tuple[Path, dict[str, Any]]]) -> None:
    others = [
        [m for m in messages(folder / "inbound.journal") if isinstance(m, SensorScan) and m.sensor_id != ZOOM]
        for folder, _ in runs.values()
    ]
    assert others[0] == others[1]


def test_cues_point_at_what_is_really_there(runs: dict[str, tuple[Path, dict[str, Any]]]) -> None:
    folder, _ = runs["cued"]
    truth = {m.t_ns: m for m in messages(folder / "truth.journal") if isinstance(m, TruthSet)}
    cues = [m for m in messages(folder / "outbound.journal") if isinstance(m, SensorCue)]
    assert len(cues) > 80
    errors = []
    for cue in cues:
        now = truth[round(cue.t_ns / 1e8) * 100_000_000]  # truth is written ten times a second: 1.5 m of flight at most
        place = np.array(next(p.position_m for p in now.platforms if p.platform_id == "tank_1/turret"))
        azimuth, elevation, distance = azimuth_elevation_range(np.array([t.position_m for t in now.targets]) - place)
        across = np.hypot(np.angle(np.exp(1j * (azimuth - cue.azimuth_rad))), elevation - cue.elevation_rad)
        errors.append(float(np.min(across * distance)))
    assert float(np.median(errors)) < 40.0  # the radar alone: 1.5 degrees of elevation at 2 km are 52 m
    assert max(errors) < 250.0


def test_the_summary_counts_cues_visits_and_slews(runs: dict[str, tuple[Path, dict[str, Any]]]) -> None:
    folder, summary = runs["cued"]
    (record,) = summary["cued_sensors"]
    cues = [m for m in messages(folder / "outbound.journal") if isinstance(m, SensorCue)]
    assert (record["sensor_id"], record["looks"], record["cues"]) == (ZOOM, 120, len(cues))
    assert record["tracks"] == len({cue.track_id for cue in cues})
    assert record["visits"] >= record["tracks"] >= 2
    slews = [scan for scan in looks(folder) if scan.look is not None and scan.look.range_m == (0.0, 0.0)]
    assert record["slewing"] == len(slews) > 0
    (alone,) = runs["alone"][1]["cued_sensors"]
    assert alone["cues"] == alone["tracks"] == alone["visits"] == 0
    assert alone["slewing"] > 0


def test_the_head_introduces_itself_and_replay_repeats_every_cue(runs: dict[str, tuple[Path, dict[str, Any]]]) -> None:
    for folder, _ in runs.values():
        assert [m.sensor_id for m in messages(folder / "inbound.journal") if isinstance(m, SensorHead)] == [ZOOM]
        report = replay(folder)
        assert report.identical, report.first_difference


def test_two_processes_close_the_loop_with_the_same_bits(
    root: Path, tmp_path: Path, runs: dict[str, tuple[Path, dict[str, Any]]]
) -> None:
    play(root, tmp_path / "two", 101, "duration_s=12", in_process=False)
    for name in ("tracks.csv", "detections.csv"):
        assert (tmp_path / "two" / name).read_bytes() == (runs["cued"][0] / name).read_bytes()


@pytest.mark.nightly
def test_cues_lower_gospa_on_eighteen_of_twenty_seeds(root: Path, tmp_path: Path) -> None:
    lower = []
    for seed in range(1, 21):
        gospa = [
            play(root, tmp_path / f"{seed}-{cueing}", seed, f"cueing={cueing}")["gospa_m"]["fused"]
            for cueing in ("true", "false")
        ]
        lower.append(gospa[0] < gospa[1])
    assert sum(lower) >= SHOWN
