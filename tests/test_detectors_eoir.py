"""The EO/IR detector: stacks, cells and boxes, the memory of classes, the figures, and training from end to end."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import thermal_scene
from typer.testing import CliRunner

from benchmarks.eoir_scores import Claims, Verdict, average_precision
from detectors.eoir.cells import (
    CELL_PX,
    CHANNELS,
    CLASS,
    CLASSES,
    COLUMNS,
    ROWS,
    SIZE_PX,
    TARGET,
    Boxes,
    decode,
    overlap,
)
from detectors.eoir.detector import Card, Memory
from detectors.eoir.folder import LabelledClip, read_labelled
from detectors.eoir.stack import BACK, PLANES, Stack, planes, shift_px
from detectors.media import MediaError
from vedette.cli import app

CARD = Card("thermal", 0.3, 1.0, CLASSES)


def test_a_panning_camera_leaves_only_the_target_in_the_change_planes() -> None:
    scene, rng, stack = thermal_scene.scenery(3), np.random.default_rng(0), Stack()
    for k in range(max(BACK) + 1):
        target = (100.0 + 2.0 * k, 60.0, 120.0)
        stack.push(thermal_scene.frame(scene, rng, [target], camera_px=(0.9 * k, -0.4 * k)))
    image = planes(stack.aligned(), 100.0)
    assert image.shape == (PLANES, 256, 320)
    sky = np.abs(image[2, 20:150, 20:-20])  # over the trees, whose edges leave a little
    rows, columns = np.nonzero(sky > 2.0)
    near = np.abs(rows + 20 - 60) <= 8, np.minimum(np.abs(columns + 20 - 120), np.abs(columns + 20 - 109)) <= 8
    assert len(rows) > 20
    assert np.all(near[0] & near[1])  # where it is, or where it was on the moved scene
    inner = np.abs(image[2, 20:-20, 20:-20])
    still = np.abs(planes(np.stack([stack._grey[-1], *[stack._grey[0]] * 2], axis=-1), 100.0)[2, 20:-20, 20:-20])
    assert inner.mean() < 0.5 * still.mean()


def test_the_shift_of_a_scene_is_measured_to_a_quarter_of_a_pixel() -> None:
    scene, rng = thermal_scene.scenery(1), np.random.default_rng(1)
    a, b = (
        thermal_scene.frame(scene, rng, camera_px=c)[::2, ::2].astype(np.float32) for c in ((0.0, 0.0), (6.0, -4.0))
    )
    assert shift_px(a, b) == pytest.approx((6.0, -4.0), abs=0.25)
    assert shift_px(a, rng.normal(0.0, 1.0, a.shape).astype(np.float32)) == (0.0, 0.0)


def cells_with(*targets: tuple[int, int, float, float]) -> np.ndarray:
    """Return cells that hold targets (row, column, logit, side in px)."""
    cells = np.zeros((CHANNELS, ROWS, COLUMNS), np.float32)
    cells[TARGET] = -8.0
    for row, column, logit, side in targets:
        cells[TARGET, row, column] = logit
        cells[2:4, row, column] = np.log(side / SIZE_PX)
        cells[CLASS, row, column] = (0.0, 3.0, 0.0, 0.0)
    return cells


def test_cells_become_boxes_strongest_first_and_one_a_target() -> None:
    found = decode(cells_with((10, 20, 1.0, 24.0), (10, 22, 0.5, 24.0), (40, 60, 3.0, 8.0), (5, 5, -3.0, 8.0)), 0.3)
    assert found.score == pytest.approx(1.0 / (1.0 + np.exp([-3.0, -1.0])))
    centre = [60.5 * CELL_PX, 40.5 * CELL_PX]
    assert found.boxes_px[0] == pytest.approx([centre[0] - 4.0, centre[1] - 4.0, 8.0, 8.0], rel=1e-5)
    assert found.logits.argmax(axis=1).tolist() == [1, 1]
    assert decode(cells_with(), 0.3).boxes_px.shape == (0, 4)


def test_overlap_is_intersection_over_union() -> None:
    a, b = np.array([[0.0, 0.0, 10.0, 10.0]]), np.array([[5.0, 0.0, 10.0, 10.0], [20.0, 0.0, 1.0, 1.0]])
    assert overlap(a, b)[0] == pytest.approx([1.0 / 3.0, 0.0])


def one_box(x: float, logits: tuple[float, float, float, float]) -> Boxes:
    return Boxes(np.array([[x, 50.0, 12.0, 12.0]]), np.array([0.9]), np.array([logits]))


def test_memory_keeps_a_class_through_one_odd_frame_and_not_on_another_target() -> None:
    memory, drone, bird = Memory(CARD), (4.0, 0.0, 0.0, 0.0), (0.0, 4.0, 0.0, 0.0)
    for k in range(10):
        memory.step(one_box(40.0 + k, drone))
    assert memory.step(one_box(50.0, bird))[0].argmax() == 0
    assert memory.step(one_box(200.0, bird))[0].argmax() == 1


def test_a_class_that_was_not_trained_is_never_claimed() -> None:
    memory = Memory(Card("visible", 0.3, 1.0, ("drone", "bird")))
    found = memory.step(one_box(40.0, (0.0, 1.0, 9.0, 9.0)))[0]
    assert found[2:].tolist() == [0.0, 0.0]
    assert found.sum() == pytest.approx(1.0)


def test_figures_of_hits_false_alarms_and_wrong_classes() -> None:
    verdict = Verdict(0.5)
    box, sure = np.array([10.0, 10.0, 20.0, 20.0]), np.eye(4)
    verdict.add("a", 0, box, Claims(0, box[None], np.array([0.9]), sure[[0]]), 1.0)
    verdict.add("a", 0, box, Claims(1, box[None] + [8.0, 8.0, 0.0, 0.0], np.array([0.8]), sure[[0]]), 1.0)  # IoU 0.22
    verdict.add("a", 0, box, Claims(2, box[None], np.array([0.4]), sure[[0]]), 1.0)  # under the threshold
    verdict.add("b", 1, box, Claims(0, box[None], np.array([0.7]), sure[[0]]), 1.0)  # a bird taken for a drone
    verdict.add("b", 1, None, Claims(1, np.empty((0, 4)), np.empty(0), np.empty((0, 4))), 1.0)
    figures = verdict.figures()
    assert (figures["precision"], figures["recall"]) == (round(1 / 3, 4), round(1 / 3, 4))
    assert figures["target"]["f1"] == round(2 * 2 / (3 + 4), 4)
    assert figures["by_class"]["bird"]["taken_for"] == {"drone": 1}
    assert figures["by_size"]["16_to_32"]["drone"]["labels"] == 3
    assert figures["clips_mostly_wrong"] == {"b": "drone"}
    assert figures["clip_accuracy"] == 0.5
    json.dumps(figures)


def test_average_precision_of_a_short_list() -> None:
    # precision 1, 2/3 at the two hits of three to be found
    assert average_precision([True, False, True], 3) == pytest.approx((1.0 + 2.0 / 3.0) / 3.0)
    assert average_precision([], 3) == 0.0


def test_five_of_every_twenty_five_numbers_are_held_out() -> None:
    held = [n for n in range(1, 51) if LabelledClip(Path(f"IR_DRONE_{n:03d}.mp4"), "drone", {}).held_out]
    assert held == [8, 9, 10, 11, 12, 33, 34, 35, 36, 37]


def test_a_folder_without_labels_and_a_table_with_a_bad_row_are_named(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"boxes\.csv"):
        read_labelled(tmp_path, "thermal")
    folder = thermal_scene.write_data_set(tmp_path / "thermal", clips=1, frames=2)
    with (folder / "boxes.csv").open("a", encoding="utf-8") as file:
        file.write("IR_X_1,balloon,0,1,2,3,4\n")
    with pytest.raises(MediaError, match=r"boxes.csv:4: class = balloon"):
        read_labelled(tmp_path, "thermal")


def test_train_evaluate_and_detect_from_end_to_end(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="make train installs torch")
    pytest.importorskip("onnx", reason="make train installs onnx")
    folder = thermal_scene.write_data_set(
        tmp_path / "data" / "thermal", clips=10, frames=12
    )  # 900..909: 8 and 9 held out

    def vedette(*arguments: str | Path) -> str:
        done = CliRunner().invoke(app, [str(a) for a in arguments])
        assert done.exit_code == 0, done.output
        return done.output

    out = tmp_path / "out"
    options = ["--data", folder.parent, "--steps", "2", "--out", out, "--quiet"]
    assert "int8" in vedette("train", "eo-ir", *options)
    first = (out / "model.onnx").read_bytes()
    assert "int8" in vedette("train", "eo-ir", *options, "--resume")
    assert (out / "model.onnx").read_bytes() == first
    model = out / "int8.onnx"
    text = vedette("evaluate-detector", model, "--data", folder.parent, "--held-out", "--baseline", "--json", "--quiet")
    found = json.loads(text)
    assert (found["clips"], found["frames"]) == (2, 24)
    assert found["classical"]["target"]["labels"] == 24
    clip = folder / "clips" / "IR_DRONE_900.mp4"
    vedette("detect", "thermal", clip, "--model", model, "--out", tmp_path / "d.csv", "--boxes", tmp_path / "b.csv")
    with (tmp_path / "b.csv").open(newline="", encoding="utf-8") as file:
        assert csv.DictReader(file).fieldnames == [
            "clip",
            "frame",
            "x_px",
            "y_px",
            "width_px",
            "height_px",
            "class",
            "score",
        ]
    assert "kind: ir" in (tmp_path / "sensors.yaml").read_text(encoding="utf-8")
    refused = CliRunner().invoke(app, ["detect", "visible", str(clip), "--model", str(model)])
    assert refused.exit_code == 2
    assert "thermal" in refused.output
