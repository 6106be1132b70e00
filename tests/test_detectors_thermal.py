"""The thermal detector on made clips with known targets, and on real recordings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import thermal_scene as scene

from benchmarks.thermal_clips import detection_score, read_labels
from detectors.media import MediaError
from detectors.thermal import FrameDetections, ThermalConfig, ThermalDetector, detect_clip

SETTLED = 30  # frames; the first second is for learning the background


def _run(images: list[np.ndarray], config: ThermalConfig | None = None) -> list[FrameDetections]:
    detector = ThermalDetector(config)
    return [detector.step(k, round(k * 1e9 / 30.0), image) for k, image in enumerate(images)]


def _images(
    n: int,
    seed: int,
    contrast: float = 80.0,
    shake_px: float = 0.0,
    pan_px: float = 0.0,
    paths: tuple[np.ndarray, ...] | None = None,
) -> list[np.ndarray]:
    rng, still = np.random.default_rng(seed), scene.scenery(seed)
    paths = (scene.target_path(n),) if paths is None else paths
    shakes = rng.normal(0.0, shake_px, (n, 2)) + np.arange(n)[:, None] * [pan_px, 0.0]
    return [
        scene.frame(still, rng, [(*(p[k] + shakes[k]), contrast) for p in paths], tuple(shakes[k])) for k in range(n)
    ]


def _errors_px(found: list[FrameDetections], path: np.ndarray) -> np.ndarray:
    """Return the distance of the nearest detection to the target in each settled frame (infinite: none)."""
    return np.array(
        [np.min(np.hypot(*(f.centres_px - path[f.frame]).T), initial=np.inf) for f in found if f.frame >= SETTLED]
    )


@pytest.mark.parametrize("contrast", [80.0, -35.0, 15.0])
def test_a_moving_target_is_found_where_it_is(contrast: float) -> None:
    found = _run(_images(60, 1, contrast))
    errors = _errors_px(found, scene.target_path(60))
    assert np.mean(errors < 2.0) >= 0.95
    # Noise of 1 grey level on a spot of about 20 pixels: sigma = 2 px / contrast * sqrt(20) / 20, under 0.1 px at 15.
    assert np.median(errors) < 0.3
    others = sum(len(f.snr_db) for f in found[SETTLED:]) - np.count_nonzero(errors < 2.0)
    assert others / len(errors) <= 0.2


def test_boxes_hold_their_centres_and_snr_falls_from_the_first() -> None:
    paths = tuple(scene.target_path(60, start) for start in ((40.0, 60.0), (200.0, 120.0), (120.0, 90.0)))
    for f in _run(_images(60, 2, paths=paths))[SETTLED:]:
        low, size = f.boxes_px[:, :2], f.boxes_px[:, 2:]
        assert (low <= f.centres_px).all()
        assert (f.centres_px <= low + size).all()
        assert (np.diff(f.snr_db) <= 0.0).all()
        assert len(f.snr_db) >= 3


@pytest.mark.parametrize(("shake_px", "pan_px"), [(0.7, 0.0), (0.2, 0.5)])
def test_a_moving_camera_over_texture_raises_few_alarms(shake_px: float, pan_px: float) -> None:
    none = _run(_images(60, 3, shake_px=shake_px, pan_px=pan_px, paths=()))
    assert np.mean([len(f.snr_db) for f in none[SETTLED:]]) <= 1.0


def test_a_target_is_found_from_a_shaking_camera() -> None:
    n, seed, shake_px = 60, 4, 0.7
    found = _run(_images(n, seed, shake_px=shake_px))
    errors = _errors_px(found, scene.target_path(n))
    # Four sigma of shake and the detector's own two pixels.
    assert np.mean(errors < 2.0 + 4.0 * shake_px) >= 0.9


def test_a_still_scene_and_a_still_warm_spot_are_background() -> None:
    spot = np.tile([150.0, 60.0], (70, 1))
    found = _run(_images(70, 5, paths=(spot,)))
    assert sum(len(f.snr_db) for f in found[SETTLED:]) <= 5


def test_a_frame_holds_at_most_max_detections() -> None:
    starts = [(30.0 + 25.0 * i, 40.0 + 30.0 * (i % 3)) for i in range(8)]
    paths = tuple(scene.target_path(40, start) for start in starts)
    found = _run(_images(40, 6, paths=paths), ThermalConfig(max_detections=3))
    assert max(len(f.snr_db) for f in found) == 3


def test_the_same_frames_give_the_same_bits() -> None:
    images = _images(40, 7)
    for a, b in zip(_run(images), _run(images), strict=True):
        assert a.boxes_px.tobytes() == b.boxes_px.tobytes()
        assert a.centres_px.tobytes() == b.centres_px.tobytes()
        assert a.snr_db.tobytes() == b.snr_db.tobytes()


def test_a_clip_gives_one_result_a_frame_with_its_time(tmp_path: Path) -> None:
    path = scene.write_clip(tmp_path / "clip.avi", _images(45, 8))
    found = list(detect_clip(path))
    assert [f.frame for f in found] == list(range(45))
    assert [f.t_ns for f in found] == [round(k * 1e9 / 30.0) for k in range(45)]
    assert np.mean(_errors_px(found, scene.target_path(45)) < 2.0) >= 0.95


def test_a_missing_clip_is_an_error_before_the_first_frame(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="no such file"):
        next(detect_clip(tmp_path / "none.mp4"))


@pytest.fixture(scope="module")
def thermal_folder(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The recordings, or clips made on the spot."""
    return scene.recordings_or_made(root, tmp_path_factory.mktemp("made"))


REAL = ("IR_DRONE_140", "IR_DRONE_110")
"""A hovering drone from the blocks of numbers that thresholds were chosen on, and one from the other blocks."""


@pytest.mark.data
def test_drones_of_the_recordings_are_found(thermal_folder: Path) -> None:
    labels = read_labels(thermal_folder / "boxes.csv")
    names = [name for name in REAL if name in labels] or sorted(labels)
    for name in names:
        recall, clutter = detection_score(list(detect_clip(thermal_folder / "clips" / f"{name}.mp4")), labels[name][1])
        assert recall >= 0.85, name
        assert clutter <= 2.0, name
