"""``vedette detect rf``, ``evaluate-detector rf`` and ``synth-emitters`` from files to files."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from detectors.rf.classifier import CLASSES
from detectors.rf.recording import read_recording
from vedette.cli import app


def vedette(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments])


@pytest.fixture(scope="module")
def emitters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty recordings: the five classes at -5, 0, 5 and 10 dB."""
    folder = tmp_path_factory.mktemp("rf") / "emitters"
    done = vedette("synth-emitters", "--out", folder, "--count", "20", "--seed", "3", "-q")
    assert done.exit_code == 0, done.output
    return folder


def test_recordings_give_detections_a_table_and_annotations(emitters: Path, tmp_path: Path) -> None:
    out, boxes, notes = tmp_path / "detections.csv", tmp_path / "signals.csv", tmp_path / "notes"
    notes.mkdir()
    recording = emitters / "RF_0016.sigmf-meta"  # OFDM video at 10 dB
    done = vedette("detect", "rf", recording, "--out", out, "--boxes", boxes, "--sigmf", notes)
    assert done.exit_code == 0, done.output
    assert "rf on CPUExecutionProvider" in done.output
    (truth,) = json.loads(recording.read_text(encoding="utf-8"))["annotations"]
    with boxes.open(newline="", encoding="utf-8") as file:
        row = next(csv.DictReader(file))
    assert row["class"] == "ofdm_video"
    error = (float(row["azimuth_deg"]) - truth["vedette:azimuth_deg"] + 180.0) % 360.0 - 180.0
    assert abs(error) <= 2.0
    middle_mhz = 0.5e-6 * (truth["core:freq_lower_edge"] + truth["core:freq_upper_edge"])
    assert abs(float(row["frequency_mhz"]) - middle_mhz) <= 1.0
    with out.open(newline="", encoding="utf-8") as file:
        detection = next(csv.DictReader(file))
    assert sum(float(detection[f"class_{name}"]) for name in CLASSES) == pytest.approx(1.0, abs=1e-6)
    assert float(detection["azimuth_sigma_deg"]) == pytest.approx(float(row["azimuth_sigma_deg"]))
    assert "kind: rf" in out.with_name("sensors.yaml").read_text(encoding="utf-8")
    written = json.loads((notes / recording.name).read_text(encoding="utf-8"))
    assert written["annotations"][0]["core:label"] == "ofdm_video"
    assert (notes / written["global"]["core:dataset"]).resolve() == recording.with_suffix(".sigmf-data").resolve()
    assert json.loads(recording.read_text(encoding="utf-8"))["annotations"] == [truth]


def test_a_recording_that_cannot_be_used_is_named_and_stops_no_other(emitters: Path, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("RF_0015", "RF_0016"):
        for part in ("meta", "data"):
            (folder / f"{name}.sigmf-{part}").write_bytes((emitters / f"{name}.sigmf-{part}").read_bytes())
    data = folder / "RF_0015.sigmf-data"
    data.write_bytes(data.read_bytes()[:-7])
    done = vedette("detect", "rf", folder, "--out", tmp_path / "detections.csv", "-q")
    assert done.exit_code == 1
    assert "RF_0015.sigmf-data: size" in done.output
    assert "1 of 2 recordings could not be used" in done.output
    alone = vedette("detect", "rf", folder / "RF_0015.sigmf-meta", "--out", tmp_path / "none.csv")
    assert alone.exit_code == 2
    assert not (tmp_path / "none.csv").exists()


def test_annotations_are_never_written_over_the_recordings(emitters: Path, tmp_path: Path) -> None:
    done = vedette("detect", "rf", emitters, "--out", tmp_path / "d.csv", "--sigmf", emitters)
    assert done.exit_code == 2
    assert "name another folder" in done.output


def test_the_model_tells_emitters_that_it_was_not_trained_on(emitters: Path) -> None:
    done = vedette("evaluate-detector", "rf", "--data", emitters, "--json", "-q")
    assert done.exit_code == 0, done.output
    result = json.loads(done.output)
    assert result["snapshots"] == result["emitters"] == 20
    assert set(result["by_snr"]) == {"-5 dB", "0 dB", "5 dB", "10 dB"}
    # Of the fifteen at 0 dB and more: 0.96 were told in a thousand, three mistakes are a chance of 1 in 50.
    rows = [result["by_snr"][level]["confusion"] for level in ("0 dB", "5 dB", "10 dB")]
    assert sum(row[k][k] for row in rows for k in range(len(CLASSES))) >= 12
    assert result["bearings"]["10 dB"]["rmse_deg"] <= 2.0
    assert sum(len(read_recording(p).captures) for p in emitters.glob("*.sigmf-meta")) == 20


def test_a_folder_without_labels_cannot_be_judged_by(emitters: Path, tmp_path: Path) -> None:
    meta = json.loads((emitters / "RF_0000.sigmf-meta").read_text(encoding="utf-8"))
    meta["annotations"] = []
    (tmp_path / "RF_0000.sigmf-meta").write_text(json.dumps(meta), encoding="utf-8")
    (tmp_path / "RF_0000.sigmf-data").write_bytes((emitters / "RF_0000.sigmf-data").read_bytes())
    done = vedette("evaluate-detector", "rf", "--data", tmp_path, "-q")
    assert done.exit_code == 2
    assert "no annotation with core:label" in done.output
