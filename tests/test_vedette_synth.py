"""``vedette synth``: folders in the recordings' format, the same bytes for the same seed, nothing half-written."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.io import wavfile

from benchmarks.thermal_clips import read_labels
from benchmarks.truth_table import read_truth
from detectors.media import VideoClip
from scenarios.loader import load
from sim.signals.sigmf import read_sigmf
from vedette.errors import InputError
from vedette.synth import SynthOptions, main
from vedette.synth_media import KINDS, Maker

# The drones are 100 to 200 m away then: every sensor has something to see.
OPTIONS = SynthOptions("crossing_pair", Path(), start_s=75.0, seconds=0.4, seed=5, quiet=True)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("synth") / "media"
    main(replace(OPTIONS, out=out))
    return out


def test_every_kind_is_written_and_listed(made: Path) -> None:
    manifest = json.loads((made / "manifest.json").read_text())
    assert [clip["kind"] for clip in manifest["clips"]] == ["audio", "thermal", "visible", "rf", "radar"]
    assert (manifest["seed"], manifest["start_s"], manifest["seconds"]) == (5, 75.0, 0.4)
    assert all((made / clip["file"]).is_file() for clip in manifest["clips"])
    assert load(str(made / "scenario.yaml")) == load("crossing_pair")
    assert {p.name for p in made.parent.iterdir()} == {"media"}


def test_truth_is_that_of_a_run_with_the_pd_of_the_sensors(made: Path) -> None:
    truth = read_truth(made / "truth.csv")
    assert truth.target_ids == ("west_1", "east_1")
    assert (truth.instants_ns[0], truth.instants_ns[-1]) == (75_000_000_000, 75_400_000_000)
    sensors = {"tank_1_radar", "tank_1_eo", "tank_1_ir", "tank_1_acoustic", "tank_1_rf"}
    assert set(truth.pd) == sensors
    assert truth.best_pd().max() > 0.9


def test_sound_has_every_microphone_in_pascals(made: Path) -> None:
    entry = json.loads((made / "manifest.json").read_text())["clips"][0]
    assert entry["file"] == "audio/DRONE_001.wav"
    rate, sound = wavfile.read(made / entry["file"])
    assert (rate, sound.shape, sound.dtype) == (22_050, (8820, 32), np.int16)
    assert len(entry["microphones_m"]) == 32
    rms_pa = np.sqrt(np.mean((sound / 32767.0 * entry["full_scale_pa"]) ** 2))
    assert 30.0 < 20.0 * np.log10(rms_pa / 20e-6) < 80.0


@pytest.mark.parametrize(("kind", "name", "size"), [("thermal", "IR", (320, 256)), ("visible", "V", (640, 512))])
def test_clips_have_boxes_as_the_recordings_do(made: Path, kind: str, name: str, size: tuple[int, int]) -> None:
    path = made / kind / "boxes.csv"
    assert path.read_text().splitlines()[0] == "clip,class,frame,x_px,y_px,width_px,height_px"
    labels = read_labels(path)
    assert list(labels) == [f"{name}_DRONE_001"]
    target_class, boxes = labels[f"{name}_DRONE_001"]
    assert target_class == "drone"
    with VideoClip(made / kind / "clips" / f"{name}_DRONE_001.mp4") as clip:
        frames = list(clip.frames())
        assert (clip.info.width_px, clip.info.height_px, clip.info.frame_rate_hz) == (*size, 30.0)
    assert len(frames) == 12
    seen = 0
    for number, (x, y, width, height) in boxes.items():
        grey = frames[number].grey.astype(np.float64)
        middle = grey[int(y) : int(y + height) + 1, int(x) : int(x + width) + 1].mean()
        around = np.median(grey[max(int(y) - 8, 0) : int(y) + 9, max(int(x) - 8, 0) : int(x) + 9])
        seen += abs(middle - around) > 4.0
    assert seen >= 0.8 * len(boxes) > 0


def test_radio_and_radar_name_what_is_in_them(made: Path) -> None:
    samples, meta = read_sigmf(made / "rf" / "RF_001")
    assert samples.shape[0] == meta["global"]["core:num_channels"] == 7
    assert sum(a["core:sample_count"] for a in meta["annotations"]) > 0
    assert {a["vedette:target_id"] for a in meta["annotations"]} <= {"west_1", "east_1"}
    with np.load(made / "radar" / "RADAR_001.npz") as radar:
        assert set(radar["target_id"].tolist()) <= {"west_1", "east_1"}
        assert radar["iq"].shape == radar["range_m"].shape == (len(radar["target_id"]), len(radar["t_s"]))
        assert radar["iq"].dtype == np.complex64
        # Positive recedes: the range grows with its rate.
        grown = radar["range_m"][:, -1] - radar["range_m"][:, 0]
        assert grown == pytest.approx(
            radar["range_rate_mps"].mean(axis=1) * (radar["t_s"][-1] - radar["t_s"][0]), rel=0.01
        )


def prints(folder: Path) -> dict[str, str]:
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return {p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def test_the_same_seed_gives_the_same_bytes_whatever_else_is_asked_for(made: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    main(replace(OPTIONS, out=again, kinds=("audio", "thermal", "rf", "radar")))
    first, second = prints(made), prints(again)
    same = [name for name in second if name not in ("manifest.json", "truth.csv")]
    assert len(same) >= 6
    assert {name: second[name] for name in same} == {name: first[name] for name in same}


def test_jamming_of_the_scenario_is_in_the_echo_and_in_its_pd(made: Path, tmp_path: Path) -> None:
    event = "events=[{kind: jamming, from_s: 0, sensors: [tank_1_radar], jamming_db: 40}]"
    main(replace(OPTIONS, out=tmp_path / "a", kinds=("radar",), overrides=(event,)))
    pd = [read_truth(folder / "truth.csv").pd["tank_1_radar"].max() for folder in (made, tmp_path / "a")]
    assert pd[0] > 0.999 > 0.99 > pd[1]
    power = []
    for folder in (made, tmp_path / "a"):
        with np.load(folder / "radar" / "RADAR_001.npz") as radar:
            power.append(float(np.mean(np.abs(radar["iq"]) ** 2)))
    assert power[1] - power[0] == pytest.approx(1e4, rel=0.1)  # 40 dB over noise of unit power


def test_longer_intervals_become_clips(tmp_path: Path) -> None:
    main(replace(OPTIONS, out=tmp_path / "a", seconds=0.5, clip_s=0.2, sensors=("tank_3_radar",)))
    clips = json.loads((tmp_path / "a" / "manifest.json").read_text())["clips"]
    assert [(c["file"], c["sensor_id"]) for c in clips] == [
        (f"radar/RADAR_00{n}.npz", "tank_3_radar") for n in (1, 2, 3)
    ]
    assert [c["seconds"] for c in clips] == pytest.approx([0.2, 0.2, 0.1])


@pytest.mark.parametrize("fault", [KeyboardInterrupt(), OSError("no space left on device")])
def test_nothing_is_left_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: BaseException) -> None:
    def broken(clip: object, told: object) -> dict[str, object]:
        raise fault

    monkeypatch.setitem(KINDS, "radar", Maker("radar", "radar", broken))
    with pytest.raises(type(fault)):
        main(replace(OPTIONS, out=tmp_path / "a", kinds=("radar",)))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"seconds": 0.0}, "--seconds = 0: must be >= 0.1"),
        ({"seconds": float("nan")}, "--seconds = nan"),
        ({"clip_s": 0.05}, "--clip-seconds = 0.05: must be 0.1 to 60"),
        ({"start_s": 89.9}, "must lie in 0 to 90 s"),
        ({"start_s": -1.0}, "must lie in 0 to 90 s"),
        ({"seed": -1}, "--seed = -1: must be >= 0"),
        ({"kinds": ("smell",)}, "--kind = smell: must be one of audio, thermal"),
        (
            {"sensors": ("tank_9_radar",)},
            "--sensor = tank_9_radar: no such sensor in crossing_pair; it has tank_1_radar",
        ),
        ({"kinds": ("radar",), "overrides": ("platoon.vehicles=[]", "platoon.fit=none")}, "has no radar sensor"),
    ],
)
def test_wrong_input_is_refused_before_anything_is_written(
    tmp_path: Path, change: dict[str, object], words: str
) -> None:
    with pytest.raises(InputError, match="^" + ".*" + words.replace("(", r"\(")):
        main(replace(OPTIONS, out=tmp_path / "a", **change))  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_something_in_it_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="exists and is not an empty folder"):
        main(replace(OPTIONS, out=tmp_path, kinds=("radar",)))
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]
