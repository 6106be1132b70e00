"""Thermal clips made by arithmetic: a tree line under a graded sky, one small warm target, a shaking camera."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

U8 = NDArray[np.uint8]

WIDTH_PX, HEIGHT_PX, FPS_HZ = 320, 256, 30.0
MARGIN_PX = 40  # the scenery is larger than the image, so that the camera can pan over it


def scenery(seed: int) -> NDArray[np.float64]:
    """Return a still scene larger than the image: sky gradient, clutter of trees, textured ground."""
    rng = np.random.default_rng(seed)
    height, width = HEIGHT_PX + 2 * MARGIN_PX, WIDTH_PX + 2 * MARGIN_PX
    scene = np.tile(np.linspace(90.0, 40.0, height)[:, None], (1, width))
    tops = cv2.GaussianBlur(rng.normal(0.0, 40.0, (1, width)), (31, 1), 6.0)[0] + 0.72 * height
    trees = np.arange(height)[:, None] > tops[None, :]
    texture = cv2.GaussianBlur(rng.normal(0.0, 60.0, (height, width)), (0, 0), 1.5)
    return np.where(trees, 170.0 + texture, scene)


def frame(
    scene: NDArray[np.float64],
    rng: np.random.Generator,
    targets: Sequence[tuple[float, float, float]] = (),
    camera_px: tuple[float, float] = (0.0, 0.0),
    size_px: float = 2.0,
) -> U8:
    """Return one image: targets (x, y, contrast in grey levels) as Gaussian spots; the scene moved by camera_px."""
    matrix = np.array([[1.0, 0.0, camera_px[0] - MARGIN_PX], [0.0, 1.0, camera_px[1] - MARGIN_PX]])
    image = cv2.warpAffine(scene, matrix, (WIDTH_PX, HEIGHT_PX))
    for tx, ty, contrast in targets:
        across = np.exp(-0.5 * ((np.arange(WIDTH_PX) + 0.5 - tx) / size_px) ** 2)
        down = np.exp(-0.5 * ((np.arange(HEIGHT_PX) + 0.5 - ty) / size_px) ** 2)
        image = image + contrast * np.outer(down, across)
    return np.clip(image + rng.standard_normal(image.shape, np.float32), 0.0, 255.0).round().astype(np.uint8)


def target_path(n: int, start: tuple[float, float] = (60.0, 90.0)) -> NDArray[np.float64]:
    """Return the target's centre (n, 2) [px, edges at whole numbers]: 0.8 px a frame to the right, bobbing."""
    k = np.arange(n)
    return np.stack([start[0] + 0.8 * k, start[1] + 15.0 * np.sin(k / 40.0)], axis=1)


def write_clip(path: Path, frames: Sequence[U8]) -> Path:
    """Write frames as Motion JPEG in AVI, which OpenCV encodes and decodes by itself; return the path."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), FPS_HZ, (WIDTH_PX, HEIGHT_PX))
    assert writer.isOpened()
    for image in frames:
        writer.write(cv2.cvtColor(image, cv2.COLOR_GRAY2BGR))
    writer.release()
    return path


def write_data_set(folder: Path, clips: int, frames: int) -> Path:
    """Write ``clips/IR_DRONE_*.avi``-like clips with ``boxes.csv`` in the form of the recordings; return the folder."""
    (folder / "clips").mkdir(parents=True)
    lines = ["clip,class,frame,x_px,y_px,width_px,height_px"]
    for number in range(clips):
        name = f"IR_DRONE_{900 + number}"
        rng, scene = np.random.default_rng(number), scenery(number)
        path = target_path(frames, start=(50.0 + 30.0 * number, 70.0 + 20.0 * number))
        images = [frame(scene, rng, [(*path[k], 90.0)]) for k in range(frames)]
        # OpenCV decodes by content: the recordings' suffix on an AVI file keeps one file pattern for both.
        made = write_clip(folder / "clips" / f"{name}.avi", images)
        made.rename(made.with_suffix(".mp4"))
        lines += [f"{name},drone,{k},{x - 6:.1f},{y - 6:.1f},12.0,12.0" for k, (x, y) in enumerate(path)]
    (folder / "boxes.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def recordings_or_made(root: Path, folder: Path) -> Path:
    """Return the thermal recordings in $VEDETTE_DATA or ../shared/data; without them made clips, said in a warning.

    Under CI=true missing recordings are a failure.
    """
    places = [Path(os.environ["VEDETTE_DATA"])] if os.environ.get("VEDETTE_DATA") else []
    places.append(root.parent / "shared" / "data")
    for place in places:
        if (place / "thermal" / "boxes.csv").is_file():
            return place / "thermal"
    message = f"no thermal recordings in {' or '.join(map(str, places))}: set VEDETTE_DATA to their folder"
    if os.environ.get("CI") == "true":
        pytest.fail(message, pytrace=False)
    warnings.warn(f"{message}; running on made clips", stacklevel=2)
    return write_data_set(folder / "thermal", clips=2, frames=90)
