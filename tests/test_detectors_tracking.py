"""From pixels to tracks: the rule that scores a clip, and what it gives on made and real clips."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import thermal_scene as scene

from benchmarks.thermal_clips import evaluate, read_labels, score_clip, summary, track_score
from detectors.media import MediaError
from detectors.pinhole import Pinhole
from edge_node.tables.tracks_file import TrackTable
from messages.frames import enu_direction


@pytest.fixture(scope="module")
def thermal_folder(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The recordings, or clips made on the spot."""
    return scene.recordings_or_made(root, tmp_path_factory.mktemp("made"))


CAMERA = Pinhole(320, 256, 24.0)
FRAME_NS = 33_333_333
TIMES = {frame: frame * FRAME_NS for frame in range(31, 41)}
LABELS = {frame: np.array([100.0, 80.0, 12.0, 5.0]) for frame in TIMES}  # centre (106, 82.5), diagonal 13 px


def _tracks(rows: list[tuple[int, int, str, float, tuple[float, float]]]) -> TrackTable:
    """Return a table of (frame, track, status, existence, pixel) rows, each at some range along the pixel's ray."""
    angles = CAMERA.angles([row[4] for row in rows])
    ranges_m = 50.0 + 10.0 * np.arange(len(rows))[:, None]
    n = len(rows)
    return TrackTable(
        t_ns=np.array([row[0] * FRAME_NS for row in rows]),
        track_id=np.array([row[1] for row in rows]),
        status=[row[2] for row in rows],
        existence=np.array([row[3] for row in rows]),
        position_m=enu_direction(angles[:, 0], angles[:, 1]) * ranges_m,
        velocity_mps=np.zeros((n, 3)),
        covariance_m2=np.full((n, 6), np.nan),
        classes={},
    )


def test_a_track_on_the_target_counts_whatever_its_range() -> None:
    rows = [(frame, 1, "confirmed", 0.99, (106.0 + 12.9, 82.5)) for frame in TIMES]
    assert track_score(_tracks(rows), CAMERA, TIMES, LABELS) == (1.0, 1.0)


def test_a_track_beyond_one_diagonal_does_not_count() -> None:
    rows = [(frame, 1, "confirmed", 0.99, (106.0 + 13.1, 82.5)) for frame in TIMES]
    assert track_score(_tracks(rows), CAMERA, TIMES, LABELS) == (0.0, 0.0)


def test_coasting_and_unlabelled_frames_do_not_count() -> None:
    rows = [(frame, 1, "confirmed" if frame % 2 else "coasting", 0.99, (106.0, 82.5)) for frame in TIMES]
    assert track_score(_tracks(rows), CAMERA, TIMES, LABELS) == (0.5, 0.5)
    half = {frame: box for frame, box in LABELS.items() if frame % 2}
    assert track_score(_tracks(rows), CAMERA, TIMES, half) == (1.0, 1.0)


def test_of_several_tracks_the_best_supported_one_is_judged() -> None:
    elsewhere = [(frame, 1, "confirmed", 0.99, (250.0, 40.0)) for frame in range(20, 41)]
    target = [(frame, 2, "confirmed", 0.99, (106.0, 82.5)) for frame in TIMES]
    assert track_score(_tracks(elsewhere + target), CAMERA, TIMES, LABELS) == (0.0, 1.0)
    # With the longer life, the target's track is chosen from its first frame on; equal support goes to the lower id.
    longer = [(frame, 2, "confirmed", 0.99, (106.0, 82.5)) for frame in range(10, 41)]
    assert track_score(_tracks(elsewhere + longer), CAMERA, TIMES, LABELS) == (1.0, 1.0)


def test_no_tracks_score_nothing() -> None:
    empty = _tracks([(31, 1, "coasting", 0.9, (0.0, 0.0))])
    assert track_score(empty, CAMERA, TIMES, LABELS) == (0.0, 0.0)


def test_a_damaged_label_is_named(tmp_path: Path) -> None:
    path = tmp_path / "boxes.csv"
    path.write_text("clip,class,frame,x_px,y_px,width_px,height_px\nA,drone,0,,,,\nA,drone,1,3,4,five,6\n")
    with pytest.raises(MediaError, match=r"boxes\.csv:3: .*five"):
        read_labels(path)


def test_a_folder_without_clips_of_the_class_is_refused(tmp_path: Path) -> None:
    (tmp_path / "clips").mkdir()
    (tmp_path / "boxes.csv").write_text("clip,class,frame,x_px,y_px,width_px,height_px\n")
    with pytest.raises(MediaError, match="no clip of class drone"):
        evaluate(tmp_path)


def test_made_clips_are_tracked(tmp_path: Path) -> None:
    result = evaluate(scene.write_data_set(tmp_path / "thermal", clips=1, frames=90))
    assert result["scored"] == 1
    assert result["passed_fraction"] == 1.0
    assert result["clips"][0]["on_target"] >= 0.9


@pytest.mark.data
def test_a_drone_of_the_recordings_is_tracked(thermal_folder: Path) -> None:
    folder = thermal_folder
    labels = read_labels(folder / "boxes.csv")
    name = "IR_DRONE_014" if "IR_DRONE_014" in labels else min(labels)
    assert score_clip(folder / "clips" / f"{name}.mp4", labels[name][1]).passed


@pytest.mark.data
@pytest.mark.nightly
def test_most_drones_of_the_recordings_are_tracked(thermal_folder: Path) -> None:
    result = evaluate(thermal_folder)
    assert result["passed_fraction"] >= 0.6, {k: v for k, v in result.items() if k != "clips"}


def test_the_summary_is_the_mean_over_clips(tmp_path: Path) -> None:
    folder = scene.write_data_set(tmp_path / "thermal", clips=1, frames=40)
    labels = read_labels(folder / "boxes.csv")
    score = score_clip(folder / "clips" / "IR_DRONE_900.mp4", labels["IR_DRONE_900"][1])
    assert score.frames == 9  # frames 31 to 39: those after the first second
    total = summary([score, score])
    assert total["scored"] == 2
    assert total["recall"] == score.recall
