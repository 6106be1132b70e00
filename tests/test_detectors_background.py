"""The stabilised background: camera motion taken out, still things forgotten, new scenes recognised."""

from __future__ import annotations

import numpy as np
import pytest
import thermal_scene as scene

from detectors.background import Background, BackgroundConfig


def _grey(still: np.ndarray, rng: np.random.Generator, camera_px: tuple[float, float] = (0.0, 0.0)) -> np.ndarray:
    return scene.frame(still, rng, camera_px=camera_px).astype(np.float32)


def test_the_first_frame_has_changed_nowhere() -> None:
    change = Background().step(_grey(scene.scenery(0), np.random.default_rng(0)))
    assert not change.grey.any()
    assert not change.significance.any()


@pytest.mark.parametrize("shift_px", [(0.0, 0.0), (2.0, -1.0), (0.6, 0.3), (-3.4, 1.7)])
def test_a_shift_of_the_camera_is_measured(shift_px: tuple[float, float]) -> None:
    rng, still, background = np.random.default_rng(3), scene.scenery(3), Background()
    for _ in range(10):
        background.step(_grey(still, rng))
    background.step(_grey(still, rng, shift_px))
    # Phase correlation runs at half size, where a quarter of a pixel is half a pixel of the image.
    assert background.offset_px == pytest.approx(shift_px, abs=0.5)


def test_a_shaking_camera_over_texture_changes_little() -> None:
    """The same shake without compensation changes the textured ground several times as much."""
    rng, still, background = np.random.default_rng(4), scene.scenery(4), Background()
    shakes = rng.normal(0.0, 1.0, (40, 2))
    first = _grey(still, rng)
    background.step(first)
    compensated, raw = [], []
    for dx, dy in shakes.tolist():
        image = _grey(still, rng, (dx, dy))
        ground = np.s_[210:, 20:-20]
        compensated.append(np.abs(background.step(image).grey[ground]).mean())
        raw.append(np.abs((image - first)[ground]).mean())
    assert np.mean(compensated[10:]) < 0.5 * np.mean(raw[10:])
    assert background.resets == 0


def test_a_steady_pan_is_followed() -> None:
    rng, still, background = np.random.default_rng(5), scene.scenery(5), Background()
    changes = [np.abs(background.step(_grey(still, rng, (0.8 * k, 0.0))).grey[210:, 40:-40]).mean() for k in range(40)]
    assert background.resets == 0
    # 32 px of pan moves the texture (6 px wide) past itself five times; followed, only resampling is left.
    assert np.mean(changes[5:]) < 10.0
    assert abs(background.offset_px[0]) <= BackgroundConfig().recentre_px + 1.0


def test_a_change_of_level_of_the_whole_image_is_no_change() -> None:
    rng, still, background = np.random.default_rng(6), scene.scenery(6), Background()
    for _ in range(5):
        background.step(_grey(still, rng))
    change = background.step(_grey(still, rng) + np.float32(12.0))
    assert abs(float(np.median(change.grey))) < 0.5
    assert background.resets == 0


def test_a_new_scene_starts_again() -> None:
    rng, background = np.random.default_rng(7), Background()
    for _ in range(20):
        background.step(_grey(scene.scenery(7), rng))
    change = background.step(255.0 - _grey(scene.scenery(8), rng))
    assert background.resets == 1
    assert not change.grey.any()


def test_an_image_without_texture_holds_the_last_offset() -> None:
    background = Background()
    for _ in range(3):
        change = background.step(np.full((64, 80), 100.0, np.float32))
    assert background.offset_px == pytest.approx((0.0, 0.0), abs=1e-6)
    assert np.isfinite(change.significance).all()
