"""Frames: size, sum and place of targets against the plot-level optics, the horizon, what a detector finds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.validation.sensor_bench import Bench, FlatGround, moving, origin, sensor, target_type
from detectors.clip_writing import ClipWriter
from detectors.media import MediaError, VideoClip
from detectors.thermal import ThermalDetector
from messages.frames import F64
from scenarios.schema import TerrainPlan
from sim.sensors.camera import Camera
from sim.signals.imaging import FrameMaker, window_towards
from sim.signals.scenery import fractal, horizon
from sim.signals.silhouettes import coverage, paint, parts, smear
from sim.terrain import Terrain

FPV = target_type("fpv_analogue")
GULL = target_type("bird_flapping")


class Meadow(FlatGround):
    """Level ground without trees, as cameras ask for it."""

    def surface(self, east_m: F64, north_m: F64) -> F64:
        return np.zeros_like(east_m)


@dataclass
class Still:
    """A camera on a level vehicle that does not shake."""

    bench: Bench
    model: Camera


def still(kind: str, place: F64, velocity: Any = (0.0, 0.0, 0.0), target: Any = FPV, **changes: Any) -> Still:
    bench = replace(moving([place], velocity), terrain=Meadow())
    model = sensor(kind, target)
    assert isinstance(model, Camera)
    model.profile = model.profile.model_copy(update={"stabilisation_sigma_deg": 0.0, **changes})
    return Still(bench, model)


def frames_of(scene: Still, count: int, size: tuple[int, int] = (96, 80), target: Any = FPV, seed: int = 1) -> Any:
    pose = scene.model.pose(scene.bench, 0.0)
    seconds = count / scene.model.profile.frame_rate_hz
    middle, _, _ = scene.bench.target_track(0, np.array([0.5 * seconds]))
    window = window_towards(scene.model, (middle[0] - pose.origin_m) @ pose.enu_from_sensor, *size)
    maker = FrameMaker(scene.model, scene.bench, [target], window, 0.0, seconds, np.random.default_rng(seed))
    return maker, list(maker.frames())


@pytest.mark.parametrize("width", [0.2, 0.9, 3.7])
@pytest.mark.parametrize("centre", [10.0, 10.31, 10.5])
def test_a_rectangle_keeps_its_area_and_its_centre_whatever_its_size(width: float, centre: float) -> None:
    pixel = np.arange(21.0)
    share = coverage(pixel, centre, width)
    assert share.sum() == pytest.approx(width, rel=1e-9)
    # Pixels sample the blurred edge: the centroid of a small spot is true to a fortieth of a pixel.
    assert np.sum((pixel + 0.5) * share) / share.sum() == pytest.approx(centre, abs=0.03)
    # The same by brute force: a fine box, blurred by the Gaussian, summed in pixels.
    fine = np.arange(0.0, 21.0, 0.005) + 0.0025
    kernel = np.exp(-0.5 * (np.arange(-2.0, 2.0005, 0.005) / 0.35) ** 2)
    box = (np.abs(fine - centre) < 0.5 * width).astype(float)
    slow = np.convolve(box, kernel / kernel.sum(), mode="same").reshape(21, -1).mean(axis=1)
    assert np.max(np.abs(share - slow)) <= 0.004


def test_outlines_have_unit_contrast_and_wings_beat() -> None:
    for kind in (FPV, GULL, target_type("recon_uav")):
        image = np.zeros((60, 60))
        paint(image, parts(kind, 0.1), (30.2, 29.7), (12.0, 5.0), smear((3.0, -2.0)))
        assert image.sum() == pytest.approx(60.0, rel=1e-6)
    up, down = parts(GULL, 0.25), parts(GULL, 0.75)
    assert up[2].y < 0.0 < down[2].y  # rows grow downwards


def test_the_sum_over_the_pixels_is_that_of_the_plot_level_model() -> None:
    for range_m in (120.0, 400.0, 900.0):
        place = origin() + range_m * np.array([0.6, 0.76, 0.248])
        scene = still("ir", place, netd_k=1e-9, exposure_s=1e-4)
        maker, _ = frames_of(scene, 1)
        pose = scene.model.pose(scene.bench, float(maker.t_s[0]))
        image = np.zeros((80, 96))
        maker._targets(float(maker.t_s[0]), pose, image)
        ifov = scene.model.ifov_rad
        area_px = FPV.size_m * FPV.height_m / (range_m * ifov) ** 2
        expected = FPV.thermal_delta_k * area_px * np.exp(-scene.model.extinction_per_m * range_m)
        # The set's ifov is the mean over half the field, the window's that of its centre: 2.7 % in area.
        assert image.sum() == pytest.approx(expected, rel=0.03)


def test_a_window_has_the_resolution_of_its_camera_and_the_box_lies_on_the_target() -> None:
    place = origin() + 300.0 * np.array([0.6, 0.76, 0.248])
    for kind in ("ir", "eo"):
        scene = still(kind, place, (12.0, -9.0, 0.0))
        maker, frames = frames_of(scene, 9, (160, 120))
        moved = []
        for frame in frames:
            (box,) = frame.boxes
            moved.append([box.x_px + box.width_px / 2.0, box.y_px + box.height_px / 2.0])
        assert 1.0 / maker.window.focal_px == pytest.approx(scene.model.ifov_rad, rel=0.03)
        speed_px = np.hypot(*(np.array(moved[-1]) - moved[0])) / 8.0
        across = np.linalg.norm(np.cross([12.0, -9.0, 0.0], [0.6, 0.76, 0.248]))
        assert speed_px == pytest.approx(across / 300.0 * maker.window.focal_px / 30.0, rel=0.02)


def test_noise_is_the_netd_and_the_same_seed_gives_the_same_frames() -> None:
    scene = still("ir", origin() + 5000.0 * np.array([0.6, 0.76, 0.248]), netd_k=0.5)
    maker, frames = frames_of(scene, 2, seed=4)
    difference = frames[1].grey.astype(float) - frames[0].grey
    # Stripes and background stand still; rounding adds 1/12 a frame; shimmer moves clouds a little.
    sigma_k = np.sqrt(np.var(difference) / 2.0 - 1.0 / 12.0) / maker.grey_per_unit
    assert sigma_k == pytest.approx(0.5, rel=0.08)
    again = frames_of(scene, 2, seed=4)[1]
    assert all(np.array_equal(a.grey, b.grey) for a, b in zip(frames, again, strict=True))


def test_the_horizon_is_where_line_of_sight_ends() -> None:
    terrain = Terrain(TerrainPlan(seed=3, relief_m=20.0))
    eye = np.array([0.0, 0.0, terrain.ground_at(0.0, 0.0) + 3.0])
    azimuth, elevation = np.radians(np.arange(0.0, 360.0, 30.0)), np.radians(np.arange(-3.0, 6.0, 0.02))
    met, _ = horizon(terrain, eye, azimuth, elevation)
    for j, a in enumerate(azimuth):
        edge = float(elevation[int(np.argmax(~np.isfinite(met[:, j])))])
        far = 5600.0  # line of sight to a point beyond all of the terrain that was looked at
        for above, seen in ((0.25, True), (-0.25, False)):  # cells of 10 m with trees of 14 m
            up = eye[2] + far * np.tan(edge + np.radians(above)) + far**2 / (2.0 * 4.0 / 3.0 * 6_371_000.0)
            point = np.array([[far * np.sin(a), far * np.cos(a), up]])
            assert terrain.line_of_sight(eye, point)[0] == seen


def test_clouds_are_alike_on_all_scales() -> None:
    field = fractal(np.random.default_rng(1), (256, 256), 1e9, 1.6)
    power = np.abs(np.fft.fft2(field)) ** 2
    k = np.hypot(*np.meshgrid(np.fft.fftfreq(256), np.fft.fftfreq(256)))
    low, high = power[(k > 0.02) & (k < 0.025)].mean(), power[(k > 0.2) & (k < 0.25)].mean()
    assert np.log10(low / high) == pytest.approx(2.0 * 1.6, abs=0.2)  # one decade in k


def detected(range_m: float, path: Path) -> tuple[float, float, float]:
    """Share of frames with a detection within 2 px after the first 25 frames, its rms error [px], the plot-level Pd."""
    place = origin() + range_m * np.array([0.6 * 1.171, 0.8 * 1.171 * 0.8, 0.35])
    scene = still("ir", place, (0.006 * range_m, -0.0045 * range_m, 0.0), stabilisation_sigma_deg=0.01)
    _, frames = frames_of(scene, 50, (144, 128))
    with ClipWriter(path, 144, 128, 30.0) as writer:
        for frame in frames:
            writer.write(frame.grey)
    detector, hits, errors = ThermalDetector(), [], []
    with VideoClip(path) as clip:
        for read, frame in zip(clip.frames(), frames, strict=True):
            assert np.array_equal(read.grey, frame.grey)  # the file loses nothing
            found = detector.step(read.number, read.t_ns, read.grey)
            (box,) = frame.boxes
            off = found.centres_px - np.array([box.x_px + box.width_px / 2.0, box.y_px + box.height_px / 2.0])
            near = off[np.hypot(*off.T) <= 2.0]
            hits.append(len(near) > 0)
            errors += list(near[:1])
    plot = scene.model.observe(scene.bench, 1.0, np.random.default_rng(1)).detection_probability[0]
    return float(np.mean(hits[25:])), float(np.sqrt(np.mean(np.square(errors or [np.zeros(2)])))), float(plot)


def test_frames_and_the_plot_level_camera_agree_in_pd_and_error(tmp_path: Path) -> None:
    """The band: half detection between 130 and 600 m (the model's is at 400), bearings within 1 px (the model: 0.5)."""
    near, near_px, plot_near = detected(130.0, tmp_path / "near.mp4")
    _, middle_px, _ = detected(300.0, tmp_path / "middle.mp4")
    far, _, plot_far = detected(600.0, tmp_path / "far.mp4")
    assert plot_near > 0.9
    assert plot_far < 0.1
    assert near > 0.5 > far
    assert 0.05 <= near_px <= 1.0
    assert 0.05 <= middle_px <= 1.0


def test_a_frame_of_another_size_is_refused(tmp_path: Path) -> None:
    with ClipWriter(tmp_path / "clip.mp4", 64, 48, 30.0) as writer, pytest.raises(MediaError, match="48, 64"):
        writer.write(np.zeros((10, 10), np.uint8))
