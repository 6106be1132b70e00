"""The classifier that comes with Vedette: its card, its memory, made sounds, and the real recordings."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import sound_maker
import yaml

from benchmarks.acoustic_clips import evaluate
from detectors.acoustic.classifier import MEMORY, AcousticClassifier, open_classifier, remembered
from detectors.acoustic.rotor import hear_rotor
from detectors.acoustic.sound import SAMPLE_RATE_HZ, read_recording
from detectors.manifest import Model, ModelError, checked_model, load_listed

N = SAMPLE_RATE_HZ


@pytest.fixture(scope="module")
def classifier() -> AcousticClassifier:
    return open_classifier()


def seconds(sound: np.ndarray) -> list[np.ndarray]:
    return [sound[k * N : (k + 1) * N].astype(np.float32) for k in range(len(sound) // N)]


def test_what_is_remembered_is_the_half_of_before_and_the_half_of_now() -> None:
    assert remembered(np.array([4.0, 0.0, 0.0])).tolist() == [4.0, 2.0, 1.0]
    assert remembered(np.array([4.0]), before=-4.0).tolist() == [(1.0 - 2.0 * MEMORY) * 4.0]


def test_a_claim_is_the_calibrated_memory_of_the_seconds(classifier: AcousticClassifier) -> None:
    classifier.forget()
    sounds = seconds(sound_maker.rotor(4, 3.0))
    claims = [classifier.step(s) for s in sounds]
    alone = classifier.alone(np.stack(sounds))
    assert [c.drone_alone for c in claims] == pytest.approx(alone.tolist(), abs=1e-5)
    belief = 0.0
    for k, p in enumerate(np.clip(alone, 1e-6, 1.0 - 1e-6).tolist()):
        logit = math.log(p / (1.0 - p))
        belief = logit if k == 0 else 0.5 * belief + 0.5 * logit
        scale, offset = classifier.card.memory
        assert claims[k].drone == pytest.approx(1.0 / (1.0 + math.exp(-scale * belief - offset)), abs=1e-4)
        assert claims[k].label == ("drone" if claims[k].drone >= 0.5 else "background")


def test_silence_says_nothing_and_is_forgotten(classifier: AcousticClassifier) -> None:
    classifier.forget()
    first, second = seconds(sound_maker.rotor(4, 2.0))
    classifier.step(first)
    assert classifier.step(np.zeros(N, np.float32), "silent").label == "silent"
    after = classifier.step(second)
    classifier.forget()
    assert classifier.step(second) == after


def test_the_card_is_the_models_and_names_what_it_must() -> None:
    model = load_listed("acoustic")
    card = yaml.safe_load(model.card)
    assert card["sha256"] == model.sha256
    assert card["bytes"] == len(model.data) < 1_000_000
    assert {"data", "split", "metrics_held_out", "calibration", "input", "output", "licence", "limits"} <= set(card)
    # The promise on clips held out: F1 of at least 0.96 on seconds, and better than the classical comb in every fold.
    table = card["metrics_held_out"]
    assert table["classifier_with_memory"]["f1"] >= 0.96
    for kind in ("alone", "with_memory"):
        pairs = zip(table[f"classifier_{kind}"]["f1_by_fold"], table[f"comb_{kind}"]["f1_by_fold"], strict=True)
        assert all(model_f1 > comb_f1 for model_f1, comb_f1 in pairs)


def test_a_card_of_another_model_is_refused() -> None:
    model = load_listed("acoustic")
    for wrong in ("", "- 1", model.card.replace("sample_rate_hz: 22050", "sample_rate_hz: 16000")):
        with pytest.raises(ModelError, match="card"):
            AcousticClassifier(Model("acoustic", model.source, model.sha256, model.data, wrong))


def test_a_model_of_another_shape_is_refused() -> None:
    import onnx_maker

    data = onnx_maker.adding([1.0, 2.0, 3.0])
    model = checked_model("acoustic", Path("other.onnx"), data, "")
    card = load_listed("acoustic").card.replace(load_listed("acoustic").sha256, model.sha256)
    with pytest.raises(ModelError, match="inputs"):
        AcousticClassifier(Model("acoustic", model.source, model.sha256, data, card))


def test_the_rotor_of_a_made_drone() -> None:
    rotor = hear_rotor(sound_maker.rotor(5, 3.0, f0_hz=180.0).astype(np.float32))
    assert rotor.blade_pass_hz == pytest.approx(180.0, rel=0.03)  # four rotors of speeds 1 % apart


def test_lines_between_those_of_the_blades_are_the_shafts() -> None:
    """Two blades, slightly unequal: every second line 12 dB weaker."""
    t = np.arange(2 * N) / N
    rng = np.random.default_rng(9)
    comb = sum((1.0 if k % 2 == 0 else 0.25) * np.sin(2.0 * np.pi * 90.0 * k * t + k * k) for k in range(1, 13))
    rotor = hear_rotor((comb + 0.3 * rng.standard_normal(len(t))).astype(np.float32))
    assert rotor.blade_pass_hz == pytest.approx(180.0, abs=2.0)


def test_the_real_recordings(root: Path, tmp_path: Path, classifier: AcousticClassifier) -> None:
    """Trained on them: features, model and memory are those of the training. Held-out figures are in the card."""
    data, real = sound_maker.recordings_or_made(root, tmp_path)
    result = evaluate(data, classifier)
    assert result["refused"] == []
    if real:
        assert result["f1"] >= 0.97
        assert result["by_class"]["background"]["f1"] >= 0.97
        tonal = list(read_recording(data / "audio" / "BACKGROUND_001.wav").windows())
        classifier.forget()
        claims = [classifier.step(w.sound[:, 0]).label for w in tonal]
        assert claims.count("drone") <= 2  # the false-alarm case: steady tones, no rotor
