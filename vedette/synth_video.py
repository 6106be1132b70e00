"""Video of ``vedette synth``: a window of a camera set on the target that it sees best, as clips with boxes.csv."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from detectors.clip_writing import ClipWriter
from messages.frames import F64
from scenarios.types import TargetType
from sim.sensors.base import NEGLIGIBLE
from sim.sensors.camera import Camera
from sim.signals.imaging import FrameMaker, SyntheticFrame, window_towards
from sim.simulation import Simulation
from vedette.synth_clip import Clip, Told, detection_probability

SIZE_PX = {"thermal": (320, 256), "visible": (640, 512)}  # of the public recordings
PREFIX = {"thermal": "IR", "visible": "V"}
COLUMNS = ("clip", "class", "frame", "x_px", "y_px", "width_px", "height_px")
EMPTY_SKY: F64 = np.array([np.cos(0.05), 0.0, np.sin(0.05)])  # where a window looks if there is nothing to see


def thermal(clip: Clip, told: Told) -> dict[str, Any]:
    """Write a thermal clip and its boxes."""
    return _video("thermal", clip, told)


def visible(clip: Clip, told: Told) -> dict[str, Any]:
    """Write a visible clip and its boxes."""
    return _video("visible", clip, told)


def _video(kind: str, clip: Clip, told: Told) -> dict[str, Any]:
    sensor, world = clip.sensor, clip.simulation.world
    assert isinstance(sensor, Camera)
    direction, aim = aim_at(clip.simulation, sensor, clip.start_s + 0.5 * clip.seconds)
    window = window_towards(sensor, direction, *SIZE_PX[kind])
    maker = FrameMaker(sensor, world, world.target_types, window, clip.start_s, clip.seconds, clip.rng)
    label = "SKY" if aim is None else label_of(world.target_types[aim]).upper()
    folder = clip.folder / kind
    (folder / "clips").mkdir(parents=True, exist_ok=True)
    name = f"{PREFIX[kind]}_{label}_{clip.number:03d}"
    file = folder / "clips" / f"{name}.mp4"
    rows: list[tuple[Any, ...]] = []
    with ClipWriter(file, window.width_px, window.height_px, maker.frame_rate_hz) as writer:
        for k, frame in enumerate(maker.frames()):
            writer.write(frame.grey)
            rows += box_rows(name, label.lower(), k, frame, lambda i: label_of(world.target_types[i]))
            told(k + 1, len(maker.t_s))
    append_boxes(folder / "boxes.csv", rows)
    return clip.entry(
        kind,
        file,
        f"{writer.frames} frames of {window.width_px} x {window.height_px}, field {window.hfov_deg:.1f} deg",
        target=None if aim is None else world.target_ids[aim],
        hfov_deg=window.hfov_deg,
        frame_rate_hz=maker.frame_rate_hz,
        sensor_from_window=np.round(window.sensor_from_window, 9).tolist(),
        grey_per_unit=maker.grey_per_unit,
        grey_offset=maker.grey_offset,
        unit="kelvin against the air" if kind == "thermal" else "luminance, 1 is the sky at the horizon",
    )


def aim_at(simulation: Simulation, sensor: Camera, t_s: float) -> tuple[F64, int | None]:
    """Return a direction in the set's axes, and the target there: the surest one, else the nearest in view."""
    pose = sensor.pose(simulation.world, t_s)
    view = sensor.view(simulation.world, t_s, pose)
    if not len(view.index):
        return EMPTY_SKY, None
    probability = detection_probability(simulation, sensor, t_s)[view.index]
    best = int(np.argmax(probability)) if probability.max() > NEGLIGIBLE else int(np.argmin(view.range_m))
    return np.asarray(view.offset_m[best] @ pose.enu_from_sensor), int(view.index[best])


def label_of(kind: TargetType) -> str:
    """Return the class as the recordings name it."""
    return "bird" if kind.target_class == "bird" else "drone"


def box_rows(
    name: str, label: str, number: int, frame: SyntheticFrame, label_at: Callable[[int], str]
) -> list[tuple[Any, ...]]:
    """Return a frame's rows: one a target in view; one with empty numbers where there is none."""
    if not frame.boxes:
        return [(name, label, number, "", "", "", "")]
    sides = ((b.target, (b.x_px, b.y_px, b.width_px, b.height_px)) for b in frame.boxes)
    return [(name, label_at(i), number, *(f"{side:.1f}" for side in box)) for i, box in sides]


def append_boxes(path: Path, rows: Iterable[tuple[Any, ...]]) -> None:
    """Add rows to a boxes.csv, with its header where it is new."""
    new = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        if new:
            writer.writerow(COLUMNS)
        writer.writerows(rows)
