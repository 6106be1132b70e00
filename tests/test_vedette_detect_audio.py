"""``vedette detect audio`` and ``evaluate-detector`` from files to files: what comes out, and what each fault says."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import sound_maker
from typer.testing import CliRunner, Result

from detectors.manifest import MODELS
from vedette.cli import app

RATE_HZ = sound_maker.RATE_HZ


def vedette(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments])


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A rotor, a noise, and three files that cannot be used."""
    made = tmp_path / "in"
    made.mkdir()
    sound_maker.write(made / "DRONE_001.wav", sound_maker.rotor(1, f0_hz=172.0))
    sound_maker.write(made / "BACKGROUND_001.wav", sound_maker.noise(2))
    sound_maker.write(made / "DRONE_002.wav", sound_maker.rotor(3), 8000)
    sound_maker.write(made / "DRONE_003.wav", np.zeros(3 * RATE_HZ))
    (made / "DRONE_004.wav").write_bytes((made / "DRONE_001.wav").read_bytes()[:30])
    return made


def test_one_file_gives_detections_boxes_and_a_sensor(folder: Path, tmp_path: Path) -> None:
    out, boxes = tmp_path / "detections.csv", tmp_path / "boxes.csv"
    done = vedette("detect", "audio", folder / "DRONE_001.wav", "--out", out, "--boxes", boxes)
    assert done.exit_code == 0, done.output
    assert "acoustic on CPUExecutionProvider" in done.output
    table = rows(boxes)
    assert list(table[0]) == ["clip", "time_s", "class", "score", "azimuth_deg"]
    assert [row["time_s"] for row in table] == ["0", "1", "2", "3"]
    assert {row["clip"] for row in table} == {"DRONE_001"}
    assert all(0.5 <= float(row["score"]) <= 1.0 and row["azimuth_deg"] == "" for row in table)
    detections = rows(out)
    assert [row["time_s"] for row in detections] == ["0.5", "1.5", "2.5", "3.5"]
    for box, row in zip(table, detections, strict=True):
        assert (row["class_drone"] != "") == (box["class"] == "drone")
        if box["class"] == "drone":
            assert float(row["class_drone"]) == float(box["score"])
            assert float(row["class_drone"]) + float(row["class_background"]) == pytest.approx(1.0)
    assert "kind: acoustic" in out.with_name("sensors.yaml").read_text(encoding="utf-8")


def test_files_that_cannot_be_used_are_named_and_stop_no_other(folder: Path, tmp_path: Path) -> None:
    out, boxes = tmp_path / "detections.csv", tmp_path / "boxes.csv"
    done = vedette("detect", "audio", folder, "--out", out, "--boxes", boxes, "--quiet")
    assert done.exit_code == 1
    assert "DRONE_002.wav: sample rate = 8000 Hz" in done.output
    assert "DRONE_003.wav: silent microphone" in done.output
    assert "DRONE_004.wav: not a WAV file" in done.output
    assert "3 of 5 files could not be used" in done.output
    assert [row["clip"] for row in rows(boxes)] == ["BACKGROUND_001"] * 4 + ["DRONE_001"] * 4
    alone = tmp_path / "alone.csv"
    assert (
        vedette("detect", "audio", folder / "DRONE_001.wav", "--boxes", alone, "--out", tmp_path / "d.csv").exit_code
        == 0
    )
    assert rows(alone) == rows(boxes)[4:]


@pytest.mark.parametrize("name", ["DRONE_002.wav", "DRONE_003.wav", "DRONE_004.wav", "DRONE_005.wav"])
def test_one_file_that_cannot_be_used_writes_nothing(folder: Path, tmp_path: Path, name: str) -> None:
    out = tmp_path / "detections.csv"
    done = vedette("detect", "audio", folder / name, "--out", out)
    assert done.exit_code == 2
    assert name in done.output
    assert not out.exists()


def test_silent_and_clipped_seconds_are_faults_of_the_microphone(tmp_path: Path) -> None:
    sound = sound_maker.rotor(1)
    sound[RATE_HZ : 2 * RATE_HZ] = 0.0
    sound[2 * RATE_HZ : 3 * RATE_HZ] *= 30.0
    path, out, boxes = tmp_path / "DRONE_001.wav", tmp_path / "detections.csv", tmp_path / "boxes.csv"
    sound_maker.write(path, sound)
    done = vedette("detect", "audio", path, "--out", out, "--boxes", boxes)
    assert done.exit_code == 0
    assert "microphone silent in 1 of 4 s, first at 1 s" in done.output
    assert "microphone clipped in 1 of 4 s, first at 2 s" in done.output
    table = rows(boxes)
    assert (table[1]["class"], table[1]["score"]) == ("silent", "")
    # A silent microphone has not listened: there is no scan that would say that nothing was there.
    assert [row["scan"] for row in rows(out)] == ["0", "2", "3"]


def test_an_array_says_where_from(tmp_path: Path) -> None:
    places = np.array([[0.1, 0.1, 0.0], [0.1, -0.1, 0.0], [-0.1, -0.1, 0.0], [-0.1, 0.1, 0.0]])
    azimuth = np.radians(70.0)
    earlier_s = places @ [np.cos(azimuth), -np.sin(azimuth), 0.0] / 343.0
    source = sound_maker.rotor(1, 3.0, f0_hz=172.0)
    hz = np.fft.rfftfreq(len(source), 1.0 / RATE_HZ)
    spectra = np.fft.rfft(source)[:, None] * np.exp(2j * np.pi * hz[:, None] * earlier_s)
    path = sound_maker.write(tmp_path / "array.wav", np.fft.irfft(spectra, len(source), axis=0))
    table = tmp_path / "microphones.csv"
    lines = [",".join(map(str, place)) for place in places]
    table.write_text("forward_m,left_m,up_m\n" + "\n".join(lines) + "\n", encoding="utf-8")
    boxes, out = tmp_path / "boxes.csv", tmp_path / "detections.csv"
    done = vedette("detect", "audio", path, "--microphones", table, "--out", out, "--boxes", boxes)
    assert done.exit_code == 0, done.output
    heard = [row for row in rows(boxes) if row["class"] == "drone"]
    assert len(heard) >= 2
    assert all(abs(float(row["azimuth_deg"]) - 70.0) < 2.0 for row in heard)
    row = next(row for row in rows(out) if row["azimuth_deg"])
    assert 1.0 <= float(row["azimuth_sigma_deg"]) < 3.0
    table.write_text("\n".join(["forward_m,left_m,up_m", *lines[:3]]) + "\n", encoding="utf-8")
    done = vedette("detect", "audio", path, "--microphones", table, "--out", out)
    assert done.exit_code == 2
    assert "channels = 4: must be 3" in done.output


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x,y,z\n1,2,3\n", "columns = "),
        ("forward_m,left_m,up_m\n1,2,three\n", "microphones.csv:2: must be 3 numbers"),
        ("forward_m,left_m,up_m\n0,0,0\n1,0,0\n2,0,0\n", "not in one line"),
    ],
)
def test_a_wrong_table_of_microphones_is_named(folder: Path, tmp_path: Path, text: str, said: str) -> None:
    table = tmp_path / "microphones.csv"
    table.write_text(text, encoding="utf-8")
    done = vedette("detect", "audio", folder / "DRONE_001.wav", "--microphones", table, "--out", tmp_path / "d.csv")
    assert done.exit_code == 2
    assert said in done.output


def test_models_that_may_not_be_loaded_load_nothing(folder: Path, tmp_path: Path) -> None:
    """Not listed; cut off; swapped: named, exit code 2, nothing written."""
    out = tmp_path / "detections.csv"
    whole = (MODELS / "acoustic" / "model.onnx").read_bytes()
    (tmp_path / "card.yaml").write_bytes((MODELS / "acoustic" / "card.yaml").read_bytes())
    cut = tmp_path / "model.onnx"
    for model, data, said in (
        ("unheard-of", None, "no model 'unheard-of'"),
        (cut, whole[:-9], "changed, swapped or truncated"),
        (cut, whole[:5000] + b"\x00" + whole[5001:], "changed, swapped or truncated"),
        (tmp_path / "none.onnx", None, "No such file"),
    ):
        if data is not None:
            cut.write_bytes(data)
        done = vedette("detect", "audio", folder / "DRONE_001.wav", "--model", model, "--out", out)
        assert done.exit_code == 2, done.output
        assert said in done.output
        assert not out.exists()


def test_evaluation_counts_what_detection_says(folder: Path, tmp_path: Path) -> None:
    done = vedette("evaluate-detector", "acoustic", "--data", folder, "--json", "--quiet")
    assert done.exit_code == 0, done.output
    result = json.loads(done.stdout)
    assert (result["clips"], result["windows"], len(result["refused"])) == (2, 8, 3)
    vedette("detect", "audio", folder, "--out", tmp_path / "d.csv", "--boxes", tmp_path / "b.csv")
    table = rows(tmp_path / "b.csv")
    hits = sum(row["class"] == "drone" and row["clip"] == "DRONE_001" for row in table)
    claims = sum(row["class"] == "drone" for row in table)
    assert result["recall"] == pytest.approx(hits / 4)
    assert result["precision"] == pytest.approx(hits / claims if claims else 0.0)
    assert result["by_class"]["background"]["support"] == 4
    assert result["provider"] == "CPUExecutionProvider"
    assert 0.0 < result["ms_window_median"] <= result["ms_window_p95"]


def test_a_folder_without_one_class_is_named(folder: Path) -> None:
    (folder / "BACKGROUND_001.wav").unlink()
    done = vedette("evaluate-detector", "acoustic", "--data", folder, "--json")
    assert done.exit_code == 2
    assert "no usable clip of class background" in done.output
